"""Serve reports on this machine: their list, their pages, and their live pages under stand-alone Voila.

Only what is listed here is served. Voila's own routes (files, tree, contents, kernels, shutdown) are not: a live
page is plain HTML that needs no script, its kernel ends with it, and nothing reaches a kernel from outside.
"""

import asyncio
import logging
import os
import socket
import tempfile
import threading
from asyncio import InvalidStateError
from contextlib import suppress
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import tornado.ioloop
import tornado.web
from traitlets.config import Config
from voila.app import Voila
from voila.handler import VoilaHandler

from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.display.sliders import script_hash
from cxinsights.errors import CxError, NoWarmKernelError, ServeError
from cxinsights.kernels.asking import warm_up
from cxinsights.kernels.limits import Limits
from cxinsights.kernels.warm import ONE_THREAD
from cxinsights.params import Project, load_study
from cxinsights.publish.index import render_index
from cxinsights.report.findings import PAGES
from cxinsights.report.identity import ReportId
from cxinsights.report.snapshot import has_page, page_of

__all__ = ["ReportServer", "free_port", "serve_reports"]

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
LIVE_AT_ONCE = 4
_HOSTS = r"(127\.0\.0\.1|localhost)"
_PART = r"[A-Za-z0-9_][A-Za-z0-9_-]*"
_REPORT = rf"{_PART}/{_PART}/{_PART}/{_PART}/{_PART}"
_FILE = rf"(?:{_REPORT}/(?:index\.html|[a-z0-9_]+\.csv)|{_PART}/data-quality\.html)"
_HEADERS = {
    # pages ask nobody for anything, and hold one script of ours, by its hash
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; "
    f"script-src {script_hash()}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class _Plain(tornado.web.RequestHandler):
    """Headers that every answer has, and errors that say no more than their name."""

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code}: {self._reason}")


class _Index(_Plain):
    """The list of reports, made anew for each visit."""

    def initialize(self, project: Project) -> None:
        self.project = project

    def get(self) -> None:
        self.finish(render_index(self.project, live=True))

    head = get


class _Home(_Plain):
    """Links to the list that pages hold for readers without a server."""

    def get(self) -> None:
        self.redirect("/")


class _Snapshot(_Plain, tornado.web.StaticFileHandler):
    """A report's page, its tables, and a study's data-quality page; no other file."""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if not Path(absolute_path).resolve().is_relative_to(Path(root).resolve()):  # a link that leads elsewhere
            raise tornado.web.HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def get_cache_time(self, *_: Any) -> int:
        """None, whatever the address ends in: a report made anew has the same address."""
        return 0


class _Live(VoilaHandler):
    """A report's notebook, run for this visit; its kernel ends with the page."""

    running = 0
    _work: asyncio.Task | None = None
    _ending: asyncio.Future | None = None  # held, or it may be collected before it is done

    def set_default_headers(self) -> None:
        _Plain.set_default_headers(self)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if status_code == 503:
            self.set_header("Retry-After", "5")
        _Plain.write_error(self, status_code, **kwargs)

    def on_connection_close(self) -> None:
        """Let a reader who left hold neither kernel nor turn until the notebook ends.

        Cancelling is not enough: within a cell it is taken for the kernel's death, and the next cell runs.
        """
        if self._work is not None:
            self._work.cancel()
            self._ending = asyncio.ensure_future(self._kernels.shut_down_mine())

    async def get(self, path: str) -> None:
        self._work = asyncio.current_task()
        if self.request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise tornado.web.HTTPError(403)  # a page elsewhere could keep every turn taken
        report = ReportId(*path.split("/"))
        notebook = f"{path}/{report.analysis}.ipynb"
        root = Path(self.settings["reports"]).resolve()
        found = (root / notebook).resolve()
        if not found.is_file() or not found.is_relative_to(root):  # a link that leads elsewhere
            raise tornado.web.HTTPError(404)
        if _Live.running >= LIVE_AT_ONCE:
            raise tornado.web.HTTPError(503, reason="Too many live pages at once: the report itself is under Reports")
        _Live.running += 1
        try:
            async for part in self.get_generator(path=notebook):
                self.write(part)
                await self.flush()
        except (tornado.iostream.StreamClosedError, asyncio.CancelledError):
            log.info("live page left early: %s", path)
        finally:
            _Live.running -= 1
            await self._kernels.shut_down_mine()

    @cached_property
    def _kernels(self) -> "_OwnKernels":
        return _OwnKernels(self.settings["kernel_manager"])

    @property
    def kernel_manager(self) -> Any:
        """Kernels, remembering which ones this visit started."""
        return self._kernels


class _OwnKernels:
    """A kernel manager that remembers what was started through it."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._mine: list[asyncio.Future[str]] = []

    async def start_kernel(self, **settings: Any) -> str:
        starting = asyncio.ensure_future(self._manager.start_kernel(**settings))
        self._mine.append(starting)
        return await asyncio.shield(starting)  # a reader who leaves now would leave a process without a name

    async def shut_down_mine(self) -> None:
        for starting in self._mine:
            await asyncio.wait([starting])
            if starting.exception() is None:
                with suppress(KeyError, InvalidStateError):  # a kernel that died is gone already
                    await self._manager.shutdown_kernel(starting.result(), now=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)


class ReportServer(Voila):
    """Stand-alone Voila with routes of our own."""

    project: Project

    def setup_template_dirs(self) -> None:
        """Take our page, and nothing that a request or a notebook could name instead."""
        self.template_paths = [
            str(files("cxinsights.publish").joinpath("template")),
            str(files("cxinsights.report").joinpath("template")),
        ]
        self.static_paths = []

    def init_handlers(self) -> list:
        """Routes; whatever is not among them does not exist."""
        project = {"project": self.project}
        live = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            (r"/", _Index, project),
            (r"/(?:reports|live)/(?:index\.html)?", _Home),
            (rf"/reports/({_FILE})", _Snapshot, {"path": str(self.project.outputs)}),
            (rf"/live/({_REPORT})/(?:index\.html)?", _Live, live),
        ]

    def start(self) -> None:
        """Serve until stopped; names of other hosts are not answered (a page elsewhere could point its own at us)."""
        self.connection_dir = tempfile.mkdtemp(prefix="cxinsights-kernels-")
        settings = {**self.init_settings(), "reports": str(self.project.outputs), "default_handler_class": _NotFound}
        self.app = tornado.web.Application(**settings)
        self.app.add_handlers(_HOSTS, self.init_handlers())
        self.app.listen(self.port, ADDRESS, max_body_size=0)
        print(f"Reports on http://{ADDRESS}:{self.port}/ (Ctrl-C stops)", flush=True)
        self.ioloop = tornado.ioloop.IOLoop.current()
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            print("Stopped.")
        finally:
            self.stop()


class _NotFound(_Plain):
    """Everything else."""

    def prepare(self) -> None:
        raise tornado.web.HTTPError(404)


def serve_reports(project: Project, port: int) -> None:
    """Serve a project's reports on this machine until stopped.

    Raises
    ------
    ServeError
        The port is taken.
    """
    port = port or free_port()
    with socket.socket() as probe:
        if probe.connect_ex((ADDRESS, port)) == 0:
            raise ServeError(
                f"port {port} is taken. Stop what listens there, or choose another: --port 0 takes a free one."
            )
    os.environ.update(ONE_THREAD)  # also of kernels that start plainly
    os.environ["CXINSIGHTS_HOME"] = str(project.root)
    os.environ[PAGES] = str(project.outputs)
    server = ReportServer.instance(config=_safe_settings(project), port=port, root_dir=str(project.outputs))
    server.project = project
    server.initialize(argv=[])
    threading.Thread(target=_warm_up, daemon=True).start()
    server.start()


def _warm_up() -> None:
    """Have the warm process ready before the first reader comes."""
    try:
        warm_up()
    except NoWarmKernelError as reason:
        log.warning("plain kernel starts: %s", reason)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


def _safe_settings(project: Project) -> Config:
    def page_config(current: dict, notebook_path: str, **_: Any) -> dict:
        report = ReportId(*Path(notebook_path).parent.parts)
        try:
            page = page_of(report, load_study(project, report.study), "", partial(has_page, project))
        except CxError:
            raise tornado.web.HTTPError(404) from None
        return {**current, "page": page, "media_type": MEDIA_TYPE, "snapshot": f"/reports/{report.path}/index.html"}

    return Config(
        {
            # no settings from files: one in the folder where the server starts could undo these
            "Voila": {"ip": ADDRESS, "open_browser": False, "log_level": logging.ERROR, "config_file_paths": []},
            "VoilaConfiguration": {
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "file_allowlist": [],
                "show_tracebacks": False,
                "strip_sources": True,
                "progressive_rendering": False,
                "http_keep_alive_timeout": 600,  # the heartbeat is a script, and there is none on the page
                "page_config_hook": page_config,
            },
            "MappingKernelManager": {"cull_idle_timeout": 120, "cull_interval": 30, "cull_connected": True},
            "KernelManager": {"transport": "ipc", "autorestart": False},
            "VoilaExecutor": {"timeout": int(Limits().seconds)},
        }
    )

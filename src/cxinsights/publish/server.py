"""Serve reports: their list, their pages, and their live pages under stand-alone Voila.

Every request passes the gate before it is routed. Only what is listed here is served. Voila's own routes (files, tree,
contents, kernels, shutdown) are not: a live page is plain HTML that needs no script, its kernel ends with it, and
nothing reaches a kernel from outside. On this machine alone drafts are served; to readers elsewhere what is released.
"""

import asyncio
import logging
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property, lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import tornado.ioloop
import tornado.web
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from traitlets.config import Config
from voila.app import Voila

from cxinsights.display.blocks import MEDIA_TYPE, PAGE_ONLY
from cxinsights.errors import CxError, NoWarmKernelError
from cxinsights.kernels.asking import warm_up
from cxinsights.kernels.warm import ONE_THREAD
from cxinsights.params import Project, load_study
from cxinsights.publish.audit import Audit
from cxinsights.publish.door import ADDRESS, Door, free_port
from cxinsights.publish.downloads.handing import Download
from cxinsights.publish.downloads.making import KINDS
from cxinsights.publish.entrance import Entrance
from cxinsights.publish.gate import ENTRANCE, HEALTH, Gate
from cxinsights.publish.handover import pass_on
from cxinsights.publish.headers import Plain
from cxinsights.publish.index import render_index
from cxinsights.publish.live import LIMITS, Live, visitor_of, with_asked
from cxinsights.report.findings import PAGES
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import WHOLE
from cxinsights.report.snapshot import has_page, page_of

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["ReportServer", "serve_reports"]

log = logging.getLogger(__name__)

FINISH_S = 8
"""How long a server that is told to stop lets live pages run on."""
_SOUGHT = 100
"""Letters that are searched for."""
_MOST_DESCRIPTORS, _OWN_DESCRIPTORS = 8192, 300
_PIECE = 65_536
"""Bytes of a page that are sent at a time."""
_PART = r"[A-Za-z0-9_][A-Za-z0-9_-]*"
_REPORT = rf"{_PART}/{_PART}/{_PART}/{_PART}/{_PART}"
_PAGE = rf"{_REPORT}/index\.html"
_FILE = rf"(?:{_REPORT}/[a-z0-9_]+\.csv|{_PART}/data-quality\.html)"
_MADE = rf"({_REPORT})/report\.({'|'.join(KINDS)})"


class _Index(Plain):
    """The list of reports, made anew for each visit."""

    def initialize(self, project: Project, released: bool) -> None:
        self.project = project
        self.released = released

    def get(self) -> None:
        sought = self.get_query_argument("q", "")[:_SOUGHT]
        self.finish(
            render_index(self.project, visitor_of(self.request), live=True, released=self.released, sought=sought)
        )

    head = get


class _Home(Plain):
    """Links to the list that pages hold for readers without a server."""

    def get(self) -> None:
        self.redirect("/")


class _Snapshot(Plain, tornado.web.StaticFileHandler):
    """A report's page, its tables, and a study's data-quality page; no other file."""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if not Path(absolute_path).resolve().is_relative_to(Path(root).resolve()):  # a link that leads elsewhere
            raise tornado.web.HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def get_cache_time(self, *_: Any) -> int:
        """None, whatever the address ends in: a report made anew has the same address."""
        return 0

    def compute_etag(self) -> str | None:
        """By which file it is now; Tornado's own remembers what it held when it was first asked for."""
        found = os.stat(str(self.absolute_path))
        return f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'


@lru_cache(maxsize=16)
def _whole(path: Path, changed: int) -> bytes:
    """A page as it is sent; the same bytes for all who read it at a time."""
    return path.read_bytes().replace(*WHOLE)


class _Page(_Snapshot):
    """A report's page, with its links to files that are made on request: opened from a folder it hides them."""

    def get_content_size(self) -> int:
        """Of the page as it is sent."""
        return len(self._sent)

    def get_content(self, abspath: str, start: int | None = None, end: int | None = None) -> Iterator[bytes]:
        """The page as it is sent, or a part of it, a piece at a time: slow readers keep no copies waiting."""
        end = len(self._sent) if end is None else end
        for at in range(start or 0, end, _PIECE):
            yield self._sent[at : min(at + _PIECE, end)]

    @cached_property
    def _sent(self) -> bytes:
        path = Path(str(self.absolute_path))
        return _whole(path, path.stat().st_mtime_ns)


class ReportServer(Voila):
    """Stand-alone Voila with routes of our own."""

    project: Project
    door: Door

    def setup_template_dirs(self) -> None:
        """Take our page, and nothing that a request or a notebook could name instead."""
        self.template_paths = [
            str(files("cxinsights.publish").joinpath("template")),
            str(files("cxinsights.report").joinpath("template")),
        ]
        self.static_paths = []

    def init_handlers(self) -> list:
        """Routes; whatever is not among them does not exist."""
        project = {"project": self.project, "released": self.door.released}
        root = self.door.root(self.project)
        live = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            (r"/", _Index, project),
            (r"/(?:reports|live)/(?:index\.html)?", _Home),
            (rf"/reports/({_PAGE})", _Page, {"path": str(root)}),
            (rf"/reports/({_FILE})", _Snapshot, {"path": str(root)}),
            (
                rf"/reports/{_MADE}",
                Download,
                {"project": self.project, "root": root, "is_open": not self.door.released},
            ),
            (rf"/({_REPORT})/?", _Stable),
            (rf"/live/({_REPORT})/(?:index\.html)?", Live, live),
            (HEALTH, _Health),
            *([(rf"{ENTRANCE}(.+)", Entrance, {"keys": self.door.keys})] if self.door.keys else []),
        ]

    def start(self) -> None:
        """Serve until stopped."""
        self.connection_dir = tempfile.mkdtemp(prefix="cxinsights-kernels-")
        settings = {
            **self.init_settings(), "reports": str(self.project.outputs), "default_handler_class": _NotFound,
            "project": self.project, "released": self.door.released,
            "log_function": lambda handler: None,  # it would write links down; the gate has its own log
        }  # fmt: skip
        self.app = tornado.web.Application(self.init_handlers(), **settings)
        gate = Gate(self.app, self.door.identify, self.door.hosts, self.door.entrance, Audit(self.project))
        server = _Bounded(gate, max_body_size=0, max_header_size=16_384, idle_connection_timeout=60, body_timeout=10)
        self._listening = self.door.listen(self.port)
        server.add_sockets(self._listening)
        print(f"Reports on {self.door.told(self.port)} (Ctrl-C stops)", flush=True)
        self.ioloop = tornado.ioloop.IOLoop.current()
        self.ioloop.asyncio_loop.set_exception_handler(_log_in_a_line)
        signal.signal(signal.SIGTERM, lambda *_: self.ioloop.add_callback_from_signal(self._finish, server, gate))
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            print("Stopped.")
        finally:
            self.stop()

    async def _finish(self, server: HTTPServer, gate: Gate) -> None:
        """Leave new requests to whoever takes over, finish those that run, and stop."""
        until = time.monotonic() + FINISH_S
        pass_on(self._listening)
        await asyncio.sleep(0.2)  # what is on its way here has come by then
        server.stop()
        while (Live.running.total() or Download.turns or gate.answering) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self.ioloop.stop()


class _Bounded(HTTPServer):
    """A server that has descriptors left for its own work, however many connections are open."""

    def handle_stream(self, stream: IOStream, address: tuple) -> None:
        if len(self._connections) >= _most_connections():
            stream.close()
        else:
            super().handle_stream(stream, address)


@cache
def _most_connections() -> int:
    """As many as there are descriptors but for those of files and kernels; as many of these as the system gives us."""
    if resource is None:
        return _OWN_DESCRIPTORS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most - min(_OWN_DESCRIPTORS, most // 2)


def _log_in_a_line(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waited for and went wrong: without its words, which may be what people answered."""
    error = context.get("exception")
    log.warning("%s (%s)", context.get("message", "an error"), type(error).__name__ if error else "no more is known")


class _Stable(Plain):
    """The link to a report that people keep: it leads to its page."""

    def get(self, path: str) -> None:
        asked = f"?{self.request.query}" if self.request.query else ""  # the state of its controls
        self.redirect(f"/reports/{path}/index.html{asked}")

    head = get


class _Health(Plain):
    """Whether the server answers, for whoever watches it."""

    def get(self) -> None:
        self.finish("ok")

    head = get


class _NotFound(Plain):
    """Everything else."""

    def prepare(self) -> None:
        raise tornado.web.HTTPError(404)


def serve_reports(project: Project, port: int, door: Door | None = None, take_over: bool = False) -> None:
    """Serve a project's reports until stopped.

    Parameters
    ----------
    door
        Where to listen and who may come in; by default everybody on this machine.
    take_over
        Whether to listen beside a server of ours that is there already, which is then to be stopped.

    Raises
    ------
    ServeError
        The port is taken.
    """
    door = door or Door()
    port = port or free_port()
    if not take_over:
        door.check_free(port)
    os.environ.update(ONE_THREAD)  # also of kernels that start plainly
    os.environ["CXINSIGHTS_HOME"] = str(project.root)
    os.environ[PAGES] = str(project.outputs)
    os.environ[PAGE_ONLY] = "yes"
    server = ReportServer.instance(config=_safe_settings(project, door), port=port, root_dir=str(project.outputs))
    server.project, server.door = project, door
    server.initialize(argv=[])
    threading.Thread(target=_warm_up, daemon=True).start()
    server.start()


def _warm_up() -> None:
    """Have the warm process ready before the first reader comes."""
    try:
        warm_up()
    except NoWarmKernelError as reason:
        log.warning("plain kernel starts: %s", reason)


def _safe_settings(project: Project, door: Door) -> Config:
    def page_config(current: dict, notebook_path: str, **_: Any) -> dict:
        report = ReportId(*Path(notebook_path).parent.parts)
        snapshot = f"/reports/{report.path}/index.html"
        try:
            page = page_of(report, load_study(project, report.study), "", partial(has_page, door.root(project)))
        except CxError:
            raise tornado.web.HTTPError(404) from None
        page = replace(page, crumbs=_leading(page.crumbs, snapshot), earlier=_leading(page.earlier, snapshot))
        return {**current, "page": page, "media_type": MEDIA_TYPE, "snapshot": snapshot}

    return Config(
        {
            # no settings from files: one in the folder where the server starts could undo these; and no word of
            # Voila's about errors, which quotes what a cell's says
            "Voila": {"ip": ADDRESS, "open_browser": False, "log_level": logging.CRITICAL, "config_file_paths": []},
            "VoilaConfiguration": {
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "file_allowlist": [],
                "show_tracebacks": False,
                "strip_sources": True,
                "progressive_rendering": False,
                "http_keep_alive_timeout": 600,  # the heartbeat is a script, and there is none on the page
                "page_config_hook": page_config,
                "prelaunch_hook": with_asked,
            },
            "MappingKernelManager": {"cull_idle_timeout": 120, "cull_interval": 30, "cull_connected": True},
            "KernelManager": {"transport": "ipc", "autorestart": False},
            "VoilaExecutor": {"timeout": int(LIMITS.seconds)},
        }
    )


def _leading(links: Sequence[tuple[str, str]], snapshot: str) -> list[tuple[str, str]]:
    """Links of a report's page as they lead from there, wherever they stand: a live page leads to no other."""
    return [(name, urljoin(snapshot, link) if link else "") for name, link in links]

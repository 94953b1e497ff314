"""Live pages: a report's notebook run for one visit, with what its reader asks otherwise.

A live page is whole HTML: what readers ask is answered by running the notebook again with other parameters, checked by
the report's own model, so that no kernel is ever reached from outside. It ends with the answer.
"""

import asyncio
import logging
from asyncio import InvalidStateError
from collections import Counter
from contextlib import ExitStack, suppress
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

import nbformat
import psutil
import tornado.web
from jupyter_server.auth.identity import User
from nbformat import NotebookNode
from papermill.parameterize import parameterize_notebook
from tornado.httputil import HTTPServerRequest
from voila.handler import VoilaHandler

from cxinsights.errors import ParamsError
from cxinsights.kernels.limits import Limits
from cxinsights.kernels.watching import Watch
from cxinsights.params import ANALYSES
from cxinsights.publish.access import Visitor
from cxinsights.publish.gate import VISITOR
from cxinsights.publish.headers import Plain
from cxinsights.publish.releases import may_run
from cxinsights.report.identity import ReportId
from cxinsights.report.snapshot import parameters_of

__all__ = ["LIMITS", "LIVE_AT_ONCE", "LIVE_EACH", "Live", "visitor_of", "with_asked"]

log = logging.getLogger(__name__)

LIVE_AT_ONCE, LIVE_EACH = 4, 2
"""Live pages computed at once, in all and for one visit."""
LIMITS = Limits(seconds=120, memory_mb=1500)
"""What one of them may take."""
_CUT_OFF_S = LIMITS.seconds + 10
"""When an answer ends whatever became of its kernel: one that dies before it is ready is waited for, for ever."""
_UNFINISHED = '<p class="note" role="status" data-unfinished>This page could not be computed to its end.</p>'


def visitor_of(request: HTTPServerRequest) -> Visitor:
    """Who asks, as the gate found."""
    return Visitor.from_text(request.headers[VISITOR])


def with_asked(handler: "Live", notebook: NotebookNode, cwd: str) -> NotebookNode | None:
    """Voila's hook before the kernel starts: the notebook with what the reader asks."""
    return parameterize_notebook(notebook, handler.parameters) if handler.parameters else None


class Live(VoilaHandler):
    """A report's notebook, run for this visit; its kernel ends with the page."""

    running: ClassVar[Counter[str]] = Counter()
    parameters: dict[str, Any] | None = None
    """All of the notebook's, where the reader asks for others than it was run with."""
    _work: asyncio.Task | None = None
    _ending: asyncio.Future | None = None  # held, or it may be collected before it is done

    def set_default_headers(self) -> None:
        """As of every answer."""
        Plain.set_default_headers(self)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """As everywhere; and when to come again, where there are too many."""
        if status_code == 503:
            self.set_header("Retry-After", "5")
        Plain.write_error(self, status_code, **kwargs)

    def log_exception(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        """In a line: what a cell's error says may be what people answered."""
        if not isinstance(error, tornado.web.HTTPError):
            log.error("live page failed: %s", kind.__name__ if kind else "")

    def on_connection_close(self) -> None:
        """Let a reader who left hold neither kernel nor turn until the notebook ends.

        Cancelling is not enough: within a cell it is taken for the kernel's death, and the next cell runs.
        """
        if self._work is not None:
            self._work.cancel()
            self._ending = asyncio.ensure_future(self._kernels.shut_down_mine())

    async def prepare(self) -> None:
        """Nothing but what Voila needs: the gate has decided who asks, and no cookie says so beside it."""
        self.current_user = self._jupyter_current_user = User(username="reader")

    async def head(self, path: str) -> None:
        """200 where it would be run, 204 where the report alone stands: a page asks before it offers to be asked."""
        try:
            self._found(path)
        except tornado.web.HTTPError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            self.set_status(HTTPStatus.NO_CONTENT)
        await self.finish()

    async def get(self, path: str) -> None:
        """Run the notebook and send what it shows, each part as it is there."""
        self._work = asyncio.current_task()
        report, notebook = self._found(path)
        self.parameters = self._asked(report.analysis, notebook) if self.request.query_arguments else None
        visitor = visitor_of(self.request)
        visit = visitor.visit or visitor.name
        own = LIVE_EACH if self.settings["released"] else LIVE_AT_ONCE  # on this machine everybody is one
        if Live.running.total() >= LIVE_AT_ONCE or Live.running[visit] >= own:
            raise tornado.web.HTTPError(503, reason="Too many live pages at once: the report itself is under Reports")
        Live.running[visit] += 1
        try:
            async with asyncio.timeout(_CUT_OFF_S):
                async for part in self.get_generator(path=f"{path}/{notebook.name}"):
                    self.write(part)
                    self.flush()  # not waited for: a reader who does not read holds no turn
        except TimeoutError:
            log.warning("live page cut off after %d s: %s", _CUT_OFF_S, path)
            self.write(_UNFINISHED)
        except (tornado.iostream.StreamClosedError, asyncio.CancelledError):
            log.info("live page left early: %s", path)
        finally:
            try:
                await self._kernels.shut_down_mine()
            finally:
                Live.running[visit] -= 1

    def _found(self, path: str) -> tuple[ReportId, Path]:
        """The report and its notebook, where it may be run for whoever asks."""
        if self.request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise tornado.web.HTTPError(403)  # a page elsewhere could keep every turn taken
        report = ReportId(*path.split("/"))
        root = Path(self.settings["reports"]).resolve()
        found = (root / path / f"{report.analysis}.ipynb").resolve()
        if not found.is_file() or not found.is_relative_to(root):  # a link that leads elsewhere
            raise tornado.web.HTTPError(404)
        if self.settings["released"] and not may_run(self.settings["project"], report):
            raise tornado.web.HTTPError(409, reason="What has come in since is not released: the report itself stands")
        return report, found

    def _asked(self, analysis: str, notebook: Path) -> dict[str, Any]:
        """The notebook's parameters with those of the address, checked by the report's own model."""
        offered = ANALYSES[analysis].asks if analysis in ANALYSES else {}
        if not self.request.query_arguments.keys() <= offered.keys():
            asks = ", ".join(offered) or "nothing"
            raise tornado.web.HTTPError(400, reason=f"What can be asked here: {asks}.")
        made = parameters_of(nbformat.read(notebook, as_version=4))
        asked = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        for name, value in asked.items():
            if value not in offered[name][1]:
                raise tornado.web.HTTPError(400, reason=f"{name} may be {', '.join(offered[name][1])}.")
        try:
            return ANALYSES[analysis].asked(made, asked).model_dump(mode="json")
        except ParamsError as error:
            log.info("live: %s", error)
            raise tornado.web.HTTPError(400, reason="These do not go together in this report.") from None

    @cached_property
    def _kernels(self) -> "_OwnKernels":
        return _OwnKernels(self.settings["kernel_manager"])

    @property
    def kernel_manager(self) -> Any:
        """Kernels, remembering which ones this visit started."""
        return self._kernels


class _OwnKernels:
    """A kernel manager that remembers what was started through it, and ends what takes too much."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._mine: list[asyncio.Future[str]] = []
        self._watches = ExitStack()

    async def start_kernel(self, **settings: Any) -> str:
        starting = asyncio.ensure_future(self._started(settings))
        self._mine.append(starting)
        return await asyncio.shield(starting)  # a reader who leaves now would leave a process without a name

    async def _started(self, settings: dict[str, Any]) -> str:
        kernel: str = await self._manager.start_kernel(**settings)
        with suppress(psutil.NoSuchProcess, KeyError):  # it died at once
            self._watches.enter_context(Watch(self._manager.get_kernel(kernel).provisioner.pid, LIMITS))
        return kernel

    async def shut_down_mine(self) -> None:
        await asyncio.to_thread(self._watches.close)
        for starting in self._mine:
            await asyncio.wait([starting])
            if starting.exception() is None:
                with suppress(KeyError, InvalidStateError):  # a kernel that died is gone already
                    await self._manager.shutdown_kernel(starting.result(), now=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

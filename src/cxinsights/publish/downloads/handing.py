"""Hand out files of reports, made for whoever asks; the gate has decided before that it is theirs to see.

They are made in two threads, so that pages go on being served, and no more wait than are made in some seconds. What
one costs is bounded by what is read (`MOST_BYTES`) and written (`MOST_CELLS` and the like). Whoever does not take what
was asked for is cut off: it would be held for them.
"""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import tornado.web

from cxinsights.errors import ReportError, UnknownNameError
from cxinsights.params import Project
from cxinsights.publish.access import Visitor
from cxinsights.publish.downloads.making import KINDS, file_name, is_there, make_download
from cxinsights.publish.gate import VISITOR
from cxinsights.publish.headers import Plain
from cxinsights.report.identity import ReportId

__all__ = ["AT_ONCE", "EACH", "EACH_NAME", "TAKING", "WAITING", "Download"]

log = logging.getLogger(__name__)

AT_ONCE, WAITING, EACH, EACH_NAME = 2, 8, 2, 5
"""Files made at once, made or not yet taken in all, and of these for one visit, and for all of one link or person."""
TAKING = 60.0
"""Seconds within which a file is taken."""


class Download(Plain):
    """A report as a workbook or slides."""

    turns: ClassVar[list[tuple[str, str]]] = []
    """Visit and name of those whose files are made, or not yet taken."""

    def initialize(self, project: Project, root: Path, is_open: bool) -> None:
        """Take where reports lie, and whether everybody is one visitor."""
        self._project = project
        self._root = root
        self._most = (WAITING, WAITING) if is_open else (EACH, EACH_NAME)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """As everywhere; and when to come again, where there are too many."""
        if status_code == 503:
            self.set_header("Retry-After", "5")
        super().write_error(status_code, **kwargs)

    def log_exception(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        """In a line: what an error says may be what a report holds."""
        if not isinstance(error, tornado.web.HTTPError):
            log.error("download failed: %s", kind.__name__ if kind else "")

    async def get(self, path: str, kind: str) -> None:
        """Make the file, or take the one that was made last, and send it."""
        if self.request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise tornado.web.HTTPError(403)  # a page elsewhere could keep every turn taken
        report = ReportId(*path.split("/"))
        if not is_there(self._root, report):
            raise tornado.web.HTTPError(404)
        visitor = Visitor.from_text(self.request.headers[VISITOR])
        with self._turn(visitor):
            made = await self._made(report, kind)
            self.set_header("Content-Type", KINDS[kind].media_type)
            self.set_header("Content-Disposition", f'attachment; filename="{file_name(report, kind)}"')
            taken = asyncio.ensure_future(self.finish(made))
            taken.add_done_callback(lambda one: one.cancelled() or one.exception())  # they may have left
            if not (await asyncio.wait([taken], timeout=TAKING))[0]:
                log.warning("download: not taken within %.0f s", TAKING)
                self.request.connection.stream.close()

    head = get

    @contextmanager
    def _turn(self, visitor: Visitor) -> Iterator[None]:
        own = (visitor.visit or visitor.name, visitor.name)
        others = [sum(turn[at] == own[at] for turn in Download.turns) for at in (0, 1)]
        if len(Download.turns) >= WAITING or any(n >= most for n, most in zip(others, self._most, strict=True)):
            raise tornado.web.HTTPError(503, reason="Too many files at once: try again in some seconds")
        Download.turns.append(own)
        try:
            yield
        finally:
            Download.turns.remove(own)

    async def _made(self, report: ReportId, kind: str) -> bytes:
        work = asyncio.get_running_loop().run_in_executor(
            _makers(), make_download, self._project, self._root, report, kind
        )
        try:
            return await work
        except UnknownNameError:  # of a study or place that there was
            raise tornado.web.HTTPError(404) from None
        except ReportError as error:
            log.warning("download: %s", error)
            raise tornado.web.HTTPError(422, reason=str(error).removeprefix(f"{report.path}: ")) from None


@cache
def _makers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="download")

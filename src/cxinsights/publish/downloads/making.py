"""Files of a report, made when they are asked for: nothing is made ahead, and the last ones are kept for a while."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from cxinsights.errors import UnknownNameError
from cxinsights.params import Project
from cxinsights.publish.downloads.contents import read_contents, state_of
from cxinsights.report.identity import ReportId

__all__ = ["KINDS", "Kind", "file_name", "find_report", "is_there", "make_download"]

_KEPT = 16
"""Files kept, of some hundred kB each, so that what many ask for is made once."""


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    name: str
    media_type: str
    maker: str
    """Module and function, loaded with the first file: its libraries take a while."""
    shows: bool
    """Whether it holds what the page shows."""

    def load(self) -> Callable[..., bytes]:
        """The function that makes it."""
        module, _, function = self.maker.partition(":")
        return getattr(import_module(f"{__package__}.{module}"), function)


_OFFICE = "application/vnd.openxmlformats-officedocument"
KINDS = {
    "xlsx": Kind("Excel workbook", f"{_OFFICE}.spreadsheetml.sheet", "workbook:as_workbook", shows=False),
    "pptx": Kind("PowerPoint slides", f"{_OFFICE}.presentationml.presentation", "slides:as_slides", shows=True),
}
"""What can be had, by the ending of its name."""


def make_download(project: Project, root: Path, report: ReportId, kind: str) -> bytes:
    """The bytes of a report's file.

    Parameters
    ----------
    root
        Folder of drafts or of released reports.
    kind
        One of `KINDS`.

    Raises
    ------
    ReportError
        There is no report, or none that can be made into a file.
    UnknownNameError
        The params do not know its study, place or period any more.
    """
    settings = tuple((path.name, path.stat().st_mtime_ns) for path in sorted((project.params / report.study).glob("*")))
    return _made(project, root, report, kind, (state_of(root, report), settings))


def is_there(root: Path, report: ReportId) -> bool:
    """Whether there is a report to make a file of, and no link that leads elsewhere."""
    record = report.folder(root) / "result.json"
    return record.is_file() and record.resolve().is_relative_to(root.resolve())


def find_report(root: Path, name: str, how: str) -> ReportId:
    """The report of a name (demo/2026Q3/emea/retail/drivers) among those that are there.

    Parameters
    ----------
    how
        What becomes of reports in this folder: made, or released.

    Raises
    ------
    UnknownNameError
        There is none of that name.
    """
    known = [path.parent.relative_to(root).as_posix() for path in root.glob("[!.]*/*/*/*/[!.]*/result.json")]
    if name not in known:
        beside = sorted(one.rpartition("/")[2] for one in known if one.rpartition("/")[0] == name.rpartition("/")[0])
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" {how.capitalize()} of that place: {', '.join(beside)}." if beside else ""
        hint = hint or (f" Did you mean {near[0]}?" if near else "")
        raise UnknownNameError(
            f"download: no report {name} has been {how}.{hint} cxinsights plan lists those that there can be."
        )
    return ReportId(*name.split("/"))


def file_name(report: ReportId, kind: str) -> str:
    """What the file is called: demo-2026Q3-emea-retail-drivers.xlsx."""
    return f"{report.path.replace('/', '-')}.{kind}"


@lru_cache(maxsize=_KEPT)
def _made(project: Project, root: Path, report: ReportId, kind: str, state: tuple) -> bytes:
    made = KINDS[kind]
    return made.load()(read_contents(project, root, report, shown=made.shows))

"""What lies in a report's folder for the files made of it: its record, and what its page shows.

Numbers are those of `result.json`. Pictures are drawn nowhere but in the notebook, so slides take them, and the tables
as the page words them, from the executed notebook beside it: from the outputs that the page was made of, and no others.
Both have passed the guard before they were written. Nothing else is read, and nothing under `data/`.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cxinsights.errors import ReportError
from cxinsights.params import Project, Study, load_study
from cxinsights.publish.releases import notices_of
from cxinsights.report.identity import ReportId
from cxinsights.report.snapshot import foot_of

__all__ = ["MOST_BYTES", "Contents", "clean", "read_contents", "state_of"]

MOST_BYTES = 32 * 2**20
"""Of a record or a notebook: what is larger would take memory that readers' pages need."""
_RECORD = "result.json"
_READ = (_RECORD, "release.json", "{}.ipynb")
_TRIES = 3
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n?")


@dataclass(frozen=True)
class Contents:
    """A report, as files made of it tell it."""

    report: ReportId
    study: Study
    result: dict[str, Any]
    """Its `result.json`."""
    notices: list[str]
    """What a release restated."""
    notebook: dict[str, Any]
    """The executed notebook; empty where it is not asked for."""

    @property
    def headline(self) -> str:
        """What the report found, or why it found nothing."""
        return clean(str(self.result.get("headline", "")))

    @property
    def lead(self) -> str:
        """The sentences under the headline."""
        return clean(str(self.result.get("lead", "")))

    @property
    def place(self) -> str:
        """Whom the report is about."""
        return clean(self.study.label_of(self.report.region, self.report.unit))

    @property
    def period(self) -> str:
        """When, as text has it."""
        return clean(self.study.periods.period(self.report.period).label)

    @property
    def subject(self) -> str:
        """What, of whom and when, in one line."""
        return f"{self.report.title} · {self.place} · {self.period}"

    @cached_property
    def source(self) -> list[str]:
        """Where the data are from, how far they reach, and what made the report."""
        return [clean(line) for line in foot_of(self.study, None)]


def read_contents(project: Project, root: Path, report: ReportId, *, shown: bool) -> Contents:
    """What the folder of a report holds.

    Parameters
    ----------
    root
        Folder of drafts or of released reports.
    shown
        Whether to read the notebook as well: what the page shows.

    Raises
    ------
    ReportError
        There is no report, or none that can be read.
    UnknownNameError
        The params do not know its place or period any more.
    """
    study = load_study(project, report.study)
    study.check_place(report.region, report.unit)
    study.periods.period(report.period)
    folder = report.folder(root)
    for _ in range(_TRIES):
        before = state_of(root, report)
        result = _read(folder / _RECORD, report)
        notebook = _read(folder / f"{report.analysis}.ipynb", report) if shown else {}
        notices = [clean(line) for line in notices_of(folder)]
        if before == state_of(root, report):  # nothing of it was made anew between the one and the other
            return Contents(report, study, result, notices, notebook)
    raise ReportError(f"{report.path}: it is being made anew. Try again in a minute.")


def state_of(root: Path, report: ReportId) -> tuple:
    """Which files there are now; another state, another report."""
    folder = report.folder(root)
    return tuple(_state(folder / name.format(report.analysis)) for name in _READ)


def clean(text: str) -> str:
    """Text without characters that no office file can hold."""
    return _LINE_END.sub("\n", _NO_TEXT.sub("", text))


def _state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(path: Path, report: ReportId) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ReportError(f"{report.path}: too large for one file. Take its tables, which are there as CSV.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ReportError(f"{report.path}: {path.name} is not there. Make the report again.") from None
    except ValueError:
        raise ReportError(f"{report.path}: {path.name} cannot be read. Make the report again.") from None
    if not isinstance(found, dict):
        raise ReportError(f"{report.path}: {path.name} cannot be read. Make the report again.")
    return found

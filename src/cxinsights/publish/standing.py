"""How each listed report stands: of too few answers, out of date, failed when made anew, or not yet released."""

import json
import logging
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cxinsights.batch.ledger import Entry, Ledger
from cxinsights.params import Project
from cxinsights.publish.releases import is_current, released_root
from cxinsights.report.identity import ReportId

log = logging.getLogger(__name__)

__all__ = ["STATUS", "notes_of", "unmade"]

STATUS = {"too_few": "Too few answers", "refused": "No result", "no_data": "No answers"}
"""What is said of a report by its result's own status."""


def notes_of(project: Project, reports: Iterable[ReportId], released: bool) -> dict[ReportId, str]:
    """What readers should know of reports before they open them; nothing of those that stand as they are.

    Parameters
    ----------
    released
        Whether these are released reports, beside which the drafts may have gone on.
    """
    reports = list(reports)
    if released:
        return {report: "Newer figures are not released yet" for report in reports if _is_newer(project, report)}
    found = {}
    for study in {report.study for report in reports}:
        unmade = _unmade(project, study)
        for report in reports:
            if (entry := unmade.get(report.path)) is not None:
                failed = entry.status == "failed" and entry.ended is not None
                found[report] = _failed(entry.ended) if failed else "Out of date: the last run did not come to it"
    return found


def unmade(project: Project, study: str, made: Iterable[ReportId]) -> int:
    """How many reports have no page at all, since the last run that was to make them failed or did not come to them."""
    return len(_unmade(project, study).keys() - {report.path for report in made})


def _unmade(project: Project, study: str) -> dict[str, Entry]:
    try:
        return Ledger(project).unmade(study)
    except sqlite3.Error as error:  # the list is worth more than its notes
        log.warning("list: the ledger cannot be read (%s)", type(error).__name__)
        return {}


def _is_newer(project: Project, report: ReportId) -> bool:
    """Whether the draft says something else than what was released, and was made later."""
    draft, released = (report.folder(root) for root in (project.outputs, released_root(project)))
    if not (draft / "result.json").exists() or is_current(project, report):
        return False
    try:
        return _made_at(draft) > _made_at(released)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _made_at(folder: Path) -> datetime:
    return datetime.fromisoformat(json.loads((folder / "run.json").read_text(encoding="utf-8"))["made_at"])


def _failed(ended: str) -> str:
    day = datetime.fromisoformat(ended).astimezone()
    return f"Could not be made anew on {day.day} {day:%B %Y}: this is the one from before"

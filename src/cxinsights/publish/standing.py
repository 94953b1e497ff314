"""How each listed report stands: of too few answers, out of date, failed when made anew, or not yet released."""

from collections.abc import Iterable
from datetime import datetime

from cxinsights.batch.ledger import Ledger
from cxinsights.params import Project
from cxinsights.publish.releases import is_current
from cxinsights.report.identity import ReportId

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
        later = "Newer figures are not released yet"
        return {report: later for report in reports if not is_current(project, report)}
    ledger, found = Ledger(project), {}
    for study in {report.study for report in reports}:
        left = ledger.left_over(study)
        ended = ledger.last_of(left)
        for report in reports:
            if report.path in left:
                entry = ended.get(report.path)
                failed = entry is not None and entry.status == "failed" and entry.ended is not None
                found[report] = _failed(entry.ended) if failed else "Out of date: the last run did not come to it"
    return found


def unmade(project: Project, study: str, made: Iterable[ReportId]) -> int:
    """How many reports of the last run have no page at all, since they failed."""
    return len(Ledger(project).left_over(study).keys() - {report.path for report in made})


def _failed(ended: str) -> str:
    day = datetime.fromisoformat(ended).astimezone()
    return f"Could not be made anew on {day.day} {day:%B %Y}: this is the one from before"

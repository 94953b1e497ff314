"""What goes to workers and comes back: a report to make, how it ended, and what of a plan there is to do.

Loaded by the command line, which does no work itself: no library that takes time to load belongs here.
"""

from dataclasses import dataclass, field
from pathlib import Path

from cxinsights.batch.plan import Plan
from cxinsights.kernels.limits import Limits
from cxinsights.params import ReportParams
from cxinsights.report.identity import ReportId

__all__ = ["Job", "Outcome", "Work"]


@dataclass(frozen=True)
class Job:
    """One report to make, with all that a worker anywhere needs for it."""

    root: Path
    """The project's folder."""
    params: ReportParams
    fingerprint: dict[str, str]
    """What it is made from, by part; kept beside it."""
    planned: tuple[ReportId, ...] = ()
    """Reports that the same run makes and this one's page leads to, so that it can before they are there."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Outcome:
    """How one report ended."""

    report: ReportId
    seconds: float
    status: str = ""
    """Of the result: ok, too_few, refused, no_data; empty where the report failed."""
    error: str = ""
    """Where and why it failed."""
    peak_mb: float = 0
    """Memory that its kernel took at most."""
    is_fault: bool = False
    """Whether it failed through no fault of its own that can be seen: it may be made again."""
    attempts: int = 1

    @property
    def failed(self) -> bool:
        """Whether there is no new report."""
        return bool(self.error)


@dataclass(frozen=True)
class Work:
    """A plan, and what of it there is to do."""

    plan: Plan
    fingerprints: dict[ReportId, dict[str, str]]
    """What each report is made from now, by part."""
    reasons: dict[ReportId, str]
    """Reports to make, and why."""
    maybe: list[ReportId] = field(default_factory=list)
    """Scorecards to make if what the reports beside them say changes."""

    @property
    def up_to_date(self) -> int:
        """How many reports there is nothing to do for."""
        return len(self.plan.reports) - len(self.reasons) - len(self.maybe)

    def seconds(self, typical: dict[str, float], workers: int) -> float | None:
        """How long the work is likely to take; None where nothing like it was ever made.

        Parameters
        ----------
        typical
            Seconds that a report of each analysis takes.
        workers
            Reports made at a time.
        """
        known = [typical[report.analysis] for report in self.reasons if report.analysis in typical]
        return sum(known) / len(known) * len(self.reasons) / workers if known else None

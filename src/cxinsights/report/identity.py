"""Which report: its place in folders, links and names."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cxinsights.params import ALL, ANALYSES, ReportParams, Study

__all__ = ["ReportId"]

_LOOK_BACK = 8
"""Periods before a report's own that its page leads to."""


@dataclass(frozen=True, order=True)
class ReportId:
    """One analysis for one unit (or `_all`) and one period of a study."""

    study: str
    period: str
    region: str
    unit: str
    analysis: str

    @classmethod
    def of(cls, params: ReportParams) -> "ReportId":
        """The report that these params ask for."""
        return cls(params.study, params.period, params.region, params.unit, params.analysis)

    @classmethod
    def from_folder(cls, folder: Path, outputs: Path) -> "ReportId | None":
        """The report a folder holds, or None where it is not a report's folder."""
        parts = folder.relative_to(outputs).parts
        return cls(*parts) if len(parts) == 5 and parts[4] in ANALYSES else None

    def folder(self, outputs: Path) -> Path:
        """The report's folder."""
        return outputs / self.path

    @property
    def title(self) -> str:
        """What pages call the analysis."""
        return ANALYSES[self.analysis].title if self.analysis in ANALYSES else self.analysis.capitalize()

    @property
    def path(self) -> str:
        """The report in links and messages: demo/2026Q3/emea/retail/drivers."""
        return "/".join((self.study, self.period, self.region, self.unit, self.analysis))

    def crumbs(self, study: Study, is_made: Callable[["ReportId"], bool]) -> list[tuple[str, str]]:
        """Way from the list of reports to this one: names and links from the report's folder.

        Parameters
        ----------
        is_made
            Whether a report on the way has a page to link to; the name of one without stands alone.
        """
        found = [("Reports", "../../../../../index.html")]
        for above in self.above(study):
            link = f"../../../{above.region}/{above.unit}/{above.analysis}/index.html"
            found.append((above._label(study), link if is_made(above) else ""))
        return [*found, (self._label(study) if self == self.first(study) else self.title, "")]

    def first(self, study: Study) -> "ReportId":
        """The report that stands for its place: a unit's brief, else the scorecard."""
        has_brief = self.unit != ALL and "brief" not in study.without
        return replace(self, analysis="brief" if has_brief else "scorecard")

    def above(self, study: Study) -> list["ReportId"]:
        """Reports on the way from the list: the one that stands for the region or company, and its own place's."""
        own = self.first(study)
        whole = replace(own, region=ALL if study.one_region else self.region, unit=ALL, analysis="scorecard")
        return [above for above in ((whole, own) if self.unit != ALL else (own,)) if above != self]

    def earlier(self, study: Study, is_made: Callable[["ReportId"], bool]) -> list["ReportId"]:
        """The same report of the last periods before this one, the latest first, where it has a page."""
        found, period = [], study.periods.previous(self.period)
        for _ in range(_LOOK_BACK):
            if period is None:
                break
            if is_made(before := replace(self, period=period)):
                found.append(before)
            period = study.periods.previous(period)
        return found

    def _label(self, study: Study) -> str:
        if self.unit != ALL:
            return study.unit(self.region, self.unit).label
        return study.label_of(self.region, self.unit)

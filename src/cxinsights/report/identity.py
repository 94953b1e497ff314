"""Which report: its place in folders, links and names."""

from dataclasses import dataclass
from pathlib import Path

from cxinsights.params import ALL, ANALYSES, ReportParams, Study

__all__ = ["ReportId"]


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
        return outputs / self.study / self.period / self.region / self.unit / self.analysis

    @property
    def title(self) -> str:
        """What pages call the analysis."""
        return ANALYSES[self.analysis].title if self.analysis in ANALYSES else self.analysis.capitalize()

    @property
    def path(self) -> str:
        """The report in links and messages: demo/2026Q3/emea/retail/drivers."""
        return "/".join((self.study, self.period, self.region, self.unit, self.analysis))

    def crumbs(self, study: Study) -> list[tuple[str, str]]:
        """Way from the list of reports to this one: names and links from the report's folder."""
        found = [("Reports", "../../../../../index.html")]
        name = self.title
        if self.unit != ALL:
            whole = "_all/_all" if study.one_region else f"{self.region}/_all"
            label = study.label if study.one_region else study.region(self.region).label
            found.append((label, f"../../../{whole}/scorecard/index.html"))
        if self.analysis != "scorecard":
            found.append((self._label(study), "../scorecard/index.html"))
            return [*found, (name, "")]
        return [*found, (self._label(study), "")]

    def _label(self, study: Study) -> str:
        if self.unit != ALL:
            return study.unit(self.region, self.unit).label
        return study.label_of(self.region, self.unit)

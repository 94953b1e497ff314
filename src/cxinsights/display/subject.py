"""Whom a report is about and when, as pages say it."""

from dataclasses import dataclass

from cxinsights.params import ALL, ReportParams, Study

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """Names of a report's subject."""

    analysis: str
    name: str
    """Short: Retail."""
    full_name: str
    """With its region: Retail, EMEA."""
    period: str
    """As text has it: July to September 2026."""

    @classmethod
    def of(cls, params: ReportParams, study: Study, analysis: str) -> "Subject":
        """Names from the params of a report."""
        full = study.label_of(params.region, params.unit)
        whole = params.region == ALL or params.unit == ALL
        name = full if whole else study.unit(params.region, params.unit).label
        return cls(analysis, name, full, study.periods.period(params.period).label)

    @property
    def kicker(self) -> str:
        """Line above the headline."""
        return f"{self.analysis} · {self.full_name} · {self.period}"

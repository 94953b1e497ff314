"""Periods: the wave a report is about, its names, and the waves it is compared with."""

import re
from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from cxinsights.errors import UnknownNameError, did_you_mean
from cxinsights.params.model import NAME, Strict

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Period", "PeriodScheme", "Span"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_PER_YEAR = {"month": 12, "quarter": 4, "half": 2, "year": 1}
_FORM = {"month": r"(\d{4})-(\d\d)", "quarter": r"(\d{4})Q(\d)", "half": r"(\d{4})H(\d)", "year": r"(\d{4})()"}


class Period(Strict):
    """One wave: its id in files and links, and its names on pages."""

    id: Annotated[str, Field(pattern=NAME)]
    label: Annotated[str, Field(description="as text has it: July to September 2026")]
    short: Annotated[str, Field(description="as an axis has it: Q3 26")]
    start: date | None = None
    end: Annotated[date | None, Field(description="last day, included")] = None


class Span(Strict):
    """The days a report reads: the period's first and last, and the last that the extract covers."""

    start: date
    end: date
    cutoff: date


class PeriodScheme(Strict):
    """How a study's time is cut: by the calendar (`every`), or as a list of named waves (`named`)."""

    every: Literal["month", "quarter", "half", "year"] | None = None
    named: list[Period] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "PeriodScheme":
        if (self.every is None) == (self.named is None):
            raise ValueError("give either every: (month, quarter, half, year) or named: (a list of periods)")
        return self

    def period(self, period_id: str) -> Period:
        """The period with this id.

        Raises
        ------
        UnknownNameError
            No period of the scheme has this id.
        """
        if self.named is not None:
            for period in self.named:
                if period.id == period_id:
                    return period
            raise UnknownNameError(did_you_mean("period", period_id, [p.id for p in self.named]))
        return self._from_ordinal(self._ordinal(period_id))

    def example(self) -> Period:
        """Some period of the scheme, where only its form matters."""
        if self.named is not None:
            return self.named[-1]
        return self._from_ordinal(2026 * _PER_YEAR[self.every] + _PER_YEAR[self.every] - 1)

    def previous(self, period_id: str) -> str | None:
        """Id of the period before, or None where the scheme has none."""
        if self.named is not None:
            ids = [p.id for p in self.named]
            at = ids.index(self.period(period_id).id)
            return ids[at - 1] if at else None
        return self._from_ordinal(self._ordinal(period_id) - 1).id

    def year_ago(self, period_id: str) -> str | None:
        """Id of the same season a year earlier; None for named waves, whose spacing is not known."""
        if self.every is None:
            return None
        return self._from_ordinal(self._ordinal(period_id) - _PER_YEAR[self.every]).id

    def order(self, period_ids: list[str]) -> list[str]:
        """The ids from earliest to latest."""
        if self.named is not None:
            ids = [p.id for p in self.named]
            return sorted(period_ids, key=lambda i: ids.index(self.period(i).id))
        return sorted(period_ids, key=self._ordinal)

    def of_dates(self, dates: "pd.Series") -> "pd.Series":
        """Period id of each date; missing where the date is, or where no named wave holds it."""
        import pandas as pd  # not with the module: the command line reads params and no table

        if self.named is not None:
            ids = pd.Series(pd.NA, index=dates.index, dtype="str")
            for period in self.named:
                if period.start is None or period.end is None:
                    continue
                inside = (dates >= pd.Timestamp(period.start)) & (
                    dates < pd.Timestamp(period.end) + pd.Timedelta(days=1)
                )
                ids[inside] = period.id
            return ids
        per_year = _PER_YEAR[self.every]
        part = (dates.dt.month - 1) // (12 // per_year)
        codes = dates.dt.year * per_year + part
        names = {code: self._from_ordinal(int(code)).id for code in codes.dropna().unique()}
        return codes.map(names).astype("str")

    def _ordinal(self, period_id: str) -> int:
        """Count periods from year 0: makes the ones before and a year ago plain arithmetic."""
        per_year = _PER_YEAR[self.every]
        found = re.fullmatch(_FORM[self.every], str(period_id))
        part = int(found[2] or 1) if found else 0
        if not 1 <= part <= per_year:
            raise UnknownNameError(f"'{period_id}' is not a {self.every}. Write it like {self.example().id}.")
        return int(found[1]) * per_year + part - 1

    def _from_ordinal(self, ordinal: int) -> Period:
        per_year = _PER_YEAR[self.every]
        year, part = divmod(ordinal, per_year)
        length = 12 // per_year
        first, last = part * length + 1, (part + 1) * length
        start = date(year, first, 1)
        end = date(year, last, monthrange(year, last)[1])
        span = f"{_MONTHS[first - 1]} to {_MONTHS[last - 1]} {year}"
        names = {
            "month": (
                f"{year}-{first:02}",
                f"{_MONTHS[first - 1]} {year}",
                f"{_MONTHS[first - 1][:3]} {year % 100:02}",
            ),
            "quarter": (f"{year}Q{part + 1}", span, f"Q{part + 1} {year % 100:02}"),
            "half": (f"{year}H{part + 1}", span, f"H{part + 1} {year % 100:02}"),
            "year": (str(year), str(year), str(year)),
        }
        period_id, label, short = names[self.every]
        return Period(id=period_id, label=label, short=short, start=start, end=end)

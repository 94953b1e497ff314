"""What a valid table is, as a pandera schema.

The schema is made from the column descriptions, so that a page, an error and a check never disagree about a
column.
"""

import pandas as pd
import pandera.pandas as pa

from cxinsights.errors import UnknownNameError
from cxinsights.params import ALL, Study
from cxinsights.schemas.columns import column
from cxinsights.schemas.tables import NEEDED

__all__ = ["schema"]


def schema(table: str, study: Study, columns: list[str]) -> pa.DataFrameSchema:
    """Pandera schema of one table with these columns; ranges and listed values come from the descriptions."""
    checks = {}
    for name in columns:
        checks[name] = pa.Column(
            checks=_checks(name, table, study), nullable=name not in (*NEEDED[table], "weight", "survey"), coerce=False
        )
    return pa.DataFrameSchema(checks, strict=True)


def _checks(name: str, table: str, study: Study) -> list[pa.Check]:
    spec = column(name, study)
    low, high = spec.min, spec.max
    if name == "csat_score":
        low, high = study.scores.csat.min, study.scores.csat.max
    if name == "ces_score":
        low, high = study.scores.ces.min, study.scores.ces.max
    found = []
    if name == "weight":
        found.append(pa.Check(lambda s: s > 0, error="not above 0: an answer stands for somebody, or is left out"))
        low = None
    if name == "period":
        found.append(pa.Check(lambda s: s.map(_of_scheme(s, study)), error="not a period of the study"))
    if low is not None or high is not None:
        span = f"outside {_number(low)}–{_number(high)}" if high is not None else f"below {_number(low)}"
        found.append(pa.Check(lambda s, a=low, b=high: _inside(s, a, b), error=span))
    if spec.type == "integer":
        found.append(pa.Check(lambda s: s % 1 == 0, error="not a whole number"))
    listed = _listed(name, table, study, spec.values)
    if listed:
        found.append(pa.Check.isin(listed, error=f"not one of {', '.join(listed)}"))
    return found


def _of_scheme(values: pd.Series, study: Study) -> dict[str, bool]:
    def known(period: str) -> bool:
        try:
            return bool(study.periods.period(period))
        except UnknownNameError:
            return False

    return {value: known(value) for value in values.unique()}


def _inside(values: pd.Series, low: float | None, high: float | None) -> pd.Series:
    return (low is None or values >= low) & (high is None or values <= high)


def _listed(name: str, table: str, study: Study, values: dict[str, str]) -> list[str]:
    if name == "region":
        return [*study.regions, *([ALL] if table in ("targets", "benchmarks") else [])]
    if name == "survey":
        return list(study.surveys)
    if name == "metric":  # scores, and whatever customers rate
        rated = study.tables["responses"].columns if "responses" in study.tables else ()
        return [*values, *(rating for rating in rated if rating.endswith("_rating"))]
    return list(values)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"

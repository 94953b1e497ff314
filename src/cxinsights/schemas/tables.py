"""What a valid table is: its columns, their ranges, and what must be unique.

The schemas are made from the column descriptions, so that a page, an error and a check never disagree
about a column.
"""

import pandera.pandas as pa

from cxinsights.params import ALL, Study
from cxinsights.schemas.columns import column

__all__ = ["KEYS", "NEEDED", "ORDER", "SCORES", "schema"]

NEEDED: dict[str, tuple[str, ...]] = {
    "responses": ("response_id", "region", "unit", "period"),
    "employees": ("response_id", "region", "unit", "site", "period"),
    "sites": ("region", "unit", "site", "period", "n_customers", "n_employees"),
    "events": ("customer_id", "region", "unit", "stage", "occurred_at"),
    "customers": ("customer_id", "region", "unit"),
    "orders": ("customer_id", "region", "unit", "ordered_at", "amount"),
    "targets": ("region", "unit", "metric", "period", "value", "source", "date", "base"),
    "benchmarks": ("region", "unit", "metric", "period", "value", "source", "date", "base"),
}
"""Columns a table cannot do without."""

KEYS: dict[str, tuple[str, ...]] = {
    "responses": ("response_id",),
    "employees": ("response_id",),
    "sites": ("site", "period"),
    "customers": ("customer_id",),
    "targets": ("region", "unit", "metric", "period"),
    "benchmarks": ("region", "unit", "metric", "period", "source"),
}
"""Columns that together name a row; tables without a key refuse only rows that are the same throughout."""

ORDER: dict[str, tuple[str, ...]] = {
    **KEYS,
    "events": ("customer_id", "occurred_at"),
    "orders": ("customer_id", "ordered_at"),
}
"""The order a table's rows are kept and read in; a journey is one scan because of it."""

SCORES = ("nps_answer", "csat_score", "ces_score")


def schema(table: str, study: Study, columns: list[str]) -> pa.DataFrameSchema:
    """Pandera schema of one table with these columns; ranges and listed values come from the descriptions."""
    checks = {}
    for name in columns:
        checks[name] = pa.Column(
            checks=_checks(name, table, study), nullable=name not in (*NEEDED[table], "weight"), coerce=False
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
    if low is not None or high is not None:
        span = f"outside {_number(low)}–{_number(high)}" if high is not None else f"below {_number(low)}"
        found.append(pa.Check(lambda s, a=low, b=high: _inside(s, a, b), error=span))
    if spec.type == "integer":
        found.append(pa.Check(lambda s: s % 1 == 0, error="not a whole number"))
    listed = _listed(name, table, study, spec.values)
    if listed:
        found.append(pa.Check.isin(listed, error=f"not one of {', '.join(listed)}"))
    return found


def _inside(series, low, high):
    return (low is None or series >= low) & (high is None or series <= high)


def _listed(name: str, table: str, study: Study, values: dict[str, str]) -> list[str]:
    if name == "region":
        return [*study.regions, *([ALL] if table in ("targets", "benchmarks") else [])]
    if name == "survey":
        return list(study.surveys)
    return list(values)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"

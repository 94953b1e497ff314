"""The canonical tables: columns they need, what names a row, and the order rows are kept in."""

__all__ = ["KEYS", "NEEDED", "ORDER", "SCORES"]

NEEDED: dict[str, tuple[str, ...]] = {
    "responses": ("response_id", "region", "unit", "period"),
    "employees": ("response_id", "region", "unit", "site", "period"),
    "sites": ("region", "unit", "site", "period", "n_customers", "n_employees"),
    "events": ("customer_id", "region", "unit", "stage", "occurred_at"),
    "customers": ("customer_id", "region", "unit"),
    "orders": ("customer_id", "region", "unit", "ordered_at", "amount"),
    "targets": ("region", "unit", "metric", "period", "value", "source", "date", "base"),
    "benchmarks": ("region", "unit", "metric", "period", "value", "source", "date", "base"),
    "invitations": ("region", "unit", "period", "survey", "invited"),
}
"""Columns a table cannot do without."""

KEYS: dict[str, tuple[str, ...]] = {
    "responses": ("response_id",),
    "employees": ("response_id",),
    "sites": ("region", "unit", "site", "period"),
    "customers": ("customer_id",),
    "targets": ("region", "unit", "metric", "period"),
    "benchmarks": ("region", "unit", "metric", "period", "source"),
    "invitations": ("region", "unit", "period", "survey"),
}
"""Columns that together name a row; tables without a key refuse only rows that are the same throughout."""

ORDER: dict[str, tuple[str, ...]] = {
    **KEYS,
    "events": ("customer_id", "occurred_at"),
    "orders": ("customer_id", "ordered_at"),
}
"""The order a table's rows are kept and read in; a journey is one scan because of it."""

SCORES = ("nps_answer", "csat_score", "ces_score")

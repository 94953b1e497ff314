"""Logs for the funnel's tests, written as they read: `a0 b1.5 x3` is a at once, b after 36 hours, x after 3 days."""

from collections.abc import Mapping
from string import ascii_lowercase

import pandas as pd

from cxinsights.params import FunnelParams, Span

START = pd.Timestamp("2026-07-01")
SPAN = Span(start="2026-07-01", end="2026-09-30", cutoff="2026-12-31")


def log(ways: Mapping[str, int], **columns: Mapping[str, str]) -> pd.DataFrame:
    """Events of as many customers as each way has, sorted.

    Columns are given by way: a value for all events, or one for each, divided by spaces.
    """
    rows = []
    for way, customers in ways.items():
        events = [(event.rstrip("0123456789."), float(event.lstrip(ascii_lowercase))) for event in way.split(" ")]
        given = [values.get(way, "one").split(" ") for values in columns.values()]
        told = [[values[at] if len(values) > 1 else values[0] for values in given] for at in range(len(events))]
        for _ in range(customers):
            who = f"C{len(rows):06}"
            rows += [(who, stage, day, *more) for (stage, day), more in zip(events, told, strict=True)]
    frame = pd.DataFrame(rows, columns=["customer_id", "stage", "occurred_at", *columns])
    frame["occurred_at"] = START.as_unit("us") + pd.to_timedelta(frame["occurred_at"].astype(float), unit="D").dt.round(
        "s"
    )
    return frame.sort_values(["customer_id", "occurred_at"], kind="stable", ignore_index=True)


def asked(**changes) -> FunnelParams:
    """Params of a funnel a, b, c within ten days."""
    given = {"study": "shops", "period": "2026Q3", "region": "shops", "unit": "north", "steps": ["a", "b", "c"]}
    return FunnelParams(**{**given, "window_days": 10.0, **changes})

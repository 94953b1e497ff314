"""Logs for the funnel's tests, written as they read: `a0 b1.5 x3` is a at once, b after 36 hours, x after 3 days."""

from collections.abc import Mapping

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
        for _ in range(customers):
            who = f"C{len(rows):06}"
            events = way.split(" ")
            given = {name: values.get(way, "one").split(" ") for name, values in columns.items()}
            for at, event in enumerate(events):
                more = {name: values[at] if len(values) > 1 else values[0] for name, values in given.items()}
                when = START + pd.Timedelta(days=float(event.lstrip("abcdefghijklmnopqrstuvwxyz")))
                rows.append({"customer_id": who, "stage": event.rstrip("0123456789."), "occurred_at": when, **more})
    names = ["customer_id", "stage", "occurred_at", *columns]
    return pd.DataFrame(rows, columns=names).sort_values(
        ["customer_id", "occurred_at"], kind="stable", ignore_index=True
    )


def asked(**changes) -> FunnelParams:
    """Params of a funnel a, b, c within ten days."""
    given = {"study": "shops", "period": "2026Q3", "region": "shops", "unit": "north", "steps": ["a", "b", "c"]}
    return FunnelParams(**{**given, "window_days": 10.0, **changes})

"""Guarded funnels for the display tests: logs as they read, through the real analysis and the real guard."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxinsights.analysis.funnel import FunnelResult, fit_funnel
from cxinsights.params import Study
from cxinsights.privacy import Guarded, guard
from tests.analysis.journey_logs import SPAN, asked, log
from tests.display.results import study

NAMES = {"a": "Visit", "b": "Quote", "c": "Application", "d": "Approved", "e": "Active", "call": "Call"}
CHANNELS = {"web": "Website", "app": "App", "shop": "Shop", "phone": "Phone"}


def shops(names: Mapping[str, str] = NAMES) -> Study:
    """A study that calls stages and channels by these names."""
    columns = {
        "stage": {"label": "Stage", "type": "category", "values": dict(names)},
        "channel": {"label": "Channel", "type": "category", "values": CHANNELS},
    }
    return study(columns=columns)


def fitted(ways: Mapping[str, int], columns=None, *, span=SPAN, answers=None, company=None, **changes) -> FunnelResult:
    """The result of a log; columns by way, as `log` takes them; `company` are the ways of all places, own included."""
    events, elsewhere = log(ways, **(columns or {})), None
    if company is not None:
        others = {way: n - ways.get(way, 0) for way, n in company.items()}
        elsewhere = fitted({way: n for way, n in others.items() if n > 0}, span=span).steps
    return fit_funnel(events, asked(**changes), span=span, answers=answers, elsewhere=elsewhere)


def funnel(ways: Mapping[str, int], columns=None, *, of: Study | None = None, **changes) -> Guarded:
    """The guarded result of a log."""
    return guard(fitted(ways, columns, **changes), of or shops())


def grouped(n: int, groups: int, *, slower: float = 0.0, seed: int = 1) -> Guarded:
    """A random log of n customers in up to four channels, each slower and rarer to convert than the one before."""
    rng = np.random.default_rng(seed)
    rows = []
    for at in range(n):
        group = int(rng.integers(groups))
        day = rng.uniform(0, 60)
        for step, rate in zip("abc", (1, 0.9 - slower * group, 0.8), strict=True):
            if rng.random() > rate:
                break
            day += 0 if step == "a" else rng.exponential(1 + slower * 5 * group)
            rows.append((f"C{at:05}", step, day, list(CHANNELS)[group]))
    frame = pd.DataFrame(rows, columns=["customer_id", "stage", "day", "channel"])
    frame["occurred_at"] = (pd.Timestamp(SPAN.start) + pd.to_timedelta(frame.pop("day"), unit="D")).astype(
        "datetime64[us]"
    )
    events = frame.sort_values(["customer_id", "occurred_at"], kind="stable", ignore_index=True)
    return guard(fit_funnel(events, asked(breakdowns=["channel"]), span=SPAN), shops())

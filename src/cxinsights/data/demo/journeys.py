"""The demo company's journey events and orders."""

import numpy as np
import pandas as pd

from cxinsights.data.demo.truth import Truth
from cxinsights.params import PeriodScheme

__all__ = ["make_events", "make_orders"]


def make_events(truth: Truth, customers: pd.DataFrame) -> pd.DataFrame:
    """One row per journey event up to the cutoff, with other events in between, in no order."""
    rng = np.random.default_rng([truth.seed, 5])
    planted = truth.journey
    start, end = _span(truth)
    journeys = customers.loc[
        np.repeat(customers.index, rng.poisson(planted.journeys_per_customer, len(customers))),
        ["customer_id", "region", "unit"],
    ].reset_index(drop=True)
    broken = (journeys["region"] == planted.broken.region) & (journeys["unit"] == planted.broken.unit)
    time = start + pd.to_timedelta(rng.integers(0, int((end - start).total_seconds()), len(journeys)), unit="s")
    going = np.ones(len(journeys), dtype=bool)
    frames = []
    for step in planted.steps:
        if step in planted.rates:
            rate = np.where(broken & (step == planted.broken.step), planted.broken.rate, planted.rates[step])
            going &= rng.random(len(journeys)) < rate
            wait = rng.exponential(planted.days[step] * 86_400, len(journeys))
            time = time + pd.to_timedelta(np.ceil(wait), unit="s")
        frames.append(journeys[going].assign(stage=step, occurred_at=time[going]))
    aside = journeys.loc[np.repeat(journeys.index, rng.poisson(1.4, len(journeys)))]
    moments = frames[0]["occurred_at"].loc[aside.index] + pd.to_timedelta(
        np.ceil(rng.exponential(6 * 86_400, len(aside))), unit="s"
    )
    frames.append(aside.assign(stage=rng.choice(planted.other_events, size=len(aside)), occurred_at=moments))
    events = pd.concat(frames, ignore_index=True)
    events = events[events["occurred_at"] < end].reset_index(drop=True)
    events["channel"] = rng.choice(["site", "phone", "web", "app"], size=len(events))
    return events.sample(frac=1, random_state=truth.seed % 2**32, ignore_index=True)


def make_orders(truth: Truth, customers: pd.DataFrame) -> pd.DataFrame:
    """One row per order of the two years."""
    rng = np.random.default_rng([truth.seed, 6])
    start, end = _span(truth)
    years = (end - start).days / 365.25
    segment = customers["segment"]
    rate = segment.map({s: t.orders_per_year for s, t in truth.segments.items()}).to_numpy()
    typical = segment.map({s: t.amount for s, t in truth.segments.items()}).to_numpy()
    # people of one segment differ: a gamma rate and a lognormal basket make repeat buying look like repeat buying
    own_rate = rng.gamma(4, rate / 4)
    own_basket = typical * rng.lognormal(-0.045, 0.3, len(customers))
    who = np.repeat(np.arange(len(customers)), rng.poisson(own_rate * years))
    orders = customers.loc[who, ["customer_id", "region", "unit"]].reset_index(drop=True)
    seconds = rng.integers(0, int((end - start).total_seconds()), len(orders))
    orders["ordered_at"] = start + pd.to_timedelta(seconds, unit="s")
    orders["amount"] = (own_basket[who] * rng.lognormal(-0.08, 0.4, len(orders))).round(2)
    orders = orders.sort_values("ordered_at", kind="stable", ignore_index=True)
    orders.insert(0, "order_id", [f"O{i:06}" for i in range(1, len(orders) + 1)])
    return orders


def _span(truth: Truth) -> tuple[pd.Timestamp, pd.Timestamp]:
    first = PeriodScheme(every="quarter").period(truth.first_period).start
    return pd.Timestamp(first), pd.Timestamp(truth.cutoff) + pd.Timedelta(days=1)

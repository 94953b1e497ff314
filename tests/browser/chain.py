"""A chain of shops with journeys, customers and staff: enough of each for every part of the three analyses' pages."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxinsights.params import Project
from tests.batch.shops import make_shops

CHAIN = """
label: Corner Chain
about: Made-up answers for a test.
without: [brief]
synthetic: true
periods: {every: quarter}
cutoff: 2026-10-20
tables:
  responses:
    sources: [{files: answers.csv}]
    columns: {response_id: id, unit: unit, site: site, answered_at: at, customer_id: customer, nps_answer: nps, csat_score: csat}
  employees:
    sources: [{files: staff.csv}]
    columns: {response_id: id, unit: unit, site: site, period: period, calm_item: calm, proud_item: proud, heard_item: heard}
  events:
    sources: [{files: events.csv}]
    columns: {customer_id: customer, unit: unit, stage: stage, occurred_at: at, channel: channel}
  customers:
    sources: [{files: customers.csv}]
    columns: {customer_id: customer, unit: unit, visits: visits, digital: digital, value: value}
columns:
  stage: {label: Stage, type: category, values: {look: Looked around, ask: Asked for a quote in writing, order: Ordered, call: Called}}
  channel: {label: Channel, type: category, values: {shop: In the shop, phone: By phone}}
  visits: {label: Visits a month, min: 0}
  digital: {label: Digital share, min: 0, max: 1}
units: {north: {label: North & Co}, south: {label: South}}
funnel: {steps: [look, ask, order], window_days: 20, breakdowns: [channel]}
segmentation: {inputs: [visits, digital], held_out: [nps_answer], k_max: 5, n_boot: 20}
linkage: {items: [calm_item, proud_item, heard_item], scores: [nps, csat], n_boot: 400}
"""  # noqa: E501
PERIOD = "2026Q3"


def make_chain(folder: Path) -> Project:
    """The chain's raw files and params, with the project's own notebooks."""
    project = make_shops(folder)
    (project.params / "chain").mkdir()
    (project.params / "chain" / "study.yml").write_text(CHAIN, encoding="utf-8")
    raw = project.data("chain") / "raw"
    raw.mkdir(parents=True)
    for name, frame in _tables().items():
        frame.to_csv(raw / f"{name}.csv", index=False)
    return project


def _tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(4)
    n, sites = 1600, 32
    home = rng.integers(0, sites, n)
    unit = np.where(home < sites // 2, "north", "south")
    kind = rng.integers(0, 3, n)
    customers = pd.DataFrame(
        {
            "customer": [f"c{at:04}" for at in range(n)],
            "unit": unit,
            "visits": np.round(np.exp(rng.normal(np.array([0.1, 1.1, 2.0])[kind], 0.2)), 2),
            "digital": np.clip(rng.normal(np.array([0.8, 0.2, 0.6])[kind], 0.07), 0, 1).round(2),
            "value": np.round(np.exp(rng.normal(np.array([3, 5, 4])[kind], 0.5)), 2),
        }
    )
    engaged = rng.normal(0, 0.6, sites)
    nps = np.clip(np.rint(7.5 + 1.6 * engaged[home] + rng.normal(0, 1.5, n)), 0, 10).astype(int)
    answers = pd.DataFrame({"id": customers["customer"], "unit": unit, "site": [f"site {at + 1}" for at in home]})
    answers["at"] = [f"2026-07-{1 + at % 28:02}T12:00:00" for at in range(n)]
    answers["customer"], answers["nps"] = customers["customer"], nps
    answers["csat"] = np.clip(np.rint(nps / 2 + rng.normal(0, 0.6, n)), 1, 5).astype(int)
    return {
        "customers": customers,
        "answers": answers,
        "staff": _staff(rng, engaged),
        "events": _events(rng, customers),
    }


def _staff(rng: np.random.Generator, engaged: np.ndarray) -> pd.DataFrame:
    where = np.repeat(np.arange(len(engaged)), 9)
    person = engaged[where] + rng.normal(0, 0.5, len(where))
    staff = pd.DataFrame({"id": [f"e{at}" for at in range(len(where))]})
    staff["unit"] = np.where(where < len(engaged) // 2, "north", "south")
    staff["site"] = [f"site {at + 1}" for at in where]
    staff["period"] = PERIOD
    for item in ("calm", "proud", "heard"):
        staff[item] = np.clip(np.rint(3.5 + person + rng.normal(0, 0.6, len(where))), 1, 5).astype(int)
    return staff


def _events(rng: np.random.Generator, customers: pd.DataFrame) -> pd.DataFrame:
    n = len(customers)
    start = pd.Timestamp("2026-07-01") + pd.to_timedelta(rng.integers(0, 91 * 86_400, n), unit="s")
    asks = rng.random(n) < np.where(customers["unit"] == "north", 0.45, 0.7)
    orders = asks & (rng.random(n) < 0.6)
    calls = rng.random(n) < 0.4
    parts = []
    for stage, who, days in (("look", np.ones(n, bool), 0), ("ask", asks, 2), ("call", calls, 3), ("order", orders, 7)):
        wait = pd.to_timedelta(np.ceil(rng.exponential(days * 43_200 + 1, n)) + 86_400 * days / 2, unit="s")
        parts.append(
            pd.DataFrame(
                {"customer": customers["customer"], "unit": customers["unit"], "stage": stage, "at": start + wait}
            )[who]
        )
    events = pd.concat(parts, ignore_index=True)
    events["channel"] = rng.choice(["shop", "phone"], len(events))
    events = events[events["at"] < pd.Timestamp("2026-10-21")]
    return events.assign(at=events["at"].dt.strftime("%Y-%m-%dT%H:%M:%S"))

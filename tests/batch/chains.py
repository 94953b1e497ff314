"""A chain of shops in two regions, with all five analyses: what one unit's new rows change elsewhere can be seen."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxinsights.params import Project
from tests.batch.shops import NOTEBOOKS
from tests.small import make_project

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
    columns:
      response_id: id
      region: region
      unit: unit
      site: site
      answered_at: at
      customer_id: customer
      channel: channel
      nps_answer: nps
      csat_score: csat
      wait_rating: wait
      price_rating: price
      staff_rating: staff
  employees:
    sources: [{files: staff.csv}]
    columns:
      response_id: id
      region: region
      unit: unit
      site: site
      period: period
      calm_item: calm
      proud_item: proud
      heard_item: heard
  events:
    sources: [{files: events.csv}]
    columns: {customer_id: customer, region: region, unit: unit, stage: stage, occurred_at: at, channel: channel}
  customers:
    sources: [{files: customers.csv}]
    columns: {customer_id: customer, region: region, unit: unit, visits: visits, digital: digital}
columns:
  stage: {label: Stage, type: category, values: {look: Looked around, ask: Asked for a quote, order: Ordered}}
  channel: {label: Channel, type: category, values: {shop: In the shop, phone: By phone}}
  visits: {label: Visits a month, min: 0}
  digital: {label: Digital share, min: 0, max: 1}
  wait_rating: {label: Waiting time, min: 1, max: 10}
  price_rating: {label: Prices, min: 1, max: 10}
  staff_rating: {label: Staff, min: 1, max: 10}
scores: {segments: [channel]}
drivers: {drivers: [wait_rating, price_rating, staff_rating], n_boot: 200, n_noise: 100}
funnel: {steps: [look, ask, order], window_days: 20, breakdowns: [channel]}
segmentation: {inputs: [visits, digital], held_out: [nps_answer], k_max: 3, n_boot: 10}
linkage: {items: [calm_item, proud_item, heard_item], scores: [nps, csat], n_boot: 200}
"""
EMEA = "label: EMEA\nunits:\n  north: {label: North & Co}\n  south: {label: South}\n"
APAC = "label: Asia\nunits:\n  east: {label: East}\n  west: {label: West}\n"
UNITS = {"north": ("emea", 300), "south": ("emea", 260), "east": ("apac", 280), "west": ("apac", 60)}
"""Region of each unit, and its answers a wave; West has too few for a regression of its own."""
PERIOD = "2026Q3"
_SITES = 8  # of a unit


def make_chain(folder: Path) -> Project:
    """The chain's raw files and params, with the project's own notebooks."""
    project = make_project(folder, CHAIN, name="chain", emea=EMEA, apac=APAC)
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        (project.notebooks / notebook.name).write_bytes(notebook.read_bytes())
    for name, frame in _tables().items():
        frame.to_csv(raw_file(project, name), index=False)
    return project


def raw_file(project: Project, table: str) -> Path:
    """Raw file of answers, staff, events or customers."""
    return project.data("chain") / "raw" / f"{table}.csv"


def change_rows(project: Project, table: str, unit: str, row: int = -1, **values: object) -> None:
    """Give one row of a unit other values; the first is of a year ago where a table has two waves, the last is not."""
    frame = pd.read_csv(raw_file(project, table))
    frame.loc[frame.index[frame["unit"] == unit][row], list(values)] = list(values.values())
    frame.to_csv(raw_file(project, table), index=False)


def add_answers(project: Project, unit: str, n: int = 12, **values: object) -> None:
    """Let a unit have more answers: its last ones again, under other names, a little better, with other values."""
    frame = pd.read_csv(raw_file(project, "answers"))
    more = frame[frame["unit"] == unit].tail(n)
    better = {"id": "new" + more["id"], "customer": "new" + more["customer"], "nps": np.minimum(more["nps"] + 1, 10)}
    pd.concat([frame, more.assign(**better, **values)]).to_csv(raw_file(project, "answers"), index=False)


def _tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(4)
    engaged = rng.normal(0, 0.6, _SITES * len(UNITS))
    parts = {"answers": [], "staff": [], "events": [], "customers": []}
    for at, (unit, (region, n)) in enumerate(UNITS.items()):
        place = {"region": region, "unit": unit}
        for year in (2025, 2026):
            home = rng.integers(0, _SITES, n) + at * _SITES
            answers = _answers(rng, engaged[home], f"{unit}-{year}")
            answers["at"] = [f"{year}-08-{1 + i % 28:02}T12:00:00" for i in range(n)]
            parts["answers"].append(answers.assign(**place, site=[f"site {i}" for i in home]))
        who = parts["answers"][-1]["customer"]
        parts["customers"].append(_customers(rng, who).assign(**place))
        parts["events"].append(_events(rng, who).assign(**place))
        sites = np.repeat(np.arange(_SITES) + at * _SITES, 9)
        parts["staff"].append(_staff(rng, engaged[sites], unit).assign(**place, site=[f"site {i}" for i in sites]))
    return {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}


def _answers(rng: np.random.Generator, engaged: np.ndarray, stem: str) -> pd.DataFrame:
    n = len(engaged)
    ratings = rng.integers(1, 11, (n, 3))
    nps = np.clip(np.rint(ratings @ [0.5, 0.3, 0.1] + 1 + engaged + rng.normal(0, 1, n)), 0, 10).astype(int)
    names = [f"{stem}-{i:03}" for i in range(n)]
    own = {"id": names, "customer": names, "nps": nps, "csat": np.clip(np.rint(nps / 2), 1, 5).astype(int)}
    own["channel"] = rng.choice(["shop", "phone"], n)
    return pd.DataFrame({**own, **dict(zip(("wait", "price", "staff"), ratings.T, strict=True))})


def _customers(rng: np.random.Generator, who: pd.Series) -> pd.DataFrame:
    kind = rng.integers(0, 3, len(who))
    visits = np.round(np.exp(rng.normal(np.array([0.1, 1.1, 2.0])[kind], 0.2)), 2)
    digital = np.clip(rng.normal(np.array([0.8, 0.2, 0.6])[kind], 0.07), 0, 1).round(2)
    return pd.DataFrame({"customer": who, "visits": visits, "digital": digital})


def _events(rng: np.random.Generator, who: pd.Series) -> pd.DataFrame:
    start = pd.Timestamp("2026-07-01") + pd.to_timedelta(rng.integers(0, 60 * 86_400, len(who)), unit="s")
    asks = rng.random(len(who)) < 0.6
    orders = asks & (rng.random(len(who)) < 0.6)
    parts = []
    for stage, goes, days in (("look", np.ones(len(who), bool), 0), ("ask", asks, 2), ("order", orders, 6)):
        at = start + pd.to_timedelta(np.ceil(rng.exponential(40_000, len(who)) + 86_400 * days), unit="s")
        parts.append(pd.DataFrame({"customer": who, "stage": stage, "at": at.strftime("%Y-%m-%dT%H:%M:%S")})[goes])
    return pd.concat(parts).assign(channel=lambda rows: rng.choice(["shop", "phone"], len(rows)))


def _staff(rng: np.random.Generator, engaged: np.ndarray, unit: str) -> pd.DataFrame:
    person = engaged + rng.normal(0, 0.5, len(engaged))
    staff = pd.DataFrame({"id": [f"{unit}-e{i}" for i in range(len(engaged))], "period": PERIOD})
    for item in ("calm", "proud", "heard"):
        staff[item] = np.clip(np.rint(3.5 + person + rng.normal(0, 0.6, len(engaged))), 1, 5).astype(int)
    return staff

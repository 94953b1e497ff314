"""A made-up company whose employees' and customers' scores of sites go together as planted."""

from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.linkage import LinkageResult, fit_linkage
from cxinsights.params import LinkageParams

ITEMS = ["mood_1_item", "mood_2_item", "mood_3_item", "mood_4_item"]
SCORES = ["nps", "csat_mean"]
KEY = ["region", "unit", "site"]


def asked(**changes: Any) -> LinkageParams:
    """What the linkage of the made-up company is asked."""
    plain = {
        "study": "shops", "period": "2026Q3", "region": "_all", "unit": "_all", "items": ITEMS, "scores": SCORES,
        "n_boot": 200,
    }  # fmt: skip
    return LinkageParams(**{**plain, **changes})


def company(
    n_sites: int = 40,
    slope: float = 40.0,
    seed: int = 1,
    *,
    staff: int = 10,
    customers: int = 60,
    regions: int = 2,
    units: int = 2,
    noise: float = 8.0,
    between: float = 0.4,
) -> dict[str, Any]:
    """Sites with individual answers of both sides: NPS rises by `slope` points for a point of the employees' mean."""
    rng = np.random.default_rng(seed)
    at = np.arange(n_sites)
    site = pd.DataFrame({
        "region": [f"r{i % regions}" for i in at], "unit": [f"u{i // regions % units}" for i in at],
        "site": [f"s{i:03}" for i in at],
    })  # fmt: skip
    mood = rng.normal(0, between, n_sites)
    who = np.repeat(at, staff)
    person = 3.3 + mood[who] + rng.normal(0, 0.5, len(who))
    answers = np.clip(np.rint(person[:, None] + rng.normal(0, 0.6, (len(who), len(ITEMS)))), 1, 5)
    employees = pd.concat([site.iloc[who].reset_index(drop=True), pd.DataFrame(answers, columns=ITEMS)], axis=1)
    asked_of = np.repeat(at, customers)
    level = (10 + slope * mood + rng.normal(0, noise, n_sites))[asked_of]
    promoter, detractor = 0.42 + level / 200, 0.42 - level / 200
    drawn = rng.random(len(asked_of))
    coded = np.select([drawn < detractor, drawn > 1 - promoter], [-100.0, 100.0], 0.0)
    happy = 3.5 + coded / 100 + rng.normal(0, 0.5, len(asked_of))
    answered = site.iloc[asked_of].reset_index(drop=True).assign(nps=coded, csat_mean=happy)
    sites = (
        employees.groupby(KEY)[ITEMS].mean().join(answered.groupby(KEY)[SCORES].mean()).reset_index()
    ).assign(n_customers=customers, n_employees=staff, own=True, hidden=False)  # fmt: skip
    return {"sites": sites, "employees": employees, "customers": answered, "item_range": (1.0, 5.0)}


def fitted(made: dict[str, Any] | None = None, **changes: Any) -> LinkageResult:
    """The linkage of a made-up company."""
    made = made or company()
    more = {name: made.get(name) for name in ("employees", "customers", "item_range")}
    return fit_linkage(made["sites"], asked(**changes), **more)


def means_only(made: dict[str, Any] | None = None) -> dict[str, Any]:
    """The same company where only the sites' means are known."""
    return {"sites": (made or company())["sites"]}


def owned(made: dict[str, Any], region: str, unit: str) -> dict[str, Any]:
    """The same company as a unit's report is given it: its own sites marked."""
    sites = made["sites"]
    return {**made, "sites": sites.assign(own=(sites["region"] == region) & (sites["unit"] == unit))}

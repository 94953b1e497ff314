"""The demo company's sites and customers."""

import numpy as np
import pandas as pd

from cxinsights.data.demo.truth import Truth

__all__ = ["make_customers", "make_engagement", "make_sites"]


def make_sites(truth: Truth) -> pd.DataFrame:
    """One row per site: region, unit, site, number (1 …)."""
    rows = [
        (region, unit, f"{region}-{unit}-{number:02}", number)
        for region, unit, planted in truth.units
        for number in range(1, planted.sites + 1)
    ]
    return pd.DataFrame(rows, columns=["region", "unit", "site", "number"])


def make_engagement(truth: Truth, sites: pd.DataFrame) -> np.ndarray:
    """Engagement of every site, of shape (n_sites, lag + n_periods): the first columns lie before the data."""
    rng = np.random.default_rng([truth.seed, 1])
    planted = truth.engagement
    n_columns = planted.lag + len(truth.periods)
    spread = np.empty((len(sites), n_columns))
    spread[:, 0] = rng.normal(0, 1, len(sites))
    fresh = np.sqrt(1 - planted.persistence**2)
    for t in range(1, n_columns):
        spread[:, t] = planted.persistence * spread[:, t - 1] + fresh * rng.normal(0, 1, len(sites))
    # a unit's mean stays where it is: only the planted fall may move a unit's score
    unit = sites.groupby(["region", "unit"]).ngroup().to_numpy()
    spread -= np.stack([np.bincount(unit, column) / np.bincount(unit) for column in spread.T], axis=1)[unit]
    return planted.level + planted.between_sites * spread


def make_customers(truth: Truth, sites: pd.DataFrame) -> pd.DataFrame:
    """One row per customer: where they belong, age, behaviour, mood, and the segment that made them so."""
    rng = np.random.default_rng([truth.seed, 2])
    sizes = [truth.customers_per_answer * t.answers for _, _, t in truth.units]
    total = sum(sizes)
    names = list(truth.segments)
    segment = rng.choice(len(names), size=total, p=[truth.segments[s].share for s in names])

    def planted(field: str) -> np.ndarray:
        return np.array([getattr(truth.segments[s], field) for s in names])[segment]

    home = np.concatenate(
        [
            rng.choice(sites.index[(sites["region"] == r) & (sites["unit"] == u)], size=n)
            for (r, u, _), n in zip(truth.units, sizes, strict=True)
        ]
    )
    ages = list(truth.ages)
    digital = planted("digital_share")
    start = pd.Timestamp("2014-01-01")
    days = (pd.Timestamp("2024-09-30") - start).days
    customers = pd.DataFrame(
        {
            "customer_id": [f"C{i:06}" for i in range(1, total + 1)],
            "region": np.repeat([r for r, _, _ in truth.units], sizes),
            "unit": np.repeat([u for _, u, _ in truth.units], sizes),
            "site_at": home,
            "segment": np.array(names)[segment],
            "age_group": rng.choice(ages, size=total, p=[truth.ages[a].customers for a in ages]),
            "mood": rng.normal(0, 1, total),
            "visits_per_month": rng.gamma(6, planted("visits_per_month") / 6).round(1),
            "digital_share": rng.beta(digital * 14, (1 - digital) * 14).round(2),
            "products_held": 1 + rng.poisson(planted("products_held") - 1),
            "joined_at": start + pd.to_timedelta(rng.integers(0, days, total), unit="D"),
        }
    )
    yearly = planted("orders_per_year") * planted("amount")
    customers["value"] = (yearly * rng.lognormal(-0.08, 0.4, total)).round(2)
    return customers

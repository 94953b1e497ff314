"""The demo company's survey answers: customers' and employees'."""

import numpy as np
import pandas as pd

from cxinsights.data.demo.truth import Truth
from cxinsights.params import PeriodScheme

__all__ = ["make_employees", "make_invitations", "make_responses"]

_TOUCHPOINTS = ("visit", "call", "purchase", "complaint")
_CHANNELS = ("site", "phone", "web", "app")
_SAID = (
    "Quick and friendly.", "Had to explain my case three times.", "Nobody told me what happens next.",
    "Good advice, long queue.", "The app made it simple.", "Solved on the first call.",
    "Still waiting for an answer.", "Charges were not clear.", "Clean and well kept.",
)  # fmt: skip


def make_responses(truth: Truth, sites: pd.DataFrame, customers: pd.DataFrame, engagement: np.ndarray) -> pd.DataFrame:
    """One row per customer answer, of all kinds of survey, clean and in canonical values."""
    rng = np.random.default_rng([truth.seed, 3])
    asked = _asked(rng, truth, sites, customers)
    who = customers.loc[asked["customer_at"]].reset_index(drop=True)
    answers = _answers(rng, truth, asked, who, engagement)
    asked["site"] = sites["site"].to_numpy()[who["site_at"]]
    return _finished(rng, pd.concat([asked.drop(columns=["customer_at", "period_at"]), answers], axis=1))


def _asked(rng: np.random.Generator, truth: Truth, sites: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """One row per questionnaire: who answers which survey, in which unit and period.

    A unit's answers are spread evenly over its sites, and ages answer as unevenly as planted.
    """
    pools = {key: rows.to_numpy() for key, rows in customers.groupby(["site_at", "age_group"]).groups.items()}
    ages = list(truth.ages)
    willing = np.array([truth.ages[age].answers for age in ages])
    frames = []
    for at, period in enumerate(truth.periods):
        for region, unit, planted in truth.units:
            places = sites.index[(sites["region"] == region) & (sites["unit"] == unit)].to_numpy()
            for survey, per_answer in {"relationship": 1.0, **truth.other_surveys}.items():
                total = max(int(rng.normal(planted.answers, planted.answers * 0.02) * per_answer), 8)
                counts = np.bincount(rng.permutation(total) % len(places), minlength=len(places))
                if period == truth.last_period:
                    counts = _few_at_small_site(truth, sites, places, counts, survey)
                who = [
                    rng.choice(pools[place, age], size=n, replace=n > len(pools[place, age]))
                    for place, count in zip(places, counts, strict=True)
                    for age, n in zip(ages, rng.multinomial(count, willing / willing.sum()), strict=True)
                    if n
                ]
                frames.append(
                    pd.DataFrame({"customer_at": np.concatenate(who)}).assign(
                        region=region, unit=unit, period=period, period_at=at, survey=survey
                    )
                )
    return pd.concat(frames, ignore_index=True)


def _few_at_small_site(
    truth: Truth, sites: pd.DataFrame, places: np.ndarray, counts: np.ndarray, survey: str
) -> np.ndarray:
    small = truth.small_site
    rows = sites.loc[places]
    here = (rows["region"] == small.region) & (rows["unit"] == small.unit) & (rows["number"] == small.site)
    return np.where(here, small.answers if survey == "relationship" else 0, counts)


def _answers(
    rng: np.random.Generator, truth: Truth, asked: pd.DataFrame, who: pd.DataFrame, engagement: np.ndarray
) -> pd.DataFrame:
    """What they answer: ratings from a general mood, the likelihood from the ratings."""
    n, drivers = len(asked), list(truth.drivers.values())
    units = {(region, unit): at for at, (region, unit, _) in enumerate(truth.units)}
    unit_at = np.array([units[key] for key in zip(asked["region"], asked["unit"], strict=True)])
    offsets = rng.normal(0, 0.35, (len(units), len(drivers)))
    site_effect = rng.normal(0, 0.1, len(engagement))

    mood = 0.6 * who["mood"].to_numpy() + 0.8 * rng.normal(0, 1, n)
    middle = np.array([d.level for d in drivers]) + offsets[unit_at]
    own = rng.normal(0, truth.rating_spread, (n, len(drivers)))
    halo = mood[:, None] * [d.halo for d in drivers]
    ratings = np.clip(np.rint(middle + _shift(truth, asked) + halo + own), 1, 10)
    applies = rng.random((n, len(drivers))) >= [d.does_not_apply for d in drivers]

    site_at, period_at = who["site_at"].to_numpy(), asked["period_at"].to_numpy()
    engaged = engagement[site_at, period_at] - truth.engagement.level  # columns start `lag` periods early
    likelihood = (
        np.array([t.level for _, _, t in truth.units])[unit_at]
        + ((ratings - middle) * [d.strength for d in drivers] * applies).sum(axis=1)
        + who["age_group"].map({a: t.effect for a, t in truth.ages.items()}).to_numpy()
        + site_effect[site_at]
        + truth.engagement.slope * engaged
        + rng.normal(0, truth.outcome_spread, n)
    )
    part = dict(zip(truth.drivers, ratings.T, strict=True))
    satisfied = 3.95 + 0.36 * (likelihood - 8.2) + rng.normal(0, 0.45, n)
    easy = 5.2 + 0.33 * (part["ease"] - 7.4) + 0.25 * (part["waiting"] - 6.3) + rng.normal(0, 0.7, n)

    ratios = {age: t.customers / t.answers for age, t in truth.ages.items()}
    columns = {
        "customer_id": who["customer_id"],
        "age_group": who["age_group"],
        "weight": who["age_group"].map(ratios).round(4),
        "nps_answer": np.clip(np.rint(likelihood), 0, 10),
        "csat_score": np.clip(np.rint(satisfied), 1, 5),
        "ces_score": np.clip(np.rint(easy), 1, 7),
    }
    for at, name in enumerate(truth.drivers):
        columns[f"{name}_rating"] = np.where(applies[:, at], ratings[:, at], np.nan)
        columns[f"{name}_rating_applies"] = applies[:, at]
    for name in truth.expectations:
        columns[f"{name}_expected"] = np.clip(np.rint(rng.normal(truth.expectation_level, 1.2, n)), 1, 10)
    for name in [c for c in columns if c.endswith(("_score", "_answer", "_rating", "_expected"))]:
        columns[name] = np.where(rng.random(n) < truth.blank_share, np.nan, columns[name])
    return pd.DataFrame(columns)


def _shift(truth: Truth, asked: pd.DataFrame) -> np.ndarray:
    """How far the planted fall moves each rating of each questionnaire."""
    fall = truth.fall
    here = (asked["region"] == fall.region) & (asked["unit"] == fall.unit) & (asked["period"] == fall.period)
    return here.to_numpy()[:, None] * [fall.ratings.get(name, 0.0) for name in truth.drivers]


def _finished(rng: np.random.Generator, responses: pd.DataFrame) -> pd.DataFrame:
    """Add ids, dates, channels and comments; take out what a kind of survey does not ask."""
    n = len(responses)
    scheme = PeriodScheme(every="quarter")
    starts = responses["period"].map({p: pd.Timestamp(scheme.period(p).start) for p in responses["period"].unique()})
    responses["answered_at"] = starts + pd.to_timedelta(rng.integers(0, 90 * 86_400, n), unit="s")
    responses["channel"] = rng.choice(_CHANNELS, size=n, p=[0.4, 0.2, 0.15, 0.25])
    responses["touchpoint"] = np.where(responses["survey"] == "transactional", rng.choice(_TOUCHPOINTS, size=n), None)
    said = np.array([f"{text} (made-up comment)" for text in _SAID])[rng.integers(0, len(_SAID), n)]
    responses["comment"] = np.where(rng.random(n) < 0.2, said, None)
    ratings = [c for c in responses if c.endswith(("_rating", "_expected"))]
    asked_less = responses["survey"] != "relationship"
    responses.loc[asked_less, [*ratings, "nps_answer"]] = np.nan
    shopper = responses["survey"] == "mystery"
    responses.loc[shopper, ["customer_id", "age_group", "ces_score"]] = None
    responses.loc[shopper, "weight"] = 1.0
    responses = responses.sort_values("answered_at", kind="stable", ignore_index=True)
    responses.insert(0, "response_id", [f"R{i:06}" for i in range(1, n + 1)])
    return responses


def make_invitations(truth: Truth, responses: pd.DataFrame) -> pd.DataFrame:
    """How many customers were asked, by unit, quarter and kind of survey, so that as many answer as are planted."""
    rng = np.random.default_rng([truth.seed, 8])
    asked = responses[responses["survey"].isin(truth.response_rates)]
    counts = asked.groupby(["region", "unit", "period", "survey"]).size().reset_index(name="invited")
    low, high = np.array([truth.response_rates[name] for name in counts["survey"]]).T
    return counts.assign(invited=(counts["invited"] / rng.uniform(low, high)).round().astype(int))


def make_employees(truth: Truth, sites: pd.DataFrame, engagement: np.ndarray) -> pd.DataFrame:
    """One row per employee answer: eight items that measure the site's engagement."""
    rng = np.random.default_rng([truth.seed, 4])
    fewest, most = truth.engagement.employees
    frames = []
    for at, period in enumerate(truth.periods):
        counts = rng.integers(fewest, most + 1, len(sites))
        where = np.repeat(np.arange(len(sites)), counts)
        person = engagement[where, truth.engagement.lag + at] + rng.normal(0, 0.5, len(where))
        items = person[:, None] + rng.normal(0, 0.6, (len(where), truth.engagement.items))
        frame = sites.loc[where, ["region", "unit", "site"]].reset_index(drop=True).assign(period=period)
        for item in range(truth.engagement.items):
            frame[f"engagement_{item + 1}_item"] = np.clip(np.rint(items[:, item]), 1, 5)
        frames.append(frame)
    employees = pd.concat(frames, ignore_index=True)
    employees.insert(0, "response_id", [f"E{i:06}" for i in range(1, len(employees) + 1)])
    return employees

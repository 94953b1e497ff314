"""Penalty and reward: does a low rating cost more than a high one brings?

The outcome is regressed on two indicators per rating, low and high; the ratings between are what both are measured
from. The penalty is what goes with a low rating, the reward what goes with a high one, other ratings equal. A rating
whose penalty is the larger is one that is noticed when it fails; one whose reward is the larger delights.

This needs ratings only. Kano's classes need a pair of questions of their own (`kano.py`) and are not the same thing.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE, p_of, t_of
from cxinsights.analysis.regression import fit_linear
from cxinsights.analysis.scores import customers_of
from cxinsights.errors import AnalysisError, did_you_mean

__all__ = ["MIN_SIDE", "cut_offs", "penalty_reward"]

MIN_SIDE = 30
"""Low and high ratings that a penalty or a reward needs."""


def penalty_reward(
    frame: pd.DataFrame,
    outcome: str,
    drivers: Sequence[str],
    low_to: float,
    high_from: float,
    weights: str | None = None,
    customers: str | None = None,
    min_side: int = MIN_SIDE,
) -> pd.DataFrame:
    """Penalty and reward of each rating.

    Parameters
    ----------
    frame
        One row per answer; rows without the outcome or any of the ratings are left out.
    low_to, high_from
        A rating up to the one is low, from the other on high.
    weights
        Column of survey weights; None where all answers count alike.
    customers
        Column that names the customer, where one may answer more than once.
    min_side
        Fewest low (high) ratings for a penalty (reward); with fewer it is missing, and they count with those between.
        With fewer between, both are missing.

    Returns
    -------
    DataFrame
        One row per driver: `n`, `n_low`, `n_high`, `penalty` and `reward` in units of the outcome with intervals and
        p-values (HC3; design-based where answers are weighted or customers answer twice), `range_of_impact` (|reward| +
        |penalty|), `impact_asymmetry` ((|reward| − |penalty|) / (|reward| + |penalty|)), `asymmetry` (reward + penalty,
        with interval and p-value) and `larger`: `costs_more`, `brings_more`, or `cannot_tell`.

    Raises
    ------
    AnalysisError
        A column is not in the table, or the limits leave no ratings between.

    Notes
    -----
    Brandt (1988); impact asymmetry: Mikulić & Prebežac (2008). Checked against R `lm` and sandwich 3.0-2.
    """
    for name in (outcome, *drivers, *filter(None, (weights, customers))):
        if name not in frame:
            raise AnalysisError(f"penalty and reward: {did_you_mean('column', name, list(frame))}")
    if not low_to < high_from:
        raise AnalysisError(
            f"penalty and reward: low_to ({low_to:g}) has to lie under high_from ({high_from:g}), with ratings between"
        )
    known = frame.dropna(subset=[outcome, *drivers])
    ratings = known[list(drivers)].to_numpy(dtype=float)
    low, high = ratings <= low_to, ratings >= high_from
    sides = np.stack([low.sum(axis=0), high.sum(axis=0)], axis=1)
    between = len(known) - sides.sum(axis=1)  # what both are measured from
    used = (sides >= min_side) & (between >= min_side)[:, None]
    dummies = np.stack([low, high], axis=2)[:, used].astype(float)
    people = None if customers is None else customers_of(known.rename(columns={customers: "customer_id"}))
    simple = weights is None and (people is None or len(np.unique(people)) == len(known))
    fit = fit_linear(
        dummies,
        known[outcome].to_numpy(dtype=float),
        known[weights].to_numpy(dtype=float) if weights else None,
        errors="HC3" if simple else "design",
        customers=None if simple else people,
    )
    place = 1 + np.cumsum(used).reshape(used.shape) - used  # in the fit, the intercept first
    figures = (fit.coefficients, fit.se, fit.ci_low, fit.ci_high, fit.p_values)
    rows = []
    for at, driver in enumerate(drivers):
        row = {"driver": driver, "n": len(known), "n_low": int(sides[at, 0]), "n_high": int(sides[at, 1])}
        for side, name in enumerate(("penalty", "reward")):
            own = place[at, side] if used[at, side] else None
            keys = (name, f"{name}_se", f"{name}_low", f"{name}_high", f"{name}_p")
            row |= {key: np.nan if own is None else values[own] for key, values in zip(keys, figures, strict=True)}
        both = fit.covariance[np.ix_(place[at], place[at])] if used[at].all() else np.full((2, 2), np.nan)
        rows.append(row | _asymmetry(row, both, fit.df))
    return pd.DataFrame(rows).assign(intercept=fit.coefficients[0], r_squared=fit.r_squared)


def cut_offs(low: float, high: float) -> tuple[float, float]:
    """Up to where a rating is low, and from where on high: two fifths of the scale, and its last sixth or so.

    1 to 2 and 5 of a scale from 1 to 5; 1 to 4 and 9 to 10 of one from 1 to 10.
    """
    return float(np.floor(low + 0.4 * (high - low))), float(np.ceil(low + 0.85 * (high - low)))


def _asymmetry(row: dict[str, float], covariance: np.ndarray, df: int) -> dict[str, float | str]:
    """Which of the two is surely the larger, where it surely goes the way it should."""
    penalty, reward = row["penalty"], row["reward"]
    size, total, se = abs(reward) + abs(penalty), penalty + reward, np.sqrt(covariance.sum())
    half = t_of(CONFIDENCE, df) * se
    larger = "cannot_tell"
    if total < -half and row["penalty_high"] < 0:
        larger = "costs_more"
    elif total > half and row["reward_low"] > 0:
        larger = "brings_more"
    return {
        "range_of_impact": size,
        "impact_asymmetry": (abs(reward) - abs(penalty)) / size if size > 0 else np.nan,
        "asymmetry": total,
        "asymmetry_low": total - half,
        "asymmetry_high": total + half,
        "asymmetry_p": p_of(total / se, df) if np.isfinite(total) and se > 0 else np.nan,
        "larger": larger,
    }

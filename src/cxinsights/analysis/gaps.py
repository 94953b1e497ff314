"""Gaps: what customers get against what they expect, what was aimed at, and what others give.

A gap is experience − expectation: below zero, customers get less than they expect. It is the difference of the means of
all who answered each; where most people answered both it is as sure as the mean of their own differences. A difference
of two ratings is less reliable than either of them, so that a gap needs more answers than a score. A target or a
benchmark is a figure from elsewhere, taken as exact: of its error its publisher seldom says enough to reckon with it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE, p_of, t_of
from cxinsights.analysis.scores import customers_of, estimate, sample_of
from cxinsights.errors import AnalysisError, did_you_mean

__all__ = ["fit_gaps", "fit_level_gaps"]

_COLUMNS = [
    "touchpoint", "n", "n_both", "n_expectation", "n_experience", "standard", "experience", "gap", "se", "df",
    "gap_low", "gap_high", "p_value", "effect_size", "correlation",
]  # fmt: skip
_OF_LEVELS = [
    "touchpoint", "against", "n", "standard", "experience", "gap", "se", "df", "gap_low", "gap_high", "p_value",
    "effect_size", "source", "date", "base",
]  # fmt: skip


def fit_gaps(responses: pd.DataFrame, pairs: Mapping[str, tuple[str, str]], min_base: int = 30) -> pd.DataFrame:
    """Gap of each touch-point.

    Parameters
    ----------
    responses
        One row per answer: the ratings and, where there are any, `weight` and `customer_id`.
    pairs
        Name of each touch-point: the column of what is expected and the column of what was experienced, both on one
        scale.
    min_base
        Answers on each side that a test needs.

    Returns
    -------
    DataFrame
        One row per touch-point: bases (`n` the smaller side), both means (`standard` is what is expected), `gap` with t
        interval, `p_value` (missing where not tested), and of those who answered both `effect_size` (Cohen's d of their
        differences) and `correlation`: the closer to 1, the less reliable the gap.

    Raises
    ------
    AnalysisError
        A column is not in the table.

    Notes
    -----
    Parasuraman, Zeithaml & Berry (1988). Checked against R `t.test(paired = TRUE)`.
    """
    weights = responses["weight"].to_numpy(dtype=float) if "weight" in responses else np.ones(len(responses))
    customers = customers_of(responses)
    customers = np.arange(len(responses)) if customers is None else customers
    rows = []
    for touchpoint, names in pairs.items():
        expected, experienced = (_ratings(responses, name) for name in names)
        both = ~np.isnan(expected - experienced)
        sizes = [int((~np.isnan(values)).sum()) for values in (expected, experienced)]
        found = _difference(expected, experienced, weights, customers)
        tested = min(sizes) >= min_base and found["se"] > 0
        differences = (experienced - expected)[both]
        spread = float(differences.std(ddof=1)) if both.sum() > 1 else np.nan
        figures = {
            "touchpoint": touchpoint, "n": min(sizes), "n_both": int(both.sum()), "n_expectation": sizes[0],
            "n_experience": sizes[1], **found,
            "p_value": p_of(found["gap"] / found["se"], found["df"]) if tested else np.nan,
            "effect_size": differences.mean() / spread if spread > 0 else np.nan,
            "correlation": np.corrcoef(expected[both], experienced[both])[0, 1]
            if _vary(expected[both], experienced[both]) else np.nan,
        }  # fmt: skip
        rows.append(figures)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _difference(
    expected: np.ndarray, experienced: np.ndarray, weights: np.ndarray, customers: np.ndarray
) -> dict[str, float]:
    """Difference of two means over those who answered each, by the customers' parts in it (linearised).

    Where all answered both, that is the paired t test; where nobody did, Welch's but for n − 1.
    """
    means, parts, people = [], np.zeros(len(weights)), []
    for sign, values in ((-1, expected), (1, experienced)):
        known = ~np.isnan(values)
        if not known.any():
            return dict.fromkeys(("standard", "experience", "gap", "se", "df", "gap_low", "gap_high"), np.nan)
        total = weights[known].sum()
        means.append(float(weights[known] @ values[known] / total))
        parts[known] += sign * weights[known] * (values[known] - means[-1]) / total
        people.append(len(np.unique(customers[known])))
    asked = ~np.isnan(expected) | ~np.isnan(experienced)
    at = np.unique(customers[asked], return_inverse=True)[1]
    m = int(at.max()) + 1
    df, gap = min(people) - 1, means[1] - means[0]
    se = float(np.sqrt(np.sum(np.bincount(at, weights=parts[asked]) ** 2) * m / (m - 1))) if m > 1 else np.nan
    half = t_of(CONFIDENCE, df) * se if df > 0 else np.nan
    return {
        "standard": means[0], "experience": means[1], "gap": gap, "se": se, "df": df, "gap_low": gap - half,
        "gap_high": gap + half,
    }  # fmt: skip


def fit_level_gaps(responses: pd.DataFrame, levels: pd.DataFrame, min_base: int = 30) -> pd.DataFrame:
    """Gap of each rating to a target or a benchmark.

    Parameters
    ----------
    responses
        One row per answer: the ratings and, where there are any, `weight` and `customer_id`.
    levels
        One row per figure to hold a rating against: `metric` (the rating's column), `against` (`target` or
        `benchmark`), `value`, `source`, `date` and `base`.
    min_base
        Answers that a test needs.

    Returns
    -------
    DataFrame
        One row per level: `n`, `experience` (mean rating), `standard`, `gap` with t interval, `p_value` (one-sample t;
        missing where not tested), `effect_size` (Cohen's d), and where the standard is from.

    Raises
    ------
    AnalysisError
        A column is not in the table.

    Notes
    -----
    Checked against R `t.test(mu = )`.
    """
    weights = responses["weight"].to_numpy(dtype=float) if "weight" in responses else None
    customers = customers_of(responses)
    rows = []
    for one in levels.itertuples():
        sample = sample_of(_ratings(responses, one.metric), weights, customers)
        found = estimate(sample, "mean")
        gap = found.score - one.value
        tested = found.n >= min_base and found.se > 0
        spread = float(sample.values.std(ddof=1)) if found.n > 1 else np.nan
        rows.append((
            one.metric, one.against, found.n, one.value, found.score, gap, found.se, found.df,
            found.ci_low - one.value, found.ci_high - one.value, p_of(gap / found.se, found.df) if tested else np.nan,
            gap / spread if spread > 0 else np.nan, one.source, one.date, one.base,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_OF_LEVELS)


def _ratings(responses: pd.DataFrame, name: str) -> np.ndarray:
    if name not in responses:
        raise AnalysisError(f"gaps: {did_you_mean('column', name, list(responses))}")
    return responses[name].to_numpy(dtype=float)


def _vary(a: np.ndarray, b: np.ndarray) -> bool:
    return len(a) > 2 and a.std() > 0 and b.std() > 0

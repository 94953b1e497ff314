"""Gaps: what customers get against what they expect, what was aimed at, and what others give.

A gap is experience − expectation: below zero, customers get less than they expect. Where the same people answered both
questions the gap is the mean of their own differences; else the difference of two means. A difference of two ratings
is less reliable than either of them, so that a gap needs more answers than a score. A target or a benchmark is a
figure from elsewhere, taken as exact: of its own error its publisher seldom says enough to reckon with it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import compare
from cxinsights.analysis.intervals import p_of
from cxinsights.analysis.scores import customers_of, estimate, sample_of
from cxinsights.errors import AnalysisError, did_you_mean

__all__ = ["fit_gaps", "fit_level_gaps"]

_COLUMNS = [
    "touchpoint", "paired", "n", "n_expectation", "n_experience", "standard", "experience", "gap", "se", "df",
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
        Answers (on each side, where different people answered) that a test needs.

    Returns
    -------
    DataFrame
        One row per touch-point: bases, both means (`standard` is what is expected), `gap` with t interval, `p_value`
        (missing where not tested), `effect_size` (Cohen's d, of the differences where paired) and `correlation` of both
        ratings where paired: the closer to 1, the less reliable the gap.

    Raises
    ------
    AnalysisError
        A column is not in the table.

    Notes
    -----
    Parasuraman, Zeithaml & Berry (1988). Checked against R `t.test(paired = TRUE)`.
    """
    weights = responses["weight"].to_numpy(dtype=float) if "weight" in responses else None
    customers = customers_of(responses)
    rows = []
    for touchpoint, names in pairs.items():
        expected, experienced = (_ratings(responses, name) for name in names)
        both = ~np.isnan(expected - experienced)
        means = [sample_of(values, weights, customers) for values in (expected, experienced)]
        if both.any():
            means = [sample_of(np.where(both, v, np.nan), weights, customers) for v in (expected, experienced)]
            sample = sample_of(experienced - expected, weights, customers)
            found = estimate(sample, "mean")
            tested = found.n >= min_base and found.se > 0
            p_value = p_of(found.score / found.se, found.df) if tested else np.nan
            spread = float(sample.values.std(ddof=1)) if found.n > 1 else np.nan
            size = found.score / spread if spread > 0 else np.nan
            pair = np.corrcoef(expected[both], experienced[both])[0, 1] if _vary(expected[both], experienced[both]) \
                else np.nan  # fmt: skip
            test = (found.score, found.se, found.df, found.ci_low, found.ci_high, p_value, size, pair)
            n = found.n
        else:
            difference = compare(means[1], means[0], "mean", min_base=min_base)
            test = (difference.value, difference.se, difference.df, difference.ci_low, difference.ci_high,
                    difference.p_value, difference.effect_size, np.nan)  # fmt: skip
            n = min(means[0].n, means[1].n)
        bases = (bool(both.any()), n, int((~np.isnan(expected)).sum()), int((~np.isnan(experienced)).sum()))
        rows.append((touchpoint, *bases, means[0].mean, means[1].mean, *test))
    return pd.DataFrame(rows, columns=_COLUMNS)


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

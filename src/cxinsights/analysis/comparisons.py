"""Comparisons: one engine for every page.

Two samples are compared by their difference with interval, effect size, test, and the difference that the test
would show four times in five. A subgroup is compared with its complement, never with a total that
holds it. Tests are adjusted within one fixed family, and the state of a change follows from the adjusted
test and the smallest change that matters. Not tested is not the same as no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from cxinsights.analysis.intervals import newcombe, p_of, t_of, z_of
from cxinsights.analysis.scores import Sample, cluster_sums, estimate

__all__ = ["STATES", "Difference", "adjust", "compare", "detectable_difference", "states"]

_POWER_80 = z_of(0.6)  # normal quantile at 0.8
STATES = ("worse", "slightly_worse", "cannot_tell", "steady", "slightly_better", "better")


@dataclass(frozen=True)
class Difference:
    """Difference of two scores, a − b."""

    value: float
    se: float
    df: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    """Missing where not tested."""
    effect_size: float
    detectable: float
    """Smallest difference that this test alone would show with 80 % power."""
    tested: bool


def compare(
    a: Sample,
    b: Sample,
    kind: Literal["nps", "share", "mean"],
    confidence: float = 0.95,
    min_base: int = 30,
) -> Difference:
    """Compare two samples that share no answers (they may share customers).

    Parameters
    ----------
    a, b
        Coded answers of each side.
    min_base
        Fewest answers on each side for a test; shares also need five on either side of the line.

    Notes
    -----
    Without weights and shared customers: NPS by z on the root-sum-square of the standard errors (R NPS 1.1,
    `nps.test`), shares by the pooled z with Newcombe's interval (`prop.test`), means by Welch's t. Else: the
    linearised difference, with the covariance of customers who stand on both sides.
    """
    nothing = Difference(*[np.nan] * 9, tested=False)
    if a.n < 2 or b.n < 2:
        return nothing
    value = a.mean - b.mean
    shared = _covariance(a, b)
    if a.is_simple and b.is_simple and shared == 0:
        se, df, low, high, statistic, p = _simple(a, b, kind, value, confidence)
    else:
        se, df, low, high, statistic, p = _linearised(a, b, kind, value, shared, confidence)
    detectable = (z_of(confidence) + _POWER_80) * se
    tested = min(a.n, b.n) >= min_base and se > 0 and (kind != "share" or _both_sides(a, b))
    return Difference(
        value, se, df, low, high, statistic, p if tested else np.nan, _effect_size(a, b, kind), detectable, tested
    )


def adjust(
    frame: pd.DataFrame,
    family: Sequence[str],
    method: Literal["fdr_bh", "fdr_by", "holm", "bonferroni"] = "fdr_bh",
) -> pd.DataFrame:
    """Add `p_adjusted` (Benjamini–Hochberg) and `n_comparisons` within each family of tests.

    Parameters
    ----------
    frame
        One row per comparison, with `p_value` missing where not tested.
    family
        Columns that name a family: a study's period is fixed, so measure and kind of comparison are left.
    method
        Pages use Benjamini–Hochberg; the others are for analysts (Benjamini–Yekutieli holds under any dependence,
        Holm and Bonferroni hold the chance of any false finding).

    Notes
    -----
    Checked against R 4.2.2, `p.adjust`.
    """
    adjusted = pd.Series(np.nan, index=frame.index)
    size = pd.Series(0, index=frame.index)
    for _, rows in frame.groupby(list(family), sort=False):
        p = rows["p_value"].dropna()
        if len(p):
            adjusted.loc[p.index] = multipletests(p, method=method)[1]
        size.loc[rows.index] = len(p)
    return frame.assign(p_adjusted=adjusted, n_comparisons=size)


def detectable_difference(frame: pd.DataFrame, family: Sequence[str], confidence: float = 0.95) -> pd.Series:
    """Smallest difference that the adjusted test of each row would call at least four times in five.

    Parameters
    ----------
    frame
        What `adjust` gives for the same families, with the standard error of each difference in `se`.
    family
        Columns that name a family.

    Notes
    -----
    Where R of the other m − 1 tests of a family are called, Benjamini–Hochberg calls one more whose p is at most
    α (R + 1) / m. A difference δ with standard error s goes under a bound b with chance Φ(δ / s − z(1 − b / 2)), which
    is 0.8 at δ = (z(1 − b / 2) + z(0.8)) s. A test on its own has b = α.
    """
    alpha = 1 - confidence
    called = frame["p_adjusted"] < alpha
    others = called.groupby([frame[name] for name in family]).transform("sum") - called
    bound = (alpha * (others + 1) / frame["n_comparisons"].clip(lower=1)).clip(upper=alpha)
    return (norm.isf(bound / 2) + _POWER_80) * frame["se"]


def states(
    p_adjusted: pd.Series, value: pd.Series, low: pd.Series, high: pd.Series, margin: pd.Series,
    confidence: float = 0.95, higher_is_better: pd.Series | bool = True,
) -> pd.Series:  # fmt: skip
    """State of each change; missing where it was not tested.

    `better`, `worse`: the adjusted test says so; `slightly_…`: it says so, but the whole interval lies within
    ± margin; `steady`: the interval holds 0 and lies within; `cannot_tell`: anything else.
    """
    inside = (low >= -margin) & (high <= margin)
    clear = (p_adjusted < 1 - confidence) & ((low > 0) | (high < 0))  # a pooled test can say more than the interval
    up = (value > 0) == higher_is_better
    found = pd.Series("cannot_tell", index=p_adjusted.index, dtype="str")
    found[~clear & inside & (low <= 0) & (high >= 0)] = "steady"
    for sign, word in ((up, "better"), (~up, "worse")):
        found[clear & sign] = word
        found[clear & sign & inside] = f"slightly_{word}"
    return found.where(p_adjusted.notna())


def _simple(a: Sample, b: Sample, kind: str, value: float, confidence: float) -> tuple[float, ...]:
    if kind == "mean":
        return _welch(a, b, value, confidence)
    se = float(np.hypot(a.values.std() / np.sqrt(a.n), b.values.std() / np.sqrt(b.n)))
    if kind == "nps":
        half = z_of(confidence) * se
        z = value / se if se > 0 else np.nan
        return se, np.inf, value - half, value + half, z, p_of(z)
    low, high = newcombe(a.mean, a.n, b.mean, b.n, confidence)
    pooled = (a.values.sum() + b.values.sum()) / (a.n + b.n)
    pooled_se = float(np.sqrt(pooled * (1 - pooled) * (1 / a.n + 1 / b.n)))
    z = value / pooled_se if pooled_se > 0 else np.nan
    return se, np.inf, low, high, z, p_of(z)


def _welch(a: Sample, b: Sample, value: float, confidence: float) -> tuple[float, ...]:
    var_a, var_b = a.values.var(ddof=1) / a.n, b.values.var(ddof=1) / b.n
    se = float(np.sqrt(var_a + var_b))
    if se == 0:
        return 0.0, np.nan, value, value, np.nan, np.nan
    df = float((var_a + var_b) ** 2 / (var_a**2 / (a.n - 1) + var_b**2 / (b.n - 1)))
    half = t_of(confidence, df) * se
    return se, df, value - half, value + half, value / se, p_of(value / se, df)


def _linearised(a: Sample, b: Sample, kind: str, value: float, shared: float, confidence: float) -> tuple[float, ...]:
    # with weights of one, the linearised path serves unweighted answers too
    own = [estimate(Sample(s.values, _weights(s), s.customers), kind) for s in (a, b)]
    se = float(np.sqrt(max(own[0].se ** 2 + own[1].se ** 2 - 2 * shared, 0.0)))
    df = own[0].df + own[1].df
    if not se > 0:
        return 0.0, df, value, value, np.nan, np.nan
    half = t_of(confidence, df) * se
    return se, df, value - half, value + half, value / se, p_of(value / se, df)


def _weights(sample: Sample) -> np.ndarray:
    return np.ones(sample.n) if sample.weights is None else sample.weights


def _covariance(a: Sample, b: Sample) -> float:
    """Covariance of two means through the customers they share."""
    if a.customers is None or b.customers is None:
        return 0.0
    codes_a, sums_a = cluster_sums(a)
    codes_b, sums_b = cluster_sums(b)
    _, at_a, at_b = np.intersect1d(codes_a, codes_b, assume_unique=True, return_indices=True)
    return float(np.sum(sums_a[at_a] * sums_b[at_b]))


def _both_sides(a: Sample, b: Sample) -> bool:
    return all(s.n * min(s.mean, 1 - s.mean) >= 5 for s in (a, b))


def _effect_size(a: Sample, b: Sample, kind: str) -> float:
    """Cohen's h for shares, else Cohen's d with the pooled standard deviation."""
    if kind == "share":
        return 2 * float(np.arcsin(np.sqrt(a.mean)) - np.arcsin(np.sqrt(b.mean)))
    pooled = ((a.n - 1) * a.values.var(ddof=1) + (b.n - 1) * b.values.var(ddof=1)) / (a.n + b.n - 2)
    return (a.mean - b.mean) / float(np.sqrt(pooled)) if pooled > 0 else np.nan

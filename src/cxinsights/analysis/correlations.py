"""Correlations of two columns: Pearson, Spearman, weighted, partial, each with its interval and base.

Pairs with a missing side are left out, and the number of pairs stands beside every figure. Intervals are Fisher's:
normal on the scale of atanh(r), with the standard error that the kind of correlation asks for. A correlation that
is corrected for unreliable measures can exceed 1; it is flagged, never clipped.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import rankdata

from cxinsights.analysis.intervals import CONFIDENCE, p_of, z_of
from cxinsights.analysis.weighting import kish_n

__all__ = [
    "Correlation", "Resampled", "complete_pairs", "disattenuated", "fisher_limits", "partial", "pearson", "resampled",
    "spearman", "weighted", "without_each",
]  # fmt: skip

_AT_ONCE = 1 << 22  # numbers in one block of drawn pairs


@dataclass(frozen=True)
class Correlation:
    """One correlation with what it needs to travel; missing where a side never varies or the pairs are too few."""

    value: float
    ci_low: float
    ci_high: float
    n: int
    """Pairs with both sides."""
    df: float
    statistic: float
    """t with `df` degrees of freedom."""
    p_value: float

    @property
    def over_one(self) -> bool:
        """Whether it lies beyond what a correlation can be, as a corrected one may."""
        return abs(self.value) > 1


class Resampled(NamedTuple):
    """Bootstrap limits of Pearson's and Spearman's correlation."""

    pearson_low: float
    pearson_high: float
    spearman_low: float
    spearman_high: float


def pearson(x: np.ndarray, y: np.ndarray, confidence: float = CONFIDENCE) -> Correlation:
    """Pearson's correlation of complete pairs.

    Parameters
    ----------
    x, y
        Of shape (n,); missing allowed.

    Notes
    -----
    Checked against R 4.2.2, `cor.test`: t with n − 2 degrees of freedom, limits by Fisher's z with 1 / √(n − 3).
    """
    x, y = complete_pairs(x, y)
    return _with_interval(_correlation(x, y), len(x), len(x) - 3, 1.0, len(x) - 2, confidence)


def spearman(
    x: np.ndarray,
    y: np.ndarray,
    confidence: float = CONFIDENCE,
    interval: Literal["bonett_wright", "fisher"] = "bonett_wright",
) -> Correlation:
    """Spearman's rank correlation of complete pairs, ties at their mean rank.

    Parameters
    ----------
    interval
        Ranks vary more than Fisher's z allows for: Bonett and Wright widen its standard error by √(1 + ρ²/2).
        `fisher` leaves it as it is.

    Notes
    -----
    Checked against R 4.2.2, `cor.test(method = "spearman", exact = FALSE)`. Bonett & Wright (2000).
    """
    x, y = complete_pairs(x, y)
    rho = _correlation(rankdata(x), rankdata(y))
    wider = float(np.sqrt(1 + rho**2 / 2)) if interval == "bonett_wright" else 1.0
    return _with_interval(rho, len(x), len(x) - 3, wider, len(x) - 2, confidence)


def weighted(x: np.ndarray, y: np.ndarray, weights: np.ndarray, confidence: float = CONFIDENCE) -> Correlation:
    """Pearson's correlation in which some pairs count for more.

    Parameters
    ----------
    weights
        Of shape (n,), not negative; a pair whose weight is missing or zero is left out.

    Notes
    -----
    The value agrees with R's `cov.wt(cor = TRUE)`. Interval and test rest on Kish's effective number of pairs.
    """
    weights = np.where(np.nan_to_num(weights) > 0, weights, np.nan)
    x, y, weights = complete_pairs(x, y, weights)
    n_effective = kish_n(weights) if len(x) else 0.0
    return _with_interval(_correlation(x, y, weights), len(x), n_effective - 3, 1.0, n_effective - 2, confidence)


def partial(
    x: np.ndarray, y: np.ndarray, controls: np.ndarray, confidence: float = CONFIDENCE, *, ranks: bool = False
) -> Correlation:
    """Correlation of what the controls leave unexplained in both columns.

    Parameters
    ----------
    controls
        Columns held equal, of shape (n, g); rows with a missing value are left out.
    ranks
        Whether all columns are ranked first (partial Spearman).

    Notes
    -----
    Checked against ppcor 1.1 (`pcor.test`) for the value; the test is t with n − 2 − g degrees of freedom, where
    ppcor takes the normal distribution.
    """
    rows = np.column_stack(complete_pairs(x, y, *controls.T))
    if ranks and len(rows):
        rows = rankdata(rows, axis=0)
    n, g = len(rows), controls.shape[1]
    if n < g + 3:
        return _with_interval(np.nan, n, 0, 1.0, 0, confidence)
    design = np.column_stack([np.ones(n), rows[:, 2:]])
    left = rows[:, :2] - design @ np.linalg.lstsq(design, rows[:, :2], rcond=None)[0]
    # what rounding leaves of a column that the controls explain in full is not a difference
    left[:, np.linalg.norm(left, axis=0) < 1e-10 * np.linalg.norm(rows[:, :2], axis=0)] = 0
    return _with_interval(_correlation(left[:, 0], left[:, 1]), n, n - 3 - g, 1.0, n - 2 - g, confidence)


def disattenuated(found: Correlation, reliability_x: float, reliability_y: float) -> Correlation:
    """A correlation as it would be without measurement error: r / √(reliability of x · reliability of y).

    Limits are divided by the same; reliabilities are taken as known. Can exceed 1 (`over_one`): the reliabilities
    are then too low, or the errors of both sides are linked. Missing where a reliability is not above zero.
    """
    product = reliability_x * reliability_y
    scale = 1 / np.sqrt(product) if min(reliability_x, reliability_y) > 0 else np.nan
    return replace(
        found, value=found.value * scale, ci_low=found.ci_low * scale, ci_high=found.ci_high * scale,
        statistic=np.nan, p_value=np.nan,
    )  # fmt: skip


def resampled(
    x: np.ndarray, y: np.ndarray, draws: int, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> Resampled:
    """Percentile limits of both correlations over bootstrap draws of pairs."""
    x, y = complete_pairs(x, y)
    n = len(x)
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Resampled(*[np.nan] * 4)
    step = max(_AT_ONCE // n, 1)
    found: tuple[list, list] = ([], [])
    for first in range(0, draws, step):
        at = rng.integers(0, n, (min(step, draws - first), n))
        found[0].append(_row_correlations(x[at], y[at]))
        found[1].append(_row_correlations(rankdata(x[at], axis=1), rankdata(y[at], axis=1)))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    limits = [np.nanquantile(np.concatenate(values), tails) for values in found]
    return Resampled(*(float(limit) for pair in limits for limit in pair))


def without_each(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson's correlation with each pair left out in turn, of shape (n,); x and y complete."""
    n = len(x)
    dx, dy = x - x.mean(), y - y.mean()
    shrink = n / (n - 1)  # taking a pair away takes this much of its product from the sums about the new means
    with np.errstate(invalid="ignore", divide="ignore"):
        across = dx @ dy - shrink * dx * dy
        return across / np.sqrt((dx @ dx - shrink * dx**2) * (dy @ dy - shrink * dy**2))


def complete_pairs(*columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rows in which no column is missing."""
    columns = tuple(np.asarray(column, dtype=float) for column in columns)
    known = np.isfinite(columns).all(axis=0) if columns else np.array([], dtype=bool)
    return tuple(column[known] for column in columns)


def fisher_limits(r: float, n_free: float, wider: float = 1.0, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Limits of a correlation on Fisher's scale.

    Parameters
    ----------
    n_free
        Pairs less three, and less one for each control: the inverse of the variance of atanh(r).
    wider
        Factor on the standard error.
    """
    if np.isnan(r) or n_free <= 0:
        return np.nan, np.nan
    if abs(r) >= 1:
        return float(np.sign(r)), float(np.sign(r))
    half = z_of(confidence) * wider / np.sqrt(n_free)
    centre = np.arctanh(r)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))


def _with_interval(r: float, n: int, n_free: float, wider: float, df: float, confidence: float) -> Correlation:
    low, high = fisher_limits(r, n_free, wider, confidence)
    if np.isnan(r) or df <= 0:
        return Correlation(r, low, high, n, max(df, 0), np.nan, np.nan)
    t = r * np.sqrt(df / (1 - r**2)) if abs(r) < 1 else np.sign(r) * np.inf
    return Correlation(r, low, high, n, df, float(t), p_of(t, df))


def _correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Missing where there are under three pairs or a side never varies."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    weights = np.ones(len(x)) if weights is None else weights
    dx, dy = x - np.average(x, weights=weights), y - np.average(y, weights=weights)
    r = np.sum(weights * dx * dy) / np.sqrt(np.sum(weights * dx**2) * np.sum(weights * dy**2))
    return float(np.clip(r, -1, 1))  # rounding may step over


def _row_correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    dx, dy = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw of one pair only has no correlation
        return np.sum(dx * dy, axis=1) / np.sqrt(np.sum(dx**2, axis=1) * np.sum(dy**2, axis=1))

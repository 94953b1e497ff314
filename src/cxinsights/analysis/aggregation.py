"""May answers be averaged by site? How far sites differ, how sure a site's mean is, and how far people agree.

ICC(1) is the share of the differences between people that lies between sites; ICC(2) is the reliability of a site's
mean. r_wg(j) is agreement within a site: 1 less the items' variance over the variance of answers given at random,
for j items together; below 0 it is set to 0. Two kinds of random answering stand side by side: all options alike
(uniform), and most people near the upper end, as surveys mostly find (skewed).
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.analysis.mixed import fit_mixed

__all__ = ["AGREEMENT", "RELIABLE", "SiteSpread", "null_variance", "r_wg_j", "site_reliability", "site_spread"]

RELIABLE = 0.7
"""ICC(2) under which a site's mean is called unsteady."""
AGREEMENT = 0.7
"""r_wg(j) from which a site's people are said to agree."""
_SKEWED = (0.05, 0.15, 0.20, 0.35, 0.25)
"""Shares of five options under slight skew (James, Demaree & Wolf 1984)."""


@dataclass(frozen=True)
class SiteSpread:
    """How people's answers differ between and within sites; missing where under two sites, or nobody to compare."""

    n: int
    n_sites: int
    mean_size: float
    """Answers of a site, on average."""
    n0: float
    """The same, allowing for sites of different size."""
    ms_between: float
    ms_within: float
    f_ratio: float
    p_value: float
    icc1: float
    """From mean squares, with `mean_size`; may fall below 0."""
    icc1_low: float
    icc1_high: float
    icc1_n0: float
    """From mean squares, with `n0`."""
    icc1_reml: float
    """From the variances of a random-intercept model; never below 0."""
    icc2: float
    icc2_low: float
    icc2_high: float
    sd_between: float
    """Of the sites' true means, beyond what chance makes of few answers; in the answers' unit."""
    sd_low: float
    sd_high: float
    var_between: float
    """By REML."""
    var_within: float


def site_spread(values: np.ndarray, sites: np.ndarray, confidence: float = CONFIDENCE) -> SiteSpread:
    """Analysis of variance of answers by site.

    Parameters
    ----------
    values
        One answer or scale score per person, of shape (n,); missing left out.
    sites
        Site of each, of shape (n,).

    Notes
    -----
    Checked against R multilevel 2.7 (`ICC1`, `ICC2`) and lme4. Intervals from those of F (McGraw & Wong 1996), with
    `n0` for sites of different size. Bliese (2000).
    """
    known = np.isfinite(values)
    values, at = np.asarray(values, dtype=float)[known], np.unique(sites[known], return_inverse=True)[1]
    n, sizes = len(values), np.bincount(at) if len(at) else np.zeros(0)
    g = len(sizes)
    if g < 2 or n <= g or np.ptp(values) == 0:
        missing = [np.nan] * (len(fields(SiteSpread)) - 3)
        return SiteSpread(n, g, n / g if g else np.nan, *missing)
    means = np.bincount(at, weights=values) / sizes
    between = float(np.sum(sizes * (means - values.mean()) ** 2) / (g - 1))
    within = float(np.sum((values - means[at]) ** 2) / (n - g))
    size, n0 = n / g, (n - np.sum(sizes**2) / n) / (g - 1)
    df = (g - 1, n - g)
    # F over the true ratio of mean squares follows F: its limits carry over to everything made of the ratio
    betweens = [between, *(between / special.fdtri(*df, 0.5 + side * confidence / 2) for side in (1, -1))]
    f, f_low, f_high = (one / within if within > 0 else np.inf for one in betweens)
    sd, sd_low, sd_high = (float(np.sqrt(max(one - within, 0) / n0)) for one in betweens)
    var_between, var_within = _variances(values, at) if within > 0 else (float(means.var(ddof=1)), 0.0)
    return SiteSpread(
        n, g, size, n0, between, within, f, float(special.fdtrc(*df, f)),
        _icc1(f, size), _icc1(f_low, n0), _icc1(f_high, n0), _icc1(f, n0), var_between / (var_between + var_within),
        _icc2(f), _icc2(f_low), _icc2(f_high), sd, sd_low, sd_high, var_between, var_within,
    )  # fmt: skip


def site_reliability(icc1: float, n: np.ndarray) -> np.ndarray:
    """Reliability of a mean of n answers (Spearman–Brown); 0 where sites do not differ.

    Parameters
    ----------
    n
        Answers of each site, of shape (n_sites,).
    """
    icc1 = max(icc1, 0.0)
    return n * icc1 / (1 + (n - 1) * icc1)


def r_wg_j(
    answers: pd.DataFrame, sites: np.ndarray, item_range: tuple[float, float],
    null: Literal["uniform", "skewed"] = "uniform",
) -> pd.Series:  # fmt: skip
    """Agreement within each site over j items.

    Parameters
    ----------
    answers
        One row per person, one column per item.
    sites
        Site of each row.
    item_range
        Lowest and highest answer; options lie one point apart.

    Returns
    -------
    Series
        By site, 0 to 1; missing where a site has one answer only.

    Notes
    -----
    Checked against R multilevel 2.7 (`rwg.j`). James, Demaree & Wolf (1984).
    """
    ratio = answers.groupby(sites).var().mean(axis=1) / null_variance(item_range, null)
    j = answers.shape[1]
    agree = 1 - ratio
    found = j * agree / (j * agree + ratio)
    return found.where(ratio.isna() | (ratio <= 1), 0.0)


def null_variance(item_range: tuple[float, float], null: Literal["uniform", "skewed"] = "uniform") -> float:
    """Variance of answers given at random, with one option per point of the range.

    `uniform` is (A² − 1) / 12 for A options. `skewed` is the slight skew of James, Demaree & Wolf for five options
    (1.34); for another number of options the same shape is stretched over them.
    """
    options = round(item_range[1] - item_range[0]) + 1
    if null == "uniform":
        return (options**2 - 1) / 12
    edges = np.linspace(0, len(_SKEWED), options + 1)
    reached = np.interp(edges, np.arange(len(_SKEWED) + 1), np.concatenate([[0], np.cumsum(_SKEWED)]))
    shares, places = np.diff(reached), np.arange(options)
    return float(shares @ places**2 - (shares @ places) ** 2)


def _variances(values: np.ndarray, at: np.ndarray) -> tuple[float, float]:
    fit = fit_mixed(np.ones((len(values), 1)), values, at)
    return fit.var_between, fit.var_within


def _icc1(f: float, size: float) -> float:
    return 1.0 if np.isinf(f) else float((f - 1) / (f - 1 + size))


def _icc2(f: float) -> float:
    return 1.0 if np.isinf(f) else float(1 - 1 / f) if f > 0 else -np.inf

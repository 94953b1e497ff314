"""Random-intercept model: groups that differ in level, and columns that go with the outcome.

    outcome = columns · coefficients + level of the group + rest

Fitted by restricted maximum likelihood. With one random level the likelihood depends on one number only, the ratio
of the two variances, so its maximum is found exactly. Tests are t with Satterthwaite's degrees of freedom: with few
groups a z test would claim far too much for a column that differs between groups only.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from cxinsights.analysis.intervals import CONFIDENCE, p_of, t_of

__all__ = ["MixedFit", "fit_mixed"]

_RATIOS = np.concatenate([[0.0], np.logspace(-4, 5, 10)])
"""Of group to rest variance: where the search for the maximum starts."""


@dataclass(frozen=True)
class MixedFit:
    """A fitted random-intercept model; arrays of length k, in the order of the columns."""

    coefficients: np.ndarray
    se: np.ndarray
    df: np.ndarray
    """Satterthwaite."""
    p_values: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    var_between: float
    """Of the groups' levels; 0 where they differ no more than chance would have it."""
    var_within: float
    log_likelihood: float
    """Restricted."""
    n: int
    n_groups: int


def fit_mixed(columns: np.ndarray, outcome: np.ndarray, groups: np.ndarray, confidence: float = CONFIDENCE) -> MixedFit:
    """Fit a random intercept by REML.

    Parameters
    ----------
    columns
        Of shape (n, k), complete, linearly independent, the constant among them.
    outcome
        Of shape (n,), complete.
    groups
        Group of each row, of shape (n,); with a single group this is least squares.

    Raises
    ------
    ValueError
        Rows are no more than columns.

    Notes
    -----
    Checked against lme4 1.1-31 and lmerTest 3.1-3 (R 4.2.2) for coefficients, errors, variances, likelihood and
    degrees of freedom. Satterthwaite (1946); Kuznetsova, Brockhoff & Christensen (2017).
    """
    n, k = columns.shape
    if n <= k:
        raise ValueError(f"{n} rows for {k} columns")
    at = np.unique(groups, return_inverse=True)[1]
    profile = _Profile(columns, outcome, at)
    ratio = _best_ratio(profile)
    fit = profile.at(ratio)
    spread = fit.var_within * fit.inverse
    se = np.sqrt(np.diag(spread))
    df = np.array([profile.satterthwaite(fit, column) for column in range(k)])
    half = np.array([t_of(confidence, d) for d in df]) * se
    t = fit.coefficients / se
    return MixedFit(
        fit.coefficients, se, df, np.array([p_of(*one) for one in zip(t, df, strict=True)]),
        fit.coefficients - half, fit.coefficients + half, ratio * fit.var_within, fit.var_within,
        -fit.deviance / 2, n, int(at.max()) + 1,
    )  # fmt: skip


@dataclass(frozen=True)
class _At:
    """The model at one ratio of variances."""

    ratio: float
    inverse: np.ndarray
    """Of X'V⁻¹X, in units of the rest's variance."""
    coefficients: np.ndarray
    var_within: float
    deviance: float
    slope: float
    """Of the deviance along the ratio."""


class _Profile:
    """The restricted likelihood along the ratio of variances, from sums over groups alone."""

    def __init__(self, columns: np.ndarray, outcome: np.ndarray, at: np.ndarray) -> None:
        self.free = len(outcome) - columns.shape[1]
        self.sizes = np.bincount(at).astype(float)
        self.sums = np.column_stack([np.bincount(at, weights=column) for column in columns.T])
        self.outcome_sums = np.bincount(at, weights=outcome)
        self.cross, self.with_outcome = columns.T @ columns, columns.T @ outcome
        self.columns, self.outcome, self.group = columns, outcome, at

    def at(self, ratio: float) -> _At:
        # V⁻¹ takes from each group's rows the share `pull` of their sum
        grown = 1 + self.sizes * ratio
        pull, pull_slope = ratio / grown, 1 / grown**2
        inverse = np.linalg.inv(self.cross - (self.sums * pull[:, None]).T @ self.sums)
        beta = inverse @ (self.with_outcome - self.sums.T @ (pull * self.outcome_sums))
        left = self.outcome - self.columns @ beta
        left_sums = np.bincount(self.group, weights=left)
        rss = left @ left - np.sum(pull * left_sums**2)
        within = rss / self.free
        deviance = self.free * (np.log(2 * np.pi * within) + 1) + np.log(grown).sum() - np.linalg.slogdet(inverse)[1]
        slope = (
            np.sum(self.sizes / grown)
            - np.trace(inverse @ (self.sums * pull_slope[:, None]).T @ self.sums)
            - np.sum(pull_slope * left_sums**2) / within
        )
        return _At(ratio, inverse, beta, float(within), float(deviance), float(slope))

    def satterthwaite(self, fit: _At, column: int) -> float:
        """Degrees of freedom of one coefficient: 2 · variance² / variance of the variance's estimate.

        Both variances are functions of (ratio, rest); their own spread is twice the inverse of the deviance's
        curvature. Where the ratio is 0 it is not estimated, and the degrees are those of least squares.
        """
        if fit.ratio == 0:
            return float(self.free)
        grown = 1 + self.sizes * fit.ratio
        first, second = 1 / grown**2, -2 * self.sizes / grown**3
        pulled = -(self.sums * first[:, None]).T @ self.sums
        pulled_again = -(self.sums * second[:, None]).T @ self.sums
        left_sums = self.outcome_sums - self.sums @ fit.coefficients
        moved = -fit.inverse @ self.sums.T @ (first * left_sums)  # coefficients along the ratio
        rss_slope = -np.sum(first * left_sums**2)
        rss_curve = -np.sum(second * left_sums**2) + 2 * np.sum(first * left_sums * (self.sums @ moved))
        along = fit.inverse @ pulled
        curve = np.array([[
            -np.sum((self.sizes / grown) ** 2) + np.trace(fit.inverse @ pulled_again) - np.trace(along @ along)
            + rss_curve / fit.var_within,
            -rss_slope / fit.var_within**2,
        ], [-rss_slope / fit.var_within**2, self.free / fit.var_within**2]])  # fmt: skip
        variance = fit.var_within * fit.inverse[column, column]
        gradient = np.array([
            -fit.var_within * (along @ fit.inverse)[column, column], fit.inverse[column, column],
        ])  # fmt: skip
        spread = gradient @ np.linalg.solve(curve, gradient)
        return float(variance**2 / spread) if spread > 0 else float(self.free)


def _best_ratio(profile: _Profile) -> float:
    """Where the restricted likelihood is largest; 0 where it falls from there on."""
    if len(profile.sizes) < 2:
        return 0.0
    found = [profile.at(ratio) for ratio in _RATIOS]
    best = int(np.argmin([one.deviance for one in found]))
    low, high = max(best - 1, 0), min(best + 1, len(found) - 1)
    if found[low].slope >= 0 or found[high].slope <= 0:  # falls from the first on, or still grows at the last
        return float(_RATIOS[best])
    return float(brentq(lambda ratio: profile.at(ratio).slope, _RATIOS[low], _RATIOS[high], xtol=1e-14, rtol=1e-12))

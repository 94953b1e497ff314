"""Case-mix: what a place would score if its customers were mixed as all are, by named covariates.

Indirect standardisation: one model of all answers (linear for NPS and means, logit for shares) says what each customer
gives on average everywhere; a place's expected score is the mean of that over its own customers, and its adjusted score
is score − expected + the score of all. It takes out what is named and no more, and stands beside the score, never
instead. Without covariates it is the score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from cxinsights.analysis.intervals import CONFIDENCE, t_interval

__all__ = ["Adjusted", "CaseMix", "fit_case_mix"]

_FEWEST = 30
_ENDS = {"nps": (-100.0, 100.0), "share": (0.0, 1.0), "mean": (-np.inf, np.inf)}
_STEPS = 50


@dataclass(frozen=True)
class Adjusted:
    """One place's expected and adjusted score."""

    n: int
    expected: float
    adjusted: float
    se: float
    ci_low: float
    ci_high: float


class CaseMix:
    """The model of all answers to one question; `place` reads a place off it.

    Attributes
    ----------
    overall
        Score of all.
    fitted
        (answers,) what customers like each give on average.
    residuals
        (answers,) what each gave beyond that; by weight they sum to 0.
    """

    def __init__(
        self,
        values: np.ndarray,
        columns: np.ndarray,
        kind: Literal["nps", "share", "mean"],
        weights: np.ndarray | None = None,
        customers: np.ndarray | None = None,
    ) -> None:
        self._kind = kind
        self._weights = np.ones(len(values)) if weights is None else weights
        clusters = np.arange(len(values)) if customers is None else customers
        self._clusters = np.unique(clusters, return_inverse=True)[1]
        self.overall = float(np.average(values, weights=self._weights))
        fit = _logit if kind == "share" else _linear
        self.fitted = fit(values, columns, self._weights)
        self.residuals = values - self.fitted
        slope = self.fitted * (1 - self.fitted) if kind == "share" else np.ones(len(values))
        self._slopes = columns * slope[:, None]
        information = (columns * self._weights[:, None]).T @ self._slopes
        # what each customer adds to the coefficients and to the score of all
        self._to_model = self._summed(columns * (self._weights * self.residuals)[:, None]) @ np.linalg.pinv(information)
        self._to_overall = self._summed(self._weights * (values - self.overall) / self._weights.sum())

    def place(self, rows: np.ndarray, confidence: float = CONFIDENCE) -> Adjusted:
        """Expected and adjusted score of the answers at these places, with t interval.

        Notes
        -----
        The error is linearised over customers and holds that of the model: the expected score and that of all are
        estimates too.
        """
        weights = self._weights[rows]
        share = weights / weights.sum()
        expected, beyond = float(share @ self.fitted[rows]), float(share @ self.residuals[rows])
        own = np.bincount(
            self._clusters[rows], weights=share * (self.residuals[rows] - beyond), minlength=len(self._to_overall)
        )
        influence = own - self._to_model @ (share @ self._slopes[rows]) + self._to_overall
        m = len(np.unique(self._clusters[rows]))
        se = float(np.sqrt(m / (m - 1) * np.sum(influence**2))) if m > 1 else np.nan
        adjusted = beyond + self.overall
        low, high = t_interval(adjusted, se, m - 1, confidence)
        floor, ceiling = _ENDS[self._kind]
        return Adjusted(
            len(rows), expected, adjusted, se, min(max(low, floor), adjusted), max(min(high, ceiling), adjusted)
        )

    def _summed(self, parts: np.ndarray) -> np.ndarray:
        """The parts of each customer's answers together."""
        sums = [np.bincount(self._clusters, weights=part) for part in np.atleast_2d(parts.T)]
        return np.column_stack(sums) if parts.ndim > 1 else sums[0]


def fit_case_mix(
    values: np.ndarray,
    covariates: pd.DataFrame,
    kind: Literal["nps", "share", "mean"],
    places: Mapping[tuple, np.ndarray],
    weights: np.ndarray | None = None,
    customers: np.ndarray | None = None,
    fewest: int = _FEWEST,
) -> pd.DataFrame:
    """Expected and adjusted scores of places.

    Parameters
    ----------
    values
        Coded answers of all to one question, none missing.
    covariates
        One row per answer; every column is taken as categories, blanks as one of them. Categories of fewer than
        `fewest` answers are taken together, so that no mean of a few can be worked out from what is expected.
    places
        Name of each place and its rows; those of fewer than `fewest` answers are left out.

    Returns
    -------
    DataFrame
        One row per place: its name in `place`, n, expected, adjusted, se, adj_low, adj_high. Empty where no covariate
        has two categories.

    Notes
    -----
    The weighted sum of all residuals is 0 in both models, so that adjusted scores have the mean of the scores.
    """
    columns = _indicators(covariates, fewest)
    if columns.shape[1] < 2:
        return pd.DataFrame(columns=_COLUMNS)
    model = CaseMix(values, columns, kind, weights, customers)
    found = ((name, model.place(rows)) for name, rows in places.items() if len(rows) >= fewest)
    return pd.DataFrame(
        [(name, a.n, a.expected, a.adjusted, a.se, a.ci_low, a.ci_high) for name, a in found if a.se > 0],
        columns=_COLUMNS,
    )


_COLUMNS = ["place", "n", "expected", "adjusted", "se", "adj_low", "adj_high"]


def _indicators(covariates: pd.DataFrame, fewest: int) -> np.ndarray:
    """(answers, k) ones, and a column for each category but the first of every covariate."""
    columns = [np.ones(len(covariates))]
    for name in covariates:
        found = _categories(covariates[name], fewest)
        columns += [(found == one) * 1.0 for one in sorted(set(found))[1:]]
    return np.column_stack(columns)


def _categories(values: pd.Series, fewest: int) -> np.ndarray:
    """Number of each answer's category: small ones together, with the next smallest while they are still too few."""
    codes = pd.factorize(values.astype(object).map(str), sort=True)[0]  # whatever order the rows come in
    sizes = np.bincount(codes)
    together: list[int] = []
    for code in np.argsort(sizes, kind="stable"):
        if sizes[code] >= fewest and (not together or sizes[together].sum() >= fewest):
            break
        together.append(int(code))
    return np.where(np.isin(codes, together), together[0], codes) if together else codes


def _linear(values: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    root = np.sqrt(weights)
    return columns @ np.linalg.lstsq(columns * root[:, None], values * root, rcond=None)[0]


def _logit(values: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fitted shares by Newton's method; in a category whose answers are all alike they run to 0 or 1."""
    at = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        fitted = expit(columns @ at)
        gradient = columns.T @ (weights * (values - fitted))
        if np.abs(gradient).max() < 1e-10 * weights.sum():
            break
        information = (columns * (weights * fitted * (1 - fitted))[:, None]).T @ columns
        step = np.linalg.pinv(information, rcond=1e-12) @ gradient
        at = at + step * min(1.0, 5 / max(np.abs(step).max(), 1e-300))
    return expit(columns @ at)

"""Proportional odds: an ordered answer regressed on ratings; with two levels it is the logit of a top box.

For an answer y of J levels, logit P(y ≤ j | x) = θⱼ − x′β: one coefficient per rating, the same at every step of the
scale, and a positive one goes with higher answers. A logit of the top box is the case J = 2, with −θ its intercept.

The importance of drivers needs a fit of every set of them and of every bootstrap draw. Sets are fitted exactly, each
from the estimates of a set it differs from by one driver. Draws take one Newton step from the sample's estimate,
which is exact up to terms that vanish with the sample faster than the draws' own spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, log_expit, ndtr

from cxinsights.errors import AnalysisError

__all__ = ["OrderedData", "OrderedFit"]

_ROUNDS = 60
_CONVERGED = 1e-11  # Newton decrement per unit of weight, in log-likelihood
_NOTHING_LEFT = 1e-10  # eigenvalue of the scaled information below which a combination is not determined
_FARTHEST = 30.0  # log-odds between two customers: beyond, ratings tell the levels apart without fail


@dataclass(frozen=True)
class OrderedFit:
    """A fitted model: J − 1 thresholds, then k coefficients."""

    thresholds: np.ndarray
    coefficients: np.ndarray
    covariance: np.ndarray
    """Of thresholds and coefficients, from the observed information; of shape (J − 1 + k, J − 1 + k)."""
    values: np.ndarray
    """Thresholds and coefficients that give the fitted expectations, also where no single coefficient is determined:
    of all that do, the smallest."""
    values_covariance: np.ndarray
    log_likelihood: float
    null_log_likelihood: float

    @property
    def mcfadden(self) -> float:
        """McFadden's R²: 1 − log-likelihood / that of the model without ratings."""
        return 1 - self.log_likelihood / self.null_log_likelihood

    @cached_property
    def se(self) -> np.ndarray:
        """Of thresholds, then coefficients."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def p_values(self) -> np.ndarray:
        """Two-sided Wald tests against the normal: thresholds, then coefficients."""
        values = np.concatenate([self.thresholds, self.coefficients])
        return 2 * ndtr(-np.abs(np.divide(values, self.se, out=np.full_like(values, np.nan), where=self.se > 0)))


class OrderedData:
    """Answers and ratings, ready for many fits.

    Parameters
    ----------
    columns
        Ratings of shape (n, k).
    outcome
        Ordered answers of shape (n,); every value that occurs is a level.
    weights
        Of shape (n,); None where all count alike. They enter as a pseudo-likelihood.

    Raises
    ------
    AnalysisError
        All answers are alike.
    """

    def __init__(self, columns: np.ndarray, outcome: np.ndarray, weights: np.ndarray | None = None):
        self.levels, level = np.unique(outcome, return_inverse=True)
        if len(self.levels) < 2:
            raise AnalysisError("all answers to the outcome are the same: nothing can be explained")
        self.order = np.argsort(level, kind="stable")
        self.weights = np.ones(len(outcome)) if weights is None else np.asarray(weights, dtype=float)[self.order]
        self.starts = np.searchsorted(level[self.order], np.arange(len(self.levels)))
        self._centre = np.average(columns, axis=0, weights=weights) if columns.shape[1] else np.zeros(0)
        spread = columns.std(axis=0)
        self._scale = np.where(spread > 0, spread, 1.0)
        self.columns = ((columns - self._centre) / self._scale)[self.order]  # sorted by level; comparable sizes

    @property
    def n_thresholds(self) -> int:
        """One less than the levels."""
        return len(self.levels) - 1

    @cached_property
    def null_thresholds(self) -> np.ndarray:
        """Thresholds of the model without ratings: log-odds of the answers up to each level."""
        below = np.cumsum(self.by_level(self.weights))[:-1] / self.weights.sum()
        return np.log(below / (1 - below))

    @cached_property
    def null_log_likelihood(self) -> float:
        """Of the model without ratings."""
        return float(null_log_likelihood(self.by_level(self.weights)))

    def fit(self, at: Sequence[int] | None = None) -> OrderedFit:
        """Maximum likelihood on the columns named, all by default.

        Raises
        ------
        AnalysisError
            Ratings tell the levels apart without fail, so that no coefficient is finite.

        Notes
        -----
        Checked against R ordinal 2022.11-16 (`clm`) and `glm(binomial)`. McCullagh (1980).
        """
        at = list(range(self.columns.shape[1]) if at is None else at)
        state, back, j = self.solve(at), self.own_units(at), self.n_thresholds
        values = back @ state.values
        covariance = back @ state.inverse @ back.T
        smallest = values.copy(), covariance.copy()
        undetermined = np.concatenate([np.zeros(j, dtype=bool), state.undetermined[j:]])
        values[undetermined] = np.nan
        covariance[undetermined] = covariance[:, undetermined] = np.nan
        return OrderedFit(values[:j], values[j:], covariance, *smallest, state.log_likelihood, self.null_log_likelihood)

    def own_units(self, at: list[int]) -> np.ndarray:
        """What takes estimates on the scaled columns to those on the columns as given."""
        j, scale = self.n_thresholds, self._scale[at]
        back = np.diag(np.concatenate([np.ones(j), 1 / scale]))
        back[:j, j:] = self._centre[at] / scale  # θ of uncentred ratings = θ + centre′β
        return back

    def solve(self, at: list[int], start: np.ndarray | None = None) -> "State":
        """Estimates on the scaled columns, thresholds first; `start` holds values to begin from."""
        j = self.n_thresholds
        values = np.concatenate([self.null_thresholds, np.zeros(len(at))]) if start is None else start.copy()
        x = self.columns[:, at]
        total = self.weights.sum()
        now = self._pieces(values, x)
        for _ in range(_ROUNDS):
            score, information = self._derivatives(now, x)
            inverse, undetermined = _inverse(information)
            step = inverse @ score
            decrement = float(step @ score)
            if decrement <= _CONVERGED * total:
                return State(values + step, now, inverse, undetermined, float(self.weights @ now.log_p))
            size, before = 1.0, float(self.weights @ now.log_p)
            while True:
                tried = values + size * step
                if (np.diff(tried[:j]) > 0).all():
                    now = self._pieces(tried, x)
                    if self.weights @ now.log_p > before - 1e-12 * abs(before):
                        break
                size /= 2
                if size < 1e-10:
                    break
            values = tried
            reach = x @ values[j:]
            if np.ptp(reach) > _FARTHEST * max(len(at), 1):
                break
        raise AnalysisError(
            "the ratings tell the levels of the outcome apart without fail, so no coefficient is finite: take the "
            "rating that repeats the outcome off the drivers"
        )

    def by_level(self, values: np.ndarray) -> np.ndarray:
        """Sums of sorted values over the rows of each level."""
        return np.add.reduceat(values, self.starts, axis=0)

    def _pieces(self, values: np.ndarray, x: np.ndarray) -> "Pieces":
        j = self.n_thresholds
        eta = x @ values[j:]
        counts = np.diff([*self.starts, len(eta)])
        upper = np.repeat([*values[:j], np.inf], counts) - eta
        lower = np.repeat([-np.inf, *values[:j]], counts) - eta
        with np.errstate(invalid="ignore", over="ignore"):
            between = np.where(np.isfinite(upper) & np.isfinite(lower), -np.expm1(lower - upper), 1.0)
        log_p = log_expit(upper) + log_expit(-lower) + np.log(between)
        return Pieces(expit(upper), expit(lower), between, log_p)

    def _derivatives(self, now: "Pieces", x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score and observed information of thresholds and coefficients."""
        w, j = self.weights, self.n_thresholds
        a, b = now.from_upper, now.from_lower
        ends, begins = self.by_level(w * a)[:-1], self.by_level(w * b)[1:]
        score = np.concatenate([ends - begins, (w * now.residual) @ x])
        bend_upper = now.f_upper * (1 - 2 * now.upper) / now.p - a**2
        bend_lower = -now.f_lower * (1 - 2 * now.lower) / now.p - b**2
        size = j + x.shape[1]
        second = np.zeros((size, size))
        own = self.by_level(w * bend_upper)[:-1] + self.by_level(w * bend_lower)[1:]
        second[range(j), range(j)] = own
        if j > 1:
            beside = self.by_level(w * a * b)[1:-1]
            second[range(j - 1), range(1, j)] = second[range(1, j), range(j - 1)] = beside
        curved = w * (now.f_upper + now.f_lower)
        second[j:, j:] = -(x * curved[:, None]).T @ x
        mixed = self.by_level(x * (w * now.f_upper)[:, None])[:-1] + self.by_level(x * (w * now.f_lower)[:, None])[1:]
        second[:j, j:] = mixed
        second[j:, :j] = mixed.T
        return score, -second


@dataclass(frozen=True)
class Pieces:
    """What each answer contributes at given estimates; sorted as the data are."""

    upper: np.ndarray
    """Chance of an answer at most as high."""
    lower: np.ndarray
    """Chance of a lower answer."""
    between: np.ndarray
    log_p: np.ndarray
    """Log-likelihood of the answer given."""

    @cached_property
    def p(self) -> np.ndarray:
        """Chance of the answer given."""
        return np.exp(self.log_p)

    @cached_property
    def f_upper(self) -> np.ndarray:
        """Density at the answer's upper threshold."""
        return self.upper * (1 - self.upper)

    @cached_property
    def f_lower(self) -> np.ndarray:
        """Density at its lower threshold."""
        return self.lower * (1 - self.lower)

    @cached_property
    def from_upper(self) -> np.ndarray:
        """Slope of the log-likelihood in the upper threshold."""
        return self.f_upper / self.p

    @cached_property
    def from_lower(self) -> np.ndarray:
        """Slope in the lower threshold, with its sign turned."""
        return self.f_lower / self.p

    @property
    def residual(self) -> np.ndarray:
        """Slope of the log-likelihood in the linear predictor."""
        return self.upper + self.lower - 1


@dataclass(frozen=True)
class State:
    """Estimates on scaled columns, with what draws around them need."""

    values: np.ndarray
    pieces: Pieces
    inverse: np.ndarray
    undetermined: np.ndarray
    """Which values no data of this kind determine."""
    log_likelihood: float


def null_log_likelihood(by_level: np.ndarray) -> np.ndarray:
    """Log-likelihood without ratings, from the weight of each level; levels along the last axis."""
    share = by_level / by_level.sum(axis=-1, keepdims=True)
    return (by_level * np.log(share, out=np.zeros_like(share), where=share > 0)).sum(axis=-1)


def _inverse(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse of the information, and which values it does not determine (copies, sums, constants)."""
    spread = np.sqrt(np.diag(information))
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
    values, vectors = np.linalg.eigh(information * scale[:, None] * scale)
    none = values < _NOTHING_LEFT
    kept = np.divide(1, values, out=np.zeros_like(values), where=~none)
    undetermined = (np.abs(vectors[:, none]) > 1e-4).any(axis=1)
    return (vectors * kept) @ vectors.T * scale[:, None] * scale, undetermined

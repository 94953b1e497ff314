"""Ranking units by a score: which differences would come back if the survey were asked again.

A unit with few answers is often first or last by chance alone. Each is drawn towards the mean of all, the more the
less its own answers say (empirical Bayes), and its rank is given as an interval. A funnel plot asks the other question:
is a unit further from all than its number of answers explains.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from cxinsights.analysis.intervals import z_of

__all__ = ["Common", "Funnel", "League", "common_of", "funnel_limits", "league"]

_WINSORISED = 0.1
_DRAWS, _GRID = 10_000, 400


@dataclass(frozen=True)
class League:
    """Units drawn towards their mean, and the ranks that each plausibly has."""

    mean: float
    mean_se: float
    between: float
    """Variance between units beyond that of their answers (REML)."""
    reliability: np.ndarray
    """(units,) share of each unit's own score in its estimate, 0 to 1."""
    estimate: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    rank_low: np.ndarray
    """(units,) best rank; 1 is the highest score."""
    rank_high: np.ndarray


@dataclass(frozen=True)
class Funnel:
    """Limits within which units lie that are like all others."""

    center: float
    overdispersion: float
    """How many times the variance that answers alone explain; 1 where units differ no more than that."""
    low: np.ndarray
    high: np.ndarray


def league(scores: np.ndarray, errors: np.ndarray, confidence: float = 0.95, seed: int = 7) -> League:
    """Draw each score towards the mean by how little is known of it, and say which ranks it may have.

    Parameters
    ----------
    scores, errors
        (units,) scores and their standard errors, all above 0.

    Notes
    -----
    Estimates are empirical Bayes: the variance between units is that of highest restricted likelihood, as in R's
    metafor (`rma`, its default). Intervals and ranks are simulated from the same model with that variance as unknown as
    it is, all standard deviations being alike beforehand (Gelman et al., Bayesian Data Analysis, 5.4): where units
    differ by no more than chance would have it, the best estimate is that all are the same, but not that it is certain.

    Raises
    ------
    ValueError
        There are fewer than three units, or an error is not above 0.
    """
    variances = np.square(errors)
    if len(scores) < 3 or not (variances > 0).all():
        raise ValueError("at least three units are ranked, each with a standard error above 0")
    mean, mean_se, between = common_of(scores, errors)
    reliability = between / (variances + between)
    draws = _draws(scores, variances, np.random.default_rng(seed))
    ranks = (-draws).argsort(axis=1).argsort(axis=1) + 1
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(draws, tails, axis=0)
    rank_low, rank_high = np.quantile(ranks, tails, axis=0, method="inverted_cdf").astype(int)
    return League(
        mean, mean_se, between, reliability, reliability * scores + (1 - reliability) * mean,
        low, high, rank_low, rank_high,
    )  # fmt: skip


class Common(NamedTuple):
    """What all units have in common: their mean, its error, and the variance between them."""

    mean: float
    mean_se: float
    between: float


def common_of(scores: np.ndarray, errors: np.ndarray) -> Common:
    """Mean of units that differ by more than their errors, with the variance between them of highest REML."""
    variances = np.square(errors)
    between = _between(scores, variances)
    weights = 1 / (variances + between)
    return Common(float(weights @ scores / weights.sum()), float(np.sqrt(1 / weights.sum())), between)


def funnel_limits(scores: np.ndarray, errors: np.ndarray, center: float, confidence: float = 0.998) -> Funnel:
    """Limits around the score of all, widened where units differ more than their answers explain.

    Parameters
    ----------
    scores, errors
        (units,) scores, and the standard errors they would have if each were like all others.
    center
        The score of all.
    confidence
        0.998 is about three standard errors.

    Notes
    -----
    Multiplicative overdispersion from z-scores winsorised at a tenth on each side (Spiegelhalter 2005, Statistics in
    Medicine 24, 1185–1202); never under 1.
    """
    z = (scores - center) / errors
    low, high = np.quantile(z, [_WINSORISED, 1 - _WINSORISED])
    overdispersion = max(1.0, float(np.square(np.clip(z, low, high)).mean()))
    half = z_of(confidence) * np.sqrt(overdispersion) * errors
    return Funnel(center, overdispersion, center - half, center + half)


def _between(scores: np.ndarray, variances: np.ndarray) -> float:
    """Between-unit variance of the highest restricted likelihood."""
    most = _most(scores, variances) ** 2
    found = minimize_scalar(
        lambda between: -_likelihood(scores, variances, between), bounds=(0, most), method="bounded",
        options={"xatol": 1e-10 * most},
    )  # fmt: skip
    return float(found.x) if -found.fun > _likelihood(scores, variances, 0.0) else 0.0


def _likelihood(scores: np.ndarray, variances: np.ndarray, between: float) -> float:
    """Restricted log-likelihood, but for a constant."""
    weights = 1 / (variances + between)
    rest = scores - weights @ scores / weights.sum()
    return float(np.log(weights).sum() - np.log(weights.sum()) - weights @ np.square(rest)) / 2


def _most(scores: np.ndarray, variances: np.ndarray) -> float:
    """A standard deviation between units that is far beyond what they show."""
    return 4 * float(np.sqrt(np.var(scores, ddof=1) + variances.mean()))


def _draws(scores: np.ndarray, variances: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(draws, units) true scores as they may be, given the answers."""
    grid = (np.arange(_GRID) + 0.5) / _GRID * _most(scores, variances)
    likelihood = np.array([_likelihood(scores, variances, sd**2) for sd in grid])
    chance = np.exp(likelihood - likelihood.max())
    between = np.square(random.choice(grid, (_DRAWS, 1), p=chance / chance.sum()))
    weights = 1 / (variances + between)
    total = weights.sum(axis=1, keepdims=True)
    mean = (weights @ scores)[:, None] / total + random.standard_normal((_DRAWS, 1)) / np.sqrt(total)
    reliability = between * weights
    noise = np.sqrt(reliability * variances) * random.standard_normal((_DRAWS, len(scores)))
    return reliability * scores + (1 - reliability) * mean + noise

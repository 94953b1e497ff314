"""The models behind a driver regression: linear, proportional odds, or the logit of a top box.

Each gives the same things: how much of what is explained each driver carries, in the sample and in bootstrap draws;
what random drivers would carry; coefficients with errors; and a model that what-if questions are put to. Where blanks
are imputed, all of this is done on every completed copy and put together: estimates by Rubin's rules, draws pooled.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxinsights.analysis.design import Design
from cxinsights.analysis.importance import (
    johnson,
    noise_floor,
    random_parts,
    shapley,
    shapley_of_sets,
    worth_of_sets,
)
from cxinsights.analysis.importance_likelihood import (
    LikelihoodDraws,
    draw_coefficients,
    likelihood_importance,
    relative_weights,
)
from cxinsights.analysis.intervals import CONFIDENCE, p_of, t_of
from cxinsights.analysis.missing import pool
from cxinsights.analysis.ordered import OrderedData
from cxinsights.analysis.pooling import borrow
from cxinsights.analysis.regression import fit_linear, inflation
from cxinsights.analysis.resampling import Moments, drawn_weights
from cxinsights.analysis.what_if import LinearModel, Model, OrderedModel
from cxinsights.errors import AnalysisError
from cxinsights.params import DriversParams

__all__ = ["MOST_COMPARED", "FittedModel", "fit_model", "fit_pooled"]

MOST_COMPARED = 12
"""Of more drivers than this, sets are too many to keep for every draw."""

_TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]


@dataclass(frozen=True)
class FittedModel:
    """What a model says of p drivers."""

    parts: np.ndarray
    """Each driver's part of R² (McFadden's where the outcome is ordered or a top box), of shape (p,)."""
    drawn: np.ndarray
    """The same in every bootstrap draw, of shape (draws, p)."""
    floors: np.ndarray
    """What a random driver of as many columns stays under in 19 of 20 draws, of shape (p,)."""
    second: np.ndarray
    """Johnson's relative weights, of shape (p,)."""
    coefficients: pd.DataFrame
    """One row per driver: coefficient with error and limits, p-value, standardised, VIF, simple correlation."""
    what_if: Model
    widening: float = 1.0
    """What the spread of draws is multiplied by in intervals: bootstrap draws lie too close together."""
    borrowed: float = 0.0
    """How much of it is the pattern common to all units, 0 to 1."""
    worth: np.ndarray | None = None
    """R² of every set of drivers, of shape (2ᵖ, 1); None of more than `MOST_COMPARED` drivers."""
    drawn_worth: np.ndarray | None = None
    """The same in every draw, of shape (2ᵖ, draws)."""


def fit_model(design: Design, params: DriversParams, rng: np.random.Generator) -> FittedModel:
    """Fit what the params ask for.

    Raises
    ------
    AnalysisError
        The answers do not allow it: nothing varies, correlations contradict each other, or ratings tell the levels of
        the outcome apart without fail.
    """
    completed = design.completed(params.n_imputations, params.seed)
    whole = design.moments(completed)
    varies = np.diag(whole.covariances) > 0
    if not varies[-1] or not varies[:-1].any():
        what = "every rating" if varies[-1] else params.outcome
        if params.model == "top_box" and not varies[-1]:
            what = f"whether {params.outcome} is in the top box (from {params.top_box_from:g})"
        raise AnalysisError(f"{what} is the same in all answers: nothing can be explained")
    if params.model == "linear":
        return _linear(design, completed, whole, params, rng)
    found = _ordered(design, completed, whole, params, rng)
    if not (np.isfinite(found.parts).all() and np.isfinite(found.drawn).all()):
        raise AnalysisError("some levels of the outcome are too rare: bootstrap samples lack them")
    return found


def _linear(
    design: Design, completed: np.ndarray, whole: Moments, params: DriversParams, rng: np.random.Generator
) -> FittedModel:
    drawn = design.bootstrap(completed, params.n_boot, rng)
    if design.has_gaps or design.customers is not None:
        over_draws = drawn.coefficients()
        values, covariance = whole.coefficients(), np.atleast_2d(np.cov(over_draws, rowvar=False))
        low, high = np.quantile(over_draws, _TAILS, axis=0)
        p_values = np.full(len(values), np.nan)
    else:
        errors = "HC3" if design.weights is None else "design"
        fits = [fit_linear(columns[:, :-1], columns[:, -1], design.weights, errors=errors) for columns in completed]
        values, covariance, df = pool(
            np.stack([fit.coefficients[1:] for fit in fits]),
            np.stack([fit.covariance[1:, 1:] for fit in fits]),
            fits[0].df,
        )
        low, high, p_values = _wald(values, covariance, df)
    fitted = (values, covariance, (low, high), p_values)
    return _of_moments(design, whole, drawn, fitted, design.n_effective, params, rng)


def fit_pooled(design: Design, common: pd.DataFrame, params: DriversParams, rng: np.random.Generator) -> FittedModel:
    """A linear model of few answers, partly of the pattern common to all units; errors and limits are posterior."""
    pooled = borrow(design, common, params.n_boot, rng)
    over_draws = pooled.drawn.coefficients()
    values, covariance = pooled.whole.coefficients(), np.atleast_2d(np.cov(over_draws, rowvar=False))
    low, high = np.quantile(over_draws, _TAILS, axis=0)
    fitted = (values, covariance, (low, high), np.full(len(values), np.nan))
    found = _of_moments(design, pooled.whole, pooled.drawn, fitted, pooled.n_effective, params, rng)
    return replace(found, widening=1.0, borrowed=pooled.borrowed)


def _of_moments(
    design: Design,
    whole: Moments,
    drawn: Moments,
    fitted: tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray],
    n_effective: float,
    params: DriversParams,
    rng: np.random.Generator,
) -> FittedModel:
    """Importance from moments and their draws, beside fitted coefficients, covariance, limits and p-values."""
    p, worth, drawn_worth = len(design.blocks), None, None
    if p <= MOST_COMPARED:
        worth, drawn_worth = (worth_of_sets(one.correlations, design.blocks) for one in (whole, drawn))
        parts, drawn_parts = shapley_of_sets(worth, p)[:, 0], shapley_of_sets(drawn_worth, p).T
    else:
        parts, drawn_parts = (shapley(one.correlations, design.blocks) for one in (whole, drawn))
    floors = {
        size: noise_floor(random_parts(whole.correlations, design.blocks, n_effective, size, params.n_noise, rng))
        for size in sorted(set(design.blocks))
    }
    values, covariance, limits, p_values = fitted
    at, spread = design.rating_at, np.sqrt(np.diag(whole.covariances))
    frame = _coefficients(design, values, covariance, limits, p_values, whole, spread[:-1] / spread[-1])
    own = frame["coefficient"].notna().to_numpy()
    model = LinearModel(
        np.where(own, values[at], 0.0), np.where(own[:, None] & own, covariance[np.ix_(at, at)], 0.0), design.applies
    )
    return FittedModel(
        parts=parts,
        drawn=drawn_parts,
        floors=np.array([floors[size] for size in design.blocks]),
        second=johnson(whole.correlations, design.blocks),
        coefficients=frame,
        what_if=model,
        widening=design.widening,
        worth=worth,
        drawn_worth=drawn_worth,
    )


def _ordered(
    design: Design, completed: np.ndarray, whole: Moments, params: DriversParams, rng: np.random.Generator
) -> FittedModel:
    draws = -(-params.n_boot // len(completed))
    fits, over_draws, shares = [], [], []
    for columns in completed:
        data = OrderedData(columns[:, :-1], columns[:, -1], design.weights)
        weights = drawn_weights(len(columns), design.weights, design.customers, draws, rng)
        fits.append(data.fit())
        over_draws.append(draw_coefficients(data, weights))
        shares.append(likelihood_importance(data, design.blocks, weights, params.n_noise, rng))
    values, covariance, df = pool(
        np.stack([fit.values for fit in fits]),
        np.stack([fit.values_covariance for fit in fits]),
        np.inf,
    )
    if design.weights is not None or design.customers is not None:  # the information knows neither
        covariance = np.cov(np.concatenate(over_draws), rowvar=False)
    low, high, p_values = _wald(values, covariance, df)
    j = len(fits[0].thresholds)
    spread = np.sqrt(np.diag(whole.covariances))[:-1]
    parts = np.mean([one.parts for one in shares], axis=0)
    second = relative_weights(whole.correlations[:-1, :-1], values[j:] * spread, design.blocks)
    model = OrderedModel(
        thresholds=values[:j],
        coefficients=values[j:],
        covariance=covariance,
        values=np.unique(completed[0][:, -1]),
        columns=completed[0][:, :-1],
        weights=_normed(design.weights, len(completed[0])),
        rating_at=design.rating_at,
        rated=design.rated,
        highest=design.scale[1] - design.centres,
    )
    worth, drawn_worth = _worths(shares)
    return FittedModel(
        parts=parts,
        drawn=np.concatenate([one.drawn for one in shares]),
        floors=np.array([np.mean([noise_floor(one.random[size]) for one in shares]) for size in design.blocks]),
        second=second * parts.sum(),
        coefficients=_coefficients(
            design, values[j:], covariance[j:, j:], (low[j:], high[j:]), p_values[j:], whole, spread
        ),
        what_if=model,
        widening=design.widening,
        worth=worth,
        drawn_worth=drawn_worth,
    )


def _worths(shares: list[LikelihoodDraws]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Worth of every set, as the mean of the copies; and in every draw of all of them."""
    if shares[0].worth is None:
        return None, None
    return np.mean([one.worth for one in shares], axis=0), np.concatenate([one.drawn_worth for one in shares], axis=1)


def _wald(values: np.ndarray, covariance: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Limits and two-sided p-values."""
    se = np.sqrt(np.diag(covariance))
    half = np.array([t_of(CONFIDENCE, own) for own in df]) * se
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.abs(values / se)
    return values - half, values + half, np.array([p_of(r, own) for r, own in zip(ratio, df, strict=True)])


def _coefficients(
    design: Design,
    values: np.ndarray,
    covariance: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    p_values: np.ndarray,
    whole: Moments,
    scale: np.ndarray,
) -> pd.DataFrame:
    """Coefficients of the ratings; one that repeats others or never varies has none of its own."""
    at = design.rating_at
    vif = inflation(whole)[at]
    own = np.where(np.isinf(vif), np.nan, 1.0)
    simple = whole.correlations[at, -1]
    return pd.DataFrame(
        {
            "driver": design.drivers,
            "n": design.n,
            "coefficient": own * values[at],
            "se": own * np.sqrt(np.diag(covariance))[at],
            "coef_low": own * limits[0][at],
            "coef_high": own * limits[1][at],
            "p_value": own * p_values[at],
            "standardised": own * (values * scale)[at],
            "vif": vif,
            "sign_differs": (np.sign(own * values[at]) == -np.sign(simple)) & (np.abs(simple) > 0.05),
        }
    )


def _normed(weights: np.ndarray | None, n: int) -> np.ndarray:
    return np.full(n, 1 / n) if weights is None else weights / weights.sum()

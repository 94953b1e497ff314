"""Partial pooling: a unit with few answers, between its own pattern and the pattern common to all units.

Each unit's covariances of ratings and outcome are taken to scatter around those of all others as an inverse Wishart law
has it. How many answers the others' pattern is worth in a unit (`prior_answers`) is what makes the units' own
covariances most likely: many where units are alike, few where each is a case of its own. A unit's pattern is then the
mean of both, weighted by their answers, and its uncertainty is the posterior's (empirical Bayes).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import multigammaln
from scipy.stats import invwishart

from cxinsights.analysis.design import Design, outcome_values, prepare
from cxinsights.analysis.resampling import Moments, moments
from cxinsights.params import DriversParams

__all__ = ["Pooled", "borrow", "can_borrow", "centres_of", "fit_pool", "log_marginal"]

MIN_UNITS = 3
"""Of fewer nobody can say how much units differ."""
MIN_OWN = 30
"""Complete answers under which a unit has nothing to say of its own."""
OUTCOME = "outcome"
_SINGULAR = 1e-9  # least eigenvalue of correlations with which there is a density


@dataclass(frozen=True)
class Pooled:
    """A unit's covariances between its own and the common ones."""

    whole: Moments
    """Posterior mean."""
    drawn: Moments
    """Posterior draws, with a first axis of their number."""
    borrowed: float
    """How much of it is the common pattern, 0 to 1."""
    n_effective: float
    """Answers it is worth, own and borrowed."""


def fit_pool(responses: pd.DataFrame, params: DriversParams) -> pd.DataFrame:
    """The pattern common to all units, and how many answers it is worth in each.

    Parameters
    ----------
    responses
        Answers of all units: `region`, `unit`, and the columns that `fit_drivers` takes.
    params
        What the company's driver regression is asked.

    Returns
    -------
    DataFrame
        One row per column of the model, the outcome last: `column`, `centre` (what is taken off a rating beside its
        indicator), `n`, `n_units`, `prior_answers`, `weight` (of all units in what is common), and `with_<column>` for
        the covariances. Empty where fewer than three units have answers to every driver, or where a column never varies
        or repeats another.

    Notes
    -----
    Scatter matrices of a unit given Σ of the others have a closed marginal law under an inverse Wishart prior with mean
    Σ (Gelman et al. 2013, section 3.6); its degrees of freedom maximise the product over units (Chen 1979, with each
    unit left out of its own prior, so that what is common is not taken as known). Units' means are their own: only
    patterns are pooled.
    """
    whole = _laid_out(responses, params, None)
    beside = dict(zip(whole.drivers, whole.centres, strict=True))
    centres = {name: beside[name] for name, size in zip(whole.drivers, whole.blocks, strict=True) if size == 2}
    units = [_laid_out(part, params, centres) for _, part in responses.groupby(["region", "unit"], sort=True)]
    units = [one for one in units if one.drivers == whole.drivers and one.n > 1]
    if len(units) < MIN_UNITS or not whole.drivers:
        return pd.DataFrame()
    own = np.stack([moments(one.columns, one.weights).covariances for one in units])
    freedom = np.array([_freedom(one) for one in units])
    extra = _prior_answers(own, freedom)
    if extra is None:
        return pd.DataFrame()
    weights = _weight(freedom, extra)
    common = np.average(own, axis=0, weights=weights)
    names = _columns(whole)
    head = {
        "column": names,
        "centre": [centres.get(name, np.nan) for name in names],
        "n": sum(one.n for one in units),
        "n_units": len(units),
        "prior_answers": extra,
        "weight": weights.sum(),
    }
    return pd.concat([pd.DataFrame(head), pd.DataFrame(common, columns=[f"with_{name}" for name in names])], axis=1)


def centres_of(pool: pd.DataFrame) -> dict[str, float]:
    """Drivers that have an indicator beside them in the pool, and what is taken off their ratings."""
    known = pool.dropna(subset="centre")
    return dict(zip(known["column"], known["centre"], strict=True))


def can_borrow(design: Design, pool: pd.DataFrame) -> bool:
    """Whether a unit, laid out beside the pool, has answers of its own and only columns that the pool knows."""
    known = set(_columns(design)) <= set(pool["column"])
    return known and design.n >= MIN_OWN and bool(np.isfinite(design.columns).all())


def borrow(design: Design, pool: pd.DataFrame, draws: int, rng: np.random.Generator) -> Pooled:
    """A unit's covariances, pooled with the common ones.

    Parameters
    ----------
    design
        The unit's own columns, laid out as the pool's (`prepare` with `centres_of(pool)`).
    pool
        As from `fit_pool`.
    """
    names = _columns(design)
    common = pool.set_index("column").loc[names, [f"with_{name}" for name in names]].to_numpy()
    own, m, q = moments(design.columns, design.weights), _freedom(design), len(names)
    extra, weight = (float(pool[name].iloc[0]) for name in ("prior_answers", "weight"))
    if len(names) == len(pool):  # the unit is one of the pool's: what is common is the others'
        common = _of_others(common * weight, weight, own.covariances, _weight(m, extra))
    scale = extra * common + m * own.covariances
    drawn = invwishart(df=extra + q + 1 + m, scale=scale).rvs(draws, random_state=rng).reshape(draws, q, q)
    return Pooled(
        Moments(own.means, scale / (extra + m)),
        Moments(np.broadcast_to(own.means, (draws, q)), drawn),
        borrowed=extra / (extra + m),
        n_effective=extra + m,
    )


def _laid_out(answers: pd.DataFrame, params: DriversParams, centres: dict[str, float] | None) -> Design:
    return prepare(answers, outcome_values(answers, params), params, centres=centres)


def _columns(design: Design) -> list[str]:
    parts = zip(design.drivers, design.blocks, strict=True)
    return [*(name for driver, size in parts for name in (f"{driver}_applies", driver)[2 - size :]), OUTCOME]


def _freedom(design: Design) -> float:
    return max(design.n_effective - 1, 0.0)


def _weight(freedom: float | np.ndarray, extra: float) -> float | np.ndarray:
    """How much a unit tells of what is common: its own answers blur it, and so does its being one unit."""
    return freedom * extra / (freedom + extra)


def _of_others(total: np.ndarray, weight: float, own: np.ndarray, part: float | np.ndarray) -> np.ndarray:
    """The common covariances without a unit's own."""
    part = np.asarray(part)[..., None, None]
    return (total - part * own) / (weight - part)


def log_marginal(own: np.ndarray, freedom: np.ndarray, scale: np.ndarray, nu: float) -> np.ndarray:
    """Log-likelihood of each unit's covariances under an inverse Wishart prior, but for what the prior has no part in.

    Parameters
    ----------
    own, scale
        Covariances and the prior's scale, of shape (units, q, q).
    freedom
        Degrees of freedom of each, of shape (units,).
    nu
        Degrees of freedom of the prior.
    """
    q = own.shape[-1]
    before, after = (np.linalg.slogdet(one)[1] for one in (scale, scale + freedom[:, None, None] * own))
    gammas = multigammaln((nu + freedom) / 2, q) - multigammaln(nu / 2, q)
    return gammas + nu / 2 * before - (nu + freedom) / 2 * after


def _prior_answers(own: np.ndarray, freedom: np.ndarray) -> float | None:
    """Answers that the others' pattern is worth: where the likelihood of all units is largest.

    None where the units' covariances have no density: a column never varies, or repeats another.
    """
    q = own.shape[-1]
    whole = np.average(own, axis=0, weights=freedom)
    if (np.diag(whole) <= 0).any() or np.linalg.eigvalsh(Moments(whole[0], whole).correlations).min() < _SINGULAR:
        return None

    def unlikely(log_extra: float) -> float:
        extra = np.exp(log_extra)
        nu = extra + q + 1  # with it the prior's mean is the common pattern
        parts = _weight(freedom, extra)
        total = (parts[:, None, None] * own).sum(axis=0)
        scale = extra * _of_others(total, parts.sum(), own, parts)
        return -float(log_marginal(own, freedom, scale, nu).sum())

    most = np.log(freedom.sum())  # what is common is no better known than from all answers there are
    best = minimize_scalar(unlikely, bounds=(0.0, most), method="bounded")
    return float(np.exp(best.x))

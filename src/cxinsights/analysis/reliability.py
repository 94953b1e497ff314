"""Reliability of a scale: how far its items measure one thing, and how much of a person's score is noise.

Alpha from the items' covariances, with Feldt's interval. Omega from a one-factor model by maximum likelihood:
the share of the scale's variance that the factor carries; it does not ask that all items load alike.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.analysis.resampling import bootstrap_moments

__all__ = ["Reliability", "feldt", "fit_reliability", "one_factor"]

_STEPS = 20_000
_STILL = 1e-11
"""Largest change of a loading, in standard deviations of its item, at which the factor model has settled."""


@dataclass(frozen=True)
class Reliability:
    """Reliability of one scale, from people who answered all of its items."""

    n: int
    n_items: int
    alpha: float
    alpha_low: float
    alpha_high: float
    omega: float
    """Missing with under three items: the factor model has no answer then."""
    omega_low: float
    omega_high: float
    items: pd.DataFrame
    """One row per item: `item`, `alpha_dropped` (of the scale without it), `item_total` (correlation with the rest)."""


def fit_reliability(
    answers: pd.DataFrame,
    sites: np.ndarray | None = None,
    draws: int = 0,
    rng: np.random.Generator | None = None,
    confidence: float = CONFIDENCE,
) -> Reliability:
    """Alpha, omega and what each item adds.

    Parameters
    ----------
    answers
        One row per person, one column per item (two or more); people with a blank are left out.
    sites
        Site of each row: people of one site are drawn together for omega's interval.
    draws
        Bootstrap draws behind omega's interval; without any the interval is missing.

    Notes
    -----
    Checked against R psych 2.2.9 (`alpha`) and lavaan 0.6-14 (`cfa(std.lv = TRUE)`). Feldt (1965), McDonald (1999).
    """
    known = answers.notna().all(axis=1).to_numpy()
    values = answers.to_numpy(dtype=float)[known]
    n, k = values.shape
    if n < 3 or k < 2 or (np.ptp(values, axis=0) == 0).any():
        return Reliability(n, k, *[np.nan] * 6, items=_of_items(answers, None))
    covariances = np.cov(values.T)
    value = _alpha(covariances)
    low, high = feldt(value, n, k, confidence)
    omega = _omega(covariances)
    omega_low = omega_high = np.nan
    if draws and np.isfinite(omega):
        at = None if sites is None else np.unique(np.asarray(sites)[known], return_inverse=True)[1]
        drawn = bootstrap_moments(values, None, at, draws, rng or np.random.default_rng(0)).covariances
        varies = np.diagonal(drawn, axis1=1, axis2=2).min(axis=1) > 0
        over_draws = _omega(drawn[varies], still=1e-5)
        omega_low, omega_high = np.quantile(over_draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Reliability(
        n, k, value, low, high, float(omega), float(omega_low), float(omega_high), _of_items(answers, covariances)
    )


def feldt(alpha: float, n: int, k: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Feldt's interval of alpha: (1 − alpha) over (1 − its estimate) follows F with n − 1 and (n − 1)(k − 1) degrees.

    Parameters
    ----------
    n
        People.
    k
        Items.
    """
    df = (n - 1, (n - 1) * (k - 1))
    upper, lower = (special.fdtri(*df, 0.5 + side * confidence / 2) for side in (1, -1))
    return float(1 - (1 - alpha) * upper), float(1 - (1 - alpha) * lower)


def one_factor(covariances: np.ndarray, still: float = _STILL) -> tuple[np.ndarray, np.ndarray]:
    """Loadings and own variances of the one-factor model by maximum likelihood.

    Parameters
    ----------
    covariances
        Of shape (…, k, k), three items or more; leading axes are models of their own.
    still
        Largest change of a loading at which the search stops.

    Returns
    -------
    tuple of ndarray
        Both of shape (…, k), in units of the items.

    Notes
    -----
    The EM steps of Rubin & Thayer (1982) on correlations: every step raises the likelihood, so that it cannot
    run away, and all models step together.
    """
    spread = np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1))
    found = covariances / spread[..., :, None] / spread[..., None, :]
    loadings = _first_axis(found)
    own = np.clip(1 - loadings**2, 1e-3, None)
    for _ in range(_STEPS):
        scaled = loadings / own
        weights = scaled / (1 + np.sum(loadings * scaled, axis=-1, keepdims=True))  # of items in the factor's score
        across = (found @ weights[..., None])[..., 0]  # covariances of items and score
        score = (
            1 - np.sum(weights * loadings, axis=-1, keepdims=True) + np.sum(weights * across, axis=-1, keepdims=True)
        )
        fresh = across / score
        own = np.clip(1 - fresh * across, 1e-6, None)
        moved = np.abs(fresh - loadings).max()
        loadings = fresh
        if moved < still:
            break
    return loadings * spread, own * spread**2


def _alpha(covariances: np.ndarray) -> float:
    k = len(covariances)
    return float(k / (k - 1) * (1 - np.trace(covariances) / covariances.sum()))


def _omega(covariances: np.ndarray, still: float = _STILL) -> np.ndarray:
    """Omega total of each covariance matrix; missing with under three items."""
    if covariances.shape[-1] < 3:
        return np.full(covariances.shape[:-2], np.nan)
    loadings, own = one_factor(covariances, still)
    common = loadings.sum(axis=-1) ** 2
    return common / (common + own.sum(axis=-1))


def _first_axis(correlations: np.ndarray) -> np.ndarray:
    """Loadings of the first principal axis, most of them above zero: where the search starts."""
    values, vectors = np.linalg.eigh(correlations)
    axis = vectors[..., -1] * np.sqrt(values[..., -1:])
    return axis * np.where(axis.sum(axis=-1, keepdims=True) < 0, -1, 1)


def _of_items(answers: pd.DataFrame, covariances: np.ndarray | None) -> pd.DataFrame:
    """What the scale's alpha is without each item, and how each goes with the sum of the others."""
    rows = []
    for at, item in enumerate(answers):
        dropped = total = np.nan
        if covariances is not None:
            others = np.delete(np.arange(len(covariances)), at)
            rest = covariances[np.ix_(others, others)]
            dropped = _alpha(rest) if len(others) > 1 else np.nan
            if rest.sum() > 0:
                total = covariances[at, others].sum() / np.sqrt(covariances[at, at] * rest.sum())
        rows.append((item, dropped, total))
    return pd.DataFrame(rows, columns=["item", "alpha_dropped", "item_total"])

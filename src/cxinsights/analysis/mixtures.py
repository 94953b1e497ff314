"""Gaussian mixtures: segments as overlapping clouds, for studies that ask for them.

The three forms of the clouds are named as in mclust: EII (round, of one size), EEE (one shape for all) and VVV (each
its own). Fitted by EM; the number of clouds is judged by BIC. Discrete ratings make clouds collapse to a point: for
those latent classes are the right model.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.special import logsumexp

from cxinsights.analysis.clustering import k_means

__all__ = ["MixtureModel", "fit_mixture"]

Form = Literal["EII", "EEE", "VVV"]


@dataclass(frozen=True)
class MixtureModel:
    """A fitted mixture of k clouds in p dimensions."""

    form: Form
    shares: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    log_likelihood: float
    n: int

    @property
    def n_parameters(self) -> int:
        """Free parameters."""
        k, p = self.means.shape
        full = p * (p + 1) // 2
        return k - 1 + k * p + {"EII": 1, "EEE": full, "VVV": k * full}[self.form]

    @property
    def bic(self) -> float:
        """Bayesian information criterion; lower is better (mclust reports its negative)."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n))


def fit_mixture(x: np.ndarray, k: int, form: Form, *, n_starts: int = 3, seed: int = 0) -> MixtureModel:
    """Gaussian mixture of k clouds, the likeliest of several starts: Ward's tree and k-means.

    Parameters
    ----------
    x
        Columns of shape (n, p).

    Notes
    -----
    Checked against R mclust 6.0.0, `Mclust(modelNames = …)`. The likelihood of VVV has no maximum where a cloud may
    shrink to a point: an end with a covariance that has no inverse is left out.
    """
    labels = [fcluster(linkage(x, "ward"), k, "maxclust") - 1]
    labels += [k_means(x, k, n_starts=1, seed=seed + at)[1] for at in range(n_starts if k > 1 else 0)]
    ends = [_em(x, np.eye(k)[start], form) for start in labels]
    return max((end for end in ends if end is not None), key=lambda model: model.log_likelihood)


def _em(x: np.ndarray, chances: np.ndarray, form: Form, rounds: int = 5000) -> MixtureModel | None:
    before = -np.inf
    for _ in range(rounds):
        shares, means, covariances = _maximised(x, chances, form)
        try:
            joint = np.log(shares) + _log_densities(x, means, covariances)
        except np.linalg.LinAlgError:
            return None
        each = logsumexp(joint, axis=1, keepdims=True)
        now = float(each.sum())
        if now - before < 1e-9 * abs(now):
            break
        before, chances = now, np.exp(joint - each)
    return MixtureModel(form, shares, means, covariances, now, len(x))


def _maximised(x: np.ndarray, chances: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, p = x.shape
    sizes = np.maximum(chances.sum(axis=0), 1e-12)
    means = (chances.T @ x) / sizes[:, None]
    centred = x[None] - means[:, None]
    scatter = np.einsum("ik,kip,kiq->kpq", chances, centred, centred)
    if form == "VVV":
        covariances = scatter / sizes[:, None, None]
    else:
        pooled = scatter.sum(axis=0) / n
        one = pooled if form == "EEE" else np.eye(p) * np.trace(pooled) / p
        covariances = np.repeat(one[None], len(sizes), axis=0)
    return sizes / n, means, covariances


def _log_densities(x: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    found = np.empty((len(x), len(means)))
    for at, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
        root = np.linalg.cholesky(covariance)
        z = np.linalg.solve(root, (x - mean).T)
        found[:, at] = -0.5 * ((z**2).sum(axis=0) + len(mean) * np.log(2 * np.pi)) - np.log(np.diag(root)).sum()
    return found

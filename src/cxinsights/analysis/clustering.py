"""Segments by distance: k-means for numbers, k-prototypes for mixed columns, medoids for any dissimilarity.

k-means minimises the squared Euclidean distance to segment means. k-prototypes adds a weight for every category
that differs from the segment's most frequent one (Huang 1998). PAM minimises the dissimilarity to the segment's
most central customer. Numbers are standardised with denominator n − 1 first, so that no unit of measure counts
for more than another.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import kmedoids
import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score

__all__ = [
    "Assign", "Clusterer", "Means", "Medoids", "Prototypes", "gower", "k_means", "k_prototypes", "pam", "silhouette",
    "standardised",
]  # fmt: skip

Assign = Callable[[np.ndarray], np.ndarray]
"""Segment numbers (from 0) of the rows asked for."""

CATEGORY_WEIGHT = 0.5
"""Of a differing category beside standardised numbers: half their standard deviation (Huang 1998)."""
_MOST_ROUNDS = 300


class Clusterer(Protocol):
    """A way to make segments of the customers it holds."""

    def fit(self, rows: np.ndarray, k: int, n_starts: int, seed: int) -> Assign:
        """Make k segments of these rows; what comes back assigns any rows to them."""

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Places of these rows whose Euclidean distances are the method's own dissimilarity."""


@dataclass(frozen=True)
class Means:
    """k-means on standardised columns `x`, of shape (n, p)."""

    x: np.ndarray

    def fit(self, rows: np.ndarray, k: int, n_starts: int, seed: int) -> Assign:
        """The best of `n_starts` k-means++ starts."""
        centers, _, _ = k_means(self.x[rows], k, n_starts=n_starts, seed=seed)
        return lambda at: _squared_distances(self.x[at], centers).argmin(axis=1)

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """The columns themselves."""
        return self.x[rows]


@dataclass(frozen=True)
class Prototypes:
    """k-prototypes on standardised columns `x` of shape (n, p) and category codes of shape (n, q)."""

    x: np.ndarray
    codes: np.ndarray
    weight: float = CATEGORY_WEIGHT

    def fit(self, rows: np.ndarray, k: int, n_starts: int, seed: int) -> Assign:
        """The best of `n_starts` random starts."""
        rng = np.random.default_rng(seed)
        means, modes, _, _ = k_prototypes(self.x[rows], self.codes[rows], k, self.weight, n_starts, rng)
        flags = _Mixed.of(means, modes, self._levels).flags
        return lambda at: _costs(self._mixed(at), means, flags, self.weight).argmin(axis=1)

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Numbers beside one column per category, scaled so that a differing category counts its weight."""
        mixed = self._mixed(rows)
        return np.hstack([mixed.x, mixed.flags * np.sqrt(self.weight / 2)])

    @property
    def _levels(self) -> np.ndarray:
        return self.codes.max(axis=0) + 1

    def _mixed(self, rows: np.ndarray) -> "_Mixed":
        return _Mixed.of(self.x[rows], self.codes[rows], self._levels)


@dataclass(frozen=True)
class Medoids:
    """Central rows, the mean dissimilarity to them, and the segment of each row."""

    rows: np.ndarray
    objective: float
    labels: np.ndarray


def standardised(x: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1 (denominator n − 1); without spread: 0."""
    centred = x - x.mean(axis=0)
    spread = x.std(axis=0, ddof=1)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)


def k_means(
    x: np.ndarray, k: int, *, n_starts: int = 10, seed: int = 0, start: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, float]:
    """Lloyd's k-means.

    Parameters
    ----------
    x
        Standardised columns, of shape (n, p).
    start
        Places of the first centers, of shape (k, p), instead of k-means++ starts.

    Returns
    -------
    centers, labels, within
        Of shape (k, p), of shape (n,) from 0, and the sum of squared distances to the centers.

    Notes
    -----
    Checked against R 4.2.2, `kmeans(algorithm = "Lloyd")`.
    """
    how = {"init": start, "n_init": 1} if start is not None else {"n_init": n_starts, "random_state": seed}
    with warnings.catch_warnings():  # fewer different rows than segments: some stay empty, and that is seen
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(k, algorithm="lloyd", tol=0 if start is not None else 1e-6, max_iter=_MOST_ROUNDS, **how).fit(x)
    return found.cluster_centers_, found.labels_, float(found.inertia_)


def k_prototypes(
    x: np.ndarray, codes: np.ndarray, k: int, weight: float, n_starts: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """k-prototypes, the best of random starts.

    Parameters
    ----------
    x, codes
        Standardised columns of shape (n, p), and category numbers from 0 of shape (n, q).
    weight
        Of a differing category, beside squared differences of the numbers.

    Returns
    -------
    means, modes, labels, cost
        Of shapes (k, p), (k, q) and (n,); cost is the sum of squared distances and weighted differences.

    Notes
    -----
    Checked against R clustMixType 0.5.2, `kproto`, and the Python package kmodes. Huang (1998).
    """
    mixed = _Mixed.of(x, codes, codes.max(axis=0) + 1)
    ends = [_from_start(mixed, rng.choice(len(x), k, replace=False), weight) for _ in range(n_starts)]
    means, modes, labels, cost = min(ends, key=lambda end: end[3])
    return means, mixed.codes_of(modes), labels, cost


def pam(dissimilarities: np.ndarray, k: int) -> Medoids:
    """Partitioning around medoids: greedy start, then swaps while they help.

    Notes
    -----
    Checked against R cluster 2.1.4, `pam`. Kaufman & Rousseeuw (1990).
    """
    found = kmedoids.pam(np.ascontiguousarray(dissimilarities, dtype=float), k, init="build")
    _, first, labels = np.unique(found.labels, return_index=True, return_inverse=True)
    order = np.argsort(first)  # segments are numbered by their first row
    return Medoids(
        np.asarray(found.medoids, dtype=int)[order], float(found.loss) / len(labels), np.argsort(order)[labels]
    )


def gower(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Gower dissimilarity of all pairs, of shape (n, n): the mean over columns of differences between 0 and 1.

    Parameters
    ----------
    x
        Numbers of shape (n, p): a difference counts as a part of the column's range.
    codes
        Categories of shape (n, q): 1 where they differ. A pair is judged by the columns that both have.

    Notes
    -----
    Checked against R cluster 2.1.4, `daisy(metric = "gower")`. Gower (1971).
    """
    total, known = np.zeros((len(x), len(x))), np.zeros((len(x), len(x)))
    for column in x.T:
        span = np.nanmax(column) - np.nanmin(column)
        apart = np.abs(column[:, None] - column[None, :]) / (span if span > 0 else 1)
        total += np.nan_to_num(apart)
        known += ~np.isnan(apart)
    for column in codes.T:
        both = (column[:, None] >= 0) & (column[None, :] >= 0)
        total += both & (column[:, None] != column[None, :])
        known += both
    return np.divide(total, known, out=np.full_like(total, np.nan), where=known > 0)


def silhouette(places: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette: how much nearer customers lie to their own segment than to the next; −1 to 1.

    Missing where there is one segment only, or one per customer.
    """
    n_segments = len(np.unique(labels))
    return float(silhouette_score(places, labels)) if 1 < n_segments < len(labels) else np.nan


@dataclass(frozen=True)
class _Mixed:
    """Numbers, and one column for every category of every column."""

    x: np.ndarray
    flags: np.ndarray
    first: np.ndarray
    """Where each column's categories begin."""

    @classmethod
    def of(cls, x: np.ndarray, codes: np.ndarray, levels: np.ndarray) -> "_Mixed":
        flags = [(column[:, None] == np.arange(level)) * 1.0 for column, level in zip(codes.T, levels, strict=True)]
        return cls(x, np.hstack(flags), np.concatenate([[0], np.cumsum(levels)[:-1]]))

    def modes(self, counts: np.ndarray) -> np.ndarray:
        """The most frequent category of each column, as flags of shape (k, all categories)."""
        found = np.zeros_like(counts)
        for at, end in zip(self.first, [*self.first[1:], counts.shape[1]], strict=True):
            found[np.arange(len(counts)), at + counts[:, at:end].argmax(axis=1)] = 1
        return found

    def codes_of(self, modes: np.ndarray) -> np.ndarray:
        """Flags as category numbers, of shape (k, q)."""
        ends = [*self.first[1:], modes.shape[1]]
        return np.column_stack([modes[:, at:end].argmax(axis=1) for at, end in zip(self.first, ends, strict=True)])


def _from_start(mixed: _Mixed, rows: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    n, k = len(mixed.x), len(rows)
    means, modes, labels = mixed.x[rows], mixed.flags[rows], np.full(n, -1)
    for _ in range(_MOST_ROUNDS):
        costs = _costs(mixed, means, modes, weight)
        fresh = costs.argmin(axis=1)
        own = costs[np.arange(n), fresh]
        for empty in np.setdiff1d(np.arange(k), fresh):  # an empty segment restarts at the customer served worst
            worst = own.argmax()
            fresh[worst], own[worst] = empty, 0.0
        if (fresh == labels).all():
            break
        labels = fresh
        belongs = (labels == np.arange(k)[:, None]) * 1.0
        means = belongs @ mixed.x / np.maximum(belongs.sum(axis=1, keepdims=True), 1)
        modes = mixed.modes(belongs @ mixed.flags)
    return means, modes, labels, float(_costs(mixed, means, modes, weight)[np.arange(n), labels].sum())


def _costs(mixed: _Mixed, means: np.ndarray, modes: np.ndarray, weight: float) -> np.ndarray:
    differs = len(mixed.first) - mixed.flags @ modes.T
    return _squared_distances(mixed.x, means) + weight * differs


def _squared_distances(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    found = (x**2).sum(axis=1)[:, None] - 2 * x @ centers.T + (centers**2).sum(axis=1)
    return np.maximum(found, 0)

"""Driver importance: how much of the explained difference each driver carries.

All figures come from the correlation matrix of drivers and outcome. A driver is a block of one or more
columns (a rating, or a rating with the indicator of whether it applies); its columns always enter together.

The 2ᵖ values of R² are had without fitting 2ᵖ models: each driver in turn is either dropped from the matrix
or eliminated from it (a Schur complement), so that every set of drivers shares the work of its beginning.
"""

from collections.abc import Callable
from functools import cache
from math import factorial

import numpy as np

__all__ = [
    "johnson",
    "noise_floor",
    "random_parts",
    "shapley",
    "shapley_of_sets",
    "size_weights",
    "worth_of_sets",
]

_TOLERANCE = 1e-10  # of a column's own variance left by the others: below, it adds nothing new
_AT_ONCE = 1 << 19  # numbers worked on together: few enough to stay in the processor's cache
_KEPT = 14  # drivers: of more, the weights of all sets take too much room to be kept
_HELD = 1 << 24  # values of R² held at once


def worth_of_sets(correlations: np.ndarray, blocks: list[int]) -> np.ndarray:
    """R² of every set of drivers, set i holding those whose bit is set in i; of shape (2ᵖ, matrices).

    Parameters
    ----------
    correlations
        Of shape (…, k + 1, k + 1): the k columns of the drivers, block after block, then the outcome.
    blocks
        Number of columns of each of the p drivers; they add up to k.
    """
    return _over_sets(_stacked(correlations), blocks, _explained)


def shapley(correlations: np.ndarray, blocks: list[int]) -> np.ndarray:
    """Shapley (LMG) values: each driver's mean gain in R² over all orders of entry.

    They sum to R², and are the same number as general dominance weights.

    Parameters
    ----------
    correlations
        As in `worth_of_sets`.

    Returns
    -------
    ndarray
        Of shape (…, p), in units of R².

    Notes
    -----
    Checked against R relaimpo 2.2-7, `calc.relimp(type = "lmg")`. Grömping (2006). Cost doubles with each driver.
    """
    matrices = _stacked(correlations)
    p, count = len(blocks), matrices.shape[-1]
    step = max(_HELD >> p, 1)
    gains = np.empty((p, count))
    for i in range(0, count, step):
        r2 = _over_sets(matrices[..., i : i + step], blocks, _explained)
        gains[:, i : i + step] = shapley_of_sets(r2, p)
    return gains.T.reshape(*correlations.shape[:-2], p)


def johnson(correlations: np.ndarray, blocks: list[int]) -> np.ndarray:
    """Johnson's relative weights, in units of R²; of shape (…, p). They sum to R².

    Notes
    -----
    Checked against R rwa 0.1.0. Johnson (2000).
    """
    among, with_outcome = correlations[..., :-1, :-1], correlations[..., :-1, -1]
    values, vectors = np.linalg.eigh(among)
    root = np.sqrt(np.clip(values, 0, None))
    inverse = np.divide(1, root, out=np.zeros_like(root), where=root > np.sqrt(_TOLERANCE))
    loadings = (vectors * root[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    beta = (vectors * inverse[..., None, :]) @ np.swapaxes(vectors, -1, -2) @ with_outcome[..., None]
    of_columns = loadings**2 @ beta**2
    return np.add.reduceat(of_columns[..., 0], _starts(blocks), axis=-1)


def random_parts(
    correlations: np.ndarray, blocks: list[int], n_effective: float, columns: int, draws: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Shapley values of a random driver entered with the real ones; of shape (draws,), in units of R².

    Parameters
    ----------
    correlations
        Of shape (k + 1, k + 1).
    n_effective
        Effective answers: they decide how far chance correlations reach.
    columns
        Columns of the random driver (two for a rating with an indicator).

    Notes
    -----
    A random column is never made row by row: the correlations of a normal column with k given ones are
    themselves normal with the given correlations, divided by √n.
    """
    k = len(correlations) - 1
    by_chance = rng.standard_normal((draws, columns, k + 1)) @ _root(correlations).T
    by_chance /= np.sqrt(max(n_effective - 1, 1))
    real = [*range(k), k + columns]
    wider = np.zeros((k + columns + 1, k + columns + 1, 1, draws))
    wider[np.ix_(real, real)] = correlations[..., None, None]
    for column in range(columns):
        wider[real, k + column, 0] = wider[k + column, real, 0] = by_chance[:, column].T
        wider[k + column, k + column] = 1
    p = len(blocks)
    weights = size_weights(p + 1)[_set_sizes(p)]
    step = max(_HELD >> p, 1)
    found = np.empty(draws)
    for i in range(0, draws, step):
        gains = _over_sets(wider[..., i : i + step], blocks, lambda left: _gain(left, columns))
        found[i : i + step] = weights @ gains
    return found


def noise_floor(parts: np.ndarray, level: float = 0.95) -> float:
    """What a random driver stays under in this share of draws."""
    return float(np.quantile(parts, level))


def _stacked(correlations: np.ndarray) -> np.ndarray:
    """Matrices as (size, size, 1 set, batch), so that one entry of all of them lies together in memory."""
    matrices = correlations.reshape(-1, *correlations.shape[-2:])
    return np.ascontiguousarray(np.moveaxis(matrices, 0, -1))[:, :, None]


def _over_sets(left: np.ndarray, blocks: list[int], last: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Drop or eliminate each block, and take `last` of what is left: of shape (sets · 2ᵖ, batch).

    Set i holds the drivers whose bit is set in i. While the work is too large for the cache, one driver is
    settled at a time and the two halves are done one after the other.
    """
    if not blocks:
        return last(left)
    columns, others = blocks[0], blocks[1:]
    halves = (left[columns:, columns:], _eliminated(left, columns))
    if halves[0].size << len(others) <= _AT_ONCE:
        return _over_sets(np.concatenate(halves, axis=2), others, last)
    done = np.stack([_over_sets(half, others, last) for half in halves], axis=1)
    return done.reshape(-1, done.shape[-1])


def _explained(left: np.ndarray) -> np.ndarray:
    return 1 - left[0, 0]


def _eliminated(matrices: np.ndarray, columns: int) -> np.ndarray:
    """What the first columns leave unexplained of the rest (upper triangle only).

    A column that adds nothing new (a copy, or a sum of others) takes nothing.
    """
    for _ in range(columns):
        pivot, row = matrices[0, 0], matrices[0, 1:]
        inverse = np.divide(1, pivot, out=np.zeros_like(pivot), where=pivot > _TOLERANCE)
        rest = np.empty_like(matrices[1:, 1:])
        for i in range(len(row)):
            rest[i, i:] = matrices[1 + i, 1 + i :] - (row[i] * inverse) * row[i:]
        matrices = rest
    return matrices


def _gain(left: np.ndarray, columns: int) -> np.ndarray:
    """What the first columns add to the explanation of the last."""
    return left[-1, -1] - _eliminated(left, columns)[0, 0]


@cache
def _all_weights(p: int) -> np.ndarray:
    """Weight of R² of each of the 2ᵖ sets in each driver's mean gain: plus with it, minus without it."""
    sizes, weights = _set_sizes(p), size_weights(p)
    has = (np.arange(1 << p) >> np.arange(p)[:, None] & 1).astype(bool)
    return np.where(has, weights[np.maximum(sizes - 1, 0)], -weights[np.minimum(sizes, p - 1)])


def shapley_of_sets(values: np.ndarray, p: int) -> np.ndarray:
    """Shapley values of p players from the worth of all 2ᵖ sets, set i holding those whose bit is set in i.

    Parameters
    ----------
    values
        Of shape (2ᵖ, …).

    Returns
    -------
    ndarray
        Of shape (p, …).
    """
    if p <= _KEPT:
        return _all_weights(p) @ values
    # a set's worth counts for its members and against all others: one sum against all, and a sum of each one's sets
    sizes, weights = _set_sizes(p), np.append(size_weights(p), 0.0)
    against = weights[sizes] @ values
    swing = ((weights[sizes] + weights[sizes - 1]) * values.T).T
    return (
        np.stack([swing.reshape(-1, 2, 1 << j, *values.shape[1:])[:, 1].sum(axis=(0, 1)) for j in range(p)]) - against
    )


def size_weights(p: int) -> np.ndarray:
    """Share of orders in which a given set of s others comes before a driver, for s = 0 … p − 1."""
    return np.array([factorial(s) * factorial(p - 1 - s) / factorial(p) for s in range(p)])


def _set_sizes(p: int) -> np.ndarray:
    """Number of drivers in each of the 2ᵖ sets, set i holding the drivers whose bit is set in i."""
    return np.bitwise_count(np.arange(1 << p)).astype(int)


def _starts(blocks: list[int]) -> np.ndarray:
    return np.cumsum([0, *blocks[:-1]])


def _root(correlations: np.ndarray) -> np.ndarray:
    """A matrix whose product with its transpose is the given one."""
    values, vectors = np.linalg.eigh(correlations)
    return vectors * np.sqrt(np.clip(values, 0, None))

"""Dominance: whether one driver adds more than another to the explanation, whatever else is in the model.

Of two drivers one dominates completely where it adds more to every set of the others; conditionally where it adds more
on average to sets of every size; generally where it adds more on average over all sizes (which is the order of Shapley
shares). Each implies the next.
"""

import numpy as np

__all__ = ["PATTERNS", "complete_shares", "conditional", "patterns"]

PATTERNS = ("complete", "conditional", "general")
_MORE = 1e-12  # of R²: less is rounding


def conditional(worth: np.ndarray, p: int) -> np.ndarray:
    """Mean gain of each driver when it joins so many others, for 0 … p − 1 of them.

    Parameters
    ----------
    worth
        R² of every set, of shape (2ᵖ, …): set i holds the drivers whose bit is set in i.

    Returns
    -------
    ndarray
        Of shape (p, p, …): driver, number of others. Its mean over the second axis is the Shapley value.

    Notes
    -----
    Azen & Budescu (2003).
    """
    sets = np.arange(1 << p)
    sizes = np.bitwise_count(sets)
    found = np.empty((p, p, *worth.shape[1:]))
    for driver in range(p):
        without = sets[sets >> driver & 1 == 0]
        gains = worth[without | 1 << driver] - worth[without]
        for size in range(p):
            found[driver, size] = gains[sizes[without] == size].mean(axis=0)
    return found


def patterns(worth: np.ndarray, p: int) -> np.ndarray:
    """Whether driver i dominates driver j completely, conditionally, generally; of shape (3, p, p, …)."""
    by_size = conditional(worth, p)
    found = np.zeros((3, p, p, *worth.shape[1:]), dtype=bool)
    found[0] = complete_shares(worth, p) == 1
    for i in range(p):
        for j in range(p):
            if i != j:
                found[1, i, j] = (by_size[i] > by_size[j] + _MORE).all(axis=0)
                found[2, i, j] = by_size[i].mean(axis=0) > by_size[j].mean(axis=0) + _MORE
    return found


def complete_shares(worth: np.ndarray, p: int) -> np.ndarray:
    """How often driver i adds more than driver j, over all sets of the others; of shape (p, p, …).

    1 is complete dominance of i over j, 0 of j over i; missing on the diagonal.

    Notes
    -----
    Checked against R domir 1.2.0. Budescu (1993).
    """
    sets = np.arange(1 << p)
    share = np.full((p, p, *worth.shape[1:]), np.nan)
    for i in range(p):
        for j in range(p):
            if i != j:
                neither = sets[(sets >> i & 1 == 0) & (sets >> j & 1 == 0)]
                share[i, j] = (worth[neither | 1 << i] > worth[neither | 1 << j] + _MORE).mean(axis=0)
    return share

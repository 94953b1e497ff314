"""What else must be hidden so that no small base follows from the figures that are shown.

Figures are linked by totals: a company is the sum of its regions, a unit the sum of its sites, and also of its
customers' age groups and those who named none. Together the totals are linear equations. What is shown is known;
a hidden figure is given away where the equations leave it one value only, however many of them it takes.
"""

from collections.abc import Sequence

import numpy as np

__all__ = ["further_hidden"]

_NOTHING = 1e-9


def further_hidden(
    bases: np.ndarray, totals: Sequence[tuple[int, Sequence[int]]], unseen: np.ndarray, threshold: int
) -> np.ndarray:
    """Which further figures to hide, the smallest that help first.

    Parameters
    ----------
    bases
        Answers behind each figure, of shape (k,).
    totals
        Figure that is a total, and the figures that add up to it; places in `bases`.
    unseen
        Figures that no page shows, though they can be worked out: what a total's shown parts leave over.
    threshold
        Fewest answers of a shown figure.

    Returns
    -------
    ndarray of bool
        Figures to hide beside the small and the unseen ones. With them hidden, no figure under the threshold
        follows from the shown ones, and the hidden parts of a shown total rest on `threshold` answers together,
        wherever there is anything left to hide.
    """
    small = (bases > 0) & (bases < threshold)
    hidden = (small | unseen) & (bases > 0)
    first = hidden.copy()
    if not small.any():
        return hidden & ~first
    equations = np.zeros((len(totals), len(bases)))
    for at, (whole, parts) in enumerate(totals):
        equations[at, whole] = -1
        equations[at, list(parts)] = 1
    equations[:, bases == 0] = 0  # nobody's figure is known
    while (helps := _given_away(equations, bases, hidden, small, threshold)) is not None:
        hidden[helps[np.argmin(bases[helps])]] = True
    return hidden & ~first


def _given_away(
    equations: np.ndarray, bases: np.ndarray, hidden: np.ndarray, small: np.ndarray, threshold: int
) -> np.ndarray | None:
    """Shown figures by which something too small follows; None where nothing does."""
    left = np.where((equations > 0) & hidden, bases, 0).sum(axis=1)
    whole_shown = ~((equations < 0) & hidden).any(axis=1)
    for row in np.flatnonzero(whole_shown & (left > 0) & (left < threshold)):
        helps = np.flatnonzero((equations[row] != 0) & ~hidden)
        if len(helps):
            return helps
    unknown = equations[:, hidden]
    inverse = np.linalg.pinv(unknown)
    follows = np.einsum("ij,ji->i", inverse, unknown) > 1 - _NOTHING  # a unit vector in the span of the equations
    for at in np.flatnonzero(follows & small[hidden]):
        helps = np.flatnonzero((np.abs(inverse[at] @ equations) > _NOTHING) & ~hidden)
        if len(helps):
            return helps
    return None

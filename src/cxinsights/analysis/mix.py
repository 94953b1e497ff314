"""What a total's change is made of: its parts scored otherwise, or there are more answers of some parts than before."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Split", "split_change"]


@dataclass(frozen=True)
class Split:
    """A change of a total as a sum; `rate + mix + both` is the change, exactly."""

    change: float
    rate: np.ndarray
    """(parts,) what each part's own change makes, at its earlier share."""
    mix: np.ndarray
    """(parts,) what its change of share makes, at its earlier score against the total's."""
    both: np.ndarray
    """(parts,) what is left where a part changed in both."""


def split_change(
    scores: np.ndarray, earlier_scores: np.ndarray, shares: np.ndarray, earlier_shares: np.ndarray
) -> Split:
    """Split the change of a total into those of its parts' scores and of their shares.

    Parameters
    ----------
    scores, earlier_scores
        (parts,) in the period and before; missing where a part had no answers then.
    shares, earlier_shares
        (parts,) of the total's answers (or weights); each sums to 1.

    Notes
    -----
    A part that is new or gone has no change of its own: all it makes is mix.

    Raises
    ------
    ValueError
        Shares do not sum to 1.
    """
    for given in (shares, earlier_shares):
        if not np.isclose(given.sum(), 1):
            raise ValueError("shares of a total sum to 1")
    known = np.where(earlier_shares > 0, earlier_scores, scores)
    now = np.where(shares > 0, scores, known)
    before = float(earlier_shares @ known)
    moved, shifted = now - known, shares - earlier_shares
    return Split(
        change=float(shares @ now) - before,
        rate=earlier_shares * moved,
        mix=shifted * (known - before),
        both=shifted * moved,
    )

"""Touch-point credit: how the conversions of a set of paths are shared among the touch-points on them.

First touch, last touch and linear credit each conversion to the path's first touch-point, its last, or all alike. The
Markov removal effect takes all paths as one chain of order 1 (where a customer goes next depends on the touch-point
alone) and asks which share of conversions is lost when a touch-point leads nowhere any more; the conversions are
then shared in proportion. None of these says what a touch-point causes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

__all__ = ["Chain", "Moves", "heuristic_credit", "markov_credit"]


@dataclass(frozen=True)
class Chain:
    """How often paths go from one touch-point to the next."""

    touchpoints: tuple[str, ...]
    counts: np.ndarray
    """Moves between states, of shape (m + 3, m + 3): start, the touch-points, conversion, end without conversion."""

    @property
    def transitions(self) -> np.ndarray:
        """Chance of each next state; both ends lead nowhere."""
        totals = self.counts.sum(axis=1, keepdims=True)
        return np.divide(self.counts, totals, out=np.zeros(self.counts.shape), where=totals > 0)

    @property
    def conversion_probability(self) -> float:
        """Chance that a path from the start ends in conversion."""
        return float(_conversion(self.transitions[None])[0])

    @property
    def removal_effects(self) -> np.ndarray:
        """Share of conversions lost when each touch-point leads nowhere, of shape (m,); missing without conversions."""
        whole = self.conversion_probability
        if not whole > 0:
            return np.full(len(self.touchpoints), np.nan)
        without = np.repeat(self.transitions[None], len(self.touchpoints), axis=0)
        for at in range(len(self.touchpoints)):
            without[at, at + 1] = 0
        return 1 - _conversion(without) / whole


@dataclass(frozen=True)
class Moves:
    """Paths taken apart into moves between states, so that the chain of any draw of them is one sum."""

    touchpoints: tuple[str, ...]
    conversions: np.ndarray
    """How many times each path ended in conversion, of shape (n,)."""
    others: np.ndarray
    """How many times it ended without."""
    path: np.ndarray
    """Path of each move from the start or between touch-points."""
    cell: np.ndarray
    """Its place in the matrix of counts, row by row."""
    last: np.ndarray
    """State at the end of each path, of shape (n,)."""

    @classmethod
    def of(
        cls,
        paths: Sequence[Sequence[str]],
        conversions: np.ndarray,
        others: np.ndarray,
        touchpoints: Sequence[str] | None = None,
    ) -> "Moves":
        """Take paths apart.

        Parameters
        ----------
        paths
            Touch-points of each path in order, at least one; repeats count.
        conversions, others
            How many times each path ended in conversion and without, of shape (n,).
        touchpoints
            Names and their order; by default all that occur, sorted.
        """
        names = sorted({name for path in paths for name in path}) if touchpoints is None else list(touchpoints)
        code = {name: at + 1 for at, name in enumerate(names)}
        states = [[0, *(code[name] for name in path)] for path in paths]
        path = np.repeat(np.arange(len(paths)), [len(one) - 1 for one in states])
        cell = np.array([a * (len(names) + 3) + b for one in states for a, b in pairwise(one)], dtype=int)
        last = np.array([one[-1] for one in states], dtype=int)
        return cls(tuple(names), np.asarray(conversions, float), np.asarray(others, float), path, cell, last)

    def chain(self) -> Chain:
        """The chain of all paths."""
        return self._chain(self.conversions, self.others)

    def draws(self, n: int, rng: np.random.Generator) -> Iterator[Chain]:
        """Chains of bootstrap draws of whole paths."""
        times = np.concatenate([self.conversions, self.others])
        for _ in range(n):
            drawn = rng.multinomial(int(times.sum()), times / times.sum()).astype(float)
            yield self._chain(*np.split(drawn, 2))

    def _chain(self, conversions: np.ndarray, others: np.ndarray) -> Chain:
        m = len(self.touchpoints) + 3
        counts = np.bincount(self.cell, weights=(conversions + others)[self.path], minlength=m * m).reshape(m, m)
        counts[:, m - 2] = np.bincount(self.last, weights=conversions, minlength=m)
        counts[:, m - 1] = np.bincount(self.last, weights=others, minlength=m)
        return Chain(self.touchpoints, counts)


def markov_credit(chain: Chain, conversions: float) -> pd.DataFrame:
    """Conversions shared in proportion to the removal effects.

    Returns
    -------
    DataFrame
        One row per touch-point: `touchpoint`, `removal_effect`, `conversions`; all missing without conversions.

    Notes
    -----
    Solved exactly, not simulated. Checked against the absorbing chain solved in base R, and against
    ChannelAttribution 2.2.4 within its simulation's error. Anderl et al. (2016).
    """
    effects = chain.removal_effects
    total = effects.sum()
    shares = effects / total if total > 0 else np.full(len(effects), np.nan)
    return pd.DataFrame(
        {"touchpoint": chain.touchpoints, "removal_effect": effects, "conversions": conversions * shares}
    )


def heuristic_credit(
    paths: Sequence[Sequence[str]], conversions: np.ndarray, values: np.ndarray | None = None
) -> pd.DataFrame:
    """First-touch, last-touch and linear credit.

    Parameters
    ----------
    paths
        Touch-points of each path in order, at least one.
    conversions
        Conversions of each path, of shape (n,).
    values
        What they were worth together, of shape (n,).

    Returns
    -------
    DataFrame
        One row per touch-point, sorted by name: `touchpoint`, and `first_touch`, `last_touch`, `linear` conversions;
        with values also `first_touch_value`, `last_touch_value`, `linear_value`.
    """
    names = sorted({name for path in paths for name in path})
    credit = {name: np.zeros(6) for name in names}
    worth = np.zeros(len(paths)) if values is None else values
    for path, won, value in zip(paths, conversions, worth, strict=True):
        credit[path[0]][[0, 3]] += won, value
        credit[path[-1]][[1, 4]] += won, value
        for name in path:
            credit[name][[2, 5]] += won / len(path), value / len(path)
    columns = ["first_touch", "last_touch", "linear", "first_touch_value", "last_touch_value", "linear_value"]
    frame = pd.DataFrame(list(credit.values()), columns=columns, dtype=float)
    frame.insert(0, "touchpoint", names)
    return frame if values is not None else frame[["touchpoint", *columns[:3]]]


def _conversion(transitions: np.ndarray) -> np.ndarray:
    """Chance to end in conversion from the start, for a stack of chains."""
    inner, to_conversion = transitions[:, 1:-2, 1:-2], transitions[:, 1:-2, -2]
    # every path ends, so that no set of touch-points holds a customer for ever and the system can be solved
    chances = np.linalg.solve(np.eye(inner.shape[1]) - inner, to_conversion[..., None])[..., 0]
    return np.einsum("bi,bi->b", transitions[:, 0, 1:-2], chances) + transitions[:, 0, -2]

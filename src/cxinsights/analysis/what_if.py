"""What-if: customers like these, with better ratings of some drivers, answer how differently?

A shift moves the mean rating of a driver, among those it applies to, by so many points: every one of them rates it
higher by the same, and nobody beyond the end of the scale. The difference in the expected outcome is read off the
model, and its interval follows from the uncertainty of all coefficients together. It carries today's pattern between
customers forward; it does not say that raising a rating would raise the outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.special import expit

from cxinsights.analysis.intervals import CONFIDENCE, z_of

__all__ = ["LinearModel", "Model", "OrderedModel", "Reading", "cheapest", "read", "shifts_table"]

STEP = 0.1
"""Points by which a combination is built up; what sliders move by."""


class Model(Protocol):
    """A fitted model that can be asked what goes with shifted ratings."""

    covariance: np.ndarray

    def change(self, shifts: np.ndarray) -> tuple[float, np.ndarray]:
        """Difference in the mean outcome for shifts of each driver's mean, and its slope in the model's values."""


@dataclass(frozen=True)
class LinearModel:
    """Coefficients of the ratings, and how many customers each applies to."""

    coefficients: np.ndarray
    """Of shape (p,)."""
    covariance: np.ndarray
    """Of shape (p, p)."""
    applies: np.ndarray
    """Share of customers to whom each driver applies, of shape (p,)."""

    def change(self, shifts: np.ndarray) -> tuple[float, np.ndarray]:
        """The sum of coefficients times shifts of those to whom the drivers apply."""
        moved = shifts * self.applies
        return float(self.coefficients @ moved), moved


@dataclass(frozen=True)
class OrderedModel:
    """Proportional odds with the ratings that its expectations are taken over."""

    thresholds: np.ndarray
    """Of shape (J − 1,)."""
    coefficients: np.ndarray
    """Of shape (k,)."""
    covariance: np.ndarray
    """Of thresholds and coefficients."""
    values: np.ndarray
    """What each of the J levels counts: 0 and 1 for a top box, −100, 0 and 100 for NPS."""
    columns: np.ndarray
    """Of shape (n, k)."""
    weights: np.ndarray
    """Of shape (n,), summing to 1."""
    rating_at: Sequence[int]
    """Column of each driver's rating."""
    rated: np.ndarray
    """Whether the driver applies to the customer, of shape (n, p)."""
    highest: np.ndarray
    """Each rating's highest value in the columns' units, of shape (p,)."""

    def change(self, shifts: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean difference between expectations with shifted and with given ratings."""
        moved = self.columns.copy()
        for at, (column, shift) in enumerate(zip(self.rating_at, shifts, strict=True)):
            if shift:
                own = self.rated[:, at]
                moved[own, column] = _moved(moved[own, column], shift, self.highest[at], self.weights[own])
        (before, slope_before), (after, slope_after) = self._expected(self.columns), self._expected(moved)
        return after - before, slope_after - slope_before

    def _expected(self, columns: np.ndarray) -> tuple[float, np.ndarray]:
        steps = np.diff(self.values)
        below = expit(self.thresholds - (columns @ self.coefficients)[:, None])  # (n, J − 1)
        density = below * (1 - below) * steps
        expected = self.values[-1] - below @ steps
        slope = np.concatenate([-self.weights @ density, (self.weights * density.sum(axis=1)) @ columns])
        return float(self.weights @ expected), slope


@dataclass(frozen=True)
class Reading:
    """An expected difference with its interval."""

    change: float
    low: float
    high: float


def read(model: Model, shifts: np.ndarray) -> Reading:
    """Expected difference in the outcome for shifts of each driver's mean; normal interval by the delta method."""
    change, slope = model.change(np.asarray(shifts, dtype=float))
    half = z_of(CONFIDENCE) * float(np.sqrt(max(slope @ model.covariance @ slope, 0.0)))
    return Reading(change, change - half, change + half)


def shifts_table(model: Model, room: np.ndarray, aim: float) -> pd.DataFrame:
    """What each driver alone could go with.

    Parameters
    ----------
    room
        How far each driver's mean can rise, of shape (p,).
    aim
        Difference in the outcome to look for.

    Returns
    -------
    DataFrame
        One row per driver: `room`, the `change` that goes with all of it with limits, the shift `needed` for the aim
        (missing where all of the room is not enough), and `needed_high`: the shift at which even the lower limit
        reaches the aim (missing where none does).
    """
    rows = []
    for at, most in enumerate(room):
        whole = read(model, _only(at, most, len(room)))
        needed = _smallest(lambda shift, at=at: read(model, _only(at, shift, len(room))).change, most, aim)
        surely = _smallest(lambda shift, at=at: read(model, _only(at, shift, len(room))).low, most, aim)
        rows.append((most, whole.change, whole.low, whole.high, needed, surely))
    return pd.DataFrame(rows, columns=["room", "change", "change_low", "change_high", "needed", "needed_high"])


def cheapest(
    model: Model, room: np.ndarray, aim: float, costs: np.ndarray, usable: np.ndarray
) -> tuple[np.ndarray, bool]:
    """The cheapest shifts that go with the aim, and whether it is reached.

    Parameters
    ----------
    costs
        Of one point of each driver, of shape (p,); all alike for the smallest change in points.
    usable
        Drivers whose higher rating surely goes with a higher outcome, of shape (p,): others are left where they are.

    Returns
    -------
    shifts : ndarray
        Of shape (p,).
    reached : bool

    Notes
    -----
    Step by step the driver that brings most for its cost: the least cost where what a driver brings does not grow with
    what is spent, as in the linear model.
    """
    shifts = np.zeros(len(room))
    now, best, taken = 0.0, None, 0.0
    while now < aim - 1e-9:
        best, brings = None, 0.0
        for at in np.flatnonzero(usable & (shifts < room - 1e-9)):
            step = min(STEP, room[at] - shifts[at])
            gain = model.change(shifts + _only(at, step, len(room)))[0] - now
            if gain / (step * costs[at]) > brings:
                best, taken, brings = at, step, gain / (step * costs[at])
        if best is None:
            return shifts, False
        shifts[best] = round(shifts[best] + taken, 10)
        now = model.change(shifts)[0]
    if best is not None:  # no more of the last step than it takes
        before = shifts - _only(best, taken, len(room))
        last = _smallest(lambda more: model.change(before + _only(best, more, len(room)))[0], taken, aim)
        shifts = before + _only(best, last, len(room))
    return shifts, True


def _moved(ratings: np.ndarray, shift: float, highest: float, weights: np.ndarray) -> np.ndarray:
    """Ratings all raised by the same, none above the highest, so that their mean rises by the shift."""
    share = weights / weights.sum()
    low, high = shift, highest - ratings.min()
    if share @ np.minimum(ratings + high, highest) - share @ ratings <= shift:
        return np.full_like(ratings, highest)
    for _ in range(60):
        middle = (low + high) / 2
        if share @ np.minimum(ratings + middle, highest) - share @ ratings < shift:
            low = middle
        else:
            high = middle
    return np.minimum(ratings + high, highest)


def _only(at: int, shift: float, p: int) -> np.ndarray:
    return np.where(np.arange(p) == at, shift, 0.0)


def _smallest(figure, most: float, aim: float) -> float:
    """The smallest shift at which a figure that rises with it reaches the aim; missing where none within reach does."""
    if most <= 0 or not figure(most) >= aim:
        return np.nan
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if figure(middle) >= aim else (middle, high)
    return high

"""How a score runs: limits of its usual variation, signals beyond them, and whether it drifts.

A control chart asks whether a period differs more from the others than they do among themselves; its limits are
three standard deviations either side of the centre. Runs of one side and drifts are seen long before a limit is passed.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import theilslopes

from cxinsights.analysis.intervals import p_of

__all__ = ["Chart", "Drift", "drift", "individuals_chart", "mann_kendall", "p_chart", "runs_of"]

RUN = 7
"""Periods in a row on one side of the centre that are no chance (qcc's rule; one in 64 by chance)."""
_D2 = 1.128  # mean range of two draws from a normal distribution, in standard deviations


@dataclass(frozen=True)
class Chart:
    """Centre and control limits, one pair per period."""

    center: float
    sd: float
    """Standard deviation of one period; missing where it differs by period."""
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Drift:
    """A steady rise or fall, per period."""

    slope: float
    """Sen's slope: the median of the slopes between all pairs of periods."""
    ci_low: float
    ci_high: float
    p_value: float
    """Of Mann and Kendall's test, which asks only for a direction, not for a line."""


@dataclass(frozen=True)
class MannKendall:
    """Whether later values tend to be higher: S is how many pairs rise less how many fall."""

    s: int
    variance: float
    tau: float
    z: float
    p_value: float


def individuals_chart(values: np.ndarray, baseline: int | None = None) -> Chart:
    """Limits from the mean moving range of single values.

    Parameters
    ----------
    values
        (periods,) from earliest to latest.
    baseline
        How many of the first ones say what is usual; all where not given.

    Notes
    -----
    Checked against R's qcc 2.7, `xbar.one`.

    Raises
    ------
    ValueError
        The baseline has fewer than two values.
    """
    usual = values[:baseline]
    if len(usual) < 2:
        raise ValueError("a chart of single values needs two at least")
    center, sd = float(usual.mean()), float(np.abs(np.diff(usual)).mean() / _D2)
    limits = np.full(len(values), 3 * sd)
    return Chart(center, sd, center - limits, center + limits)


def p_chart(counts: np.ndarray, sizes: np.ndarray, baseline: int | None = None) -> Chart:
    """Limits of a share, by the answers of each period (0 to 1).

    Parameters
    ----------
    counts, sizes
        (periods,) how many answers are in the top box, and how many there are.
    baseline
        As for `individuals_chart`.

    Notes
    -----
    Checked against R's qcc 2.7, `p`.
    """
    center = float(counts[:baseline].sum() / sizes[:baseline].sum())
    half = 3 * np.sqrt(center * (1 - center) / sizes)
    return Chart(center, np.nan, np.clip(center - half, 0, 1), np.clip(center + half, 0, 1))


def runs_of(values: np.ndarray, center: float, length: int = RUN) -> tuple[np.ndarray, np.ndarray]:
    """Places (from 0) where a run above, and below, the centre has reached `length` or gone on."""
    found = []
    for beyond in (values > center, values < center):
        streak, places = 0, []
        for place, inside in enumerate(beyond):
            streak = streak + 1 if inside else 0
            if streak >= length:
                places.append(place)
        found.append(np.array(places, dtype=int))
    return found[0], found[1]


def mann_kendall(values: np.ndarray) -> MannKendall:
    """Test of a rise or fall, with the variance of ties and a correction for continuity.

    Notes
    -----
    Checked against R's trend 1.1.6, `mk.test`.
    """
    n = len(values)
    rises = np.sign(values[None, :] - values[:, None])
    s = int(np.triu(rises, 1).sum())
    ties = np.unique(values, return_counts=True)[1]
    variance = float(n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    pairs = n * (n - 1) / 2
    untied = pairs - (ties * (ties - 1) / 2).sum()
    tau = s / np.sqrt(pairs * untied) if untied else np.nan
    z = (s - np.sign(s)) / np.sqrt(variance) if variance > 0 else np.nan
    return MannKendall(s, variance, float(tau), float(z), p_of(float(z)))


def drift(values: np.ndarray, confidence: float = 0.95) -> Drift:
    """Steady change per period with its interval (same units as the values).

    Notes
    -----
    Checked against R's trend 1.1.6, `sens.slope` and `mk.test`.
    """
    slope, _, low, high = theilslopes(values, np.arange(len(values)), alpha=confidence)
    return Drift(float(slope), float(low), float(high), mann_kendall(values).p_value)

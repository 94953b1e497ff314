"""Intervals for single figures: where the field has several, the one METHODS names and its reference.

All take counts or moments and return limits; the scores module decides which applies.
"""

from typing import NamedTuple

import numpy as np
from scipy import special
from statsmodels.stats.proportion import proportion_confint

__all__ = [
    "CONFIDENCE", "AdjustedWald", "adjusted_wald", "newcombe", "p_of", "t_interval", "t_of", "wald", "wilson", "z_of",
]  # fmt: skip

CONFIDENCE = 0.95
"""Of every interval on every page; pages say so in words."""


class AdjustedWald(NamedTuple):
    """Adjusted Wald interval of an NPS, in points."""

    score: float
    se: float
    low: float
    high: float


def z_of(confidence: float) -> float:
    """Two-sided normal quantile: 1.96 for 0.95."""
    return float(special.ndtri(0.5 + confidence / 2))


def t_of(confidence: float, df: float) -> float:
    """Two-sided quantile of Student's t (scipy.stats asks ten times as long for the same number)."""
    return float(special.stdtrit(df, 0.5 + confidence / 2))


def p_of(statistic: float, df: float = np.inf) -> float:
    """Two-sided p-value of a z (infinite df) or t statistic."""
    tail = special.ndtr(-abs(statistic)) if np.isinf(df) else special.stdtr(df, -abs(statistic))
    return 2 * float(tail)


def adjusted_wald(promoters: float, passives: float, detractors: float, confidence: float = CONFIDENCE) -> AdjustedWald:
    """Adjusted Wald interval of an NPS with pseudo-counts ¾, 1½, ¾ (Rocks 2016, 3T).

    Has a width even where all answers fall in one class, which the plain Wald interval has not.
    Limits stay within −100 and 100.
    """
    total = promoters + passives + detractors + 3
    p, d = (promoters + 0.75) / total, (detractors + 0.75) / total
    score = p - d
    se = np.sqrt((p + d - score**2) / total)
    half = z_of(confidence) * se
    return AdjustedWald(100 * score, 100 * se, 100 * max(score - half, -1.0), 100 * min(score + half, 1.0))


def wald(score: float, se: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Plain normal interval."""
    half = z_of(confidence) * se
    return score - half, score + half


def wilson(share: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson interval of a share without continuity correction; `n` may be an effective number."""
    low, high = proportion_confint(share * n, n, alpha=1 - confidence, method="wilson")
    return max(float(low), 0.0), min(float(high), 1.0)


def newcombe(share_a: float, n_a: int, share_b: float, n_b: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of a difference of two shares from their Wilson limits (Newcombe 1998, method 10)."""
    low_a, high_a = wilson(share_a, n_a, confidence)
    low_b, high_b = wilson(share_b, n_b, confidence)
    difference = share_a - share_b
    return (
        difference - float(np.hypot(share_a - low_a, high_b - share_b)),
        difference + float(np.hypot(high_a - share_a, share_b - low_b)),
    )


def t_interval(mean: float, se: float, df: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's t interval."""
    half = t_of(confidence, df) * se if df > 0 else np.inf
    return mean - half, mean + half

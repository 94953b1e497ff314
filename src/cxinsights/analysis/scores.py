"""Scores: NPS, CSAT and CES, each with its base and interval.

NPS: answers 0–10; promoters 9–10, passives 7–8, detractors 0–6; coded 100, 0, −100; NPS is the mean.
CSAT: share of answers from `top_box_from` up (default the top two of five), and the mean.
CES: mean of the ease scale, and its top-box share.

Without weights and repeats the intervals are adjusted Wald (NPS), Wilson (shares) and t (means). With
weights, or where a customer answers more than once, the standard error is linearised over customers and
the interval is t; a small or one-sided sample keeps the adjusted form on its effective number of answers.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from cxinsights.analysis.intervals import adjusted_wald, t_interval, wald, wilson
from cxinsights.analysis.weighting import kish_n
from cxinsights.errors import AnalysisError
from cxinsights.params import ScoreRules

__all__ = [
    "HEADLINE_METRICS", "METRICS", "Estimate", "Metric", "Sample", "cluster_sums", "customers_of", "estimate",
    "sample_of",
]  # fmt: skip

SMALL_BASE = 30
"""Effective answers below which a weighted or clustered estimate keeps the adjusted interval."""


@dataclass(frozen=True)
class Metric:
    """One score: where it comes from and how its answers are coded."""

    name: str
    column: str
    kind: Literal["nps", "share", "mean"]
    family: str
    """Name of the score it belongs to in params (nps, csat, ces)."""

    def coded(self, answers: pd.Series, rules: ScoreRules) -> np.ndarray:
        """Answers as numbers whose mean is the score; missing stays missing.

        Raises
        ------
        AnalysisError
            Answers outside the scale: a fault of the table, never dropped in silence.
        """
        values = answers.to_numpy(dtype=float)
        scale = getattr(rules, self.family, None)
        low, high = (0, 10) if scale is None else (scale.min, scale.max)
        known = values[~np.isnan(values)]
        outside = (known < low) | (known > high)
        if self.kind == "nps":
            outside |= known % 1 != 0
        if outside.any():
            raise AnalysisError(
                f"{self.column}: {int(outside.sum())} of {len(known)} answers are not on the scale {low:g}–{high:g}. "
                "Mend the mapping or the scale in the study's params and import again."
            )
        if self.kind == "mean":
            return values
        if self.kind == "share":
            return np.where(np.isnan(values), np.nan, (values >= scale.top_box_from) * 1.0)
        return np.where(np.isnan(values), np.nan, 100.0 * (values >= 9) - 100.0 * (values <= 6))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("nps", "nps_answer", "nps", "nps"),
        Metric("csat", "csat_score", "share", "csat"),
        Metric("csat_mean", "csat_score", "mean", "csat"),
        Metric("ces", "ces_score", "mean", "ces"),
        Metric("ces_top", "ces_score", "share", "ces"),
    )
}
HEADLINE_METRICS = ("nps", "csat", "ces")
"""The form of each score that pages lead with and that is tested for change."""


@dataclass(frozen=True)
class Sample:
    """Coded answers to one question, without the blanks."""

    values: np.ndarray
    weights: np.ndarray | None = None
    customers: np.ndarray | None = None
    """Customer of each answer as a number; negative numbers, each once, where not known."""
    n_missing: int = 0

    @property
    def n(self) -> int:
        """Answers."""
        return len(self.values)

    @property
    def size(self) -> float:
        """Sum of the weights; answers where there are none."""
        return float(self.n if self.weights is None else self.weights.sum())

    @cached_property
    def mean(self) -> float:
        """Weighted mean."""
        return float(np.average(self.values, weights=self.weights)) if self.n else np.nan

    @cached_property
    def repeats(self) -> bool:
        """Whether any customer answered more than once."""
        return self.customers is not None and len(np.unique(self.customers)) < self.n

    @property
    def is_simple(self) -> bool:
        """Whether every answer counts alike and stands alone."""
        return self.weights is None and not self.repeats


def customers_of(responses: pd.DataFrame) -> np.ndarray | None:
    """Customer of each row as a number; unknown ones get negative numbers of their own. None without the column."""
    if "customer_id" not in responses:
        return None
    codes = pd.factorize(responses["customer_id"])[0]
    return np.where(codes < 0, -1 - np.arange(len(codes)), codes)


def sample_of(coded: np.ndarray, weights: np.ndarray | None = None, customers: np.ndarray | None = None) -> Sample:
    """Sample of coded answers (missing ones counted and left out).

    Parameters
    ----------
    coded
        Answers as `Metric.coded` gives them, of shape (n,).
    weights
        Of the same shape; None where all count alike.
    customers
        Customer of each row as a number; negative numbers, each once, where not known.
    """
    known = ~np.isnan(coded)
    return Sample(
        coded[known],
        None if weights is None else weights[known],
        None if customers is None else customers[known],
        int((~known).sum()),
    )


@dataclass(frozen=True)
class Estimate:
    """A score with what it needs to travel."""

    score: float
    se: float
    df: float
    ci_low: float
    ci_high: float
    n: int
    n_missing: int
    n_effective: float
    method: str


def estimate(
    sample: Sample,
    kind: Literal["nps", "share", "mean"],
    confidence: float = 0.95,
    nps_interval: Literal["adjusted", "wald"] = "adjusted",
    design_n: int | None = None,
) -> Estimate:
    """Score, standard error and interval of one sample.

    Parameters
    ----------
    sample
        Coded answers.
    kind
        How they are coded.
    nps_interval
        Form of the interval of an NPS without weights and repeats.
    design_n
        Answers (customers, where one answers twice) of the whole sample, where this one is a domain of it
        whose size was left to chance, such as an age group; matters only with weights or repeats.

    Returns
    -------
    Estimate
        `se` has denominator n for NPS and shares and is the linearised one with weights or clusters.
        Missing where there are no answers; infinite limits where one answer cannot give a spread.

    Notes
    -----
    Checked against R: NPS 1.1 (`nps.se`), `prop.test(correct = FALSE)`, `t.test`, survey 4.1.1 (`svymean`).
    """
    if sample.n == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan, np.nan, 0, sample.n_missing, 0.0, "none")
    if sample.is_simple:
        return _simple(sample, kind, confidence, nps_interval)
    score = sample.mean
    se, n_clusters = _linearised_se(sample, design_n)
    n_effective = _effective_n(sample, se)
    df = n_clusters - 1
    if kind != "mean" and _small_or_one_sided(sample, kind, n_effective):
        low, high, method = _adjusted_on(sample, kind, n_effective, confidence)
    else:
        low, high = t_interval(score, se, df, confidence)
        method = "linearised"
    return Estimate(score, se, df, low, high, sample.n, sample.n_missing, n_effective, method)


def cluster_sums(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Customer codes and the sum of each one's influence on the mean (rows stand alone without clusters)."""
    weights = np.ones(sample.n) if sample.weights is None else sample.weights
    influence = weights * (sample.values - sample.mean) / weights.sum()
    if not sample.repeats:
        return np.arange(sample.n) if sample.customers is None else sample.customers, influence
    codes, at = np.unique(sample.customers, return_inverse=True)
    return codes, np.bincount(at, weights=influence)


def _simple(sample: Sample, kind: str, confidence: float, nps_interval: str) -> Estimate:
    n, score = sample.n, sample.mean
    if kind == "mean":
        spread = float(sample.values.std(ddof=1)) if n > 1 else np.nan
        se = spread / np.sqrt(n)
        low, high = t_interval(score, se, n - 1, confidence) if n > 1 else (-np.inf, np.inf)
        return Estimate(score, se, n - 1, low, high, n, sample.n_missing, float(n), "t")
    se = float(sample.values.std(ddof=0)) / np.sqrt(n)
    if kind == "share":
        low, high, method = *wilson(score, n, confidence), "wilson"
    elif nps_interval == "wald":
        low, high, method = *wald(score, se, confidence), "wald"
    else:
        counts = ((sample.values == v).sum() for v in (100, 0, -100))
        _, _, low, high = adjusted_wald(*counts, confidence=confidence)
        method = "adjusted_wald"
    return Estimate(score, se, np.inf, low, high, n, sample.n_missing, float(n), method)


def _linearised_se(sample: Sample, design_n: int | None = None) -> tuple[float, int]:
    """Taylor-linearised standard error over customers, and how many there are."""
    _, sums = cluster_sums(sample)
    m = design_n or len(sums)
    if m < 2:
        return np.nan, m
    return float(np.sqrt(m / (m - 1) * np.sum(sums**2))), len(sums)


def _effective_n(sample: Sample, se: float) -> float:
    """Kish's number, less what answers of the same customer have in common."""
    n = kish_n(sample.weights) if sample.weights is not None else float(sample.n)
    if not sample.repeats:
        return n
    alone, _ = _linearised_se(Sample(sample.values, sample.weights))
    return n * min((alone / se) ** 2, 1.0) if se > 0 and alone > 0 else n


def _small_or_one_sided(sample: Sample, kind: str, n_effective: float) -> bool:
    if n_effective < SMALL_BASE:
        return True
    if kind == "share":
        return n_effective * min(sample.mean, 1 - sample.mean) < 5
    return bool(np.all(sample.values == sample.values[0]))


def _adjusted_on(sample: Sample, kind: str, n_effective: float, confidence: float) -> tuple[float, float, str]:
    """The adjusted interval as if the sample had its effective number of equal answers."""
    if kind == "share":
        return *wilson(sample.mean, n_effective, confidence), "wilson_effective"
    weights = np.ones(sample.n) if sample.weights is None else sample.weights
    shares = (float(weights[sample.values == v].sum() / weights.sum()) for v in (100, 0, -100))
    _, _, low, high = adjusted_wald(*(n_effective * s for s in shares), confidence=confidence)
    # of few, very unequal answers the adjusted centre can lie far from the score
    return min(low, sample.mean), max(high, sample.mean), "adjusted_wald_effective"

"""How many segments, and whether they are there: separation against data without segments, and the bootstrap.

**Separation.** For each number of segments k the criterion (mean silhouette; for latent classes BIC) is set against
what structureless data give (see `structureless`; for BIC, one class). k stands out where the silhouette exceeds
that by `LEAST_EXCESS` and by `LEAST_DEVIATIONS` of the reference's own standard deviations, or where BIC says
"very strong evidence".

**Stability.** Pairs of bootstrap samples are segmented apart; the adjusted Rand index says how alike they place the
same customers. A segment's Jaccard index says how much of it comes back in a sample (Hennig 2007): from 0.75 up it is
stable, from 0.6 a pattern, below that not a segment. Samples hold at most `SAMPLE` customers: with very many, any
segments come back alike, whether there or not.

**Verdict** (after Dolnicar & Leisch 2010): natural where k stands out and the adjusted Rand index is 0.9 or more,
reproducible where k stands out and it is 0.75 or more, else constructed: the method drew what structureless data
would have given as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from cxinsights.analysis.clustering import Clusterer, Means, Prototypes, silhouette, standardised
from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.analysis.latent import LatentClasses, fit_classes
from cxinsights.analysis.structureless import cloud_of

__all__ = [
    "NATURAL", "PATTERN", "REPRODUCIBLE", "STABLE", "Draws", "Verdict", "choose", "jaccard_of", "standing_of",
    "try_all", "verdict_of",
]  # fmt: skip

Verdict = Literal["natural", "reproducible", "constructed"]
NATURAL, REPRODUCIBLE = 0.9, 0.75
STABLE, PATTERN = 0.75, 0.6

SAMPLE, SEPARATION_SAMPLE = 2000, 1000
N_REFERENCES = 20
LEAST_EXCESS, LEAST_DEVIATIONS = 0.03, 4.5
VERY_STRONG = 10.0  # difference of BIC (Raftery 1995)
_STARTS, _STARTS_OF_DRAWS = 10, 3
_ROUNDS_OF_BIC = 500
_TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]


@dataclass(frozen=True)
class Draws:
    """Bootstrap samples of a sample of customers, and the segments each sample gives to all of them."""

    sample: np.ndarray
    """Rows of the sample."""
    rows: np.ndarray
    """Places in the sample, of shape (n_draws, size)."""
    labels: np.ndarray
    """Segments of the whole sample by each draw, of shape (n_draws, size)."""

    @classmethod
    def of(cls, clusterer: Clusterer, sample: np.ndarray, k: int, n_draws: int, seed: int) -> "Draws":
        """Draw and segment."""
        rng = np.random.default_rng([seed, k])
        rows = rng.integers(0, len(sample), (n_draws, len(sample)))
        labels = [clusterer.fit(sample[own], k, _STARTS_OF_DRAWS, int(rng.integers(2**31)))(sample) for own in rows]
        return cls(sample, rows, np.array(labels))

    def rand(self) -> tuple[float, float, float]:
        """Adjusted Rand index of pairs of draws: mean, and the limits that 95 % of pairs lie in."""
        pairs = [adjusted_rand_score(a, b) for a, b in list(pairwise(self.labels))[::2]]
        return float(np.mean(pairs)), *map(float, np.quantile(pairs, _TAILS))


def try_all(clusterer: Clusterer, n: int, ks: Sequence[int], n_draws: int, seed: int) -> tuple[pd.DataFrame, dict]:
    """Separation and stability of every number of segments.

    Returns
    -------
    DataFrame
        One row per k: `criterion`, `criterion_value`, `reference` (what structureless data give), `reference_high`
        (the most they gave), `stands_out`, `adjusted_rand`, `rand_low`, `rand_high`.
    dict of int to Draws
        Bootstrap samples by k.
    """
    rng = np.random.default_rng(seed)
    sample = rng.permutation(n)[: min(n, SAMPLE)]
    if isinstance(clusterer, LatentClasses):
        table = _by_bic(clusterer, ks, seed)
    else:
        table = _by_silhouette(clusterer, sample[:SEPARATION_SAMPLE], ks, seed)
    draws = {k: Draws.of(clusterer, sample, k, n_draws, seed) for k in ks}
    rand = pd.DataFrame([draws[k].rand() for k in ks], columns=["adjusted_rand", "rand_low", "rand_high"])
    return pd.concat([table, rand], axis=1), draws


def choose(table: pd.DataFrame) -> int:
    """Number of segments to show, from the rows of `try_all`.

    Of those that would be called natural, the one furthest beyond structureless data; if there is none, of those
    that would be called reproducible; if there is none, of those that stand out. If none stands out, the one that
    comes back best.
    """
    out = table[table["stands_out"]]
    for least in (NATURAL, REPRODUCIBLE, -np.inf):
        part = out[out["adjusted_rand"] >= least]
        if len(part):
            return int(part.loc[_excess(part).idxmax(), "k"])
    return int(table.loc[table["adjusted_rand"].idxmax(), "k"])


def verdict_of(stands_out: bool, adjusted_rand: float) -> Verdict:
    """Natural, reproducible or constructed."""
    if not stands_out or not adjusted_rand >= REPRODUCIBLE:
        return "constructed"
    return "natural" if adjusted_rand >= NATURAL else "reproducible"


def jaccard_of(draws: Draws, labels: np.ndarray, k: int) -> pd.DataFrame:
    """How much of each segment comes back in a bootstrap sample.

    Parameters
    ----------
    draws
        Bootstrap samples.
    labels
        Segments of the sample's customers, from 0.

    Returns
    -------
    DataFrame
        One row per segment: `jaccard` (mean over the draws of the index with the most alike segment, among the
        customers drawn), `jaccard_low` and `jaccard_high` (95 % of the draws), `standing`.

    Notes
    -----
    Checked against R fpc 2.2.10, `clusterboot`. Hennig (2007).
    """
    found = np.full((len(draws.rows), k), np.nan)
    for at, (rows, drawn) in enumerate(zip(draws.rows, draws.labels, strict=True)):
        here = np.unique(rows)
        both = np.zeros((k, max(k, int(drawn.max()) + 1)))
        np.add.at(both, (labels[here], drawn[here]), 1)
        own, other = both.sum(axis=1, keepdims=True), both.sum(axis=0, keepdims=True)
        union = own + other - both
        alike = np.divide(both, union, out=np.zeros_like(both), where=union > 0).max(axis=1)
        found[at] = np.where(own[:, 0] > 0, alike, np.nan)  # a segment of which nobody was drawn says nothing
    found[:, np.isnan(found).all(axis=0)] = 0  # a class that is nobody's likeliest does not come back
    frame = pd.DataFrame({"jaccard": np.nanmean(found, axis=0)})
    frame[["jaccard_low", "jaccard_high"]] = np.nanquantile(found, _TAILS, axis=0).T
    return frame.assign(standing=frame["jaccard"].map(standing_of))


def standing_of(jaccard: float) -> str:
    """stable, pattern or not_a_segment."""
    return "stable" if jaccard >= STABLE else "pattern" if jaccard >= PATTERN else "not_a_segment"


def _excess(table: pd.DataFrame) -> pd.Series:
    sign = -1 if table["criterion"].iloc[0] == "bic" else 1
    return sign * (table["criterion_value"] - table["reference"])


def _by_silhouette(clusterer: Clusterer, sample: np.ndarray, ks: Sequence[int], seed: int) -> pd.DataFrame:
    own = np.array([_separation(clusterer, sample, k, seed) for k in ks])
    rng = np.random.default_rng([seed, 1])
    references = [_structureless(clusterer, sample, rng) for _ in range(N_REFERENCES)]
    everyone = np.arange(len(sample))
    found = np.array([[_separation(one, everyone, k, seed) for k in ks] for one in references])
    mean, deviation = found.mean(axis=0), found.std(axis=0, ddof=1)
    out = (own - mean >= LEAST_EXCESS) & (own - mean >= LEAST_DEVIATIONS * deviation)
    return pd.DataFrame(
        {
            "k": list(ks),
            "criterion": "silhouette",
            "criterion_value": own,
            "reference": mean,
            "reference_high": found.max(axis=0),
            "stands_out": out,
        }
    )


def _separation(clusterer: Clusterer, rows: np.ndarray, k: int, seed: int) -> float:
    return silhouette(clusterer.coordinates(rows), clusterer.fit(rows, k, _STARTS_OF_DRAWS, seed)(rows))


def _structureless(clusterer: Clusterer, sample: np.ndarray, rng: np.random.Generator) -> Clusterer:
    """The same method on as many customers without segments."""
    drawn = cloud_of(clusterer.x[sample]).draw(len(sample), rng)
    if isinstance(clusterer, Prototypes):  # categories are shuffled, each by itself
        shuffled = np.column_stack([rng.permutation(column) for column in clusterer.codes[sample].T])
        return Prototypes(standardised(drawn), shuffled, clusterer.weight)
    return Means(standardised(drawn))


def _by_bic(clusterer: LatentClasses, ks: Sequence[int], seed: int) -> pd.DataFrame:
    one = fit_classes(clusterer.codes, 1, 1, seed).bic
    models = [fit_classes(clusterer.codes, k, _STARTS, seed, rounds=_ROUNDS_OF_BIC) for k in ks]
    bic = np.array([model.bic for model in models])
    settled = np.array([model.is_identified for model in models])
    return pd.DataFrame(
        {
            "k": list(ks),
            "criterion": "bic",
            "criterion_value": bic,
            "reference": one,
            "reference_high": one,
            "stands_out": (bic < one - VERY_STRONG) & settled,
        }
    )

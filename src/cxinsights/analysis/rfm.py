"""RFM: how recently, how often and for how much a customer has ordered, as scores from 1 to 5.

Cut points are the type-7 quantiles at 20, 40, 60 and 80 % plus one unit; a score is one more than the number of cut
points that the figure reaches. Few days since the last order score high. A segment is a stated range of the recency
score and of the mean of the two others, so that the same scores always mean the same segment.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxinsights.analysis.clustering import Assign

__all__ = ["RFM_INPUTS", "RFM_SEGMENTS", "RfmRange", "Scores", "cut_points", "rfm_scores"]

RFM_INPUTS = ("recency_days", "n_orders", "order_amount")
BINS = 5


@dataclass(frozen=True)
class RfmRange:
    """A segment and the scores that make it: recency, and the mean of frequency and amount, both ends included."""

    name: str
    recency: tuple[int, int]
    volume: tuple[float, float]


RFM_SEGMENTS = (
    RfmRange("champions", (4, 5), (4, 5)),
    RfmRange("loyal", (3, 3), (4, 5)),
    RfmRange("cannot_lose", (1, 2), (4, 5)),
    RfmRange("potential", (4, 5), (2, 3.5)),
    RfmRange("need_attention", (3, 3), (2, 3.5)),
    RfmRange("at_risk", (1, 2), (2, 3.5)),
    RfmRange("new", (4, 5), (1, 1.5)),
    RfmRange("lost", (1, 3), (1, 1.5)),
)
"""Every pair of scores belongs to one of these."""


@dataclass(frozen=True)
class Scores:
    """RFM segments of the figures `RFM_INPUTS`, of shape (n, 3)."""

    figures: np.ndarray

    def fit(self, rows: np.ndarray, k: int, n_starts: int, seed: int) -> Assign:
        """Cut points of these rows; the number of segments and chance play no part."""
        points = cut_points(self.figures[rows])
        return lambda at: _segments(_scored(self.figures[at], points))

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """The figures themselves."""
        return self.figures[rows]


def cut_points(figures: np.ndarray) -> np.ndarray:
    """Lower ends of the scores 2 to 5 for each figure, of shape (4, 3): type-7 quantiles plus one unit."""
    return np.quantile(figures, np.arange(1, BINS) / BINS, axis=0, method="linear") + 1


def rfm_scores(customers: pd.DataFrame) -> pd.DataFrame:
    """Scores of each customer.

    Parameters
    ----------
    customers
        One row per customer with `recency_days`, `n_orders` and `order_amount`, none missing.

    Returns
    -------
    DataFrame
        `recency_score`, `frequency_score`, `monetary_score` (1 to 5) and `rfm_score` (100 R + 10 F + M).

    Notes
    -----
    Checked against R rfm 0.3.0, `rfm_table_order`.
    """
    figures = customers[list(RFM_INPUTS)].to_numpy(dtype=float)
    scores = _scored(figures, cut_points(figures))
    names = ["recency_score", "frequency_score", "monetary_score"]
    frame = pd.DataFrame(scores, columns=names, index=customers.index)
    return frame.assign(rfm_score=scores @ [100, 10, 1])


def _scored(figures: np.ndarray, points: np.ndarray) -> np.ndarray:
    scores = 1 + (figures[:, None, :] >= points[None, :, :]).sum(axis=1)
    scores[:, 0] = BINS + 1 - scores[:, 0]
    return scores


def _segments(scores: np.ndarray) -> np.ndarray:
    recency, volume = scores[:, 0], scores[:, 1:].mean(axis=1)
    within = [
        (recency >= s.recency[0]) & (recency <= s.recency[1]) & (volume >= s.volume[0]) & (volume <= s.volume[1])
        for s in RFM_SEGMENTS
    ]
    return np.argmax(within, axis=0)

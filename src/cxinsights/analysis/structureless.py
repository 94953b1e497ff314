"""Data without segments: what a method finds where there is nothing to find.

Reference data keep what is no segment: each column's spread, skew and steps, and how the columns go together. They
leave out what makes one: every column has a single peak, and all columns are joined as in one cloud (a Gaussian
copula). What a method finds in such data as well, it has drawn itself.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

__all__ = ["Cloud", "Margin", "cloud_of", "margin_of", "single_peak"]

STEPPED = 30
"""A column with so few different values keeps them; others are taken as continuous."""
_ROUNDS = 3
_DRAWN = 4000


@dataclass(frozen=True)
class Margin:
    """The single-peaked distribution nearest to a column's own."""

    values: np.ndarray
    """Values of a stepped column, or ends of the bins of a continuous one."""
    reached: np.ndarray
    """Share up to each value, or up to each end."""
    stepped: bool

    def at(self, shares: np.ndarray) -> np.ndarray:
        """Values below which these shares lie."""
        if self.stepped:
            return self.values[np.minimum(np.searchsorted(self.reached, shares), len(self.values) - 1)]
        return np.interp(shares, self.reached, self.values)


@dataclass(frozen=True)
class Cloud:
    """One cloud with single-peaked columns."""

    margins: tuple[Margin, ...]
    root: np.ndarray
    """Square root of the correlations behind the columns."""

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n customers, of shape (n, p)."""
        shares = ndtr(rng.normal(size=(n, len(self.margins))) @ self.root.T)
        return np.column_stack([margin.at(own) for margin, own in zip(self.margins, shares.T, strict=True)])


def cloud_of(x: np.ndarray) -> Cloud:
    """The cloud that keeps the columns' shapes and correlations.

    Parameters
    ----------
    x
        Columns of shape (n, p), each with some spread.

    Notes
    -----
    Steps in a column weaken its correlations, so those behind the columns are made stronger until what is drawn
    correlates as the data do (Cario & Nelson 1997).
    """
    margins = tuple(margin_of(column) for column in x.T)
    if len(margins) == 1:
        return Cloud(margins, np.ones((1, 1)))
    wanted = np.corrcoef(x.T)
    behind = np.corrcoef(ndtri((rankdata(x, axis=0) - 0.5) / len(x)).T)
    normal = np.random.default_rng(0).normal(size=(_DRAWN, len(margins)))
    for _ in range(_ROUNDS):
        cloud = Cloud(margins, _root(behind))
        shares = ndtr(normal @ cloud.root.T)
        drawn = np.column_stack([margin.at(own) for margin, own in zip(margins, shares.T, strict=True)])
        behind = np.clip(behind + wanted - np.corrcoef(drawn.T), -0.999, 0.999)
        np.fill_diagonal(behind, 1)
    return Cloud(margins, _root(behind))


def margin_of(column: np.ndarray) -> Margin:
    """The nearest single-peaked distribution: of the values of a stepped column, of bins of a continuous one."""
    values, counts = np.unique(column, return_counts=True)
    n = len(column)
    if len(values) <= STEPPED:
        return Margin(values, np.cumsum(single_peak(counts / n)), stepped=True)
    ends = np.linspace(values[0], values[-1], int(np.ceil(2 * n ** (1 / 3))) + 1)
    shares = single_peak(np.histogram(column, ends)[0] / n)
    return Margin(ends, np.concatenate([[0], np.cumsum(shares)]), stepped=False)


def single_peak(heights: np.ndarray) -> np.ndarray:
    """Nearest heights that rise to one peak and fall after it (least squares); they have the same sum.

    Examples
    --------
    >>> single_peak(np.array([1.0, 5.0, 1.0, 3.0]))
    array([1., 5., 2., 2.])
    """
    tried = [
        np.concatenate([_rising(heights[:peak]), _rising(heights[peak:][::-1])[::-1]])
        for peak in range(1, len(heights) + 1)
    ]
    return min(tried, key=lambda fitted: float(((fitted - heights) ** 2).sum()))


def _rising(heights: np.ndarray) -> np.ndarray:
    """Nearest heights that never fall: neighbours that do are pooled."""
    blocks: list[list[float]] = []
    for height in heights:
        blocks.append([float(height), 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (height_b, n_b), (height_a, n_a) = blocks.pop(), blocks.pop()
            blocks.append([(height_a * n_a + height_b * n_b) / (n_a + n_b), n_a + n_b])
    return np.array([height for height, n in blocks for _ in range(int(n))])


def _root(correlations: np.ndarray) -> np.ndarray:
    """Square root of the nearest correlations that data could have."""
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return root / np.linalg.norm(root, axis=1, keepdims=True)

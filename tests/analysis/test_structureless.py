"""Data without segments keep columns and correlations, and have one peak."""

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from cxinsights.analysis.structureless import STEPPED, cloud_of, margin_of, single_peak


def by_brute_force(heights: np.ndarray) -> float:
    """Least squares of the best rise-and-fall, every peak tried with scikit-learn's isotonic regression."""
    errors = []
    for peak in range(len(heights) + 1):
        up = isotonic_regression(heights[:peak]) if peak else np.array([])
        down = isotonic_regression(heights[peak:], increasing=False) if peak < len(heights) else np.array([])
        errors.append(((np.concatenate([up, down]) - heights) ** 2).sum())
    return min(errors)


@pytest.mark.parametrize("seed", range(20))
def test_one_peak_is_the_nearest_there_is(seed) -> None:
    heights = np.random.default_rng(seed).integers(0, 9, 1 + seed % 12).astype(float)
    found = single_peak(heights)
    assert ((found - heights) ** 2).sum() == pytest.approx(by_brute_force(heights))
    assert found.sum() == pytest.approx(heights.sum())
    steps = np.sign(np.diff(found))
    assert (np.diff(steps[steps != 0]) <= 0).all()  # never up again after down


def test_a_column_with_one_peak_stays_as_it_is() -> None:
    column = np.repeat([0.0, 1, 2, 3], [10, 40, 30, 20])
    margin = margin_of(column)
    assert margin.values.tolist() == [0, 1, 2, 3]
    assert margin.reached == pytest.approx([0.1, 0.5, 0.8, 1.0])
    assert margin.at(np.array([0.05, 0.1001, 0.79, 1.0])).tolist() == [0, 1, 2, 3]


def test_two_peaks_become_one() -> None:
    rng = np.random.default_rng(1)
    column = np.concatenate([rng.normal(0, 1, 500), rng.normal(8, 1, 500)])
    margin = margin_of(column)
    valley = margin.at(rng.random(4000))
    share = ((valley > 3) & (valley < 5)).mean()
    assert ((column > 3) & (column < 5)).mean() < 0.01
    assert share > 0.1


@pytest.mark.parametrize("kind", ["continuous", "stepped"])
def test_a_cloud_keeps_correlations_and_steps(kind) -> None:
    rng = np.random.default_rng(2)
    x = rng.multivariate_normal([0, 0, 0], [[1, 0.7, 0.3], [0.7, 1, 0.2], [0.3, 0.2, 1]], 3000)
    if kind == "stepped":
        x = np.clip(np.round(3 + x), 1, 5)
    drawn = cloud_of(x).draw(20_000, rng)
    assert np.corrcoef(drawn.T) == pytest.approx(np.corrcoef(x.T), abs=0.03)
    assert drawn.mean(axis=0) == pytest.approx(x.mean(axis=0), abs=0.05)
    if kind == "stepped":
        assert set(np.unique(drawn)) == {1, 2, 3, 4, 5}
        assert len(np.unique(x[:, 0])) <= STEPPED


def test_a_lone_column_and_columns_that_repeat_each_other_can_be_drawn() -> None:
    x = np.random.default_rng(3).normal(0, 1, (200, 1))
    assert cloud_of(x).draw(50, np.random.default_rng(0)).shape == (50, 1)
    twice = cloud_of(np.hstack([x, x])).draw(500, np.random.default_rng(0))
    assert np.corrcoef(twice.T)[0, 1] > 0.99

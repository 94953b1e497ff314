"""Segments by distance: costs, silhouettes and Gower against oracles that count pair by pair."""

import warnings

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from cxinsights.analysis.clustering import (
    Means,
    Prototypes,
    gower,
    k_means,
    k_prototypes,
    pam,
    silhouette,
    standardised,
)


def clouds(n: int = 120, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in two dimensions, and two categories that go with them."""
    rng = np.random.default_rng(seed)
    cloud = rng.integers(0, 3, n)
    x = rng.normal(0, 0.6, (n, 2)) + np.array([[0, 0], [3, 0], [0, 3]])[cloud]
    codes = np.column_stack([np.where(rng.random(n) < 0.9, cloud, 0), rng.integers(0, 2, n)])
    return standardised(x), codes


def test_standardised_columns_have_denominator_n_minus_one_and_a_constant_stays_zero() -> None:
    x = np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]])
    found = standardised(x)
    assert found[:, 0] == pytest.approx([(v - 3) / np.sqrt(7) for v in (1, 2, 6)])
    assert found[:, 1].tolist() == [0, 0, 0]


def test_silhouette_is_the_mean_over_customers_of_own_and_next_segment() -> None:
    x, _ = clouds(40)
    _, labels, _ = k_means(x, 3)
    apart = squareform(pdist(x))
    each = []
    for i in range(len(x)):
        own = labels == labels[i]
        a = apart[i][own].sum() / (own.sum() - 1)
        b = min(apart[i][labels == other].mean() for other in set(labels) - {labels[i]})
        each.append((b - a) / max(a, b))
    assert silhouette(x, labels) == pytest.approx(np.mean(each))
    assert np.isnan(silhouette(x, np.zeros(40)))


def test_everybody_belongs_to_the_nearest_center() -> None:
    x, _ = clouds()
    rows = np.arange(80)
    assign = Means(x).fit(rows, 3, 5, seed=3)
    centers = np.array([x[:80][assign(rows) == k].mean(axis=0) for k in range(3)])
    away = ((x[:, None] - centers) ** 2).sum(axis=2)
    assert assign(np.arange(120)).tolist() == away.argmin(axis=1).tolist()


def test_the_cost_of_prototypes_is_counted_customer_by_customer() -> None:
    x, codes = clouds()
    means, modes, labels, cost = k_prototypes(x, codes, 3, 0.7, 5, np.random.default_rng(2))
    told = sum(
        ((x[i] - means[labels[i]]) ** 2).sum() + 0.7 * (codes[i] != modes[labels[i]]).sum() for i in range(len(x))
    )
    assert cost == pytest.approx(told)
    for k in range(3):
        assert means[k] == pytest.approx(x[labels == k].mean(axis=0))
        assert modes[k].tolist() == [np.bincount(column[labels == k]).argmax() for column in codes.T]


def test_prototypes_cost_no_more_than_those_of_the_package_kmodes() -> None:
    from kmodes.kprototypes import KPrototypes

    for seed in range(3):
        x, codes = clouds(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = KPrototypes(3, gamma=0.5, n_init=5, random_state=seed)
            theirs.fit(np.column_stack([x, codes]), categorical=[2, 3])
        ours = k_prototypes(x, codes, 3, 0.5, 20, np.random.default_rng(seed))[3]
        assert ours <= theirs.cost_ * (1 + 1e-9)


def test_distances_of_coordinates_are_the_cost_of_a_pair() -> None:
    x, codes = clouds(20)
    places = Prototypes(x, codes, weight=0.7).coordinates(np.arange(20))
    for i, j in ((0, 1), (3, 17), (5, 5)):
        told = ((x[i] - x[j]) ** 2).sum() + 0.7 * (codes[i] != codes[j]).sum()
        assert ((places[i] - places[j]) ** 2).sum() == pytest.approx(told)


def test_more_segments_than_different_customers_leave_some_empty() -> None:
    x = np.repeat([[0.0], [1.0]], 20, axis=0)
    codes = np.zeros((40, 1), dtype=int)
    assert len(set(k_means(x, 3, n_starts=2)[1])) == 2
    assert k_prototypes(x, codes, 3, 0.5, 2, np.random.default_rng(0))[3] == pytest.approx(0)


def test_gower_judges_a_pair_by_the_columns_both_have() -> None:
    x = np.array([[0.0, 10.0], [4.0, np.nan], [2.0, 30.0]])
    codes = np.array([[0], [1], [-1]])
    found = gower(x, codes)
    assert found[0, 1] == pytest.approx((4 / 4 + 1) / 2)
    assert found[0, 2] == pytest.approx((2 / 4 + 20 / 20) / 2)
    assert found[1, 2] == pytest.approx(2 / 4)
    assert found.tolist() == found.T.tolist()


def test_medoids_are_numbered_by_their_first_row_and_no_single_swap_is_better() -> None:
    x, _ = clouds(30)
    apart = squareform(pdist(x))
    found = pam(apart, 3)
    assert list(dict.fromkeys(found.labels)) == [0, 1, 2]
    assert found.objective == pytest.approx(apart[:, found.rows].min(axis=1).mean())
    assert (apart[np.arange(30), found.rows[found.labels]] == apart[:, found.rows].min(axis=1)).all()
    for at in range(3):
        for other in range(30):
            swapped = [*np.delete(found.rows, at), other]
            assert apart[:, swapped].min(axis=1).mean() >= found.objective - 1e-12

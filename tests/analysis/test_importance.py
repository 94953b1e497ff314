"""Importance: the sweep against brute force, and what must hold whatever the data."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxinsights.analysis import importance
from cxinsights.analysis.importance import johnson, random_parts, shapley, shapley_of_sets, worth_of_sets
from cxinsights.analysis.resampling import moments


def data(seed: int, p: int, n: int = 200) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) + 0.8 * rng.normal(size=(n, 1))
    y = x @ rng.normal(size=p) + rng.normal(size=n)
    return np.column_stack([x, y])


def correlations(columns: np.ndarray) -> np.ndarray:
    return moments(columns).correlations


def fitted_r2(columns: np.ndarray, chosen: list[int]) -> float:
    """R² of a set of columns by least squares."""
    y = columns[:, -1] - columns[:, -1].mean()
    if not chosen:
        return 0.0
    x = columns[:, chosen] - columns[:, chosen].mean(axis=0)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - residual @ residual / (y @ y)


def brute_force(columns: np.ndarray, blocks: list[int]) -> np.ndarray:
    """Shapley values from a fit of every set of drivers."""
    starts = np.cumsum([0, *blocks])
    members = [list(range(starts[j], starts[j + 1])) for j in range(len(blocks))]
    p = len(blocks)

    def r2(drivers: tuple[int, ...]) -> float:
        return fitted_r2(columns, [c for j in drivers for c in members[j]])

    values = np.zeros(p)
    for j in range(p):
        others = [i for i in range(p) if i != j]
        for size in range(p):
            weight = factorial(size) * factorial(p - 1 - size) / factorial(p)
            values[j] += weight * sum(r2((*s, j)) - r2(s) for s in combinations(others, size))
    return values


@given(st.integers(0, 10_000), st.lists(st.sampled_from([1, 1, 2]), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_the_sweep_is_brute_force(seed: int, blocks: list[int]) -> None:
    columns = data(seed, sum(blocks))
    found = shapley(correlations(columns), blocks)
    assert found == pytest.approx(brute_force(columns, blocks), abs=1e-10)
    assert found.sum() == pytest.approx(fitted_r2(columns, list(range(sum(blocks)))), abs=1e-10)


def test_every_set_has_its_r2() -> None:
    columns = data(1, 4)
    r2 = worth_of_sets(correlations(columns), [1, 1, 1, 1])[:, 0]
    for size in range(5):
        for chosen in combinations(range(4), size):
            assert r2[sum(1 << j for j in chosen)] == pytest.approx(fitted_r2(columns, list(chosen)), abs=1e-12)


@given(st.integers(0, 10_000), st.permutations(range(5)))
@settings(max_examples=20, deadline=None)
def test_order_and_scaling_change_nothing(seed: int, order: list[int]) -> None:
    columns = data(seed, 5)
    scaled = columns[:, [*order, 5]] * np.array([3, 0.1, 7, 2, 5, 11]) + 4
    for measure in (shapley, johnson):
        before, after = measure(correlations(columns), [1] * 5), measure(correlations(scaled), [1] * 5)
        assert after == pytest.approx(before[order], abs=1e-10)


def test_a_driver_and_its_exact_copy_share_alike() -> None:
    columns = data(2, 3)
    doubled = np.column_stack([columns[:, :1], columns])
    alone = shapley(correlations(columns), [1] * 3)
    found = shapley(correlations(doubled), [1] * 4)
    assert found[0] == pytest.approx(found[1])
    assert found.sum() == pytest.approx(alone.sum())


def test_a_driver_without_spread_carries_nothing() -> None:
    columns = data(3, 3)
    columns[:, 1] = 4.0
    found = shapley(correlations(columns), [1] * 3)
    assert found[1] == pytest.approx(0)
    assert found.sum() == pytest.approx(fitted_r2(columns, [0, 2]))


def test_many_samples_at_once_give_what_each_gives() -> None:
    many = np.stack([correlations(data(seed, 6)) for seed in range(7)])
    blocks = [2, 1, 1, 2]
    assert shapley(many, blocks) == pytest.approx(np.stack([shapley(one, blocks) for one in many]))
    assert johnson(many, blocks) == pytest.approx(np.stack([johnson(one, blocks) for one in many]))


def test_johnson_sums_to_r2_and_equals_shapley_without_overlap() -> None:
    rng = np.random.default_rng(1)
    q, _ = np.linalg.qr(rng.normal(size=(300, 5)))
    y = q @ [3, 2, 1, 0.5, 0] + rng.normal(0, 0.05, 300)
    found = correlations(np.column_stack([q - q.mean(axis=0), y]))
    overlapping = correlations(data(4, 5))
    blocks = [1] * 5
    assert johnson(overlapping, blocks).sum() == pytest.approx(shapley(overlapping, blocks).sum())
    assert johnson(found, blocks) == pytest.approx(shapley(found, blocks), abs=0.005)


@pytest.mark.parametrize("columns", [1, 2])
def test_the_noise_floor_is_what_real_random_columns_get(columns: int) -> None:
    """Drawn through their correlations, random drivers get what random columns of the data get."""
    sample = data(6, 4, n=150)
    rng = np.random.default_rng(7)
    drawn = random_parts(correlations(sample), [1] * 4, 150, columns, 1500, rng)
    real = np.array(
        [
            shapley(
                correlations(np.insert(sample, [4] * columns, rng.normal(size=(150, columns)), axis=1)),
                [1] * 4 + [columns],
            )[-1]
            for _ in range(1500)
        ]
    )
    for level in (0.5, 0.95):
        assert np.quantile(drawn, level) == pytest.approx(np.quantile(real, level), rel=0.15)


def test_the_worth_of_many_players_is_shared_as_that_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond fourteen players the sums are taken another way."""
    worth = np.random.default_rng(3).normal(size=(1 << 7, 2))
    worth[0] = 0
    few = shapley_of_sets(worth, 7)
    monkeypatch.setattr(importance, "_KEPT", 6)
    assert shapley_of_sets(worth, 7) == pytest.approx(few, abs=1e-12)
    assert shapley_of_sets(worth[:, 0], 7) == pytest.approx(few[:, 0], abs=1e-12)
    assert few.sum(axis=0) == pytest.approx(worth[-1])

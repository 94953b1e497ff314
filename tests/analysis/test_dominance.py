"""Complete, conditional and general dominance, by their definitions."""

from itertools import combinations

import numpy as np
import pytest

from cxinsights.analysis.dominance import complete_shares, conditional, patterns
from cxinsights.analysis.importance import shapley, worth_of_sets
from tests.analysis.test_importance import correlations, data, fitted_r2


def test_complete_dominance_counts_sets_of_the_others() -> None:
    columns = data(5, 4)
    share = complete_shares(worth_of_sets(correlations(columns), [1] * 4)[:, 0], 4)
    wins = [
        fitted_r2(columns, [*s, 0]) > fitted_r2(columns, [*s, 2]) for k in range(3) for s in combinations([1, 3], k)
    ]
    assert share[0, 2] == pytest.approx(np.mean(wins))
    assert np.isnan(np.diag(share)).all()


def test_conditional_dominance_is_the_mean_gain_by_size() -> None:
    columns = data(6, 4)
    worth = worth_of_sets(correlations(columns), [1] * 4)
    found = conditional(worth, 4)[..., 0]
    gains = [fitted_r2(columns, [*s, 1]) - fitted_r2(columns, list(s)) for s in combinations([0, 2, 3], 2)]
    assert found[1, 2] == pytest.approx(np.mean(gains))
    everything = fitted_r2(columns, [0, 1, 2, 3])
    last = [everything - fitted_r2(columns, [i for i in range(4) if i != j]) for j in range(4)]
    assert found[:, 0] == pytest.approx(correlations(columns)[:4, 4] ** 2)
    assert found[:, -1] == pytest.approx(last)
    assert found.mean(axis=1) == pytest.approx(shapley(correlations(columns), [1] * 4))


def test_each_pattern_implies_the_next_and_both_ways_are_never_true() -> None:
    for seed in range(20):
        complete, by_size, general = patterns(worth_of_sets(correlations(data(seed, 5)), [1] * 5), 5)[..., 0]
        assert (by_size | ~complete).all()
        assert (general | ~by_size).all()
        assert not (general & general.T).any()


def test_a_driver_and_its_copy_dominate_neither_way() -> None:
    columns = data(7, 3)
    copied = np.column_stack([columns[:, :3], columns[:, 0], columns[:, 3]])
    found = patterns(worth_of_sets(correlations(copied), [1] * 4), 4)[..., 0]
    assert not found[:, 0, 3].any()
    assert not found[:, 3, 0].any()

"""Shares of McFadden's R²: brute force by statsmodels, draws by fitting each of them, the floor by real columns."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from statsmodels.discrete.discrete_model import Logit
from statsmodels.tools.tools import add_constant

from cxinsights.analysis.importance import johnson
from cxinsights.analysis.importance_likelihood import (
    draw_coefficients,
    likelihood_importance,
    mcfadden_shapley,
    relative_weights,
)
from cxinsights.analysis.ordered import OrderedData
from cxinsights.analysis.resampling import drawn_weights, moments
from tests.analysis.test_ordered import sample


def parts_of(columns: np.ndarray, outcome: np.ndarray, blocks: list[int], **more) -> np.ndarray:
    return mcfadden_shapley(
        OrderedData(columns, outcome, **more), blocks, np.ones((1, len(outcome))), 10, np.random.default_rng(1)
    ).parts


def brute_force(columns: np.ndarray, outcome: np.ndarray, blocks: list[int]) -> list[float]:
    """Mean gain over all orders, each model fitted by statsmodels."""
    ends = np.cumsum(blocks)
    own = [list(range(end - size, end)) for end, size in zip(ends, blocks, strict=True)]

    def worth(chosen: tuple[int, ...]) -> float:
        at = [column for driver in chosen for column in own[driver]]
        return Logit(outcome, add_constant(columns[:, at])).fit(disp=False).prsquared if at else 0.0

    p = len(blocks)
    return [
        sum(
            factorial(k) * factorial(p - k - 1) / factorial(p) * (worth((*others, j)) - worth(others))
            for k in range(p)
            for others in combinations([i for i in range(p) if i != j], k)
        )
        for j in range(p)
    ]


@pytest.mark.parametrize("blocks", [[1, 1, 1, 1], [2, 1, 1]])
def test_shares_are_brute_force_and_sum_to_mcfadden(blocks: list[int]) -> None:
    columns, outcome = sample(300, 4, 2)
    found = parts_of(columns, outcome, blocks)
    assert found == pytest.approx(brute_force(columns, outcome, blocks), abs=1e-8)
    assert found.sum() == pytest.approx(OrderedData(columns, outcome).fit().mcfadden)


def test_a_driver_and_its_copy_share_alike_and_order_changes_nothing() -> None:
    columns, outcome = sample()
    copied = np.column_stack([columns, columns[:, 0]])
    found = parts_of(copied, outcome, [1] * 4)
    assert found[0] == pytest.approx(found[3])
    turned = parts_of(copied[:, [2, 3, 1, 0]], outcome, [1] * 4)
    assert turned == pytest.approx(found[[2, 3, 1, 0]])


@pytest.mark.parametrize("levels", [2, 5])
def test_draws_are_near_what_fitting_each_of_them_gives(levels: int) -> None:
    """One step against a fit: within a fifth of the draws' own spread, and limits within a twentieth."""
    columns, outcome = sample(500, 3, levels)
    weights = drawn_weights(500, None, None, 60, np.random.default_rng(5))
    data = OrderedData(columns, outcome)
    found = mcfadden_shapley(data, [1] * 3, weights, 10, np.random.default_rng(1)).drawn
    fitted = np.stack([
        parts_of(columns[w > 0], outcome[w > 0], [1] * 3, weights=w[w > 0]) for w in weights
    ])  # fmt: skip
    spread = fitted.std(axis=0)
    assert (np.abs(found - fitted).mean(axis=0) < 0.1 * spread).all()
    assert found.std(axis=0) == pytest.approx(spread, rel=0.1)
    coefficients = draw_coefficients(data, weights)
    refitted = np.stack([
        np.concatenate([fit.thresholds, fit.coefficients])
        for fit in (OrderedData(columns[w > 0], outcome[w > 0], w[w > 0]).fit() for w in weights)
    ])  # fmt: skip
    assert (np.abs(coefficients - refitted).mean(axis=0) < 0.15 * refitted.std(axis=0)).all()


def test_the_floor_is_what_real_random_columns_get() -> None:
    columns, outcome = sample(500, 2, 2)
    rng = np.random.default_rng(9)
    floor = np.quantile(
        mcfadden_shapley(OrderedData(columns, outcome), [1] * 2, np.ones((1, 500)), 2000, rng).random[1], 0.95
    )
    real = [
        parts_of(np.column_stack([columns, rng.normal(0, 1, 500)]), outcome, [1] * 3)[2] for _ in range(300)
    ]  # fmt: skip
    assert np.mean(np.array(real) < floor) == pytest.approx(0.95, abs=0.035)


def test_of_many_drivers_relative_weights_stand_in() -> None:
    columns, outcome = sample(900, 12, 2)
    weights = drawn_weights(900, None, None, 200, np.random.default_rng(5))
    found = likelihood_importance(OrderedData(columns, outcome), [1] * 12, weights, 100, np.random.default_rng(1))
    fit = OrderedData(columns, outcome).fit()
    assert found.worth is None
    assert found.parts.sum() == pytest.approx(fit.mcfadden)
    assert found.drawn.shape == (200, 12)
    low, high = np.quantile(found.drawn, [0.005, 0.995], axis=0)
    assert ((low < found.parts) & (found.parts < high)).sum() >= 11
    assert np.argmax(found.parts) == 0


def test_relative_weights_of_a_linear_model_are_johnsons() -> None:
    columns, outcome = sample(400, 4, 7)
    found = moments(np.column_stack([columns, outcome]))
    spread = np.sqrt(np.diag(found.covariances))
    own = relative_weights(found.correlations[:-1, :-1], found.coefficients() * spread[:-1], [1] * 4)
    theirs = johnson(found.correlations, [1] * 4)
    assert own == pytest.approx(theirs / theirs.sum())

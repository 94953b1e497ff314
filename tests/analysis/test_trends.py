"""Charts and drifts beyond what the reference cases hold."""

import numpy as np
import pytest

from cxinsights.analysis.trends import drift, individuals_chart, p_chart, runs_of


def test_limits_come_from_the_stated_baseline() -> None:
    values = np.array([30.0, 32, 31, 33, 30, 10])
    usual, all_of_it = individuals_chart(values, 5), individuals_chart(values)
    assert usual.center == pytest.approx(31.2)
    assert usual.sd == pytest.approx(np.mean([2, 1, 2, 3]) / 1.128)
    assert values[5] < usual.low[5]
    assert all_of_it.center < usual.center
    assert all_of_it.low[5] < usual.low[5]


def test_limits_of_shares_stay_shares() -> None:
    found = p_chart(np.array([19.0, 20, 9]), np.array([20.0, 20, 10]), 2)
    assert found.center == pytest.approx(39 / 40)
    assert found.high.tolist() == [1, 1, 1]
    assert np.all(found.low > 0)


def test_a_run_starts_to_tell_at_its_seventh() -> None:
    values = np.array([1.0] * 8 + [0] + [-1] * 6)
    above, below = runs_of(values, 0.0)
    assert (above.tolist(), below.tolist()) == ([6, 7], [])


def test_a_straight_line_drifts_by_its_slope() -> None:
    found = drift(3.0 * np.arange(10))
    assert (found.slope, found.ci_low, found.ci_high) == (3, 3, 3)
    assert found.p_value < 0.001


def test_nothing_that_moves_drifts_nowhere() -> None:
    found = drift(np.full(6, 5.0))
    assert found.slope == 0
    assert np.isnan(found.p_value)


def test_one_value_has_no_usual_variation() -> None:
    with pytest.raises(ValueError, match=r"^a chart of single values needs two at least$"):
        individuals_chart(np.array([1.0]))

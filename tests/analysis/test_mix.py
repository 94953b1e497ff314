"""Mix and rate: an exact sum, by hand and for any numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxinsights.analysis.mix import split_change


def test_a_company_that_falls_though_no_part_does() -> None:
    found = split_change(np.array([50.0, 10.0]), np.array([50.0, 10.0]), np.array([0.4, 0.6]), np.array([0.6, 0.4]))
    assert found.change == pytest.approx(-8)
    assert found.rate.tolist() == [0, 0]
    assert found.mix == pytest.approx([-0.2 * 16, 0.2 * -24])
    assert found.both.tolist() == [0, 0]


def test_a_part_that_is_new_or_gone_changes_only_the_mix() -> None:
    found = split_change(
        np.array([30.0, 20.0, np.nan]), np.array([20.0, np.nan, 0.0]), np.array([0.5, 0.5, 0]), np.array([0.5, 0, 0.5])
    )
    assert found.change == pytest.approx(25 - 10)
    assert found.rate == pytest.approx([5, 0, 0])
    assert found.mix == pytest.approx([0, 0.5 * 10, -0.5 * -10])


@given(st.lists(st.tuples(*[st.floats(-100, 100)] * 2, *[st.integers(1, 1000)] * 2), min_size=1, max_size=8))
def test_it_sums_exactly(parts: list[tuple[float, float, int, int]]) -> None:
    now, before, n, m = np.array(parts, dtype=float).T
    found = split_change(now, before, n / n.sum(), m / m.sum())
    assert (found.rate + found.mix + found.both).sum() == pytest.approx(found.change, abs=1e-9)
    assert found.change == pytest.approx(np.average(now, weights=n) - np.average(before, weights=m), abs=1e-9)


def test_shares_that_are_none_are_refused() -> None:
    one = np.array([1.0])
    with pytest.raises(ValueError, match=r"^shares of a total sum to 1$"):
        split_change(one, one, one * 2, one)

"""Bootstrap by moments, ranks, and the letters of drivers that cannot be told apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxinsights.analysis.resampling import (
    Moments,
    bootstrap_moments,
    letters_of,
    limits_of_r2,
    limits_of_shares,
    moments,
    rank_limits,
    told_apart,
)


def sample(n: int = 120, k: int = 4) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(5, 2, (n, k)) + rng.normal(size=(n, 1))


def test_moments_are_numpys() -> None:
    columns = sample()
    weights = np.linspace(0.5, 2, len(columns))
    assert moments(columns).correlations == pytest.approx(np.corrcoef(columns.T))
    assert moments(columns, weights).covariances == pytest.approx(np.cov(columns.T, aweights=weights, ddof=0))


def test_a_draw_has_the_moments_of_the_rows_it_drew() -> None:
    columns, weights = sample(30), np.linspace(0.5, 2, 30)
    found = bootstrap_moments(columns, weights, None, 3, np.random.default_rng(9))
    rng = np.random.default_rng(9)
    drawn = rng.integers(0, 30, (3, 30))
    for at, rows in enumerate(drawn):
        by_hand = moments(columns[rows], weights[rows])
        assert found.means[at] == pytest.approx(by_hand.means)
        assert found.covariances[at] == pytest.approx(by_hand.covariances)


def test_customers_are_drawn_whole() -> None:
    """Ten customers of twelve equal answers each: draws spread as ten answers do, not as a hundred and twenty."""
    rng = np.random.default_rng(3)
    person = rng.normal(size=10)
    columns = np.repeat(person, 12)[:, None]
    whole = bootstrap_moments(columns, None, np.repeat(np.arange(10), 12), 3000, np.random.default_rng(1))
    alone = bootstrap_moments(columns, None, None, 3000, np.random.default_rng(1))
    assert whole.means.std() == pytest.approx(person.std() / np.sqrt(10), rel=0.08)
    assert alone.means.std() == pytest.approx(person.std() / np.sqrt(120), rel=0.08)


def test_coefficients_are_least_squares() -> None:
    columns = sample()
    x, y = np.column_stack([np.ones(len(columns)), columns[:, :-1]]), columns[:, -1]
    assert moments(columns).coefficients() == pytest.approx(np.linalg.lstsq(x, y, rcond=None)[0][1:])


def test_a_column_without_spread_correlates_with_nothing() -> None:
    found = Moments(np.zeros(2), np.array([[0.0, 0], [0, 4]])).correlations
    assert found.tolist() == [[1, 0], [0, 1]]


def test_ranks_run_from_one() -> None:
    rng = np.random.default_rng(2)
    draws = rng.normal([3, 1.05, 1, 0], 0.1, (500, 4))
    low, high = rank_limits(draws)
    assert low.tolist() == [1, 2, 2, 4]
    assert high.tolist() == [1, 3, 3, 4]


def test_equal_drivers_are_rarely_split() -> None:
    """Five drivers alike: in at least 93 of 100 samples no pair at all is told apart."""
    rng = np.random.default_rng(8)
    splits = 0
    for _ in range(200):
        point = rng.normal(0, 1, 5)
        draws = point + rng.normal(0, 1, (400, 5))
        splits += told_apart(point, draws).any()
    assert splits / 200 < 0.07


def test_a_column_and_its_copy_are_never_told_apart() -> None:
    rng = np.random.default_rng(9)
    draws = rng.normal([2, 0], 0.1, (400, 2))[:, [0, 0, 1]]
    apart = told_apart(np.array([2.0, 2.0, 0.0]), draws)
    assert apart.tolist() == [[False, False, True], [False, False, True], [True, True, False]]


@given(st.integers(2, 7), st.integers(0, 10_000))
@settings(max_examples=60)
def test_letters_say_exactly_what_is_told_apart(p: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((p, p)) < 0.4, 1)
    apart = upper | upper.T
    letters = letters_of(list(rng.permutation(p)), apart)
    for a in range(p):
        assert letters[a]
        for b in range(p):
            if a != b:
                assert bool(set(letters[a]) & set(letters[b])) == (not apart[a, b])


def test_letters_run_from_the_largest_down() -> None:
    apart = np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)
    assert letters_of([2, 1, 0], apart) == ["b", "ab", "a"]


def test_limits_of_shares_are_normal_in_log_odds() -> None:
    rng = np.random.default_rng(3)
    draws = 1 / (1 + np.exp(-rng.normal([-2.0, 0.5], [0.4, 0.1], (40_000, 2))))
    centre = np.array([-2.0, 0.5])
    point = 1 / (1 + np.exp(-centre))
    for widening in (1.0, 1.5):
        half = 1.959964 * widening * np.array([0.4, 0.1])
        low, high = limits_of_shares(point, draws, widening)
        assert low == pytest.approx(1 / (1 + np.exp(half - centre)), rel=0.01)
        assert high == pytest.approx(1 / (1 + np.exp(-half - centre)), rel=0.01)


def test_a_share_that_never_varies_is_its_own_limit() -> None:
    low, high = limits_of_shares(np.array([1.0, 0.0]), np.tile([1.0, 0.0], (50, 1)))
    assert (low.tolist(), high.tolist()) == ([1, 0], [1, 0])


def test_limits_of_r2_hold_it_nineteen_times_in_twenty_where_draws_lie_too_high() -> None:
    """R² of a normal sample: Fisher's z of R is normal with variance 1 / n; draws are as far above as it is."""
    rng, n, true = np.random.default_rng(4), 300, 0.3
    held = 0
    for _ in range(400):
        z = np.arctanh(np.sqrt(true)) + 0.02 + rng.normal() / np.sqrt(n)
        draws = np.tanh(z + 0.02 + rng.normal(size=300) / np.sqrt(n)) ** 2
        low, high = limits_of_r2(float(np.tanh(z) ** 2), draws)
        held += low <= true <= high
    assert 0.925 < held / 400 < 0.975
    assert limits_of_r2(0.01, np.full(50, 0.05)) == (0.0, 0.01)


def test_wider_draws_split_fewer() -> None:
    draws = np.random.default_rng(5).normal([2.0, 1.0], 0.3, (500, 2))
    point = np.array([2.0, 1.0])
    assert told_apart(point, draws)[0, 1]
    assert not told_apart(point, draws, widening=1.5)[0, 1]

"""Comparisons: tests, families and states."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from cxinsights.analysis.comparisons import adjust, compare, detectable_difference, states
from cxinsights.analysis.scores import Sample


def benjamini_hochberg(p: list[float]) -> list[float]:
    """The definition, written out: the smallest level at which each test is rejected."""
    n = len(p)
    order = sorted(range(n), key=lambda i: p[i])
    return [min(1.0, min(p[order[k]] * n / (k + 1) for k in range(order.index(i), n))) for i in range(n)]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_is_benjamini_hochberg(p: list[float]) -> None:
    frame = pd.DataFrame({"metric": "nps", "p_value": p})
    found = adjust(frame, ["metric"])
    assert found["p_adjusted"].tolist() == pytest.approx(benjamini_hochberg(p))
    assert (found["n_comparisons"] == len(p)).all()


def test_families_stay_apart_and_untested_rows_do_not_count() -> None:
    frame = pd.DataFrame({"metric": ["nps", "nps", "csat", "nps"], "p_value": [0.01, 0.04, 0.04, np.nan]})
    found = adjust(frame, ["metric"])
    assert found["p_adjusted"].tolist() == pytest.approx([0.02, 0.04, 0.04, np.nan], nan_ok=True)
    assert found["n_comparisons"].tolist() == [2, 2, 1, 2]


@pytest.mark.parametrize(
    ("p", "value", "low", "high", "state"),
    [
        (0.01, 9, 3, 15, "better"),
        (0.01, -9, -15, -3, "worse"),
        (0.01, 3, 1, 4.9, "slightly_better"),
        (0.01, -3, -4.9, -1, "slightly_worse"),
        (0.60, 1, -3, 4, "steady"),
        (0.60, 1, -6, 8, "cannot_tell"),
        (0.20, 3, 0.5, 4.5, "cannot_tell"),  # the plain interval leaves out zero, the adjusted test does not
        (np.nan, 9, 3, 15, None),
    ],
)
def test_states(p: float, value: float, low: float, high: float, state: str | None) -> None:
    series = [pd.Series([v], dtype=float) for v in (p, value, low, high, 5)]
    found = states(*series).iloc[0]
    assert found == state if state else pd.isna(found)


def test_less_is_better_where_the_scale_says_so() -> None:
    series = [pd.Series([v], dtype=float) for v in (0.01, 9, 3, 15, 5)]
    assert states(*series, higher_is_better=False).iloc[0] == "worse"


@pytest.mark.parametrize("kind", ["nps", "share", "mean"])
def test_turning_sides_turns_the_sign(kind: str) -> None:
    rng = np.random.default_rng(1)
    values = {"nps": [100.0, 0, -100], "share": [0.0, 1], "mean": [1.0, 2, 3, 4, 5]}[kind]
    a, b = (Sample(rng.choice(values, size)) for size in (80, 120))
    one, other = compare(a, b, kind), compare(b, a, kind)
    assert (one.value, one.ci_low, one.ci_high) == pytest.approx((-other.value, -other.ci_high, -other.ci_low))
    assert one.p_value == pytest.approx(other.p_value)
    assert one.ci_low <= one.value <= one.ci_high


def test_too_few_on_a_side_or_off_the_middle_is_not_tested() -> None:
    rng = np.random.default_rng(2)
    a, b = Sample(rng.choice([0.0, 1], 29)), Sample(rng.choice([0.0, 1], 200))
    assert not compare(a, b, "share").tested
    assert np.isnan(compare(a, b, "share").p_value)
    nearly_all = Sample(np.repeat([1.0, 0], [97, 3]))
    assert not compare(nearly_all, b, "share").tested
    same = Sample(np.full(50, 100.0))
    assert not compare(same, same, "nps").tested  # both errors are zero


def test_customers_on_both_sides_are_counted_once() -> None:
    """The same people asked twice: the change's error is that of the paired difference."""
    rng = np.random.default_rng(5)
    person = rng.normal(0, 1, 300)
    before, after = person + rng.normal(0, 0.5, 300), person + 0.2 + rng.normal(0, 0.5, 300)
    customers = np.arange(300)
    found = compare(Sample(after, None, customers), Sample(before, None, customers), "mean")
    paired = (after - before).std(ddof=1) / np.sqrt(300)
    assert found.value == pytest.approx(np.mean(after - before))
    assert found.se == pytest.approx(paired, rel=0.01)
    apart = compare(Sample(after), Sample(before), "mean")
    assert apart.se > 1.5 * found.se


def test_what_would_be_seen_four_times_in_five() -> None:
    """A true change of the detectable size is found in 80 of 100 surveys."""
    rng = np.random.default_rng(6)
    p = np.array([0.45, 0.33, 0.22])
    first = compare(*(Sample(rng.choice([100.0, 0, -100], 600, p=p)) for _ in range(2)), "nps")
    shift = first.detectable / 100
    moved = p + np.array([shift / 2, 0, -shift / 2])
    found = 0
    for _ in range(600):
        a, b = Sample(rng.choice([100.0, 0, -100], 600, p=moved)), Sample(rng.choice([100.0, 0, -100], 600, p=p))
        found += compare(a, b, "nps").p_value < 0.05
    assert 0.75 < found / 600 < 0.87


@pytest.mark.parametrize(("n_tests", "n_moved"), [(1, 0), (13, 0), (13, 3)])
def test_a_difference_of_that_size_is_called_four_times_in_five_among_many_tests(n_tests: int, n_moved: int) -> None:
    """One of many has moved by what is stated; so many others have moved far."""
    rng = np.random.default_rng(7)
    moved = np.repeat([0.0, 20.0], [n_tests - n_moved, n_moved])
    called = []
    for _ in range(1500):
        drawn = moved + rng.normal(size=n_tests)
        still = adjust(pd.DataFrame({"metric": "nps", "p_value": 2 * norm.sf(np.abs(drawn)), "se": 1.0}), ["metric"])
        drawn[0] += detectable_difference(still, ["metric"])[0]
        there = adjust(pd.DataFrame({"metric": "nps", "p_value": 2 * norm.sf(np.abs(drawn))}), ["metric"])
        called.append(there["p_adjusted"][0] < 0.05)
    assert 0.77 < np.mean(called) < 0.83


def test_tests_that_are_called_make_the_others_easier_to_call() -> None:
    frame = pd.DataFrame({"metric": ["nps"] * 4 + ["csat"], "p_value": [1e-9, 0.5, 0.6, np.nan, 0.5], "se": 2.0})
    found = detectable_difference(adjust(frame, ["metric"]), ["metric"])
    bounds = np.array([0.05 * (0 + 1) / 3, 0.05 * (1 + 1) / 3, 0.05 * (1 + 1) / 3, 0.05 * (1 + 1) / 3, 0.05])
    assert found.tolist() == pytest.approx(2 * (norm.isf(bounds / 2) + norm.ppf(0.8)))

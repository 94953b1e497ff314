"""Correlations: against scipy and brute force, and by what must hold of any correlation."""

import numpy as np
import pytest
from scipy import stats

from cxinsights.analysis.correlations import (
    complete_pairs,
    disattenuated,
    fisher_limits,
    partial,
    pearson,
    resampled,
    spearman,
    weighted,
    without_each,
)


def pairs(n: int = 50, r: float = 0.5, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, n)
    return x, r * x + np.sqrt(1 - r**2) * rng.normal(0, 1, n)


def test_pearson_is_scipys_with_its_interval() -> None:
    x, y = pairs()
    found, known = pearson(x, y), stats.pearsonr(x, y)
    assert (found.value, found.p_value) == pytest.approx((known.statistic, known.pvalue))
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(known.confidence_interval(0.95)))
    assert (found.n, found.df) == (50, 48)


def test_spearman_is_scipys_and_its_interval_is_wider_than_fishers() -> None:
    x, y = (np.round(side, 1) for side in pairs())  # with ties
    found, plain, known = spearman(x, y), spearman(x, y, interval="fisher"), stats.spearmanr(x, y)
    assert (found.value, found.p_value) == pytest.approx((known.statistic, known.pvalue))
    ratio = (np.arctanh(found.ci_high) - np.arctanh(found.value)) / (
        np.arctanh(plain.ci_high) - np.arctanh(plain.value)
    )
    assert ratio == pytest.approx(np.sqrt(1 + found.value**2 / 2))


def test_intervals_hold_the_true_correlation_nineteen_times_in_twenty() -> None:
    """400 samples of 20 pairs: 5 % misses would be 20; 10 to 31 hold 99 % of such counts."""
    missed = 0
    for seed in range(400):
        found = pearson(*pairs(20, 0.6, seed))
        missed += not found.ci_low <= 0.6 <= found.ci_high
    assert 10 <= missed <= 31


def test_pairs_without_one_side_are_left_out_and_counted() -> None:
    x, y = pairs()
    x[3], y[7], y[8] = np.nan, np.nan, np.inf
    known = np.isfinite(x) & np.isfinite(y)
    for found, alone in ((pearson(x, y), pearson(x[known], y[known])), (spearman(x, y), spearman(x[known], y[known]))):
        assert found.n == 47
        assert found == alone
    assert [len(side) for side in complete_pairs(x, y)] == [47, 47]


def test_whole_weights_are_repeats_for_the_value_and_not_for_the_interval() -> None:
    x, y = pairs(12)
    times = np.array([1, 2, 3] * 4)
    found, repeated = weighted(x, y, times), pearson(np.repeat(x, times), np.repeat(y, times))
    assert found.value == pytest.approx(repeated.value)
    n_effective = times.sum() ** 2 / (times**2).sum()
    assert (found.n, found.df) == (12, pytest.approx(n_effective - 2))
    assert (found.ci_low, found.ci_high) == pytest.approx(fisher_limits(found.value, n_effective - 3))
    assert found.ci_high - found.ci_low > repeated.ci_high - repeated.ci_low


def test_equal_weights_change_nothing_and_a_weight_of_zero_leaves_a_pair_out() -> None:
    x, y = pairs(12)
    equal, plain = weighted(x, y, np.full(12, 7.0)), pearson(x, y)
    assert (equal.value, equal.ci_low, equal.p_value) == pytest.approx((plain.value, plain.ci_low, plain.p_value))
    ends = np.array([0, np.nan, *[1.0] * 10])
    assert weighted(x, y, ends).value == pytest.approx(pearson(x[2:], y[2:]).value)
    assert weighted(x, y, ends).n == 10


def test_a_partial_of_one_control_is_the_textbooks_formula() -> None:
    x, y = pairs(60, 0.4)
    z = 0.5 * x - 0.3 * y + np.random.default_rng(3).normal(0, 1, 60)
    xy, xz, yz = (pearson(*two).value for two in ((x, y), (x, z), (y, z)))
    found = partial(x, y, z[:, None])
    assert found.value == pytest.approx((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))
    assert (found.n, found.df) == (60, 57)
    assert (found.ci_low, found.ci_high) == fisher_limits(found.value, 56)
    ranked = partial(*(stats.rankdata(side) for side in (x, y)), stats.rankdata(z)[:, None])
    assert partial(x, y, z[:, None], ranks=True).value == pytest.approx(ranked.value)


def test_what_a_control_explains_in_full_leaves_nothing_to_correlate() -> None:
    x, y = pairs(30)
    assert np.isnan(partial(x, y, (3 * x - 1)[:, None]).value)
    assert np.isnan(partial(x, y, np.random.default_rng(0).normal(0, 1, (30, 28))).value)  # rows for no more columns


def test_a_corrected_correlation_can_exceed_one_and_is_flagged() -> None:
    found = pearson(*pairs(40, 0.8))
    corrected = disattenuated(found, 0.5, 0.6)
    assert corrected.value == pytest.approx(found.value / np.sqrt(0.3))
    assert corrected.value > 1
    assert corrected.over_one
    assert not found.over_one
    assert (corrected.ci_low, corrected.ci_high) == pytest.approx(
        (found.ci_low / np.sqrt(0.3), found.ci_high / np.sqrt(0.3))
    )
    assert np.isnan(corrected.p_value)
    assert disattenuated(found, 1, 1).value == found.value
    for unusable in (0.0, -0.2, np.nan):
        assert np.isnan(disattenuated(found, unusable, 0.9).value)


def test_leaving_each_out_is_the_correlation_of_the_others() -> None:
    x, y = pairs(15)
    brute = [pearson(np.delete(x, at), np.delete(y, at)).value for at in range(15)]
    assert without_each(x, y).tolist() == pytest.approx(brute)


def test_bootstrap_limits_come_near_fishers_and_the_same_seed_gives_the_same() -> None:
    x, y = pairs(200)
    drawn, again = (resampled(x, y, 2000, np.random.default_rng(5)) for _ in range(2))
    assert drawn == again
    fisher, ranks = pearson(x, y), spearman(x, y)
    assert drawn[:2] == pytest.approx((fisher.ci_low, fisher.ci_high), abs=0.05)
    assert drawn[2:] == pytest.approx((ranks.ci_low, ranks.ci_high), abs=0.05)


def test_bootstrap_limits_do_not_hang_on_how_draws_are_cut_in_blocks(monkeypatch) -> None:
    x, y = pairs(30)
    whole = resampled(x, y, 300, np.random.default_rng(2))
    monkeypatch.setattr("cxinsights.analysis.correlations._AT_ONCE", 30 * 7)
    assert resampled(x, y, 300, np.random.default_rng(2)) == pytest.approx(whole)


@pytest.mark.parametrize("measure", [pearson, spearman])
def test_order_scale_and_direction_do_what_they_must(measure) -> None:
    x, y = pairs()
    shuffled = np.random.default_rng(0).permutation(50)
    assert measure(x[shuffled], y[shuffled]).value == pytest.approx(measure(x, y).value)
    assert measure(3 * x - 1, y).value == pytest.approx(measure(x, y).value)
    assert measure(-x, y).value == pytest.approx(-measure(x, y).value)
    assert spearman(np.exp(x), y).value == pytest.approx(spearman(x, y).value)


def test_a_side_that_never_varies_has_no_correlation() -> None:
    flat = np.full(10, 4.0)
    for found in (pearson(flat, np.arange(10)), spearman(np.arange(10), flat), pearson(np.arange(2), np.arange(2))):
        assert np.isnan([found.value, found.ci_low, found.ci_high, found.p_value]).all()
    assert np.isnan(resampled(flat, np.arange(10), 100, np.random.default_rng(0))).all()


def test_a_perfect_correlation_has_no_width_and_three_pairs_no_interval() -> None:
    x = np.arange(8.0)
    assert pearson(x, -2 * x).value == -1
    assert (pearson(x, -2 * x).ci_low, pearson(x, -2 * x).ci_high, pearson(x, x).p_value) == (-1, -1, 0)
    few = pearson(np.array([1.0, 2, 4]), np.array([1.0, 3, 2]))
    assert np.isfinite(few.value)
    assert np.isnan(few.ci_low)

"""Shrinkage, rank intervals and funnel limits against published figures and brute force."""

import numpy as np
import pytest

from cxinsights.analysis.ranking import funnel_limits, league

# thirteen trials of a vaccine: log risk ratios and their variances (Colditz et al. 1994)
TRIALS = np.array([
    -0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209, 0.0120, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173,
])  # fmt: skip
VARIANCES = np.array([
    0.3256, 0.1946, 0.4154, 0.0200, 0.0512, 0.0069, 0.2230, 0.0040, 0.0564, 0.0730, 0.0124, 0.5325, 0.0714,
])  # fmt: skip


def test_variance_and_mean_are_those_of_metafor() -> None:
    found = league(TRIALS, np.sqrt(VARIANCES))
    assert found.between == pytest.approx(0.3132, abs=5e-4)
    assert found.mean == pytest.approx(-0.7145, abs=5e-4)
    assert found.mean_se == pytest.approx(0.1798, abs=5e-4)


def test_what_is_known_badly_is_drawn_most() -> None:
    found = league(np.array([0.0, 40.0, 10.0, 12.0]), np.array([1.0, 20.0, 2.0, 2.0]))
    drawn = np.abs(found.estimate - [0, 40, 10, 12])
    assert drawn.argmax() == 1
    assert np.all((found.reliability > 0) & (found.reliability < 1))


def test_units_that_differ_by_chance_alone_may_have_any_rank() -> None:
    found = league(np.array([10.0, 10.5, 9.5, 10.0]), np.full(4, 5.0))
    assert found.between == 0
    assert found.estimate == pytest.approx(np.full(4, 10.0))
    assert (found.rank_low.tolist(), found.rank_high.tolist()) == ([1] * 4, [4] * 4)
    assert np.all(found.ci_high - found.ci_low > 2 * 1.96 * 2.5)  # wider than of one common mean


def test_estimates_are_those_of_eight_schools() -> None:
    """Gelman et al., table 5.3: limits of the schools' effects, of 200 draws, so that the widest are left out."""
    effects = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    found = league(effects, np.array([15.0, 10, 16, 11, 9, 11, 10, 18]))
    assert found.ci_low == pytest.approx([-2, -5, -11, -7, -9, -7, -1, -6], abs=2)
    assert np.delete(found.ci_high, [5, 7]) == pytest.approx([31, 23, 19, 21, 18, 26], abs=2.5)


def test_ranks_of_units_far_apart_are_sure() -> None:
    found = league(np.array([10.0, 50.0, 30.0]), np.full(3, 0.1))
    assert (found.rank_low.tolist(), found.rank_high.tolist()) == ([3, 1, 2], [3, 1, 2])


def test_true_scores_and_ranks_are_in_their_intervals_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(11)
    scores, ranks = [], []
    for seed in range(60):
        errors = random.uniform(2, 12, 15)
        true = random.normal(30, 8, 15)
        found = league(random.normal(true, errors), errors, seed=seed)
        scores.extend((found.ci_low <= true) & (true <= found.ci_high))
        own = (-true).argsort().argsort() + 1
        ranks.extend((found.rank_low <= own) & (own <= found.rank_high))
    assert np.mean(scores) == pytest.approx(0.95, abs=0.025)  # of 900
    assert 0.93 < np.mean(ranks) < 0.99  # ranks are whole, so their intervals hold a little more


def test_funnel_limits_are_three_errors_and_wider_where_units_differ_more() -> None:
    errors = np.linspace(2, 8, 20)
    alike = 30 + errors * np.tile([-1, 1], 10) * 0.5
    plain = funnel_limits(alike, errors, 30.0)
    assert plain.overdispersion == 1
    assert plain.high - 30 == pytest.approx(3.0902 * errors, abs=1e-3)
    assert plain.low == pytest.approx(60 - plain.high)
    apart = funnel_limits(30 + (alike - 30) * 4, errors, 30.0)
    assert apart.overdispersion == pytest.approx(4.0)
    assert apart.high - 30 == pytest.approx(2 * 3.0902 * errors, abs=1e-3)


def test_one_unit_far_off_does_not_hide_itself() -> None:
    errors = np.full(20, 3.0)
    scores = 30 + np.tile([-3.0, 3.0], 10)
    scores[0] = -100
    found = funnel_limits(scores, errors, 30.0)
    assert found.overdispersion == pytest.approx(1.0)
    assert scores[0] < found.low[0]


@pytest.mark.parametrize(("scores", "errors"), [([1, 2], [1, 1]), ([1, 2, 3], [1, 0, 1])])
def test_too_few_and_certain_units_are_refused(scores: list[float], errors: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^at least three units are ranked, each with a standard error above 0$"):
        league(np.array(scores, float), np.array(errors, float))

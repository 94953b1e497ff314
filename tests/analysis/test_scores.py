"""Scores: definitions, intervals, weights and customers who answer twice."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import WLS

from cxinsights.analysis.scores import METRICS, Sample, estimate, sample_of
from cxinsights.analysis.weighting import kish_n
from cxinsights.errors import AnalysisError
from cxinsights.params import ScoreRules

RULES = ScoreRules()
answers_0_10 = st.lists(st.integers(0, 10), min_size=2, max_size=60)


def nps(answers: list[float]) -> Sample:
    return sample_of(METRICS["nps"].coded(pd.Series(answers, dtype=float), RULES))


@given(answers_0_10)
def test_nps_is_promoters_less_detractors(answers: list[int]) -> None:
    n = len(answers)
    by_hand = 100 * (sum(a >= 9 for a in answers) - sum(a <= 6 for a in answers)) / n
    found = estimate(nps(answers), "nps")
    assert found.score == pytest.approx(by_hand)
    assert -100 <= found.ci_low <= found.score + 1e-9
    assert found.score - 1e-9 <= found.ci_high <= 100


@given(answers_0_10, st.randoms(use_true_random=False))
def test_order_changes_nothing(answers, random) -> None:
    one, other = (estimate(nps(given), "nps") for given in (answers, random.sample(answers, len(answers))))
    assert (one.score, one.se, one.ci_low, one.ci_high) == pytest.approx(
        (other.score, other.se, other.ci_low, other.ci_high)
    )


@given(answers_0_10)
def test_weights_of_one_give_the_error_of_a_sample_survey(answers) -> None:
    simple = nps(answers)
    weighted = Sample(simple.values, np.ones(simple.n))
    found = estimate(weighted, "nps")
    assert found.score == pytest.approx(estimate(simple, "nps").score)
    assert found.se == pytest.approx(estimate(simple, "nps").se * np.sqrt(simple.n / (simple.n - 1)))


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.2, 5)), min_size=3, max_size=50), st.floats(0.1, 10))
def test_scaling_all_weights_changes_nothing(pairs, factor) -> None:
    values, weights = np.array(pairs, dtype=float).T
    a, b = (estimate(Sample(values, w), "mean") for w in (weights, weights * factor))
    assert (a.score, a.se, a.n_effective) == pytest.approx((b.score, b.se, b.n_effective))


def test_weighted_error_is_the_sandwich_of_a_weighted_mean() -> None:
    rng = np.random.default_rng(3)
    values, weights = rng.normal(3, 1, 200), rng.uniform(0.2, 3, 200)
    fit = WLS(values, np.ones(200), weights=weights).fit(cov_type="HC1", use_t=True)
    found = estimate(Sample(values, weights), "mean")
    assert found.se == pytest.approx(fit.bse[0], rel=1e-9)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-9)


def test_customers_who_answer_twice_count_as_one_cluster() -> None:
    rng = np.random.default_rng(4)
    customers = np.repeat(np.arange(80), 2)
    values = np.repeat(rng.normal(3, 1, 80), 2) + rng.normal(0, 0.1, 160)
    fit = WLS(values, np.ones(160)).fit(
        cov_type="cluster", cov_kwds={"groups": customers, "use_correction": False, "df_correction": False}
    )
    found = estimate(Sample(values, None, customers), "mean")
    assert found.se == pytest.approx(fit.bse[0] * np.sqrt(80 / 79), rel=1e-9)
    assert found.df == 79
    assert found.n_effective == pytest.approx(80, rel=0.06)  # two answers of one person are worth one


def test_a_survey_copied_out_twice_is_no_more_certain() -> None:
    values = np.array([100.0, 0, -100, 100, 100, 0, -100, 0] * 6)
    once = estimate(Sample(values, None, np.arange(48)), "nps")
    twice = estimate(Sample(np.tile(values, 2), None, np.tile(np.arange(48), 2)), "nps")
    assert twice.score == pytest.approx(once.score)
    assert twice.se == pytest.approx(once.se * np.sqrt(48 / 47))


def test_unknown_customers_are_customers_of_their_own() -> None:
    sample = Sample(np.array([1.0, 2, 3]), None, np.array([-1, -2, -3]))
    assert not sample.repeats
    assert sample.is_simple


def test_one_sided_weighted_samples_keep_a_width() -> None:
    found = estimate(Sample(np.full(40, 100.0), np.linspace(0.5, 1.5, 40)), "nps")
    assert (found.score, found.se) == (100, 0)
    assert found.method == "adjusted_wald_effective"
    assert found.ci_low < 95
    share = estimate(Sample(np.ones(50), np.linspace(0.5, 1.5, 50)), "share")
    assert share.method == "wilson_effective"
    assert share.ci_low < 0.95
    assert share.n_effective == pytest.approx(kish_n(np.linspace(0.5, 1.5, 50)))


def test_nothing_answered() -> None:
    found = estimate(nps([np.nan, np.nan]), "nps")
    assert (found.n, found.n_missing) == (0, 2)
    assert np.isnan(found.score)


def test_top_box_and_mean_of_satisfaction() -> None:
    answers = pd.Series([5, 4, 3, None, 1], dtype=float)
    top = sample_of(METRICS["csat"].coded(answers, RULES))
    assert (estimate(top, "share").score, top.n, top.n_missing) == (0.5, 4, 1)
    assert sample_of(METRICS["csat_mean"].coded(answers, RULES)).mean == 3.25


@pytest.mark.parametrize(
    ("metric", "answers", "said"),
    [
        ("nps", [10, 11, -1], "nps_answer: 2 of 3 answers are not on the scale 0–10."),
        ("nps", [7.5, 8], "nps_answer: 1 of 2 answers are not on the scale 0–10."),
        ("csat", [6, 5], "csat_score: 1 of 2 answers are not on the scale 1–5."),
    ],
)
def test_answers_off_the_scale_are_never_dropped_in_silence(metric: str, answers: list, said: str) -> None:
    with pytest.raises(AnalysisError) as error:
        METRICS[metric].coded(pd.Series(answers, dtype=float), RULES)
    assert str(error.value) == (f"{said} Mend the mapping or the scale in the study's params and import again.")


def test_the_adjusted_interval_covers_and_the_plain_one_falls_short() -> None:
    """At n = 15 the adjusted interval holds the true NPS in at least 93 of 100 surveys; the plain one does not."""
    rng = np.random.default_rng(11)
    answers = rng.choice([100.0, 0.0, -100.0], size=(4000, 15), p=[0.7, 0.25, 0.05])
    held = {"adjusted": 0, "wald": 0}
    for values in answers:
        for form in held:
            found = estimate(Sample(values), "nps", nps_interval=form)
            held[form] += found.ci_low <= 65 <= found.ci_high
    assert held["adjusted"] / 4000 > 0.93 > held["wald"] / 4000


def test_an_adjusted_interval_holds_its_score_however_unequal_the_weights() -> None:
    """One answer of twelve has nearly all the weight: the adjusted centre lies far from it."""
    sample = sample_of(np.array([100.0] + [-100.0] * 11), np.array([1000.0] + [1.0] * 11))
    found = estimate(sample, "nps")
    assert found.method == "adjusted_wald_effective"
    assert found.ci_low <= found.score <= found.ci_high

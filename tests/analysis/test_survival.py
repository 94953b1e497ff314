"""Curves and tests of time until something happens; R's numbers are in tests/reference, the rest is here."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from cxinsights.analysis.survival import cox, fit_survival, log_rank
from cxinsights.errors import AnalysisError

# Freireich et al. (1963): weeks in remission, 6-MP arm; as in Kalbfleisch & Prentice, and Kleinbaum & Klein
WEEKS = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
RELAPSE = np.array([1] * 9 + [0] * 12)
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23])


def test_kaplan_meier_of_the_remission_study() -> None:
    """Kleinbaum & Klein, Survival Analysis (2012), table 2.3: 0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448."""
    curve = fit_survival(WEEKS, RELAPSE)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert (1 - curve.happened).round(3).tolist() == [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    assert curve.quantile()[0] == 23
    assert fit_survival(PLACEBO, np.ones(21)).quantile()[0] == 8


def test_the_curve_at_a_time_counts_what_happened_at_it() -> None:
    at = fit_survival(WEEKS, RELAPSE).at([0, 5.9, 6, 40])
    assert at["happened"].round(3).tolist() == [0, 0, 0.143, 0.552]
    assert at["at_risk"].tolist() == [21, 21, 21, 0]
    assert at["ci_low"].isna().tolist() == [True, True, False, False]


def test_log_rank_of_the_remission_study() -> None:
    """Kleinbaum & Klein, p. 70: 16.793 with one degree of freedom."""
    weeks, relapse = np.concatenate([WEEKS, PLACEBO]), np.concatenate([RELAPSE, np.ones(21)]).astype(int)
    arm = np.repeat(["mp", "placebo"], 21)
    found = log_rank(weeks, relapse == 1, arm)
    assert found.chi2 == pytest.approx(16.793, abs=5e-4)
    assert (found.df, found.p_value) == (1, pytest.approx(chi2.sf(found.chi2, 1)))


def test_many_groups_and_ties_agree_with_statsmodels() -> None:
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 4, 300)
    days, happened = np.ceil(rng.exponential(3 + groups, 300)), rng.random(300) < 0.7
    found = log_rank(days, happened, groups)
    expected = survdiff(days, happened.astype(int), groups)
    assert (found.chi2, found.p_value) == pytest.approx(expected, rel=1e-9)
    fit = SurvfuncRight(days, happened.astype(int))
    curve = fit_survival(days, happened.astype(int))
    assert curve.happened == pytest.approx(1 - fit.surv_prob)
    assert curve.se[:-1] == pytest.approx(fit.surv_prob_se[:-1])
    assert (curve.se[-1], np.isnan(fit.surv_prob_se[-1])) == (0, True)  # the last one left


def test_one_group_or_no_event_tests_nothing() -> None:
    assert np.isnan(log_rank(WEEKS, RELAPSE == 1, np.zeros(21)).p_value)
    assert np.isnan(log_rank(WEEKS, np.zeros(21, bool), np.arange(21) % 2).chi2)


def test_incidence_of_a_competing_end_by_hand() -> None:
    """Five people: it happens at 1 and 3, something else ends 2, one is censored at 2.5, one waits until 4.

    At 1: 1/5. At 2 a fifth leaves otherwise. At 3 two are left of whom one: 3/5 · 1/2 = 0.3.
    """
    curve = fit_survival(np.array([1, 2, 2.5, 3, 4]), np.array([1, 2, 0, 1, 0]))
    assert curve.competing
    assert curve.times.tolist() == [1, 3]
    assert curve.happened == pytest.approx([0.2, 0.5])
    as_censored = fit_survival(np.array([1, 2, 2.5, 3, 4]), np.array([1, 0, 0, 1, 0]))
    assert as_censored.happened == pytest.approx([0.2, 0.6])  # what Kaplan–Meier would make of it


def test_the_error_of_an_incidence_covers_its_spread_over_samples() -> None:
    rng = np.random.default_rng(8)
    found = []
    for _ in range(400):
        own, other, until = rng.exponential(5, 150), rng.exponential(8, 150), rng.uniform(2, 12, 150)
        cause = np.select([(own < other) & (own < until), other < until], [1, 2], 0)
        at = fit_survival(np.minimum(np.minimum(own, other), until), cause).at([4]).iloc[0]
        found.append((at["happened"], at["se"]))
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.1)
    truth = 8 / 13 * (1 - np.exp(-4 * (1 / 5 + 1 / 8)))
    assert values.mean() == pytest.approx(truth, abs=0.008)


def test_everybody_at_once_and_nobody_at_all() -> None:
    all_at_once = fit_survival(np.ones(4), np.ones(4))
    assert all_at_once.happened.tolist() == [1]
    assert all_at_once.se.tolist() == [0]
    assert np.isnan(all_at_once.at([1])["ci_low"].item())
    waiting = fit_survival(np.ones(4), np.zeros(4))
    assert waiting.at([5])["happened"].item() == 0
    assert np.isnan(waiting.quantile()).all()
    with pytest.raises(AnalysisError) as error:
        fit_survival(np.array([]), np.array([]))
    assert str(error.value) == "survival: nobody was observed. Widen the period."


def test_the_area_under_a_curve_of_all_is_the_mean_time() -> None:
    days = np.array([2.0, 3, 5, 10])
    value, se = fit_survival(days, np.ones(4)).restricted_mean(10)
    assert value == pytest.approx(days.mean())
    assert se == pytest.approx(days.std() / 2)


def test_cox_leaves_out_a_column_without_spread() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"speed": rng.normal(1000, 300, 400), "same": 1.0})
    days = rng.exponential(np.exp(-0.002 * (frame["speed"] - 1000)))
    found = cox(days, np.ones(400, bool), frame).set_index("covariate")
    assert found.loc["speed", "coefficient"] == pytest.approx(0.002, abs=3 * found.loc["speed", "se"])
    assert found.loc["speed", "se"] < 0.0003
    assert found.loc["speed", "hazard_ratio"] == pytest.approx(np.exp(found.loc["speed", "coefficient"]))
    assert found.loc["same"].isna().all()

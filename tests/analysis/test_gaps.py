"""Gaps between what is expected and what is got: paired, unpaired, of customers who answer twice."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxinsights.analysis.gaps import fit_gaps, fit_level_gaps
from cxinsights.errors import AnalysisError


def answers(n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    hoped = np.clip(np.round(rng.normal(8, 1.2, n)), 1, 10)
    got = np.clip(np.round(hoped - 0.7 + rng.normal(0, 1.5, n)), 1, 10)
    return pd.DataFrame({"hoped": hoped, "got": got})


def test_where_all_answered_both_it_is_the_paired_test() -> None:
    frame = answers()
    [row] = fit_gaps(frame, {"desk": ("hoped", "got")}).itertuples()
    test = stats.ttest_rel(frame["got"], frame["hoped"])
    interval = test.confidence_interval()
    assert (row.n, row.n_both, row.n_expectation, row.n_experience) == (200, 200, 200, 200)
    assert row.gap == pytest.approx(frame["got"].mean() - frame["hoped"].mean())
    assert (row.gap_low, row.gap_high) == pytest.approx((interval.low, interval.high))
    assert row.p_value == pytest.approx(test.pvalue)
    assert row.experience - row.standard == pytest.approx(row.gap)
    assert row.correlation == pytest.approx(frame.corr().iloc[0, 1])


def test_where_nobody_did_it_is_welchs() -> None:
    frame = answers()
    frame.loc[:99, "hoped"], frame.loc[100:, "got"] = np.nan, np.nan
    [row] = fit_gaps(frame, {"desk": ("hoped", "got")}).itertuples()
    sides = [frame[name].dropna() for name in ("got", "hoped")]
    assert (row.n, row.n_both) == (100, 0)
    assert row.gap == pytest.approx(sides[0].mean() - sides[1].mean())
    assert row.se == pytest.approx(np.sqrt(sum(side.var() / len(side) for side in sides)), rel=0.01)
    assert np.isnan(row.correlation)


def test_one_person_more_changes_a_gap_little() -> None:
    """One of 200 answers both: the gap is not that person's."""
    frame = answers()
    frame.loc[:99, "hoped"], frame.loc[100:, "got"] = np.nan, np.nan
    before = fit_gaps(frame, {"desk": ("hoped", "got")}).iloc[0]
    frame.loc[0, "hoped"] = 1.0
    after = fit_gaps(frame, {"desk": ("hoped", "got")}).iloc[0]
    assert after["n_both"] == 1
    assert after["gap"] == pytest.approx(before["gap"], abs=0.15)
    assert after["se"] == pytest.approx(before["se"], rel=0.15)


def test_the_error_of_an_overlap_is_what_samples_show() -> None:
    rng, gaps, errors = np.random.default_rng(3), [], []
    for _ in range(400):
        hoped = rng.normal(8, 1.2, 120)
        frame = pd.DataFrame({"hoped": hoped, "got": hoped - 0.7 + rng.normal(0, 1, 120)})
        frame.loc[:39, "hoped"], frame.loc[90:, "got"] = np.nan, np.nan
        found = fit_gaps(frame, {"desk": ("hoped", "got")}).iloc[0]
        gaps.append(found["gap"])
        errors.append(found["se"])
    assert np.mean(errors) == pytest.approx(np.std(gaps), rel=0.1)


def test_few_answers_are_not_tested() -> None:
    [row] = fit_gaps(answers(20), {"desk": ("hoped", "got")}).itertuples()
    assert np.isfinite(row.gap)
    assert np.isnan(row.p_value)
    [none] = fit_gaps(answers(20).assign(got=np.nan), {"desk": ("hoped", "got")}).itertuples()
    assert none.n == 0
    assert np.isnan(none.gap)


def test_answers_of_one_customer_are_one() -> None:
    frame = answers().assign(customer_id=[f"c{i}" for i in range(200)])
    once = fit_gaps(frame, {"desk": ("hoped", "got")})
    twice = fit_gaps(pd.concat([frame, frame], ignore_index=True), {"desk": ("hoped", "got")})
    assert twice["se"].item() == pytest.approx(once["se"].item(), rel=0.01)


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(AnalysisError) as error:
        fit_gaps(answers(), {"desk": ("hopes", "got")})
    assert str(error.value) == "gaps: unknown column 'hopes'. Did you mean 'hoped'? Known: hoped, got."


def levels(**more) -> pd.DataFrame:
    told = {"metric": "got", "against": "target", "value": 7.5, "source": "Plan", "date": "2025-12-15", "base": "all"}
    return pd.DataFrame([{**told, **more}])


def test_a_target_is_a_mean_to_test_against() -> None:
    frame = answers()
    frame.loc[:9, "got"] = np.nan
    [row] = fit_level_gaps(frame, levels()).itertuples()
    test = stats.ttest_1samp(frame["got"].dropna(), 7.5)
    interval = test.confidence_interval()
    assert (row.touchpoint, row.against, row.n, row.standard) == ("got", "target", 190, 7.5)
    assert row.gap == pytest.approx(frame["got"].mean() - 7.5)
    assert (row.gap_low + 7.5, row.gap_high + 7.5) == pytest.approx((interval.low, interval.high))
    assert row.p_value == pytest.approx(test.pvalue)
    assert row.effect_size == pytest.approx(row.gap / frame["got"].std())
    assert (row.source, row.date, row.base) == ("Plan", "2025-12-15", "all")


def test_a_level_of_few_answers_is_not_tested() -> None:
    [row] = fit_level_gaps(answers(29), levels()).itertuples()
    assert np.isfinite(row.gap_low)
    assert np.isnan(row.p_value)
    assert fit_level_gaps(answers(), levels().head(0)).empty
    with pytest.raises(AnalysisError) as error:
        fit_level_gaps(answers(), levels(metric="gott"))
    assert str(error.value) == "gaps: unknown column 'gott'. Did you mean 'got'? Known: hoped, got."

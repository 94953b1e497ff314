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


def test_the_same_people_are_paired() -> None:
    frame = answers()
    frame.loc[:9, "hoped"] = np.nan
    [row] = fit_gaps(frame, {"desk": ("hoped", "got")}).itertuples()
    known = frame.dropna()
    test = stats.ttest_rel(known["got"], known["hoped"])
    interval = test.confidence_interval()
    assert (row.paired, row.n, row.n_expectation, row.n_experience) == (True, 190, 190, 200)
    assert row.gap == pytest.approx(known["got"].mean() - known["hoped"].mean())
    assert (row.gap_low, row.gap_high) == pytest.approx((interval.low, interval.high))
    assert row.p_value == pytest.approx(test.pvalue)
    assert row.experience - row.standard == pytest.approx(row.gap)
    assert row.correlation == pytest.approx(known.corr().iloc[0, 1])


def test_different_people_are_compared_by_welch() -> None:
    frame = answers()
    frame.loc[:99, "hoped"], frame.loc[100:, "got"] = np.nan, np.nan
    [row] = fit_gaps(frame, {"desk": ("hoped", "got")}).itertuples()
    test = stats.ttest_ind(frame["got"].dropna(), frame["hoped"].dropna(), equal_var=False)
    assert (row.paired, row.n) == (False, 100)
    assert row.p_value == pytest.approx(test.pvalue)
    assert np.isnan(row.correlation)


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

"""Gaps to benchmarks: whose benchmark is taken, of which period, and how sure the gap is."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from cxinsights.analysis.benchmarks import gaps_to_benchmarks
from cxinsights.analysis.scorecard import fit_scorecard
from cxinsights.analysis.scores import estimate, sample_of
from cxinsights.params import ALL
from tests.analysis.test_scorecard import baseline, params  # noqa: F401


def score(metric: str = "csat", place: tuple[str, str] = ("west", "shop"), share: float = 0.7, n: int = 400) -> dict:
    found = estimate(sample_of(np.repeat([1.0, 0.0], [round(share * n), n - round(share * n)])), "share")
    return {"level": "unit", "region": place[0], "unit": place[1], "site": ALL, "survey": "relationship",
            "metric": metric, "period": "2026Q3", "n": found.n, "score": found.score, "ci_low": found.ci_low,
            "ci_high": found.ci_high}  # fmt: skip


def benchmark(value: float, place: tuple[str, str] = (ALL, ALL), **more) -> dict:
    return {"region": place[0], "unit": place[1], "metric": "csat", "period": "2026Q3", "value": value,
            "source": "Panel", "date": pd.Timestamp("2026-01-31"), "base": "shops", **more}  # fmt: skip


def gaps(*benchmarks: dict, **of) -> pd.DataFrame:
    return gaps_to_benchmarks(pd.DataFrame([score(**of)]), pd.DataFrame(benchmarks))


def test_without_a_base_the_gap_is_as_sure_as_the_score() -> None:
    [row] = gaps(benchmark(0.75)).itertuples()
    own = score()
    assert row.gap == pytest.approx(0.70 - 0.75)
    assert (row.gap_low, row.gap_high) == pytest.approx((own["ci_low"] - 0.75, own["ci_high"] - 0.75))
    assert (row.allows_for, row.source, row.date, row.base) == ("score", "Panel", "2026-01-31", "shops")


def test_with_a_base_it_is_newcombes_interval_of_two_shares() -> None:
    [row] = gaps(benchmark(0.75, n_base=1200)).itertuples()
    expected = confint_proportions_2indep(280, 400, 900, 1200, method="newcomb", compare="diff")
    assert (row.gap_low, row.gap_high) == pytest.approx(expected, abs=1e-9)
    assert row.allows_for == "both"


def test_an_nps_has_no_error_of_its_own_whatever_its_base() -> None:
    """Its spread depends on how many are neither: a base alone does not tell it."""
    row = {**score(), "metric": "nps", "score": 20.0, "ci_low": 15.0, "ci_high": 25.0}
    found = gaps_to_benchmarks(pd.DataFrame([row]), pd.DataFrame([benchmark(30, metric="nps", n_base=50)])).iloc[0]
    assert (found["gap_low"], found["gap_high"], found["allows_for"]) == (-15.0, -5.0, "score")


def test_the_nearest_place_that_has_any_is_taken() -> None:
    every = [
        benchmark(0.1),
        benchmark(0.2, ("west", ALL)),
        benchmark(0.3, ("west", "shop")),
        benchmark(0.4, ("east", ALL)),
    ]
    assert gaps(*every)["benchmark"].tolist() == [0.3]
    assert gaps(*every, place=("west", "bank"))["benchmark"].tolist() == [0.2]
    assert gaps(*every, place=("north", "bank"))["benchmark"].tolist() == [0.1]


def test_each_source_counts_once_the_latest_first() -> None:
    found = gaps(
        benchmark(0.6, period="2025Q3"), benchmark(0.5, source="Club", period="2026Q2"), benchmark(0.7, period="2026Q3")
    )
    assert found[["source", "benchmark", "benchmark_period"]].to_numpy().tolist() == [
        ["Panel", 0.7, "2026Q3"], ["Club", 0.5, "2026Q2"],
    ]  # fmt: skip


def test_a_scorecard_has_gaps_of_its_place_and_parts_but_not_of_sites(baseline) -> None:  # noqa: F811
    levels = pd.DataFrame([benchmark(20.0, metric="nps")])
    region = fit_scorecard(baseline, params("west"), None, levels)
    assert region.benchmarks["unit"].tolist() == [ALL, "bank", "shop"]
    own = region.scores[(region.scores["metric"] == "nps") & region.scores["weighted"]]
    own = own[own["survey"] == "relationship"].iloc[0]
    assert region.benchmarks["gap"].iloc[0] == pytest.approx(own["score"] - 20)
    unit = fit_scorecard(baseline, params("west", "shop"), None, levels)
    assert unit.benchmarks["level"].tolist() == ["unit"]
    assert fit_scorecard(baseline, params("west")).benchmarks.empty


def test_no_benchmark_of_the_measure_is_no_gap() -> None:
    assert gaps(benchmark(0.75, metric="ces")).empty

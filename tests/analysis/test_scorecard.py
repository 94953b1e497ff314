"""The scorecard takes its rows from the baseline, and nothing else."""

from dataclasses import replace

import pandas as pd
import pytest

from cxinsights.analysis.baseline import NODE, Baseline, fit_baseline
from cxinsights.analysis.scorecard import fit_scorecard
from cxinsights.params import ALL, ScorecardParams
from tests.analysis.test_baseline import EARLIER, PERIODS, RULES, make_answers


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return fit_baseline(make_answers(), RULES, PERIODS, EARLIER)


def params(region: str = ALL, unit: str = ALL, **changes) -> ScorecardParams:
    return ScorecardParams(study="shops", period="2026Q3", region=region, unit=unit, **changes)


def nodes(frame: pd.DataFrame) -> set[tuple]:
    return set(frame[NODE].itertuples(index=False, name=None))


def test_a_unit_has_its_sites(baseline) -> None:
    result = fit_scorecard(baseline, params("west", "shop"))
    assert nodes(result.scores) == {("unit", "west", "shop", ALL)}
    assert nodes(result.parts) == {("site", "west", "shop", f"west-shop-{i}") for i in (1, 2, 3)}
    assert nodes(result.trend) == {("unit", "west", "shop", ALL)}
    assert sorted(result.trend["period"].unique()) == PERIODS
    assert set(result.scores["weighted"]) == {True, False}
    assert result.parts["period"].unique().tolist() == ["2026Q3"]


def test_a_region_has_its_units_and_the_company_its_regions(baseline) -> None:
    region = fit_scorecard(baseline, params("west"))
    assert nodes(region.parts) == {("unit", "west", "bank", ALL), ("unit", "west", "shop", ALL)}
    company = fit_scorecard(baseline, params())
    assert nodes(company.parts) == {("region", "east", ALL, ALL), ("region", "west", ALL, ALL)}
    assert nodes(company.rests) == nodes(company.parts)


def test_the_company_of_one_region_has_its_units() -> None:
    alone = fit_baseline(make_answers(regions=1), RULES, PERIODS, EARLIER)
    for region in (ALL, "east"):
        result = fit_scorecard(alone, params(region))
        assert nodes(result.scores) == {("company", ALL, ALL, ALL)}
        assert nodes(result.parts) == {("unit", "east", "bank", ALL), ("unit", "east", "shop", ALL)}


def test_targets_of_the_period_stand_beside_scores(baseline) -> None:
    targets = pd.DataFrame(
        {
            "region": ["west", "west", ALL], "unit": ["shop", "shop", ALL], "metric": ["nps", "nps", "nps"],
            "period": ["2026Q3", "2026Q2", "2026Q3"], "value": [30.0, 20.0, 40.0],
        }
    )  # fmt: skip
    result = fit_scorecard(baseline, params("west", "shop"), targets)
    assert set(result.scores.loc[result.scores["metric"] == "nps", "target"]) == {30.0}
    assert result.scores.loc[result.scores["metric"] != "nps", "target"].isna().all()
    assert result.parts["target"].isna().all()  # a unit's target is not its sites'
    company = fit_scorecard(baseline, params(), targets)
    assert set(company.scores.loc[company.scores["metric"] == "nps", "target"]) == {40.0}


def test_a_unit_without_answers_is_a_result(baseline) -> None:
    result = fit_scorecard(baseline, params("west", "clinic"))
    assert (result.status, result.reason) == ("no_data", "no answers in the period")
    assert result.scores.empty


def test_the_league_is_of_units_however_far_above(baseline) -> None:
    units = {("unit", r, u, ALL) for r in ("east", "west") for u in ("bank", "shop")}
    company = fit_scorecard(baseline, params())
    assert nodes(company.league) == units
    assert set(company.league["n_ranked"]) == {4}
    nps = company.league[company.league["metric"] == "nps"]
    assert (nps["rank_low"] <= nps["rank_high"]).all()
    assert (nps["shrunken"].sub(nps["center"]).abs() <= nps["score"].sub(nps["center"]).abs() + 10).all()
    assert not len(fit_scorecard(baseline, params("west")).league)  # two units are no league
    assert not len(fit_scorecard(baseline, params("west", "shop")).league)


@pytest.mark.parametrize("region", [ALL, "west"])
def test_what_the_parts_make_of_the_change_sums_to_it(baseline, region: str) -> None:
    result = fit_scorecard(baseline, params(region))
    own = result.changes[(result.changes[NODE] == result.scores[NODE].iloc[0]).all(axis=1)]
    assert len(result.mix)
    for (metric, earlier), rows in result.mix.groupby(["metric", "compare_period"]):
        same = (own["metric"] == metric) & (own["compare_period"] == earlier) & (own["survey"] == "relationship")
        made = rows[["rate_part", "mix_part", "both_part"]].to_numpy().sum()
        assert made == pytest.approx(own.loc[same, "change"].item(), abs=1e-9)
        assert rows["share_now"].sum() == pytest.approx(1)


def test_a_hidden_part_hides_what_the_parts_make(baseline) -> None:
    one = (baseline.scores[NODE] == ["region", "west", ALL, ALL]).all(axis=1)
    partly = replace(baseline, scores=baseline.scores.assign(hidden=one & (baseline.scores["metric"] == "nps")))
    assert set(fit_scorecard(partly, params()).mix["metric"]) == {"csat", "ces"}

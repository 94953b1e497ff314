"""The real airport survey, against counts taken straight from the published files."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from statsmodels.regression.linear_model import WLS
from statsmodels.tools.tools import add_constant

from cxinsights.analysis.drivers import fit_drivers
from cxinsights.batch.plan import make_plan
from cxinsights.batch.run import run_plan
from cxinsights.data.tables import read_table
from cxinsights.params import ALL, ScorecardParams, resolve
from cxinsights.report.source import open_source

YEARS = ("2016", "2017", "2018")


@pytest.fixture(scope="module")
def published(shared_data: Path, airport) -> dict[str, list[dict[str, str]]]:
    """The raw rows of each year, as the standard library reads them."""
    rows = {}
    for year in YEARS:
        with gzip.open(shared_data / f"sfo_airport/sfo_customer_survey_{year}.csv.gz", "rt", encoding="utf-8-sig") as f:
            rows[year] = [
                {name.strip(): value.strip() for name, value in row.items() if name} for row in csv.DictReader(f)
            ]
    return rows


@pytest.fixture(scope="module")
def answers(airport):
    project, study, _ = airport
    return read_table(project, study, "responses")


def nps_of(counts: Counter) -> float:
    n = sum(counts.values())
    return 100 * (counts[9] + counts[10] - sum(counts[k] for k in range(7))) / n


def test_every_row_of_the_files_is_kept_or_set_apart_with_a_reason(airport, published) -> None:
    manifest = airport[2]["tables"]["responses"]
    assert manifest["rows"] == sum(len(rows) for rows in published.values())
    assert manifest["kept"] + manifest["rejected"] == manifest["rows"]


def test_blank_zero_six_and_eleven_are_never_answers(answers, published) -> None:
    assert set(answers["nps_answer"].dropna().unique()) <= set(range(11))
    ratings = [name for name in answers if name.endswith("_rating") or name == "csat_score"]
    assert len(ratings) == 26
    for name in ratings:
        assert set(answers[name].dropna().unique()) <= {1, 2, 3, 4, 5}, name
    for year in YEARS:
        told = Counter(row["Q7ALL"] for row in published[year])
        kept = answers.loc[answers["period"] == year, "csat_score"]
        assert kept.notna().sum() == sum(told[str(score)] for score in range(1, 6))
        not_applicable = answers.loc[answers["period"] == year, "csat_score_applies"].eq(False).sum()
        assert not_applicable == told["6"]


def test_nps_was_not_asked_in_2016(answers, published) -> None:
    assert "NETPRO" not in published["2016"][0]
    assert answers.loc[answers["period"] == "2016", "nps_answer"].isna().all()


@pytest.mark.parametrize("year", ["2017", "2018"])
def test_nps_of_each_boarding_area_is_that_of_the_published_answers(airport, published, year: str) -> None:
    project, study, _ = airport
    params = ScorecardParams(study=study.name, period=year, region=ALL, unit=ALL, compare="previous")
    scores = open_source(params, project).baseline.scores
    scores = scores[(scores["metric"] == "nps") & (scores["period"] == year) & ~scores["weighted"]]
    areas = scores[scores["level"] == "unit"].set_index("unit")
    assert list(areas.index) == list("ABCDEFG")
    for area in areas.index:
        told = [row["NETPRO"] for row in published[year] if row["BAREA"] == area]
        counts = Counter(int(answer) for answer in told if answer.isdigit() and int(answer) <= 10)
        assert areas.loc[area, "n"] == sum(counts.values())
        assert areas.loc[area, "score"] == pytest.approx(nps_of(counts), abs=1e-9)


def test_drivers_of_2017_have_intervals_letters_and_add_up(airport) -> None:
    project, study, _ = airport
    params = resolve(study, "drivers", "2017", ALL, ALL)
    result = fit_drivers(open_source(params, project).rows, params)
    importance = result.importance
    assert result.status == "ok"
    assert list(importance["driver"][:3]) == ["restaurants_rating", "signs_rating", "walkways_rating"]
    assert importance["share"].sum() == pytest.approx(1)
    inside = importance["share"].between(importance["share_low"], importance["share_high"])
    assert inside.all()
    assert importance["letters"].str.fullmatch("[a-z]+").all()
    assert "clean_overall_rating" not in set(importance["driver"])


def test_drivers_parts_add_up_to_what_least_squares_explains(airport) -> None:
    project, study, _ = airport
    params = resolve(study, "drivers", "2017", ALL, ALL).model_copy(update={"missing": "listwise", "n_boot": 200})
    responses = open_source(params, project).rows
    result = fit_drivers(responses, params)
    complete = responses[[*params.drivers, params.outcome, "weight"]].dropna()
    fit = WLS(complete[params.outcome], add_constant(complete[params.drivers]), weights=complete["weight"]).fit()
    assert result.importance["r2_part"].sum() == pytest.approx(fit.rsquared)
    assert result.summary["n"].tolist() == [len(complete)]


def test_the_company_report_of_2017_records_nps_weighted_and_not(airport, published) -> None:
    project, study, _ = airport
    plan = make_plan(project, study, period="2017", region=ALL, unit=ALL, only=["scorecard"])
    summary = run_plan(project, plan, Console(quiet=True), workers=1)
    assert [outcome.error for outcome in summary.outcomes] == [""]
    result = json.loads(
        (project.outputs / "sfo-airport/2017/_all/_all/scorecard/result.json").read_text(encoding="utf-8")
    )
    nps = {score["weighted"]: score for score in result["scores"] if score["metric"] == "nps"}
    told = [(int(row["NETPRO"]), float(row["WEIGHT"])) for row in published["2017"] if row["NETPRO"].isdigit()]
    kept = [(answer, weight) for answer, weight in told if answer <= 10]
    coded = np.array([100 * (answer >= 9) - 100 * (answer <= 6) for answer, _ in kept])
    assert nps[False]["value"] == pytest.approx(coded.mean(), abs=1e-9)
    assert nps[True]["value"] == pytest.approx(np.average(coded, weights=[weight for _, weight in kept]), abs=1e-9)
    assert round(nps[False]["value"], 1) == 39.8
    assert round(nps[True]["value"], 1) == 40.4
    for score in nps.values():
        assert score["n"] == len(kept)
        assert score["ci_low"] < score["value"] < score["ci_high"]

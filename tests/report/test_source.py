"""What a notebook opens, and that all its pages together show no more than one plan allows."""

from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from cxinsights.analysis.baseline import NODE
from cxinsights.analysis.drivers import fit_drivers
from cxinsights.analysis.scorecard import fit_scorecard
from cxinsights.data.importing import import_study
from cxinsights.data.tables import data_hash
from cxinsights.display.blocks import Headline
from cxinsights.errors import DataError, ParamsError, PrivacyError, UnknownNameError
from cxinsights.params import ALL, Project, ScorecardParams, Study, resolve
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.report.source import Source, open_source
from tests.small import STUDY, small_study

SMALL = STUDY
STUDY = STUDY[: STUDY.index("units:")].replace("      unit: unit\n", "      unit: unit\n      region: region\n")
STUDY = STUDY.replace("      weight: {from: weight, optional: true}\n", "      age_group: age\n      survey: survey\n")
STUDY += "columns: {age_group: {label: Age, type: category}}\nscores: {segments: [age_group]}\n"
STUDY += "surveys: {relationship: survey, mystery: mystery shopping}\n"
STUDY += "drivers: {drivers: [wait_rating], outcome: csat_score, n_boot: 200, n_noise: 100, min_base: 300}\n"
EMEA = "label: EMEA\nunits: {a: {label: A}, b: {label: B}, c: {label: C}}\n"
APAC = "label: Asia-Pacific\nunits: {d: {label: D}, e: {label: E}, f: {label: F}}\n"
SIZES = {
    # region, unit: answers now, a year earlier
    ("emea", "a"): (6, 70), ("emea", "b"): (40, 50), ("emea", "c"): (60, 5),
    ("apac", "d"): (80, 40), ("apac", "e"): (90, 5), ("apac", "f"): (99, 90),
}  # fmt: skip


def answers() -> str:
    lines = ["id,region,unit,date,nps,csat,wait,age,survey"]
    for (region, unit), (now, then) in SIZES.items():
        for day, n in (("2026-07-01", now), ("2025-07-01", then)):
            for at in range(n):
                age = "old" if at % 4 else "young"
                row = (f"{unit}-{day[:4]}-{at:02}", region, unit, day, 7 * at % 11, at % 5 + 1, 3 * at % 10 + 1, age)
                lines.append(",".join(map(str, (*row, "relationship"))))
    lines += [f"m-{at},apac,f,2026-07-01,5,3,4,old,mystery" for at in range(12)]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> tuple[Project, Study]:
    project, study = small_study(tmp_path_factory.mktemp("company"), STUDY, answers(), emea=EMEA, apac=APAC)
    import_study(project, study)
    return project, study


PLACES = [(ALL, ALL), ("emea", ALL), ("apac", ALL), *SIZES]


def opened(company: tuple[Project, Study], analysis: str, region: str, unit: str, **changes: str) -> Source:
    project, study = company
    params = resolve(study, analysis, "2026Q3", region, unit)
    return open_source(params.model_copy(update=changes), project)


def scorecard(company: tuple[Project, Study], region: str, unit: str) -> Guarded:
    source = opened(company, "scorecard", region, unit)
    return source.guard(fit_scorecard(source.baseline, source.params, **source.figures))


def drivers(company: tuple[Project, Study], region: str, unit: str) -> Guarded:
    source = opened(company, "drivers", region, unit)
    return source.guard(source.fit(fit_drivers))


@pytest.fixture(scope="module")
def cards(company: tuple[Project, Study]) -> dict[tuple[str, str], Guarded]:
    return {place: scorecard(company, *place) for place in PLACES}


def appearances(cards: dict, tables: tuple[str, ...], figure: str, keys: list[str]) -> dict[tuple, dict[tuple, str]]:
    """Of each figure: on which page it stands, and how."""
    found: dict[tuple, dict[tuple, str]] = defaultdict(dict)
    for place, card in cards.items():
        for name in tables:
            table = card.tables[name]
            for row in table[table["n"] > 0].to_dict("records") if len(table) else []:
                how = row[figure].why if isinstance(row[figure], Suppressed) else "shown"
                found[tuple(row[key] for key in keys)][(*place, name)] = how
    return found


def test_what_one_page_hides_no_other_page_shows(cards: dict) -> None:
    figures = appearances(cards, ("scores", "parts", "trend"), "score", [*NODE, "survey", "metric", "period"])
    for key, pages in figures.items():
        assert len(set(pages.values())) == 1, (key, pages)
    now = {
        key[1:3]: set(pages.values()) for key, pages in figures.items() if key[4:] == ("relationship", "nps", "2026Q3")
    }
    assert {place for place, ways in now.items() if ways == {"small"}} == {("emea", "a")}
    assert {place for place, ways in now.items() if ways == {"complement"}} == {("emea", "b")}
    assert len(now) == 9


def test_the_page_and_the_region_s_row_of_a_hidden_unit_agree(cards: dict) -> None:
    page = cards["emea", "b"]
    assert (page.status, page.reason) == ("too_few", "it would give a smaller group away")
    for name, table in page.tables.items():
        figure = {"changes": "change", "rests": "difference"}.get(name, "score")
        assert all(isinstance(value, Suppressed) for value in table.get(figure, [])), name
    for name in ("parts", "changes", "rests"):
        table = cards["emea", ALL].tables[name]
        figure = {"changes": "change", "rests": "difference"}.get(name, "score")
        mine = table[(table["unit"] == "b")]
        assert len(mine) >= 1
        assert all(value == Suppressed(10, "complement") for value in mine[figure]), name


def test_a_change_whose_earlier_score_is_hidden_is_on_no_page(cards: dict) -> None:
    """A year earlier d was hidden beside e, which had five answers; both have enough today."""
    trend = cards["apac", "d"].trend
    earlier = trend[(trend["period"] == "2025Q3") & (trend["metric"] == "nps")]["score"].item()
    assert earlier == Suppressed(10, "complement")
    keys = [*NODE, "survey", "metric", "comparison"]
    changes = appearances(cards, ("changes",), "change", keys)
    nps = {key[1:3]: set(pages.values()) for key, pages in changes.items() if key[5] == "nps"}
    assert nps["apac", "d"] == {"complement"}
    assert nps["apac", "f"] == nps["apac", ALL] == nps[ALL, ALL] == {"shown"}
    pages = changes["unit", "apac", "d", ALL, "relationship", "nps", "year_ago"]
    assert {page[:2] for page in pages} == {(ALL, ALL), ("apac", ALL), ("apac", "d")}


def test_a_hidden_unit_has_no_drivers_page_either(company: tuple[Project, Study]) -> None:
    page = drivers(company, "emea", "b")
    assert all(isinstance(value, Suppressed) for value in page.priority["performance"])
    assert all(isinstance(value, Suppressed) for value in page.summary["outcome_mean"])
    shown = drivers(company, "apac", "f")
    assert not any(isinstance(value, Suppressed) for value in shown.priority["performance"])


def test_a_rating_few_gave_cannot_be_had_from_the_drivers_of_the_others(tmp_path: Path) -> None:
    """In b four rated the wait: the region's mean less those of a and c, each times its answers, would be theirs."""
    lines = ["id,region,unit,date,nps,csat,wait,age,survey"]
    for region, unit, n in (("emea", "a", 150), ("emea", "b", 100), ("emea", "c", 150), ("apac", "d", 50)):
        for at in range(n):
            wait = 98 if unit == "b" and at >= 4 else 3 * at % 10 + 1
            lines.append(f"{unit}{at},{region},{unit},2026-07-01,{7 * at % 11},{at % 5 + 1},{wait},old,relationship")
    project, study = small_study(tmp_path, STUDY, "\n".join(lines) + "\n", emea=EMEA, apac=APAC)
    import_study(project, study)
    told = {}
    for unit in (ALL, "a", "b", "c"):
        for row in drivers((project, study), "emea", unit).priority.to_dict("records"):
            if not isinstance(row["performance"], Suppressed):
                told[unit] = (row["n"], row["n"] * row["performance"])
    assert "b" not in told
    if {ALL, "a", "c"} <= set(told):
        n, total = (told[ALL][at] - told["a"][at] - told["c"][at] for at in (0, 1))
        assert n >= 10, f"the {n} answers of b have a mean of {total / n:.2f}"


def test_answers_are_the_report_s_own_of_its_survey(company: tuple[Project, Study]) -> None:
    assert len(opened(company, "drivers", "apac", "f").rows) == 99
    assert len(opened(company, "drivers", "apac", "f", survey="mystery").rows) == 12
    assert len(opened(company, "drivers", "apac", ALL).rows) == 80 + 90 + 99
    assert len(opened(company, "drivers", ALL, ALL).rows) == 6 + 40 + 60 + 80 + 90 + 99
    read = ["response_id", "csat_score", "wait_rating", "wait_rating_applies"]
    assert list(opened(company, "drivers", ALL, ALL).rows) == read
    assert opened(company, "scorecard", "apac", "f").targets is None


def test_parts_may_borrow_the_company_s_importance_and_the_company_not(company: tuple[Project, Study]) -> None:
    whole = opened(company, "drivers", ALL, ALL)
    assert whole.inputs.more["company"] is None
    part = opened(company, "drivers", "apac", "f")
    assert part.inputs.more["company"].equals(part.kept.company_importance)
    page = drivers(company, "apac", "f")
    assert (page.status, page.reason, page.from_company) == ("too_few", "99 complete answers, 300 needed", True)
    with pytest.raises(PrivacyError) as info:
        page.draws  # noqa: B018
    assert str(info.value) == "draws holds a row per person: it is not shown and not recorded."


def test_the_base_is_told_from_what_was_read(company: tuple[Project, Study]) -> None:
    card, source = scorecard(company, "apac", "f"), opened(company, "scorecard", "apac", "f")
    assert source.record(card, Headline("", "")).text.endswith(f"data {source.kept.data}")
    page, source = drivers(company, "apac", "f"), opened(company, "drivers", "apac", "f")
    assert source.record(page, Headline("", "")).text.endswith(f"data {data_hash(source.rows)}")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"study": "shop"}, "params/: unknown study 'shop'. Did you mean 'shops'? Known: shops."),
        ({"period": "2026-07"}, "'2026-07' is not a quarter. Write it like 2026Q4."),
        ({"period": "2026Q4"}, "shops: unknown period '2026Q4'. Did you mean '2026Q3'? Known: 2025Q3, 2026Q3."),
        ({"region": "emae"}, "shops: unknown region 'emae'. Did you mean 'emea'? Known: apac, emea."),
        ({"region": "emae", "unit": ALL}, "shops: unknown region 'emae'. Did you mean 'emea'? Known: apac, emea."),
        ({"unit": "d"}, "shops: emea: unknown unit 'd'. Known: a, b, c."),
        ({"region": ALL, "unit": "a"}, "shops: unit 'a' needs its region. Known: apac, emea."),
    ],
)
def test_an_unknown_name_stops_the_notebook_at_once(company: tuple[Project, Study], asked: dict, told: str) -> None:
    params = ScorecardParams(**{"study": "shops", "period": "2026Q3", "region": "emea", "unit": "a", **asked})
    with pytest.raises(UnknownNameError) as info:
        open_source(params, company[0])
    assert str(info.value) == told


def test_before_the_first_import(tmp_path: Path) -> None:
    project, _ = small_study(tmp_path, STUDY, answers(), emea=EMEA, apac=APAC)
    with pytest.raises(DataError) as info:
        open_source(ScorecardParams(study="shops", period="2026Q3", region=ALL, unit=ALL), project)
    assert str(info.value) == "shops: no tables yet. Run: cxinsights import shops (make reports does it for you)."


def test_the_project_is_found_from_where_the_notebook_runs(company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXINSIGHTS_HOME", raising=False)
    monkeypatch.chdir(company[0].notebooks)
    source = open_source(ScorecardParams(study="shops", period="2026Q3", region="apac", unit="f"))
    assert source.project.root == company[0].root
    assert isinstance(source.baseline.scores, pd.DataFrame)


def test_drivers_on_two_scales_are_not_set_against_each_other(tmp_path: Path) -> None:
    study = STUDY.replace("drivers: [wait_rating]", "drivers: [wait_rating, csat_score]").replace(
        "csat_score, n_b", "nps, n_b"
    )
    study = study.replace("columns: {", "columns: {csat_score: {label: Satisfaction, min: 1, max: 5}, ")
    project, loaded = small_study(tmp_path, study, answers(), emea=EMEA, apac=APAC)
    import_study(project, loaded)
    with pytest.raises(ParamsError) as info:
        open_source(resolve(loaded, "drivers", "2026Q3"), project)
    assert str(info.value) == (
        "shops: drivers: ratings need one scale to be compared, with min and max under columns: in "
        "params/shops/study.yml. Found wait_rating 1–10, csat_score 1–5. Recode them to one scale, or take some off "
        "the drivers."
    )


def test_an_unknown_driver_names_file_and_nearest(company: tuple[Project, Study]) -> None:
    with pytest.raises(UnknownNameError) as info:
        opened(company, "drivers", ALL, ALL, drivers=["wiat_rating"])
    assert str(info.value) == (
        "params/shops: drivers: unknown column 'wiat_rating'. Did you mean 'wait_rating'? Known: csat_score, "
        "nps_answer, wait_rating."
    )


def test_importance_of_another_outcome_is_not_borrowed(company: tuple[Project, Study]) -> None:
    assert opened(company, "drivers", "apac", "f", outcome="nps").inputs.more["company"] is None


def test_a_target_of_the_only_region_is_the_companys(tmp_path: Path) -> None:
    targets = "region,unit,metric,period,value,source,date,base\nshops,_all,nps,2026Q3,30,board,2026-01-01,all\n"
    names = targets.splitlines()[0].split(",")
    table = (
        "  targets:\n    sources: [{files: targets.csv}]\n    columns: {"
        + ", ".join(f"{n}: {n}" for n in names)
        + "}\n"
    )
    project, study = small_study(tmp_path, SMALL.replace("max_reject", table + "max_reject"))
    (project.data("shops") / "raw" / "targets.csv").write_text(targets)
    import_study(project, study)
    source = open_source(resolve(study, "scorecard", "2026Q3"), project)
    assert source.targets[["region", "unit", "value"]].to_numpy().tolist() == [[ALL, ALL, 30.0]]
    assert source.benchmarks is None
    assert source.invitations is None


def test_invitations_of_the_period_are_of_the_usual_survey_where_none_is_named(tmp_path: Path) -> None:
    table = "  invitations:\n    sources: [{files: asked.csv}]\n    columns: {unit: unit, period: period, invited: n}\n"
    project, study = small_study(tmp_path, SMALL.replace("max_reject", table + "max_reject"))
    lines = ["unit,period,n", "north,2026Q3,40", "north,2026Q2,30", "south,2026Q3,-5", "east,2026Q3,7"]
    (project.data("shops") / "raw" / "asked.csv").write_text("\n".join(lines) + "\n")
    manifest = import_study(project, study)
    assert {r["reason"] for r in manifest["tables"]["invitations"]["reasons"]} == {
        "invited: below 0", "unit: not one of the region's units in params",
    }  # fmt: skip
    source = open_source(resolve(study, "scorecard", "2026Q3"), project)
    found = source.invitations[["region", "unit", "period", "survey", "invited"]]
    assert found.to_numpy().tolist() == [["shops", "north", "2026Q3", "relationship", 40]]


def test_benchmarks_of_the_period_and_before_are_read_the_earliest_first(tmp_path: Path) -> None:
    lines = ["region,unit,metric,period,value,source,date,base,n_base"]
    lines += [f"shops,_all,nps,{period},{value},club,2026-01-01,all,900"
              for period, value in (("2026Q3", 3), ("2025Q4", 1), ("2026Q4", 4), ("2026Q1", 2))]  # fmt: skip
    columns = ", ".join(f"{name}: {name}" for name in lines[0].split(","))
    table = f"  benchmarks:\n    sources: [{{files: benchmarks.csv}}]\n    columns: {{{columns}}}\n"
    project, study = small_study(tmp_path, SMALL.replace("max_reject", table + "max_reject"))
    (project.data("shops") / "raw" / "benchmarks.csv").write_text("\n".join(lines) + "\n")
    import_study(project, study)
    source = open_source(resolve(study, "scorecard", "2026Q3"), project)
    assert source.benchmarks[["region", "period", "value", "n_base"]].to_numpy().tolist() == [
        [ALL, "2025Q4", 1.0, 900.0], [ALL, "2026Q1", 2.0, 900.0], [ALL, "2026Q3", 3.0, 900.0],
    ]  # fmt: skip

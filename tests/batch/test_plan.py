"""Which reports a command asks for: study × region × unit × analysis, narrowed, and what is left out and why."""

from pathlib import Path

import pytest

from cxinsights.batch.plan import Plan, Skipped, make_plan
from cxinsights.data.importing import import_study
from cxinsights.errors import ParamsError, UnknownNameError
from cxinsights.params import ANALYSES
from tests.small import ANSWERS, STUDY, small_study

DRIVERS = "drivers: {drivers: [wait_rating]}\n"
REGIONAL = STUDY.replace("      unit: unit", "      unit: unit\n      region: region").split("units:")[0] + DRIVERS
REGIONAL_ANSWERS = """id,region,unit,date,nps,csat,wait
1,emea,bank,2026-07-01,10,5,8
2,emea,retail,2026-04-02,7,4,98
3,apac,retail,2026-08-01,0,1,99
"""
EMEA = "label: EMEA\nunits:\n  bank: {label: Bank, drivers: {n_boot: 300}}\n  retail: {label: Retail}\n"
APAC = "label: Asia\nunits:\n  retail: {label: Retail}\n"
EVENTS = """
label: Corner Shops
about: Made-up visits for a test.
without: [brief]
periods: {every: quarter}
tables:
  events:
    sources: [{files: answers.csv}]
    columns: {customer_id: id, unit: unit, stage: stage, occurred_at: date}
units: {north: {label: North}}
drivers: {drivers: [wait_rating]}
"""


NO_TABLES = [
    Skipped("segmentation", "no customers or orders table"),
    Skipped("funnel", "no events table"),
    Skipped("linkage", "no sites or employees and responses table"),
]


def planned(folder: Path, study: str = STUDY, answers: str = ANSWERS, asked: dict | None = None, **regions) -> Plan:
    project, loaded = small_study(folder, study, answers, **regions)
    import_study(project, loaded)
    return make_plan(project, loaded, **(asked or {}))


def regional(folder: Path, **asked) -> Plan:
    return planned(folder, REGIONAL, REGIONAL_ANSWERS, asked, emea=EMEA, apac=APAC)


def places(plan: Plan) -> list[str]:
    """Region/unit of each report, in the plan's order, each once."""
    return list(dict.fromkeys(f"{report.region}/{report.unit}" for report in plan.reports))


def test_company_then_regions_then_units_each_with_every_analysis(tmp_path: Path) -> None:
    plan = regional(tmp_path)
    assert [report.path for report in plan.reports] == [
        f"shops/2026Q3/{place}/{analysis}"
        for place in ("_all/_all", "apac/_all", "emea/_all", "apac/retail", "emea/bank", "emea/retail")
        for analysis in ("scorecard", "drivers")
    ]
    assert plan.skipped == NO_TABLES


def test_a_study_of_one_region_has_no_report_of_it_beside_the_companys(tmp_path: Path) -> None:
    plan = planned(tmp_path, STUDY + DRIVERS)
    assert places(plan) == ["_all/_all", "shops/north", "shops/south"]
    assert plan.skipped == [Skipped("shops/_all", "the only region: the company's report is about it"), *NO_TABLES]


def test_an_analysis_without_its_section_is_left_out_with_the_reason(tmp_path: Path) -> None:
    plan = planned(tmp_path, asked={"unit": "north"})
    assert [report.path for report in plan.reports] == ["shops/2026Q3/shops/north/scorecard"]
    assert plan.skipped == [
        *NO_TABLES,
        Skipped("drivers", "no drivers: section in params/shops/study.yml"),
    ]


def test_analyses_without_their_table_are_left_out_with_the_reason(tmp_path: Path) -> None:
    plan = planned(tmp_path, EVENTS, "id,unit,stage,date\nc1,north,visit,2026-07-01\n", {"unit": "north"})
    assert plan.reports == {}
    assert plan.skipped == [
        Skipped("scorecard", "no responses table"),
        Skipped("segmentation", "no customers or orders table"),
        Skipped("funnel", "no funnel: section in params/shops/study.yml"),
        Skipped("linkage", "no sites or employees and responses table"),
        Skipped("drivers", "no responses table"),
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"region": "emea"}, ["emea/_all", "emea/bank", "emea/retail"]),
        ({"region": "_all"}, ["_all/_all"]),
        ({"unit": "retail"}, ["apac/retail", "emea/retail"]),
        ({"unit": "bank"}, ["emea/bank"]),
        ({"unit": "_all"}, ["_all/_all", "apac/_all", "emea/_all"]),
        ({"region": "apac", "unit": "_all"}, ["apac/_all"]),
        ({"region": "emea", "unit": "retail"}, ["emea/retail"]),
        ({"region": "_all", "unit": "_all"}, ["_all/_all"]),
    ],
)
def test_narrowing_by_region_and_unit(tmp_path: Path, asked: dict, expected: list[str]) -> None:
    assert places(regional(tmp_path, **asked)) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"region": "shops"}, ["_all/_all", "shops/north", "shops/south"]),
        ({"region": "shops", "unit": "_all"}, ["_all/_all"]),
        ({"unit": "_all"}, ["_all/_all"]),
        ({"region": "_all"}, ["_all/_all"]),
        ({"region": "shops", "unit": "south"}, ["shops/south"]),
    ],
)
def test_narrowing_where_region_and_company_are_the_same(tmp_path: Path, asked: dict, expected: list[str]) -> None:
    assert places(planned(tmp_path, asked=asked)) == expected


def test_units_alone_have_briefs(tmp_path: Path) -> None:
    plan = planned(tmp_path, STUDY.replace("without: [brief]\n", ""), asked={"only": ["brief"]})
    assert places(plan) == ["shops/north", "shops/south"]
    assert [model.turn for model in (ANALYSES["drivers"], ANALYSES["scorecard"], ANALYSES["brief"])] == [0, 1, 2]


def test_what_a_study_does_without_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    assert planned(tmp_path, asked={"only": ["brief"], "unit": "north"}).skipped == [
        Skipped("brief", "left out by without: in params/shops/study.yml")
    ]
    with pytest.raises(ParamsError) as info:
        planned(tmp_path / "other", STUDY.replace("without: [brief]", "without: [breif]"))
    assert str(info.value) == (
        "params/shops/study.yml: without: unknown analysis 'breif'. Did you mean 'brief'? Known: brief, scorecard, "
        "segmentation, funnel, linkage, drivers."
    )


def test_narrowing_by_analysis(tmp_path: Path) -> None:
    plan = regional(tmp_path, only=["drivers"])
    assert {report.analysis for report in plan.reports} == {"drivers"}
    assert len(plan.reports) == 6
    assert len(regional(tmp_path, only=["drivers", "scorecard"]).reports) == 12


def test_an_analysis_nobody_asked_for_is_not_told_as_left_out(tmp_path: Path) -> None:
    assert planned(tmp_path, asked={"only": ["scorecard"], "unit": "north"}).skipped == []


def test_the_latest_period_with_answers_unless_another_is_asked_for(tmp_path: Path) -> None:
    assert regional(tmp_path).period == "2026Q3"
    earlier = regional(tmp_path, period="2026Q2")
    assert {report.period for report in earlier.reports} == {"2026Q2"} == {p.period for p in earlier.reports.values()}


def test_each_report_is_asked_what_its_own_unit_says(tmp_path: Path) -> None:
    plan = regional(tmp_path, only=["drivers"])
    n_boot = {f"{report.region}/{report.unit}": params.n_boot for report, params in plan.reports.items()}
    assert n_boot.pop("emea/bank") == 300
    assert set(n_boot.values()) == {1000}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"region": "emae"}, "shops: unknown region 'emae'. Did you mean 'emea'? Known: apac, emea."),
        ({"unit": "retial"}, "shops: unknown unit 'retial'. Did you mean 'retail'? Known: _all, bank, retail."),
        ({"region": "apac", "unit": "bank"}, "shops: apac: unknown unit 'bank'. Known: _all, retail."),
        ({"region": "_all", "unit": "retail"}, "shops: unit 'retail' needs its region. Known: apac, emea."),
        (
            {"only": ["driver"]},
            "unknown analysis 'driver'. Did you mean 'drivers'? Known: brief, scorecard, segmentation, funnel, "
            "linkage, drivers.",
        ),
        ({"period": "2026-Q3"}, "'2026-Q3' is not a quarter. Write it like 2026Q4."),
        ({"period": "2020Q1"}, "shops: unknown period '2020Q1'. Did you mean '2026Q3'? Known: 2026Q2, 2026Q3."),
    ],
)
def test_a_name_nobody_has_names_the_nearest(tmp_path: Path, asked: dict, message: str) -> None:
    with pytest.raises(UnknownNameError) as info:
        regional(tmp_path, **asked)
    assert str(info.value) == message

"""What each analysis reads: its own place, its own days, and the figures that other pages show too."""

from pathlib import Path

import pandas as pd
import pytest

from cxinsights.data.importing import import_study
from cxinsights.errors import ParamsError, UnknownNameError
from cxinsights.params import ALL, Project, Span, Study, resolve
from cxinsights.report.inputs import linkage, segmentation
from cxinsights.report.source import Source
from tests.small import small_study

STUDY = """
label: Corner Shops
about: Made-up answers for a test.
without: [brief]
periods: {every: quarter}
cutoff: 2026-10-15
tables:
  responses:
    sources: [{files: answers.csv}]
    columns: {response_id: id, region: region, unit: unit, site: site, answered_at: date, customer_id: customer,
              nps_answer: nps}
  employees:
    sources: [{files: employees.csv}]
    columns: {response_id: id, region: region, unit: unit, site: site, period: period, calm_item: calm,
              proud_item: proud}
  events:
    sources: [{files: events.csv}]
    columns: {customer_id: customer, region: region, unit: unit, stage: stage, occurred_at: at, channel: channel}
  customers:
    sources: [{files: customers.csv}]
    columns: {customer_id: customer, region: region, unit: unit, visits: visits, joined_at: joined}
  orders:
    sources: [{files: orders.csv}]
    columns: {order_id: id, customer_id: customer, region: region, unit: unit, ordered_at: at, amount: amount}
columns: {visits: {label: Visits, min: 0}, channel: {label: Channel, type: category}}
funnel: {steps: [visit, buy], breakdowns: [channel]}
segmentation: {inputs: [visits, recency_days, n_orders, order_amount], held_out: [nps_answer], min_customers: 100}
linkage: {items: [calm_item, proud_item], scores: [nps], lag: 1}
"""
NORTH = "label: North\nunits: {a: {label: A}, b: {label: B}}\n"
SOUTH = "label: South\nunits: {c: {label: C}}\n"
FILES = {
    "answers": "id,region,unit,site,date,customer,nps\n"
    + "\n".join(f"r{i},north,a,a1,2026-07-{1 + i:02},k{i % 3},{i % 11}" for i in range(12))
    + "\n"
    + "\n".join(f"s{i},south,c,c1,2026-08-{1 + i:02},m{i},9" for i in range(4))
    + "\nold,north,a,a1,2026-04-01,k0,3\n",
    "employees": "id,region,unit,site,period,calm,proud\n"
    "e1,north,a,a1,2026Q2,4,2\ne2,north,a,a1,2026Q2,2,\ne3,south,c,c1,2026Q2,5,5\ne4,south,c,c1,2026Q3,1,1\n",
    "events": "customer,region,unit,stage,at,channel\n"
    "k1,north,a,buy,2026-07-03T10:00:00,web\nk1,north,a,visit,2026-07-02T10:00:00,shop\n"
    "k2,north,b,visit,2026-06-30T23:59:59,web\nm1,south,c,visit,2026-10-02T00:00:00,web\n",
    "customers": "customer,region,unit,visits,joined\n"
    "k0,north,a,5,2020-01-01\nk1,north,a,1,2020-01-01\nk2,north,b,2,2026-10-01\nm1,south,c,3,\n",
    "orders": "id,customer,region,unit,at,amount\n"
    "o1,k0,north,a,2026-06-01T12:00:00,10\no2,k0,north,a,2026-09-20T12:00:00,30.5\no3,k0,north,a,2026-10-05T12:00:00,99\n"
    "o4,m1,south,c,2026-09-30T23:00:00,7\n",
}


def shops(folder: Path, study: str = STUDY) -> tuple[Project, Study]:
    project, loaded = small_study(folder, study, north=NORTH, south=SOUTH)
    for name, text in FILES.items():
        (project.data("shops") / "raw" / f"{name}.csv").write_text(text, encoding="utf-8")
    import_study(project, loaded)
    return project, loaded


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> tuple[Project, Study]:
    return shops(tmp_path_factory.mktemp("inputs"))


def opened(company: tuple[Project, Study], analysis: str, region: str = ALL, unit: str = ALL, **asked) -> Source:
    project, study = company
    params = resolve(study, analysis, "2026Q3", region, unit)
    return Source(params.model_copy(update=asked), project, study)


def test_a_funnel_reads_events_from_the_periods_first_day_on(company: tuple[Project, Study]) -> None:
    frame, more = opened(company, "funnel").inputs
    assert list(frame) == ["customer_id", "stage", "occurred_at", "channel", "region", "unit"]
    assert frame[["customer_id", "stage"]].to_numpy().tolist() == [["k1", "visit"], ["k1", "buy"], ["m1", "visit"]]
    assert more["span"] == Span(start="2026-07-01", end="2026-09-30", cutoff="2026-10-15")
    assert sorted(more["answers"]) == ["answered_at", "customer_id", "nps_answer"]
    assert len(more["answers"]) == 16
    assert more["elsewhere"] is None


def test_a_unit_is_compared_with_the_events_of_all_other_places(company: tuple[Project, Study]) -> None:
    for _ in range(2):  # computed, then kept
        elsewhere = opened(company, "funnel", "south", "c", window_days=10.0).inputs.more["elsewhere"]
        assert elsewhere is None  # asked otherwise than the company
        elsewhere = opened(company, "funnel", "south", "c").inputs.more["elsewhere"]
        assert elsewhere[["step", "n", "n_reached"]].to_numpy().tolist() == [["visit", 1, 1], ["buy", 1, 1]]
    region = opened(company, "funnel", "north").inputs.more["elsewhere"]
    assert region.empty  # the only other visit is open at the cutoff


@pytest.mark.parametrize(
    ("line", "becomes", "told"),
    [
        (
            "cutoff: 2026-10-15\n",
            "",
            "params/shops/study.yml: cutoff is missing: the last day that the extract covers, on which funnel depends. "
            "Give it as a date; the last event seen is not it.",
        ),
        (
            "periods: {every: quarter}",
            "periods: {named: [{id: 2026Q2, label: Spring, short: S}, {id: 2026Q3, label: Summer, short: S}]}",
            "params/shops/study.yml: periods: 2026Q3 has no start and end, which funnel reads events by. Give both as "
            "dates.",
        ),
    ],
)
def test_a_funnel_needs_days(tmp_path: Path, line: str, becomes: str, told: str) -> None:
    study = STUDY.replace(line, becomes)
    if "named" in becomes:
        study = study.replace("answered_at: date", "answered_at: date, period: {from: id, constant: 2026Q3}")
        study = study.replace("period: {from: id, constant: 2026Q3}", "period: {constant: 2026Q3}")
    with pytest.raises(ParamsError) as info:
        opened(shops(tmp_path, study), "funnel").inputs  # noqa: B018
    assert str(info.value) == told


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"steps": ["visit", "bye"]},
            "params/shops: funnel: unknown stage 'bye'. Known: visit. The data have 1 more; columns: stage: values: is "
            "to name them.",
        ),
        (
            {"breakdowns": ["chanel"]},
            "params/shops: funnel: unknown column 'chanel'. Did you mean 'channel'? Known: channel, customer_id, "
            "occurred_at, period, region, stage, unit.",
        ),
    ],
)
def test_a_funnel_names_what_no_event_has(company: tuple[Project, Study], asked: dict, told: str) -> None:
    with pytest.raises(UnknownNameError) as info:
        opened(company, "funnel", **asked).inputs  # noqa: B018
    assert str(info.value) == told


def test_customers_are_as_they_were_on_the_periods_last_day(company: tuple[Project, Study]) -> None:
    source = opened(company, "segmentation")
    frame = segmentation._customers(source, source.params).set_index("customer_id")
    assert list(frame.index) == ["k0", "k1", "m1"]  # k2 joined later
    assert frame.loc["k0", ["visits", "recency_days", "n_orders", "order_amount"]].tolist() == [5, 10, 2, 40.5]
    assert frame.loc["k1", ["n_orders", "order_amount"]].tolist() == [0, 0]
    assert pd.isna(frame.loc["k1", "recency_days"])
    assert frame.loc["m1", "recency_days"] == 0
    assert frame["nps_answer"].to_dict() == {"k0": 9, "k1": 10, "m1": 9}  # each one's latest


@pytest.mark.parametrize("asked", [{}, {"held_out": []}], ids=["as the company", "otherwise"])
def test_a_unit_has_its_own_customers_in_the_companys_segments(company: tuple[Project, Study], asked: dict) -> None:
    frame, more = opened(company, "segmentation", "south", "c", **asked).inputs
    assert frame["customer_id"].tolist() == ["m1"]
    made = [f"company_{name}" for name in ("choice", "inputs", "rules", "segments", "summary")]
    assert sorted(more) == ["company", *made, "customer_min", "previous", "rules"]


def test_orders_alone_make_customers(tmp_path: Path) -> None:
    lines = STUDY.splitlines()
    at = lines.index("  customers:")
    study = "\n".join(lines[:at] + lines[at + 3 :]).replace("inputs: [visits, ", "inputs: [") + "\n"
    source = opened(shops(tmp_path, study), "segmentation")
    frame = segmentation._customers(source, source.params)
    assert frame[["customer_id", "region", "unit", "n_orders"]].to_numpy().tolist() == [
        ["k0", "north", "a", 2],
        ["m1", "south", "c", 1],
    ]


def test_segments_are_made_once_for_the_company(company: tuple[Project, Study]) -> None:
    whole = opened(company, "segmentation")
    with pytest.raises(ParamsError) as info:
        segmentation._check_making(opened(company, "segmentation", "south", "c", k_max=3, seed=9), whole)
    assert str(info.value) == (
        "params/shops: segmentation: k_max, seed differs for south/c. Segments are made once for the whole company: "
        "give it in study.yml only."
    )


def test_sites_have_the_scorecards_figures_and_the_staffs_of_the_period_before(company: tuple[Project, Study]) -> None:
    source = opened(company, "linkage")
    frame, more = source.inputs
    assert frame["site"].tolist() == ["a1", "c1"]
    assert frame["n_employees"].tolist() == [1, 1]  # one of the two at a1 left the second item blank
    assert frame["calm_item"].tolist() == [3, 5]
    assert frame["proud_item"].tolist() == [2, 5]
    scores = source.baseline.scores
    here = scores[(scores["level"] == "site") & (scores["metric"] == "nps")].set_index("site")
    assert frame["nps"].tolist() == here.loc[["a1", "c1"], "score"].tolist()
    assert frame["n_customers"].tolist() == [12, 4]
    assert more["customers"]["nps"].sum() == pytest.approx(12 * frame["nps"][0] + 4 * frame["nps"][1])
    assert list(more["customers"]) == ["region", "unit", "site", "customer_id", "nps"]
    assert len(more["employees"]) == 3
    assert more["item_range"] == (1, 5)
    assert frame["own"].all()
    assert frame["hidden"].tolist() == [True, False]  # the company less a1 would tell the four of c1


def test_a_units_sites_stand_among_all_and_a_regions_alone(company: tuple[Project, Study]) -> None:
    unit = opened(company, "linkage", "south", "c").inputs.frame
    assert unit[["site", "own"]].to_numpy().tolist() == [["a1", False], ["c1", True]]
    frame, more = opened(company, "linkage", "south").inputs
    assert frame[["site", "own"]].to_numpy().tolist() == [["c1", True]]
    assert set(more["employees"]["site"]) == {"c1"}


def test_a_lag_beyond_the_first_period_finds_nobody(company: tuple[Project, Study]) -> None:
    frame, _ = opened(company, "linkage", lag=5).inputs
    assert frame["n_employees"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        (
            {"items": ["clam_item"]},
            UnknownNameError,
            "params/shops: linkage: unknown column 'clam_item'. Did you mean 'calm_item'? Known: calm_item, period, "
            "proud_item, region, response_id, site, unit.",
        ),
        (
            {"scores": ["npps"]},
            UnknownNameError,
            "params/shops: linkage: unknown score 'npps'. Did you mean 'nps'? Known: nps, csat, csat_mean, ces, "
            "ces_top.",
        ),
        (
            {"controls": ["size"]},
            ParamsError,
            "params/shops: linkage: controls are columns of a sites table, which this study lacks. Take them out, or "
            "import a sites table.",
        ),
    ],
)
def test_linkage_names_what_it_cannot_read(
    company: tuple[Project, Study], asked: dict, error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as info:
        opened(company, "linkage", **asked).inputs  # noqa: B018
    assert str(info.value) == told


def test_items_on_several_scales_have_no_range(company: tuple[Project, Study]) -> None:
    assert linkage._range_of(opened(company, "linkage", items=["calm_item", "visits"])) is None

"""Rows left out on purpose, journeys in one row, orders of several lines: every raw row is accounted for."""

from pathlib import Path

import pandas as pd
import pytest

from cxinsights.data.importing import import_study
from cxinsights.data.manifest import known_periods
from cxinsights.data.tables import read_table
from cxinsights.errors import DataError, RejectedRowsError
from cxinsights.params import Project, Study, load_study
from tests.small import make_project

SHOP = """
label: Corner Shops
about: Made-up rows for a test.
periods: {every: quarter}
max_reject_share: 0.9
units: {north: {label: North}, south: {label: South}}
tables:
"""
ORDERS = """
  orders:
    sources: [{files: lines*.csv}]
    leave_out:
      - {reason: no customer, column: Customer, blank: true}
      - {reason: cancellation, column: Invoice, matches: "^C"}
      - {reason: the same line twice, repeats: [Invoice, Customer, Day, n, Price]}
    columns:
      order_id: Invoice
      customer_id: Customer
      unit: Unit
      ordered_at: Day
      amount: {product: [n, Price]}
    combine: {by: order_id, sum: amount, earliest: ordered_at}
"""
LINES = """Invoice,Customer,Unit,Day,n,Price
1,a,north,2026-03-31 23:59,2,1.5
1,a,north,2026-04-01 00:00,1,4
2,b,south,2026-04-02 09:00,3,2
C3,b,south,2026-04-03 09:00,-3,2
4,,north,2026-04-04 09:00,1,1
C5,,north,2026-04-04 10:00,-1,1
2,b,south,2026-04-02 09:00,3,2
"""
EVENTS = """
  events:
    sources: [{files: journeys.csv}]
    columns: {customer_id: id, unit: unit}
    stages:
      asked: asked
      paid: {from: paid, blank: "-", formats: ["%d/%m/%Y %H:%M"]}
      rated: rated
"""
JOURNEYS = """id,unit,asked,paid,rated
1,north,2026-07-01 10:00:00.250000,02/07/2026 08:30,2026-07-03T23:30:00+02:00
2,south,2026-07-05 10:00:00.000000,-,
3,south,2026-07-06 10:00:00.000000,,2026-07-06 09:00:00Z
"""


def imported(folder: Path, tables: str, **raw: str) -> tuple[Project, Study, dict]:
    project = make_project(folder, SHOP + tables)
    for name, text in raw.items():
        (project.data("shops") / "raw" / f"{name}.csv").write_text(text, encoding="utf-8")
    study = load_study(project, "shops")
    return project, study, import_study(project, study)["tables"]


def rejects(project: Project) -> list[tuple]:
    frame = pd.read_parquet(project.private("shops") / "rejects.parquet")
    return list(frame[["line", "reason"]].itertuples(index=False, name=None))


def counted(table: dict) -> tuple:
    return tuple(table[name] for name in ("rows", "kept", "rejected", "left_out", "in_table"))


def test_each_rule_counts_all_rows_it_names_and_no_row_is_left_out_twice(tmp_path: Path) -> None:
    _, _, tables = imported(tmp_path, ORDERS, lines=LINES)
    assert counted(tables["orders"]) == (7, 3, 0, 4, 2)
    assert tables["orders"]["left_out_reasons"] == [
        {"reason": "no customer", "rows": 2, "file": "lines.csv", "line": 6},
        {"reason": "cancellation", "rows": 2, "file": "lines.csv", "line": 5},
        {"reason": "the same line twice", "rows": 1, "file": "lines.csv", "line": 8},
    ]
    assert tables["orders"]["files"] == [{"file": "lines.csv", "rows": 7, "kept": 3, "rejected": 0, "left_out": 4}]


def test_a_rule_that_names_nothing_is_counted_too(tmp_path: Path) -> None:
    _, _, tables = imported(tmp_path, ORDERS, lines="\n".join(LINES.splitlines()[:4]))
    assert [rule["rows"] for rule in tables["orders"]["left_out_reasons"]] == [0, 0, 0]


def test_a_row_may_repeat_one_of_another_file(tmp_path: Path) -> None:
    head, first, *_ = LINES.splitlines()
    _, _, tables = imported(tmp_path, ORDERS, lines_1=LINES, lines_2=f"{head}\n{first}\n6,c,north,2026-04-09,1,1\n")
    assert counted(tables["orders"]) == (9, 4, 0, 5, 3)
    assert [file["left_out"] for file in tables["orders"]["files"]] == [4, 1]


def test_no_row_is_gone_because_it_repeats_one_that_is_left_out(tmp_path: Path) -> None:
    """Both rows say the same in the columns of the last rule, but the first of them has no customer."""
    rules = ORDERS.replace("[Invoice, Customer, Day, n, Price]", "[Invoice, Day]").replace("    combine:", "    #")
    lines = "Invoice,Customer,Unit,Day,n,Price\n1,,north,2026-04-01,1,1\n1,a,north,2026-04-01,1,1\n"
    project, study, tables = imported(tmp_path, rules, lines=lines)
    assert [rule["rows"] for rule in tables["orders"]["left_out_reasons"]] == [1, 0, 1]
    assert read_table(project, study, "orders")["customer_id"].tolist() == ["a"]


def test_left_out_rows_are_no_faults(tmp_path: Path) -> None:
    """Of seven rows three are looked at; one of these is faulty, which is a third and no seventh."""
    lines = LINES.replace("south,2026-04-03 09:00,-3", "nowhere,never,x").replace(",1,4\n", ",1,four\n")
    few = SHOP.replace("0.9", "0.4")
    project = make_project(tmp_path, few + ORDERS.replace("    combine:", "    #"))
    (project.data("shops") / "raw" / "lines.csv").write_text(lines, encoding="utf-8")
    import_study(project, load_study(project, "shops"))
    assert rejects(project) == [(3, "amount: Price: not a number")]
    (project.params / "shops" / "study.yml").write_text(few.replace("0.4", "0.3") + ORDERS.replace("    combine:", "#"))
    with pytest.raises(RejectedRowsError) as error:
        import_study(project, load_study(project, "shops"))
    assert str(error.value) == (
        "shops: orders: 1 of 3 rows are faulty (33%; max_reject_share allows 30%). lines.csv: amount: Price: not a "
        "number: 1 row (first: line 3). Nothing was written. Mend the files or the mapping in params/shops/study.yml."
    )


def test_rules_that_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, ORDERS.replace('"^C"', '"."'), lines=LINES)
    assert str(error.value) == (
        "shops: orders: leave_out leaves out every one of 7 raw rows. Narrow its rules in params/shops/study.yml."
    )


def test_a_rule_about_a_column_the_file_lacks(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, ORDERS.replace("column: Invoice", "column: InvoiceNo"), lines=LINES)
    assert str(error.value) == (
        "shops: orders: lines.csv: leave_out: unknown header 'InvoiceNo'. Did you mean 'Invoice'? Known: Invoice, "
        "Customer, Unit, Day, n, Price."
    )


def test_an_order_is_the_sum_of_its_lines_at_the_time_of_the_first(tmp_path: Path) -> None:
    turned = LINES.splitlines()
    turned[1], turned[2] = turned[2], turned[1]
    for folder, lines in (("as_is", LINES), ("turned", "\n".join(turned))):
        project, study, _ = imported(tmp_path / folder, ORDERS, lines=lines)
        orders = read_table(project, study, "orders").set_index("order_id")
        assert orders["amount"].to_dict() == {"1": 2 * 1.5 + 1 * 4, "2": 3 * 2}
        assert orders["period"].to_dict() == {"1": "2026Q1", "2": "2026Q2"}
        assert str(orders.loc["1", "ordered_at"]) == "2026-03-31 23:59:00"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,a,north,2026-03-31 23:59,2,x", "amount: Price: not a number"),
        ("1,a,nowhere,2026-03-31 23:59,2,1", "unit: not one of the region's units in params"),
        ("1,a,north,2026-03-31 23:59,,1", "amount: empty"),
    ],
)
def test_an_order_with_a_faulty_line_is_no_order(tmp_path: Path, line: str, told: str) -> None:
    """Its amount would be wrong, and nothing would show it."""
    project, study, tables = imported(tmp_path, ORDERS, lines=LINES + line + "\n")
    assert rejects(project) == [
        (2, "order_id: another of its lines is faulty"),
        (3, "order_id: another of its lines is faulty"),
        (9, told),
    ]
    assert counted(tables["orders"]) == (8, 1, 3, 4, 1)
    assert read_table(project, study, "orders")["order_id"].tolist() == ["2"]


def test_lines_of_one_order_say_the_same(tmp_path: Path) -> None:
    lines = LINES + "2,a,north,2026-04-02 09:00,1,1\n,a,north,2026-04-02 09:00,1,1\n"
    project, *_ = imported(tmp_path, ORDERS, lines=lines)
    assert rejects(project) == [
        (4, "order_id: its lines differ in customer_id, unit"),
        (9, "order_id: its lines differ in customer_id, unit"),
        (10, "order_id: empty"),
    ]


def test_lines_that_are_alike_are_all_added_up(tmp_path: Path) -> None:
    """Without a rule about repeated lines, two of the same article are two."""
    tables = "\n".join(line for line in ORDERS.splitlines() if "the same line" not in line)
    project, study, _ = imported(tmp_path, tables, lines=LINES)
    assert read_table(project, study, "orders").set_index("order_id")["amount"].to_dict() == {"1": 7, "2": 12}


def test_only_numbers_are_added_up(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, ORDERS.replace("sum: amount", "sum: [amount, customer_id]"), lines=LINES)
    assert str(error.value) == (
        "shops: orders: combine adds up customer_id, which holds no numbers. Name a column of numbers."
    )


def test_every_column_of_a_product_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, ORDERS.replace("[n, Price]}", "[n, Prize]}"), lines=LINES)
    assert str(error.value) == (
        "shops: orders: lines.csv: 1 missing column. amount needs 'Prize': unknown header 'Prize'. Did you mean "
        "'Price'? Known: Invoice, Customer, Unit, Day, n, Price."
    )


def test_each_time_of_a_row_is_an_event_and_a_blank_is_none(tmp_path: Path) -> None:
    project, study, tables = imported(tmp_path, EVENTS, journeys=JOURNEYS)
    events = read_table(project, study, "events")
    told = [(i, s, str(t)) for i, s, t in events[["customer_id", "stage", "occurred_at"]].itertuples(index=False)]
    assert told == [
        ("1", "asked", "2026-07-01 10:00:00.250000"),
        ("1", "paid", "2026-07-02 08:30:00"),
        ("1", "rated", "2026-07-03 23:30:00"),
        ("2", "asked", "2026-07-05 10:00:00"),
        ("3", "rated", "2026-07-06 09:00:00"),
        ("3", "asked", "2026-07-06 10:00:00"),
    ]
    assert events["period"].unique().tolist() == ["2026Q3"]
    assert counted(tables["events"]) == (3, 3, 0, 0, 6)
    assert tables["events"]["stages"] == {
        "asked": {"answered": 3, "blank": 0},
        "paid": {"answered": 1, "blank": 2},
        "rated": {"answered": 2, "blank": 1},
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("4,south,2026-07-07,never,2026-07-08", "paid: not a date of the form %d/%m/%Y %H:%M"),
        ("4,south,,-,", "no time at any stage (asked, paid, rated)"),
        ("4,east,2026-07-07,-,2026-07-08", "unit: not one of the region's units in params"),
        ("4,south,2026-07-07,-,2026-10-01", "occurred_at: after the study's cutoff"),
        ("2,south,2026-07-05 10:00:00.000000,,", "the same row as line 3 of journeys.csv"),
    ],
)
def test_a_row_with_a_faulty_event_goes_whole(tmp_path: Path, row: str, reason: str) -> None:
    tables = EVENTS + "cutoff: 2026-09-30\n"
    project, study, counts = imported(tmp_path, tables, journeys=JOURNEYS + row + "\n")
    assert rejects(project) == [(5, reason)]
    assert counted(counts["events"]) == (4, 3, 1, 0, 6)
    assert set(read_table(project, study, "events")["customer_id"]) == {"1", "2", "3"}


def test_a_journey_that_shares_an_event_with_another_stays(tmp_path: Path) -> None:
    """A customer with two orders at once: the second row says more than the first, and is no repetition of it."""
    row = "2,south,2026-07-05 10:00:00.000000,-,2026-07-09\n"
    project, _, counts = imported(tmp_path, EVENTS, journeys=JOURNEYS + row)
    assert rejects(project) == []
    assert counts["events"]["in_table"] == 8


def test_events_and_orders_outside_all_waves_stay_without_a_period(tmp_path: Path) -> None:
    waves = "{named: [{id: summer, label: Summer, short: Su, start: 2026-07-01, end: 2026-07-05}]}"
    project = make_project(tmp_path, SHOP.replace("{every: quarter}", waves) + EVENTS + ORDERS)
    for name, text in (("journeys", JOURNEYS), ("lines", LINES)):
        (project.data("shops") / "raw" / f"{name}.csv").write_text(text, encoding="utf-8")
    study = load_study(project, "shops")
    tables = import_study(project, study)["tables"]
    assert rejects(project) == []
    assert tables["events"]["periods"] == {"summer": 4}
    assert tables["events"]["columns"]["period"] == {"answered": 4, "blank": 2, "does_not_apply": 0}
    assert (tables["orders"]["in_table"], tables["orders"]["periods"]) == (2, {})
    assert len(read_table(project, study, "events")) == 6
    assert len(read_table(project, study, "events", periods=["summer"])) == 4
    assert known_periods(project, study) == ["summer"]


def test_periods_are_known_by_any_table(tmp_path: Path) -> None:
    project, study, _ = imported(tmp_path, EVENTS + ORDERS, journeys=JOURNEYS, lines=LINES)
    assert known_periods(project, study) == ["2026Q1", "2026Q2", "2026Q3"]


def test_a_blank_may_stand_for_a_value(tmp_path: Path) -> None:
    tables = """
  sites:
    sources: [{files: sites.csv, set: {period: 2026Q3}}]
    columns:
      site: site
      unit: unit
      n_customers: {from: n, blank: "-", blank_is: 0}
      n_employees: {from: staff}
"""
    sites = "site,unit,n,staff\nA,north,,4\nB,north,-,5\nC,south,12,6\nD,south,some,6\n"
    project, study, counts = imported(tmp_path, tables, sites=sites)
    assert read_table(project, study, "sites")["n_customers"].tolist() == [0, 0, 12]
    assert rejects(project) == [(5, "n_customers: not a number")]
    assert known_periods(project, study) == ["2026Q3"]
    assert counts["sites"]["columns"]["n_customers"]["answered"] == 3


def test_a_template_with_a_period_that_nothing_gives(tmp_path: Path) -> None:
    tables = EVENTS.replace("{customer_id: id,", '{customer_id: {from: id, template: "{period}-{value}"},')
    with pytest.raises(DataError) as error:
        imported(tmp_path, tables, journeys=JOURNEYS)
    assert str(error.value) == (
        "shops: events: journeys.csv: customer_id: the template uses {period}, but no column gives a period or a date "
        "to take it from."
    )


LOG = """
  events:
    sources: [{files: log*.csv}]
    columns: {customer_id: id, unit: unit, stage: stage, occurred_at: at, by: by}
    marks: {opened: first, solved: {last: solve}}
columns: {by: {label: Done by, type: text}}
"""
DONE = """id,unit,stage,at,by
1,north,solve,2026-07-03 10:00,second
1,south,solve,2026-09-30 23:00,last
1,north,assign,2026-06-30 10:00,first
2,north,solve,2026-07-02 10:00,one
2,north,assign,2026-07-02 10:00,other
3,north,assign,2026-07-05 10:00,nobody
3,north,assign,2026-07-05 10:00,somebody
4,north,solve,never,lost
"""


def test_a_mark_is_one_more_event_like_the_one_it_marks(tmp_path: Path) -> None:
    """At one moment the first row counts for first; who was not solved has no such mark, who is a reject has none."""
    project, study, tables = imported(tmp_path, LOG, log=DONE)
    events = read_table(project, study, "events")
    made = events[events["stage"].isin(["opened", "solved"])].sort_values(["stage", "customer_id"])
    told = made.assign(at=made["occurred_at"].astype("str"))[["stage", "customer_id", "at", "unit", "period", "by"]]
    assert list(told.itertuples(index=False, name=None)) == [
        ("opened", "1", "2026-06-30 10:00:00", "north", "2026Q2", "first"),
        ("opened", "2", "2026-07-02 10:00:00", "north", "2026Q3", "one"),
        ("opened", "3", "2026-07-05 10:00:00", "north", "2026Q3", "nobody"),
        ("solved", "1", "2026-09-30 23:00:00", "south", "2026Q3", "last"),
        ("solved", "2", "2026-07-02 10:00:00", "north", "2026Q3", "one"),
    ]
    assert len(events) - len(made) == 7
    assert counted(tables["events"]) == (8, 7, 1, 0, 12)
    assert tables["events"]["marks"] == {"opened": 3, "solved": 2}
    assert tables["events"]["units"] == {"shops/north": 10, "shops/south": 2}
    assert tables["events"]["stages"] == {}
    assert [line for line, _ in rejects(project)] == [9]


def test_of_marked_events_at_one_moment_the_last_row_counts_for_last(tmp_path: Path) -> None:
    project, study, _ = imported(tmp_path, LOG.replace("last: solve", "last: assign"), log=DONE)
    events = read_table(project, study, "events").set_index(["stage", "customer_id"])
    assert events.loc[("solved", "3"), "by"] == "somebody"


def test_marks_of_journeys_in_one_row(tmp_path: Path) -> None:
    _, _, tables = imported(tmp_path, EVENTS + "    marks: {opened: first, done: {last: rated}}\n", journeys=JOURNEYS)
    assert tables["events"]["marks"] == {"opened": 3, "done": 2}
    assert tables["events"]["stages"] == {
        "asked": {"answered": 3, "blank": 0},
        "paid": {"answered": 1, "blank": 2},
        "rated": {"answered": 2, "blank": 1},
    }
    assert counted(tables["events"]) == (3, 3, 0, 0, 6 + 5)


@pytest.mark.parametrize(
    ("tables", "raw", "said"),
    [
        (
            LOG.replace("last: solve", "last: solved"), {"log": DONE},
            "solved: no event has the stage 'solved'; the data have 2 others",
        ),
        (
            LOG.replace("{opened:", "{assign:"), {"log": DONE},
            "assign is a stage of the raw data. Give the mark a name of its own.",
        ),
        (
            EVENTS + "    marks: {paid: first}\n", {"journeys": JOURNEYS.replace("02/07/2026 08:30", "-")},
            "paid is a stage of the raw data. Give the mark a name of its own.",
        ),
    ],
)  # fmt: skip
def test_marks_that_do_not_fit_the_stages(tmp_path: Path, tables: str, raw: dict, said: str) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, tables, **raw)
    assert str(error.value) == f"shops: events: marks: {said}"

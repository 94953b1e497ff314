"""How raw files become tables: what a mapping may say, and how a mistake in it is told."""

from pathlib import Path

import pytest

from cxinsights.errors import ParamsError
from cxinsights.params import load_study
from tests.small import STUDY, make_project

ORDERS = """
  orders:
    sources: [{files: lines.csv}]
    columns: {order_id: invoice, customer_id: customer, unit: unit, ordered_at: day, amount: {product: [n, price]}}
"""
EVENTS = """
  events:
    sources: [{files: journeys.csv}]
    columns: {customer_id: id, unit: unit}
    stages: {asked: asked, paid: paid}
"""
WITH = {name: STUDY.replace("max_reject_share", f"{text}\nmax_reject_share") for name, text in
        (("orders", ORDERS), ("events", EVENTS))}  # fmt: skip


def fails(folder: Path, study: str) -> str:
    with pytest.raises(ParamsError) as error:
        load_study(make_project(folder, study), "shops")
    return str(error.value).removeprefix("params/shops/study.yml: ")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{reason: x, column: a}", "needs column: with blank: true or matches:, or repeats: (headers) alone"),
        ("{reason: x, blank: true}", "needs column: with blank: true or matches:, or repeats: (headers) alone"),
        (
            "{reason: x, column: a, blank: true, matches: b}",
            "needs column: with blank: true or matches:, or repeats: (headers) alone",
        ),
        (
            "{reason: x, column: a, repeats: b}",
            "needs column: with blank: true or matches:, or repeats: (headers) alone",
        ),
    ],
)
def test_a_rule_looks_at_one_thing(tmp_path: Path, rule: str, said: str) -> None:
    study = WITH["orders"].replace("    columns: {order_id", f"    leave_out: [{rule}]\n    columns: {{order_id")
    assert fails(tmp_path, study) == f"tables.orders.leave_out.0: {said}"


def test_a_rule_that_is_no_expression(tmp_path: Path) -> None:
    study = WITH["orders"].replace(
        "    columns: {order_id", '    leave_out: [{reason: x, column: a, matches: "(C"}]\n    columns: {order_id'
    )
    assert fails(tmp_path, study) == (
        "tables.orders.leave_out.0.matches: is no regular expression (missing ), unterminated subpattern at position 0)"
    )


@pytest.mark.parametrize("name", ["../../other.csv", "/etc/passwd", "sub/../../x.csv", "~/x.csv"])
def test_files_lie_in_the_raw_folder(tmp_path: Path, name: str) -> None:
    assert fails(tmp_path, STUDY.replace("answers.csv", name)) == (
        f"tables.responses.sources.0.files: {name} lies outside the study's raw folder; name files within it"
    )


def test_two_rules_of_one_reason(tmp_path: Path) -> None:
    rules = "[{reason: x, column: a, blank: true}, {reason: x, column: b, blank: true}]"
    study = WITH["orders"].replace("    columns: {order_id", f"    leave_out: {rules}\n    columns: {{order_id")
    assert fails(tmp_path, study) == (
        "tables.orders.leave_out: two rules give the reason 'x': each is counted by its own"
    )


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (
            "{product: [n, price]}", "{product: n}",
            "tables.orders.columns.amount: product: takes two headers or more, and beside it only blank: and optional:",
        ),
        (
            "{product: [n, price]}", "{product: [n, price], from: total}",
            "tables.orders.columns.amount: product: takes two headers or more, and beside it only blank: and optional:",
        ),
        (
            "{product: [n, price]}", "{blank: 0}",
            "tables.orders.columns.amount: needs from: (a raw header), constant: (a value) or product: (headers)",
        ),
        (
            "[n, price]}}", "[n, price]}}\n    combine: {by: order, sum: [amount, tax]}",
            "tables.orders: combine names order, tax, which columns: lacks",
        ),
        (
            "[n, price]}}", "[n, price]}}\n    combine: {by: order_id, sum: amount, earliest: amount}",
            "tables.orders: combine names a column for two things",
        ),
        ("[n, price]}}", "[n, price]}}\n    stages: {paid: paid}", "tables: orders: only events have stages:"),
        ("[n, price]}}", "[n, price]}}\n    marks: {opened: first}", "tables: orders: only events have marks:"),
    ],
)  # fmt: skip
def test_orders_of_lines(tmp_path: Path, was: str, now: str, said: str) -> None:
    assert fails(tmp_path, WITH["orders"].replace(was, now)) == said


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (
            "unit: unit}\n    stages", "unit: unit, occurred_at: day, stage: step}\n    stages",
            "tables.events: occurred_at and stage come from stages: take off columns:",
        ),
        (
            "unit: unit}\n    stages", "unit: unit, stage: step}\n    stages",
            "tables.events: stage comes from stages: take off columns:",
        ),
        (
            "paid: paid", "paid: {from: paid, recode: {a: b}}",
            "tables.events: stage paid takes from: and, beside it, only blank:, formats: and optional:",
        ),
        (
            "    stages: {asked: asked, paid: paid}", "    combine: {by: customer_id, sum: unit}",
            "tables: events: only orders are made with combine:",
        ),
        (
            "    stages", "    marks: {opened: frist}\n    stages",
            "tables.events.marks.opened: is either first, or {last: a stage}",
        ),
        (
            "    stages", "    marks: {opened: {last: }}\n    stages",
            "tables.events.marks.opened: is either first, or {last: a stage}",
        ),
        (
            "    stages", "    marks: {opened: {last: paid, firts: asked}}\n    stages",
            "tables.events.marks.opened: unknown parameter 'firts'. Known: last.",
        ),
        (
            "max_reject_share",
            "    marks: {opened: first, done: {last: paid}}\n"
            "columns: {stage: {label: Stage, values: {asked: Asked, paid: Paid, done: Done}}}\nmax_reject_share",
            "tables.events.marks makes opened, which columns.stage.values lacks",
        ),
    ],
)  # fmt: skip
def test_journeys_in_one_row(tmp_path: Path, was: str, now: str, said: str) -> None:
    assert fails(tmp_path, WITH["events"].replace(was, now)) == said


def test_the_forms_as_they_should_be(tmp_path: Path) -> None:
    for name, study in WITH.items():
        assert name in load_study(make_project(tmp_path / name, study), "shops").tables

"""The data-quality page: counts that add up as shown, in words a person reads, and nobody's own answer."""

import pytest
from bs4 import BeautifulSoup

from cxinsights.data.importing import import_study
from cxinsights.display.blocks import Headline, Table
from cxinsights.display.quality import quality_blocks
from tests.small import ANSWERS, STUDY, small_study

SECRET = "Zx9someone"
FAULTY = (
    ANSWERS
    + f"5,east,2026-08-02,9,5,3\n6,{SECRET},2026-08-02,9,5,3\n{SECRET},south,never,9,5,3\n8,south,2026-08-03,77,5,3\n"
)


def blocks_of(folder, answers: str = ANSWERS, study: str = STUDY, more: dict[str, str] | None = None) -> list:
    project, loaded = small_study(folder, study, answers)
    for name, text in (more or {}).items():
        (project.data("shops") / "raw" / name).write_text(text, encoding="utf-8")
    return quality_blocks(import_study(project, loaded), loaded)


def tables(blocks: list) -> dict[str, Table]:
    return {block.key: block for block in blocks if isinstance(block, Table)}


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def test_nothing_set_apart_is_said_so(tmp_path) -> None:
    headline, *rest = blocks_of(tmp_path, ANSWERS.replace("9,9,3", "9,5,3"))
    assert isinstance(headline, Headline)
    assert headline.title == "Every raw row is in"
    assert headline.lead == "4 rows from one file; none had to be set apart."
    assert "reasons" not in tables(rest)


def test_rows_set_apart_are_counted_with_file_line_and_reason(tmp_path) -> None:
    headline, *rest = blocks_of(tmp_path, FAULTY)
    assert headline.title == "4 of 8 raw rows are set apart"
    assert headline.lead == "Most in responses: 50.00% of its rows. Each one is kept with its file, line and reason."
    assert [(fact.name, fact.value, fact.note) for fact in headline.facts] == [
        ("Raw rows", "8", "in one file"), ("In tables", "4", ""),
        ("Set apart", "4", "at most 50% of a table is allowed"),
    ]  # fmt: skip
    assert tables(rest)["reasons"].rows == [
        ["Responses", "unit: not one of the region's units in params", "2", "answers.csv, line 6"],
        [
            "Responses",
            "answered_at: not a date of the form 2026-09-30 or 2026-09-30T14:05:00",
            "1",
            "answers.csv, line 8",
        ],
        ["Responses", "nps_answer: outside 0–10", "1", "answers.csv, line 9"],
    ]


@pytest.mark.parametrize("answers", [ANSWERS.replace("9,9,3", "9,5,3"), FAULTY], ids=["clean", "faulty"])
def test_counts_add_up_as_shown(tmp_path, answers) -> None:
    more = {
        "answers_2.csv": ANSWERS.replace("\n1,", "\n11,")
        .replace("\n2,", "\n12,")
        .replace("\n3,", "\n13,")
        .replace("\n4,", "\n14,")
    }
    study = STUDY.replace("{files: answers.csv}", "{files: answers*.csv}")
    found = tables(blocks_of(tmp_path, answers, study, more))
    rows = [[*row[:2], *map(whole, row[2:])] for row in found["tables"].rows]
    for _, _, read, kept, lost in rows:
        assert read == kept + lost
    total, *files = rows
    assert [name for _, name, *_ in files] == ["answers.csv", "answers_2.csv"]
    assert total[2:] == [sum(column) for column in zip(*(row[2:] for row in files), strict=True)]
    reasons = found["reasons"].rows if "reasons" in found else []
    assert sum(whole(row[2]) for row in reasons) == total[4]
    for _, name, filled, share, blank, not_asked in found["columns-responses"].rows:
        assert whole(filled) + whole(blank) + whole(not_asked) == total[3], name
        assert share == f"{round(100 * whole(filled) / total[3])}%"


def test_columns_have_the_names_people_and_files_use(tmp_path) -> None:
    rows = {
        row[1]: row for row in tables(blocks_of(tmp_path, ANSWERS.replace("9,9,3", "9,5,3")))["columns-responses"].rows
    }
    assert rows["nps_answer"][0] == "Likelihood to recommend"
    assert rows["wait_rating"] == ["Wait", "wait_rating", "2", "50%", "1", "1"]
    assert "wait_rating_applies" not in rows


def test_nobodys_own_answer_is_on_the_page(tmp_path) -> None:
    text = "".join(block.as_html() + block.as_markdown() for block in blocks_of(tmp_path, FAULTY))
    assert SECRET not in text
    assert "77" not in text
    assert "east" not in text.replace("least", "")


def test_every_row_of_every_table_has_a_heading(tmp_path) -> None:
    study = STUDY.replace("{files: answers.csv}", "{files: answers*.csv}")
    more = {"answers_2.csv": ANSWERS.splitlines()[0] + "\n21,north,2026-07-01,10,5,8\n"}
    for block in blocks_of(tmp_path, FAULTY, study, more):
        heads = BeautifulSoup(block.as_html(), "html.parser").select("th")
        assert all(head.get_text(strip=True) for head in heads), block.key


def test_a_lone_row_is_one_row(tmp_path) -> None:
    headline = blocks_of(tmp_path, ANSWERS.replace("9,9,3", "9,5,3") + "5,east,2026-08-02,9,5,3\n")[0]
    assert headline.title == "1 of 5 raw rows is set apart"


def test_a_share_too_small_for_its_decimals_is_not_nothing(tmp_path) -> None:
    rows = "".join(f"{i},north,2026-07-01,10,5,8\n" for i in range(10, 30_011))
    headline = blocks_of(tmp_path, ANSWERS.splitlines()[0] + "\n" + rows + "5,east,2026-08-02,9,5,3\n")[0]
    assert "0.00%" not in headline.lead


MORE = """
  orders:
    sources: [{files: lines.csv}]
    leave_out:
      - {reason: no customer, column: customer, blank: true}
      - {reason: cancellation, column: invoice, matches: "^C"}
      - {reason: test order, column: invoice, matches: "^T"}
    columns: {order_id: invoice, customer_id: customer, unit: unit, ordered_at: day, amount: amount}
    combine: {by: order_id, sum: amount}
  events:
    sources: [{files: journeys.csv}]
    columns: {customer_id: id, unit: unit}
    stages: {asked: asked, paid: paid}
max_reject_share"""
LINES = "invoice,customer,unit,day,amount\n1,a,north,2026-07-01,2\n1,a,north,2026-07-01,3\nC2,,north,2026-07-01,-2\n"
JOURNEYS = "id,unit,asked,paid\na,north,2026-07-01,2026-07-02\nb,north,2026-07-01,\n"
CLEAN = ANSWERS.replace("9,9,3", "9,5,3")


def made_of(folder, lines: str = LINES, journeys: str = JOURNEYS, answers: str = CLEAN) -> list:
    study = STUDY.replace("\nmax_reject_share", MORE)
    return blocks_of(folder, answers, study, {"lines.csv": lines, "journeys.csv": journeys})


def test_rows_left_out_on_purpose_are_told_apart_from_faults(tmp_path) -> None:
    headline, *rest = made_of(tmp_path)
    assert headline.title == "No raw row is faulty; some are left out on purpose"
    assert headline.lead == "9 rows from three files; none had to be set apart. 1 is left out on purpose."
    assert [(fact.name, fact.value, fact.note) for fact in headline.facts] == [
        ("Raw rows", "9", "in three files"), ("In tables", "8", "made into 8 rows"),
        ("Set apart", "0", "at most 50% of a table is allowed"),
    ]  # fmt: skip
    found = tables(rest)["left-out"]
    assert found.rows == [
        ["Orders", "no customer", "1", "lines.csv, line 4"],
        ["Orders", "cancellation", "1", "lines.csv, line 4"],
        ["Orders", "test order", "0", "none"],
    ]
    assert found.note == (
        "Nothing is wrong with these rows, but the study is not about them. A row that two rules name is counted under "
        "both: 1 row is left out in all."
    )


def test_a_file_of_two_tables_is_one_file(tmp_path) -> None:
    visits = """
  events:
    sources: [{files: answers.csv}]
    columns: {customer_id: id, unit: unit, stage: csat, occurred_at: date}
max_reject_share"""
    headline = blocks_of(tmp_path, CLEAN, STUDY.replace("\nmax_reject_share", visits))[0]
    assert headline.lead == "8 rows from one file read for two tables; none had to be set apart."
    assert headline.facts[0].note == "in one file read for two tables"


def test_a_share_of_faults_is_of_the_rows_looked_at(tmp_path) -> None:
    headline = made_of(tmp_path, LINES + "3,a,north,2026-07-01,x\n")[0]
    assert headline.title == "1 of 10 raw rows is set apart"
    assert headline.lead == (
        "Most in orders: 33.33% of its rows. Each one is kept with its file, line and reason. 1 more is left out on "
        "purpose."
    )


def test_rows_read_and_rows_made_stand_side_by_side(tmp_path) -> None:
    rest = made_of(tmp_path)[1:]
    found = tables(rest)["tables"]
    assert [column.name for column in found.columns] == [
        "Table", "File", "Raw rows", "Used", "Set apart", "Left out", "Rows made",
    ]  # fmt: skip
    assert found.rows == [
        ["Responses", "all files", "4", "4", "0", "0", "4"],
        ["Orders", "all files", "3", "2", "0", "1", "1"],
        ["Events", "all files", "2", "2", "0", "0", "3"],
    ]
    assert found.note == (
        "Raw rows = rows used + rows set apart + rows left out. A raw row may hold several events, an order be made "
        "of several raw rows, and marks add events."
    )
    assert tables(rest)["stages-events"].rows == [["asked", "2", "0"], ["paid", "1", "1"]]
    filled = {row[1]: row[2:4] for row in tables(rest)["columns-events"].rows}
    assert filled["stage"] == ["3", "100%"]
    for block in rest:
        heads = BeautifulSoup(block.as_html(), "html.parser").select("th")
        assert all(head.get_text(strip=True) for head in heads), block.key


def test_events_made_by_marks_are_told(tmp_path) -> None:
    marks = """    stages: {asked: asked, paid: paid}
    marks: {opened: first, done: {last: paid}}
columns: {stage: {label: Stage, type: category, values: {opened: Opened, asked: Asked, paid: Paid, done: Settled}}}
"""
    study = STUDY.replace("\nmax_reject_share", MORE).replace("    stages: {asked: asked, paid: paid}\n", marks)
    files = {"lines.csv": LINES, "journeys.csv": JOURNEYS}
    found = tables(blocks_of(tmp_path, CLEAN, study, files)[1:])
    assert [column.name for column in found["marks-events"].columns] == ["Stage", "Made at a customer's", "Events made"]
    assert found["marks-events"].rows == [["Opened", "first event", "2"], ["Settled", "last event of Paid", "1"]]
    assert found["marks-events"].note == (
        "No raw row holds these events: each has the time and columns of the one it marks, which stays."
    )
    assert ["Events", "all files", "2", "2", "0", "0", "6"] in found["tables"].rows
    assert "marks-events" not in tables(made_of(tmp_path / "without")[1:])


def test_the_page_says_where_to_look(tmp_path) -> None:
    note = blocks_of(tmp_path)[-1]
    assert note.paragraphs == [
        "How raw files become tables is said in params/shops/study.yml. The rows set apart are in "
        "data/shops/private/rejects.parquet, which is never served."
    ]

"""A workbook holds every number of the report's record and no other, and nothing in it is ever computed."""

import io
import zipfile
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import Cell
from openpyxl.workbook import Workbook

from cxinsights.params import Project, Study
from cxinsights.publish.downloads import making, workbook
from cxinsights.publish.downloads.cells import columns_of
from cxinsights.publish.downloads.contents import Contents, clean
from cxinsights.publish.downloads.making import make_download
from cxinsights.publish.downloads.workbook import as_workbook
from tests.publish.made import FORMULAS, NORTH, SOUTH, make_scorecards, record_of

Made = tuple[Project, Study]
REPORTS = pytest.mark.parametrize("report", [NORTH, SOUTH], ids=["of many answers", "of too few"])
HIDDEN = {"small": "not shown, under 10", "complement": "not shown, it would give another away"}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_scorecards(tmp_path_factory.mktemp("workbooks"))


@pytest.fixture(autouse=True)
def _anew() -> None:
    making._made.cache_clear()


def opened(data: bytes) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def first_sheet(book: Workbook) -> list[tuple[str, str]]:
    """What the first sheet says, above its list of sheets."""
    rows = [(row[0].value, row[1].value) for row in book["report"].iter_rows(min_row=3, max_col=2)]
    return rows[: rows.index((None, None))]


def told(study: Study, **record: Any) -> Contents:
    """A report with this record."""
    usual = {"headline": "North rose", "lead": "", "status": "ok", "notes": [], "downloads": [], "tables": {}}
    return Contents(NORTH, study, {**usual, **record}, [], {})


def table(*rows: list, **columns: str) -> dict[str, Any]:
    return {"columns": list(columns.values()), "rows": list(rows), "base": 50}


def agrees(cell: Cell, value: Any) -> bool:
    """Whether a cell says what the record says."""
    if isinstance(value, dict):
        return (cell.data_type, cell.value) == ("s", HIDDEN[value["suppressed"]])
    if isinstance(value, bool):
        return cell.value == ("yes" if value else "no")
    if isinstance(value, int | float):
        return (cell.data_type, cell.value) == ("n", value)
    if value == "":
        return cell.value in (None, "no")  # "no" where a table says whether something is out of its limits
    return cell.value is None if value is None else cell.data_type == "s" and bool(cell.value)


@REPORTS
def test_every_cell_is_the_record_s_and_what_is_not_shown_is_words(shops: Made, report) -> None:
    project, _ = shops
    book, record = opened(make_download(project, project.outputs, report, "xlsx")), record_of(project.outputs, report)
    assert book.sheetnames == ["report", "scores", "changes", "parts", "rests", "trend", "segments", "definitions"]
    n_numbers = n_hidden = 0
    for name, recorded in record["tables"].items():
        sheet = book[name]
        assert (sheet.max_row, sheet.max_column) == (1 + len(recorded["rows"]), len(recorded["columns"]))
        for cells, values in zip(sheet.iter_rows(min_row=2), recorded["rows"], strict=True):
            for cell, value in zip(cells, values, strict=True):
                assert agrees(cell, value), (name, cell.coordinate, cell.value, value)
                n_numbers += isinstance(value, int | float) and not isinstance(value, bool)
                n_hidden += isinstance(value, dict)
    assert n_numbers > 80
    assert n_hidden > 50


@REPORTS
def test_nothing_is_computed_whatever_it_begins_with(shops: Made, report) -> None:
    project, _ = shops
    data = make_download(project, project.outputs, report, "xlsx")
    cells = [cell for sheet in opened(data) for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    texts = {cell.value: cell.quotePrefix for cell in cells if cell.data_type == "s"}
    assert set(FORMULAS[:5]) <= set(texts)
    asking = {text for text in texts if text.startswith(("=", "+", "-", "@"))}
    assert {"=young", "-1+1", "=few"} <= asking or report == SOUTH
    assert all(texts[text] for text in asking)  # what is edited there stays text
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = "".join(parts.read(name).decode() for name in parts.namelist() if "worksheets/" in name)
        assert not [name for name in parts.namelist() if "externalLink" in name or name.endswith(".bin")]
    assert "<f>" not in sheets
    assert "x.test" not in sheets  # nor a link


def test_the_first_sheet_says_what_the_report_is(shops: Made) -> None:
    project, _ = shops
    book, record = opened(make_download(project, project.outputs, NORTH, "xlsx")), record_of(project.outputs, NORTH)
    hidden = sum(isinstance(v, dict) for t in record["tables"].values() for row in t["rows"] for v in row)
    assert book.active.title == "report"
    assert book["report"]["A1"].value == record["headline"] == book.properties.title
    assert first_sheet(book) == [
        ("Report", "Scorecard"),
        ("Place", "=1+1"),
        ("Period", "July to September 2026"),
        ("Finding", record["headline"]),
        ("In short", record["lead"]),
        ("Note", record["notes"][0]),
        ("Not shown", f"{hidden} figures are not shown; each says why in its place."),
        ("How to read", "Each row has its base, and each estimate the ends of its interval (from, to). Cells hold "
         "figures as exact as they were computed. What a column means is on the sheet definitions."),
        ("Source", "Made-up data. Made-up answers for a test. Data to 30 September 2026, "
         f"cxinsights {version('cxinsights')}."),
    ]  # fmt: skip
    listed = [[c.value for c in row] for row in book["report"].iter_rows(min_row=13)]
    assert listed[0] == ["Sheet", "Columns", "Rows", "Answers"]
    assert [(name, n, base) for name, _, n, base in listed[1:]] == [
        (name, len(record["tables"][name]["rows"]), record["tables"][name]["base"]) for name in book.sheetnames[1:-1]
    ]


def test_a_report_without_a_result_says_so(shops: Made) -> None:
    project, study = shops
    book = opened(make_download(project, project.outputs, SOUTH, "xlsx"))
    assert book["report"]["A1"].value == "@SUM(1,1) is not shown: too few answers"
    assert ("Status", "Too few answers") in first_sheet(book)
    empty = opened(as_workbook(told(study, status="no_data", headline="No answers yet", lead="None came in.")))
    assert empty.sheetnames == ["report", "definitions"]
    assert first_sheet(empty)[3:6] == [
        ("Finding", "No answers yet"), ("In short", "None came in."), ("Status", "No answers"),
    ]  # fmt: skip


def test_a_minimal_record_is_enough(shops: Made) -> None:
    """What every record has had from the first version on."""
    _, study = shops
    book = opened(as_workbook(Contents(NORTH, study, {"headline": "North rose", "scores": []}, [], {})))
    assert first_sheet(book)[3] == ("Finding", "North rose")


def test_what_a_release_restated_is_told(shops: Made) -> None:
    _, study = shops
    book = opened(as_workbook(replace(told(study), notices=["NPS restated: 31, now 30.", "=1+1 restated."])))
    assert [text for name, text in first_sheet(book) if name == "Restated"] == [
        "NPS restated: 31, now 30.", "=1+1 restated.",
    ]  # fmt: skip


def test_sheets_can_be_read_filtered_and_printed(shops: Made) -> None:
    project, _ = shops
    book = opened(make_download(project, project.outputs, NORTH, "xlsx"))
    for name in [*record_of(project.outputs, NORTH)["tables"], "definitions"]:
        sheet = book[name]
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(cell.font.b for cell in sheet[1])
        labels = [cell.value for cell in sheet[1]]
        assert len(set(labels)) == len(labels)
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
    widths = {at: dimension.width for at, dimension in book["scores"].column_dimensions.items()}
    assert min(widths.values()) >= 9
    assert max(widths.values()) <= 45
    assert book["scores"].row_dimensions[1].height >= 30


def test_every_column_is_defined_once(shops: Made) -> None:
    project, _ = shops
    book, record = opened(make_download(project, project.outputs, NORTH, "xlsx")), record_of(project.outputs, NORTH)
    rows = [[cell.value for cell in row] for row in book["definitions"].iter_rows()]
    assert rows[0] == ["Column", "Name in CSV files", "Unit", "From", "To", "Meaning", "Values", "Sheets"]
    held = {row[1]: row for row in rows[1:]}
    assert len(held) == len(rows) - 1
    assert set(held) == {name for recorded in record["tables"].values() for name in recorded["columns"]}
    assert held["n_effective"] == [
        "Effective answers", "n_effective", "answers", None, None,
        "Kish: answers of equal weight that would be as precise.", None, "scores, parts, trend, segments",
    ]  # fmt: skip
    assert held["p_value"][3:5] == [0, 1]
    assert held["ci_high"][5] == "Upper end of the same interval."
    assert held["diff_high"][5] == "Upper end of the 95% interval of: Difference."
    assert all(row[5] for row in held.values())
    assert held["state"][6].startswith("better: Better; worse: Worse; slightly_better: Slightly better")


@pytest.mark.parametrize(
    ("columns", "row", "forms"),
    [
        (["metric", "n", "score", "ci_low"], ["nps", 50, 31.4, 29.0], [None, "#,##0", "0", "0"]),
        (["metric", "score", "ci_high", "target"], ["csat", 0.78, 0.8, 0.9], [None, "0.0%", "0.0%", "0.0%"]),
        (["metric", "score", "se"], ["ces", 5.4, 0.1], [None, "0.00", "0.00"]),
        (["metric", "se"], ["csat", 0.0154], [None, "0.000"]),
        (["metric", "se"], ["nps", 2.31], [None, "0.0"]),
        (["term", "se"], ["x", 0.0154], [None, "0.000"]),
        (["metric", "change", "ci_low"], ["csat", -0.05, -0.1], [None, *["+0.000;-0.000;0.000"] * 2]),
        (["metric", "change", "ci_low"], ["nps", -5, -9.5], [None, *["+0.0;-0.0;0.0"] * 2]),
        (["metric", "score", "ci_low", "difference", "diff_low"], ["nps", 5, 4.5, 1.5, 1.1],
         [None, "0", "0", "+0.0;-0.0;0.0", "+0.0;-0.0;0.0"]),
        (["driver", "share", "share_low", "p_value"], ["x", 0.4, 0.3, 0.01],
         [None, "0.0%", "0.0%", '[<0.001]"< 0.001";0.000']),
        (["step", "of_entrants", "entrants_low", "n_previous", "of_previous", "previous_low", "all_low"],
         ["a", 0.4, 0.3, 7, 0.2, 0.1, 0.1], [None, "0.0%", "0.0%", "#,##0", "0.0%", "0.0%", "0.000"]),
        (["rate", "step", "score", "ci_low", "compare_low"], ["curve", "a", 0.4, 0.3, 0.1],
         [None, None, "0.0%", "0.0%", "0.000"]),
        (["day", "converted", "ci_low"], [0.5, 0.4, 0.3], ["0.000", "0.0%", "0.0%"]),
        (["removal_effect", "removal_low", "credit_share", "credit_low"], [0.4, 0.3, 0.2, 0.1],
         ["0.000", "0.000", "0.0%", "0.0%"]),
        (["coefficient", "coef_low", "order_amount"], [16.2, 13.8, 1234.5], ["0.00", "0.00", "#,##0"]),
        (["metric", "benchmark", "score", "ci_low", "gap", "gap_low"], ["csat", 0.77, 0.65, 0.62, -0.12, -0.15],
         [None, "0.0%", "0.0%", "0.0%", "+0.000;-0.000;0.000", "+0.000;-0.000;0.000"]),
        (["metric", "usual", "control_high"], ["nps", 29, 36], [None, "0", "0"]),
        (["touchpoint", "gap", "gap_low"], ["x", -2.1, -2.2], [None, "0.00", "0.00"]),
        (["kind", "score", "ci_low"], ["share", 0.2, 0.1], [None, "0.0%", "0.0%"]),
        (["metric", "penalty_p", "correlation"], ["nps", 0.2, 0.4], [None, '[<0.001]"< 0.001";0.000', "0.000"]),
    ],
)  # fmt: skip
def test_numbers_are_written_as_their_columns_are(shops: Made, columns: list, row: list, forms: list) -> None:
    _, study = shops
    recorded = {"columns": columns, "rows": [row], "base": 9}
    [cells] = list(opened(as_workbook(told(study, tables={"one": recorded})))["one"].iter_rows(min_row=2))
    assert [cell.number_format if cell.data_type == "n" else None for cell in cells] == forms


@pytest.mark.parametrize(
    ("columns", "row", "words"),
    [
        (["region", "unit", "site"], ["shops", "north", "_all"], ["Corner Shops", "=1+1", "all"]),
        (["region", "unit"], ["elsewhere", "north"], ["elsewhere", "north"]),
        (["segment", "group"], ["age_group", "old"], ["+1+1", "-1+1"]),
        (["segment", "group"], ["age_group", "other"], ["+1+1", "All others"]),
        (["driver", "told_apart"], ["wait_rating", True], ["Wait", "yes"]),
        (["metric", "state", "survey"], ["ces_top", "cannot_tell", "relationship"],
         ["CES, top box", "Cannot tell", "relationship survey"]),
        (["from_step", "letters"], ["first_visit", "ab"], ["First visit", "ab"]),
        (["no_such_column", "level"], ["=x", None], ["=x", None]),
        (["found", "name", "against"], ["rating", "wait_rating", "year_ago"], ["Ratings", "Wait", "A year earlier"]),
        (["found", "name"], ["step", "first_visit"], ["Journey", "First visit"]),
        (["found", "name", "against"], ["group", "age_group=old", "nps"], ["Groups of customers", "+1+1: -1+1", "NPS"]),
        (["found", "name"], ["segment", "A"], ["Segments", "A"]),
        (["begun", "due", "standing"], ["soon", "", "open"], ["soon", None, "Open"]),
        (["step", "next_stage", "kind"], ["visit", "buy", "goes_on"], ["Visit", "Buy", "Goes on"]),
    ],
)  # fmt: skip
def test_stored_values_are_told_as_pages_tell_them(shops: Made, columns: list, row: list, words: list) -> None:
    _, study = shops
    recorded = {"columns": columns, "rows": [row], "base": 9}
    [cells] = list(opened(as_workbook(told(study, tables={"one": recorded})))["one"].iter_rows(min_row=2))
    assert [cell.value for cell in cells] == words


def test_days_are_days(shops: Made) -> None:
    _, study = shops
    recorded = table(["2026-09-14"], day="begun")
    cell = opened(as_workbook(told(study, tables={"one": recorded})))["one"]["A2"]
    assert (cell.value, cell.number_format) == (datetime(2026, 9, 14), "yyyy-mm-dd")


def test_columns_of_one_label_are_told_apart(shops: Made) -> None:
    _, study = shops
    labels = [column.label for column in columns_of(table(ci="ci_low", of="method", on="detail", by="side"), study)]
    assert labels == ["Interval from", "Interval", "detail", "Side"]
    recorded = table(a="name", b="label", c="n")
    assert [column.label for column in columns_of(recorded, study)] == ["Name (name)", "Name (label)", "Answers"]


def test_what_no_office_file_can_hold_is_left_out(shops: Made) -> None:
    _, study = shops
    nasty = "a\x00b\x1b[2J\ud800c_x0041_\uffff"
    assert clean(nasty) == "ab[2Jc_x0041_"
    recorded = table([nasty, 1], a="name", b="n")
    book = opened(as_workbook(told(study, headline=nasty, notes=[nasty], tables={"one": recorded})))
    assert book["report"]["A1"].value == "ab[2Jc_x0041_"
    assert book["one"]["A2"].value == "ab[2Jc_x0041_"
    long = opened(as_workbook(told(study, tables={"one": table(["x" * 40_000, float("nan")], a="name", b="n")})))["one"]
    assert (len(long["A2"].value), long["B2"].value) == (32_767, None)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(min_size=1), min_size=1, max_size=50))
def test_any_text_arrives_as_it_is(shops: Made, texts: list[str]) -> None:
    _, study = shops
    book = opened(as_workbook(told(study, tables={"one": table(*([text] for text in texts), a="letters")})))
    found = [row[0] for row in book["one"].iter_rows(min_row=2)]
    assert [cell.data_type for cell in found if cell.value is not None] == ["s" for text in texts if clean(text)]
    wanted = [clean(text) or None for text in texts]
    assert [cell.value for cell in found] + [None] * (len(texts) - len(found)) == wanted


def test_sheets_have_names_that_spreadsheets_allow(shops: Made) -> None:
    _, study = shops
    names = ["report", "History", "a/b:c[d]'e", "x" * 40, "x" * 41, "", "definitions", "REPORT"]
    book = opened(as_workbook(told(study, tables={name: table([1], n="n") for name in names})))
    assert book.sheetnames == [
        "report", "report 2", "History 2", "a b c d  e", "x" * 31, "x" * 27 + " 2", "table", "definitions 2",
        "REPORT 3", "definitions",
    ]  # fmt: skip


def test_a_table_that_is_too_long_is_cut_and_says_so(shops: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    _, study = shops
    monkeypatch.setattr(workbook, "MOST_CELLS", 40)
    tables = {"long": table(*([at, 0.5] for at in range(1200)), a="n", b="share"), "short": table([1], n="n")}
    book = opened(as_workbook(told(study, tables=tables)))
    rows = [row[0].value for row in book["long"].iter_rows(min_row=2)]
    assert rows == [*range(19), None, "1,181 more rows are in long.csv"]
    assert book["long"].auto_filter.ref == "A1:B20"
    assert [text for name, text in first_sheet(book) if name == "Left out"] == [
        "1,181 rows of long are not in this workbook: see long.csv."
    ]

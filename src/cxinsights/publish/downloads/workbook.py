"""A report as a workbook: what it is, a sheet for each of its tables, and what their columns mean.

Every number is one of the report's record, and as exact as there; what may not be shown says so in words. Text is
always written as text, whatever it begins with: nothing that people have typed is ever computed.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from cxinsights.display.theme import LIGHT
from cxinsights.publish.downloads.cells import Column, columns_of, is_hidden, spec_of
from cxinsights.publish.downloads.contents import Contents, clean
from cxinsights.publish.standing import STATUS

__all__ = ["MADE", "MOST_CELLS", "as_workbook"]

MADE = datetime(1980, 1, 1)
"""When files say they were made: always the same, so that the same report gives the same bytes."""
MOST_CELLS = 250_000
"""Of a workbook; further rows of large tables are in the CSV files."""
_REPORT, _DEFINITIONS = "report", "definitions"
_HOW = (
    "Each row has its base, and each estimate the ends of its interval (from, to). Cells hold figures as exact as they "
    f"were computed. What a column means is on the sheet {_DEFINITIONS}."
)
_DEFINED = {
    "Column": 28, "Name in CSV files": 24, "Unit": 22, "From": 9, "To": 9, "Meaning": 62, "Values": 46, "Sheets": 36,
}  # fmt: skip
_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONGEST_NAME = 31
_NO_NAME = re.compile(r"[\[\]:*?/\\']")
_NARROWEST, _WIDEST, _WIDE = 9, 44, 92
_LINE, _MOST_LINES = 15, 27
_LINK = {"font_color": LIGHT["accent"], "underline": 1, "valign": "top"}
_PAPER_A4 = 9


def as_workbook(contents: Contents) -> bytes:
    """The bytes of a report's workbook, the same for the same report."""
    return _Book(contents).written()


def _rooms(sizes: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Rows that each table may have, by its rows and columns: small ones all, and large ones share what is left."""
    left, rooms = MOST_CELLS, {}
    for at, (name, (n_rows, n_columns)) in enumerate(sorted(sizes.items(), key=lambda one: one[1][0] * one[1][1])):
        cells = min(n_rows * n_columns, left // (len(sizes) - at))
        rooms[name] = max(cells // max(n_columns, 1), 1)
        left -= cells
    return rooms


class _Book:
    """A workbook on its way."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._file = io.BytesIO()
        self._book = Workbook(self._file, {"in_memory": True})
        self._styles: dict[tuple, Format] = {}
        self._tables = {name: table for name, table in _in_order(contents.result) if table["rows"]}
        self._names = _sheet_names(self._tables)
        self._columns = {name: columns_of(table, contents.study) for name, table in self._tables.items()}
        self._room = _rooms({name: (len(t["rows"]), len(t["columns"])) for name, t in self._tables.items()})
        self._left_out: dict[str, int] = {}

    def written(self) -> bytes:
        """The whole workbook."""
        told = self._contents
        self._book.set_properties({"title": told.headline, "subject": told.subject, "created": MADE, "author": ""})
        first = self._book.add_worksheet(_REPORT)
        for name, table in self._tables.items():
            self._write_table(name, table)
        self._write_report(first)
        self._write_definitions()
        self._book.close()
        return self._file.getvalue()

    def _write_report(self, sheet: Worksheet) -> None:
        """The first sheet: what this is, what it found, and where to look."""
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, 1, _WIDE)
        sheet.set_column(2, 3, 12)
        self._text(sheet, 0, 0, self._contents.headline, bold=True, font_size=16)
        row = 2
        for name, text in self._told():
            self._text(sheet, row, 0, name, font_color=LIGHT["quiet"], valign="top")
            self._text(sheet, row, 1, text, text_wrap=True, valign="top")
            _heighten(sheet, row, [(text, _WIDE)])
            row += 1
        row += 1
        for at, head in enumerate(("Sheet", "Columns", "Rows", "Answers")):
            self._text(sheet, row, at, head, bold=True, bottom=1, align="right" if at > 1 else "left")
        for name, table in self._tables.items():
            row += 1
            link = f"internal:'{self._names[name]}'!A1"
            sheet.write_url(row, 0, link, self._style(**_LINK), self._names[name])
            labels = ", ".join(column.label for column in self._columns[name])
            self._text(sheet, row, 1, labels, text_wrap=True, font_color=LIGHT["quiet"], valign="top")
            _heighten(sheet, row, [(labels, _WIDE)])
            self._number(sheet, row, 2, len(table["rows"]), "#,##0", valign="top")
            if isinstance(table.get("base"), int):
                self._number(sheet, row, 3, table["base"], "#,##0", valign="top")
        self._print(sheet)

    def _told(self) -> Iterator[tuple[str, str]]:
        told = self._contents
        yield "Report", told.report.title
        yield "Place", told.place
        yield "Period", told.period
        yield "Finding", told.headline
        if told.lead:
            yield "In short", told.lead
        status = str(told.result.get("status", "ok"))
        if status != "ok":
            yield "Status", clean(STATUS.get(status, status))
        for line in told.notices:
            yield "Restated", line
        for line in told.result.get("notes", []):
            yield "Note", clean(str(line))
        hidden = sum(is_hidden(value) for table in self._tables.values() for row in table["rows"] for value in row)
        if hidden:
            figures = "figure is" if hidden == 1 else "figures are"
            yield "Not shown", f"{hidden:,} {figures} not shown; each says why in its place."
        for name, n in self._left_out.items():
            yield "Left out", f"{n:,} rows of {self._names[name]} are not in this workbook: see {name}.csv."
        if self._tables:
            yield "How to read", _HOW
        yield "Source", " ".join(told.source)

    def _write_table(self, name: str, table: Mapping[str, Any]) -> None:
        """A sheet as wide as the table, its header fixed and ready to be filtered."""
        sheet, columns = self._book.add_worksheet(self._names[name]), self._columns[name]
        most = self._room[name]
        rows = table["rows"][:most]
        if len(table["rows"]) > most:
            self._left_out[name] = len(table["rows"]) - most
        widths = [max(map(len, column.label.split())) + 4 for column in columns]
        for at, values in enumerate(rows, 1):
            row = dict(zip(table["columns"], values, strict=True))
            for to, (column, value) in enumerate(zip(columns, values, strict=True)):
                widths[to] = max(widths[to], self._write(sheet, at, to, column, value, row))
        heads = [(column.label, column.kind != "text") for column in columns]
        self._write_head(sheet, heads, [min(max(width, _NARROWEST), _WIDEST) for width in widths], len(rows))
        if name in self._left_out:
            told = f"{self._left_out[name]:,} more rows are in {name}.csv"
            self._text(sheet, len(rows) + 2, 0, told, font_color=LIGHT["quiet"])
        self._print(sheet, repeat=True)

    def _write_head(
        self, sheet: Worksheet, heads: Sequence[tuple[str, bool]], widths: Sequence[int], n_rows: int
    ) -> None:
        """Labels, over figures to the right as these are; below them is room for the filter's buttons."""
        for at, ((label, is_number), width) in enumerate(zip(heads, widths, strict=True)):
            side = {"align": "right"} if is_number else {"indent": 1}
            self._text(sheet, 0, at, label, bold=True, text_wrap=True, valign="top", bottom=2, **side)
            sheet.set_column(at, at, width)
        _heighten(sheet, 0, [(label, width - 4) for (label, _), width in zip(heads, widths, strict=True)], least=2)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, n_rows, max(len(heads) - 1, 0))

    def _write(
        self, sheet: Worksheet, at: int, to: int, column: Column, value: Any, row: Mapping[str, Any]
    ) -> int:  # fmt: skip
        """Write one cell; gives its width in letters."""
        written = column.value(value, row)
        if written is None:
            return 0
        if isinstance(written, str):
            quiet = {"font_color": LIGHT["quiet"]} if is_hidden(value) else {}
            self._text(sheet, at, to, written, indent=1, **quiet)
            return len(written) + 3
        if isinstance(written, date):
            sheet.write_datetime(at, to, written, self._style(num_format=column.form, align="right"))
            return len(str(written)) + 1
        self._number(sheet, at, to, written, column.form_in(row))
        return _NARROWEST

    def _write_definitions(self) -> None:
        """The last sheet: each column of the tables once, by the name that it has in the CSV files too."""
        sheet = self._book.add_worksheet(_DEFINITIONS)
        found: dict[str, list[str]] = {}
        meanings: dict[str, str] = {}
        for table, columns in self._columns.items():
            for column in columns:
                found.setdefault(column.name, []).append(self._names[table])
                meanings.setdefault(column.name, column.meaning)
        heads = [(head, head in ("From", "To")) for head in _DEFINED]
        self._write_head(sheet, heads, list(_DEFINED.values()), len(found))
        for row, (name, sheets) in enumerate(found.items(), 1):
            spec = spec_of(name, self._contents.study)
            values = "; ".join(f"{stored}: {label}" for stored, label in spec.values.items() if stored)
            texts = {0: spec.label, 1: name, 2: spec.unit, 5: meanings[name], 6: values, 7: ", ".join(sheets)}
            widths = list(_DEFINED.values())
            _heighten(sheet, row, [(text, widths[at] - 2) for at, text in texts.items()])
            for at, text in texts.items():
                self._text(sheet, row, at, clean(text), text_wrap=True, valign="top", indent=1)
            for at, limit in ((3, spec.min), (4, spec.max)):
                if limit is not None:
                    self._number(sheet, row, at, limit, "General", valign="top")
        self._print(sheet, repeat=True)

    def _text(self, sheet: Worksheet, row: int, column: int, text: str, **style: Any) -> None:
        """Write text as text; what would begin a formula stays text when somebody edits its cell."""
        if text:
            own = {"quote_prefix": True} if text.startswith(_AS_FORMULA) else {}
            sheet.write_string(row, column, text, self._style(**style, **own))

    def _number(self, sheet: Worksheet, row: int, column: int, value: float, form: str, **style: Any) -> None:
        sheet.write_number(row, column, value, self._style(num_format=form, **style))

    def _style(self, **style: Any) -> Format:
        key = tuple(sorted(style.items()))
        if key not in self._styles:
            self._styles[key] = self._book.add_format(style)
        return self._styles[key]

    def _print(self, sheet: Worksheet, repeat: bool = False) -> None:
        """On paper as wide as a page, each with the report's name."""
        sheet.set_landscape()
        sheet.set_paper(_PAPER_A4)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(1)
        if repeat:
            sheet.repeat_rows(0)
        subject = self._contents.subject[:100].replace("&", "&&")  # alone it begins a command there
        sheet.set_footer(f"&L{subject}&R&P of &N")


def _heighten(sheet: Worksheet, row: int, texts: Sequence[tuple[str, int]], least: int = 1) -> None:
    """Room for all lines of the texts in a row, each with the letters of a line: not every program makes it itself."""
    lines = max(sum(-(-len(line) // width) or 1 for line in text.split("\n")) for text, width in texts)
    if max(lines, least) > 1:
        sheet.set_row(row, min(max(lines, least), _MOST_LINES) * _LINE)


def _in_order(result: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The tables of a record in the analysis's own order, which its list of CSV files has."""
    order = {str(name).removesuffix(".csv"): at for at, name in enumerate(result.get("downloads", []))}
    return sorted(result.get("tables", {}).items(), key=lambda table: order.get(table[0], len(order)))


def _sheet_names(tables: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    """A name for each table's sheet, as spreadsheets allow them."""
    found: dict[str, str] = {}
    taken = {_REPORT, _DEFINITIONS, "history"}  # the last is a spreadsheet's own
    for table in tables:
        name = stem = _NO_NAME.sub(" ", clean(table))[:_LONGEST_NAME].strip() or "table"
        at = 2
        while name.lower() in taken:
            name, at = f"{stem[: _LONGEST_NAME - 4]} {at}", at + 1
        taken.add(name.lower())
        found[table] = name
    return found

"""The data-quality page: what came in, what was left out or set apart and why, and what was left blank.

Counts, lines and names only: the rows themselves stay in the study's private folder.
"""

from collections.abc import Iterable

from cxinsights.display.blocks import Block, Column, Fact, Headline, Prose, Table
from cxinsights.display.numbers import percent
from cxinsights.display.words import as_subject, spelled
from cxinsights.errors import DataError
from cxinsights.params import Study
from cxinsights.schemas.columns import column, value_label

__all__ = ["quality_blocks"]

_MADE = " A raw row may hold several events, an order be made of several raw rows, and marks add events."


def quality_blocks(manifest: dict, study: Study) -> list[Block]:
    """Parts of the page, from the import's manifest."""
    tables = manifest["tables"]
    return [
        _headline(tables, study),
        _table_of_tables(tables),
        *([_table_of_reasons(tables)] if any(t["reasons"] for t in tables.values()) else []),
        *([_table_of_rules(tables)] if any(t["left_out_reasons"] for t in tables.values()) else []),
        *(_table_of_stages(name, tables[name], study) for name in tables if tables[name]["stages"]),
        *(_table_of_marks(name, tables[name], study) for name in tables if tables[name]["marks"]),
        *(_table_of_columns(name, tables[name], study) for name in tables),
        _note(study),
    ]


def _headline(tables: dict, study: Study) -> Headline:
    rows, kept, lost, out = (sum(t[name] for t in tables.values()) for name in ("rows", "kept", "rejected", "left_out"))
    made = sum(t["in_table"] for t in tables.values())
    files = _files(tables)
    facts = [
        Fact("Raw rows", f"{rows:,}", f"in {files}"),
        Fact("In tables", f"{kept:,}", f"made into {made:,} rows" if _are_made(tables) else ""),
        Fact("Set apart", f"{lost:,}", f"at most {percent(study.max_reject_share)} of a table is allowed"),
    ]
    return Headline(f"Data quality · {study.label}", *_said(tables, rows, lost, out, files), facts)


def _said(tables: dict, rows: int, lost: int, out: int, files: str) -> tuple[str, str]:
    """Title and lead."""
    by_rule = f"{out:,} more {'is' if out == 1 else 'are'} left out on purpose." if out else ""
    if lost:
        shares = {name: t["rejected"] / max(t["rows"] - t["left_out"], 1) for name, t in tables.items()}
        worst = max(shares, key=lambda name: shares[name])
        told = percent(shares[worst], 2) if shares[worst] >= 0.0001 else "under 0.01%"
        return (
            f"{lost:,} of {rows:,} raw rows {'is' if lost == 1 else 'are'} set apart",
            f"Most in {worst}: {told} of its rows. Each one is kept with its file, line and reason. {by_rule}".strip(),
        )
    lead = f"{rows:,} rows from {files}; none had to be set apart."
    if out:
        return "No raw row is faulty; some are left out on purpose", f"{lead} {by_rule.replace(' more', '')}"
    return "Every raw row is in", lead


def _table_of_tables(tables: dict) -> Table:
    made = _are_made(tables)
    names = {"rows": "Raw rows", "kept": "Used" if made else "In the table", "rejected": "Set apart"}
    if any(table["left_out"] for table in tables.values()):
        names["left_out"] = "Left out"
    rows = []
    for name, table in tables.items():
        shown = [[as_subject(name), "all files", *_counted(table, names), f"{table['in_table']:,}"]]
        if len(table["files"]) > 1:
            shown += [[as_subject(name), file["file"], *_counted(file, names), "–"] for file in table["files"]]
        rows += shown if made else [row[:-1] for row in shown]
    added = ["rows used" if made else "rows in the table", "rows set apart"]
    added += ["rows left out"] if "left_out" in names else []
    return Table(
        "tables",
        "Rows read, by table and file",
        [
            Column("Table", numeric=False),
            Column("File", numeric=False),
            *(Column(name) for name in names.values()),
            *([Column("Rows made")] if made else []),
        ],
        rows,
        note=f"Raw rows = {' + '.join(added)}." + (_MADE if made else ""),
        folded=False,
    )


def _table_of_reasons(tables: dict) -> Table:
    rows = [
        [as_subject(name), reason["reason"], f"{reason['rows']:,}", f"{reason['file']}, line {reason['line']:,}"]
        for name, table in tables.items()
        for reason in sorted(table["reasons"], key=lambda r: -r["rows"])
    ]
    return Table(
        "reasons",
        "Why rows were set apart",
        [Column("Table", numeric=False), Column("Reason", numeric=False), Column("Rows"), Column("First at", False)],
        rows,
        note="A row with two faults is counted once, under both reasons together.",
        folded=False,
    )


def _table_of_rules(tables: dict) -> Table:
    rows = [
        [as_subject(name), rule["reason"], f"{rule['rows']:,}", f"{rule['file']}, line {rule['line']:,}"]
        if rule["rows"]
        else [as_subject(name), rule["reason"], "0", "none"]
        for name, table in tables.items()
        for rule in table["left_out_reasons"]
    ]
    named = sum(rule["rows"] for table in tables.values() for rule in table["left_out_reasons"])
    out = sum(table["left_out"] for table in tables.values())
    whole = f"{out:,} {'row is' if out == 1 else 'rows are'} left out in all."
    twice = f" A row that two rules name is counted under both: {whole}" if named > out else ""
    return Table(
        "left-out",
        "Rows left out on purpose, by rule",
        [Column("Table", numeric=False), Column("Rule", numeric=False), Column("Rows"), Column("First at", False)],
        rows,
        note=f"Nothing is wrong with these rows, but the study is not about them.{twice}",
        folded=False,
    )


def _table_of_stages(name: str, table: dict, study: Study) -> Table:
    rows = [
        [value_label("stage", stage, study), f"{counts['answered']:,}", f"{counts['blank']:,}"]
        for stage, counts in table["stages"].items()
    ]
    return Table(
        f"stages-{name}",
        f"Stages of {name}: with and without a time",
        [Column("Stage", numeric=False), Column("With a time"), Column("Blank")],
        rows,
        note="A raw row holds a whole journey. Where no time stands there is no event.",
    )


def _table_of_marks(name: str, table: dict, study: Study) -> Table:
    def place(last: str | None) -> str:
        return "first event" if last is None else f"last event of {value_label('stage', last, study)}"

    marks = study.tables[name].marks
    return Table(
        f"marks-{name}",
        f"Marks: {name} made at a place in the journey",
        [Column("Stage", numeric=False), Column("Made at a customer's", numeric=False), Column("Events made")],
        [
            [value_label("stage", stage, study), place(marks[stage].last), f"{made:,}"]
            for stage, made in table["marks"].items()
        ],
        note="No raw row holds these events: each has the time and columns of the one it marks, which stays.",
    )


def _table_of_columns(name: str, table: dict, study: Study) -> Table:
    rows = []
    whole = max(table["in_table"], 1)
    for column_name, counts in table["columns"].items():
        if column_name.endswith("_applies"):
            continue
        rows.append(
            [
                _label(column_name, study),
                column_name,
                f"{counts['answered']:,}",
                percent(counts["answered"] / whole),
                f"{counts['blank']:,}",
                f"{counts['does_not_apply']:,}",
            ]
        )
    names = ["Filled", "Share filled", "Blank", "Does not apply"]
    return Table(
        f"columns-{name}",
        f"Columns of {name}: filled, blank and not applicable",
        [Column("Column", numeric=False), Column("Name", numeric=False), *(Column(n) for n in names)],
        rows,
        note="A question that one kind of survey or one period did not ask counts as blank here.",
    )


def _note(study: Study) -> Prose:
    return Prose(
        "where",
        "Where to look",
        [
            f"How raw files become tables is said in params/{study.name}/study.yml. The rows set apart are in "
            f"data/{study.name}/private/rejects.parquet, which is never served."
        ],
    )


def _files(tables: dict) -> str:
    """How many files were read; one may hold the rows of several tables."""
    names = [file["file"] for table in tables.values() for file in table["files"]]
    number = len(set(names))
    shared = f" read for {spelled(len(tables))} tables" if number < len(names) else ""
    return f"{spelled(number)} file{'' if number == 1 else 's'}{shared}"


def _are_made(tables: dict) -> bool:
    """Whether any table has other rows than the raw ones."""
    return any(table["in_table"] != table["kept"] for table in tables.values())


def _counted(counts: dict, names: Iterable[str]) -> list[str]:
    return [f"{counts[name]:,}" for name in names]


def _label(name: str, study: Study) -> str:
    try:
        return column(name, study).label
    except DataError:
        return name

"""The data-quality page: what came in, what was set apart and why, and what was left blank.

Counts, lines and names only: the rows themselves stay in the study's private folder.
"""

from cxinsights.display.blocks import Block, Column, Fact, Headline, Prose, Table
from cxinsights.display.numbers import percent
from cxinsights.display.words import as_subject, spelled
from cxinsights.errors import DataError
from cxinsights.params import Study
from cxinsights.schemas.columns import column

__all__ = ["quality_blocks"]


def quality_blocks(manifest: dict, study: Study) -> list[Block]:
    """Parts of the page, from the import's manifest."""
    tables = manifest["tables"]
    return [
        _headline(tables, study),
        _table_of_tables(tables),
        *([_table_of_reasons(tables)] if any(t["reasons"] for t in tables.values()) else []),
        *(_table_of_columns(name, tables[name], study) for name in tables),
        _note(study),
    ]


def _headline(tables: dict, study: Study) -> Headline:
    rows = sum(t["rows"] for t in tables.values())
    lost = sum(t["rejected"] for t in tables.values())
    files = sum(len(t["files"]) for t in tables.values())
    title = (
        "Every raw row is in" if not lost else f"{lost:,} of {rows:,} raw rows {'is' if lost == 1 else 'are'} set apart"
    )
    worst = max(tables, key=lambda name: tables[name]["rejected"] / max(tables[name]["rows"], 1))
    share = tables[worst]["rejected"] / max(tables[worst]["rows"], 1)
    told = percent(share, 2) if share >= 0.0001 else "under 0.01%"
    lead = (
        f"Most in {worst}: {told} of its rows. Each one is kept with its file, line and reason."
        if lost
        else f"{rows:,} rows from {spelled(files)} file{'' if files == 1 else 's'}; none had to be set apart."
    )
    facts = [
        Fact("Raw rows", f"{rows:,}", f"in {spelled(files)} file{'' if files == 1 else 's'}"),
        Fact("In tables", f"{rows - lost:,}"),
        Fact("Set apart", f"{lost:,}", f"at most {percent(study.max_reject_share)} of a table is allowed"),
    ]
    return Headline(f"Data quality · {study.label}", title, lead, facts)


def _table_of_tables(tables: dict) -> Table:
    rows = []
    for name, table in tables.items():
        rows.append([as_subject(name), "all files", *_counted(table)])
        if len(table["files"]) > 1:
            rows += [[as_subject(name), file["file"], *_counted(file)] for file in table["files"]]
    names = ["Raw rows", "In the table", "Set apart"]
    return Table(
        "tables",
        "Rows read, by table and file",
        [Column("Table", numeric=False), Column("File", numeric=False), *(Column(name) for name in names)],
        rows,
        note="Raw rows = rows in the table + rows set apart.",
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


def _table_of_columns(name: str, table: dict, study: Study) -> Table:
    rows = []
    kept = max(table["kept"], 1)
    for column_name, counts in table["columns"].items():
        if column_name.endswith("_applies"):
            continue
        rows.append(
            [
                _label(column_name, study),
                column_name,
                f"{counts['answered']:,}",
                percent(counts["answered"] / kept),
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


def _counted(counts: dict) -> list[str]:
    return [f"{counts[name]:,}" for name in ("rows", "kept", "rejected")]


def _label(name: str, study: Study) -> str:
    try:
        return column(name, study).label
    except DataError:
        return name

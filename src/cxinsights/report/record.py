"""Record a result: `result.json` and tables, written through the guard where the batch asks for them.

`result.json` is what everything after a report reads. It holds no time, host, path or run: the same inputs give
the same bytes. In a notebook that nobody asked to record (JupyterLab, the live page) nothing is written.
"""

import csv
import io
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE
from cxinsights.display.blocks import Block, Headline
from cxinsights.display.numbers import count
from cxinsights.display.numbers import text_without_fixed_spaces as plain_text
from cxinsights.errors import PrivacyError
from cxinsights.params import ScorecardParams
from cxinsights.privacy import Guarded, Suppressed, is_shown

__all__ = ["RECORD_TO", "Provenance", "record"]

RECORD_TO = "CXINSIGHTS_RECORD_TO"
"""Environment variable with the folder to record into; set by the batch for each report."""
SCHEMA = 1
_DIGITS = 12


@dataclass(frozen=True)
class Provenance(Block):
    """What a report rests on, in one line at its end."""

    text: str

    def as_html(self) -> str:
        """Nothing: the page's footer says it."""
        return ""

    def as_markdown(self) -> str:
        """The line."""
        return self.text


def record(result: Guarded, headline: Headline, data_hash: str) -> Provenance:
    """Write a guarded result as `result.json` and one CSV per table, if the batch asks for it.

    Parameters
    ----------
    result
        As `guard` gives it; nothing else is recorded.
    headline
        Its title is what lists of reports show.
    data_hash
        Short name of the data the result was computed from.

    Raises
    ------
    PrivacyError
        The result has not passed the guard.
    """
    if not isinstance(result, Guarded):
        raise PrivacyError(
            f"record takes what guard() gives, not a {type(result).__name__}: nothing is recorded unguarded."
        )
    folder = os.environ.get(RECORD_TO)
    if folder:
        _write(result, headline, Path(folder))
    period = result.study.periods.period(result.params.period).label
    n = max((int(t["n"].max()) for t in result.tables.values() if len(t) and "n" in t), default=0)
    return Provenance(f"{period} · {count(n, result.params.counts)} · data {data_hash}")


def _write(result: Guarded, headline: Headline, folder: Path) -> None:
    tables = {name: table for name, table in result.tables.items() if len(table)}
    content = {
        "schema": SCHEMA,
        "study": result.params.study,
        "period": result.params.period,
        "region": result.params.region,
        "unit": result.params.unit,
        "analysis": result.params.analysis,
        "status": result.status,
        "headline": plain_text(headline.title),
        "lead": plain_text(headline.lead),
        "scores": _scores(result),
        "tables": {name: _table(table) for name, table in tables.items()},
        "notes": _notes(result),
        "downloads": [f"{name}.csv" for name in tables],
    }
    text = json.dumps(_rounded(content), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (folder / "result.json").write_text(text + "\n", encoding="utf-8")
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(_csv(table), encoding="utf-8")


def _scores(result: Guarded) -> list[dict[str, Any]]:
    """The report's own scores, for those who read no further: value, interval, base, change, state."""
    table = result.tables.get("scores")
    if table is None or not len(table) or not isinstance(result.params, ScorecardParams):
        return []
    table = table[table["survey"] == result.params.survey]
    changes = result.tables["changes"]
    changes = changes[changes["comparison"] == result.params.compare] if len(changes) else changes
    found = []
    for row in table.to_dict("records"):
        entry = {
            "metric": row["metric"],
            "value": row["score"],
            "ci_low": row["ci_low"],
            "ci_high": row["ci_high"],
            "n": row["n"],
            "n_missing": row["n_missing"],
            "weighted": row["weighted"],
            "question": row["question"],
            "survey": row["survey"],
            "target": row["target"],
            "change": None,
            "state": None,
        }
        is_lead = row["weighted"] == table["weighted"].max()
        if is_lead and len(changes):
            same = (changes[[*NODE, "survey", "metric"]] == [row[c] for c in (*NODE, "survey", "metric")]).all(axis=1)
            if same.any():
                moved = changes[same].iloc[0]
                entry |= {"change": moved["change"], "state": moved["state"]}
        found.append({key: _cell(value) for key, value in entry.items()})
    return found


def _notes(result: Guarded) -> list[str]:
    full = (np.logical_and.reduce([is_shown(table[name]) for name in table]) for table in result.tables.values()
            if len(table))  # fmt: skip
    hidden = sum(int((~rows).sum()) for rows in full)
    notes = [result.reason] if result.reason else []
    if hidden:
        notes.append(f"{hidden} rows hold figures that are not shown: too few answers, or they would give others away")
    return notes


def _table(table: pd.DataFrame) -> dict[str, Any]:
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False, name=None)]
    base = int(table["n"].max()) if "n" in table else None
    return {"columns": list(table.columns), "rows": rows, "base": base}


def _cell(value: Any) -> Any:
    """A value as JSON has it; a figure that is not shown keeps its type."""
    if isinstance(value, Suppressed):
        return {"suppressed": value.why, "threshold": value.threshold}
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return None if value is None or pd.isna(value) else str(value)


def _rounded(value: Any) -> Any:
    """Floats at twelve significant digits, so that the last bits of a machine's arithmetic do not show."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


def _csv(table: pd.DataFrame) -> str:
    """A table for spreadsheets; text that a spreadsheet would take for a formula is made plain."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.itertuples(index=False, name=None):
        writer.writerow([_csv_cell(value) for value in row])
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, Suppressed):
        return str(value)
    cell = _cell(value)
    if isinstance(cell, str):
        cell = " ".join(cell.splitlines())  # a line break would begin a row of its own
        return "'" + cell if cell[:1] in ("=", "+", "-", "@", "\t") else cell
    return f"{cell:.{_DIGITS}g}" if isinstance(cell, float) else cell

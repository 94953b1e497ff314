"""What other reports recorded, read again: as tables with the rows that are shown whole, or as guarded as they were."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.brief import Record
from cxinsights.analysis.results import published_tables
from cxinsights.params import ANALYSES, ReportParams, Study
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.report.identity import ReportId

__all__ = ["COUNTS", "NOT_MADE", "RESULT", "guarded_again", "read_contents", "records_of"]

RESULT = "result.json"
COUNTS = ("n_missing", "n_does_not_apply")
"""Counts of customers who gave no figure: the guard hides them where they are few, and the figures stay."""
NOT_MADE: dict[str, Any] = {"status": "no_data", "notes": ["not made"], "tables": {}}
"""In place of the record of a report that there is not."""


def read_contents(outputs: Path, params: ReportParams, without: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """What the reports of the same place and period recorded that are made before this one, by analysis.

    Those that the study has come to do without are not read, though what they recorded once may still lie there.
    """
    found = {}
    for analysis, model in ANALYSES.items():
        report = ReportId(params.study, params.period, params.region, params.unit, analysis)
        path = report.folder(outputs) / RESULT
        if model.turn < params.turn and analysis not in without and path.exists():
            found[analysis] = json.loads(path.read_text(encoding="utf-8"))
    return found


def records_of(contents: Mapping[str, dict[str, Any]]) -> dict[str, Record]:
    """The records as an analysis reads them, without rows that hold a figure not shown and without counts of blanks."""
    found = {}
    for analysis, content in contents.items():
        shown = {name: _shown_whole(_frame(table)) for name, table in content["tables"].items()}
        found[analysis] = Record(content["status"], content["headline"], content["lead"], shown)
    return found


def guarded_again(content: dict[str, Any], kind: type, params: ReportParams, study: Study) -> Guarded:
    """A recorded result as the guard gave it, for the blocks that show such a result.

    Parameters
    ----------
    content
        What `record` wrote.
    kind
        Class of the result.
    params
        Of the report that was recorded.
    """
    tables = {name: _frame(content["tables"][name]) if name in content["tables"] else pd.DataFrame()
              for name in published_tables(kind)}  # fmt: skip
    result = kind(params, content["status"], content["notes"][0] if content["status"] != "ok" else "")
    return Guarded(result, study, tables, result.status, result.reason)


def _frame(table: dict[str, Any]) -> pd.DataFrame:
    rows = [[_value(cell) for cell in row] for row in table["rows"]]
    frame = pd.DataFrame(rows, columns=table["columns"])
    nothing = [name for name in frame if frame[name].isna().all()]
    return frame.astype(dict.fromkeys(nothing, float))


def _value(cell: Any) -> Any:
    return Suppressed(cell["threshold"], cell["suppressed"]) if isinstance(cell, dict) else cell


def _shown_whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows without a figure that is not shown, numbers as numbers."""
    frame = frame.drop(columns=[*COUNTS], errors="ignore")
    whole = np.logical_and.reduce([is_shown(frame[name]) for name in frame])
    return frame[whole].infer_objects().reset_index(drop=True)

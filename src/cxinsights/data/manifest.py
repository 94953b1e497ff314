"""The manifest of a study's tables: what the last import read, kept and set apart."""

import json

from cxinsights.errors import DataError
from cxinsights.params import Project, Study

__all__ = ["MANIFEST", "has_table", "known_periods", "read_manifest", "table_columns"]

MANIFEST = "manifest.json"
_OF_PERIODS = ("responses", "employees", "sites", "events", "orders")
"""Tables whose rows a report can be about; a target or benchmark alone makes no period."""


def read_manifest(project: Project, study: Study) -> dict:
    """What the last import counted.

    Raises
    ------
    DataError
        The study has not been imported.
    """
    path = project.tables(study.name) / MANIFEST
    if not path.exists():
        raise DataError(
            f"{study.name}: no tables yet. Run: cxinsights import {study.name} (make reports does it for you)."
        )
    return json.loads(path.read_text(encoding="utf-8"))


def has_table(project: Project, study: Study, table: str) -> bool:
    """Whether the study imports this table."""
    return table in read_manifest(project, study)["tables"]


def table_columns(project: Project, study: Study, table: str) -> list[str]:
    """Columns of an imported table."""
    return list(read_manifest(project, study)["tables"][table]["columns"])


def known_periods(project: Project, study: Study) -> list[str]:
    """Periods that answers, sites, events or orders belong to, the earliest first."""
    tables = read_manifest(project, study)["tables"]
    found = {period for name in _OF_PERIODS if name in tables for period in tables[name]["periods"]}
    return study.periods.order(list(found))

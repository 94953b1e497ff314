"""The manifest of a study's tables: what the last import read, kept and set apart."""

import json

from cxinsights.errors import DataError
from cxinsights.params import Project, Study

__all__ = ["MANIFEST", "read_manifest"]

MANIFEST = "manifest.json"


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

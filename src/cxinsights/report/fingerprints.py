"""Short names of content: of parameters, code and data, to tell whether anything has changed."""

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from cxinsights.data.manifest import read_manifest
from cxinsights.params import Project, Study

__all__ = ["code_hash", "short_hash", "state_of"]


def short_hash(*parts: Any) -> str:
    """Sixteen hex digits that name these values (anything JSON can hold)."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def state_of(project: Project, study: Study, *parts: Any) -> str:
    """Short name of all that a report of a study can depend on (its tables, params and our code), and of `parts`."""
    settings = study.model_dump(mode="json", exclude={"label", "about"})
    code = code_hash("analysis", "report", "report/inputs", "data", "schemas", ".")
    return short_hash(read_manifest(project, study)["fingerprint"], settings, code, *parts)


@cache
def code_hash(*packages: str) -> str:
    """Short name of the source code of these parts of cxinsights."""
    digest = hashlib.sha256()
    for package in packages:
        for source in sorted(files("cxinsights").joinpath(package).iterdir(), key=lambda f: f.name):
            if source.name.endswith(".py"):
                digest.update(source.read_bytes())
    return digest.hexdigest()[:16]

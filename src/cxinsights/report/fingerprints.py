"""Short names of content: of parameters, code and data, to tell whether anything has changed."""

import hashlib
import json
import os
import platform
import sys
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Any

from cxinsights.data.manifest import read_manifest
from cxinsights.params import Project, Study

__all__ = ["code_hash", "installed", "short_hash", "state_of"]

_FIGURES = ("analysis", "report", "report/inputs", "data", "schemas", ".")
"""Parts of our code that figures come from; the rest shows them."""


def short_hash(*parts: Any) -> str:
    """Sixteen hex digits that name these values (anything JSON can hold)."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def state_of(project: Project, study: Study, *parts: Any) -> str:
    """Short name of all that a report of a study can depend on (its tables, params and our code), and of `parts`."""
    settings = study.model_dump(mode="json", exclude={"label", "about", "without"})
    return short_hash(read_manifest(project, study)["fingerprint"], settings, code_hash(), *parts)


@cache
def code_hash(*parts: str) -> str:
    """Short name of the source code of these parts of cxinsights, or all that figures come from, and of `installed`."""
    digest = hashlib.sha256(" ".join(installed()).encode())
    for package in parts or _FIGURES:
        for source in sorted(files("cxinsights").joinpath(package).iterdir(), key=lambda f: f.name):
            if source.name.endswith(".py"):
                digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def installed() -> list[str]:
    """Python's version, and name and version of every package beside it, as the names of their folders have them."""
    found = {platform.python_version()}
    for folder in sys.path:
        with suppress(OSError):
            found |= {entry.name for entry in os.scandir(folder or ".") if entry.name.endswith(".dist-info")}
    return sorted(found)

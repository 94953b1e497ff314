"""Short names of content: of parameters, code and data, to tell whether anything has changed."""

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["code_hash", "short_hash"]


def short_hash(*parts: Any) -> str:
    """Sixteen hex digits that name these values (anything JSON can hold)."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def code_hash(*packages: str) -> str:
    """Short name of the source code of these parts of cxinsights."""
    digest = hashlib.sha256()
    for package in packages:
        for source in sorted(files("cxinsights").joinpath(package).iterdir(), key=lambda f: f.name):
            if source.name.endswith(".py"):
                digest.update(source.read_bytes())
    return digest.hexdigest()[:16]

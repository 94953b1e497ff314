"""Throw away what is kept and was not used for long: it is computed again where it is needed."""

import shutil
import time
from pathlib import Path

from cxinsights.params import Project

__all__ = ["prune_caches"]


def prune_caches(project: Project, days: int) -> tuple[int, int]:
    """Remove kept results, and notebooks of failed runs, that are older than so many days.

    Returns
    -------
    tuple
        How many, and their size in bytes.
    """
    before = time.time() - 86_400 * days
    removed = size = 0
    for study in project.studies():
        private = project.private(study)
        for kept in [*private.glob("cache/*"), *private.glob("failed/*")]:
            if _last_used(kept) < before:
                size += _size(kept)
                removed += 1
                shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    return removed, size


def _last_used(kept: Path) -> float:
    """When a file of it was last read or written; a folder's own time of access is that of our looking into it."""
    files = [kept] if kept.is_file() else [path for path in kept.rglob("*") if path.is_file()]
    return max([kept.stat().st_mtime, *(max(path.stat().st_atime, path.stat().st_mtime) for path in files)])


def _size(kept: Path) -> int:
    return sum(path.stat().st_size for path in (kept, *kept.rglob("*")) if path.is_file())

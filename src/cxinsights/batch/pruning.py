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
    return max(max(path.stat().st_atime, path.stat().st_mtime) for path in (kept, *kept.glob("*")))


def _size(kept: Path) -> int:
    return sum(path.stat().st_size for path in (kept, *kept.rglob("*")) if path.is_file())

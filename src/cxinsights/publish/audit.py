"""Who opened what: a line for each request, kept by month."""

import json
import logging
import os
from datetime import UTC, datetime

from cxinsights.params import Project
from cxinsights.publish.access import Visitor

__all__ = ["Audit"]

log = logging.getLogger(__name__)


class Audit:
    """Writes `data/audit/<year>-<month>.jsonl`, which only its owner can read.

    A line holds time, visitor and visit (which taking of a link), method, path and status; never a link or a query.
    """

    def __init__(self, project: Project) -> None:
        self._folder = project.root / "data" / "audit"

    def __call__(self, visitor: Visitor | None, method: str, path: str, status: int) -> None:
        """Write a request down."""
        now = datetime.now(UTC)
        name, visit = ("", "") if visitor is None else (visitor.name, visitor.visit)
        line = {"at": now.isoformat(timespec="seconds"), "visitor": name, "visit": visit, "method": method,
                "path": path, "status": status}  # fmt: skip
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self._folder / f"{now:%Y-%m}.jsonl", "a", encoding="utf-8", opener=_private) as file:
                file.write(json.dumps(line, ensure_ascii=True) + "\n")
        except OSError as error:  # a full disk is no reason to serve nobody
            told = os.strerror(error.errno or 0)
            log.error("audit: a request could not be written down in data/audit (%s)", told)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)

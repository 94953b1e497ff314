"""One run at a time on the same outputs: a lock that ends with the process that holds it, however that ends."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import IO

from cxinsights.errors import BusyError
from cxinsights.params import Project

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["locked"]

_LOOK_S = 0.5


@contextmanager
def locked(project: Project, user: str, *, wait: bool = False, tell: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the project's lock, which lies beside its data.

    Parameters
    ----------
    user
        Who holds it, for those who wait.
    wait
        Whether to wait for who holds it, or to refuse.
    tell
        Where to say that it waits.

    Raises
    ------
    BusyError
        Another run holds it.
    """
    path = project.root / "data" / ".lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as file:
        if not _taken(file):
            told = f"the project is in use by {_holder(file)}"
            if not wait:
                raise BusyError(f"{told}. Let it end, or wait for it with --wait (make: WAIT=1).")
            tell(f"{told}: waiting")
            while not _taken(file):
                time.sleep(_LOOK_S)
        file.seek(0)
        file.truncate()
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "user": user, "since": since}, file)
        file.flush()
        try:
            yield
        finally:
            with suppress(OSError):
                file.seek(0)
                file.truncate()


def _taken(file: IO[str]) -> bool:
    if fcntl is None:
        return True  # nothing to lock with: runs are the user's to keep apart
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        held = json.loads(file.read())
        since = datetime.fromisoformat(held["since"])
        return f"a run of {held['user']} since {since:%d %B %H:%M} (process {held['pid']})"
    except (OSError, ValueError, KeyError, TypeError):  # it has only just begun
        return "another run"

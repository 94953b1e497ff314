"""What a kernel may take: time and memory, watched from outside, since what hangs cannot watch itself."""

import threading
import time
from contextlib import suppress

import psutil

from cxinsights.errors import ReportError
from cxinsights.kernels.limits import Limits

__all__ = ["LimitError", "Watch"]

_LOOK_S = 0.1


class LimitError(ReportError):
    """A report took more than it may."""


class Watch:
    """Looks after a kernel while it runs, and ends it where it takes too much.

    Parameters
    ----------
    pid
        The kernel's process.
    """

    def __init__(self, pid: int, limits: Limits) -> None:
        self._process = psutil.Process(pid)
        self._limits = limits
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak_mb = 0.0
        self.breach = ""
        """What it took too much of; empty where nothing."""

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        until = time.monotonic() + self._limits.seconds
        while not self._over.wait(_LOOK_S):
            try:
                self.peak_mb = max(self.peak_mb, _memory_mb(self._process))
            except psutil.Error:  # it has ended
                return
            if time.monotonic() > until:
                self.breach = f"it took longer than {self._limits.seconds:g} s (--timeout)"
            elif self.peak_mb > self._limits.memory_mb:
                self.breach = f"it took more than {self._limits.memory_mb:g} MB of memory (--memory)"
            if self.breach:
                with suppress(psutil.Error):  # it has just ended
                    self._process.kill()
                return


def _memory_mb(process: psutil.Process) -> float:
    found = process.memory_info().rss
    for child in process.children(recursive=True):
        try:
            found += child.memory_info().rss
        except psutil.Error:
            continue
    return found / 2**20

"""How a run shows itself: a bar on a terminal, a line per report elsewhere, and each failure at once."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from cxinsights.batch.jobs import Outcome

__all__ = ["Progress", "duration"]

_TELL_S = 60


class Progress:
    """Shows outcomes as they come in.

    Parameters
    ----------
    errors
        Where failures are told.
    total
        Reports to make.
    """

    def __init__(self, console: Console, errors: Console, total: int) -> None:
        self._console = console
        self._errors = errors
        self._total = total
        self._done = 0
        self._start = self._told = time.monotonic()
        columns = (
            TextColumn("Making reports"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn(),
        )  # fmt: skip
        self._bar = Bar(*columns, console=console, transient=True) if console.is_terminal else None
        self._task: TaskID | None = None

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total, rate="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, outcome: Outcome) -> None:
        """Show one more report."""
        self._done += 1
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, total=self._total, rate=self._rate)
        else:
            word = "failed" if outcome.failed else outcome.status
            again = f"  (attempt {outcome.attempts})" if outcome.attempts > 1 else ""
            self._say(f"{self._done:>4}/{self._total}  {outcome.report.path}  {word}  {outcome.seconds:.1f} s{again}")
            self._tell_time_left()
        if outcome.failed:
            errors = self._errors if self._bar is None else self._bar.console
            told = f"failed: {outcome.report.path}\n  " + outcome.error.replace("\n", "\n  ")
            errors.print(told, highlight=False, markup=False, soft_wrap=True, style="red")

    def stopped(self) -> None:
        """Say how far it came."""
        told = f"stopped after {self._done} of {self._total} reports. The rest: --repair (make: REPAIR=1)"
        self._console.print(told, highlight=False, markup=False, soft_wrap=True)

    def grow(self, more: int) -> None:
        """There are more reports to make than was known."""
        self._total += more

    @property
    def _rate(self) -> str:
        rate = self._done / max(time.monotonic() - self._start, 0.1)
        return f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.0f} a minute"

    def _tell_time_left(self) -> None:
        """In a log, once a minute: how fast it goes, and how long it will."""
        now = time.monotonic()
        if now - self._told >= _TELL_S and self._done < self._total:
            self._told = now
            left = (now - self._start) / self._done * (self._total - self._done)
            self._say(f"           {self._rate}, about {duration(left)} left")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """A time span for people: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

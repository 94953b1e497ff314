"""The ledger: who ran what when, with which data, code and versions, how long it took and how it ended.

A small SQLite database beside the data, written by the run alone, one row at a time: a run that dies leaves all that
it had done until then.
"""

import difflib
import getpass
import json
import os
import platform
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

import psutil

from cxinsights.params import Project

__all__ = ["Entry", "Ledger", "Run", "user_name", "versions"]

_FORMAT = 1
_PACKAGES = ("cxinsights", "numpy", "pandas", "scipy", "statsmodels", "papermill", "matplotlib")
_RECENT = 20  # entries that an estimate rests on
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run INTEGER PRIMARY KEY, study TEXT NOT NULL, period TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL,
    pid INTEGER NOT NULL, command TEXT NOT NULL, code TEXT NOT NULL, data TEXT NOT NULL, versions TEXT NOT NULL,
    workers INTEGER NOT NULL, planned INTEGER NOT NULL, started TEXT NOT NULL, ended TEXT, how TEXT
);
CREATE TABLE IF NOT EXISTS reports (
    run INTEGER NOT NULL REFERENCES runs, report TEXT NOT NULL, analysis TEXT NOT NULL, reason TEXT NOT NULL,
    status TEXT, error TEXT, seconds REAL, peak_mb REAL, attempts INTEGER, ended TEXT, PRIMARY KEY (run, report)
);
CREATE INDEX IF NOT EXISTS by_report ON reports (report, run);
"""


@dataclass(frozen=True)
class Run:
    """One run as the ledger has it."""

    run: int
    study: str
    period: str
    user: str
    host: str
    pid: int
    command: str
    code: str
    """Short name of the package's code."""
    data: str
    """Short name of the study's tables."""
    versions: str
    """Of Python and the packages that figures rest on, as JSON."""
    workers: int
    planned: int
    started: str
    ended: str | None
    how: str | None
    """done, failed (some reports), stopped; None while it runs, and for ever where it died."""
    made: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Entry:
    """One report of one run."""

    run: int
    report: str
    analysis: str
    reason: str
    status: str | None = None
    """Of the result, or failed; None where the run ended before it."""
    error: str | None = None
    seconds: float | None = None
    peak_mb: float | None = None
    attempts: int | None = None
    ended: str | None = None


class Ledger:
    """The ledger of a project.

    Parameters
    ----------
    project
        The ledger lies in its `data/` folder, which no server reaches.
    """

    def __init__(self, project: Project) -> None:
        self._path = project.root / "data" / "ledger.sqlite"

    def begin(
        self, study: str, period: str, reasons: dict[str, tuple[str, str]], *, code: str, data: str, workers: int,
        command: str,
    ) -> int:  # fmt: skip
        """Write down a run and what it is to make.

        Parameters
        ----------
        reasons
            By report: its analysis, and why it is made; an empty reason where that is still to be found out.

        Returns
        -------
        int
            The run's number.
        """
        row = {
            "study": study, "period": period, "user": user_name(), "host": platform.node(), "pid": os.getpid(),
            "command": command, "code": code, "data": data, "versions": json.dumps(versions()), "workers": workers,
            "planned": len(reasons), "started": _now(),
        }  # fmt: skip
        with closing(self._open()) as base, base:
            names = ", ".join(row)
            found = base.execute(f"INSERT INTO runs ({names}) VALUES ({_marks(row)})", tuple(row.values()))
            run = int(found.lastrowid or 0)
            _insert(base, run, reasons)
        return run

    def set_work(self, run: int, reasons: dict[str, tuple[str, str]], code: str) -> None:
        """Write down what a run has found that there is to make; a run that finds nothing is forgotten.

        Parameters
        ----------
        reasons
            By report: its analysis, and why it is made.
        """
        with closing(self._open()) as base, base:
            base.execute("DELETE FROM reports WHERE run = ?", (run,))
            if reasons:
                base.execute("UPDATE runs SET code = ?, planned = ? WHERE run = ?", (code, len(reasons), run))
                _insert(base, run, reasons)
            else:
                base.execute("DELETE FROM runs WHERE run = ?", (run,))

    def add(self, entry: Entry) -> None:
        """Write down how a report ended."""
        row = {**asdict(entry), "ended": _now()}
        with closing(self._open()) as base, base:
            base.execute(f"INSERT OR REPLACE INTO reports ({', '.join(row)}) VALUES ({_marks(row)})",
                         tuple(row.values()))  # fmt: skip

    def end(self, run: int, how: str) -> None:
        """Write down that a run has ended, and how: done, failed or stopped."""
        with closing(self._open()) as base, base:
            rows = "(SELECT count(*) FROM reports WHERE reports.run = runs.run)"  # scorecards may have come in
            base.execute(f"UPDATE runs SET ended = ?, how = ?, planned = {rows} WHERE run = ?", (_now(), how, run))

    def runs(self, most: int = 20, study: str | None = None) -> list[Run]:
        """The last runs, the latest first."""
        counts = "sum(p.status IS NOT NULL AND p.status != 'failed'), sum(p.status = 'failed')"
        found = self._rows(
            f"SELECT r.*, {counts} FROM runs r LEFT JOIN reports p USING (run) WHERE ?1 IS NULL OR study = ?1 "
            "GROUP BY run ORDER BY run DESC LIMIT ?2",
            (study, most),
        )
        return [Run(*row[:-2], made=row[-2] or 0, failed=row[-1] or 0) for row in found]

    def history(self, report: str, most: int = 20) -> list[Entry]:
        """What became of one report in the last runs, the latest first."""
        found = self._rows("SELECT * FROM reports WHERE report = ? ORDER BY run DESC LIMIT ?", (report, most))
        return [Entry(*row) for row in found]

    def made_from(self, run: int) -> str:
        """What a run's reports were made from: data, code and versions, in a line."""
        rows = self._rows("SELECT data, code, versions FROM runs WHERE run = ?", (run,))
        data, code, versions = rows[0]
        told = ", ".join(f"{name} {number}" for name, number in json.loads(versions).items())
        return f"data {data or '–'}, code {code or '–'}, {told}"

    def nearest(self, report: str) -> str | None:
        """The report that is called most alike, of those that runs have been about."""
        known = [row[0] for row in self._rows("SELECT DISTINCT report FROM reports")]
        return next(iter(difflib.get_close_matches(report, known, n=1)), None)

    def last_of(self, reports: Iterable[str]) -> dict[str, Entry]:
        """How each report last ended, where it ever did."""
        wanted = set(reports)
        found = self._rows(
            "SELECT p.* FROM reports p JOIN (SELECT report, max(run) AS run FROM reports WHERE status IS NOT NULL "
            "GROUP BY report) USING (report, run)"
        )
        return {entry.report: entry for entry in (Entry(*row) for row in found) if entry.report in wanted}

    def left_over(self, study: str) -> dict[str, str]:
        """Reports that the last run of a study was to make and did not, and why it was to."""
        found = self._rows(
            "SELECT report, reason FROM reports WHERE run = (SELECT max(run) FROM runs WHERE study = ?) "
            "AND (status IS NULL OR status = 'failed')",
            (study,),
        )
        return dict(found)

    def unmade(self, study: str) -> dict[str, Entry]:
        """Reports whose last run did not make them, and how that ended; a run that goes on is not asked."""
        found = self._rows(
            "SELECT p.*, r.ended IS NULL, r.pid, r.host FROM reports p JOIN runs r USING (run) WHERE r.study = ? AND "
            "p.run = (SELECT max(run) FROM reports q WHERE q.report = p.report) "
            "AND (p.status IS NULL OR p.status = 'failed')",
            (study,),
        )
        here = platform.node()
        entries = [
            Entry(*row)
            for *row, is_open, pid, host in found
            if not (is_open and host == here and psutil.pid_exists(pid))
        ]
        return {entry.report: entry for entry in entries}

    def last_run(self, study: str) -> tuple[str, str | None] | None:
        """Period of a study's last run, and how it ended: None where it was killed. None where there was no run."""
        found = self._rows("SELECT period, how FROM runs WHERE study = ? ORDER BY run DESC LIMIT 1", (study,))
        return found[0] if found else None

    def typical_seconds(self) -> dict[str, float]:
        """Median time of a report of each analysis, over the last that were made."""
        found = self._rows("SELECT analysis, seconds FROM reports WHERE seconds > 0 AND status != 'failed' "
                           "ORDER BY run DESC LIMIT 2000")  # fmt: skip
        times: dict[str, list[float]] = {}
        for analysis, seconds in found:
            if len(times.setdefault(analysis, [])) < _RECENT:
                times[analysis].append(seconds)
        return {analysis: sorted(own)[len(own) // 2] for analysis, own in times.items()}

    def prune(self, days: int) -> int:
        """Forget runs that began more than so many days ago; the number forgotten. The last of each study stays."""
        before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        with closing(self._open()) as base, base:
            old = "SELECT run FROM runs WHERE started < ? AND run NOT IN (SELECT max(run) FROM runs GROUP BY study)"
            base.execute(f"DELETE FROM reports WHERE run IN ({old})", (before,))
            return base.execute(f"DELETE FROM runs WHERE run IN ({old})", (before,)).rowcount

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(exist_ok=True)
        base = sqlite3.connect(self._path, timeout=30)
        if base.execute("PRAGMA user_version").fetchone()[0] == 0:
            base.executescript(_SCHEMA)
            base.execute(f"PRAGMA user_version = {_FORMAT}")
        return base

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple]:
        if not self._path.exists():
            return []
        with closing(self._open()) as base:
            return base.execute(query, values).fetchall()


def _insert(base: sqlite3.Connection, run: int, reasons: dict[str, tuple[str, str]]) -> None:
    base.executemany(
        "INSERT INTO reports (run, report, analysis, reason) VALUES (?, ?, ?, ?)",
        [(run, report, analysis, reason) for report, (analysis, reason) in reasons.items()],
    )


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that figures rest on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def user_name() -> str:
    """Who runs this, on one line whatever the environment says."""
    try:
        return "".join(letter for letter in getpass.getuser() if letter.isprintable())
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _marks(row: dict) -> str:
    return ", ".join("?" * len(row))

"""The ledger of runs: what is written down, what is read from it, what is forgotten, and the commands that show it."""

import os
import platform
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cxinsights.batch import ledger as module
from cxinsights.batch.ledger import Entry, Ledger, user_name, versions
from cxinsights.params import Project
from tests.batch.shops import PERIOD, command, environment
from tests.small import make_project

NORTH, SOUTH = (f"shops/{PERIOD}/shops/{unit}/scorecard" for unit in ("north", "south"))
DRIVERS = f"shops/{PERIOD}/shops/north/drivers"
OLD, LATER, NEW = "2020-01-01T10:00:00+00:00", "2020-01-01T10:01:15+00:00", "2026-08-01T10:00:00+00:00"
BEGIN_AND_DIE = """
import os, sys
from pathlib import Path
from cxinsights.batch.ledger import Ledger
from cxinsights.params import Project
Ledger(Project(Path(sys.argv[1]))).begin(
    "shops", "2026Q3", {}, code="c0de", data="da7a", workers=2, command="cxinsights run"
)
os._exit(9)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


@pytest.fixture
def ledger(project: Project) -> Ledger:
    return Ledger(project)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Set the clock of the ledger."""
    return lambda moment: monkeypatch.setattr(module, "_now", lambda: moment)


def begin(ledger: Ledger, *reports: str, study: str = "shops", why: str = "new") -> int:
    reasons = {report: (report.rsplit("/", 1)[1], why) for report in reports}
    return ledger.begin(study, PERIOD, reasons, code="c0de", data="da7a", workers=2, command="cxinsights run")


def entry(run: int, report: str, status: str = "ok", seconds: float = 2.0, **more) -> Entry:
    return Entry(run, report, report.rsplit("/", 1)[1], "new", status, seconds=seconds, **more)


def test_a_project_without_runs_has_an_empty_ledger_and_no_file(project: Project, ledger: Ledger) -> None:
    assert (ledger.runs(), ledger.history(NORTH), ledger.last_of([NORTH])) == ([], [], {})
    assert (ledger.left_over("shops"), ledger.typical_seconds()) == ({}, {})
    assert not (project.root / "data" / "ledger.sqlite").exists()


def test_a_run_is_written_down_as_it_begins(ledger: Ledger, at) -> None:
    at(OLD)
    run = begin(ledger, NORTH, SOUTH)
    (found,) = ledger.runs()
    assert found == module.Run(
        run, "shops", PERIOD, user_name(), platform.node(), os.getpid(), "cxinsights run", "c0de", "da7a",
        found.versions, 2, 2, OLD, None, None, 0, 0,
    )  # fmt: skip
    assert f'"python": "{platform.python_version()}"' in found.versions
    assert f'"cxinsights": "{versions()["cxinsights"]}"' in found.versions
    assert ledger.history(NORTH) == [Entry(run, NORTH, "scorecard", "new")]


def test_a_report_is_written_down_as_it_ends_and_the_run_counts_them(ledger: Ledger, at) -> None:
    run = begin(ledger, NORTH, SOUTH, DRIVERS)
    at(LATER)
    made = entry(run, NORTH, peak_mb=210.0, attempts=2)
    failed = entry(run, SOUTH, "failed", error="the kernel died", attempts=1)
    ledger.add(made)
    ledger.add(failed)
    assert ledger.history(NORTH) == [replace(made, ended=LATER)]
    assert ledger.history(SOUTH) == [replace(failed, ended=LATER)]
    (found,) = ledger.runs()
    assert (found.planned, found.made, found.failed) == (3, 1, 1)
    assert ledger.history(DRIVERS)[0].status is None


def test_what_is_found_to_do_on_the_way_is_written_down_as_well(ledger: Ledger) -> None:
    run = begin(ledger, DRIVERS)
    ledger.add(entry(run, NORTH))
    assert [e.report for e in ledger.history(NORTH)] == [NORTH]


@pytest.mark.parametrize("how", ["done", "failed", "stopped"])
def test_a_run_ends_as_it_says(ledger: Ledger, at, how: str) -> None:
    run = begin(ledger, NORTH)
    at(LATER)
    ledger.end(run, how)
    assert [(one.ended, one.how) for one in ledger.runs()] == [(LATER, how)]


def test_runs_come_the_latest_first_and_of_one_study_where_asked(ledger: Ledger) -> None:
    first, second, third = begin(ledger, NORTH), begin(ledger, NORTH, study="chain"), begin(ledger, NORTH)
    assert [one.run for one in ledger.runs()] == [third, second, first]
    assert [one.run for one in ledger.runs(2)] == [third, second]
    assert [one.run for one in ledger.runs(study="shops")] == [third, first]
    assert [one.run for one in ledger.runs(1, "chain")] == [second]


def test_a_reports_history_is_its_own_the_latest_first(ledger: Ledger) -> None:
    runs = [begin(ledger, NORTH, SOUTH) for _ in range(3)]
    assert [e.run for e in ledger.history(NORTH)] == runs[::-1]
    assert [e.run for e in ledger.history(NORTH, 2)] == runs[:0:-1]


def test_how_reports_last_ended_passes_over_runs_that_died_before_them(ledger: Ledger) -> None:
    first, second = begin(ledger, NORTH, SOUTH), begin(ledger, NORTH, SOUTH)
    ledger.add(entry(first, NORTH))
    ledger.add(entry(first, SOUTH, "failed"))
    ledger.add(entry(second, SOUTH, "too_few"))
    last = ledger.last_of([NORTH, SOUTH, DRIVERS])
    assert {report: (e.run, e.status) for report, e in last.items()} == {
        NORTH: (first, "ok"), SOUTH: (second, "too_few"),
    }  # fmt: skip
    assert set(ledger.last_of([SOUTH])) == {SOUTH}


def test_left_over_is_what_the_last_run_of_the_study_was_to_make_and_did_not(ledger: Ledger) -> None:
    begin(ledger, f"{NORTH}-before")
    run = begin(ledger, NORTH, SOUTH, DRIVERS)
    begin(ledger, "chain/x", study="chain")
    ledger.add(entry(run, NORTH))
    ledger.add(entry(run, SOUTH, "failed"))
    assert ledger.left_over("shops") == {SOUTH: "new", DRIVERS: "new"}
    assert ledger.left_over("chain") == {"chain/x": "new"}
    assert ledger.left_over("unknown") == {}


def test_typical_seconds_are_the_median_of_the_last_that_were_made(ledger: Ledger) -> None:
    for seconds in [100.0] * 20 + [1.0] * 9 + [7.0] + [9.0] * 10:
        ledger.add(entry(begin(ledger), NORTH, seconds=seconds))
    run = begin(ledger)
    ledger.add(entry(run, SOUTH, "failed", seconds=900.0))
    ledger.add(entry(run, DRIVERS, "too_few", seconds=3.0))
    assert ledger.typical_seconds() == {"scorecard": 9.0, "drivers": 3.0}


def test_pruning_keeps_the_young_and_the_last_run_of_each_study(ledger: Ledger, at) -> None:
    at(OLD)
    begin(ledger, NORTH)
    last_of_chain = begin(ledger, "chain/x", study="chain")
    begin(ledger, NORTH)
    at(datetime.now(UTC).isoformat(timespec="seconds"))
    young = begin(ledger, SOUTH)
    assert ledger.prune(90) == 2
    assert [one.run for one in ledger.runs()] == [young, last_of_chain]
    assert (ledger.history(NORTH), ledger.left_over("chain")) == ([], {"chain/x": "new"})
    assert ledger.prune(0) == 0


def test_two_processes_write_side_by_side(project: Project) -> None:
    """Rows of neither are lost: each waits for the other's."""
    write = (
        "import sys\nfrom pathlib import Path\nfrom cxinsights.batch.ledger import Entry, Ledger\n"
        "from cxinsights.params import Project\nledger = Ledger(Project(Path(sys.argv[1])))\n"
        "run = ledger.begin(sys.argv[2], '2026Q3', {}, code='', data='', workers=1, command='')\n"
        "for at in range(40):\n    ledger.add(Entry(run, f'r{at}', 'scorecard', 'new', 'ok'))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", write, project.root, study]) for study in ("one", "two")]
    assert [process.wait(60) for process in both] == [0, 0]
    assert [one.made for one in Ledger(project).runs()] == [40, 40]


def test_runs_are_listed_with_who_when_and_how(
    project: Project, ledger: Ledger, at, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    at(OLD)
    done, failed = begin(ledger, NORTH), begin(ledger, NORTH, SOUTH)
    ledger.add(entry(done, NORTH))
    ledger.add(entry(failed, SOUTH, "failed"))
    at(LATER)
    ledger.end(done, "done")
    ledger.end(failed, "failed")
    died = subprocess.run([sys.executable, "-c", BEGIN_AND_DIE, project.root], env=environment(project), check=False)
    assert died.returncode == 9
    at(NEW)
    begin(ledger, NORTH, study="chain")
    with closing(sqlite3.connect(project.root / "data" / "ledger.sqlite")) as base, base:
        base.execute("UPDATE runs SET started = ? WHERE run = 3", (NEW,))
    who = f"{user_name()}@{platform.node()}"
    lines = [
        f"    4  2026-08-01 10:00  chain/{PERIOD}  {who}  under way  0 of 1 made",
        f"    3  2026-08-01 10:00  shops/{PERIOD}  {who}  died  0 of 0 made",
        f"    2  2020-01-01 10:00  shops/{PERIOD}  {who}  failed  0 of 2 made, 1 failed  75 s",
        f"    1  2020-01-01 10:00  shops/{PERIOD}  {who}  done  1 of 1 made  75 s",
    ]
    ended = command(project, "runs")
    assert (ended.returncode, ended.stderr, ended.stdout.splitlines()) == (0, "", lines)
    assert ledger.runs()[1].ended is None
    assert command(project, "runs", "--study", "shops", "--last", "2").stdout.splitlines() == lines[1:3]


def test_without_runs_the_list_says_so(project: Project) -> None:
    ended = command(project, "runs")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "No runs yet.\n", "")


def test_a_report_is_shown_with_what_became_of_it(
    project: Project, ledger: Ledger, at, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    at(LATER)
    run = begin(ledger, NORTH)
    ledger.add(entry(run, NORTH, peak_mb=211.6, attempts=1))
    run = begin(ledger, NORTH, why="new data")
    error = "notebooks/scorecard.ipynb, cell 3: x\nReportError: no"
    ledger.add(replace(entry(run, NORTH, "failed", 61.04, error=error, attempts=3), reason="new data"))
    begin(ledger, NORTH, why="failed before")
    ended = command(project, "show", f"outputs/{NORTH}/index.html")
    assert (ended.returncode, ended.stderr) == (0, "")
    made_from = f"  from data da7a, code c0de, {', '.join(f'{name} {own}' for name, own in versions().items())}"
    assert ended.stdout.splitlines() == [
        "run 3  ----------------  failed before  not made",
        made_from,
        "run 2  2020-01-01 10:01  new data  failed  61.0 s  0 MB  3 attempts",
        made_from,
        "  notebooks/scorecard.ipynb, cell 3: x",
        "  ReportError: no",
        "run 1  2020-01-01 10:01  new  ok  2.0 s  212 MB",
        made_from,
    ]


def test_a_report_that_no_run_has_made_is_a_message(project: Project, ledger: Ledger) -> None:
    ended = command(project, "show", "shops/2026Q3/shops/west/drivers")
    assert (ended.returncode, ended.stdout) == (2, "")
    told = "cxinsights: no run has made a report shops/2026Q3/shops/west/drivers."
    assert ended.stderr == f"{told} cxinsights plan lists those that there can be.\n"
    begin(ledger, NORTH)
    misspelt = NORTH.replace("north", "nroth")
    ended = command(project, "show", misspelt)
    told = f"cxinsights: no run has made a report {misspelt}. Did you mean {NORTH}?"
    assert ended.stderr == f"{told} cxinsights plan lists those that there can be.\n"

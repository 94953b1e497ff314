"""What goes wrong in mid-run: the rest is made, what was good stays, nothing half-made or orphaned is left."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cxinsights.params import Project
from tests.batch.shops import NOTEBOOKS, PERIOD, command, environment, processes_of, wait_for
from tests.small import ANSWERS, STUDY, make_project

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads processes from /proc (Linux)")

OWN = f"shops/{PERIOD}/"
UNITS = ("north", "south", "east", "west")
REPORTS = {f"{OWN}_all/_all/scorecard", *(f"{OWN}shops/{unit}/scorecard" for unit in UNITS)}
MADE = {report: "ok" if "_all" in report else "too_few" for report in REPORTS}
NORTH, SOUTH = (f"{OWN}shops/{unit}/scorecard" for unit in UNITS[:2])
FAULT = """
import os, pathlib, subprocess, time
fault = pathlib.Path('fault-' + unit)
if fault.exists():
    exec(fault.read_text())
"""
"""A cell that does what a file says for the report of a unit; the notebook stays as it is."""
HOLD = (
    "pathlib.Path('at-' + unit).write_text(str(os.getpid()))\nwhile not pathlib.Path('go').exists(): time.sleep(0.02)"
)
KEPT = f"the message and the place are in the notebook kept: data/shops/private/failed/shops-{PERIOD}-shops-"
DIED = "notebooks/scorecard.ipynb: the kernel died (ended from outside, out of memory, or a crash in a library)"
DONE = "The list: outputs/index.html (or make serve)"


class Running:
    """A run under way, with a warm process of its own."""

    def __init__(self, project: Project, *words: str) -> None:
        self.project = project
        line = [sys.executable, "-m", "cxinsights", "run", "--study", "shops", "--workers", "2", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(line, env=environment(project, apart=True), cwd=project.root, **pipes)

    def held(self, unit: str) -> int:
        """The kernel that is held for a unit."""
        at = self.project.root / f"at-{unit}"
        assert wait_for(lambda: at.exists() and at.read_text() != "", 90)
        return int(at.read_text())

    def called(self, name: str) -> list[int]:
        """Processes of the run that call themselves so."""
        found = []
        for pid in processes_of(self.project):
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    found.append(pid)
        return found

    def end(self) -> "Ended":
        """Let go what is held, and wait for the end."""
        (self.project.root / "go").touch()
        out, err = self.process.communicate(timeout=240)
        return Ended(self.process.returncode, out, err)


class Ended:
    """How a run ended, and how its reports did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        told = r"^ +\d+/\d+  (\S+)  (\w+)  \d+\.\d s(?:  \(attempt (\d)\))?$"
        found = re.findall(told, out, re.M)
        self.made = {report: how for report, how, _ in found}
        self.attempts = {report: int(attempt or 1) for report, _, attempt in found if attempt}

    @property
    def last(self) -> str:
        return self.out.splitlines()[-1]


def in_peace(project: Project, *words: str) -> Ended:
    """A run that nobody disturbs; it starts sooner, since its kernels come from where others' do."""
    ended = command(project, "run", "--study", "shops", *words)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Five scorecards, made in peace."""
    head, tail = STUDY.split("units:")[0], "".join(f"  {unit}: {{label: {unit.title()}}}\n" for unit in UNITS)
    answers = pd.read_csv(io.StringIO(ANSWERS))
    four = [answers.assign(unit=unit, id=unit + answers["id"].astype(str)) for unit in UNITS]
    project = make_project(tmp_path_factory.mktemp("shops"), f"{head}units:\n{tail}", pd.concat(four).to_csv())
    notebook = nbformat.read(NOTEBOOKS / "scorecard.ipynb", as_version=4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell(FAULT))
    nbformat.write(notebook, project.notebooks / "scorecard.ipynb")
    ended = in_peace(project)
    assert (ended.code, ended.err, ended.made) == (0, "", MADE)
    return project


@pytest.fixture
def shops(undisturbed: Project, tmp_path: Path) -> Iterator[Project]:
    """The same, in a folder of its own; whatever a test leaves running ends with it."""
    shutil.copytree(undisturbed.root, tmp_path, dirs_exist_ok=True)
    project = Project(tmp_path)
    yield project
    for pid in processes_of(project):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def fault(project: Project, unit: str, script: str = HOLD) -> None:
    (project.root / f"fault-{unit}").write_text(script)


def files(project: Project, report: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.outputs / report).iterdir()}


def results(project: Project) -> dict[str, bytes]:
    found = project.outputs.rglob("result.json")
    return {path.parent.relative_to(project.outputs).as_posix(): path.read_bytes() for path in found}


def check_order(project: Project, undisturbed: Project) -> None:
    """All reports are there, whole, as they are without a fault; nothing else is, and nobody works any more."""
    assert wait_for(lambda: not list(processes_of(project)), 20), list(processes_of(project))
    assert [path for path in project.outputs.rglob(".*") if path.is_dir()] == []
    assert results(project) == results(undisturbed)
    assert set(results(project)) == REPORTS
    for report in REPORTS:
        assert set(files(project, report)) == set(files(undisturbed, report))
        assert files(project, report)["index.html"].endswith(b"</html>")


def test_a_kernel_that_dies_is_made_again_and_fails_its_report_when_it_always_does(
    shops: Project, undisturbed: Project
) -> None:
    fault(shops, "north")
    fault(shops, "south", "os.kill(os.getpid(), 9)")
    before = files(shops, SOUTH)
    run = Running(shops, "--force")
    os.kill(run.held("north"), signal.SIGKILL)
    ended = run.end()
    assert (ended.code, ended.err) == (1, f"failed: {SOUTH}\n  {DIED}\n")
    assert ended.made == {**MADE, SOUTH: "failed"}
    assert ended.attempts == {NORTH: 2, SOUTH: 3}
    assert ended.last == f"4 of 5 reports made, 1 failed (once mended: --repair). {DONE}"
    assert files(shops, SOUTH) == before
    check_order(shops, undisturbed)


@pytest.mark.parametrize("name", ["cx-warm", pytest.param("cx-worker", marks=pytest.mark.soak)])
def test_a_run_goes_on_without_its_warm_process_or_a_worker(shops: Project, undisturbed: Project, name: str) -> None:
    """What was forked by it or asked for by it ends with it, and is made again."""
    fault(shops, "north")
    fault(shops, "south")
    run = Running(shops, "--force")
    kernels = {run.held("north"), run.held("south")}
    killed = run.called(name)
    assert len(killed) == {"cx-warm": 1, "cx-worker": 2}[name]
    os.kill(killed[0], signal.SIGKILL)
    left = {"cx-warm": 0, "cx-worker": 1}[name]
    assert wait_for(lambda: len(kernels & set(processes_of(shops))) == left, 10)
    ended = run.end()
    assert (ended.code, ended.made) == (0, MADE)
    assert set(ended.attempts) <= {NORTH, SOUTH}
    assert list(ended.attempts.values()) == [2] * (2 - left)
    assert ended.err == ""
    check_order(shops, undisturbed)


def test_a_worker_that_dies_while_it_looks_for_work_is_replaced(shops: Project, undisturbed: Project) -> None:
    notebook = shops.notebooks / "scorecard.ipynb"
    aside = notebook.rename(notebook.with_suffix(".aside"))
    os.mkfifo(notebook)  # whoever reads it waits until the other end is closed
    run = Running(shops, "--unit", "north")
    other_end = opened(notebook)
    aside.replace(notebook)
    (worker,) = [pid for pid in run.called("cx-worker") if has_open(pid, notebook)]
    os.kill(worker, signal.SIGKILL)
    os.close(other_end)
    ended = run.end()
    assert (ended.code, ended.err, ended.made) == (0, "", {})
    assert ended.last == f"Nothing to make: 1 report up to date. {DONE}"
    check_order(shops, undisturbed)


def opened(pipe: Path) -> int:
    """The writing end of a pipe, once somebody reads it."""
    found = []

    def is_open() -> bool:
        with suppress(OSError):  # nobody reads it yet
            found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(found)

    assert wait_for(is_open, 60)
    return found[0]


def has_open(pid: int, path: Path) -> bool:
    return any(str(path) in os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir())


def test_a_batch_that_is_killed_is_repaired_to_what_an_undisturbed_one_makes(
    shops: Project, undisturbed: Project
) -> None:
    shutil.rmtree(shops.outputs / OWN)
    fault(shops, "south")
    fault(shops, "west")
    run = Running(shops)
    run.held("south"), run.held("west")
    run.process.kill()
    assert run.process.wait(10) == -signal.SIGKILL
    run.process.communicate()
    assert wait_for(lambda: not list(processes_of(shops)), 20)
    made = results(shops)
    assert {NORTH} <= set(made) < REPORTS
    assert made == {report: data for report, data in results(undisturbed).items() if report in made}
    (shops.root / "go").touch()
    assert "  died  " in command(shops, "runs", "--last", "1").stdout
    planned = command(shops, "plan", "--study", "shops", "--repair").stdout.splitlines()
    assert {line for line in planned if line.endswith("  new")} == {f"{report}  new" for report in REPORTS - set(made)}
    ended = in_peace(shops, "--repair")
    assert (ended.code, ended.err) == (0, "")
    assert ended.made == {report: how for report, how in MADE.items() if report not in made}
    check_order(shops, undisturbed)


def test_a_notebook_that_raises_hangs_prints_or_leaves_children_harms_no_other(
    shops: Project, undisturbed: Project
) -> None:
    fault(shops, "north", "raise ValueError('the lady was rude')")
    fault(shops, "south", "time.sleep(1000)")
    fault(shops, "east", "for _ in range(100): print('x' * 2**20)")
    fault(shops, "west", "subprocess.Popen(['sleep', '1000'])\nif os.fork() == 0: time.sleep(1000)")
    before = {report: files(shops, report) for report in (NORTH, SOUTH)}
    ended = Running(shops, "--force", "--timeout", "15").end()
    assert ended.code == 1
    assert ended.made == {**MADE, NORTH: "failed", SOUTH: "failed"}
    assert ended.attempts == {}
    raised = f"failed: {NORTH}\n  notebooks/scorecard.ipynb, code cell 2: exec(fault.read_text())\n"
    raised += f"  ValueError: {KEPT}north-scorecard.ipynb\n"
    hung = f"failed: {SOUTH}\n  notebooks/scorecard.ipynb: it took longer than 15 s (--timeout)\n"
    assert ended.err in (raised + hung, hung + raised)
    assert {report: files(shops, report) for report in before} == before
    assert (shops.outputs / OWN / "shops" / "east" / "scorecard" / "scorecard.ipynb").stat().st_size < 4e6
    check_order(shops, undisturbed)


@contextmanager
def small_disk(folder: Path, more: int) -> Iterator[None]:
    """A disk of its own under a folder, with room for little more than lies there."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    size = sum(path.stat().st_size + 4096 for path in aside.rglob("*")) + more
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here (needs root)")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    path = folder / "full"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return path


@pytest.mark.skipif(shutil.which("mount") is None or os.getuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_is_full_fails_reports_and_harms_none(shops: Project, undisturbed: Project) -> None:
    fault(shops, "north")
    before = {report: files(shops, report) for report in REPORTS}
    with small_disk(shops.outputs, 4_000_000):
        run = Running(shops, "--force", "--workers", "1")
        run.held("north")
        full = fill(shops.outputs)
        ended = run.end()
        full.unlink()
        failed = {report for report, how in ended.made.items() if how == "failed"}
        assert {NORTH, SOUTH} <= failed
        told = [f"failed: {report}\n  notebooks/scorecard.ipynb: No space left on device\n" for report in ended.made
                if report in failed]  # fmt: skip
        assert ended.err == "".join([*told, "cxinsights: No space left on device\n"])
        assert ended.code == 3  # the list could not be written either
        assert {report: files(shops, report) for report in failed} == {report: before[report] for report in failed}
        check_order(shops, undisturbed)


def test_a_table_that_cannot_be_read_stops_the_run_until_it_is_imported_again(
    shops: Project, undisturbed: Project
) -> None:
    (path,) = shops.tables("shops").rglob("north.parquet")
    path.write_bytes(path.read_bytes()[:100])
    shutil.rmtree(shops.private("shops"))
    before = {report: files(shops, report) for report in REPORTS}
    ended = Running(shops, "--force").end()
    assert (ended.code, ended.made) == (2, {})
    assert ended.err == (
        "cxinsights: shops: responses: a file of data/shops/tables/ cannot be read (InvalidInputException). Make them "
        "again: cxinsights import shops --force\n"
    )
    assert {report: files(shops, report) for report in REPORTS} == before
    check_order(shops, undisturbed)
    assert command(shops, "import", "shops", "--force").returncode == 0
    ended = in_peace(shops, "--force")
    assert (ended.code, ended.err, ended.made) == (0, "", MADE)
    check_order(shops, undisturbed)


@pytest.mark.soak
def test_two_batches_at_once_make_each_report_once(shops: Project, undisturbed: Project) -> None:
    shutil.rmtree(shops.outputs / OWN)
    fault(shops, "north")
    first = Running(shops)
    first.held("north")
    second, third = Running(shops), Running(shops, "--wait")
    out, err = second.process.communicate(timeout=60)
    assert (second.process.returncode, out) == (2, "")
    assert re.fullmatch(
        rf"cxinsights: the project is in use by a run of \w+ since \d+ \w+ \d\d:\d\d \(process {first.process.pid}\)\. "
        r"Let it end, or wait for it with --wait \(make: WAIT=1\)\.\n", err
    )  # fmt: skip
    ended, waited = first.end(), third.end()
    assert (ended.code, ended.made) == (0, MADE)
    assert (waited.code, waited.err, waited.made) == (0, "", {})
    assert waited.out.splitlines()[0].endswith(f"(process {first.process.pid}): waiting")
    assert waited.last == f"Nothing to make: 5 reports up to date. {DONE}"
    check_order(shops, undisturbed)

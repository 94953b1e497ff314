"""A run that is stopped leaves no process behind and nothing half-made."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxinsights.batch.tasks import import_tables
from cxinsights.params import Project, load_study
from tests.batch.shops import environment, kernels_of, processes_of, wait_for, write_notebook
from tests.small import ANSWERS, STUDY, make_project

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads processes from /proc (Linux)")


AS_FROM_A_TERMINAL = """
import signal
from cxinsights.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background of a shell
main()
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Project, subprocess.Popen]]:
    """A run with two reports under way that would take minutes, in a process group of its own."""
    project = make_project(tmp_path, STUDY, ANSWERS)
    write_notebook(project.notebooks / "scorecard.ipynb", "unit = ''", "import time\ntime.sleep(300)")
    command = [sys.executable, "-c", AS_FROM_A_TERMINAL, "run", "--study", "shops", "--workers", "2"]
    with (tmp_path / "printed").open("w") as printed:
        run = subprocess.Popen(
            command,
            env=environment(project, apart=True),
            start_new_session=True,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
    assert wait_for(lambda: len(kernels_of(project)) == 2, 90)
    yield project, run
    for pid in {run.pid, *processes_of(project)}:
        if run.poll() is None or pid != run.pid:
            os.kill(pid, signal.SIGKILL)
    run.wait(10)


@pytest.mark.parametrize(
    ("sent", "to_all", "code"), [(signal.SIGINT, True, 130), (signal.SIGTERM, False, 143)], ids=["ctrl-c", "term"]
)
def test_a_run_that_is_stopped_leaves_no_process_and_nothing_half_made(
    running: tuple[Project, subprocess.Popen], sent: signal.Signals, to_all: bool, code: int
) -> None:
    """A terminal sends Ctrl-C to the whole group; `timeout` in a cron job stops the command alone."""
    project, run = running
    (os.killpg if to_all else os.kill)(run.pid, sent)
    assert run.wait(20) == code
    printed = (project.root / "printed").read_text().splitlines()
    assert printed[-1] == "stopped after 0 of 3 reports. The rest: --repair (make: REPAIR=1)"
    assert wait_for(lambda: not list(processes_of(project)), 20)
    assert list(project.outputs.rglob(".*")) == []


def test_the_next_import_removes_what_a_stopped_one_had_begun(tmp_path: Path) -> None:
    project = make_project(tmp_path, STUDY, ANSWERS)
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    for begun in (project.data("shops") / ".tables", project.private("shops") / "baseline" / ".2026Q3"):
        begun.with_name(f"{begun.name}.new-{int(ended.stdout)}-abc").mkdir(parents=True)
    import_tables(project.root, load_study(project, "shops"))
    assert [path for path in project.data("shops").rglob(".*") if path.name != ".lock"] == []

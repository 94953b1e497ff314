"""The Papermill engine: what a notebook may take and print, and what is left of one that took more."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import papermill
import psutil
import pytest
from jupyter_client import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from cxinsights.kernels.asking import WARM
from cxinsights.kernels.limits import Limits
from cxinsights.kernels.watching import LimitError, Watch
from tests.batch.shops import wait_for, write_notebook
from tests.kernels.apart import Apart, has_ended, is_running, warm_apart

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

ROOMY = Limits()
CUT = "\n… what was printed after this is not kept\n"
SLEEP = "import time\ntime.sleep(60)"
HOARD = "import time\nhoard = bytearray(800 * 2**20)\nhoard[::4096] = b'x' * len(hoard[::4096])\ntime.sleep(60)"
"""Takes 800 MB, and writes to every page of it."""


@pytest.fixture(scope="module", autouse=True)
def apart() -> Iterator[Apart]:
    with warm_apart() as apart:
        yield apart


def run(folder: Path, *cells: str, limits: Limits | None = ROOMY, **asked: Any) -> NotebookNode:
    """Run a notebook of these cells as a report's is run."""
    source = folder / "report.ipynb"
    write_notebook(source, "unit = 'north'", *cells)
    return papermill.execute_notebook(
        str(source), None, engine_name="cxinsights", progress_bar=False, log_output=False,
        request_save_on_cell_execute=False, autosave_cell_every=0, execution_timeout=-1, limits=limits, **asked,
    )  # fmt: skip


def printed(notebook: NotebookNode) -> str:
    """What stands under its cells, printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def marked(apart: Apart, mark: str) -> list[int]:
    """Processes with this argument on their command line."""
    return [process.pid for process in apart.processes() if mark in process.cmdline()]


def test_a_notebook_runs_with_its_parameters_environment_and_folder(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    cell = "import os\nprint(unit, os.environ['ASKED_BY'], os.getcwd())"
    env = {**os.environ, "ASKED_BY": "Ann"}
    ran = run(tmp_path, cell, parameters={"unit": "south"}, env=env, cwd=str(tmp_path), seen=seen)
    assert printed(ran) == f"south Ann {tmp_path}\n"
    assert printed(seen["notebook"]) == printed(ran)


def test_the_memory_it_took_is_told(tmp_path: Path) -> None:
    peak_mb = []
    for n_mb in (1, 301):
        seen: dict[str, Any] = {}
        run(tmp_path, f"hoard = b'x' * {n_mb} * 2**20\nimport time\ntime.sleep(0.5)", seen=seen)
        peak_mb.append(seen["peak_mb"])
    assert peak_mb[1] - peak_mb[0] == pytest.approx(300, abs=30)


def test_memory_of_what_it_started_counts(tmp_path: Path) -> None:
    child = "hoard = b'x' * 300 * 2**20; import time; time.sleep(1)"
    cell = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    seen: dict[str, Any] = {}
    run(tmp_path, "import time\ntime.sleep(0.5)", seen=seen)
    alone_mb = seen["peak_mb"]
    run(tmp_path, cell, seen=seen)
    assert seen["peak_mb"] > alone_mb + 290


@pytest.mark.parametrize("warm", ["", "off"], ids=["forked", "plain"])
@pytest.mark.parametrize(
    ("cell", "limits", "told"),
    [
        (SLEEP, Limits(seconds=1.5), "it took longer than 1.5 s (--timeout)"),
        (HOARD, Limits(memory_mb=700), "it took more than 700 MB of memory (--memory)"),
    ],
    ids=["time", "memory"],
)
def test_a_notebook_that_takes_too_much_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: Apart, warm: str, cell: str, limits: Limits, told: str
) -> None:
    """What it has started ends with it, and how far it came is seen."""
    monkeypatch.setenv(WARM, warm)
    seen: dict[str, Any] = {}
    start = "import os, subprocess\nsubprocess.Popen(['sleep', '301'])\nprint(os.getpid())"
    with pytest.raises(LimitError) as ended:
        run(tmp_path, start, cell, limits=limits, seen=seen)
    assert str(ended.value) == told
    assert has_ended(int(printed(seen["notebook"])))
    assert wait_for(lambda: marked(apart, "301") == [], 5)
    assert seen["peak_mb"] > 50


def test_without_limits_nothing_is_watched(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    run(tmp_path, "print('done')", limits=None, seen=seen)
    assert set(seen) == {"notebook"}


@pytest.mark.parametrize("limits", [Limits(), None], ids=["watched", "unwatched"])
def test_a_kernel_that_dies_is_told_apart_from_one_that_took_too_much(tmp_path: Path, limits: Limits | None) -> None:
    seen: dict[str, Any] = {}
    with pytest.raises(DeadKernelError) as died:
        run(tmp_path, "print('so far')", "import os\nos.kill(os.getpid(), 9)", limits=limits, seen=seen)
    assert str(died.value) == "Kernel died"
    assert printed(seen["notebook"]) == "so far\n"


def test_a_kernel_is_ended_without_asking_jupyter_whether_it_has(
    tmp_path: Path, apart: Apart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jupyter would look again after 100 ms, for every report."""
    asked: list[str] = []
    monkeypatch.setattr(AsyncKernelManager, "shutdown_kernel", lambda *_, **named: asked.append("shutdown"))
    pid = int(printed(run(tmp_path, "import os\nprint(os.getpid())")))
    assert not is_running(pid)
    assert asked == []


def test_a_kernel_that_ends_while_it_is_ended_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(process: psutil.Process) -> None:
        raise psutil.NoSuchProcess(process.pid)

    monkeypatch.setattr(psutil.Process, "kill", ended)
    with Watch(os.getpid(), Limits(seconds=0)) as watch:
        assert wait_for(lambda: bool(watch.breach), 5)
    assert watch.breach == "it took longer than 0 s (--timeout)"


def test_a_cell_that_fails_ends_the_notebook(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    with pytest.raises(PapermillExecutionError) as failed:
        run(tmp_path, "print('so far')", "1 / 0", "print('never')", seen=seen)
    assert (failed.value.ename, failed.value.exec_count) == ("ZeroDivisionError", 3)
    assert printed(seen["notebook"]) == "so far\n"
    assert seen["notebook"].cells[-2].outputs[-1].ename == "ZeroDivisionError"


def test_printed_text_is_cut(tmp_path: Path) -> None:
    """5 MB, of which a million characters are kept, and what shows is kept all the same."""
    ran = run(tmp_path, "for _ in range(50):\n    print('x' * 99_999)", "print('later')", "'shown'")
    text = printed(ran)
    assert text.replace("\n", "")[:999_990] == "x" * 999_990
    assert len(text) == 1_000_000 + len(CUT)
    assert text.endswith(CUT)
    assert ran.cells[-1].outputs[0].data["text/plain"] == "'shown'"


def test_text_up_to_the_limit_is_kept_whole(tmp_path: Path) -> None:
    text = printed(run(tmp_path, "print('x' * 999_999)"))
    assert text == "x" * 999_999 + "\n"


def test_what_is_cut_is_not_cut_for_others(tmp_path: Path) -> None:
    run(tmp_path, "print('x' * 2_000_000)")
    assert printed(run(tmp_path, "print('y')")) == "y\n"

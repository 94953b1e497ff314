"""Workers on this machine: each makes one call after another, and a call fails alone."""

import _thread
import logging
import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import papermill
import psutil
import pytest

from cxinsights.batch import workers as module
from cxinsights.batch.workers import LocalWorkers
from cxinsights.errors import WorkerDied, did_you_mean
from cxinsights.kernels.asking import WARM
from tests.batch.shops import wait_for, write_notebook
from tests.kernels.apart import Apart, has_ended, light_apart, warm_apart

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


@pytest.fixture(scope="module", autouse=True)
def apart() -> Iterator[Apart]:
    with light_apart() as apart:
        yield apart


@contextmanager
def made(folder: Path, n: int = 1) -> Iterator[LocalWorkers]:
    """Workers until the block ends."""
    workers = LocalWorkers(n, folder / "private" / "kernels.log")
    try:
        yield workers
    finally:
        workers.shutdown(cancel_futures=True)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[LocalWorkers]:
    with made(tmp_path) as workers:
        yield workers


def under_way(workers: LocalWorkers, seconds: float = 60) -> Future:
    """A call that takes a while, once it is being made."""
    future = workers.submit(time.sleep, seconds)
    assert wait_for(lambda: future.running() and len(workers._running) > 0, 20)
    return future


def names(apart: Apart) -> list[str]:
    return sorted(process.name() for process in apart.processes())


def result(workers: LocalWorkers, function: Any, *args: Any) -> Any:
    return workers.submit(function, *args).result(30)


def test_a_call_returns_its_value(workers: LocalWorkers) -> None:
    assert result(workers, operator.add, 2, 3) == 5
    assert result(workers, operator.mul, "x" * 3_000_000, 2) == "x" * 6_000_000


def test_calls_are_made_one_after_another_in_the_same_process(workers: LocalWorkers) -> None:
    pids = [workers.submit(os.getpid) for _ in range(5)]
    pid = {future.result(30) for future in pids}
    assert len(pid) == 1
    assert psutil.Process(pid.pop()).name() == "cx-worker"


def test_as_many_calls_are_made_at_a_time_as_there_are_workers(tmp_path: Path) -> None:
    with made(tmp_path, 3) as workers:
        pipes = [tmp_path / name for name in ("one", "two")]
        for pipe in pipes:
            os.mkfifo(pipe)
        reading = [workers.submit(Path.read_text, pipe) for pipe in pipes]  # each waits for somebody to write
        writing = [workers.submit(Path.write_text, pipe, pipe.name) for pipe in pipes]
        assert len(wait([*reading, *writing], 30).done) == 4
        assert [future.result() for future in reading] == ["one", "two"]


def test_what_a_call_raises_is_raised_at_the_caller(workers: LocalWorkers) -> None:
    with pytest.raises(ZeroDivisionError, match=r"^division by zero$"):
        result(workers, operator.truediv, 1, 0)
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        result(workers, did_you_mean, "unit")
    assert result(workers, operator.add, 1, 1) == 2


@pytest.mark.parametrize(("function", "args"), [(os._exit, (7,)), (sys.exit, (1,)), (signal.raise_signal, (9,))])
def test_a_worker_that_dies_fails_only_its_call(workers: LocalWorkers, function: Any, args: tuple) -> None:
    before = result(workers, os.getpid)
    futures = [workers.submit(function, *args), workers.submit(os.getpid)]
    with pytest.raises(WorkerDied) as died:
        futures[0].result(30)
    assert str(died.value) == "the worker process died"
    assert futures[1].result(30) != before


def test_a_worker_that_is_killed_from_outside_fails_only_its_call(tmp_path: Path) -> None:
    with made(tmp_path, 2) as workers:
        slow, other = under_way(workers), workers.submit(os.getpid)
        [pid] = {worker._process.pid for worker in workers._running} - {other.result(30)}
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerDied):
            slow.result(10)
        assert result(workers, operator.add, 1, 1) == 2


def test_a_worker_that_dies_between_calls_costs_one_call_at_most(workers: LocalWorkers) -> None:
    os.kill(result(workers, os.getpid), signal.SIGKILL)
    with pytest.raises(WorkerDied):
        result(workers, os.getpid)
    assert result(workers, operator.add, 1, 1) == 2


def test_workers_are_replaced_when_their_warm_process_ends(workers: LocalWorkers, apart: Apart) -> None:
    slow = under_way(workers)
    [worker] = workers._running
    warm = psutil.Process(worker._process.pid).ppid()
    os.kill(warm, signal.SIGKILL)
    with pytest.raises(WorkerDied):
        slow.result(10)
    assert result(workers, operator.add, 1, 1) == 2
    assert warm not in apart.warm()


def test_shutdown_finishes_calls_first(tmp_path: Path) -> None:
    with made(tmp_path, 2) as workers:
        futures = [under_way(workers, 0.5), *(workers.submit(operator.add, n, n) for n in range(5))]
        workers.shutdown()
        assert [future.result(0) for future in futures] == [None, 0, 2, 4, 6, 8]


def test_shutdown_that_cancels_ends_workers_at_once(tmp_path: Path) -> None:
    with made(tmp_path) as workers:
        slow, waiting = under_way(workers), workers.submit(operator.add, 1, 1)
        pids = [worker._process.pid for worker in workers._running]
        since = time.monotonic()
        workers.shutdown(cancel_futures=True)
        assert time.monotonic() - since < 10
        assert [pid for pid in pids if not has_ended(pid)] == []
        with pytest.raises(WorkerDied):
            slow.result(0)
        with pytest.raises(CancelledError):
            waiting.result(0)


def test_kernels_end_with_the_worker_that_asked_for_them(tmp_path: Path) -> None:
    started = tmp_path / "started"
    cell = f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)"
    write_notebook(tmp_path / "report.ipynb", "unit = ''", cell)
    with warm_apart() as apart, made(tmp_path) as workers:
        asked = (str(tmp_path / "report.ipynb"), None, {}, "cxinsights")
        slow = workers.submit(papermill.execute_notebook, *asked)
        assert wait_for(started.exists, 60)
        assert names(apart) == ["cx-kernel", "cx-warm", "cx-worker"]
        workers.shutdown(cancel_futures=True)
        assert wait_for(lambda: names(apart) == ["cx-warm"], 10)
        with pytest.raises(WorkerDied):
            slow.result(0)


def test_a_second_shutdown_does_not_take_back_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls wait while a worker starts; they are not made although the second has no need to cancel anything."""
    starting, go_on, start = threading.Event(), threading.Event(), module.fork_warm

    def late(*args: Any) -> Any:
        starting.set()
        go_on.wait(10)
        return start(*args)

    monkeypatch.setattr(module, "fork_warm", late)
    with made(tmp_path) as workers:
        futures = [workers.submit(os.getpid), workers.submit(os.getpid)]
        assert starting.wait(10)
        workers.shutdown(wait=False, cancel_futures=True)
        workers.shutdown(wait=False)
        go_on.set()
        with pytest.raises(WorkerDied):
            futures[0].result(10)
        with pytest.raises(CancelledError):
            futures[1].result(10)


def test_a_step_whose_worker_always_dies_is_a_message(workers: LocalWorkers) -> None:
    with pytest.raises(WorkerDied) as raised:
        workers.ask(os._exit, 1)
    assert str(raised.value) == (
        "_exit: the worker that was asked for it died 3 times, for want of memory if nobody ended it. See kernels.log "
        "in the study's private folder."
    )


def test_what_a_plain_worker_has_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WARM, "off")
    asleep = ["sleep", "61.7"]

    def sleeping() -> list[psutil.Process]:
        return [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == asleep]

    with made(tmp_path) as workers:
        workers.submit(subprocess.call, asleep)
        assert wait_for(lambda: len(sleeping()) == 1, 30)
    assert wait_for(lambda: sleeping() == [], 5)


def test_where_nothing_is_to_be_forked_workers_start_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(WARM, "off")
    with caplog.at_level(logging.WARNING), made(tmp_path) as workers:
        pid = result(workers, os.getpid)
        assert psutil.Process(pid).ppid() == os.getpid()
        assert [record.getMessage() for record in caplog.records] == ["plain start of a worker: CXINSIGHTS_WARM is off"]
        with pytest.raises(WorkerDied):
            result(workers, os._exit, 7)
        assert result(workers, operator.add, 1, 1) == 2


@pytest.mark.parametrize(("function", "name"), [(_thread.allocate_lock, "lock"), (sys._getframe, "frame")])
def test_what_cannot_be_passed_on_is_told(workers: LocalWorkers, function: Any, name: str) -> None:
    with pytest.raises(RuntimeError, match=f"^{name} cannot be passed on$"):
        result(workers, function)
    assert result(workers, operator.add, 1, 1) == 2


def test_a_call_that_cannot_be_passed_on_fails_alone(workers: LocalWorkers) -> None:
    with pytest.raises(Exception, match="pickle"):
        result(workers, operator.add, _thread.allocate_lock(), 1)
    assert result(workers, operator.add, 1, 1) == 2


def test_what_workers_print_is_kept(tmp_path: Path) -> None:
    with made(tmp_path) as workers:
        result(workers, os.system, "echo printed; echo told >&2")
    assert (tmp_path / "private" / "kernels.log").read_text() == "printed\ntold\n"


def test_a_worker_has_folder_and_environment_of_its_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASKED_BY", "Ann")
    with made(tmp_path) as workers:
        assert result(workers, os.getcwd) == str(tmp_path)
        assert result(workers, os.getenv, "ASKED_BY") == "Ann"

"""The warm process: what it forks is as good as new, is its asker's, and ends with it."""

import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from cxinsights.errors import NoWarmKernelError
from cxinsights.kernels import asking
from cxinsights.kernels.asking import warm_up
from cxinsights.kernels.warm import ONE_THREAD, Warm
from tests.batch.shops import wait_for
from tests.kernels.apart import (
    ASKER,
    Apart,
    Kernel,
    has_ended,
    is_running,
    let_go,
    light_apart,
    new_kernel,
    new_worker,
    started_asker,
    warm_apart,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    with warm_apart() as apart:
        yield apart


@pytest.fixture
def light() -> Iterator[Apart]:
    with light_apart() as apart:
        yield apart


@pytest.fixture(scope="module")
def kernel(apart: Apart) -> Iterator[Kernel]:
    with new_kernel() as kernel:
        yield kernel


def links(pid: int) -> set[str]:
    """What a process has open."""
    found = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            found.add(os.readlink(fd))
    return found


def test_a_forked_kernel_runs_cells(apart: Apart, kernel: Kernel) -> None:
    assert psutil.Process(kernel.pid).ppid() in apart.warm()
    assert psutil.Process(kernel.pid).name() == "cx-kernel"
    assert kernel.value("6 * 7") == 42


def test_it_has_loaded_what_reports_need(kernel: Kernel) -> None:
    modules = ("pandas", "matplotlib.pyplot", "sklearn", "cxinsights.display.funnel")
    assert kernel.value(f"[name for name in {modules} if name not in __import__('sys').modules]") == []


def test_it_computes_on_one_thread(apart: Apart) -> None:
    with new_kernel(env={**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}) as kernel:
        assert kernel.value("dict(__import__('os').environ)").items() >= ONE_THREAD.items()
        pools = "[pool['num_threads'] for pool in __import__('threadpoolctl').threadpool_info()]"
        assert set(kernel.value(pools)) == {1}


def test_no_two_kernels_draw_the_same_numbers(kernel: Kernel) -> None:
    drawn = "__import__('random').random(), float(__import__('numpy').random.random())"
    with new_kernel() as other:
        one, two = kernel.value(drawn), other.value(drawn)
    assert one[0] != two[0]
    assert one[1] != two[1]


def test_it_has_environment_folder_and_umask_of_whoever_asked(kernel: Kernel, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with new_kernel(env={**os.environ, "ASKED_BY": "Ann\n& Co"}, cwd=str(tmp_path)) as other:
            value = other.value("(lambda os: (os.environ.get('ASKED_BY'), os.getcwd(), os.umask(0)))(__import__('os'))")
    finally:
        os.umask(before)
    assert value == ("Ann\n& Co", str(tmp_path), 0o027)


def test_it_has_nothing_open_that_is_not_its_own(apart: Apart, kernel: Kernel) -> None:
    with new_kernel() as other:
        warm = psutil.Process(other.pid).ppid()
        assert any("socket:" in link for link in links(warm))
        assert any("pidfd" in link for link in links(warm))
        assert links(other.pid) & links(warm) <= {os.devnull}
        assert not any("pidfd" in link for link in links(other.pid))
        shared = links(other.pid) & links(kernel.pid)
        assert [link for link in shared if "socket:" in link] == []


def test_it_shows_a_figure(kernel: Kernel) -> None:
    published = kernel.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    [shown] = [message["content"]["data"] for message in published if message["msg_type"] == "display_data"]
    assert "image/png" in shown


def test_what_a_kernel_starts_ends_with_it(apart: Apart) -> None:
    with new_kernel() as kernel:
        kernel.run("""
            import os, subprocess, time
            started = subprocess.Popen(["sleep", "300"]).pid
            forked = os.fork()
            if forked == 0:
                time.sleep(300)
            aside = subprocess.Popen(["sleep", "300"], start_new_session=True).pid
            between = subprocess.Popen(["sh", "-c", "setsid sleep 300 & echo $!"], stdout=subprocess.PIPE)
            orphan = int(between.stdout.readline())
            between.wait()
        """)
        own = kernel.value("(started, forked, aside, orphan)")
        assert psutil.Process(own[-1]).ppid() == kernel.pid  # it is counted as the kernel's
        assert [pid for pid in own if not is_running(pid)] == []
        os.kill(kernel.pid, signal.SIGKILL)
        assert [pid for pid in own if not has_ended(pid)] == []


@pytest.mark.parametrize(
    ("cell", "code"),
    [("__import__('os')._exit(7)", 7), ("__import__('os').kill(__import__('os').getpid(), 9)", -9)],
    ids=["exit", "killed"],
)
def test_how_a_kernel_ended_is_told(apart: Apart, cell: str, code: int) -> None:
    with new_kernel() as kernel:
        process = kernel.manager.provisioner.process
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        kernel.client.execute(cell)
        assert process.wait(10) == code
        assert process.poll() == code


def test_what_was_forked_ends_with_whoever_asked(light: Apart) -> None:
    with started_asker() as asker:
        worker = int(asker.stdout.readline())
        assert is_running(worker)
        asker.kill()
        assert has_ended(worker)


def test_kernels_end_with_the_warm_process_and_the_next_request_starts_another(light: Apart) -> None:
    with new_kernel() as kernel:
        warm, pid, process = psutil.Process(kernel.pid).ppid(), kernel.pid, kernel.manager.provisioner.process
        os.kill(warm, signal.SIGKILL)
        assert has_ended(pid)
        assert process.wait(10) == -signal.SIGKILL
    with new_worker() as worker:
        assert psutil.Process(worker.pid).ppid() not in (1, warm)


def test_the_warm_process_outlives_those_who_use_it_for_a_while() -> None:
    with light_apart(linger="1") as light:
        folder, path = warm_up(), asking._path()
        [warm] = light.warm()
        assert path.is_socket()
        assert path.parent == folder
        time.sleep(1.5)
        assert is_running(warm), "it is held"
        let_go()
        since = time.monotonic()
        assert has_ended(warm)
        assert time.monotonic() - since > 0.9
        assert not path.exists()


def test_the_warm_process_holds_nothing_open_of_whoever_started_it() -> None:
    """A lock that a cron job holds by a descriptor, say."""
    with light_apart(linger="5") as light:
        ours, theirs = os.pipe()
        pipe = subprocess.PIPE
        asker = subprocess.Popen([sys.executable, "-c", ASKER], stdin=pipe, stdout=pipe, pass_fds=[theirs])
        os.close(theirs)
        asker.stdout.readline()
        [warm] = light.warm()
        asker.communicate(b"", 10)
        assert wait_for(lambda: bool(select.select([ours], [], [], 0)[0]), 2), "somebody holds the other end"
        assert is_running(warm)
        os.close(ours)


@pytest.mark.parametrize("name", ["_code", "installed"])
def test_changed_code_or_packages_have_a_warm_process_of_their_own(
    light: Apart, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with new_worker() as worker:
        before = psutil.Process(worker.pid).ppid()
        monkeypatch.setattr(asking, name, lambda: ["changed"])
        with new_worker() as other:
            after = psutil.Process(other.pid).ppid()
            assert after != before
            assert sorted(light.warm()) == sorted([before, after])
    assert has_ended(before), "nobody uses it"
    assert is_running(after)


def test_a_change_of_any_file_is_a_change_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "__pycache__").mkdir()
    template = tmp_path / "pages" / "report.html"
    template.write_text("one")
    monkeypatch.setattr(sys.modules["cxinsights"], "__path__", [str(tmp_path)])
    before = asking._code()
    (tmp_path / "__pycache__" / "report.pyc").write_text("compiled")
    assert asking._code() == before
    os.utime(template, (1, 1))
    assert asking._code() != before


def test_those_who_ask_at_once_start_one_warm_process(light: Apart) -> None:
    with started_asker() as one, started_asker() as other:
        workers = [int(asker.stdout.readline()) for asker in (one, other)]
        assert len({psutil.Process(worker).ppid() for worker in workers}) == 1
        assert len(light.warm()) == 1


def test_a_warm_process_that_is_late_to_answer_still_says_whom_it_forked(
    light: Apart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine what was forked could say that it is ready before the warm process had said who it is."""
    late = "import os, time\nbefore = os.pidfd_open\nos.pidfd_open = lambda pid: (time.sleep(1), before(pid))[1]\n"
    (tmp_path / "late.py").write_text(late)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(asking, "_PRELOAD", "late")
    with new_worker() as worker:
        assert psutil.Process(worker.pid).name() == "cx-worker"


def test_a_folder_that_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"cxinsights-{os.getuid()}"
    folder.mkdir(mode=0o750)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(NoWarmKernelError) as refused:
        warm_up()
    assert str(refused.value) == f"{folder} is not ours alone. Remove it, or give another XDG_RUNTIME_DIR"


def test_a_link_to_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"cxinsights-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(NoWarmKernelError) as refused:
        warm_up()
    assert str(refused.value) == f"{folder} is not ours alone. Remove it, or give another XDG_RUNTIME_DIR"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `su`, XDG_RUNTIME_DIR often names a folder that is not there; kernels start plainly then."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    with pytest.raises(NoWarmKernelError) as refused:
        warm_up()
    folder = tmp_path / "gone" / f"cxinsights-{os.getuid()}"
    told = f"{folder} cannot be made (No such file or directory). Give another XDG_RUNTIME_DIR"
    assert str(refused.value) == told


def test_a_warm_process_with_another_thread_forks_nothing(light: Apart) -> None:
    """A lock that the other thread holds at that moment would never be free in the child."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(asking._path()))
        listener.listen()
        thread = threading.Thread(target=Warm(listener, 0).run, daemon=True)
        thread.start()
        told = r"^the warm process has \d+ threads, and a fork copies one$"
        with pytest.raises(NoWarmKernelError, match=told), new_worker():
            pass
        let_go()
        thread.join(10)
        assert not thread.is_alive()


def test_what_was_forked_is_looked_after_with_many_descriptors_open(light: Apart) -> None:
    """A server of many kernels has more than the 1,024 that `select.select` knows."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < 2_000:
        pytest.skip("no more descriptors allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2_000, limits[1]))
    nothing = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        with new_worker() as worker:
            assert worker.poll() is None
    finally:
        for fd in nothing:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert worker.returncode == -signal.SIGKILL


def test_a_warm_process_that_another_started_anew_is_held_too(light: Apart) -> None:
    warm_up()
    [first] = light.warm()
    os.kill(first, signal.SIGKILL)
    assert has_ended(first)
    with started_asker() as other:
        second = psutil.Process(int(other.stdout.readline())).ppid()
        warm_up()
    time.sleep(0.5)
    assert is_running(second)


def test_a_warm_process_survives_what_is_no_request_and_more_who_ask_than_it_can_hear(light: Apart) -> None:
    with new_worker() as worker:
        [warm] = light.warm()
        limit = len(os.listdir(f"/proc/{warm}/fd")) + 8
        resource.prlimit(warm, resource.RLIMIT_NOFILE, (limit, limit))
        path = next(p for p in light.folder.rglob("*") if p.is_socket())
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(30)]
        try:
            crowd[0].connect(str(path))
            crowd[0].sendall(b"[" * 300_000 + b"\n")
            for one in crowd[1:]:
                one.connect(str(path))
            assert not wait_for(lambda: not is_running(warm), 2)
        finally:
            for one in crowd:
                one.close()
        with new_worker() as other:
            assert psutil.Process(other.pid).ppid() == warm
        assert is_running(worker.pid)


def test_a_kernel_whose_client_was_killed_leaves_no_file(apart: Apart) -> None:
    before = set(apart.folder.rglob("kernel-*"))
    start = "from tests.kernels.apart import new_kernel\nwith new_kernel(): print(1, flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", start], stdin=pipe, stdout=pipe) as client:
        client.stdout.readline()
        assert set(apart.folder.rglob("kernel-*")) > before
        client.kill()
    assert wait_for(lambda: set(apart.folder.rglob("kernel-*")) == before, 10)


def test_a_stranger_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(socket.AF_UNIX) as listener:
        warm = Warm(listener, 0)
        monkeypatch.setattr(os, "listdir", lambda path: ["one thread"])
        assert warm._refusal(ours) == ""
        uid = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
        assert warm._refusal(ours) == "another user asked"

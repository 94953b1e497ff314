"""Jupyter's way to a forked kernel, and to a plain one where none can be forked."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from jupyter_client import KernelManager
from jupyter_client.manager import start_new_async_kernel

from cxinsights.kernels.asking import WARM
from tests.kernels.apart import Apart, Kernel, has_ended, new_kernel, warm_apart
from tests.loops import run_apart

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

MANY = 8


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    with warm_apart() as apart:
        yield apart


def is_forked(kernel: Kernel) -> bool:
    return psutil.Process(kernel.pid).name() == "cx-kernel"


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("cxinsights")]


def own_sockets(manager: KernelManager) -> list[str]:
    """Files of a kernel's sockets."""
    return sorted(path.name for path in Path(manager.ip).parent.glob(f"{Path(manager.ip).name}-*"))


def test_it_talks_through_sockets_in_a_folder_that_nobody_else_can_look_into(apart: Apart) -> None:
    with new_kernel() as kernel:
        manager, folder = kernel.manager, apart.folder / f"cxinsights-{os.getuid()}"
        file = Path(manager.connection_file)
        assert is_forked(kernel)
        assert manager.transport == "ipc"
        assert file.parent == Path(manager.ip).parent == folder
        assert folder.stat().st_mode & 0o777 == 0o700
        assert len(own_sockets(manager)) == 5
    assert own_sockets(manager) == []
    assert not file.exists()


def test_many_kernels_that_are_started_at_once_all_start(apart: Apart) -> None:
    """Each runs a cell of its own while the others do."""

    async def asked(n: int) -> tuple[str, int]:
        manager, client = await start_new_async_kernel(kernel_name="cxinsights")
        try:
            reply = await client.execute(f"n = {n}", reply=True, user_expressions={"n": "n"}, timeout=60)
            return reply["content"]["user_expressions"]["n"]["data"]["text/plain"], manager.provisioner.pid
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)

    async def all_asked() -> list[tuple[str, int]]:
        return await asyncio.gather(*(asked(n) for n in range(MANY)))

    answers, pids = zip(*run_apart(all_asked()), strict=True)
    assert list(answers) == [str(n) for n in range(MANY)]
    assert len(set(pids)) == MANY
    assert [pid for pid in pids if not has_ended(pid)] == []


def test_what_was_put_off_when_libraries_were_loaded_is_there_when_it_is_asked_for(apart: Apart) -> None:
    """Of jsonschema: whether a text is an address in any letters."""
    with new_kernel() as kernel:
        kernel.run("import sys\nfrom jsonschema import Draft7Validator\nformats = Draft7Validator.FORMAT_CHECKER")
        assert kernel.value("'rfc3987_syntax.syntax_helpers' in sys.modules") is False
        assert kernel.value("formats.conforms('http://münchen.example/ä', 'iri')") is True
        assert kernel.value("formats.conforms('no address', 'iri')") is False


def test_a_cell_can_be_interrupted(apart: Apart) -> None:
    with new_kernel() as kernel:
        asked = kernel.client.execute("import time\nprint('asleep')\ntime.sleep(60)", stop_on_error=False)
        while kernel.client.get_iopub_msg(timeout=10)["msg_type"] != "stream":
            continue
        kernel.manager.interrupt_kernel()
        reply = kernel.client.get_shell_msg(timeout=10)
        assert reply["parent_header"]["msg_id"] == asked
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert kernel.value("1 + 1") == 2


def test_a_kernel_can_be_restarted(apart: Apart) -> None:
    with new_kernel() as kernel:
        kernel.run("before = True")
        first = kernel.pid
        kernel.manager.restart_kernel()
        kernel.client.wait_for_ready(timeout=60)
        assert kernel.value("'before' in globals()") is False
        assert has_ended(first)
        assert is_forked(kernel)


def test_a_kernel_that_is_asked_to_end_ends(apart: Apart) -> None:
    with new_kernel() as kernel:
        process = kernel.manager.provisioner.process
        kernel.manager.shutdown_kernel()
        assert process.returncode == 0


def test_where_nothing_is_to_be_forked_a_kernel_starts_plainly(
    apart: Apart, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(WARM, "off")
    with caplog.at_level(logging.WARNING), new_kernel() as kernel:
        assert logged(caplog) == ["plain kernel start: CXINSIGHTS_WARM is off"]
        assert not is_forked(kernel)
        assert psutil.Process(kernel.pid).ppid() == os.getpid()
        assert kernel.manager.transport == "ipc"
        assert len(own_sockets(kernel.manager)) == 5
        assert kernel.value("6 * 7") == 42


def test_where_the_folder_is_not_ours_a_kernel_starts_plainly(
    apart: Apart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    with caplog.at_level(logging.WARNING), new_kernel() as kernel:
        folder = tmp_path / "gone" / f"cxinsights-{os.getuid()}"
        why = f"{folder} cannot be made (No such file or directory). Give another XDG_RUNTIME_DIR"
        assert logged(caplog) == [f"plain kernel start: {why}"]
        assert kernel.value("6 * 7") == 42


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"stdout": subprocess.DEVNULL}, "its streams are not files"),
        ({"independent": True}, "a kernel is asked for that outlives its server"),
    ],
    ids=["streams", "independent"],
)
def test_what_cannot_be_forked_starts_plainly(
    apart: Apart, asked: dict, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), new_kernel(**asked) as kernel:
        assert logged(caplog) == [f"plain kernel start: {why}"]
        assert kernel.value("6 * 7") == 42


def test_another_interpreter_is_not_forked(
    apart: Apart, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    before = KernelManager.format_kernel_cmd

    def with_other(manager: KernelManager, *args: object, **named: object) -> list[str]:
        return [str(other), *before(manager, *args, **named)[1:]]

    monkeypatch.setattr(KernelManager, "format_kernel_cmd", with_other)
    with caplog.at_level(logging.WARNING), new_kernel() as kernel:
        assert logged(caplog) == ["plain kernel start: another interpreter or kernel is asked for"]
        assert kernel.value("6 * 7") == 42


def test_where_the_path_of_a_socket_would_be_too_long_a_kernel_has_ports(apart: Apart, tmp_path: Path) -> None:
    """The system knows paths of about 100 characters."""
    folder = tmp_path / ("f" * 100)
    folder.mkdir()
    with new_kernel(connection_file=str(folder / "kernel.json")) as kernel:
        assert kernel.manager.transport == "tcp"
        assert is_forked(kernel)
        assert kernel.value("6 * 7") == 42

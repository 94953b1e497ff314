"""A warm process that a test module has for itself, kernels of it, and what is seen of both from outside (Linux)."""

import ast
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from cxinsights.kernels import asking
from cxinsights.kernels.asking import LINGER, WARM, Forked, fork_warm, let_go
from cxinsights.kernels.child import WORKER
from tests.batch.shops import wait_for

LIGHT = "json"
"""Loaded by a warm process of which no kernel is asked: it starts at once."""

ASKER = f"""
import os, socket, sys, time
from cxinsights.kernels import asking
from cxinsights.kernels.child import write_pickled
asking._PRELOAD = {LIGHT!r}
ours, theirs = socket.socketpair()
fds = [theirs.fileno()] * 3
worker = asking.fork_warm(["worker"], os.environ, "/", *fds)
write_pickled(ours.makefile("wb"), (time.sleep, (60,)))
print(worker.pid, flush=True)
sys.stdin.read()
"""
"""A program that asks for a worker, keeps it busy, says which process that is, and stays."""


@dataclass(frozen=True)
class Apart:
    """A warm process of one's own, by the folder of its socket."""

    folder: Path

    def processes(self) -> list[psutil.Process]:
        """What was started with this folder in its environment, the warm process and what it forked among it."""
        mark, found = f"XDG_RUNTIME_DIR={self.folder}".encode(), []
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                if is_running(process.pid) and mark in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0"):
                    found.append(process)
        return found

    def warm(self) -> list[int]:
        """Its warm processes, of which there should be one."""
        return [process.pid for process in self.processes() if process.name() == "cx-warm"]


@contextmanager
def warm_apart(linger: str = "0", **variables: str) -> Iterator[Apart]:
    """What is asked for in the block comes from a warm process of its own, which is gone after it."""
    with tempfile.TemporaryDirectory(prefix="cx-") as folder, pytest.MonkeyPatch.context() as patch:
        for name, value in {"XDG_RUNTIME_DIR": folder, LINGER: linger, **variables}.items():
            patch.setenv(name, value)
        patch.delenv(WARM, raising=False)
        apart = Apart(Path(folder))
        yield apart
        let_go()
        gone = wait_for(lambda: apart.processes() == [], 20)
        left = [f"{process.pid} {process.name()}" for process in apart.processes()]
        for process in apart.processes():
            process.kill()
        assert gone, left


@contextmanager
def light_apart(linger: str = "0") -> Iterator[Apart]:
    """As above, where no kernel is asked for."""
    with warm_apart(linger) as apart, pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "_PRELOAD", LIGHT)
        yield apart


@dataclass(frozen=True)
class Kernel:
    """A kernel started as JupyterLab starts it, and a client of it."""

    manager: KernelManager
    client: BlockingKernelClient

    @property
    def pid(self) -> int:
        return self.manager.provisioner.pid

    def value(self, expression: str) -> Any:
        """What an expression is in the kernel, where that can be written as a literal."""
        reply = self.client.execute("", silent=True, user_expressions={"it": expression}, reply=True, timeout=30)
        told = reply["content"]["user_expressions"]["it"]
        assert told["status"] == "ok", told
        return ast.literal_eval(told["data"]["text/plain"])

    def run(self, code: str) -> list[dict]:
        """Messages that a cell publishes."""
        published: list[dict] = []
        self.client.execute_interactive(code, output_hook=published.append, timeout=30)
        return published


@contextmanager
def new_kernel(connection_file: str = "", **asked: Any) -> Iterator[Kernel]:
    """A kernel of our kernelspec until the block ends."""
    manager = KernelManager(kernel_name="cxinsights", connection_file=connection_file)
    manager.start_kernel(**asked)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@contextmanager
def new_worker() -> Iterator[Forked]:
    """A worker that is asked for nothing."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            forked = fork_warm([WORKER], os.environ, "/", *[theirs.fileno()] * 3)
        yield forked
        forked.kill()
        forked.wait(10)


def started_asker() -> subprocess.Popen[str]:
    """A process that asks for a worker; its first line is the worker's number, and it ends when its stdin does."""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", ASKER], stdin=pipe, stdout=pipe, text=True)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not just ended."""
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def has_ended(pid: int) -> bool:
    """Whether a process ends within seconds."""
    return wait_for(lambda: not is_running(pid), 10)

"""Workers on this machine: processes that make one report after another, each replaced when it dies."""

import logging
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from cxinsights.errors import NoWarmKernelError, WorkerDied
from cxinsights.kernels.asking import Forked, fork_warm
from cxinsights.kernels.child import WORKER, read_pickled, write_pickled

__all__ = ["LocalWorkers"]

log = logging.getLogger(__name__)

_ATTEMPTS = 3
_END_S = 5
_MOST_KEPT = 20 << 20  # bytes of messages of earlier runs


class LocalWorkers(Executor):
    """As many worker processes as asked, started when first needed.

    They are forked from the warm process, or started plainly where nothing can be forked. A worker that dies fails
    only the call it was making, with `WorkerDied`; the next call finds another in its place.

    Parameters
    ----------
    workers
        Calls made at a time.
    messages
        File for what workers and kernels print.
    """

    def __init__(self, workers: int, messages: Path) -> None:
        self.workers = workers
        messages.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        too_long = messages.exists() and messages.stat().st_size > _MOST_KEPT
        self._messages = messages.open("wb" if too_long else "ab")
        self._calls: queue.SimpleQueue = queue.SimpleQueue()
        self._running: set[_Worker] = set()
        self._lock = threading.Lock()
        self._is_over = False
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future:  # type: ignore[override]
        """Make a call in the next worker that is free."""
        future: Future = Future()
        self._calls.put((future, function, args))
        return future

    def ask(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """What a call returns; it is made again where its worker dies."""
        return self.ask_each(function, [args])[0]

    def ask_each(self, function: Callable[..., Any], calls: Sequence[tuple]) -> list[Any]:
        """What calls side by side return; one is made again where its worker dies."""
        futures = [self.submit(function, *args) for args in calls]
        return [self._answer(future, function, args) for future, args in zip(futures, calls, strict=True)]

    def _answer(self, future: Future, function: Callable[..., Any], args: tuple) -> Any:
        for _ in range(_ATTEMPTS - 1):
            try:
                return future.result()
            except WorkerDied:
                future = self.submit(function, *args)
        try:
            return future.result()
        except WorkerDied:
            raise WorkerDied(
                f"{function.__name__}: the worker that was asked for it died {_ATTEMPTS} times, for want of memory if "
                f"nobody ended it. See {Path(self._messages.name).name} in the study's private folder."
            ) from None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all workers; calls under way are dropped where futures are cancelled, else finished first."""
        self._is_over |= cancel_futures
        for _ in self._threads:
            self._calls.put(None)
        if cancel_futures:
            with self._lock:
                for worker in self._running:
                    worker.end()
        if wait:
            for thread in self._threads:
                thread.join()
            self._messages.close()

    def _serve(self) -> None:
        """Pass calls on to a worker of this thread's own."""
        worker: _Worker | None = None
        while (call := self._calls.get()) is not None:
            future, function, args = call
            if self._is_over or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                if worker is None or not worker.is_alive:
                    worker = self._started(worker)
                future.set_result(worker.call(function, args))
            except BaseException as error:
                future.set_exception(error)
        if worker is not None:
            self._ended(worker)

    def _started(self, before: "_Worker | None") -> "_Worker":
        if before is not None:
            self._ended(before)
        worker = _Worker(self._messages.fileno())
        with self._lock:
            self._running.add(worker)
            if self._is_over:
                worker.end()
        return worker

    def _ended(self, worker: "_Worker") -> None:
        with self._lock:
            self._running.discard(worker)
        worker.end()


class _Worker:
    """One worker process."""

    def __init__(self, messages: int) -> None:
        self.is_alive = True
        self._socket, theirs = socket.socketpair()
        streams = (theirs.fileno(), messages, messages)
        self._process: Forked | subprocess.Popen
        with theirs:
            try:
                self._process = fork_warm([WORKER], os.environ, os.getcwd(), *streams)
            except NoWarmKernelError as reason:
                log.warning("plain start of a worker: %s", reason)
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "cxinsights.kernels.child"],
                    start_new_session=True,
                    **dict(zip(("stdin", "stdout", "stderr"), streams, strict=True)),
                )
        self._calls, self._answers = self._socket.makefile("wb"), self._socket.makefile("rb")

    def call(self, function: Callable[..., Any], args: tuple) -> Any:
        """What the function returns, or raises, in the worker."""
        try:
            write_pickled(self._calls, (function, args))
            answer = read_pickled(self._answers)
        except (OSError, ValueError):  # ended between calls, or by us
            answer = None
        if answer is None:
            self.is_alive = False
            raise WorkerDied("the worker process died")
        made, value = answer
        if not made:
            raise value
        return value

    def end(self) -> None:
        """End it at once; its kernels end with it."""
        self.is_alive = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # one that was started plainly ends its kernels when it sees this
        if isinstance(self._process, subprocess.Popen):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        for stream in (self._calls, self._answers, self._socket):
            with suppress(OSError):
                stream.close()

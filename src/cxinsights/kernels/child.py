"""What a process becomes that was forked to be a kernel, or to be a worker that makes one report after another."""

import gc
import os
import pickle
import random
import select
import socket
import struct
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO

__all__ = ["READY", "WORKER", "read_pickled", "run", "serve_calls", "write_pickled"]

READY = b'{"ready": true}\n'
WORKER = "worker"
"""What is asked for in place of a kernel's arguments."""
_LENGTH = struct.Struct("!Q")


def run(argv: list[str], connection: int) -> None:
    """Run as what `argv` asks for until that ends.

    Parameters
    ----------
    argv
        Arguments after `-m ipykernel_launcher`, or `worker`.
    connection
        Descriptor of the connection to whoever asked.
    """
    import numpy as np

    gc.enable()
    random.seed()  # or all would draw the same
    np.random.seed()  # noqa: NPY002  the state that old code draws from
    if argv == [WORKER]:
        os.write(connection, READY)
        os.close(connection)
        serve_calls()
    else:
        _run_kernel(argv, connection)


def _run_kernel(argv: list[str], connection: int) -> None:
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", *argv]
    os.environ.pop("JPY_PARENT_PID", None)  # the warm process watches, not the kernel
    app = IPKernelApp.instance(parent_handle=1)  # 1: none to watch
    app.initialize(argv)
    _show_figures()
    os.write(connection, READY)
    os.close(connection)
    app.start()


def _show_figures() -> None:
    """Let the first figure load what shows it under a cell: matplotlib was loaded before there was a kernel."""
    import matplotlib

    matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]
    sys.modules.pop("matplotlib_inline.backend_inline", None)  # once loaded, it would not look for the kernel again


def serve_calls() -> None:
    """Make each call that comes in through stdin, a socket, and send what it returned or raised, until no more come."""
    with socket.socket(fileno=os.dup(0)) as owner, open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
        calls, answers = owner.makefile("rb"), owner.makefile("wb")
        while (call := read_pickled(calls)) is not None:
            function, args = call
            try:
                answer = (True, function(*args))
            except Exception as error:
                answer = (False, error)
            try:
                write_pickled(answers, answer)
            except (pickle.PicklingError, TypeError, AttributeError):
                write_pickled(answers, (False, RuntimeError(f"{type(answer[1]).__name__} cannot be passed on")))


def read_pickled(stream: BinaryIO) -> Any:
    """The next object of a stream between processes of ours; None at its end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    data = stream.read(length)
    return pickle.loads(data) if len(data) == length else None


def write_pickled(stream: BinaryIO, value: Any) -> None:
    """Send an object to another process of ours."""
    data = pickle.dumps(value)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _end_with(connection: socket.socket) -> None:
    """End this process and all it has started when the other end of a connection is closed."""
    watched = select.poll()
    watched.register(connection, select.POLLRDHUP if sys.platform == "linux" else 0)
    while not watched.poll():
        continue
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()
    os._exit(1)


if __name__ == "__main__":  # a worker that is started plainly: no warm process looks after it
    import psutil

    lifeline = socket.socket(fileno=os.dup(0))
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    serve_calls()

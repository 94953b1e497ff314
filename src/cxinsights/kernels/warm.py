"""The warm process: it has done the imports, and forks a kernel or a worker whenever it is asked for one.

It runs as `python -m cxinsights.kernels.warm SOCKET LINGER MODULE`: it loads MODULE, listens on SOCKET, and says so on
its stdout. It has one thread, since a fork copies no other, and waits for requests, for the end of what
it forked, and for the end of whoever asked for it. What it forked ends with whoever asked, with the warm process, or
by itself. The warm process ends LINGER seconds after the last process that is connected to it.
"""

import ctypes
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from cxinsights.kernels.child import WORKER, run

__all__ = ["ONE_THREAD"]

ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Environment of the warm process and what it forks: a library's own threads would not survive the fork."""
_FIRST_S = 60  # to wait for whoever started it
_PAUSE_S = 0.2
_FDS = 3  # come with a request: stdin, stdout, stderr
_LINE_LIMIT = 1 << 20
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36


class Warm:
    """The loop of the warm process.

    Parameters
    ----------
    listener
        Where requests come in: a JSON line with `argv`, `env`, `cwd` and `umask`, and three descriptors. The answer is
        a line with `pid`, and one with `exit` at its end; or one with `refused`. A connection that asks for nothing
        keeps the warm process alive.
    linger
        Seconds to live on with nobody connected.
    """

    def __init__(self, listener: socket.socket, linger: float) -> None:
        self._listener = listener
        self._linger = linger
        self._connected: dict[int, socket.socket] = {}  # by descriptor: those who may ask, or have asked
        self._forked: dict[int, tuple[int, int]] = {}  # by pidfd: process, and descriptor of who asked
        self._files: dict[int, Path] = {}  # by process: a kernel's connection file
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)

    def run(self) -> None:
        """Serve until nobody has been connected for a while."""
        patience = _FIRST_S
        while True:
            is_alone = not (self._connected or self._forked)
            ready = self._poll.poll(1000 * patience if is_alone else None)
            patience = self._linger
            if not ready:
                return
            for fd, _ in ready:
                if fd == self._listener.fileno():
                    self._accept()
                elif fd in self._forked:
                    self._reap(fd)
                elif fd in self._connected:
                    self._hear(fd)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:  # no descriptor is free: whoever asks waits until one is
            print(f"warm process: nobody more can connect: {error.strerror}", file=sys.stderr, flush=True)
            time.sleep(_PAUSE_S)
            return
        self._connected[connection.fileno()] = connection
        self._poll.register(connection, select.POLLIN)

    def _hear(self, fd: int) -> None:
        """Answer a request; where whoever asked is gone, end what was forked for them."""
        connection = self._connected[fd]
        fds: list[int] = []
        try:
            request, fds = _received(connection)
            refusal = self._refusal(connection) if request else ""
            if refusal:
                connection.sendall(_line(refused=refusal))
            elif request:
                self._fork(connection, request, fds)
            if refusal or not request:
                self._drop(fd)
        except (OSError, ValueError, RecursionError) as error:  # whoever asked is gone, or is none of ours
            print(f"warm process: a request failed: {type(error).__name__}", file=sys.stderr, flush=True)
            self._drop(fd)
        finally:
            for one in fds:
                os.close(one)

    def _refusal(self, connection: socket.socket) -> str:
        """Why nothing can be forked; empty where it can."""
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] != os.getuid():
            return "another user asked"
        threads = len(os.listdir("/proc/self/task"))
        return "" if threads == 1 else f"the warm process has {threads} threads, and a fork copies one"

    def _fork(self, connection: socket.socket, request: dict, fds: list[int]) -> None:
        warm = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become(warm, connection, request, fds)
        pidfd = os.pidfd_open(pid)
        self._forked[pidfd] = (pid, connection.fileno())
        if "-f" in request["argv"][:-1]:
            self._files[pid] = Path(request["argv"][request["argv"].index("-f") + 1])
        self._poll.register(pidfd, select.POLLIN)

    def _reap(self, pidfd: int) -> None:
        """End what a process that has ended left behind, and say how it ended."""
        pid, asked = self._forked.pop(pidfd)
        _kill_group(pid)  # before its number is free for another
        _, status = os.waitpid(pid, 0)
        self._end_orphans()
        self._poll.unregister(pidfd)
        os.close(pidfd)
        file = self._files.pop(pid, None)
        if file is not None and asked not in self._connected:  # nobody is left to tidy up after it
            for path in [file, *file.parent.glob(f"{file.stem}-ipc-*")]:
                with suppress(OSError):
                    path.unlink()
        if asked in self._connected:
            with suppress(OSError):
                self._connected[asked].sendall(_line(exit=os.waitstatus_to_exitcode(status)))
            self._drop(asked)

    def _end_orphans(self) -> None:
        """End what kernels had started in sessions of their own: it came to us when they ended."""
        ours = {pid for pid, _ in self._forked.values()}
        while orphans := _children() - ours:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)  # what it had started itself comes next

    def _drop(self, fd: int) -> None:
        """Forget a connection, and end what was forked for it."""
        self._poll.unregister(fd)
        self._connected.pop(fd).close()
        for pidfd, (pid, asked) in self._forked.items():
            if asked == fd:
                _kill_group(pid)
                self._forked[pidfd] = (pid, -1)  # reaped when its end shows; the number may be another's by then


def _become(warm: int, connection: socket.socket, request: dict, fds: list[int]) -> None:
    """In the child: give up what is the parent's, run what was asked for, and never return."""
    code = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what a notebook starts stays below it, and is counted
        _call_itself("cx-worker" if request["argv"] == [WORKER] else "cx-kernel")
        if os.getppid() != warm:
            os._exit(code)
        own = [os.dup(fd) for fd in (*fds, connection.fileno())]  # none of them is at a place yet to be taken
        for place, fd in enumerate(own):
            os.dup2(fd, place)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        os.write(3, _line(pid=os.getpid()))  # not from the parent, which may come late with it
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(request["env"], **ONE_THREAD)
        os.umask(request["umask"])
        os.chdir(request["cwd"])
        tempfile.tempdir = None  # looked up again, where this environment says
        run(request["argv"], connection=3)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _call_itself(name: str) -> None:
    """What the process is called in lists of processes: its command line is that of the warm process."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode())


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _children() -> set[int]:
    return {int(pid) for pid in Path("/proc/self/task", str(os.getpid()), "children").read_text().split()}


def _received(connection: socket.socket) -> tuple[dict, list[int]]:
    """A request with its descriptors; empty where the other end is closed."""
    connection.settimeout(5)
    data, fds, _, _ = socket.recv_fds(connection, 1 << 16, _FDS)
    while data and not data.endswith(b"\n"):
        more = connection.recv(1 << 16)
        if not more or len(data) > _LINE_LIMIT:
            raise ValueError("the request ended early, or never")
        data += more
    return (json.loads(data) if data else {}), fds


def _line(**said: object) -> bytes:
    return json.dumps(said).encode() + b"\n"


def main() -> None:
    """Import, say so, and serve."""
    path, linger, module = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # whoever started us may hold locks by theirs
    _call_itself("cx-warm")
    os.chdir("/")
    ready = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(ONE_THREAD)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    gc.disable()  # it would look through all that is loaded again and again, and find hardly anything
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module(module)
    with socket.socket(socket.AF_UNIX) as listener:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(128)
        gc.freeze()  # what the collector does not touch stays shared with what is forked
        os.write(ready, b"ready\n")
        os.close(ready)
        Warm(listener, linger).run()
        path.unlink(missing_ok=True)
    os._exit(0)  # libraries that tidy up at an orderly end have much to say


if __name__ == "__main__":
    main()

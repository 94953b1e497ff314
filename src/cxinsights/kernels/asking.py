"""Ask the warm process for a kernel or a worker, starting it where there is none.

There is one for each user, interpreter, environment that matters, set of packages and state of the code: a change makes
another, and the one before ends when nobody is left who uses it.
"""

import atexit
import fcntl
import hashlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from cxinsights.errors import NoWarmKernelError
from cxinsights.kernels.child import READY
from cxinsights.report.fingerprints import installed

__all__ = ["LINGER", "WARM", "Forked", "fork_warm", "let_go", "warm_up"]

log = logging.getLogger(__name__)

WARM = "CXINSIGHTS_WARM"
"""Environment variable; `off` where nothing is to be forked."""
LINGER = "CXINSIGHTS_WARM_LINGER"
"""Environment variable with the seconds that a warm process stays when nobody uses it any more; 120 if not given."""
_PRELOAD = "cxinsights.batch.preload"
_START_S, _READY_S = 120, 60
_MATTERS = ("PYTHON", "NUMBA", "MPL", "LC_", "LANG", "TZ", "HOME", "XDG_", "IPYTHON")
"""Beginnings of names in the environment that libraries read when they are loaded."""

_lock = threading.Lock()
_held: dict[str, socket.socket] = {}  # by path: connections that keep a warm process alive as long as this one


class Forked:
    """A process forked from the warm process, to be looked after like a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection = connection
        self.pid = pid
        self.returncode: int | None = None
        self._heard = b""

    def poll(self) -> int | None:
        """Exit code; None while it runs."""
        while self.returncode is None and _can_hear(self._connection, 0):
            self._listen()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Exit code, once it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            It still runs.
        """
        while self.returncode is None:
            if not _can_hear(self._connection, timeout):
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            self._listen()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _listen(self) -> None:
        """Hear what the warm process says of it; the end of the connection means that both are gone."""
        try:
            heard = self._connection.recv(1 << 12)
        except OSError:
            heard = b""
        self._heard += heard
        for line in self._heard.split(b"\n")[:-1]:
            if line.startswith(b'{"exit"'):
                self.returncode = json.loads(line)["exit"]
        if not heard and self.returncode is None:
            self.returncode = -signal.SIGKILL
        if self.returncode is not None:
            self._connection.close()


def fork_warm(argv: Sequence[str], env: Mapping[str, str], cwd: str, stdin: int, stdout: int, stderr: int) -> Forked:
    """A new process of the warm process, ready for work.

    Parameters
    ----------
    argv
        A kernel's arguments (`-f` and its connection file at least), or `worker`.
    stdin, stdout, stderr
        Descriptors for what it reads and prints, a kernel outside of cells.

    Raises
    ------
    NoWarmKernelError
        There is no warm process, and none can be started; or it cannot fork, or what it forked did not start.
    """
    connection = _connection()
    asked = {"argv": list(argv), "env": dict(env), "cwd": cwd, "umask": _umask()}
    request = json.dumps(asked).encode() + b"\n"
    try:
        sent = socket.send_fds(connection, [request], [stdin, stdout, stderr])
        if sent < len(request):  # else they may have answered, and be gone
            connection.sendall(request[sent:])
        answer = json.loads(_next_line(connection))
        if "refused" in answer:
            raise NoWarmKernelError(answer["refused"])
        if _next_line(connection) != READY:
            raise NoWarmKernelError("what was forked ended while it started")
    except BaseException as error:
        connection.close()  # what was forked ends with it
        if isinstance(error, OSError):
            raise NoWarmKernelError(f"the warm process does not answer ({type(error).__name__})") from error
        raise
    connection.settimeout(None)
    return Forked(connection, answer["pid"])


def warm_up() -> Path:
    """Start the warm process where there is none, and keep it for as long as this process lives.

    Returns
    -------
    Path
        Its folder, which nobody else can look into: a place for kernels' sockets.

    Raises
    ------
    NoWarmKernelError
        None can be started here.
    """
    _connection().close()
    return _path().parent


def _umask() -> int:
    """Bits that this process's new files lack; `os.umask` tells them only by setting others, for all threads."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)


def _connection() -> socket.socket:
    """A connection to ask through."""
    if os.environ.get(WARM) == "off":
        raise NoWarmKernelError(f"{WARM} is off")
    if sys.platform != "linux":
        raise NoWarmKernelError(f"nothing is forked on {sys.platform}")
    path = _path()
    try:
        with _lock:
            try:
                connection = _connected(path)
            except OSError:
                _start(path)
                connection = _connected(path)
            _hold(path)
    except OSError as error:
        raise NoWarmKernelError(f"the warm process cannot be reached: {error.strerror or error}") from error
    connection.settimeout(_READY_S)
    return connection


@atexit.register
def let_go() -> None:
    """Stop keeping warm processes: they end when nobody else uses them."""
    while _held:
        _held.popitem()[1].close()


def _hold(path: Path) -> None:
    """Keep the warm process alive as long as this one; the connection held so far may be to one that has ended."""
    for other in [other for other in _held if other != str(path)]:
        _held.pop(other).close()  # of another state of the code: it stays for the kernels it has
    before = _held.get(str(path))
    if before is None or _can_hear(before, 0):  # it says nothing but its end
        _held[str(path)] = _connected(path)
        if before is not None:
            before.close()


def _path() -> Path:
    """Socket of the warm process that is ours, in a folder that nobody else can look into."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"cxinsights-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        told = f"{folder} cannot be made ({error.strerror}). Give another XDG_RUNTIME_DIR"
        raise NoWarmKernelError(told) from error
    state = folder.lstat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077 or folder.is_symlink():
        raise NoWarmKernelError(f"{folder} is not ours alone. Remove it, or give another XDG_RUNTIME_DIR")
    environment = sorted((name, value) for name, value in os.environ.items() if name.startswith(_MATTERS))
    state = (sys.executable, sys.version, environment, installed(), _code())
    return folder / hashlib.sha256(repr(state).encode()).hexdigest()[:16]


def _code() -> list[tuple]:
    """Name, size and time of change of every file of the package."""
    found = []
    folders = list(sys.modules["cxinsights"].__path__)
    while folders:
        for entry in os.scandir(folders.pop()):
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    folders.append(entry.path)
            else:
                stat = entry.stat()
                found.append((entry.path, stat.st_size, stat.st_mtime_ns))
    return sorted(found)


def _start(path: Path) -> None:
    """Start the warm process, unless another of us is just doing so."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _connected(path).close()
        except OSError:
            _launch(path)


def _launch(path: Path) -> None:
    messages = path.with_suffix(".log")
    ready, theirs = os.pipe()
    command = [sys.executable, "-P", "-Xfrozen_modules=off", "-m", "cxinsights.kernels.warm"]
    command += [str(path), os.environ.get(LINGER, "120"), _PRELOAD]
    mode = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(  # in a session of its own: it outlives us where others use it
        sys.executable, command, os.environ, setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs, 1), (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(messages), mode, 0o600),
        ],
    )  # fmt: skip
    os.close(theirs)
    threading.Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()  # should it end before us
    with os.fdopen(ready, "rb") as stream:
        if not (_can_hear(stream, _START_S) and stream.read(5)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            raise NoWarmKernelError(f"the warm process did not start: see {messages}")


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def _can_hear(stream: socket.socket | BinaryIO, seconds: float | None) -> bool:
    """Whether something comes in time, or the end; `select.select` would fail at the 1,025th descriptor."""
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(None if seconds is None else 1000 * seconds))


def _next_line(connection: socket.socket) -> bytes:
    """The next line and no more: what follows is heard by whom the connection is handed to."""
    line = b""
    while not line.endswith(b"\n"):
        heard = connection.recv(1)
        if not heard:
            raise OSError("the connection has ended")
        line += heard
    return line

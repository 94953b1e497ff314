"""A server run as a process of its own on a free port, asked over plain HTTP, and stopped by its id."""

import http.client
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cxinsights.params import Project
from tests.batch.shops import environment, kernels_of, wait_for


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    """By name in lower case; one that is sent twice, with both values."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def asked(port: int, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
    """What a server on this machine answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        body = reply.read()
        headers = {name.lower(): ", ".join(reply.headers.get_all(name, [])) for name in reply.headers}
        return Answer(reply.status, headers, body)
    finally:
        connection.close()


@dataclass(frozen=True)
class Serving:
    """A running server."""

    project: Project
    process: subprocess.Popen
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        """One request, its path sent as it stands."""
        return asked(self.port, path, method, body, **headers)

    def printed(self) -> str:
        """What it has said."""
        return "".join(path.read_text() for path in self.project.root.glob("server*.log"))

    def kernels(self) -> list[int]:
        """Kernels that run for this server's project (Linux)."""
        return kernels_of(self.project)


@contextmanager
def serving(project: Project, *options: str, limit: int | None = None, **variables: str) -> Iterator[Serving]:
    """Serve the project from its own folder until the block ends; `limit` is of its open files.

    With -P no module of that folder is imported, as with the installed command.
    """
    printed = project.root / f"server-{len(list(project.root.glob('server*.log')))}.log"
    anywhere = [] if "--port" in options else ["--port", "0"]
    variables = {**environment(project, apart=True), **variables}
    with printed.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cxinsights", "serve", *anywhere, *options],
            env=variables, cwd=project.root, stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
    if limit is not None:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    try:
        wait_for(lambda: "http://" in printed.read_text() or process.poll() is not None, 60)
        told = re.search(r"http://127\.0\.0\.1:(\d+)/", printed.read_text())
        assert told, printed.read_text()
        yield Serving(project, process, int(told[1]))
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)


def listening(pid: int) -> list[tuple[str, int]]:
    """Addresses a process listens on, as (address in hex, port), from /proc (Linux)."""
    sockets = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.exists() or fd.is_symlink()}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                found.append((address, int(port, 16)))
    return found

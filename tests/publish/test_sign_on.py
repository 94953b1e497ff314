"""A sign-on is believed over a Unix socket or with the proxy's secret, and gives what the grants say at that moment."""

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxinsights.params import Project
from cxinsights.publish.releases import released_root
from tests.batch.shops import environment, wait_for
from tests.publish.serving import Serving, serving
from tests.publish.test_gate import APAC, EMEA, OTHER, OWN, STUDY
from tests.small import make_project

GRANTS = "users: {anna@example.com: [shops/emea]}\ngroups: {board: ['*']}\n"
SECRET = "s" * 40


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("sso"), STUDY, name="shops", emea=EMEA, apac=APAC)
    for path in (OWN, OTHER):
        folder = released_root(project) / path
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(f"<h1>{path}</h1>")
    (project.params / "access.yml").write_text(GRANTS)
    secret = project.root / "proxy.secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    return project


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Serving]:
    options = ("--access", "sign-on", "--secret-file", str(project.root / "proxy.secret"))
    with serving(project, *options) as running:
        yield running


def status(server: Serving, path: str, **headers: str) -> int:
    return server.ask(f"/reports/{path}/index.html", **headers).status


def test_only_who_knows_the_secret_is_believed(server: Serving) -> None:
    anna = {"X_Forwarded_User": "anna@example.com"}
    assert status(server, OWN, **anna, X_Cxinsights_Secret=SECRET) == 200
    for secret in ("", "s" * 39, SECRET + "s", "é"):
        assert status(server, OWN, **anna, X_Cxinsights_Secret=secret) == 401
    assert status(server, OWN, **anna) == 401
    assert status(server, OWN, X_Cxinsights_Secret=SECRET) == 401


def test_rights_are_those_of_the_name_and_its_groups(server: Serving) -> None:
    proxy = {"X_Cxinsights_Secret": SECRET}
    anna, ben = ({"X_Forwarded_User": f"{name}@example.com", **proxy} for name in ("anna", "ben"))
    assert (status(server, OWN, **anna), status(server, OTHER, **anna)) == (200, 404)
    assert (status(server, OWN, **ben), status(server, OTHER, **ben)) == (404, 404)
    board = {**ben, "X_Forwarded_Groups": "staff, board"}
    assert (status(server, OWN, **board), status(server, OTHER, **board)) == (200, 200)


def test_a_header_sent_twice_is_believed_neither_time(server: Serving) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 20) as line:
        line.sendall(
            f"GET /reports/{OTHER}/index.html HTTP/1.1\r\nHost: localhost\r\nX-Cxinsights-Secret: {SECRET}\r\n"
            "X-Forwarded-User: anna@example.com\r\nX-Forwarded-Groups: board\r\nX-Forwarded-Groups: staff\r\n"
            "\r\n".encode()
        )
        assert line.recv(100).startswith(b"HTTP/1.1 404")


def test_a_right_that_is_taken_away_is_gone_at_once(server: Serving, project: Project) -> None:
    anna = {"X_Forwarded_User": "anna@example.com", "X_Cxinsights_Secret": SECRET}
    assert status(server, OWN, **anna) == 200
    try:
        (project.params / "access.yml").write_text("groups: {board: ['*']}\n")
        assert status(server, OWN, **anna) == 404
        (project.params / "access.yml").write_text("groups: {board: [")  # half written: nobody, until it is whole
        assert status(server, OWN, **anna) == 401
    finally:
        (project.params / "access.yml").write_text(GRANTS)
    assert status(server, OWN, **anna) == 200


def test_a_proxy_over_a_unix_socket_needs_no_secret(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "cx.sock"
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cxinsights", "serve", "--access", "sign-on", "--socket", str(path)],
            env=environment(project, apart=True), cwd=project.root, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        assert wait_for(path.exists, 120), (tmp_path / "log").read_text()
        assert path.stat().st_mode & 0o007 == 0
        for user, answer in (("anna@example.com", 200), ("", 401)):
            connection = http.client.HTTPConnection("localhost")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(path))
            connection.request("GET", f"/reports/{OWN}/index.html", headers={"X-Forwarded-User": user})
            assert connection.getresponse().status == answer
            connection.close()
    finally:
        process.terminate()
        process.wait(15)

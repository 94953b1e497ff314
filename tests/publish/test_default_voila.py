"""Attacks that succeed against Voila as it comes, and are refused here: that they can be refused is no accident."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

import nbformat
import psutil
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from cxinsights.publish.access import Right
from cxinsights.publish.door import free_port, keys_of
from cxinsights.publish.identity import COOKIE
from tests.batch.shops import command, make_shops, wait_for
from tests.loops import run_apart
from tests.publish.serving import Answer, Serving, asked, serving

REPORT = "shops/2026Q3/shops/north/drivers"
pytestmark = pytest.mark.soak  # that Voila lets them through changes with its releases only; test_gate holds ours

SCRIPT = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"


@dataclass(frozen=True)
class Plain:
    """Voila as it comes, on a folder of one notebook and one image."""

    process: subprocess.Popen
    port: int

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return asked(self.port, path, method, **headers)

    def kernels(self) -> int:
        own = psutil.Process(self.process.pid).children(recursive=True)
        return sum("ipykernel_launcher" in " ".join(one.cmdline()) for one in own)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    folder = tmp_path_factory.mktemp("plain")
    cells = [nbformat.v4.new_code_cell("print('a figure')")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "page.ipynb")
    (folder / "figure.png").write_bytes(b"a figure")
    port = free_port()
    options = ["--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "voila", str(folder), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    running = Plain(process, port)
    try:
        assert wait_for(lambda: _answers(running), 60)
        yield running
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One released report, for readers with a link."""
    project = make_shops(tmp_path_factory.mktemp("ours"))
    for order in (("run", "--study", "shops", "--unit", "north", "--only", "drivers"), ("release", "--study", "shops")):
        done = command(project, *order)
        assert done.returncode == 0, done.stderr
    (project.outputs / REPORT / "figure.png").write_bytes(b"a figure")
    with serving(project, "--access", "links") as running:
        yield running


@pytest.fixture
def visit(ours: Serving) -> dict[str, str]:
    keys = keys_of(ours.project)
    visitor = keys.visitor(keys.link([Right("shops")], "a reader", 1), "link")
    assert visitor is not None
    return {"Cookie": f"{COOKIE}={keys.cookie(visitor)}"}


def _answers(server: Plain) -> bool:
    try:
        return server.ask("/voila/tree").status == HTTPStatus.OK
    except OSError:
        return False


def test_rendering_a_notebook_without_a_credential(plain: Plain, ours: Serving) -> None:
    assert "a figure" in plain.ask("/voila/render/page.ipynb").text
    for path in (f"/live/{REPORT}/", f"/reports/{REPORT}/index.html", f"/voila/render/{REPORT}/drivers.ipynb"):
        assert ours.ask(path).status == HTTPStatus.UNAUTHORIZED
    assert ours.kernels() == []


def test_a_file_beside_the_notebook_without_a_credential(plain: Plain, ours: Serving, visit: dict[str, str]) -> None:
    assert plain.ask("/voila/files/figure.png").text == "a figure"
    for path in ("/voila/files/figure.png", f"/voila/files/{REPORT}/figure.png", f"/reports/{REPORT}/figure.png"):
        assert ours.ask(path).status == HTTPStatus.UNAUTHORIZED
        assert ours.ask(path, **visit).status == HTTPStatus.NOT_FOUND


def test_listing_what_there_is(plain: Plain, ours: Serving, visit: dict[str, str]) -> None:
    assert "page.ipynb" in plain.ask("/voila/api/contents").text
    assert ours.ask("/voila/api/contents").status == HTTPStatus.UNAUTHORIZED
    assert ours.ask("/voila/api/contents", **visit).status == HTTPStatus.NOT_FOUND


def test_script_in_the_theme(plain: Plain, ours: Serving, visit: dict[str, str]) -> None:
    assert "<script>alert(1)</script>" in plain.ask(f"/voila/render/page.ipynb?theme={SCRIPT}").text
    answer = ours.ask(f"/live/{REPORT}/?theme={SCRIPT}", **visit)
    assert (answer.status, "alert" in answer.text) == (HTTPStatus.BAD_REQUEST, False)


def test_a_name_of_somebody_elses_for_the_server(plain: Plain, ours: Serving, visit: dict[str, str]) -> None:
    assert plain.ask("/voila/tree", Host="attacker.example").status == HTTPStatus.OK
    assert ours.ask("/", Host="attacker.example", **visit).status == HTTPStatus.NOT_FOUND


def test_a_page_that_is_closed_leaves_a_kernel(plain: Plain, ours: Serving, visit: dict[str, str]) -> None:
    before = plain.kernels()
    plain.ask("/voila/render/page.ipynb")
    assert plain.kernels() == before + 1
    assert ours.ask(f"/live/{REPORT}/", **visit).status == HTTPStatus.OK
    assert wait_for(lambda: ours.kernels() == [], 10)


def test_a_websocket_to_another_visitors_kernel(plain: Plain, ours: Serving, visit: dict[str, str]) -> None:
    [kernel] = re.findall('"kernelId": *"([^"]+)"', plain.ask("/voila/render/page.ipynb").text)

    async def knock(port: int, **headers: str) -> str:
        url = f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels?session_id=another"
        try:
            socket = await websocket_connect(HTTPRequest(url, headers=headers, connect_timeout=20))
        except HTTPClientError as error:
            return str(error.code)
        socket.close()
        while await asyncio.wait_for(socket.read_message(), 20) is not None:
            pass
        return "open"

    assert run_apart(knock(plain.port)) == "open"
    assert run_apart(knock(ours.port)) == "401"
    assert run_apart(knock(ours.port, **visit)) == "404"


def test_ending_another_visitors_kernel(plain: Plain, ours: Serving, visit: dict[str, str]) -> None:
    [kernel] = re.findall('"kernelId": *"([^"]+)"', plain.ask("/voila/render/page.ipynb").text)
    before = plain.kernels()
    given = plain.ask("/voila/tree").headers["set-cookie"]  # to anybody
    own, token = re.search("username-[^;]+", given), re.search("_xsrf=([^;]+)", given)
    assert own is not None
    assert token is not None
    known = {"Cookie": f"{own[0]}; {token[0]}", "X_XSRFToken": token[1]}
    assert plain.ask(f"/voila/api/shutdown/{kernel}", "POST", **known).status == HTTPStatus.NO_CONTENT
    assert wait_for(lambda: plain.kernels() == before - 1, 10)
    assert ours.ask(f"/voila/api/shutdown/{kernel}", "POST").status == HTTPStatus.UNAUTHORIZED
    assert ours.ask(f"/voila/api/shutdown/{kernel}", "POST", **visit).status == HTTPStatus.NOT_FOUND

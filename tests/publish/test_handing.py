"""Workbooks and slides are handed to those who may see the page, as quickly as others let them, and to nobody else."""

import asyncio
import json
import re
import shutil
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
import tornado.web
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from cxinsights.errors import ReportError
from cxinsights.params import Project
from cxinsights.publish.access import Right, Visitor
from cxinsights.publish.downloads import handing
from cxinsights.publish.downloads.handing import AT_ONCE, EACH, EACH_NAME, WAITING, Download
from cxinsights.publish.downloads.making import make_download
from cxinsights.publish.gate import VISITOR
from cxinsights.publish.releases import release, released_root
from tests.loops import run_apart
from tests.publish.made import NORTH, SOUTH, make_scorecards
from tests.publish.serving import Serving, serving
from tests.publish.test_gate import cookie
from tests.publish.test_server import HEADERS

KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
EACH_KIND = pytest.mark.parametrize("kind", KINDS)
OWN, OTHER = "shops/shops/north", "shops/shops/east"


def address(report, name: str) -> str:
    return f"/reports/{report.path}/{name}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Both scorecards, North released twice: the second time with another headline; South a draft."""
    project, _ = make_scorecards(tmp_path_factory.mktemp("handing"))
    path = NORTH.folder(project.outputs) / "result.json"
    as_it_is = path.read_text()
    path.write_text(json.dumps({**json.loads(as_it_is), "headline": "North was otherwise"}))
    release(project, "shops", [NORTH])
    path.write_text(as_it_is)
    release(project, "shops", [NORTH])
    path.write_text(json.dumps({**json.loads(as_it_is), "headline": "North is a draft"}))
    return project


@pytest.fixture(scope="module")
def open_server(project: Project) -> Iterator[Serving]:
    with serving(project) as running:
        yield running


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Serving]:
    with serving(project, "--access", "links") as running:
        yield running


@EACH_KIND
@pytest.mark.parametrize("report", [NORTH, SOUTH], ids=["north", "south"])
def test_a_file_is_the_report_s_with_its_name_and_kind(open_server: Serving, project: Project, report, kind) -> None:
    answer = open_server.ask(address(report, f"report.{kind}"))
    assert answer.status == 200
    assert answer.body == make_download(project, project.outputs, report, kind)
    assert answer.headers["content-type"] == KINDS[kind]
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="shops-2026Q3-shops-{report.unit}-scorecard.{kind}"'
    )
    assert answer.headers["content-length"] == str(len(answer.body))
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@EACH_KIND
def test_what_a_reader_has_is_not_sent_again_and_heads_are_alike(open_server: Serving, kind: str) -> None:
    path = address(NORTH, f"report.{kind}")
    answer = open_server.ask(path)
    again = open_server.ask(path, If_None_Match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    head = open_server.ask(path, "HEAD")
    own = ("etag", "content-type", "content-length", "content-disposition")
    assert (head.status, head.body) == (200, b"")
    assert [head.headers[name] for name in own] == [answer.headers[name] for name in own]


@EACH_KIND
def test_readers_elsewhere_have_what_is_released_and_what_it_restates(
    server: Serving, project: Project, kind: str
) -> None:
    answer = server.ask(address(NORTH, f"report.{kind}"), **cookie(project, OWN))
    made = make_download(project, released_root(project), NORTH, kind)
    assert (answer.status, answer.body) == (200, made)
    assert made != make_download(project, project.outputs, NORTH, kind)
    page = server.ask(address(NORTH, "index.html"), **cookie(project, OWN)).text
    assert "Headline restated" in page


REFUSED = [
    address(NORTH, "report.{kind}"), address(SOUTH, "report.{kind}"),
    address(replace(NORTH, unit="nowhere"), "report.{kind}"), address(replace(NORTH, study="none"), "report.{kind}"),
]  # fmt: skip


@EACH_KIND
@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("rights", [(), (OTHER,)], ids=["nobody", "another unit"])
def test_who_may_not_see_the_page_is_refused_the_file_alike(
    server: Serving, project: Project, path: str, kind: str, rights: tuple
) -> None:
    path = path.format(kind=kind)
    visit = cookie(project, *rights) if rights else {}
    for method in ("GET", "HEAD"):
        page, file = (server.ask(one, method, **visit) for one in (re.sub("[^/]*$", "index.html", path), path))
        assert file.status == page.status == (404 if rights else 401)
        assert file.body == page.body
        assert file.headers.keys() == page.headers.keys()


@EACH_KIND
@pytest.mark.parametrize("path", REFUSED[1:])
def test_what_is_not_there_is_refused_like_a_page_that_is_not(
    server: Serving, project: Project, path: str, kind: str
) -> None:
    path = path.format(kind=kind)
    answer, page = (server.ask(one, **cookie(project, "*")) for one in (path, re.sub("[^/]*$", "index.html", path)))
    assert (answer.status, answer.body) == (page.status, page.body) == (404, answer.body)
    assert "Nothing here for you" in answer.text


@pytest.mark.parametrize(
    "name",
    ["report.xls", "report.xlsx/", "report.xlsm", "Report.xlsx", "report.pptx.xlsx", "result.json", "report.json",
     "scorecard.ipynb", "report.xlsx/report.xlsx", "../north/report.xlsx", "report%2Exlsx", ".report.xlsx"],
)  # fmt: skip
def test_no_other_file_is_made(open_server: Serving, name: str) -> None:
    answer = open_server.ask(address(NORTH, name))
    assert answer.status == 404
    assert len(answer.body) < 1000


@EACH_KIND
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_sent(open_server: Serving, kind: str, method: str) -> None:
    answer = open_server.ask(address(NORTH, f"report.{kind}"), method)
    assert answer.status == 405
    assert "Traceback" not in answer.text


def test_a_page_elsewhere_cannot_have_files_made(open_server: Serving) -> None:
    path = address(NORTH, "report.xlsx")
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        assert open_server.ask(path, Sec_Fetch_Site=site).status == status


def test_a_report_that_cannot_be_made_into_a_file_is_a_short_answer(open_server: Serving, project: Project) -> None:
    broken = replace(NORTH, unit="east")
    folder = broken.folder(project.outputs)
    shutil.copytree(NORTH.folder(project.outputs), folder)
    (folder / "scorecard.ipynb").unlink()
    answer = open_server.ask(address(broken, "report.pptx"))
    assert (answer.status, answer.text) == (422, "422: scorecard.ipynb is not there. Make the report again.")
    assert open_server.ask(address(broken, "report.xlsx")).status == 200
    (folder / "result.json").write_text(json.dumps({"tables": {"one": {"rows": ["what somebody wrote"]}}}))
    answer = open_server.ask(address(broken, "report.xlsx"))
    assert (answer.status, answer.text) == (500, "500: Internal Server Error")
    assert "download failed: KeyError" in open_server.printed()
    assert "somebody wrote" not in open_server.printed()
    assert "Traceback" not in open_server.printed()
    shutil.rmtree(folder)


def test_a_reader_who_leaves_is_no_trouble(open_server: Serving) -> None:
    for report, kind in ((NORTH, "pptx"), (SOUTH, "xlsx")):
        with socket.create_connection(("127.0.0.1", open_server.port), 20) as leaving:
            request = f"GET {address(report, f'report.{kind}')} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            leaving.sendall(request.encode())
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # cut off
    assert open_server.ask(address(NORTH, "report.pptx")).status == 200
    assert "Traceback" not in open_server.printed()
    assert "never retrieved" not in open_server.printed()


def test_who_had_which_file_is_written_down(server: Serving, project: Project) -> None:
    server.ask(address(NORTH, "report.xlsx?x=hidden"), **cookie(project, OWN))
    server.ask(address(NORTH, "report.pptx"))
    [path] = (project.root / "data" / "audit").glob("*.jsonl")
    told = [json.loads(line) for line in path.read_text().splitlines()][-2:]
    assert [(one["visitor"], one["path"], one["status"]) for one in told] == [
        ("somebody", address(NORTH, "report.xlsx"), 200), ("", address(NORTH, "report.pptx"), 401),
    ]  # fmt: skip


def test_pages_offer_the_files_where_somebody_makes_them(open_server: Serving, project: Project) -> None:
    """A page that is opened from its folder has nobody to ask."""
    for report in (NORTH, SOUTH):
        file = (report.folder(project.outputs) / "index.html").read_text(encoding="utf-8")
        answer = open_server.ask(address(report, "index.html"))
        offer = (
            '>The whole report: <a href="report.xlsx" download>Excel workbook</a>, '
            '<a href="report.pptx" download>PowerPoint slides</a></p>'
        )
        assert f'<p class="whole" hidden{offer}' in file
        assert f'<p class="whole"{offer}' in answer.text
        assert answer.text == file.replace('<p class="whole" hidden>', '<p class="whole">')
        assert answer.headers["content-length"] == str(len(answer.body))
        part = open_server.ask(address(report, "index.html"), Range="bytes=-2000")
        assert (part.status, part.body) == (206, answer.body[-2000:])
        head = open_server.ask(address(report, "index.html"), "HEAD")
        assert head.headers["content-length"] == str(len(answer.body))
        kept = open_server.ask(address(report, "index.html"), If_None_Match=answer.headers["etag"])
        assert (kept.status, kept.body) == (304, b"")


class Slow:
    """Stands for what makes files: holds each until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.running = Counter()
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, project, root, report, kind) -> bytes:
        with self._lock:
            self.running["now"] += 1
            self.most = max(self.most, self.running["now"])
        self.go.wait(20)
        with self._lock:
            self.running["now"] -= 1
        return b"made"


async def asked_at_once(
    project: Project, visits: list[str], slow: Slow, *, is_open: bool
) -> tuple[list[tuple[int, str | None]], list[int]]:
    """What visitors are answered who all ask at once: status and when to come again; and how long others waited."""
    routes = [
        (r"/reports/((?:[^/]+/){4}[^/]+)/report\.(xlsx|pptx)", Download,
         {"project": project, "root": project.outputs, "is_open": is_open}),
        (r"/health", tornado.web.RequestHandler),
    ]  # fmt: skip
    server = HTTPServer(tornado.web.Application(routes))
    sockets, port = bind_unused_port()
    server.add_socket(sockets)
    client = AsyncHTTPClient(force_instance=True, max_clients=100)

    async def ask(visit: str):
        headers = {VISITOR: Visitor(visit.partition(" ")[2] or visit, frozenset({Right()}), visit=visit).as_text()}
        request = HTTPRequest(f"http://127.0.0.1:{port}{address(NORTH, 'report.xlsx')}", headers=headers)
        return await client.fetch(request, raise_error=False)

    waiting = [asyncio.ensure_future(ask(visit)) for visit in visits]
    while sum(one.done() for one in waiting) + len(Download.turns) < len(visits):
        await asyncio.sleep(0.01)
    others = [
        (await client.fetch(f"http://127.0.0.1:{port}/health", raise_error=False)).code
    ]  # while all turns are taken
    slow.go.set()
    answers = [await one for one in waiting]
    server.stop()
    client.close()
    return [(one.code, one.headers.get("Retry-After")) for one in answers], others


@pytest.mark.parametrize(
    ("visits", "is_open", "refused"),
    [
        ([f"visit-{at}" for at in range(WAITING + 3)], False, 3),
        (["one"] * (EACH + 2), False, 2),
        ([f"{at} link" for at in range(EACH_NAME + 2)], False, 2),
        (["one"] * (WAITING + 2), True, 2),
    ],
    ids=["all", "one visit", "one link", "this machine"],
)
def test_a_few_are_made_at_once_and_the_rest_is_told_to_come_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, visits: list, is_open: bool, refused: int
) -> None:
    slow = Slow()
    monkeypatch.setattr(handing, "make_download", slow)
    answers, others = run_apart(asked_at_once(project, visits, slow, is_open=is_open))
    assert Counter(answers) == {(200, None): len(visits) - refused, (503, "5"): refused}
    assert slow.most == min(AT_ONCE, len(visits) - refused)
    assert others == [405]  # it answers meanwhile
    assert len(Download.turns) == 0


def test_a_turn_that_failed_is_free_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise ReportError(f"{NORTH.path}: too large for one file. Take its tables, which are there as CSV.")

    monkeypatch.setattr(handing, "make_download", fail)
    answers, _ = run_apart(asked_at_once(project, ["one"], Slow(), is_open=False))
    assert answers == [(422, None)]
    assert len(Download.turns) == 0


async def left_untaken(project: Project) -> tuple[int, bytes]:
    """Ask for a file and take none of it: the turns that are held once it is there, and what comes in the end."""
    route = (r"/reports/((?:[^/]+/){4}[^/]+)/report\.(xlsx|pptx)", Download,
             {"project": project, "root": project.outputs, "is_open": True})  # fmt: skip
    server = HTTPServer(tornado.web.Application([route]))
    sockets, port = bind_unused_port()
    server.add_socket(sockets)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", port))
        name = Visitor("x", frozenset({Right()})).as_text()
        asked = f"GET {address(NORTH, 'report.xlsx')} HTTP/1.1\r\nHost: here\r\n{VISITOR}: {name}\r\n\r\n"
        reader.sendall(asked.encode())
        while not Download.turns:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        held = len(Download.turns)
        while Download.turns:
            await asyncio.sleep(0.01)
        reader.settimeout(10)
        got = await asyncio.to_thread(lambda: b"".join(iter(lambda: reader.recv(1 << 20), b"")))
    server.stop()
    return held, got


def test_who_does_not_take_a_file_is_cut_off(project: Project, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    size = 50_000_000
    monkeypatch.setattr(handing, "make_download", lambda *_: bytes(size))
    monkeypatch.setattr(handing, "TAKING", 1.0)
    held, got = run_apart(left_untaken(project))
    assert held == 1
    assert len(got) < size / 2
    assert caplog.messages == ["download: not taken within 1 s"]

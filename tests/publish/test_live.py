"""The live page is the report computed for this visit; its kernel ends with the visit, however that ends."""

import asyncio
import http.client
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.web import Application

from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.kernels.limits import Limits
from cxinsights.params import Project
from cxinsights.publish import live
from cxinsights.publish.access import Right, Visitor
from cxinsights.publish.door import free_port, keys_of
from cxinsights.publish.gate import VISITOR
from cxinsights.publish.identity import COOKIE
from cxinsights.publish.live import LIVE_AT_ONCE, LIVE_EACH, _OwnKernels
from cxinsights.report.identity import ReportId
from tests.batch.shops import PERIOD, command, make_shops, processes_of, wait_for, write_notebook
from tests.loops import run_apart
from tests.publish.serving import Answer, Serving, serving

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads processes from /proc (Linux)")

REPORT = f"shops/{PERIOD}/shops/north/drivers"
SOUTH = f"shops/{PERIOD}/shops/south"
NOTEBOOKS = {
    "short": ("pass", "import time\ntime.sleep(2)"),
    "long": ("pass", "import time\ntime.sleep(300)"),
    "faulty": ("pass", "1 / 0"),
    "dying": ("pass", "import os\nos._exit(1)", "pass"),
}
UNFINISHED = (
    '<p class="note" role="status" data-unfinished>This page could not be computed to its end. '
    'The report made before is here: <a href="/reports/{path}/index.html">open the report</a>.</p>'
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One report as a run leaves it, and notebooks that are slow or fail."""
    project = make_shops(tmp_path_factory.mktemp("live"))
    ran = command(project, "run", "--study", "shops", "--unit", "north", "--only", "drivers")
    assert ran.returncode == 0, ran.stderr
    for name, cells in NOTEBOOKS.items():
        write_notebook(project.outputs / SOUTH / name / f"{name}.ipynb", *cells)
    return project


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Serving]:
    with serving(project) as running:
        yield running


def content(page: str) -> str:
    """What a page shows between its bar and its footer."""
    found = re.search('<div id="report">(.*?)\n</div>\n(?:<nav|<form|</main>)', page, re.DOTALL)
    assert found
    return "\n".join(line for line in found[1].splitlines() if line.strip())


def assert_no_kernel_is_left(server: Serving) -> None:
    assert wait_for(lambda: server.kernels() == [], 10)


def test_the_live_page_says_what_the_report_says_and_its_kernel_ends(server: Serving) -> None:
    live, report = server.ask(f"/live/{REPORT}/"), server.ask(f"/reports/{REPORT}/index.html")
    assert (live.status, report.status) == (200, 200)
    assert re.findall("<h1>(.*?)</h1>", live.text) == ["Waiting time goes most with NPS"]
    assert content(live.text) == content(report.text)
    assert_no_kernel_is_left(server)


def test_what_a_reader_asks_is_computed_with_the_reports_own_model(server: Serving, project: Project) -> None:
    """The same as the notebook run with that parameter; the report itself stays."""
    before = server.ask(f"/reports/{REPORT}/index.html").text
    asked = server.ask(f"/live/{REPORT}/?model=top_box")
    assert asked.status == 200
    assert "Logistic regression of the share of promoters" in asked.text
    assert "Linear regression of NPS" in before
    assert server.ask(f"/reports/{REPORT}/index.html").text == before
    assert server.ask(f"/live/{REPORT}/?model=linear").text == server.ask(f"/live/{REPORT}/").text
    assert_no_kernel_is_left(server)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("theme=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "What can be asked here: model."),
        ("template=lab", "What can be asked here: model."),
        ("model=linear&n_boot=1000000", "What can be asked here: model."),
        ("unit=south", "What can be asked here: model."),
        ("study=other&model=ordered", "What can be asked here: model."),
        ("model=%3Cb%3E", "model may be linear, ordered, top_box."),
        ("model=linear&model=__import__('os')", "model may be linear, ordered, top_box."),
        ("model=", "model may be linear, ordered, top_box."),
        ("missing=listwise", "What can be asked here: model."),  # a few rows less would tell what is in these
    ],
)
def test_nothing_else_in_the_address_reaches_the_notebook(server: Serving, query: str, said: str) -> None:
    answer = server.ask(f"/live/{REPORT}/?{query}")
    assert (answer.status, answer.text) == (400, f"400: {said}")
    assert server.kernels() == []


def test_a_live_page_has_the_policy_of_all(server: Serving) -> None:
    answer = server.ask(f"/live/{SOUTH}/faulty/")
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text
    policy = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; "
    assert answer.headers["content-security-policy"].startswith(policy)
    assert "no-store" in answer.headers["cache-control"]


def test_a_page_elsewhere_cannot_start_a_kernel(server: Serving) -> None:
    answer = server.ask(f"/live/{SOUTH}/faulty/", Sec_Fetch_Site="cross-site")
    assert (answer.status, answer.text) == (403, "403: Forbidden")


def test_a_notebook_that_fails_gives_a_link_to_the_report_and_no_traceback(server: Serving) -> None:
    answer = server.ask(f"/live/{SOUTH}/faulty/")
    assert answer.status == 200
    assert content(answer.text) == UNFINISHED.format(path=f"{SOUTH}/faulty")
    assert "ZeroDivisionError" not in answer.text
    assert "division by zero" not in server.printed()  # it may quote what people answered
    assert_no_kernel_is_left(server)


def test_a_kernel_that_dies_is_told_too(server: Serving) -> None:
    """As when memory runs out: no cell ends in an error, the kernel is just gone."""
    answer = server.ask(f"/live/{SOUTH}/dying/")
    assert answer.text.endswith("</html>")
    assert content(answer.text) == UNFINISHED.format(path=f"{SOUTH}/dying")


def test_a_kernel_that_dies_is_not_started_again(server: Serving) -> None:
    server.ask(f"/live/{SOUTH}/dying/")
    assert_no_kernel_is_left(server)
    assert not wait_for(lambda: server.kernels() != [], 5)  # what looks after kernels looks every three seconds


def leave_early(server: Serving, path: str) -> None:
    """Ask for a page, and go as soon as a kernel computes it."""
    before = len(server.kernels())
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path)
        assert connection.getresponse().status == 200
        assert wait_for(lambda: len(server.kernels()) > before, 30)
    finally:
        connection.close()


def test_no_more_than_a_few_live_pages_at_once(server: Serving) -> None:
    def ask(_: int) -> Answer:
        return server.ask(f"/live/{SOUTH}/short/")

    with ThreadPoolExecutor(LIVE_AT_ONCE + 1) as readers:
        answers = sorted(readers.map(ask, range(LIVE_AT_ONCE + 1)), key=lambda answer: answer.status)
    assert [answer.status for answer in answers] == [200] * LIVE_AT_ONCE + [503]
    assert answers[-1].headers["retry-after"] == "5"
    assert answers[-1].text == "503: Too many live pages at once: the report itself is under Reports"
    assert ask(0).status == 200
    assert_no_kernel_is_left(server)


@pytest.fixture
def released(project: Project) -> Iterator[Path]:
    """The report's notebook, released; what a test does to it or its tables is undone."""
    done = command(project, "release", "--study", "shops")
    assert done.returncode == 0, done.stderr
    changed = [project.outputs / REPORT / "drivers.ipynb", project.tables("shops") / "manifest.json"]
    before = [path.read_bytes() for path in changed]
    yield changed[0]
    for path, content in zip(changed, before, strict=True):
        path.write_bytes(content)
    shutil.rmtree(project.outputs / ".released")


def link_cookie(project: Project, name: str = "anna") -> dict[str, str]:
    keys = keys_of(project)
    visitor = keys.visitor(keys.link([Right.parse("shops")], name, 1), "link")
    assert visitor is not None
    return {"Cookie": f"{COOKIE}={keys.cookie(visitor)}"}


def test_one_visit_cannot_take_every_turn(project: Project, released: Path) -> None:
    """Nor do readers of one link, or of links to nobody by name, wait for each other."""
    write_notebook(released, *NOTEBOOKS["short"])
    visit, another = link_cookie(project), link_cookie(project)
    with serving(project, "--access", "links") as server, ThreadPoolExecutor(LIVE_EACH + 2) as readers:
        visits = [visit] * (LIVE_EACH + 1) + [another]
        answers = [*readers.map(lambda cookie: server.ask(f"/live/{REPORT}/", **cookie).status, visits)]
        assert sorted(answers[:-1]) == [200] * LIVE_EACH + [503]
        assert answers[-1] == 200


def test_what_came_in_since_is_nobodys_to_see_before_it_is_released(project: Project, released: Path) -> None:
    visit = link_cookie(project)
    with serving(project, "--access", "links") as server:
        assert server.ask(f"/live/{REPORT}/", "HEAD", **visit).status == 200
        path = project.tables("shops") / "manifest.json"
        path.write_text(path.read_text().replace('"fingerprint": "', '"fingerprint": "other'))  # as an import leaves it
        assert server.ask(f"/live/{REPORT}/", "HEAD", **visit).status == 204
        answer = server.ask(f"/live/{REPORT}/", **visit)
        assert (answer.status, answer.text) == (
            409, "409: What has come in since is not released: the report itself stands",
        )  # fmt: skip
        assert server.kernels() == []


def test_an_answer_that_never_comes_is_cut_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As of a kernel that dies before it is ready: Voila waits for it, for ever."""
    monkeypatch.setattr(live, "_CUT_OFF_S", 0.2)
    shut_down = []

    class Kernels:
        async def shut_down_mine(self) -> None:
            shut_down.append(True)

    class Stuck(live.Live):
        def initialize(self) -> None:
            vars(self)["_kernels"] = Kernels()

        def _found(self, path: str) -> tuple[ReportId, Path]:
            return ReportId(*path.split("/")), tmp_path / "drivers.ipynb"

        async def get_generator(self, path: str) -> AsyncIterator[str]:
            yield "the head"
            await asyncio.sleep(600)

    async def visit() -> tuple[int, str]:
        server = HTTPServer(Application([("/live/(.+)/", Stuck)], released=True))
        server.listen(port := free_port(), "127.0.0.1")
        headers = {VISITOR: Visitor("anna", frozenset()).as_text()}
        try:
            answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/live/{REPORT}/", headers=headers)
            return answer.code, answer.body.decode()
        finally:
            server.stop()
            await server.close_all_connections()

    assert run_apart(visit()) == (200, f"the head{live._UNFINISHED}")
    assert shut_down == [True]
    assert live.Live.running.total() == 0


def test_readers_who_do_not_read_hold_no_turn(server: Serving, project: Project) -> None:
    many = "from IPython.display import publish_display_data as show\n"
    cell = f"{many}for at in range(60):\n    show({{{MEDIA_TYPE!r}: 'x' * 100_000}})"
    write_notebook(project.outputs / SOUTH / "large" / "large.ipynb", cell)
    with ExitStack() as stalled:
        for _ in range(LIVE_AT_ONCE):
            one = stalled.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.connect(("127.0.0.1", server.port))
            one.sendall(f"GET /live/{SOUTH}/large/ HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert wait_for(lambda: len(server.kernels()) > 0, 30)
        assert wait_for(lambda: server.kernels() == [], 60)
        assert wait_for(lambda: server.ask(f"/live/{SOUTH}/short/").status == 200, 20)


def test_a_kernel_that_takes_too_much_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIMITS", Limits(seconds=60, memory_mb=40))
    hungry = subprocess.Popen([sys.executable, "-c", "x = bytearray(10**8); import time; time.sleep(60)"])

    class Manager:
        async def start_kernel(self) -> str:
            return "kernel"

        def get_kernel(self, kernel_id: str) -> SimpleNamespace:
            return SimpleNamespace(provisioner=SimpleNamespace(pid=hungry.pid))

        async def shutdown_kernel(self, kernel_id: str, *, now: bool) -> None:
            raise KeyError(kernel_id)

    async def visit() -> None:
        kernels = _OwnKernels(Manager())
        await kernels.start_kernel()
        assert await asyncio.to_thread(hungry.wait, 20) == -9
        await kernels.shut_down_mine()

    try:
        run_apart(visit())
    finally:
        hungry.kill()


def test_the_kernel_of_a_reader_who_left_ends(server: Serving) -> None:
    leave_early(server, f"/live/{SOUTH}/long/")
    assert_no_kernel_is_left(server)


@pytest.mark.parametrize("fails", [False, True], ids=["starts", "fails to start"])
def test_a_kernel_that_is_just_starting_when_its_reader_leaves_ends_too(fails: bool) -> None:
    class Manager:
        alive: set[str] = set()

        async def start_kernel(self) -> str:
            self.alive.add("kernel")  # the process is there before its name is
            await asyncio.sleep(0.02)
            if fails:
                self.alive.clear()
                raise RuntimeError("died while starting")
            return "kernel"

        def get_kernel(self, kernel_id: str) -> None:
            raise KeyError(kernel_id)  # it has died meanwhile

        async def shutdown_kernel(self, kernel_id: str, *, now: bool) -> None:
            self.alive.remove(kernel_id)

    async def leave() -> None:
        visit = asyncio.ensure_future(kernels.start_kernel())
        await asyncio.sleep(0.005)
        assert manager.alive == {"kernel"}
        visit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await visit
        await kernels.shut_down_mine()

    manager = Manager()
    kernels = _OwnKernels(manager)
    run_apart(leave())
    assert manager.alive == set()


def test_readers_do_not_notice_a_restart(project: Project) -> None:
    """A new server listens beside the old one, which finishes what it is asked and ends."""
    with serving(project) as old, serving(project, "--port", str(old.port), "--take-over") as new:
        assert new.port == old.port
        statuses: list[int] = []
        over = threading.Event()

        def read() -> None:
            while not over.is_set():
                statuses.append(new.ask(f"/reports/{REPORT}/index.html").status)

        with ThreadPoolExecutor(4) as readers:
            reading = [readers.submit(read) for _ in range(2)]
            lives = [readers.submit(lambda: new.ask(f"/live/{SOUTH}/short/")) for _ in range(2)]
            assert wait_for(lambda: len(new.kernels()) == 2, 30)
            old.process.terminate()
            assert old.process.wait(15) == 0
            read_before = len(statuses)
            assert wait_for(lambda: len(statuses) > read_before + 20, 30)
            over.set()
            assert all(one.exception() is None for one in reading)
        assert set(statuses) == {200}
        assert [(one.result().status, "</html>" in one.result().text) for one in lives] == [(200, True)] * 2
        assert_no_kernel_is_left(new)


def test_stopping_the_server_ends_its_kernels(project: Project) -> None:
    before = set(processes_of(project))  # of the other server
    with serving(project) as server:
        leave_early(server, f"/live/{SOUTH}/long/")
        server.process.terminate()
        server.process.wait(15)
        assert wait_for(lambda: set(processes_of(project)) <= before, 15)

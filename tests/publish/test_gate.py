"""Nobody reaches anything that is not theirs: every route without a visit, with a forged one, and with another's."""

import json
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from cxinsights.errors import ParamsError, ServeError
from cxinsights.params import Project
from cxinsights.publish.access import Keys, Right
from cxinsights.publish.door import Door, keys_of
from cxinsights.publish.identity import COOKIE
from cxinsights.publish.releases import released_root
from tests.batch.shops import wait_for, write_notebook
from tests.publish.serving import Serving, serving
from tests.small import make_project

EMEA = "label: EMEA\nunits: {north: {label: North}, south: {label: South}}\n"
APAC = "label: Asia-Pacific\nunits: {east: {label: East}}\n"
STUDY = """
label: Corner Shops
about: Made-up answers for a test.
without: [brief]
periods: {every: quarter}
tables:
  responses: {sources: [{files: answers.csv}], columns: {response_id: id, region: region, unit: unit, nps_answer: nps}}
"""
OWN, OTHER, WHOLE = (f"shops/2026Q3/{place}/scorecard" for place in ("emea/north", "apac/east", "_all/_all"))
ROUTES = [
    "/", f"/reports/{OTHER}/index.html", f"/reports/{OTHER}/scores.csv", f"/live/{OTHER}/", f"/{OTHER}",
    f"/reports/{WHOLE}/index.html", "/reports/shops/data-quality.html", "/reports/", "/live/", "/voila/",
    "/voila/render/scorecard.ipynb", "/voila/files/secret.csv", "/voila/static/x.js", "/voila/templates/x",
    "/static/style.css", "/api/kernels", "/api/kernels/1/channels", "/api/contents", "/api/shutdown", "/tree",
    "/tree/x", "/files/x", "/nbconvert/html/x.ipynb", "/metrics", "/lab",
]  # fmt: skip
"""What somebody without rights is refused; the last ones are Voila's and Jupyter's own, which nobody has."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Drafts of three reports, released; and a key, a file and a draft that nobody is to see."""
    project = make_project(tmp_path_factory.mktemp("gate"), STUDY, name="shops", emea=EMEA, apac=APAC)
    for root in (project.outputs, released_root(project)):
        for path in (OWN, OTHER, WHOLE):
            folder = root / path
            write_notebook(folder / "scorecard.ipynb", f"'{path}'")
            (folder / "index.html").write_text(f"<h1>{path}</h1>")
            (folder / "scores.csv").write_text("metric,score\nnps,31\n")
            (folder / "result.json").write_text(json.dumps({"headline": f"Of {path}", "scores": []}))
            (folder / "run.json").write_text(json.dumps({"made_at": "2026-10-03T12:00:00+00:00"}))
    draft = project.outputs / "shops/2026Q4/emea/north/scorecard"
    draft.mkdir(parents=True)
    (draft / "index.html").write_text("<h1>not yet</h1>")
    (draft / "result.json").write_text(json.dumps({"headline": "Not yet", "scores": []}))
    (draft / "run.json").write_text(json.dumps({"made_at": "2026-10-03T12:00:00+00:00"}))
    return project


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Serving]:
    with serving(project, "--access", "links") as running:
        yield running


def cookie(project: Project, *rights: str, days: float = 1) -> dict[str, str]:
    keys = keys_of(project)
    visitor = keys.visitor(keys.link([Right.parse(text) for text in rights], "somebody", days), "link")
    assert visitor is not None
    return {"Cookie": f"{COOKIE}={keys.cookie(visitor)}"}


@pytest.mark.parametrize("path", ROUTES)
def test_without_a_visit_every_route_is_refused(server: Serving, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "DELETE"):
        answer = server.ask(path, method)
        told = ["These reports need a link"] if method != "HEAD" else []
        assert (answer.status, re.findall("<h1>(.*?)</h1>", answer.text)) == (401, told)


@pytest.mark.parametrize("path", [path for path in ROUTES if path not in ("/", "/reports/", "/live/")])
def test_another_regions_visit_opens_none_of_it(server: Serving, project: Project, path: str) -> None:
    visit = cookie(project, "shops/emea")
    own = server.ask("/reports/shops/2026Q4/emea/north/scorecard/index.html", **visit)  # allowed, but not there
    answer = server.ask(path, **visit)
    assert (answer.status, answer.text) == (404, own.text)
    assert "Nothing here for you" in own.text


@pytest.mark.parametrize("path", ["/reports/", "/live/"])
def test_folders_lead_to_the_list(server: Serving, project: Project, path: str) -> None:
    answer = server.ask(path, **cookie(project, "shops/emea"))
    assert (answer.status, answer.headers["location"]) == (302, "/")


def test_a_folder_of_another_name_is_behind_the_gate_too(server: Serving, project: Project) -> None:
    """As on a file system that takes Scorecard for scorecard."""
    other = released_root(project) / OTHER
    shutil.copytree(other, other.with_name("Scorecard"))
    try:
        path = f"/reports/{OTHER[:-9]}Scorecard/index.html"
        assert server.ask(path, **cookie(project, "shops/apac")).status == 200
        assert server.ask(path, **cookie(project, "shops/emea")).status == 404
    finally:
        shutil.rmtree(other.with_name("Scorecard"))


def test_a_visit_opens_what_is_its_own_and_lists_no_more(server: Serving, project: Project) -> None:
    visit = cookie(project, "shops/emea/north")
    assert server.ask(f"/reports/{OWN}/index.html", **visit).text == f"<h1>{OWN}</h1>"
    assert server.ask(f"/reports/{OWN}/scores.csv", **visit).status == 200
    found = server.ask(f"/{OWN}", **visit)
    assert (found.status, found.headers["location"]) == (302, f"/reports/{OWN}/index.html")
    assert set(re.findall('Of (shops/[^<"]+)', server.ask("/", **visit).text)) == {OWN}
    both = server.ask("/", **cookie(project, "shops/emea", "shops/apac")).text
    assert set(re.findall('Of (shops/[^<"]+)', both)) == {OWN, OTHER}
    assert "Not yet" not in server.ask("/", **cookie(project, "*")).text
    assert server.ask("/reports/shops/2026Q4/emea/north/scorecard/index.html", **cookie(project, "*")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        f"/reports/{OWN}/../../../../_all/_all/scorecard/index.html", f"/reports/{OWN}/..%2f..%2findex.html",
        "/reports/%73hops/2026Q3/apac/east/scorecard/index.html", f"/reports//{OTHER}/index.html",
        f"/reports/{OTHER}/./index.html", f"//reports/{OTHER}/index.html", f"/reports/{OTHER}/index.html/..",
        "/reports/shops\\2026Q3\\apac\\east\\scorecard\\index.html", f"/reports/{OTHER}/index.html%00",
        f"http://127.0.0.1/reports/{OTHER}/index.html", f"/live/{OTHER}/?theme=dark", "/reports/.released/x.csv",
        f"/REPORTS/{OTHER}/index.html", f"/reports/{OWN}/scorecard.ipynb", f"/reports/{OWN}/run.json",
        f"/reports/{OTHER[:-9]}Scorecard/index.html", f"/reports/{OTHER[:-9]}scorecard_2/index.html",
        f"/live/{OTHER[:-9]}SCORECARD/", f"/reports/{OTHER[:-9]}scorecard/more/index.html", "/live/shops/2026Q3/",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_leads_further(server: Serving, project: Project, path: str) -> None:
    assert server.ask(path, **cookie(project, "shops/emea")).status == 404


def test_a_forged_visit_is_none(server: Serving, project: Project, tmp_path: Path) -> None:
    other = Keys(tmp_path / "key")
    link = keys_of(project).link([Right.parse("*")], "x", 1)
    forged = other.visitor(other.link([Right.parse("*")], "x", 1), "link")
    assert forged is not None
    good = cookie(project, "shops/emea")["Cookie"]
    for cookies in (
        f"{COOKIE}={other.cookie(forged)}", f"{COOKIE}={link}", f"{COOKIE}=", "x=y", good[:-3], good.replace(".", "_"),
    ):  # fmt: skip
        assert server.ask("/", Cookie=cookies).status == 401, cookies
    named = {"Cx_Visitor": '["x", ["*"]]', "X_Forwarded_User": "anna", "X_Forwarded_Groups": "board"}
    assert server.ask(f"/reports/{OWN}/index.html", **named).status == 401
    assert server.ask(f"/reports/{OTHER}/index.html", **named, Cookie=good).status == 404


def test_a_link_is_taken_by_a_button_and_not_by_opening_it(server: Serving, project: Project) -> None:
    path = "/enter/" + keys_of(project).link([Right.parse("shops/emea")], "the board", 7)
    page = server.ask(path)
    assert page.status == 200
    assert "set-cookie" not in page.headers
    assert "For the board: shops/emea. Until" in page.text
    assert '<form method="post">' in page.text
    assert server.ask(path, "POST", Sec_Fetch_Site="cross-site").status == 403
    taken = server.ask(path, "POST", Sec_Fetch_Site="same-origin")
    assert (taken.status, taken.headers["location"]) == (303, "/")
    told = taken.headers["set-cookie"]
    assert all(word in told for word in (f"{COOKIE}=", "HttpOnly", "SameSite=Lax", "Path=/", "expires="))
    visit = told.split(";")[0]
    assert server.ask(f"/reports/{OWN}/index.html", Cookie=visit).status == 200
    assert server.ask(f"/reports/{OTHER}/index.html", Cookie=visit).status == 404
    gone = server.ask(path[:-2])
    assert (gone.status, gone.text) == (410, "410: This link has ended. Ask whoever sent it for a new one")


def test_a_websocket_is_refused_before_it_is_routed(server: Serving, project: Project) -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
               "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    assert server.ask("/api/kernels/x/channels", **upgrade).status == 401
    assert server.ask("/api/kernels/x/channels", **upgrade, **cookie(project, "*")).status == 404


def test_other_names_of_the_server_are_not_answered(server: Serving, project: Project) -> None:
    for host in ("elsewhere.example", "127.0.0.1.elsewhere.example:80", ""):
        assert server.ask("/", Host=host, **cookie(project, "*")).status in (400, 404)


def test_what_is_too_large_is_cut_off_and_the_server_goes_on(server: Serving, project: Project) -> None:
    with suppress(ConnectionResetError):  # closed before all of it was sent
        assert server.ask("/", "POST", "x" * 10_000, **cookie(project, "*")).status in (400, 401, 405, 413)
    with socket.create_connection(("127.0.0.1", server.port), 20) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 70_000 + b"\r\n\r\n")
        with suppress(ConnectionResetError):
            assert slow.recv(100) == b""
    assert server.ask("/health").text == "ok"


def test_many_who_send_a_letter_now_and_then_keep_nobody_waiting(server: Serving, project: Project) -> None:
    visit = cookie(project, "shops/emea")
    with ExitStack() as slow:
        for _ in range(300):
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        assert server.ask(f"/reports/{OWN}/index.html", **visit).status == 200
        connection.sendall(b"y")
        assert server.ask("/health").text == "ok"


def test_the_log_says_who_opened_what_and_holds_no_token(server: Serving, project: Project) -> None:
    token = keys_of(project).link([Right.parse("shops/emea")], "the auditor", 7)
    visit = server.ask(f"/enter/{token}", "POST").headers["set-cookie"].split(";")[0]
    server.ask(f"/reports/{OWN}/index.html?x=hidden", Cookie=visit)
    [path] = (project.root / "data" / "audit").glob("*.jsonl")
    text = path.read_text()
    last = json.loads(text.splitlines()[-1])
    assert (last["visitor"], last["method"], last["path"], last["status"]) == (
        "the auditor", "GET", f"/reports/{OWN}/index.html", 200
    )  # fmt: skip
    for path in (f"/enter/{token}/", f"/enter/{token})", f"/enter/{token}%20", f"//enter/{token}", f"/Enter/{token}",
                 f"http://127.0.0.1/enter/{token}", f"/{token}", "/" + 15_000 * "a"):  # fmt: skip
        server.ask(path)
    assert server.ask(f"/enter/{token}", "HEAD").status == 200  # as mail scanners ask
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        assert server.ask(f"/enter/{token}", "POST", **headers).status == 403
    server.ask(f"/enter/{token[:-2]}")
    server.ask(f"/reports/{OTHER}/index.html", Cookie=visit)
    server.ask("/reports/shops/2026Q4/emea/north/scorecard/index.html", Cookie=visit)
    [path] = (project.root / "data" / "audit").glob("*.jsonl")
    text = path.read_text()
    told = [json.loads(line) for line in text.splitlines()][-3:]
    assert [(one["path"], one["status"]) for one in told] == [
        ("/enter/", 410), (f"/reports/{OTHER}/index.html", 404),
        ("/reports/shops/2026Q4/emea/north/scorecard/index.html", 404),
    ]  # fmt: skip
    assert token not in text
    assert "hidden" not in text
    assert max(len(json.loads(line)["path"]) for line in text.splitlines()) == 300
    [printed] = project.root.glob("server*.log")
    assert "eyJ" not in printed.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_it_does_not_start_open_to_others(project: Project, tmp_path: Path) -> None:
    said = []
    for options in (
        {"kind": "open", "address": "0.0.0.0"}, {"kind": "open", "unix_socket": tmp_path / "s"},
        {"kind": "links", "address": "0.0.0.0"}, {"kind": "sign-on"}, {"kind": "links", "address": "localhost"},
    ):  # fmt: skip
        with pytest.raises(ServeError) as error:
            Door.of(project, **options)
        said.append(str(error.value))
    assert said == [
        "open on 0.0.0.0: everybody there could read everything. Serve others with --access links or --access sign-on.",
        f"open on {tmp_path / 's'}: everybody there could read everything. Serve others with --access links or "
        "--access sign-on.",
        "0.0.0.0: by what name do readers reach it? Give --host reports.example.com.",
        "sign-on: anybody could send the headers that say who signed on. Listen on a Unix socket that only the proxy "
        "reaches (--socket), or share a secret with it (--secret-file).",
        "--address localhost: that is no address. Give one of this machine's in numbers, or 0.0.0.0.",
    ]
    with pytest.raises(ParamsError) as error:
        Door.of(project, "sign-on", unix_socket=tmp_path / "s")
    assert "params/access.yml" in str(error.value)


def test_an_address_that_cannot_be_listened_on_is_told(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = []
    for place in ("none/cx.sock", "file"):
        with pytest.raises(ServeError) as error:
            Door(unix_socket=tmp_path / place).listen(0)
        said.append(str(error.value))
    assert said == [
        f"{tmp_path}/none/cx.sock cannot be listened on: its folder is not there.",
        f"{tmp_path}/file cannot be listened on: a file is there that is no socket.",
    ]


def test_a_socket_that_is_taken_is_left_to_its_server(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "cx.sock"))
        other.listen()
        with pytest.raises(ServeError) as error:
            Door(unix_socket=tmp_path / "cx.sock").check_free(0)
    assert str(error.value) == (
        f"{tmp_path}/cx.sock is taken. Stop what listens there, or take over from it: --take-over."
    )
    Door(unix_socket=tmp_path / "cx.sock").check_free(0)  # a socket that nobody listens on is no server


def test_a_connection_beyond_the_most_is_closed_and_the_others_are_served(project: Project) -> None:
    """Under a limit of descriptors that a shell may set: none of them is used up by who only connects."""
    with serving(project, "--access", "links", limit=512) as running, ExitStack() as all_idle:
        idle = [all_idle.enter_context(socket.create_connection(("127.0.0.1", running.port), 20)) for _ in range(600)]
        with pytest.raises(ConnectionError):
            running.ask("/health")
        for one in idle[:400]:
            one.close()
        assert wait_for(lambda: running.ask("/health").text == "ok", 20)
        assert "Too many open files" not in running.printed()

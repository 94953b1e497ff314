"""The server hands out the list, pages and tables, and nothing else, to this machine alone."""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxinsights.display.listing import list_script
from cxinsights.display.sliders import script, script_hash
from cxinsights.errors import ServeError
from cxinsights.params import Project
from cxinsights.publish.server import free_port, serve_reports
from cxinsights.report.pages import live_script
from tests.batch.shops import write_notebook
from tests.publish.serving import Answer, Serving, listening, serving
from tests.small import make_project

REPORT = "shops/2026Q3/shops/north/scorecard"
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; "
    f"script-src {script_hash(script())} {script_hash(live_script())} {script_hash(list_script())}; "
    "connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
SECRETS = {
    "run.json": json.dumps({"made_at": "2026-10-03T12:00:00+00:00", "mark": "secret"}),
    "result.json": json.dumps({"headline": "North rose", "scores": [], "mark": "secret"}),
    ".hidden.csv": "secret",
    "notes.txt": "secret",
    "index.html.bak": "secret",
}


def hostile(project: Project, other_port: int) -> dict[str, str]:
    """Settings of Voila in the folder the server starts in, and in the folder of Jupyter's settings."""
    settings = {
        "Voila": {"port": other_port, "ip": "0.0.0.0", "root_dir": "/"},
        "VoilaConfiguration": {"file_allowlist": [".*"], "allow_theme_override": "YES", "show_tracebacks": True},
    }
    elsewhere = project.root / "jupyter"
    elsewhere.mkdir()
    for folder in (project.root, elsewhere):
        (folder / "voila.json").write_text(json.dumps(settings))
        for name in ("voila.py", "jupyter_config.py"):
            (folder / name).write_text(f"open({str(project.root / 'ran')!r}, 'w').close()\n")
    return {"JUPYTER_CONFIG_DIR": str(elsewhere), "JUPYTER_CONFIG_PATH": str(elsewhere)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One report's folder, with files in it and around it that nobody is to see."""
    project = make_project(tmp_path_factory.mktemp("served"))
    folder = project.outputs / REPORT
    write_notebook(folder / "scorecard.ipynb", "'secret'")
    (folder / "index.html").write_text("<h1>North rose</h1>")
    (folder / "scores.csv").write_text("metric,score\nnps,31\n")
    (project.outputs / "shops" / "data-quality.html").write_text("<h1>Every raw row is in</h1>")
    half = project.outputs / "shops" / "2026Q3" / "shops" / "north" / ".scorecard.new-1"
    half.mkdir()
    for name, text in SECRETS.items():
        (folder / name).write_text(text)
    for path in (half / "index.html", project.outputs / "secret.html", project.root / "secret.csv"):
        path.write_text("secret")
    (folder / "linked.csv").symlink_to(project.root / "secret.csv")
    return project


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Serving]:
    """The server, started where hostile settings lie about."""
    with serving(project, **hostile(project, free_port())) as running:
        yield running


def assert_refused(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses
    assert "secret" not in answer.text
    assert len(answer.text) < 1000


def test_the_list_links_to_reports_and_live_pages(server: Serving) -> None:
    answer = server.ask("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=UTF-8"
    assert f'href="/reports/{REPORT}/index.html"' in answer.text
    assert f'href="/live/{REPORT}/"' in answer.text


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        (f"/reports/{REPORT}/index.html", "text/html", "<h1>North rose</h1>"),
        (f"/reports/{REPORT}/scores.csv", "text/csv", "metric,score\nnps,31\n"),
        ("/reports/shops/data-quality.html", "text/html", "<h1>Every raw row is in</h1>"),
    ],
)
def test_pages_and_tables_are_served(server: Serving, path: str, kind: str, text: str) -> None:
    answer = server.ask(path)
    assert (answer.status, answer.headers["content-type"], answer.text) == (200, kind, text)


@pytest.mark.parametrize(
    "path",
    ["/reports/", "/reports/index.html", "/live/", "/live/index.html"],
)
def test_links_to_the_list_that_pages_hold_lead_to_it(server: Serving, path: str) -> None:
    answer = server.ask(path)
    assert (answer.status, answer.headers["location"]) == (302, "/")


UNSERVED = [
    *(f"/reports/{REPORT}/{name}" for name in (*SECRETS, "scorecard.ipynb", "nothing.csv", "", "linked.csv")),
    f"/reports/{REPORT}",
    f"/reports/{REPORT}/../scorecard/result.json",
    f"/reports/{REPORT}/../.scorecard.new-1/index.html",
    f"/reports/{REPORT}/scorecard%2Eipynb",
    f"/reports/{REPORT}/result.json%00index.html",
    f"/reports/{REPORT}/..%5c..%5csecret.csv",
    "/reports/secret.html",
    "/reports/../secret.csv",
    "/reports/..%2fsecret.csv",
    "/reports/%2e%2e/secret.csv",
    "/reports/%2e%2e%2fparams%2fshops%2fstudy.yml",
    "/reports/%252e%252e/secret.csv",
    "/reports//etc/passwd",
    "/reports/shops/2026Q3/data-quality.html",
    f"/live/{REPORT}/result.json",
    f"/live/{REPORT}/scorecard.ipynb",
    "/live/shops/2026Q3/shops/nowhere/scorecard/",
    "/live/shops/2026Q3/shops/north/.scorecard.new-1/",
    "/live/../../a/b/c/",
    "/voila/",
    f"/voila/render/{REPORT}/scorecard.ipynb",
    f"/voila/files/{REPORT}/scorecard.ipynb",
    "/voila/static/voila.js",
    "/voila/tree",
    "/voila/api/shutdown/x",
    "/api/kernels",
    "/api/kernels/x/channels",
    "/api/contents",
    "/static/../",
    "/static/style.css",
    "/tree",
    f"/files/{REPORT}/scorecard.ipynb",
    "/favicon.ico",
    "/login",
    "/metrics",
    "//elsewhere.example/",
]


@pytest.mark.parametrize("path", UNSERVED)
def test_nothing_else_is_there(server: Serving, path: str) -> None:
    assert_refused(server.ask(path), 404)


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "elsewhere.example:{port}", "0.0.0.0"]
)
@pytest.mark.parametrize("path", ["/", f"/reports/{REPORT}/index.html", f"/live/{REPORT}/"])
def test_a_page_elsewhere_that_points_its_own_name_here_gets_nothing(server: Serving, host: str, path: str) -> None:
    answer = server.ask(path, Host=host.format(port=server.port))
    assert_refused(answer, 404)
    assert "North" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:{port}", "127.0.0.1", "127.0.0.1:{port}"])
def test_this_machine_by_its_own_names_is_answered(server: Serving, host: str) -> None:
    assert server.ask("/", Host=host.format(port=server.port)).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", f"/reports/{REPORT}/index.html", f"/live/{REPORT}/"])
def test_nothing_can_be_sent_or_changed(server: Serving, method: str, path: str) -> None:
    assert_refused(server.ask(path, method), 403, 405)
    assert_refused(server.ask(path, method, body="x=1"), 400, 403, 405)
    assert server.kernels() == []


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/reports/", {}),
        ("GET", f"/reports/{REPORT}/index.html", {}),
        ("GET", f"/reports/{REPORT}/index.html?v=1", {}),
        ("GET", f"/reports/{REPORT}/scores.csv", {}),
        ("GET", f"/reports/{REPORT}/index.html", {"Range": "bytes=0-3"}),
        ("GET", f"/reports/{REPORT}/index.html", {"If_None_Match": "*"}),
        ("GET", f"/reports/{REPORT}/result.json", {}),
        ("GET", "/reports/../secret.csv", {}),
        ("GET", "/voila/", {}),
        ("GET", f"/live/{REPORT}x/", {}),
        ("GET", "/", {"Host": "elsewhere.example"}),
        ("POST", "/", {}),
        ("POST", f"/live/{REPORT}/", {}),
    ],
)
def test_every_answer_has_the_headers(server: Serving, method: str, path: str, headers: dict[str, str]) -> None:
    answer = server.ask(path, method, **headers)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_no_websocket_opens(server: Serving) -> None:
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    for path in ("/api/kernels/x/channels", "/voila/query/x", "/voila/request_info/x", f"/live/{REPORT}x/"):
        assert_refused(server.ask(path, **upgrade), 404)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads sockets from /proc (Linux)")
def test_it_listens_to_this_machine_alone(server: Serving) -> None:
    assert listening(server.process.pid) == [("0100007F", server.port)]


def test_settings_that_lie_about_have_no_effect(server: Serving, project: Project) -> None:
    """The folder it starts in and Jupyter's own hold a voila.json (another port, all files) and code to run."""
    assert not (project.root / "ran").exists()
    assert server.process.poll() is None
    assert_refused(server.ask(f"/voila/files/{REPORT}/scorecard.ipynb"), 404)


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError) as info:
            serve_reports(project, port)
    assert str(info.value) == (
        f"port {port} is taken. Stop what listens there, or choose another: --port 0 takes a free one."
    )


def test_a_reader_is_given_the_new_file_where_it_was_made_anew(server: Serving, project: Project) -> None:
    file, path = project.outputs / REPORT / "anew.csv", f"/reports/{REPORT}/anew.csv"
    file.write_text("nps\n31\n")
    kept = server.ask(path).headers["etag"]
    assert server.ask(path, If_None_Match=kept).status == 304
    fresh = file.with_name(".anew")
    fresh.write_text("nps\n32\n")
    os.utime(fresh, (0, 0))  # a copy may be older than what it takes the place of
    fresh.replace(file)
    again = server.ask(path, If_None_Match=kept)
    assert (again.status, again.text) == (200, "nps\n32\n")
    file.unlink()


def test_a_server_that_is_told_to_stop_sends_what_it_has_begun_to_send(project: Project) -> None:
    large = project.outputs / REPORT / "large.csv"
    large.write_bytes(b"1,2,3,4\n" * 4_000_000)
    with serving(project) as stopping, socket.create_connection(("127.0.0.1", stopping.port), 20) as reader:
        reader.sendall(f"GET /reports/{REPORT}/large.csv HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        got = len(reader.recv(1 << 16))
        stopping.process.terminate()
        time.sleep(1)
        while chunk := reader.recv(1 << 20):
            got += len(chunk)
        assert got > large.stat().st_size
        assert stopping.process.wait(15) == 0
    large.unlink()

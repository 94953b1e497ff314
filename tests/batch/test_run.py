"""Reports made by their notebooks: what lies in a folder, what fails alone, what two runs have in common."""

import json
import os
import re
import shutil
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from papermill.exceptions import PapermillExecutionError

from cxinsights.batch.plan import Plan
from cxinsights.batch.reports import _told
from cxinsights.batch.run import Summary
from cxinsights.params import Project
from cxinsights.report.identity import ReportId
from tests.batch.shops import PERIOD, make_reports, make_shops, write_notebook
from tests.small import make_project

NORTH, SOUTH, WEST = (f"shops/{PERIOD}/shops/{unit}" for unit in ("north", "south", "west"))
OWN = f"shops/{PERIOD}/"
WHOLE = f"{OWN}_all/_all"
BROKEN = "assert unit != 'south', 'broken on purpose'"


@dataclass(frozen=True)
class Ran:
    """A project after a run: how it ended, what it printed, and the outputs as they were then."""

    project: Project
    plan: Plan
    summary: Summary
    printed: list[str]
    files: dict[str, bytes]

    def statuses(self) -> dict[str, str]:
        return {o.report.path: "failed" if o.failed else o.status for o in self.summary.outcomes}

    def result(self, path: str) -> dict:
        return json.loads(self.files[f"{path}/result.json"])

    def folder(self, path: str) -> dict[str, bytes]:
        return {name.removeprefix(f"{path}/"): data for name, data in self.files.items() if name.startswith(f"{path}/")}


def run(project: Project, *paths: str) -> Ran:
    plan, summary, printed = make_reports(project, "shops", [path.removeprefix(OWN) for path in paths])
    outputs = project.outputs
    files = {p.relative_to(outputs).as_posix(): p.read_bytes() for p in outputs.rglob("*") if p.is_file()}
    return Ran(project, plan, summary, printed, files)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Four reports: of a unit with many answers, one with few, one with none."""
    project = make_shops(tmp_path_factory.mktemp("shops"))
    return run(project, f"{NORTH}/drivers", f"{SOUTH}/drivers", f"{WEST}/scorecard", f"{WEST}/drivers")


@pytest.fixture(scope="module")
def second(first: Ran) -> Ran:
    """Two of them again, nothing remembered, with a notebook that now fails for one; and a scorecard that fails."""
    shutil.rmtree(first.project.private("shops"))
    for analysis, broken in (("drivers", BROKEN), ("scorecard", "assert False")):
        path = first.project.notebooks / f"{analysis}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        at = next(i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
        notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(broken))
        nbformat.write(notebook, path)
    return run(first.project, f"{NORTH}/drivers", f"{SOUTH}/drivers", f"{WHOLE}/scorecard")


def test_a_report_is_a_notebook_a_page_its_tables_and_two_records(first: Ran) -> None:
    tables = first.result(f"{NORTH}/drivers")["downloads"]
    assert "importance.csv" in tables
    made = set(first.folder(f"{NORTH}/drivers"))
    assert made == {"drivers.ipynb", "index.html", "result.json", "run.json", *tables}


def test_a_report_says_which_it_is_and_its_page_says_its_headline(first: Ran) -> None:
    result = first.result(f"{NORTH}/drivers")
    named = {name: result[name] for name in ("study", "period", "region", "unit", "analysis", "status")}
    assert named == {
        "study": "shops", "period": PERIOD, "region": "shops", "unit": "north", "analysis": "drivers", "status": "ok",
    }  # fmt: skip
    page = first.files[f"{NORTH}/drivers/index.html"].decode()
    assert re.findall("<h1>(.*?)</h1>", page) == [result["headline"]]
    assert "<title>Drivers, North &amp; Co, Q3 26</title>" in page


def test_the_notebook_is_kept_as_it_ran_for_this_unit(first: Ran) -> None:
    cells = nbformat.reads(first.files[f"{NORTH}/drivers/drivers.ipynb"].decode(), as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
    injected = next(cell for cell in code if "injected-parameters" in cell.metadata.get("tags", []))
    assert 'unit = "north"' in injected.source
    assert "n_boot = 200" in injected.source


def test_the_result_holds_no_time_host_or_place_and_the_run_holds_its_time_and_parameters(first: Ran) -> None:
    text = first.files[f"{NORTH}/drivers/result.json"].decode()
    run = json.loads(first.files[f"{NORTH}/drivers/run.json"])
    made_at = datetime.fromisoformat(run["made_at"])
    for word in (str(first.project.root), socket.gethostname(), f"{made_at:%Y-%m-%d}", f"{made_at:%H:%M}"):
        assert word not in text
    assert abs((datetime.now(made_at.tzinfo) - made_at).total_seconds()) < 3600
    params = next(p for report, p in first.plan.reports.items() if report.path == f"{NORTH}/drivers")
    assert run["parameters"] == params.model_dump(mode="json")
    assert run["seconds"] > 0
    assert run["versions"]["cxinsights"]


def test_a_unit_under_the_least_base_has_its_report_and_it_says_so(first: Ran) -> None:
    assert first.statuses()[f"{SOUTH}/drivers"] == "too_few"
    assert first.result(f"{SOUTH}/drivers")["status"] == "too_few"
    page = first.files[f"{SOUTH}/drivers/index.html"].decode()
    assert "<h1>South has too few answers for drivers of its own</h1>" in page
    assert "Fewer than 30 complete answers, 200 needed." in page


@pytest.mark.parametrize("analysis", ["scorecard", "drivers"])
def test_a_unit_without_answers_has_its_reports_and_they_say_so(first: Ran, analysis: str) -> None:
    assert first.statuses()[f"{WEST}/{analysis}"] == "no_data"
    result = first.result(f"{WEST}/{analysis}")
    assert (result["status"], result["scores"]) == ("no_data", [])
    page = first.files[f"{WEST}/{analysis}/index.html"].decode()
    assert "West" in result["headline"]
    assert f"<h1>{result['headline']}</h1>" in page


def test_scorecards_are_made_last_and_link_what_the_others_found(first: Ran) -> None:
    made = [line.split()[1] for line in first.printed if line.split()[:1] and "/4" in line.split()[0]]
    assert made[-1] == f"{WEST}/scorecard"
    page = first.files[f"{WEST}/scorecard/index.html"].decode()
    headline = first.result(f"{WEST}/drivers")["headline"]
    assert f'<a class="finding" href="../drivers/index.html">{headline}</a>' in page


def test_no_page_of_a_run_links_to_one_that_was_not_made(first: Ran) -> None:
    linked = set()
    for path in first.project.outputs.rglob("index.html"):
        for link in re.findall(r'href="([^"#]+?index\.html)"', path.read_text(encoding="utf-8")):
            target = Path(os.path.normpath(path.parent / link))
            assert target.exists(), (path, link)
            linked.add(target.relative_to(first.project.outputs).as_posix())
    assert f"{WEST}/scorecard/index.html" in linked  # planned with it, made after it
    assert f"{NORTH}/scorecard/index.html" not in linked


def test_a_scorecard_that_failed_is_not_linked_by_pages_made_before_it(second: Ran) -> None:
    page = second.files[f"{NORTH}/drivers/index.html"].decode()
    assert "<li>Corner Shops</li>" in page
    assert "scorecard/index.html" not in page


def test_another_user_may_read_what_was_made(first: Ran) -> None:
    folder = first.project.outputs / NORTH / "drivers"
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o004, path.name


def test_a_line_per_report_where_there_is_no_terminal(first: Ran) -> None:
    shown = {}
    printed = [line for line in first.printed if not line.startswith("computing ")]  # said where it takes long
    assert printed[0] == "4 reports to make"
    for at, line in enumerate(printed[1:], start=1):
        told = re.fullmatch(r" +(\d)/4  (\S+)  (\S+)  \d+\.\d s", line)
        assert told, line
        assert int(told[1]) == at
        shown[told[2]] = told[3]
    assert shown == first.statuses()


def test_one_failing_report_does_not_stop_the_others_and_is_told(second: Ran) -> None:
    assert second.statuses() == {
        f"{NORTH}/drivers": "ok", f"{SOUTH}/drivers": "failed", f"{WHOLE}/scorecard": "failed",
    }  # fmt: skip
    failed = next(outcome for outcome in second.summary.failed if outcome.report.analysis == "drivers")
    assert failed.report.path == f"{SOUTH}/drivers"
    assert failed.error == (
        f"notebooks/drivers.ipynb, code cell 2: {BROKEN}\nAssertionError: the message and the place are in the "
        f"notebook kept: data/shops/private/failed/shops-{PERIOD}-shops-south-drivers.ipynb"
    )  # an error not ours may quote what people answered
    made = [line.split()[1:3] for line in second.printed if "/3  " in line]
    assert sorted(made) == [
        [f"{WHOLE}/scorecard", "failed"],
        [f"{NORTH}/drivers", "ok"],
        [f"{SOUTH}/drivers", "failed"],
    ]


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("from cxinsights.errors import DataError\n\nraise DataError('7 of 9 rows')", "7 of 9 rows"),
        ("raise type('DataError', (ValueError,), {})('Jane Doe, born 1970')", None),
        ("from cxinsights.errors import DataError\nraise DataError('x' * 5000)", "x" * 2000 + " … (5,000 characters)"),
    ],
    ids=["ours", "not ours", "too long"],
)
def test_only_messages_of_ours_are_told(raised: str, told: str | None) -> None:
    """Another library's error of the same name may quote what people answered."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(raised)])
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, kernel_name="cxinsights").execute()
    [output] = notebook.cells[0].outputs
    error = PapermillExecutionError(0, 3, raised, output.ename, output.evalue, output.traceback)
    place = f"data/shops/private/failed/{NORTH.replace('/', '-')}-x.ipynb"
    kept = f"the message and the place are in the notebook kept: {place}"
    report = ReportId("shops", PERIOD, "shops", "north", "x")
    assert _told(report, error) == (
        f"notebooks/x.ipynb, code cell 2: {raised.splitlines()[-1] if told is None else raised.splitlines()[0]}\n"
        f"DataError: {kept if told is None else told}"
    )


def test_a_failed_report_leaves_the_last_good_one_where_it_was(first: Ran, second: Ran) -> None:
    assert second.folder(f"{SOUTH}/drivers") == first.folder(f"{SOUTH}/drivers") != {}


def test_the_notebook_of_a_failed_report_is_kept_where_nobody_is_served_it(second: Ran) -> None:
    failed = second.project.private("shops") / "failed"
    kept = failed / f"shops-{PERIOD}-shops-south-drivers.ipynb"
    assert {path.name for path in failed.iterdir()} == {kept.name, f"shops-{PERIOD}-_all-_all-scorecard.ipynb"}
    errors = [o for cell in nbformat.read(kept, as_version=4).cells for o in cell.get("outputs", []) if "ename" in o]
    assert [error.evalue for error in errors] == ["broken on purpose"]


def test_nothing_half_made_lies_in_the_outputs(second: Ran) -> None:
    assert [path.name for path in (second.project.outputs / SOUTH).iterdir()] == ["drivers"]
    assert list(second.project.outputs.rglob(".*")) == []


def test_two_runs_give_the_same_bytes(first: Ran, second: Ran) -> None:
    one, two = first.folder(f"{NORTH}/drivers"), second.folder(f"{NORTH}/drivers")
    for name in ("result.json", *first.result(f"{NORTH}/drivers")["downloads"], "index.html"):
        assert one[name] == two[name], name
    assert one["run.json"] != two["run.json"]  # it was made again


def test_a_record_of_another_report_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    other = {
        "study": "shops",
        "period": PERIOD,
        "region": "_all",
        "unit": "_all",
        "analysis": "scorecard",
        "status": "ok",
    }
    folder = 'os.environ["CXINSIGHTS_RECORD_TO"]'
    write_notebook(
        project.notebooks / "scorecard.ipynb",
        "unit = ''",
        f"import os, pathlib\npathlib.Path({folder}, 'result.json').write_text({json.dumps(other)!r})",
    )
    (outcome,) = run(project, f"shops/{PERIOD}/shops/north/scorecard").summary.outcomes
    assert outcome.error == (
        "notebooks/scorecard.ipynb: another report was recorded in its place: the notebook has changed its parameters."
    )

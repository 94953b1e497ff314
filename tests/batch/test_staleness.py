"""What is out of date and why: each part that a report is made from, changed alone, and nothing made twice."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest

from cxinsights.batch import staleness
from cxinsights.batch.jobs import Work
from cxinsights.batch.ledger import Entry
from cxinsights.batch.plan import make_plan
from cxinsights.batch.staleness import code_of, findings_of, survey
from cxinsights.data.importing import import_study
from cxinsights.params import Project, load_study
from cxinsights.report.fingerprints import code_hash
from cxinsights.report.identity import ReportId
from tests.batch.shops import PERIOD, SHOPS, make_shops, shop_answers

WHOLE, NORTH, SOUTH, WEST = ("_all/_all", "shops/north", "shops/south", "shops/west")
PLACES = (WHOLE, NORTH, SOUTH, WEST)
ALL_REPORTS = {f"{place}/{analysis}" for place in PLACES for analysis in ("scorecard", "drivers")}
DRIVERS = {f"{place}/drivers" for place in PLACES}
SCORECARDS = ALL_REPORTS - DRIVERS


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files of a project that has never run, once its tables and what reports read are there."""
    project = make_shops(tmp_path_factory.mktemp("shops"))
    look(project)
    return {p.relative_to(project.root).as_posix(): p.read_bytes() for p in project.root.rglob("*") if p.is_file()}


@pytest.fixture
def shops(first: dict[str, bytes], tmp_path: Path) -> Project:
    """A project of its own, in which nothing is made yet."""
    for name, data in first.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return Project(tmp_path)


@pytest.fixture
def made(shops: Project) -> Project:
    """The same, all reports made as far as can be seen from outside."""
    work = look(shops)
    for report in sorted(work.fingerprints, key=lambda report: report.analysis):  # drivers before scorecards
        write_report(shops, report, work.fingerprints[report])
    return shops


def write_report(project: Project, report: ReportId, fingerprint: dict[str, str], headline: str = "") -> None:
    folder = report.folder(project.outputs)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text("")
    (folder / "result.json").write_text("{}")
    if report.analysis == "scorecard":
        fingerprint = {**fingerprint, "findings": findings_of(project, report)}
    run = {"fingerprint": fingerprint, "headline": headline or f"{report.path} says"}
    (folder / "run.json").write_text(json.dumps(run))


def look(project: Project, last: dict[str, Entry] | None = None, **asked) -> Work:
    """What is to do, after an import."""
    study = load_study(project, "shops")
    import_study(project, study)
    return survey(project, make_plan(project, study, period=PERIOD), last or {}, **asked)


def told(work: Work) -> dict[str, str]:
    return {report.path.removeprefix(f"shops/{PERIOD}/"): why for report, why in work.reasons.items()}


def named(reports: list[ReportId]) -> set[str]:
    return {report.path.removeprefix(f"shops/{PERIOD}/") for report in reports}


def report_of(place: str, analysis: str) -> ReportId:
    return ReportId("shops", PERIOD, *place.split("/"), analysis)


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def change_settings(project: Project, old: str, new: str) -> None:
    rewrite(project.params / "shops" / "study.yml", old, new)


def change_notebook(project: Project, change: Callable[[nbformat.NotebookNode], object]) -> None:
    path = project.notebooks / "drivers.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def add_answer(project: Project, line: str) -> None:
    with (project.data("shops") / "raw" / "answers.csv").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def answer(unit: str, day: str) -> str:
    columns = shop_answers().split("\n", 1)[0].split(",")
    own = {"unit": unit, "date": day, "nps": 10, "csat": 5, "site": f"{unit}-0", "channel": "shop", "id": "new"}
    return ",".join(str(own.get(name, 10)) for name in columns)


def test_what_was_never_made_is_new(shops: Project) -> None:
    work = look(shops)
    assert told(work) == dict.fromkeys(ALL_REPORTS, "new")
    assert (work.maybe, work.up_to_date) == ([], 0)


def test_where_nothing_has_changed_there_is_nothing_to_do(made: Project) -> None:
    work = look(made)
    assert (work.reasons, work.maybe, work.up_to_date) == ({}, [], len(ALL_REPORTS))


@pytest.mark.parametrize("name", ["index.html", "result.json", "run.json"])
def test_a_report_that_lacks_a_file_is_new(made: Project, name: str) -> None:
    (report_of(SOUTH, "drivers").folder(made.outputs) / name).unlink()
    assert told(look(made))[f"{SOUTH}/drivers"] == "new"


def test_a_record_that_cannot_be_read_is_as_none(made: Project) -> None:
    (report_of(SOUTH, "scorecard").folder(made.outputs) / "run.json").write_text('{"finger')
    assert told(look(made)) == {f"{SOUTH}/scorecard": "new"}


def test_a_report_that_failed_is_made_again_though_nothing_has_changed(made: Project) -> None:
    path = report_of(SOUTH, "drivers").path
    work = look(made, {path: Entry(1, path, "drivers", "asked for", "failed")})
    assert told(work) == {f"{SOUTH}/drivers": "failed before"}
    assert named(work.maybe) == {f"{SOUTH}/scorecard"}
    assert told(look(made, {path: Entry(2, path, "drivers", "asked for", "ok")})) == {}


def test_new_answers_of_a_unit_are_new_data_there_and_above_and_a_changed_baseline_elsewhere(made: Project) -> None:
    add_answer(made, answer("north", "2026-08-10"))
    reasons = told(look(made))
    own = {name: why for name, why in reasons.items() if name.startswith((WHOLE, NORTH))}
    assert own == dict.fromkeys([f"{p}/{a}" for p in (WHOLE, NORTH) for a in ("scorecard", "drivers")], "new data")
    assert reasons[f"{SOUTH}/drivers"] == "baseline changed"  # it shows the company's: its own answers are too few
    assert f"{WEST}/scorecard" not in reasons


def test_answers_of_a_later_period_leave_this_one_as_it_is(made: Project) -> None:
    add_answer(made, answer("north", "2026-11-10"))
    work = look(made)
    assert (work.reasons, work.maybe) == ({}, [])


def test_a_units_own_parameters_change_its_report_alone(made: Project) -> None:
    change_settings(made, "south: {label: South}", "south: {label: South, drivers: {n_boot: 300}}")
    work = look(made)
    assert told(work) == {f"{SOUTH}/drivers": "parameters changed"}
    assert named(work.maybe) == {f"{SOUTH}/scorecard"}
    assert work.up_to_date == len(ALL_REPORTS) - 2


@pytest.mark.parametrize(
    ("old", "new"),
    [("label: West", "label: The West"), ("about: Made-up", "about: Invented"), ("label: Prices", "label: Costs")],
)
def test_a_setting_of_the_study_changes_all(made: Project, old: str, new: str) -> None:
    change_settings(made, old, new)
    assert told(look(made)) == dict.fromkeys(ALL_REPORTS, "study's settings changed")


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook: notebook.cells.append(nbformat.v4.new_code_cell("1")),
        lambda notebook: notebook.cells[0].update(source="# Another title"),
        lambda notebook: notebook.cells[2].metadata.update(tags=["parameters"]),
    ],
    ids=["code", "words", "tags"],
)
def test_a_notebook_changes_the_reports_of_its_analysis(made: Project, change: Callable) -> None:
    change_notebook(made, change)
    work = look(made)
    assert told(work) == dict.fromkeys(DRIVERS, "notebook changed")
    assert named(work.maybe) == SCORECARDS


def test_what_a_notebook_last_showed_changes_nothing(made: Project) -> None:
    def clear(notebook: nbformat.NotebookNode) -> None:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)

    change_notebook(made, clear)
    assert told(look(made)) == {}


def test_a_notebook_that_is_none_changes_its_reports(made: Project) -> None:
    (made.notebooks / "drivers.ipynb").write_text("no notebook")
    assert told(look(made)) == dict.fromkeys(DRIVERS, "notebook changed")


def test_packages_change_all(made: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside" / "numpy-99.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "beside")
    code_hash.cache_clear()
    assert told(look(made)) == dict.fromkeys(ALL_REPORTS, "code or packages changed")
    code_hash.cache_clear()


def test_a_report_of_which_a_file_is_gone_is_made_again(made: Project) -> None:
    folder = report_of(SOUTH, "drivers").folder(made.outputs)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "files": ["importance.csv", "result.json"]}))
    assert told(look(made)) == {f"{SOUTH}/drivers": "new"}
    (folder / "importance.csv").touch()
    assert told(look(made)) == {}


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("analysis/drivers.py", True), ("columns.yml", True), ("report/template/page.html", True), ("new.py", True),
        ("batch/run.py", False), ("kernels/warm.py", False), ("publish/index.py", False), ("cli/making.py", False),
        ("analysis/__pycache__/drivers.pyc", False),
    ],
)  # fmt: skip
def test_code_that_reports_are_made_with_changes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, matters: bool
) -> None:
    monkeypatch.setattr(staleness, "files", lambda package: tmp_path / package)
    file = tmp_path / "cxinsights" / name
    file.parent.mkdir(parents=True)
    before = code_of()
    file.write_text("x = 1\n")
    assert (code_of() != before) == matters


def test_a_scorecard_is_made_again_when_what_it_lists_has_changed(made: Project) -> None:
    fingerprint = look(made).fingerprints[report_of(SOUTH, "drivers")]
    write_report(made, report_of(SOUTH, "drivers"), fingerprint, "something else")
    assert told(look(made)) == {f"{SOUTH}/scorecard": "findings changed"}


def test_of_several_reasons_the_one_nearest_to_the_report_is_told(made: Project) -> None:
    change_settings(made, "label: West", "label: The West")
    change_settings(made, "south: {label: South}", "south: {label: South, drivers: {n_boot: 300}}")
    add_answer(made, answer("north", "2026-08-10"))
    reasons = told(look(made))
    assert reasons.pop(f"{SOUTH}/drivers") == "parameters changed"
    assert set(reasons.values()) == {"study's settings changed"}
    change_notebook(made, lambda notebook: notebook.cells.pop())
    assert {why for name, why in told(look(made)).items() if name in DRIVERS} == {"notebook changed"}


def test_what_is_asked_for_is_made_whatever_has_changed(made: Project) -> None:
    assert told(look(made, force=True)) == dict.fromkeys(ALL_REPORTS, "asked for")
    only = {report_of(SOUTH, "drivers").path, "shops/2020Q1/gone/gone/drivers"}
    work = look(made, force=True, only=only)
    assert told(work) == {f"{SOUTH}/drivers": "asked for"}
    assert named(work.maybe) <= {f"{SOUTH}/scorecard"}


def test_looking_prints_nothing_and_makes_nothing(made: Project) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.outputs.rglob("*")}
    printed = io.StringIO()
    with redirect_stdout(printed):
        look(made)
    assert printed.getvalue() == ""
    assert {path: path.stat().st_mtime_ns for path in made.outputs.rglob("*")} == before


def test_the_settings_of_the_shops_are_as_the_changes_above_expect() -> None:
    assert SHOPS.count("label: South") == SHOPS.count("label: Prices") == 1

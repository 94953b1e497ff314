"""What is called up to date is so: every report of a chain computed anew, from nothing, after rows have changed."""

import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest

from cxinsights.batch import staleness
from cxinsights.batch.jobs import Work
from cxinsights.batch.plan import make_plan
from cxinsights.batch.staleness import findings_of, survey
from cxinsights.data.importing import import_study
from cxinsights.params import Project, ReportParams, load_study
from cxinsights.report.identity import ReportId
from cxinsights.report.record import RECORD_TO
from tests.batch.chains import PERIOD, add_answers, change_rows, make_chain

Results = dict[str, bytes]
"""By region/unit/analysis: `result.json`."""


@dataclass(frozen=True)
class Seen:
    """What a change led to: the work found, and what every report says before and after."""

    work: Work
    before: Results
    after: Results

    def reasons(self) -> dict[str, str]:
        return {name_of(report): why for report, why in self.work.reasons.items()}

    def wrong(self) -> set[str]:
        """Reports called up to date that say something else now."""
        return {name for name, data in self.after.items() if name not in self.reasons() and data != self.before[name]}

    def needless(self) -> set[str]:
        """Reports to be made that will say the same."""
        return {name for name in self.reasons() if self.after[name] == self.before[name]}


def name_of(report: ReportId) -> str:
    return report.path.removeprefix(f"chain/{PERIOD}/")


def look(project: Project) -> Work:
    """What is to do, after an import; whoever edits the code in the meantime changes nothing here."""
    study = load_study(project, "chain")
    import_study(project, study)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staleness, "code_of", lambda: "")
        return survey(project, make_plan(project, study, period=PERIOD), {})


def result_of(project: Project, params: ReportParams) -> bytes:
    """`result.json` as the notebook records it: its cells that make something, run in this process."""
    cells = nbformat.read(project.notebooks / f"{params.analysis}.ipynb", as_version=4).cells
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXINSIGHTS_HOME", str(project.root))
        patch.delenv("CXINSIGHTS_DATA_DIR", raising=False)
        patch.setenv(RECORD_TO, folder)
        names = params.model_dump(mode="json")
        for cell in cells:
            makes = cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", [])
            if makes and ("=" in cell.source or "record(" in cell.source):
                exec(cell.source, names)
        return Path(folder, "result.json").read_bytes()


def results_of(project: Project, work: Work) -> Results:
    return {name_of(report): result_of(project, params) for report, params in work.plan.reports.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Results]:
    """The chain with all its reports made, as far as can be seen from outside."""
    project = make_chain(tmp_path_factory.mktemp("chain"))
    work = look(project)
    results = results_of(project, work)
    for report in sorted(work.fingerprints, key=lambda report: report.analysis == "scorecard"):
        folder, fingerprint = report.folder(project.outputs), work.fingerprints[report]
        folder.mkdir(parents=True)
        if report.analysis == "scorecard":
            fingerprint = {**fingerprint, "findings": findings_of(project, report)}
        (folder / "index.html").write_text("")
        (folder / "result.json").write_bytes(results[name_of(report)])
        headline = json.loads(results[name_of(report)])["headline"]
        (folder / "run.json").write_text(json.dumps({"fingerprint": fingerprint, "headline": headline}))
    assert look(project).reasons == {}
    return project, results


@pytest.fixture(scope="module")
def seen(
    made: tuple[Project, Results], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Seen:
    """What the change that a test asks for leads to, in a project of its own; nothing kept helps the oracle."""
    original, before = made
    project = Project(tmp_path_factory.mktemp("changed") / "chain")
    shutil.copytree(original.root, project.root)
    request.param(project)
    work = look(project)
    shutil.rmtree(project.private("chain"))
    return Seen(work, before, results_of(project, work))


def more_answers(project: Project) -> None:
    """North has twelve more."""
    add_answers(project, "north")


def other_tables(project: Project) -> None:
    """An employee of South answers otherwise, a customer of East steps later, one of West visits more often."""
    change_rows(project, "staff", "south", calm=1, proud=1)
    change_rows(project, "events", "east", at="2026-09-01T12:00:00")
    change_rows(project, "customers", "west", visits=9.5)


def other_periods(project: Project) -> None:
    """West answered otherwise a year ago, and North has its first answers of the next period."""
    change_rows(project, "answers", "west", 0, nps=0, csat=1)
    add_answers(project, "north", 30, at="2026-10-12T12:00:00")


after = partial(pytest.mark.parametrize, "seen", indirect=True)
WHOLE = ("_all/_all", "emea/_all", "emea/north")
"""North, and what it is part of."""
FUNNELS = {f"{place}/funnel" for place in WHOLE}
"""They read what customers answer, whether or not these are on the way."""
ELSEWHERE = {"apac/east/drivers"}
"""Of a place with answers enough for a regression of its own, in another region: North is no part of its rest."""


@after(argvalues=[more_answers])
def test_new_answers_of_a_unit_change_no_report_that_is_called_up_to_date(seen: Seen) -> None:
    assert seen.wrong() == set()
    assert len(seen.reasons()) < len(seen.after)
    own = {name: why for name, why in seen.reasons().items() if name.startswith(WHOLE)}
    assert set(own.values()) == {"new data"}
    assert set(seen.reasons().values()) == {"new data", "baseline changed"}


@after(argvalues=[more_answers])
def test_little_is_made_for_nothing(seen: Seen) -> None:
    assert seen.needless() <= FUNNELS


@after(argvalues=[more_answers])
def test_drivers_of_units_in_another_region_with_answers_enough_stay_up_to_date(seen: Seen) -> None:
    assert not ELSEWHERE & set(seen.reasons())
    assert "emea/south/drivers" in seen.reasons()  # it is set against the rest of its region, and North is in it
    assert "apac/west/drivers" in seen.reasons()  # too few of its own: it shows the company's


@pytest.mark.soak
@after(argvalues=[other_tables, other_periods])
def test_rows_of_other_tables_or_periods_change_no_report_that_is_called_up_to_date(seen: Seen) -> None:
    assert seen.wrong() == set()
    assert seen.needless() <= FUNNELS
    assert 0 < len(seen.reasons()) < len(seen.after)

"""What is called up to date is so: every report of a chain computed anew, from nothing, after rows have changed."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest

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
    study = load_study(project, "chain")
    import_study(project, study)
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


@pytest.fixture
def seen(made: tuple[Project, Results], tmp_path: Path, request: pytest.FixtureRequest) -> Seen:
    """What the change that the test asks for leads to, in a project of its own; nothing kept helps the oracle."""
    original, before = made
    project = Project(tmp_path / "chain")
    shutil.copytree(original.root, project.root)
    request.param(project)
    work = look(project)
    shutil.rmtree(project.private("chain"))
    return Seen(work, before, results_of(project, work))


def told(seen: Seen) -> str:
    """For whoever reads the test's output: how much was made and how much of it for nothing."""
    of = Counter(name.rsplit("/", 1)[1] for name in seen.needless())
    made, changed = len(seen.reasons()), sum(seen.after[name] != seen.before[name] for name in seen.after)
    return f"{made} of {len(seen.after)} to make, {changed} changed, for nothing: {dict(of)} {sorted(seen.needless())}"


def more_answers(project: Project) -> None:
    add_answers(project, "north")


def other_tables(project: Project) -> None:
    """An employee of South answers otherwise, a customer of East steps later, one of West visits more often."""
    change_rows(project, "staff", "south", calm=1, proud=1)
    change_rows(project, "events", "east", at="2026-09-01T12:00:00")
    change_rows(project, "customers", "west", visits=9.5)


def other_periods(project: Project) -> None:
    """West answered otherwise a year ago, and North has its first answers of the next period."""
    change_rows(project, "answers", "north", at="2026-11-02T12:00:00")
    add_answers(project, "north", 3)


at = pytest.mark.parametrize


@at("seen", [more_answers], indirect=True)
def test_after_new_answers_of_a_unit_others_are_made_only_where_what_they_read_has_changed(seen: Seen) -> None:
    print(told(seen))
    assert seen.wrong() == set()


@at("seen", [other_tables], indirect=True)
def test_after_changes_in_other_tables(seen: Seen) -> None:
    print(told(seen))
    assert seen.wrong() == set()

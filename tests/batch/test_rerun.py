"""Runs one after another: only what is out of date is made, and the end is what one run from nothing gives."""

import io
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import nbformat
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from cxinsights.batch import run as module
from cxinsights.batch.ledger import Ledger
from cxinsights.batch.plan import make_plan
from cxinsights.batch.run import Settings, Summary, run_plan
from cxinsights.data.importing import import_study
from cxinsights.params import Project, load_study
from tests.batch.shops import PERIOD, command, make_shops

OWN = f"shops/{PERIOD}/"
WHOLE, NORTH, SOUTH, WEST = ("_all/_all", "shops/north", "shops/south", "shops/west")
DONE = "The list: outputs/index.html (or make serve)"
BREAK = "import pathlib\nassert not pathlib.Path(f'break-{unit}').exists()"
"""A cell that fails for a unit where a file says so; the notebook stays as it is."""


@dataclass(frozen=True)
class Step:
    """A command of the story: what it said, what was made, and the outputs after it."""

    ended: CompletedProcess[str]
    results: dict[str, bytes]
    pages: dict[str, bytes]
    n_runs: int

    @property
    def lines(self) -> list[str]:
        aside = ("skipped: ", "computing ")  # the latter is said where it takes long
        return [line for line in self.ended.stdout.splitlines() if not line.startswith(aside)]

    def made(self) -> dict[str, str]:
        """By region/unit/analysis: how each report ended."""
        found = [re.fullmatch(rf" +\d+/\d+  {OWN}(\S+)  (\w+)  \d+\.\d s", line) for line in self.lines]
        return {match[1]: match[2] for match in found if match}


def step(project: Project, *words: str) -> Step:
    ended = command(project, *words, "--study", "shops", *(["--workers", "2"] if words[0] == "run" else []))
    found = {}
    for name in ("result.json", "index.html"):
        paths = (project.outputs / OWN).glob(f"*/*/*/{name}")
        found[name] = {str(path.parent.relative_to(project.outputs / OWN)): path.read_bytes() for path in paths}
    return Step(ended, found["result.json"], found["index.html"], len(Ledger(project).runs()))


def add_answers(project: Project, unit: str, n: int) -> None:
    path = project.data("shops") / "raw" / "answers.csv"
    frame = pd.read_csv(path)
    rng = np.random.default_rng(n)
    ratings = rng.integers(1, 11, (n, 3))
    more = pd.DataFrame(ratings, columns=["wait", "price", "staff"]).assign(
        unit=unit, date="2026-08-10", nps=np.clip(ratings[:, 1] + rng.integers(-3, 4, n), 0, 10), csat=3,
        site=f"{unit}-0", channel="shop", id=[f"{unit}-{i}" for i in range(n)],
    )  # fmt: skip
    pd.concat([frame, more]).to_csv(path, index=False)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Step]:
    """All made; nothing to do; South grows and its drivers fail; North grows; repaired; made; and all from nothing."""
    project = make_shops(tmp_path_factory.mktemp("shops"))
    notebook = nbformat.read(project.notebooks / "drivers.ipynb", as_version=4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell(BREAK))
    nbformat.write(notebook, project.notebooks / "drivers.ipynb")
    told = {"first": step(project, "run"), "again": step(project, "run")}
    add_answers(project, "south", 300)
    (project.root / "break-south").touch()
    told["planned"] = step(project, "plan")
    told["failing"] = step(project, "run")
    (project.root / "break-south").unlink()
    add_answers(project, "north", 30)
    told["to repair"] = step(project, "plan", "--repair")
    told["repaired"] = step(project, "run", "--repair")
    told["repaired again"] = step(project, "run", "--repair")
    told["last"] = step(project, "run")
    copy = Project(project.root.parent / "anew")
    shutil.copytree(project.root, copy.root)
    shutil.rmtree(copy.private("shops"))
    told["anew"] = step(copy, "run", "--force")
    return told


def test_a_first_run_makes_all(story: dict[str, Step]) -> None:
    first = story["first"]
    assert (first.ended.returncode, first.ended.stderr) == (0, "")
    assert len(first.made()) == len(first.results) == 8
    assert first.lines[:2] == ["Corner Shops, July to September 2026", "8 reports to make"]
    assert first.lines[-1] == f"8 of 8 reports made. {DONE}"


def test_a_second_makes_nothing_and_is_no_run(story: dict[str, Step]) -> None:
    again = story["again"]
    assert (again.ended.returncode, again.ended.stderr) == (0, "")
    assert again.lines == ["Corner Shops, July to September 2026", f"Nothing to make: 8 reports up to date. {DONE}"]
    assert (again.pages, again.n_runs) == (story["first"].pages, 1)


def test_the_plan_says_why_and_how_long(story: dict[str, Step]) -> None:
    *reports, last = story["planned"].lines
    assert f"{OWN}{SOUTH}/drivers  new data" in reports
    assert f"{OWN}{SOUTH}/scorecard  new data" in reports
    assert [line for line in reports if WEST in line] == []  # no answers before or after
    assert f"{OWN}{NORTH}/drivers  baseline changed" in reports  # it is set against the rest, which is South
    assert re.fullmatch(rf"6 reports to make for {PERIOD}, 2 up to date: about \d+ s", last)
    assert len(reports) == 6


def test_what_was_planned_was_made_and_no_more(story: dict[str, Step]) -> None:
    planned = [line.split("  ")[0].removeprefix(OWN) for line in story["planned"].lines[:-1]]
    made = story["failing"].made()
    assert sorted(made) == sorted(planned)
    assert {name: how for name, how in made.items() if how == "failed"} == {f"{SOUTH}/drivers": "failed"}
    assert story["failing"].ended.returncode == 1


def test_a_failure_leaves_the_last_good_report(story: dict[str, Step]) -> None:
    before, after = story["again"], story["failing"]
    assert after.results[f"{SOUTH}/drivers"] == before.results[f"{SOUTH}/drivers"]
    assert after.pages[f"{SOUTH}/drivers"] == before.pages[f"{SOUTH}/drivers"]
    assert after.results[f"{SOUTH}/scorecard"] != before.results[f"{SOUTH}/scorecard"]


def test_repair_is_of_the_period_of_the_last_run(tmp_path: Path) -> None:
    project = make_shops(tmp_path)
    reasons = {f"shops/2025Q3/{SOUTH}/drivers": ("drivers", "new")}
    Ledger(project).begin("shops", "2025Q3", reasons, code="", data="", workers=1, command="")
    planned = command(project, "plan", "--study", "shops", "--repair")
    assert planned.stdout.splitlines()[0] == f"shops/2025Q3/{SOUTH}/drivers  new"
    refused = command(project, "run", "--study", "shops", "--repair", "--period", PERIOD)
    assert (refused.returncode, refused.stderr) == (
        2, "cxinsights: --repair makes what the last run of shops left, and that was of 2025Q3, not 2026Q3. Leave out "
        "one of the two.\n",
    )  # fmt: skip


def test_repair_makes_what_the_last_run_did_not_and_the_page_that_lists_it(story: dict[str, Step]) -> None:
    """North has grown since: that is for the next run."""
    assert story["to repair"].lines[0] == f"{OWN}{SOUTH}/drivers  failed before"
    assert story["to repair"].lines[1] == f"{OWN}{SOUTH}/scorecard  if what the reports beside it say changes"
    assert len(story["to repair"].lines) == 3
    repaired = story["repaired"]
    assert (repaired.ended.returncode, repaired.ended.stderr) == (0, "")
    assert repaired.made() == {f"{SOUTH}/drivers": "ok", f"{SOUTH}/scorecard": "ok"}
    assert repaired.lines[-1] == f"2 of 2 reports made. {DONE}"


def test_what_is_repaired_is_not_repaired_again(story: dict[str, Step]) -> None:
    again = story["repaired again"]
    assert (again.ended.returncode, again.ended.stderr, again.made()) == (0, "", {})
    assert again.lines[-1].startswith("Nothing to make: ")
    assert again.n_runs == story["repaired"].n_runs


def test_the_last_run_makes_what_has_changed_since(story: dict[str, Step]) -> None:
    made = story["last"].made()
    assert {f"{NORTH}/scorecard", f"{NORTH}/drivers", f"{WHOLE}/scorecard", f"{WHOLE}/drivers"} <= set(made)
    assert f"{WEST}/scorecard" not in made


@pytest.mark.parametrize("what", ["results", "pages"])
def test_in_the_end_all_is_as_one_run_from_nothing_makes_it(story: dict[str, Step], what: str) -> None:
    last, anew = getattr(story["last"], what), getattr(story["anew"], what)
    assert len(story["anew"].made()) == len(anew) == 8
    assert {name for name in anew if last[name] != anew[name]} == set()


def test_a_run_stopped_before_its_first_report_is_a_run_to_repair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repair of it makes what it was asked for, and no scorecard that nobody asked for."""
    project = make_shops(tmp_path)
    study = load_study(project, "shops")
    import_study(project, study)

    def run(**how: bool) -> tuple[Summary, list[str]]:
        printed = io.StringIO()
        plan = make_plan(project, study, only=["drivers"] if not how else [])
        summary = run_plan(project, plan, Console(file=printed), workers=2, settings=Settings(**how))
        return summary, printed.getvalue().splitlines()

    with monkeypatch.context() as patch:
        patch.setattr(module, "find_out", interrupted)
        patch.setattr(module, "_LONG_S", 0)
        with pytest.raises(KeyboardInterrupt):
            run()
    [stopped] = Ledger(project).runs()
    assert (stopped.how, stopped.planned, stopped.made) == ("stopped", 4, 0)
    summary, printed = run(repair=True)
    assert "4 reports to make" in printed  # after a word about what takes long, on a slow machine
    assert {outcome.report.analysis for outcome in summary.outcomes} == {"drivers"}
    assert (Ledger(project).runs()[0].planned, Ledger(project).runs()[0].made) == (4, 4)


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_scorecard_made_later_is_linked_by_the_pages_there_were(tmp_path: Path) -> None:
    project = make_shops(tmp_path)
    place = ("--unit", "south", "--only")
    assert step(project, "run", *place, "drivers").ended.returncode == 0
    page = project.outputs / OWN / SOUTH / "drivers" / "index.html"
    assert "scorecard/index.html" not in page.read_text(encoding="utf-8")
    assert step(project, "run", *place, "scorecard").ended.returncode == 0
    assert 'href="../../../shops/south/scorecard/index.html"' in page.read_text(encoding="utf-8")

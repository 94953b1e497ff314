"""Briefs in a batch: after the scorecards, of what other reports recorded, and again when that or an action changes."""

import json

import pytest

from cxinsights.params import Project
from tests.batch.shops import PERIOD, SHOPS, command, make_shops

NORTH, SOUTH = f"shops/{PERIOD}/shops/north/brief", f"shops/{PERIOD}/shops/south/brief"
UNITS = ("--unit", "north")
HEAD = "unit,action,owner,driver,begun,due\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str]]:
    """All made once, with what was printed."""
    project = make_shops(tmp_path_factory.mktemp("shops"), SHOPS.replace("without: [brief]\n", ""))
    register(project, "north,Open a second till,Head of stores,wait_rating,2026-02-01,2026-08-31")
    ended = command(project, "run", "--study", "shops", "--workers", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return project, ended.stdout.splitlines()


def register(project: Project, *lines: str) -> None:
    (project.params / "shops" / "actions.csv").write_text(HEAD + "\n".join(lines) + "\n")


def result(project: Project, path: str = NORTH) -> dict:
    return json.loads((project.outputs / path / "result.json").read_text())


def planned(project: Project) -> str:
    return command(project, "plan", "--study", "shops").stdout


def test_briefs_come_last_and_only_of_units(made: tuple[Project, list[str]]) -> None:
    _, printed = made
    begin = f"shops/{PERIOD}/"
    analyses = [line.partition(begin)[2].split()[0] for line in printed if begin in line]
    assert {one for one in analyses if one.endswith("/brief")} == {
        f"shops/{unit}/brief" for unit in ("north", "south", "west")
    }
    turns = [("drivers", "scorecard", "brief").index(one.split("/")[-1]) for one in analyses]
    assert turns == sorted(turns)


def test_a_brief_says_what_the_scorecard_says_and_proposes_what_drivers_found(made: tuple[Project, list[str]]) -> None:
    project, _ = made
    own, card = result(project), result(project, NORTH.replace("brief", "scorecard"))
    assert own["status"] == "ok"
    assert own["lead"].startswith(card["lead"].split(". ")[0])
    drivers = result(project, NORTH.replace("brief", "drivers"))["tables"]["what_if"]
    performance = {row[0]: row[2] for row in drivers["rows"]}
    steps = [dict(zip(own["tables"]["steps"]["columns"], row, strict=True)) for row in own["tables"]["steps"]["rows"]]
    assert steps
    assert all(step["score"] == performance[step["name"]] for step in steps)
    [action] = [
        dict(zip(own["tables"]["actions"]["columns"], row, strict=True)) for row in own["tables"]["actions"]["rows"]
    ]
    assert (action["owner"], action["late"]) == ("Head of stores", True)
    assert action["untested"] == "fewer than 4 comparable units, or too few answers"


def test_a_unit_with_few_or_no_answers_has_a_brief_that_says_so(made: tuple[Project, list[str]]) -> None:
    project, _ = made
    assert result(project, SOUTH)["status"] == "ok"  # fifteen answers: a score, and nothing to do
    west = result(project, SOUTH.replace("south", "west"))
    assert (west["status"], west["headline"]) == ("no_data", "West has no answers in this period")


def test_pages_of_a_unit_lead_over_its_brief(made: tuple[Project, list[str]]) -> None:
    project, _ = made
    page = (project.outputs / NORTH.replace("brief", "drivers") / "index.html").read_text()
    assert '<a href="../../../shops/north/brief/index.html">North &amp; Co</a>' in page
    company = (project.outputs / f"shops/{PERIOD}/_all/_all/scorecard/index.html").read_text()
    assert 'href="../../../shops/north/brief/index.html"' in company


def test_a_brief_is_made_again_when_its_action_or_a_report_changes(made: tuple[Project, list[str]]) -> None:
    project, _ = made
    assert f"0 reports to make for {PERIOD}, 11 up to date" in planned(project)
    register(project, "north,Open a second till,Head of stores,wait_rating,2026-02-01,2026-09-30")
    assert [line.split()[0] for line in planned(project).splitlines() if "shops/" in line and "brief" in line] == [
        NORTH
    ]
    assert command(project, "run", "--study", "shops", "--workers", "1").returncode == 0
    path = project.outputs / NORTH.replace("brief", "drivers") / "result.json"
    path.write_text(path.read_text().replace('"headline": "', '"headline": "Well, '))
    lines = planned(project)
    assert NORTH in lines
    assert "findings changed" in lines


def test_a_register_that_cannot_be_read_fails_briefs_and_no_other(made: tuple[Project, list[str]]) -> None:
    project, _ = made
    register(project, "nroth,Open a second till,Head of stores,,,")
    said = (
        "params/shops/actions.csv, line 2: shops: shops: unknown unit 'nroth'. Did you mean 'north'? Known: north, "
        "south, west."
    )
    ended = command(project, "check")
    assert (ended.returncode, ended.stderr.strip()) == (2, f"cxinsights: {said}")
    ended = command(project, "run", "--study", "shops", *UNITS, "--force", "--workers", "1")
    assert ended.returncode == 1
    assert "2 of 3 reports made, 1 failed" in ended.stdout
    assert said in ended.stderr
    assert NORTH in ended.stderr
    register(project, "north,Open a second till,Head of stores,wait_rating,2026-02-01,2026-09-30")
    ended = command(project, "run", "--study", "shops", "--repair", "--workers", "1")
    assert (ended.returncode, "1 of 1 report made" in ended.stdout) == (0, True)

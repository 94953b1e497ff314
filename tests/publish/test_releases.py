"""What readers see changes by a release and by nothing else, and says what it restates."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.errors import ReleaseError, UnknownNameError
from cxinsights.params import Project, Study, load_study
from cxinsights.publish.access import Right, Visitor
from cxinsights.publish.index import render_index
from cxinsights.publish.releases import is_current, release_period, released_root
from cxinsights.report.identity import ReportId
from tests.batch.shops import command
from tests.publish.test_gate import APAC, EMEA
from tests.publish.test_gate import STUDY as REGIONS
from tests.small import STUDY, make_project

NORTH = ReportId("shops", "2026Q3", "shops", "north", "scorecard")
SOUTH = replace(NORTH, unit="south")
DRIVERS = replace(NORTH, analysis="drivers")
BEFORE = replace(NORTH, period="2026Q2")


def draft(project: Project, report: ReportId, headline: str, value: object = None, day: int = 3) -> None:
    """A report as the batch leaves it on a day of October."""
    folder = report.folder(project.outputs)
    folder.mkdir(parents=True, exist_ok=True)
    output = nbformat.v4.new_output("display_data", {MEDIA_TYPE: f"<p>{headline}</p>"})
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])]),
        folder / f"{report.analysis}.ipynb",
    )
    told = {"survey": "relationship", "metric": "nps", "weighted": False, "value": value, "ci_low": 20.0,
            "ci_high": 40.0, "state": None}  # fmt: skip
    result = {"headline": headline, "scores": [] if value is None else [told]}
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "run.json").write_text(json.dumps({"made_at": f"2026-10-{day:02}T12:00:00+00:00"}))
    (folder / "scores.csv").write_text("metric\nnps\n")
    (folder / "index.html").write_text(f"<p>draft of {headline}</p>")


@pytest.fixture
def shops(tmp_path: Path) -> tuple[Project, Study]:
    project = make_project(tmp_path, STUDY)
    draft(project, NORTH, "North rose", 31.4)
    draft(project, SOUTH, "South fell")
    draft(project, DRIVERS, "Waiting leads")
    draft(project, BEFORE, "North was there")
    return project, load_study(project, "shops")


def page(project: Project, report: ReportId) -> str:
    return (report.folder(released_root(project)) / "index.html").read_text()


def test_a_release_is_of_the_latest_period_and_goes_to_readers_as_it_is(shops: tuple[Project, Study]) -> None:
    project, study = shops
    done = release_period(project, study)
    assert (done.released, done.restated, done.unchanged) == ([DRIVERS, NORTH, SOUTH], {}, [])
    assert "<p>North rose</p>" in page(project, NORTH)
    assert "Restated" not in page(project, NORTH)
    assert 'href="scores.csv"' in page(project, NORTH)
    assert not BEFORE.folder(released_root(project)).exists()
    record = json.loads((NORTH.folder(released_root(project)) / "release.json").read_text())
    assert set(record) == {"released_at", "released_by", "restated"}
    again = release_period(project, study)
    assert (again.released, again.unchanged) == ([], [DRIVERS, NORTH, SOUTH])


def test_a_page_links_to_what_readers_have(shops: tuple[Project, Study]) -> None:
    project, study = shops
    release_period(project, study, only=["drivers"])
    assert "scorecard/index.html" not in page(project, DRIVERS)
    draft(project, DRIVERS, "Waiting leads still")
    release_period(project, study)
    assert "../../../shops/north/scorecard/index.html" in page(project, DRIVERS)


def test_drafts_change_nothing_until_the_next_release_which_says_what_it_restates(shops: tuple[Project, Study]) -> None:
    project, study = shops
    release_period(project, study)
    before = page(project, NORTH)
    assert is_current(project, NORTH)
    draft(project, NORTH, "North may have changed", 29.0)
    assert not is_current(project, NORTH)
    assert page(project, NORTH) == before
    done = release_period(project, study, unit="north")
    assert [(one.what, one.old, one.new) for one in done.restated[NORTH]] == [
        ("headline", "North rose", "North may have changed"),
        ("nps", "31 (20 to 40)".replace(" ", "\u00a0"), "29 (20 to 40)".replace(" ", "\u00a0")),
    ]
    told = page(project, NORTH)
    assert "now “North may have changed”" in told
    assert told.count("<aside") == 1
    assert "NPS restated: released on" in told
    draft(project, NORTH, "North may have changed", 28.0)
    release_period(project, study)
    assert page(project, NORTH).count("NPS restated") == 2  # what was restated once stays said


def test_what_is_hidden_now_is_not_said_beside_what_it_was(shops: tuple[Project, Study]) -> None:
    project, study = shops
    release_period(project, study)
    draft(project, NORTH, "North rose", {"suppressed": "small", "threshold": 10})
    assert release_period(project, study).restated == {}


def test_the_page_about_the_data_is_released_and_listed_for_those_who_may_see_all(shops: tuple[Project, Study]) -> None:
    project, study = shops
    (project.outputs / "shops" / "data-quality.html").write_text("of the data then")
    release_period(project, study)
    (project.outputs / "shops" / "data-quality.html").write_text("of the data now")
    assert (released_root(project) / "shops" / "data-quality.html").read_text() == "of the data then"
    listed = [
        "data-quality.html" in render_index(project, Visitor("x", frozenset({right})), live=True, released=True)
        for right in (Right("shops"), Right("shops", "shops"))
    ]
    assert listed == [True, False]


def test_the_list_says_where_newer_figures_wait(shops: tuple[Project, Study]) -> None:
    project, study = shops
    release_period(project, study)
    draft(project, NORTH, "North fell after all", 12.0, day=4)
    rows = re.findall("<li><a.*?</li>", render_index(project, live=True, released=True))
    assert ["Newer figures are not released yet" in row for row in rows] == ["North rose" in row for row in rows]
    assert ["/live/" in row for row in rows] == ["North rose" not in row for row in rows]


def test_drafts_that_were_cleaned_away_are_no_newer_figures(shops: tuple[Project, Study]) -> None:
    project, study = shops
    release_period(project, study)
    shutil.rmtree(NORTH.folder(project.outputs))
    assert "Newer figures" not in render_index(project, live=True, released=True)


def test_a_page_that_is_drawn_otherwise_is_released_though_it_says_the_same(shops: tuple[Project, Study]) -> None:
    """As after an upgrade, whose scripts are others; nothing is restated."""
    project, study = shops
    release_period(project, study)
    record = (NORTH.folder(released_root(project)) / "release.json").read_text()
    folder = NORTH.folder(project.outputs)
    notebook = (folder / "scorecard.ipynb").read_text()
    (folder / "scorecard.ipynb").write_text(notebook.replace("<p>North rose</p>", "<p><b>North rose</b></p>"))
    assert release_period(project, study).unchanged == [DRIVERS, NORTH, SOUTH]
    assert "<p><b>North rose</b></p>" in page(project, NORTH)
    assert "restated" not in page(project, NORTH)
    assert (NORTH.folder(released_root(project)) / "release.json").read_text() == record


def test_what_may_not_be_shown_now_is_not_shown_as_what_was(shops: tuple[Project, Study]) -> None:
    project, study = shops
    release_period(project, study)
    draft(project, NORTH, "North fell 19 points to 12", 12.0)
    release_period(project, study)
    assert "NPS restated" in page(project, NORTH)
    draft(project, NORTH, "North is not shown: too few answers", {"suppressed": "small", "threshold": 10})
    done = release_period(project, study)
    assert [one.what for one in done.restated[NORTH]] == ["headline"]  # the terminal of who releases says it
    assert "restated" not in page(project, NORTH)
    assert "12" not in (NORTH.folder(released_root(project)) / "release.json").read_text().partition("released_by")[2]


def test_a_unit_of_any_region_is_found(tmp_path: Path) -> None:
    project = make_project(tmp_path, REGIONS, name="shops", emea=EMEA, apac=APAC)
    report = replace(NORTH, region="apac", unit="east")
    draft(project, report, "East rose")
    assert release_period(project, load_study(project, "shops"), unit="east").released == [report]


def test_a_page_leads_to_the_same_report_before(shops: tuple[Project, Study]) -> None:
    project, study = shops
    release_period(project, study)
    assert "Earlier:" not in page(project, NORTH)
    release_period(project, study, "2026Q2")
    draft(project, NORTH, "North rose more", 35.0)
    release_period(project, study)
    link = "../../../../2026Q2/shops/north/scorecard/index.html"
    assert f'Earlier: <a href="{link}">April to June 2026</a></nav>' in page(project, NORTH)
    assert (NORTH.folder(released_root(project)) / link).resolve().is_file()


def test_readers_have_the_list_of_what_is_released(shops: tuple[Project, Study]) -> None:
    project, study = shops
    assert "None is released to you yet." in render_index(project, live=True, released=True)
    release_period(project, study, only=["scorecard"])
    draft(project, SOUTH, "South fell further", day=4)
    found = render_index(project, live=True, released=True)
    assert "North rose" in found
    assert "South fell<" in found
    assert "Waiting leads" not in found
    assert f'href="/live/{NORTH.path}/"' in found
    assert f'href="/live/{SOUTH.path}/"' not in found  # it would show what is not released


def test_nothing_to_release_is_said(shops: tuple[Project, Study]) -> None:
    project, study = shops
    for asked, kind, text in (
        ({"period": "2020Q1"}, ReleaseError, "shops: no report of that period and place has been made. Run make "
         "reports first."),
        ({"unit": "nroth"}, UnknownNameError, "unknown unit 'nroth'. Did you mean 'north'? Known: north, south."),
        ({"only": ["driver"]}, UnknownNameError, "release: unknown analysis 'driver'. Did you mean 'drivers'? Known: "
         "brief, scorecard, segmentation, funnel, linkage, drivers."),
    ):  # fmt: skip
        with pytest.raises(kind) as error:
            release_period(project, study, **asked)
        assert str(error.value).endswith(text)


def said(ended: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return ended.returncode, (ended.stdout + ended.stderr).strip().replace("\n", " ")


def test_the_command_line_releases_and_makes_links(shops: tuple[Project, Study]) -> None:
    project, _ = shops
    assert said(command(project, "release", "--study", "shops")) == (0, "3 reports released, 0 as they were")
    draft(project, SOUTH, "South rose")
    assert said(command(project, "release", "--study", "shops")) == (
        0, "restated: shops/2026Q3/shops/south/scorecard: headline: South fell -> South rose 1 report released, 2 as "
        "they were",
    )  # fmt: skip
    code, link = said(command(project, "link", "--unit", "north", "--base", "https://cx.example.com/"))
    assert code == 0
    assert link.startswith("https://cx.example.com/enter/ey")
    code, text = said(command(project, "link", "--unit", "nroth"))
    assert (code, text) == (
        2, "cxinsights: shops: shops: unknown unit 'nroth'. Did you mean 'north'? Known: north, south.",
    )  # fmt: skip
    code, text = said(command(project, "serve", "--access", "opne"))
    assert (code, text) == (
        2,
        "cxinsights: serve: unknown access 'opne'. Did you mean 'open'? Known: open, links, sign-on.",
    )

"""An executed notebook becomes a page: its blocks in order, names as text, nothing from another host."""

from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import cxinsights as cx
from cxinsights.data.importing import import_study
from cxinsights.display.blocks import MEDIA_TYPE, Prose
from cxinsights.errors import ReportError
from cxinsights.params import Study
from cxinsights.report.identity import ReportId
from cxinsights.report.snapshot import blocks_of, foot_of, page_of, render_snapshot
from cxinsights.report.source import open_source
from tests.report.test_pages import Parts, asked_elsewhere
from tests.small import STUDY, small_study

NASTY = "<script>alert(1)</script>"
UNITS = f'units: {{north: {{label: "North {NASTY}"}}, south: {{label: "South {NASTY}"}}}}\n'
STUDY = STUDY[: STUDY.index("units:")] + UNITS
STUDY = STUDY.replace("label: Corner Shops", f"label: Corner Shops {NASTY}\ncutoff: 2026-09-30", 1)
STUDY = STUDY.replace("      weight: {from: weight, optional: true}\n", "      site: site\n      age_group: age\n")
STUDY = STUDY.replace("about: Made-up", f"about: {NASTY} Made-up")
STUDY += f'columns: {{age_group: {{label: "Age {NASTY}", type: category}}}}\nscores: {{segments: [age_group]}}\n'
REPORT = ReportId("shops", "2026Q3", "shops", "north", "scorecard")
MADE = date(2026, 10, 5)


def answers() -> str:
    lines = ["id,unit,date,nps,csat,wait,site,age"]
    for at in range(160):
        unit, month = ("north", "south")[at % 2], ("2026-07", "2025-07")[at // 80]
        lines.append(
            f"{at},{unit},{month}-01,{7 * at % 11},{at % 5 + 1},5,{NASTY}{at % 4},{('old', NASTY)[at // 2 % 2]}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def shops(tmp_path_factory) -> tuple:
    project, study = small_study(tmp_path_factory.mktemp("shops"), STUDY, answers())
    import_study(project, study)
    return project, study


def executed(folder: Path, *outputs: list) -> Path:
    """A notebook with these outputs, one cell each after a heading."""
    cells = [new_markdown_cell("# Scorecard")]
    cells += [new_code_cell("show()", execution_count=1, outputs=shown) for shown in outputs]
    path = folder / "scorecard.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def shown(block) -> list:
    return [new_output("display_data", data=block._repr_mimebundle_())]


def scorecard(project, folder: Path, unit: str) -> Path:
    """All parts of the scorecard, as its notebook shows them."""
    region = "_all" if unit == "_all" else "shops"
    params = cx.ScorecardParams(study="shops", period="2026Q3", region=region, unit=unit)
    source = open_source(params, project)
    result = source.guard(cx.fit_scorecard(source.baseline, params, **source.figures))
    headline = cx.headline_scorecard(result)
    made = [
        cx.tally_parts, cx.score_kpis, cx.table_parts, cx.figure_trend, cx.figure_league, cx.figure_limits,
        cx.figure_segments, cx.table_sites, cx.table_scores, cx.table_changes, cx.table_rests, cx.table_league,
        cx.table_split, cx.table_segments, cx.method_scorecard,
    ]  # fmt: skip
    blocks = [headline, *(make(result) for make in made), source.record(result, headline)]
    return executed(folder, *(shown(block) for block in blocks))


@pytest.fixture(scope="module")
def pages(shops: tuple, tmp_path_factory) -> dict[str, str]:
    """Whole pages of a unit and of the company, drawings and all."""
    project, study = shops
    folder = tmp_path_factory.mktemp("executed")
    company = ReportId("shops", "2026Q3", "_all", "_all", "scorecard")
    return {
        report.unit: render_snapshot(scorecard(project, folder, report.unit), report, study, MADE, lambda _: True)
        for report in (REPORT, company)
    }


@pytest.mark.parametrize(("unit", "name"), [("north", "North"), ("_all", "Corner Shops")])
def test_names_are_text_on_the_whole_page_and_in_the_crumbs(pages: dict[str, str], unit: str, name: str) -> None:
    page, parts = pages[unit], Parts(pages[unit])
    assert "<script" not in page.lower()
    assert {"h1", "svg", "table"} <= set(parts.tags)
    name += " &lt;script&gt;alert(1)&lt;/script&gt;"
    assert f"<title>Scorecard, {name}, Q3 26</title>" in page
    assert f'<li aria-current="page">{name}</li>' in page
    assert f"{NASTY} Made-up answers for a test." in parts.text


def test_names_that_the_data_bring_are_text_too(pages: dict[str, str]) -> None:
    text = Parts(pages["north"]).text
    assert f"{NASTY}0" in text  # a site
    assert f"Age {NASTY}: {NASTY}" in text  # a group of customers


@pytest.mark.parametrize("unit", ["north", "_all"])
def test_a_whole_page_asks_no_other_host(pages: dict[str, str], unit: str) -> None:
    assert asked_elsewhere(pages[unit]) == []
    links = [link for _, link in Parts(pages[unit]).links if link not in ("report.xlsx", "report.pptx")]
    assert len(links) > 3
    assert all(link.startswith(("#", "../", "data:")) for link in links)


@pytest.mark.parametrize(
    "outputs",
    [[], [[]], [[new_output("stream", text="hello")]], [[new_output("display_data", data={"text/html": "<b>x</b>"})]]],
)
def test_a_notebook_that_shows_nothing_of_ours_is_no_report(shops: tuple, tmp_path: Path, outputs: list) -> None:
    with pytest.raises(ReportError) as info:
        render_snapshot(executed(tmp_path, *outputs), REPORT, shops[1], MADE, lambda _: True)
    assert str(info.value) == (
        "shops/2026Q3/shops/north/scorecard: the notebook has no outputs to make a page of. Was it executed?"
    )


def test_blocks_come_in_the_notebook_s_order_and_nothing_else_does(tmp_path: Path) -> None:
    whole = new_output("execute_result", data={MEDIA_TYPE: "<p>1</p>", "text/html": "<b>not ours</b>"})
    lines = new_output("display_data", data={MEDIA_TYPE: ["<p>\n", "2</p>"]})
    empty = new_output("display_data", data={MEDIA_TYPE: "", "text/plain": "a line of provenance"})
    path = executed(tmp_path, [whole], [new_output("stream", text="told"), lines, empty], shown(Prose("k", "T", ["3"])))
    found = blocks_of(nbformat.read(path, as_version=4))
    assert found[:2] == ["<p>1</p>", "<p>\n2</p>"]
    assert len(found) == 3
    assert found[2] == Prose("k", "T", ["3"]).as_html()


def test_the_foot_says_source_dates_and_version(shops: tuple, tmp_path: Path) -> None:
    study: Study = shops[1].model_copy(update={"about": "One sentence."})
    told = f"data to 30 September 2026, cxinsights {version('cxinsights')}."
    assert foot_of(study, MADE) == ["One sentence.", f"Made on 5 October 2026, {told}"]
    assert foot_of(study, None) == ["One sentence.", "D" + told[1:]]
    made_up = study.model_copy(update={"synthetic": True, "cutoff": None})
    assert foot_of(made_up, None) == ["Made-up data. One sentence.", f"cxinsights {version('cxinsights')}."]
    page = page_of(REPORT, study, "<p>x</p>", lambda _: False, MADE)
    assert page.foot == foot_of(study, MADE)
    assert (page.content, page.crumbs, page.home) == (
        "<p>x</p>",
        REPORT.crumbs(study, lambda _: False),
        "../../../../../index.html",
    )

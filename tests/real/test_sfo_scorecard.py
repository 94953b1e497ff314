"""Scorecards of the airport's boarding areas over its three years: what was not asked says so, and pages hold it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from cxinsights.display.blocks import Block, Figure, Headline, Kpis, ScoreTable, Table
from cxinsights.params import ALL
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import render_page
from cxinsights.report.snapshot import page_of
from tests.browser.test_pages import CUT, OVERLAPS
from tests.cells import shown

AREA = "G"


@pytest.fixture(scope="module")
def cards(airport) -> dict[tuple[str, str], list[Block]]:
    """Blocks of the airport's scorecard and of one boarding area's, by year."""
    project, study, _ = airport
    return {
        (year, unit): shown(project, "scorecard", study=study.name, period=year, region=region, unit=unit)
        for year in ("2016", "2017", "2018")
        for region, unit in ((ALL, ALL), (study.name, AREA))
    }


def of(kind: type, blocks: list[Block], key: str = "") -> Iterator:
    return (block for block in blocks if isinstance(block, kind) and (not key or block.key == key))


@pytest.mark.parametrize("unit", [ALL, AREA])
def test_the_first_year_leads_with_satisfaction_and_says_what_was_not_asked(cards, unit: str) -> None:
    headline = next(of(Headline, cards["2016", unit]))
    name = "San Francisco Airport" if unit == ALL else "Boarding area G"
    assert headline.title.startswith(f"{name}’s CSAT is ")
    assert headline.lead.endswith(". There is no earlier period to compare with. NPS was not asked.")
    rows = {tuple(row[:2]): row for row in next(of(Table, cards["2016", unit], "scores")).rows}
    for form in ("weighted", "unweighted"):
        assert rows["NPS, passenger survey at the gate", form][2:5] == ["not asked", "–", "–"]


def test_a_boarding_area_has_a_place_for_the_score_that_was_not_asked(cards) -> None:
    cells = {card.name: card for card in next(of(Kpis, cards["2016", AREA])).cards}
    assert (cells["NPS"].shown, cells["NPS"].instead) == (False, "Not asked")
    assert (cells["CSAT"].shown, cells["CSAT"].not_compared) == (True, "")  # no year came before


def test_the_second_year_has_no_change_of_a_question_that_is_new(cards) -> None:
    cells = {card.name: card for card in next(of(Kpis, cards["2017", AREA])).cards}
    assert (cells["NPS"].shown, cells["NPS"].state, cells["NPS"].not_compared) == (True, None, "Not asked in 2016")
    assert cells["CSAT"].state == "cannot_tell"
    assert next(of(Headline, cards["2017", AREA])).lead.endswith(". It was not asked in 2016.")
    table = next(of(ScoreTable, cards["2017", ALL]))
    assert {row.cells[0].not_compared for row in table.rows} == {"Not asked in 2016"}
    changes = next(of(Table, cards["2017", ALL], "changes"))
    assert {row[0].partition(",")[0] for row in changes.rows} == {"CSAT"}
    assert list(of(Figure, cards["2017", ALL], "trend")) == []


@pytest.mark.parametrize("unit", [ALL, AREA])
def test_the_third_year_compares_with_the_second_and_says_that_the_first_is_missing(cards, unit: str) -> None:
    trend = next(of(Figure, cards["2018", unit], "trend"))
    assert trend.caption.endswith(" Not asked in 2016.")
    assert "over two periods" in trend.alt
    assert "The change on 2017 is " in next(of(Headline, cards["2018", unit])).lead


def test_no_rank_is_called_unsure_beside_a_unit_in_the_colour_of_a_sure_half(cards) -> None:
    league = next(of(Figure, cards["2017", ALL], "league"))
    assert league.title == "No rank of the 7 units is sure"
    sure = [
        row
        for row in next(of(Table, cards["2017", ALL], "ranks")).rows
        if row[1] == "NPS" and row[5] == "4\u00a0to\u00a07"
    ]
    assert [row[0] for row in sure] == ["Boarding area G"]  # of seven the fourth is in neither half


def test_groups_keep_the_names_they_have(cards) -> None:
    title = next(of(Figure, cards["2017", AREA], "segments")).title
    assert title == "Language of questionnaire: English scores above the others on NPS"


@pytest.mark.parametrize(("year", "width"), [("2016", 390), ("2017", 1280), ("2018", 390)])
def test_the_pages_hold_all_of_it(cards, airport, browser: Browser, tmp_path: Path, year: str, width: int) -> None:
    for (period, unit), blocks in cards.items():
        if period != year:
            continue
        report = ReportId(airport.study.name, year, ALL if unit == ALL else airport.study.name, unit, "scorecard")
        content = "\n".join(block.as_html() for block in blocks)
        path = tmp_path / f"{unit}.html"
        frame = page_of(report, airport.study, content, lambda one: True, date(2026, 10, 3))
        path.write_text(render_page(frame), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(CUT) == []
        assert page.evaluate(OVERLAPS) == []
        assert [one["id"] for one in Axe().run(page).response["violations"]] == []
        page.close()

"""The list of many units in a browser: searched, sorted, all in one, with the keyboard alone; and without script."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from cxinsights.display.scorecard import list_units
from cxinsights.report.pages import Page as Frame
from cxinsights.report.pages import render_page
from tests.display.test_scorecard_units import company


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("list") / "index.html"
    content = f"<h1>Units</h1>{list_units(company()).as_html()}"
    path.write_text(render_page(Frame("Units", [("Units", "")], content)), encoding="utf-8")
    return path


@pytest.fixture(params=[1280, 390])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": request.param, "height": 800})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri())
    yield page
    assert faults == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def seen(page: Page) -> list[str]:
    """Names of the units that can be seen, from top to bottom."""
    return [link.inner_text() for link in page.locator(".units tbody a").all() if link.is_visible()]


def test_regions_are_folded_behind_what_they_hold(page: Page) -> None:
    assert seen(page) == ["Unit 1.2", "Unit 1.5"]
    page.get_by_text("Region 0").click()
    assert seen(page) == ["Unit 1.2", "Unit 1.5", *(f"Unit 0.{u}" for u in range(8))]


def test_words_narrow_the_list_by_unit_region_and_state(page: Page) -> None:
    page.get_by_label("Find").fill("region 1  WORSE")
    assert seen(page) == ["Unit 1.2"]
    assert page.get_by_role("status").inner_text() == "1 of 24 units"
    page.get_by_label("Find").fill("2.7")
    assert seen(page) == ["Unit 2.7"]
    page.get_by_label("Find").fill("nowhere")
    assert seen(page) == []
    assert page.get_by_role("status").inner_text() == "0 of 24 units"
    page.get_by_label("Find").fill("")
    assert seen(page) == ["Unit 1.2", "Unit 1.5"]


def test_after_a_search_the_regions_are_open_as_they_were(page: Page) -> None:
    page.get_by_text("Region 0").click()
    page.get_by_label("Find").fill("2.7")
    page.get_by_label("Find").fill("")
    assert seen(page) == ["Unit 1.2", "Unit 1.5", *(f"Unit 0.{u}" for u in range(8))]


def test_units_are_put_in_order_within_regions_and_in_one_list(page: Page) -> None:
    page.get_by_text("Region 1", exact=True).click()
    page.get_by_label("Order").select_option("name")
    assert seen(page)[2:] == [f"Unit 1.{u}" for u in range(8)]
    page.get_by_label("Order").select_option("score")
    assert seen(page)[2:] == [f"Unit 1.{u}" for u in (2, 0, 1, 3, 4, 6, 7, 5)]
    page.get_by_label("All regions in one list").check()
    assert (seen(page)[2], seen(page)[-1], len(seen(page))) == ("Unit 1.2", "Unit 1.5", 2 + 24)
    page.get_by_label("Order").select_option("made")
    page.get_by_label("All regions in one list").uncheck()
    assert seen(page)[2:] == [f"Unit 1.{u}" for u in (2, 5, 0, 1, 3, 4, 6, 7)]


def test_the_keyboard_reaches_all_of_it(page: Page) -> None:
    page.get_by_label("Find").focus()
    page.keyboard.type("2.3")
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.tagName + ' ' + document.activeElement.textContent.trim()")
        )
    assert reached[0].startswith("SELECT")
    assert reached[1].startswith("INPUT")
    assert reached[2].startswith("SUMMARY Region 2")
    assert reached[3] == "A Unit 2.3"


def test_without_script_all_is_there(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator(".find").is_hidden()
    for region in ("Region 0", "Region 1", "Region 2"):
        page.get_by_text(region, exact=True).click()
    assert len(seen(page)) == 2 + 24
    context.close()


def test_nothing_in_it_is_wrong_for_a_screen_reader(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found] == []

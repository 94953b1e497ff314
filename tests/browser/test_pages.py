"""Pages in a real browser: on a phone and a desk, light and dark, with and without script, on paper, by clicking."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cxinsights.display.theme import LIGHT
from cxinsights.params import Project
from tests.browser.conftest import PAGES, PERIOD
from tests.publish.serving import Serving, serving

PHONE, DESK = (360, 740), (1280, 900)
LOOKS = [(PHONE, "dark"), (DESK, "light")]  # layout goes by width, contrast by theme
WIDTHS = (320, 360, 414, 679, 680, 820, 959, 960, 1280, 1600)

# Text that is cut: drawn outside the window, or wider or higher than a box that hides what flows over. Not text
# meant for screen readers alone, nor inside a region that scrolls by itself.
CUT = """() => {
  const cut = [], apart = '.aside, .skip, .scroll, summary ~ *:not(details[open] *)';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    const holder = node.parentElement;
    if (!node.data.trim() || holder.closest(apart) || holder.closest('title, desc, style, metadata')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width && (box.left < -0.5 || box.right > innerWidth + 0.5)) cut.push(node.data.trim());
      for (let e = holder; e && e !== document.body; e = e.parentElement) {
        const style = getComputedStyle(e), around = e.getBoundingClientRect();
        if (style.overflowX === 'visible' || e.closest('svg')) continue;
        if (box.right > around.right + 1 || box.left < around.left - 1) cut.push(node.data.trim());
      }
    }
  }
  return [...new Set(cut)];
}"""

# Words of a drawing that lie over one another by more than a hair.
OVERLAPS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll('.plot svg')) {
    const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim())
      .map(t => [t.textContent.trim(), t.getBoundingClientRect()]).filter(([, b]) => b.width && b.height);
    texts.forEach(([one, a], i) => texts.slice(i + 1).forEach(([other, b]) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 0.35 * Math.min(a.height, b.height)) found.push(`${one} / ${other}`);
    }));
  }
  return found;
}"""


@contextmanager
def opened(
    browser: Browser, pages: Project, name: str, size: tuple[int, int] = DESK, **settings
) -> Iterator[tuple[Page, list[str]]]:
    """A page opened from its file, and what it should not do: complain, or ask for anything else."""
    address = (pages.outputs / PAGES[name]).as_uri()
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **settings)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("request", lambda r: None if r.url == address or r.url.startswith("data:") else wrong.append(r.url))
    page.goto(address)
    page.evaluate("document.fonts.ready")
    try:
        yield page, wrong
    finally:
        context.close()


def open_folds(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize(("size", "theme"), LOOKS, ids=["phone dark", "desk light"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_quiet_and_accessible(
    browser: Browser, pages: Project, name: str, size: tuple[int, int], theme: str
) -> None:
    with opened(browser, pages, name, size, color_scheme=theme) as (page, wrong):
        assert page.evaluate("document.fonts.check('16px \"Source Sans 3\"')")
        assert page.evaluate(CUT) == []
        open_folds(page)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size[0]
        assert page.evaluate(CUT) == []
        assert page.evaluate(OVERLAPS) == []
        report = Axe().run(page)
        assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in report.response["violations"]] == []
        assert wrong == []


@pytest.mark.parametrize("name", PAGES)
def test_no_width_makes_a_page_scroll_sideways(browser: Browser, pages: Project, name: str) -> None:
    with opened(browser, pages, name) as (page, _):
        open_folds(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width, width
            assert page.evaluate(CUT) == [], width


@pytest.mark.parametrize("name", ["company", "brief", "unit", "drivers"])
def test_the_finding_stands_on_a_phones_first_screen(browser: Browser, pages: Project, name: str) -> None:
    """LOOK 3: finding, number with interval and period are read without scrolling, 360 × 740."""
    with opened(browser, pages, name, PHONE) as (page, _):
        for part in (".kicker", "h1", ".lead"):
            box = page.locator(f"main {part}").first.bounding_box()
            assert box["y"] + box["height"] <= PHONE[1], part
        assert page.locator("h1").count() == 1


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_no_script(browser: Browser, pages: Project, name: str) -> None:
    pictures = []
    for script in (True, False):
        with opened(browser, pages, name, PHONE, java_script_enabled=script) as (page, _):
            assert page.locator("script").count() == page.locator(".whatif, #ask").count()
            assert not page.locator("#ask").is_visible()  # a page from a folder has nobody to ask
            sliders = page.locator(".whatif .controls")
            hidden = [sliders] if sliders.count() else []  # there only with script, and the table without
            pictures.append(page.screenshot(full_page=not hidden, mask=hidden))
    assert pictures[0] == pictures[1]


def test_files_of_the_whole_report_are_offered_where_they_are_made_and_not_on_paper(
    browser: Browser, pages: Project, server: Serving
) -> None:
    with opened(browser, pages, "unit") as (page, _):
        assert not page.locator(".whole").is_visible()
        assert page.locator(".files summary").is_visible()
    with browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}) as context:
        page = context.new_page()
        page.goto(f"{server.url}/reports/{PAGES['unit']}")
        for name, kind in (("Excel workbook", "xlsx"), ("PowerPoint slides", "pptx")):
            with page.expect_download() as download:
                page.get_by_role("link", name=name).click()
            assert download.value.suggested_filename == f"shops-{PERIOD}-shops-north-scorecard.{kind}"
            assert download.value.path().read_bytes().startswith(b"PK")
        page.emulate_media(media="print")
        assert not page.locator(".files").is_visible()


def test_sliders_say_what_the_analysis_says(browser: Browser, pages: Project, server: Serving) -> None:
    """On the static page and on the live one, by keyboard, under the server's policy for scripts."""
    report = f"shops/{PERIOD}/shops/north/drivers"
    table = pd.read_csv(pages.outputs / report / "what_if.csv").set_index("driver")
    joint = pd.read_csv(pages.outputs / report / "joint.csv").set_index(["driver_a", "driver_b"])["covariance"]
    for address in (f"{server.url}/reports/{report}/index.html", f"{server.url}/live/{report}/"):
        context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
        page, wrong = context.new_page(), []
        page.on("console", lambda message, wrong=wrong: wrong.append(message.text))
        page.goto(address)
        slider = page.locator(".whatif input").first
        driver = slider.get_attribute("id").removeprefix("what-if-")
        slider.focus()
        page.keyboard.press("Home")
        assert page.locator(".whatif .big b").inner_text() == "0"
        assert page.locator(".whatif .big small").inner_text() == ""
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        moved = 0.3
        change = moved * table.loc[driver, "change"] / table.loc[driver, "room"]
        half = moved * 1.959964 * joint[(driver, driver)] ** 0.5
        assert page.locator(".whatif .big b").inner_text() == f"+{change:.0f}"
        assert page.locator(".whatif .big small").inner_text() == f"(+{change - half:.0f} to +{change + half:.0f})"
        assert (
            slider.get_attribute("aria-valuetext") == f"+{moved:.1f}, to {table.loc[driver, 'performance'] + moved:.1f}"
        )
        page.get_by_role("button", name="Set all to zero").click()
        assert page.locator(".whatif output").first.inner_text() == "0.0"
        expect(page.locator(".whatif [role=status]")).to_have_text("NPS: no change")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("End")  # the last slider's last step is where the table's row ends
        driver = page.locator(".whatif input").last.get_attribute("id").removeprefix("what-if-")
        assert page.locator(".whatif .big b").inner_text() == f"+{table.loc[driver, 'change']:.0f}"
        assert wrong == []
        context.close()


def test_every_step_of_a_slider_can_be_reached_and_shared(browser: Browser, pages: Project, server: Serving) -> None:
    report = f"shops/{PERIOD}/shops/north/drivers"
    rooms = pd.read_csv(pages.outputs / report / "what_if.csv").set_index("driver")["room"]
    page = browser.new_context().new_page()
    page.goto(f"{server.url}/reports/{report}/index.html")
    sliders = page.locator(".whatif input").all()
    for slider in sliders:
        slider.press("End")
        room = rooms[slider.get_attribute("name")]
        assert f"raise.{slider.get_attribute('name')}={room:.2f}" in page.url
    shown = page.locator(".whatif .result").inner_text()
    change, now, then = re.match(
        r"Change in NPS\s+\+(\d+).*From (−?\d+) today to about (−?\d+)", shown, re.DOTALL
    ).groups()
    assert int(then.replace("−", "-")) == int(now.replace("−", "-")) + int(change)
    page.goto(page.url)
    assert page.locator(".whatif .result").inner_text() == shown
    page.context.close()


def test_a_thumb_that_scrolls_the_page_moves_no_slider(browser: Browser, pages: Project) -> None:
    with opened(browser, pages, "drivers", PHONE) as (page, _):
        slider = page.locator(".whatif input").last
        before = slider.input_value()
        slider.dispatch_event("pointerdown")
        slider.fill("1")  # as the browser does where the thumb comes down
        assert slider.input_value() != before
        slider.dispatch_event("pointercancel")
        assert slider.input_value() == before
        assert page.locator(".whatif output").last.inner_text() == f"{int(before) / 10:+.1f}".replace("+0.0", "0.0")


def test_on_a_phone_a_narrow_table_shows_every_cell_with_its_column(browser: Browser, pages: Project) -> None:
    with opened(browser, pages, "drivers", PHONE) as (page, _):
        table = page.locator("#what-if table")
        heads = table.locator("thead th").all_inner_texts()[1:]
        cells = table.locator("tbody tr").first.locator("td")
        shown = [cell.evaluate("cell => getComputedStyle(cell, '::before').content") for cell in cells.all()]
        assert shown == [f'"{head}"' for head in heads]
        boxes = [cell.bounding_box() for cell in table.locator("td").all()]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0] for box in boxes)
        assert page.get_by_role("cell").count() > 0  # still a table to a screen reader
    with opened(browser, pages, "drivers", DESK) as (page, _):
        assert page.locator("#what-if thead").bounding_box()["height"] > 10


def test_without_script_and_on_paper_the_table_stands_alone(browser: Browser, pages: Project) -> None:
    with opened(browser, pages, "drivers", PHONE, java_script_enabled=False) as (page, _):
        assert not page.locator(".whatif .controls").is_visible()
        assert page.locator("#what-if table").is_visible()
    with opened(browser, pages, "drivers") as (page, _):
        assert page.locator(".whatif .controls").is_visible()
        page.emulate_media(media="print")
        assert not page.locator(".whatif .controls").is_visible()
        assert page.locator("#what-if table").is_visible()


@pytest.mark.parametrize("name", ["unit", "drivers"])
def test_the_folds_open_and_close(browser: Browser, pages: Project, name: str) -> None:
    with opened(browser, pages, name, PHONE, java_script_enabled=False) as (page, _):
        folds = page.locator("details")
        assert folds.count() >= 2
        for fold in folds.all():
            inside = fold.locator("> :not(summary)").first
            assert not inside.is_visible()
            summary = fold.locator("summary")
            assert summary.bounding_box()["height"] >= 44
            summary.click()
            assert inside.is_visible()
            summary.focus()
            page.keyboard.press("Enter")
            assert not inside.is_visible()


def test_a_phone_shows_one_measure_and_lets_choose(browser: Browser, pages: Project) -> None:
    with opened(browser, pages, "company", PHONE, java_script_enabled=False) as (page, _):
        table = page.locator(".scores").first
        shown: Callable[[], list[str]] = lambda: [  # noqa: E731
            c.inner_text().split("\n")[0] for c in table.locator("thead th.m").all() if c.is_visible()
        ]
        assert shown() == ["NPS"]
        table.get_by_label("CSAT").check()
        assert shown() == ["CSAT"]
        page.set_viewport_size({"width": 1280, "height": 900})
        assert shown() == ["NPS", "CSAT"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_paper_is_white_with_controls_gone_and_the_folds_that_are_open(
    browser: Browser, pages: Project, name: str, theme: str
) -> None:
    with opened(browser, pages, name, (794, 1123), color_scheme=theme) as (page, _):
        page.emulate_media(media="print")
        assert not any(fold.is_visible() for fold in page.locator("details.card").all())
        told = page.evaluate("getComputedStyle(document.querySelector('#report'), '::after').content")
        has_folds = page.locator("#report > details.card:not(.noprint)").count() > 0
        assert ("What is unfolded there is printed." in told) == has_folds
        open_folds(page)
        assert "What is unfolded" not in page.evaluate(
            "getComputedStyle(document.querySelector('#report'), '::after').content"
        )
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
        ink = ", ".join(str(int(LIGHT["ink"][at : at + 2], 16)) for at in (1, 3, 5))
        assert page.evaluate("getComputedStyle(document.body).color") == f"rgb({ink})"
        inside = "details:not(.noprint, .noprint *, .files *) > :not(summary, .choose, .noprint)"
        visible = page.evaluate(f"[...document.querySelectorAll('{inside}')].map(e => e.checkVisibility())")
        assert all(visible)
        page.set_viewport_size({"width": 680, "height": 900})  # between the margins of A4
        widths = page.evaluate("[...document.querySelectorAll('.plain')].map(t => t.getBoundingClientRect().width)")
        assert all(width <= 680 for width in widths), widths  # a wider one would shrink the whole page
        for control in page.locator(".choose, .skip, .bar ol, .noprint").all():
            assert not control.is_visible()


@pytest.mark.parametrize(
    ("name", "most"),
    [("company", 2), ("brief", 2), ("unit", 1), ("drivers", 2), ("funnel", 2), ("linkage", 3), ("segmentation", 3)],
)
def test_a_report_is_printed_on_few_pages(browser: Browser, pages: Project, name: str, most: int) -> None:
    with opened(browser, pages, name) as (page, _):
        printed = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= most
        open_folds(page)
        unfolded = page.pdf(prefer_css_page_size=True)
        assert most + (name != "brief") <= len(re.findall(rb"/Type\s*/Page\b", unfolded)) <= 12


@pytest.fixture(scope="module")
def server(pages: Project) -> Iterator[Serving]:
    with serving(pages) as running:
        yield running


def test_from_the_list_to_a_report_to_its_unit_and_back_by_clicking(browser: Browser, server: Serving) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("request", lambda r: None if r.url.startswith((server.url, "data:")) else wrong.append(r.url))
    page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.goto(server.url)
    page.locator("a.finding[href*='/north/drivers/']").click()
    assert page.url == f"{server.url}/reports/shops/{PERIOD}/shops/north/drivers/index.html"
    page.get_by_role("navigation").get_by_role("link", name="North & Co").click()
    assert page.url == f"{server.url}/reports/shops/{PERIOD}/shops/north/brief/index.html"
    page.locator("#report").get_by_role("link", name="Scorecard").click()
    assert page.url == f"{server.url}/reports/shops/{PERIOD}/shops/north/scorecard/index.html"
    page.get_by_role("navigation").get_by_role("link", name="Corner Shops").click()
    assert page.url == f"{server.url}/reports/shops/{PERIOD}/_all/_all/scorecard/index.html"
    page.locator(".scores").first.get_by_role("link", name="South").click()
    assert page.url == f"{server.url}/reports/shops/{PERIOD}/shops/south/brief/index.html"
    page.get_by_role("navigation").get_by_role("link", name="Reports").click()
    assert page.url == f"{server.url}/"
    page.get_by_role("link", name="Data quality of Corner Shops").click()
    assert page.locator("h1").inner_text() == "Every raw row is in"
    page.get_by_role("link", name="cxinsights").click()
    assert page.url == f"{server.url}/"
    assert wrong == []
    page.context.close()


def test_every_link_of_every_page_leads_somewhere(browser: Browser, server: Serving) -> None:
    """Of the pages reached from the list; every report of the units with answers was made."""
    page = browser.new_context().new_page()
    seen, waiting, dead = set(), [f"{server.url}/"], []
    while waiting:
        address = waiting.pop()
        if address in seen or "/live/" in address:
            continue
        seen.add(address)
        answer = page.request.get(address)
        if answer.status != 200:
            dead.append(address.removeprefix(server.url))
        if answer.status != 200 or address.endswith((".csv", ".xlsx", ".pptx")):
            continue
        page.goto(address)
        links = page.evaluate("[...document.links].map(l => l.href.split('#')[0])")
        waiting += [link for link in links if link.startswith("http")]
    assert dead == []
    assert len(seen) >= len(PAGES)
    page.context.close()


def test_the_live_page_shows_the_finding_in_the_browser(browser: Browser, server: Serving) -> None:
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.goto(f"{server.url}/live/shops/{PERIOD}/shops/north/drivers/")
    assert page.locator("h1").inner_text() == "Waiting time goes most with NPS"
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
    page.get_by_role("link", name="cxinsights").click()
    assert page.url == f"{server.url}/"
    assert wrong == []
    page.context.close()

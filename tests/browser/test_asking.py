"""A report comes alive when a reader touches a control: in place, with its state in the address, and never an error."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from cxinsights.params import Project, load_study
from cxinsights.publish.access import Right
from cxinsights.publish.door import keys_of
from cxinsights.publish.entrance import link_path
from cxinsights.publish.releases import release_period
from tests.browser.conftest import PERIOD
from tests.publish.serving import Serving, serving

PHONE, DESK = (360, 740), (1280, 900)
LOOKS = [(PHONE, "dark"), (DESK, "light")]  # layout goes by width, contrast by theme
DRIVERS = f"shops/{PERIOD}/shops/north/drivers"
SCORECARD = f"shops/{PERIOD}/shops/north/scorecard"
LONGEST = 60_000  # milliseconds that a page may take to be computed here


@pytest.fixture(scope="module")
def server(pages: Project) -> Iterator[Serving]:
    with serving(pages) as running:
        yield running


@contextmanager
def reading(browser: Browser, address: str, size: tuple[int, int] = DESK, theme: str = "light") -> Iterator[Page]:
    """A page, of which nothing goes wrong in the console and nothing is asked of another host."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    host = "/".join(address.split("/")[:3])
    page.on("request", lambda request: None if request.url.startswith((host, "data:")) else wrong.append(request.url))
    page.goto(address)
    yield page
    assert [text for text in wrong if " 503 " not in text and " 404 " not in text] == []
    context.close()


def answered(page: Page) -> None:
    expect(page.locator("#ask [role=status]")).to_have_text(re.compile("^Shown above"), timeout=LONGEST)


@pytest.mark.parametrize(
    "size", [pytest.param(PHONE, id="phone", marks=pytest.mark.soak), pytest.param(DESK, id="desk")]
)
def test_a_touched_control_is_answered_in_place_and_can_be_shared(
    browser: Browser, server: Serving, size: tuple[int, int]
) -> None:
    address = f"{server.url}/reports/{DRIVERS}/index.html"
    with reading(browser, address, size) as page:
        headline = page.locator("h1").inner_text()
        assert page.locator("#importance svg:visible").count() == 1
        slider, number = page.locator(".whatif input").first, page.locator(".whatif .big b")
        was = number.inner_text()
        slider.focus()
        page.keyboard.press("End")
        assert number.inner_text() != was  # without a kernel
        page.get_by_label("Take the outcome").select_option("top_box")
        assert page.locator("h1").inner_text() == headline  # what was there stays until the answer is
        expect(page.locator("#report")).to_have_attribute("aria-busy", "true")
        answered(page)
        assert page.locator("h1").inner_text() == "Waiting time goes most with the share of promoters"
        assert page.locator("#report").get_attribute("aria-busy") is None
        note = "Asked otherwise than the report: Take the outcome as in the top box or not."
        assert page.locator("#report > .note").first.inner_text() == note
        assert not page.locator(".files").is_visible()
        assert "model=top_box" in page.url
        shared = page.url
    with reading(browser, shared, size) as page:
        answered(page)
        assert page.locator("h1").inner_text() == "Waiting time goes most with the share of promoters"
        page.get_by_role("button", name="Back to the report").click()
        expect(page.locator("h1")).to_have_text(headline)
        assert page.locator(".files").is_visible()
        assert "model=" not in page.url
        page.locator(".whatif input").first.press("Home")
        assert page.locator(".whatif .big b").inner_text() == "0"


def test_sliders_that_come_with_an_answer_work(browser: Browser, server: Serving) -> None:
    """As where a report of a top box is asked for its outcome as it is: here the answer is the page's own."""
    address = f"{server.url}/reports/{DRIVERS}/index.html"
    answer = server.ask(f"/reports/{DRIVERS}/index.html").text
    with reading(browser, address) as page:
        expect(page.locator("#ask")).to_be_visible()
        page.route("**/live/**", lambda route: route.fulfill(body=answer, content_type="text/html"))
        page.get_by_label("Take the outcome").select_option("ordered")
        answered(page)
        slider = page.locator(".whatif input").first
        slider.press("End")
        moved = page.locator(".whatif .big b").inner_text()
        assert re.fullmatch(r"\+\d+", moved)
        assert f"raise.{slider.get_attribute('name')}=" in page.url
        shared = page.url.replace("model=ordered&", "")
    with reading(browser, shared) as page:
        assert page.locator(".whatif .big b").inner_text() == moved


@pytest.mark.parametrize(
    "query", ["compare=%3Cimg%20src=x%3E", "compare=never", "model=linear&theme=dark", "raise.x=1"]
)
def test_an_address_with_what_is_not_offered_is_the_report(browser: Browser, server: Serving, query: str) -> None:
    with reading(browser, f"{server.url}/reports/{SCORECARD}/index.html?{query}") as page:
        page.wait_for_timeout(300)
        assert page.locator("#report").get_attribute("aria-busy") is None
        assert page.locator("#ask select").input_value() == "year_ago"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "These do not go together in this report. What you see is the report."),
        (409, "These do not go together in this report. What you see is the report."),
        (401, "Your link has ended: open it again, or ask for a new one. What you see is the report."),
        (500, "This could not be computed. What you see is the report."),
        (None, "The server did not answer. What you see is the report."),
    ],
)
def test_what_cannot_be_answered_leaves_the_report_with_a_word(
    browser: Browser, server: Serving, status: int | None, said: str
) -> None:
    def refuse(route: Route) -> None:
        if status is None:
            route.abort()
        else:
            route.fulfill(status=status, body=f"{status}: These do not go together in this report.")

    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/reports/{DRIVERS}/index.html")
    headline = page.locator("h1").inner_text()
    expect(page.locator("#ask")).to_be_visible()
    page.route("**/live/**", refuse)
    page.get_by_label("Take the outcome").select_option("top_box")
    expect(page.locator("#ask [role=status]")).to_have_text(said)
    assert page.locator("h1").inner_text() == headline
    assert page.locator("#report").get_attribute("aria-busy") is None
    context.close()


def test_over_the_cap_readers_wait_for_their_turn(browser: Browser, server: Serving) -> None:
    turns = iter([503, 503])

    def full(route: Route) -> None:
        status = next(turns, None)
        route.continue_() if status is None else route.fulfill(status=status, body="503: Too many")

    with reading(browser, f"{server.url}/reports/{SCORECARD}/index.html") as page:
        expect(page.locator("#ask")).to_be_visible()
        page.clock.install()
        page.route("**/live/**", full)
        page.get_by_label("Compare with").select_option("previous")
        for _ in range(2):
            expect(page.locator("#ask [role=status]")).to_have_text(
                "Others are asking too. Trying again in five seconds."
            )
            page.clock.run_for(5000)
        answered(page)


def test_the_report_stands_while_a_second_question_is_computed(browser: Browser, server: Serving) -> None:
    with reading(browser, f"{server.url}/reports/{DRIVERS}/index.html?model=top_box") as page:
        answered(page)
        asked = page.locator("h1").inner_text()
        page.get_by_label("Take the outcome").select_option("ordered")
        expect(page.locator("#report")).to_have_attribute("aria-busy", "true")
        assert page.locator("h1").inner_text() != asked
        answered(page)


def test_a_page_on_another_server_offers_nothing_that_it_has_not(browser: Browser, pages: Project) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(pages.outputs))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        thread = Thread(target=other.serve_forever)
        thread.start()
        page = browser.new_context().new_page()
        page.goto(f"http://127.0.0.1:{other.server_port}/{DRIVERS}/index.html", wait_until="networkidle")
        assert not page.locator("#ask").is_visible()
        page.context.close()
        other.shutdown()
        thread.join()


def test_pages_from_a_folder_offer_nothing_that_needs_a_server(browser: Browser, pages: Project) -> None:
    page = browser.new_context().new_page()
    page.goto((pages.outputs / DRIVERS / "index.html").as_uri())
    assert not page.locator("#ask").is_visible()
    page.context.close()


@pytest.mark.parametrize(("size", "theme"), LOOKS, ids=["phone dark", "desk light"])
def test_what_was_asked_is_as_accessible_as_the_report(
    browser: Browser, server: Serving, size: tuple[int, int], theme: str, look: Callable[[Page], None]
) -> None:
    with reading(browser, f"{server.url}/reports/{SCORECARD}/index.html?compare=previous", size, theme) as page:
        answered(page)
        look(page)


@pytest.mark.parametrize(("size", "theme"), LOOKS, ids=["phone dark", "desk light"])
@pytest.mark.parametrize("path", ["/", "/?q=drivers", "/?q=nothing+of+ours", "/gone"])
def test_the_list_its_search_and_refusals_are_accessible(
    browser: Browser, server: Serving, path: str, size: tuple[int, int], theme: str, look: Callable[[Page], None]
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page = context.new_page()
    page.goto(server.url + path)
    look(page)
    context.close()


@pytest.mark.parametrize(
    "size", [pytest.param(PHONE, id="phone"), pytest.param(DESK, id="desk", marks=pytest.mark.soak)]
)
def test_from_a_link_to_a_number_that_changes(
    browser: Browser, pages: Project, size: tuple[int, int], look: Callable[[Page], None]
) -> None:
    """Link, button, list, report, headline and figure, slider: what an executive does in a corridor."""
    study = load_study(pages, "shops")
    release_period(pages, study, PERIOD)
    link = link_path(keys_of(pages), Right("shops", "shops", "north"), "a director", 1)
    with serving(pages, "--access", "links") as links, reading(browser, links.url + link, size) as page:
        look(page)
        page.get_by_role("button", name="Open the reports").click()
        assert page.url == f"{links.url}/"
        look(page)
        page.locator("a.finding", has_text="Waiting time goes most with NPS").click()
        assert page.locator("h1").is_visible()
        assert page.locator("#importance svg:visible").count() == 1
        number = page.locator(".whatif .big b")
        before = number.inner_text()
        page.locator(".whatif input").first.press("End")
        assert number.inner_text() != before
        page.get_by_label("Take the outcome").select_option("ordered")
        answered(page)
        page.goto(f"{links.url}/reports/shops/{PERIOD}/shops/south/drivers/index.html")
        assert page.locator("h1").inner_text() == "Nothing here for you"


def test_readers_search_the_list_by_typing(browser: Browser, server: Serving) -> None:
    with reading(browser, f"{server.url}/", PHONE) as page:
        page.get_by_role("searchbox").fill("north drivers")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=north+drivers")
        assert page.locator("h1").inner_text().startswith("1 of ")
        page.get_by_role("link", name="Show all").click()
        assert page.url == f"{server.url}/"


@pytest.fixture
def look() -> Callable[[Page], None]:
    def axe(page: Page) -> None:
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:80]) for one in found] == []
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")

    return axe

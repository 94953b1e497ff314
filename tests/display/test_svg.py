"""A figure as SVG: one drawing for light, dark and paper, one image to a screen reader, the same bytes every time."""

import re
import xml.etree.ElementTree as ET

import pytest
from bs4 import BeautifulSoup
from matplotlib.image import imread

from cxinsights.display import drivers as driver_report
from cxinsights.display import scorecard as score_report
from cxinsights.display.blocks import Figure
from cxinsights.display.svg import as_png, as_svg
from cxinsights.display.theme import LIGHT, NARROW, WIDE, new_axes, styled
from tests.display.results import answered, drivers, ratings, scorecard, study, together

XLINK = "{http://www.w3.org/1999/xlink}href"
VARIABLE = re.compile(r"var\(--([a-z-]+),(#[0-9A-Fa-f]{6})\)")


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    """Every figure of both reports."""
    importance = drivers(ratings([1, 0.6, 0.5, 0.2, 0], levels=[4, 5, 7, 6, 8]))
    of = study(columns={"age_group": {"label": "Age", "type": "category"}}, scores={"segments": ["age_group"]})
    frame = together(
        [
            answered((0.3, 0.4), 300, age_group=group, period=p)
            for p in ("2025Q3", "2026Q2")
            for group in ("old", "young")
        ],
        [answered((0.5, 0.2), 300, age_group="old"), answered((0.2, 0.6), 300, age_group="young")],
    )
    scores = scorecard(frame, of, unit="north")
    made = [
        driver_report.figure_importance(importance), driver_report.figure_priority(importance),
        score_report.figure_trend(scores), score_report.figure_segments(scores),
    ]  # fmt: skip
    return {figure.key: figure for figure in made}


@pytest.fixture(scope="module")
def pages(figures) -> dict[str, str]:
    return {key: figure.as_html() for key, figure in figures.items()}


def drawn_by(write) -> str:
    with styled():
        ax = new_axes(WIDE, 200, left=40, right=40, top=20, bottom=30)
        write(ax)
    return as_svg(ax, "k", "Name", "What it shows", "wide")


@pytest.mark.parametrize("key", ["importance", "priority", "trend", "segments"])
def test_colours_are_the_pages_own_with_the_light_one_as_fallback(pages, key) -> None:
    roles = VARIABLE.findall(pages[key])
    assert roles
    for role, fallback in roles:
        assert fallback.upper() == LIGHT[role]
    left = VARIABLE.sub("", re.sub(r'(?:id|href|clip-path)="[^"]*"', "", pages[key]))
    assert re.findall(r"#[0-9A-Fa-f]{3,8}\b|rgba?\(|\b(?:black|white)\b", left) == []


def test_ids_do_not_clash_on_a_page_and_every_reference_is_met(pages) -> None:
    page = "".join(pages.values())
    found = re.findall(r'\bid="([^"]+)"', page)
    assert len(found) == len(set(found)) > 50
    referred = re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page)
    named = [name for names in re.findall(r'aria-labelledby="([^"]+)"', page) for name in names.split()]
    assert referred
    assert set(referred) | set(named) <= set(found)


@pytest.mark.parametrize("key", ["importance", "priority", "trend", "segments"])
def test_each_drawing_is_one_image_with_a_name_and_what_it_shows(figures, pages, key) -> None:
    drawings = BeautifulSoup(pages[key], "html.parser").select(".plot > svg")
    assert [one["class"] for one in drawings] == [["wide"], ["narrow"]]
    for one, width in zip(drawings, (WIDE, NARROW), strict=True):
        assert one["role"] == "img"
        assert float(one["viewbox"].split()[2]) == width
        name, shows = (one.find(id=part).get_text() for part in one["aria-labelledby"].split())
        assert (name, shows) == (figures[key].name, figures[key].alt)


@pytest.mark.parametrize("key", ["importance", "priority", "trend", "segments"])
def test_a_drawing_asks_nobody_for_anything(pages, key) -> None:
    """No style element either: inside a page it would style all of it."""
    soup = BeautifulSoup(pages[key], "html.parser")
    assert soup.find_all(["style", "script", "image", "img", "link", "metadata", "foreignobject"]) == []
    addresses = set(re.findall(r"[a-z]+://[^\"' )]+", pages[key]))
    assert addresses <= {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    for tag in soup.find_all(attrs={"xlink:href": True}):
        assert tag["xlink:href"].startswith("#")


@pytest.mark.parametrize("key", ["importance", "segments"])
def test_the_same_figure_is_the_same_bytes(figures, pages, key) -> None:
    assert figures[key].as_html() == pages[key]
    with styled():
        one, two = (as_png(figures[key].draw(WIDE)) for _ in range(2))
    assert one == two


def test_text_stays_text_in_the_pages_font(pages) -> None:
    soup = BeautifulSoup(pages["importance"], "html.parser")
    texts = [text.get_text().strip() for text in soup.select("svg.wide text")]
    assert {"R0", "R1", "Share (interval)", "Not told apart"} <= set(texts)
    assert "font-family" not in pages["importance"]
    assert "Source Sans" not in pages["importance"]


def test_names_and_labels_are_escaped() -> None:
    with styled():
        ax = new_axes(WIDE, 100)
        ax.set_axis_off()
        ax.text(0.5, 0.5, 'A & <b>B</b> "C"')
    svg = as_svg(ax, "k", "Fees & <charges>", 'As "told" <here>', "wide")
    tree = ET.fromstring(svg)
    assert [tree.find(tag).text for tag in ("title", "desc")] == ["Fees & <charges>", 'As "told" <here>']
    assert [text.text for text in tree.iter("text")] == ['A & <b>B</b> "C"']


@pytest.mark.parametrize(
    "name", ["Fees in US$ and in A$", "$\\frac$ fees", "接客の待ち時間", "زمن الانتظار", "Wait 😀"]
)
def test_a_name_is_drawn_as_it_is_written(name) -> None:
    """Dollars are no formula, and a script that the drawing's own font lacks is left to the reader's fonts."""
    svg = drawn_by(lambda ax: ax.text(0.5, 0.5, name))
    assert name in [text.text for text in ET.fromstring(svg).iter("text")]


def test_the_picture_for_notebooks_is_twice_as_fine_on_a_white_card(tmp_path) -> None:
    with styled():
        ax = new_axes(NARROW, 100)
        ax.plot([0, 1], [0, 1])
    path = tmp_path / "drawn.png"
    path.write_bytes(as_png(ax))
    pixels = imread(path)
    assert pixels.shape[:2] == (200, 2 * NARROW)
    assert pixels[2, 300].tolist() == [1, 1, 1, 1]

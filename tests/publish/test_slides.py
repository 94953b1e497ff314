"""Slides say what the page says: its figures with words for who cannot see them, its tables to be edited."""

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.slide import Slide

from cxinsights.display.blocks import MEDIA_TYPE, Column, Prose, Table
from cxinsights.display.brief.steps import Steps
from cxinsights.display.fonts import FAMILY
from cxinsights.params import Project, Study
from cxinsights.publish.downloads import making
from cxinsights.publish.downloads.contents import Contents, read_contents
from cxinsights.publish.downloads.deck import HIGH, ROOM, WIDE, fitting_size, lines_of
from cxinsights.publish.downloads.making import make_download
from cxinsights.publish.downloads.parts import Grid, Picture, Text, parts_of
from cxinsights.publish.downloads.slides import MOST_PICTURES, MOST_TABLES, _fitted, as_slides
from tests.publish.made import NORTH, SOUTH, make_scorecards, record_of

Made = tuple[Project, Study]
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
INCH = 914_400
CARD = (".change", ".against")


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_scorecards(tmp_path_factory.mktemp("slides"))


@pytest.fixture(autouse=True)
def _anew() -> None:
    making._made.cache_clear()


def notebook_of(*blocks: Any) -> dict[str, Any]:
    """An executed notebook that shows these blocks, or this HTML."""
    shown = [{MEDIA_TYPE: block} if isinstance(block, str) else block._repr_mimebundle_() for block in blocks]
    return {"cells": [{"outputs": [{"data": data}]} for data in shown]}


def slides_of(study: Study, notebook: dict[str, Any], **record: Any) -> list[Slide]:
    usual = {"headline": "North rose", "lead": "NPS is 31 (29 to 33).", "notes": []}
    made = as_slides(Contents(NORTH, study, {**usual, **record}, [], notebook))
    return list(Presentation(io.BytesIO(made)).slides)


def title_of(slide: Slide) -> str:
    return slide.shapes.title.text


def texts_of(slide: Slide) -> list[str]:
    """Paragraphs of a slide, without its title."""
    return [
        paragraph.text
        for shape in slide.shapes
        if shape.has_text_frame and shape.shape_id != slide.shapes.title.shape_id
        for paragraph in shape.text_frame.paragraphs
    ]


def table_of(slide: Slide) -> list[list[str]]:
    [table] = [shape.table for shape in slide.shapes if shape.has_table]
    return [[cell.text for cell in row.cells] for row in table.rows]


def blocks_of(path: Path) -> list[tuple[BeautifulSoup, dict[str, Any]]]:
    """A notebook's blocks by another parser, with what else the outputs hold."""
    outputs = [output["data"] for cell in json.loads(path.read_text())["cells"] for output in cell.get("outputs", [])]
    return [(BeautifulSoup("".join(data[MEDIA_TYPE]), "html.parser"), data) for data in outputs if MEDIA_TYPE in data]


def markdown_rows(data: dict[str, Any]) -> list[list[str]]:
    """The table of a block as a notebook shows it."""
    lines = [line for line in "".join(data["text/markdown"]).split("\n") if line.startswith("| ")]
    return [[cell.replace("\\|", "|").replace("&lt;", "<") for cell in line[2:-2].split(" | ")] for line in lines]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parts_are_those_of_the_page_by_two_other_ways_to_read_them(path: Path) -> None:
    found = parts_of(json.loads(path.read_text()))
    blocks = blocks_of(path)
    figures = [(soup.figure, data) for soup, data in blocks if soup.figure]
    pictures = [part for part in found if isinstance(part, Picture)]
    assert len(pictures) == len(figures) >= 2
    for part, (figure, _) in zip(pictures, figures, strict=True):
        assert part.title == figure.h2.get_text()
        assert part.subtitle == figure.select_one(".sub").get_text()
        assert part.caption == figure.figcaption.get_text()
        assert part.alt.startswith(figure.svg.title.get_text())
        assert part.alt.endswith(figure.svg.desc.get_text())
        assert part.png[1:4] == b"PNG"
        wide = figure.select_one("svg.wide")["viewbox"].split()
        assert part.shape == pytest.approx(float(wide[2]) / float(wide[3]), rel=0.01)
        listed = figure.select(".lists:not(.phone) h3")
        assert [name for name, _ in part.lists] == [head.get_text() for head in listed]
    tables = [
        (soup.h2.get_text(), data)
        for soup, data in blocks
        if soup.select_one("table.plain") and not soup.select_one(".noprint")
    ]
    titles = [title for title, _ in tables]
    grids = [part for part in found if isinstance(part, Grid) and part.title in titles]
    assert [part.title for part in grids] == titles
    assert len(titles) >= (1 if path.stem == "brief" else 4)
    for part, (_, data) in zip(grids, tables, strict=True):
        head, _, *rows = markdown_rows(data)
        assert list(part.columns) == head
        assert [list(row) for row in part.rows] == rows
    assert isinstance(found[-1], Text)
    assert found[-1].title == ("How sure are we?" if path.stem == "brief" else "Method and limits")


def test_the_brief_s_steps_and_findings_are_all_there() -> None:
    [path] = [path for path in NOTEBOOKS if path.stem == "brief"]
    found = {part.title: part for part in parts_of(json.loads(path.read_text()))}
    blocks = {soup.h2.get_text(): soup for soup, _ in blocks_of(path) if soup.h2}
    steps, told = blocks["What to do next"].select(".steps > li"), found["What to do next"]
    assert list(told.columns) == ["Step", "Why", "Evidence", "Owner", "Check"]
    assert [list(row) for row in told.rows] == [
        [step.h3.get_text(), step.p.get_text(), *(fact.get_text() for fact in step.select("dd"))] for step in steps
    ]
    assert told.note == blocks["What to do next"].select_one(".source").get_text()
    findings = blocks["What stands out here"].select(".findings > li")
    assert list(found["What stands out here"].paragraphs) == [
        f"{entry.select_one('.of').get_text()}: {entry.select_one('.finding').get_text()}" for entry in findings
    ]
    assert len(steps) == len(findings) == 3


def test_states_of_change_are_words() -> None:
    [path] = [path for path in NOTEBOOKS if path.stem == "scorecard"]
    found = {part.title: part for part in parts_of(json.loads(path.read_text())) if isinstance(part, Grid)}
    [cards] = [soup for soup, _ in blocks_of(path) if soup.select_one(".kpis")]
    [sites] = [soup for soup, _ in blocks_of(path) if soup.select_one(".scores table")]

    def score(shown: BeautifulSoup, of: str) -> str:
        return f"{shown.select_one(of).find(string=True)} ({shown.select_one('small').get_text()})"

    assert [list(row) for row in found["Scores"].rows] == [
        [card.h2.get_text(), score(card, ".big"), *(card.select_one(kind).get_text(" ", strip=True) for kind in CARD)]
        for card in cards.select(".kpi")
    ]
    assert found["Scores"].note == cards.select_one(".source").get_text() != ""
    part = found[sites.h2.get_text()]
    assert [list(row[1:]) for row in part.rows] == [
        [
            "\n".join([score(cell.select_one(".score"), "b"), cell.select_one(".change").get_text(" ", strip=True)])
            if cell.select_one(".score")
            else cell.select_one(".hidden").get_text()
            for cell in row.select("td")
        ]
        for row in sites.select("tbody tr")
    ]
    words = {text.split(" ")[0] for row in part.rows for cell in row[1:] for text in cell.split("\n")[1:]}
    assert {"Worse", "Cannot", "Steady"} <= words


def test_a_report_is_its_finding_its_figures_its_first_tables_and_its_method(shops: Made) -> None:
    project, _ = shops
    deck = Presentation(io.BytesIO(make_download(project, project.outputs, NORTH, "pptx")))
    slides, record = list(deck.slides), record_of(project.outputs, NORTH)
    parts = parts_of(read_contents(project, project.outputs, NORTH, shown=True).notebook)
    pictures = [part for part in parts if isinstance(part, Picture)]
    tables = [part for part in parts if isinstance(part, Grid)]
    assert len(tables) > MOST_TABLES
    shown = [part.title for part in parts if part in pictures or part in tables[:MOST_TABLES]]
    assert [title_of(slide) for slide in slides] == [record["headline"], *shown, "Method and limits"]
    first = texts_of(slides[0])
    assert record["lead"] in first
    assert "Scorecard · =1+1 · July to September 2026" in first
    assert "Made-up data. Made-up answers for a test." in first
    assert all(texts_of(slide)[0].startswith("Scorecard · =1+1 · July to September 2026 · Made-up data · ")
               for slide in slides)  # fmt: skip
    assert f"{len(tables) - MOST_TABLES} more tables are on the page and in the workbook." in texts_of(slides[-1])
    assert deck.core_properties.title == record["headline"]


def test_pictures_are_the_notebook_s_and_say_what_they_show(shops: Made) -> None:
    project, _ = shops
    slides = Presentation(io.BytesIO(make_download(project, project.outputs, NORTH, "pptx"))).slides
    parts = parts_of(read_contents(project, project.outputs, NORTH, shown=True).notebook)
    pictures = {part.title: part for part in parts if isinstance(part, Picture)}
    assert len(pictures) == 2
    for slide in slides:
        for shape in slide.shapes:
            if shape.shape_type == MSO_SHAPE_TYPE.PICTURE:
                part = pictures.pop(title_of(slide))
                assert shape.image.blob == part.png
                assert shape._element.nvPicPr.cNvPr.get("descr") == part.alt
                assert shape.width / shape.height == pytest.approx(part.shape, rel=0.01)
                assert part.caption in texts_of(slide)
                assert part.how in ["", *texts_of(slide)]
    assert pictures == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_tables_can_be_edited_and_say_how_much_is_left_out(shops: Made, path: Path) -> None:
    _, study = shops
    notebook = json.loads(path.read_text())
    grids = [part for part in parts_of(notebook) if isinstance(part, Grid)][:MOST_TABLES]
    slides = {title_of(slide): slide for slide in slides_of(study, notebook)}
    for part in grids:
        slide = slides[part.title]
        rows = table_of(slide)
        wanted = [list(part.columns), *map(list, part.rows)]
        assert rows == wanted[: len(rows)]
        left = len(wanted) - len(rows)
        told = [text for text in texts_of(slide) if text.endswith(" in the workbook.")]
        assert told == ([f"{left} more {'row is' if left == 1 else 'rows are'} in the workbook."] if left else [])
        assert left == 0 or len(rows) > 8


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_stands_outside_its_slide_or_over_something_else(shops: Made, path: Path) -> None:
    _, study = shops
    for slide in slides_of(study, json.loads(path.read_text())):
        boxes = [(s.left / INCH, s.top / INCH, (s.left + s.width) / INCH, (s.top + s.height) / INCH, s.name)
                 for s in slide.shapes]  # fmt: skip
        for at, (left, top, right, bottom, name) in enumerate(boxes):
            assert left >= 0, name
            assert top >= 0, name
            assert right <= WIDE, name
            assert bottom <= HIGH, name
            for other in boxes[at + 1 :]:
                wide, high = min(right, other[2]) - max(left, other[0]), min(bottom, other[3]) - max(top, other[1])
                assert min(wide, high) < 0.02, (title_of(slide), name, other[4])


def test_a_report_of_too_few_answers_says_so_and_shows_no_figure(shops: Made) -> None:
    project, _ = shops
    slides = list(Presentation(io.BytesIO(make_download(project, project.outputs, SOUTH, "pptx"))).slides)
    assert title_of(slides[0]) == "@SUM(1,1) is not shown: too few answers"
    assert "Fewer than 10 answers. We need 10 to show a score." in texts_of(slides[0])
    assert not [s for slide in slides for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.PICTURE]
    assert table_of(slides[1])[1:] == [["NPS", "Not shown, under 10", "", ""], ["CSAT", "Not shown, under 10", "", ""]]


def test_a_notebook_that_shows_nothing_gives_the_finding_alone(shops: Made) -> None:
    _, study = shops
    for notebook in ({}, {"cells": [{}]}, notebook_of("<p>x</p>"), notebook_of("")):
        assert [title_of(slide) for slide in slides_of(study, notebook)] == ["North rose"]


def test_a_figure_without_a_picture_is_told_in_words(shops: Made) -> None:
    _, study = shops
    [path] = [path for path in NOTEBOOKS if path.stem == "drivers"]
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output["data"].pop("image/png", None)
    figures = [part for part in parts_of(notebook) if isinstance(part, Picture)]
    slides = {title_of(slide): slide for slide in slides_of(study, notebook)}
    assert len(figures) >= 2
    for part in figures:
        assert {part.alt, "The picture is on the report's page."} <= set(texts_of(slides[part.title]))


def test_names_are_text_whatever_they_hold(shops: Made) -> None:
    _, study = shops
    nasty = "<script>alert(1)</script> & =1+1 \x0b\x00 | " + "Verylongname" * 30
    grid = Table("k", nasty, [Column(nasty, numeric=False), Column("n")], [[nasty, "1"]] * 3, folded=False)
    prose = Prose("m", "Method and limits", [nasty])
    slides = slides_of(study, notebook_of(grid, prose), headline=nasty, lead=nasty, notes=[nasty])
    clean = nasty.replace("\x0b", "").replace("\x00", "")
    assert title_of(slides[0]) == clean
    assert table_of(slides[1])[1][0] == clean.replace("  ", " ")[:159] + "…"
    assert texts_of(slides[2])[1:] == [clean.replace("  ", " "), f"{clean}."]  # a note is a sentence
    for slide in slides:
        for shape in slide.shapes:
            assert shape.top + shape.height <= HIGH * INCH


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_analysis_ends_with_how_its_figures_came_about(shops: Made, path: Path) -> None:
    last = slides_of(shops[1], json.loads(path.read_text()))[-1]
    assert title_of(last) == ("How sure are we?" if path.stem == "brief" else "Method and limits")


def test_steps_that_there_are_none_of_are_a_sentence() -> None:
    note = "No rating is clearly under the rest's and goes with the score."
    [part] = parts_of(notebook_of(Steps("Nothing to single out", "", [], note)))
    assert part == Text("Nothing to single out", [note])


def test_there_are_no_more_slides_than_somebody_reads(shops: Made) -> None:
    _, study = shops
    figure = '<figure class="card"><h2>F</h2><p class="sub"></p><figcaption>C</figcaption></figure>'
    grid = Table("k", "T", [Column("a", numeric=False)], [[str(at)] for at in range(1000)])
    slides = slides_of(study, notebook_of(*[figure] * 30, *[grid] * 30))
    assert len(slides) == 1 + MOST_PICTURES + MOST_TABLES
    assert "986 more rows are in the workbook." in texts_of(slides[-1])


def test_looks_are_ours_and_the_theme_s(shops: Made) -> None:
    _, study = shops
    made = as_slides(Contents(NORTH, study, {"headline": "North rose"}, [], {}))
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        theme, names = parts.read("ppt/theme/theme1.xml").decode(), parts.namelist()
    assert theme.count(f'typeface="{FAMILY}" panose="020B0303030403020204" pitchFamily="34"') == 2
    assert '<a:accent1><a:srgbClr val="3B3F9A"/></a:accent1>' in theme
    assert [name for name in names if "slideLayouts/slideLayout" in name] == ["ppt/slideLayouts/slideLayout6.xml"]
    assert not [name for name in names if "thumbnail" in name]
    deck = Presentation(io.BytesIO(made))
    assert (deck.slide_width / INCH, deck.slide_height / INCH) == (pytest.approx(13.333, abs=0.001), 7.5)


def test_the_same_report_gives_the_same_bytes(shops: Made, tmp_path: Path) -> None:
    project, _ = shops
    data = make_download(project, project.outputs, NORTH, "pptx")
    shutil.copytree(project.outputs, tmp_path / "copied")
    assert make_download(project, tmp_path / "copied", NORTH, "pptx") == data
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert parts.read("docProps/core.xml").decode().count("1980-01-01T00:00:00Z") == 2
        assert "Canny" not in parts.read("docProps/core.xml").decode()


@pytest.mark.parametrize(
    ("text", "inches", "points", "lines"),
    [("", 1, 10, 1), ("word", 1, 10, 1), ("x" * 24, 1, 10, 2), ("x" * 25, 1, 10, 3), ("two\nlines", 1, 10, 2),
     ("five words in two lines", 1, 10, 2), ("a " * 100, 100, 10, 1)],
)  # fmt: skip
def test_lines_are_counted(text: str, inches: float, points: float, lines: int) -> None:
    """Twelve letters of ten points in an inch, at 0.58 of their height."""
    assert lines_of(text, inches, points) == lines


def test_sizes_give_way_to_long_texts() -> None:
    assert fitting_size("short", 5, 0.5, (24, 18, 12)) == 24
    assert fitting_size("words " * 20, 5, 0.8, (24, 18, 12)) == 12
    assert fitting_size("words " * 200, 5, 0.5, (24, 18, 12)) == 12


WORDS = "Rated 7.2 (7.1 to 7.3) here; the rest of the company has 7.3. Reaching 7.9 goes with NPS 8 (6 to 10) higher."


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        ([["NPS", "28 (23 to 32)"]], 14),
        ([["Work on waiting time", *[WORDS] * 3]] * 3, 14),  # broken into lines
        ([["Work on waiting time", *[WORDS] * 4]] * 5, 10),
        ([["North", "28 (23 to 32)", *[WORDS] * 3]] * 3, 14),
        ([["North", *["28 (23 to 32)"] * 4]] * 40, 14),  # never all there
        ([["North", *["28 (23 to 32)"] * 9]] * 40, 10),
    ],
)
def test_tables_have_letters_as_large_as_there_is_room_for(rows: list[list[str]], size: float) -> None:
    rows = [["Step", *["Why"] * (len(rows[0]) - 1)], *rows]
    found, widths = _fitted(rows, 4.2)
    assert found == size
    assert sum(widths) <= ROOM + 0.001
    assert all(
        lines_of(cell, width - 0.12, size) == 1
        for row in rows
        for cell, width in zip(row, widths, strict=True)
        if len(cell) < 20
    )

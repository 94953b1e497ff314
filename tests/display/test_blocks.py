"""Blocks: HTML that escapes and names its parts, and a plain form that any notebook can show."""

import base64

import pytest
from bs4 import BeautifulSoup

from cxinsights.display.blocks import (
    MEDIA_TYPE,
    PAGE_ONLY,
    Column,
    Fact,
    Figure,
    Headline,
    Kpi,
    Kpis,
    Measure,
    Nothing,
    Prose,
    ScoreCell,
    ScoreRow,
    ScoreTable,
    Table,
    Tally,
    TallyRow,
    state_mark,
)
from cxinsights.display.theme import new_axes
from cxinsights.display.words import STATE_WORDS

NASTY = "<script>alert(\"x\")</script> & 'co'"
CELL = ScoreCell(
    "nps", True, score="31", interval="29 to 33", at=31, low=29, high=33, span=(-19, 81), target=41, state="better",
    change="+8", change_interval="+2 to +14",
)  # fmt: skip
HIDDEN = ScoreCell("nps", False, instead="Not shown, under 10")
UNTESTED = ScoreCell("nps", True, score="31", interval="29 to 33", not_compared="Few answers: change not tested")


def test_a_notebook_shows_no_tag_of_anybodys_name() -> None:
    block = Prose("p", "Title", [NASTY, "n < 10"])
    shown = block._repr_mimebundle_()
    assert "&lt;script>" in shown["text/markdown"]
    assert "n < 10" in shown["text/markdown"]
    assert NASTY in shown["text/plain"]


def soup(block) -> BeautifulSoup:
    return BeautifulSoup(block.as_html(), "html.parser")


def words(tag) -> str:
    return " ".join(tag.get_text(" ").split())


def score_table(*rows: ScoreRow, **changes) -> ScoreTable:
    asked = {
        "key": "units", "title": "Units", "subtitle": "Score with 95% interval", "of": "Unit",
        "measures": [Measure("nps", "NPS", "points")], "rows": rows, "how": "The dot is the score.",
        "legend": [(("better", "worse"), "clear")], "caption": "Not shown: fewer than 10 answers.",
    }  # fmt: skip
    return ScoreTable(**{**asked, **changes})


def figure(title: str = "Title", **changes) -> Figure:
    return Figure("chart", title, "Subtitle", lambda width: new_axes(width, 60), "Name", "Alt", "Base", **changes)


def every_block(text: str) -> list:
    cell = ScoreCell("nps", False, instead=text)
    return [
        Headline(text, text, text, [Fact(text, text, text)]),
        Tally([TallyRow("better", [text], text)]),
        Kpis([Kpi(**vars(cell), name=text, against=text)]),
        score_table(
            ScoreRow(text, text, [cell], link=text), title=text, subtitle=text, caption=text, how=text, of=text
        ),
        figure(text, how=text, lists=[(text, [(text, text)])]),
        Table("k", text, [Column(text), Column(text)], [[text, text]], text, text),
        Prose("k", text, [text]),
    ]


@pytest.mark.parametrize("block", every_block(NASTY), ids=lambda block: type(block).__name__)
def test_names_are_escaped_wherever_they_stand(block) -> None:
    html = block.as_html()
    assert "<script" not in html
    assert "alert" in html
    assert BeautifulSoup(html, "html.parser").find("script") is None


@pytest.mark.parametrize("block", every_block("Plain words"), ids=lambda block: type(block).__name__)
def test_every_block_says_the_same_in_a_notebook(block) -> None:
    bundle = block._repr_mimebundle_()
    assert bundle[MEDIA_TYPE].strip() == block.as_html()
    assert "Plain words" in bundle["text/plain"]
    plain = bundle.get("text/markdown") or base64.b64decode(bundle["image/png"])
    assert plain == bundle["text/plain"] or plain.startswith(b"\x89PNG")


def test_a_figure_that_only_our_page_shows_is_not_drawn_as_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    [figure] = [block for block in every_block("Plain words") if isinstance(block, Figure)]
    whole = figure._repr_mimebundle_()
    monkeypatch.setenv(PAGE_ONLY, "yes")
    assert figure._repr_mimebundle_() == {kind: whole[kind] for kind in ("text/plain", MEDIA_TYPE)}


def test_nothing_is_nothing() -> None:
    assert (Nothing().as_html(), Nothing().as_markdown()) == ("", "")


def test_the_headline_is_the_pages_only_first_heading() -> None:
    block = Headline("Drivers · North", "Staff leads", "By 3 points.", [Fact("Answers", "600", "of 610")])
    page = soup(block)
    assert [tag.get_text() for tag in page.find_all("h1")] == ["Staff leads"]
    assert [tag.get_text() for tag in page.find_all(["dt", "dd"])] == ["Answers", "600 of 610"]
    assert block.as_markdown() == "Drivers · North\n\n## Staff leads\n\nBy 3 points.\n\n- Answers: **600** of 610"
    assert Headline("k", "t").as_markdown() == "k\n\n## t"


def test_a_table_has_a_name_column_heads_and_row_heads() -> None:
    block = Table("k", "All numbers", [Column("Driver", False), Column("Share")], [["Staff", "24%"], ["Ease", "9%"]])
    page = soup(block)
    assert [tag.get_text() for tag in page.select("thead th[scope=col]")] == ["Driver", "Share"]
    assert [tag.get_text() for tag in page.select("tbody th[scope=row]")] == ["Staff", "Ease"]
    assert [tag.get_text() for tag in page.select("td.num")] == ["24%", "9%"]
    assert page.find(role="group")["aria-label"] == "All numbers"
    assert page.find(role="group")["tabindex"] == "0"  # wide tables scroll, also by keyboard
    assert page.find("summary").get_text() == "All numbers"
    assert block.as_markdown() == "### All numbers\n\n| Driver | Share |\n| --- | --- |\n| Staff | 24% |\n| Ease | 9% |"


def test_an_open_table_is_named_by_its_heading() -> None:
    page = soup(Table("k", "All numbers", [Column("Driver")], [["Staff"]], folded=False))
    assert page.find("details") is None
    assert page.find(id=page.section["aria-labelledby"]).get_text() == "All numbers"


def test_a_bar_in_a_cell_breaks_no_table() -> None:
    text = Table("k", "t", [Column("A|B")], [["x|y"]]).as_markdown()
    assert text.splitlines()[2:] == ["| A\\|B |", "| --- |", "| x\\|y |"]


def test_a_score_table_reads_as_rows_of_units_by_columns_of_measures() -> None:
    block = score_table(
        ScoreRow("All", "900 answers", [CELL], total=True),
        ScoreRow("North", "5 answers, few", [HIDDEN], link="../north/index.html"),
        ScoreRow("South", "50 answers, few", [UNTESTED]),
    )
    page = soup(block)
    assert [words(tag) for tag in page.select("thead th[scope=col]")] == ["Unit", "NPS points"]
    assert [words(tag) for tag in page.select("tbody th[scope=row]")] == [
        "All 900 answers", "North 5 answers, few", "South 50 answers, few",
    ]  # fmt: skip
    assert [words(tag) for tag in page.select("tbody td")] == [
        "31 29 to 33 Better +8 (+2 to +14)", "Not shown, under 10", "31 29 to 33 Few answers: change not tested",
    ]  # fmt: skip
    assert [tag["href"] for tag in page.select("th a")] == ["../north/index.html"]
    assert page.find("fieldset") is None  # one measure leaves nothing to choose
    assert block.as_markdown().splitlines()[4:7] == [
        "| All | 900 answers | 31 (29 to 33); Better +8 (+2 to +14) |",
        "| North | 5 answers, few | Not shown, under 10 |",
        "| South | 50 answers, few | 31 (29 to 33); – |",
    ]


def test_measures_are_chosen_by_labelled_buttons_that_need_no_script() -> None:
    two = [Measure("nps", "NPS", "points"), Measure("csat", "CSAT", "share")]
    page = soup(score_table(ScoreRow("All", "9", [CELL, CELL]), measures=two))
    assert [words(label) for label in page.select("fieldset label")] == ["NPS", "CSAT"]
    assert [button.has_attr("checked") for button in page.select("input[type=radio]")] == [True, False]
    assert len({button["name"] for button in page.select("input[type=radio]")}) == 1
    assert page.legend.get_text() == "Measure to show"


def test_a_strip_stands_where_its_numbers_say() -> None:
    """Span −19 to 81 on 142 pixels after 4: 31 lies half way, at 75; the target 41 ten hundredths on."""
    strip = soup(score_table(ScoreRow("All", "9", [CELL]))).select_one("td svg.strip")
    assert float(strip.find(class_="dot")["cx"]) == pytest.approx(4 + 142 * 0.5, abs=0.05)
    assert strip.find(class_="target")["d"].startswith("M89.2 ")  # 4 + 142 × 0.6
    assert strip.find(class_="line")["d"].startswith("M72.2 11.0H77.8")  # 4 + 142 × 0.48 and × 0.52
    assert strip["aria-hidden"] == "true"


def test_a_hidden_cell_has_words_and_no_number_no_strip() -> None:
    page = soup(Kpis([Kpi(**vars(HIDDEN), name="NPS", against="")]))
    assert words(page) == "NPS Not shown, under 10"
    assert page.find("svg") is None


def test_kpis_say_score_interval_change_and_target() -> None:
    block = Kpis([Kpi(**vars(CELL), name="NPS", against="Under the target of 41")])
    assert words(soup(block)) == "NPS 31 29 to 33 Better +8 (+2 to +14) Under the target of 41"
    assert block.as_markdown() == "- **NPS** 31 (29 to 33); Better +8 (+2 to +14). Under the target of 41"


def test_colour_is_never_the_only_key_to_a_state() -> None:
    """Each state has its word; up, down, level and unknown have a shape of their own."""
    marks = {state: BeautifulSoup(state_mark(state), "html.parser") for state in STATE_WORDS}
    assert {state: words(mark) for state, mark in marks.items()} == STATE_WORDS
    shapes = {state: str(mark.svg) for state, mark in marks.items()}
    assert len({shapes[state] for state in ("better", "worse", "steady", "cannot_tell")}) == 4
    assert shapes["better"] == shapes["slightly_better"]
    assert shapes["worse"] == shapes["slightly_worse"]


def test_a_tally_counts_and_names() -> None:
    block = Tally([TallyRow("worse", ["North", "South"], "North and South"), TallyRow("steady", ["East"], "East")])
    assert [words(row) for row in soup(block).find_all("li")] == ["2 Worse North and South", "1 Steady East"]
    assert block.as_markdown() == "- 2 Worse: North and South\n- 1 Steady: East"


def test_a_figure_is_named_by_its_finding_and_has_its_base_as_caption() -> None:
    page = soup(
        figure("Staff leads", how="Dots are estimates.", lists=[("Watch", [("1", "Staff")])], lists_on_phone=True)
    )
    assert page.find(id=page.figure["aria-labelledby"]).get_text() == "Staff leads"
    assert page.figcaption.get_text() == "Base"
    assert words(page.find(class_="how")) == "How to read. Dots are estimates."
    assert words(page.select_one(".lists.phone")) == "Watch 1 Staff"


def test_prose_keeps_its_paragraphs() -> None:
    block = Prose("method", "Method", ["One.", "Two."])
    assert [p.get_text() for p in soup(block).find_all("p")] == ["One.", "Two."]
    assert block.as_markdown() == "### Method\n\nOne.\n\nTwo."

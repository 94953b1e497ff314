"""The list of many units: what moved first, every unit once in its region, and nothing that is hidden."""

import re
from functools import cache

import pytest

from cxinsights.display.blocks import Nothing, ScoreTable
from cxinsights.display.listing import UnitList
from cxinsights.display.scorecard import list_units, table_parts
from cxinsights.privacy import Guarded
from tests.display.results import moved, regions, scorecard, study, together

EVEN, LOW, HIGH = (0.3, 0.4), (0.6, 0.2), (0.1, 0.7)


@cache
def company(n: int = 3, units: int = 8, few: int = 400) -> Guarded:
    """Regions of equal units; in the second one unit fell and one rose, in the third one has `few` answers."""
    found = {("r1", "u2"): LOW, ("r1", "u5"): HIGH}
    frames = [
        moved(f"u{u}", EVEN, found.get((f"r{r}", f"u{u}"), EVEN), few if (r, u) == (2, 0) else 400, region=f"r{r}")
        for r in range(n)
        for u in range(units)
    ]
    return scorecard(together(*frames), regions(n, units))


@cache
def alone(n: int) -> Guarded:
    """A company of one region with so many units, of which one fell."""
    units = {f"u{i}": f"Unit {i}" for i in range(n)}
    return scorecard(together(*[moved(u, EVEN, LOW if u == "u3" else EVEN) for u in units]), study(units))


def listed(result: Guarded) -> UnitList:
    found = list_units(result)
    assert isinstance(found, UnitList)
    return found


def test_few_units_are_no_list() -> None:
    assert isinstance(list_units(company(units=6)), Nothing)
    assert isinstance(list_units(alone(20)), Nothing)
    assert len(table_parts(alone(20)).rows) == 21


def test_what_moved_stands_first_with_its_region() -> None:
    block = listed(company())
    assert block.title == "Two of 24 units moved on some measure"
    first = block.sections[0]
    assert (first.name, first.text, first.opened) == ("What moved", "1 worse, 1 better", True)
    assert [(row.name, row.base) for row in first.rows] == [
        ("Unit 1.2", "Region 1, 400\u00a0answers"),
        ("Unit 1.5", "Region 1, 400\u00a0answers"),
    ]
    assert first.rows[0].also == [("CSAT", "worse"), ("CES", "worse")]
    assert first.rows[0].link == "../../../r1/u2/brief/index.html"


def test_every_unit_stands_once_in_its_region_what_moved_before_all() -> None:
    _, *sections = listed(company()).sections
    assert [(section.name, section.text) for section in sections] == [
        ("Region 0", "8\u00a0units: 8 cannot tell"),
        ("Region 1", "8\u00a0units: 1 worse, 1 better, 6 cannot tell"),
        ("Region 2", "8\u00a0units: 8 cannot tell"),
    ]
    assert [section.opened for section in sections] == [False] * 3
    assert [row.name for row in sections[1].rows] == [
        "Unit 1.2", "Unit 1.5", "Unit 1.0", "Unit 1.1", "Unit 1.3", "Unit 1.4", "Unit 1.6", "Unit 1.7",
    ]  # fmt: skip
    every = [row.name for section in sections for row in section.rows]
    assert sorted(every) == sorted(f"Unit {r}.{u}" for r in range(3) for u in range(8))


def test_a_unit_of_too_few_answers_keeps_its_place_without_a_figure() -> None:
    block = listed(company(few=6))
    row = next(row for row in block.sections[3].rows if row.name == "Unit 2.0")
    assert (row.cell.shown, row.cell.instead, row.moved_by) == (False, "Not shown, under 10", None)
    page = block.as_html()
    assert page.count("data-score=") == 24 - 2 + 2  # it and the one hidden for its sake have none; two stand twice
    assert listed(company(few=6)).sections[3].text == "8\u00a0units: 6 cannot tell, 2 not tested"


def test_many_units_of_one_region_are_tabled_only_where_they_moved() -> None:
    result = alone(21)
    table = table_parts(result)
    assert isinstance(table, ScoreTable)
    assert [row.name for row in table.rows] == ["Corner Shops", "Unit 3"]
    assert table.how.endswith(" Only units that moved stand here; all are listed below.")
    block = listed(result)
    assert [(section.name, section.opened) for section in block.sections] == [("All units", True)]
    assert block.sections[0].rows[0].link == "../../../shops/u3/brief/index.html"


def test_where_nothing_moved_it_says_so() -> None:
    units = {f"u{i}": f"Unit {i}" for i in range(21)}
    result = scorecard(together(*[moved(u, EVEN, EVEN) for u in units]), study(units))
    assert listed(result).title == "None of the 21 units clearly moved"


def test_as_text_it_holds_what_moved_and_the_counts() -> None:
    text = listed(company()).as_markdown()
    assert "| Unit 1.2 | Region 1, 400\u00a0answers | −40 (" in text
    assert "| CSAT worse, CES worse |" in text
    assert "- Region 2: 8\u00a0units: 8 cannot tell" in text


@pytest.mark.parametrize("what", ["<table>", "<thead>", '<th scope="row">', '<input type="search"'])
def test_its_page_is_a_table_for_who_cannot_see_it(what: str) -> None:
    page = listed(company()).as_html()
    assert what in page
    assert len(re.findall(r'<div class="find" hidden>', page)) == 1  # nothing to press where no script runs

"""How scores ran: the small drawings under names, and what limits say in words."""

import re
from functools import cache

import numpy as np
import pytest
from bs4 import BeautifulSoup

from cxinsights.display.scorecard import figure_trend, table_parts, table_sites
from cxinsights.display.sparklines import Sparkline
from cxinsights.params import ALL
from cxinsights.privacy import Guarded
from tests.display.results import answered, scorecard, study, together

QUARTERS = [f"{year}Q{quarter}" for year in (2024, 2025, 2026) for quarter in (1, 2, 3, 4)][:11]
MOVES = [0.0, 0.02, 0.01, 0.03, 0.0, 0.01, 0.02, 0.0, 0.03, 0.01]


@cache
def card(last: float = 0.01, earlier: int = 10, unit: str = ALL, few: str = "", n: int = 400) -> Guarded:
    """North moves as given in the latest quarter, South hardly; `few` has 6 answers of North."""
    periods = QUARTERS[-earlier - 1 :]
    moves = [*MOVES[-earlier:], last]
    frames = [
        answered((0.3, 0.4 + (move if place == "north" else move / 2)), 6 if (p, place) == (few, "north") else n,
                 unit=place, period=p, site=f"{place}-1")
        for p, move in zip(periods, moves, strict=True) for place in ("north", "south", "west")
    ]  # fmt: skip
    return scorecard(together(frames), study({"north": "North", "south": "South", "west": "West"}), unit=unit)


def rows(result: Guarded) -> dict:
    return {row.name: row for row in table_parts(result).rows}


def test_every_row_has_its_course_with_limits() -> None:
    found = rows(card())
    assert list(found) == ["Corner Shops", "South", "West", "North"]
    north, shown = found["North"].course, card().part_trends
    own = shown[shown["unit"] == "north"]
    assert north.values == own["score"].astype(float).tolist()
    assert north.limits == tuple(own[["control_low", "control_high"]].astype(float).iloc[-1])
    assert (north.key, north.note, list(north.places)) == ("nps", "", list(range(11)))
    assert north.text == "NPS of North over eleven periods: 10 to 11, between 10 and 13."
    assert table_parts(card()).how_of_courses == (
        "NPS in every period with its 95% band, each on a scale of its own; dotted, the limits within which it "
        "usually lies, by how far apart its earlier periods lie; a diamond marks what lies outside, and the seventh "
        "in a row on one side of the usual."
    )


def test_a_latest_point_outside_is_said_in_words_and_marked_by_shape() -> None:
    table = table_parts(card(last=-0.2))
    north = next(row for row in table.rows if row.name == "North")
    assert north.course.note == "Latest below its limits"
    assert north.course.text.endswith("Latest below its limits.")
    assert north.told.endswith("; Latest below its limits")
    page = BeautifulSoup(table.as_html(), "html.parser")
    drawn = page.find_all("svg", class_="spark")
    assert len(drawn) == 4
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawn)
    assert sum(len(svg.find_all("path", class_="signal")) for svg in drawn) == 4  # the whole and all three fell
    assert "Latest below its limits" in page.get_text()


def test_fewer_than_eight_earlier_periods_are_counted() -> None:
    table = table_parts(card(earlier=7))
    assert {row.course.limits for row in table.rows} == {None}
    assert table.how_of_courses == (
        "NPS in every period with its 95% band, each on a scale of its own. Limits of usual variation need eight "
        "earlier periods; there are seven."
    )
    assert {row.course for row in table_parts(card(earlier=1)).rows} == {None}
    assert table_parts(card(earlier=1)).how_of_courses == ""


def test_a_hidden_period_is_a_gap_of_the_line() -> None:
    """Six answers are not drawn, and the limits rest on the others."""
    course = rows(card(few=QUARTERS[5]))["North"].course
    assert list(course.places) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert course.as_svg().count('class="band"') == 2
    assert re.search(r'class="line" d="([^"]*)"', course.as_svg())[1].count("M") == 2


def test_sites_have_no_course() -> None:
    assert {row.course for row in table_sites(card(unit="north")).rows} == {None}
    assert table_sites(card(unit="north")).how_of_courses == ""


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({}, "The latest lies within them."),
        ({"last": -0.2}, "The latest lies below them."),
        ({"last": 0.3}, "The latest lies above them."),
    ],
    ids=["within", "below", "above"],
)
def test_a_units_trend_says_what_its_limits_say(result, said) -> None:
    figure = figure_trend(card(unit="north", **result))
    limits = card(unit="north").trend.query("metric == 'nps'")[["control_low", "control_high"]].iloc[0]
    low, high = (f"{value:.0f}" for value in limits)
    assert figure.how.replace("\u00a0", " ") == (
        f"The dotted lines are limits within which NPS usually lies, {low} to {high}, by how far apart the ten periods "
        f"before lie. {said}"
    )
    assert figure.subtitle.endswith("; limits dotted")


def test_a_run_is_said_as_one() -> None:
    frames = [answered((0.3, 0.4 + move), 400, period=p)
              for p, move in zip(QUARTERS, [0.04, -0.03, 0.05, 0.03, *[0.005] * 7], strict=True)]  # fmt: skip
    result = scorecard(together(frames), study(), unit="north")
    usual = float(result.trend["usual"].iloc[0])
    assert figure_trend(result).how.endswith(
        f"The latest is the seventh or later in a row below the usual {usual:.0f}."
    )


def test_a_trend_without_limits_says_how_many_periods_there_are() -> None:
    figure = figure_trend(card(unit="north", earlier=7))
    assert figure.how == "Limits of its usual variation need eight earlier periods; there are seven."
    assert "dotted" not in figure.subtitle


def test_a_drawing_stays_in_its_frame_and_is_small() -> None:
    chance = np.random.default_rng(1)
    values = chance.normal(30, 5, 24)
    drawn = Sparkline("nps", 'a "name" & <more>', range(24), values, values - 4, values + 4, (15.0, 45.0),
                      [False] * 23 + [True]).as_svg()  # fmt: skip
    assert len(drawn) < 1800
    assert 'aria-label="a &#34;name&#34; &amp; &lt;more&gt;"' in drawn
    band = re.search(r'class="band" d="M([^"]*)Z"', drawn)[1]
    points = np.array([[float(n) for n in pair.split()] for pair in band.split("L")])
    assert points.min() >= 0
    assert points[:, 0].max() <= 150
    assert points[:, 1].max() <= 34
    assert (points[0, 0], points[23, 0]) == (4, 146)


def test_one_value_alone_can_be_drawn() -> None:
    assert "nan" not in Sparkline("nps", "one", [3], [5.0], [5.0], [5.0]).as_svg()

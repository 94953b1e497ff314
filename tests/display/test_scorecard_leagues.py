"""The league: its sentences say what its numbers say, and its drawings hold them."""

import re
from functools import cache

import pytest
from matplotlib.axes import Axes

from cxinsights.display.blocks import Nothing
from cxinsights.display.scorecard import (
    figure_league,
    figure_limits,
    plot_league,
    plot_limits,
    table_league,
    table_split,
)
from cxinsights.display.theme import LIGHT, NARROW, WIDE, styled
from cxinsights.privacy import Guarded
from tests.display.results import LONG, badly_placed, moved, scorecard, study, together

WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
EVEN = (0.3, 0.4)


@cache
def league(*shares: tuple[float, float], n: int = 400, name: str = "", few: int = 0) -> Guarded:
    """Units u0, u1, … with these shares of detractors and promoters now, all even a year ago; `few` answers of u0."""
    units = {f"u{i}": f"{name or 'Unit'} {i}" for i in range(len(shares))}
    sizes = [few if few and i == 0 else n for i in range(len(shares))]
    frame = [moved(unit, EVEN, now, size) for unit, now, size in zip(units, shares, sizes, strict=True)]
    return scorecard(together(*frame), study(units))


def drawn(plot, result: Guarded, width: int) -> Axes:
    with styled():
        return plot(result, width=width)


def nps(result: Guarded):
    rows = result.league[result.league["metric"] == "nps"]
    return rows.sort_values("shrunken", ascending=False).reset_index(drop=True)


def test_a_unit_surely_among_the_lowest_is_named() -> None:
    result = league((0.6, 0.2), *[EVEN] * 7)
    assert figure_league(result).title == "Unit 0 is surely in the lowest two of 8"
    assert figure_league(league((0.1, 0.7), *[EVEN] * 7)).title == "Unit 0 is surely in the highest two of 8"


def test_units_surely_in_one_half_are_named_where_none_is_at_the_end() -> None:
    low, high = (0.45, 0.3), (0.2, 0.5)
    found = figure_league(league(*[low] * 6, *[high] * 6, n=900))
    assert found.title == "Unit 0 and five more are surely in the lower half"


def test_units_alike_have_no_sure_rank() -> None:
    result = league(*[EVEN] * 5)
    assert figure_league(result).title == "No rank of the 5 units is sure"
    assert set(nps(result)["rank_low"]) == {1}
    assert figure_limits(result).title == "All 5 units lie within what chance explains"


def test_one_unit_far_from_others_alike_lies_outside() -> None:
    result = league((0.7, 0.1), *[EVEN] * 19)
    found = figure_limits(result)
    assert found.title == "One of 20 units lies outside what chance explains"
    assert found.alt.endswith("Outside: Unit 0.")
    assert nps(result).loc[lambda rows: rows["beyond"] != "", "unit"].tolist() == ["u0"]


def test_units_that_differ_much_are_held_to_what_they_usually_differ_by() -> None:
    result = league(*[(0.2 + 0.04 * i, 0.6 - 0.04 * i) for i in range(8)])
    found = figure_limits(result)
    assert found.title == "All 8 units lie within what units usually differ by"
    times = re.search(r"units differ (\d+\.\d) times as much", found.how)
    assert times is not None
    assert float(times[1]) == pytest.approx(nps(result)["overdispersion"].iloc[0] ** 0.5, abs=0.05)


@WIDTHS
def test_the_league_is_drawn_as_it_was_computed(width: int) -> None:
    result = league((0.6, 0.2), *[(0.3, 0.35 + 0.02 * i) for i in range(7)])
    ax, rows = drawn(plot_league, result, width), nps(result)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    filled = [line.get_xdata()[0] for line in dots if line.get_markerfacecolor() != LIGHT["surface"]]
    rings = [line.get_xdata()[0] for line in dots if line.get_markerfacecolor() == LIGHT["surface"]]
    assert filled == pytest.approx(rows["shrunken"].tolist())
    assert rings == pytest.approx(rows["score"].tolist())
    spans = [
        tuple(line.get_xdata()) for line in ax.lines if line.get_marker() != "o" and len(set(line.get_ydata())) == 1
    ]
    limits = rows[["shrunken_low", "shrunken_high"]].itertuples(index=False, name=None)
    assert [value for span in spans for value in span] == pytest.approx([value for pair in limits for value in pair])
    told = [text.get_text().replace("\u00a0", " ") for text in ax.texts]
    ranks = [f"{a} to {b}" if a != b else f"{a}" for a, b in zip(rows["rank_low"], rows["rank_high"], strict=True)]
    assert [text for text in told if re.fullmatch(r"\d+( to \d+)?", text)] == ranks


@WIDTHS
def test_limits_are_drawn_through_each_units_own(width: int) -> None:
    result = league(*[(0.2 + 0.04 * i, 0.6 - 0.04 * i) for i in range(8)])
    ax, rows = drawn(plot_limits, result, width), nps(result)
    upper = max((line for line in ax.lines if len(line.get_xdata()) > 2), key=lambda line: line.get_ydata()[0])
    near = abs(upper.get_xdata() - rows["n_effective"].iloc[0]).argmin()
    assert upper.get_ydata()[near] == pytest.approx(rows["limit_high"].iloc[0], rel=0.01)


@WIDTHS
@pytest.mark.parametrize("plot", [plot_league, plot_limits])
def test_long_names_and_many_units_do_not_lie_on_each_other(plot, width: int) -> None:
    many = league(*[(0.2 + 0.005 * i, 0.6 - 0.005 * i) for i in range(60)], n=150)
    long = league((0.6, 0.2), *[EVEN] * 4, name=LONG)
    for result in (many, long):
        assert badly_placed(drawn(plot, result, width)) == []


def names(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text().startswith("Unit")]


def test_of_many_units_those_at_the_ends_are_drawn_and_the_page_says_who_is_not() -> None:
    many = league(*[(0.2 + 0.005 * i, 0.6 - 0.005 * i) for i in range(60)], n=150)
    rows = nps(many)
    upper, lower = (int(sure.sum()) for sure in (rows["rank_high"] <= 30, rows["rank_low"] > 30))
    assert min(upper, lower) > 10
    assert figure_league(many).caption == (
        f"150\u00a0answers a unit, July to September 2026. {upper} of 60 units are surely in the upper half, "
        f"{lower} in the lower. Drawn are the 20 furthest out; the 40 between them stand in the table of ranks. Units "
        "of fewer than 30 answers are not ranked."
    )
    found = drawn(plot_league, many, WIDE)
    assert len(names(found)) == 20
    assert "40 units between them" in [text.get_text() for text in found.texts]
    table = table_league(many)
    assert [row[1] for row in table.rows] == ["NPS"] * 60
    assert table.note.endswith(" Ranks on the other measures are in the file league.csv.")


def test_where_no_half_is_sure_three_of_many_are_drawn_at_either_end() -> None:
    even = league(*[EVEN] * 30)
    assert len(names(drawn(plot_league, even, WIDE))) == 6
    assert "0 of 30 units are surely in the upper half, 0 in the lower." in figure_league(even).caption


def test_of_many_units_those_beyond_the_limits_are_named_below_the_drawing() -> None:
    result = league((0.1, 0.8), (0.9, 0.05), *[(0.28 + 0.002 * i, 0.42 - 0.002 * i) for i in range(28)], n=900)
    assert set(nps(result).loc[nps(result)["beyond"] != "", "unit"]) == {"u0", "u1"}
    block = figure_limits(result)
    assert block.lists == [("Above the limits", [("", "Unit 0")]), ("Below the limits", [("", "Unit 1")])]
    for width in (WIDE, NARROW):
        assert names(drawn(plot_limits, result, width)) == []
    few = league((0.1, 0.8), *[EVEN] * 7, n=900)
    assert figure_limits(few).lists == ()
    assert names(drawn(plot_limits, few, WIDE)) == ["Unit 0"]


def test_a_unit_of_few_answers_is_not_ranked() -> None:
    result = league(EVEN, EVEN, EVEN, EVEN, few=29)
    assert nps(result)["unit"].tolist() != []
    assert "u0" not in set(nps(result)["unit"])


def test_two_units_and_a_unit_have_no_league() -> None:
    for result in (league(EVEN, EVEN), scorecard(together(moved("north", EVEN, EVEN)), study(), unit="north")):
        made = [make(result) for make in (figure_league, figure_limits, table_league)]
        assert all(isinstance(one, Nothing) for one in made)


def test_what_parts_make_of_a_change_adds_up_on_the_page() -> None:
    found = table_split(league((0.5, 0.2), EVEN, EVEN))
    assert found.title == "What the units make of the change in NPS: mostly by the scores themselves"
    made = [float(row[-1].replace("−", "-")) for row in found.rows]
    assert made == pytest.approx([-13.3, 0, 0, -13.3])
    assert found.rows[0][:3] == ["Unit 0", "33%", "33%"]


def test_a_hidden_part_leaves_no_table_to_work_it_out_from() -> None:
    assert isinstance(table_split(league(EVEN, EVEN, EVEN, few=9)), Nothing)

"""The segmentation's drawings: the result's numbers stand on the Axes, and no text lies on another."""

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from cxinsights.display.numbers import number, share_text, with_interval
from cxinsights.display.segmentation import figure_profiles, plot_choice, plot_profiles, plot_sizes, plot_stability
from cxinsights.display.theme import DIVERGING, LIGHT, NARROW, WIDE, styled
from cxinsights.privacy import Guarded
from tests.display.results import LONG, badly_placed
from tests.display.segments import customers, fitted, judged, many, of_unit, shown

WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
PLOTS = (plot_profiles, plot_sizes, plot_stability, plot_choice)


@pytest.fixture(scope="module")
def company() -> Guarded:
    return shown(fitted())


def drawn(plot, result: Guarded, width: int) -> Axes:
    with styled():
        return plot(result, width=width)


def dots(ax: Axes) -> list:
    return [line for line in ax.lines if line.get_marker() == "o"]


def spans(ax: Axes) -> list[tuple]:
    return [tuple(line.get_xdata()) for line in ax.lines if line.get_lw() == 2.6]


def hollow(ax: Axes) -> list[bool]:
    return [to_hex(dot.get_markerfacecolor()).upper() == LIGHT["surface"] for dot in dots(ax)]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


@WIDTHS
def test_sizes_are_pairs_of_value_and_customers_the_worthiest_first(company, width) -> None:
    ax = drawn(plot_sizes, company, width)
    frame = company.segments.sort_values("value_share", ascending=False)
    pairs = [100 * v for one in frame.itertuples() for v in (one.value_share, one.share)]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(pairs)
    assert [dot.get_xdata()[0] for dot in dots(ax)] == pytest.approx(pairs)
    limits = [
        (100 * low, 100 * high)
        for one in frame.itertuples()
        for low, high in ((one.value_low, one.value_high), (one.share_low, one.share_high))
    ]
    assert spans(ax) == [pytest.approx(pair) for pair in limits]
    assert ax.get_xlim()[0] == 0  # bars start at zero
    top = frame.iloc[0]
    assert f"{share_text(top.value_share, top.value_low, top.value_high)} of value" in texts(ax)


@WIDTHS
def test_profile_cells_are_filled_by_effect_where_the_interval_leaves_out_zero(company, width) -> None:
    ax = drawn(plot_profiles, company, width)
    cells = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    rows = pd.concat([company.profiles, company.held_out], ignore_index=True)
    assert len(cells) == len(rows) == 12
    for cell, one in zip(cells, rows.itertuples(), strict=True):
        tested = pd.isna(one.p_adjusted) or one.p_adjusted < 0.05
        if tested and (one.effect_low > 0 or one.effect_high < 0):
            size = sum(abs(one.effect_size) >= step for step in (0.2, 0.5, 0.8))
            ground = DIVERGING[3 + (size if one.effect_size > 0 else -size)][0]
            assert to_hex(cell.get_facecolor()).upper() == ground
        else:
            assert cell.get_facecolor()[3] == 0  # outlined only
            assert cell.get_linewidth() == 1
    nps = company.held_out.iloc[0]
    assert number(nps.score) in texts(ax)
    middle = {DIVERGING[3][0], "#00000000"}
    tinted = [c for c in cells if c.get_facecolor()[3] and to_hex(c.get_facecolor()).upper() not in middle]
    marks = {(line.get_xdata()[0], line.get_ydata()[0]): line.get_marker() for line in ax.lines}
    above = {DIVERGING[at][0] for at in (4, 5, 6)}
    assert len(marks) == len(tinted) > 0
    for cell in tinted:  # blue from brown also where there is no colour
        mark = next(m for (x, y), m in marks.items() if cell.contains_point(ax.transData.transform((x, y))))
        assert mark == ("^" if to_hex(cell.get_facecolor()).upper() in above else "v")


@WIDTHS
def test_stability_is_drawn_with_the_lines_that_judge_it(company, width) -> None:
    ax = drawn(plot_stability, company, width)
    frame = company.segments
    assert [dot.get_xdata()[0] for dot in dots(ax)] == pytest.approx(frame["jaccard"])
    assert spans(ax) == [pytest.approx(row) for row in frame[["jaccard_low", "jaccard_high"]].to_numpy()]
    assert hollow(ax) == [False] * 3
    assert {0.6, 0.75} <= {round(line.get_xdata()[0], 6) for line in ax.lines if line.get_lw() < 2}
    weak = shown(fitted(), segments=fitted().segments.assign(standing=["stable", "pattern", "not_a_segment"]))
    assert hollow(drawn(plot_stability, weak, width)) == [False, True, True]


@WIDTHS
def test_every_number_tried_is_drawn_hollow_where_it_does_not_stand_out(company, width) -> None:
    ax = drawn(plot_choice, company, width)
    assert [dot.get_xdata()[0] for dot in dots(ax)] == pytest.approx(company.choice["adjusted_rand"])
    assert hollow(ax) == [not out for out in company.choice["stands_out"]]
    assert hollow(drawn(plot_choice, judged("constructed", stands_out=False), width)) == [True] * 3
    one = company.choice.iloc[1]
    assert with_interval(one.adjusted_rand, one.rand_low, one.rand_high, 2) in texts(ax)
    names = [tick.get_text() for tick in ax.get_yticklabels()] if width == WIDE else texts(ax)
    assert "Three, shown" in names


def test_what_is_hidden_is_not_drawn() -> None:
    frame = customers()
    few = pd.concat([frame[frame["planted"] != 2], frame[frame["planted"] == 2].head(6)])
    result = shown(of_unit(few))
    ax = drawn(plot_sizes, result, WIDE)
    assert len(dots(ax)) == 2  # A alone, with both measures
    assert {"B", "C"}.isdisjoint(texts(drawn(plot_profiles, result, WIDE)))


def test_many_categories_leave_out_those_that_differ_least() -> None:
    whole = fitted()
    parts = [
        whole.profiles[whole.profiles["variable"] == "visits"].assign(
            category=f"c{at:02}", effect_size=lambda f, at=at: f["effect_size"] * at / 30
        )
        for at in range(30)
    ]
    result = shown(whole, profiles=pd.concat(parts, ignore_index=True))
    cells = [p for p in drawn(plot_profiles, result, WIDE).patches if isinstance(p, Rectangle)]
    assert len(cells) == 18 * 3
    assert "c29" in " ".join(texts(drawn(plot_profiles, result, WIDE)))
    assert "c00" not in " ".join(texts(drawn(plot_profiles, result, WIDE)))
    assert "rows stand in the table" in figure_profiles(result).caption


@WIDTHS
@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize(("n", "name"), [(1, "Visits"), (3, LONG), (8, "Visits a month"), (12, LONG)])
def test_no_text_lies_on_another_or_outside(plot, n, name, width) -> None:
    assert badly_placed(drawn(plot, many(n, name), width)) == []

"""The funnel report's drawings: the result's numbers stand on the Axes, and no text lies on another."""

from functools import cache

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle

from cxinsights.display.blocks import Nothing
from cxinsights.display.funnel import figure_curve, figure_flows, plot_curve, plot_flows, plot_funnel
from cxinsights.display.theme import LIGHT, NARROW, WIDE, styled
from cxinsights.params import Span
from cxinsights.privacy import Guarded
from tests.display.funnels import NAMES, funnel, grouped, shops
from tests.display.results import LONG, badly_placed

WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
WAYS = {"a0": 20, "a0 b1": 120, "a0 b1 c2": 60}
FIVE = {
    "a0": 300, "a0 call1": 80, "a0 b1": 150, "a0 b1 mail2": 60, "a0 b1 a3": 30, "a0 b1 c2": 90, "a0 b1 c2 d3": 40,
    "a0 b1 c2 d3 e4": 200, "a0 x2": 3,
}  # fmt: skip
STEPS = ["a", "b", "c", "d", "e"]


def drawn(plot, result: Guarded, width: int = WIDE) -> Axes:
    with styled():
        return plot(result, width=width)


def texts(ax: Axes) -> list[str]:
    return [text.get_text().replace("\u00a0", " ") for text in ax.texts]


def bars(ax: Axes) -> list[float]:
    return [bar.get_width() for bar in ax.patches if to_hex(bar.get_facecolor()).upper() == LIGHT["accent-soft"]]


# The funnel ---------------------------------------------------------------------------------------------


@WIDTHS
def test_bars_dots_and_intervals_are_the_rates(width) -> None:
    result = funnel(WAYS)
    ax = drawn(plot_funnel, result, width)
    rates = 100 * result.steps["of_entrants"].to_numpy()
    assert bars(ax) == pytest.approx(rates)
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots == pytest.approx(rates[1:])  # entrants are no estimate
    spans = [tuple(line.get_xdata()) for line in ax.lines if line.get_linewidth() == 2.6]
    limits = 100 * result.steps[["entrants_low", "entrants_high"]].to_numpy()[1:]
    assert np.array(spans) == pytest.approx(limits)
    assert {"100%, 200", "90% (85 to 93), 180", "30% (24 to 37), 60"} <= set(texts(ax))


@WIDTHS
def test_the_largest_loss_is_noted_once_and_only_where_a_test_says_so(width) -> None:
    notes = [text for text in texts(drawn(plot_funnel, funnel(WAYS), width)) if "Largest share lost" in text]
    assert len(notes) == 1
    assert notes[0].startswith("Largest share lost: 67 in 100 of those ")
    tied = funnel({"a0": 100, "a0 b1": 50, "a0 b1 c2": 50})
    assert not any("share lost" in text for text in texts(drawn(plot_funnel, tied, width)))
    company = {"a0": 100, "a0 b1": 200, "a0 b1 c2": 900}
    ax = drawn(plot_funnel, funnel(WAYS, company=company), width)
    news = [text for text in ax.texts if "elsewhere 91" in text.get_text()]
    assert [text.get_color() for text in news] == [LIGHT["worse"]]


@WIDTHS
def test_a_hidden_step_keeps_its_row(width) -> None:
    ax = drawn(plot_funnel, funnel({"a0": 100, "a0 b1": 3, "a0 b1 c2": 1, "a0 b1 c2 d3": 4}, steps=STEPS[:4]), width)
    assert texts(ax).count("Not shown, under 10") == 1
    assert bars(ax) == pytest.approx([100, 100 * 8 / 108, 100 * 4 / 108])  # conversion has a base of its own


# The curve ----------------------------------------------------------------------------------------------


def curves(ax: Axes) -> list[np.ndarray]:
    return [line.get_ydata() for line in ax.lines if line.get_drawstyle() == "steps-post"]


@WIDTHS
def test_the_curve_is_the_results_with_those_still_observed_below(width) -> None:
    result = funnel(WAYS)
    ax = drawn(plot_curve, result, width)
    (line,) = curves(ax)
    assert line == pytest.approx(100 * result.curve["converted"].to_numpy())
    assert "Still observed" in texts(ax)
    assert {"200", "140"} <= set(texts(ax))
    assert any(text.startswith("30%") for text in texts(ax))


@WIDTHS
def test_groups_are_drawn_where_their_curves_clearly_differ(width) -> None:
    differ, alike = grouped(900, 3, slower=0.2), grouped(300, 3)
    assert figure_curve(differ).title == "Conversion differs by channel at entry: Website 65%, Shop 33%"
    ax = drawn(plot_curve, differ, width)
    assert len(curves(ax)) == 3
    assert len({line.get_color() for line in ax.lines if line.get_drawstyle() == "steps-post"}) == 3
    for name in ("Website", "App", "Shop"):
        assert any(text.startswith(name) for text in texts(ax))
    assert len(curves(drawn(plot_curve, alike, width))) == 1
    assert badly_placed(ax) == []


def test_groups_that_differ_only_on_their_way_are_not_said_to_convert_differently() -> None:
    ways = {"a0 b1 c2": 160, "a0": 40, "a00 b4 c9": 160, "a00": 40}  # the web at once, the app late, four in five both
    channel = {way: "app" if way.startswith("a00") else "web" for way in ways}
    result = funnel(ways, {"channel": channel}, breakdowns=["channel"])
    assert figure_curve(result).title == "How fast customers convert differs by channel at entry"


@WIDTHS
def test_groups_that_end_together_have_labels_apart(width) -> None:
    late = grouped(1500, 4, slower=0.05, seed=4)
    ax = drawn(plot_curve, late, width)
    assert len(curves(ax)) == 4
    assert badly_placed(ax) == []


def test_the_caption_says_why_the_curve_ends_elsewhere_than_conversion() -> None:
    span = Span(start="2026-07-01", end="2026-07-31", cutoff="2026-07-20")
    ways = {**WAYS, "a12 c13": 10, "a14 b15 c16": 40}
    caption = figure_curve(funnel({**ways, "a15": 100}, span=span)).caption  # 30% of the mature, 29% by the curve
    assert "counted for as long as they were seen. So its end can differ from conversion, which leaves" in caption
    assert "differ from conversion" not in figure_curve(funnel(WAYS)).caption


def test_nobody_converted_is_no_curve() -> None:
    assert isinstance(figure_curve(funnel({"a0": 50, "a0 b1": 50})), Nothing)


# Flows --------------------------------------------------------------------------------------------------


def test_the_widths_of_the_flows_are_the_customers() -> None:
    result = funnel(FIVE, steps=STEPS)
    ax = drawn(plot_flows, result)
    heights = {round(patch.get_y()): patch.get_height() for patch in ax.patches if isinstance(patch, Rectangle)}
    n = sum(FIVE.values())
    nodes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    steps, ends = nodes[:4], nodes[4:]
    assert [node.get_height() / 300 * n for node in steps] == pytest.approx([n, 570, 330, 240])
    assert sum(node.get_height() for node in ends) == pytest.approx(300, abs=3)  # everybody ends somewhere
    assert len(heights) > 1
    bands = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    assert sum(to_hex(band.get_facecolor()).upper() == LIGHT["accent-soft"] for band in bands) == 4
    told = texts(ax)
    assert "Active, 200, 21%" in told
    assert "Nothing more, 580, 61%" in told
    assert "Other events, 3, 0.3%" in told
    assert "Visit again, 30, 3%" in told


def test_on_a_phone_the_eight_largest_flows_stand_in_a_list() -> None:
    result = funnel(FIVE, steps=STEPS)
    ax = drawn(plot_flows, result, NARROW)
    *flows, total = [bar.get_width() for bar in ax.patches]
    assert len(flows) == 8
    assert flows == sorted(flows, reverse=True)
    assert flows[0] == 570
    assert texts(ax)[:2] == ["Visit to quote", "570, 60% (57 to 63) of those there"]
    assert texts(ax)[-2:] == ["All steps together: nothing more", "580, 61% of entrants"]
    assert total == 580


def test_flows_of_a_step_with_few_are_not_shown() -> None:
    result = funnel({"a0": 100, "a0 b1": 3, "a0 b1 c2": 1, "a0 b1 c2 d3": 4}, steps=STEPS[:4])
    assert "Not shown, 8, 7%" in texts(drawn(plot_flows, result))


def test_an_event_is_rare_by_all_who_turn_to_it_and_others_together_are_no_title() -> None:
    scattered = {"a0 call1": 6, "a0 b1 call2": 6, "a0 b1 c2": 988}  # under 1% at either step, over it together
    assert "Call, 12, 1%" in texts(drawn(plot_flows, funnel(scattered)))
    rest = {f"a0 x{at}": 1 for at in range(1, 9)}
    few = funnel({**rest, "a0": 4, "a0 b1 c2": 988})
    assert "Other events, 8, 1%" in texts(drawn(plot_flows, few))
    assert figure_flows(few).title.replace("\u00a0", " ") == "0.4% stop and do nothing further"


def test_what_most_turn_to_is_the_title() -> None:
    assert figure_flows(funnel({"a0 call1": 60, "a0": 40})).title == "Those who stop most often turn to call"
    assert figure_flows(funnel(WAYS)).title.replace("\u00a0", " ") == "70 in 100 stop and do nothing further"
    skipping = funnel({"a0 b1 c2": 60, "a0 c1": 40})
    assert figure_flows(skipping).title == "Those who stop most often skip on to application"
    rare = funnel({"a0 b1 c2": 995, "a0 x1": 5})  # too few for a flow of their own
    assert "Other events, 5, 0.5%" in texts(drawn(plot_flows, rare))
    assert figure_flows(rare).title == "Nobody stops and does nothing further"
    everybody = funnel({"a0 b1 c2": 100})
    assert figure_flows(everybody).title == "Nobody stops and does nothing further"
    for width in (WIDE, NARROW):
        assert "pplication" in " ".join(texts(drawn(plot_flows, everybody, width)))


def test_where_a_step_is_hidden_those_who_did_nothing_more_are_a_least_number() -> None:
    result = funnel({"a0": 300, "a0 b1 c2": 9, "a0 b1": 20, "a0 b1 call2": 8}, steps=["a", "b", "c", "d"])
    assert figure_flows(result).title.replace("\u00a0", " ") == "At least 95 in 100 stop and do nothing further"
    assert not any("All steps together" in text for text in texts(drawn(plot_flows, result, NARROW)))
    scattered = {f"a0 {x}{y}1": 1 for x in "klmnopqrst" for y in "klmnopqrst"}
    untold = funnel({**scattered, "a0 b1 c2": 5}, steps=STEPS[:3])
    assert {"Other events, 100, 95%", "Not shown, 5, 5%"} <= set(texts(drawn(plot_flows, untold)))
    assert figure_flows(untold).title == "Too few stop to show all that they do next"


# Room ---------------------------------------------------------------------------------------------------

CALLED = {
    "plain": NAMES,
    "long": {**dict.fromkeys("abcde", LONG), "call": LONG},
    "one word": dict.fromkeys("abcde", "Antragsbestätigungsschreiben"),
}


@cache
def in_words(called: str) -> list[Guarded]:
    """Funnels of five steps, of large numbers, without a limit, and with hidden steps."""
    of, cut = shops(CALLED[called]), Span(start="2026-07-01", end="2026-09-30", cutoff="2026-07-20")
    return [
        funnel(FIVE, of=of, steps=STEPS),
        funnel({way: 8 * n for way, n in WAYS.items()}, of=of, steps=["a", "b"]),
        funnel(FIVE, of=of, steps=STEPS, window="none", span=cut),
        funnel({"a0": 100, "a0 b1": 3, "a0 b1 c2": 1}, of=of),
    ]


@WIDTHS
@pytest.mark.parametrize("plot", [plot_funnel, plot_curve, plot_flows])
@pytest.mark.parametrize("called", list(CALLED))
def test_no_text_is_cut_or_lies_on_another(plot, width, called) -> None:
    for result in in_words(called):
        assert badly_placed(drawn(plot, result, width)) == []

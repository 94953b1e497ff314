"""The driver report's drawings: the result's numbers stand on the Axes, and no text lies on another."""

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from cxinsights.display.drivers import figure_priority, plot_importance, plot_priority
from cxinsights.display.numbers import share_text
from cxinsights.display.theme import LIGHT, NARROW, WIDE, styled
from cxinsights.privacy import Guarded
from tests.display.results import LONG, badly_placed, drivers, many, ratings

WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
LABELS = {"r0_rating": "Waiting time", "r1_rating": "Staff", "r2_rating": "Ease", "r3_rating": "Opening hours"}


@pytest.fixture(scope="module")
def four() -> Guarded:
    return drivers(ratings([1, 0.5, 0.2, 0], levels=[4, 6, 7, 8]), LABELS)


def drawn(plot, result: Guarded, width: int) -> Axes:
    with styled():
        return plot(result, width=width)


def dots(ax: Axes) -> list:
    return [line for line in ax.lines if line.get_marker() == "o"]


def spans(ax: Axes, width: float) -> list[tuple]:
    return [(*line.get_xdata(), *line.get_ydata()) for line in ax.lines if line.get_lw() == width]


def hollow(dot) -> bool:
    return to_hex(dot.get_markerfacecolor()).upper() == LIGHT["surface"]


@WIDTHS
def test_bars_dots_and_lines_are_the_shares_and_their_intervals(four, width) -> None:
    ax = drawn(plot_importance, four, width)
    shares = 100 * four.importance[["share", "share_low", "share_high"]].to_numpy()
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(shares[:, 0])
    assert [dot.get_xdata()[0] for dot in dots(ax)] == pytest.approx(shares[:, 0])
    assert [span[:2] for span in spans(ax, 2.6)] == [pytest.approx(tuple(row[1:])) for row in shares]
    assert ax.get_xlim()[0] == 0  # bars start at zero
    assert ax.get_xlim()[1] >= shares.max()


def test_names_stand_beside_their_own_bars(four) -> None:
    ax = drawn(plot_importance, four, WIDE)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [LABELS[name] for name in four.importance["driver"]]
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    for at, one in enumerate(four.importance.itertuples()):
        assert heights[share_text(one.share, one.share_low, one.share_high)] == at
    assert ax.yaxis_inverted()  # the first is on top


def test_on_a_phone_names_and_values_stand_above_their_bars(four) -> None:
    ax = drawn(plot_importance, four, NARROW)
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    tops = [bar.get_y() for bar in ax.patches]
    for top, one in zip(tops, four.importance.itertuples(), strict=True):
        name, value = heights[LABELS[one.driver]], heights[share_text(one.share, one.share_low, one.share_high)]
        assert name == value
        assert top - 0.5 < name < top


@WIDTHS
def test_a_driver_under_the_noise_floor_is_hollow(four, width) -> None:
    assert four.importance["under_floor"].tolist() == [False, False, False, True]
    assert [hollow(dot) for dot in dots(drawn(plot_importance, four, width))] == [False, False, False, True]


@WIDTHS
def test_group_lines_join_the_drivers_that_share_a_letter(width) -> None:
    result = drivers(ratings([0.8, 0.8, 0.2, 0.2]), LABELS)
    assert result.importance["letters"].tolist() == ["a", "a", "b", "b"]
    ax = drawn(plot_importance, result, width)
    upright = sorted(span[2:] for span in spans(ax, 3))
    assert upright == [pytest.approx((-0.3, 1.3)), pytest.approx((1.7, 3.3))]
    assert {"a", "b"} <= {text.get_text() for text in ax.texts}


@WIDTHS
def test_ticks_are_percent_with_the_sign_on_the_last(four, width) -> None:
    ax = drawn(plot_importance, four, width)
    texts = [tick.get_text() for tick in ax.get_xticklabels()]
    assert 3 <= len(texts) <= 6
    assert [text.endswith("%") for text in texts] == [False] * (len(texts) - 1) + [True]
    assert [float(text.rstrip("%")) for text in texts] == pytest.approx(ax.get_xticks())


@WIDTHS
def test_the_matrix_holds_each_share_and_score_with_whiskers(four, width) -> None:
    ax = drawn(plot_priority, four, width)
    frame = four.priority
    assert [dot.get_xdata()[0] for dot in dots(ax)] == pytest.approx(frame["performance"])
    assert [dot.get_ydata()[0] for dot in dots(ax)] == pytest.approx(100 * frame["share"])
    whiskers = spans(ax, 1.6)
    expected = []
    for one in frame.itertuples():
        expected.append((one.perf_low, one.perf_high, 100 * one.share, 100 * one.share))
        expected.append((one.performance, one.performance, 100 * one.share_low, 100 * one.share_high))
    assert whiskers == [pytest.approx(span) for span in expected]
    assert [hollow(dot) for dot in dots(ax)] == [not sure for sure in frame["certain"]]


@WIDTHS
def test_dashed_lines_are_the_averages_that_the_quarters_are_cut_at(four, width) -> None:
    ax = drawn(plot_priority, four, width)
    upright, level = (line for line in ax.lines if line.get_linestyle() == "--" or line.is_dashed() is not False)
    frame = four.priority
    assert upright.get_xdata()[0] == pytest.approx(frame["performance"].mean())
    assert level.get_ydata()[0] == pytest.approx(100 * frame["share"].mean())


def test_the_matrix_names_every_driver_once_and_on_a_phone_by_its_number(four) -> None:
    wide = [text.get_text() for text in drawn(plot_priority, four, WIDE).texts]
    assert sorted(name for name in wide if name in LABELS.values()) == sorted(LABELS.values())
    narrow = [text.get_text() for text in drawn(plot_priority, four, NARROW).texts]
    assert sorted(text for text in narrow if text.isdigit()) == ["1", "2", "3", "4"]
    listed = {at: name for _, entries in figure_priority(four).lists for at, name in entries}
    assert listed == {str(at): LABELS[name] for at, name in enumerate(four.priority["driver"], start=1)}


def test_the_list_of_quarters_is_the_results(four) -> None:
    frame = four.priority.set_index("driver")
    sure = frame[frame["certain"]]
    lists = {name: {text for _, text in entries} for name, entries in figure_priority(four).lists}
    quarters = {
        "Work on first": "work_on_first",
        "Keep strong": "keep_strong",
        "Watch": "watch",
        "Hold as it is": "hold",
    }
    for name, key in quarters.items():
        assert lists.get(name, set()) == {LABELS[d] for d in sure.index[sure["quarter"] == key]}
    assert lists.get("Cannot place yet", set()) == {LABELS[d] for d in frame.index[~frame["certain"]]}


@WIDTHS
@pytest.mark.parametrize(
    ("n", "name"),
    [(1, LONG), (2, "Driver"), (2, LONG), (20, "Driver"), (20, LONG[:36])],
    ids=lambda value: str(value)[:6],
)
def test_no_text_of_the_ranking_lies_on_another_or_outside(n, name, width) -> None:
    assert badly_placed(drawn(plot_importance, many(n, name), width)) == []


@pytest.mark.parametrize(
    ("n", "name", "width"),
    [(2, "Driver", WIDE), (2, LONG, WIDE), (9, "Driver", WIDE), (9, LONG[:36], WIDE), (20, "Driver", WIDE),
     (20, LONG[:36], WIDE), (2, LONG, NARROW), (20, LONG, NARROW)],
    ids=lambda value: str(value)[:6],
)  # fmt: skip
def test_no_text_of_the_matrix_lies_on_another_or_outside(n, name, width) -> None:
    assert badly_placed(drawn(plot_priority, many(n, name), width)) == []


@WIDTHS
@pytest.mark.parametrize("plot", [plot_importance, plot_priority])
@pytest.mark.parametrize("times", [1, 2])
def test_a_name_without_a_space_fits_too(plot, width, times) -> None:
    result = drivers(
        ratings([1, 0.5, 0.2], levels=[4, 6, 8]), {"r0_rating": "Kundenzufriedenheitsbefragungsergebnisse" * times}
    )
    assert badly_placed(drawn(plot, result, width)) == []


@WIDTHS
@pytest.mark.parametrize("plot", [plot_importance, plot_priority])
def test_drawings_take_the_axes_they_are_given(four, plot, width) -> None:
    given = drawn(plot, four, width)
    given.clear()
    with styled():
        assert plot(four, given, width=width) is given
    assert dots(given)

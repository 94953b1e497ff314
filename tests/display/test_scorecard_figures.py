"""The scorecard's drawings: the result's numbers stand on the Axes, and no text lies on another."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from cxinsights.display.numbers import metric_with_interval
from cxinsights.display.scorecard import figure_segments, figure_trend, plot_segments, plot_trend
from cxinsights.display.theme import LIGHT, NARROW, WIDE, styled
from cxinsights.privacy import Guarded
from tests.display.results import LONG, answered, badly_placed, scorecard, study, together

WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
QUARTERS = tuple(f"{year}Q{quarter}" for year in range(2020, 2027) for quarter in range(1, 5))[:27]


def drawn(plot, result: Guarded, width: int) -> Axes:
    with styled():
        return plot(result, width=width)


def dots(ax: Axes) -> list[tuple[float, float]]:
    return [point for line in ax.lines if line.get_marker() == "o" for point in zip(*line.get_data(), strict=True)]


@cache
def trend(
    periods: tuple[str, ...], *, target: float | None = None, small: str = "", drop: tuple[str, ...] = ()
) -> Guarded:
    """A unit whose NPS climbs by two points a period; `small` has 6 answers only."""
    frame = together(
        [answered((0.3, 0.3 + 0.02 * at), 6 if p == small else 200, period=p) for at, p in enumerate(periods)]
    )
    targets = None if target is None else pd.DataFrame(
        {"region": ["shops"], "unit": ["north"], "metric": ["nps"], "period": ["2026Q3"], "value": [target]}
    )  # fmt: skip
    return scorecard(frame.drop(columns=list(drop)), study(), unit="north", targets=targets)


def by_age(groups: dict[str, tuple[float, float]], n: int = 200, label: str = "Age", few: str = "") -> Guarded:
    values = {f"g{i}": name for i, name in enumerate(groups)}
    of = study(
        columns={"age_group": {"label": label, "type": "category", "values": values}},
        scores={"segments": ["age_group"]},
    )
    sizes = [6 if name == few else n for name in groups]
    frame = [
        answered(share, size, age_group=f"g{i}")
        for i, (share, size) in enumerate(zip(groups.values(), sizes, strict=True))
    ]
    return scorecard(together(frame), of, unit="north")


@WIDTHS
def test_the_line_the_band_and_the_target_are_the_results(width) -> None:
    result = trend(QUARTERS[-6:], target=35.0)
    ax = drawn(plot_trend, result, width)
    rows = result.trend[result.trend["metric"] == "nps"]
    assert ax.lines[0].get_ydata().tolist() == pytest.approx(rows["score"].tolist())
    assert sorted(y for _, y in dots(ax)) == pytest.approx(sorted(rows["score"]))
    corners = {round(float(y), 6) for y in ax.collections[0].get_paths()[0].vertices[:, 1]}
    assert {round(y, 6) for y in [*rows["ci_low"], *rows["ci_high"]]} <= corners
    assert [line.get_ydata()[0] for line in ax.lines if line.is_dashed()] == [35]
    low, high = ax.get_ylim()
    assert low < rows["ci_low"].min()
    assert high > max(rows["ci_high"].max(), 35)


def test_periods_stand_below_their_own_points() -> None:
    ax = drawn(plot_trend, trend(QUARTERS[-3:]), WIDE)
    assert [(tick.get_text(), x) for tick, x in zip(ax.get_xticklabels(), ax.get_xticks(), strict=True)] == [
        ("Q1 26", 0), ("Q2 26", 1), ("Q3 26", 2),
    ]  # fmt: skip


@WIDTHS
def test_the_latest_score_is_written_as_it_is(width) -> None:
    result = trend(QUARTERS[-6:])
    last = result.trend[result.trend["metric"] == "nps"].iloc[-1]
    told = metric_with_interval("nps", last["score"], last["ci_low"], last["ci_high"])
    texts = [text.get_text() for text in drawn(plot_trend, result, width).texts]
    assert texts == (told.split("\u00a0", 1) if width == WIDE else [told])


@WIDTHS
@pytest.mark.parametrize("target", [35.0, -5.0, 10.0])
def test_the_target_is_named_in_both_widths(width, target) -> None:
    """Beside the wide drawing; a narrow one has no room for it: the line above both says it."""
    result, name = trend(QUARTERS[-6:], target=target), f"{target:.0f}".replace("-", "−")
    ax = drawn(plot_trend, result, width)
    assert (f"Target {name}" in [text.get_text() for text in ax.texts]) == (width == WIDE)
    assert badly_placed(ax) == []
    assert figure_trend(result).subtitle.endswith(f"; target {name} dashed")


@WIDTHS
def test_limits_are_drawn_as_they_are_and_signals_have_a_shape(width) -> None:
    shares = [(0.3, 0.4 + 0.02 * (at % 3)) for at in range(10)] + [(0.6, 0.2)]
    frame = together([answered(share, 200, period=p) for share, p in zip(shares, QUARTERS[-11:], strict=True)])
    result = scorecard(frame, study(), unit="north")
    ax = drawn(plot_trend, result, width)
    rows = result.trend[result.trend["metric"] == "nps"]
    dotted = [line.get_ydata()[0] for line in ax.lines if line.is_dashed()]
    assert dotted == pytest.approx(rows[["control_low", "control_high"]].iloc[0].tolist())
    [marked] = [line for line in ax.lines if line.get_marker() == "D"]
    assert list(zip(*marked.get_data(), strict=True)) == [(10, pytest.approx(rows["score"].iloc[-1]))]
    low, high = ax.get_ylim()
    assert low < dotted[0] < dotted[1] < high


def test_a_steady_trend_says_against_what() -> None:
    frame = together([answered((0.3, 0.4), 9000, period=p) for p in QUARTERS[-5:]])
    assert figure_trend(scorecard(frame, study(), unit="north")).title == (
        "NPS held steady at 10, level with a year earlier"
    )


@pytest.mark.parametrize(("shares", "side"), [((0.6, 0.2), -1), ((0.1, 0.8), 1)], ids=["fell", "rose"])
def test_where_narrow_the_latest_score_is_written_on_the_side_it_went_to(shares, side) -> None:
    frame = together([answered((0.3, 0.4), 200, period=one) for one in QUARTERS[-5:-1]], [answered(shares, 200)])
    ax = drawn(plot_trend, scorecard(frame, study(), unit="north"), NARROW)
    [text] = ax.texts
    last = dots(ax)[-1]
    _, y = ax.transData.inverted().transform(text.get_window_extent().get_points().mean(axis=0))
    assert np.sign(y - last[1]) == side
    assert badly_placed(ax) == []


@WIDTHS
def test_shares_are_drawn_in_percent(width) -> None:
    result = trend(QUARTERS[-6:], drop=("nps_answer",))
    ax = drawn(plot_trend, result, width)
    rows = result.trend[result.trend["metric"] == "csat"]
    assert ax.lines[0].get_ydata().tolist() == pytest.approx((100 * rows["score"]).tolist())
    assert [tick.get_text() for tick in ax.get_yticklabels()][-1].endswith("%")


def test_two_waves_are_two_estimates_and_no_line() -> None:
    ax = drawn(plot_trend, trend(("2025Q3", "2026Q3")), WIDE)
    assert all(line.get_linestyle() == "None" for line in ax.lines)
    assert len(dots(ax)) == 2
    assert "then" in figure_trend(trend(("2025Q3", "2026Q3"))).title


def test_one_wave_has_no_course() -> None:
    assert figure_trend(trend(("2026Q3",))).as_html() == ""


def test_a_hidden_period_is_told_and_its_score_is_nowhere() -> None:
    result = trend(QUARTERS[-6:], small="2026Q1")
    assert len(dots(drawn(plot_trend, result, WIDE))) == 5
    assert "not shown" in figure_trend(result).caption.lower()


@WIDTHS
@pytest.mark.parametrize(("n", "target"), [(2, None), (2, 80.0), (6, 11.0), (12, None), (12, 80.0), (27, None)])
def test_no_text_of_the_trend_lies_on_another_or_outside(n, target, width) -> None:
    periods = ("2025Q3", "2026Q3") if n == 2 else QUARTERS[-n:]
    assert badly_placed(drawn(plot_trend, trend(periods, target=target), width)) == []


@WIDTHS
def test_groups_are_drawn_at_their_scores_with_intervals(width) -> None:
    result = by_age({"Old": (0.5, 0.2), "Middle": (0.3, 0.35), "Young": (0.2, 0.6)})
    rows = result.segments[result.segments["metric"] == "nps"]
    ax = drawn(plot_segments, result, width)
    assert [x for x, _ in dots(ax)] == pytest.approx(rows["score"].tolist())
    lines = [line.get_xdata() for line in ax.lines if line.get_lw() == 2.6]
    assert np.array(lines) == pytest.approx(rows[["ci_low", "ci_high"]].to_numpy(dtype=float))
    whole = [line.get_xdata()[0] for line in ax.lines if line.is_dashed()]
    assert whole == pytest.approx([result.scores.set_index("metric").loc["nps", "score"]])
    texts = [text.get_text() for text in ax.texts]
    assert [text for text in texts if text in ("Age", "Old", "Middle", "Young")] == ["Age", "Old", "Middle", "Young"]
    for one in rows.itertuples():
        assert metric_with_interval("nps", one.score, one.ci_low, one.ci_high) in texts


@WIDTHS
def test_groups_that_cannot_be_told_from_the_others_are_hollow(width) -> None:
    result = by_age({"Old": (0.5, 0.2), "Middle": (0.28, 0.42), "Young": (0.2, 0.6), "Youngest": (0.3, 0.45)})
    rows = result.segments[result.segments["metric"] == "nps"]
    filled = [
        to_hex(line.get_markerfacecolor()).upper() != LIGHT["surface"]
        for line in drawn(plot_segments, result, width).lines if line.get_marker() == "o"
    ]  # fmt: skip
    assert filled == (rows["p_adjusted"] < 0.05).tolist()
    assert set(filled) == {True, False}


def test_the_title_says_which_group_and_which_way() -> None:
    clear = by_age({"Old": (0.6, 0.1), **{f"Group {i}": (0.3, 0.4) for i in range(5)}}, n=100)
    assert figure_segments(clear).title == "Age: Old scores below the others on NPS"
    none = by_age({"Old": (0.3, 0.4), "Young": (0.3, 0.4)})
    assert figure_segments(none).title == "No group of customers clearly differs on NPS"


def test_a_group_with_few_answers_is_not_drawn_and_the_caption_says_the_rule() -> None:
    result = by_age({"Old": (0.5, 0.2), "Middle": (0.3, 0.4), "Young": (0.2, 0.6), "Child": (0.3, 0.4)}, few="Child")
    texts = [text.get_text() for text in drawn(plot_segments, result, WIDE).texts]
    assert "Child" not in texts
    figure = figure_segments(result)
    assert figure.caption.endswith("Groups with fewer than 10 answers are not shown.")
    assert "one groups" not in figure.alt


def test_one_group_is_one_group() -> None:
    result = by_age({"Old": (0.5, 0.2), "Young": (0.2, 0.6), "Child": (0.3, 0.4)}, few="Child")
    assert "one groups" not in figure_segments(result).alt


@WIDTHS
@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("Age", ["Old", "Young"]),
        ("Age", [LONG, "Young"]),
        (LONG, ["Old", "Young"]),
        ("Age", ["Kundenzufriedenheitsbefragungsergebnisse", "Young"]),
        ("Age", [f"Group of customers number {i}" for i in range(30)]),
    ],
    ids=["short", "long group", "long breakdown", "no space", "thirty"],
)
def test_no_text_of_the_groups_lies_on_another_or_outside(label, names, width) -> None:
    result = by_age({name: (0.3 + 0.005 * i, 0.4) for i, name in enumerate(names)}, label=label)
    assert badly_placed(drawn(plot_segments, result, width)) == []


@WIDTHS
@pytest.mark.parametrize("plot", [plot_trend, plot_segments])
def test_drawings_take_the_axes_they_are_given(plot, width) -> None:
    result = trend(QUARTERS[-6:]) if plot is plot_trend else by_age({"Old": (0.5, 0.2), "Young": (0.2, 0.6)})
    given = drawn(plot, result, width)
    given.clear()
    with styled():
        assert plot(result, given, width=width) is given
    assert dots(given)

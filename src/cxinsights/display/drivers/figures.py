"""The driver report's two figures: ranked importance, and importance against performance."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.drivers.names import (
    base_of,
    borrowed_note,
    explained,
    is_fitted,
    leaders_of,
    outcome_name,
    placed,
    scale_of,
    surely_weak,
)
from cxinsights.display.labels import NAME_WIDTH, Box, Label, lines_of, place_labels, text_width, wrapped
from cxinsights.display.numbers import share_text
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import label

__all__ = ["QUARTERS", "figure_importance", "figure_priority", "plot_importance", "plot_priority"]

QUARTERS = {
    "work_on_first": "Work on first",
    "keep_strong": "Keep strong",
    "watch": "Watch",
    "hold": "Hold as it is",
}


def figure_importance(result: Guarded) -> Block:
    """Ranked drivers with intervals and the groups that cannot be told apart."""
    if not is_fitted(result):
        return Nothing()
    frame = result.importance
    leaders = [in_sentence(label(name, result.study)) for name in leaders_of(result)]
    if len(frame) == 1:
        title = "One driver holds all that is explained"
    elif not leaders:
        title = "No driver rises above chance" if frame["under_floor"].all() else "No driver stands out"
    elif len(leaders) == 1:
        title = f"{as_subject(leaders[0])} stands out from the rest"
    elif len(leaders) <= 3:
        title = f"{as_subject(joined(leaders))} lead; their order is not settled"
    else:
        title = f"The first {spelled(len(leaders))} cannot be told apart"
    top, last = frame.iloc[0], frame.iloc[-1]
    alt = (
        f"Dot and interval chart of {spelled(len(frame))} driver{'s' if len(frame) > 1 else ''}. "
        f"{label(top.driver, result.study)} {share_text(top.share, top.share_low, top.share_high)} leads"
        f"{f' and shares its group with {spelled(len(leaders) - 1)} more' if len(leaders) > 1 else ''}."
    )
    if len(frame) > 1:
        share = share_text(last.share, last.share_low, last.share_high)
        alt += f" {label(last.driver, result.study)} is last with {share}."
    hollow = " A hollow dot lies under the noise floor: chance alone would score as high."
    under = hollow if frame["under_floor"].any() else ""
    return Figure(
        key="importance",
        title=title,
        subtitle=f"Share of the explained difference in {outcome_name(result)}, %, with 95% intervals"
        f"{borrowed_note(result)}",
        draw=lambda width: plot_importance(result, width=width),
        name="Ranked drivers",
        alt=alt,
        how="The dot is the estimate, the line its 95% interval. Drivers beside the same upright line cannot be "
        f"told apart.{under}",
        caption=f"{base_of(result)} Shares add to 100%; {explained(result)}.",
        half=True,
    )


def figure_priority(result: Guarded) -> Block:
    """Importance against performance, whiskers both ways."""
    if "share" not in result.priority or len(placed(result)) < 2:
        return Nothing()
    frame = placed(result)
    names = [in_sentence(label(name, result.study)) for name in surely_weak(result)]
    if not names:
        title = "No driver is surely both important and weak"
    elif len(names) == 1:
        title = f"One driver is both important and weak: {names[0]}"
    else:
        title = f"{as_subject(spelled(len(names)))} drivers are both important and weak: {joined(names, 3)}"
    unsure = int((~frame["certain"].astype(bool)).sum())
    alt = (
        f"Scatter of {spelled(len(frame))} drivers, importance by score, with intervals both ways. "
        f"{as_subject(joined(names, 3)) if names else 'None'} {'is' if len(names) <= 1 else 'are'} surely high in "
        f"importance and low in score. {as_subject(spelled(unsure))} lie{'s' if unsure == 1 else ''} too close to a "
        "dividing line to place."
    )
    ranks = {driver: str(at) for at, driver in enumerate(frame["driver"], start=1)}
    by_quarter = [
        (
            name,
            [(ranks[d], label(d, result.study)) for d in frame[(frame["quarter"] == key) & frame["certain"]]["driver"]],
        )
        for key, name in QUARTERS.items()
    ]
    by_quarter.append(
        (
            "Cannot place yet",
            [(ranks[d], label(d, result.study)) for d in frame[~frame["certain"].astype(bool)]["driver"]],
        )
    )
    scale = scale_of(frame["driver"].iloc[0], result.study)
    whose = "the company’s importance, this unit’s own scores" if result.from_company else ""
    return Figure(
        key="priority",
        title=title,
        subtitle=f"Importance (share of explained difference, %) by score today (mean of {scale})"
        + (f": {whose}" if whose else borrowed_note(result)),
        draw=lambda width: plot_priority(result, width=width),
        name="Importance and score of each driver",
        alt=alt,
        how="Dashed lines are the averages of the drivers shown. A hollow dot has an interval that crosses a dashed "
        "line, so its quarter is not certain.",
        caption=f"{base_of(result)} Whiskers are 95% intervals; scores are of all who gave one.",
        lists=[(name, entries) for name, entries in by_quarter if entries],
        lists_on_phone=_names_fit(result),
        half=True,
    )


def plot_importance(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Bars, dots and intervals of each driver's share, with the letters' groups at the right."""
    frame = result.importance
    names = [label(name, result.study) for name in frame["driver"]]
    values = [share_text(one.share, one.share_low, one.share_high) for one in frame.itertuples()]
    wide = width == WIDE
    n, letters = len(frame), sorted(set("".join(frame["letters"])))
    step = 20 if wide else 14
    right = max(142 + step * len(letters), 230) if wide else 12 + step * len(letters)
    room = NAME_WIDTH if wide else width - right - 18 - max(text_width(value, 13.5) for value in values)
    names = [wrapped(name, room, 14 if wide else 14.5, 400 if wide else 600) for name in names]
    left = max(text_width(name, 14) for name in names) + 14 if wide else 6
    row = (17 if wide else 30) + 17 * max(lines_of(name) for name in names)
    top, bottom = (46, 30) if wide else (24, 30)
    if ax is None:
        ax = new_axes(width, n * row + top + bottom, left=left, right=right, top=top, bottom=bottom)
    ax.set_ylim(n - 0.5, -0.5)
    limit = charts.nice_limit(100 * frame["share_high"].max())
    ax.set_xlim(0, limit)
    pixel = limit / ((width - left - right) or 1)  # one pixel in data units
    shift = 0 if wide else 0.5 - 14 / row  # on a phone the name stands above its bar
    for at, one in enumerate(frame.itertuples()):
        y = at + shift
        ax.barh(y, 100 * one.share, height=(14 if wide else 11) / row, color=LIGHT["accent-soft"], zorder=2)
        charts.draw_interval(ax, 100 * one.share_low, 100 * one.share_high, y)
        charts.draw_dot(ax, 100 * one.share, y, hollow=one.under_floor)
        if wide:
            ax.text(limit + 18 * pixel, at, values[at], va="center", clip_on=False)
        else:
            above = y - 11 / row
            ax.text(0, above, names[at], va="bottom", fontsize=14.5, fontweight=600, linespacing=1.1)
            ax.text(limit, above, values[at], va="bottom", ha="right", fontsize=13.5, color=LIGHT["quiet"])
    if wide:
        ax.text(limit + 18 * pixel, -1.02, "Share (interval)", va="center", fontsize=13, color=LIGHT["quiet"])
        if letters:
            ax.text(limit + right * pixel, -1.02, "Not told apart", va="center", ha="right", fontsize=13,
                    color=LIGHT["quiet"])  # fmt: skip
    for at, letter in enumerate(letters):
        x = limit + (right - step * (len(letters) - at - 0.5)) * pixel
        _draw_group(ax, x, letter, frame["letters"], first_row=-0.52)
    ax.set_yticks(range(n), names if wide else [""] * n)
    charts.percent_ticks(ax, limit, to_the_edge=not wide)
    ax.axvline(0, color=LIGHT["edge"], lw=1, zorder=1)
    return ax


def plot_priority(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Scatter of importance against performance with whiskers and dividing lines."""
    frame = placed(result)
    wide = width == WIDE
    named = wide and _names_fit(result)
    if ax is None:
        ax = new_axes(width, 440 if wide else 390, left=44 if wide else 40, right=14, top=14, bottom=48)
    line, level = 100 * frame["share"].mean(), frame["performance"].mean()
    x_low, x_high = charts.padded(frame["perf_low"].min(), frame["perf_high"].max(), 0.09)
    y_high = 100 * frame["share_high"].max() * 1.14
    ax.set_xlim(x_low, x_high)
    ax.set_ylim(-0.1 * y_high, y_high)  # room for the lower quarters' names
    ax.grid(False)
    ax.spines["left"].set_visible(True)
    ax.spines["bottom"].set_visible(True)
    ax.axhspan(line, y_high, xmin=0, xmax=(level - x_low) / (x_high - x_low), color=LIGHT["accent-tint"], zorder=0)
    for draw, at in ((ax.axvline, level), (ax.axhline, line)):
        draw(at, color=LIGHT["edge"], lw=1, ls=(0, (4, 3)), zorder=1)
    taken = _quarter_words(ax)
    labels = []
    for at, one in enumerate(frame.itertuples(), start=1):
        colour = LIGHT["accent"] if one.certain else LIGHT["unsure"]
        y, y_lo, y_hi = (100 * v for v in (one.share, one.share_low, one.share_high))
        ax.plot([one.perf_low, one.perf_high], [y, y], color=colour, lw=1.6, zorder=3)
        ax.plot([one.performance] * 2, [y_lo, y_hi], color=colour, lw=1.6, zorder=3)
        charts.draw_dot(ax, one.performance, y, hollow=not one.certain, colour=colour, size=10 if wide else 9)
        taken += _whiskers(ax, one.performance, (one.perf_low, one.perf_high), y, (y_lo, y_hi))
        bold = not named or (one.quarter == "work_on_first" and one.certain)
        text, size = (_beside(one.driver, result), 14) if named else (str(at), 14.5)
        labels.append(Label(text, one.performance, y, size, 600 if bold else 400))
    corner = ax.transAxes.inverted().transform(ax.transData.transform((level, line)))
    box = ax.get_window_extent()
    x_line, y_line = corner[0] * box.width, corner[1] * box.height
    taken += [Box(0, y_line - 2, box.width, y_line + 2), Box(x_line - 2, 0, x_line + 2, box.height)]
    place_labels(ax, labels, taken, tinted=Box(0, y_line, x_line, box.height))
    charts.plain_ticks(ax.xaxis, x_low, x_high)
    ticks = charts.ticks_to(y_high)
    ax.set_yticks(ticks, [f"{t:g}" if t < ticks[-1] else f"{t:g}%" for t in ticks], color=LIGHT["quiet"], fontsize=13.5)
    ax.set_xlabel(f"Score today, mean of {scale_of(frame['driver'].iloc[0], result.study)}", loc="right")
    return ax


def _beside(driver: str, result: Guarded) -> str:
    return wrapped(label(driver, result.study), 170, 14)


def _names_fit(result: Guarded) -> bool:
    """Whether the drivers' names leave room between them in the wide scatter; else it has numbers and a list."""
    texts = [_beside(driver, result) for driver in placed(result)["driver"]]
    covered = sum(text_width(text, 14) * 16 * lines_of(text) for text in texts)
    return covered < 0.12 * WIDE * 440


def _draw_group(ax: Axes, x: float, letter: str, letters: pd.Series, first_row: float) -> None:
    """An upright line beside the drivers that share a letter, broken where one does not."""
    rows = [at for at, own in enumerate(letters) if letter in own]
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    for run in runs:
        ax.plot([x, x], [run[0] - 0.3, run[-1] + 0.3], color=LIGHT["edge"], lw=3, clip_on=False)
    ax.text(x, rows[0] + first_row, letter, ha="center", va="center", fontsize=13.5, fontweight=600)


def _quarter_words(ax: Axes) -> list[Box]:
    """The four quarters' names in the corners, and the boxes they take."""
    frame = ax.get_window_extent()
    boxes = []
    for x, y, ha, va, key in (
        (0.012, 0.985, "left", "top", "work_on_first"),
        (0.988, 0.985, "right", "top", "keep_strong"),
        (0.012, 0.015, "left", "bottom", "watch"),
        (0.988, 0.015, "right", "bottom", "hold"),
    ):
        first = key == "work_on_first"
        ax.text(
            x, y, QUARTERS[key], ha=ha, va=va, fontsize=14, transform=ax.transAxes,
            fontweight=600 if y > 0.5 else 400, color=LIGHT["accent" if first else "quiet"],
            gid="nohalo" if first else None,
        )  # fmt: skip
        width = text_width(QUARTERS[key], 14, 600)
        left = x * frame.width - (width if ha == "right" else 0)
        low = y * frame.height - (16 if va == "top" else 0)
        boxes.append(Box(left, low, left + width, low + 16))
    return boxes


def _whiskers(ax: Axes, x: float, x_span: tuple[float, float], y: float, y_span: tuple[float, float]) -> list[Box]:
    """Boxes that a dot and its whiskers take, in pixels of the axes."""
    frame = ax.get_window_extent()
    (cx, cy), (left, _), (right, _), (_, low), (_, high) = (
        ax.transData.transform(point) - (frame.x0, frame.y0)
        for point in ((x, y), (x_span[0], y), (x_span[1], y), (x, y_span[0]), (x, y_span[1]))
    )
    return [
        Box(cx - 7, cy - 7, cx + 7, cy + 7),
        Box(left, cy - 2, right, cy + 2),
        Box(cx - 2, low, cx + 2, high),
    ]

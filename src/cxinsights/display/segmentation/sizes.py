"""The segments' sizes: share of customers beside share of value."""

import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.labels import NAME_WIDTH, lines_of, text_width, wrapped
from cxinsights.display.numbers import percent, share_text
from cxinsights.display.segmentation.names import Segmented
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.privacy import Guarded

__all__ = ["figure_sizes", "plot_sizes"]

_MEASURES = {"value": ("value_share", "value_low", "value_high"), "customers": ("share", "share_low", "share_high")}
_COLOURS = {"value": ("accent-soft", "accent"), "customers": ("sunken", "unsure")}


def figure_sizes(result: Guarded) -> Block:
    """Paired bars of each segment's share of value and of customers, the one worth most first."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(segmented.shown):
        return Nothing()
    frame, worth = segmented.by_value, segmented.has_value
    top, last = frame.iloc[0], frame.iloc[-1]
    key = "value" if worth else "customers"
    said = [f"{one['segment']} holds {share_text(*one[list(_MEASURES[key])])} of {key}" for one in (top, last)]
    less = len(segmented.shown) < segmented.n_segments
    missing = int(top["n_total"]) - int(segmented.result.segments["n_value"].map(_known).sum()) if worth else 0
    return Figure(
        key="sizes",
        title=_title(segmented),
        subtitle="Share of customers and of value, %, with 95% intervals"
        if worth
        else "Share of customers, %, with 95% intervals",
        draw=lambda width: plot_sizes(result, width=width),
        name="Size and worth of each segment",
        alt=f"{'Paired bars' if worth else 'Bars'} of {segmented.counted(len(frame))}. {said[0]}"
        + (f", {percent(top['share'])} of customers" if worth else "")
        + (f"; {said[1]}." if len(frame) > 1 else "."),
        how="The dot is the estimate, the line its 95% interval."
        + (" A segment worth more than its size has the upper dot further right." if worth else ""),
        caption=f"{segmented.base}"
        + (f" {missing:,} customers have no known value." if missing > 0 else "")
        + (" Segments with too few customers here are not shown." if less else ""),
    )


def plot_sizes(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """A pair of bars with dots and intervals for each segment; one bar where worth is not known."""
    segmented = Segmented(result)
    frame, wide = segmented.by_value, width == WIDE
    measures = ["value", "customers"] if segmented.has_value else ["customers"]
    texts = [[f"{share_text(*one[list(_MEASURES[m])])} of {m}" for m in measures] for _, one in frame.iterrows()]
    right = max(text_width(text, 14) for row in texts for text in row) + 22 if wide else 12
    room = NAME_WIDTH if wide else width - 20
    names = [f"{one['segment']} · {segmented.name(one['segment'])}" for _, one in frame.iterrows()]
    names = [wrapped(name, room, 14 if wide else 14.5, 400 if wide else 600) for name in names]
    left = max(text_width(name, 14) for name in names) + 14 if wide else 6
    line, bar = (24, 13) if wide else (38, 11)
    rows = [max(line * len(measures), 17 * lines_of(n)) + 14 if wide else line * len(measures) + _above(n) + 12
            for n in names]  # fmt: skip
    top, bottom = 6, 30
    if ax is None:
        ax = new_axes(width, sum(rows) + top + bottom, left=left, right=right, top=top, bottom=bottom)
    limit = charts.nice_limit(100 * max(frame[_MEASURES[m][2]].max() for m in measures))
    ax.set_xlim(0, limit)
    ax.set_ylim(sum(rows), 0)
    pixel = limit / ((width - left - right) or 1)
    begin, ticks = 0.0, []
    for (_, one), name, told, row in zip(frame.iterrows(), names, texts, rows, strict=True):
        ticks.append(begin + row / 2)
        first = begin + (row - line * len(measures)) / 2 if wide else begin + _above(name)
        if not wide:
            ax.text(0, begin + 2, name, va="top", fontsize=14.5, fontweight=600, linespacing=1.1)
        for at, (measure, text) in enumerate(zip(measures, told, strict=True)):
            y = first + (at + 0.5) * line if wide else first + (at + 1) * line - 6
            _draw(ax, one, measure, y, bar)
            if wide:
                ax.text(limit + 18 * pixel, y + 5, text, va="baseline", clip_on=False)
            else:
                ax.text(0, y - 9, text, va="bottom", fontsize=13.5, color=LIGHT["quiet"])
        begin += row
    ax.set_yticks(ticks, names if wide else [""] * len(ticks))
    charts.percent_ticks(ax, limit, to_the_edge=not wide)
    ax.axvline(0, color=LIGHT["edge"], lw=1, zorder=1)
    return ax


def _above(name: str) -> int:
    """Room that a name takes above its bars on a phone."""
    return 20 * lines_of(name) + 6


def _draw(ax: Axes, one: pd.Series, measure: str, y: float, height: float) -> None:
    value, low, high = (100 * one[name] for name in _MEASURES[measure])
    ground, colour = (LIGHT[role] for role in _COLOURS[measure])
    ax.barh(y, value, height=height, color=ground, zorder=2)
    charts.draw_interval(ax, low, high, y, colour)
    charts.draw_dot(ax, value, y, colour=colour)


def _title(segmented: Segmented) -> str:
    frame = segmented.by_value
    top = frame.iloc[0]
    if not segmented.has_value:
        return f"{top['segment']} is the largest segment: {percent(top['share'])} of customers"
    if top["value_low"] > top["share_high"]:
        return f"{top['segment']}, {percent(top['share'])} of customers, holds {percent(top['value_share'])} of value"
    apart = (frame["value_low"] > frame["share_high"]) | (frame["value_high"] < frame["share_low"])
    return "Some segments are worth more than their size" if apart.any() else "Segments are worth about their size"


def _known(n: object) -> int:
    return int(n) if isinstance(n, int | float) and n == n else 0

"""The linkage's third figure: where each site stands against the means of both scores."""

import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.labels import lines_of, wrapped
from cxinsights.display.linkage.linked import Linked
from cxinsights.display.linkage.scatter import (
    CROWD,
    draw_dots,
    draw_intervals,
    entries,
    finish,
    set_limits,
    site_axes,
)
from cxinsights.display.theme import LIGHT, WIDE
from cxinsights.display.words import as_subject, in_sentence, joined, possessive, spelled
from cxinsights.privacy import Guarded

__all__ = ["figure_quadrants", "plot_quadrants"]

_CORNERS = {
    "customers_high": ("left", "top"), "both_high": ("right", "top"),
    "both_low": ("left", "bottom"), "employees_high": ("right", "bottom"),
}  # fmt: skip
_LINE = 22  # pixels of a line of words
_MOST_LISTED = 12


def figure_quadrants(result: Guarded) -> Block:
    """Each site above or below the mean of sites on both sides, with the quarters it surely falls into."""
    linked = Linked(result)
    if not linked.is_ok or not len(linked.sites):
        return Nothing()
    own, sure = _own_and_sure(linked)
    lists = []
    for key in _CORNERS:
        rows = sure[sure["quadrant"] == key]
        if len(rows):
            listed = entries(linked, rows.head(_MOST_LISTED), numbered=False)
            more = len(rows) - len(listed)
            lists.append((linked.quadrant(key), [*listed, *([("", f"and {more} more")] if more else [])]))
    unsure = len(own) - len(sure)
    hollow = (
        "A hollow dot has an interval that holds a mean: its quarter is not certain."
        if linked.has_intervals
        else "Dots are hollow: without intervals no quarter is certain."
    )
    among = f" among {len(linked.sites):,}" if linked.of_unit else ""
    drawn = " Intervals of 95% are drawn where the quarter is certain." if len(sure) else ""
    return Figure(
        key="quadrants",
        title=_title(linked, own, sure),
        subtitle=f"{as_subject(linked.axes_words)}, against the means of all {linked.sites_word}",
        draw=lambda width: plot_quadrants(result, width=width),
        name=f"Standing of each {linked.site_word}",
        alt=f"Scatter of {linked.n_sites(len(own))}{among} in four quarters.{_counted(linked, sure)} "
        f"{as_subject(spelled(unsure))} cannot be placed for sure.",
        how=f"Dashed lines are the means of all {linked.sites_word}. {hollow}",
        caption=f"{linked.base}{linked.not_drawn}{drawn}",
        lists=lists,
    )


def plot_quadrants(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Dots of all sites with the two means; filled with intervals where the quarter is certain."""
    linked = Linked(result)
    sites, times = linked.sites, linked.unit_of(linked.pair[1])
    own, sure = _own_and_sure(linked)
    ax = site_axes(ax, width)
    set_limits(ax, linked, sure, times * sites[["customer_score"]].to_numpy(), both=True)
    lines = sites["employee_line"].iloc[0], times * sites["customer_line"].iloc[0]
    _write_quarters(ax, linked, own, sure, lines)
    for draw, at in ((ax.axvline, lines[0]), (ax.axhline, lines[1])):
        draw(at, color=LIGHT["edge"], lw=1, ls=(0, (4, 3)), zorder=1)
    draw_intervals(ax, sure, times, LIGHT["accent-soft"], both=True, lw=1.4)
    size = 4.5 if len(sites) > CROWD else 7
    draw_dots(ax, sites.drop(index=own.index), times, LIGHT["rule"], 3, z=2)
    draw_dots(ax, own.drop(index=sure.index), times, LIGHT["unsure"], size, hollow=True)
    draw_dots(ax, sure, times, LIGHT["accent"], 1.6 * size, z=5)
    return finish(ax, linked, width)


def _own_and_sure(linked: Linked) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sites the report is about, and those of them that surely fall into their quarter."""
    own = linked.sites[linked.sites["own"].astype(bool)]
    return own, own[own["certain"].astype(bool)]


def _write_quarters(
    ax: Axes, linked: Linked, own: pd.DataFrame, sure: pd.DataFrame, lines: tuple[float, float]
) -> None:
    """The quarters' names and how many sites lie there, in the corners, in rows of their own beyond all dots."""
    frame = ax.get_window_extent()
    (x_low, x_high), (low, high) = ax.get_xlim(), ax.get_ylim()
    middle = frame.width * (lines[0] - x_low) / (x_high - x_low)
    counts = sure["quadrant"].value_counts()
    words = {}
    for key, (side, _) in _CORNERS.items():
        room = (middle if side == "left" else frame.width - middle) - 14
        there = int((own["quadrant"] == key).sum())
        text = linked.quadrant(key)
        if linked.has_intervals:
            text += f": surely {counts.get(key, 0)} of {there}"
        words[key] = wrapped(text, max(room, 76), 14)
    rows = {at: max(lines_of(words[key]) for key in _CORNERS if _CORNERS[key][1] == at) for at in ("top", "bottom")}
    pixel = (high - low) / (frame.height - _LINE * sum(rows.values()) - 12)
    ax.set_ylim(low - (_LINE * rows["bottom"] + 6) * pixel, high + (_LINE * rows["top"] + 6) * pixel)
    for key, (side, level) in _CORNERS.items():
        ax.text(0.012 if side == "left" else 0.988, 0.985 if level == "top" else 0.015, words[key], ha=side, va=level,
                fontsize=14, linespacing=1.1, transform=ax.transAxes, color=LIGHT["quiet"], zorder=7)  # fmt: skip


def _title(linked: Linked, own: pd.DataFrame, sure: pd.DataFrame) -> str:
    if not linked.has_intervals:
        return f"Where single {linked.sites_word} stand cannot be told from means alone"
    whose = f"{possessive(linked.subject.name)} {spelled(len(own))}" if linked.of_unit else f"{len(own):,}"
    n = as_subject(spelled(len(sure))) if len(sure) else "None"
    return f"{n} of {whose} {linked.sites_word} can surely be placed"


def _counted(linked: Linked, sure: pd.DataFrame) -> str:
    """How many sites surely fall into which quarter, as a sentence after others."""
    counts = sure["quadrant"].value_counts()
    parts = [f"{in_sentence(linked.quadrant(key))} {counts[key]}" for key in _CORNERS if key in counts]
    return f" {as_subject(joined(parts))}." if parts else ""

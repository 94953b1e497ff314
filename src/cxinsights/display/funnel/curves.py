"""How fast customers convert: the share that has converted by each day since the first step."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.funnel.names import (
    base_of,
    days_of,
    group_name,
    half_of,
    half_time,
    is_clear,
    is_fitted,
    rounded_alike,
    shown,
    step_in_sentence,
)
from cxinsights.display.labels import lines_of, text_width, wrapped
from cxinsights.display.numbers import DASH, SPACE, count, in_hundred, number, percent, share_text
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import fitting, in_sentence, spelled
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import label

__all__ = ["figure_curve", "plot_curve"]

_ROW = 38  # pixels of a group's row below the axis
_MOST = 4  # lines in one chart; the table has every group
_DASHES = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)))
_COLOURS = tuple(LIGHT[f"category-{at}"] for at in range(1, _MOST + 1))


def figure_curve(result: Guarded) -> Block:
    """Share converted by day: of all, and by group where a breakdown's curves clearly differ."""
    if not is_fitted(result) or _lines(result)["converted"].max() == 0:
        return Nothing()
    segment = _segment(result)
    rows = _lines(result)
    ends = [(name, line.iloc[-1]) for name, line in _by_group(result, rows)]
    last = step_in_sentence(result, result.params.steps[-1])
    what = "Cumulative incidence" if result.competing else "Kaplan–Meier curve"
    told = ", ".join(f"{name} {percent(end.converted)}" for name, end in ends)
    whom = f"by {in_sentence(label(segment, result.study))} at entry" if segment else "of all entrants"
    end = ends[0][1]
    shares = f"{_share(end)} have reached {last} by day {days_of(end.day)}"
    if segment:
        shares = f"Converted by the last day shown: {told}"
    one = result.summary.iloc[0]
    apart = " So its end can differ from conversion, which leaves them out." if _differs(result) else ""
    drawn = result.curve[result.curve["segment"] == segment]
    if len(drawn) > len(rows):
        apart += f" A line ends where too few are still observed: fewer than {result.study.privacy.customer_min}."
    left = rows["group"].nunique() - _MOST
    more = f" The {spelled(_MOST)} largest groups are drawn." if left > 0 else ""
    return Figure(
        key="curve",
        title=_title(result),
        subtitle=f"Entrants who have reached {last} by each day since their first step, %, {whom}, with 95% "
        f"band{'s' if segment else ''}",
        draw=lambda width: plot_curve(result, width=width),
        name="How fast customers convert",
        alt=f"{what}{'s' if segment else ''} {whom}. {shares}.",
        how="The line rises as customers convert; the axis starts at zero. Below it stand those still observed, who "
        "have neither converted nor gone out of sight.",
        caption=f"{count(one.n_entrants, 'entrant')}, {base_of(result).partition(', ')[2]} {what}; "
        f"{count(one.n_open, 'open entrant')} counted for as long as they were seen.{apart}{more}",
        half=True,
    )


def plot_curve(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Steps with band, each named at its end, and how many are still observed below the axis."""
    wide = width == WIDE
    lines = _by_group(result, _lines(result))
    alone = len(lines) == 1
    ends = [_end_text(name if not alone else "", line.iloc[-1], wide) for name, line in lines]
    right = (16 if alone else 36) + max(text_width(text, 14, 600) for text in ends)
    beside = wide and not alone  # names of rows stand left of the numbers
    left = max([40, *(text_width(name, 13.5) + 26 for name, _ in lines)]) if beside else 40
    below = 72 + (18 if alone or wide else _ROW) * len(lines)
    if ax is None:
        ax = new_axes(width, (250 if wide else 220) + below, left=left, right=right, top=14, bottom=below)
    longest = max(line["day"].max() for _, line in lines)
    highest = 100 * max(line[["converted", "ci_high"]].max().max() for _, line in lines)
    limit = min(charts.nice_limit(highest), 100)
    ax.set_xlim(0, longest)
    ax.set_ylim(0, limit)
    ax.grid(False)
    ax.grid(True, axis="y")
    for at, (_, line) in enumerate(lines):
        colour = LIGHT["accent"] if alone else _COLOURS[at]
        known = line["ci_low"].notna()
        low, high = (100 * line.loc[known, name] for name in ("ci_low", "ci_high"))
        ax.fill_between(line.loc[known, "day"], low, high, step="post", color=colour, alpha=0.16, lw=0, zorder=1)
        ax.plot(line["day"], 100 * line["converted"], drawstyle="steps-post", color=colour, lw=2.2,
                ls=_DASHES[0 if alone else at], zorder=3)  # fmt: skip
    _name_ends(ax, lines, ends, limit)
    ticks = _day_ticks(longest, wide)
    ax.set_xticks(ticks, [days_of(tick) for tick in ticks])
    heights = charts.ticks_to(limit)
    ax.set_yticks(heights, [f"{t:g}" if t < heights[-1] else f"{t:g}%" for t in heights], color=LIGHT["quiet"],
                  fontsize=13.5)  # fmt: skip
    ax.axhline(0, color=LIGHT["edge"], lw=1, zorder=2, clip_on=False)
    ax.annotate("Days since the first step", (1, 0), (0, -36), xycoords="axes fraction", textcoords="offset points",
                ha="right", va="center", fontsize=13.5, color=LIGHT["quiet"])  # fmt: skip
    _write_observed(ax, lines, ticks, left, wide)
    return ax


def _segment(result: Guarded) -> str:
    """The breakdown whose groups' curves differ most clearly; blank where none does."""
    tests = shown(result.log_rank, "p_value")
    tests = tests[is_clear(tests)] if len(tests) else tests
    return tests.loc[tests["p_adjusted"].idxmin(), "segment"] if len(tests) else ""


def _differs(result: Guarded) -> bool:
    """Whether open entrants make the curve's end another number than conversion on the page."""
    one, end = result.summary.iloc[0], shown(result.curve, "converted").query("segment == ''").iloc[-1]
    return one.n_open > 0 and not result.from_curve and not rounded_alike(one.conversion, end.converted)


def _lines(result: Guarded) -> pd.DataFrame:
    rows = shown(result.curve, "converted")
    return rows[rows["segment"] == _segment(result)]


def _by_group(result: Guarded, rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The largest groups by name, the highest end first."""
    sizes = rows.groupby("group", sort=False)["n"].first().sort_values(ascending=False, kind="stable")
    kept = [(group, rows[rows["group"] == group]) for group in sizes.index[:_MOST]]
    segment = rows["segment"].iloc[0]
    named = [(group_name(result, segment, group) if segment else "All", line) for group, line in kept]
    return sorted(named, key=lambda one: -one[1]["converted"].iloc[-1])


def _title(result: Guarded) -> str:
    segment = _segment(result)
    if segment:
        name = in_sentence(label(segment, result.study))
        ends = [(group, line.iloc[-1]) for group, line in _by_group(result, _lines(result))]
        (most, high), (fewest, low) = ends[0], ends[-1]
        shares = f"{most} {percent(high['converted'])}, {fewest} {percent(low['converted'])}"
        one_day = len({end["day"] for _, end in ends}) == 1  # a line stops where too few are still observed
        apart = one_day and high["ci_low"] > low["ci_high"]  # else they may differ on their way alone
        return fitting(
            *([f"Conversion differs by {name} at entry: {shares}"] if apart else []),
            f"How fast customers convert differs by {name} at entry",
        )
    took = half_time(result).partition(f"{SPACE}(")[0]
    if took and half_of(result) == "all":
        return f"Half of all entrants convert within {took}"
    if took and not result.from_curve:
        return f"Half of those who convert do so within {took}"
    end = _lines(result).iloc[-1]
    return f"{in_hundred(end.converted)} have converted by day {days_of(end.day)}"


def _share(row: pd.Series) -> str:
    if pd.isna(row["ci_low"]):
        return percent(row["converted"])
    return share_text(row["converted"], row["ci_low"], row["ci_high"])


def _end_text(name: str, row: pd.Series, wide: bool) -> str:
    """What stands at a line's end: its name in groups, and the last value, with limits where there is room."""
    value = _share(row) if wide else percent(row["converted"])
    name = wrapped(name, 150 if wide else 78, 14)
    return f"{name}\n{value}" if name else value


def _name_ends(ax: Axes, lines: list, ends: list[str], limit: float) -> None:
    """Name and last value at each line's end, moved apart where lines end close together."""
    alone = len(lines) == 1
    size = ax.get_window_extent()
    heights = [17.5 * lines_of(text) + 8 for text in ends]
    places = [100 * line["converted"].iloc[-1] / limit * size.height for _, line in lines]
    for at in range(1, len(places)):  # the highest first: each is pushed below the one above it
        places[at] = min(places[at], places[at - 1] - (heights[at - 1] + heights[at]) / 2)
    lift = max(heights[-1] / 2 - places[-1], 0)
    for at, text in enumerate(ends):
        y = places[at] + lift
        ax.annotate(text, (1, 0), (10 if alone else 30, y), xycoords="axes fraction", textcoords="offset points",
                    va="center", fontsize=14, fontweight=600 if alone else 400, linespacing=0.95,
                    annotation_clip=False)  # fmt: skip
        if not alone:  # a piece of the line, for a label that stands off its end
            across, up = [1 + 6 / size.width, 1 + 26 / size.width], y / size.height
            ax.plot(across, [up, up], transform=ax.transAxes, color=_COLOURS[at], lw=2.2, ls=_DASHES[at], clip_on=False)


def _day_ticks(longest: float, wide: bool) -> list[float]:
    """Days to mark: round ones, fewer on a phone."""
    ticks = charts.ticks_to(longest)
    return ticks if wide or len(ticks) <= 4 else ticks[::2]


def _write_observed(ax: Axes, lines: list, ticks: list[float], left: float, wide: bool) -> None:
    """Still observed, at each marked day: a row per line, its name beside it, on a phone above it."""
    alone = len(lines) == 1

    def write(text: str, x: float, y: float, **style) -> None:
        ax.annotate(text, (x, 0), (0, y), xycoords=("data", "axes fraction"), textcoords="offset points", va="center",
                    fontsize=13.5, annotation_clip=False, **style)  # fmt: skip

    edge = (4 - left) * ax.get_xlim()[1] / ax.get_window_extent().width
    write("Still observed", edge, -58, color=LIGHT["quiet"])
    y = -78
    for name, line in lines:
        if not alone:
            write(name, edge, y)
            y -= 0 if wide else 18
        for tick in ticks:
            seen = tick <= line["day"].iloc[-1] + 1e-9  # a line ends where too few are still observed
            nearest = line.iloc[int(np.argmin(np.abs(line["day"] - tick)))]
            write(number(nearest["n_at_risk"]) if seen else DASH, tick, y, ha="center")
        y -= 18 if wide else _ROW - 18

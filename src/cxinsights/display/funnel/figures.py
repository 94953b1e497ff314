"""The funnel itself: how many reach each step, and where most of those who come to a step stop."""

from dataclasses import dataclass

from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.funnel.names import (
    base_of,
    is_fitted,
    shown,
    stage_name,
    standout_of,
    step_in_sentence,
    steps_with_conversion,
    window_text,
)
from cxinsights.display.labels import NAME_WIDTH, lines_of, text_width, wrapped
from cxinsights.display.numbers import count, in_hundred, number, share_decimals, share_text
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject, fitting, spelled
from cxinsights.privacy import Guarded, Suppressed

__all__ = ["figure_funnel", "plot_funnel"]

_LINE = 19.5  # pixels of a line of text


def figure_funnel(result: Guarded) -> Block:
    """Bars of those who reach each step, with interval and base, and a note at the largest loss."""
    if not is_fitted(result):
        return Nothing()
    steps = shown(steps_with_conversion(result), "of_entrants")
    last = steps.iloc[-1]
    one = result.summary.iloc[0]
    hidden = len(result.steps) - len(steps)
    by = "so far" if result.from_curve else window_text(result.params)
    alt = (
        f"Bar chart of {spelled(len(steps))} steps with intervals. {stage_name(result, last.step)} is reached by "
        f"{share_text(last.of_entrants, last.entrants_low, last.entrants_high)} of {count(last.n, 'entrant')}. "
        f"{_title(result)}."
    )
    left_out = f" {count(one.n_open, 'open entrant')} left out." if one.n_open and not result.from_curve else ""
    still = f" {number(one.n_open)} of them are still open." if one.n_open and result.from_curve else ""
    small = f" {count(hidden, 'step')} {'is' if hidden == 1 else 'are'} not shown: too few customers." if hidden else ""
    return Figure(
        key="funnel",
        title=_title(result),
        subtitle=f"Share of entrants who reach each step {by}, %, with 95% intervals and the number of customers",
        draw=lambda width: plot_funnel(result, width=width),
        name="How far customers get",
        alt=alt,
        how="The bar starts at zero and the dot is the estimate, the line its 95% interval. The words name the step "
        "that stands out, where a test says that one does.",
        caption=f"{base_of(result)}{left_out}{still}{small}",
        half=True,
    )


def plot_funnel(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Bars from zero with dot, interval and base, and one note at the largest loss."""
    wide = width == WIDE
    rows = _rows(result, width)
    top, bottom = 6, 30
    height = sum(row.height for row in rows)
    left = max(text_width(row.name, 14) for row in rows) + 14 if wide else 6
    right = max(text_width(row.value, 14) for row in rows) + 30 if wide else 12
    if ax is None:
        ax = new_axes(width, height + top + bottom, left=left, right=right, top=top, bottom=bottom)
    ax.set_xlim(0, 100)
    ax.set_ylim(height, 0)  # one unit is one pixel
    pixel = 100 / (width - left - right)
    edge = 0.0
    bars = []
    for row in rows:
        y = edge + row.at
        edge += row.height
        bars.append(y)
        if wide:
            ax.text(100 + 18 * pixel, y, row.value, va="center", clip_on=False, color=row.ink)
        else:
            ax.text(0, y - 12, row.name, va="bottom", fontsize=14.5, fontweight=600, linespacing=0.95)
            ax.text(100, y - 12, row.value, va="bottom", ha="right", fontsize=13.5, color=LIGHT["quiet"])
        if row.rate is None:
            continue
        ax.barh(y, 100 * row.rate, height=14 if wide else 11, color=LIGHT["accent-soft"], zorder=2)
        if row.note:
            colour = LIGHT["worse"] if row.is_news else LIGHT["accent"]
            ax.barh(y, 100 * (row.before - row.rate), left=100 * row.rate, height=13 if wide else 10, color="none",
                    edgecolor=colour, linewidth=1.2, linestyle=(0, (3, 2)), zorder=2)  # fmt: skip
            ax.text(0, y + (14 if wide else 10), row.note, va="top", fontsize=13.5, fontweight=600, color=colour,
                    linespacing=0.95)  # fmt: skip
        if row.limits is not None:
            charts.draw_interval(ax, 100 * row.limits[0], 100 * row.limits[1], y)
            charts.draw_dot(ax, 100 * row.rate, y)
    ax.set_yticks(bars, [row.name for row in rows] if wide else [""] * len(rows), linespacing=0.95)
    charts.percent_ticks(ax, 100, to_the_edge=not wide)
    ax.axvline(0, color=LIGHT["edge"], lw=1, zorder=1)
    return ax


@dataclass(frozen=True)
class _Row:
    name: str
    value: str
    rate: float | None
    limits: tuple[float, float] | None
    before: float
    note: str
    is_news: bool
    at: float
    """Pixels from the row's top to the middle of its bar."""
    height: float
    ink: str


def _rows(result: Guarded, width: int) -> list[_Row]:
    wide = width == WIDE
    found = standout_of(result)
    named = found.steps[0] if found.kind in ("below_rest", "loses_most") else None
    rows, before = [], 1.0
    for one in steps_with_conversion(result).itertuples():
        hidden = isinstance(one.of_entrants, Suppressed)
        value = _value(one)
        room = NAME_WIDTH if wide else width - 18 - text_width(value, 13.5) - 12
        name = wrapped(stage_name(result, one.step), room, 14 if wide else 14.5, 400 if wide else 600)
        note = wrapped(_note(result, one, wide), width - (250 if wide else 24), 13.5, 600) if one.step == named else ""
        room = _LINE * lines_of(name)
        at = max(34, 15 + room) / 2 if wide else 11 + room
        below = 14 + _LINE * lines_of(note) if note else 17
        height = max(2 * at, at + below) if wide else at + below
        first = one.step == result.params.steps[0]
        rate = None if hidden else float(one.of_entrants)
        limits = None if hidden or first else (float(one.entrants_low), float(one.entrants_high))
        ink = LIGHT["quiet"] if hidden else LIGHT["ink"]
        rows.append(_Row(name, value, rate, limits, before, note, found.kind == "below_rest", at, height, ink))
        before = before if rate is None else rate
    return rows


def _value(one) -> str:
    if isinstance(one.of_entrants, Suppressed):
        return as_subject(str(one.of_entrants))
    if one.entrants_low == 1:  # entrants are those who reached it
        return f"100%, {number(one.n_reached)}"
    return f"{share_text(one.of_entrants, one.entrants_low, one.entrants_high)}, {number(one.n_reached)}"


def _note(result: Guarded, one, wide: bool) -> str:
    steps = result.params.steps
    at = f" of those at {step_in_sentence(result, steps[steps.index(one.step) - 1])}" if wide else " of those before"
    if standout_of(result).kind == "below_rest":
        rest = shown(result.rests, "score").set_index(["rate", "step"]).loc[("of_previous", one.step)]
        there = rest["score_compare"]
        return f"{in_hundred(rest['score'])}{at} get here, elsewhere {number(100 * there, share_decimals(there))}"
    return f"Largest share lost: {in_hundred(1 - one.of_previous)}{at} do not get here"


def _title(result: Guarded) -> str:
    found = standout_of(result)
    names = [step_in_sentence(result, step) for step in found.steps]
    if found.kind == "below_rest":
        return f"{as_subject(names[0])} is reached by fewer here than elsewhere"
    if found.kind == "loses_most":
        return f"The largest share is lost before {names[0]}"
    if found.kind == "tied":
        which = "which step loses the largest share"
        two = f"whether {' or '.join(names)} loses the larger share"
        return fitting(f"We cannot tell {two if len(names) == 2 else which}", f"We cannot tell {which}")
    last = shown(steps_with_conversion(result), "of_entrants").iloc[-1]
    reach, so_far = ("have reached", " so far") if result.from_curve else ("reach", "")
    return f"{in_hundred(last.of_entrants)} {reach} {step_in_sentence(result, last.step)}{so_far}"

"""What happened after each step: who went on, and what those who stopped did next."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.funnel.names import base_of, is_fitted, shown, stage_name, step_in_sentence
from cxinsights.display.labels import lines_of, text_width, wrapped
from cxinsights.display.numbers import SPACE, count, in_hundred, number, percent, share_text
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import in_sentence
from cxinsights.privacy import Guarded

__all__ = ["figure_flows", "plot_flows"]

_RARE = 0.01  # of entrants: smaller flows go into the rest
_LISTED = 8
_LINE = 19.5  # pixels of a line of text
_NOTHING, _REST, _HIDDEN = "Nothing more", "Other events", "Not shown"
_SKIPPED = ", a step skipped"


def figure_flows(result: Guarded) -> Block:
    """Where customers go from each step; on a phone the largest flows as a list."""
    rows = shown(result.flows, "move_share") if is_fitted(result) else pd.DataFrame()
    if rows.empty:
        return Nothing()
    ends = _ends(result)
    entrants = int(shown(result.steps, "of_entrants")["n"].iloc[0])
    quiet = ends.get(_NOTHING, 0)
    others = {name: n for name, n in ends.items() if name not in (_NOTHING, _REST, _HIDDEN)}
    most = max(others, key=others.get) if others else ""
    turned = f"; {number(others[most])} turned to {in_sentence(most)}" if others else ""
    alt = f"Flow chart of {count(entrants, 'entrant')}. {number(quiet)} went no further and did nothing else{turned}."
    return Figure(
        key="flows",
        title=_title(result, ends, most, entrants),
        subtitle="Who went on from each step, and what the others did next",
        draw=lambda width: plot_flows(result, width=width),
        name="What happened after each step",
        alt=alt,
        how="Widths are numbers of customers: tinted on the way to the last step, grey where they left it for the "
        "first other event after the last step they reached.",
        caption=f"{base_of(result)} What under 1% of entrants turned to is together in other events.",
        half=True,
    )


def plot_flows(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Sankey of steps and ends; on a phone the largest flows as bars."""
    return _sankey(result, ax) if width == WIDE else _ranked(result, ax, width)


def _title(result: Guarded, ends: dict[str, int], most: str, entrants: int) -> str:
    """What those who stopped did most often, as far as it may be told; `most` is the event they turned to most."""
    quiet = ends.get(_NOTHING, 0)
    who, so_far = ("wait or stop", " so far") if result.from_curve else ("stop", "")
    if ends.get(most, 0) > quiet:
        turn = "skip on" if most.endswith(_SKIPPED) else "turn"
        return f"Those who {who} most often {turn} to {in_sentence(most.removesuffix(_SKIPPED))}"
    if quiet:
        least = "At least " if _HIDDEN in ends else ""
        return f"{least}{in_hundred(quiet / entrants)} {who} and do nothing further{so_far}"
    if _HIDDEN in ends:
        return f"Too few {who} to show all that they do next"
    return f"Nobody {'has stopped and done' if so_far else 'stops and does'} nothing further{so_far}"


@dataclass
class _Node:
    """A stretch of a column; what leaves and what comes in fill it from the top."""

    x: float
    top: float
    n: float
    used_out: float = 0
    used_in: float = 0


def _stops(result: Guarded) -> list[tuple[str, str, int]]:
    """Those who stopped: at which step, for what, how many; small flows and hidden ones together."""
    flows, steps = shown(result.flows, "move_share"), shown(result.steps, "of_entrants").set_index("step")
    entrants = int(steps["n"].iloc[0])
    found: dict[tuple[str, str], int] = {}
    for at, step in enumerate(result.params.steps[:-1]):
        rows = flows[flows["step"] == step]
        if rows.empty:  # its base is too small: only how many were there is known
            there = result.params.steps[at]
            n = int(steps["n_reached"].get(there, 0))
            if n:
                found[step, _HIDDEN] = n
            break
        for row in rows[rows["kind"] != "goes_on"].itertuples():
            if not row.n_moved:
                continue
            name = _NOTHING if row.kind == "nothing" else stage_name(result, row.next_stage)
            if row.kind == "instead" and row.next_stage in result.params.steps:
                name = f"{name} again" if result.params.steps.index(row.next_stage) <= at else f"{name}{_SKIPPED}"
            found[step, name] = found.get((step, name), 0) + int(row.n_moved)
    totals: dict[str, int] = {}
    for (_, name), n in found.items():
        totals[name] = totals.get(name, 0) + n
    rare = {name for name, n in totals.items() if n < _RARE * entrants and name not in (_NOTHING, _HIDDEN)}
    together: dict[tuple[str, str], int] = {}
    for (step, name), n in found.items():
        key = (step, _REST if name in rare else name)
        together[key] = together.get(key, 0) + n
    return [(step, name, n) for (step, name), n in together.items()]


def _ends(result: Guarded) -> dict[str, int]:
    """Those who stopped, by what they did next, the most frequent first."""
    totals: dict[str, int] = {}
    for _, name, n in _stops(result):
        totals[name] = totals.get(name, 0) + n
    return dict(sorted(totals.items(), key=lambda one: (one[0] in (_REST, _HIDDEN), -one[1])))


def _sankey(result: Guarded, ax: Axes | None) -> Axes:
    steps = shown(result.steps, "of_entrants")
    names, reached = list(steps["step"]), [int(n) for n in steps["n_reached"]]
    stops, ends = _stops(result), _ends(result)
    entrants = reached[0]
    converted = reached[-1] if names[-1] == result.params.steps[-1] else 0
    last = stage_name(result, names[-1])
    goals = {**({last: converted} if converted else {}), **ends}
    texts = {
        goal: wrapped(f"{goal}, {number(n)},{SPACE}{percent(n / entrants)}", 190, 14, 600) for goal, n in goals.items()
    }
    right = max(text_width(text, 14, 600) for text in texts.values()) + 22
    span = WIDE - 4 - right
    columns = names[:-1] if converted else names
    heads = [wrapped(stage_name(result, step), span / len(columns) - 10, 14, 600) for step in columns]
    height, top, gap, thick = 300, 30 + _LINE * max(lines_of(head) for head in heads), 22, 9
    rooms = [max(n * height / entrants + gap, _LINE * lines_of(texts[goal]) + 6) for goal, n in goals.items()]
    total = sum(rooms) - gap + 6
    if ax is None:
        ax = new_axes(WIDE, total + top + 12, left=4, right=right, top=top, bottom=12)
    ax.set_xlim(0, span)
    ax.set_ylim(total, 0)
    ax.set_axis_off()
    scale = height / entrants
    nodes = {step: _Node(span * at / len(columns), 0, reached[at] * scale) for at, step in enumerate(columns)}
    y = 0.0
    for (goal, n), room in zip(goals.items(), rooms, strict=True):
        nodes[f"end {goal}"] = _Node(span - thick, y + max(room - gap - n * scale, 0) / 2, n * scale)
        y += room
    for at, step in enumerate(columns):
        on = reached[at + 1] if at + 1 < len(reached) else 0
        goal = columns[at + 1] if at + 1 < len(columns) else f"end {last}"
        if on:
            _band(ax, nodes[step], nodes[goal], on * scale, thick, LIGHT["accent-soft"], 2)
    for step in columns:
        own = {name: n for where, name, n in stops if where == step}
        for name in [goal for goal in goals if goal in own]:
            _band(ax, nodes[step], nodes[f"end {name}"], own[name] * scale, thick, LIGHT["rule"], 1)
    for key, node in nodes.items():
        path = not key.startswith("end ") or (key == f"end {last}" and converted > 0)
        colour = LIGHT["accent"] if path else LIGHT["edge"]
        ax.add_patch(Rectangle((node.x, node.top), thick, max(node.n, 1.5), color=colour, lw=0, zorder=3))
    for at, step in enumerate(columns):
        share = f"{number(reached[at])}, {percent(reached[at] / entrants)}"
        ax.text(nodes[step].x, -24, heads[at], fontsize=14, fontweight=600, va="bottom", linespacing=0.95)
        ax.text(nodes[step].x, -6, share, fontsize=13.5, color=LIGHT["quiet"], va="bottom")
    for goal, text in texts.items():
        node = nodes[f"end {goal}"]
        weight = 600 if converted and goal == last else 400
        ax.text(
            span + 8,
            node.top + max(node.n, 1.5) / 2,
            text,
            va="center",
            fontsize=14,
            fontweight=weight,
            linespacing=0.95,
        )
    return ax


def _band(ax: Axes, start: _Node, stop: _Node, width: float, thick: float, colour: str, zorder: int) -> None:
    """A band from one node to another, below those already there."""
    x0, x1 = start.x + thick, stop.x
    a, b = start.top + start.used_out, stop.top + stop.used_in
    start.used_out += width
    stop.used_in += width
    middle = (x0 + x1) / 2
    points = [
        (x0, a), (middle, a), (middle, b), (x1, b),
        (x1, b + width), (middle, b + width), (middle, a + width), (x0, a + width), (x0, a),
    ]  # fmt: skip
    curve = [Path.CURVE4] * 3
    ax.add_patch(
        PathPatch(Path(points, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]), facecolor=colour, lw=0,
                  alpha=0.75, zorder=zorder)
    )  # fmt: skip


def _ranked(result: Guarded, ax: Axes | None, width: int) -> Axes:
    """The largest flows, each with its share of those who were at the step; last, how many did nothing more at all."""
    rows = shown(result.flows, "move_share")
    rows = rows[rows["n_moved"] > 0].sort_values("n_moved", ascending=False, kind="stable").head(_LISTED)
    values = []
    for row in rows.itertuples():
        share = share_text(row.move_share, row.move_low, row.move_high)
        value = f"{number(row.n_moved)}, {share} of those there"
        values.append((_flow_name(result, row), value, row.n_moved, row.kind == "goes_on"))
    quiet = _ends(result).get(_NOTHING, 0)
    if quiet and _HIDDEN not in _ends(result) and len(shown(result.flows, "move_share")["step"].unique()) > 1:
        share = percent(quiet / int(shown(result.steps, "of_entrants")["n"].iloc[0]))
        values.append(("All steps together: nothing more", f"{number(quiet)}, {share} of entrants", quiet, False))
    names = [wrapped(name, width - 18, 14.5, 600) for name, *_ in values]
    heights = [48 + _LINE * lines_of(name) for name in names]
    if ax is None:
        ax = new_axes(width, sum(heights) + 6, left=6, right=12, top=4, bottom=2)
    ax.set_xlim(0, float(max(n for *_, n, _ in values)))
    ax.set_ylim(sum(heights), 0)
    ax.set_axis_off()
    edge = 0.0
    for (_, value, n, on), name, height in zip(values, names, heights, strict=True):
        y = edge + 2 + _LINE * lines_of(name)
        ax.text(0, y, name, va="bottom", fontsize=14.5, fontweight=600, linespacing=0.95)
        ax.text(0, y + 9, value, va="center", fontsize=13.5, color=LIGHT["quiet"])
        ax.barh(y + 26, n, height=11, color=LIGHT["accent-soft" if on else "rule"], zorder=2)
        edge += height
    return ax


def _flow_name(result: Guarded, row) -> str:
    step = stage_name(result, row.step)
    if row.kind == "nothing":
        return f"{step}: nothing more"
    name = step_in_sentence(result, row.next_stage)
    return f"{step} to {name}" if row.kind == "goes_on" else f"{step}, then {name}"

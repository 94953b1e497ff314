"""The linkage's heat-map: every employee item with every customer score."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.labels import NAME_WIDTH, lines_of, text_width, wrapped
from cxinsights.display.linkage.linked import Linked, correlation_text
from cxinsights.display.numbers import DASH, number
from cxinsights.display.theme import DIVERGING, LIGHT, NARROW, WIDE, new_axes
from cxinsights.display.words import as_subject, joined, spelled
from cxinsights.privacy import Guarded, is_shown

__all__ = ["figure_items", "plot_items"]

_LEVEL = 0.05
_STEPS = (0.2, 0.4)
"""Sizes of a correlation from which a cell takes the next deeper colour."""
_LEAST = {WIDE: 64, NARROW: 54}
"""Pixels a column needs."""
_MOST = 150
_LINE = 22
"""Pixels of a line of names."""


def figure_items(result: Guarded) -> Block:
    """Correlations of items and scores, filled only where the adjusted test says so."""
    linked = Linked(result)
    if not linked.is_ok or len(result.items) < 2:
        return Nothing()
    shown = _shown(result.items)
    clear = shown[shown["p_adjusted"] < _LEVEL]
    n = int(shown["n_comparisons"].max()) if len(shown) else 0
    outline = " A heavy outline marks the same topic on both sides." if result.parallel else ""
    closest = clear.loc[clear["correlation"].abs().idxmax()] if len(clear) else None
    least, most = int(shown["n"].min()), int(shown["n"].max())
    base = linked.n_sites(most) if least == most else f"{least:,} to {linked.n_sites(most)}, as scores are known"
    return Figure(
        key="items",
        title=_title(linked, shown, clear),
        subtitle=f"Correlation of each score of {linked.employees} (rows) and {linked.customers} (columns) over "
        f"{linked.sites_word}",
        draw=lambda width: plot_items(result, width=width),
        name="Items by scores",
        alt=f"Heat-map of {spelled(len(linked.params.items))} items by {spelled(len(linked.params.scores))} scores. "
        f"{as_subject(spelled(len(clear)))} of {n} correlations are clear"
        + (
            f"; the closest is {linked.item(closest['item'])} with {linked.metric(closest['metric'])}, "
            f"{correlation_text(closest)}."
            if closest is not None
            else "."
        ),
        how=f"Filled cells are clear among all {n}, blue where both rise together, brown where one falls; outlined "
        f"cells cannot be told from none.{outline}",
        caption=f"{base}, {linked.subject.period}. Intervals stand in the table of all pairs. Pattern, not proof of "
        "cause.",
    )


def plot_items(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """One cell for each item and score with its correlation; scores that find no room go below."""
    linked = Linked(result)
    wide = width == WIDE
    items, scores = linked.params.items, linked.params.scores
    rows_of, columns_of = _names(linked)
    head_size = 13.5 if wide else 12.5
    names = [wrapped(name, NAME_WIDTH if wide else 118, 14 if wide else 13.5) for name in rows_of]
    left = max(text_width(name, 14) for name in names) + 12
    longest = max(text_width(word, head_size) for name in columns_of for word in name.split(" "))
    fit = max(int((width - left - 4) // min(max(longest + 6, _LEAST[width]), _MOST)), 1)
    n_panels = -(-len(scores) // fit)
    per_panel = -(-len(scores) // n_panels)  # as even as can be
    panels = [scores[at : at + per_panel] for at in range(0, len(scores), per_panel)]
    column = min((width - left - 4) / per_panel, _MOST)
    wrapped_heads = [wrapped(name, column - 4, head_size) for name in columns_of]
    heads = [wrapped_heads[at : at + per_panel] for at in range(0, len(scores), per_panel)]
    rows = [max(_LINE * lines_of(name) + 6, 34) for name in names]
    tops = [_LINE * max(lines_of(head) for head in panel) + 10 for panel in heads]
    height = sum(tops) + len(panels) * sum(rows) + 18 * (len(panels) - 1) + 6
    if ax is None:
        ax = new_axes(width, height)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    cells = result.items.set_index(["item", "metric"])
    y = 0.0
    for panel, head, top in zip(panels, heads, tops, strict=True):
        for at, text in enumerate(head):
            ax.text(left + (at + 0.5) * column, y + top - 8, text, ha="center", va="bottom", fontsize=head_size,
                    color=LIGHT["quiet"], linespacing=1.1)  # fmt: skip
        y += top
        for item, name, row in zip(items, names, rows, strict=True):
            one_line = lines_of(name) == 1  # on one line all names stand on the same base, whatever their letters
            middle = {"y": y + row / 2 + 5, "va": "baseline"} if one_line else {"y": y + row / 2, "va": "center"}
            ax.text(left - 12, s=name, ha="right", fontsize=14 if wide else 13.5, linespacing=1.1, **middle)
            for at, metric in enumerate(panel):
                _draw_cell(ax, cells.loc[(item, metric)], left + at * column, y, column, row)
            y += row
        y += 18
    return ax


def _names(linked: Linked) -> tuple[list[str], list[str]]:
    """Names of rows and columns; of parallel lists only the topics, since the sides stand in the subtitle."""
    items, scores = linked.params.items, linked.params.scores
    if linked.result.parallel:
        topics = [as_subject(linked.topic(pair)) for pair in zip(items, scores, strict=True)]
        return topics, topics
    return [linked.measure(name) for name in items], [linked.measure(name) for name in scores]


def _draw_cell(ax: Axes, one: pd.Series, x: float, y: float, width: float, height: float) -> None:
    shown = bool(is_shown(pd.Series([one["correlation"]])).iloc[0]) and not pd.isna(one["correlation"])
    text = number(one["correlation"], 2) if shown else DASH
    filled = shown and one["p_adjusted"] < _LEVEL
    ground, ink = DIVERGING[_step(one["correlation"])] if filled else ("none", LIGHT["quiet"])
    edge = "none" if filled else LIGHT["rule"]
    ax.add_patch(Rectangle((x + 2, y + 2), width - 4, height - 4, fc=ground, ec=edge, lw=0 if filled else 1, zorder=2))
    if one["is_pair"]:
        ax.add_patch(Rectangle((x + 2, y + 2), width - 4, height - 4, fc="none", ec=LIGHT["ink"], lw=2, zorder=3))
    ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=14, color=ink, zorder=4,
            fontweight=600 if one["is_pair"] else 400, gid="nohalo" if filled else None)  # fmt: skip


def _step(correlation: float) -> int:
    """Which of the seven colours: the middle one stands for none."""
    size = 1 + sum(round(abs(correlation), 2) >= step for step in _STEPS)  # as it is written in the cell
    return 3 + (size if correlation > 0 else -size)


def _shown(items: pd.DataFrame) -> pd.DataFrame:
    rows = items[is_shown(items["correlation"])].infer_objects()
    return rows[rows["correlation"].notna()]


def _title(linked: Linked, shown: pd.DataFrame, clear: pd.DataFrame) -> str:
    """What the pattern of filled cells is, score by score where it is plain."""
    if not len(clear):
        return f"No score of {linked.employees} clearly goes with one of {linked.customers}"
    if linked.result.parallel:
        pairs = shown[shown["is_pair"].astype(bool)]
        n = int((pairs["p_adjusted"] < _LEVEL).sum())
        of = f"All {spelled(n)}" if n == len(pairs) else f"{as_subject(spelled(n))} of {spelled(len(pairs))}"
        return f"{of} topics go together for {linked.employees} and {linked.customers}"
    signs = np.sign(clear["correlation"])
    full = [
        metric
        for metric in linked.params.scores
        if (clear["metric"] == metric).sum() == len(linked.params.items)
        and (signs[clear["metric"] == metric] > 0).all()
    ]
    if full:
        names = joined([linked.metric(name) for name in full])
        rest = [name for name in linked.params.scores if name not in full]
        none = rest and not clear["metric"].isin(rest).any()
        tail = f", none with {joined([linked.metric(name) for name in rest])}" if none else ""
        return f"Every item goes with {names}{tail}"
    n, of = len(clear), int(shown["n_comparisons"].max())
    return f"{as_subject(spelled(n))} of {of} pairs of item and score go together"

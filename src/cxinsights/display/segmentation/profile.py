"""The segments' profile: a heat-map of what made them and what was held out."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.labels import NAME_WIDTH, lines_of, text_width, wrapped
from cxinsights.display.numbers import DASH, number, percent
from cxinsights.display.segmentation.names import Segmented, decimals_of
from cxinsights.display.theme import DIVERGING, LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.privacy import Guarded, Suppressed

__all__ = ["figure_profiles", "plot_profiles"]

STEPS = (0.2, 0.5, 0.8)
"""Effect sizes from which a cell takes the next deeper colour (Cohen 1988: small, medium, large)."""
_MIDDLE = 3  # of the seven colours
MOST_ROWS = 18
MOST_WORDS_OF_ALT = 40
_MADE_OF, _HELD_OUT = "What made the segments", "Held out, and tested"


@dataclass(frozen=True)
class _Cell:
    text: str
    effect: float
    clear: bool


@dataclass(frozen=True)
class _Row:
    part: str
    name: str
    cells: dict[str, _Cell]

    @property
    def reach(self) -> float:
        """Largest effect size of the row."""
        return max((abs(cell.effect) for cell in self.cells.values() if cell.effect == cell.effect), default=0.0)


def figure_profiles(result: Guarded) -> Block:
    """Means of each segment, filled by how far they lie from the other segments."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(segmented.shown):
        return Nothing()
    rows, left_out = _rows(segmented)
    tested = [row for row in rows if row.part == _HELD_OUT]
    segments = list(segmented.shown["segment"])
    named = joined([f"{s} {in_sentence(segmented.name(s))}" for s in segments], 3)
    chart = f"Heat-map of {spelled(len(rows))} columns by {segmented.counted(len(segments))}"
    title = _title(segmented, tested)
    alt = f"{chart}: {named}. {title}."
    return Figure(
        key="profiles",
        title=title,
        subtitle="Mean or share of each segment; colour says how far it lies from all other customers",
        draw=lambda width: plot_profiles(result, width=width),
        name="Profile of each segment",
        alt=alt if len(alt.split()) <= MOST_WORDS_OF_ALT else f"{chart}. {title}.",
        how="Blue with ▲ lies above the other segments, brown with ▼ below, on the scale that the segments were made "
        "on; the deepest from 0.8 standard deviations. Outlined cells cannot be told from the others.",
        lists=[("Segments", [(s, segmented.name(s)) for s in segments])],
        caption=f"{segmented.base} What made the segments is described, not tested.{segmented.latest_scores}"
        + (f" {as_subject(spelled(left_out))} further rows stand in the table." if left_out else ""),
    )


def plot_profiles(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """One row per column or category, one column of cells per segment."""
    segmented = Segmented(result)
    wide = width == WIDE
    rows, _ = _rows(segmented)
    segments = list(segmented.shown["segment"])
    size = 14 if wide else 13.5
    names = [wrapped(row.name, NAME_WIDTH if wide else width - 12, size) for row in rows]
    left = max([text_width(name, size) for name in names] + [text_width(_MADE_OF, 13)]) + 14 if wide else 2
    column = min((width - left - 2) / len(segments), 150)
    heights = [max(17 * lines_of(name) + 12, 36) if wide else 17 * lines_of(name) + 40 for name in names]
    parts = list(dict.fromkeys(row.part for row in rows))
    head, between = 26, 30
    total = head + between * len(parts) + sum(heights) + 4
    if ax is None:
        ax = new_axes(width, total)
    ax.set_xlim(0, width)
    ax.set_ylim(total, 0)
    ax.set_axis_off()
    for at, segment in enumerate(segments):
        ax.text(left + (at + 0.5) * column, 18, segment, ha="center", fontsize=14.5, fontweight=600)
    y, part = float(head), ""
    for row, name, height in zip(rows, names, heights, strict=True):
        if row.part != part:
            part = row.part
            ax.text(0, y + between - 9, part, fontsize=13.5, color=LIGHT["quiet"])
            y += between
        if wide:
            ax.text(left - 14, y + height / 2, name, ha="right", va="center", fontsize=size, linespacing=1.1)
        else:
            ax.text(left, y + 2, name, va="top", fontsize=size, linespacing=1.1)
        low = y if wide else y + 17 * lines_of(name) + 4
        for at, segment in enumerate(segments):
            cell = row.cells.get(segment, _Cell(DASH, float("nan"), False))
            _draw(ax, cell, left + at * column, low, column, height if wide else 34)
        y += height
    return ax


def _draw(ax: Axes, cell: _Cell, x: float, y: float, width: float, height: float) -> None:
    ground, ink = DIVERGING[_step(cell.effect)] if cell.clear else ("none", LIGHT["quiet"])
    edge = "none" if cell.clear else LIGHT["rule"]
    ax.add_patch(
        Rectangle((x + 2, y + 2), width - 4, height - 4, fc=ground, ec=edge, lw=0 if cell.clear else 1, zorder=2)
    )
    size = min(14.0, 14 * (width - 8) / max(text_width(cell.text, 14), 1))
    ax.text(x + width / 2, y + height / 2, cell.text, ha="center", va="center", fontsize=size, color=ink, zorder=3,
            gid="nohalo" if cell.clear else None)  # fmt: skip
    if cell.clear and _step(cell.effect) != _MIDDLE:  # seen without colours too
        mark = "^" if cell.effect > 0 else "v"
        ax.plot(x + 7.5, y + 6.5, mark, ms=3.5, mew=0, color=ink, zorder=3)


def _step(effect: float) -> int:
    """Which of the seven colours: the middle one for less than a small effect."""
    size = sum(abs(effect) >= step for step in STEPS)
    return _MIDDLE + (size if effect > 0 else -size)


def _rows(segmented: Segmented) -> tuple[list[_Row], int]:
    """Rows to draw, and how many have no room: of categories, those that differ least."""
    found = [*_of(segmented, segmented.result.profiles, _MADE_OF)]
    found += _of(segmented, segmented.result.held_out, _HELD_OUT)
    if len(found) <= MOST_ROWS:
        return found, 0
    least = sorted((row.reach for row in found), reverse=True)[MOST_ROWS - 1]
    kept = [row for row in found if row.reach >= least][:MOST_ROWS]
    return kept, len(found) - len(kept)


def _of(segmented: Segmented, frame: pd.DataFrame, part: str) -> Iterator[_Row]:
    if not len(frame):
        return
    for (variable, category), rows in frame.groupby(["variable", "category"], sort=False):
        kind = rows["kind"].iloc[0] if "kind" in rows else "share" if category else "mean"
        decimals = decimals_of(rows)
        cells = {one.segment: _cell(one, kind, decimals) for one in rows.itertuples()}
        yield _Row(part, segmented.variable(variable, category), cells)


def _cell(one, kind: str, decimals: int) -> _Cell:
    if isinstance(one.score, Suppressed) or one.score != one.score:
        return _Cell(DASH, float("nan"), False)
    effect = float(one.effect_size)
    clear = one.effect_low > 0 or one.effect_high < 0
    text = percent(one.score) if kind == "share" else number(one.score, 0 if kind == "nps" else decimals)
    if hasattr(one, "p_adjusted"):  # held out: the adjusted test says it
        clear = clear and one.p_adjusted < 1 - CONFIDENCE
    return _Cell(text, effect, bool(clear) and effect == effect)


def _title(segmented: Segmented, tested: list[_Row]) -> str:
    """What the held-out columns say; else what parts the segments most."""
    clear = [row.name for row in tested if any(cell.clear for cell in row.cells.values())]
    if tested and not clear:
        return f"The segments do not clearly differ in {joined([in_sentence(row.name) for row in tested], 3)}"
    if clear:
        same = [row.name for row in tested if row.name not in clear]
        tail = f", not clearly in {joined([in_sentence(name) for name in same], 2)}" if same else ""
        return f"The segments differ in {joined([in_sentence(name) for name in clear], 2)}{tail}"
    rows = [row for row in _rows(segmented)[0] if row.part == _MADE_OF]
    most = max(rows, key=lambda row: row.reach)
    return f"The segments differ most in {in_sentence(most.name)}"

"""How sure the segments are: whether each comes back, and how many there are."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxinsights.analysis.stability import NATURAL, PATTERN, REPRODUCIBLE, STABLE
from cxinsights.display import charts
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.labels import NAME_WIDTH, lines_of, text_width, wrapped
from cxinsights.display.numbers import number, with_interval
from cxinsights.display.segmentation.names import Segmented
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject, joined, spelled
from cxinsights.privacy import Guarded

__all__ = ["figure_choice", "figure_stability", "plot_choice", "plot_stability"]


def figure_stability(result: Guarded) -> Block:
    """How much of each segment comes back when customers are drawn anew."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(segmented.shown):
        return Nothing()
    frame = segmented.shown
    low, high = frame.loc[frame["jaccard"].idxmin()], frame.loc[frame["jaccard"].idxmax()]
    said = [f"{one['segment']} {_jaccard(one)}" for one in (high, low)]
    return Figure(
        key="stability",
        title=_title_of_stability(segmented),
        subtitle="Share of each segment that comes back when customers are drawn anew (Jaccard index), 1 all of it",
        draw=lambda width: plot_stability(result, width=width),
        name="Stability of each segment",
        alt=f"Dot and interval chart of {segmented.counted(len(frame))}. {said[0]} comes back most"
        + (f", {said[1]} least." if len(frame) > 1 else "."),
        how="From 0.75 up a segment is stable, from 0.6 a pattern only, below that not a segment. A hollow dot is not "
        "stable. Lines hold 95% of samples.",
        caption=f"{_samples(segmented)}. The company’s segments, {segmented.subject.period}.",
        half=True,
    )


def figure_choice(result: Guarded) -> Block:
    """How alike two samples are segmented, for each number of segments tried."""
    segmented = Segmented(result)
    if not segmented.is_ok or len(result.choice) < 2:
        return Nothing()
    row = segmented.chosen
    rand = with_interval(row["adjusted_rand"], row["rand_low"], row["rand_high"], 2)
    out = result.choice[result.choice["stands_out"].astype(bool)]
    how = (
        "A hollow dot does not stand out: structureless data would give segments as clear."
        if len(out) < len(result.choice)
        else "All numbers tried stand out beyond structureless data."
    )
    return Figure(
        key="choice",
        title=_title_of_choice(segmented, out),
        subtitle="How alike two samples of customers are segmented (adjusted Rand index), 1 all alike, by number of "
        "segments",
        draw=lambda width: plot_choice(result, width=width),
        name="Number of segments",
        alt=f"Dot and interval chart of {spelled(len(result.choice))} numbers of segments. "
        f"{as_subject(spelled(int(row['k'])))}, the number shown, has {rand}.",
        how=f"{how} Segments are natural from 0.9, reproducible from 0.75. Of those that come back best, the number "
        "that stands out furthest is shown.",
        caption=f"{_samples(segmented)}. The company’s customers, {segmented.subject.period}.",
        half=True,
    )


def plot_stability(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """A dot and interval of each segment's Jaccard index, with the lines that judge it."""
    segmented = Segmented(result)
    frame = segmented.shown
    names = [f"{s} · {segmented.name(s)}" for s in frame["segment"]]
    rows = frame[["jaccard", "jaccard_low", "jaccard_high"]].to_numpy(dtype=float)
    hollow = (frame["standing"] != "stable").tolist()
    return _dots(ax, width, names, rows, hollow, {PATTERN: "pattern", STABLE: "stable"})


def plot_choice(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """A dot and interval of the adjusted Rand index for each number of segments."""
    frame = result.choice
    names = [f"{spelled(int(one.k)).capitalize()}{', shown' if one.chosen else ''}" for one in frame.itertuples()]
    rows = frame[["adjusted_rand", "rand_low", "rand_high"]].to_numpy(dtype=float)
    hollow = (~frame["stands_out"].astype(bool)).tolist()
    return _dots(ax, width, names, rows, hollow, {REPRODUCIBLE: "reproducible", NATURAL: "natural"})


def _dots(
    ax: Axes | None, width: int, names: list[str], rows: np.ndarray, hollow: list[bool], lines: dict[float, str]
) -> Axes:
    """Dots on a scale to 1, their texts at the right (above, on a phone), and upright lines with their words."""
    wide = width == WIDE
    texts = [with_interval(*row, 2) for row in rows]
    right = max(text_width(text, 14) for text in texts) + 22 if wide else 12
    room = NAME_WIDTH if wide else width - right - 18 - max(text_width(text, 13.5) for text in texts)
    names = [wrapped(name, room, 14 if wide else 14.5, 400 if wide else 600) for name in names]
    left = max(text_width(name, 14) for name in names) + 14 if wide else 6
    lines_of_names = max(lines_of(name) for name in names)
    row = 17 + 17 * lines_of_names if wide else 26 + 20 * lines_of_names
    top, bottom = (44 if wide else 50), 30
    n = len(names)
    if ax is None:
        ax = new_axes(width, n * row + top + bottom, left=left, right=right, top=top, bottom=bottom)
    ax.set_ylim(n - 0.5, -0.5)
    lowest = min(0.5, np.floor(10 * rows.min()) / 10)
    ax.set_xlim(lowest, 1)
    pixel = (1 - lowest) / ((width - left - right) or 1)
    for at, (value, word) in enumerate(lines.items()):
        for own in range(n) if not wide else ():  # on a phone only beside the dots, clear of the names above them
            y = own + 0.5 - 12 / row
            ax.plot([value, value], [y - 5 / row, y + 9 / row], color=LIGHT["edge"], lw=1.4, zorder=1)
        if wide:
            ax.axvline(value, color=LIGHT["edge"], lw=1, ls=(0, (4, 3)), zorder=1)
        up = (20 if at == 0 else 4) + (0 if wide else 8)  # on two lines, since the lines may be near each other
        ax.annotate(f"{word} from {value:g}", (value, 1), xycoords=("data", "axes fraction"), xytext=(0, up),
                    textcoords="offset points", ha="right" if value > lowest + 150 * pixel else "left",
                    fontsize=13, color=LIGHT["quiet"], annotation_clip=False)  # fmt: skip
    for at, (value, low, high) in enumerate(rows):
        y = at + (0 if wide else 0.5 - 12 / row)
        charts.draw_interval(ax, low, high, y)
        charts.draw_dot(ax, value, y, hollow=hollow[at])
        if wide:
            ax.text(1 + 18 * pixel, at, texts[at], va="center", clip_on=False)
        else:
            ax.text(lowest, y - 10 / row, names[at], va="bottom", fontsize=14.5, fontweight=600, linespacing=1.1)
            ax.text(1, y - 10 / row, texts[at], va="bottom", ha="right", fontsize=13.5, color=LIGHT["quiet"])
    ax.set_yticks(range(n), names if wide else [""] * n)
    step = 0.2 if lowest < 0.5 else 0.1
    ticks = np.arange(np.ceil(lowest / step - 1e-9) * step, 1 + 1e-9, step)
    ax.set_xticks(ticks, [number(t, 1) for t in ticks])
    if not wide:
        ax.get_xticklabels()[0].set_ha("left" if ticks[0] < lowest + 14 * pixel else "center")
        ax.get_xticklabels()[-1].set_ha("right")
    return ax


def _title_of_stability(segmented: Segmented) -> str:
    frame = segmented.shown
    stable = frame[frame["standing"] == "stable"]
    if len(stable) == len(frame):
        return "The segment comes back" if len(frame) == 1 else f"All {spelled(len(frame))} segments come back"
    gone = list(frame.loc[frame["standing"] == "not_a_segment", "segment"])
    if gone:
        verb = "is not a segment" if len(gone) == 1 else "are not segments"
        return f"{joined(gone, 4)} {verb}: too little comes back"
    weak = list(frame.loc[frame["standing"] == "pattern", "segment"])
    return f"{joined(weak, 4)} {'is a pattern' if len(weak) == 1 else 'are patterns'} only; the others come back"


def _title_of_choice(segmented: Segmented, out: pd.DataFrame) -> str:
    k = spelled(int(segmented.chosen["k"]))
    if not len(out):
        return "No number of segments stands out from structureless data"
    if segmented.verdict == "constructed":
        return f"{as_subject(k)} stand out, but do not come back alike"
    return f"{as_subject(k)} segments stand out and come back"


def _jaccard(one: pd.Series) -> str:
    return with_interval(one["jaccard"], one["jaccard_low"], one["jaccard_high"], 2)


def _samples(segmented: Segmented) -> str:
    n = int(segmented.chosen["n"])
    return f"{segmented.params.n_boot} bootstrap samples of {min(n, 2000):,} customers"

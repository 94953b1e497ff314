"""The scorecard's figures: how the scores ran, and which groups of customers differ."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.labels import NAME_WIDTH, lines_of, text_width, wrapped
from cxinsights.display.numbers import count, metric_interval, metric_score, metric_with_interval
from cxinsights.display.scorecard.card import METRIC_NAMES, Card
from cxinsights.display.scorecard.courses import has_limits, how_of_limits
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import label, value_label

__all__ = ["figure_segments", "figure_trend", "plot_segments", "plot_trend"]

_MOST = 4  # breakdowns in one figure; the table has them all


def figure_trend(result: Guarded) -> Block:
    """The leading measure over all periods with its interval."""
    card = Card(result)
    rows = card.trend(card.metrics[0]) if card.metrics else pd.DataFrame()
    if len(rows) < 2:
        return Nothing()
    metric, name = card.metrics[0], METRIC_NAMES[card.metrics[0]]
    last, target = rows.iloc[-1], card.own.loc[metric, "target"]
    spread = f"{metric_score(metric, rows['score'].min())} and {metric_score(metric, rows['score'].max())}"
    title = _title_of_trend(card, metric, rows["score"])
    many = len(rows) > 2
    fewest, most = rows["n"].iloc[:-1].min(), rows["n"].iloc[:-1].max()
    others = (
        f"{fewest:,} in the other{'s' if many else ''}" if fewest == most else f"{fewest:,} to {most:,} in the others"
    )
    return Figure(
        key="trend",
        title=title,
        subtitle=f"{_measured(metric)}, by period, with 95% {'band' if many else 'interval'}"
        + ("" if pd.isna(target) else f"; target {metric_score(metric, target)} dashed")
        + ("; limits dotted" if has_limits(rows) else ""),
        draw=lambda width: plot_trend(result, width=width),
        name=f"{name} by period, {card.subject.full_name}",
        alt=f"{'Line with interval band' if many else 'Dots with intervals'} over {spelled(len(rows))} periods, "
        f"between {spread}. The latest, {result.study.periods.period(last['period']).label}, is "
        f"{metric_with_interval(metric, last['score'], last['ci_low'], last['ci_high'])}; the first was "
        f"{metric_score(metric, rows['score'].iloc[0])}.",
        how=how_of_limits(metric, rows) if many else "",
        caption=f"{count(last['n'])} in the latest period; {others}.{_gaps(card, metric)}",
        half=True,
    )


def _gaps(card: Card, metric: str) -> str:
    """How many periods are not shown, and those in which nobody was asked."""
    rows = card.result.trend
    rows = rows[rows["metric"] == metric]
    hidden = int((~is_shown(rows.loc[rows["n"] > 0, "score"])).sum())
    told = f" {as_subject(count(hidden, 'period'))} {'is' if hidden == 1 else 'are'} not shown." if hidden else ""
    unasked = dict.fromkeys(rows.loc[rows["question"] == "not_asked", "period"])
    names = [card.study.periods.period(period).label for period in unasked]
    return f"{told} Not asked in {joined(names, 4)}." if names else told


def _measured(metric: str) -> str:
    return f"{METRIC_NAMES[metric]}, points" if metric == "nps" else METRIC_NAMES[metric]


def _title_of_trend(card: Card, metric: str, scores: pd.Series) -> str:
    lead, name = card.own.loc[metric], METRIC_NAMES[metric]
    state, now = card.state(lead), metric_score(metric, scores.iloc[-1])
    if verb := card.verb(lead):
        return f"{name} {verb}{' slightly' if state.startswith('slightly') else ''} to {now} from {card.earlier}"
    if state == "steady":
        return f"{name} held steady at {now}, level with {card.earlier}"
    if len(scores) == 2:
        return f"{name} {metric_score(metric, scores.iloc[0])}, then {now}: we cannot tell if it moved"
    low, high = metric_score(metric, scores.min()), metric_score(metric, scores.max())
    return f"{name} ran between {low} and {high}" if low != high else f"{name} was {low} in every period"


def plot_trend(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Line with band, the last point larger and labelled, the target dashed."""
    card = Card(result)
    metric = card.metrics[0]
    rows = card.trend(metric)
    wide, scale = width == WIDE, 100 if metric == "csat" else 1
    score, low, high = (scale * rows[c].astype(float).to_numpy() for c in ("score", "ci_low", "ci_high"))
    at, end = np.arange(len(rows)), len(rows) - 0.7
    if ax is None:
        ax = new_axes(width, 250 if wide else 230, left=38, right=116 if wide else 14, top=18, bottom=30)
    target = card.own.loc[metric, "target"]
    limits = [scale * float(rows[c].iloc[-1]) for c in ("control_low", "control_high")] if has_limits(rows) else []
    around = [low.min(), high.max(), *([scale * target] if pd.notna(target) else []), *limits]
    y_low, y_high = charts.padded(min(around), max(around), 0.14)
    near = slice(-max(len(rows) // 2, 1), None)  # where narrow, the text lies over or under the later half of the band
    above = high[near].max() - high[-1] <= low[-1] - low[near].min()
    room = 0 if wide else 0.12 * (y_high - y_low)
    y_low, y_high = min(y_low, low[near].min() - room * (not above)), max(y_high, high[near].max() + room * above)
    ax.set_xlim(-0.3, end)
    ax.set_ylim(y_low, y_high)
    ax.grid(False)
    ax.grid(True, axis="y")
    state = card.state(card.own.loc[metric]) or ""
    colour = LIGHT["worse"] if "worse" in state else LIGHT["better"] if "better" in state else LIGHT["accent"]
    if len(rows) > 2:
        ax.fill_between(at, low, high, color=LIGHT["accent-soft"], lw=0, zorder=1)
        ax.plot(at, score, color=LIGHT["accent"], lw=2.2, zorder=3)
    else:  # two waves are two estimates, not a course
        ax.vlines(at, low, high, color=LIGHT["accent"], lw=2.6, zorder=3)
    for limit in limits:
        ax.axhline(limit, color=LIGHT["quiet"], lw=1.3, ls=(0, (1, 2.5)), zorder=2)
    out = np.flatnonzero(rows["signal"] != "")
    ax.plot(out, score[out], "D", ms=15, mfc="none", mec=LIGHT["ink"], mew=1.6, zorder=6, clip_on=False)
    ax.plot(at[:-1], score[:-1], "o", ms=6 if len(rows) > 2 else 9, color=LIGHT["accent"], zorder=4)
    ax.plot(at[-1:], score[-1:], "o", ms=10, color=colour, zorder=5)
    if pd.notna(target):
        ax.axhline(scale * target, color=LIGHT["ink"], lw=1.4, ls=(0, (3, 2)), zorder=2)
    if wide:
        _write_beside(ax, rows.iloc[-1], target, metric, scale, colour)
    else:
        text = metric_with_interval(metric, *rows[["score", "ci_low", "ci_high"]].iloc[-1])
        ax.annotate(text, (at[-1], high[near].max() if above else low[near].min()), (8, 11 if above else -11),
                    textcoords="offset points", ha="right", va="center", fontsize=14.5, fontweight=600,
                    color=colour)  # fmt: skip
    names = [result.study.periods.period(period).short for period in rows["period"]]
    room = ax.get_window_extent().width / (len(rows) - 0.4)
    step = int(np.ceil((max(text_width(name, 13.5) for name in names) + 8) / room))
    shown = at[::-1][::step][::-1] if wide or len(rows) <= 4 else at[[0, len(rows) // 2, -1]]  # the latest always
    ax.set_xticks(shown, [names[i] for i in shown])
    if not wide and len(rows) > 2:
        ax.get_xticklabels()[-1].set_ha("right")
    charts.plain_ticks(ax.yaxis, y_low, y_high, most=5, suffix="%" if scale == 100 else "")
    ax.tick_params(axis="y", labelcolor=LIGHT["quiet"], labelsize=13.5)
    return ax


def _write_beside(ax: Axes, last: pd.Series, target: float, metric: str, scale: float, colour: str) -> None:
    """The latest score with its interval at the right of the line, and the target, clear of it."""
    now, limits = metric_score(metric, last["score"]), metric_interval(metric, last["ci_low"], last["ci_high"])
    score = scale * last["score"]
    texts = [
        (now, score, (6, 0), {"fontsize": 17, "fontweight": 600, "color": colour}),
        (f"({limits})", score, (10 + text_width(now, 17, 600), 0), {"fontsize": 13.5, "color": LIGHT["quiet"]}),
    ]
    low, high = ax.get_ylim()
    if pd.notna(target):
        near, side = abs(scale * target - score) <= 0.09 * (high - low), 1 if scale * target >= score else -1
        y, up = (score, 19 * side) if near else (scale * target, 0)
        quiet = {"fontsize": 13.5, "color": LIGHT["quiet"]}
        texts.append((f"Target {metric_score(metric, target)}", y, (6, up), quiet))
    for text, y, offset, style in texts:
        ax.annotate(text, (ax.get_xlim()[1], y), offset, textcoords="offset points", va="center",
                    annotation_clip=False, **style)  # fmt: skip


def figure_segments(result: Guarded) -> Block:
    """Scores by group of customers; groups that clearly differ from the others stand out."""
    card = Card(result)
    rows = card.breakdowns(card.metrics[0], _MOST) if card.metrics else pd.DataFrame()
    if not len(rows):
        return Nothing()
    metric, name = card.metrics[0], METRIC_NAMES[card.metrics[0]]
    clear = rows[card.differs(rows)]
    if len(clear) == 1:
        one = clear.iloc[0]
        group = value_label(one["segment"], one["group"], result.study)  # as it is: it may be a name
        side = "below" if one["difference"] < 0 else "above"
        title = f"{label(one['segment'], result.study)}: {group} scores {side} the others on {name}"
    elif len(clear):
        title = f"{as_subject(spelled(len(clear)))} groups of customers differ on {name}"
    else:
        title = f"No group of customers clearly differs on {name}"
    order = rows["score"].astype(float)
    ends = [_spoken(rows.loc[at], metric, result) for at in (order.idxmin(), order.idxmax())]
    number_clear = f"{as_subject(spelled(len(clear)))} {'differs' if len(clear) == 1 else 'differ'}"
    return Figure(
        key="segments",
        title=title,
        subtitle=f"{name} by group of customers, with 95% interval",
        draw=lambda width: plot_segments(result, width=width),
        name=f"{name} by group of customers",
        alt=f"Dot and interval chart of {spelled(len(rows))} group{'s' if len(rows) > 1 else ''}. Lowest: {ends[0]}. "
        f"Highest: {ends[1]}. {number_clear} clearly from the others of its breakdown.",
        how="Filled dots differ clearly from the other groups of the same breakdown (adjusted test); hollow dots "
        f"cannot be told from them. The dashed line is {card.subject.name} as a whole.",
        caption=f"{count(card.own.loc[metric, 'n'])}, {card.subject.period}, {card.subject.full_name}. Groups with "
        f"fewer than {result.study.privacy.customer_min} answers are not shown.",
        half=True,
    )


def plot_segments(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Dots and intervals by group, one block per breakdown."""
    card = Card(result)
    metric = card.metrics[0]
    rows = card.breakdowns(metric, _MOST)
    wide, scale = width == WIDE, 100 if metric == "csat" else 1
    right = 128 if wide else 8
    room = NAME_WIDTH if wide else width - right - 110
    lines: list[tuple[str, pd.Series | None]] = []
    for segment, part in rows.groupby("segment", sort=False):
        heading = label(segment, result.study)
        lines.append((heading if wide else wrapped(heading, width - 16, 14, 600), None))
        lines += [(wrapped(value_label(segment, r["group"], result.study), room, 14), r) for _, r in part.iterrows()]
    single = 30 if wide else 44
    heights = [
        (34 if wide else 36) + 19 * (lines_of(text) - 1) if row is None else single + 19 * (lines_of(text) - 1)
        for text, row in lines
    ]
    starts = np.cumsum([0, *heights])
    left = max(text_width(text, 14, 600) for text, row in lines if wide and row is not None) + 16 if wide else 6
    if ax is None:
        ax = new_axes(width, starts[-1] + 38, left=left, right=right, top=6, bottom=32)
    limits = scale * rows[["ci_low", "ci_high"]].astype(float)
    low, high = charts.padded(limits["ci_low"].min(), limits["ci_high"].max(), 0.05)
    ax.set_xlim(low, high)
    ax.set_ylim(starts[-1], 0)
    ax.axvline(scale * float(card.own.loc[metric, "score"]), color=LIGHT["edge"], lw=1, ls=(0, (4, 3)), zorder=1)
    pixel = (high - low) / (width - left - right)
    clear = card.differs(rows)
    for (text, row), start, height in zip(lines, starts[:-1], heights, strict=True):
        middle = start + height / 2
        if row is None:
            x = low - (left - 2) * pixel if wide else low
            ax.text(x, middle + 4, text, va="center", fontsize=14, fontweight=600, clip_on=False)
            continue
        y = middle if wide else start + height - 13
        sure = clear[row.name]
        colour = LIGHT["accent"] if sure else LIGHT["unsure"]
        charts.draw_interval(ax, scale * row["ci_low"], scale * row["ci_high"], y, colour)
        charts.draw_dot(ax, scale * row["score"], y, hollow=not sure, colour=colour)
        told = metric_with_interval(metric, row["score"], row["ci_low"], row["ci_high"])
        if wide:
            ax.text(low - 12 * pixel, middle, text, va="center", ha="right", clip_on=False)
            ax.text(high + 16 * pixel, middle, told, va="center", clip_on=False)
        else:
            ax.text(low, y - 12, text, va="bottom", fontsize=14, linespacing=1.1)
            ax.text(high, y - 12, told, va="bottom", ha="right", fontsize=13.5, color=LIGHT["quiet"])
    ax.set_yticks([])
    charts.plain_ticks(ax.xaxis, low, high, most=5, suffix="%" if scale == 100 else "")
    return ax


def _spoken(row: pd.Series, metric: str, result: Guarded) -> str:
    group = value_label(row["segment"], row["group"], result.study)  # as it is: it may be a name
    told = metric_with_interval(metric, row["score"], row["ci_low"], row["ci_high"])
    return f"{in_sentence(label(row['segment'], result.study))} {group}, {told}"

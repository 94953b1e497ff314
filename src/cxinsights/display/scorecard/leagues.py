"""The scorecard's league: which units' differences are sure, and what each part makes of the change."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.blocks import Block, Column, Figure, Nothing, Table
from cxinsights.display.labels import NAME_WIDTH, Box, Label, lines_of, place_labels, text_width, wrapped
from cxinsights.display.numbers import MINUS, counts, metric_score, metric_with_interval, percent, signed
from cxinsights.display.scorecard.card import METRIC_NAMES, Card
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject, fitting, joined, spelled
from cxinsights.params import ALL
from cxinsights.privacy import Guarded, is_shown

__all__ = ["figure_league", "figure_limits", "plot_league", "plot_limits", "table_league", "table_split"]

_MOST = 24  # units in the figure; of more, those at either end whose half is sure
_ENDS = 10  # of them on each side at most
_GAP = 34
_WIDER = 1.05  # how much wider than chance's limits are before it is said


def figure_league(result: Guarded) -> Block:
    """Units by likely score with the ranks each may have."""
    card = Card(result)
    rows = _league(card)
    if len(rows) < 3:
        return Nothing()
    metric, name = card.metrics[0], METRIC_NAMES[card.metrics[0]]
    first, last = rows.iloc[0], rows.iloc[-1]
    left_out, shown, n = "", _ends(rows), int(first["n_ranked"])
    if len(shown) < len(rows):
        upper, lower = (int(sure.sum()) for sure in _sure(rows))
        left_out = f" {upper} of {n} units are surely in the upper half, {lower} in the lower. Drawn are the "
        left_out += f"{len(shown)} furthest out; the {len(rows) - len(shown)} between them stand in the table of ranks."
    return Figure(
        key="league",
        title=_title(card, rows),
        subtitle=f"{name} of each unit, drawn towards the average by how little is known of it, with 95% interval; "
        "at the right the ranks it may have",
        draw=lambda width: plot_league(result, width=width),
        name=f"Units by {name} and rank",
        alt=f"Dot and interval chart of {spelled(len(rows))} units. Highest: {_spoken(card, first, metric)}. "
        f"Lowest: {_spoken(card, last, metric)}.",
        how="The dot is the likely score, the ring the score as answered. Ranks that overlap may be the other way "
        "round the next time. Teal is surely in the upper half, brown in the lower; "
        "violet may be in either.",
        caption=f"{_bases(rows)}, {card.subject.period}.{left_out} Units of fewer than 30 answers are not ranked.",
    )


def figure_limits(result: Guarded) -> Block:
    """Scores by number of answers, and the limits within which units are like all others."""
    card = Card(result)
    rows = _league(card)
    if len(rows) < 5:
        return Nothing()
    name = METRIC_NAMES[card.metrics[0]]
    out = [_name(card, row) for _, row in rows.iterrows() if row["beyond"]]
    center, many = metric_score(card.metrics[0], float(rows["center"].iloc[0])), as_subject(spelled(len(out)))
    wider = float(np.sqrt(rows["overdispersion"].iloc[0]))
    usual = "what units usually differ by" if wider > _WIDER else "what chance explains"
    title = f"{many} of {len(rows)} units {'lies' if len(out) == 1 else 'lie'} outside {usual}"
    if not out:
        title = f"All {len(rows)} units lie within {usual}"
    chance = "998 in 1,000 units that are like all others lie between the lines"
    if wider > _WIDER:
        chance = f"the dotted lines hold 998 in 1,000 of units that differ by chance alone; units differ {wider:.1f} "
        chance += "times as much, so that only those beyond the full lines stand apart. Units outside the "
        chance += "full lines are named below" if len(rows) > _MOST else "dotted lines have their names"
    return Figure(
        key="limits",
        title=title,
        subtitle=f"{name} by number of answers, with the limits of {usual}",
        draw=lambda width: plot_limits(result, width=width),
        name=f"{name} by number of answers",
        alt=f"Scatter of {spelled(len(rows))} units around {center}, with limits that narrow as answers grow. "
        + (f"Outside: {joined(out, 6)}." if out else "None lies outside."),
        how=f"The more answers, the nearer to the average chance lets a unit lie: {chance}.",
        caption=f"{_bases(rows)}, {card.subject.period}. The middle line is {card.subject.name} as a whole, {center}.",
        lists=_outside(card, rows) if len(rows) > _MOST else (),
        half=True,
    )


def _outside(card: Card, rows: pd.DataFrame) -> list[tuple[str, list[tuple[str, str]]]]:
    """Units beyond the limits, by side: of many a drawing has no room for their names."""
    sides = (("Above the limits", "high"), ("Below the limits", "low"))
    named = {side: [("", _name(card, row)) for _, row in rows[rows["beyond"] == side].iterrows()] for _, side in sides}
    return [(words, named[side]) for words, side in sides if named[side]]


def plot_league(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Dots and intervals of likely scores, rings of answered ones, ranks at the right."""
    card = Card(result)
    every, metric = _league(card), card.metrics[0]
    rows = _ends(every)
    folded = len(every) - len(rows)
    upper = int((rows.index < len(every) / 2).sum())
    wide, scale = width == WIDE, 100 if metric == "csat" else 1
    ranks = [_ranks(row) for _, row in rows.iterrows()]
    right = 16 + max(text_width(text, 14) for text in [*ranks, "Rank"])
    room = NAME_WIDTH if wide else width - right - 12
    names = [wrapped(_name(card, row), room, 14) for _, row in rows.iterrows()]
    left = max(text_width(name, 14) for name in names) + 16 if wide else 6
    heights = [(30 if wide else 46) + 19 * (lines_of(name) - 1) for name in names]
    gap = _GAP if folded else 0
    tops = np.cumsum([24, *heights])
    starts = np.where(np.arange(len(tops)) >= upper, tops + gap, tops)  # room where the middle is left out
    if ax is None:
        ax = new_axes(width, starts[-1] + 38, left=left, right=right, top=6, bottom=32)
    values = scale * rows[["shrunken_low", "shrunken_high", "score"]].astype(float)
    low, high = charts.padded(values.min().min(), values.max().max(), 0.05)
    ax.set_xlim(low, high)
    ax.set_ylim(starts[-1], 0)
    ax.axvline(scale * float(rows["center"].iloc[0]), color=LIGHT["edge"], lw=1, ls=(0, (4, 3)), zorder=1)
    pixel = (high - low) / (width - left - right)
    quiet = {"fontsize": 13.5, "color": LIGHT["quiet"], "va": "center", "clip_on": False}
    ax.text(high + (right - 2) * pixel, 12, "Rank", ha="right", **quiet)
    for (_, row), name, rank, start, height in zip(rows.iterrows(), names, ranks, starts[:-1], heights, strict=True):
        y = start + height / 2 if wide else start + height - 13
        colour = _colour(row)
        charts.draw_interval(ax, scale * row["shrunken_low"], scale * row["shrunken_high"], y, colour)
        charts.draw_dot(ax, scale * row["score"], y, hollow=True, colour=LIGHT["unsure"], size=6)
        charts.draw_dot(ax, scale * row["shrunken"], y, colour=colour)
        if wide:
            ax.text(low - 12 * pixel, y, name, va="center", ha="right", clip_on=False)
        else:
            ax.text(low, y - 12, name, va="bottom", fontsize=14, linespacing=1.1)
        ax.text(high + (right - 2) * pixel, y, rank, va="center", ha="right", fontsize=14, clip_on=False)
    if folded:
        ax.text(low, tops[upper] + gap / 2, f"{folded} units between them", ha="left", **quiet)
    ax.set_yticks([])
    charts.plain_ticks(ax.xaxis, low, high, most=5, suffix="%" if scale == 100 else "")
    return ax


def plot_limits(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Scores by answers between limits."""
    card = Card(result)
    rows, metric = _league(card), card.metrics[0]
    wide, scale = width == WIDE, 100 if metric == "csat" else 1
    if ax is None:
        ax = new_axes(width, 330 if wide else 300, left=38, right=14, top=12, bottom=50)
    n = rows["n_effective"].to_numpy(float)
    score = scale * rows["score"].to_numpy(float)
    center = scale * float(rows["center"].iloc[0])
    half = (scale * rows["limit_high"].to_numpy(float) - center) * np.sqrt(n)  # the same for all
    across = np.linspace(max(n.min() * 0.7, 10), n.max() * 1.12, 200)
    limit = half.mean() / np.sqrt(across)
    y_low, y_high = charts.padded(min(score.min(), center - limit[0]), max(score.max(), center + limit[0]), 0.04)
    ax.set_xlim(0, across[-1])
    ax.set_ylim(y_low, y_high)
    ax.grid(False)
    ax.grid(True, axis="y")
    ax.axhline(center, color=LIGHT["edge"], lw=1, ls=(0, (4, 3)), zorder=1)
    wider = float(np.sqrt(rows["overdispersion"].iloc[0]))
    for side in (-1, 1):
        ax.plot(across, center + side * limit, color=LIGHT["quiet"], lw=1.4, zorder=2)
        if wider > _WIDER:
            ax.plot(across, center + side * limit / wider, color=LIGHT["quiet"], lw=1.2, ls=(0, (1, 2.5)), zorder=2)
    labels, taken = [], []
    ax.figure.canvas.draw()
    frame, crowded = ax.get_window_extent(), len(rows) > _MOST
    for (_, row), x, y in zip(rows.iterrows(), n, score, strict=True):
        colour = LIGHT[{"low": "worse", "high": "better"}.get(row["beyond"], "faint" if crowded else "accent")]
        charts.draw_dot(ax, x, y, colour=colour, size=5 if crowded and not row["beyond"] else 8)
        at = ax.transData.transform((x, y)) - (frame.x0, frame.y0)
        taken.append(Box(at[0] - 6, at[1] - 6, at[0] + 6, at[1] + 6))
        if not crowded and abs(y - center) > half.mean() / wider / np.sqrt(x):
            labels.append(Label(wrapped(_name(card, row), 0.55 * frame.width, 13.5), x, y, 13.5))
    place_labels(ax, labels, taken)
    charts.plain_ticks(ax.yaxis, y_low, y_high, most=5, suffix="%" if scale == 100 else "")
    charts.plain_ticks(ax.xaxis, 0, across[-1], most=5)
    ax.tick_params(axis="y", labelcolor=LIGHT["quiet"], labelsize=13.5)
    weighted = bool(result.scores["weighted"].any())
    ax.set_xlabel("Answers, allowing for their weights" if weighted else "Answers", labelpad=6)
    return ax


def table_league(result: Guarded) -> Block:
    """Likely scores, ranks and limits of all units and measures."""
    card = Card(result)
    if not len(result.league):
        return Nothing()
    rows, ranked = [], _league(card)
    alone = len(ranked) > _MOST and set(result.league["metric"]) - {card.metrics[0]}
    if not alone:
        ranked = result.league[is_shown(result.league["score"])]
    for _, one in ranked.iterrows():
        metric = one["metric"]
        rows.append([
            _name(card, one), METRIC_NAMES[metric],
            metric_with_interval(metric, one["score"], one["ci_low"], one["ci_high"]),
            metric_with_interval(metric, one["shrunken"], one["shrunken_low"], one["shrunken_high"]),
            percent(one["reliability"]), _ranks(one),
            metric_with_interval(metric, one["center"], one["limit_low"], one["limit_high"]),
            {"low": "below", "high": "above"}.get(one["beyond"], "no"), f"{one['n']:,}",
        ])  # fmt: skip
    names = ["Score (95% interval)", "Likely score (95%)", "Own share", "Rank", "Limits (99.8%)", "Beyond", "Answers"]
    return Table(
        "ranks",
        "Ranks of units and how sure they are",
        [Column("Unit", numeric=False), Column("Measure", numeric=False), *(Column(name) for name in names)],
        rows,
        note="The likely score is the unit’s own score and the average of all, by how much the unit’s answers say (own "
        "share; empirical Bayes, between-unit variance by REML). Ranks are simulated from it, the variance between "
        "units being as unknown as it is. Limits are those of a funnel plot, widened where units differ more than "
        "answers explain." + (" Ranks on the other measures are in the file league.csv." if alone else ""),
        on_paper=False,
    )


def table_split(result: Guarded) -> Block:
    """What each part makes of the change of the leading measure."""
    card = Card(result)
    mix = result.mix
    if not len(mix) or not card.metrics or card.comparison is None:
        return Nothing()
    metric = card.metrics[0]
    rows = mix[(mix["metric"] == metric) & (mix["compare_period"] == card.earlier_id)]
    if not len(rows) or not is_shown(rows["rate_part"]).all():
        return Nothing()
    rows = rows.assign(whole=rows[["rate_part", "mix_part", "both_part"]].astype(float).sum(axis=1))
    change = float(rows["whole"].sum())
    told = [_mix_line(card.name_of(one), one, metric) for _, one in rows.sort_values("whole").iterrows()]
    whole = rows[["rate_part", "mix_part", "both_part", "whole"]].astype(float).sum()
    total = [card.subject.name, "100%", "100%", *(_points(metric, value) for value in whole)]
    kind, name = card.kind_of_parts, METRIC_NAMES[metric]
    moved = float(_points(metric, change).replace(MINUS, "-")) != 0
    shifted = abs(float(whole["mix_part"] + whole["both_part"])) > 0.5 * abs(change)
    made = "mostly by other shares of answers" if shifted else "mostly by the scores themselves"
    return Table(
        "mix",
        f"What the {kind}s make of the change in {name}: {made}"
        if moved
        else f"What the {kind}s make of the change in {name}",
        [
            Column(as_subject(kind), numeric=False), Column("Share now"), Column("Share then"),
            Column("By its score"), Column("By its share"), Column("By both"), Column("In all"),
        ],
        [*told, total],
        subtitle=f"Points of the change since {card.earlier_label}, which they sum to",
        note=f"By its score: the {kind}’s own change times its earlier share of the answers, with 95% interval. By its "
        f"share: more or fewer answers of a {kind} that scored otherwise than the whole. Shares are of answers"
        f"{', weighted' if bool(result.scores['weighted'].any()) else ''}.",
        on_paper=False,
    )  # fmt: skip


def _league(card: Card) -> pd.DataFrame:
    """The units ranked by the leading measure, the highest likely score first."""
    rows = card.result.league
    if not len(rows) or not card.metrics:
        return rows.iloc[:0]
    rows = rows[(rows["metric"] == card.metrics[0]) & is_shown(rows["score"])]
    return rows.sort_values(["shrunken", "score"], ascending=False, kind="stable").reset_index(drop=True)


def _sure(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Which units are surely in the upper, and in the lower half of all that are ranked; a middle one is in neither."""
    half = rows["n_ranked"] // 2
    return rows["rank_high"] <= half, rows["rank_low"] > rows["n_ranked"] - half


def _ends(rows: pd.DataFrame) -> pd.DataFrame:
    """The units that are drawn: all, or of many those at either end whose half is sure, and always the last three."""
    if len(rows) <= _MOST:
        return rows
    upper, lower = (min(max(int(sure.sum()), 3), _ENDS) for sure in _sure(rows))
    return pd.concat([rows.iloc[:upper], rows.iloc[-lower:]])


def _title(card: Card, rows: pd.DataFrame) -> str:
    """Who is surely among the lowest or highest quarter, else half, of all."""
    n = len(rows)
    quarter = max(n // 4, 1)
    ends = f"in the {{}} {spelled(quarter)} of {n}" if quarter > 1 else f"the {{}} of {n}"
    for few, words, names in (
        (quarter, ends, ("lowest", "highest")),
        (n // 2, "in the {} half", ("lower", "upper")),
    ):
        low = [_name(card, row) for _, row in rows.iterrows() if row["rank_low"] > n - few]
        high = [_name(card, row) for _, row in rows.iterrows() if row["rank_high"] <= few]
        for found, end in ((low, names[0]), (high, names[1])):
            if found:
                many = f"{as_subject(spelled(len(found)))} units are surely {words.format(end)}"
                return fitting(f"{joined(found, 2)} {_is(found)} surely {words.format(end)}", many)
    return f"No rank of the {n} units is sure"


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _name(card: Card, row: pd.Series) -> str:
    """A unit, with its region where there are several."""
    own = card.name_of(row)
    several = card.params.region == ALL and len(card.study.regions) > 1
    return f"{own}, {card.study.label_of(row['region'], ALL)}" if several else own


def _ranks(row: pd.Series) -> str:
    low, high = int(row["rank_low"]), int(row["rank_high"])
    return f"{low}" if low == high else f"{low}\u00a0to\u00a0{high}"


def _colour(row: pd.Series) -> str:
    """Of units that are surely in the lower or upper half."""
    half = row["n_ranked"] // 2
    if row["rank_low"] > row["n_ranked"] - half:
        return LIGHT["worse"]
    return LIGHT["better"] if row["rank_high"] <= half else LIGHT["accent"]


def _spoken(card: Card, row: pd.Series, metric: str) -> str:
    likely = metric_with_interval(metric, row["shrunken"], row["shrunken_low"], row["shrunken_high"])
    return f"{_name(card, row)}, {likely}, rank {_ranks(row)} of {row['n_ranked']}"


def _bases(rows: pd.DataFrame) -> str:
    return f"{counts(rows['n'])} a unit"


def _points(metric: str, value: float) -> str:
    """A part of a change, with a decimal more than the change itself: parts are to be added up."""
    return signed(value, 2) if metric == "ces" else signed(100 * value if metric == "csat" else value, 1)


def _mix_line(name: str, one: pd.Series, metric: str) -> list[str]:
    value, low, high = (_points(metric, one[column]) for column in ("rate_part", "rate_low", "rate_high"))
    return [
        name, percent(one["share_now"]), percent(one["share_before"]), f"{value}\u00a0({low}\u00a0to\u00a0{high})",
        *(_points(metric, one[part]) for part in ("mix_part", "both_part", "whole")),
    ]  # fmt: skip

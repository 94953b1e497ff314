"""The scorecard's scores against what others give."""

from datetime import date

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.numbers import count, metric_change, metric_score, metric_with_interval
from cxinsights.display.scorecard.card import METRIC_NAMES, Card
from cxinsights.display.words import as_day, as_subject, fitting, joined
from cxinsights.params import ALL
from cxinsights.privacy import Guarded, is_shown

__all__ = ["table_benchmarks"]


def table_benchmarks(result: Guarded) -> Block:
    """Every score of the subject and its parts against the benchmarks of its place."""
    card = Card(result)
    rows = result.benchmarks
    rows = rows[rows["metric"].isin(card.metrics) & is_shown(rows["gap"])] if len(rows) else rows
    if not len(rows):
        return Nothing()
    rows = rows.assign(at=rows["metric"].map(card.metrics.index)).sort_values("at", kind="stable")
    several = len(rows["source"].drop_duplicates()) > 1
    return Table(
        "benchmarks",
        _title(card),
        [
            Column(f"{as_subject(card.kind_of_parts)} and measure", numeric=False) if card.params.unit == ALL
            else Column("Measure", numeric=False),
            Column("Score (95% interval)"), Column("Benchmark"), Column("Gap (95% interval)"), Column("Answers"),
        ],
        [_line(card, one, several) for _, one in rows.iterrows()],
        subtitle="Score less what others give",
        note=_note(card, rows),
    )  # fmt: skip


def _line(card: Card, one: pd.Series, several: bool) -> list[str]:
    metric = one["metric"]
    measure = METRIC_NAMES[metric]
    name = f"{card.name_of(one)}, {measure}" if card.params.unit == ALL else measure
    of = [one["source"]] if several else []
    if one["benchmark_period"] != card.params.period:
        of.append(card.study.periods.period(one["benchmark_period"]).label)
    against = metric_score(metric, one["benchmark"])
    value, limits = metric_change(metric, one["gap"], one["gap_low"], one["gap_high"], _clear(one))
    return [
        name, metric_with_interval(metric, one["score"], one["ci_low"], one["ci_high"]),
        f"{against} ({', '.join(of)})" if of else against, f"{value}\u00a0({limits})", f"{one['n']:,}",
    ]  # fmt: skip


def _clear(one: pd.Series) -> str | None:
    """A state by which the gap is written with the decimals that show it."""
    return "better" if one["gap_low"] > 0 or one["gap_high"] < 0 else None


def _title(card: Card) -> str:
    """Where the subject itself stands to its benchmarks, measure by measure."""
    sides: dict[str, list[str]] = {}
    for metric in card.metrics:
        found = card.benchmark(card.own.loc[metric])
        if found is not None:
            side = "above" if found["gap_low"] > 0 else "below" if found["gap_high"] < 0 else "level"
            sides.setdefault(side, []).append(METRIC_NAMES[metric])
    told = [f"{joined(sides[side])} {side}" for side in ("below", "above") if side in sides]
    if not told:
        return "Against benchmarks: none clearly above or below" if sides else "Against benchmarks"
    return fitting(f"Against benchmarks: {', '.join(told)}", "Against benchmarks")


def _note(card: Card, rows: pd.DataFrame) -> str:
    sources = []
    for one in rows.drop_duplicates(["source", "date", "base", "n_base"]).itertuples():
        day = [as_day(date.fromisoformat(one.date))] if one.date else []
        n = [count(one.n_base)] if pd.notna(one.n_base) else []
        sources.append(f"{one.source} ({'; '.join([*day, *([one.base] if one.base else []), *n])})")
    told = [f"{'Benchmarks' if len(sources) > 1 else 'Benchmark'}: {joined(sources)}."]
    if (rows["benchmark_period"] != card.params.period).any():
        told.append("Where there is none of the period, the latest before it, which is named beside it.")
    both = rows[rows["allows_for"] == "both"]
    if len(both) == len(rows):
        told.append("The interval of a gap allows for the error of score and benchmark.")
    elif len(both):
        names = joined([METRIC_NAMES[name] for name in dict.fromkeys(both["metric"])])
        told.append(
            f"The interval of a gap allows for the benchmark’s own error in {names}; others are taken as exact."
        )
    else:
        told.append("The interval is that of the score: benchmarks are taken as exact.")
    return " ".join(told)

"""The driver report's gaps: experience against what customers expect, what is aimed at, and what others give."""

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.numbers import number, with_interval
from cxinsights.display.words import as_subject, fitting, in_sentence, joined, spelled
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import label, value_label

__all__ = ["table_gaps"]

_KINDS = {"expectation": "what customers expect", "target": "its target", "benchmark": "the benchmark"}
"""What a rating may be held against, the most telling first, and how titles say it."""
_CLEAR = 0.05


def table_gaps(result: Guarded) -> Block:
    """Experience of each touch-point against expectation, target and benchmark, the widest gap of each kind first."""
    frame = result.gaps[is_shown(result.gaps["gap"])] if len(result.gaps) else result.gaps
    if not len(frame):
        return Nothing()
    kinds = [kind for kind in _KINDS if (frame["against"] == kind).any()]
    order = frame.assign(kind=frame["against"].map(kinds.index)).sort_values(["kind", "gap"], kind="stable")
    rows = [
        [
            label(one.touchpoint, result.study),
            f"{value_label('against', one.against).lower()} {number(one.standard, 1)}",
            number(one.experience, 1),
            with_interval(one.gap, one.gap_low, one.gap_high, 1, with_sign=True),
            _verdict(one),
            f"{one.n:,}",
        ]
        for one in order.itertuples()
    ]
    names = ["Experienced", "Gap (95% interval)", "Verdict", "Answers"]
    return Table(
        "gaps",
        _title(result, frame, kinds),
        [Column("Touch-point", numeric=False), Column("Against", numeric=False), *(Column(name) for name in names)],
        rows,
        subtitle="Experience less what it is held against, mean ratings",
        note=_note(frame, kinds),
        folded=False,
    )


def _verdict(one) -> str:
    if not one.p_adjusted < _CLEAR:
        return "cannot tell"
    return "short" if one.gap < 0 else "above"


def _title(result: Guarded, frame: pd.DataFrame, kinds: list[str]) -> str:
    for kind in kinds:
        own = frame[frame["against"] == kind].sort_values("gap", kind="stable")
        short = own[[_verdict(one) == "short" for one in own.itertuples()]]
        if len(short):
            name = in_sentence(label(short["touchpoint"].iloc[0], result.study))
            furthest = "falls furthest short of" if len(short) > 1 else "falls short of"
            of = _KINDS[kind]
            counted = f"{spelled(len(short))} ratings fall short of {of}"
            return as_subject(fitting(f"{name} {furthest} {of}", counted))
    return f"No rating falls clearly short of {joined([_KINDS[kind] for kind in kinds])}"


def _note(frame: pd.DataFrame, kinds: list[str]) -> str:
    told = []
    if "expectation" in kinds:
        told.append(
            "The gap to what customers expect is the difference of the means of all who answered each; a difference "
            "of two ratings is less reliable than either."
        )
    for kind in ("target", "benchmark"):
        own = frame[frame["against"] == kind]
        if kind in kinds:
            sources = own[["source", "date", "base"]].fillna("").drop_duplicates().itertuples(index=False)
            places = joined([f"{one.source} ({one.date}; {one.base})" for one in sources])
            told.append(f"{value_label('against', kind)}: {places}.")
    if {"target", "benchmark"} & {*kinds}:
        told.append("Targets and benchmarks are taken as exact.")
    told.append("Verdicts: at 5%, all touch-points of a kind together (Benjamini–Hochberg).")
    return " ".join(told)

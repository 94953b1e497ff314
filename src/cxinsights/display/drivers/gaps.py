"""The driver report's gaps: experience against what customers expect, what is aimed at, and what others give."""

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.numbers import DASH, number, with_interval
from cxinsights.display.words import as_subject, fitting, in_sentence, joined, spelled
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import label

__all__ = ["table_gaps"]

_KINDS = {"expectation": "what customers expect", "target": "its target", "benchmark": "the benchmark"}
"""What a rating may be held against, the most telling first, and how titles say it."""
_HEADS = {"expectation": "Expected", "target": "Target", "benchmark": "Benchmark"}
_CLEAR = 0.05


def table_gaps(result: Guarded) -> Block:
    """Experience of each touch-point against expectation, target and benchmark."""
    if not len(result.gaps):
        return Nothing()
    frame = result.gaps[is_shown(result.gaps["gap"])]
    if not len(frame):
        return Nothing()
    kinds = [kind for kind in _KINDS if (frame["against"] == kind).any()]
    by = frame.set_index(["touchpoint", "against"])
    order = frame.sort_values("gap", kind="stable")["touchpoint"].drop_duplicates()
    return Table(
        "gaps",
        _title(result, frame, kinds),
        [
            Column("Touch-point", numeric=False),
            Column("Experienced"),
            *(Column(text) for kind in kinds for text in (_HEADS[kind], f"Gap to {kind}")),
            Column("Clearly short of", numeric=False),
            Column("Answers"),
        ],
        [_row(result, name, {kind: by.loc[(name, kind)] for kind in kinds if (name, kind) in by.index}, kinds)
         for name in order],
        subtitle="Experience less what it is held against, mean ratings with 95% intervals",
        note=_note(result, frame, kinds),
        folded=False,
    )  # fmt: skip


def _row(result: Guarded, name: str, own: dict[str, pd.Series], kinds: list[str]) -> list[str]:
    first = next(iter(own.values()))
    cells = [label(name, result.study), number(first["experience"], 1)]
    for kind in kinds:
        one = own.get(kind)
        cells += [DASH, DASH] if one is None else [
            number(one["standard"], 1), with_interval(one["gap"], one["gap_low"], one["gap_high"], 1, with_sign=True)
        ]  # fmt: skip
    short = [kind for kind, one in own.items() if _is_short(one)]
    return [*cells, joined(short) or "nothing", f"{first['n']:,}"]


def _is_short(one: pd.Series) -> bool:
    return bool(one["gap"] < 0 and one["p_adjusted"] < _CLEAR)


def _title(result: Guarded, frame: pd.DataFrame, kinds: list[str]) -> str:
    for kind in kinds:
        own = frame[frame["against"] == kind].sort_values("gap", kind="stable")
        short = own[[_is_short(one) for _, one in own.iterrows()]]
        if len(short):
            name = in_sentence(label(short["touchpoint"].iloc[0], result.study))
            furthest = "falls furthest short of" if len(short) > 1 else "falls short of"
            of = _KINDS[kind]
            counted = f"{spelled(len(short))} ratings fall short of {of}"
            return as_subject(fitting(f"{name} {furthest} {of}", counted))
    return f"No rating falls clearly short of {joined([_KINDS[kind] for kind in kinds])}"


def _note(result: Guarded, frame: pd.DataFrame, kinds: list[str]) -> str:
    told = []
    if "expectation" in kinds:
        told.append(
            "Where the same people answered both, the gap to what they expect is the mean of their own differences; a "
            "difference of two ratings is less reliable than either."
        )
    for kind in ("target", "benchmark"):
        own = frame[frame["against"] == kind]
        if kind in kinds:
            sources = own[["source", "date", "base"]].fillna("").drop_duplicates().itertuples(index=False)
            places = joined([f"{one.source} ({one.date}; {one.base})" for one in sources])
            told.append(f"{_HEADS[kind]}: {places}.")
    if {"target", "benchmark"} & {*kinds}:
        told.append("Targets and benchmarks are taken as exact.")
    told.append("Clearly: at 5%, all touch-points together (Benjamini–Hochberg).")
    return " ".join(told)

"""The scorecard's breakdowns as tables: groups of customers, and the contacts that people were asked about."""

import pandas as pd

from cxinsights.analysis.baseline import CONTACTS
from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.numbers import DASH, metric_change, metric_with_interval, p_text, plain
from cxinsights.display.scorecard.card import METRIC_NAMES, Card
from cxinsights.display.words import as_subject, fitting, in_sentence, joined, spelled
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.schemas.columns import label, value_label

__all__ = ["table_contacts", "table_segments"]

_NAMES = ["Score (95% interval)", "From the others", "p adjusted", "Answers"]
_METRICS = list(METRIC_NAMES)


def table_segments(result: Guarded) -> Block:
    """All groups of customers and measures of the page's survey."""
    rows = result.segments
    rows = rows[(rows["survey"] == result.params.survey) & ~rows["segment"].isin(CONTACTS)] if len(rows) else rows
    if not len(rows):
        return Nothing()
    return Table(
        "groups",
        "All groups of customers as a table",
        [Column("Group", numeric=False), Column("Measure", numeric=False), *(Column(name) for name in _NAMES)],
        [[_group(result, one), METRIC_NAMES[one.metric], *_told(one)] for one in rows.itertuples()],
        note="Each group is compared with the other groups of its breakdown; p is adjusted (Benjamini–Hochberg) among "
        "all groups of all units for the same measure.",
    )


def table_contacts(result: Guarded) -> Block:
    """Touch-points and channels of every kind of survey, each against the others of the same survey."""
    card = Card(result)
    rows = result.segments
    rows = rows[rows["segment"].isin(CONTACTS)] if len(rows) else rows
    if not len(rows):
        return Nothing()
    kinds, surveys = [name for name in CONTACTS if (rows["segment"] == name).any()], list(result.study.surveys)

    def place(at: int) -> tuple:
        one = rows.iloc[at]
        group = card.place_of(one["segment"], one["group"])
        return surveys.index(one["survey"]), kinds.index(one["segment"]), group, _METRICS.index(one["metric"])

    rows = rows.iloc[sorted(range(len(rows)), key=place)]
    first, *others = [label(name, result.study) for name in kinds]
    return Table(
        "contacts",
        _title(card, rows, kinds),
        [
            Column(" or ".join([first, *(in_sentence(name) for name in others)]), numeric=False),
            Column("Survey and measure", numeric=False), *(Column(name) for name in _NAMES),
        ],
        [
            [
                _group(result, one), f"{as_subject(result.study.surveys[one.survey])}, {METRIC_NAMES[one.metric]}",
                *_told(one),
            ]
            for one in rows.itertuples()
        ],
        note="Kinds of survey are never pooled: each group is compared with the others of its own survey; p is "
        "adjusted (Benjamini–Hochberg) among all groups of all units for the same survey and measure.",
    )  # fmt: skip


def _group(result: Guarded, one) -> str:
    return f"{label(one.segment, result.study)}: {value_label(one.segment, one.group, result.study)}"


def _told(one) -> list[str]:
    """Score, difference, test and base."""
    told = [plain(one.score), DASH, DASH]
    if not isinstance(one.score, Suppressed):
        told = [metric_with_interval(one.metric, one.score, one.ci_low, one.ci_high), "not tested", DASH]
        if pd.notna(one.difference):
            value, limits = metric_change(one.metric, one.difference, one.diff_low, one.diff_high)
            told[1:] = [f"{value}\u00a0({limits})", p_text(one.p_adjusted)]
    return [*told, f"{one.n:,}"]


def _title(card: Card, rows: pd.DataFrame, kinds: list[str]) -> str:
    by = f"By {joined([in_sentence(label(name, card.study)) for name in kinds])}"
    rows = rows[is_shown(rows["score"])]
    clear = rows[card.differs(rows)]
    if not len(clear):
        return f"{by}: no clear difference"
    several = f"{by}: {spelled(len(clear))} clear differences"
    if len(clear) > 1:
        return several
    one = clear.iloc[0]
    side = "below" if one["difference"] < 0 else "above"
    name = in_sentence(value_label(one["segment"], one["group"], card.study))
    return fitting(f"{by}: {name} {side} the others on {METRIC_NAMES[one['metric']]}", f"{by}: one clear difference")

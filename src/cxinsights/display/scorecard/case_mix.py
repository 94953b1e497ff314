"""The scorecard's adjusted scores: what parts would score if their customers were mixed as all are."""

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.numbers import metric_change, metric_score, metric_with_interval
from cxinsights.display.scorecard.card import METRIC_NAMES, Card
from cxinsights.display.words import as_subject, fitting, in_sentence, joined
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import label

__all__ = ["table_case_mix"]


def table_case_mix(result: Guarded) -> Block:
    """Adjusted scores beside those as answered."""
    card = Card(result)
    rows = result.case_mix
    rows = rows[rows["metric"].isin(card.metrics) & is_shown(rows["adjusted"])] if len(rows) else rows
    if not len(rows):
        return Nothing()
    rows = rows.assign(at=rows["metric"].map(card.metrics.index)).sort_values("at", kind="stable")
    kind = card.kind_of_parts
    names = ["Score (95% interval)", "Expected of its customers", "Adjusted (95% interval)", "Answers"]
    return Table(
        "case_mix",
        _title(card, rows),
        [Column(f"{as_subject(kind)} and measure", numeric=False), *(Column(name) for name in names)],
        [_line(card, one) for _, one in rows.iterrows()],
        subtitle=f"As answered, and if customers were mixed as the whole company’s are by {_covariates(card)}",
        note=_note(card, rows),
        on_paper=False,
    )


def _line(card: Card, one: pd.Series) -> list[str]:
    metric = one["metric"]
    return [
        f"{card.name_of(one)}, {METRIC_NAMES[metric]}",
        metric_with_interval(metric, one["score"], one["ci_low"], one["ci_high"]),
        metric_score(metric, one["expected"], 2 if metric == "ces" else 1),
        metric_with_interval(metric, one["adjusted"], one["adj_low"], one["adj_high"]),
        f"{one['n']:,}",
    ]


def _covariates(card: Card) -> str:
    return joined([in_sentence(label(name, card.study)) for name in card.study.scores.case_mix])


def _title(card: Card, rows: pd.DataFrame) -> str:
    """By how much the leading measure moves."""
    by, metric = f"Adjusted for {_covariates(card)}", rows["metric"].iloc[0]
    moved = (rows["adjusted"] - rows["score"]).astype(float)[rows["metric"] == metric].abs().max()
    most = metric_change(metric, moved, 0, 0)[0].lstrip("+")
    if most in ("0", "0.0"):
        return fitting(f"{by}: {METRIC_NAMES[metric]} hardly moves", by)
    points = "point" if most == "1" else "points"
    return fitting(f"{by}: {METRIC_NAMES[metric]} moves by {most} {points} at most", by)


def _note(card: Card, rows: pd.DataFrame) -> str:
    overall = [
        f"{METRIC_NAMES[metric]} {metric_score(metric, own['overall'].iloc[0])}"
        for metric, own in rows.groupby("metric", sort=False)
    ]
    return (
        "Expected is what customers of the same mix give on average in the whole company, by one model of all answers "
        "(linear; of shares, logit). Adjusted is the score, less what is expected, plus the company’s "
        f"({joined(overall)}). It takes out what is named and nothing else: read it beside the score, not instead. "
        f"Fewer than {card.study.scores.min_base} answers are not adjusted."
    )

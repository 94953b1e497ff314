"""The units of a large region or company: those that moved, then all by region, to be searched and sorted."""

from collections.abc import Sequence

import pandas as pd

from cxinsights.display.blocks import Block, Nothing, ScoreCell
from cxinsights.display.listing import ListedUnit, UnitList, UnitSection
from cxinsights.display.numbers import count, metric_with_interval
from cxinsights.display.scorecard.card import BETTER, METRIC_NAMES, WORSE, Card
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.params import ALL
from cxinsights.privacy import Guarded, is_shown

__all__ = ["list_units"]

Part = tuple[str, pd.DataFrame]


def list_units(result: Guarded) -> Block:
    """All units under the subject, where they are too many for a table; what moved comes first."""
    card = Card(result)
    if not card.many or not card.metrics:
        return Nothing()
    metric, several = card.metrics[0], len(result.units) > 0
    found = {(rows.iloc[0]["region"], rows.iloc[0]["unit"]): (name, rows) for name, rows in card.many}
    order = sorted(found, key=lambda place: card.rank_of_news(*found[place]))
    sections = []
    news = [place for place in order if card.moved(found[place][1])]
    if several and news:
        rows = [_listed(card, found[place], region=place[0]) for place in news]
        sections.append(UnitSection("What moved", _told(card, [found[p] for p in news]), rows, opened=True, news=True))
    for region in dict.fromkeys(card.study.regions):
        here = [found[place] for place in order if place[0] == region]
        if here:
            name = card.study.region(region).label if several else "All units"
            text = f"{count(len(here), 'unit')}: {_told(card, here)}"
            sections.append(UnitSection(name, text, [_listed(card, one) for one in here], opened=not several))
    others = [METRIC_NAMES[name] for name in card.metrics[1:]]
    own = card.own.loc[metric]
    stands = ""
    if is_shown(pd.Series([own["score"]])).all():
        told = metric_with_interval(metric, own["score"], own["ci_low"], own["ci_high"])
        stands = f"; {card.subject.name} as a whole: {told}"
    moved = f"{as_subject(spelled(len(news)))} of {len(found)} units moved on some measure"
    kept = f"The page itself lists all {len(found)} units, to be searched and sorted."
    return UnitList(
        key="all-units",
        title=moved if news else f"None of the {len(found)} units clearly moved",
        subtitle=f"{METRIC_NAMES[metric]} with 95% interval{stands}; {card.subject.period}"
        + (f"; change since {card.earlier_label}" if card.comparison else ""),
        measure=METRIC_NAMES[metric],
        compared="Change",
        others=f"Moved on {joined(others).replace(' and ', ' or ')}" if others else "",
        sections=sections,
        how=f"Within each section what moved stands first, the largest fall before all. {METRIC_NAMES[metric]} leads"
        + (f"; {joined(others)} are named where they moved." if len(others) > 1 else "."),
        caption=f"Not shown: fewer than {card.study.privacy.customer_min} answers. Source: "
        f"{card.study.surveys.get(card.params.survey, 'survey')}, {card.subject.period}.",
        on_paper=kept,
    )


def _listed(card: Card, part: Part, region: str = ALL) -> ListedUnit:
    name, rows = part
    metric, moved = card.metrics[0], card.moved(rows)
    others = card.result.units if len(card.result.units) else card.result.parts
    cell = ScoreCell(metric, shown=False, instead="No answers")
    if metric in rows.index:
        cell = card.cell(rows.loc[metric], metric, others)
    base = count(rows.loc[metric, "n"]) if metric in rows.index else ""
    where = f"{card.study.region(region).label}, " if region != ALL else ""
    also = [(METRIC_NAMES[m], state) for m, state in moved.items() if m != metric]
    return ListedUnit(name, where + base, card.link(rows), cell, card.leading_change(rows), also)


def _told(card: Card, parts: Sequence[Part]) -> str:
    """How many moved which way on any measure, and how many stand."""
    counts = dict.fromkeys(("worse", "better", "cannot tell", "steady", "not tested"), 0)
    for _, rows in parts:
        states = {*card.states_of(rows).values()}
        kinds = {"worse": states & {*WORSE}, "better": states & {*BETTER}, "cannot tell": "cannot_tell" in states,
                 "steady": states, "not tested": True}  # fmt: skip
        counts[next(kind for kind, holds in kinds.items() if holds)] += 1
    return in_sentence(", ".join(f"{n} {kind}" for kind, n in counts.items() if n))

"""Units that got worse, the gravest first, each with what fell with it: where a reader looks first."""

import pandas as pd

from cxinsights.display.blocks import Block, Nothing
from cxinsights.display.findings import Finding, Findings
from cxinsights.display.numbers import metric_change, metric_score
from cxinsights.display.rating_words import fallen_ratings
from cxinsights.display.scorecard.card import METRIC_NAMES, WORSE, Card
from cxinsights.params import ALL
from cxinsights.privacy import Guarded, is_shown

__all__ = ["list_falls"]

MOST = 5
"""Units that are told; the others that moved stand in the tables below."""


def list_falls(result: Guarded) -> Block:
    """Units of a region or the company that clearly got worse, with the ratings that fell with them."""
    card = Card(result)
    if card.params.unit != ALL or not card.metrics:
        return Nothing()
    worse = [one for one in card.news if set(card.moved(one[1]).values()) & {*WORSE}]
    if not worse:
        return Nothing()
    entries = [Finding(_place(card, *one), _told(card, one[1]), card.link(one[1])) for one in worse[:MOST]]
    left = f"The first {MOST} of {len(worse)} that got worse. " if len(worse) > MOST else ""
    note = f"{left}Change on {card.earlier}, with 95% interval. Timing alone is not proof of cause."
    return Findings("Where to look first", entries, key="falls", by_report=True, note=note)


def _place(card: Card, name: str, part: pd.DataFrame) -> str:
    """A unit's name, with its region where the page holds several."""
    return f"{name}, {card.study.region(part['region'].iloc[0]).label}" if len(card.result.units) else name


def _told(card: Card, part: pd.DataFrame) -> str:
    moves = []
    for metric, state in card.moved(part).items():
        row, change = part.loc[metric], card.change(part.loc[metric])
        size, limits = metric_change(metric, change["change"], change["ci_low"], change["ci_high"], state)
        moves.append(f"{METRIC_NAMES[metric]} {metric_score(metric, row['score'])}, {size}\u00a0({limits})")
    ratings, fell = card.result.ratings, ""
    if len(ratings):
        here = (ratings["region"] == part["region"].iloc[0]) & (ratings["unit"] == part["unit"].iloc[0])
        here &= (ratings["against"] == card.comparison) & is_shown(ratings["difference"])
        fell = fallen_ratings(ratings[here], card.study)
    return f"{'; '.join(moves)}." + (f" Ratings that fell meanwhile: {fell}." if fell else "")

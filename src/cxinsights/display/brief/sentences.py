"""The brief's headline: the leading score and its state, then what stands out most."""

import pandas as pd

from cxinsights.analysis.brief import NO_SCORECARD
from cxinsights.display.blocks import Headline
from cxinsights.display.numbers import metric_score
from cxinsights.display.rating_words import fallen_ratings
from cxinsights.display.scorecard.card import METRIC_NAMES, WORSE, Card
from cxinsights.display.scorecard.sentences import headline_scorecard
from cxinsights.display.subject import Subject
from cxinsights.display.words import fitting, in_sentence, joined, possessive
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.schemas.columns import label, value_label

__all__ = ["headline_brief", "low_ratings"]

_NOT_PROOF = "Timing alone is not proof of cause."


def headline_brief(result: Guarded, scorecard: Guarded) -> Headline:
    """Where the unit stands and what stands out; then the number, and what fell beside it."""
    subject = Subject.of(result.params, result.study, "Brief")
    if result.reason == NO_SCORECARD:
        why = "Its scorecard has not been made. A brief comes after the unit's other reports: make reports."
        return Headline(subject.kicker, f"{subject.name} has no brief yet", why)
    said = headline_scorecard(scorecard)
    if result.status != "ok":
        return Headline(subject.kicker, said.title, said.lead)
    card = Card(scorecard)
    title = _title(result, card, said.title) if card.metrics else said.title
    return Headline(subject.kicker, title, " ".join([said.lead, *_fell_with(result, card)]))


def low_ratings(result: Guarded, against: str) -> pd.DataFrame:
    """Reasons that are ratings clearly under the rest's, or their own of an earlier period, the first first."""
    rows = result.reasons
    if not len(rows):
        return rows
    return rows[(rows["found"] == "rating") & (rows["against"] == against) & is_shown(rows["difference"])]


def _title(result: Guarded, card: Card, said: str) -> str:
    """The scorecard's title, then what stands out most, where both fit."""
    low, fell = (
        [in_sentence(label(name, result.study)) for name in rows.get("name", [])]
        for rows in (low_ratings(result, "rest"), _fallen(result, card))
    )
    if fell:
        tails = [f"down too: {joined(fell)}", f"down most: {fell[0]}"]
    elif len(result.steps) and result.steps["found"].iloc[0] == "step":
        stage = in_sentence(value_label("stage", result.steps["name"].iloc[0], result.study))
        tails = [f"fewer go on to {stage} than elsewhere"]
    else:
        tails = [f"rated low: {joined(low[:most])}" for most in (3, 2, 1) if low]
    metric = card.metrics[0]
    own = card.own.loc[metric]
    short = f"{possessive(card.subject.name)} {METRIC_NAMES[metric]} is {metric_score(metric, own['score'])}"
    leads = [said] if card.verb(own) or isinstance(own["score"], Suppressed) else [said, short]
    return fitting(*(f"{lead}; {tail}" for tail in tails for lead in leads), said)


def _fallen(result: Guarded, card: Card) -> pd.DataFrame:
    """Reasons that are ratings which fell as the score did, the furthest first; none where it did not for the worse."""
    own = card.own.loc[card.metrics[0]] if card.metrics else None
    if own is None or card.verb(own) != "fell" or card.state(own) not in WORSE:
        return pd.DataFrame()
    fallen = low_ratings(result, card.comparison or "")
    return fallen.sort_values("difference", kind="stable") if len(fallen) else fallen


def _fell_with(result: Guarded, card: Card) -> list[str]:
    fallen = _fallen(result, card)
    if not len(fallen):
        return []
    told = fallen_ratings(fallen.rename(columns={"name": "driver"}), result.study)
    return [f"Ratings that fell meanwhile: {told}. {_NOT_PROOF}"]

"""Names and facts that the driver report's parts share."""

import pandas as pd

from cxinsights.display.numbers import count
from cxinsights.display.subject import Subject
from cxinsights.display.words import in_sentence
from cxinsights.params import Study
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import column, label

__all__ = ["base_of", "is_fitted", "leaders_of", "outcome_name", "placed", "scale_of"]


def is_fitted(result: Guarded) -> bool:
    """Whether there is a regression of the report's own to show."""
    return result.status == "ok"


def leaders_of(result: Guarded) -> list[str]:
    """Drivers that cannot be told apart from the first, first included; none where all tie or all are noise."""
    frame = result.importance
    if frame["under_floor"].all() or (len(frame) > 1 and frame["letters"].str.contains(frame["letters"].iloc[0]).all()):
        return []
    top = set(frame["letters"].iloc[0])
    return [d for d, letters in zip(frame["driver"], frame["letters"], strict=True) if top & set(letters)]


def placed(result: Guarded) -> pd.DataFrame:
    """Drivers with an importance and a shown score, most important first."""
    return result.priority[is_shown(result.priority["performance"])].reset_index(drop=True)


def base_of(result: Guarded) -> str:
    """Answers, period and subject, as captions say it."""
    subject = Subject.of(result.params, result.study, "Drivers")
    n = result.summary["n"].iloc[0] if len(result.summary) else 0
    return f"{count(n)}, {subject.period}, {subject.full_name}."


def outcome_name(result: Guarded) -> str:
    """The outcome inside a sentence."""
    outcome = result.params.outcome
    return "NPS" if outcome == "nps" else in_sentence(label(outcome, result.study))


def scale_of(rating: str, study: Study) -> str:
    """Ends of a rating's scale: 1 to 10."""
    spec = column(rating, study)
    return f"{spec.min:g} to {spec.max:g}"

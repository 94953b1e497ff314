"""Names and facts that the driver report's parts share."""

import numpy as np
import pandas as pd

from cxinsights.display.numbers import count, decimals_for, percent, share_text, with_interval
from cxinsights.display.subject import Subject
from cxinsights.display.words import in_sentence
from cxinsights.params import Study
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import column, label

__all__ = [
    "aim_text", "base_of", "borrowed_note", "change_text", "counted", "drawn_as", "ends_of", "explained",
    "is_borrowed", "is_fitted", "is_linear", "judged_by", "leaders_of", "outcome_digits", "outcome_name",
    "outcome_scale", "placed", "r_squared", "scale_of", "surely_weak", "tied_first",
]  # fmt: skip


def is_fitted(result: Guarded) -> bool:
    """Whether there is a regression of the report's own to show."""
    return result.status == "ok"


def is_borrowed(result: Guarded) -> bool:
    """Whether a part of the regression is the pattern common to all units."""
    return is_fitted(result) and result.summary["borrowed"].iloc[0] > 0


def drawn_as(result: Guarded) -> str:
    """What intervals are drawn from, as captions say it."""
    return "draws from the posterior" if is_borrowed(result) else "bootstrap samples of customers"


def leaders_of(result: Guarded) -> list[str]:
    """Drivers that cannot be told apart from the first, first included.

    None where all tie, where all are noise, or where one between them differs from the first: there is no leading
    group to name.
    """
    frame, tied = result.importance, tied_first(result)
    count = int(tied.sum())
    no_group = not tied[:count].all() or count == len(frame) > 1 or frame["under_floor"].all()
    return [] if no_group else frame["driver"].iloc[:count].tolist()


def tied_first(result: Guarded) -> np.ndarray:
    """Whether each driver cannot be told apart from the first, which itself is among them."""
    letters = result.importance["letters"].map(set)
    return np.array([bool(letters.iloc[0] & own) for own in letters])


def surely_weak(result: Guarded) -> list[str]:
    """Drivers that are surely both important and weak, most important first."""
    frame = placed(result)
    return frame.loc[(frame["quarter"] == "work_on_first") & frame["certain"].astype(bool), "driver"].tolist()


def judged_by(result: Guarded) -> str:
    """What a borrowed pattern is mostly of, as the beginning of a sentence; empty where it is the place's own."""
    if not is_borrowed(result):
        return ""
    return f"judged {'mostly' if result.summary['borrowed'].iloc[0] >= 0.5 else 'partly'} by all units, "


def borrowed_note(result: Guarded) -> str:
    """The same for the end of a figure's second line."""
    return f"; {percent(result.summary['borrowed'].iloc[0])} borrowed from all units" if is_borrowed(result) else ""


def placed(result: Guarded) -> pd.DataFrame:
    """Drivers with an importance and a shown score, most important first."""
    return result.priority[is_shown(result.priority["performance"])].reset_index(drop=True)


def base_of(result: Guarded) -> str:
    """Answers, period and subject, as captions say it."""
    subject = Subject.of(result.params, result.study, "Drivers")
    n = result.summary["n"].iloc[0] if len(result.summary) else 0
    told = counted(result, n)
    if not is_fitted(result) and len(rated := placed(result)["n"]):  # nothing but scores is shown, each with its base
        least, most = rated.min(), rated.max()
        told = counted(result, most) if least == most else f"{least:,} to {count(most)}, by rating"
    return f"{told}, {subject.period}, {subject.full_name}."


def counted(result: Guarded, n: float) -> str:
    """Answers as text: none, or how many, but for a number that is too small to be told."""
    fewest = result.study.privacy.customer_min
    return f"Fewer than {fewest} answers" if 0 < n < fewest else count(n)


def outcome_name(result: Guarded) -> str:
    """The outcome inside a sentence."""
    p = result.params
    if p.model == "top_box":
        if p.outcome == "nps":
            promoters = p.top_box_from == 9
            return "the share of promoters" if promoters else f"the share who answer {p.top_box_from:g} and more"
        return f"the share with {in_sentence(label(p.outcome, result.study))} of {p.top_box_from:g} and more"
    return "NPS" if p.outcome == "nps" else in_sentence(label(p.outcome, result.study))


def is_linear(result: Guarded) -> bool:
    """Whether coefficients are differences in the outcome itself."""
    return result.params.model == "linear"


def outcome_scale(result: Guarded) -> float:
    """What an outcome's figure is multiplied by to be shown: shares are shown in hundredths."""
    return 100.0 if result.params.model == "top_box" else 1.0


def outcome_digits(result: Guarded) -> int:
    """Decimals that differences in the outcome are shown with."""
    if result.params.outcome == "nps" or result.params.model == "top_box":
        return 0
    one = result.summary.iloc[0]
    return max(decimals_for((one.outcome_high - one.outcome_low) / 2), 1)


def change_text(result: Guarded, change: float, low: float, high: float) -> str:
    """A difference in the outcome with its interval."""
    scale = outcome_scale(result)
    return with_interval(scale * change, scale * low, scale * high, outcome_digits(result), with_sign=True)


def aim_text(result: Guarded) -> str:
    """The difference that what-if looks for: 5 points of NPS."""
    aim = result.summary["aim"].iloc[0] * outcome_scale(result)
    name = outcome_name(result)
    if result.params.model == "top_box":
        return f"{aim:g} points more in {name}"
    return f"{aim:g} points more of NPS" if result.params.outcome == "nps" else f"{aim:.2g} more {name}"


def explained(result: Guarded) -> str:
    """How much the model explains, as captions say it."""
    if is_linear(result):
        return f"together the drivers explain {r_squared(result)} of the difference between customers"
    return f"together they reach a McFadden’s R² of {r_squared(result)}, which is no share of customers’ differences"


def r_squared(result: Guarded) -> str:
    """R² with its interval: a share in the linear model, McFadden’s index in the others."""
    one = result.summary.iloc[0]
    figures = (one.r_squared, one.r_squared_low, one.r_squared_high)
    return share_text(*figures) if is_linear(result) else with_interval(*figures, 2)


def ends_of(rating: str, study: Study) -> tuple[float, float]:
    """Ends of a rating's scale."""
    spec = column(rating, study)
    return spec.min, spec.max


def scale_of(rating: str, study: Study) -> str:
    """Ends of a rating's scale as words: 1 to 10."""
    low, high = ends_of(rating, study)
    return f"{low:g} to {high:g}"

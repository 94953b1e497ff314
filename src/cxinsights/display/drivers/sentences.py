"""The driver report's headline and facts."""

import numpy as np
import pandas as pd

from cxinsights.display.blocks import Fact, Headline
from cxinsights.display.drivers.names import (
    is_borrowed,
    is_linear,
    judged_by,
    leaders_of,
    outcome_digits,
    outcome_name,
    outcome_scale,
    placed,
    r_squared,
    surely_weak,
    tied_first,
)
from cxinsights.display.numbers import count, decimals_for, percent, with_interval
from cxinsights.display.subject import Subject
from cxinsights.display.words import as_subject, fitting, in_sentence, joined, spelled
from cxinsights.privacy import GIVES_AWAY, Guarded
from cxinsights.schemas.columns import label

__all__ = ["headline_drivers"]


def headline_drivers(result: Guarded) -> Headline:
    """What goes with the outcome, in one sentence, with its size, interval and limit."""
    subject = Subject.of(result.params, result.study, "Drivers")
    outcome = outcome_name(result)
    if result.status == "too_few":
        return _headline_too_few(result, subject)
    if result.status != "ok":
        return Headline(subject.kicker, f"No drivers for {subject.name}: {_why(result)}", _reason(result))
    weak = [] if 0 < len(leaders_of(result)) <= 3 else surely_weak(result)
    first = weak[0] if weak else result.importance["driver"].iloc[0]
    return Headline(subject.kicker, _title(result, outcome), _lead(result, first), _facts(result))


def _title(result: Guarded, outcome: str) -> str:
    leaders = leaders_of(result)
    names = [in_sentence(label(name, result.study)) for name in leaders]
    n = len(result.importance)
    if n == 1:
        return fitting(f"How {label(result.importance['driver'].iloc[0], result.study)} goes with {outcome}",
                        f"How one driver goes with {outcome}")  # fmt: skip
    if result.importance["under_floor"].all():
        return "No driver stands out: chance alone would do as well"
    judged = judged_by(result)
    lead = 0 < len(names) <= 3
    weak = [in_sentence(label(name, result.study)) for name in surely_weak(result) if name in leaders or not lead]
    if not lead and weak:
        none, are = f"{judged}no driver stands out", "is" if len(weak) == 1 else "are"
        named = f"{none}, but {joined(weak)} {are} both important and weak"
        return as_subject(fitting(named, f"{none}, but {spelled(len(weak))} {are} both important and weak"))
    if not lead:
        tied = int(tied_first(result).sum()) - 1
        return as_subject(f"{judged}no driver stands out: {spelled(tied)} cannot be told from the first")
    verb = "goes" if len(names) == 1 else "go"
    title = f"{judged}{joined(names)} {verb} most with {outcome}"
    second = "it scores low" if len(names) == 1 else f"{joined(weak)} {'scores' if len(weak) == 1 else 'score'} low"
    more = f"{judged}{names[0]} and {spelled(len(names) - 1)} more go most with {outcome}"
    shorter = f"{judged}{spelled(len(names))} driver{'s' if len(names) > 1 else ''} {verb} most with {outcome}"
    choices = [*([f"{title}; {second}"] if weak else []), title, *([more] if len(names) > 1 else []), shorter]
    return as_subject(fitting(*choices))


def _headline_too_few(result: Guarded, subject: Subject) -> Headline:
    shown = ""
    if len(placed(result)):
        company = "Shown instead: the company’s importance with this unit’s own scores."
        shown = company if result.from_company else "Only its scores are shown."
    title = f"{subject.name} has too few answers for drivers of its own"
    if result.reason == GIVES_AWAY:
        title = f"Drivers of {subject.name} are not shown"
    return Headline(subject.kicker, title, f"{_reason(result)} {shown}".rstrip())


def _reason(result: Guarded) -> str:
    """Why there is no regression, with columns by their names."""
    named = {name: in_sentence(label(name, result.study)) for name in result.params.drivers}
    named[result.params.outcome] = outcome_name(result)
    words = [named.get(word, word) for word in result.reason.split(" ")]
    return f"{as_subject(' '.join(words))}."


def _why(result: Guarded) -> str:
    if result.status == "refused":
        return "a driver repeats the outcome" if " correlates " in result.reason else "the answers do not allow it"
    return "no answers"


def _lead(result: Guarded, top: str) -> str:
    one = result.coefficients.set_index("driver").loc[top]
    outcome = outcome_name(result)
    digits = decimals_for((one.coef_high - one.coef_low) / 2)
    size = with_interval(abs(one.coefficient), *sorted(map(abs, (one.coef_low, one.coef_high))), digits)
    name = in_sentence(label(top, result.study))
    way = "higher" if one.coefficient > 0 else "lower"
    if pd.isna(one.coefficient):
        told = f"What goes with {name} alone cannot be told: other ratings repeat it."
    elif one.coef_low <= 0 <= one.coef_high:
        told = f"Other ratings equal, a higher rating of {name} does not clearly go with higher {outcome}."
    elif not is_linear(result):
        odds = np.exp([one.coefficient, one.coef_low, one.coef_high])
        of = "being in the top box" if result.params.model == "top_box" else f"a higher answer to {outcome}"
        told = (
            f"Among customers who rate {name} one point higher, the odds of {of} are "
            f"{with_interval(*odds, decimals_for((odds[2] - odds[1]) / 2))} times as high, other ratings equal."
        )
    else:
        told = (
            f"Among customers who rate {name} one point higher, {outcome} is {size} points {way}, other ratings equal."
        )
    half = ""
    summary = result.summary.iloc[0]
    if is_borrowed(result):
        half = (
            f" {count(summary.n)} here {'is' if summary.n == 1 else 'are'} too few for a pattern of their own: "
            f"{percent(summary.borrowed)} of it is borrowed from all units."
        )
    elif summary.n < 0.5 * summary.n_eligible:
        half = f" Only {percent(summary.n / summary.n_eligible)} of those who answered are in the model."
    elif summary.n_complete < 0.5 * summary.n_eligible:
        half = f" Only {percent(summary.n_complete / summary.n_eligible)} of those who answered rated every driver."
    return f"{told}{half} This is a pattern in answers, not proof of cause."


def _facts(result: Guarded) -> list[Fact]:
    one = result.summary.iloc[0]
    scale, digits = outcome_scale(result), outcome_digits(result)
    figures = (scale * value for value in (one.outcome_mean, one.outcome_low, one.outcome_high))
    unit = "%" if result.params.model == "top_box" else ""
    today = with_interval(*figures, digits).split("\u00a0(", 1)
    explains = r_squared(result).split("\u00a0(", 1)
    return [
        Fact(f"{as_subject(outcome_name(result))} today", today[0] + unit, f"({today[1]}"),
        Fact("Pattern explains" if is_linear(result) else "McFadden’s R²", explains[0], f"({explains[1]}"),
        Fact("Answers", f"{int(one.n):,}", f"of {int(one.n_eligible):,} in the model"),
    ]

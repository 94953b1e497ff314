"""The driver report's headline and facts."""

import pandas as pd

from cxinsights.display.blocks import Fact, Headline
from cxinsights.display.drivers.names import leaders_of, outcome_name
from cxinsights.display.numbers import decimals_for, percent, share_text, with_interval
from cxinsights.display.subject import Subject
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import label

__all__ = ["headline_drivers"]

_MOST_WORDS = 12  # of a headline


def headline_drivers(result: Guarded) -> Headline:
    """What goes with the outcome, in one sentence, with its size, interval and limit."""
    subject = Subject.of(result.params, result.study, "Drivers")
    outcome = outcome_name(result)
    if result.status == "too_few":
        return _headline_too_few(result, subject)
    if result.status != "ok":
        reason = as_subject(result.reason)
        return Headline(subject.kicker, f"No drivers for {subject.name}: {_why(result)}", f"{reason}.")
    leaders = leaders_of(result)
    names = [in_sentence(label(name, result.study)) for name in leaders]
    if len(names) <= 3:
        verb = "goes" if len(names) == 1 else "go"
        title = f"{as_subject(joined(names))} {verb} most with {outcome}"
        weak = [in_sentence(label(name, result.study)) for name in _surely_weak(result, leaders)]
        if weak:
            second = (
                "it scores low" if len(names) == 1 else f"{joined(weak)} {'scores' if len(weak) == 1 else 'score'} low"
            )
            title = f"{title}; {second}" if len(f"{title} {second}".split()) <= _MOST_WORDS else title
        if len(title.split()) > _MOST_WORDS:
            title = f"{as_subject(names[0])} and {spelled(len(names) - 1)} more go most with {outcome}"
    else:
        title = f"No driver stands out: {spelled(len(names))} share the lead with {outcome}"
    return Headline(subject.kicker, title, _lead(result, leaders[0]), _facts(result))


def _headline_too_few(result: Guarded, subject: Subject) -> Headline:
    shown = (
        "Shown instead: the company’s importance with this unit’s own scores."
        if result.from_company
        else "Only its scores are shown."
    )
    return Headline(
        subject.kicker,
        f"{subject.name} has too few answers for drivers of its own",
        f"{as_subject(result.reason)}. {shown}",
    )


def _why(result: Guarded) -> str:
    return {"no_data": "no answers", "refused": "a driver repeats the outcome"}.get(result.status, "not computed")


def _surely_weak(result: Guarded, leaders: list[str]) -> list[str]:
    frame = result.priority.set_index("driver").loc[leaders]
    return list(frame[(frame["quarter"] == "work_on_first") & frame["certain"].astype(bool)].index)


def _lead(result: Guarded, top: str) -> str:
    one = result.coefficients.set_index("driver").loc[top]
    outcome = outcome_name(result)
    digits = decimals_for((one.coef_high - one.coef_low) / 2)
    size = with_interval(abs(one.coefficient), *sorted(map(abs, (one.coef_low, one.coef_high))), digits)
    name = in_sentence(label(top, result.study))
    if pd.isna(one.coefficient):
        told = f"What goes with {name} alone cannot be told: other ratings repeat it."
    elif one.coef_low <= 0 <= one.coef_high:
        told = f"Other ratings equal, a higher rating of {name} does not clearly go with higher {outcome}."
    else:
        way = "higher" if one.coefficient > 0 else "lower"
        told = (
            f"Among customers who rate {name} one point higher, {outcome} is {size} points {way}, other ratings equal."
        )
    half = ""
    summary = result.summary.iloc[0]
    if summary.n < 0.5 * summary.n_eligible:
        half = f" Only {percent(summary.n / summary.n_eligible)} of those who answered are in the model."
    return f"{told}{half} This is a pattern in answers, not proof of cause."


def _facts(result: Guarded) -> list[Fact]:
    one = result.summary.iloc[0]
    digits = 0 if result.params.outcome == "nps" else max(decimals_for((one.outcome_high - one.outcome_low) / 2), 1)
    today = with_interval(one.outcome_mean, one.outcome_low, one.outcome_high, digits).split("\u00a0(", 1)
    explains = share_text(one.r_squared, one.r_squared_low, one.r_squared_high).split("\u00a0(", 1)
    return [
        Fact(f"{as_subject(outcome_name(result))} today", today[0], f"({today[1]}"),
        Fact("Pattern explains", explains[0], f"({explains[1]}"),
        Fact("Answers", f"{int(one.n):,}", f"of {int(one.n_eligible):,} in the model"),
    ]

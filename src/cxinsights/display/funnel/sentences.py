"""The funnel report's headline and facts."""

import pandas as pd

from cxinsights.display.blocks import Fact, Headline
from cxinsights.display.funnel.names import (
    days_of,
    half_of,
    half_time,
    is_fitted,
    rounded_alike,
    shown,
    standout_of,
    step_in_sentence,
    window_text,
)
from cxinsights.display.numbers import SPACE, count, in_hundred, number, share_decimals, share_text
from cxinsights.display.subject import Subject
from cxinsights.display.words import as_subject, fitting, joined, possessive, spelled
from cxinsights.privacy import GIVES_AWAY, Guarded

__all__ = ["headline_funnel"]


def headline_funnel(result: Guarded) -> Headline:
    """Where customers stop, in one sentence; then conversion with its interval, and who is still open."""
    subject = Subject.of(result.params, result.study, "Journey funnel")
    if result.status == "no_data":
        return Headline(
            subject.kicker, f"Nobody entered {possessive(subject.name)} journey in this period", f"{_reason(result)}."
        )
    if not is_fitted(result):
        if result.reason == GIVES_AWAY:
            return Headline(subject.kicker, f"The journey of {subject.name} is not shown", f"{_reason(result)}.")
        title = f"{subject.name} has too few entrants to show"
        if "open" in result.reason:
            title = f"{subject.name}: too early to say who converts"
        return Headline(subject.kicker, title, f"{_reason(result)}.")
    return Headline(subject.kicker, _title(result), _lead(result), _facts(result))


def _reason(result: Guarded) -> str:
    return as_subject(result.reason.replace("answers", "entrants"))


def _title(result: Guarded) -> str:
    found = standout_of(result)
    names = [step_in_sentence(result, step) for step in found.steps]
    steps = result.params.steps
    last = step_in_sentence(result, steps[-1])
    if result.from_curve:
        return f"{in_hundred(result.summary['conversion'].iloc[0])} reach {last} by day {days_of(result.window_days)}"
    rates = shown(result.steps, "of_entrants").set_index("step")["of_previous"].dropna()
    if found.kind == "none" and rates.min() == 1:
        return f"All who enter reach {last}"
    if found.kind == "none":
        went = in_hundred(rates.iloc[0])
        first, second = (step_in_sentence(result, step) for step in steps[:2])
        return fitting(f"{went} get from {first} to {second}", f"{went} go on")
    if found.kind == "below_rest":
        one = shown(result.rests, "score").set_index(["rate", "step"]).loc[("of_previous", found.steps[0])]
        fewer = f"Fewer reach {names[0]} here than elsewhere"
        if rounded_alike(one["score"], one["score_compare"]):
            return fewer
        there = number(100 * one["score_compare"], share_decimals(one["score_compare"]))
        before = step_in_sentence(result, steps[steps.index(found.steps[0]) - 1])
        here = in_hundred(one["score"])
        return fitting(f"Fewer get from {before} to {names[0]} here: {here}, {there} elsewhere",
                       f"Fewer reach {names[0]} here: {here}, against {there} elsewhere", fewer)  # fmt: skip
    if found.kind == "loses_most":
        lost, at = in_hundred(1 - rates[found.steps[0]]), steps.index(found.steps[0])
        before = step_in_sentence(result, steps[at - 1])
        return fitting(f"Of those at {before}, {lost} do not reach {names[0]}",
                       f"Of those at step {at}, {lost} go no further")  # fmt: skip
    if len(names) == len(rates):
        return "No step stands out as the one that loses most"
    several = f"{as_subject(spelled(len(names)))} steps lose most; their order is not settled"
    return fitting(f"{as_subject(joined(names))} lose most; their order is not settled", several)


def _lead(result: Guarded) -> str:
    found = standout_of(result)
    told = ""
    if found.kind == "below_rest":
        one = shown(result.rests, "score").set_index(["rate", "step"]).loc[("of_previous", found.steps[0])]
        steps = result.params.steps
        before = step_in_sentence(result, steps[steps.index(found.steps[0]) - 1])
        here = share_text(one["score"], one["ci_low"], one["ci_high"])
        there = share_text(one["score_compare"], one["compare_low"], one["compare_high"])
        told = f"{here} of {number(one['n'])} at {before} get there, elsewhere {there}. "
    return f"{told}{_conversion(result)} This says where customers stop, not why."


def _conversion(result: Guarded) -> str:
    one = result.summary.iloc[0]
    last = step_in_sentence(result, result.params.steps[-1])
    share = share_text(one.conversion, one.ci_low, one.ci_high)
    if pd.isna(one.ci_low):
        share = share.partition(SPACE)[0]
    if result.from_curve:
        return (
            f"By day {days_of(result.window_days)}, {share} of {count(one.n, 'entrant')} have reached {last}, read off "
            f"the curve: there is no time limit, and {count(one.n_open, 'entrant')} are still open."
        )
    still = f"; {number(one.n_open)} more {'is' if one.n_open == 1 else 'are'} too recent to tell" if one.n_open else ""
    return f"{share} of {count(one.n, 'entrant')} reach {last} {window_text(result.params)}{still}."


def _facts(result: Guarded) -> list[Fact]:
    one = result.summary.iloc[0]
    facts = []
    if pd.notna(one.ci_low):
        share, _, limits = share_text(one.conversion, one.ci_low, one.ci_high).partition(SPACE)
        name = f"Conversion by day {days_of(result.window_days)}" if result.from_curve else "Conversion"
        facts.append(Fact(name, share, limits))
    took, _, limits = half_time(result).partition(f"{SPACE}(")
    if took:
        name = "Half of those who have converted took" if result.from_curve else "Half of those who convert take"
        name = "Half of all entrants take" if half_of(result) == "all" else name
        facts.append(Fact(name, took, f"({limits}" if limits else ""))
    facts.append(Fact("Still open", number(one.n_open), f"of {count(one.n_entrants, 'entrant')}"))
    return facts

"""The funnel report's method note."""

from datetime import date

from cxinsights.display.blocks import Prose
from cxinsights.display.funnel.names import is_fitted, stage_name, step_in_sentence, window_text
from cxinsights.display.numbers import SPACE, count, number
from cxinsights.display.words import as_day, joined
from cxinsights.params import FunnelParams
from cxinsights.privacy import Guarded

__all__ = ["method_funnel"]

_ORDER = {
    "ordered": "A step is reached when all steps up to it happened in that order, other events allowed between.",
    "strict": "A step is reached when all steps up to it happened in that order with no step out of order between; a "
    "repeat of the step just reached is in order.",
    "any": "A step is reached when all steps up to it happened after entry, in any order.",
}


def method_funnel(result: Guarded) -> Prose:
    """Definition, maturity, rates, curves, comparisons, and what the report does not show."""
    p: FunnelParams = result.params
    steps = joined([step_in_sentence(result, step) for step in p.steps])
    paragraphs = [
        f"Steps: {steps}. A customer enters with the first {step_in_sentence(result, p.steps[0])} in the period and "
        f"counts once. {_ORDER[p.order]} {_attempt(p)} Events at the same moment count in step order.{_stamps(result)}",
        _clock(result),
        *_excluded(result),
        f"Three rates: of entrants; of those at the step before; of all customers with any event in the period. "
        f"Intervals are Wilson’s.{_named(result)}",
        _curves(result),
        "Groups are by the value at entry, each tested against the other groups; this place is tested against the rest "
        f"of the company. Each side needs {p.min_base} customers, and a share five on either side. Tests are adjusted "
        "in fixed families over all places of the period.",
        "Most of this describes who goes where. It does not say why, nor what would happen if something were changed.",
    ]
    return Prose("method", "Method and limits", [text for text in paragraphs if text])


def _named(result: Guarded) -> str:
    told = (
        " The step that loses the largest share is named where its rate is surely below each other’s (Newcombe’s "
        "interval of the difference, all pairs together at 95%)."
    )
    return "" if result.from_curve or len(result.params.steps) == 2 else told


def _attempt(p: FunnelParams) -> str:
    if p.attempt == "first":
        return "There is one attempt for each, and its clock starts at entry."
    return (
        "Each further first step starts a new attempt and the one that gets furthest counts; only attempts begun "
        f"within {p.attempts_within_days:g}{SPACE}days of entry, so that early entrants had no more tries than late "
        "ones. Times are from the start of the attempt that counts."
    )


def _stamps(result: Guarded) -> str:
    return " Events carry dates without a time of day, so the order within a day is not known." * result.date_only


def _clock(result: Guarded) -> str:
    p: FunnelParams = result.params
    end = f" The data end on {as_day(date.fromisoformat(result.cutoff))}." if result.cutoff else ""
    if p.window == "none":
        return (
            "There is no time limit. Who has not reached the last step is open, neither converted nor lost; so "
            "conversion is read off the curve, at the day by which half of the entrants could be observed, and step "
            f"rates are as of the end of the data.{end}"
        )
    start = "of the first"
    if p.attempt == "best":
        start = f"of the attempt’s start, begun within {p.attempts_within_days:g}{SPACE}days of entry"
    return (
        f"The last step counts {window_text(p)} {start}, also after the period’s end. Entrants whose time was not over "
        f"when the data end are open: neither converted nor lost. Rates are of the others, the mature ones.{end}"
    )


def _excluded(result: Guarded) -> list[str]:
    p: FunnelParams = result.params
    told = []
    if p.ends_attempt:
        names = joined([stage_name(result, stage) for stage in p.ends_attempt])
        ended = f" {count(result.summary['n_ended'].iloc[0], 'entrant')} ended so." if is_fitted(result) else ""
        told.append(f"Ends an attempt: {names}.{ended}")
    if p.removes_customer:
        names = joined([stage_name(result, stage) for stage in p.removes_customer])
        out = f" {number(result.summary['n_removed'].iloc[0])} with one are left out." if is_fitted(result) else ""
        told.append(f"Takes a customer out of everything: {names}.{out}")
    return [" ".join(told)] if told else []


def _curves(result: Guarded) -> str:
    if result.competing:
        return (
            "The curve is the cumulative incidence (Aalen–Johansen), since some attempts ended otherwise: Kaplan–Meier "
            "would count those as if they could still convert. Open entrants are censored. Curves of groups are not "
            "tested: the log-rank test speaks of those still waiting."
        )
    return (
        "The curve is Kaplan–Meier’s with log–log limits; open entrants are censored, so they count for as long as "
        "they were seen. Log-rank between groups."
    )

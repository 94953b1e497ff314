"""The linkage's headline and facts."""

import numpy as np
import pandas as pd

from cxinsights.analysis.linkage import SCALE
from cxinsights.display.blocks import Fact, Headline
from cxinsights.display.linkage.linked import Linked, correlation_text
from cxinsights.display.numbers import number
from cxinsights.display.words import as_subject, fitting, joined, possessive, spelled
from cxinsights.privacy import GIVES_AWAY, Guarded, Suppressed, is_shown

__all__ = ["headline_linkage"]

_MOST_PAIRS = 4


def headline_linkage(result: Guarded) -> Headline:
    """Whether employees' and customers' scores of sites go together, with size, interval, base and limit."""
    linked = Linked(result)
    kicker = linked.subject.kicker
    if not linked.is_ok:
        return Headline(kicker, _title_without(linked), _reason(linked))
    return Headline(kicker, _title(linked), _lead(linked), _facts(linked))


def _title(linked: Linked) -> str:
    n, staff, score = int(linked.lead["n"]), linked.item(linked.lead["item"]), linked.metric(linked.lead["metric"])
    if not linked.claims:
        few = f"{as_subject(spelled(n))} {linked.sites_word} are too few to say what goes with {score}"
        return fitting(few, f"{as_subject(spelled(n))} {linked.sites_word} are too few to tell")
    if linked.of_unit:
        return _title_of_unit(linked)
    if linked.result.parallel:
        return _title_of_pairs(linked)
    if not linked.sign:
        cannot = f"Cannot tell whether {staff} and {score} of {linked.sites_word} go together"
        return fitting(cannot, f"Cannot tell whether {linked.employees} and {linked.customers} go together")
    way = "higher" if linked.sign > 0 else "lower"
    finding = f"{as_subject(linked.sites_word)} with higher {staff} score {way} on {score}"
    more = []
    if linked.unsteady:
        which = {(linked.pair[0],): staff, (linked.pair[1],): score}.get(tuple(linked.unsteady), linked.site_word)
        more += [f"{finding}; {which} means are unsteady", f"{finding}; means are unsteady"]
    elif len(linked.misfits):
        more.append(f"{finding}; {_do_not_fit(len(linked.misfits))}")
    other = "high" if linked.sign > 0 else "low"
    short = f"{as_subject(linked.sites_word)} high with {linked.employees} are {other} with {linked.customers}"
    return fitting(*more, finding, short)


def _title_of_pairs(linked: Linked) -> str:
    """How many of the pairs go together, each being the same thing seen from both sides."""
    rows = linked.pairs
    clear = int(((rows["p_adjusted"].astype(float) < 0.05) & (rows["correlation"].astype(float) > 0)).sum())
    start = f"Where {linked.employees} score higher, so do {linked.customers}, on"
    if not clear:
        return f"Cannot tell whether {linked.employees}’ and {linked.customers}’ scores go together"
    if clear == len(rows):
        return f"{start} {'both' if clear == 2 else f'all {spelled(clear)}'} topics"
    return f"{start} {spelled(clear)} of {spelled(len(rows))} topics"


def _title_of_unit(linked: Linked) -> str:
    """How the unit's own sites lie in the pattern of all."""
    n, own = int(linked.summary["n_own_part"]), possessive(linked.subject.name)
    if not n:
        return f"No {linked.site_word} of {linked.subject.name} can be placed: too few answers"
    if not linked.sign:
        return f"No clear pattern among {linked.sites_word} to place {own} in"
    misfits = len(linked.misfits)
    ours = f"{own} {spelled(n)} {linked.sites_word if n > 1 else linked.site_word}"
    if not misfits:
        cannot = f"{ours} cannot be told from the company’s pattern"
        return fitting(cannot, f"{ours} cannot be told from the pattern")
    verb = "does" if misfits == 1 else "do"
    return fitting(
        f"{as_subject(spelled(misfits))} of {ours} {verb} not fit the company’s pattern",
        f"{as_subject(spelled(misfits))} of {ours} {verb} not fit",
    )


def _do_not_fit(n: int) -> str:
    return f"{spelled(n)} {'does' if n == 1 else 'do'} not fit"


def _title_without(linked: Linked) -> str:
    name, result = linked.subject.name, linked.result
    if result.reason == GIVES_AWAY:
        return f"Employees and customers of {name} are not shown"
    if result.status == "refused" and " needed" in result.reason:
        return f"{name} has too few {linked.sites_word} to link both sides"
    if result.status == "refused":
        return f"Nothing to link in {name}: one side never varies"
    if result.status == "no_data" and "enough of both" in result.reason:
        return f"{name} has too few answers to link both sides"
    if result.status == "no_data" and "hidden" not in result.reason:
        whose = {"employees": linked.employees, "customers": linked.customers, "both sides": "both sides"}
        side = next((words for word, words in whose.items() if f"answers of {word}" in result.reason), "")
        return f"Nothing to link in {name}: no {linked.site_word} has answers{f' of {side}' * bool(side)}"
    if result.status == "no_data":
        return f"{as_subject(linked.employees)} and {linked.customers} of {name} are not shown"
    return f"Employees and customers of {name} are not shown: too few answers"


def _reason(linked: Linked) -> str:
    """Why there is no association, with measures by their names."""
    reason = linked.result.reason or f"fewer than {linked.study.privacy.customer_min} answers"
    known = {name: linked.measure(name) for name in (SCALE, *linked.params.items, *linked.params.scores)}
    known |= {"employees": linked.employees, "customers": linked.customers}
    known |= {"site": linked.site_word, "sites": linked.sites_word}
    words = [known.get(word, word) for word in reason.split(" ")]
    return f"{as_subject(' '.join(words))}."


def _lead(linked: Linked) -> str:
    """Size, steadiness, the sites that carry it, and what one wave cannot say."""
    one = linked.lead
    if linked.result.parallel:
        parts = [f"Correlations across {linked.n_sites(one['n'])}, with 95% intervals."]
    else:
        slope = _slope(linked)
        found = f"Across {linked.n_sites(one['n'])} the correlation is {correlation_text(one)}{slope}."
        parts = [f"{found} {'Intervals are' if slope else 'The interval is'} 95%."]
    if linked.unsteady:
        names = [
            f"{linked.metric(name) if name == one['metric'] else linked.item(name)} {number(value, 2)}"
            for name, value in linked.unsteady.items()
        ]
        parts.append(f"Single {linked.sites_word} are known poorly: reliability of {joined(names)}.")
    if len(linked.carriers):
        parts.append(f"It rests on {_site_names(linked, linked.carriers, 3)}.")
    if "employee_intervals" in linked.result.not_computed:
        parts.append("Only means are known, so how reliable they are cannot be told.")
    return " ".join([*parts, "One wave says nothing about direction."])


def _site_names(linked: Linked, rows: pd.DataFrame, most: int | None = None) -> str:
    """Sites by name; those of other units, which have none here, as what they are."""
    names = [name or f"a {linked.site_word} of another unit" for name in rows["site"]]
    return joined(names, most)


def _slope(linked: Linked) -> str:
    """What goes with one point more of the employees' score among all sites, as the second half of a sentence."""
    rows = linked.result.model
    if not (len(rows) and linked.claims and linked.sign):
        return ""
    same = (rows["item"] == linked.lead["item"]) & (rows["metric"] == linked.lead["metric"])
    rows = rows[same & (rows["term"] == "total") & is_shown(rows["coefficient"])]
    if not len(rows) or rows.iloc[0]["coef_low"] <= 0 <= rows.iloc[0]["coef_high"]:
        return ""
    one = rows.iloc[0]
    low, high = sorted(map(abs, (one["coef_low"], one["coef_high"])))
    size = linked.points_text(one["metric"], abs(one["coefficient"]), low, high)
    way = "more" if one["coefficient"] > 0 else "fewer"
    points = f"{size} {way} points of {linked.metric(one['metric'])}"
    return f"; each point more of {linked.item(one['item'])} goes with {points}"


def _facts(linked: Linked) -> list[Fact]:
    """Parallel pairs one by one; else the correlation as it is and corrected, and how far sites differ."""
    if linked.result.parallel:
        pairs = [(linked.topic((one["item"], one["metric"])), one) for _, one in linked.pairs.iterrows()]
        return [Fact(as_subject(topic), *_split(correlation_text(one))) for topic, one in pairs[:_MOST_PAIRS]]
    one, facts = linked.lead, []
    facts.append(Fact(f"Correlation of {linked.sites_word}", *_split(correlation_text(one))))
    corrected = linked.other_kind("disattenuated")
    if corrected is not None:
        value, rest = _split(correlation_text(corrected))
        facts.append(Fact("If means were exact", value, f"{rest}, beyond 1" if corrected["over_one"] else rest))
    rows = linked.result.aggregation.set_index("measure")
    spread = rows.loc[one["metric"]]
    if not isinstance(spread["sd_between"], Suppressed) and np.isfinite(spread["sd_between"]):
        text = linked.points_text(one["metric"], spread["sd_between"], spread["sd_low"], spread["sd_high"])
        value, rest = _split(text)
        by = f"{rest} points, standard deviation"
        facts.append(Fact(f"{as_subject(linked.sites_word)} truly differ by", value, by))
    taking = f"of {int(linked.summary['n_sites']):,} take part"
    return [*facts, Fact(as_subject(linked.sites_word), f"{int(one['n']):,}", taking)][:3]


def _split(text: str) -> tuple[str, str]:
    """A figure, and its interval in brackets."""
    value, rest = text.split("\u00a0", 1)
    return value, rest

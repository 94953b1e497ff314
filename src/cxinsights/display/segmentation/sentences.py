"""The segmentation's headline and facts."""

from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.display.blocks import Fact, Headline
from cxinsights.display.numbers import count, percent, share_text, with_interval
from cxinsights.display.segmentation.names import Segmented
from cxinsights.display.words import as_subject, fitting, in_sentence, joined, possessive
from cxinsights.privacy import GIVES_AWAY, Guarded, is_shown
from cxinsights.schemas.columns import label

__all__ = ["headline_segmentation"]

_MEANING = {
    "natural": "The segments stand apart more than structureless data would, and come back when customers are drawn "
    "anew.",
    "reproducible": "The segments stand apart more than structureless data would, but some customers change segment "
    "when all are drawn anew.",
    "constructed": "Structureless data would give segments as clear: they are a way to sort customers, not groups "
    "that were found.",
}
_STATED = "The segments are stated ranges of scores: a way to sort customers, not groups that were found."
_UNSTABLE = (
    "More than structureless data would, customers stand apart; but drawn anew they fall into other segments: these "
    "are a way to sort them, not groups that were found."
)


def headline_segmentation(result: Guarded) -> Headline:
    """How many segments there are, whether they are there, and what they are worth."""
    segmented = Segmented(result)
    if not segmented.is_ok:
        return _nothing(segmented)
    return Headline(segmented.subject.kicker, _title(segmented), _lead(segmented), _facts(segmented))


def _title(segmented: Segmented) -> str:
    n = segmented.n_segments
    whose = possessive(segmented.subject.name)
    kind = segmented.counted(n).replace(" ", f" {segmented.verdict} ", 1)
    second = _worth(segmented)
    form = "are sorted into" if segmented.verdict == "constructed" else "form"
    return fitting(
        *([f"{whose} customers {form} {kind}; {second}"] if second else []),
        *([f"Customers {form} {kind}; {second}"] if second else []),
        f"{whose} customers {form} {kind}",
        f"Customers {form} {kind}",
    )


def _worth(segmented: Segmented) -> str:
    """The segment worth most, where it is worth clearly more than its share of customers."""
    if len(segmented.shown) < 2:
        return ""
    top = segmented.by_value.iloc[0]
    if segmented.has_value and top["value_low"] > top["share_high"]:
        return f"one holds {percent(top['value_share'])} of value"
    largest = segmented.shown.loc[segmented.shown["share"].idxmax()]
    return f"the largest holds {percent(largest['share'])} of customers"


def _lead(segmented: Segmented) -> str:
    said = []
    top = segmented.by_value.iloc[0] if len(segmented.shown) else None
    if top is not None:
        name = f"{top['segment']} ({in_sentence(segmented.name(top['segment']))})"
        people = f"{share_text(top['share'], top['share_low'], top['share_high'])} of customers"
        if segmented.has_value:
            worth = share_text(top["value_share"], top["value_low"], top["value_high"])
            said.append(f"{name} is {people} and holds {worth} of value.")
        else:
            said.append(f"{name} is {people}.")
    if segmented.chosen["criterion"] == "stated":
        said.append(_STATED)
    elif segmented.verdict == "constructed" and segmented.chosen["stands_out"]:
        said.append(_UNSTABLE)
    else:
        said.append(_MEANING[segmented.verdict])
    if not segmented.result.of_company:
        said.append(_mix(segmented))
    return " ".join(part for part in said if part)


def _mix(segmented: Segmented) -> str:
    """How the unit's mix differs from the rest of the company."""
    mix = segmented.result.mix
    if not len(mix):
        return ""
    shown = mix[is_shown(mix["p_adjusted"])]
    tested = shown[shown["p_adjusted"].astype(float).notna()]
    whose = possessive(segmented.subject.name)
    clear = tested[tested["p_adjusted"].astype(float) < 1 - CONFIDENCE]
    if not len(tested):
        return f"Whether {whose} mix of segments differs from the rest of the company was not tested."
    if not len(clear):
        return f"{as_subject(whose)} mix of segments cannot be told from the rest of the company’s."
    more = [one.segment for one in clear.itertuples() if one.difference > 0]
    fewer = [one.segment for one in clear.itertuples() if one.difference < 0]
    parts = [f"more of {joined(more)}"] * bool(more) + [f"fewer of {joined(fewer)}"] * bool(fewer)
    return f"{segmented.subject.name} has {' and '.join(parts)} than the rest of the company."


def _facts(segmented: Segmented) -> list[Fact]:
    one, row = segmented.result.summary.iloc[0], segmented.chosen
    back = with_interval(row["adjusted_rand"], row["rand_low"], row["rand_high"], 2).split("\u00a0(", 1)
    whole = "" if segmented.result.of_company else "in the company"
    return [
        Fact("Segments", str(segmented.n_segments), " ".join((segmented.verdict, whole)).strip()),
        Fact("Come back alike", back[0], f"({back[1]}"),
        Fact("Customers", f"{int(one.n):,}", f"of {int(one.n_eligible):,} in a segment"),
    ]


def _nothing(segmented: Segmented) -> Headline:
    name, result = segmented.subject.name, segmented.result
    titles = {
        "too_few": f"{name} has too few customers for segments",
        "refused": f"No segments for {name}: the data do not allow it",
        "no_data": f"No segments for {name}: no customers",
    }
    title = titles[result.status]
    if result.reason == GIVES_AWAY:
        title = f"Segments of {name} are not shown"
    if result.reason == "the company has no segments in this period":
        title = f"No segments for {name}: the company has none"
    named = {n: in_sentence(label(n, segmented.study)) for n in (*segmented.params.inputs, *segmented.params.held_out)}
    words = [named.get(word, word) for word in result.reason.split(" ")]
    lead = f"{as_subject(' '.join(words))}."
    if len(result.left_out):
        left_out = joined([named[n] for n in result.left_out])
        verb = "is" if len(result.left_out) == 1 else "are"
        lead += f" {as_subject(left_out)} {verb} the same for all."
    n = int(result.summary["n_eligible"].iloc[0]) if len(result.summary) else 0
    asked = f" {count(n, 'customer')} in all." if n and result.status != "no_data" else ""
    return Headline(segmented.subject.kicker, title, lead + asked)

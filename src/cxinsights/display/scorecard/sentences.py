"""The scorecard's headline, tally and scores side by side."""

from collections.abc import Sequence

import pandas as pd

from cxinsights.display.blocks import Block, Headline, Kpi, Kpis, Nothing, Tally, TallyRow
from cxinsights.display.numbers import counts, metric_change, metric_score, metric_with_interval
from cxinsights.display.scorecard.card import BETTER, METRIC_NAMES, WORSE, Card
from cxinsights.display.words import as_subject, fitting, joined, possessive, spelled
from cxinsights.params import ALL
from cxinsights.privacy import GIVES_AWAY, Guarded, Suppressed, is_shown

__all__ = ["headline_scorecard", "score_kpis", "tally_parts"]


def headline_scorecard(result: Guarded) -> Headline:
    """Where the subject stands and what moved, in one sentence; then number, interval and limit."""
    card = Card(result)
    kicker, name = card.subject.kicker, card.subject.name
    if result.status == "no_data":
        return Headline(kicker, f"{name} has no answers in this period")
    if result.status != "ok":
        if result.reason == GIVES_AWAY:
            return Headline(kicker, f"{name} is not shown: it would give others away", f"{as_subject(result.reason)}.")
        need = f"{as_subject(result.reason)}. We need {result.study.privacy.customer_min} to show a score."
        return Headline(kicker, f"{name} is not shown: too few answers", need)
    if not card.metrics:
        return Headline(kicker, f"{name} has no scores: nothing was asked in this period")
    lead = card.own.loc[card.metrics[0]]
    if isinstance(lead["score"], Suppressed):
        why = "too few answers" if lead["score"].why == "small" else "it would give others away"
        return Headline(kicker, f"{possessive(name)} {METRIC_NAMES[card.metrics[0]]} is not shown: {why}")
    title = _title_of_parts(card, lead) if card.params.unit == ALL else _title_of_unit(card, lead)
    return Headline(kicker, title, _lead(card, lead))


def tally_parts(result: Guarded) -> Block:
    """How many units or regions moved which way on any measure; steady are those that are on every one."""
    card = Card(result)
    if card.params.unit != ALL or not card.parts:
        return Nothing()
    moved: dict[str, list[tuple[str, list[str]]]] = {}
    for name, part in card.told:
        states = card.states_of(part)
        if not states:
            continue
        for key, members in (("worse", WORSE), ("better", BETTER)):
            on = [METRIC_NAMES[m] for m, state in states.items() if state in members]
            if on:
                moved.setdefault(key, []).append((name, on))
                break
        else:
            steady = all(state == "steady" for state in states.values())
            moved.setdefault("steady" if steady else "cannot_tell", []).append((name, []))
    rows = [
        TallyRow(key, [name for name, _ in moved[key]], _tally_text(moved[key], key, len(card.metrics)))
        for key in ("worse", "better", "steady", "cannot_tell")
        if key in moved
    ]
    return Tally(rows) if rows else Nothing()


def score_kpis(result: Guarded) -> Block:
    """A unit's scores, each with interval, target, change and state."""
    card = Card(result)
    if card.params.unit == ALL or not card.metrics:
        return Nothing()
    shown = card.own.loc[card.metrics].loc[lambda rows: is_shown(rows["score"]), "n"]
    told = [counts(shown)] if len(shown) else []
    if response := card.response(card.own.iloc[0]):
        told.append(f"questionnaires that came back: {response}")
    return Kpis(
        [
            *(
                Kpi(
                    **vars(card.cell(card.own.loc[metric], metric, result.trend)),
                    name=METRIC_NAMES[metric],
                    against=as_subject(joined(_against(card, card.own.loc[metric], metric))),
                )
                for metric in card.metrics
            ),
            *(Kpi(name, shown=False, instead="Not asked", name=name) for name in card.not_asked),
        ],
        as_subject("; ".join(told)),
    )


def _title_of_unit(card: Card, lead: pd.Series) -> str:
    metric = card.metrics[0]
    name, measure = card.subject.name, METRIC_NAMES[metric]
    score, state = metric_score(metric, lead["score"]), card.state(lead)
    if state is None:
        return fitting(f"{possessive(name)} {measure} is {score}", f"{measure} is {score}")
    if verb := card.verb(lead):
        change = card.change(lead)
        limits = (change["ci_low"], change["ci_high"])
        size = metric_change(metric, abs(change["change"]), *limits, state)[0].lstrip("+")
        points = "point" if size in ("1", "1.0") else "points"
        slightly = "slightly, by " if state.startswith("slightly") else ""
        moved = f"{measure} {verb} {slightly}{size} {points} to {score}"
        return fitting(f"{possessive(name)} {moved}", moved)
    if state == "steady":
        return fitting(f"{name} held steady: {measure} {score}, level with {card.earlier}",
                       f"Held steady: {measure} {score}, level with {card.earlier}")  # fmt: skip
    return fitting(f"{possessive(name)} {measure} is {score}; we cannot tell if it moved",
                   f"{measure} is {score}; we cannot tell if it moved")  # fmt: skip


def _title_of_parts(card: Card, lead: pd.Series) -> str:
    """Which units or regions moved, then how the whole stands."""
    metric, name = card.metrics[0], card.subject.name
    score = metric_score(metric, lead["score"])
    if card.comparison is None or not len(card.result.changes):
        return fitting(f"{possessive(name)} {METRIC_NAMES[metric]} is {score}", f"{METRIC_NAMES[metric]} is {score}")
    fell, rose = [], []
    for part, rows in card.told:
        verbs = {METRIC_NAMES[m]: card.verb(rows.loc[m]) for m in card.metrics if m in rows.index}
        for verb, group in (("fell", fell), ("rose", rose)):
            on = [measure for measure, own in verbs.items() if own == verb]
            if on:
                group.append((part, on))
                break
    whole = _whole(card, lead)
    if not fell and not rose:
        none = f"No clear change in any {card.kind_told}"
        return fitting(f"{none}; {whole}", f"{none}; {_whole(card, lead, short=True)}")
    named, bare, counted = (
        as_subject(" and ".join(told(card, group, verb) for group, verb in ((fell, "fell"), (rose, "rose")) if group))
        for told in (_named, _bare, _counted)
    )
    short = _whole(card, lead, short=True)
    titles = [f"{moved}; {rest}" for moved in (named, bare, counted) for rest in (whole, short)]
    return fitting(*titles)


def _whole(card: Card, lead: pd.Series, *, short: bool = False) -> str:
    metric, name, state = card.metrics[0], card.subject.name, card.state(lead)
    if state is None:
        return f"{METRIC_NAMES[metric]} is {metric_score(metric, lead['score'])}"
    if state == "steady":
        return "the whole held steady" if short else f"{name} held steady"
    if short and state != "cannot_tell":
        return f"overall {METRIC_NAMES[metric]} {card.verb(lead)} to {metric_score(metric, lead['score'])}"
    if state == "cannot_tell":
        return f"overall {METRIC_NAMES[metric]} is {metric_score(metric, lead['score'])}"
    return f"{name} {card.verb(lead)} to {METRIC_NAMES[metric]} {metric_score(metric, lead['score'])}"


def _named(card: Card, group: list[tuple[str, list[str]]], verb: str) -> str:
    if len(group) == 1:
        return f"{group[0][0]} {verb} on {_measures(group[0][1], len(card.metrics))}"
    return _bare(card, group, verb)


def _bare(card: Card, group: list[tuple[str, list[str]]], verb: str) -> str:
    return f"{joined([name for name, _ in group], 3)} {verb}"


def _counted(card: Card, group: list[tuple[str, list[str]]], verb: str) -> str:
    return f"{spelled(len(group))} {card.kind_told}{'s' if len(group) > 1 else ''} {verb}"


def _measures(on: Sequence[str], n_measures: int) -> str:
    return "all three measures" if len(on) == n_measures == 3 else joined(list(on))


def _lead(card: Card, lead: pd.Series) -> str:
    metric = card.metrics[0]
    told = [f"{METRIC_NAMES[metric]} is {metric_with_interval(metric, lead['score'], lead['ci_low'], lead['ci_high'])}"]
    if against := _against(card, lead, metric):
        told[0] += f", {joined(against)}"
    change, state = card.change(lead), card.state(lead)
    if state is not None:
        value, limits = metric_change(metric, change["change"], change["ci_low"], change["ci_high"], state)
        said = f"The change on {card.earlier} is {value}\u00a0({limits})"
        if unclear := card.unclear(change):
            said += f", {unclear}"
        elif state == "cannot_tell":
            smallest = metric_change(metric, change["detectable"], 0, 0)[0].lstrip("+")
            said += f"; a change of {smallest} points would be noticed four times in five"
        told.append(said)
    else:
        told.append(_not_compared(card, metric, change))
    if missed := _under_target(card):
        told.append(missed)
    if card.not_asked:
        told.append(f"{joined(card.not_asked)} {'was' if len(card.not_asked) == 1 else 'were'} not asked")
    return ". ".join(told) + "."


def _against(card: Card, row: pd.Series, metric: str) -> list[str]:
    """Where a score stands to its target, and to its benchmark where that is sure."""
    told = [card.against_target(row, metric), card.against_benchmark(row, metric)]
    return [f"{text[:1].lower()}{text[1:]}" for text in told if text]


def _under_target(card: Card) -> str:
    """On which measures parts are under their targets for sure; empty where none is."""
    if card.params.unit != ALL or not card.parts:
        return ""
    told = []
    for metric in card.metrics:
        rows = [part.loc[metric] for _, part in card.parts if metric in part.index]
        under = sum(card.against_target(row, metric).startswith("Under") for row in rows)
        if under:
            of_all = f"{spelled(under)} of" if under < len(rows) else "all"
            told.append(f"{METRIC_NAMES[metric]} in {of_all} {spelled(len(rows))}" if len(card.parts) > 1
                        else METRIC_NAMES[metric])  # fmt: skip
    where = f"{card.kind_of_parts}s" if len(card.parts) > 1 else f"in the one {card.kind_of_parts}"
    return f"Surely under target: {joined(told)} {where}" if told else ""


def _not_compared(card: Card, metric: str, change: pd.Series | None) -> str:
    if card.comparison is None:
        return "There is no earlier period to compare with"
    if change is None:
        gap = "has no answers" if card.asked_in(metric, card.earlier_id) else "was not asked"
        return f"It {gap} in {card.earlier_label}"
    if isinstance(change["change"], Suppressed):
        return f"Its change on {card.earlier} is {change['change']}"
    why = "Too few answers to test its change" if card.few(change) else "Answers too much alike to test its change"
    return f"{why} on {card.earlier}"


def _tally_text(members: list[tuple[str, list[str]]], key: str, n_measures: int) -> str:
    if key in ("steady", "cannot_tell") or len(members) > 4:
        return joined([name for name, _ in members], 5)
    return "; ".join(f"{name} on {_measures(on, n_measures)}" for name, on in members)

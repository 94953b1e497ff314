"""The scorecard's score table, its tables for analysts, and its method note."""

from collections.abc import Sequence

import pandas as pd

from cxinsights.analysis.baseline import NODE
from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.display.blocks import Block, Column, Measure, Nothing, Prose, ScoreCell, ScoreRow, ScoreTable, Table
from cxinsights.display.numbers import (
    DASH,
    counts,
    metric_change,
    metric_interval,
    metric_score,
    p_text,
    percent,
    plain,
)
from cxinsights.display.scorecard.card import METRIC_NAMES, Card
from cxinsights.display.scorecard.courses import course_of, how_of_courses
from cxinsights.display.words import as_subject, joined
from cxinsights.privacy import Guarded, Suppressed

__all__ = [
    "method_scorecard",
    "table_changes",
    "table_parts",
    "table_rests",
    "table_scores",
    "table_sites",
]

FEW = 100  # bases below are marked as few answers


def table_parts(result: Guarded) -> Block:
    """Regions or units by measure: the total first, the others from low to high."""
    card = Card(result)
    return Nothing() if card.kind_of_parts == "site" else _table_of_parts(card)


def table_sites(result: Guarded) -> Block:
    """A unit's sites by measure, folded: they are many, and each has few answers."""
    card = Card(result)
    return _table_of_parts(card, folded=True) if card.kind_of_parts == "site" else Nothing()


def table_scores(result: Guarded) -> Block:
    """Every score of the subject: all surveys and measures, weighted and not, with base and interval."""
    if not len(result.scores):
        return Nothing()
    rows, card = [], Card(result)
    is_own = result.scores["survey"] == card.params.survey
    scores = result.scores[is_own | (result.scores["question"] == "asked")]  # other surveys have other questions
    scores = scores.assign(is_other=~is_own).sort_values("is_other", kind="stable")
    responses = [card.response(row) for _, row in scores.iterrows()]
    for one, response in zip(scores.itertuples(), responses, strict=True):
        told = [DASH, DASH, DASH]
        if one.question == "not_asked":
            told[0] = "not asked"
        elif isinstance(one.score, Suppressed):
            told[0] = str(one.score)
        elif pd.notna(one.score):
            limits = metric_interval(one.metric, one.ci_low, one.ci_high)
            told = [metric_score(one.metric, one.score), limits, f"{one.n_effective:,.0f}"]
        form = "weighted" if one.weighted else "unweighted"
        asked = [response or DASH] if any(responses) else []
        rows.append([_measure(result, one), form, *told, f"{one.n:,}", f"{one.n_missing:,}", *asked])
    names = ["Score", "95% interval", "Effective answers", "Answers", "Without answer"]
    names += ["Came back, of those asked"] if any(responses) else []
    return Table(
        "scores",
        "All scores as a table",
        [Column("Measure", numeric=False), Column("Form", numeric=False), *(Column(name) for name in names)],
        rows,
        note="Kinds of survey are never pooled. Effective answers: answers of equal weight, one per customer, that "
        "would be as precise.",
    )


def table_changes(result: Guarded) -> Block:
    """Every comparison of the subject with an earlier period, with adjusted tests."""
    node = result.scores[NODE].iloc[0].to_numpy() if len(result.scores) else None
    if node is None or not len(result.changes):
        return Nothing()
    rows = []
    changes = result.changes[(result.changes[NODE] == node).all(axis=1)]
    is_other = changes["survey"] != result.params.survey
    for one in changes.assign(is_other=is_other).sort_values("is_other", kind="stable").itertuples():
        since = f"since {result.study.periods.period(one.compare_period).label}"
        told = [plain(one.change), DASH, "not tested", DASH, DASH]
        if not isinstance(one.change, Suppressed) and pd.notna(one.change):
            value, limits = metric_change(one.metric, one.change, one.ci_low, one.ci_high, one.state)
            shows = metric_change(one.metric, one.detectable, 0, 0)[0].lstrip("+")
            told = [value, limits, Card.unclear(one) or one.state.replace("_", " "), p_text(one.p_adjusted), shows]
        rows.append([_measure(result, one), since, *told, f"{one.n:,}", f"{one.n_compare:,}"])
    names = ["Change", "95% interval", "State", "p adjusted", "Would show", "Answers", "Answers then"]
    return Table(
        "changes",
        "Changes and how sure they are",
        [Column("Measure", numeric=False), Column("Compared", numeric=False), *(Column(name) for name in names)],
        rows,
        note="p is adjusted (Benjamini–Hochberg) among all units, regions and the company for the same measure and "
        "comparison. Would show: the smallest change that is called better or worse at least four times in five, with "
        "as many answers.",
    )


def table_rests(result: Guarded) -> Block:
    """Each part against the rest of the subject."""
    card = Card(result)
    if not len(result.rests):
        return Nothing()
    rows = []
    for one in result.rests[result.rests["survey"] == card.params.survey].itertuples():
        name = card.name_of(pd.Series({c: getattr(one, c) for c in NODE}))
        told = [plain(one.difference), DASH, "not tested"]
        if not isinstance(one.difference, Suppressed) and pd.notna(one.difference):
            clear = one.p_adjusted < 1 - CONFIDENCE
            change = metric_change(one.metric, one.difference, one.ci_low, one.ci_high)
            told = [*change, "differs" if clear else "cannot tell"]
        rows.append([f"{name}, {METRIC_NAMES[one.metric]}", *told, f"{one.n:,}", f"{one.n_compare:,}"])
    names = ["Difference", "95% interval", "Adjusted test", "Answers", "Answers of the rest"]
    return Table(
        "rests",
        f"Each {card.kind_of_parts} against the rest of {card.subject.name}",
        [Column(f"{as_subject(card.kind_of_parts)} and measure", numeric=False), *(Column(name) for name in names)],
        rows,
        note="Each is compared with all the others together, never with a total that holds it; p is adjusted "
        f"(Benjamini–Hochberg) among all {card.kind_of_parts}s for the same measure.",
    )


def method_scorecard(result: Guarded) -> Prose:
    """What the scores mean here, what the states mean, and what is not shown."""
    rules, fewest = result.study.scores, result.study.privacy.customer_min
    weighted = bool(result.scores["weighted"].any()) if len(result.scores) else False
    form = (
        "Answers are weighted; errors are linearised over customers, and small or one-sided samples keep the adjusted "
        "interval on their effective number of answers."
        if weighted
        else "Adjusted Wald for NPS, Wilson for shares, t for means; linearised over customers where one answers twice."
    )
    meanings = {
        "nps": "NPS: share of promoters (9 or 10 on the question of recommending, 0 to 10) less share of detractors "
        "(0 to 6), in points.",
        "csat": f"CSAT: share of answers from {rules.csat.top_box_from:g} up on a scale of {rules.csat.min:g} to "
        f"{rules.csat.max:g}.",
        "ces": f"CES: mean ease on a scale of {rules.ces.min:g} to {rules.ces.max:g}.",
    }
    asked = [name for name in meanings if len(result.scores) and (result.scores["metric"] == name).any()]
    return Prose(
        "method",
        "Method and limits",
        [
            " ".join(meanings[name] for name in asked or meanings),
            f"Intervals: 95%. {form}",
            "A change is clear where its test, adjusted among all units, says so; slightly, where its whole interval "
            f"lies within {_within(asked or list(meanings), result)}; steady, where the interval holds zero and lies "
            "within; else we cannot tell.",
            f"Fewer than {rules.min_base} answers on either side are not tested. Fewer than {fewest} are not shown; "
            "where one hidden figure could be worked out from a total, a second is hidden.",
        ],
    )


def _table_of_parts(card: Card, *, folded: bool = False) -> Block:
    if not card.parts or not card.metrics:
        return Nothing()
    kind, first = as_subject(card.kind_of_parts), METRIC_NAMES[card.metrics[0]]
    parts = sorted(card.tabled, key=lambda pair: _sort_key(pair[1], card.metrics[0]))
    rows = [_row(card, card.own, card.subject.name, total=True)]
    rows += [_row(card, part, name, link=card.link(part)) for name, part in parts]
    has_target = any(cell.target is not None for row in rows for cell in row.cells)
    has_benchmark = any(cell.benchmark is not None for row in rows for cell in row.cells)
    beside = ["95% interval", *(["target"] if has_target else []), *(["benchmark"] if has_benchmark else [])]
    against = [f"{kind}s against target"] if has_target else [f"{kind}s"]
    if card.comparison:
        against.append(f"change on {card.earlier}")
    tick = ", the dashed tick the target" if has_target else ""
    tick += ", the dotted one the benchmark" if has_benchmark else ""
    return ScoreTable(
        key=f"{card.kind_of_parts}s",
        title=(", and " if has_target else " and ").join(against),
        subtitle=f"Score with {joined(beside)}; {card.subject.period}"
        + (f"; change since {card.earlier_label}" if card.comparison else ""),
        of=kind,
        measures=[Measure(m, METRIC_NAMES[m], _unit_of(card, m) + _levels_of(card, m)) for m in card.metrics],
        rows=rows,
        how=f"The dot is the score, the line its 95% interval{tick}. "
        f"{kind}s are listed from low to high {first}; neighbours whose lines overlap may swap places."
        + (
            ""
            if len(parts) == len(card.parts)
            else f" Only {card.kind_of_parts}s that moved stand here; all are listed below."
        ),
        legend=_legend(card),
        caption=f"Not shown: fewer than {card.study.privacy.customer_min} answers. Few: fewer than {FEW}. Source: "
        f"{card.study.surveys.get(card.params.survey, 'survey')}, {card.subject.period}.",
        how_of_courses=how_of_courses(card) if any(row.course for row in rows) else "",
        has_target=has_target,
        has_benchmark=has_benchmark,
        folded=folded,
    )


def _measure(result: Guarded, one) -> str:
    return f"{METRIC_NAMES[one.metric]}, {result.study.surveys.get(one.survey, one.survey)}"


def _row(card: Card, rows: pd.DataFrame, name: str, *, link: str = "", total: bool = False) -> ScoreRow:
    cells = [
        card.cell(rows.loc[metric], metric, card.result.parts)
        if metric in rows.index
        else ScoreCell(metric, False, "No answers")
        for metric in card.metrics
    ]
    bases = rows.loc[[metric for metric in card.metrics if metric in rows.index], "n"]
    rate = rows["response_rate"].iloc[0]
    known = not isinstance(rate, Suppressed) and pd.notna(rate)
    base = (
        counts(bases)
        + (", few" if 0 < bases.min() < FEW else "")
        + (f"; {percent(rate)}\u00a0of\u00a0those\u00a0asked" if known else "")
    )
    course = None if card.kind_of_parts == "site" else course_of(card, rows, name)  # a unit's own has a figure
    return ScoreRow(name, base, cells, link, total, course)


def _sort_key(part: pd.DataFrame, metric: str) -> float:
    score = part.loc[metric, "score"] if metric in part.index else float("nan")
    return float("inf") if isinstance(score, Suppressed) or pd.isna(score) else float(score)


def _legend(card: Card) -> list[tuple[Sequence[str], str]]:
    if card.comparison is None:
        return []
    within = _within(card.metrics, card.result)
    return [
        (("better", "worse"), "clear, by a test adjusted among all that are compared"),
        (("slightly_better", "slightly_worse"), f"clear, but all of the interval within {within}"),
        (("steady",), f"the interval holds zero and stays within {within}"),
        (("cannot_tell",), "the answers leave it open, or it may be chance among all that are compared"),
    ]


def _within(metrics: Sequence[str], result: Guarded) -> str:
    """The smallest changes that matter, in words."""
    margins = result.study.scores.margins
    sizes = {
        "nps": f"±{margins.nps:g} NPS points",
        "csat": f"±{100 * margins.csat:g} points of CSAT",
        "ces": f"±{margins.ces:g} of CES",
    }
    return joined([sizes[m] for m in metrics]).replace(" and ", " or ")


def _unit_of(card: Card, metric: str) -> str:
    ces = card.study.scores.ces
    return {
        "nps": "points, −100 to +100",
        "csat": "share satisfied",
        "ces": f"ease, mean of {ces.min:g} to {ces.max:g}",
    }[metric]


def _levels_of(card: Card, metric: str) -> str:
    """Target and benchmark, where they are the same for all."""
    rows = [card.own.loc[metric], *(part.loc[metric] for _, part in card.parts if metric in part.index)]
    others = [card.benchmark(row) for row in rows]
    found = {
        "target": {float(row["target"]) for row in rows if pd.notna(row["target"])},
        "benchmark": {float(other["benchmark"]) for other in others if other is not None},
    }
    known = {name: values.pop() for name, values in found.items() if len(values) == 1}
    return "".join(f"; {name} {metric_score(metric, value)}" for name, value in known.items())

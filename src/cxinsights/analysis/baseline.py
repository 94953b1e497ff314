"""The baseline: scores of every site, unit, region and the company, and every comparison between them.

It is computed once per study and period. A report shows its own rows of it, so that a number, a test and its
adjustment are the same on every page; the families of tests are fixed here:

- change of company, regions and units since an earlier period: one family per measure, survey and earlier period;
- change of sites: a family of its own, likewise;
- each region, unit and site against the rest of what it belongs to: one family per measure, survey and level;
- breakdowns of company, regions and units, by touch-point and channel among them: one family per measure and survey.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxinsights.analysis.case_mix import fit_case_mix
from cxinsights.analysis.comparisons import adjust, compare, detectable_difference, states
from cxinsights.analysis.scores import HEADLINE_METRICS, METRICS, Metric, Sample, customers_of, estimate, sample_of
from cxinsights.params import ALL, ScoreRules

__all__ = ["CONTACTS", "NODE", "Baseline", "fit_baseline"]

NODE = ["level", "region", "unit", "site"]
"""Columns that name a company, region, unit or site; `_all` where they do not apply."""


CONTACTS = ("touchpoint", "channel")
"""Columns that say at which contact somebody answered; scores are broken down by them wherever a study has them."""


@dataclass(frozen=True)
class Baseline:
    """Tables of all nodes; each report shows its own rows."""

    period: str
    scores: pd.DataFrame
    """Node × survey × metric × period × weighted: score with base and interval (sites: the last period only); `size`
    is the sum of its weights, or its answers."""
    changes: pd.DataFrame
    """Node × survey × metric × earlier period: change, adjusted test and state."""
    rests: pd.DataFrame
    """Node × survey × metric: difference from the rest of its parent."""
    segments: pd.DataFrame
    """Node × survey × metric × breakdown × group: score, and difference from the other groups."""
    rated: pd.DataFrame
    """Node (no sites) × survey × driver: how many rated it in the period, and their mean."""
    bases: pd.DataFrame
    """Node (and group; empty for the node itself) × survey × measure × period: answers, in every period."""
    case_mix: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_CASE_MIX))
    """Node (no company) × survey × metric: the score if customers were mixed as all are."""
    fewest: int = 1
    """Fewest answers of a score that is shown, once what is hidden is marked (`privacy.protect`)."""

    def shown(self, scores: pd.DataFrame) -> pd.Series:
        """Which rows of its scores readers see: what others follow from must rest on these alone."""
        hidden = scores.get("hidden", pd.Series(False, index=scores.index)).astype(bool)
        return (scores["n"] >= self.fewest) & ~hidden


def fit_baseline(
    responses: pd.DataFrame,
    rules: ScoreRules,
    periods: Sequence[str],
    compare_with: dict[str, str],
    ratings: Sequence[str] = (),
    fewest: int = 1,
) -> Baseline:
    """Compute all scores and comparisons of one period.

    Parameters
    ----------
    responses
        One row per answer of all units and of all `periods`: region, unit, period, survey and, where the
        study has them, site, customer_id, weight, the scores, touchpoint, channel and the columns of
        `rules.segments` and `rules.case_mix`.
    periods
        Ids from earliest to the one reported on.
    compare_with
        Kind of comparison (`previous`, `year_ago`): id of the earlier period.
    ratings
        Columns whose answers are counted.
    fewest
        Answers that any shown mean rests on.
    """
    answers = _Answers(responses, rules)
    now = periods[-1]
    compare_with = {kind: period for kind, period in compare_with.items() if period in periods}
    scores = [row for node in answers.nodes for row in _scores(answers, node, periods)]
    changes = [row for node in answers.nodes for row in _changes(answers, node, now, compare_with)]
    rests = [row for node in answers.nodes for row in _rests(answers, node, now)]
    segments = [row for node in answers.nodes if node[0] != "site" for row in _segments(answers, node, now)]
    return Baseline(
        now,
        pd.DataFrame(scores, columns=_SCORES),
        _with_states(_adjusted(changes, _CHANGES, ["family", "survey", "metric", "comparison"]), rules),
        _adjusted(rests, _RESTS, ["family", "survey", "metric"]),
        _adjusted(segments, _SEGMENTS, ["survey", "metric"]),
        _rated(answers, responses[list(ratings)], now),
        _bases(answers, responses.reset_index(drop=True)),
        _case_mix(answers, responses.reset_index(drop=True), now, fewest),
    )


_ESTIMATE = ["n", "n_missing", "n_effective", "score", "se", "ci_low", "ci_high", "method"]
_TEST = ["se", "ci_low", "ci_high", "p_value", "effect_size", "detectable"]
_SCORES = [*NODE, "survey", "metric", "period", "weighted", "question", "size", *_ESTIMATE]
_CHANGES = [
    *NODE, "family", "survey", "metric", "comparison", "compare_period", "n", "n_compare", "change", *_TEST,
]  # fmt: skip
_RESTS = [*NODE, "family", "survey", "metric", "n", "n_compare", "difference", *_TEST]
_SEGMENTS = [
    *NODE, "survey", "metric", "segment", "group", *_ESTIMATE, "n_compare", "difference", "diff_low",
    "diff_high", "p_value", "effect_size",
]  # fmt: skip
_CASE_MIX = [*NODE, "survey", "metric", "n", "expected", "adjusted", "se", "adj_low", "adj_high", "overall"]

Node = tuple[str, str, str, str]


class _Answers:
    """The answers as arrays, and where each node's rows are."""

    def __init__(self, responses: pd.DataFrame, rules: ScoreRules) -> None:
        frame = responses.reset_index(drop=True)
        self.rules = rules
        self.metrics = {m.name: m for m in METRICS.values() if m.column in frame}
        self.coded = {m.name: m.coded(frame[m.column], rules) for m in self.metrics.values()}
        self.weights = frame["weight"].to_numpy(dtype=float) if "weight" in frame else None
        self.customers = customers_of(frame)
        self.groups = {name: frame[name] for name in dict.fromkeys([*rules.segments, *CONTACTS]) if name in frame}
        self.surveys = sorted(frame["survey"].unique())
        self._rows = self._places(frame)
        self.nodes = self._nodes(frame)
        self.asked = {
            (name, survey, period)
            for (survey, period), rows in frame.groupby(["survey", "period"]).indices.items()
            for name in self.metrics
            if not np.isnan(self.coded[name][rows]).all()
        }
        """Measure, survey and period of every question that anybody anywhere answered."""

    def rows(self, node: Node, survey: str, period: str) -> np.ndarray:
        """Places of a node's answers to one survey in one period."""
        return self._rows.get((*node, survey, period), np.zeros(0, dtype=int))

    def sample(self, metric: str, rows: np.ndarray, weighted: bool = True) -> Sample:
        """Answers at these places, weighted where the study is."""
        weights = self.weights[rows] if weighted and self.weights is not None else None
        customers = None if self.customers is None else self.customers[rows]
        return sample_of(self.coded[metric][rows], weights, customers)

    @staticmethod
    def _places(frame: pd.DataFrame) -> dict[tuple[str, ...], np.ndarray]:
        found: dict[tuple[str, ...], np.ndarray] = {}
        wave = ["survey", "period"]
        for (survey, period), rows in frame.groupby(wave).indices.items():
            found["company", ALL, ALL, ALL, survey, period] = rows
        for (region, survey, period), rows in frame.groupby(["region", *wave]).indices.items():
            found["region", region, ALL, ALL, survey, period] = rows
        for (region, unit, survey, period), rows in frame.groupby(["region", "unit", *wave]).indices.items():
            found["unit", region, unit, ALL, survey, period] = rows
        if "site" in frame:
            for key, rows in frame.groupby(["region", "unit", "site", *wave]).indices.items():
                found["site", *key] = rows
        return found

    @staticmethod
    def _nodes(frame: pd.DataFrame) -> list[Node]:
        regions = sorted(frame["region"].unique())
        nodes: list[Node] = [("company", ALL, ALL, ALL)]
        if len(regions) > 1:
            nodes += [("region", region, ALL, ALL) for region in regions]
        units = frame[["region", "unit"]].drop_duplicates().sort_values(["region", "unit"])
        nodes += [("unit", r, u, ALL) for r, u in units.itertuples(index=False)]
        if "site" in frame:
            sites = frame[["region", "unit", "site"]].dropna().drop_duplicates()
            nodes += [("site", *key) for key in sites.sort_values(["region", "unit", "site"]).itertuples(index=False)]
        return nodes


def _scores(answers: _Answers, node: Node, periods: Sequence[str]) -> Iterator[tuple]:
    is_site = node[0] == "site"
    metrics = [m for m in answers.metrics.values() if not is_site or m.name in HEADLINE_METRICS]
    forms = [True] if answers.weights is not None else [False]
    if answers.weights is not None and not is_site:
        forms.append(False)
    for survey in answers.surveys:
        for period in periods[-1:] if is_site else periods:
            rows = answers.rows(node, survey, period)
            for metric in metrics:
                question = "asked" if (metric.name, survey, period) in answers.asked else "not_asked"
                for weighted in forms:
                    sample = answers.sample(metric.name, rows, weighted)
                    found = estimate(sample, metric.kind)
                    figures = (getattr(found, name) for name in _ESTIMATE)
                    yield (*node, survey, metric.name, period, weighted, question, sample.size, *figures)


def _changes(answers: _Answers, node: Node, now: str, compare_with: dict[str, str]) -> Iterator[tuple]:
    for survey, metric in _tested(answers):
        current = answers.sample(metric.name, answers.rows(node, survey, now))
        for kind, period in compare_with.items():
            earlier = answers.sample(metric.name, answers.rows(node, survey, period))
            if current.n and earlier.n:
                family = "sites" if node[0] == "site" else "units"
                found = _compared(answers, metric, current, earlier)
                yield (*node, family, survey, metric.name, kind, period, current.n, earlier.n, *found)


def _rests(answers: _Answers, node: Node, now: str) -> Iterator[tuple]:
    parent = _parent(answers, node)
    if parent is None:
        return
    for survey, metric in _tested(answers):
        rows = answers.rows(node, survey, now)
        others = np.setdiff1d(answers.rows(parent, survey, now), rows, assume_unique=True)
        own, rest = answers.sample(metric.name, rows), answers.sample(metric.name, others)
        if own.n and rest.n:
            yield (*node, node[0], survey, metric.name, own.n, rest.n, *_compared(answers, metric, own, rest))


def _segments(answers: _Answers, node: Node, now: str) -> Iterator[tuple]:
    min_base = answers.rules.min_base
    for survey, metric in _tested(answers):
        rows = answers.rows(node, survey, now)
        for segment, values in answers.groups.items():
            here = values.iloc[rows].to_numpy(dtype=object)
            known = pd.notna(here)
            for group in sorted(set(here[known])):
                inside = here == group
                own = answers.sample(metric.name, rows[inside])
                rest = answers.sample(metric.name, rows[known & ~inside])
                if not own.n:
                    continue
                found = estimate(own, metric.kind, design_n=own.n + rest.n)
                test = compare(own, rest, metric.kind, min_base=min_base)
                figures = (getattr(found, name) for name in _ESTIMATE)
                difference = (test.value, test.ci_low, test.ci_high) if test.tested else (np.nan,) * 3
                yield (
                    *node, survey, metric.name, segment, _name(group), *figures, rest.n, *difference, test.p_value,
                    test.effect_size if test.tested else np.nan,
                )  # fmt: skip


def _name(group: object) -> str:
    """A group as text, whatever its column holds."""
    return f"{group:g}" if isinstance(group, int | float | np.number) else str(group)


def _bases(answers: _Answers, frame: pd.DataFrame) -> pd.DataFrame:
    """Answers of every node and group in every period, of all measures that are tested."""
    wave, found = ["survey", "period"], []
    levels = {"company": [], "region": ["region"], "unit": ["region", "unit"], "site": ["region", "unit", "site"]}
    for level in {node[0]: None for node in answers.nodes}:
        keys = levels[level]
        for metric in (name for name in HEADLINE_METRICS if name in answers.metrics):
            known = frame[~np.isnan(answers.coded[metric])]
            for segment in ("", *(answers.groups if level != "site" else ())):
                sizes = known.groupby([*keys, *wave, *([segment] if segment else [])]).size().reset_index(name="n")
                sizes = sizes.rename(columns={segment: "group"}) if segment else sizes.assign(group="")
                sizes = sizes.assign(level=level, metric=metric, segment=segment, group=sizes["group"].map(_name))
                found.append(sizes.assign(**{name: ALL for name in NODE[1:] if name not in keys}))
    columns = [*NODE, *wave, "metric", "segment", "group", "n"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _rated(answers: _Answers, ratings: pd.DataFrame, now: str) -> pd.DataFrame:
    values = ratings.to_numpy(dtype=float)
    weights = np.ones(len(values)) if answers.weights is None else answers.weights
    known = ~np.isnan(values)
    rows = []
    for node in answers.nodes:
        for survey in answers.surveys if node[0] != "site" else ():
            here = answers.rows(node, survey, now)
            counted = known[here] * weights[here, None]
            total, summed = counted.sum(axis=0), (counted * np.nan_to_num(values[here])).sum(axis=0)
            means = np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)
            counts = known[here].sum(axis=0)
            rows += [(*node, survey, name, int(counts[at]), means[at]) for at, name in enumerate(ratings)]
    return pd.DataFrame(rows, columns=[*NODE, "survey", "driver", "n", "mean"])


def _case_mix(answers: _Answers, frame: pd.DataFrame, now: str, fewest: int) -> pd.DataFrame:
    """Every node's score as if its customers were mixed as the company's are, by the study's covariates."""
    covariates = frame[[name for name in answers.rules.case_mix if name in frame]]
    found = []
    for survey, metric in _tested(answers) if len(covariates.columns) else ():
        coded = answers.coded[metric.name]
        every = answers.rows(("company", ALL, ALL, ALL), survey, now)
        every = every[~np.isnan(coded[every])]
        if not len(every):
            continue
        at = np.full(len(frame), -1)
        at[every] = np.arange(len(every))
        places = {node: at[answers.rows(node, survey, now)] for node in answers.nodes if node[0] != "company"}
        adjusted = fit_case_mix(
            coded[every], covariates.iloc[every], metric.kind,
            {node: rows[rows >= 0] for node, rows in places.items()},
            None if answers.weights is None else answers.weights[every],
            None if answers.customers is None else answers.customers[every],
            max(answers.rules.min_base, fewest),
        )  # fmt: skip
        overall = answers.sample(metric.name, every).mean
        found += [(*one.place, survey, metric.name, *one[2:], overall) for one in adjusted.itertuples()]
    return pd.DataFrame(found, columns=_CASE_MIX)


def _tested(answers: _Answers) -> Iterator[tuple[str, Metric]]:
    for survey in answers.surveys:
        for name in HEADLINE_METRICS:
            if name in answers.metrics:
                yield survey, answers.metrics[name]


def _compared(answers: _Answers, metric: Metric, a: Sample, b: Sample) -> tuple[float, ...]:
    """Difference and its test; all missing where the bases are too small to test."""
    found = compare(a, b, metric.kind, min_base=answers.rules.min_base)
    if not found.tested:
        return (np.nan,) * (1 + len(_TEST))
    return (found.value, *(getattr(found, name) for name in _TEST))


def _parent(answers: _Answers, node: Node) -> Node | None:
    level, region, unit, _ = node
    if level == "company":
        return None
    if level == "region" or (level == "unit" and ("region", region, ALL, ALL) not in answers.nodes):
        return ("company", ALL, ALL, ALL)
    return ("region", region, ALL, ALL) if level == "unit" else ("unit", region, unit, ALL)


def _adjusted(rows: list[tuple], columns: list[str], family: list[str]) -> pd.DataFrame:
    frame = adjust(pd.DataFrame(rows, columns=columns), family)
    if "detectable" in columns:
        frame["detectable"] = detectable_difference(frame, family)
    return frame.drop(columns="family", errors="ignore")


def _with_states(changes: pd.DataFrame, rules: ScoreRules) -> pd.DataFrame:
    margins = changes["metric"].map(rules.margins.model_dump()).astype(float)
    good_is_high = changes["metric"].map({m: rules.is_better_high(m) for m in HEADLINE_METRICS})
    return changes.assign(
        state=states(
            changes["p_adjusted"], changes["change"], changes["ci_low"], changes["ci_high"], margins,
            higher_is_better=good_is_high,
        )
    )  # fmt: skip

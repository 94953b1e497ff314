"""A scorecard's result with the lookups that its sentences, tables and figures share."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from cxinsights.analysis.baseline import CONTACTS, NODE
from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.analysis.scores import HEADLINE_METRICS
from cxinsights.display.blocks import ScoreCell
from cxinsights.display.numbers import metric_change, metric_interval, metric_score, percent
from cxinsights.display.subject import Subject
from cxinsights.display.words import NEWS_FIRST, as_subject
from cxinsights.params import ALL, ScorecardParams, Study
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.schemas.columns import column

__all__ = ["BETTER", "MANY", "METRIC_NAMES", "WORSE", "Card"]

METRIC_NAMES = {
    "nps": "NPS",
    "csat": "CSAT",
    "ces": "CES",
    "csat_mean": "CSAT, mean",
    "ces_top": "CES, top box",
}
_ROW = [*NODE, "survey", "metric"]
WORSE, BETTER = ("worse", "slightly_worse"), ("better", "slightly_better")
MANY = 20
"""Units beyond which they are listed, to be searched and sorted, and tabled only where they moved."""


@dataclass(frozen=True)
class Card:
    """A guarded scorecard, and what is asked of it again and again."""

    result: Guarded

    @property
    def study(self) -> Study:
        """Whose names are used."""
        return self.result.study

    @property
    def params(self) -> ScorecardParams:
        """What was asked."""
        return self.result.params

    @cached_property
    def subject(self) -> Subject:
        """Names of the report's subject."""
        return Subject.of(self.params, self.study, "Scorecard")

    @cached_property
    def own(self) -> pd.DataFrame:
        """The subject's own scores of the survey, one row per headline measure that was asked, by measure."""
        rows = self.result.scores
        if not len(rows):
            return pd.DataFrame(columns=["metric"]).set_index("metric", drop=False)
        rows = rows[(rows["survey"] == self.params.survey) & rows["metric"].isin(HEADLINE_METRICS)]
        rows = rows[rows["weighted"] == rows["weighted"].max()]
        return rows[rows["question"] == "asked"].set_index("metric", drop=False)

    @cached_property
    def metrics(self) -> list[str]:
        """Measures asked in the period, the leading one first."""
        return [name for name in HEADLINE_METRICS if name in self.own.index]

    @cached_property
    def not_asked(self) -> list[str]:
        """Headline measures that the study has but did not ask in this period."""
        rows = self.result.scores[self.result.scores["survey"] == self.params.survey]
        missing = set(rows.loc[rows["question"] == "not_asked", "metric"])
        return [METRIC_NAMES[name] for name in HEADLINE_METRICS if name in missing]

    @cached_property
    def comparison(self) -> str | None:
        """The comparison shown first: the one asked for where it has changes, else the other."""
        found = set(self.result.changes["comparison"]) if len(self.result.changes) else set()
        return next((kind for kind in self._earlier if kind in found), next(iter(self._earlier), None))

    @cached_property
    def earlier_label(self) -> str:
        """The earlier period by its name; empty where there is none."""
        return self.study.periods.period(self.earlier_id).label if self.earlier_id else ""

    @property
    def earlier_id(self) -> str:
        """The earlier period; empty where there is none."""
        return self._earlier.get(self.comparison, "")

    @cached_property
    def _earlier(self) -> dict[str, str]:
        """Earlier periods that the study has, by kind of comparison; the one asked for first."""
        scheme, now = self.study.periods, self.params.period
        kinds = {"year_ago": scheme.year_ago(now), "previous": scheme.previous(now)}
        known = set(self.result.trend["period"]) if len(self.result.trend) else set()
        asked_first = sorted(kinds, key=lambda kind: kind != self.params.compare)
        return {kind: kinds[kind] for kind in asked_first if kinds[kind] in known}

    @property
    def earlier(self) -> str:
        """The earlier period in a sentence."""
        return "a year earlier" if self.comparison == "year_ago" else self.earlier_label

    @cached_property
    def parts(self) -> list[tuple[str, pd.DataFrame]]:
        """Name and rows (by measure) of each region, unit or site that belongs to the subject."""
        return self._by_place(self.result.parts)

    @cached_property
    def units(self) -> list[tuple[str, pd.DataFrame]]:
        """Name and rows of each unit under the subject, whether or not a region stands between."""
        return self._by_place(self.result.units) or (self.parts if self.kind_of_parts == "unit" else [])

    @property
    def many(self) -> list[tuple[str, pd.DataFrame]]:
        """The units, where they are too many for a table; else none."""
        return self.units if len(self.units) > MANY else []

    @cached_property
    def news(self) -> list[tuple[str, pd.DataFrame]]:
        """Units that moved on some measure, what readers look for first before all."""
        return sorted((one for one in self.units if self.moved(one[1])), key=lambda one: self.rank_of_news(*one))

    @cached_property
    def told(self) -> list[tuple[str, pd.DataFrame]]:
        """Of whom sentences speak: units, wherever one of them moved, by names that tell them apart; else the parts."""
        if not self.news or not len(self.result.units):
            return self.parts
        order = sorted(self.units, key=lambda one: self.rank_of_news(*one))
        return [(f"{name} in {self.study.region(rows['region'].iloc[0]).label}", rows) for name, rows in order]

    @property
    def kind_told(self) -> str:
        """Whether sentences speak of regions, units or sites."""
        return "unit" if self.told is not self.parts else self.kind_of_parts

    def rank_of_news(self, name: str, part: pd.DataFrame) -> tuple[int, float, str]:
        """Where a part stands among news: by the gravest state of any measure, the change for the worst, its name."""
        states = self.states_of(part).values()
        rank = min(map(NEWS_FIRST.index, states), default=len(NEWS_FIRST))
        change = self.leading_change(part)
        sign = 1 if self.study.scores.is_better_high(self.metrics[0]) else -1
        return rank, float("inf") if change is None else sign * change, name

    def leading_change(self, part: pd.DataFrame) -> float | None:
        """Change of a part's leading measure, where it was tested."""
        metric = self.metrics[0]
        if metric not in part.index or self.state(part.loc[metric]) is None:
            return None
        return float(self.change(part.loc[metric])["change"])

    @cached_property
    def tabled(self) -> list[tuple[str, pd.DataFrame]]:
        """The parts, of many units those alone that moved on some measure."""
        if not self.many or self.kind_of_parts != "unit":
            return self.parts
        return [(name, part) for name, part in self.parts if self.moved(part)]

    def moved(self, part: pd.DataFrame) -> dict[str, str]:
        """Clear states of a part by measure."""
        return {metric: state for metric, state in self.states_of(part).items() if state in (*WORSE, *BETTER)}

    def _by_place(self, rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
        if not len(rows):
            return []
        return [
            (self.name_of(part.iloc[0]), part.set_index("metric", drop=False))
            for _, part in rows.groupby(NODE, sort=False)
        ]

    @cached_property
    def kind_of_parts(self) -> str:
        """Whether the parts are regions, units or sites."""
        return str(self.result.parts["level"].iloc[0]) if len(self.result.parts) else "part"

    def trend(self, metric: str) -> pd.DataFrame:
        """The shown scores of a measure in every period, in order."""
        rows = self.result.trend
        rows = rows[(rows["metric"] == metric) & (rows["n"] > 0)]
        return rows[is_shown(rows["score"])].reset_index(drop=True)

    @cached_property
    def periods(self) -> list[str]:
        """Every period that the study has, in order."""
        return list(dict.fromkeys(self.result.trend["period"]))

    def course(self, row: pd.Series) -> pd.DataFrame:
        """The shown scores of a row's place and measure in every period, in order; sites have none."""
        own = row["level"] == self.own["level"].iloc[0]
        rows = self.result.trend if own else self.result.part_trends
        if not len(rows):
            return rows
        rows = rows[(rows[_ROW] == [row[name] for name in _ROW]).all(axis=1) & (rows["n"] > 0)]
        return rows[is_shown(rows["score"])].reset_index(drop=True)

    def breakdowns(self, metric: str, most: int) -> pd.DataFrame:
        """Groups of the breakdowns worth drawing: those in which a group differs, else the first asked for."""
        rows = self.result.segments
        if not len(rows):
            return rows
        rows = rows[(rows["survey"] == self.params.survey) & (rows["metric"] == metric) & is_shown(rows["score"])]
        clear = rows[self.differs(rows)].groupby("segment")["p_adjusted"].min().sort_values()
        asked = [segment for segment in self.study.scores.segments if (rows["segment"] == segment).any()]
        chosen = list(clear.index[:most]) or asked[:1]
        chosen = [segment for segment in dict.fromkeys([*asked, *CONTACTS]) if segment in chosen]
        order = [(chosen.index(r.segment), self.place_of(r.segment, r.group)) for r in _listed(rows, chosen)]
        kept = rows[rows["segment"].isin(chosen)]
        return kept.iloc[sorted(range(len(kept)), key=lambda at: order[at])].reset_index(drop=True)

    def differs(self, rows: pd.DataFrame) -> pd.Series:
        """Which groups the adjusted test tells from the other groups."""
        p = pd.to_numeric(rows["p_adjusted"])
        return p.notna() & (p < 1 - CONFIDENCE)

    def change(self, row: pd.Series) -> pd.Series | None:
        """The change of a score row, or None where the earlier period has no answers."""
        key = tuple(row[name] for name in _ROW)
        if key not in self._changes and key in self._changed:
            self._changes[key] = self.result.changes.iloc[self._changed[key]]
        return self._changes.get(key)

    @cached_property
    def _changed(self) -> dict[tuple, int]:
        """Where in the table each change of the comparison stands: of many units few are asked for."""
        rows = self.result.changes
        if self.comparison is None or not len(rows):
            return {}
        here = (rows["comparison"] == self.comparison).to_numpy().nonzero()[0]
        return dict(zip(rows[_ROW].iloc[here].itertuples(index=False, name=None), here.tolist(), strict=True))

    @cached_property
    def _changes(self) -> dict[tuple, pd.Series]:
        return {}

    @staticmethod
    def unclear(change) -> str:
        """Why a change is not told though its own interval leaves out zero; empty where that is not so."""
        if change.state != "cannot_tell" or change.ci_low <= 0 <= change.ci_high:
            return ""
        return f"may be chance among {change.n_comparisons} comparisons"

    def few(self, change: pd.Series) -> bool:
        """Whether a change was not tested for want of answers."""
        return min(change["n"], change["n_compare"]) < self.study.scores.min_base

    def state(self, row: pd.Series) -> str | None:
        """State of a score row's change; None where it was not tested or is not shown."""
        change = self.change(row)
        return change["state"] if change is not None and isinstance(change["state"], str) else None

    def verb(self, row: pd.Series) -> str | None:
        """Whether a score fell or rose; None where no clear change is known."""
        if self.state(row) not in (*WORSE, *BETTER):
            return None
        return "fell" if self.change(row)["change"] < 0 else "rose"

    def asked_in(self, metric: str, period: str) -> bool:
        """Whether a measure was asked in a period."""
        rows = self.result.trend
        rows = rows[(rows["metric"] == metric) & (rows["period"] == period)]
        return bool((rows["question"] == "asked").any())

    def benchmark(self, row: pd.Series) -> pd.Series | None:
        """The leading benchmark of a score row and its gap; None where there is none or it is not shown."""
        return self._benchmarks.get(tuple(row[_ROW]))

    @cached_property
    def _benchmarks(self) -> dict[tuple, pd.Series]:
        rows = self.result.benchmarks
        if not len(rows):
            return {}
        rows = rows[is_shown(rows["gap"])].drop_duplicates(_ROW)
        return {tuple(row[_ROW]): row for _, row in rows.iterrows()}

    def states_of(self, part: pd.DataFrame) -> dict[str, str]:
        """A part's states by measure; empty where nothing was tested."""
        return {m: state for m in self.metrics if m in part.index and (state := self.state(part.loc[m]))}

    def span(self, metric: str, others: pd.DataFrame) -> tuple[float, float]:
        """Axis of a measure's strips that the subject shares with others: its parts, or its own past."""
        key = (metric, id(others))  # tables of one result, which all live as long as this
        if key not in self._spans:
            self._spans[key] = self._span(metric, others)
        return self._spans[key]

    @cached_property
    def _spans(self) -> dict[tuple[str, int], tuple[float, float]]:
        return {}

    def _span(self, metric: str, others: pd.DataFrame) -> tuple[float, float]:
        frames = [frame for frame in (self.own, others) if len(frame)]
        rows = pd.concat([f[f["metric"] == metric] for f in frames]).filter(["ci_low", "ci_high", "target"])
        values = [float(v) for v in rows.to_numpy().ravel() if not isinstance(v, Suppressed) and pd.notna(v)]
        values += [float(row["benchmark"]) for key, row in self._benchmarks.items() if key[-1] == metric]
        room = 0.06 * (max(values) - min(values)) or 1.0
        return min(values) - room, max(values) + room

    def cell(self, row: pd.Series, metric: str, others: pd.DataFrame) -> ScoreCell:
        """A score with its interval, target, change and state, or what stands in its place.

        `others` are the scores that its strip shares an axis with.
        """
        if row["question"] == "not_asked":
            return ScoreCell(metric, shown=False, instead="Not asked")
        if isinstance(row["score"], Suppressed):
            return ScoreCell(metric, shown=False, instead=as_subject(str(row["score"])))
        if pd.isna(row["score"]):
            return ScoreCell(metric, shown=False, instead="No answers")
        change, state, other = self.change(row), self.state(row), self.benchmark(row)
        moved, unclear = ("", ""), ""
        not_compared = self._without_change(metric)
        if state is not None:
            moved = metric_change(metric, change["change"], change["ci_low"], change["ci_high"], state)
            unclear = self.unclear(change)
        elif change is not None:
            hidden = isinstance(change["change"], Suppressed)
            why = "Few answers: change not tested" if self.few(change) else "Change not tested"
            not_compared = "Change not shown" if hidden else why
        return ScoreCell(
            metric,
            shown=True,
            score=metric_score(metric, row["score"]),
            interval=metric_interval(metric, row["ci_low"], row["ci_high"]),
            at=float(row["score"]),
            low=float(row["ci_low"]),
            high=float(row["ci_high"]),
            span=self.span(metric, others),
            target=None if pd.isna(row["target"]) else float(row["target"]),
            benchmark=None if other is None else float(other["benchmark"]),
            state=state,
            change=moved[0],
            change_interval=moved[1],
            unclear=unclear,
            not_compared=not_compared,
        )

    def response(self, row: pd.Series) -> str:
        """How many of those who were asked answered; empty where nobody knows."""
        invited, rate = row["invited"], row["response_rate"]
        if isinstance(invited, Suppressed) or pd.isna(invited):
            return ""
        told = f"{int(row['n_returned']):,} of {int(invited):,}"
        return f"{told}, more than were asked" if pd.isna(rate) else f"{told} ({percent(rate)})"

    def _without_change(self, metric: str) -> str:
        """What stands in a change's place where there is none; nothing where no period came before."""
        if self.comparison is None:
            return ""
        return "No earlier answers" if self.asked_in(metric, self.earlier_id) else f"Not asked in {self.earlier_label}"

    def against_target(self, row: pd.Series, metric: str) -> str:
        """Where a score stands to its target: only a whole interval on one side is under or over it."""
        target = row["target"]
        if pd.isna(target) or isinstance(row["score"], Suppressed):
            return ""
        text = metric_score(metric, target)
        if row["ci_high"] < target:
            return f"Under the target of {text}"
        if row["ci_low"] > target:
            return f"Over the target of {text}"
        return f"We cannot tell if the target of {text} is met"

    def against_benchmark(self, row: pd.Series, metric: str) -> str:
        """On which side of the benchmark a score lies; empty where the interval of their gap holds zero."""
        other = self.benchmark(row)
        if other is None or other["gap_low"] <= 0 <= other["gap_high"]:
            return ""
        side = "Above" if other["gap_low"] > 0 else "Below"
        return f"{side} the benchmark of {metric_score(metric, other['benchmark'])}"

    def link(self, part: pd.DataFrame) -> str:
        """Where the report that stands for a part lies: a unit's brief, a region's scorecard; sites have none."""
        first = part.iloc[0]
        if first["level"] == "site":
            return ""
        whole = self.params.region == ALL
        place = f"../../../{first['region']}/{first['unit']}" if whole else f"../../{first['unit']}"
        return f"{place}/{'brief' if first['level'] == 'unit' else 'scorecard'}/index.html"

    def name_of(self, row: pd.Series) -> str:
        """What pages call a part."""
        if row["level"] == "site":
            return str(row["site"])
        if row["level"] == "unit":
            return self.study.unit(row["region"], row["unit"]).label
        return self.study.label_of(row["region"], row["unit"])

    def place_of(self, segment: str, group: str) -> tuple[int, str]:
        """Where a group stands in its breakdown."""
        values = list(column(segment, self.study).values)
        return (values.index(group) if group in values else len(values), str(group))


def _listed(rows: pd.DataFrame, segments: list[str]) -> list:
    return list(rows[rows["segment"].isin(segments)].itertuples())

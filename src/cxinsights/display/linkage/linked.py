"""A linkage's result with the names and lookups that its sentences, tables and figures share."""

import math
import re
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from cxinsights.analysis.aggregation import RELIABLE
from cxinsights.analysis.linkage import SCALE
from cxinsights.analysis.scores import METRICS
from cxinsights.display.numbers import count, decimals_for, interval, number, with_interval
from cxinsights.display.scorecard.card import METRIC_NAMES
from cxinsights.display.subject import Subject
from cxinsights.display.words import as_subject, in_sentence, joined, possessive, spelled
from cxinsights.params import ALL, LinkageParams, Study
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import column, label, value_label

__all__ = ["Linked", "correlation_text"]


def correlation_text(row: pd.Series, low: str = "ci_low", high: str = "ci_high") -> str:
    """A correlation and its interval: 0.49 (0.38 to 0.58)."""
    if pd.isna(row[low]):
        return f"{number(row['correlation'], 2)}\u00a0(no interval)"
    return with_interval(row["correlation"], row[low], row[high], 2)


@dataclass(frozen=True)
class Linked:
    """A guarded linkage, and what is asked of it again and again."""

    result: Guarded

    @property
    def study(self) -> Study:
        """Whose names are used."""
        return self.result.study

    @property
    def params(self) -> LinkageParams:
        """What was asked."""
        return self.result.params

    @cached_property
    def subject(self) -> Subject:
        """Names of the report's subject."""
        return Subject.of(self.params, self.study, "Employees and customers")

    @property
    def of_unit(self) -> bool:
        """Whether this is a unit's report, which places its own sites among all."""
        return self.params.unit != ALL

    @cached_property
    def is_ok(self) -> bool:
        """Whether there is an association to show."""
        return self.result.status == "ok" and bool(is_shown(self.result.associations["correlation"]).iloc[0])

    @cached_property
    def lead(self) -> pd.Series:
        """Pearson's correlation of the lead pair."""
        return self.result.associations.iloc[0]

    @cached_property
    def claims(self) -> bool:
        """Whether the sites are enough for a headline claim."""
        return int(self.lead["n"]) >= self.params.claim_sites

    @cached_property
    def sign(self) -> int:
        """Direction of the lead association; 0 where its interval holds zero."""
        return 1 if self.lead["ci_low"] > 0 else -1 if self.lead["ci_high"] < 0 else 0

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Pearson's correlation of every lead pair that is shown."""
        rows = self.result.associations
        return rows[(rows["correlation_kind"] == "pearson") & is_shown(rows["correlation"])]

    def other_kind(self, kind: str) -> pd.Series | None:
        """The lead pair in another kind of correlation; None where there is none to show."""
        rows = self.result.associations
        same = (rows["item"] == self.lead["item"]) & (rows["metric"] == self.lead["metric"])
        rows = rows[same & (rows["correlation_kind"] == kind) & is_shown(rows["correlation"])]
        return rows.iloc[0] if len(rows) else None

    @cached_property
    def sites(self) -> pd.DataFrame:
        """Sites that are shown and have both sides, as numbers."""
        rows = self.result.sites
        if not len(rows):
            return rows
        rows = rows[is_shown(rows["customer_score"]) & rows["takes_part"].astype(bool)]
        return rows.infer_objects().reset_index(drop=True)

    @cached_property
    def misfits(self) -> pd.DataFrame:
        """Sites of the report that lie surely away from the line, the farthest first; a unit names its own only."""
        rows = self.sites
        rows = rows[rows["misfit"].astype(bool) & rows["own"].astype(bool)]
        return rows.iloc[rows["p_value"].astype(float).argsort(kind="stable")]

    @cached_property
    def carriers(self) -> pd.DataFrame:
        """Sites without which the finding would be another, those that have no name here included."""
        rows = self.result.leave_one_out
        rows = rows[is_shown(rows["correlation"])]
        return rows[rows["carries"].astype(bool)]

    @cached_property
    def has_intervals(self) -> bool:
        """Whether single sites have intervals."""
        return "customer_intervals" not in self.result.not_computed

    @cached_property
    def unsteady(self) -> dict[str, float]:
        """Lead measures whose site means are not reliable, with ICC(2)."""
        rows = self.result.aggregation
        rows = rows[is_shown(rows["icc2"])].set_index("measure")["icc2"].astype(float)
        return {name: rows[name] for name in self.pair if name in rows and rows[name] < RELIABLE}

    @cached_property
    def summary(self) -> pd.Series:
        """Bases and reasons."""
        return self.result.summary.iloc[0]

    @property
    def pair(self) -> tuple[str, str]:
        """The lead pair."""
        return (self.lead["item"], self.lead["metric"])

    @cached_property
    def site_word(self) -> str:
        """What a site is called: site, school."""
        return in_sentence(label("site", self.study))

    @cached_property
    def sites_word(self) -> str:
        """More than one: sites, schools, branches."""
        word = self.site_word
        if re.search(r"[^aeiou]y$", word):
            return f"{word[:-1]}ies"
        return f"{word}es" if re.search(r"(s|x|z|ch|sh)$", word) else f"{word}s"

    def n_sites(self, n: int) -> str:
        """A number of sites: 228 sites."""
        return f"{int(n):,}\u00a0{self.site_word if int(n) == 1 else self.sites_word}"

    @cached_property
    def employees(self) -> str:
        """Whose answers the items are: employees, teachers."""
        return self._people("n_employees", "employees")

    @cached_property
    def customers(self) -> str:
        """Whose answers the scores are: customers, parents."""
        return self._people("n_customers", "customers")

    def item(self, name: str) -> str:
        """An employees' measure inside a sentence."""
        if name == SCALE:
            return self._scale()
        own = label(name, self.study)  # a statement that people answered, unless both sides see the same topic
        return in_sentence(own) if self.result.parallel else f"“{own}”"

    def metric(self, name: str) -> str:
        """A customers' score inside a sentence."""
        return METRIC_NAMES[name] if name in METRIC_NAMES else in_sentence(label(name, self.study))

    def topic(self, pair: tuple[str, str]) -> str:
        """What both sides of a parallel pair see: what their names share, else the item's name."""
        first, second = (label(name, self.study).split(" (")[0] for name in pair)
        return in_sentence(first) if first == second else self.item(pair[0])

    def measure(self, name: str) -> str:
        """Any measure at the beginning of a line."""
        if name == SCALE:
            return as_subject(self._scale())
        return as_subject(in_sentence(label(name, self.study)) if name in self.params.items else self.metric(name))

    def unit_of(self, metric: str) -> float:
        """What one point of a score is drawn and written as: shares in percent."""
        return 100.0 if metric in METRICS and METRICS[metric].kind == "share" else 1.0

    def width_of(self, metric: str) -> float:
        """From one end of a score's scale to the other; unbounded where the study does not say."""
        if metric in METRICS:
            rules, kind = self.study.scores, METRICS[metric].kind
            scale = rules.ces if metric.startswith("ces") else rules.csat
            return {"nps": 200.0, "share": 1.0}.get(kind, float(scale.max - scale.min))
        spec = column(metric, self.study)
        return math.inf if spec.min is None or spec.max is None else float(spec.max - spec.min)

    def score_text(self, metric: str, value: float, low: float, high: float) -> str:
        """A site's score and interval as its measure is written; alone where there is no interval."""
        times, sign = self.unit_of(metric), "%" if self.unit_of(metric) > 1 else ""
        if pd.isna(low) or pd.isna(high):
            return f"{number(times * value, 0 if sign or metric == 'nps' else 2)}{sign}"
        digits = 0 if sign or metric == "nps" else max(decimals_for((high - low) / 2), 1)
        return f"{number(times * value, digits)}{sign}\u00a0({interval(times * low, times * high, digits)})"

    def points_text(self, metric: str, value: float, low: float, high: float, *, with_sign: bool = False) -> str:
        """A difference in a score and its interval, in points."""
        times = self.unit_of(metric)
        return with_interval(
            times * value, times * low, times * high, decimals_for(times * (high - low) / 2), with_sign
        )

    def range_of(self, name: str) -> str:
        """Ends of an employees' measure: 1 to 5; empty where they are not known."""
        spec = column(self.params.items[0] if name == SCALE else name, self.study)
        return "" if spec.min is None or spec.max is None else f"{spec.min:g} to {spec.max:g}"

    @cached_property
    def axes_words(self) -> str:
        """What a scatter shows: NPS by engagement."""
        if self.result.parallel:
            return f"{self.topic(self.pair)}, score of {self.customers} by score of {self.employees}"
        return f"{self.metric(self.pair[1])} by {self.item(self.pair[0])}"

    def quadrant(self, key: str) -> str:
        """A quarter of the two scores: only parents high."""
        alone = {"employees_high": self.employees, "customers_high": self.customers}
        return f"Only {alone[key]} high" if key in alone else value_label("quadrant", key)

    @cached_property
    def base(self) -> str:
        """Sites and answers, period and subject, as captions say it."""
        n = self.lead
        when = "" if not self.params.lag else f" {as_subject(self.employees)}’ answers are of {self.asked_earlier}."
        whom = self.subject.full_name if not self.of_unit else self.study.label_of(ALL, ALL)
        return (
            f"{self.n_sites(n['n'])} with {count(n['n_customers'])} of {self.customers} and "
            f"{count(n['n_employees'])} of {self.employees}, {self.subject.period}, {whom}.{when}{self.left_out}"
        )

    @cached_property
    def asked_earlier(self) -> str:
        """The period of the employees' answers."""
        period: str | None = self.params.period
        for _ in range(self.params.lag):
            period = period and self.study.periods.previous(period)
        return self.study.periods.period(period).label if period else "an earlier period"

    @cached_property
    def left_out(self) -> str:
        """How many sites take no part and why, as a sentence after others; empty where all do."""
        one = self.summary
        fewest = f"{self.params.min_customers} answers of {self.customers} or {self.params.min_employees} of "
        parts = [
            (one["n_small"], ("has", "have"), f"fewer than {fewest}{self.employees}"),
            (one["n_hidden"], ("is", "are"), "hidden so as not to give anybody away"),
            (one["n_incomplete"], ("lacks", "lack"), "one of the two scores"),
        ]
        reasons = [f"{spelled(int(n))} {verbs[int(n) != 1]} {why}" for n, verbs, why in parts if n]
        if not reasons:
            return ""
        out, own = int(one["n_sites"] - one["n"]), int(one["n_own"] - one["n_own_part"])
        take = "takes" if out == 1 else "take"
        ours = f", {spelled(own)} of them {possessive(self.subject.name)}," if self.of_unit and own else ""
        return f" {as_subject(spelled(out))} of {self.n_sites(one['n_sites'])}{ours} {take} no part: {joined(reasons)}."

    @cached_property
    def not_drawn(self) -> str:
        """How many sites are in the figures and not drawn, as a sentence after others; empty where all are."""
        n = int(self.lead["n"]) - len(self.sites)
        if n <= 0:
            return ""
        return f" {as_subject(spelled(n))} more {'is' if n == 1 else 'are'} not drawn: too few answers to be shown."

    @cached_property
    def untold(self) -> str:
        """What only individual answers would tell, as a sentence after others."""
        words = {
            "agreement": f"how far {self.employees} of a {self.site_word} agree",
            "reliability": "how reliable means are",
            "employee_intervals": f"intervals of single {self.sites_word} ({self.employees})",
            "customer_intervals": f"intervals of single {self.sites_word} ({self.customers})",
        }
        untold = [words[name] for name in self.result.not_computed]
        return f" Not known, since it takes individual answers: {joined(untold)}." if untold else ""

    def _people(self, base: str, otherwise: str) -> str:
        """What a study calls those behind a base, where it says so."""
        return in_sentence(self.study.columns[base].label) if base in self.study.columns else otherwise

    def _scale(self) -> str:
        """What all items measure: the beginning their names share (engagement_1_item, engagement_2_item)."""
        first, last = min(self.params.items), max(self.params.items)
        same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
        shared = re.sub(r"_?\d*$", "", first[:same])
        whole = all(re.match(rf"{re.escape(shared)}(_|$)", name) for name in self.params.items)
        return shared.replace("_", " ") if whole and len(shared) > 2 else f"{self.employees[:-1]} scores"

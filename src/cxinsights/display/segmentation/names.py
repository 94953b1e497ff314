"""Names and figures that the segmentation's parts share."""

import math
from functools import cached_property

import pandas as pd

from cxinsights.analysis.stability import Verdict
from cxinsights.analysis.typing_rules import parts_of
from cxinsights.display.numbers import DASH, count, decimals_for, metric_with_interval, with_interval
from cxinsights.display.subject import Subject
from cxinsights.display.words import as_day, as_subject, in_sentence, spelled
from cxinsights.params import SegmentationParams
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.schemas.columns import column, label, value_label

__all__ = ["RFM_NAMES", "Segmented", "decimals_of", "figure_text"]

RFM_NAMES = {
    "champions": "Champions",
    "loyal": "Loyal, cooling",
    "cannot_lose": "Cannot lose",
    "potential": "Potential loyals",
    "need_attention": "Need attention",
    "at_risk": "At risk",
    "new": "New",
    "lost": "Lost",
}
_PHRASES = {
    "high recency_days": "long since the last order",
    "low recency_days": "recent orders",
    "high n_orders": "many orders",
    "low n_orders": "few orders",
    "high order_amount": "high spend",
    "low order_amount": "low spend",
}


_FROM_ORDERS = {"recency_days", "n_orders", "order_amount"}


class Segmented:
    """A guarded segmentation with its words."""

    def __init__(self, result: Guarded) -> None:
        self.result = result
        self.study = result.study
        self.params: SegmentationParams = result.params
        self.subject = Subject.of(self.params, self.study, "Segmentation")

    @property
    def is_ok(self) -> bool:
        """Whether there are segments to show."""
        return self.result.status == "ok"

    @cached_property
    def shown(self) -> pd.DataFrame:
        """Segments whose figures are shown, in the order of their letters."""
        frame = self.result.segments
        shown = frame[is_shown(frame["share"]) & (frame["n"] > 0)]
        return shown.infer_objects().reset_index(drop=True)

    @property
    def by_value(self) -> pd.DataFrame:
        """Segments shown, the one worth most first; by customers where worth is not known."""
        key = "value_share" if self.has_value else "share"
        return self.shown.sort_values(key, ascending=False, kind="stable", ignore_index=True)

    @property
    def has_value(self) -> bool:
        """Whether it is known what customers are worth."""
        return len(self.shown) > 0 and bool(self.shown["value_share"].notna().any())

    @property
    def n_segments(self) -> int:
        """Number of the company's segments."""
        return len(self.result.segments)

    @cached_property
    def chosen(self) -> pd.Series:
        """The number of segments shown, and how it was judged."""
        choice = self.result.choice
        return choice[choice["chosen"].astype(bool)].iloc[0]

    @property
    def verdict(self) -> Verdict:
        """Natural, reproducible or constructed."""
        return self.result.segments["verdict"].iloc[0]

    @property
    def base(self) -> str:
        """Customers, the day they are seen on, and subject, as captions say it."""
        n = int(self.result.segments["n_total"].iloc[0])
        days = [day for day in (self.study.periods.period(self.params.period).end, self.study.cutoff) if day]
        seen = f"as of {as_day(min(days))}" if days else self.subject.period
        orders = ", with all orders up to then" if days and set(self.params.inputs) & _FROM_ORDERS else ""
        return f"{count(n, 'customer')} {seen}{orders}, {self.subject.full_name}.{self._circular}"

    def name(self, segment: str) -> str:
        """What sets a segment apart: High digital share, few products."""
        rows = self.result.segments.set_index("segment")["traits"]
        return self.traits(rows[segment]) if segment in rows.index else DASH

    def traits(self, traits: str) -> str:
        """The words of `traits`, with columns by their names."""
        if traits in RFM_NAMES:
            return RFM_NAMES[traits]
        if traits == "average":
            return "Like the average"
        return as_subject(", ".join(self._trait(one) for one in traits.split("; ")))

    def variable(self, name: str, category: str = "") -> str:
        """What pages call an input or held-out column, or a category of one."""
        own = label(name, self.study)
        if self.is_score(name):
            own = {"nps_answer": "NPS"}.get(name, own)
        return f"{own}: {in_sentence(value_label(name, category, self.study))}" if category else own

    def is_score(self, name: str) -> bool:
        """Whether a column is one of the project's scores."""
        return name in ("nps_answer", "csat_score", "ces_score")

    def conditions(self, rule: str) -> list[str]:
        """What a rule asks, in words and by column: digital share over 0.2 and at most 0.62, products held 2 to 4."""
        said: dict[str, list[str]] = {}
        ends: dict[str, dict[str, float]] = {}
        for name, sign, value in parts_of(rule):
            told = said.setdefault(name, [])
            if sign in ("=", "!="):
                told.append(f"is {'not ' * (sign == '!=')}{in_sentence(value_label(name, value, self.study))}")
            else:
                ends.setdefault(name, {})[sign] = float(value)
        for name, between in ends.items():
            said[name] += self._between(name, between.get(">"), between.get("<="))
        return [f"{in_sentence(label(name, self.study))} {' and '.join(told)}" for name, told in said.items()] or [
            "everyone"
        ]

    def counted(self, n: int) -> str:
        """Four segments, one segment."""
        return f"{spelled(n)} segment{'' if n == 1 else 's'}"

    @property
    def _circular(self) -> str:
        """That value made the segments, where it did: its shares are then no finding of their own."""
        if "value" in self.params.inputs:
            return " Value also made the segments."
        if "order_amount" in self.params.inputs and "value" not in self.params.held_out:
            return " Value is the amount ordered, which also made the segments."
        return ""

    @property
    def latest_scores(self) -> str:
        """Which answers the scores are of, as a sentence after others; empty where there are none."""
        if not any(self.is_score(name) for name in self.params.held_out):
            return ""
        return (
            " Scores are of each customer’s latest answer up to the period’s end, whenever it was given, and without "
            "weights, so that they can differ from the scorecard’s."
        )

    def _between(self, name: str, over: float | None, most: float | None) -> list[str]:
        """What a rule asks of a number: the whole numbers it allows, else its two ends."""
        if column(name, self.study).type != "integer":
            least = [] if over is None else [f"over {over:,.10g}"]
            return least if most is None else [*least, f"at most {most:,.10g}"]
        low, high = (None if end is None else math.floor(end) for end in (over, most))
        if low is None or high is None:
            return [f"at least {low + 1:,}" if low is not None else f"at most {high:,}"]
        return [f"{high:,}" if low + 1 == high else f"{low + 1:,} to {high:,}"]

    def _trait(self, text: str) -> str:
        if text in _PHRASES:
            return _PHRASES[text]
        level, name = text.split(" ", 1)
        if level == "mostly":
            name, _, value = name.partition(" = ")
            return f"mostly {in_sentence(label(name, self.study))} {in_sentence(value_label(name, value, self.study))}"
        if self._counts(name):
            level = {"high": "many", "low": "few"}[level]
        return f"{level} {in_sentence(label(name, self.study))}"

    def _counts(self, name: str) -> bool:
        """Whether a column counts things: whole numbers, or a name that begins with its unit (visits a month)."""
        spec = column(name, self.study)
        first = spec.label.lower().split(" ")[0]
        return spec.type == "integer" or (first == spec.unit.lower() and first.endswith("s"))


def decimals_of(rows: pd.DataFrame, low: str = "ci_low", high: str = "ci_high") -> int:
    """One number of decimals for figures that stand together: what the widest interval deserves."""
    shown = rows[is_shown(rows[low])]
    halves = (shown[high] - shown[low]).astype(float).dropna() / 2
    return decimals_for(halves.max()) if len(halves) else 0


def figure_text(kind: str, value: float | Suppressed, low: float, high: float, decimals: int) -> str:
    """A score with its interval as its kind is written; a dash where there is none."""
    if isinstance(value, Suppressed):
        return str(value)
    if pd.isna(value):
        return DASH
    if kind in ("nps", "share"):
        return metric_with_interval({"nps": "nps", "share": "csat"}[kind], value, low, high)
    return with_interval(value, low, high, decimals)

"""The brief: what goes with where a unit stands, and what to do first, from what its other reports found.

Nothing is estimated here. Figures come from the records of the unit's other reports, and from what the period's
baseline says of its ratings; they are put in order and held to stated rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE, z_of
from cxinsights.analysis.results import Status, table
from cxinsights.params import BriefParams

__all__ = ["NO_SCORECARD", "BriefResult", "Record", "fit_brief"]

NO_SCORECARD = "its scorecard has not been made"
_CLEAR = 1 - CONFIDENCE
_REASONS = ["found", "name", "against", "n", "n_compare", "score", "ci_low", "ci_high", "score_compare", "difference",
            "diff_low", "diff_high"]  # fmt: skip
_STEPS = ["rank", "found", "name", "evidence", "n", "score", "ci_low", "ci_high", "score_compare", "reach", "change",
          "change_low", "change_high", "share", "detectable"]  # fmt: skip


@dataclass(frozen=True)
class Record:
    """What another report of the unit recorded: its tables, with the rows that are shown whole."""

    status: str
    headline: str
    lead: str
    tables: Mapping[str, pd.DataFrame]

    def table(self, name: str) -> pd.DataFrame:
        """One of its tables; empty where the report has none."""
        return self.tables.get(name, pd.DataFrame())


@dataclass(frozen=True)
class BriefResult:
    """What goes with a unit's score, and what to do about it."""

    params: BriefParams
    status: Status
    reason: str = ""
    reasons: pd.DataFrame = table(keep=["found", "name", "against"], also={"n_compare": "customers"})
    """What stands out, by where it was found: ratings, steps of the journey, groups of customers, segments."""
    steps: pd.DataFrame = table(keep=["rank", "found", "name", "evidence"])
    """What to do, the first first: how the unit stands, what the rest and the best have, and what goes with that."""
    ratings: pd.DataFrame = table(keep=["against", "driver"], also={"n_compare": "customers"})
    """The ratings that go most with the score, against the rest of the company and an earlier period."""
    actions: pd.DataFrame = table(
        keep=["action", "driver", "metric", "owner", "begun", "due", "standing", "late", "note", "untested"],
        also={"n_compare": "customers"},
    )
    """The unit's actions, and its change since each began against that of comparable units."""
    ranked: bool = True
    """Whether drivers of the unit say what goes with the score; else ratings are ordered by how low they are."""
    missing: dict[str, str] = field(default_factory=dict)
    """Reports of the unit that say nothing, and why: not made, or of too few answers."""


def fit_brief(
    ratings: pd.DataFrame,
    params: BriefParams,
    records: Mapping[str, Record],
    actions: pd.DataFrame | None = None,
    analyses: Sequence[str] = (),
    low_is_better: Sequence[str] = (),
) -> BriefResult:
    """Put together what the unit's reports found.

    Parameters
    ----------
    ratings
        The unit's rows of `fit_ratings`, of ratings that may be shown.
    records
        What the unit's other reports recorded, by analysis; `scorecard` is needed.
    actions
        The unit's lines of the register with `fit_effect` of each.
    analyses
        Reports that the study has: those that say nothing are named.
    low_is_better
        Measures of which a lower score is the better one.

    Returns
    -------
    BriefResult
        `no_data` or `too_few` where the scorecard has no score to show.

    Notes
    -----
    A rating is a reason where the test adjusted over all places says that it lies below the rest of the company, or has
    fallen, and it goes with the score at all. Steps are ranked by what goes with reaching the best unit's rating, as
    the driver report has it: closeness to the score, times how far it is to go, among all customers of the unit. A
    pattern is clear where the rating also lies clearly below the rest of the company. A step of the journey that
    clearly fewer take than elsewhere comes first: there customers are lost.
    """
    missing = {name: _why_missing(records.get(name)) for name in analyses}
    missing = {name: why for name, why in missing.items() if why}
    card = records.get("scorecard")
    if card is None:
        return BriefResult(params, "no_data", NO_SCORECARD, missing=missing)
    if card.status != "ok":
        return BriefResult(params, card.status, card.headline, missing=missing)
    drivers = records.get("drivers", Record("no_data", "", "", {}))
    slopes = _slopes(drivers)
    groups = _groups(card, params.survey, low_is_better)
    reasons = [*_low_ratings(ratings, slopes), *_journey(records), *groups, *_segments(records)]
    return BriefResult(
        params,
        "ok",
        reasons=pd.DataFrame(reasons, columns=_REASONS),
        steps=_steps(ratings, slopes, drivers, reasons, params.n_steps),
        ratings=_of_most_weight(ratings, slopes),
        actions=pd.DataFrame() if actions is None else actions,
        ranked=len(slopes) > 0,
        missing=missing,
    )


def _why_missing(record: Record | None) -> str:
    if record is None:
        return "not made"
    return "" if record.status == "ok" else record.status


def _slopes(drivers: Record) -> pd.DataFrame:
    """By driver: what a point more goes with among all customers, whether it surely does, how far to go, importance."""
    shifts, importance = drivers.table("what_if"), drivers.table("importance")
    if drivers.status != "ok" or not len(shifts) or not len(importance):
        return pd.DataFrame(columns=["slope", "surely", "reach", "room", "share", "noise", "n", "performance"])
    found = shifts.set_index("driver").join(importance.set_index("driver")[["share", "under_floor"]])
    room = found["room"].where(found["room"] > 0)
    return pd.DataFrame(
        {
            "slope": found["change"] / room,
            "surely": found["surely"].astype(bool),
            "reach": found["reach"],
            "room": found["room"],
            "share": found["share"],
            "noise": found["under_floor"].eq(True),
            "n": found["n"],
            "performance": found["performance"],
            "perf_low": found["perf_low"],
            "perf_high": found["perf_high"],
        }
    )


def _low_ratings(ratings: pd.DataFrame, slopes: pd.DataFrame) -> list[tuple]:
    """Ratings clearly below the rest, or fallen, that go with the score; what they go with decides the order."""
    if not len(ratings):
        return []
    low = ratings[ratings["is_clear"] & (ratings["difference"] < 0)]
    worth = low["difference"]
    if len(slopes):
        goes_with = slopes.index[slopes["surely"] & ~slopes["noise"]]
        low = low[low["driver"].isin(goes_with)]
        worth = low["difference"] * slopes["slope"].reindex(low["driver"]).to_numpy()  # unknown at the best unit: last
    low = low.assign(worth=worth)
    order = low.groupby("driver")["worth"].transform("min")
    low = low.assign(order=order).sort_values(
        ["order", "driver", "against"], ascending=[True, True, False], kind="stable"
    )
    return [
        ("rating", r.driver, r.against, r.n, r.n_compare, r.score, r.ci_low, r.ci_high, r.score_compare, r.difference,
         r.diff_low, r.diff_high)
        for r in low.itertuples()
    ]  # fmt: skip


def _journey(records: Mapping[str, Record]) -> list[tuple]:
    """The step of the journey that fewer take than elsewhere; the clearest where several are."""
    rests = records["funnel"].table("rests") if "funnel" in records else pd.DataFrame()
    if not len(rests):
        return []
    low = rests[(rests["rate"] == "of_previous") & (rests["p_adjusted"] < _CLEAR) & (rests["difference"] < 0)]
    low = low.sort_values("difference", kind="stable").head(1)
    return [
        ("step", r.step, "rest", r.n, r.n_compare, r.score, r.ci_low, r.ci_high, r.score_compare, r.difference,
         r.diff_low, r.diff_high)
        for r in low.itertuples()
    ]  # fmt: skip


def _groups(card: Record, survey: str, low_is_better: Sequence[str]) -> list[tuple]:
    """The group of customers whose leading score is clearly the furthest worse than the other groups'."""
    groups, scores = card.table("segments"), card.table("scores")
    if not len(groups) or not len(scores):
        return []
    asked = scores.loc[(scores["survey"] == survey) & (scores["question"] == "asked"), "metric"].tolist()
    lead = groups[(groups["survey"] == survey) & groups["metric"].isin(asked[:1])]
    clear = lead[lead["p_adjusted"] < _CLEAR]
    sign = -1 if {*asked[:1]} & {*low_is_better} else 1
    low = clear[sign * clear["difference"] < 0].sort_values("difference", ascending=sign > 0, kind="stable")
    return [
        ("group", f"{r.segment}={r.group}", r.metric, r.n, r.n_compare, r.score, r.ci_low, r.ci_high,
         r.score - r.difference, r.difference, r.diff_low, r.diff_high)
        for r in low.head(1).itertuples()
    ]  # fmt: skip


def _segments(records: Mapping[str, Record]) -> list[tuple]:
    """The segment whose share of customers has clearly moved most, or differs most from the rest."""
    mix = records["segmentation"].table("mix") if "segmentation" in records else pd.DataFrame()
    if not len(mix):
        return []
    moved = mix[mix["p_adjusted"] < _CLEAR]
    moved = moved.assign(first=moved["comparison"] == "rest", size=-moved["difference"].abs())
    return [
        ("segment", r.segment, r.comparison, r.n, r.n_compare, r.share, r.share_low, r.share_high, r.share_rest,
         r.difference, r.diff_low, r.diff_high)
        for r in moved.sort_values(["first", "size"], kind="stable").head(1).itertuples()
    ]  # fmt: skip


def _steps(
    ratings: pd.DataFrame, slopes: pd.DataFrame, drivers: Record, reasons: list[tuple], most: int
) -> pd.DataFrame:
    """The step of the journey to look into, then ratings to raise, by what goes with it."""
    rows = [
        ("step", name, "clear_pattern", n, score, low, high, other, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)
        for found, name, _, n, _, score, low, high, other, *_ in reasons
        if found == "step"
    ]
    rest = ratings[ratings["against"] == "rest"].set_index("driver") if len(ratings) else ratings
    low = rest[rest["is_clear"] & (rest["difference"] < 0)] if len(rest) else rest
    if len(slopes):
        shifts = drivers.table("what_if").set_index("driver").sort_values("change", ascending=False, kind="stable")
        for driver, own in shifts.iterrows():
            if not own["change_low"] > 0 or slopes.loc[driver, "noise"]:
                continue
            rows.append(
                ("rating", driver, "clear_pattern" if driver in low.index else "some_pattern", own["n"],
                 own["performance"], own["perf_low"], own["perf_high"],
                 rest["score_compare"].get(driver, np.nan) if len(rest) else np.nan, own["reach"], own["change"],
                 own["change_low"], own["change_high"], slopes.loc[driver, "share"],
                 _shown_next(own["perf_low"], own["perf_high"]))
            )  # fmt: skip
    elif len(low):  # no regression here: what is low, without what goes with it
        rows += [
            ("rating", r.Index, "to_be_tested", r.n, r.score, r.ci_low, r.ci_high, r.score_compare, np.nan, np.nan,
             np.nan, np.nan, np.nan, _shown_next(r.ci_low, r.ci_high))
            for r in low.sort_values("difference", kind="stable").itertuples()
        ]  # fmt: skip
    frame = pd.DataFrame(rows[:most], columns=_STEPS[1:])
    return frame.assign(rank=range(1, len(frame) + 1))[_STEPS]


def _shown_next(low: float, high: float) -> float:
    """The rise that as many answers would show four times in five, next time."""
    return float((z_of(CONFIDENCE) + z_of(0.6)) * np.sqrt(2) * (high - low) / (2 * z_of(CONFIDENCE)))


def _of_most_weight(ratings: pd.DataFrame, slopes: pd.DataFrame, most: int = 5) -> pd.DataFrame:
    """Rows of the ratings with the largest importance; of those furthest below the rest where none is known."""
    if not len(ratings):
        return ratings
    if len(slopes):
        first = slopes.sort_values("share", ascending=False, kind="stable").index
    else:
        first = ratings[ratings["against"] == "rest"].sort_values("difference", kind="stable")["driver"]
    order = {name: at for at, name in enumerate(first[:most])}
    kept = ratings[ratings["driver"].isin(order)]
    return kept.sort_values("driver", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)

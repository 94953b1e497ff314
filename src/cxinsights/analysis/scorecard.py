"""Scorecard: where one unit, region or the company stands, what moved, and how sure that is.

Nothing is computed here that another page could compute otherwise: the scorecard takes its rows from the
period's baseline, the study's targets and its benchmarks.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE, Baseline
from cxinsights.analysis.benchmarks import gaps_to_benchmarks
from cxinsights.analysis.control import with_limits
from cxinsights.analysis.leagues import league_of, mix_of
from cxinsights.analysis.response import with_response
from cxinsights.analysis.results import Status, table
from cxinsights.analysis.scores import HEADLINE_METRICS
from cxinsights.params import ALL, ScorecardParams

__all__ = ["ScorecardResult", "fit_scorecard", "node_of"]

_NAMES = [*NODE, "survey", "metric"]
_CHILD = {"company": "region", "region": "unit", "unit": "site"}


@dataclass(frozen=True)
class ScorecardResult:
    """The scores of one node, of its parts, and how they compare."""

    params: ScorecardParams
    status: Status
    reason: str = ""
    scores: pd.DataFrame = table(keep=[*_NAMES, "period", "weighted", "question", "n_missing", "target"])
    """The node's own scores in the period: every survey and measure, weighted and not."""
    changes: pd.DataFrame = table(keep=[*_NAMES, "comparison", "compare_period", "n_compare"])
    """Changes of the node, its parts and units against the period before and a year ago."""
    parts: pd.DataFrame = table(keep=[*_NAMES, "period", "question", "n_missing", "target"])
    """Scores of the regions, units or sites that belong to the node."""
    units: pd.DataFrame = table(keep=[*_NAMES, "period", "question", "n_missing", "target"])
    """Scores of the units of the company's regions."""
    rests: pd.DataFrame = table(keep=[*_NAMES, "n_compare"])
    """Each part against the rest of the node."""
    trend: pd.DataFrame = table(keep=[*_NAMES, "period", "question", "n_missing"])
    """The node's scores in every period, with the limits of their usual variation."""
    part_trends: pd.DataFrame = table(keep=[*_NAMES, "period", "question", "n_missing"])
    """Its regions' or units' scores of the leading measure, likewise; sites have their latest score only."""
    segments: pd.DataFrame = table(keep=[*_NAMES, "segment", "group", "n_missing"])
    """The node's scores by group of customers, touch-point and channel, each against the others of its survey."""
    league: pd.DataFrame = table(keep=[*_NAMES, "n_ranked"])
    """Units of a region or the company by shrunken score, with the ranks each may have and its funnel limits."""
    mix: pd.DataFrame = table(keep=[*_NAMES, "period", "compare_period"], also={"n_compare": "customers"}, adds_up=True)
    """What each region or unit makes of the node's change, by its score and by its share of the answers."""
    case_mix: pd.DataFrame = table(keep=[*_NAMES])
    """The scores of the node and its parts if their customers were mixed as all are, beside those as answered."""
    benchmarks: pd.DataFrame = table(
        keep=[*_NAMES, "period", "benchmark_period", "source", "date", "base", "n_base", "benchmark", "allows_for"]
    )
    """Gaps of the node's and its parts' scores to what others give, the leading benchmark of each first."""
    ratings: pd.DataFrame = table(
        keep=["region", "unit", "survey", "against", "driver"], also={"n_compare": "customers"}
    )
    """Mean ratings of the node's units, or of the unit, that clearly moved since an earlier period; falls first."""


def fit_scorecard(
    baseline: Baseline,
    params: ScorecardParams,
    targets: pd.DataFrame | None = None,
    benchmarks: pd.DataFrame | None = None,
    invitations: pd.DataFrame | None = None,
    ratings: pd.DataFrame | None = None,
) -> ScorecardResult:
    """Take one node's scorecard from the baseline.

    Parameters
    ----------
    baseline
        The period's baseline, with what is hidden marked (`privacy.protect`).
    targets
        The study's `targets` table, where it has one.
    benchmarks
        Its `benchmarks` of the period and before, the earliest first, where it has any.
    invitations
        Its `invitations` of the period, where it knows whom it asked.
    ratings
        `fit_ratings` of every place, where the study has drivers.
    """
    node = node_of(params, baseline)
    here = _at(baseline.scores, node)
    now = here[here["period"] == params.period]
    if not len(now) or not now["n"].sum():
        return ScorecardResult(params, "no_data", "no answers in the period")
    scores = baseline.scores
    lead = scores["weighted"] if scores["weighted"].any() else ~scores["weighted"]
    main = scores["metric"].isin(HEADLINE_METRICS) & (scores["survey"] == params.survey) & lead
    in_period = main & (scores["period"] == params.period)
    parts = _parts(scores[in_period], node)
    changed = baseline.changes
    changes = pd.concat([at(changed, node) for at in (_at, _parts, _below_parts)], ignore_index=True)
    asked = scores[(scores["level"] == "unit") & (scores["period"] == params.period)]
    units = _units(scores[in_period & baseline.shown(scores)], node)
    below = _below_parts(scores[in_period], node)
    return ScorecardResult(
        params,
        "ok",
        scores=with_response(_with_targets(now, targets, params), asked, invitations).drop(columns="size"),
        changes=changes,
        parts=with_response(_with_targets(parts, targets, params), asked, invitations).drop(
            columns=["weighted", "size"]
        ),
        units=_with_targets(below, targets, params).drop(columns=["weighted", "size"]),
        rests=_parts(baseline.rests, node),
        trend=_trend(_at(scores[main], node), baseline),
        part_trends=_trend(_parts(scores[main & (scores["metric"] == _leading(now, params))], node), baseline),
        segments=_at(baseline.segments, node),
        league=league_of(units, _at(scores[in_period], node)),
        mix=_mix(_parts(scores[main & (node[0] != "unit")], node), changes, params),
        case_mix=_case_mix(baseline, scores[in_period], node),
        benchmarks=_gaps(pd.concat([_at(scores[in_period], node), parts], ignore_index=True), benchmarks),
        ratings=_moved_ratings(ratings, baseline, scores[in_period & baseline.shown(scores)], node, params),
    )


def node_of(params: ScorecardParams, baseline: Baseline) -> tuple[str, str, str, str]:
    """The node a report is about."""
    if params.unit != ALL:
        return ("unit", params.region, params.unit, ALL)
    if params.region != ALL and (baseline.scores["level"] == "region").any():
        return ("region", params.region, ALL, ALL)
    return ("company", ALL, ALL, ALL)


def _at(frame: pd.DataFrame, node: tuple[str, ...]) -> pd.DataFrame:
    here = np.logical_and.reduce([frame[name] == value for name, value in zip(NODE, node, strict=True)])
    return frame[here].reset_index(drop=True)


def _parts(frame: pd.DataFrame, node: tuple[str, ...]) -> pd.DataFrame:
    """Rows one level down; a company of one region has units for parts."""
    level, region, unit, _ = node
    child = _CHILD[level]
    if level == "company" and not (frame["level"] == "region").any():
        child = "unit"
    inside = frame["level"] == child
    if level in ("region", "unit"):
        inside &= frame["region"] == region
    if level == "unit":
        inside &= frame["unit"] == unit
    return frame[inside].reset_index(drop=True)


def _units(frame: pd.DataFrame, node: tuple[str, ...]) -> pd.DataFrame:
    """Units within a region or the company; none within a unit."""
    level, region, _, _ = node
    inside = (frame["level"] == "unit") & (level != "unit")
    if level == "region":
        inside &= frame["region"] == region
    return frame[inside].reset_index(drop=True)


def _below_parts(frame: pd.DataFrame, node: tuple[str, ...]) -> pd.DataFrame:
    """Units of the company's regions; none where units are its parts."""
    whole = node[0] == "company" and (frame["level"] == "region").any()
    return _units(frame, node) if whole else frame.iloc[:0]


def _mix(parts: pd.DataFrame, changes: pd.DataFrame, params: ScorecardParams) -> pd.DataFrame:
    """The change split, for each earlier period that there is."""
    found = [mix_of(parts, params.period, earlier) for earlier in sorted({*changes["compare_period"]})]
    return pd.concat(found, ignore_index=True) if found else mix_of(parts, params.period, params.period)


def _leading(now: pd.DataFrame, params: ScorecardParams) -> str:
    """The measure that the page leads with: the first that was asked."""
    asked = set(now.loc[(now["survey"] == params.survey) & (now["question"] == "asked"), "metric"])
    return next((name for name in HEADLINE_METRICS if name in asked), "")


def _trend(scores: pd.DataFrame, baseline: Baseline) -> pd.DataFrame:
    """Scores of every period with their limits; none of sites, whose earlier ones are not kept."""
    scores = scores[scores["level"] != "site"].drop(columns=["weighted", "size"]).reset_index(drop=True)
    return with_limits(scores, baseline.shown(scores), baseline.period)


def _case_mix(baseline: Baseline, scores: pd.DataFrame, node: tuple[str, ...]) -> pd.DataFrame:
    """Adjusted scores of the node and its parts, with those as answered."""
    found = pd.concat([_at(baseline.case_mix, node), _parts(baseline.case_mix, node)], ignore_index=True)
    return found.drop(columns="se").merge(scores[[*_NAMES, "score", "ci_low", "ci_high"]], on=_NAMES)


def _gaps(scores: pd.DataFrame, benchmarks: pd.DataFrame | None) -> pd.DataFrame:
    """Gaps to benchmarks; a unit's benchmark is not its sites'."""
    if benchmarks is None or not len(benchmarks):
        return pd.DataFrame()
    return gaps_to_benchmarks(scores[scores["level"] != "site"], benchmarks)


def _moved_ratings(
    ratings: pd.DataFrame | None,
    baseline: Baseline,
    shown: pd.DataFrame,
    node: tuple[str, ...],
    params: ScorecardParams,
) -> pd.DataFrame:
    """Clear changes of ratings in the units whose scores are shown, but for ratings that the plan hides."""
    if ratings is None or not len(ratings):
        return pd.DataFrame()
    place = ["region", "unit"]
    units = _at(shown, node) if node[0] == "unit" else _units(shown, node)
    moved = ratings[ratings["is_clear"] & (ratings["against"] != "rest") & (ratings["survey"] == params.survey)]
    moved = moved.merge(units[place].drop_duplicates(), on=place)
    rated = baseline.rated[(baseline.rated["level"] == "unit") & (baseline.rated["survey"] == params.survey)]
    if "hidden" in rated:
        closed = rated.loc[rated["hidden"], [*place, "driver"]]
        moved = moved[~pd.MultiIndex.from_frame(moved[[*place, "driver"]]).isin(pd.MultiIndex.from_frame(closed))]
    return moved.sort_values([*place, "difference"], kind="stable").reset_index(drop=True)


def _with_targets(scores: pd.DataFrame, targets: pd.DataFrame | None, params: ScorecardParams) -> pd.DataFrame:
    if targets is None:
        return scores.assign(target=float("nan"))
    now = targets[targets["period"] == params.period]
    now = now.rename(columns={"value": "target"})[["region", "unit", "metric", "target"]]
    found = scores.merge(now, on=["region", "unit", "metric"], how="left")
    at_site = found["level"] == "site"
    return found.assign(target=found["target"].mask(at_site))

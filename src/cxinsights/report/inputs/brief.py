"""What a unit's brief reads beside the records of its other reports: its ratings against the rest, and its actions."""

from dataclasses import asdict
from datetime import date

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.effects import FEWEST, Effect, fit_effect
from cxinsights.analysis.scores import HEADLINE_METRICS
from cxinsights.data.manifest import has_table
from cxinsights.params import ALL, ANALYSES, Action, BriefParams, PeriodScheme, load_actions
from cxinsights.privacy import hidden_ratings
from cxinsights.report.inputs.reading import Inputs, Opened

__all__ = ["read_brief"]

_NONE = Effect(0, 0, 0, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)


def read_brief(opened: Opened) -> Inputs:
    """Ratings of the unit that may be shown, and its lines of the register with what has changed since.

    Raises
    ------
    ParamsError
        The register holds a line that cannot be read.
    """
    params: BriefParams = opened.params
    ratings = opened.kept.ratings
    if len(ratings):
        here = (ratings["region"] == params.region) & (ratings["unit"] == params.unit)
        here &= ratings["survey"] == params.survey
        node = ("unit", params.region, params.unit, ALL)
        hidden = hidden_ratings(opened.kept.baseline, node, params.survey)
        ratings = ratings[here & ~ratings["driver"].isin(hidden)].drop(columns=["region", "unit", "survey"])
        if (ratings["against"] == "year_ago").any():  # one earlier period is enough on a page
            ratings = ratings[ratings["against"] != "previous"]
    scores = opened.study.scores
    more = {"actions": _actions(opened), "analyses": _analyses(opened)}
    low = [metric for metric in HEADLINE_METRICS if not scores.is_better_high(metric)]
    return Inputs(ratings.reset_index(drop=True), {**more, "low_is_better": low})


def _analyses(opened: Opened) -> list[str]:
    """Analyses that the study has beside the brief: those that its tables and params allow."""
    project, study = opened.project, opened.study
    found = []
    for name, model in ANALYSES.items():
        has_tables = any(all(has_table(project, study, table) for table in tables) for tables in model.needs)
        if model.turn < opened.params.turn and has_tables and study.asks_for(name) and name not in study.without:
            found.append(name)
    return found


def _actions(opened: Opened) -> pd.DataFrame:
    """The unit's actions that are not dropped: open ones first, by when they are due.

    Whether one worked is tested as one of all the study's actions that are meant to move the same score.
    """
    params, study = opened.params, opened.study
    register = load_actions(opened.project, study)
    end = study.cutoff or study.periods.period(params.period).end
    rows = []
    for action in register:
        if action.status == "dropped":
            continue
        effect, untested = _effect(opened, action, register)
        rows.append(
            {
                "region": action.region, "unit": action.unit, "action": action.action, "driver": action.driver,
                "metric": action.measure, "owner": action.owner, "begun": str(action.begun or ""),
                "due": str(action.due or ""), "standing": action.status,
                "late": bool(action.status == "open" and action.due and end and action.due < end),
                "note": action.note, "untested": untested, **asdict(effect),
            }
        )  # fmt: skip
    own = [at for at, row in enumerate(rows) if (row["region"], row["unit"]) == (params.region, params.unit)]
    if not own:
        return pd.DataFrame()
    own.sort(key=lambda at: (rows[at]["standing"] == "done", rows[at]["due"] or str(date.max)))
    tested = adjust(pd.DataFrame(rows), ["metric"])
    return tested.drop(columns=["region", "unit"]).loc[own].reset_index(drop=True)


def _effect(opened: Opened, action: Action, register: list[Action]) -> tuple[Effect, str]:
    """What has changed since an action began, or why that cannot be said."""
    params, study = opened.params, opened.study
    if action.begun is None:
        return _NONE, "it has not begun"
    scores = opened.kept.baseline.scores
    lead = scores["weighted"] == scores["weighted"].any()
    shown = ~scores["hidden"] & (scores["n"] >= max(study.scores.min_base, study.privacy.customer_min))
    asked = (scores["level"] == "unit") & (scores["survey"] == params.survey) & (scores["metric"] == action.measure)
    scores = scores[asked & lead & shown]
    before = _last_before(study.periods, study.periods.order(sorted({*scores["period"]})), action.begun)
    period = study.periods.period(params.period)
    if period.start is None or period.end is None:
        return _NONE, "the periods have no dates"
    if action.begun > period.end:
        return _NONE, "it began after this period"
    if action.begun >= period.start:
        return _NONE, "it began in this period, which is too early"
    if before is None:
        return _NONE, "no period before it to compare with"
    acting = {  # one that has been dropped since may have moved the score all the same
        (one.region, one.unit)
        for one in register
        if one.begun and one.begun <= period.end and one.measure == action.measure
    }
    effect = fit_effect(scores, (action.region, action.unit), acting, before, params.period)
    if effect is None:
        return _NONE, f"fewer than {FEWEST} comparable units, or too few answers"
    return effect, ""


def _last_before(scheme: PeriodScheme, periods: list[str], day: date) -> str | None:
    """The last period that was over when an action began."""
    ended = [one for one in periods if (end := scheme.period(one).end) is not None and end < day]
    return ended[-1] if ended else None

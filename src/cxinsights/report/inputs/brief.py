"""What a unit's brief reads beside the records of its other reports: its ratings against the rest, and its actions."""

from dataclasses import asdict
from datetime import date

import numpy as np
import pandas as pd

from cxinsights.analysis.effects import FEWEST, Effect, fit_effect
from cxinsights.data.manifest import has_table
from cxinsights.params import ALL, ANALYSES, Action, BriefParams, PeriodScheme, load_actions
from cxinsights.privacy import hidden_ratings
from cxinsights.report.inputs.reading import Inputs, Opened

__all__ = ["read_brief"]

_NONE = Effect(0, 0, 0, np.nan, np.nan, np.nan, np.nan, np.nan)


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
        node = ("unit", params.region, params.unit, ALL)
        hidden = hidden_ratings(opened.kept.baseline, node, params.survey)
        ratings = ratings[here & ~ratings["driver"].isin(hidden)].drop(columns=["region", "unit"])
        if (ratings["against"] == "year_ago").any():  # one earlier period is enough on a page
            ratings = ratings[ratings["against"] != "previous"]
    return Inputs(ratings.reset_index(drop=True), {"actions": _actions(opened), "analyses": _analyses(opened)})


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
    """The unit's actions that are not dropped: open ones first, by when they are due."""
    params, study = opened.params, opened.study
    register = [one for one in load_actions(opened.project, study) if one.status != "dropped"]
    own = [one for one in register if (one.region, one.unit) == (params.region, params.unit)]
    own.sort(key=lambda one: (one.status == "done", one.due or date.max))
    end = study.cutoff or study.periods.period(params.period).end
    rows = []
    for action in own:
        effect, untested = _effect(opened, action, register)
        rows.append(
            {
                "action": action.action, "driver": action.driver, "metric": action.measure, "owner": action.owner,
                "begun": str(action.begun or ""), "due": str(action.due or ""), "standing": action.status,
                "late": bool(action.status == "open" and action.due and end and action.due < end),
                "note": action.note, "untested": untested, **asdict(effect),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


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
    start = study.periods.period(params.period).start
    if start is None:
        return _NONE, "the periods have no dates"
    if action.begun >= start:
        return _NONE, "it began in this period, which is too early"
    if before is None:
        return _NONE, "no period before it to compare with"
    acting = {
        (one.region, one.unit) for one in register if one.begun and one.begun < start and one.measure == action.measure
    }
    effect = fit_effect(scores, (params.region, params.unit), acting, before, params.period)
    if effect is None:
        return _NONE, f"fewer than {FEWEST} comparable units, or too few answers"
    return effect, ""


def _last_before(scheme: PeriodScheme, periods: list[str], day: date) -> str | None:
    """The last period that was over when an action began."""
    ended = [one for one in periods if (end := scheme.period(one).end) is not None and end < day]
    return ended[-1] if ended else None

"""What the driver regression reads: the report's own answers, and beside them what it needs of the company.

That is the company's importance or the pattern common to all units, for a unit too small for its own, the best unit's
ratings, up to which what-if goes, and the targets and benchmarks of ratings.
"""

import numpy as np
import pandas as pd

from cxinsights.analysis.drivers import rests_on
from cxinsights.data.manifest import table_columns
from cxinsights.errors import ParamsError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, DriversParams, Study, resolve
from cxinsights.report.baselines import answers_of, driver_columns, with_weights
from cxinsights.report.inputs.reading import Inputs, Opened, figures_of, is_company
from cxinsights.schemas.columns import column
from cxinsights.schemas.tables import SCORES

__all__ = ["read_drivers"]


def read_drivers(opened: Opened) -> Inputs:
    """Answers of the report's place, period and survey; the company's importance for a part of it with too few.

    Raises
    ------
    UnknownNameError
        The answers lack a column that is asked for.
    ParamsError
        The drivers are not on one scale.
    """
    params: DriversParams = opened.params
    _check_columns(opened)
    scale = _scale(params, opened.study)
    found = answers_of(
        opened.project,
        opened.study,
        driver_columns(params),
        [params.period],
        region=params.region,
        unit=params.unit,
        survey=params.survey,
    )
    frame = with_weights(found, opened.kept.weights)
    more = {"company": None, "scale": scale, "best": None, "contrasts": None, "pool": None, "levels": _levels(opened),
            "outcome_scale": _outcome_scale(params, opened.study)}  # fmt: skip
    basis = rests_on(frame, params)  # what is not shown here may change without changing anything
    if basis == "company":
        pool = _pool(opened)
        if pool is not None:
            return Inputs(frame, {**more, "pool": pool, "best": _best(opened)})
        return Inputs(frame, {**more, "company": _company_importance(opened)})
    if basis == "own":
        found = opened.kept.contrasts
        here = found[(found["region"] == params.region) & (found["unit"] == params.unit)]
        if params != resolve(opened.study, "drivers", params.period, params.region, params.unit):
            here = here.iloc[:0]  # a question of the analyst's own: the others were asked another
        contrasts = here.drop(columns=["region", "unit"]).reset_index(drop=True)
        return Inputs(frame, {**more, "best": _best(opened), "contrasts": contrasts})
    return Inputs(frame, more)


def _best(opened: Opened) -> pd.DataFrame | None:
    """The best unit's mean rating of each driver, to a tenth; None in a study of one unit.

    Rounded, so that another unit's new answers change it seldom.
    """
    rated = opened.kept.baseline.rated
    units = rated[(rated["level"] == "unit") & (rated["survey"] == opened.params.survey) & ~rated["hidden"]]
    units = units[units["driver"].isin(opened.params.drivers) & (units["n"] >= opened.study.scores.min_base)]
    best = units.groupby("driver", sort=True)["mean"].agg(["max", "size"])
    best = best.loc[best["size"] > 1, "max"].round(1)
    return best.rename("best").reset_index() if len(best) else None


def _company_importance(opened: Opened) -> pd.DataFrame | None:
    """The company's driver importance of the same question, for a part of it; None where there is none."""
    importance, own = opened.kept.company_importance, opened.params
    if not len(importance) or is_company(own):
        return None
    company = resolve(opened.study, "drivers", own.period)
    same = ("outcome", "survey", "model", "top_box_from", "drivers")
    return importance if all(getattr(company, name) == getattr(own, name) for name in same) else None


def _pool(opened: Opened) -> pd.DataFrame | None:
    """The pattern common to all units, for one that borrows from it and is asked the same; None where there is none."""
    pool, own = opened.kept.pool, opened.params
    company = resolve(opened.study, "drivers", own.period)
    same = all(getattr(own, name) == getattr(company, name) for name in ("outcome", "survey", "missing", "drivers"))
    return pool if len(pool) and same and own.small_units == "partial_pooling" and own.unit != ALL else None


def _outcome_scale(params: DriversParams, study: Study) -> tuple[float, float] | None:
    """Ends of the outcome's scale, of which an aim is a part; None where nobody says them."""
    if params.outcome == "nps":
        return (-100.0, 100.0)
    own = study.scores.of_column(params.outcome)
    low, high = (own.min, own.max) if own else (column(params.outcome, study).min, column(params.outcome, study).max)
    return None if low is None or high is None else (float(low), float(high))


def _levels(opened: Opened) -> pd.DataFrame:
    """The place's own targets of its ratings, and benchmarks of the nearest place that has any, the latest first."""
    params, found = opened.params, []
    places = dict.fromkeys([(params.region, params.unit), (params.region, ALL), (ALL, ALL)])
    for kind in ("target", "benchmark"):
        levels = figures_of(opened.project, opened.study, f"{kind}s", params.period)
        if levels is None:
            continue
        levels = levels[levels["metric"].isin(params.drivers)].sort_values("date", ascending=False, kind="stable")
        order = list(places)[:1] if kind == "target" else list(places)
        nearest = {place: at for at, place in enumerate(order)}
        near = [nearest.get(place, np.nan) for place in zip(levels["region"], levels["unit"], strict=True)]
        levels = levels.assign(near=near, against=kind).dropna(subset="near").sort_values("near", kind="stable")
        found.append(levels.drop_duplicates("metric"))
    columns = ["metric", "against", "value", "source", "date", "base"]
    if not found:
        return pd.DataFrame(columns=columns)
    whole = pd.concat(found, ignore_index=True).reindex(columns=columns)
    return whole.assign(date=pd.to_datetime(whole["date"]).dt.strftime("%Y-%m-%d"))


def _check_columns(opened: Opened) -> None:
    params, study = opened.params, opened.study
    have = table_columns(opened.project, study, "responses")
    ratings = [name for name in have if name.endswith("_rating") or name in SCORES]
    for name in [
        *([] if params.outcome == "nps" else [params.outcome]),
        *params.drivers,
        *params.expectations.values(),
    ]:
        if name not in have:
            raise UnknownNameError(f"params/{study.name}: drivers: {did_you_mean('column', name, ratings)}")


def _scale(params: DriversParams, study: Study) -> tuple[float, float]:
    """The one scale of all drivers: they are set against each other by their means, which only one allows."""
    scales = {name: (column(name, study).min, column(name, study).max) for name in params.drivers}
    if len(set(scales.values())) > 1 or None in next(iter(scales.values())):
        told = ", ".join(f"{name} {'?' if low is None else f'{low:g}'}–{'?' if high is None else f'{high:g}'}"
                         for name, (low, high) in scales.items())  # fmt: skip
        raise ParamsError(
            f"{study.name}: drivers: ratings need one scale to be compared, with min and max under columns: in "
            f"params/{study.name}/study.yml. Found {told}. Recode them to one scale, or take some off the drivers."
        )
    return next(iter(scales.values()))

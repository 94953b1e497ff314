"""The baseline of a study and period, kept: what a report needs of all others, computed once before them.

It holds the scores and comparisons of every site, unit and region with the plan of what is hidden, the company's driver
importance and the pattern common to its units, and weights where a study rakes them. One fingerprint names its content.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cxinsights.analysis.baseline import CONTACTS, Baseline, fit_baseline
from cxinsights.analysis.driver_contrasts import COLUMNS, fit_contrasts
from cxinsights.analysis.driver_ratings import fit_ratings
from cxinsights.analysis.drivers import fit_drivers
from cxinsights.analysis.pooling import fit_pool
from cxinsights.analysis.weighting import rake
from cxinsights.data.atomic import replaced_folder
from cxinsights.data.manifest import has_table, known_periods, read_manifest, table_columns
from cxinsights.data.tables import data_hash, read_table
from cxinsights.errors import CxError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, DriversParams, Project, Study, resolve
from cxinsights.privacy import protect
from cxinsights.report.cache import remember
from cxinsights.report.families import places_of
from cxinsights.report.fingerprints import code_hash, short_hash
from cxinsights.schemas.tables import SCORES

__all__ = ["KeptBaseline", "answers_of", "check_period", "load_baseline", "with_weights"]

log = logging.getLogger(__name__)

_META = "baseline.json"
_TABLES = ("scores", "changes", "rests", "segments", "rated", "bases", "case_mix")


@dataclass(frozen=True)
class KeptBaseline:
    """A period's baseline as it is kept."""

    fingerprint: str
    data: str
    """Short name of the answers it was computed from."""
    baseline: Baseline
    company_importance: pd.DataFrame
    """The company's driver importance; empty where the study has no drivers or too few answers."""
    contrasts: pd.DataFrame
    """Drivers of every place against the rest and the period before; empty where the study has no drivers."""
    ratings: pd.DataFrame
    """Mean ratings of every place against the rest of the company and earlier periods; empty likewise."""
    pool: pd.DataFrame
    """The pattern common to all units, for those that borrow from it; empty where the company's drivers do not."""
    weights: pd.DataFrame
    """Raked weight of each answer; empty where the study does not rake."""


def load_baseline(project: Project, study: Study, period: str) -> KeptBaseline:
    """The baseline of one period: from its folder, or computed and kept where something has changed.

    Raises
    ------
    UnknownNameError
        No answers belong to this period.
    """
    manifest = read_manifest(project, study)
    known = check_period(project, study, period)
    settings = study.model_dump(mode="json", include={"scores", "privacy", "rake", "drivers", "periods", "regions"})
    asked = [params.model_dump(mode="json") for params in _driver_places(study, period).values()]
    fingerprint = short_hash(manifest["fingerprint"], settings, asked, period, code_hash())
    folder = project.private(study.name) / "baseline" / period
    if (folder / _META).exists():
        kept = json.loads((folder / _META).read_text(encoding="utf-8"))
        if kept["fingerprint"] == fingerprint:
            return _load(folder, kept, period)
    computed = _compute(project, study, period, known[: known.index(period) + 1], fingerprint)
    _save(computed, folder)
    return computed


def check_period(project: Project, study: Study, period: str) -> list[str]:
    """Periods that data belong to; raises UnknownNameError unless this is one of them."""
    known = known_periods(project, study)
    if period not in known:
        raise UnknownNameError(f"{study.name}: {did_you_mean('period', period, known)}")
    return known


def answers_of(
    project: Project, study: Study, columns: Iterable[str], periods: list[str] | None = None, **where: str | None
) -> pd.DataFrame:
    """Answers with the columns that the table has of those wanted; none where the study asks nobody."""
    if not has_table(project, study, "responses"):
        return pd.DataFrame(columns=["response_id", "region", "unit", "period", "survey"], dtype="str")
    have = table_columns(project, study, "responses")
    wanted = [name for name in dict.fromkeys(columns) if name in have]
    return read_table(project, study, "responses", periods=periods, columns=wanted, **where)


def with_weights(answers: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Answers with their raked weights in place of any they came with, where the study rakes."""
    if not len(weights):
        return answers
    return answers.drop(columns="weight", errors="ignore").merge(weights, on="response_id", how="left")


def _compute(project: Project, study: Study, period: str, periods: list[str], fingerprint: str) -> KeptBaseline:
    columns = [
        "response_id", "region", "unit", "site", "period", "survey", "customer_id", "weight",
        "nps_answer", "csat_score", "ces_score", *CONTACTS, *study.scores.segments, *study.scores.case_mix,
        *(study.rake.margins if study.rake else ()),
    ]  # fmt: skip
    ratings = _ratings(study, period)
    answers = answers_of(project, study, [*columns, *ratings], periods)
    weights = _raked(answers, study)
    earlier = {"year_ago": study.periods.year_ago(period), "previous": study.periods.previous(period)}
    if earlier["previous"] == earlier["year_ago"]:  # yearly waves
        del earlier["previous"]
    baseline = fit_baseline(
        with_weights(answers, weights),
        study.scores,
        periods,
        {kind: p for kind, p in earlier.items() if p},
        [name for name in ratings if name in answers],
        study.privacy.customer_min,
    )
    importance = _company_importance(project, study, period, weights)
    contrasts, ratings_beside = _of_all_places(project, study, period, earlier, weights)
    kept = protect(baseline, study.privacy)
    pool = _pool(project, study, period, weights)
    return KeptBaseline(fingerprint, data_hash(answers), kept, importance, contrasts, ratings_beside, pool, weights)


def _raked(answers: pd.DataFrame, study: Study) -> pd.DataFrame:
    if study.rake is None:
        return pd.DataFrame()
    parts = [
        pd.DataFrame(
            {
                "response_id": part["response_id"],
                "weight": rake(part, study.rake.margins, trim_ratio=study.rake.trim_ratio),
            }
        )
        for _, part in answers.groupby(["period", "survey"])
    ]
    return pd.concat(parts, ignore_index=True)


def _driver_places(study: Study, period: str) -> dict[tuple[str, str], DriversParams]:
    """What each place's driver regression is asked; nothing where the study has no drivers."""
    return {place: resolve(study, "drivers", period, *place) for place in places_of(study)} if study.drivers else {}


def _ratings(study: Study, period: str) -> list[str]:
    """Every column whose mean some driver report shows, but for the scores, which have a plan of their own."""
    asked = _driver_places(study, period).values()
    shown = {name for params in asked for name in (*params.drivers, *params.expectations.values(), params.outcome)}
    return sorted(shown - {"nps", *SCORES})


def _company_importance(project: Project, study: Study, period: str, weights: pd.DataFrame) -> pd.DataFrame:
    """The company's importance, for units too small for a regression of their own."""
    if not study.drivers:
        return pd.DataFrame()
    params = resolve(study, "drivers", period, ALL, ALL)
    answers = with_weights(answers_of(project, study, driver_columns(params), [period], survey=params.survey), weights)
    try:
        result = remember(project.private(study.name) / "cache", fit_drivers, answers, params)
    except CxError as error:  # the drivers' own reports say it; the scorecards need none
        log.warning("no company drivers: %s", error)
        return pd.DataFrame()
    return result.importance


def _of_all_places(
    project: Project, study: Study, period: str, earlier: dict[str, str | None], weights: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contrasts of coefficients and of mean ratings: one family of tests each, over all places."""
    if not study.drivers:
        return pd.DataFrame(columns=COLUMNS), pd.DataFrame()
    places = _driver_places(study, period)
    columns = [name for params in places.values() for name in driver_columns(params)]
    wanted = [*columns, "region", "unit", "period", "survey"]
    found = answers_of(project, study, wanted, [one for one in (*earlier.values(), period) if one])
    answers = with_weights(found, weights)
    previous = earlier.get("previous") or earlier["year_ago"]
    known = set(answers["period"])
    back = {kind: one for kind, one in earlier.items() if one in known}
    ratings = fit_ratings(answers, places, back, study.scores.min_base, study.privacy.customer_min)
    return fit_contrasts(answers[answers["period"].isin([previous, period])], places, previous), ratings


def _pool(project: Project, study: Study, period: str, weights: pd.DataFrame) -> pd.DataFrame:
    if not study.drivers:
        return pd.DataFrame()
    params = resolve(study, "drivers", period, ALL, ALL)
    if params.small_units != "partial_pooling":
        return pd.DataFrame()
    columns = [*driver_columns(params), "region", "unit"]
    answers = with_weights(answers_of(project, study, columns, [period], survey=params.survey), weights)
    try:
        return fit_pool(answers, params)
    except CxError as error:  # the drivers' own reports say it
        log.warning("no pattern common to all units: %s", error)
        return pd.DataFrame()


def driver_columns(params: DriversParams) -> list[str]:
    """Columns a driver regression reads."""
    outcome = "nps_answer" if params.outcome == "nps" else params.outcome
    applies = [f"{name}_applies" for name in params.drivers]
    wanted = ["response_id", "customer_id", "weight", outcome, *params.drivers, *applies, *params.expectations.values()]
    return list(dict.fromkeys(wanted))


def _save(kept: KeptBaseline, folder: Path) -> None:
    with replaced_folder(folder) as fresh:
        for name in _TABLES:
            getattr(kept.baseline, name).to_parquet(fresh / f"{name}.parquet", index=False)
        kept.company_importance.to_parquet(fresh / "company_importance.parquet", index=False)
        kept.contrasts.to_parquet(fresh / "contrasts.parquet", index=False)
        kept.ratings.to_parquet(fresh / "ratings.parquet", index=False)
        kept.pool.to_parquet(fresh / "pool.parquet", index=False)
        kept.weights.to_parquet(fresh / "weights.parquet", index=False)
        (fresh / _META).write_text(
            json.dumps({"fingerprint": kept.fingerprint, "data": kept.data, "fewest": kept.baseline.fewest}) + "\n",
            encoding="utf-8",
        )


def _load(folder: Path, kept: dict[str, Any], period: str) -> KeptBaseline:
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
    return KeptBaseline(
        kept["fingerprint"],
        kept["data"],
        Baseline(period, **tables, fewest=kept["fewest"]),
        pd.read_parquet(folder / "company_importance.parquet"),
        pd.read_parquet(folder / "contrasts.parquet"),
        pd.read_parquet(folder / "ratings.parquet"),
        pd.read_parquet(folder / "pool.parquet"),
        pd.read_parquet(folder / "weights.parquet"),
    )

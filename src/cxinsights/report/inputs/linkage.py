"""What the employee–customer linkage reads: a row per site, and the individual answers where there are any."""

from typing import Any

import pandas as pd

from cxinsights.analysis.baseline import NODE, Baseline
from cxinsights.analysis.scores import METRICS
from cxinsights.data.manifest import has_table, known_periods, table_columns
from cxinsights.data.tables import read_table
from cxinsights.errors import ParamsError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, LinkageParams
from cxinsights.report.baselines import answers_of, with_weights
from cxinsights.report.inputs.reading import Inputs, Opened, check_columns
from cxinsights.schemas.columns import column

__all__ = ["read_linkage"]

_SITE = ["region", "unit", "site"]


def read_linkage(opened: Opened) -> Inputs:
    """Sites of the company or region (a unit's report places its own among all), with both sides' scores.

    Raises
    ------
    UnknownNameError
        No table has a column or score that is asked for.
    """
    params: LinkageParams = opened.params
    if _comes_by_site(opened):
        sites, more = _given(opened), {}
    else:
        sites, more = _from_answers(opened)
    if params.unit == ALL and params.region != ALL:
        sites = sites[sites["region"] == params.region]
        more = {name: frame[frame["region"] == params.region] for name, frame in more.items()}
    own = (sites["region"] == params.region) & (sites["unit"] == params.unit) if params.unit != ALL else True
    more = {name: frame.reset_index(drop=True) for name, frame in more.items()}
    return Inputs(sites.assign(own=own).reset_index(drop=True), {**more, "item_range": _range_of(opened)})


def _comes_by_site(opened: Opened) -> bool:
    """Whether the study's data come as one row per site."""
    if not has_table(opened.project, opened.study, "sites"):
        return False
    have = set(table_columns(opened.project, opened.study, "sites"))
    individual = has_table(opened.project, opened.study, "employees")
    return not individual or {*opened.params.items, *opened.params.scores} <= have


def _given(opened: Opened) -> pd.DataFrame:
    params: LinkageParams = opened.params
    wanted = [*params.items, *params.scores, *params.controls]
    check_columns(opened, wanted, ["sites"])
    columns = [*_SITE, "n_customers", "n_employees", *dict.fromkeys(wanted)]
    return read_table(opened.project, opened.study, "sites", periods=[params.period], columns=columns).assign(
        hidden=False
    )


def _from_answers(opened: Opened) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Means of employees' items and customers' scores by site; both sides' answers beside them."""
    params: LinkageParams = opened.params
    check_columns(opened, params.items, ["employees"])
    if params.controls:
        raise ParamsError(
            f"params/{opened.study.name}: linkage: controls are columns of a sites table, which this study lacks. "
            "Take them out, or import a sites table."
        )
    for name in params.scores:
        if name not in METRICS:
            where = f"params/{opened.study.name}: linkage"
            raise UnknownNameError(f"{where}: {did_you_mean('score', name, METRICS)}")
    employees = read_table(
        opened.project, opened.study, "employees",
        periods=_earlier(opened), columns=[*_SITE, *params.items],
    ).dropna(subset=["site"])  # fmt: skip
    by_site = employees.groupby(_SITE)[params.items]
    answered = by_site.count().min(axis=1).rename("n_employees")  # the item with the fewest answers decides
    staff = by_site.mean().join(answered)
    scores = _site_scores(opened.kept.baseline, params)
    sites = staff.reset_index().merge(scores, on=_SITE, how="outer")
    sites[["n_employees", "n_customers"]] = sites[["n_employees", "n_customers"]].fillna(0)
    return sites.assign(hidden=sites["hidden"].eq(True)), {"employees": employees, "customers": _coded(opened)}


def _earlier(opened: Opened) -> list[str]:
    """The period whose employees' answers are read; none where the lag leads before the first."""
    period: str | None = opened.params.period
    for _ in range(opened.params.lag):
        period = period and opened.study.periods.previous(period)
    return [period] if period in known_periods(opened.project, opened.study) else []


def _site_scores(baseline: Baseline, params: LinkageParams) -> pd.DataFrame:
    """The scorecards' own figures of each site: score, the smallest base, and whether the period's plan hides it."""
    rows = baseline.scores
    rows = rows[(rows["level"] == NODE[-1]) & (rows["survey"] == params.survey) & rows["metric"].isin(params.scores)]
    rows = rows[rows["period"] == params.period]
    wide = rows.pivot_table(index=_SITE, columns="metric", values="score", sort=True)
    bases = rows.groupby(_SITE).agg(n_customers=("n", "min"), hidden=("hidden", "any"))
    return bases.join(wide).reindex(columns=["n_customers", "hidden", *params.scores]).reset_index()


def _coded(opened: Opened) -> pd.DataFrame:
    """Customers' answers as numbers whose mean is the score, with weights and names as the scorecards have them."""
    params: LinkageParams = opened.params
    columns = ["response_id", "customer_id", "weight", *_SITE, *(METRICS[name].column for name in params.scores)]
    answers = answers_of(opened.project, opened.study, columns, [params.period], survey=params.survey)
    answers = with_weights(answers, opened.kept.weights).dropna(subset=["site"])
    rules, asked = opened.study.scores, [n for n in params.scores if METRICS[n].column in answers]
    kept = answers[[*_SITE, *(name for name in ("customer_id", "weight") if name in answers)]]
    return kept.assign(**{name: METRICS[name].coded(answers[METRICS[name].column], rules) for name in asked})


def _range_of(opened: Opened) -> tuple[float, float] | None:
    """Ends of the scale that all items share; None where they share none."""
    specs = [column(name, opened.study) for name in opened.params.items]
    ranges = {(spec.min, spec.max) for spec in specs}
    low, high = ranges.pop()
    return None if ranges or low is None or high is None else (low, high)

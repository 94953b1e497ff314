"""Employee–customer linkage: whether sites whose employees score higher have customers who score higher.

The unit of analysis is the site, never the person: a site's employees and its customers are different people, and
only their means belong together. So the first question is whether answers may be averaged by site at all; then how
closely the means go together, how sure that is, and which sites carry it. An association among sites at one time
says nothing about its direction.

The employees' lead measure is the mean of the items, the customers' the first score. Where items and scores are
parallel lists of site columns (teachers' and parents' view of the same four things), the pairs at the same place
take the lead.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from cxinsights.analysis.aggregation import site_reliability
from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.correlations import (
    Correlation,
    complete_pairs,
    disattenuated,
    partial,
    pearson,
    resampled,
    spearman,
    weighted,
)  # fmt: skip
from cxinsights.analysis.linkage_data import KEY, SCALE, base_of, is_parallel, lead_pairs, pair_values, prepared
from cxinsights.analysis.linkage_measures import Spreads, measure_spreads, scale_reliability
from cxinsights.analysis.linkage_model import control_columns, model_effects
from cxinsights.analysis.linkage_sites import fitted_line, leave_one_out, standings
from cxinsights.analysis.results import Status, table
from cxinsights.params import LinkageParams

__all__ = ["SCALE", "LinkageResult", "fit_linkage"]


_TOO = {"n_employees": "employees"}
"""Beside their customers, rows rest on employees too."""


@dataclass(frozen=True)
class LinkageResult:
    """How closely employees' and customers' scores of sites go together; `n` counts sites."""

    params: LinkageParams
    status: Status
    reason: str = ""
    """Why there is no association to show; empty where there is one."""
    associations: pd.DataFrame = table("n_customers", keep=["item", "metric", "correlation_kind", "n"], also=_TOO)
    """One row per lead pair and kind of correlation, with interval and the sites it rests on."""
    items: pd.DataFrame = table("n_customers", keep=["item", "metric", "is_pair", "n"], also=_TOO)
    """One row per employee item and customer score: Pearson's correlation, adjusted as one family."""
    aggregation: pd.DataFrame = table("n_customers", keep=["side", "measure", "n"], also=_TOO)
    """One row per lead measure: ICC(1), ICC(2), agreement, and how far sites truly differ."""
    reliability: pd.DataFrame = table("n_employees", keep=["item", "n_items"], whose="employees")
    """First row the scale: alpha and omega; then one row per item: alpha without it, correlation with the rest."""
    model: pd.DataFrame = table("n_customers", keep=["item", "metric", "grouping", "term", "n", "n_groups"], also=_TOO)
    """One row per lead pair, grouping and term of the mixed model: overall, within and between groups, controls."""
    sites: pd.DataFrame = table("n_customers", keep=[*KEY, "own", "takes_part"], also=_TOO)
    """One row per site: both scores with intervals, distance from the line, and where it stands."""
    leave_one_out: pd.DataFrame = table("n_customers", keep=[*KEY, "own"], also=_TOO)
    """One row per site that takes part: the lead correlation without it, the largest shift first."""
    line: pd.DataFrame = table("n_customers", keep=["n"], also=_TOO)
    """Least-squares line of the lead pair with the band of its mean, at even steps."""
    summary: pd.DataFrame = table(
        "n_customers",
        keep=["n", "n_sites", "n_small", "n_hidden", "n_incomplete", "n_own", "n_own_part"],
        also=_TOO,
    )
    """One row: how many sites take part, how many do not and why, and the lead correlation's range without one site."""
    parallel: bool = False
    """Whether items and scores are parallel lists, whose pairs take the lead."""
    not_computed: tuple[str, ...] = ()
    """What only individual answers would tell: agreement, reliability, employee_intervals, customer_intervals."""


def fit_linkage(
    sites: pd.DataFrame,
    params: LinkageParams,
    *,
    employees: pd.DataFrame | None = None,
    customers: pd.DataFrame | None = None,
    item_range: tuple[float, float] | None = None,
) -> LinkageResult:
    """Associations of employees' items and customers' scores over sites, with everything needed to judge them.

    Parameters
    ----------
    sites
        One row per site: `region`, `unit`, `site`, `n_customers`, `n_employees`, a mean for each of
        `params.items`, a score for each of `params.scores`, the controls; `own` where a site belongs to the report's
        unit (all do in a region's or the company's report), `hidden` where its scores may not be shown. Missing
        scores are allowed.
    employees
        One row per employee's answer: `region`, `unit`, `site` and the items.
    customers
        One row per customer's answer: `region`, `unit`, `site`, the scores coded so that their mean is the score,
        and optionally `weight` and `customer_id`.
    item_range
        Lowest and highest answer to an item; without it agreement is not computed.

    Returns
    -------
    LinkageResult
        A site takes part with `params.min_customers` and `params.min_employees` answers, where nothing hides it.
        `status` is `refused` under `params.min_sites` sites or where a side never varies, `no_data` where no site
        has both sides. In a unit's report the sites of other units have no name.

    Raises
    ------
    DataError
        A column is not in the table, or holds text.

    Notes
    -----
    Checked against R 4.2.2 (`cor.test`), ppcor 1.1, multilevel 2.7, psych 2.2.9, lavaan 0.6-14, lme4 1.1-31 with
    lmerTest 3.1-3. Bliese (2000), LeBreton & Senter (2008).
    """
    frame = prepared(sites, params, employees, item_range)
    part, lead = frame[frame["takes_part"]], lead_pairs(params)[0]
    employees, customers = _of_sites(employees, part), _of_sites(customers, part)
    known = LinkageResult(
        params,
        "no_data",
        parallel=is_parallel(params),
        not_computed=_not_computed(employees, customers, lead[1], item_range),
        summary=_summary(frame, part, lead),
    )
    x, y = complete_pairs(*pair_values(part, lead))
    if not len(x):
        return replace(known, reason=_why_none(frame, lead))
    reason = _why_refused(x, y, lead, params)
    rng = np.random.default_rng(params.seed)
    spreads = measure_spreads(part, params, employees, customers, item_range, rng)
    known = replace(
        known,
        status="refused",
        reason=reason,
        aggregation=spreads.table,
        reliability=scale_reliability(employees, params, rng),
        sites=_unnamed(standings(frame, params, employees, customers, with_line=not reason)),
    )
    if reason:
        return known
    without = leave_one_out(part, lead)
    least, most = without["correlation"].min(), without["correlation"].max()
    return replace(
        known,
        status="ok",
        associations=_associations(part, params, spreads, rng),
        items=_items(part, params),
        model=model_effects(part, params, spreads.reliabilities),
        leave_one_out=_unnamed(without),
        line=fitted_line(part, lead),
        summary=known.summary.assign(correlation_least=least, correlation_most=most),
    )


def _associations(
    part: pd.DataFrame, params: LinkageParams, spreads: Spreads, rng: np.random.Generator
) -> pd.DataFrame:
    """Each lead pair in every kind of correlation that there is; tests of one kind are one family."""
    _, controls = control_columns(part, params.controls)
    sizes = [part[name].to_numpy(dtype=float) for name in ("n_employees", "n_customers")]
    rows = []
    for pair in lead_pairs(params):
        x, y = pair_values(part, pair)
        drawn = resampled(x, y, params.n_boot, rng)
        found = {"pearson": pearson(x, y), "spearman": spearman(x, y), "weighted": weighted(x, y, sizes[1])}
        if set(pair) <= set(spreads.icc1):
            sure = [site_reliability(spreads.icc1[name], n) for name, n in zip(pair, sizes, strict=True)]
            found["weighted_reliability"] = weighted(x, y, sure[0] * sure[1])
            reliable = (spreads.reliabilities[name] for name in pair)
            found["disattenuated"] = disattenuated(found["pearson"], *reliable)
        if controls.size:
            found["partial"] = partial(x, y, controls)
            found["partial_spearman"] = partial(x, y, controls, ranks=True)
        boot = {"pearson": drawn[:2], "spearman": drawn[2:]}
        for kind, one in found.items():
            if np.isnan(one.value):  # a score that never varies, reliabilities of none
                continue
            low, high = boot.get(kind, (np.nan, np.nan))
            limits = {"boot_low": low, "boot_high": high, "over_one": one.over_one}
            rows.append({**_names(pair), "correlation_kind": kind, **_base(part, pair, one), **_figures(one), **limits})
    return adjust(pd.DataFrame(rows), ["correlation_kind"])


def _items(part: pd.DataFrame, params: LinkageParams) -> pd.DataFrame:
    """Every item with every score; one family of tests."""
    paired = set(lead_pairs(params)) if is_parallel(params) else set()
    rows = []
    for pair in product(params.items, params.scores):
        one = pearson(*pair_values(part, pair))
        rows.append({**_names(pair), "is_pair": pair in paired, **_base(part, pair, one), **_figures(one)})
    frame = pd.DataFrame(rows).drop(columns="df").assign(family="items")
    return adjust(frame, ["family"]).drop(columns="family")


def _names(pair: tuple[str, str]) -> dict[str, str]:
    return {"item": pair[0], "metric": pair[1]}


def _base(part: pd.DataFrame, pair: tuple[str, str], found: Correlation) -> dict[str, int]:
    return {**base_of(part, list(pair)), "n": found.n}


def _figures(found: Correlation) -> dict[str, float]:
    return {
        "correlation": found.value, "ci_low": found.ci_low, "ci_high": found.ci_high, "df": found.df,
        "p_value": found.p_value,
    }  # fmt: skip


def _summary(frame: pd.DataFrame, part: pd.DataFrame, lead: tuple[str, str]) -> pd.DataFrame:
    """Sites of the report, those that take part, and why others do not: answers too few, hidden, or a side missing."""
    base = base_of(part, list(lead))
    complete = part.dropna(subset=list(lead))
    row = {
        "n": base.pop("n"),
        "n_sites": len(frame),
        "n_small": int((~frame["enough"]).sum()),
        "n_hidden": int((frame["enough"] & frame["hidden"]).sum()),
        "n_incomplete": len(part) - len(complete),
        "n_own": int(frame["own"].sum()),
        "n_own_part": int(complete["own"].sum()),
    }
    return pd.DataFrame([{**row, **base, "correlation_least": np.nan, "correlation_most": np.nan}])


def _of_sites(answers: pd.DataFrame | None, part: pd.DataFrame) -> pd.DataFrame | None:
    """Individual answers of the sites that take part; none where there are none to read."""
    if answers is None or not len(answers):
        return None
    return answers.merge(part[KEY], on=KEY)


def _not_computed(
    employees: pd.DataFrame | None,
    customers: pd.DataFrame | None,
    score: str,
    item_range: tuple[float, float] | None,
) -> tuple[str, ...]:
    lacking = {
        "agreement": employees is None or item_range is None,
        "reliability": employees is None,
        "employee_intervals": employees is None,
        "customer_intervals": customers is None or score not in customers,
    }
    return tuple(name for name, lacks in lacking.items() if lacks)


def _why_none(frame: pd.DataFrame, lead: tuple[str, str]) -> str:
    if frame.empty:
        return "no site has answers in this period"
    for whose, name in zip(("employees", "customers"), lead, strict=True):
        if not frame[name].notna().any():
            return f"no site has answers of {whose} in this period"
    both = frame[list(lead)].notna().all(axis=1)
    if not both.any():
        return "no site has answers of both sides"
    if (both & frame["enough"]).any():
        return "every site with answers enough is hidden so as not to give anybody away"
    return "no site has answers enough of both sides"


def _why_refused(x: np.ndarray, y: np.ndarray, lead: tuple[str, str], params: LinkageParams) -> str:
    """Too few sites, or a side that never varies; empty where nothing stands against it."""
    if len(x) < params.min_sites:
        has = "site has" if len(x) == 1 else "sites have"
        return f"{len(x)} {has} answers enough of both sides, {params.min_sites} needed"
    for name, values in zip(lead, (x, y), strict=True):
        if np.ptp(values) == 0:
            return f"{name} is the same at every site: nothing can go with it"
    return ""


def _unnamed(sites: pd.DataFrame) -> pd.DataFrame:
    """Sites of other units without their names: a unit's report places its own among them."""
    return sites.assign(**{name: sites[name].astype(object).where(sites["own"], "") for name in KEY})

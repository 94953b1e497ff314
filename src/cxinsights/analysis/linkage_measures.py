"""What individual answers tell of the lead measures: may they be averaged by site, and how far do sites differ."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from cxinsights.analysis.aggregation import AGREEMENT, SiteSpread, r_wg_j, site_spread
from cxinsights.analysis.intervals import CONFIDENCE, wilson
from cxinsights.analysis.linkage_data import SCALE, lead_items, lead_pairs, person_scores, sites_of
from cxinsights.analysis.reliability import fit_reliability
from cxinsights.params import LinkageParams

__all__ = ["Spreads", "measure_spreads", "scale_reliability"]

_TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
_OMEGA_DRAWS = 500


@dataclass(frozen=True)
class Spreads:
    """How the lead measures differ between and within sites."""

    table: pd.DataFrame
    """As `LinkageResult.aggregation`."""
    icc1: dict[str, float]
    """By measure, from the variances of a random-intercept model; only where individual answers are known."""
    reliabilities: dict[str, float]
    """ICC(2) by measure: the reliability of a site's mean."""


def measure_spreads(
    part: pd.DataFrame,
    params: LinkageParams,
    employees: pd.DataFrame | None,
    customers: pd.DataFrame | None,
    item_range: tuple[float, float] | None,
    rng: np.random.Generator,
) -> Spreads:
    """Spread between sites of each lead measure; agreement of employees where their scale's ends are known."""
    rows, icc1, icc2 = [], {}, {}
    for side, measures, answers in (
        ("employees", dict.fromkeys(item for item, _ in lead_pairs(params)), employees),
        ("customers", dict.fromkeys(score for _, score in lead_pairs(params)), customers),
    ):
        for name in measures:
            values, at = _individuals(answers, params, side, name)
            found = site_spread(values, at)
            means = part[name].dropna()
            n = found.n if answers is not None else int(part.loc[means.index, f"n_{side}"].sum())
            row = {
                "side": side, "measure": name, "n": len(means), "n_customers": 0, "n_employees": 0,
                f"n_{side}": n, **_spread_columns(found), **_observed(means),
            }  # fmt: skip
            if side == "employees":
                row |= _agreement(answers, params, name, item_range, rng)
            rows.append(row)
            if np.isfinite(found.icc1_reml):
                icc1[name], icc2[name] = found.icc1_reml, found.icc2
    return Spreads(pd.DataFrame(rows), icc1, icc2)


def scale_reliability(employees: pd.DataFrame | None, params: LinkageParams, rng: np.random.Generator) -> pd.DataFrame:
    """Alpha and omega of the items as one scale; empty where they are none, or no individual answers are known."""
    if employees is None or lead_pairs(params)[0][0] != SCALE:
        return pd.DataFrame()
    found = fit_reliability(employees[params.items], sites_of(employees), min(params.n_boot, _OMEGA_DRAWS), rng)
    scale = {
        "item": SCALE, "n_employees": found.n, "n_items": found.n_items, "alpha": found.alpha,
        "alpha_low": found.alpha_low, "alpha_high": found.alpha_high, "omega": found.omega,
        "omega_low": found.omega_low, "omega_high": found.omega_high,
    }  # fmt: skip
    items = found.items.assign(n_employees=found.n, n_items=found.n_items)
    return pd.concat([pd.DataFrame([scale]), items], ignore_index=True)


def _individuals(
    answers: pd.DataFrame | None, params: LinkageParams, side: str, name: str
) -> tuple[np.ndarray, np.ndarray]:
    if answers is None or not len(answers) or (side == "customers" and name not in answers):
        return np.zeros(0), np.zeros(0, dtype=int)
    values = person_scores(answers, params, name) if side == "employees" else answers[name].to_numpy(dtype=float)
    return values, sites_of(answers)


def _spread_columns(found: SiteSpread) -> dict[str, float]:
    names = (
        "mean_size", "f_ratio", "p_value", "icc1", "icc1_low", "icc1_high", "icc1_n0", "icc1_reml", "icc2",
        "icc2_low", "icc2_high", "sd_between", "sd_low", "sd_high",
    )  # fmt: skip
    return {name: getattr(found, name) for name in names}


def _observed(means: pd.Series) -> dict[str, float]:
    """Spread of the sites' means as they are, what chance adds included; chi-square interval."""
    n = len(means)
    if n < 2:
        return dict.fromkeys(("sd_observed", "sd_observed_low", "sd_observed_high"), np.nan)
    sd = float(means.std())
    low, high = (sd * np.sqrt((n - 1) / special.chdtri(n - 1, tail)) for tail in _TAILS)
    return {"sd_observed": sd, "sd_observed_low": float(low), "sd_observed_high": float(high)}


def _agreement(
    employees: pd.DataFrame | None,
    params: LinkageParams,
    measure: str,
    item_range: tuple[float, float] | None,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Median r_wg(j) over sites under both nulls, and the share of sites whose people agree; sites are resampled."""
    names = [f"{name}{end}" for name in ("rwg", "rwg_skewed", "share_agreeing") for end in ("", "_low", "_high")]
    if employees is None or item_range is None or not len(employees):
        return dict.fromkeys(names, np.nan)
    answers, at = employees[lead_items(params, measure)], sites_of(employees)
    found = []
    for null in ("uniform", "skewed"):
        agree = r_wg_j(answers, at, item_range, null).dropna().to_numpy()
        if not len(agree):
            return dict.fromkeys(names, np.nan)
        drawn = np.median(agree[rng.integers(0, len(agree), (params.n_boot, len(agree)))], axis=1)
        found += [float(np.median(agree)), *np.quantile(drawn, _TAILS)]
        if null == "uniform":
            share = float((agree >= AGREEMENT).mean())
            shares = [share, *wilson(share, len(agree))]
    return dict(zip(names, [*found, *shares], strict=True))

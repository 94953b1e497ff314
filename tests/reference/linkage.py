"""Adapters of the kinds about aggregation, correlations, reliability."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.aggregation import null_variance, r_wg_j, site_spread
from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.correlations import (
    Correlation,
    disattenuated,
    partial,
    pearson,
    resampled,
    spearman,
    weighted,
)  # fmt: skip
from cxinsights.analysis.intervals import p_of
from cxinsights.analysis.mixed import MixedFit, fit_mixed
from cxinsights.analysis.reliability import fit_reliability

Case = dict[str, Any]
DRAWS = 5000


def aggregation(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params = case["params"]
    items, sites = params["scale_items"], frame[params["unit"]].to_numpy()
    scale, outcome = _mean(frame[items].to_numpy().T), frame[params["outcome"]].to_numpy(float)
    answers = (1, params["response_options_A"])
    found, of_outcome = site_spread(scale, sites), site_spread(outcome, sites)
    agree, first = r_wg_j(frame[items], sites, answers), r_wg_j(frame[items[:1]], sites, answers)
    by_site = pd.DataFrame({"x": scale, "y": outcome}).groupby(sites)
    x, y = (np.array([_mean(values.to_numpy()) for _, values in by_site[name]]) for name in ("x", "y"))
    raw = pearson(x, y)
    mean = by_site["x"].transform("mean").to_numpy()
    mixed = fit_mixed(np.column_stack([np.ones(len(frame)), scale - mean, mean]), outcome, sites)
    return {
        "n": found.n,
        "units": found.n_sites,
        "ms_between": found.ms_between,
        "ms_within": found.ms_within,
        "F": found.f_ratio,
        "p": found.p_value,
        "icc1_multilevel_uses_mean_group_size": found.icc1,
        "icc2_multilevel": found.icc2,
        "icc1_bliese_unbalanced_n0": found.icc1_n0,
        "n0": found.n0,
        "mean_group_size": found.mean_size,
        "icc1_from_reml_variance_components": found.icc1_reml,
        "reml_var_between": found.var_between,
        "reml_var_within": found.var_within,
        "expected_variance_uniform": null_variance(answers),
        "rwg_j": {
            "mean": agree.mean(),
            "median": agree.median(),
            "share_above_0.70": (agree > 0.7).mean(),
            "first_10_units": {str(name): value for name, value in agree.items()},
        },
        "rwg_first_item": {"mean": first.mean(), "median": first.median()},
        "outcome_icc1": of_outcome.icc1,
        "outcome_icc2": of_outcome.icc2,
        "unit_level": {
            "n": raw.n,
            **_plain(x, y),
            "weighted_pearson": weighted(x, y, by_site.size().to_numpy(float)).value,
        },
        "disattenuated_unit_r": disattenuated(raw, found.icc2, of_outcome.icc2).value,
        "multilevel_between_within": {
            "REML": _effects(mixed, ["intercept", "within", "between"]),
            "var_g": mixed.var_between,
            "var_resid": mixed.var_within,
            "REML_loglik": mixed.log_likelihood,
        },
    }


def linkage(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    """The controls of a partial are not among a case's params, only how many they are: headcount, then the weight."""
    params, expected = case["params"], case["expected"]
    lead, weight = params["engagement"].split(" ")[0], params["weight"]
    got: dict[str, Any] = {}
    for name in [name for name, value in expected.items() if "pearson" in value]:
        x, y = frame[lead].to_numpy(float), frame[name].to_numpy(float)
        n_controls = expected[name]["partial_pearson"]["gp"]
        controls = frame[["headcount", weight][:n_controls]].to_numpy(float)
        got[name] = {
            "n": pearson(x, y).n,
            **_plain(x, y),
            "weighted_pearson": weighted(x, y, frame[weight].to_numpy(float)).value,
            "partial_pearson": _partial(partial(x, y, controls), n_controls),
            "partial_spearman": _partial(partial(x, y, controls, ranks=True), n_controls),
        }
    pairs = {name: name.split("_") for name in expected["p_values"]}
    p_values = {name: pearson(*(frame[side].to_numpy(float) for side in pair)).p_value for name, pair in pairs.items()}
    tests = pd.DataFrame({"p_value": p_values}).assign(family=1)
    methods = {"BH": "fdr_bh", "BY": "fdr_by", "holm": "holm", "bonferroni": "bonferroni"}
    got["p_values"] = p_values
    got["p_adjusted"] = {
        name: adjust(tests, ["family"], method)["p_adjusted"].to_dict() for name, method in methods.items()
    }
    for key in expected:
        if named := re.fullmatch(r"lmer_(\w+)_on_(\w+)_random_(\w+)", key):
            y, x, group = named.groups()
            columns = np.column_stack([np.ones(len(frame)), frame[x]])
            fit = fit_mixed(columns, frame[y].to_numpy(float), frame[group].to_numpy())
            got[key] = {
                "REML": _effects(fit, ["intercept", x]),
                "var_region": fit.var_between,
                "var_resid": fit.var_within,
                "REML_loglik": fit.log_likelihood,
            }
    return got


def reliability(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    found = fit_reliability(frame[case["params"]["items"]])
    items = found.items.set_index("item")
    return {
        "n": found.n,
        "k": found.n_items,
        "alpha_raw": found.alpha,
        "feldt_ci": {"low": found.alpha_low, "high": found.alpha_high},
        "alpha_if_item_dropped": items["alpha_dropped"].to_dict(),
        "corrected_item_total_r": items["item_total"].to_dict(),
        "omega_total_one_factor_ML_cfa": found.omega,
    }


ADAPTERS: dict[str, Callable[[Case, pd.DataFrame], dict[str, Any]]] = {
    "aggregation": aggregation,
    "linkage": linkage,
    "reliability": reliability,
}
_CORRELATIONS = ["pearson", "spearman", "weighted_pearson"]
MUST: dict[str, list[str]] = {
    "aggregation": [
        "icc1_multilevel_uses_mean_group_size", "icc1_bliese_unbalanced_n0", "icc1_from_reml_variance_components",
        "icc2_multilevel", "rwg_j", "disattenuated_unit_r", "multilevel_between_within.REML",
        *(f"unit_level.{name}" for name in _CORRELATIONS),
    ],
    "linkage": [
        *(f"*.{name}" for name in (*_CORRELATIONS, "partial_pearson", "partial_spearman")), "p_values", "p_adjusted",
        "*.REML",
    ],
    "reliability": ["alpha_raw", "feldt_ci", "alpha_if_item_dropped", "omega_total_one_factor_ML_cfa"],
}  # fmt: skip
"""What has to agree, by kind: paths into `expected`."""


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis as R takes it, with extended precision: it decides which site means are tied."""
    return np.mean(values.astype(np.longdouble), axis=0).astype(float)


def _plain(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    straight, ranks, wider = pearson(x, y), spearman(x, y, interval="fisher"), spearman(x, y)
    drawn = resampled(x, y, DRAWS, np.random.default_rng(1))
    return {
        "pearson": {
            "r": straight.value,
            "t": straight.statistic,
            "df": straight.df,
            "p": straight.p_value,
            "fisher_z_low": straight.ci_low,
            "fisher_z_high": straight.ci_high,
        },
        "spearman": {
            "rho": ranks.value,
            "p_t_approx_asymptotic": ranks.p_value,
            "fisher_z_low": ranks.ci_low,
            "fisher_z_high": ranks.ci_high,
            "bonett_wright_low": wider.ci_low,
            "bonett_wright_high": wider.ci_high,
        },
        "bootstrap_pearson": {"perc_low": drawn.pearson_low, "perc_high": drawn.pearson_high, "B": DRAWS},
    }


def _partial(found: Correlation, n_controls: int) -> dict[str, float]:
    return {
        "estimate": found.value,
        "t": found.statistic,
        "df": found.df,
        "p_t": found.p_value,
        "p_ppcor_uses_normal": p_of(found.statistic),
        "fisher_z_low": np.arctanh(found.ci_low),  # the case has the limits of a partial on Fisher's scale
        "fisher_z_high": np.arctanh(found.ci_high),
        "n": found.n,
        "gp": n_controls,
    }


def _effects(fit: MixedFit, names: list[str]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "estimate": fit.coefficients[at],
            "se": fit.se[at],
            "satterthwaite_df": fit.df[at],
            "t": fit.coefficients[at] / fit.se[at],
            "p": fit.p_values[at],
        }
        for at, name in enumerate(names)
    }

"""Adapters of the kinds about drivers: ordered and top-box models, missing answers, gaps, penalty and reward, Kano."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.design import prepare
from cxinsights.analysis.dominance import conditional
from cxinsights.analysis.gaps import fit_gaps
from cxinsights.analysis.importance import johnson, shapley, worth_of_sets
from cxinsights.analysis.importance_likelihood import mcfadden_shapley
from cxinsights.analysis.kano import kano as fit_kano
from cxinsights.analysis.missing import Patterns
from cxinsights.analysis.ordered import OrderedData, OrderedFit
from cxinsights.analysis.penalty_reward import penalty_reward
from cxinsights.analysis.priority import quarters
from cxinsights.analysis.regression import fit_linear
from cxinsights.analysis.resampling import Moments, moments
from cxinsights.params import DriversParams

Case = dict[str, Any]


def ordinal(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    outcome, order = _levels(params["outcome"])
    frame = frame.dropna(subset=[outcome, *params["predictors"]])
    names, columns = _dummies(frame, params)
    answers = frame[outcome].map({level: at for at, level in enumerate(order)}) if order else frame[outcome]
    levels = order or np.sort(frame[outcome].unique()).tolist()

    def fitted(weights: np.ndarray | None) -> dict[str, Any]:
        fit = OrderedData(columns, answers.to_numpy(float), weights).fit()
        labels = [*(_between(a, b) for a, b in pairwise(levels)), *names]
        values, p = np.concatenate([fit.thresholds, fit.coefficients]), fit.p_values
        return {
            "n": len(frame),
            "levels": levels,
            "estimates": {
                label: {"estimate": values[i], "se": fit.se[i], "z": values[i] / fit.se[i], "p": p[i]}
                for i, label in enumerate(labels)
            },
            "log_likelihood": fit.log_likelihood,
            "null_log_likelihood": fit.null_log_likelihood,
            "AIC": 2 * len(labels) - 2 * fit.log_likelihood,
            "mcfadden": fit.mcfadden,
        }

    if "unweighted" not in expected:  # counted in a column of frequencies
        return fitted(frame[params["frequency_weight"]].to_numpy(float) if "frequency_weight" in params else None)
    got = {"unweighted": fitted(None)}
    if params["weight"]:
        got["frequency_weighted"] = fitted(frame[params["weight"]].to_numpy(float))
    return got


def topbox_logit(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params = case["params"]
    names = params["predictors"]
    weight = [params["weight"]] if "weight" in params.get("rows", "") else []
    frame = frame.dropna(subset=[params["outcome"], *names, *weight])
    columns = frame[names].to_numpy(float)
    top = (frame[params["outcome"]] >= params["top_box_from"]).to_numpy(float)
    data = OrderedData(columns, top)
    fit: OrderedFit = data.fit()
    one_draw = np.ones((1, len(top)))
    parts = mcfadden_shapley(data, [1] * len(names), one_draw, 10, np.random.default_rng(1)).parts
    labels, n = ["(Intercept)", *names], len(top)
    values, se = np.concatenate([-fit.thresholds, fit.coefficients]), fit.se
    ratio = -2 * (fit.null_log_likelihood - fit.log_likelihood)
    cox_snell = 1 - np.exp(-ratio / n)
    return {
        "n": n,
        "events": int(top.sum()),
        "coefficients": {
            label: {"estimate": values[i], "se": se[i], "t": values[i] / se[i], "p": fit.p_values[i]}
            for i, label in enumerate(labels)
        },
        "log_likelihood": fit.log_likelihood,
        "null_log_likelihood": fit.null_log_likelihood,
        "AIC": 2 * len(labels) - 2 * fit.log_likelihood,
        "mcfadden": fit.mcfadden,
        "cox_snell": cox_snell,
        "nagelkerke": cox_snell / (1 - np.exp(2 * fit.null_log_likelihood / n)),
        "mcfadden_general_dominance": dict(zip(names, parts, strict=True)),
        "odds_ratio_wald_ci": {
            label: dict(zip(("or", "low", "high"), np.exp(values[i] + ndtri([0.5, 0.025, 0.975]) * se[i]), strict=True))
            for i, label in enumerate(labels)
        },
    }


def missing(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params = case["params"]
    names, outcome = params["predictors"], params["outcome"]
    columns = frame[[*names, outcome]].to_numpy(float)
    complete = columns[~np.isnan(columns).any(axis=1)]
    fit = fit_linear(complete[:, :-1], complete[:, -1])
    where = {"study": "s", "period": "p", "region": "_all", "unit": "_all"}
    asked = DriversParams(**where, outcome=outcome, drivers=names, missing="pairwise")
    design = prepare(frame[[*names, outcome]], frame[outcome].to_numpy(float), asked)
    pairs = design.moments(design.columns[None])
    likely = Patterns(columns)
    found = likely.moments()
    return {
        "n_total": len(frame),
        "n_complete": len(complete),
        "listwise": {
            "coefficients": {
                name: {"estimate": fit.coefficients[i]} for i, name in enumerate(["(Intercept)", *names])
            },
            "importance": _importance(names, moments(complete)),
        },
        "pairwise_correlations": {
            "eigen_min": float(np.linalg.eigvalsh(pairs.correlations).min()),
            "R2": float(shapley(pairs.correlations, [1] * len(names)).sum()),
            "importance": _importance(names, pairs),
        },
        "fiml_em": {
            "coefficients": {name: {"estimate": b} for name, b in zip(names, found.coefficients(), strict=True)},
            "r2": float(shapley(found.correlations, [1] * len(names)).sum()),
            "importance": _importance(names, found),
        },
    }  # fmt: skip


def gap_ipa(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    pairs = {name: (params["expectation"][name], params["perception"][name]) for name in params["expectation"]}
    found = fit_gaps(frame, pairs)
    holm = adjust(found.assign(family=1), ["family"], "holm")
    columns = list(params["perception"].values())
    complete = frame.dropna(subset=[*columns, params["outcome"]])
    fit = fit_linear(complete[columns].to_numpy(float), complete[params["outcome"]].to_numpy(float))
    means = frame[columns].mean().to_numpy()
    words = {"work_on_first": "concentrate here", "keep_strong": "keep up", "watch": "low priority",
             "hold": "possible overkill"}  # fmt: skip
    quarter = quarters(fit.standardised, means, fit.standardised.mean(), means.mean())
    assert expected["ipa"].get("cut_rule", "grand mean of each axis") == "grand mean of each axis"
    return {
        "gaps": {
            one.touchpoint: {
                "mean_expectation": one.standard,
                "mean_perception": one.experience,
                "gap_P_minus_E": one.gap,
                "sd_diff": one.se * np.sqrt(one.n),
                "t": one.gap / one.se,
                "df": one.df,
                "p": one.p_value,
                "low": one.gap_low,
                "high": one.gap_high,
                "cohens_dz": one.effect_size,
            }
            for one in found.itertuples()
        },
        "p_holm": dict(zip(holm["touchpoint"], holm["p_adjusted"], strict=True)),
        "overall_unweighted_gap": found["gap"].mean(),
        "ipa": {
            "performance_mean": dict(zip(columns, means, strict=True)),
            "derived_importance_std_beta": dict(zip(columns, fit.standardised, strict=True)),
            "quadrant": {name: words[own] for name, own in zip(columns, quarter, strict=True)},
        },
    }


def prca(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params = case["params"]
    found = penalty_reward(frame, params["outcome"], params["attributes"], params["low"], params["high"], min_side=1)
    return {
        "n": int(found["n"].iloc[0]),
        "r_squared": found["r_squared"].iloc[0],
        "intercept": found["intercept"].iloc[0],
        "attributes": {
            one.driver: {
                "penalty": one.penalty,
                "penalty_se_HC3": one.penalty_se,
                "reward": one.reward,
                "reward_se_HC3": one.reward_se,
                "range_of_impact": one.range_of_impact,
                "impact_asymmetry": one.impact_asymmetry,
                "n_low": one.n_low,
                "n_high": one.n_high,
            }
            for one in found.itertuples()
        },
    }


def kano(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    features = {name: (f"{name}_func", f"{name}_dys") for name in case["expected"]}
    found = fit_kano(frame, features)
    return {
        one["feature"]: {
            "counts": {name: one[f"n_{name}"] for name in "MOAIRQ"},
            "mode": one["kano_class"],
            **{name: one[name] for name in ("better", "worse", "category_strength", "total_strength")},
        }
        for _, one in found.iterrows()
    }


ADAPTERS: dict[str, Callable[[Case, pd.DataFrame], dict[str, Any]]] = {
    "ordinal": ordinal,
    "topbox_logit": topbox_logit,
    "missing": missing,
    "gap_ipa": gap_ipa,
    "prca": prca,
    "kano": kano,
}

_SHARES = ["R2", "lmg", "first", "last", "johnson"]
MUST: dict[str, list[str]] = {
    "ordinal": [f"{part}{key}" for part in ("unweighted.", "frequency_weighted.", "")
                for key in ("estimates.*.estimate", "estimates.*.se", "log_likelihood")],
    "topbox_logit": ["n", "events", "coefficients.*.estimate", "coefficients.*.se", "log_likelihood", "mcfadden",
                     "mcfadden_general_dominance", "odds_ratio_wald_ci"],
    "missing": ["n_complete", *(f"{rule}.importance.{key}" for rule in ("listwise", "pairwise_correlations", "fiml_em")
                                for key in _SHARES)],
    "gap_ipa": [*(f"gaps.*.{key}" for key in ("mean_expectation", "mean_perception", "gap_P_minus_E", "t", "df", "p",
                                              "low", "high")), "ipa.quadrant", "p_holm"],
    "prca": ["n", "r_squared", "intercept", *(f"attributes.*.{key}" for key in (
        "penalty", "penalty_se_HC3", "reward", "reward_se_HC3", "range_of_impact", "impact_asymmetry", "n_low",
        "n_high"))],
    "kano": ["*.counts", "*.mode", "*.better", "*.worse", "*.category_strength", "*.total_strength"],
}  # fmt: skip


def _levels(outcome: str) -> tuple[str, list[str]]:
    """Column and levels of an outcome given as `Sat (Low<Medium<High)`; no levels where it is a number."""
    found = re.fullmatch(r"(\S+) \((.+)\)", outcome)
    return (found[1], found[2].split("<")) if found else (outcome, [])


def _between(a: str | float, b: str | float) -> str:
    return f"{a}|{b}" if isinstance(a, str) else f"{a:g}|{b:g}"


def _dummies(frame: pd.DataFrame, params: dict[str, Any]) -> tuple[list[str], np.ndarray]:
    """Numbers as they are; of words, an indicator for each but the reference."""
    names, columns = [], []
    for name in params["predictors"]:
        if pd.api.types.is_numeric_dtype(frame[name]):
            names.append(name)
            columns.append(frame[name].to_numpy(float))
            continue
        for level in frame[name].unique():
            if level != params["reference_levels"][name]:
                names.append(f"{name}{level}")
                columns.append((frame[name] == level).to_numpy(float))
    return names, np.column_stack(columns)


def _importance(names: list[str], found: Moments) -> dict[str, Any]:
    blocks = [1] * len(names)
    parts, second = shapley(found.correlations, blocks), johnson(found.correlations, blocks)
    gains = conditional(worth_of_sets(found.correlations, blocks), len(blocks))[..., 0]
    figures = {"lmg": parts, "first": gains[:, 0], "last": gains[:, -1], "johnson": second}
    named = {key: dict(zip(names, values, strict=True)) for key, values in figures.items()}
    return {"R2": float(parts.sum()), **named}

"""One adapter per kind of reference case: what our functions give, under the names the case expects.

An adapter reads a case's params, never its name or its numbers. `MUST` lists what has to agree; whatever else an
adapter gives is held to the case as well.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import compare
from cxinsights.analysis.dominance import complete_shares, conditional
from cxinsights.analysis.importance import johnson, shapley, worth_of_sets
from cxinsights.analysis.intervals import adjusted_wald, newcombe, wald, wilson
from cxinsights.analysis.regression import fit_linear
from cxinsights.analysis.resampling import bootstrap_moments, moments
from cxinsights.analysis.scores import METRICS, Sample, estimate, sample_of
from cxinsights.analysis.weighting import kish_deff, kish_n, rake
from cxinsights.params import Scale, ScoreRules
from tests.reference import drivers, journeys, linkage, segments, trends

Case = dict[str, Any]
DRAWS = 4000


def nps(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    answers = frame[params.get("nps_column", "recommend")]
    conf = params.get("conf", 0.95)
    if "overall" not in expected:  # edge cases: one small set of answers under each name
        return {name: _nps_of(answers[frame["set"] == name], conf) for name in expected}
    got = {"overall": _nps_of(answers, conf)}
    groups = frame[params["group_column"]]
    got["by_group"] = {str(g): _nps_of(answers[groups == g], conf) for g in groups.dropna().unique()}
    if "two_sample" in expected:
        a, b = (_nps_sample(answers[groups == g]) for g in params["compare"])
        found = compare(a, b, "nps", conf, min_base=1)
        got["two_sample"] = {
            "difference_x_minus_y": found.value / 100,
            "se": found.se / 100,
            "z": found.statistic,
            "p_value": found.p_value,
            "ci_low": found.ci_low / 100,
            "ci_high": found.ci_high / 100,
        }
    return got


def csat(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    conf = params.get("conf", 0.95)
    groups = frame[params["group_column"]]
    got = {"overall": _share_of(_top_box(frame, params), conf)}
    got["by_group"] = {str(g): _share_of(_top_box(frame[groups == g], params), conf) for g in groups.dropna().unique()}
    if "two_sample" in expected:
        a, b = (_top_box(frame[groups == g], params) for g in params["compare"])
        found = compare(a, b, "share", conf, min_base=1)
        low, high = newcombe(a.mean, a.n, b.mean, b.n, conf)
        got["two_sample"] = {
            "difference": found.value,
            "newcombe_low": low,
            "newcombe_high": high,
            "z_pooled": found.statistic,
            "p_value": found.p_value,
            "cohens_h": found.effect_size,
        }
    if "edge_cases" in expected:
        got["edge_cases"] = {
            name: {
                "k": edge["k"],
                "n": edge["n"],
                "p": edge["k"] / edge["n"],
                "wilson": _limits(wilson(edge["k"] / edge["n"], edge["n"], conf)),
            }
            for name, edge in expected["edge_cases"].items()
        }
    return got


def ces(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    conf = params.get("conf", 0.95)
    answers, groups = frame[params["ces_column"]], frame[params["group_column"]]
    got = {"overall": _mean_of(answers, conf)}
    got["by_group"] = {str(g): _mean_of(answers[groups == g], conf) for g in groups.dropna().unique()}
    if "two_sample" in expected:
        a, b = (sample_of(answers[groups == g].to_numpy(float)) for g in params["compare"])
        found = compare(a, b, "mean", conf, min_base=1)
        got["two_sample"] = {
            "difference": found.value,
            "welch": {
                "t": found.statistic,
                "df": found.df,
                "p": found.p_value,
                "low": found.ci_low,
                "high": found.ci_high,
            },
            "cohens_d": found.effect_size,
        }
    return got


def weighted(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    return _weighted_regression(case, frame) if "wls" in case["expected"] else _weighted_scores(case, frame)


def raking(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    weights = rake(frame, case["params"]["targets"])
    answers = _nps_sample(frame[case["params"].get("nps_column", "recommend")])
    known = frame[case["params"].get("nps_column", "recommend")].notna()
    return {
        "first_20_weights": weights.head(20).tolist(),
        "kish_deff": kish_deff(weights.to_numpy()),
        "min_weight": weights.min(),
        "max_weight": weights.max(),
        "sum": weights.sum(),
        "weighted_nps": Sample(answers.values, weights[known].to_numpy()).mean / 100,
    }


def ols(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    names, x, y, _ = _complete(case, frame, with_weight=False)
    fit = fit_linear(x, y)
    return {"n": fit.n, **_coefficients(fit, names)}


def importance(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    names, x, y, _ = _complete(case, frame, with_weight="weight" in case["params"].get("rows", ""))
    columns = np.column_stack([x, y])
    got = _importance(names, columns, None)
    if "bootstrap_lmg_perc_ci" in case["expected"]:
        draws = bootstrap_moments(columns, None, None, DRAWS, np.random.default_rng(1)).correlations
        blocks = [1] * len(names)
        got["bootstrap_lmg_perc_ci"] = _percentiles(names, shapley(draws, blocks))
        got["bootstrap_johnson_perc_ci"] = _percentiles(names, johnson(draws, blocks))
    return got


ADAPTERS: dict[str, Callable[[Case, pd.DataFrame], dict[str, Any]]] = {
    "nps": nps,
    "csat": csat,
    "ces": ces,
    "weighted": weighted,
    "raking": raking,
    "ols": ols,
    "importance": importance,
    **journeys.ADAPTERS,
    **segments.ADAPTERS,
    **linkage.ADAPTERS,
    **drivers.ADAPTERS,
    **trends.ADAPTERS,
}

_NPS = ["n", "n_missing", "promoters", "passives", "detractors", "nps", "se_denominator_n", "adjusted_wald_3T"]
_LMG = ["R2", "lmg", "lmg_share", "first", "last", "johnson_raw", "johnson_rescaled_pct"]
MUST: dict[str, list[str]] = {
    "nps": [f"{part}.{key}" for part in ("overall", "by_group.*", "?") for key in _NPS]
    + [f"two_sample.{key}" for key in ("difference_x_minus_y", "se", "z", "p_value")],
    "csat": [f"{part}.{key}" for part in ("overall", "by_group.*", "edge_cases.*") for key in ("k", "n", "p", "wilson")]
    + [f"two_sample.{key}" for key in ("difference", "newcombe_low", "newcombe_high", "z_pooled", "p_value")],
    "ces": [
        f"{part}.{key}"
        for part in ("overall", "by_group.*")
        for key in ("n", "n_missing", "mean", "sd", "se", "t_low", "t_high")
    ]
    + ["two_sample.difference", "two_sample.welch.df", "two_sample.welch.p", "two_sample.cohens_d"],
    "weighted": [
        f"{part}.{key}"
        for part in ("nps", "top_box")
        for key in ("estimate", "se_linearised", "ci_t_low", "ci_t_high", "kish_deff", "kish_n_eff", "by_group")
    ]
    + ["wls.coefficients", "wls.se_HC.HC3", "wls.HC3_p", "wls.HC3_ci", "importance.lmg", "importance.johnson_raw"]
    + ["design_based.coefficients"],
    "raking": ["first_20_weights", "kish_deff", "sum", "weighted_nps"],
    "ols": ["n", "coefficients", "r_squared", "se_HC.HC3", "HC3_p", "HC3_ci", "standardised_beta", "vif"],
    "importance": [*_LMG, "complete_dominance_matrix", "bootstrap_lmg_perc_ci"],
    **journeys.MUST,
    **segments.MUST,
    **linkage.MUST,
    **drivers.MUST,
    **trends.MUST,
}
"""What has to agree, by kind: paths into `expected`; * is any name, ? any name at the top of an edge case."""

ONLY: dict[str, set[str]] = {
    # of a fitted line's coefficients, the classical errors beside HC3 are not ours to give
    "coefficients": {"estimate"},
}


def read_frame(case: Case, folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / case["input_csv"])


def _nps_sample(answers: pd.Series) -> Sample:
    return sample_of(METRICS["nps"].coded(answers, ScoreRules()))


def _nps_of(answers: pd.Series, conf: float) -> dict[str, Any]:
    sample = _nps_sample(answers)
    found = estimate(sample, "nps", conf)
    plain = estimate(sample, "nps", conf, nps_interval="wald")
    counts = [int((sample.values == value).sum()) for value in (100, 0, -100)]
    adjusted = adjusted_wald(*counts, confidence=conf)
    assert (adjusted.low, adjusted.high) == (found.ci_low, found.ci_high)  # what pages show
    assert (plain.ci_low, plain.ci_high) == wald(found.score, found.se, conf)
    return {
        "n": found.n,
        "n_missing": found.n_missing,
        "promoters": counts[0],
        "passives": counts[1],
        "detractors": counts[2],
        "nps": found.score / 100,
        "nps_x100": found.score,
        "se_denominator_n": found.se / 100,
        "wald_z_low": plain.ci_low / 100,
        "wald_z_high": plain.ci_high / 100,
        "adjusted_wald_3T": {
            "nps_adj": adjusted.score / 100,
            "se": adjusted.se / 100,
            "ci_low": adjusted.low / 100,
            "ci_high": adjusted.high / 100,
        },
    }


def _top_box(frame: pd.DataFrame, params: dict, weights: np.ndarray | None = None) -> Sample:
    answers = frame[params["csat_column"]]
    top = params["csat_top_box_from"]
    rules = ScoreRules(csat=Scale(min=min(answers.min(), top - 1), max=max(answers.max(), top), top_box_from=top))
    return sample_of(METRICS["csat"].coded(answers, rules), weights)


def _share_of(sample: Sample, conf: float) -> dict[str, Any]:
    found = estimate(sample, "share", conf)
    limits = {"low": found.ci_low, "high": found.ci_high}
    return {"k": int(sample.values.sum()), "n": found.n, "p": found.score, "wilson": limits}


def _mean_of(answers: pd.Series, conf: float) -> dict[str, Any]:
    found = estimate(sample_of(answers.to_numpy(float)), "mean", conf)
    return {
        "n": found.n,
        "n_missing": found.n_missing,
        "mean": found.score,
        "sd": found.se * np.sqrt(found.n),
        "se": found.se,
        "t_low": found.ci_low,
        "t_high": found.ci_high,
    }


def _weighted_scores(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params = case["params"]
    conf = params.get("conf", 0.95)
    weights = frame[params["weight_column"]].to_numpy(float)
    groups = frame[params["group_column"]]
    coded = METRICS["nps"].coded(frame[params["nps_column"]], ScoreRules())
    top = _top_box(frame, params)
    known = frame[params["csat_column"]].notna().to_numpy()
    shares = np.full(len(frame), np.nan)
    shares[known] = top.values
    got = {}
    for name, values, kind, scale in (("nps", coded, "nps", 100), ("top_box", shares, "share", 1)):
        sample = sample_of(values, weights)
        found = estimate(sample, kind, conf)
        got[name] = {
            "n": found.n,
            "estimate": found.score / scale,
            "se_linearised": found.se / scale,
            "ci_t_low": found.ci_low / scale,
            "ci_t_high": found.ci_high / scale,
            "kish_deff": kish_deff(sample.weights),
            "kish_n_eff": kish_n(sample.weights),
            "by_group": {},
        }
        for group in groups.dropna().unique():
            here = (groups == group).to_numpy()
            part = estimate(sample_of(values[here], weights[here]), kind, conf, design_n=found.n)
            got[name]["by_group"][str(group)] = {"estimate": part.score / scale, "se": part.se / scale}
    return got


def _weighted_regression(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    names, x, y, weights = _complete(case, frame, with_weight=True)
    fit = fit_linear(x, y, weights)
    design = fit_linear(x, y, weights, errors="design")
    labels = ["(Intercept)", *names]
    return {
        "wls": {"n": fit.n, **_coefficients(fit, names)},
        "importance": _importance(names, np.column_stack([x, y]), weights),
        "design_based": {
            "coefficients": {
                name: {"estimate": design.coefficients[i], "se": design.se[i], "p": design.p_values[i]}
                for i, name in enumerate(labels)
            }
        },
    }


def _complete(case: Case, frame: pd.DataFrame, with_weight: bool) -> tuple[list[str], np.ndarray, np.ndarray, Any]:
    params = case["params"]
    names, outcome, weight = params["predictors"], params["outcome"], params.get("weight")
    used = [*names, outcome, *([weight] if with_weight and weight else [])]
    rows = frame.dropna(subset=used)
    weights = rows[weight].to_numpy(float) if with_weight and weight else None
    return names, rows[names].to_numpy(float), rows[outcome].to_numpy(float), weights


def _coefficients(fit: Any, names: list[str]) -> dict[str, Any]:
    labels = ["(Intercept)", *names]
    return {
        "coefficients": {name: {"estimate": fit.coefficients[i]} for i, name in enumerate(labels)},
        "r_squared": fit.r_squared,
        "se_HC": {"HC3": dict(zip(labels, fit.se, strict=True))},
        "HC3_p": dict(zip(labels, fit.p_values, strict=True)),
        "HC3_ci": {name: {"low": fit.ci_low[i], "high": fit.ci_high[i]} for i, name in enumerate(labels)},
        "standardised_beta": dict(zip(names, fit.standardised, strict=True)),
        "vif": dict(zip(names, fit.vif, strict=True)),
    }


def _importance(names: list[str], columns: np.ndarray, weights: np.ndarray | None) -> dict[str, Any]:
    found = moments(columns, weights).correlations
    blocks = [1] * len(names)
    parts, second = shapley(found, blocks), johnson(found, blocks)
    worth = worth_of_sets(found, blocks)[:, 0]
    gains, dominance = conditional(worth, len(blocks)), complete_shares(worth, len(blocks))

    def named(values: np.ndarray) -> dict[str, float]:
        return dict(zip(names, values, strict=True))

    return {
        "R2": parts.sum(),
        "lmg": named(parts),
        "lmg_share": named(parts / parts.sum()),
        "first": named(gains[:, 0]),
        "last": named(gains[:, -1]),
        "johnson_raw": named(second),
        "johnson_rescaled_pct": named(100 * second / second.sum()),
        "complete_dominance_matrix": {
            a: {b: "undetermined" if i == j else dominance[i, j] for j, b in enumerate(names)}
            for i, a in enumerate(names)
        },
    }


def _percentiles(names: list[str], draws: np.ndarray) -> dict[str, dict[str, float]]:
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return {name: {"low": low[i], "high": high[i]} for i, name in enumerate(names)}


def _limits(limits: tuple[float, float]) -> dict[str, float]:
    return {"low": limits[0], "high": limits[1]}

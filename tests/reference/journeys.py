"""Adapters of the kinds about funnel, attribution, retention."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.attribution import Moves, heuristic_credit, markov_credit
from cxinsights.analysis.comparisons import compare
from cxinsights.analysis.funnel import fit_funnel
from cxinsights.analysis.intervals import wald
from cxinsights.analysis.scores import Sample
from cxinsights.analysis.survival import Survival, cox, fit_survival, log_rank
from cxinsights.params import FunnelParams, Span

Case = dict[str, Any]
HOUR = pd.Timedelta(hours=1)


def funnel(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    steps = params["steps"]
    end = pd.Timestamp(params["observation_end"])
    names = {params.get("customer_column", "customer"): "customer_id", params.get("step_column", "step"): "stage",
             params.get("time_column", "time"): "occurred_at"}  # fmt: skip
    events = frame.rename(columns=names).assign(
        occurred_at=lambda f: pd.to_datetime(f["occurred_at"]), customer_id=lambda f: f["customer_id"].astype(str)
    )
    events = events.sort_values(["customer_id", "occurred_at"], kind="stable", ignore_index=True)
    segment = params.get("segment_column", "segment")
    asked = FunnelParams(study="r", period="r", region="_all", unit="_all", steps=steps, window="none",
                         breakdowns=[segment] if segment in events else [])  # fmt: skip
    last = (end - pd.Timedelta(1, "us")).date()  # the clock stops at midnight after it
    span = Span(start=events["occurred_at"].min().date(), end=last, cutoff=last)
    result = fit_funnel(events, asked, span=span)
    journeys, rates = result.journeys, result.steps.set_index("step")
    hours = journeys["waited_days"].to_numpy() * 24
    curve = fit_survival(hours, journeys["cause"].to_numpy())
    medians = result.times.loc[result.times["quantile"] == 50, "days"]
    counts = rates["n_reached"].to_dict()
    got = {
        "counts": counts,
        "step_conversion": {
            f"{a}>{b}": _rate(rates.loc[b], "n_previous", "of_previous", "previous") for a, b in pairwise(steps)
        },
        "cumulative_conversion": {b: _rate(rates.loc[b], "n", "of_entrants", "entrants") for b in steps[1:]},
        "converters_only_median_hours": medians.iloc[-1] * 24,
        "km": {
            "n": curve.n,
            "events": int(curve.events.sum()),
            "median": curve.quantile()[0],
            "at_hours": _at_hours(curve, list(expected["km"]["at_hours"])),
        },
    }
    if "segments_compared" in expected:
        groups = [journeys[journeys[segment] == name] for name in expected["segments_compared"]]
        got["segment_counts"] = {
            name: {step: int((group["n_reached"] > at).sum()) for at, step in enumerate(steps)}
            for name, group in zip(expected["segments_compared"], groups, strict=True)
        }
        got["segment_step_test"] = {f"{a}>{b}": _step_test(groups, at) for at, (a, b) in enumerate(pairwise(steps), 1)}
    if "log_rank" in expected:
        kept = journeys[journeys[segment].notna()]
        test = log_rank(kept["waited_days"].to_numpy(), kept["cause"].to_numpy() == 1, kept[segment].to_numpy())
        got["log_rank"] = {"chisq": test.chi2, "df": test.df, "p": test.p_value}
    return got


def attribution(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    separator = case["params"].get("sep", ">")
    paths = [[name.strip() for name in path.split(separator)] for path in frame["path"]]
    won, lost = frame["conv"].to_numpy(float), frame["null_conv"].to_numpy(float)
    values = frame["value"].to_numpy(float) if "value" in frame else np.zeros(len(frame))
    heuristic = heuristic_credit(paths, won, values).set_index("touchpoint")
    chain = Moves.of(paths, won, lost).chain()
    markov = markov_credit(chain, won.sum()).set_index("touchpoint")
    states = ["(start)", *chain.touchpoints, "(conversion)", "(null)"]
    return {
        "heuristic": {
            name: {
                f"{rule}_touch_{what}": row[f"{column}{suffix}"]
                for rule, column in (("first", "first_touch"), ("last", "last_touch"), ("linear", "linear"))
                for what, suffix in (("conversions", ""), ("value", "_value"))
            }
            for name, row in heuristic.iterrows()
        },
        "markov_order1_analytic": {
            "conversion_probability": chain.conversion_probability,
            "transition_matrix": {
                a: dict(zip(states, row, strict=True)) for a, row in zip(states, chain.transitions, strict=True)
            },
            "removal_effect": markov["removal_effect"].to_dict(),
            "attributed_conversions": markov["conversions"].to_dict(),
        },
    }


def retention(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params, expected = case["params"], case["expected"]
    durations, churned = frame[params["time"]].to_numpy(float), frame[params["event"]].to_numpy(int)
    curve = fit_survival(durations, churned)
    got = {"n": curve.n, "events": int(curve.events.sum()), "median": curve.quantile()[0]}
    if "restricted_mean" in expected:
        until = expected["restricted_mean"]["tau"]
        value, se = curve.restricted_mean(until)
        got["restricted_mean"] = {"tau": until, "value": value, "se": se}
    moments = list(expected["at"])
    at = curve.at([float(moment) for moment in moments])
    got["at"] = {
        moment: {
            "survival": 1 - one.happened,
            "greenwood_se": one.se,
            "low": 1 - one.ci_high,
            "high": 1 - one.ci_low,
            "at_risk": one.at_risk,
        }
        for moment, one in zip(moments, at.itertuples(), strict=True)
    }
    if "log_rank" in expected:
        test = log_rank(durations, churned == 1, frame[params["group"]].to_numpy())
        got["log_rank"] = {"chisq": test.chi2, "df": test.df, "p": test.p_value}
    if "cox_efron" in expected:
        fit = cox(durations, churned == 1, frame[params["covariates"]]).set_index("covariate")
        got["cox_efron"] = {
            name: {"coef": row.coefficient, "hr": row.hazard_ratio, "se": row.se, "z": row.z, "p": row.p_value}
            for name, row in fit.iterrows()
        }
    return got


ADAPTERS: dict[str, Callable[[Case, pd.DataFrame], dict[str, Any]]] = {
    "funnel": funnel,
    "attribution": attribution,
    "retention": retention,
}
MUST: dict[str, list[str]] = {
    "funnel": [
        *("counts", "step_conversion", "cumulative_conversion", "segment_counts", "segment_step_test"),
        *("km.median", "km.at_hours", "log_rank"),
    ],
    "attribution": [
        "heuristic",
        *(f"markov_order1_analytic.{key}" for key in ("conversion_probability", "removal_effect")),
        "markov_order1_analytic.attributed_conversions",
    ],
    "retention": ["n", "events", "median", "restricted_mean", "at", "log_rank", "cox_efron"],
}
"""What has to agree, by kind: paths into `expected`."""


def _rate(row: pd.Series, base: str, rate: str, limits: str) -> dict[str, float]:
    low, high = row[f"{limits}_low"], row[f"{limits}_high"]
    return {"k": row["n_reached"], "n": row[base], "p": row[rate], "low": low, "high": high}


def _step_test(groups: Sequence[pd.DataFrame], at: int) -> dict[str, float]:
    a, b = (Sample((group.loc[group["n_reached"] >= at, "n_reached"] > at).to_numpy(float)) for group in groups)
    found = compare(a, b, "share", min_base=1)
    low, high = wald(found.value, found.se)
    return {"difference": found.value, "chi2": found.statistic**2, "z": found.statistic, "p": found.p_value,
            "wald_low": low, "wald_high": high}  # fmt: skip


def _at_hours(curve: Survival, hours: Sequence[str]) -> dict[str, dict[str, float]]:
    moments = [float(hour) for hour in hours]
    log_log, log = curve.at(moments), curve.at(moments, form="log")
    return {
        hour: {
            "converted": one.happened,
            "se": one.se,
            "survival": 1 - one.happened,
            "log_low": 1 - other.ci_high,
            "log_high": 1 - other.ci_low,
            "loglog_low": 1 - one.ci_high,
            "loglog_high": 1 - one.ci_low,
        }
        for hour, one, other in zip(hours, log_log.itertuples(), log.itertuples(), strict=True)
    }

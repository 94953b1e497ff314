"""Adapters of the kinds about how a score runs over periods."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.scores import METRICS, estimate, sample_of
from cxinsights.analysis.trends import Chart, drift, individuals_chart, mann_kendall, p_chart, runs_of
from cxinsights.params import ScoreRules

Case = dict[str, Any]


def trend(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params = case["params"]
    values = frame[params["value"]].to_numpy(float)
    chart, steady, test = individuals_chart(values), drift(values), mann_kendall(values)
    got: dict[str, Any] = {
        "individuals_chart": {
            "center": chart.center,
            "sd_MR_over_1.128": chart.sd,
            "mean_moving_range": float(np.abs(np.diff(values)).mean()),
            "lcl": chart.low[0],
            "ucl": chart.high[0],
            "beyond_limits": _beyond(values, chart),
            "violating_runs": [int(place) + 1 for side in runs_of(values, chart.center) for place in side],
        },
        "mann_kendall": {
            "S": test.s, "varS": test.variance, "tau": test.tau, "z": test.z, "p": test.p_value,
        },
        "sens_slope": {"slope": steady.slope, "low": steady.ci_low, "high": steady.ci_high},
    }  # fmt: skip
    if params.get("count"):
        counts, sizes = (frame[params[name]].to_numpy(float) for name in ("count", "size"))
        shares = p_chart(counts, sizes)
        got["p_chart"] = {
            "center": shares.center,
            "lcl": shares.low.tolist(),
            "ucl": shares.high.tolist(),
            "beyond_limits": _beyond(counts / sizes, shares),
        }
    return got


def wave_nps(case: Case, frame: pd.DataFrame) -> dict[str, Any]:
    params = case["params"] or {}
    wave, score = frame[params.get("wave", "wave")], frame[params.get("value", "score")]
    waves = list(dict.fromkeys(wave))
    samples = {one: sample_of(METRICS["nps"].coded(score[wave == one], ScoreRules())) for one in waves}
    found = {str(b): compare(samples[b], samples[a], "nps", min_base=1) for a, b in pairwise(waves)}
    tests = pd.DataFrame({"p_value": [one.p_value for one in found.values()], "family": "waves"}, index=list(found))
    got = {
        "nps": {str(one): estimate(sample, "nps").score / 100 for one, sample in samples.items()},
        "n": {str(one): sample.n for one, sample in samples.items()},
        "change": {one: test.value / 100 for one, test in found.items()},
        "p_BH": adjust(tests, ["family"])["p_adjusted"].to_dict(),
        "p_holm": adjust(tests, ["family"], "holm")["p_adjusted"].to_dict(),
    }
    for key, name in (("se", "se"), ("p", "p_value"), ("low", "ci_low"), ("high", "ci_high")):
        scale = 1 if name == "p_value" else 100
        got[key] = {one: getattr(test, name) / scale for one, test in found.items()}
    return got


def _beyond(values: np.ndarray, chart: Chart) -> list[int] | int:
    """Row numbers from 1; a single one stands alone, as R writes it."""
    places = [int(place) + 1 for place in np.flatnonzero((values < chart.low) | (values > chart.high))]
    return places[0] if len(places) == 1 else places


ADAPTERS: dict[str, Callable[[Case, pd.DataFrame], dict[str, Any]]] = {"trend": trend, "wave_nps": wave_nps}
_LIMITS = ["center", "lcl", "ucl"]
MUST: dict[str, list[str]] = {
    "trend": [f"individuals_chart.{key}" for key in (*_LIMITS, "sd_MR_over_1.128", "mean_moving_range")]
    + [f"mann_kendall.{key}" for key in ("S", "varS", "tau", "z", "p")]
    + [f"p_chart.{key}" for key in _LIMITS]
    + ["sens_slope.slope", "sens_slope.low", "sens_slope.high"],
    "wave_nps": ["nps", "n", "change", "se", "p", "p_BH", "p_holm", "low", "high"],
}

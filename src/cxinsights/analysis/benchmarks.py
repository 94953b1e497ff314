"""What others give: a score's gap to the benchmarks of its place.

A benchmark is that of the nearest place that has any (the unit's own, its region's, the company's), of the period or
the latest before it. Its own sampling error can be had where it is a share and says how many answers it rests on; an
NPS or a mean would need the spread of its answers, which nobody publishes: those are taken as exact, and so it is said.
"""

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE
from cxinsights.analysis.intervals import CONFIDENCE, wilson
from cxinsights.analysis.scores import METRICS
from cxinsights.params import ALL

__all__ = ["BENCHMARKS", "gaps_to_benchmarks"]

BENCHMARKS = [
    *NODE, "survey", "metric", "period", "benchmark_period", "source", "date", "base", "n_base", "benchmark",
    "allows_for", "n", "score", "ci_low", "ci_high", "gap", "gap_low", "gap_high",
]  # fmt: skip


def gaps_to_benchmarks(scores: pd.DataFrame, benchmarks: pd.DataFrame, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Gap of each score to every benchmark of its place.

    Parameters
    ----------
    scores
        Scores of regions, units or the company in one period, from the baseline, one row per place and measure.
    benchmarks
        The study's `benchmarks` of the period and before, the earliest first; with `n_base` where it is known.

    Returns
    -------
    DataFrame
        One row per score and source, the leading one (of the latest period and date) first. `gap` is score −
        benchmark. Its limits are those of the score, less the benchmark; where the benchmark's error is known, those
        of a difference of two independent figures by their own limits (Newcombe 1998, method 10).
    """
    known = benchmarks.reset_index(drop=True).assign(order_=range(len(benchmarks)))
    found = []
    for row in scores[scores["score"].notna()].to_dict("records"):
        near = _nearest(known[known["metric"] == row["metric"]], row["region"], row["unit"])
        for one in near.to_dict("records"):
            found.append({**row, **_gap(row, one, confidence), **_named(one)})
    return pd.DataFrame(found).reindex(columns=[*BENCHMARKS, *(["hidden"] if "hidden" in scores else [])])


def _nearest(known: pd.DataFrame, region: str, unit: str) -> pd.DataFrame:
    """Benchmarks of the nearest place that has any: of each source the latest, the latest of all first."""
    for place in dict.fromkeys([(region, unit), (region, ALL), (ALL, ALL)]):
        own = known[(known["region"] == place[0]) & (known["unit"] == place[1])]
        if len(own):
            return own.drop_duplicates("source", keep="last").sort_values("order_", ascending=False)
    return known.iloc[:0]


def _gap(row: dict, one: dict, confidence: float) -> dict[str, float | str]:
    gap = row["score"] - one["value"]
    below, above = row["score"] - row["ci_low"], row["ci_high"] - row["score"]
    n = one.get("n_base", np.nan)
    both = pd.notna(n) and METRICS[row["metric"]].kind == "share"
    if both:
        low, high = wilson(one["value"], n, confidence)
        below, above = np.hypot(below, high - one["value"]), np.hypot(above, one["value"] - low)
    allows_for = "both" if both else "score"
    return {"gap": gap, "gap_low": gap - below, "gap_high": gap + above, "n_base": n, "allows_for": allows_for}


def _named(one: dict) -> dict[str, object]:
    date = "" if pd.isna(one["date"]) else f"{pd.Timestamp(one['date']):%Y-%m-%d}"
    told = {name: "" if pd.isna(one[name]) else str(one[name]) for name in ("source", "base")}
    return {"benchmark": one["value"], "benchmark_period": one["period"], "date": date, **told}

"""Tables of a driver regression: one row per driver or pair of drivers, each with base and interval."""

import numpy as np
import pandas as pd

from cxinsights.analysis.design import Design
from cxinsights.analysis.dominance import PATTERNS, patterns
from cxinsights.analysis.driver_models import FittedModel
from cxinsights.analysis.intervals import CONFIDENCE, z_of
from cxinsights.analysis.priority import quarters
from cxinsights.analysis.resampling import letters_of, limits_of_r2, limits_of_shares, rank_limits, told_apart
from cxinsights.analysis.scores import customers_of, estimate, sample_of
from cxinsights.analysis.what_if import cheapest, read, shifts_table
from cxinsights.params import DriversParams

__all__ = [
    "combination_of", "differences_of", "importance_of", "performance_of", "priority_of", "summary_of", "what_if_of",
]  # fmt: skip


def importance_of(design: Design, fitted: FittedModel) -> pd.DataFrame:
    """Shares of what is explained, most important first, with ranks, letters and the noise floor."""
    parts, drawn = fitted.parts, fitted.drawn
    total = parts.sum()
    shares, drawn_shares = _shares(parts), _shares(drawn)
    low, high = limits_of_shares(parts, drawn, fitted.widening)
    share_low, share_high = limits_of_shares(shares, drawn_shares, fitted.widening)
    rank_low, rank_high = rank_limits(drawn)
    order = np.argsort(-np.round(shares, 12), kind="stable")  # a copy stands after its original
    frame = pd.DataFrame(
        {
            "driver": design.drivers,
            **design.bases(),
            "n_model": design.n,
            "share": shares,
            "share_low": share_low,
            "share_high": share_high,
            "r2_part": parts,
            "r2_part_low": low,
            "r2_part_high": high,
            "rank": 1 + np.argsort(order),
            "rank_low": rank_low,
            "rank_high": rank_high,
            "letters": letters_of(order.tolist(), told_apart(shares, drawn_shares, fitted.widening)),
            "floor": fitted.floors / total if total > 0 else np.nan,
            "under_floor": parts <= fitted.floors,
            "johnson_share": _shares(fitted.second),
        }
    )
    return frame.iloc[order].reset_index(drop=True)


def _shares(parts: np.ndarray) -> np.ndarray:
    """Parts of what is explained as shares of it; alike where nothing is explained."""
    total = parts.sum(axis=-1, keepdims=True)
    return np.divide(parts, total, out=np.full_like(parts, 1 / parts.shape[-1]), where=total > 0)


def performance_of(responses: pd.DataFrame, drivers: list[str]) -> pd.DataFrame:
    """Mean rating of each driver over all who gave one."""
    weights = responses["weight"].to_numpy(dtype=float) if "weight" in responses else None
    customers = customers_of(responses)
    rows = []
    for driver in drivers:
        sample = sample_of(responses[driver].to_numpy(dtype=float), weights, customers)
        found = estimate(sample, "mean")
        rows.append((driver, found.n, found.score, found.ci_low, found.ci_high))
    return pd.DataFrame(rows, columns=["driver", "n", "performance", "perf_low", "perf_high"])


def priority_of(importance: pd.DataFrame, performance: pd.DataFrame) -> pd.DataFrame:
    """Importance against performance; the lines are the averages of the drivers shown."""
    frame = importance[["driver", "share", "share_low", "share_high"]].merge(performance, on="driver")
    line, level = frame["share"].mean(), frame["performance"].mean()
    frame["quarter"] = quarters(frame["share"].to_numpy(), frame["performance"].to_numpy(), line, level)
    frame["certain"] = ((frame["share_low"] > line) | (frame["share_high"] < line)) & (
        (frame["perf_low"] > level) | (frame["perf_high"] < level)
    )
    return frame[["driver", "n", *[c for c in frame if c not in ("driver", "n")]]]


def differences_of(design: Design, fitted: FittedModel, importance: pd.DataFrame) -> pd.DataFrame:
    """Every pair of drivers, the more important first: difference of shares, and which dominates how."""
    shares, over_draws = _shares(fitted.parts), _shares(fitted.drawn)
    apart = told_apart(shares, over_draws, fitted.widening)
    at = [design.drivers.index(name) for name in importance["driver"]]
    rows = []
    for i, a in enumerate(at):
        for b in at[i + 1 :]:
            half = z_of(CONFIDENCE) * fitted.widening * float((over_draws[:, a] - over_draws[:, b]).std(ddof=1))
            difference = shares[a] - shares[b]
            names = (design.drivers[a], design.drivers[b], design.n)
            rows.append((*names, difference, difference - half, difference + half, bool(apart[a, b])))
    columns = ["driver_a", "driver_b", "n", "difference", "diff_low", "diff_high", "told_apart"]
    frame = pd.DataFrame(rows, columns=columns)
    if fitted.worth is None:
        return frame.assign(dominance="", dominance_draws=np.nan)
    p = len(design.drivers)
    point, drawn = patterns(fitted.worth, p), patterns(fitted.drawn_worth, p)
    pairs = [(a, b) for i, a in enumerate(at) for b in at[i + 1 :]]
    kinds = [next((kind for kind in range(3) if point[kind, a, b]), None) for a, b in pairs]
    return frame.assign(
        dominance=["none" if kind is None else PATTERNS[kind] for kind in kinds],
        dominance_draws=[
            np.nan if kind is None else float(drawn[kind, a, b].mean())
            for kind, (a, b) in zip(kinds, pairs, strict=True)
        ],
    )


def summary_of(design: Design, params: DriversParams, fitted: FittedModel | None = None) -> pd.DataFrame:
    """Bases, the explained share and the outcome's mean, in one row."""
    r2, low, high = np.nan, np.nan, np.nan
    if fitted is not None:
        r2 = float(fitted.parts.sum())
        low, high = limits_of_r2(r2, fitted.drawn.sum(axis=1), fitted.widening)
    kind = "nps" if params.outcome == "nps" else "mean"
    mean = estimate(design.outcome_sample, "share" if params.model == "top_box" else kind)
    row = {
        "n": design.n,
        "n_eligible": design.n_eligible,
        "n_missing": design.n_eligible - design.n,
        "n_complete": design.n_complete,
        "n_needed": design.n_needed,
        "n_clusters": design.n_customers,
        "n_effective": design.n_effective,
        "r_squared": r2,
        "r_squared_low": low,
        "r_squared_high": high,
        "borrowed": 0.0 if fitted is None else fitted.borrowed,
        "outcome_mean": mean.score,
        "outcome_low": mean.ci_low,
        "outcome_high": mean.ci_high,
    }
    return pd.DataFrame([row])


def what_if_of(
    design: Design, fitted: FittedModel, performance: pd.DataFrame, best: pd.DataFrame | None, aim: float
) -> pd.DataFrame:
    """What goes with a better rating of each driver alone, up to the level of the best unit or the scale's end."""
    frame = performance.set_index("driver").loc[design.drivers].reset_index()
    reach = pd.Series(design.scale[1], index=frame.index)
    if best is not None:
        reach = frame["driver"].map(best.set_index("driver")["best"]).fillna(reach).clip(upper=reach)
    room = (reach - frame["performance"]).clip(lower=0).fillna(0).to_numpy()
    surely = (fitted.coefficients["coef_low"] > 0).to_numpy()
    table = shifts_table(fitted.what_if, room, aim)
    alone = fitted.coefficients["coefficient"].notna()
    readings = ["change", "change_low", "change_high", "needed", "needed_high"]
    table[readings] = table[readings].where(alone, np.nan)  # what repeats others cannot be moved without them
    return pd.concat([frame.assign(reach=reach), table], axis=1).assign(surely=surely)


def combination_of(
    design: Design, fitted: FittedModel, shifts: pd.DataFrame, params: DriversParams, aim: float
) -> pd.DataFrame:
    """The cheapest shifts of several drivers that go with the aim, or with as much of it as there is room for."""
    costs = np.array([params.costs.get(name, np.nan) for name in design.drivers])
    usable = shifts["surely"].to_numpy() & (np.isfinite(costs) if params.costs else True)
    costs = np.nan_to_num(costs, nan=1.0) if params.costs else np.ones(len(design.drivers))
    moved, reached = cheapest(fitted.what_if, shifts["room"].to_numpy(), aim, costs, usable)
    whole = read(fitted.what_if, moved)
    frame = pd.DataFrame(
        {
            "driver": design.drivers, "n": design.n, "points": moved, "cost": moved * costs, "change": whole.change,
            "change_low": whole.low, "change_high": whole.high, "reached": reached,
        }
    )  # fmt: skip
    return frame[frame["points"] > 0].sort_values("cost", ascending=False, kind="stable").reset_index(drop=True)

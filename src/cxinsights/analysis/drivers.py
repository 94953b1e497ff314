"""Driver regression: which parts of the experience go with the outcome, how closely, and how sure that is.

The outcome (a score, or NPS coded −100, 0, 100) is regressed on ratings of parts of the experience. A driver's
importance is its Shapley share of the explained difference. A rating that does not apply to a customer is not
missing: under the default rule the model holds an indicator of whether it applies beside the rating, and both
together are the driver. Importance says how closely things go together, not what would happen if they changed.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxinsights.analysis.design import Design, outcome_values, prepare
from cxinsights.analysis.importance import johnson, noise_floor, random_parts, shapley
from cxinsights.analysis.intervals import CONFIDENCE, z_of
from cxinsights.analysis.regression import fit_linear, inflation
from cxinsights.analysis.resampling import Moments, letters_of, rank_limits, told_apart
from cxinsights.analysis.results import Status, private, table
from cxinsights.analysis.scores import customers_of, estimate, sample_of
from cxinsights.errors import AnalysisError
from cxinsights.params import DriversParams

__all__ = ["DriversResult", "fit_drivers", "is_too_small"]

_TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
LEAK = 0.95  # a rating this closely correlated with the outcome is the outcome in other words


@dataclass(frozen=True)
class DriversResult:
    """What goes with the outcome, and by how much."""

    params: DriversParams
    status: Status
    reason: str = ""
    """Why there is no regression of the report's own answers; empty where there is one."""
    importance: pd.DataFrame = table(keep=["driver"])
    """One row per driver, most important first: share, interval, rank, letters, noise floor."""
    coefficients: pd.DataFrame = table(keep=["driver"])
    """One row per driver: coefficient with interval, standardised, VIF, and whether its sign surprises."""
    priority: pd.DataFrame = table(keep=["driver"])
    """One row per driver: importance against performance, and the quarter it falls into."""
    differences: pd.DataFrame = table(keep=["driver_a", "driver_b"])
    """One row per pair of drivers: difference of their shares, and whether they are told apart."""
    summary: pd.DataFrame = table(keep=["n_eligible", "n_missing", "n_needed"])
    """One row: bases, explained share and the outcome's mean, each with interval."""
    left_out: tuple[str, ...] = ()
    """Drivers with too few answers here to be in the model."""
    from_company: bool = False
    """Whether the importance is the company's, since the report's own answers are too few."""
    draws: pd.DataFrame = private()
    """One row per bootstrap draw: each driver's part of R²."""


def fit_drivers(responses: pd.DataFrame, params: DriversParams, company: pd.DataFrame | None = None) -> DriversResult:
    """Shapley importance of drivers, with everything needed to judge it.

    Parameters
    ----------
    responses
        One row per answer of the report's unit, period and survey: the outcome's column, the drivers'
        ratings (missing where blank or not applicable), `<rating>_applies` where the question can be not
        applicable, and optionally `weight` and `customer_id`.
    params
        What is asked. The rule for missing answers is `params.missing`.
    company
        The company's `importance` table of the same period: what a unit with too few answers is shown,
        with its own performance.

    Returns
    -------
    DriversResult
        `importance.share` sums to 1. Intervals are bootstrap percentiles over customers; `status` is
        `too_few`, `refused` or `no_data` where there is no regression, with the reason.

    Raises
    ------
    LeakError
        A driver is named as part of the outcome.
    DataError
        A column is not in the table.

    Notes
    -----
    Checked against R relaimpo 2.2-7, rwa 0.1.0 and domir 1.2.0. Grömping (2006), Johnson (2000).
    """
    outcome = outcome_values(responses, params)
    if np.isnan(outcome).all():
        asked = "has no answers here" if len(responses) else "has no answers: this unit has none in the period"
        return DriversResult(params, "no_data", f"{params.outcome} {asked}")
    design = prepare(responses, outcome, params)
    if not design.drivers:
        return DriversResult(params, "no_data", "no rating has answers enough in this period", left_out=design.left_out)
    performance = _performance(responses, design.drivers, params)
    if design.n < design.n_needed:
        return _too_few(design, performance, params, company)
    leak = design.closest_to_outcome()
    if leak[1] > LEAK:
        reason = f"{leak[0]} correlates {leak[1]:.2f} with the outcome: it measures the same thing"
        return DriversResult(params, "refused", reason, summary=_summary(design, params))
    rng = np.random.default_rng(params.seed)
    try:
        point = design.moments()
        drawn = design.bootstrap(params.n_boot, rng)
    except AnalysisError as error:  # pairwise only
        return DriversResult(params, "refused", str(error), summary=_summary(design, params))
    varies = np.diag(point.covariances) > 0
    if not varies[-1] or not varies[:-1].any():
        what = params.outcome if not varies[-1] else "every rating"
        reason = f"{what} is the same in all answers: nothing can be explained"
        return DriversResult(params, "refused", reason, summary=_summary(design, params))
    parts = shapley(point.correlations, design.blocks)
    drawn_parts = shapley(drawn.correlations, design.blocks)
    importance = _importance(design, parts, drawn_parts, point, params, rng)
    return DriversResult(
        params,
        "ok",
        importance=importance,
        coefficients=_coefficients(design, point, drawn, importance, params),
        priority=_priority(importance, performance),
        differences=_differences(design, parts, drawn_parts, importance, params),
        summary=_summary(design, params, parts.sum(), drawn_parts.sum(axis=1)),
        left_out=design.left_out,
        draws=pd.DataFrame(drawn_parts, columns=design.drivers),
    )


def is_too_small(responses: pd.DataFrame, params: DriversParams) -> bool:
    """Whether these answers are too few for a regression of their own, and the company's importance is read."""
    outcome = outcome_values(responses, params)
    if np.isnan(outcome).all():
        return False
    design = prepare(responses, outcome, params)
    return bool(design.drivers) and design.n < design.n_needed


def _importance(
    design: Design,
    parts: np.ndarray,
    drawn: np.ndarray,
    point: Moments,
    params: DriversParams,
    rng: np.random.Generator,
) -> pd.DataFrame:
    total = parts.sum()
    shares, drawn_shares = parts / total, drawn / drawn.sum(axis=1, keepdims=True)
    low, high = np.quantile(drawn, _TAILS, axis=0)
    share_low, share_high = np.quantile(drawn_shares, _TAILS, axis=0)
    rank_low, rank_high = rank_limits(drawn)
    order = np.argsort(-parts, kind="stable")
    floors = {
        size: noise_floor(
            random_parts(point.correlations, design.blocks, design.n_effective, size, params.n_noise, rng)
        )
        for size in sorted(set(design.blocks))
    }
    floor = np.array([floors[size] for size in design.blocks])
    frame = pd.DataFrame(
        {
            "driver": design.drivers,
            **design.bases(),
            "share": shares,
            "share_low": share_low,
            "share_high": share_high,
            "r2_part": parts,
            "r2_part_low": low,
            "r2_part_high": high,
            "rank": 1 + np.argsort(order),
            "rank_low": rank_low,
            "rank_high": rank_high,
            "letters": letters_of(order.tolist(), told_apart(shares, drawn_shares)),
            "floor": floor / total,
            "under_floor": parts <= floor,
            "johnson_share": johnson(point.correlations, design.blocks) / total,
        }
    )
    return frame.iloc[order].reset_index(drop=True)


def _coefficients(
    design: Design, point: Moments, drawn: Moments, importance: pd.DataFrame, params: DriversParams
) -> pd.DataFrame:
    """Coefficients of the ratings; errors by HC3, or from the draws where those do not hold."""
    at = design.rating_at
    if design.pairwise or design.customers is not None:
        values, over_draws = point.coefficients()[at], drawn.coefficients()[:, at]
        se = over_draws.std(axis=0, ddof=1)
        low, high = np.quantile(over_draws, _TAILS, axis=0)
        spread = np.sqrt(np.diag(point.covariances))
        standardised = values * spread[at] / spread[-1]
        vif = inflation(point)[at]
        none = np.where(np.isinf(vif), np.nan, 1.0)
        values, se, low, high, standardised = (none * figure for figure in (values, se, low, high, standardised))
        p_values = np.full(len(at), np.nan)
    else:
        fit = fit_linear(design.columns[:, :-1], design.columns[:, -1], design.weights)
        of_ratings = np.asarray(at) + 1  # the intercept stands first
        values, se, p_values = fit.coefficients[of_ratings], fit.se[of_ratings], fit.p_values[of_ratings]
        low, high = fit.ci_low[of_ratings], fit.ci_high[of_ratings]
        standardised, vif = fit.standardised[at], fit.vif[at]
    simple = point.correlations[at, -1]
    opposed = (np.sign(values) == -np.sign(simple)) & (np.abs(simple) > 0.05)
    frame = pd.DataFrame(
        {
            "driver": design.drivers,
            "n": design.n,
            "coefficient": values,
            "se": se,
            "coef_low": low,
            "coef_high": high,
            "p_value": p_values,
            "standardised": standardised,
            "vif": vif,
            "sign_differs": opposed,
        }
    )
    return frame.set_index("driver").loc[importance["driver"]].reset_index()


def _performance(responses: pd.DataFrame, drivers: list[str], params: DriversParams) -> pd.DataFrame:
    """Mean rating of each driver over all who gave one."""
    weights = responses["weight"].to_numpy(dtype=float) if "weight" in responses else None
    customers = customers_of(responses)
    rows = []
    for driver in drivers:
        sample = sample_of(responses[driver].to_numpy(dtype=float), weights, customers)
        found = estimate(sample, "mean")
        rows.append((driver, found.n, found.score, found.ci_low, found.ci_high))
    return pd.DataFrame(rows, columns=["driver", "n", "performance", "perf_low", "perf_high"])


def _priority(importance: pd.DataFrame, performance: pd.DataFrame) -> pd.DataFrame:
    """Importance against performance; the lines are the averages of the drivers shown."""
    frame = importance[["driver", "share", "share_low", "share_high"]].merge(performance, on="driver")
    line, level = frame["share"].mean(), frame["performance"].mean()
    important, strong = frame["share"] >= line, frame["performance"] >= level
    frame["quarter"] = np.select(
        [important & ~strong, important & strong, ~important & ~strong],
        ["work_on_first", "keep_strong", "watch"],
        "hold",
    )
    frame["certain"] = ((frame["share_low"] > line) | (frame["share_high"] < line)) & (
        (frame["perf_low"] > level) | (frame["perf_high"] < level)
    )
    return frame[["driver", "n", *[c for c in frame if c not in ("driver", "n")]]]


def _differences(
    design: Design, parts: np.ndarray, drawn: np.ndarray, importance: pd.DataFrame, params: DriversParams
) -> pd.DataFrame:
    shares, over_draws = parts / parts.sum(), drawn / drawn.sum(axis=1, keepdims=True)
    apart = told_apart(shares, over_draws)
    at = [design.drivers.index(name) for name in importance["driver"]]
    rows = []
    for i, a in enumerate(at):
        for b in at[i + 1 :]:
            low, high = np.quantile(over_draws[:, a] - over_draws[:, b], _TAILS)
            names = (design.drivers[a], design.drivers[b], design.n)
            rows.append((*names, shares[a] - shares[b], low, high, bool(apart[a, b])))
    columns = ["driver_a", "driver_b", "n", "difference", "diff_low", "diff_high", "told_apart"]
    return pd.DataFrame(rows, columns=columns)


def _summary(
    design: Design, params: DriversParams, r2: float = np.nan, drawn: np.ndarray | None = None
) -> pd.DataFrame:
    """Bases, the explained share (normal interval from the draws) and the outcome's mean, in one row."""
    half = z_of(CONFIDENCE) * float(np.std(drawn, ddof=1)) if drawn is not None else np.nan
    mean = estimate(design.outcome_sample, "nps" if params.outcome == "nps" else "mean")
    row = {
        "n": design.n,
        "n_eligible": design.n_eligible,
        "n_missing": design.n_eligible - design.n,
        "n_needed": design.n_needed,
        "n_clusters": design.n_customers,
        "n_effective": design.n_effective,
        "r_squared": r2,
        "r_squared_low": max(r2 - half, 0.0),
        "r_squared_high": min(r2 + half, 1.0),
        "outcome_mean": mean.score,
        "outcome_low": mean.ci_low,
        "outcome_high": mean.ci_high,
    }
    return pd.DataFrame([row])


def _too_few(
    design: Design, performance: pd.DataFrame, params: DriversParams, company: pd.DataFrame | None
) -> DriversResult:
    """No regression of its own: the company's importance with the unit's own performance."""
    reason = f"{design.n:,} complete answers, {design.n_needed:,} needed"
    result = DriversResult(params, "too_few", reason, summary=_summary(design, params), left_out=design.left_out)
    if company is None or not set(design.drivers) <= set(company["driver"]):
        return replace(result, priority=performance)
    return replace(result, priority=_priority(company, performance), from_company=True)

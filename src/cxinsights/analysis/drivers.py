"""Driver regression: which parts of the experience go with the outcome, how closely, and how sure that is.

The outcome (a score, or NPS coded −100, 0, 100) is regressed on ratings of parts of the experience. A driver's
importance is its Shapley share of the explained difference. A rating that does not apply to a customer is not
missing: under the default rule the model holds an indicator of whether it applies beside the rating, and both
together are the driver. Importance says how closely things go together, not what would happen if they changed.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.design import Design, correlation, outcome_values, prepare
from cxinsights.analysis.dominance import conditional
from cxinsights.analysis.driver_models import FittedModel, fit_model, fit_pooled
from cxinsights.analysis.driver_tables import (
    combination_of,
    differences_of,
    importance_of,
    performance_of,
    priority_of,
    summary_of,
    what_if_of,
)
from cxinsights.analysis.gaps import fit_gaps, fit_level_gaps
from cxinsights.analysis.penalty_reward import cut_offs, penalty_reward
from cxinsights.analysis.pooling import can_borrow, centres_of
from cxinsights.analysis.results import Status, private, table
from cxinsights.analysis.what_if import LinearModel
from cxinsights.errors import AnalysisError, ParamsError
from cxinsights.params import DriversParams

__all__ = ["DriversResult", "fit_drivers", "fit_with_model", "rests_on"]

LEAK = 0.95  # a rating this closely correlated with the outcome is the outcome in other words
FEWEST_TOLD = 30  # a reason tells no smaller count: thresholds of privacy may be as high
EVENTS_PER_DRIVER = 10  # answers on the rarer side of a top box, Peduzzi et al. (1996)


@dataclass(frozen=True)
class DriversResult:
    """What goes with the outcome, and by how much."""

    params: DriversParams
    status: Status
    reason: str = ""
    """Why there is no regression of the report's own answers; empty where there is one."""
    importance: pd.DataFrame = table(
        keep=["driver"], also={"n_model": "customers"}, counts=["n_missing", "n_does_not_apply"]
    )
    """One row per driver, most important first: share, interval, rank, letters, noise floor."""
    coefficients: pd.DataFrame = table(keep=["driver"])
    """One row per driver: coefficient with interval, standardised, VIF, and whether its sign surprises."""
    priority: pd.DataFrame = table(keep=["driver"])
    """One row per driver: importance against performance, and the quarter it falls into."""
    differences: pd.DataFrame = table(keep=["driver_a", "driver_b"])
    """One row per pair of drivers: difference of their shares, whether they are told apart, and which dominates."""
    dominance: pd.DataFrame = table(keep=["driver", "n_others"])
    """One row per driver and number of others in the model: what the driver adds to them on average."""
    penalties: pd.DataFrame = table(keep=["driver"])
    """One row per driver: what goes with a low and with a high rating, and which is the larger."""
    gaps: pd.DataFrame = table(keep=["touchpoint", "against"], also={"n_experience": "customers"})
    """One row per driver and what it is held against (expectation, target, benchmark): how far experience lies off."""
    what_if: pd.DataFrame = table(keep=["driver"])
    """One row per driver: what goes with raising it, and how much of it goes with the aim."""
    combination: pd.DataFrame = table(keep=["driver"])
    """The cheapest shifts of several drivers that go with the aim: one row per driver shifted."""
    contrasts: pd.DataFrame = table(keep=["against", "driver"], also={"n_compare": "customers"})
    """One row per driver and what it is set against: difference of coefficients, tested among all reports."""
    joint: pd.DataFrame = table(keep=["driver_a", "driver_b"])
    """Linear model: covariance of what a point of either driver goes with, for shifts of several at once."""
    summary: pd.DataFrame = table(keep=["n_eligible", "n_missing", "n_needed"])
    """One row: bases, explained share and the outcome's mean, each with interval; how much of it is borrowed."""
    left_out: tuple[str, ...] = ()
    """Drivers with too few answers here to be in the model."""
    from_company: bool = False
    """Whether the importance is the company's, since the report's own answers are too few."""
    draws: pd.DataFrame = private()
    """One row per bootstrap draw: each driver's part of R²."""


def fit_drivers(
    responses: pd.DataFrame,
    params: DriversParams,
    company: pd.DataFrame | None = None,
    scale: tuple[float, float] | None = None,
    best: pd.DataFrame | None = None,
    contrasts: pd.DataFrame | None = None,
    pool: pd.DataFrame | None = None,
    levels: pd.DataFrame | None = None,
    outcome_scale: tuple[float, float] | None = None,
) -> DriversResult:
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
    scale
        Lowest and highest possible rating; by default the lowest and highest given.
    best
        `driver` and `best`: the best unit's mean, up to which what-if goes; by default the scale's end.
    contrasts
        This place's rows of `fit_contrasts`, shown beside.
    pool
        `fit_pool` of all units: with it a unit with too few answers has a regression, part of it borrowed.
    levels
        Targets and benchmarks of ratings, as `fit_level_gaps` takes them.
    outcome_scale
        Lowest and highest possible answer to the outcome; by default the lowest and highest given.

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
    result = fit_with_model(responses, params, company, scale, best, pool, levels, outcome_scale)[0]
    return result if contrasts is None or result.status != "ok" else replace(result, contrasts=contrasts)


def fit_with_model(
    responses: pd.DataFrame,
    params: DriversParams,
    company: pd.DataFrame | None = None,
    scale: tuple[float, float] | None = None,
    best: pd.DataFrame | None = None,
    pool: pd.DataFrame | None = None,
    levels: pd.DataFrame | None = None,
    outcome_scale: tuple[float, float] | None = None,
) -> tuple[DriversResult, FittedModel | None]:
    """What `fit_drivers` gives, and the fitted model itself, which what-if questions can be put to."""
    outcome = outcome_values(responses, params)
    if np.isnan(outcome).all():
        asked = "has no answers here" if len(responses) else "has no answers: this unit has none in the period"
        return DriversResult(params, "no_data", f"{params.outcome} {asked}"), None
    if params.model == "top_box" and outcome_scale is None and not (outcome == 1).any():
        highest = responses["nps_answer" if params.outcome == "nps" else params.outcome].max()
        raise ParamsError(
            f"drivers: top_box_from is {params.top_box_from:g}, and no answer to {params.outcome} is above "
            f"{highest:g}. Give one within its scale."
        )
    design = prepare(responses, outcome, params, scale)
    if not design.drivers:
        reason = "no rating has answers enough in this period"
        return DriversResult(params, "no_data", reason, left_out=design.left_out), None
    performance = performance_of(responses, design.drivers)
    few = _shortage(design, params)
    beside = None if not few or pool is None else prepare(responses, outcome, params, scale, centres_of(pool))
    if few and (beside is None or not can_borrow(beside, pool)):
        result = _too_few(design, performance, params, company, few)
        return replace(result, gaps=_gaps(responses, params, levels)), None
    leak = _closest(responses, outcome, design.drivers, params)
    if leak[1] > LEAK:
        reason = f"{leak[0]} correlates {leak[1]:.2f} with the outcome: it measures the same thing"
        return DriversResult(params, "refused", reason, summary=summary_of(design, params)), None
    rng = np.random.default_rng(params.seed)
    try:
        if beside is not None:
            design, fitted = beside, fit_pooled(beside, pool, params, rng)
        else:
            fitted = fit_model(design, params, rng)
    except AnalysisError as error:
        return DriversResult(params, "refused", str(error), summary=summary_of(design, params)), None
    importance = importance_of(design, fitted)
    order = importance["driver"]
    aim = _aim(params, outcome_scale or (float(np.nanmin(outcome)), float(np.nanmax(outcome))))
    shifts = what_if_of(design, fitted, performance, best, aim)
    result = DriversResult(
        params,
        "ok",
        importance=importance,
        coefficients=fitted.coefficients.set_index("driver").loc[order].reset_index(),
        priority=priority_of(importance, performance),
        differences=differences_of(design, fitted, importance),
        dominance=_dominance(design, fitted, order),
        penalties=pd.DataFrame() if few else _penalties(responses, design, outcome, order),
        gaps=_gaps(responses, params, levels),
        what_if=shifts.set_index("driver").loc[order].reset_index(),
        combination=combination_of(design, fitted, shifts, params, aim),
        joint=_joint(design, fitted),
        summary=summary_of(design, params, fitted).assign(aim=aim),
        left_out=design.left_out,
        draws=pd.DataFrame(fitted.drawn, columns=design.drivers),
    )
    return result, fitted


def rests_on(responses: pd.DataFrame, params: DriversParams) -> Literal["own", "company", "nothing"]:
    """Whether these answers are enough for a regression of their own; fewer read the company's, and none nothing."""
    outcome = outcome_values(responses, params)
    if np.isnan(outcome).all():
        return "nothing"
    design = prepare(responses, outcome, params)
    if not design.drivers:
        return "nothing"
    return "company" if _shortage(design, params) else "own"


def _shortage(design: Design, params: DriversParams) -> str:
    """What there is too little of for a regression of its own; empty where there is enough."""
    if design.n_base < design.n_needed:
        few = f"{design.n_base:,}" if design.n_base >= FEWEST_TOLD else f"fewer than {FEWEST_TOLD}"
        return f"{few} complete answers, {design.n_needed:,} needed"
    if params.model == "top_box":
        inside = int((design.columns[:, -1] == 1).sum())
        needed = EVENTS_PER_DRIVER * len(design.drivers)
        if min(inside, design.n - inside) < needed:
            return f"fewer than {needed:,} answers {'in' if inside < design.n / 2 else 'under'} the top box"
    return ""


def _closest(
    responses: pd.DataFrame, outcome: np.ndarray, drivers: list[str], params: DriversParams
) -> tuple[str, float]:
    """The driver that correlates most with the outcome, as it is coded or as it was answered, and how much."""
    source = "nps_answer" if params.outcome == "nps" else params.outcome
    sides = np.column_stack([outcome, responses[source].to_numpy(dtype=float)])
    r, name = max(
        (abs(correlation(responses[name].to_numpy(dtype=float), side)), name) for name in drivers for side in sides.T
    )
    return name, r


def _aim(params: DriversParams, scale: tuple[float, float]) -> float:
    """The difference that what-if looks for: 5 points of NPS or of a top box's share, else a twentieth of the scale."""
    if params.aim:
        return params.aim
    if params.model == "top_box":
        return 0.05
    return 5.0 if params.outcome == "nps" else (scale[1] - scale[0]) / 20


def _dominance(design: Design, fitted: FittedModel, order: pd.Series) -> pd.DataFrame:
    if fitted.worth is None:
        return pd.DataFrame()
    p = len(design.drivers)
    gains = conditional(fitted.worth, p)[..., 0]
    rows = [(name, size, design.n, gains[design.drivers.index(name), size]) for name in order for size in range(p)]
    return pd.DataFrame(rows, columns=["driver", "n_others", "n", "gain"])


def _penalties(responses: pd.DataFrame, design: Design, outcome: np.ndarray, order: pd.Series) -> pd.DataFrame:
    known = [name for name in ("weight", "customer_id") if name in responses]
    frame = responses[[*design.drivers, *known]].assign(outcome=outcome)
    if len(frame.dropna(subset=[*design.drivers, "outcome"])) < design.n_needed:
        return pd.DataFrame()
    low_to, high_from = cut_offs(*design.scale)
    weights, customers = (name if name in known else None for name in ("weight", "customer_id"))
    found = penalty_reward(frame, "outcome", design.drivers, low_to, high_from, weights, customers)
    # how many they are on either side could be taken off from place to place until few are left
    found = found.drop(columns=["n_low", "n_high", "intercept", "r_squared"])
    return found.set_index("driver").loc[order].reset_index()


def _gaps(responses: pd.DataFrame, params: DriversParams, levels: pd.DataFrame | None) -> pd.DataFrame:
    """Experience of each driver against expectation, target and benchmark; each kind is a family of tests."""
    pairs = {name: (params.expectations[name], name) for name in params.drivers if name in params.expectations}
    of_both = ["n_both", "effect_size", "correlation"]  # of a base of their own, from which few would follow
    found = [fit_gaps(responses, pairs).drop(columns=of_both).assign(against="expectation")] if pairs else []
    if levels is not None and len(levels):
        level_gaps = fit_level_gaps(responses, levels).drop(columns="effect_size")
        found.append(level_gaps.assign(n_experience=level_gaps["n"]))
    return adjust(pd.concat(found, ignore_index=True), ["against"]) if found else pd.DataFrame()


def _joint(design: Design, fitted: FittedModel) -> pd.DataFrame:
    model = fitted.what_if
    if not isinstance(model, LinearModel):
        return pd.DataFrame()
    covariance = model.covariance * np.outer(model.applies, model.applies)
    names = design.drivers
    rows = [(a, b, design.n, covariance[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)]
    return pd.DataFrame(rows, columns=["driver_a", "driver_b", "n", "covariance"])


def _too_few(
    design: Design, performance: pd.DataFrame, params: DriversParams, company: pd.DataFrame | None, reason: str
) -> DriversResult:
    """No regression of its own: the company's importance with the unit's own performance."""
    result = DriversResult(params, "too_few", reason, summary=summary_of(design, params), left_out=design.left_out)
    if company is None or not set(design.drivers) <= set(company["driver"]):
        return replace(result, priority=performance)
    return replace(result, priority=priority_of(company, performance), from_company=True)

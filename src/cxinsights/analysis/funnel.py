"""Journey funnel: how far customers get through an ordered list of steps, how fast, and where they stop.

A customer enters with the first step-1 event in the date range, and reaches step k when steps 1 … k happened in that
order within the window; conversions may fall after the date range. Entrants whose window had not ended by the
extract's cut-off are open, neither converted nor lost: rates are of mature entrants, curves use all, open ones
censored. Without a window whoever has not converted is open unless the attempt was ended otherwise: conversion is then
read off the curve.

Three rates, three names: `of_entrants`, `of_previous` (of those who reached the step before), `of_all_customers` (of
all with any event in the date range, open entrants left out).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom

from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.funnel_feelings import fit_feelings
from cxinsights.analysis.funnel_groups import Groups, fit_breakdown, fit_curves, fit_log_rank, horizon_of
from cxinsights.analysis.funnel_paths import fit_credit, fit_flows, fit_transitions, fit_why, trail_of
from cxinsights.analysis.intervals import CONFIDENCE, wilson
from cxinsights.analysis.journeys import JourneyRules, Journeys, batches_of, scan_journeys
from cxinsights.analysis.journeys_scan import DAY
from cxinsights.analysis.results import Status, private, table
from cxinsights.analysis.scores import Sample
from cxinsights.analysis.survival import fit_survival
from cxinsights.errors import DataError, did_you_mean
from cxinsights.params import FunnelParams, Span

__all__ = ["QUANTILES", "FunnelResult", "fit_funnel"]

QUANTILES = (25, 50, 75, 90)
"""Of the time between steps, in percent."""


@dataclass(frozen=True)
class FunnelResult:
    """How far customers get, how fast, and what those who stop did instead."""

    params: FunnelParams
    status: Status
    reason: str = ""
    """Why there is no funnel; empty where there is one."""
    steps: pd.DataFrame = table("n_previous", also={"n": "customers"}, keep=["step"], plan=["step"])
    """One row per step: who reached it, and the three rates. `told_apart`: surely passed by more of those who come
    to it than the step with the lowest rate; false for that step itself."""
    summary: pd.DataFrame = table(keep=["n_entrants", "n_open", "n_all_customers", "n_removed"])
    """One row: bases, conversion from first step to last, and the curve's median time."""
    rests: pd.DataFrame = table(
        also={"n_compare": "customers"}, keep=["rate", "step"], family=["rate"], plan=["rate", "step"]
    )
    """One row per step and one for conversion: this place against the rest of the company."""
    times: pd.DataFrame = table(keep=["from_step", "step", "quantile"])
    """Days between steps among those who took the later one: percentiles with order-statistic intervals."""
    curve: pd.DataFrame = table(also={"n_at_risk": "customers"}, keep=["segment", "group", "day"])
    """Share converted by each day since the start, of all (segment and group blank) and by group at entry."""
    log_rank: pd.DataFrame = table(keep=["segment", "rate"], family=["rate"])
    """One row per breakdown: whether its groups share one curve."""
    breakdown: pd.DataFrame = table(
        also={"n_compare": "customers"}, keep=["segment", "group", "rate", "step"], family=["rate"],
        plan=["segment", "group", "rate", "step"],
    )  # fmt: skip
    """One row per group at entry, for conversion and for each step: against the other groups."""
    flows: pd.DataFrame = table(keep=["step", "next_stage", "kind"])
    """One row per step and what followed it: the next step, or what those who stopped there did next."""
    transitions: pd.DataFrame = table(keep=["stage", "next_stage"])
    """One row per pair of stages: customers with the first who went straight on to the second."""
    why: pd.DataFrame = table(also={"n_compare": "customers"}, keep=["stage", "rate"], family=["rate"])
    """One row per other event: conversion of those who had it within the window, and of those who had not."""
    feelings: pd.DataFrame = table(keep=["metric", "step"], family=["metric"], plan=["metric", "step"])
    """One row per score and step: answers given after that step, those who stopped there against those who went on."""
    credit: pd.DataFrame = table(keep=["touchpoint"])
    """One row per touch-point: its share of the conversions by first touch and by removal effect."""
    date_only: bool = False
    """Whether events carry dates without a time of day: those of one day then count in step order."""
    from_curve: bool = False
    """Whether conversion is read off the curve, since there is no window."""
    competing: bool = False
    """Whether some attempts were ended otherwise, so that curves are cumulative incidence."""
    window_days: float = 0.0
    """Days within which conversion is counted: the window's length, or the curve's horizon without one."""
    cutoff: str = ""
    """Last day that the log covers, as ISO has it."""
    journeys: pd.DataFrame = private()
    """One row per entrant."""


def fit_funnel(
    events: pd.DataFrame,
    params: FunnelParams,
    *,
    span: Span,
    answers: pd.DataFrame | None = None,
    elsewhere: pd.DataFrame | None = None,
) -> FunnelResult:
    """Steps reached, rates, times, and what goes with stopping.

    Parameters
    ----------
    events
        One row per event of the report's place from `span.start` to `span.cutoff`: `customer_id`, `stage`,
        `occurred_at`, and the columns named in `params.breakdowns` and `params.touchpoint`; sorted by customer_id,
        then occurred_at.
    params
        What is asked: steps, attempt, order, window and exclusions.
    span
        Entries lie from `start` to `end`, both included; the log covers all days up to `cutoff`, included.
    answers
        Survey answers of the same place: `customer_id`, `answered_at`, any of `nps_answer`, `csat_score`,
        `ces_score`, optionally `weight`.
    elsewhere
        `steps` of the events at all other places of the company, for the same params: what this place is compared
        with. (The company's counts less these would not do: a customer may begin here and go on elsewhere.)

    Returns
    -------
    FunnelResult
        Rates are 0 to 1 with Wilson intervals, times are days. `status` is `no_data` where nobody entered and
        `too_few` where all entrants are open.

    Raises
    ------
    AnalysisError
        The events are not sorted, or lack customer, stage or time.
    DataError
        A column named in params is not in the table.

    Notes
    -----
    Checked against R 4.2.2 (`prop.test`, survival 3.5-3) and ClickHouse's `windowFunnel`.
    """
    for name in filter(None, [*params.breakdowns, params.touchpoint]):
        if name not in events:
            raise DataError(f"events: {did_you_mean('column', name, events.columns)}")
    rules = JourneyRules.of(params, span)
    journeys = scan_journeys(batches_of(events), rules)
    if not len(journeys.reached):
        what = "no event of a first step" if len(events) else "no event"
        return FunnelResult(params, "no_data", f"{what} in the period")
    counted = journeys.counted
    if not counted.any():
        reason = f"{len(counted):,} entrants, all of them open: none has had {params.window_days:g} days to convert yet"
        return FunnelResult(params, "too_few", reason)
    horizon = horizon_of(journeys)
    groups = [Groups.at_entry(events, journeys, name, params.min_base) for name in params.breakdowns]
    groups = [one for one in groups if len(one.names) > 1]
    steps = _steps(journeys, params)
    trail = trail_of(events, journeys)
    return FunnelResult(
        params,
        "ok",
        steps=steps,
        summary=_summary(journeys, horizon),
        rests=_rests(steps, elsewhere, params),
        times=_times(journeys),
        curve=fit_curves(journeys, groups),
        log_rank=fit_log_rank(journeys, groups),
        breakdown=fit_breakdown(journeys, groups, horizon, params.min_base),
        flows=fit_flows(trail, journeys),
        transitions=fit_transitions(trail, journeys, params.min_base),
        why=fit_why(trail, journeys, params.min_base),
        feelings=fit_feelings(answers, journeys, params.min_base),
        credit=fit_credit(trail, journeys, events[params.touchpoint]) if params.touchpoint else pd.DataFrame(),
        date_only=journeys.date_only,
        from_curve=rules.window is None,
        competing=bool((journeys.cause == 2).any()),
        window_days=horizon,
        cutoff=span.cutoff.isoformat(),
        journeys=_one_row_each(events, journeys, params),
    )


def _steps(journeys: Journeys, params: FunnelParams) -> pd.DataFrame:
    reached = journeys.reached[journeys.counted]
    n, k = len(reached), len(params.steps)
    there = [int((reached >= at).sum()) for at in range(1, k + 1)]
    before = [n, *there[:-1]]
    everyone = journeys.n_customers - int((~journeys.counted).sum())
    rows = []
    for at, step in enumerate(params.steps):
        first = at == 0  # entrants are those who reached it: nothing is estimated
        of_entrants = (1.0, 1.0, 1.0) if first else _share(there[at], n)
        of_previous = (np.nan,) * 3 if first else _share(there[at], before[at])
        everybody = _share(there[at], everyone)
        rows.append((step, n, there[at], *of_entrants, before[at], *of_previous, everyone, *everybody))
    frame = pd.DataFrame(rows, columns=_STEPS)
    return frame.assign(told_apart=_told_apart(frame, params.min_base))


def _told_apart(steps: pd.DataFrame, min_base: int) -> np.ndarray:
    """Which steps surely lose less than the one that loses most of those who come to it.

    By Newcombe's interval of the difference, at a level that holds all pairs together (Bonferroni): it serves steps
    that nobody fails as well, which a test of counts does not.
    """
    apart = np.zeros(len(steps), dtype=bool)
    rates = steps["of_previous"]
    others = steps[rates.notna() & (steps.index != rates.idxmin())] if rates.notna().sum() > 1 else steps[:0]
    for one in others.itertuples():
        worst = steps.loc[rates.idxmin()]
        confidence = 1 - (1 - CONFIDENCE) / len(others)
        found = compare(
            _sample(one.n_reached, one.n_previous),
            _sample(worst["n_reached"], worst["n_previous"]),
            "share",
            confidence,
        )
        apart[one.Index] = found.ci_low > 0 and min(one.n_previous, worst["n_previous"]) >= min_base
    return apart


def _summary(journeys: Journeys, horizon: float) -> pd.DataFrame:
    counted = journeys.counted
    curve = fit_survival(journeys.waited_days, journeys.cause)
    median, median_low, median_high = curve.quantile()
    n, converted = int(counted.sum()), int((counted & journeys.converted).sum())
    if journeys.rules.window is None:
        conversion = tuple(curve.at([horizon])[["happened", "ci_low", "ci_high"]].iloc[0])
    else:
        conversion = _share(converted, n)
    row = {
        "n": n,
        "n_entrants": len(counted),
        "n_open": int((~journeys.mature).sum()),
        "n_all_customers": journeys.n_customers,
        "n_removed": journeys.n_removed,
        "n_converted": converted,
        "n_ended": int((counted & (journeys.cause == 2)).sum()),
        "conversion": conversion[0],
        "ci_low": conversion[1],
        "ci_high": conversion[2],
        "median_days": median,
        "median_low": median_low,
        "median_high": median_high,
    }
    return pd.DataFrame([row])


def _rests(steps: pd.DataFrame, elsewhere: pd.DataFrame | None, params: FunnelParams) -> pd.DataFrame:
    """This place against all others of the company."""
    if elsewhere is None or not len(elsewhere) or params.window == "none":
        return pd.DataFrame()  # without a window rates are as of the log's end, whoever entered when
    others = elsewhere.set_index("step")
    rows = []
    for at, one in enumerate(steps.itertuples()):
        bases = [("of_previous", "n_previous")] if at else []
        bases += [("of_entrants", "n")] if at == len(steps) - 1 else []
        for rate, base in bases:
            n, reached = getattr(one, base), one.n_reached
            n_rest, reached_rest = others.loc[one.step, base], others.loc[one.step, "n_reached"]
            if not n or not n_rest:
                continue
            found = compare(_sample(reached, n), _sample(reached_rest, n_rest), "share", min_base=params.min_base)
            rows.append((rate, one.step, n, *_share(reached, n), n_rest, *_share(reached_rest, n_rest), found.value,
                         found.ci_low, found.ci_high, found.p_value, found.effect_size))  # fmt: skip
    return adjust(pd.DataFrame(rows, columns=_RESTS), ["rate"])


def _times(journeys: Journeys) -> pd.DataFrame:
    """Percentiles of the days between steps; ranks that hold the percentile in 95 of 100 samples bound it."""
    steps = journeys.rules.steps
    pairs = [(at - 1, at) for at in range(1, len(steps))]
    rows = []
    for start, stop in [*pairs, (0, len(steps) - 1)] if len(pairs) > 1 else pairs:
        took = journeys.counted & (journeys.reached > stop)
        days = np.sort(journeys.step_at[took, stop] - journeys.step_at[took, start]) / DAY
        for percent in QUANTILES if len(days) else ():
            limits = _order_limits(days, percent / 100)
            rows.append((steps[start], steps[stop], percent, len(days), np.quantile(days, percent / 100), *limits))
    return pd.DataFrame(rows, columns=["from_step", "step", "quantile", "n", "days", "days_low", "days_high"])


def _order_limits(ordered: np.ndarray, share: float) -> tuple[float, float]:
    n, tail = len(ordered), (1 - CONFIDENCE) / 2
    low, high = int(binom.ppf(tail, n, share)), int(binom.ppf(1 - tail, n, share)) + 1
    return (float(ordered[low - 1]) if low >= 1 else np.nan, float(ordered[high - 1]) if high <= n else np.nan)


def _one_row_each(events: pd.DataFrame, journeys: Journeys, params: FunnelParams) -> pd.DataFrame:
    at = {
        name: values.view("datetime64[us]")
        for name, values in (("entry_at", journeys.entry_at), ("started_at", journeys.started_at),
                             ("last_at", journeys.last_at), ("ended_at", journeys.ended_at))
    }  # fmt: skip
    entry = events.iloc[journeys.rows[:, 0]]
    frame = pd.DataFrame(
        {
            "customer_id": entry["customer_id"].to_numpy(),
            **at,
            "n_reached": journeys.reached,
            "mature": journeys.mature,
            "cause": journeys.cause,
            "waited_days": journeys.waited_days,
        }
    )
    return frame.assign(**{name: entry[name].to_numpy() for name in params.breakdowns})


def _share(k: int, n: int) -> tuple[float, float, float]:
    """Share with its Wilson interval; missing without a base."""
    return (k / n, *wilson(k / n, n)) if n else (np.nan,) * 3


def _sample(k: int, n: int) -> Sample:
    return Sample((np.arange(n) < k).astype(float))


_STEPS = [
    "step", "n", "n_reached", "of_entrants", "entrants_low", "entrants_high", "n_previous", "of_previous",
    "previous_low", "previous_high", "n_all_customers", "of_all_customers", "all_low", "all_high",
]  # fmt: skip
_RESTS = [
    "rate", "step", "n", "score", "ci_low", "ci_high", "n_compare", "score_compare", "compare_low", "compare_high",
    "difference", "diff_low", "diff_high", "p_value", "effect_size",
]  # fmt: skip

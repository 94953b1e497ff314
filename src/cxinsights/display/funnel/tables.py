"""The funnel report's tables of steps, times, groups and the rest of the company."""

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.funnel.names import (
    days_of,
    duration,
    group_name,
    is_clear,
    is_fitted,
    stage_name,
    step_in_sentence,
    steps_with_conversion,
    window_text,
)
from cxinsights.display.numbers import DASH, number, p_text, percent, share_text, with_interval
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.schemas.columns import label

__all__ = ["table_curve", "table_groups", "table_others", "table_steps", "table_times", "verdict"]


def table_steps(result: Guarded) -> Block:
    """Every step with its three rates."""
    if not is_fitted(result):
        return Nothing()
    rows = [[stage_name(result, one.step), *_step_cells(one)] for one in steps_with_conversion(result).itertuples()]
    names = ["Reached it", "Of entrants", "Of those at the step before", "Of all customers"]
    one = result.summary.iloc[0]
    who = "entrants, as far as they got by the end of the data" if result.from_curve else "mature entrants"
    everybody = result.steps["n_all_customers"].iloc[0]
    return Table(
        "numbers",
        "All numbers as a table",
        [Column("Step", numeric=False), *(Column(name) for name in names)],
        rows,
        note=f"Rates are of {number(one.n)} {who}, with 95% intervals. All customers: {number(everybody)} with any "
        "event in the period, open entrants left out.",
    )


def table_others(result: Guarded) -> Block:
    """This place's step rates beside those of the rest of the company."""
    if not is_fitted(result) or not len(result.rests):
        return Nothing()
    rows = [[_rate_name(result, one), *_rest_cells(one)] for one in result.rests.itertuples()]
    names = ["Here", "Elsewhere", "Difference, points", "p adjusted", "Verdict"]
    return Table(
        "others",
        "Here and elsewhere in the company",
        [Column("Rate", numeric=False), *(Column(name) for name in names)],
        rows,
        note="Elsewhere is the rest of the company without this place. Differences are taken before rounding; their "
        "intervals are of one comparison, the verdicts of tests adjusted over all places and steps "
        "(Benjamini–Hochberg).",
    )


def table_times(result: Guarded) -> Block:
    """Percentiles of the time between steps."""
    if not is_fitted(result) or not len(result.times):
        return Nothing()
    rows = []
    for (start, stop), part in result.times.groupby(["from_step", "step"], sort=False):
        name = f"{stage_name(result, start)} to {step_in_sentence(result, stop)}"
        cells = [_time_cell(one) for one in part.sort_values("quantile").itertuples()]
        hidden = isinstance(part["days"].iloc[0], Suppressed)
        rows.append([name, DASH if hidden else number(part["n"].iloc[0]), *cells])
    quantiles = sorted(result.times["quantile"].unique())
    so_far = " Those who have not converted yet are not in it, so that times are short of the truth."
    return Table(
        "times",
        "How long each step takes",
        [Column("From, to", numeric=False), Column("Customers"), *(Column(f"{q}% within") for q in quantiles)],
        rows,
        note="Of customers who took the later step, with 95% intervals by order statistics."
        + (so_far if result.from_curve else ""),
    )


def table_curve(result: Guarded) -> Block:
    """The curve of all entrants at some days."""
    if not is_fitted(result):
        return Nothing()
    rows = result.curve[result.curve["segment"] == ""].iloc[::10]
    cells = [
        [f"Day {days_of(one.day)}", _share_cell(one.converted, one.ci_low, one.ci_high), _count_cell(one.n_at_risk)]
        for one in rows.itertuples()
    ]
    ended = " Attempts that ended otherwise are no longer observed." if result.competing else ""
    return Table(
        "curve-numbers",
        "Converted by day",
        [Column("Since the first step", numeric=False), Column("Converted by then"), Column("Still observed")],
        cells,
        note=f"All entrants; open ones count for as long as they were seen.{ended}",
    )


def table_groups(result: Guarded) -> Block:
    """Each group at entry against the other groups."""
    if not is_fitted(result) or not len(result.breakdown):
        return Nothing()
    rows = [
        [
            f"{label(one.segment, result.study)}: {group_name(result, one.segment, one.group)}",
            _rate_name(result, one),
            _count_cell(one.n),
            _share_cell(one.score, one.ci_low, one.ci_high),
            *_difference_cells(one),
        ]
        for one in result.breakdown.itertuples()
    ]
    ranks = [_log_rank_text(result, one) for one in result.log_rank.itertuples()]
    names = ["Customers", "Rate", "Difference from the others, points", "p adjusted", "Verdict"]
    return Table(
        "groups",
        "By what was known at entry",
        [Column("Group", numeric=False), Column("Rate of", numeric=False), *(Column(name) for name in names)],
        rows,
        note="A customer belongs to the group of the first step, whatever came later; small groups are together. "
        "Differences are taken before rounding; their intervals are of one comparison, the verdicts of adjusted "
        "tests. " + " ".join(ranks),
    )


def verdict(difference: float, p_adjusted: float, low: str = "lower", high: str = "higher") -> str:
    """What an adjusted test says in words."""
    if pd.isna(p_adjusted):
        return "not tested"
    if not is_clear(pd.DataFrame({"p_adjusted": [p_adjusted]})).item():
        return "cannot tell"
    return high if difference > 0 else low


def _step_cells(one) -> list[str]:
    if isinstance(one.of_entrants, Suppressed):
        return [str(one.of_entrants)] * 4
    whole = one.entrants_low == 1  # entrants are those who reached it
    return [
        number(one.n_reached),
        "100%" if whole else _share_cell(one.of_entrants, one.entrants_low, one.entrants_high),
        _share_cell(one.of_previous, one.previous_low, one.previous_high),
        _share_cell(one.of_all_customers, one.all_low, one.all_high),
    ]


def _rest_cells(one) -> list[str]:
    if isinstance(one.score, Suppressed):
        return [str(one.score)] * 5
    here = f"{_share_cell(one.score, one.ci_low, one.ci_high)} of {number(one.n)}"
    there = f"{_share_cell(one.score_compare, one.compare_low, one.compare_high)} of {number(one.n_compare)}"
    return [here, there, *_difference_cells(one)]


def _difference_cells(one) -> list[str]:
    if isinstance(one.difference, Suppressed):
        return [str(one.difference), DASH, DASH]
    points = DASH if pd.isna(one.difference) else with_interval(
        100 * one.difference, 100 * one.diff_low, 100 * one.diff_high, with_sign=True)  # fmt: skip
    return [points, p_text(one.p_adjusted), verdict(one.difference, one.p_adjusted)]


def _rate_name(result: Guarded, one) -> str:
    steps = result.params.steps
    if one.rate == "of_entrants":
        by = f"by day {days_of(result.window_days)}" if result.from_curve else window_text(result.params)
        return f"{stage_name(result, steps[0])} to {step_in_sentence(result, steps[-1])} {by}"
    before = steps[steps.index(one.step) - 1]
    return f"{stage_name(result, before)} to {step_in_sentence(result, one.step)}"


def _log_rank_text(result: Guarded, one) -> str:
    name = label(one.segment, result.study)
    if isinstance(one.p_value, Suppressed) or pd.isna(one.p_value):
        return f"{name}: curves not tested."
    return f"{name}: log-rank over {one.n_groups} groups, p adjusted {p_text(one.p_adjusted)}."


def _time_cell(one) -> str:
    return str(one.days) if isinstance(one.days, Suppressed) else duration(one.days, one.days_low, one.days_high)


def _count_cell(n: object) -> str:
    return str(n) if isinstance(n, Suppressed) else number(n)


def _share_cell(share: object, low: object, high: object) -> str:
    if isinstance(share, Suppressed):
        return str(share)
    if pd.isna(share):
        return DASH
    return percent(share) if pd.isna(low) else share_text(share, low, high)

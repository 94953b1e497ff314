"""What-if: what goes with better ratings, one driver at a time in a table, several at once by sliders."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE, z_of
from cxinsights.display.blocks import Block, Column, Nothing
from cxinsights.display.drivers.names import (
    aim_text,
    base_of,
    borrowed_note,
    change_text,
    is_fitted,
    is_linear,
    outcome_digits,
    outcome_name,
    outcome_scale,
)
from cxinsights.display.numbers import DASH, number, with_interval
from cxinsights.display.sliders import TENTH, Slider, WhatIf
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import column, label

__all__ = ["what_if"]

MOST_SLIDERS = 4
_LEAST_ROOM = TENTH


def what_if(result: Guarded) -> Block:
    """Sliders for the most important drivers that can be raised, and every driver's readings as a table."""
    if not is_fitted(result) or not len(result.what_if):
        return Nothing()
    frame = result.what_if[is_shown(result.what_if["performance"])]
    movable = frame[frame["surely"].astype(bool) & (frame["room"] >= _LEAST_ROOM)]
    at_hand = movable.head(MOST_SLIDERS if is_linear(result) else 0)
    sliders = _sliders(result, at_hand)
    covariance = _covariance(result, [one.key for one in sliders])
    scale, digits = outcome_scale(result), outcome_digits(result)
    ends = {column(name, result.study).max for name in frame["driver"]}
    reach = "the end of the scale" if set(frame["reach"]) <= ends else "the best unit’s mean rating"
    chosen = (
        f" There are sliders for the {spelled(len(sliders))} most important drivers that clearly go with it; the table "
        "has all."
        if len(movable) > len(sliders) > 0
        else ""
    )
    return WhatIf(
        key="what-if",
        title=_title(result, movable),
        subtitle=f"Difference in {outcome_name(result)} that goes with a higher mean rating, if today’s pattern holds"
        f"{borrowed_note(result)}",
        outcome=outcome_name(result),
        mean=scale * result.summary["outcome_mean"].iloc[0],
        digits=digits,
        span=(0.0, _axis_end(_highest(sliders, covariance))),
        sliders=sliders,
        covariance=covariance,
        columns=[
            Column("Driver", numeric=False),
            *(Column(n) for n in ("Today, to reach", "Difference there", f"Points for {aim_text(result)}")),
        ],
        rows=[_row(result, one) for one in frame.itertuples()],
        how="This carries today’s pattern forward: customers like these who rate a part higher answer so much "
        "differently, other ratings equal. It does not show that raising a rating would raise "
        f"{outcome_name(result)}; a trial would.{chosen}",
        caption=f"{base_of(result)} The level to reach is {reach}, or today’s where that is higher. "
        "95% intervals from the uncertainty of all coefficients together.",
    )  # fmt: skip


def _title(result: Guarded, movable: pd.DataFrame) -> str:
    """The smallest change that goes with the aim: of one driver, else of several, else that there is none."""
    aim = aim_text(result)
    alone = movable[movable["needed"].notna()].sort_values("needed", kind="stable")
    together = result.combination
    if result.params.costs and len(together) and together["reached"].all():
        return f"Least cost that goes with {aim}: {_shifts(result, together)}"
    if len(alone):
        one = alone.iloc[0]
        name = as_subject(in_sentence(label(one["driver"], result.study)))
        return f"{name} rated {number(one['needed'], 1)} points higher goes with {aim}"
    if len(together) and together["reached"].all():
        return f"{as_subject(spelled(len(together)))} drivers together go with {aim}: {_shifts(result, together)}"
    if len(together):  # as far as there is room
        one, digits = together.iloc[0], outcome_digits(result) and 2
        figures = (outcome_scale(result) * value for value in (one["change"], one["change_low"], one["change_high"]))
        points = " points" if digits == 0 else ""
        costs = result.params.costs
        all_with = " with a cost" if costs and costs.keys() < {*result.importance["driver"]} else ""
        most = f"{with_interval(*figures, digits)}{points} more of {outcome_name(result)}"
        if len(together) == 1:
            return f"The one driver{all_with} that clearly goes with it, at the level to reach: {most}"
        both = "Both" if len(together) == 2 else f"All {spelled(len(together))}"
        return f"{both} drivers{all_with} that clearly go with it, at the level to reach: {most}"
    return f"No rise within reach goes with {aim}"


def _shifts(result: Guarded, together: pd.DataFrame) -> str:
    parts = [
        f"{in_sentence(label(one.driver, result.study))} +{number(one.points, 1 if one.points >= 0.05 else 2)}"
        for one in together.itertuples()
    ]
    return joined(parts, 3)


def _row(result: Guarded, one) -> list[str]:
    if pd.isna(one.change):
        needed = "another rating repeats it"
    elif pd.isna(one.needed):
        needed = "more than there is room for" if one.surely else "not clear that any would"
    else:
        surely = f" ({number(one.needed_high, 1)} to be sure)" if pd.notna(one.needed_high) else ""
        needed = f"{number(one.needed, 1)}{surely}"
    has_room = one.room > 1e-9
    decimals = 1 if one.room >= _LEAST_ROOM / 2 else 2
    at_end = "at the top" if one.reach >= column(one.driver, result.study).max else "the best already"
    return [
        label(one.driver, result.study),
        f"{number(one.performance, decimals)} to {number(one.reach, decimals)}"
        if has_room
        else f"{number(one.performance, 1)}, {at_end}",
        change_text(result, one.change, one.change_low, one.change_high) if has_room and pd.notna(one.change) else DASH,
        needed if has_room else DASH,
    ]


def _sliders(result: Guarded, at_hand: pd.DataFrame) -> list[Slider]:
    """A slider for each, all at zero but that of the title's driver, which begins at the title's rise."""
    enough = at_hand["needed"].astype(float).dropna()
    first = enough.idxmin() if len(enough) else next(iter(at_hand.index), None)
    found = []
    for at, one in zip(at_hand.index, at_hand.itertuples(), strict=True):
        effect = outcome_scale(result) * one.change / one.room
        slider = Slider(one.driver, label(one.driver, result.study), one.performance, one.room, 0, effect)
        points = float(enough.get(at, 0.5))
        start = min(max(round(points / TENTH), 1), slider.steps) if at == first else 0
        found.append(replace(slider, start=start))
    return found


def _covariance(result: Guarded, drivers: list[str]) -> list[list[float]]:
    if not drivers:
        return []
    square = result.joint.set_index(["driver_a", "driver_b"])["covariance"].astype(float).unstack()  # noqa: PD010
    return (square.loc[drivers, drivers] * outcome_scale(result) ** 2).to_numpy(dtype=float).tolist()


def _highest(sliders: list[Slider], covariance: list[list[float]]) -> float:
    """The upper limit with all sliders at their ends."""
    rooms = np.array([one.room for one in sliders])
    if not len(rooms):
        return 0.0
    half = z_of(CONFIDENCE) * float(np.sqrt(rooms @ np.array(covariance) @ rooms))
    return float(sum(one.room * one.effect for one in sliders)) + half


def _axis_end(most: float) -> float:
    """A round number that the largest result stays under."""
    steps = (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 150, 200)
    return float(next((step for step in steps if step >= 1.05 * most), 200))

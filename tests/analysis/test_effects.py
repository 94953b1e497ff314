"""Difference in differences against its definition, its coverage under no effect, and what it does not tell."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxinsights.analysis.effects import FEWEST, fit_effect

BEFORE, AFTER = "2026Q2", "2026Q3"


def scores(changes: list[float], se: float | list[float] = 2.0, n: int = 400) -> pd.DataFrame:
    """Units u0, u1, … that moved so far from 30."""
    errors = se if isinstance(se, list) else [se] * len(changes)
    rows = [
        ("r", f"u{at}", period, 30 + moved, errors[at], n)
        for at, change in enumerate(changes)
        for period, moved in ((BEFORE, 0.0), (AFTER, change))
    ]
    return pd.DataFrame(rows, columns=["region", "unit", "period", "score", "se", "n"])


def test_units_of_equal_errors_give_the_textbooks_difference() -> None:
    """The other changes are a sample of what a change without any action is: a new one's interval by Student's t."""
    others = [1.0, -4.0, 3.0, 8.0, -6.0, 0.0, 5.0, -2.0]
    found = fit_effect(scores([9.0, *others]), ("r", "u0"), [], BEFORE, AFTER)
    spread = np.std(others, ddof=1)
    assert spread**2 > 2 * 2.0**2  # more than the answers' own errors: REML of equal errors is the sample's variance
    half = stats.t.ppf(0.975, len(others) - 1) * spread * np.sqrt(1 + 1 / len(others))
    assert (found.change, found.change_compare) == (9.0, pytest.approx(np.mean(others)))
    assert found.difference == pytest.approx(9.0 - np.mean(others))
    assert (found.diff_low, found.diff_high) == pytest.approx(
        (found.difference - half, found.difference + half), abs=1e-3
    )
    assert (found.n, found.n_compare, found.n_units) == (400, 400, 8)
    own = 2 * stats.t.sf(found.difference / half * stats.t.ppf(0.975, 7), 7)
    assert found.p_value == pytest.approx(own, rel=1e-3)


def test_without_any_action_the_interval_holds_zero_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(400):
        errors = list(rng.uniform(1, 4, 9))
        changes = list(rng.normal(0, np.sqrt(3**2 + 2 * np.square(errors))))
        found = fit_effect(scores(changes, errors), ("r", "u0"), [], BEFORE, AFTER)
        held.append(found.diff_low <= 0 <= found.diff_high)
    low, high = stats.binom.ppf([0.001, 0.999], len(held), 0.95)
    assert low <= sum(held) <= high


def test_units_that_act_themselves_are_not_compared_with() -> None:
    changes = [9.0, 1.0, -4.0, 3.0, 8.0, 50.0]
    found = fit_effect(scores(changes), ("r", "u0"), {("r", "u0"), ("r", "u5")}, BEFORE, AFTER)
    assert (found.n_units, found.change_compare) == (4, pytest.approx(2.0))


@pytest.mark.parametrize(
    "frame",
    [
        scores([9.0] + [1.0] * (FEWEST - 1)),
        scores([9.0] + [1.0] * 8).query("unit != 'u0' or period != @BEFORE"),
        scores([9.0] + [1.0] * 8).query("period == @AFTER"),
        scores([9.0] + [1.0] * 8).iloc[:0],
    ],
    ids=["few others", "no score of its own before", "nobody's before", "nothing"],
)
def test_what_cannot_be_told_is_none(frame: pd.DataFrame) -> None:
    assert fit_effect(frame, ("r", "u0"), [], BEFORE, AFTER) is None

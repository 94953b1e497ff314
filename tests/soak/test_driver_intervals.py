"""What the intervals, floor and letters of a driver regression are worth, over many made-up surveys.

Ratings are normal with one correlation, so that the true shares are known: Shapley values of the true matrix.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.drivers import fit_drivers
from cxinsights.analysis.importance import shapley
from cxinsights.analysis.pooling import fit_pool
from cxinsights.params import DriversParams
from tests.analysis.test_pooling import NAMES, asked, first, shares, units

pytestmark = pytest.mark.soak

SURVEYS, N = 1000, 500
CHANCE = 0.014
"""Two standard errors of a rate near 0.95 over so many surveys."""
WHERE = {"study": "s", "period": "p", "region": "_all", "unit": "_all"}


@dataclass(frozen=True)
class Found:
    """Rates over all surveys; of shape (p,) but for the last two."""

    true: np.ndarray
    share_held: np.ndarray
    coefficient_held: np.ndarray
    under_floor: np.ndarray
    r2_held: float
    false_split: float
    """Surveys in which two equal drivers, or two the wrong way round, were told apart."""


def survey(rng: np.random.Generator, slopes: np.ndarray, correlation: float) -> pd.DataFrame:
    own, halo = rng.normal(size=(N, len(slopes))), rng.normal(size=(N, 1))
    ratings = np.sqrt(1 - correlation) * own + np.sqrt(correlation) * halo
    frame = pd.DataFrame(ratings, columns=[f"r{at}_rating" for at in range(len(slopes))])
    return frame.assign(csat_score=ratings @ slopes + rng.normal(size=N))


def true_parts(slopes: np.ndarray, correlation: float) -> np.ndarray:
    k = len(slopes)
    among = np.full((k, k), correlation) + (1 - correlation) * np.eye(k)
    matrix = np.eye(k + 1)
    matrix[:k, :k] = among
    matrix[:k, k] = matrix[k, :k] = among @ slopes / np.sqrt(slopes @ among @ slopes + 1)
    return shapley(matrix, [1] * k)


def found_over(slopes: list[float], correlation: float, seed: int) -> Found:
    beta, rng = np.array(slopes), np.random.default_rng(seed)
    parts = true_parts(beta, correlation)
    true = parts / parts.sum()
    names = [f"r{at}_rating" for at in range(len(beta))]
    rows, whole = [], []
    for at in range(SURVEYS):
        asked = DriversParams(**WHERE, outcome="csat_score", drivers=names, n_boot=500, n_noise=200, seed=at)
        result = fit_drivers(survey(rng, beta, correlation), asked)
        shown = result.importance.set_index("driver").loc[names]
        own = result.coefficients.set_index("driver").loc[names]
        rows.append([
            (shown["share_low"] <= true) & (true <= shown["share_high"]),
            (own["coef_low"] <= beta) & (beta <= own["coef_high"]), shown["under_floor"],
        ])  # fmt: skip
        one, truth = result.summary.iloc[0], dict(zip(names, true, strict=True))
        split = result.differences[result.differences["told_apart"]]
        wrong = [
            (truth[a] - truth[b]) * difference < 1e-9
            for a, b, difference in zip(split["driver_a"], split["driver_b"], split["difference"], strict=True)
        ]
        whole.append((one["r_squared_low"] <= parts.sum() <= one["r_squared_high"], any(wrong)))
    rates, ends = np.array(rows, dtype=float).mean(axis=0), np.array(whole, dtype=float).mean(axis=0)
    found = Found(true, *rates, *ends)
    print(f"\n{slopes} at {correlation}: {found}")
    return found


def test_intervals_hold_what_is_true_and_letters_keep_their_error() -> None:
    found = found_over([0.6, 0.4, 0.3, 0.2, 0.1, 0.05], 0.4, seed=1)
    for held in (found.share_held, found.coefficient_held, np.array(found.r2_held)):
        assert ((held > 0.94 - CHANCE) & (held < 0.96 + CHANCE)).all()
    assert found.false_split <= 0.05


def test_equal_drivers_are_split_in_one_survey_of_twenty_at_most() -> None:
    assert found_over([0.4] * 6, 0.4, seed=2).false_split <= 0.05 + CHANCE


def test_an_uncorrelated_null_falls_under_the_floor_nineteen_times_in_twenty() -> None:
    found = found_over([0.5, 0.3, 0.3, 0.2, 0.2, 0.0], 0.0, seed=3)
    assert 0.95 - CHANCE < found.under_floor[-1] < 0.95 + CHANCE
    assert (found.under_floor[:-1] < 0.05).all()


def test_a_null_that_shares_the_halo_is_above_the_floor_and_its_coefficient_says_so() -> None:
    found = found_over([0.5, 0.3, 0.3, 0.2, 0.2, 0.0], 0.4, seed=4)
    assert found.under_floor[-1] < 0.05
    assert 0.94 - CHANCE < found.coefficient_held[-1] < 0.96 + CHANCE


def test_intervals_of_a_unit_that_borrows_hold_its_own_truth() -> None:
    """A unit of 120 answers among nine of 400, whose patterns differ as much as 150 answers by chance."""
    held = []
    for seed in range(SURVEYS):
        frame, true = units(150, seed)
        result = fit_drivers(first(frame), asked(seed=seed), pool=fit_pool(frame, asked()))
        shown, own = (table.set_index("driver").loc[NAMES] for table in (result.importance, result.coefficients))
        slopes, share = np.linalg.solve(true[:3, :3], true[:3, 3]), shares(true)
        held.append([
            (shown["share_low"] <= share) & (share <= shown["share_high"]),
            (own["coef_low"] <= slopes) & (slopes <= own["coef_high"]),
        ])  # fmt: skip
    found = np.array(held, dtype=float).mean(axis=0)
    print(f"\npooled: shares {found[0]}, coefficients {found[1]}")
    assert (found > 0.92).all()
    assert (found < 0.98).all()

"""Touch-point credit by hand; the reference cases hold it to R."""

import numpy as np
import pytest

from cxinsights.analysis.attribution import Moves, heuristic_credit, markov_credit

PATHS = [["x"], ["x", "y"], ["y"]]
WON, LOST = np.array([1.0, 2, 0]), np.array([3.0, 0, 4])


def test_a_chain_of_two_touchpoints_by_hand() -> None:
    """From the start 6 of 10 come to x; from x 1 converts, 2 go on to y, 3 are lost; from y 2 of 6 convert."""
    chain = Moves.of(PATHS, WON, LOST).chain()
    assert chain.touchpoints == ("x", "y")
    x, y = 1 / 6 + 2 / 6 * 2 / 6, 2 / 6
    assert chain.conversion_probability == pytest.approx(0.6 * x + 0.4 * y)
    without_x, without_y = 0.4 * y, 0.6 / 6
    assert chain.removal_effects == pytest.approx([1 - without_x / 0.3, 1 - without_y / 0.3])
    credit = markov_credit(chain, 3).set_index("touchpoint")
    assert credit["conversions"].sum() == pytest.approx(3)
    assert credit.loc["x", "conversions"] / credit.loc["y", "conversions"] == pytest.approx(
        chain.removal_effects[0] / chain.removal_effects[1]
    )


def test_heuristics_credit_the_first_the_last_or_all_alike() -> None:
    found = heuristic_credit(PATHS, WON, np.array([10.0, 30, 0])).set_index("touchpoint")
    assert found.loc["x"].tolist() == [3, 1, 2, 40, 10, 25]
    assert found.loc["y"].tolist() == [0, 2, 1, 0, 30, 15]
    assert "linear_value" not in heuristic_credit(PATHS, WON)


def test_without_conversions_there_is_nothing_to_share() -> None:
    credit = markov_credit(Moves.of(PATHS, np.zeros(3), LOST).chain(), 0)
    assert credit[["removal_effect", "conversions"]].isna().all(axis=None)


def test_draws_are_of_whole_paths_and_centre_on_the_chain() -> None:
    moves = Moves.of(PATHS, 50 * WON, 50 * LOST)
    drawn = [chain.counts for chain in moves.draws(200, np.random.default_rng(1))]
    assert all(counts[0].sum() == 500 for counts in drawn)
    assert np.mean(drawn, axis=0) == pytest.approx(moves.chain().counts, rel=0.03, abs=1)
    assert len({counts[1, 2] for counts in drawn}) > 10

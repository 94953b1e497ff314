"""Penalty and reward: what goes with low and with high ratings, and which is the larger."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.penalty_reward import penalty_reward
from cxinsights.errors import AnalysisError


def answers(n: int = 3000, seed: int = 1) -> pd.DataFrame:
    """`fails` costs when low and brings nothing when high, `delights` the other way round, `both` both alike."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.integers(1, 6, (n, 3)), columns=["fails", "delights", "both"]).astype(float)
    score = (
        -1.0 * (frame["fails"] <= 2) + 1.0 * (frame["delights"] >= 5)
        + 0.5 * (frame["both"] >= 5) - 0.5 * (frame["both"] <= 2)
    )  # fmt: skip
    return frame.assign(score=5 + score + rng.normal(0, 0.5, n))


def test_what_was_planted_is_found() -> None:
    found = penalty_reward(answers(), "score", ["fails", "delights", "both"], 2, 5).set_index("driver")
    assert found["larger"].to_dict() == {"fails": "costs_more", "delights": "brings_more", "both": "cannot_tell"}
    assert found["penalty"].tolist() == pytest.approx([-1, 0, -0.5], abs=0.1)
    assert found["reward"].tolist() == pytest.approx([0, 1, 0.5], abs=0.1)
    assert found.loc["both", "impact_asymmetry"] == pytest.approx(0, abs=0.15)
    assert found.loc["fails", "range_of_impact"] == pytest.approx(1, abs=0.15)
    inside = found[["asymmetry_low", "asymmetry", "asymmetry_high"]].to_numpy()
    assert (np.diff(inside, axis=1) > 0).all()


def test_a_side_that_few_took_is_missing() -> None:
    frame = answers()
    frame["fails"] = frame["fails"].where(frame["fails"] < 5, 4)
    frame.loc[:9, "fails"] = 5
    row = penalty_reward(frame, "score", ["fails", "delights"], 2, 5).set_index("driver").loc["fails"]
    assert row["n_high"] == 10
    assert np.isnan(row["reward"])
    assert np.isfinite(row["penalty"])
    assert row["larger"] == "cannot_tell"


def test_weights_count() -> None:
    frame = answers().assign(weight=lambda f: np.where(f["fails"] <= 2, 3.0, 1.0))
    plain, weighted = (penalty_reward(frame, "score", ["fails"], 2, 5, w) for w in (None, "weight"))
    assert plain["penalty"].item() != weighted["penalty"].item()


def test_bad_questions_are_refused() -> None:
    with pytest.raises(AnalysisError) as error:
        penalty_reward(answers(), "scores", ["fails"], 2, 5)
    assert str(error.value) == (
        "penalty and reward: unknown column 'scores'. Did you mean 'score'? Known: fails, delights, both, score."
    )
    with pytest.raises(AnalysisError) as error:
        penalty_reward(answers(), "score", ["fails"], 5, 5)
    assert str(error.value) == "penalty and reward: low_to (5) has to lie under high_from (5), with ratings between"


def test_answers_of_one_customer_are_one() -> None:
    frame = answers().assign(customer=lambda f: [f"c{at}" for at in f.index])
    columns = ["fails", "delights"]
    once, alone = (penalty_reward(frame, "score", columns, 2, 5, customers=who) for who in ("customer", None))
    pd.testing.assert_frame_equal(once, alone)
    pd.testing.assert_frame_equal(
        penalty_reward(frame.assign(customer=None), "score", columns, 2, 5, None, "customer"), alone
    )
    twice = penalty_reward(pd.concat([frame, frame]), "score", columns, 2, 5, customers="customer")
    assert twice["penalty_se"].tolist() == pytest.approx(once["penalty_se"].tolist(), rel=0.01)
    unknown = penalty_reward(pd.concat([frame, frame]), "score", columns, 2, 5)
    assert (unknown["penalty_se"] < 0.75 * twice["penalty_se"]).all()


def test_few_between_are_nothing_to_measure_from() -> None:
    frame = answers().assign(fails=lambda f: f["fails"].where(~f["fails"].between(3, 4), 5.0))
    frame.loc[:9, "fails"] = 3.0
    row = penalty_reward(frame, "score", ["fails", "both"], 2, 5).set_index("driver")
    assert row.loc["fails", ["penalty", "reward"]].isna().all()
    assert row.loc["both", ["penalty", "reward"]].notna().all()

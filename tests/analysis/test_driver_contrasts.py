"""Coefficients of a place against the rest and against the period before: the interaction of one model of both."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from cxinsights.analysis.driver_contrasts import fit_contrasts
from cxinsights.analysis.regression import fit_linear
from cxinsights.params import DriversParams

DRIVERS = ["a_rating", "b_rating"]


def answers(unit: str, period: str, n: int, slopes: tuple[float, float], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ratings = np.clip(np.round(rng.normal(7, 1.5, (n, 2))), 1, 10)
    frame = pd.DataFrame(ratings, columns=DRIVERS).assign(csat_score=ratings @ slopes + rng.normal(0, 2, n))
    return frame.assign(unit=unit, region="r", period=period, survey="relationship")


def params(unit: str, **more) -> DriversParams:
    where = {"study": "s", "period": "now", "region": "_all" if unit == "_all" else "r", "unit": unit}
    return DriversParams(**where, outcome="csat_score", drivers=DRIVERS, **more)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.concat(
        [
            answers("one", "now", 700, (1.0, 0.5), 1), answers("one", "before", 500, (0.5, 0.5), 2),
            answers("two", "now", 600, (0.5, 0.5), 3), answers("two", "before", 600, (0.5, 0.5), 4),
            answers("three", "now", 100, (0.5, 0.5), 5),
        ],
        ignore_index=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(frame: pd.DataFrame) -> pd.DataFrame:
    places = {("_all", "_all"): params("_all"), **{("r", unit): params(unit) for unit in ("one", "two", "three")}}
    return fit_contrasts(frame, places, "before").set_index(["unit", "against", "driver"])


def test_a_difference_is_the_interaction_in_one_model(frame: pd.DataFrame, found: pd.DataFrame) -> None:
    """Estimate of the interaction by statsmodels; error of two separate HC3 fits."""
    now = frame[frame["period"] == "now"]
    here = (now["unit"] == "one").to_numpy(dtype=float)
    x = now[DRIVERS].to_numpy()
    design = np.column_stack([np.ones(len(now)), x, here, x * here[:, None]])
    interaction = OLS(now["csat_score"].to_numpy(), design).fit().params[-2:]
    own = found.loc[("one", "rest")]
    assert own["difference"].tolist() == pytest.approx(interaction.tolist())
    assert (own["coefficient"] - own["other"]).tolist() == pytest.approx(interaction.tolist())
    sides = [fit_linear(x[here == side], now["csat_score"].to_numpy()[here == side]) for side in (1, 0)]
    se = np.hypot(sides[0].se[1], sides[1].se[1])
    assert own["diff_high"].iloc[0] - own["difference"].iloc[0] == pytest.approx(1.959964 * se)
    assert own["n_compare"].unique().tolist() == [700]


def test_what_was_planted_is_clear_and_nothing_else_is(found: pd.DataFrame) -> None:
    clear = found[found["is_clear"]]
    assert {(unit, against, driver) for unit, against, driver in clear.index if driver == "b_rating"} == set()
    assert {("one", "rest", "a_rating"), ("one", "previous", "a_rating")} <= set(clear.index)


def test_tests_of_all_places_are_one_family_of_each_kind(found: pd.DataFrame) -> None:
    for against in ("rest", "previous"):
        rows = found.xs(against, level="against")
        assert rows["is_clear"].tolist() == multipletests(rows["p_value"], method="fdr_bh")[0].tolist()


def test_a_side_with_too_few_answers_is_not_compared(found: pd.DataFrame) -> None:
    assert "three" not in found.index.get_level_values("unit")
    assert ("_all", "rest") not in found.index.droplevel("driver")


def test_models_of_other_kinds_and_other_drivers_are_not_compared(frame: pd.DataFrame) -> None:
    assert fit_contrasts(frame, {("r", "one"): params("one", model="ordered")}, "before").empty
    unasked = frame.assign(b_rating=frame["b_rating"].where(frame["period"] == "now"))
    assert set(fit_contrasts(unasked, {("r", "one"): params("one")}, "before")["against"]) == {"rest"}
    assert fit_contrasts(frame, {("r", "one"): params("one")}, None)["against"].unique().tolist() == ["rest"]


def test_answers_of_one_customer_are_one(frame: pd.DataFrame) -> None:
    alone = frame.assign(customer_id=[f"c{at}" for at in range(len(frame))])
    twice = pd.concat([alone, alone], ignore_index=True)
    one, two = (fit_contrasts(f, {("r", "one"): params("one")}, None) for f in (alone, twice))
    widths = [(f["diff_high"] - f["diff_low"]).to_numpy() for f in (one, two)]
    assert widths[1] == pytest.approx(widths[0], rel=0.02)


def test_a_question_that_does_not_apply_to_one_elsewhere_takes_nothing_away(frame: pd.DataFrame) -> None:
    places = {("_all", "_all"): params("_all"), ("r", "one"): params("one")}
    before = fit_contrasts(frame, places, None)
    one = frame.index[frame["unit"] == "two"][0]
    applies = frame.index != one
    frame = frame.assign(a_rating=frame["a_rating"].where(applies), a_rating_applies=applies)
    after = fit_contrasts(frame, places, None)
    assert after["driver"].tolist() == before["driver"].tolist() == ["a_rating", "b_rating"]
    assert after["difference"].tolist() == pytest.approx(before["difference"].tolist(), abs=0.03)

"""What-if: expected differences for shifted ratings, by hand, by brute force and by resampling."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.discrete.discrete_model import Logit
from statsmodels.tools.tools import add_constant

from cxinsights.analysis.drivers import fit_drivers, fit_with_model
from cxinsights.analysis.ordered import OrderedData
from cxinsights.analysis.what_if import LinearModel, OrderedModel, cheapest, read, shifts_table
from tests.analysis.test_drivers import params


def linear(coefficients=(2.0, 1.0, 0.5), applies=(1.0, 1.0, 0.5)) -> LinearModel:
    covariance = np.array([[0.04, 0.01, 0.0], [0.01, 0.09, 0.0], [0.0, 0.0, 0.01]])
    return LinearModel(np.array(coefficients), covariance, np.array(applies))


def ordered(n: int = 400, seed: int = 1, values=(-100.0, 0.0, 100.0)) -> OrderedModel:
    rng = np.random.default_rng(seed)
    columns = np.clip(np.round(rng.normal(7, 1.8, (n, 2))), 1, 10)
    wish = columns @ [0.6, 0.3] + rng.logistic(0, 1, n)
    outcome = np.searchsorted(np.quantile(wish, [0.4, 0.7]), wish)
    fit = OrderedData(columns, outcome).fit()
    rated = np.ones((n, 2), dtype=bool)
    return OrderedModel(
        fit.thresholds, fit.coefficients, fit.covariance, np.array(values), columns, np.full(n, 1 / n), [0, 1], rated,
        np.array([10.0, 10.0]),
    )  # fmt: skip


def test_a_linear_reading_is_by_hand() -> None:
    """Half the customers have the third driver: 1 · 2 + 2 · 0.5 · 0.5; variance 0.04 + 4 · 0.25 · 0.01."""
    found = read(linear(), np.array([1.0, 0.0, 2.0]))
    half = 1.959964 * np.sqrt(0.04 + 0.01)
    assert (found.change, found.low, found.high) == pytest.approx((2.5, 2.5 - half, 2.5 + half))


def test_nothing_shifted_is_nothing_changed() -> None:
    for model, p in ((linear(), 3), (ordered(), 2)):
        found = read(model, np.zeros(p))
        assert (found.change, found.low, found.high) == (0, 0, 0)


def test_an_ordered_reading_is_the_mean_over_customers() -> None:
    """Every customer's rating is raised by what brings the mean up by the shift, nobody's beyond 10."""
    model = ordered()
    found = read(model, np.array([0.5, 0.0]))
    ratings = model.columns[:, 0]
    steps = np.linspace(0, 3, 30_001)
    raised = np.array([np.minimum(ratings + step, 10).mean() for step in steps])
    moved = np.minimum(ratings + steps[np.searchsorted(raised, ratings.mean() + 0.5)], 10)

    def nps(first: np.ndarray) -> float:
        eta = np.column_stack([first, model.columns[:, 1]]) @ model.coefficients
        below = 1 / (1 + np.exp(-(model.thresholds - eta[:, None])))
        chances = np.column_stack([below[:, 0], below[:, 1] - below[:, 0], 1 - below[:, 1]])
        return (chances @ [-100, 0, 100]).mean()

    assert found.change == pytest.approx(nps(moved) - nps(ratings), abs=0.01)


def test_the_delta_methods_interval_is_what_draws_of_the_estimates_give() -> None:
    model = ordered()
    found = read(model, np.array([0.7, 0.3]))
    rng = np.random.default_rng(2)
    own = np.concatenate([model.thresholds, model.coefficients])
    drawn = []
    for values in rng.multivariate_normal(own, model.covariance, 2000):
        changed = OrderedModel(**{**vars(model), "thresholds": values[:2], "coefficients": values[2:]})
        drawn.append(changed.change(np.array([0.7, 0.3]))[0])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.high - found.low == pytest.approx(high - low, rel=0.08)
    assert found.change == pytest.approx(np.mean(drawn), abs=0.3)


def test_no_mean_rises_beyond_the_end_of_the_scale() -> None:
    model = ordered()
    room = 10 - model.columns[:, 0].mean()
    all_at_the_end = read(model, np.array([room, 0.0])).change
    assert read(model, np.array([room + 5, 0.0])).change == pytest.approx(all_at_the_end, abs=1e-6)


def test_what_each_driver_needs_for_the_aim() -> None:
    found = shifts_table(linear(), np.array([2.0, 2.0, 0.0]), aim=3.0)
    assert found["needed"].tolist() == pytest.approx([1.5, np.nan, np.nan], nan_ok=True)
    assert found.loc[0, "needed_high"] == pytest.approx(3.0 / (2 - 1.959964 * 0.2))
    assert found["change"].tolist() == pytest.approx([4.0, 2.0, 0.0])


def test_the_cheapest_combination_is_the_cheapest_of_all() -> None:
    """Against every combination on a grid of 0.1 points."""
    model, room, costs = linear(), np.array([1.0, 3.0, 3.0]), np.array([5.0, 1.0, 1.0])
    shifts, reached = cheapest(model, room, 4.0, costs, np.array([True, True, True]))
    grid = [np.arange(0, most + 1e-9, 0.1) for most in room]
    best = min(
        (np.array([a, b, c]) for a in grid[0] for b in grid[1] for c in grid[2]
         if model.change(np.array([a, b, c]))[0] >= 4.0 - 1e-9),
        key=lambda one: one @ costs,
    )  # fmt: skip
    assert reached
    assert best @ costs - 0.1 < shifts @ costs <= best @ costs + 1e-9
    assert model.change(shifts)[0] == pytest.approx(4.0)


def test_what_is_not_surely_good_is_left_where_it_is() -> None:
    shifts, reached = cheapest(linear(), np.full(3, 5.0), 1.0, np.ones(3), np.array([False, True, True]))
    assert (shifts.tolist(), reached) == (pytest.approx([0, 1.0, 0]), True)
    none, reached = cheapest(linear(), np.full(3, 5.0), 1.0, np.ones(3), np.zeros(3, dtype=bool))
    assert (none.tolist(), reached) == ([0, 0, 0], False)
    short, reached = cheapest(linear(), np.full(3, 0.2), 9.0, np.ones(3), np.ones(3, dtype=bool))
    assert (short.tolist(), reached) == (pytest.approx([0.2, 0.2, 0.2]), False)


def shop(n: int = 1500, seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ratings = np.clip(np.round(rng.normal(6.5, 1.8, (n, 3))), 1, 10)
    wish = ratings @ [1.0, 0.5, 0.0] + rng.normal(0, 2, n)
    places = np.argsort(np.argsort(wish)) / n
    names = ["a_rating", "b_rating", "c_rating"]
    return pd.DataFrame(ratings, columns=names).assign(nps_answer=np.floor(places * 11).clip(0, 10))


def test_a_report_goes_up_to_the_best_unit_and_no_further() -> None:
    frame = shop()
    today = frame["a_rating"].mean()
    best = pd.DataFrame({"driver": ["a_rating", "b_rating", "c_rating"], "best": [today + 0.4, today - 2, 99.0]})
    found = fit_drivers(frame, params(outcome="nps"), scale=(1, 10), best=best).what_if.set_index("driver")
    assert found.loc["a_rating", "room"] == pytest.approx(0.4)
    assert found.loc["b_rating", "room"] == 0
    assert found.loc["c_rating", "reach"] == 10
    own = found.loc["a_rating"]
    effect = fit_drivers(frame, params(outcome="nps")).coefficients.set_index("driver").loc["a_rating", "coefficient"]
    assert own["change"] == pytest.approx(0.4 * effect)


def test_five_points_of_nps_are_the_aim_and_costs_decide_the_way() -> None:
    plain = fit_drivers(shop(), params(outcome="nps"), scale=(1, 10))
    assert plain.summary["aim"].item() == 5
    assert plain.combination["driver"].tolist() == ["a_rating"]
    assert plain.combination["change"].iloc[0] == pytest.approx(5)
    asked = params(outcome="nps", costs={"a_rating": 10.0, "b_rating": 1.0}, aim=8.0)
    costly = fit_drivers(shop(), asked, scale=(1, 10))
    assert costly.summary["aim"].item() == 8
    assert costly.combination["driver"].tolist() == ["b_rating"]
    assert costly.combination["reached"].all()


@pytest.mark.parametrize("model", ["ordered", "top_box"])
def test_other_models_are_asked_alike(model: str) -> None:
    """All three models expect much the same of the same shift: their differences are those of their curves."""
    found = fit_drivers(shop(), params(outcome="nps", model=model, top_box_from=9), scale=(1, 10))
    shares = fit_drivers(
        shop().assign(csat_score=lambda f: (f["nps_answer"] >= 9) * 1.0), params(), scale=(1, 10)
    ) if model == "top_box" else fit_drivers(shop(), params(outcome="nps"), scale=(1, 10))  # fmt: skip
    own, linear_model = (one.what_if.set_index("driver")["needed"] for one in (found, shares))
    if model == "ordered":
        assert own["a_rating"] == pytest.approx(linear_model["a_rating"], rel=0.25)
    assert found.summary["aim"].item() == (0.05 if model == "top_box" else 5)
    assert found.joint.empty
    assert found.what_if.set_index("driver").loc["a_rating", "surely"]


def test_a_model_whose_columns_coincide_starts_from_what_was_answered() -> None:
    """Two ratings stop applying to the same people: today's top box is the observed one, and readings are logit's."""
    rng = np.random.default_rng(1)
    ratings = np.clip(np.round(rng.normal(6.5, 1.6, (1500, 3))), 1, 10)
    wish = ratings @ [0.5, 0.25, 0.15] + rng.logistic(0, 1.5, 1500)
    off = rng.random(1500) < 0.4
    frame = pd.DataFrame(ratings, columns=["a_rating", "b_rating", "c_rating"])
    frame = frame.assign(csat_score=np.searchsorted(np.quantile(wish, [0.3, 0.8]), wish) + 1.0)
    for name in ("a_rating", "b_rating"):
        frame = frame.assign(**{name: frame[name].where(~off), f"{name}_applies": ~off})
    result, fitted = fit_with_model(frame, params(model="top_box", top_box_from=3), scale=(1, 10))
    model, top = fitted.what_if, (frame["csat_score"] == 3).to_numpy(dtype=float)
    assert model._expected(model.columns)[0] == pytest.approx(top.mean(), abs=1e-6)
    columns = np.column_stack([~off, *(frame[n].fillna(frame[n].mean()) for n in ("a_rating", "b_rating", "c_rating"))])
    logit = Logit(top, add_constant(columns.astype(float))).fit(disp=0)
    own = result.coefficients.set_index("driver")["coefficient"]
    assert own[["a_rating", "b_rating", "c_rating"]].tolist() == pytest.approx(logit.params[2:].tolist(), rel=1e-4)


def test_a_driver_that_repeats_another_has_no_reading_of_its_own() -> None:
    rng = np.random.default_rng(2)
    ratings = np.clip(np.round(rng.normal(6.5, 1.6, (600, 2))), 1, 10)
    frame = pd.DataFrame(ratings, columns=["a_rating", "b_rating"]).assign(c_rating=ratings[:, 0])
    frame = frame.assign(csat_score=np.clip(np.round(ratings @ [0.3, 0.2] + rng.normal(0, 1, 600)), 1, 5))
    for model in ("linear", "ordered"):
        shifts = fit_drivers(frame, params(model=model), scale=(1, 10)).what_if.set_index("driver")
        assert shifts.loc[["a_rating", "c_rating"], ["change", "needed"]].isna().all(axis=None)
        assert shifts.loc["b_rating", "change"] > 0


def test_the_last_bit_of_room_is_used() -> None:
    shifts, reached = cheapest(linear(), np.array([0.19, 0.05, 0.0]), 5.0, np.ones(3), np.array([True, True, True]))
    assert shifts.tolist() == pytest.approx([0.19, 0.05, 0.0])
    assert not reached
    shifts, reached = cheapest(linear(), np.array([0.19, 0.05, 0.0]), 0.4, np.ones(3), np.array([True, True, True]))
    assert reached
    assert 2 * shifts[0] + shifts[1] == pytest.approx(0.4)

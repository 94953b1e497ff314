"""Partial pooling: between a unit's own pattern and that of all others, by how much units differ."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxinsights.analysis.design import outcome_values, prepare
from cxinsights.analysis.drivers import fit_drivers, fit_with_model
from cxinsights.analysis.importance import shapley
from cxinsights.analysis.pooling import borrow, centres_of, fit_pool, log_marginal
from cxinsights.analysis.resampling import Moments, moments
from cxinsights.errors import ParamsError
from cxinsights.params import DriversParams

NAMES = ["a_rating", "b_rating", "c_rating"]
WHERE = {"study": "s", "period": "p", "region": "_all", "unit": "_all"}
COMMON = np.array([[1, 0.4, 0.4, 0.72], [0.4, 1, 0.4, 0.54], [0.4, 0.4, 1, 0.36], [0.72, 0.54, 0.36, 2]])


def asked(**more) -> DriversParams:
    return DriversParams(**{
        **WHERE, "outcome": "csat_score", "drivers": NAMES, "n_boot": 400, "n_noise": 100,
        "small_units": "partial_pooling", **more,
    })  # fmt: skip


def units(extra: float, seed: int, sizes: tuple[int, ...] = (120, *[400] * 9)) -> tuple[pd.DataFrame, np.ndarray]:
    """Answers of units whose covariances scatter around the common ones, and the covariances of the first."""
    rng = np.random.default_rng(seed)
    law = stats.invwishart(df=extra + 5, scale=extra * COMMON)
    true = [law.rvs(random_state=rng) for _ in sizes]
    parts = [
        pd.DataFrame(rng.multivariate_normal(np.zeros(4), own, n), columns=[*NAMES, "csat_score"]).assign(unit=f"u{at}")
        for at, (n, own) in enumerate(zip(sizes, true, strict=True))
    ]
    return pd.concat(parts, ignore_index=True).assign(region="r"), true[0]


def first(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["unit"] == "u0"].reset_index(drop=True)


def shares(covariances: np.ndarray) -> np.ndarray:
    parts = shapley(Moments(np.zeros(4), covariances).correlations, [1] * 3)
    return parts / parts.sum()


def test_the_likelihood_of_one_column_is_the_f_distribution() -> None:
    """A scaled variance whose own scale is inverse gamma: mS / m over (scale / ν) is F with m and ν degrees."""
    own, m, scale = np.array([2.3, 0.7]), np.array([12.0, 30.0]), np.array([40.0, 25.0])
    found = [log_marginal(own[:, None, None], m, scale[:, None, None], nu) for nu in (6.0, 55.0)]
    unit = [scale / nu for nu in (6.0, 55.0)]
    known = [stats.f(m, nu).logpdf(own / at) - np.log(at) for nu, at in zip((6.0, 55.0), unit, strict=True)]
    assert found[1] - found[0] == pytest.approx(known[1] - known[0])


def test_what_is_common_is_that_of_the_others() -> None:
    """A unit's own covariances, weighted as its prior, and those of the pool without it."""
    frame, _ = units(200, seed=1)
    pool, params = fit_pool(frame, asked()), asked()
    own = first(frame)
    design = prepare(own, outcome_values(own, params), params, centres=centres_of(pool))
    found = borrow(design, pool, 200, np.random.default_rng(1))
    extra = pool["prior_answers"].iloc[0]
    sizes = frame.groupby("unit").size() - 1
    weights = sizes * extra / (sizes + extra)
    parts = {unit: moments(part[[*NAMES, "csat_score"]].to_numpy()).covariances for unit, part in frame.groupby("unit")}
    others = sum(weights[unit] * parts[unit] for unit in parts if unit != "u0") / weights.drop("u0").sum()
    expected = (extra * others + sizes["u0"] * parts["u0"]) / (extra + sizes["u0"])
    assert found.whole.covariances == pytest.approx(expected)
    assert found.borrowed == pytest.approx(extra / (extra + 119))
    assert found.drawn.covariances.mean(axis=0) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("extra", [60, 300])
def test_how_much_units_differ_is_found(extra: float) -> None:
    found = [fit_pool(units(extra, seed)[0], asked())["prior_answers"].iloc[0] for seed in range(12)]
    assert 0.6 * extra < np.median(found) < 1.2 * extra  # below: the others are not known for certain


def test_units_alike_are_worth_all_answers_there_are() -> None:
    rng = np.random.default_rng(3)
    draws = rng.multivariate_normal(np.zeros(4), COMMON, 4000)
    frame = pd.DataFrame(draws, columns=[*NAMES, "csat_score"]).assign(region="r", unit=np.arange(4000) % 10)
    assert 1000 < fit_pool(frame, asked())["prior_answers"].iloc[0] <= 3990


def test_borrowed_shares_lie_closer_to_the_truth_than_the_units_own_or_the_companys() -> None:
    errors = []
    for seed in range(25):
        frame, true = units(150, seed)
        result = fit_with_model(first(frame), asked(), pool=fit_pool(frame, asked()))[0]
        pooled = result.importance.set_index("driver").loc[NAMES, "share"].to_numpy()
        own, whole = (
            shares(moments(part[[*NAMES, "csat_score"]].to_numpy()).covariances) for part in (first(frame), frame)
        )
        errors.append([np.square(found - shares(true)).mean() for found in (pooled, own, whole)])
    pooled, own, whole = np.mean(errors, axis=0)
    assert pooled < 0.8 * own
    assert pooled < 0.8 * whole


def test_a_unit_with_few_answers_says_how_much_it_borrows() -> None:
    frame, _ = units(150, seed=2)
    pool = fit_pool(frame, asked())
    result = fit_drivers(first(frame), asked(), pool=pool)
    [summary] = result.summary.itertuples()
    assert (result.status, summary.n, summary.n_needed) == ("ok", 120, 200)
    assert summary.borrowed == pytest.approx(pool["prior_answers"].iloc[0] / (pool["prior_answers"].iloc[0] + 119))
    assert result.importance["share"].sum() == pytest.approx(1)
    assert result.coefficients["p_value"].isna().all()
    assert result.penalties.empty
    alone = fit_drivers(first(frame), asked())
    assert (alone.status, alone.reason) == ("too_few", "120 complete answers, 200 needed")
    enough = fit_drivers(frame, asked(), pool=pool)
    assert enough.summary["borrowed"].item() == 0


def test_a_rating_that_does_not_apply_to_everybody_has_one_centre_for_all() -> None:
    frame, _ = units(150, seed=4)
    applies = np.random.default_rng(1).random(len(frame)) < 0.7
    frame = frame.assign(c_rating=frame["c_rating"].where(applies) + 7, c_rating_applies=applies)
    pool = fit_pool(frame, asked())
    assert pool["column"].tolist() == ["a_rating", "b_rating", "c_rating_applies", "c_rating", "outcome"]
    assert centres_of(pool) == {"c_rating": pytest.approx(frame["c_rating"].mean())}
    own = first(frame)
    everybody = own.assign(c_rating_applies=True).dropna()  # here it applies to all: the indicator never varies
    result = fit_drivers(everybody, asked(min_base=200), pool=pool)
    assert result.status == "ok"
    assert result.importance["share"].sum() == pytest.approx(1)


def test_a_unit_with_hardly_a_whole_row_borrows_nothing() -> None:
    frame, _ = units(150, seed=5)
    own = first(frame)
    own.loc[29:, "b_rating"] = np.nan  # 29 rows are whole
    result = fit_drivers(own, asked(), pool=fit_pool(frame, asked()))
    assert (result.status, result.reason) == ("too_few", "fewer than 30 complete answers, 200 needed")
    own.loc[:, "b_rating_applies"] = own["b_rating"].notna()  # the pool knows of nobody to whom it does not apply
    assert fit_drivers(own, asked(), pool=fit_pool(frame, asked())).status == "too_few"


def test_a_driver_that_the_unit_does_not_ask_about_is_left_out() -> None:
    frame, _ = units(150, seed=5)
    result = fit_drivers(first(frame).assign(b_rating=np.nan), asked(), pool=fit_pool(frame, asked()))
    assert (result.status, result.left_out) == ("ok", ("b_rating",))
    assert sorted(result.importance["driver"]) == ["a_rating", "c_rating"]


def test_nothing_is_common_to_two_units_nor_where_a_rating_repeats_another_or_never_varies() -> None:
    frame, _ = units(150, seed=6)
    assert fit_pool(frame[frame["unit"].isin(["u0", "u1"])], asked()).empty
    assert fit_pool(frame.assign(b_rating=frame["a_rating"]), asked()).empty
    assert fit_pool(frame.assign(b_rating=5.0), asked()).empty


@pytest.mark.parametrize("changes", [{"model": "ordered"}, {"missing": "imputation"}])
def test_only_linear_models_of_whole_rows_are_pooled(changes: dict[str, str]) -> None:
    cell = asked().model_dump() | changes
    with pytest.raises(ParamsError) as error:
        DriversParams.from_cell(cell)
    assert str(error.value).endswith(
        "small_units: partial_pooling is for model: linear with missing: indicator or listwise; for others use "
        "small_units: company"
    )

"""The driver regression as notebooks call it: rules for missing answers, bases, refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxinsights.analysis.drivers import DriversResult, fit_drivers, rests_on
from cxinsights.errors import DataError, LeakError
from cxinsights.params import DriversParams

CASES = Path(__file__).parent.parent / "reference" / "cases"


def params(**changes) -> DriversParams:
    asked = {
        "study": "shops", "period": "2026Q3", "region": "shops", "unit": "north", "outcome": "csat_score",
        "drivers": ["a_rating", "b_rating", "c_rating"], "n_boot": 200, "n_noise": 100,
    }  # fmt: skip
    return DriversParams(**{**asked, **changes})


def answers(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Three ratings with strengths 3 : 1 : 0 and a shared mood."""
    rng = np.random.default_rng(seed)
    ratings = rng.normal(0, 1, (n, 3)) + 0.5 * rng.normal(0, 1, (n, 1))
    outcome = ratings @ [0.9, 0.3, 0.0] + rng.normal(0, 1, n)
    frame = pd.DataFrame(ratings, columns=["a_rating", "b_rating", "c_rating"])
    return frame.assign(csat_score=outcome)


def by_driver(result: DriversResult, column: str) -> dict[str, float]:
    return result.importance.set_index("driver")[column].to_dict()


def test_shares_sum_to_one_and_every_row_has_its_base() -> None:
    result = fit_drivers(answers(), params())
    assert result.status == "ok"
    assert result.importance["share"].sum() == pytest.approx(1)
    assert result.importance["driver"].tolist() == ["a_rating", "b_rating", "c_rating"]
    assert result.importance["rank"].tolist() == [1, 2, 3]
    for name in ("importance", "coefficients", "priority", "differences", "summary"):
        assert (getattr(result, name)["n"] == 600).all()
    inside = result.importance[["share_low", "share", "share_high"]].to_numpy()
    assert (np.diff(inside, axis=1) >= 0).all()
    assert len(result.draws) == 200


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_draws() -> None:
    one, two, other = (fit_drivers(answers(), params(seed=seed)) for seed in (3, 3, 4))
    assert_frame_equal(one.importance, two.importance, check_exact=True)
    assert not one.draws.equals(other.draws)


def test_a_driver_and_its_copy_share_alike_and_are_not_told_apart() -> None:
    frame = answers().assign(d_rating=lambda f: f["a_rating"])
    result = fit_drivers(frame, params(drivers=["a_rating", "b_rating", "c_rating", "d_rating"]))
    share = by_driver(result, "share")
    assert share["a_rating"] == pytest.approx(share["d_rating"])
    pairs = result.differences.set_index(["driver_a", "driver_b"])["told_apart"]
    assert not pairs[("a_rating", "d_rating")]
    letters = by_driver(result, "letters")
    assert letters["a_rating"] == letters["d_rating"]
    copies = result.coefficients.set_index("driver").loc[["a_rating", "d_rating"]]
    assert copies["coefficient"].isna().all()
    assert np.isinf(copies["vif"]).all()
    assert result.coefficients.set_index("driver").loc["b_rating", "coefficient"] == pytest.approx(
        fit_drivers(answers(), params()).coefficients.set_index("driver").loc["b_rating", "coefficient"]
    )


def test_a_null_driver_lies_under_the_noise_floor_nineteen_times_in_twenty() -> None:
    """A column of chance, alone among real ones: the floor is exceeded in about 5 of 100 surveys."""
    over = 0
    for seed in range(60):
        frame = answers(300, seed).assign(c_rating=np.random.default_rng(1000 + seed).normal(0, 1, 300))
        found = by_driver(fit_drivers(frame, params(n_boot=200)), "under_floor")
        assert not found["a_rating"]
        over += not found["c_rating"]
    assert over <= 8  # of 60 at 5 %: 3 expected, 9 or more once in two hundred


def test_listwise_and_pairwise_agree_with_r() -> None:
    """R relaimpo 2.2-7 on complete rows, and on cor(use = "pairwise.complete.obs"); 600 rows, 422 complete."""
    frame = pd.read_csv(CASES / "b_syn2_na.csv")
    names = ["quality", "service", "price", "delivery"]
    frame = frame.rename(columns={**{n: f"{n}_rating" for n in names}, "overall": "csat_score"}).drop(columns="weight")
    asked = {"drivers": [f"{n}_rating" for n in names]}
    listwise = fit_drivers(frame, params(missing="listwise", **asked))
    assert listwise.summary["n"].item() == 422
    assert by_driver(listwise, "r2_part") == pytest.approx(
        {"quality_rating": 0.2092957250858661, "service_rating": 0.10409915740465886,
         "price_rating": 0.06801186119289386, "delivery_rating": 0.049919141942237774}, rel=1e-9
    )  # fmt: skip
    pairwise = fit_drivers(frame, params(missing="pairwise", **asked))
    assert by_driver(pairwise, "r2_part") == pytest.approx(
        {"quality_rating": 0.19493797473952393, "service_rating": 0.0980351588722257,
         "price_rating": 0.07248560447900403, "delivery_rating": 0.05356433780924467}, rel=1e-9
    )  # fmt: skip
    assert pairwise.coefficients.set_index("driver")["standardised"].to_dict() == pytest.approx(
        {"quality_rating": 0.39408531851085715, "service_rating": 0.20047985653433456,
         "price_rating": 0.1649711680532064, "delivery_rating": 0.09680444623606049}, rel=1e-9
    )  # fmt: skip


def with_a_question_that_does_not_apply() -> pd.DataFrame:
    """A third of customers never used it; they are as satisfied as the others."""
    frame = answers(900)
    applies = np.arange(900) % 3 != 0
    return frame.assign(
        b_rating=frame["b_rating"].where(applies),
        b_rating_applies=applies,
        csat_score=frame["csat_score"] - np.where(applies, 0, 0.3 * frame["b_rating"]),
    )


def test_customers_to_whom_something_does_not_apply_stay() -> None:
    frame = with_a_question_that_does_not_apply()
    frame.loc[:8, "a_rating"] = np.nan  # nine blanks
    indicator, listwise = (fit_drivers(frame, params(missing=rule)) for rule in ("indicator", "listwise"))
    assert indicator.summary["n"].item() == 891
    assert listwise.summary["n"].item() == 594
    row = indicator.importance.set_index("driver").loc["b_rating"]
    assert (row["n"], row["n_missing"], row["n_does_not_apply"]) == (600, 0, 300)
    assert indicator.importance.set_index("driver").loc["a_rating", "n_missing"] == 9


def test_the_indicator_model_is_a_regression_with_indicator_and_centred_rating() -> None:
    frame = with_a_question_that_does_not_apply()
    rating = frame["b_rating"]
    design = np.column_stack([
        np.ones(900), frame["a_rating"], frame["b_rating_applies"],
        (rating - rating.mean()).fillna(0), frame["c_rating"],
    ]).astype(float)  # fmt: skip
    expected, *_ = np.linalg.lstsq(design, frame["csat_score"].to_numpy(), rcond=None)
    found = fit_drivers(frame, params()).coefficients.set_index("driver")["coefficient"]
    assert found.loc[["a_rating", "b_rating", "c_rating"]].tolist() == pytest.approx([*expected[[1, 3, 4]]])


def test_weights_count_and_scaling_them_does_not() -> None:
    frame = answers()
    weights = np.where(frame["a_rating"] > 0, 3.0, 1.0)
    plain = fit_drivers(frame, params())
    one, ten = (fit_drivers(frame.assign(weight=weights * f), params()) for f in (1, 10))
    assert one.importance["share"].tolist() == pytest.approx(ten.importance["share"].tolist())
    assert one.summary["r_squared"].item() != pytest.approx(plain.summary["r_squared"].item(), rel=1e-3)
    assert one.summary["n_effective"].item() < 600


def test_answers_of_one_customer_are_drawn_together() -> None:
    """Every answer given twice over: intervals as wide as with one answer each, not narrower by a root of two."""
    frame = answers(400).assign(customer_id=[f"c{i}" for i in range(400)])
    doubled = pd.concat([frame, frame], ignore_index=True)
    once, twice = (fit_drivers(f, params(n_boot=1000)).importance.iloc[0] for f in (frame, doubled))
    width = [row["share_high"] - row["share_low"] for row in (once, twice)]
    assert width[1] == pytest.approx(width[0], rel=0.15)
    assert fit_drivers(doubled, params()).summary["n_clusters"].item() == 400


def test_too_few_answers_are_a_result_with_the_companys_importance() -> None:
    company = fit_drivers(answers(), params()).importance
    small = answers(150, seed=2)
    result = fit_drivers(small, params(), company=company)
    assert (result.status, result.reason) == ("too_few", "150 complete answers, 200 needed")
    assert result.importance.empty
    assert result.from_company
    own = result.priority.set_index("driver")
    assert own["share"].to_dict() == pytest.approx(company.set_index("driver")["share"].to_dict())
    assert own.loc["a_rating", "performance"] == pytest.approx(small["a_rating"].mean())
    alone = fit_drivers(small, params())
    assert not alone.from_company
    assert list(alone.priority) == ["driver", "n", "performance", "perf_low", "perf_high"]


def test_the_least_base_grows_with_the_drivers() -> None:
    names = [f"r{i}_rating" for i in range(16)]
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(0, 1, (230, 16)), columns=names).assign(csat_score=rng.normal(0, 1, 230))
    result = fit_drivers(frame, params(drivers=names))
    assert (result.status, result.reason) == ("too_few", "230 complete answers, 240 needed")


def test_a_driver_hardly_anyone_rated_is_left_out_and_named() -> None:
    frame = answers()
    frame.loc[10:, "c_rating"] = np.nan
    result = fit_drivers(frame, params())
    assert result.left_out == ("c_rating",)
    assert set(result.importance["driver"]) == {"a_rating", "b_rating"}
    assert result.summary["n"].item() == 600


def test_no_answers_are_a_result() -> None:
    empty = fit_drivers(answers().iloc[:0], params())
    assert (empty.status, empty.reason) == ("no_data", "csat_score has no answers: this unit has none in the period")
    unasked = fit_drivers(answers().assign(csat_score=np.nan), params())
    assert (unasked.status, unasked.reason) == ("no_data", "csat_score has no answers here")


def test_a_part_of_the_outcome_is_no_driver() -> None:
    with pytest.raises(LeakError) as error:
        fit_drivers(answers(), params(outcome_parts=["b_rating"]))
    assert str(error.value) == (
        "drivers: b_rating cannot explain csat_score: b_rating is named as a part of the outcome (outcome_parts). "
        "Take it off the drivers."
    )
    with pytest.raises(LeakError) as error:
        fit_drivers(answers(), params(drivers=["a_rating", "csat_score"]))
    assert str(error.value) == (
        "drivers: csat_score cannot explain csat_score: csat_score is the outcome itself. Take it off the drivers."
    )
    with pytest.raises(LeakError) as error:
        fit_drivers(answers().assign(nps_answer=5.0), params(outcome="nps", drivers=["a_rating", "nps_answer"]))
    assert str(error.value) == (
        "drivers: nps_answer cannot explain nps: nps_answer is the outcome itself. Take it off the drivers."
    )


def test_a_driver_that_repeats_the_outcome_is_refused() -> None:
    frame = answers()
    frame["c_rating"] = frame["csat_score"] + np.random.default_rng(0).normal(0, 0.02, 600)
    result = fit_drivers(frame, params())
    assert result.status == "refused"
    assert result.reason == "c_rating correlates 1.00 with the outcome: it measures the same thing"
    assert result.importance.empty


def test_pairwise_correlations_that_no_data_could_have_are_refused() -> None:
    """Three thirds of the rows, each with two of three ratings, in contradiction: a ≈ b, b ≈ c, a ≈ −c."""
    rng = np.random.default_rng(8)
    base = rng.normal(0, 1, 900)
    noise = rng.normal(0, 0.2, (900, 3))
    a, b, c = base + noise[:, 0], base + noise[:, 1], base + noise[:, 2]
    third = np.arange(900) % 3
    c = np.where(third == 2, -c, c)
    frame = pd.DataFrame({"a_rating": a, "b_rating": b, "c_rating": c, "csat_score": rng.normal(0, 1, 900)})
    frame.loc[third == 0, "c_rating"] = np.nan
    frame.loc[third == 1, "a_rating"] = np.nan
    frame.loc[third == 2, "b_rating"] = np.nan
    result = fit_drivers(frame, params(missing="pairwise"))
    assert result.status == "refused"
    assert result.reason.startswith("pairwise correlations contradict each other (least eigenvalue -0.")
    assert result.reason.endswith("): use missing: indicator or listwise")


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(DataError) as error:
        fit_drivers(answers(), params(drivers=["a_ratings"]))
    assert str(error.value) == (
        "drivers: unknown column 'a_ratings'. Did you mean 'a_rating'? Known: a_rating, b_rating, c_rating, csat_score."
    )


def test_the_quarters_of_the_priority_matrix() -> None:
    result = fit_drivers(answers(2000), params())
    frame = result.priority.set_index("driver")
    line, level = frame["share"].mean(), frame["performance"].mean()
    for name, row in frame.iterrows():
        important, strong = row["share"] >= line, row["performance"] >= level
        assert row["quarter"] == {
            (True, False): "work_on_first", (True, True): "keep_strong",
            (False, False): "watch", (False, True): "hold",
        }[important, strong], name  # fmt: skip
    crossing = (frame["share_low"] <= line) & (frame["share_high"] >= line)
    assert not frame.loc[crossing, "certain"].any()


def test_the_answers_are_not_changed() -> None:
    frame = with_a_question_that_does_not_apply()
    before = frame.copy(deep=True)
    fit_drivers(frame, params())
    assert_frame_equal(frame, before)


def test_where_nothing_varies_there_is_nothing_to_explain() -> None:
    constant = fit_drivers(answers().assign(csat_score=4.0), params())
    assert (constant.status, constant.reason) == (
        "refused", "csat_score is the same in all answers: nothing can be explained",
    )  # fmt: skip
    flat = fit_drivers(answers().assign(a_rating=5.0, b_rating=5.0, c_rating=5.0), params())
    assert flat.reason == "every rating is the same in all answers: nothing can be explained"


def test_ratings_that_nobody_was_asked_are_no_data() -> None:
    result = fit_drivers(answers().assign(a_rating=np.nan, b_rating=np.nan, c_rating=np.nan), params())
    assert (result.status, result.reason) == ("no_data", "no rating has answers enough in this period")


def test_text_is_no_rating_and_is_not_quoted() -> None:
    with pytest.raises(DataError) as info:
        fit_drivers(answers().assign(a_rating="the lady was rude"), params())
    assert str(info.value) == "drivers: a_rating holds text, not numbers. Known: b_rating, c_rating, csat_score."


def test_ratings_never_answered_together_are_refused_pairwise() -> None:
    frame = answers()
    frame.loc[:300, "a_rating"] = np.nan
    frame.loc[301:, "b_rating"] = np.nan
    result = fit_drivers(frame, params(missing="pairwise"))
    assert result.reason == (
        "pairwise: some ratings are never answered together, or do not vary where they are: use missing: indicator or "
        "listwise"
    )


def test_a_rare_top_box_is_too_few() -> None:
    frame = answers()
    frame["csat_score"] = np.where(frame["csat_score"].rank() > 590, 5.0, 3.0)
    result = fit_drivers(frame, params(model="top_box", top_box_from=5))
    assert (result.status, result.reason) == ("too_few", "fewer than 30 answers in the top box")
    frame["csat_score"] = np.where(frame["csat_score"] == 5, 3.0, 5.0)
    result = fit_drivers(frame, params(model="top_box", top_box_from=5))
    assert (result.status, result.reason) == ("too_few", "fewer than 30 answers under the top box")
    assert rests_on(frame, params(model="top_box", top_box_from=5)) == "company"


def test_a_copy_of_the_answer_leaks_however_the_outcome_is_coded() -> None:
    """NPS takes eleven answers as three; a copy of the answer correlates less with them than with itself."""
    frame = answers()
    answer = np.floor(frame["csat_score"].rank(pct=True) * 10.99)
    frame = frame.assign(nps_answer=answer, b_rating=answer)
    for model in ("linear", "ordered", "top_box"):
        result = fit_drivers(frame, params(outcome="nps", model=model))
        assert (result.status, result.reason) == (
            "refused", "b_rating correlates 1.00 with the outcome: it measures the same thing"
        )  # fmt: skip


def test_ratings_that_never_both_apply_have_no_penalties() -> None:
    frame = answers()
    shop = np.arange(600) % 2 == 0
    frame = frame.assign(a_rating=frame["a_rating"].where(shop), a_rating_applies=shop)
    frame = frame.assign(b_rating=frame["b_rating"].where(~shop), b_rating_applies=~shop)
    result = fit_drivers(frame, params())
    assert (result.status, result.summary["n"].item()) == ("ok", 600)
    assert result.penalties.empty


def test_penalties_count_nobody() -> None:
    published = fit_drivers(answers().round().clip(1, 5), params()).penalties
    assert not {"n_low", "n_high", "intercept", "r_squared"} & {*published}


def test_the_aim_is_a_part_of_the_scale_whatever_is_answered() -> None:
    frame = answers()
    assert fit_drivers(frame, params(), outcome_scale=(1, 5)).summary["aim"].item() == pytest.approx(0.2)
    spread = frame["csat_score"].max() - frame["csat_score"].min()
    assert fit_drivers(frame, params()).summary["aim"].item() == pytest.approx(spread / 20)


def test_a_draw_that_explains_nothing_has_equal_shares() -> None:
    frame = pd.DataFrame({"a_rating": [1.0, 2, 1, 2] * 60, "csat_score": [1.0, 1, 2, 2] * 60})
    shown = fit_drivers(frame, params(drivers=["a_rating"])).importance.iloc[0]
    assert (shown["share"], shown["share_low"], shown["share_high"]) == (1, 1, 1)

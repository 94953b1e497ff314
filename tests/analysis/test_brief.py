"""What the brief names and ranks, against a simulation of what it multiplies, and rule by rule."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.brief import BriefResult, Record, fit_brief
from cxinsights.params import BriefParams

PARAMS = BriefParams(study="s", period="now", region="r", unit="one")
Z = 1.959963984540054
SCORES = pd.DataFrame({"survey": "relationship", "metric": ["nps", "csat"], "question": "asked", "score": [10.0, 0.7]})


def ratings(**own: tuple[str, float, float, float, bool]) -> pd.DataFrame:
    """By driver: against what, mean here, mean there, error of the difference, whether it is clear."""
    rows = [
        (against, name.rstrip("_"), 400, 4000, here, here - 0.1, here + 0.1, there, here - there, here - there - Z * se,
         here - there + Z * se, 0.01, 0.5, clear)
        for name, (against, here, there, se, clear) in own.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "against", "driver", "n", "n_compare", "score", "ci_low", "ci_high", "score_compare", "difference", "diff_low",
        "diff_high", "p_value", "effect_size", "is_clear",
    ])  # fmt: skip


def drivers(**own: tuple[float, float, float, float]) -> Record:
    """By driver: slope among all, its error, room to the best unit, importance."""
    shifts = pd.DataFrame(
        [(name, 400, 6.0, 5.9, 6.1, 6.0 + room, room, slope * room, (slope - Z * se) * room, (slope + Z * se) * room,
          slope > Z * se)
         for name, (slope, se, room, _) in own.items()],
        columns=["driver", "n", "performance", "perf_low", "perf_high", "reach", "room", "change", "change_low",
                 "change_high", "surely"],
    )  # fmt: skip
    importance = pd.DataFrame(
        {"driver": list(own), "share": [one[3] for one in own.values()], "under_floor": [False] * len(own)}
    )
    return Record("ok", "", "", {"what_if": shifts, "importance": importance})


def brief(frame: pd.DataFrame, *, params: BriefParams = PARAMS, **records: Record) -> BriefResult:
    given = {"scorecard": Record("ok", "", "", {"scores": SCORES}), **records}
    return fit_brief(frame, params, given, analyses=("scorecard", "funnel", "drivers"))


def test_a_step_says_what_the_driver_report_says() -> None:
    found = brief(ratings(a=("rest", 6.0, 6.8, 0.1, True)), drivers=drivers(a=(12.0, 1.5, 2.0, 0.5))).steps.iloc[0]
    assert (found["found"], found["name"], found["evidence"]) == ("rating", "a", "clear_pattern")
    assert (found["score"], found["score_compare"], found["reach"]) == (6.0, 6.8, 8.0)
    assert found["change"] == 24.0
    assert (found["change_low"], found["change_high"]) == pytest.approx((24 - Z * 3, 24 + Z * 3))
    assert found["detectable"] == pytest.approx(2.8 * np.sqrt(2) * 0.1 / Z, rel=0.01)  # of ratings ± 0.1 at 95 %


def test_what_most_goes_with_comes_first_and_is_clear_where_it_is_low() -> None:
    frame = ratings(
        a=("rest", 6.0, 6.2, 0.05, True), b=("rest", 6.0, 7.0, 0.1, False), c=("rest", 6.0, 5.9, 0.1, True),
        d=("rest", 6.0, 7.5, 0.1, True),
    )  # fmt: skip
    slopes = drivers(
        a=(10.0, 1.0, 1.0, 0.4), b=(8.0, 1.0, 3.0, 0.3), c=(9.0, 1.0, 2.0, 0.2), d=(0.5, 1.0, 3.0, 0.1),
    )  # fmt: skip
    found = brief(frame, params=PARAMS.model_copy(update={"n_steps": 6}), drivers=slopes).steps
    assert [*zip(found["name"], found["evidence"], found["change"], strict=True)] == [
        ("b", "some_pattern", 24.0), ("c", "some_pattern", 18.0), ("a", "clear_pattern", 10.0),
    ]  # fmt: skip
    assert found["rank"].tolist() == [1, 2, 3]  # d may go with nothing at all
    assert brief(frame, params=PARAMS.model_copy(update={"n_steps": 1}), drivers=slopes).steps["name"].tolist() == ["b"]


def test_a_rating_is_a_reason_where_it_is_clearly_low_and_goes_with_the_score() -> None:
    frame = ratings(
        a=("rest", 6.0, 6.2, 0.05, True), b=("rest", 6.0, 7.0, 0.1, True), b_=("year_ago", 6.0, 6.5, 0.1, True),
        c=("rest", 6.0, 6.5, 0.2, False), d=("rest", 6.0, 7.5, 0.1, True), e=("rest", 6.0, 5.0, 0.1, True),
    )  # fmt: skip
    slopes = dict.fromkeys("abce", (10.0, 1.0, 3.0, 0.2))
    found = brief(frame, drivers=drivers(**slopes, d=(0.5, 1.0, 3.0, 0.1))).reasons
    assert [*zip(found["name"], found["against"], strict=True)] == [("b", "year_ago"), ("b", "rest"), ("a", "rest")]
    assert (found["found"] == "rating").all()


def test_a_rating_that_fell_is_a_reason_though_no_unit_has_a_better_one() -> None:
    """There is no room left to a better unit, so that what reaching it goes with is nothing; it fell all the same."""
    frame = ratings(a=("year_ago", 8.0, 8.6, 0.1, True), b=("year_ago", 6.0, 6.4, 0.1, True))
    found = brief(frame, drivers=drivers(a=(10.0, 1.0, 0.0, 0.5), b=(10.0, 1.0, 2.0, 0.2)))
    assert found.reasons["name"].tolist() == ["b", "a"]
    assert found.steps["name"].tolist() == ["b"]


def test_a_driver_whose_importance_is_not_shown_is_no_noise() -> None:
    shown = drivers(a=(10.0, 1.0, 2.0, 0.5), b=(10.0, 1.0, 1.0, 0.2))
    part = Record("ok", "", "", {**shown.tables, "importance": shown.table("importance").iloc[1:]})
    assert brief(ratings(), drivers=part).steps["name"].tolist() == ["a", "b"]


def test_without_drivers_of_its_own_what_is_low_is_to_be_tested() -> None:
    frame = ratings(a=("rest", 6.0, 6.2, 0.05, True), b=("rest", 6.0, 7.0, 0.1, True))
    found = brief(frame, drivers=Record("too_few", "", "", {}))
    assert [*zip(found.steps["name"], found.steps["evidence"], strict=True)] == [
        ("b", "to_be_tested"), ("a", "to_be_tested"),
    ]  # fmt: skip
    assert found.steps["change"].isna().all()
    assert not found.ranked
    assert found.missing == {"funnel": "not made", "drivers": "too_few"}


def journey(**own: tuple[float, float]) -> Record:
    """By step: difference from the rest, adjusted p."""
    rows = [("of_previous", name, 300, 0.45, 0.4, 0.5, 3000, 0.45 - d, d, d - 0.05, d + 0.05, p)
            for name, (d, p) in own.items()]  # fmt: skip
    columns = ["rate", "step", "n", "score", "ci_low", "ci_high", "n_compare", "score_compare", "difference",
               "diff_low", "diff_high", "p_adjusted"]  # fmt: skip
    return Record("ok", "", "", {"rests": pd.DataFrame(rows, columns=columns)})


def test_the_step_that_clearly_fewer_take_is_a_reason_and_comes_first() -> None:
    funnel = journey(quote=(-0.1, 0.2), approved=(-0.3, 0.001), active=(-0.2, 0.001))
    found = brief(
        ratings(b=("rest", 6.0, 7.0, 0.1, True)), funnel=funnel,
        drivers=drivers(b=(8.0, 1.0, 3.0, 0.3), c=(8.0, 1.0, 3.0, 0.3)),
    )  # fmt: skip
    assert found.reasons.loc[found.reasons["found"] == "step", "name"].tolist() == ["approved"]
    assert found.steps["name"].tolist() == ["approved", "b", "c"]
    assert not len(brief(ratings(), funnel=journey(quote=(-0.1, 0.2), active=(0.2, 0.001))).reasons)


def test_the_group_furthest_below_the_others_on_the_leading_score() -> None:
    rows = [
        ("nps", "age", "young", -9.0, 0.001), ("nps", "age", "old", 9.0, 0.001), ("nps", "channel", "web", -12.0, 0.3),
        ("nps", "channel", "app", -5.0, 0.01), ("csat", "age", "young", -0.3, 0.001),
    ]  # fmt: skip
    groups = pd.DataFrame(rows, columns=["metric", "segment", "group", "difference", "p_adjusted"]).assign(
        survey="relationship", n=100, n_compare=300, score=5.0, ci_low=0.0, ci_high=10.0, diff_low=-15.0, diff_high=-1.0
    )
    other = pd.DataFrame({"survey": "mystery", "metric": ["csat"], "question": "asked", "score": [0.5]})
    more = groups.assign(survey="mystery", metric="csat", group="a shop", difference=-20.0)
    tables = {"scores": pd.concat([other, SCORES]), "segments": pd.concat([more, groups])}
    card = Record("ok", "", "", tables)
    found = fit_brief(ratings(), PARAMS, {"scorecard": card}).reasons
    assert found[["found", "name", "against"]].to_numpy().tolist() == [["group", "age=young", "nps"]]
    assert found["score_compare"].tolist() == [14.0]
    worse = fit_brief(ratings(), PARAMS, {"scorecard": card}, low_is_better=["nps"]).reasons
    assert worse["name"].tolist() == ["age=old"]


def test_a_segment_that_moved_goes_before_one_that_differs() -> None:
    rows = [("A", "rest", 0.10, 0.001), ("B", "previous", -0.04, 0.01), ("C", "previous", -0.09, 0.2)]
    mix = pd.DataFrame(rows, columns=["segment", "comparison", "difference", "p_adjusted"]).assign(
        n=500, n_compare=5000, share=0.3, share_low=0.25, share_high=0.35, share_rest=0.2, diff_low=-1.0, diff_high=1.0
    )
    found = brief(ratings(), segmentation=Record("ok", "", "", {"mix": mix})).reasons
    assert found[["found", "name", "against"]].to_numpy().tolist() == [["segment", "B", "previous"]]


@pytest.mark.parametrize("status", ["too_few", "no_data"])
def test_without_a_score_there_is_nothing_to_explain(status: str) -> None:
    found = fit_brief(ratings(), PARAMS, {"scorecard": Record(status, "South is not shown", "", {})})
    assert (found.status, found.reason) == (status, "South is not shown")
    nothing = fit_brief(ratings(), PARAMS, {})
    assert (nothing.status, nothing.reason) == ("no_data", "its scorecard has not been made")

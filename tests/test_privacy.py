"""What the guard lets through, and that nothing it hides can be had from what it shows."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxinsights.analysis.results import private, table
from cxinsights.errors import PrivacyError
from cxinsights.params import ALL, PeriodScheme, PrivacyRules, ScorecardParams, Study
from cxinsights.privacy import Suppressed, guard, is_shown

FEWEST = 10


@dataclass(frozen=True)
class Result:
    params: ScorecardParams
    status: str = "ok"
    reason: str = ""
    scores: pd.DataFrame = table(keep=["unit"])
    staff: pd.DataFrame = table("n_staff", keep=["unit"], whose="employees")
    people: pd.DataFrame = private()
    made: pd.DataFrame = table(keep=["unit"], adds_up=True)
    left_out: tuple[str, ...] = ("site",)


@dataclass(frozen=True)
class Loose:
    params: ScorecardParams
    status: str = "ok"
    reason: str = ""
    scores: pd.DataFrame = table(keep=["unit"])
    people: pd.DataFrame | None = None


PARAMS = ScorecardParams(study="shops", period="2026Q3", region="shops", unit=ALL)


@pytest.fixture
def study() -> Study:
    """Nothing but names and thresholds: 10 answers of customers, 5 of employees."""
    region = {"label": "Shops", "units": {"a": {"label": "A"}}}
    mapping = {"sources": [{"files": "a.csv"}], "columns": {"response_id": "id"}}
    return Study(
        name="shops", label="Shops", about="Made up.", periods=PeriodScheme(every="quarter"),
        tables={"responses": mapping}, regions={"shops": region},
    )  # fmt: skip


def scores(*bases: int, **more: object) -> pd.DataFrame:
    names = [chr(ord("a") + at) for at in range(len(bases))]
    frame = pd.DataFrame({"unit": names, "n": bases, "score": [10.5 + at for at in range(len(bases))]})
    return frame.assign(ci_low=frame["score"] - 1, state="steady", **more)


@pytest.mark.parametrize("compute", [float, int, np.float64, lambda hidden: np.array([hidden]).astype(float)])
def test_a_hidden_figure_has_no_value_to_compute_with(compute) -> None:
    with pytest.raises(PrivacyError) as info:
        compute(Suppressed(10))
    assert str(info.value) == "A suppressed figure (not shown, under 10) has no value to compute with."
    with pytest.raises(PrivacyError) as info:
        compute(Suppressed(5, "complement"))
    assert str(info.value) == (
        "A suppressed figure (not shown, it would give another away) has no value to compute with."
    )


@pytest.mark.parametrize(
    "compute",
    [
        sum,
        max,
        math.fsum,
        lambda figures: pd.Series(figures).sum(),
        lambda figures: pd.Series(figures).mean(),
        lambda figures: pd.Series(figures).max(),
        lambda figures: pd.Series(figures) * 2,
        lambda figures: pd.to_numeric(pd.Series(figures)),
    ],
)
def test_a_hidden_figure_takes_part_in_no_arithmetic(compute) -> None:
    with pytest.raises((PrivacyError, TypeError)):
        compute([1.0, Suppressed(10)])


def test_a_hidden_figure_is_neither_missing_nor_zero() -> None:
    hidden = Suppressed(10)
    assert not pd.isna(hidden)
    assert hidden != 0
    assert hidden != Suppressed(10, "complement")
    assert is_shown(pd.Series([1.0, hidden, np.nan], dtype=object)).tolist() == [True, False, True]


def test_small_bases_are_hidden_in_every_column_but_the_kept_ones(study: Study) -> None:
    shown = guard(Result(PARAMS, scores=scores(9, 10, 0)), study).scores
    assert shown["unit"].tolist() == ["a", "b", "c"]
    assert shown["n"].tolist() == [9, 10, 0]
    assert shown.loc[0, ["score", "ci_low", "state"]].tolist() == [Suppressed(10)] * 3
    assert shown.loc[1, ["score", "ci_low", "state"]].tolist() == [11.5, 10.5, "steady"]
    assert shown.loc[2, "score"] == 12.5  # no answers, nobody to protect


def test_customers_and_employees_have_thresholds_of_their_own(study: Study) -> None:
    staff = scores(4, 5).rename(columns={"n": "n_staff"})
    guarded = guard(Result(PARAMS, scores=scores(9, 10), staff=staff), study)
    assert guarded.scores["score"].tolist() == [Suppressed(10), 11.5]
    assert guarded.staff["score"].tolist() == [Suppressed(5), 11.5]
    strict = study.model_copy(update={"privacy": PrivacyRules(customer_min=30, employee_min=6)})
    guarded = guard(Result(PARAMS, scores=scores(29, 30), staff=staff), strict)
    assert guarded.scores["score"].tolist() == [Suppressed(30), 11.5]
    assert guarded.staff["score"].tolist() == [Suppressed(6)] * 2


def test_a_row_whose_base_is_not_known_is_not_shown(study: Study) -> None:
    frame = scores(50, 50).assign(n=[50, np.nan])
    assert is_shown(guard(Result(PARAMS, scores=frame), study).scores["score"]).tolist() == [True, False]


def test_rows_the_plan_hides_and_small_ones_say_which_they_are(study: Study) -> None:
    guarded = guard(Result(PARAMS, scores=scores(9, 20, 30, hidden=[True, True, False])), study)
    assert guarded.scores["score"].tolist() == [Suppressed(10), Suppressed(10, "complement"), 12.5]
    assert "hidden" not in guarded.scores
    assert "hidden" not in guard(Result(PARAMS, scores=scores(20, hidden=[False])), study).scores


def test_where_rows_add_up_one_that_is_hidden_hides_all(study: Study) -> None:
    shown = guard(Result(PARAMS, made=scores(50, 60)), study).made
    assert shown["score"].tolist() == [10.5, 11.5]
    hidden = guard(Result(PARAMS, made=scores(50, 9, 60)), study).made
    assert [str(value) for value in hidden["score"]] == [
        "not shown, it would give another away", "not shown, under 10", "not shown, it would give another away",
    ]  # fmt: skip
    assert not is_shown(guard(Result(PARAMS, made=scores(50, 60, hidden=[True, False])), study).made["score"]).any()


def test_a_whole_page_can_be_hidden_for_the_sake_of_another(study: Study) -> None:
    result = Result(PARAMS, scores=scores(50, 60), staff=scores(50).rename(columns={"n": "n_staff"}))
    guarded = guard(result, study, hidden=True)
    assert guarded.scores["score"].tolist() == [Suppressed(10, "complement")] * 2
    assert guarded.staff["score"].tolist() == [Suppressed(5, "complement")]
    assert (guarded.status, guarded.reason) == ("too_few", "it would give a smaller group away")


def test_a_result_with_nothing_left_to_show_has_too_few_answers(study: Study) -> None:
    few = guard(Result(PARAMS, scores=scores(3, 9, 0)), study)
    assert (few.status, few.reason) == ("too_few", "fewer than 10 answers")
    some = guard(Result(PARAMS, scores=scores(3, 10)), study)
    assert (some.status, some.reason) == ("ok", "")
    refused = guard(Result(PARAMS, "refused", "not so", scores=scores(3)), study)
    assert (refused.status, refused.reason) == ("refused", "not so")


def test_a_frame_that_nobody_declared_stops_the_result(study: Study) -> None:
    with pytest.raises(PrivacyError) as info:
        guard(Loose(PARAMS, scores=scores(50), people=pd.DataFrame({"customer_id": ["c1"]})), study)
    assert str(info.value) == "Loose.people: a frame must be declared as table(...) or private()."
    assert guard(Loose(PARAMS, scores=scores(50)), study).people is None


def test_a_table_without_its_base_stops_the_result(study: Study) -> None:
    with pytest.raises(PrivacyError) as info:
        guard(Result(PARAMS, scores=scores(50), staff=scores(50)), study)
    assert str(info.value) == "Result.staff: no figure without its base; the column 'n_staff' is missing."


def test_a_row_per_person_cannot_be_had_from_what_is_guarded(study: Study) -> None:
    people = pd.DataFrame({"customer_id": ["c1", "c2"], "nps_answer": [10, 0]})
    guarded = guard(Result(PARAMS, scores=scores(50), people=people), study)
    with pytest.raises(PrivacyError) as info:
        guarded.people  # noqa: B018
    assert str(info.value) == "people holds a row per person: it is not shown and not recorded."
    assert set(guarded.tables) == {"scores", "staff", "made"}
    assert (guarded.kind, guarded.params, guarded.left_out) == (Result, PARAMS, ("site",))
    with pytest.raises(AttributeError):
        guarded.person  # noqa: B018


def test_guarding_changes_no_result(study: Study) -> None:
    frame = scores(9, 20, hidden=[False, True])
    before = frame.copy(deep=True)
    guard(Result(PARAMS, scores=frame), study, hidden=True)
    assert_frame_equal(frame, before)

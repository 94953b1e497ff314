"""`cx.drivers` in a plain notebook: any frame, tidy frames out, and it shows itself."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import cxinsights as cx
from cxinsights.analysis.drivers import fit_drivers
from cxinsights.display.blocks import Block
from cxinsights.errors import AnalysisError, DataError, ParamsError
from cxinsights.params import DriversParams
from tests.analysis.test_what_if import shop

DRIVERS = ["a_rating", "b_rating", "c_rating"]
QUICK = {"n_boot": 200, "n_noise": 100}


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return shop()


@pytest.fixture(scope="module")
def fitted(answers: pd.DataFrame) -> cx.drivers.DriverFit:
    return cx.drivers.fit(answers, outcome="nps", drivers=DRIVERS, scale=(1, 10), labels={"a_rating": "Speed"}, **QUICK)


def test_it_is_the_reports_own_analysis(answers: pd.DataFrame, fitted) -> None:
    where = {"study": "s", "period": "p", "region": "_all", "unit": "_all"}
    own = fit_drivers(answers, DriversParams(**where, outcome="nps", drivers=DRIVERS, **QUICK), scale=(1, 10))
    assert_frame_equal(fitted.importance, own.importance)
    assert_frame_equal(fitted.coefficients, own.coefficients)
    assert fitted.summary["n"].item() == 1500


def test_it_shows_itself(fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Block] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    fitted._ipython_display_()
    text = "\n".join(block.as_markdown() for block in shown)
    assert "## Speed goes most with NPS" in text
    assert "### Method and limits" in text
    assert "nan" not in text
    assert repr(fitted).startswith("Drivers · These answers · all answers\n\n## Speed goes most with NPS")


def test_what_if_is_a_row_with_its_interval(answers: pd.DataFrame, fitted) -> None:
    [row] = fitted.what_if({"a_rating": 0.5, "b_rating": 0.2}).itertuples()
    own = fitted.coefficients.set_index("driver")["coefficient"]
    assert row.change == pytest.approx(0.5 * own["a_rating"] + 0.2 * own["b_rating"])
    assert row.change_low < row.change < row.change_high
    assert row.n == 1500
    ordered = cx.drivers.fit(answers, outcome="nps", drivers=DRIVERS, scale=(1, 10), model="ordered", **QUICK)
    assert ordered.what_if({"a_rating": 0.5})["change"].item() == pytest.approx(0.5 * own["a_rating"], rel=0.25)
    assert ordered.what_if({})["change"].item() == 0


def test_what_cannot_be_asked_is_said(answers: pd.DataFrame, fitted) -> None:
    with pytest.raises(AnalysisError) as error:
        fitted.what_if({"speed": 1})
    assert str(error.value).startswith("what_if: unknown driver 'speed'.")
    room = fitted.result.what_if.set_index("driver").loc["a_rating", "room"]
    with pytest.raises(AnalysisError) as error:
        fitted.what_if({"a_rating": 9})
    assert str(error.value) == (
        f"what_if: a_rating: 9 points would lift its mean beyond the end of the scale, which is {room:.2f} points away"
    )
    few = cx.drivers.fit(answers.head(50), outcome="nps", drivers=DRIVERS)
    with pytest.raises(AnalysisError) as error:
        few.what_if({"a_rating": 0.1})
    assert str(error.value) == "what_if: there is no regression to ask: 50 complete answers, 200 needed"
    assert "too few answers" in repr(few)


def test_weights_and_customers_have_names_of_their_own(answers: pd.DataFrame, fitted) -> None:
    frame = answers.assign(w=1.0, who=[f"c{at}" for at in range(len(answers))])
    same = cx.drivers.fit(
        frame, outcome="nps", drivers=DRIVERS, scale=(1, 10), weights="w", customers="who", **QUICK
    )  # fmt: skip
    assert same.importance["share"].tolist() == pytest.approx(fitted.importance["share"].tolist())
    heavy = frame.assign(w=np.where(frame["a_rating"] > 6, 3.0, 1.0))
    other = cx.drivers.fit(heavy, outcome="nps", drivers=DRIVERS, weights="w", **QUICK)
    assert other.summary["n_effective"].item() < 1500
    with pytest.raises(DataError) as error:
        cx.drivers.fit(frame, outcome="nps", drivers=DRIVERS, weights="weights")
    assert str(error.value).startswith("drivers: unknown column 'weights'.")


def test_a_misspelt_option_is_refused(answers: pd.DataFrame) -> None:
    with pytest.raises(ParamsError) as error:
        cx.drivers.fit(answers, outcome="nps", drivers=DRIVERS, modle="ordered")
    assert str(error.value).startswith("drivers: unknown parameter 'modle'. Did you mean 'model'? Known: ")


def test_importance_alone_is_the_same_number(answers: pd.DataFrame, fitted) -> None:
    alone = cx.drivers.importance(answers.assign(nps=100.0 * (answers["nps_answer"] >= 9) - 100.0 * (
        answers["nps_answer"] <= 6)), outcome="nps", drivers=DRIVERS)  # fmt: skip
    assert alone["driver"].tolist() == fitted.importance["driver"].tolist()
    assert alone["r2_part"].tolist() == pytest.approx(fitted.importance["r2_part"].tolist())
    assert alone["share"].sum() == pytest.approx(1)
    blank = answers.assign(a_rating=answers["a_rating"].where(answers.index > 9))
    assert cx.drivers.importance(blank, outcome="nps_answer", drivers=DRIVERS)["n"].unique().tolist() == [1490]


def test_importance_says_what_is_wrong(answers: pd.DataFrame) -> None:
    with pytest.raises(DataError) as error:
        cx.drivers.importance(answers, outcome="nps_anser", drivers=DRIVERS)
    assert str(error.value).startswith("drivers: unknown column 'nps_anser'. Did you mean 'nps_answer'?")
    with pytest.raises(DataError) as error:
        cx.drivers.importance(answers.assign(a_rating="very rude"), outcome="nps_answer", drivers=DRIVERS)
    assert str(error.value) == "drivers: a_rating holds text, not numbers. Turn its answers into numbers."
    with pytest.raises(DataError) as error:
        cx.drivers.importance(answers.head(4), outcome="nps_answer", drivers=DRIVERS)
    assert str(error.value) == "drivers: 4 rows with every answer; 5 are needed."


N = 1500
BAD = {
    "a string of drivers": ({"drivers": "a_rating"}, "drivers: give a list of 1 to 20 columns, each once."),
    "no drivers": ({"drivers": []}, "drivers: give a list of 1 to 20 columns, each once."),
    "too many": ({"drivers": [f"r{i}" for i in range(21)]}, "drivers: give a list of 1 to 20 columns, each once."),
    "one twice": ({"drivers": ["a_rating", "a_rating"]}, "drivers: give a list of 1 to 20 columns, each once."),
    "ratings off the scale": (
        {"a_rating": 99.0, "scale": (1, 10)},
        "drivers: a_rating: 1,500 of 1,500 ratings lie outside the scale from 1 to 10. Correct them, or give the scale "
        "they are on.",
    ),
    "a scale upside down": (
        {"scale": (10, 1)},
        "drivers: scale: give the lowest and the highest possible rating, as in scale=(1, 10).",
    ),
    "half a scale": (
        {"scale": 5},
        "drivers: scale: give the lowest and the highest possible rating, as in scale=(1, 10).",
    ),
    "an infinite rating": (
        {"a_rating": np.inf},
        "drivers: a_rating: 1,500 of 1,500 values are infinite. Make them blank.",
    ),
    "infinite outcomes": (
        {"nps_answer": -np.inf},
        "drivers: nps_answer: 1,500 of 1,500 values are infinite. Make them blank.",
    ),
    "categories": (
        {"a_rating": pd.Categorical(["low"] * N)},
        "drivers: a_rating holds categories, not numbers. Turn its answers into numbers.",
    ),
    "dates": (
        {"a_rating": pd.Timestamp("2026-01-01")},
        "drivers: a_rating holds dates, not numbers. Turn its answers into numbers.",
    ),
    "weights in words": (
        {"w": "heavy", "weights": "w"},
        "drivers: w holds text, not numbers. Turn its answers into numbers.",
    ),
    "applies in words": (
        {"a_rating_applies": "yes"},
        "drivers: a_rating_applies says whether a_rating applies; it has to hold true and false, not text.",
    ),
    "a misspelt part": (
        {"outcome_parts": ["nps_anser"]},
        "drivers: outcome_parts: unknown column 'nps_anser'. Did you mean 'nps_answer'? Known: ",
    ),
    "nobody to borrow from": (
        {"small_units": "partial_pooling"},
        "drivers: small_units: a frame of its own has no other units to borrow from. Leave it out.",
    ),
    "a top box above all": (
        {"model": "top_box", "top_box_from": 11},
        "drivers: top_box_from is 11, and no answer to nps is above 10. Give one within its scale.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_with_what_to_do(answers: pd.DataFrame, case: str) -> None:
    changes, said = BAD[case]
    columns = {name: value for name, value in changes.items() if name in answers or name in ("w", "a_rating_applies")}
    options = {name: value for name, value in changes.items() if name not in columns}
    with pytest.raises((DataError, ParamsError)) as error:
        cx.drivers.fit(answers.assign(**columns), **{"outcome": "nps", "drivers": DRIVERS, **options})
    if said.endswith("Known: "):
        assert str(error.value).startswith(said)
    else:
        assert str(error.value) == said


def test_importance_refuses_what_the_fit_refuses(answers: pd.DataFrame) -> None:
    said = []
    for changes, options in (
        ({}, {"drivers": "a_rating"}), ({}, {"drivers": ["a_rating", "nps_answer"]}), ({"w": -1.0}, {"weights": "w"}),
        ({"nps_answer": 9.0}, {}), ({"a_rating": np.inf}, {}),
    ):  # fmt: skip
        with pytest.raises((DataError, ParamsError)) as error:
            cx.drivers.importance(answers.assign(**changes), **{"outcome": "nps_answer", "drivers": DRIVERS, **options})
        said.append(str(error.value))
    assert said == [
        "drivers: give a list of 1 to 20 columns, each once.",
        "drivers: nps_answer is the outcome itself. Take it off the drivers.",
        "drivers: w: 1,500 of 1,500 rows have no weight above 0. An answer stands for somebody, or is left out: drop "
        "those rows.",
        "drivers: nps_answer is the same in all rows: nothing can be explained.",
        "drivers: a_rating: 1,500 of 1,500 values are infinite. Make them blank.",
    ]


def test_a_table_that_is_none_is_refused(answers: pd.DataFrame) -> None:
    with pytest.raises(DataError) as error:
        cx.drivers.fit(answers.to_dict(), outcome="nps", drivers=DRIVERS)
    assert str(error.value) == "drivers: the answers have to be a pandas DataFrame, not a dict."
    twice = pd.concat([answers, answers[["a_rating"]]], axis=1)
    with pytest.raises(DataError) as error:
        cx.drivers.fit(twice, outcome="nps", drivers=DRIVERS)
    assert str(error.value) == "drivers: a_rating is the name of several columns. Rename all but one."


def test_what_if_is_not_asked_what_it_cannot_know(answers: pd.DataFrame, fitted) -> None:
    low = answers["a_rating"].mean() - min(answers[DRIVERS].min())
    doubled = cx.drivers.fit(
        answers.assign(d_rating=answers["a_rating"]), outcome="nps", drivers=[*DRIVERS, "d_rating"]
    )
    said = []
    for fit, points in (
        (fitted, {"a_rating": -99}), (fitted, {"a_rating": "x"}), (fitted, {"a_rating": float("nan")}),
        (fitted, {"a_rating": None}), (doubled, {"d_rating": 0.5}),
    ):  # fmt: skip
        with pytest.raises(AnalysisError) as error:
            fit.what_if(points)
        said.append(str(error.value))
    assert said == [
        "what_if: a_rating: -99 points would lower its mean beyond the end of the scale, which is "
        f"{low:.2f} points away",
        *["what_if: a_rating: points are a number, as in {'a_rating': 0.5}"] * 3,
        "what_if: d_rating has no coefficient of its own: another rating repeats it, or it never varies",
    ]

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
    assert str(error.value) == "drivers: a_rating holds text, not numbers."
    with pytest.raises(DataError) as error:
        cx.drivers.importance(answers.head(4), outcome="nps_answer", drivers=DRIVERS)
    assert str(error.value) == "drivers: 4 rows with every answer; 5 are needed."

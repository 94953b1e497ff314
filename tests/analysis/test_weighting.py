import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.weighting import kish_deff, kish_n, rake
from cxinsights.errors import AnalysisError

MARGINS = {"age": {"young": 0.4, "old": 0.6}, "place": {"north": 0.5, "south": 0.5}}


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": rng.choice(["young", "old"], 300, p=[0.7, 0.3]),
            "place": rng.choice(["north", "south"], 300, p=[0.6, 0.4]),
        }
    )


def test_raked_answers_have_the_margins(frame: pd.DataFrame) -> None:
    weights = rake(frame, MARGINS)
    assert weights.sum() == pytest.approx(300)
    for column, shares in MARGINS.items():
        found = weights.groupby(frame[column]).sum() / 300
        assert found.to_dict() == pytest.approx(shares)


def test_trimmed_weights_stay_under_the_ratio(frame: pd.DataFrame) -> None:
    rare = frame.assign(age=np.where(np.arange(300) < 4, "young", "old"))
    loose, tight = (rake(rare, MARGINS, trim_ratio=ratio) for ratio in (None, 5.0))
    assert loose.max() > 20
    assert tight.max() == pytest.approx(5 * tight.mean())
    assert tight.sum() == pytest.approx(300)
    young = rare["age"] == "young"
    assert (tight[young] == tight.max()).all()  # all that were above, and only they, are at the line
    assert np.ptp(tight[~young] / loose[~young]) < 1e-9  # the others grew in proportion


def test_a_blank_in_a_margin_keeps_the_row(frame: pd.DataFrame) -> None:
    frame.loc[:9, "age"] = None
    weights = rake(frame, MARGINS)
    assert (weights > 0).all()
    known = frame["age"].notna()
    found = weights[known].groupby(frame["age"][known]).sum() / weights[known].sum()
    assert found.to_dict() == pytest.approx(MARGINS["age"])


def test_effective_number() -> None:
    assert kish_n(np.ones(50)) == 50
    assert kish_n(np.array([1.0, 1, 2])) == pytest.approx(16 / 6)
    assert kish_deff(np.array([1.0, 1, 2])) == pytest.approx(18 / 16)


def test_margins_that_do_not_fit_the_answers(frame: pd.DataFrame) -> None:
    with pytest.raises(AnalysisError) as error:
        rake(frame, {"age": {"young": 0.4, "middle": 0.6}})
    assert str(error.value) == ("rake: age: no share for old; no answers from middle. Mend the margins or join groups.")


def test_margins_that_cannot_all_be_met() -> None:
    frame = pd.DataFrame({"age": ["young"] * 10 + ["old"] * 10, "place": ["north"] * 10 + ["south"] * 10})
    with pytest.raises(AnalysisError) as error:
        rake(frame, MARGINS)
    assert str(error.value) == (
        "rake: no weights meet all margins after 1000 rounds. Join small groups or drop a margin."
    )

"""Mean ratings against the rest and earlier periods: Welch's test, one family of each kind, and who is left out."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cxinsights.analysis.driver_ratings import fit_ratings
from cxinsights.params import DriversParams

DRIVERS = ["a_rating", "b_rating"]
PLACES = [("_all", "_all"), ("r", "_all"), ("r", "one"), ("r", "two"), ("s", "three")]


def params(region: str, unit: str) -> DriversParams:
    return DriversParams(study="s", period="now", region=region, unit=unit, drivers=DRIVERS)


def answers(region: str, unit: str, period: str, n: int, means: tuple[float, float], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ratings = np.clip(np.round(rng.normal(means, 1.5, (n, 2))), 1, 10)
    frame = pd.DataFrame(ratings, columns=DRIVERS)
    return frame.assign(region=region, unit=unit, period=period, survey="relationship")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.concat(
        [
            answers("r", "one", "now", 300, (6.0, 7.0), 1), answers("r", "one", "then", 250, (7.0, 7.0), 2),
            answers("r", "two", "now", 200, (7.0, 7.0), 3), answers("r", "two", "then", 220, (7.0, 7.0), 4),
            answers("s", "three", "now", 40, (7.0, 7.0), 5), answers("s", "three", "then", 40, (7.0, 7.0), 6),
        ],
        ignore_index=True,
    )  # fmt: skip


def fitted(frame: pd.DataFrame, earlier: Mapping[str, str] = {"year_ago": "then"}, **more) -> pd.DataFrame:
    places = {place: params(*place) for place in PLACES}
    return fit_ratings(frame, places, earlier, **more).set_index(["region", "unit", "against", "driver"])


def test_a_difference_is_welchs(frame: pd.DataFrame) -> None:
    found, now = fitted(frame).loc[("r", "one", "rest", "a_rating")], frame[frame["period"] == "now"]
    own, rest = (now.loc[rows, "a_rating"] for rows in (now["unit"] == "one", now["unit"] != "one"))
    test = stats.ttest_ind(own, rest, equal_var=False)
    limits = test.confidence_interval()
    assert (found["score"], found["score_compare"]) == (pytest.approx(own.mean()), pytest.approx(rest.mean()))
    assert (found["n"], found["n_compare"]) == (300, 240)
    assert (found["diff_low"], found["diff_high"]) == pytest.approx((limits.low, limits.high))
    assert found["p_value"] == pytest.approx(test.pvalue)


def test_all_places_and_drivers_are_one_family_of_each_kind(frame: pd.DataFrame) -> None:
    found = fitted(frame)
    for against in ("rest", "year_ago"):
        rows = found.xs(against, level="against")
        assert rows["is_clear"].tolist() == multipletests(rows["p_value"], method="fdr_bh")[0].tolist()
    clear = {(unit, against) for _, unit, against, driver in found.index[found["is_clear"]] if driver == "a_rating"}
    assert {("one", "rest"), ("one", "year_ago")} <= clear


def test_each_earlier_period_is_a_family_of_its_own(frame: pd.DataFrame) -> None:
    before = frame[frame["period"] == "then"].assign(period="before")
    before["a_rating"] += 0.5
    both = fitted(pd.concat([frame, before], ignore_index=True), {"year_ago": "then", "previous": "before"})
    alone = fitted(frame).xs("year_ago", level="against")
    pd.testing.assert_frame_equal(both.xs("year_ago", level="against"), alone)
    previous = both.xs("previous", level="against")
    assert previous.loc[("r", "one", "a_rating"), "difference"] < alone.loc[("r", "one", "a_rating"), "difference"]
    assert previous["is_clear"].tolist() == multipletests(previous["p_value"], method="fdr_bh")[0].tolist()


def test_the_company_has_no_rest(frame: pd.DataFrame) -> None:
    assert {against for region, _, against, _ in fitted(frame).index if region == "_all"} == {"year_ago"}
    assert {against for *_, against, _ in fitted(frame, {}).index} == {"rest"}


def test_few_ratings_are_not_compared(frame: pd.DataFrame) -> None:
    assert ("s", "three") in fitted(frame).index.droplevel([2, 3])
    assert ("s", "three") not in fitted(frame, min_base=41).index.droplevel([2, 3])


def test_a_period_in_which_few_rated_it_somewhere_is_not_compared_with(frame: pd.DataFrame) -> None:
    """What that unit's own rating was would follow from the others' and the whole."""
    few = (frame["unit"] == "three") & (frame["period"] == "then") & (frame.groupby("unit").cumcount() >= 45)
    found = fitted(frame.assign(a_rating=frame["a_rating"].mask(few)))
    assert found.xs("year_ago", level="against").index.get_level_values("driver").unique().tolist() == ["b_rating"]
    assert set(found.xs("rest", level="against").index.get_level_values("driver")) == set(DRIVERS)


def test_weights_and_customers_count(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame], ignore_index=True)
    alone = fitted(frame).loc[("r", "one", "rest", "a_rating")]
    same = fitted(twice.assign(customer_id=[*range(len(frame))] * 2)).loc[("r", "one", "rest", "a_rating")]
    assert same["diff_high"] - same["diff_low"] == pytest.approx(alone["diff_high"] - alone["diff_low"], rel=0.02)
    weighted = fitted(frame.assign(weight=np.where(frame["a_rating"] > 6, 2.0, 1.0)))
    assert weighted.loc[("r", "one", "rest", "a_rating"), "score"] > alone["score"]

"""Limits of usual variation: whose periods make them, and which points they mark."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.baseline import NODE, fit_baseline
from cxinsights.analysis.control import with_limits
from cxinsights.analysis.scorecard import fit_scorecard
from cxinsights.params import ALL, PrivacyRules, ScorecardParams, ScoreRules
from cxinsights.privacy import protect
from tests.display.results import answered, together

NOW = "2026Q3"
EARLIER = [30.0, 32, 31, 33, 30, 29, 31, 32]


def course(values: list[float], name: str = "shop", metric: str = "nps") -> pd.DataFrame:
    periods = [f"p{at}" for at in range(len(values) - 1)] + [NOW]
    node = dict(zip(NODE, ("unit", "west", name, ALL), strict=True))
    return pd.DataFrame({"period": periods, "score": values, "n": 100}).assign(**node, survey="r", metric=metric)


def limited(frame: pd.DataFrame, unseen: tuple[str, ...] = ()) -> pd.DataFrame:
    return with_limits(frame, ~frame["period"].isin(unseen), NOW)


def test_the_periods_before_say_what_is_usual() -> None:
    """Wheeler's rule by hand: the mean and 2.66 mean moving ranges; the last value takes no part."""
    found = limited(course([*EARLIER, 10.0]))
    mean, ranges = np.mean(EARLIER), np.mean(np.abs(np.diff(EARLIER)))
    assert found["usual"].tolist() == pytest.approx([mean] * 9)
    assert found["control_low"].iloc[0] == pytest.approx(mean - 2.66 * ranges, abs=0.01)
    assert found["control_high"].iloc[-1] == pytest.approx(mean + 2.66 * ranges, abs=0.01)
    assert found["signal"].tolist() == [""] * 8 + ["low"]
    assert set(found["n_periods"]) == {8}


def test_seven_earlier_periods_are_not_enough() -> None:
    found = limited(course([*EARLIER[1:], 10.0]))
    assert found[["usual", "control_low", "control_high"]].isna().all(axis=None)
    assert (set(found["signal"]), set(found["n_periods"])) == ({""}, {7})


def test_a_run_on_one_side_is_a_signal_within_the_limits() -> None:
    found = limited(course([34.0, 27, 34, *[30.5] * 7]))
    assert found["usual"].iloc[0] > 30.5
    assert found["signal"].tolist() == [""] * 9 + ["run_low"]


def test_periods_that_all_are_alike_have_no_limits() -> None:
    assert limited(course([30.0] * 10))["control_low"].isna().all()


def test_each_place_and_measure_has_its_own() -> None:
    frame = pd.concat([course([*EARLIER, 10.0]), course([*EARLIER, 31.0], "bank")], ignore_index=True)
    found = limited(frame)
    assert found.groupby("unit")["signal"].last().to_dict() == {"bank": "", "shop": "low"}


def test_an_unseen_period_says_nothing() -> None:
    """Its score would follow from the limits, were it among those they are made of."""
    seen, other = (limited(course([30.0, value, *EARLIER, 10.0]), ("p1",)) for value in (31.0, -70.0))
    kept = seen["period"] != "p1"
    pd.testing.assert_frame_equal(seen[kept], other[kept])
    assert seen.loc[~kept, ["usual", "control_low"]].isna().all(axis=None)
    assert set(seen.loc[kept, "n_periods"]) == {9}


@pytest.mark.parametrize("small", [5, 40], ids=["small", "under what this study shows"])
def test_a_period_under_the_threshold_says_nothing_on_the_page(small: int) -> None:
    periods = [f"{year}Q{quarter}" for year in (2024, 2025, 2026) for quarter in (1, 2, 3, 4)][:11]

    def limits(promoters: float) -> pd.DataFrame:
        frames = [answered((0.3, 0.4 + 0.01 * (at % 3)), 200, period=p) for at, p in enumerate(periods)]
        frames[4] = answered((0.2, promoters), small, period=periods[4])
        rules = PrivacyRules(customer_min=50)
        baseline = protect(fit_baseline(together(frames), ScoreRules(), periods, {}), rules)
        asked = ScorecardParams(study="shops", period=NOW, region=ALL, unit=ALL)
        found = fit_scorecard(baseline, asked)
        for rows in (found.trend, found.part_trends):
            assert rows["control_low"].notna().any()
        return found.trend[["usual", "control_low", "n_periods"]]

    pd.testing.assert_frame_equal(limits(0.4), limits(0.8))


def test_parts_have_the_leading_measure_and_sites_none() -> None:
    frames = [answered((0.3, 0.4), 60, unit=u, period=p, site=f"{u}-{s}")
              for u in ("north", "south") for p in ("2026Q2", NOW) for s in (1, 2)]  # fmt: skip
    baseline = fit_baseline(together(frames), ScoreRules(), ["2026Q2", NOW], {})
    company = fit_scorecard(baseline, ScorecardParams(study="shops", period=NOW, region=ALL, unit=ALL))
    assert company.part_trends[["unit", "metric", "period"]].to_numpy().tolist() == [
        [unit, "nps", period] for unit in ("north", "south") for period in ("2026Q2", NOW)
    ]
    unit = fit_scorecard(baseline, ScorecardParams(study="shops", period=NOW, region="shops", unit="north"))
    assert len(unit.parts) == 6
    assert unit.part_trends.empty

"""The funnel as notebooks call it: bases, maturity, comparisons, refusals, and what was planted in the demo company."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy.stats import norm

from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.funnel import FunnelResult, fit_funnel
from cxinsights.analysis.results import published_tables
from cxinsights.analysis.scores import Sample
from cxinsights.data.demo.truth import read_truth
from cxinsights.data.tables import read_table
from cxinsights.errors import AnalysisError, DataError
from cxinsights.params import ALL, FunnelParams, Span
from cxinsights.privacy import guard
from cxinsights.report.cache import remember
from tests.analysis.journey_logs import SPAN, asked, log

WAYS = {"a0": 40, "a0 b1": 30, "a0 b1 c4": 30, "x0": 20}


def fitted(ways=None, *, span: Span = SPAN, columns=None, **changes) -> FunnelResult:
    return fit_funnel(log(ways or WAYS, **(columns or {})), asked(**changes), span=span)


def by_step(result: FunnelResult, column: str) -> dict[str, float]:
    return result.steps.set_index("step")[column].to_dict()


# Rates and bases ----------------------------------------------------------------------------------------


def test_three_rates_have_three_bases_and_their_wilson_intervals() -> None:
    """Limits from R: prop.test(60, 100, correct = FALSE) and prop.test(30, 60, correct = FALSE)."""
    result = fitted()
    assert result.status == "ok"
    assert by_step(result, "n_reached") == {"a": 100, "b": 60, "c": 30}
    assert by_step(result, "of_entrants") == pytest.approx({"a": 1, "b": 0.6, "c": 0.3})
    assert by_step(result, "of_previous") == pytest.approx({"a": np.nan, "b": 0.6, "c": 0.5}, nan_ok=True)
    assert by_step(result, "of_all_customers") == pytest.approx({"a": 100 / 120, "b": 0.5, "c": 0.25})
    limits = result.steps.set_index("step")[["previous_low", "previous_high"]]
    assert limits.loc["b"].tolist() == pytest.approx([0.5020026, 0.6905987], abs=1e-7)
    assert limits.loc["c"].tolist() == pytest.approx([0.3773502, 0.6226498], abs=1e-7)
    assert result.summary.loc[0, ["n", "n_entrants", "n_open", "n_all_customers", "n_converted"]].tolist() == [
        100, 100, 0, 120, 30,
    ]  # fmt: skip


def test_open_entrants_are_neither_converted_nor_lost() -> None:
    """Fifty more who entered three days before the log ends, ten of them converted at once."""
    late = {"a13": 40, "a13 b14 c15": 10}
    span = Span(start="2026-07-01", end="2026-09-30", cutoff="2026-07-16")
    result = fitted({**WAYS, **late}, span=span)
    others = ["of_all_customers", "all_low", "all_high", "n_all_customers"]
    assert_frame_equal(result.steps.drop(columns=others), fitted().steps.drop(columns=others))
    assert by_step(result, "n_all_customers") == {"a": 120, "b": 120, "c": 120}
    assert result.summary.loc[0, ["n", "n_entrants", "n_open"]].tolist() == [100, 150, 50]
    assert (result.curve["n"] == 150).all()  # the curve uses all, and loses sight of forty after three days
    assert result.curve["converted"].iloc[-1] == pytest.approx(1 - 140 / 150 * 70 / 100)


def test_a_curve_of_mature_entrants_ends_at_the_rate() -> None:
    result = fitted()
    assert result.curve["day"].iloc[[0, -1]].tolist() == [0, 10]
    assert result.curve["converted"].iloc[-1] == pytest.approx(0.3)
    assert result.curve["n_at_risk"].iloc[[0, -1]].tolist() == [100, 70]


def test_the_step_that_loses_most_is_told_apart_only_where_a_test_says_so() -> None:
    clear = fitted({"a0": 20, "a0 b1": 180, "a0 b1 c2": 100})
    assert by_step(clear, "told_apart") == {"a": False, "b": True, "c": False}
    close = fitted({"a0": 100, "a0 b1": 60, "a0 b1 c2": 40})
    assert by_step(close, "told_apart") == {"a": False, "b": False, "c": False}
    sure = fitted({"a0": 20, "a0 b1 c2": 180})  # nobody stops at b, so that no test of counts could say it
    assert by_step(sure, "told_apart") == {"a": False, "b": False, "c": True}
    few = fitted({"a0": 20, "a0 b1 c2": 9})
    assert not few.steps["told_apart"].any()


def test_the_best_attempt_has_more_time_before_it_is_mature() -> None:
    twice = {"a0 a5 b13 c14": 50, "a0": 50}
    first, best = fitted(twice), fitted(twice, attempt="best", attempts_within_days=7.0)
    assert by_step(first, "n_reached") == {"a": 100, "b": 0, "c": 0}
    assert by_step(best, "n_reached") == {"a": 100, "b": 50, "c": 50}
    assert best.times.query("from_step == 'a' and step == 'c' and quantile == 50")["days"].item() == 9
    short = Span(start="2026-07-01", end="2026-09-30", cutoff="2026-07-16")  # sixteen days: less than 7 + 10
    assert fitted(twice, span=short).status == "ok"
    assert fitted(twice, span=short, attempt="best", attempts_within_days=7.0).status == "too_few"


# Curves -------------------------------------------------------------------------------------------------


def test_without_a_window_conversion_is_read_off_the_curve() -> None:
    """Open until converted: half were observed for forty days, so the curve speaks of forty."""
    ways = {"a0 b1 c2": 30, "a0": 20, "a40": 30, "a40 b41 c42": 20}
    span = Span(start="2026-07-01", end="2026-09-30", cutoff="2026-09-18")  # the log ends 80 days after the start
    result = fitted(ways, span=span, window="none")
    assert result.from_curve
    assert result.window_days == 60  # between 40 and 80
    one = result.summary.loc[0]
    assert one[["n", "n_entrants", "n_open"]].tolist() == [100, 100, 50]
    assert one["conversion"] == pytest.approx(0.5)
    assert one["ci_low"] < 0.5 < one["ci_high"]
    assert result.why.empty


def test_what_ends_attempts_makes_the_curve_a_cumulative_incidence() -> None:
    ways = {"a0 b1 c2": 40, "a0 stop1": 60}
    result = fitted(ways, ends_attempt=["stop"])
    assert result.competing
    assert result.curve["converted"].iloc[-1] == pytest.approx(0.4)  # Kaplan–Meier would say 1
    assert result.summary["n_ended"].item() == 60
    assert not fitted(ways).competing


def test_the_median_is_the_day_by_which_half_have_converted() -> None:
    result = fitted({"a0 b1 c2": 30, "a0 b1 c5": 30, "a0": 40})
    assert result.summary["median_days"].item() == 5
    assert np.isnan(fitted().summary["median_days"].item())


def test_percentiles_of_times_have_order_statistic_limits() -> None:
    """Twenty values: the 6th and 15th hold the median with at least 95 % (Conover, table A3)."""
    ways = {f"a0 b{0.1 * at:.1f}": 1 for at in range(1, 21)}
    times = fitted(ways, steps=["a", "b"]).times.set_index("quantile")
    assert times.loc[50, ["days", "days_low", "days_high"]].tolist() == pytest.approx([1.05, 0.6, 1.5])
    assert times.loc[25, "days"] == pytest.approx(0.575)  # R: quantile(type = 7)
    assert np.isnan(times.loc[90, "days_high"])
    assert times["n"].unique().tolist() == [20]


# Groups at entry ----------------------------------------------------------------------------------------


def channels(ways: dict[str, int], values: dict[str, str], **changes) -> FunnelResult:
    return fitted(ways, columns={"channel": values}, breakdowns=["channel"], **changes)


def test_each_group_is_compared_with_the_others_by_its_value_at_entry() -> None:
    ways = {"a0 b1 c4": 60, "a0 b1 c5": 40, "a0": 60, "a00": 40}
    values = {"a0 b1 c4": "web app app", "a0 b1 c5": "app web web", "a0": "web", "a00": "app"}
    result = channels(ways, values)
    whole = result.breakdown.query("rate == 'of_entrants'").set_index("group")
    assert whole["n"].to_dict() == {"web": 120, "app": 80}
    expected = compare(share(60, 120), share(40, 80), "share")
    assert whole.loc["web", ["difference", "p_value"]].tolist() == pytest.approx([expected.value, expected.p_value])
    assert whole["n_compare"].to_dict() == {"web": 80, "app": 120}
    assert whole["n_comparisons"].tolist() == [2, 2]
    assert result.log_rank.loc[0, ["segment", "n", "n_groups", "df"]].tolist() == ["channel", 200, 2, 1]
    assert set(result.curve["group"]) == {"", "web", "app"}


def share(k: int, n: int) -> Sample:
    return Sample((np.arange(n) < k).astype(float))


def test_small_groups_are_counted_together_so_that_none_is_too_small() -> None:
    ways = {"a0": 90, "a00": 50, "a000": 29, "a0000": 4, "a00000": 3}
    values = dict(zip(ways, ["web", "app", "phone", "fax", "post"], strict=True))
    groups = channels(ways, values).breakdown.query("rate == 'of_entrants'").set_index("group")["n"]
    assert groups.to_dict() == {"web": 90, "app": 50, "other": 36}
    alone = channels({"a0": 90, "a00": 29}, {"a0": "web", "a00": "app"})
    assert alone.breakdown.empty  # nothing is left to compare the one large group with
    assert set(alone.curve["group"]) == {""}


def test_a_step_is_broken_down_only_where_every_group_has_customers_enough() -> None:
    ways = {"a0": 40, "a0 b1": 40, "a00": 40, "a00 b1": 20}
    result = channels(ways, {"a0": "web", "a0 b1": "web", "a00": "app", "a00 b1": "app"})
    assert result.breakdown.query("rate == 'of_previous'")["step"].unique().tolist() == ["b"]


def test_without_a_window_groups_are_compared_by_their_curves() -> None:
    ways = {"a0 b1 c2": 40, "a0": 20, "a00 b1 c9": 30, "a00": 30}
    values = {way: "web" if way.startswith("a0 ") or way == "a0" else "app" for way in ways}
    rows = channels(ways, values, window="none").breakdown.set_index("group")
    assert rows["score"].to_dict() == pytest.approx({"web": 40 / 60, "app": 0.5})
    assert rows.loc["web", "difference"] == pytest.approx(1 / 6)
    assert rows.loc["web", "p_value"] == pytest.approx(rows.loc["app", "p_value"])
    assert rows["rate"].tolist() == ["of_entrants"] * 2
    one = rows.loc["web"]
    se = (one["diff_high"] - one["diff_low"]) / 2 / 1.959964  # the test is of the difference that is shown
    assert one["p_value"] == pytest.approx(2 * norm.sf(one["difference"] / se), rel=1e-5)
    assert se == pytest.approx(np.hypot(np.sqrt(40 * 20 / 60**3), np.sqrt(0.25 / 60)))


def test_a_group_of_which_nobody_converted_has_a_difference_without_limits() -> None:
    ways = {"a0 b1 c2": 40, "a0": 20, "a00": 60}
    values = {"a0 b1 c2": "web", "a0": "web", "a00": "app"}
    rows = channels(ways, values, window="none").breakdown.set_index("group")
    assert rows.loc["web", "difference"] == pytest.approx(40 / 60)
    assert rows.loc["web", ["diff_low", "diff_high", "p_value"]].isna().all()


def test_where_attempts_end_otherwise_there_is_no_log_rank() -> None:
    ways = {"a0 b1 c2": 40, "a0 stop1": 60, "a00 b1 c2": 50, "a00 stop1": 50}
    values = {way: "app" if way.startswith("a00") else "web" for way in ways}
    assert channels(ways, values, ends_attempt=["stop"]).log_rank.empty
    assert len(channels(ways, values).log_rank) == 1


def test_a_real_group_called_other_joins_the_small_ones() -> None:
    ways = {"a0": 90, "a00": 50, "a000": 29, "a0000": 4}
    values = dict(zip(ways, ["web", "other", "phone", "fax"], strict=True))
    groups = channels(ways, values).breakdown.query("rate == 'of_entrants'").set_index("group")["n"]
    assert groups.to_dict() == {"web": 90, "other": 83}


# Against the rest ---------------------------------------------------------------------------------------


def test_a_place_is_compared_with_all_other_places() -> None:
    others, own = fitted({"a0": 60, "a0 b1": 70, "a0 b1 c4": 70}), fitted()
    rests = fit_funnel(log(WAYS), asked(), span=SPAN, elsewhere=others.steps).rests.set_index(["rate", "step"])
    assert list(rests.index) == [("of_previous", "b"), ("of_previous", "c"), ("of_entrants", "c")]
    assert rests["n_compare"].tolist() == [200, 140, 200]
    expected = compare(share(60, 100), share(140, 200), "share")
    found = rests.loc[("of_previous", "b"), ["score_compare", "difference", "diff_low", "diff_high", "p_value"]]
    assert found.tolist() == pytest.approx([0.7, expected.value, expected.ci_low, expected.ci_high, expected.p_value])
    assert rests["n_comparisons"].tolist() == [2, 2, 1]
    assert own.rests.empty
    nobody = fit_funnel(log({}), asked(), span=SPAN)
    assert fit_funnel(log(WAYS), asked(), span=SPAN, elsewhere=nobody.steps).rests.empty


# Refusals and what travels ------------------------------------------------------------------------------


def test_nobody_entered_and_everybody_open_are_results_with_a_reason() -> None:
    assert (fitted({"x0": 5}).status, fitted({"x0": 5}).reason) == ("no_data", "no event of a first step in the period")
    empty = fit_funnel(log({}), asked(), span=SPAN)
    assert (empty.status, empty.reason) == ("no_data", "no event in the period")
    result = fitted(span=Span(start="2026-07-01", end="2026-07-31", cutoff="2026-07-05"))
    assert result.status == "too_few"
    assert result.reason == "100 entrants, all of them open: none has had 10 days to convert yet"


def test_a_column_that_is_not_there_and_events_out_of_order_are_errors() -> None:
    with pytest.raises(DataError) as error:
        fitted(columns={"channel": {}}, breakdowns=["chanel"])
    assert str(error.value) == (
        "events: unknown column 'chanel'. Did you mean 'channel'? Known: customer_id, stage, occurred_at, channel."
    )
    with pytest.raises(AnalysisError, match=r"^events: row 2 belongs before the row above it"):
        fit_funnel(log(WAYS).iloc[::-1].reset_index(drop=True), asked(), span=SPAN)


def test_dates_without_a_time_are_said_to_be_so() -> None:
    assert fitted().date_only
    assert not fitted({"a0 b0.5": 40}).date_only


def test_every_row_has_its_base_and_every_column_travels(demo, events, tmp_path) -> None:
    project, study = demo
    answers = read_table(project, study, "responses", periods=["2026Q3"], region="apac", unit="bank")
    asked_for = {"breakdowns": ["channel"], "touchpoint": "channel", "answers": answers}
    result = demo_funnel(events, "apac", "bank", **asked_for)
    tables = published_tables(result)
    assert all(len(getattr(result, name)) for name in tables if name != "rests")
    for name, how in tables.items():
        frame = getattr(result, name)
        if len(frame):
            assert not frame[[c for c in how.keep if c in frame and c not in how.bases]].duplicated().any(), name
            assert all((frame[base] >= 0).all() for base in how.bases), name
    assert set(guard(result, study).tables) == set(tables)

    def fit(events: pd.DataFrame, params: FunnelParams) -> FunnelResult:
        return result

    for _ in range(2):
        kept = remember(tmp_path, fit, log(WAYS), result.params)
    assert kept.rests.empty
    for name in {*tables, "journeys"} - {"rests"}:
        assert_frame_equal(getattr(kept, name), getattr(result, name), check_dtype=False)


# The demo company ---------------------------------------------------------------------------------------

TRUTH = read_truth()
QUARTER = Span(start="2026-07-01", end="2026-09-30", cutoff="2026-09-30")


@pytest.fixture(scope="module")
def events(demo) -> pd.DataFrame:
    """Events of the quarter, of all units."""
    found = read_table(*demo, "events")
    return found[found["occurred_at"] >= pd.Timestamp(QUARTER.start)].reset_index(drop=True)


def demo_funnel(events, region: str = ALL, unit: str = ALL, span: Span = QUARTER, **more) -> FunnelResult:
    """A funnel of one place; its column of breakdown and its answers only where they are asked for."""
    here = np.ones(len(events), dtype=bool) if unit == ALL else (events["region"] == region) & (events["unit"] == unit)
    frames = {name: more.pop(name) for name in ("answers", "elsewhere") if name in more}
    params = FunnelParams(
        study="demo", period="2026Q3", region=region, unit=unit, steps=TRUTH.journey.steps,
        window_days=TRUTH.journey.window_days, **more,
    )  # fmt: skip
    return fit_funnel(events[here].reset_index(drop=True), params, span=span, **frames)


def steps_outside(events, region: str, unit: str) -> pd.DataFrame:
    outside = (events["region"] != region) | (events["unit"] != unit)
    return demo_funnel(events[outside].reset_index(drop=True)).steps


@pytest.fixture(scope="module")
def whole(events) -> FunnelResult:
    return demo_funnel(events)


def test_planted_step_rates_are_found(whole: FunnelResult) -> None:
    """All units but the broken one were made alike; a few in a hundred take more than thirty days."""
    found = whole.steps.set_index("step")
    for step, rate in TRUTH.journey.rates.items():
        if step != TRUTH.journey.broken.step:
            assert found.loc[step, "previous_low"] - 0.02 < rate < found.loc[step, "previous_high"] + 0.02, step
    assert found.loc["approved", "of_previous"] == pytest.approx(0.79, abs=0.03)


def test_the_broken_step_is_found_and_no_other_is(events) -> None:
    broken = TRUTH.journey.broken
    found = [
        demo_funnel(events, region, unit, elsewhere=steps_outside(events, region, unit)).rests.assign(
            region=region, unit=unit
        )
        for region, unit, _ in TRUTH.units
    ]
    tests = adjust(pd.concat(found, ignore_index=True), ["rate"])
    clear = tests[(tests["p_adjusted"] < 0.05) & (tests["rate"] == "of_previous")]
    assert clear[["region", "unit", "step"]].to_numpy().tolist() == [[broken.region, broken.unit, broken.step]]
    one = clear.iloc[0]
    assert one["ci_low"] < broken.rate < one["ci_high"]
    assert one["compare_low"] - 0.02 < TRUTH.journey.rates["approved"] < one["compare_high"] + 0.02


def test_cutting_the_log_a_month_earlier_leaves_mature_rates_as_they_are(events) -> None:
    """Entrants of July, known by the end of September or of August; those of August are open in the cut log."""
    july = QUARTER.model_copy(update={"end": pd.Timestamp("2026-07-31").date()})
    cut = {"cutoff": pd.Timestamp("2026-08-30").date()}
    later, earlier, whole_quarter = (
        demo_funnel(events, "emea", "retail", span)
        for span in (july, july.model_copy(update=cut), QUARTER.model_copy(update=cut))
    )
    rates = ["step", "n", "n_reached", "of_entrants", "n_previous", "of_previous", "told_apart"]
    assert_frame_equal(earlier.steps[rates], later.steps[rates])
    assert_frame_equal(whole_quarter.steps[rates], later.steps[rates])
    assert [one.summary["n_open"].item() for one in (later, earlier)] == [0, 0]
    assert whole_quarter.summary["n_open"].item() > 100
    counted_as_lost = whole_quarter.journeys["cause"].eq(1).mean()
    assert counted_as_lost < later.steps["of_entrants"].iloc[-1] - 0.03

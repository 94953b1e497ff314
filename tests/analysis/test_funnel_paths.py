"""What happened on the way, on logs small enough to count by hand."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.comparisons import compare
from cxinsights.analysis.funnel import FunnelResult, fit_funnel
from cxinsights.analysis.scores import Sample
from tests.analysis.journey_logs import SPAN, START, asked, log


def fitted(ways: dict[str, int], columns=None, answers=None, **changes) -> FunnelResult:
    return fit_funnel(log(ways, **(columns or {})), asked(**changes), span=SPAN, answers=answers)


def flows(result: FunnelResult, step: str) -> dict[tuple[str, str], int]:
    rows = result.flows[result.flows["step"] == step]
    return {(one.kind, one.next_stage): one.n_moved for one in rows.itertuples()}


def test_what_followed_each_step_adds_up_to_those_who_were_there() -> None:
    ways = {"a0 b1 c2": 10, "a0 b1 call2": 20, "a0 call1 mail2": 30, "a0 a3": 5, "a0": 15, "a0 mail11": 7}
    result = fitted(ways)
    assert flows(result, "a") == {
        ("goes_on", "b"): 30, ("instead", "call"): 30, ("instead", "a"): 5, ("nothing", ""): 22,
    }  # fmt: skip
    assert flows(result, "b") == {("goes_on", "c"): 10, ("instead", "call"): 20, ("nothing", ""): 0}
    totals = result.flows.groupby("step", sort=False).agg(n=("n", "first"), moved=("n_moved", "sum"))
    assert totals["n"].tolist() == totals["moved"].tolist() == [87, 30]
    one = result.flows.iloc[0]
    assert one["move_share"] == pytest.approx(30 / 87)
    assert one["move_low"] < 30 / 87 < one["move_high"]


def test_events_of_the_last_steps_moment_follow_it_unless_they_are_steps_reached() -> None:
    result = fitted({"a0 a0 call0": 30, "a0 c0": 30, "call0 a0": 30})
    assert flows(result, "a") == {
        ("goes_on", "b"): 0, ("instead", "call"): 60, ("instead", "c"): 30, ("nothing", ""): 0,
    }  # fmt: skip


def test_what_ended_an_attempt_is_what_came_next() -> None:
    result = fitted({"a0 b1 stop2 c3": 30, "a0 b1 c2": 30}, ends_attempt=["stop"])
    assert flows(result, "b") == {("goes_on", "c"): 30, ("instead", "stop"): 30, ("nothing", ""): 0}


def moves(result: FunnelResult) -> dict[tuple[str, str], tuple]:
    return {
        (one.stage, one.next_stage): (one.n, one.n_moved, one.loops) for one in result.transitions.itertuples()
    }  # fmt: skip


def test_moves_are_counted_once_per_customer_and_up_to_conversion() -> None:
    ways = {"a0 call1 a2 call3 b4 c5 call6": 40, "a0 b1 a2": 20}
    assert moves(fitted(ways)) == {
        ("a", "b"): (60, 20, False), ("a", "call"): (60, 40, False), ("b", "a"): (60, 20, True),
        ("b", "c"): (60, 40, False), ("call", "a"): (40, 40, False), ("call", "b"): (40, 40, False),
    }  # fmt: skip


def test_both_sides_of_an_event_are_watched_for_the_whole_window() -> None:
    """Ten days: a call on day nine counts after conversion too, one on day eleven for nobody."""
    ways = {"a0 b1 c2 call9": 30, "a0 call9": 10, "a0 b1 c2 call11": 25, "a0": 35}
    one = fitted(ways).why.set_index("stage").loc["call"]
    expected = compare(side(30, 40), side(25, 60), "share")
    assert one[["n", "n_compare"]].tolist() == [40, 60]
    assert one[["score", "score_compare", "difference", "p_value"]].tolist() == pytest.approx(
        [0.75, 25 / 60, expected.value, expected.p_value]
    )
    few = fitted({**ways, "a0 call9": 0, "a0 b1 c2 call9": 29})
    assert few.why.empty  # 29 had the event


def side(k: int, n: int) -> Sample:
    return Sample((np.arange(n) < k).astype(float))


def test_first_touch_and_removal_effect_share_the_conversions() -> None:
    """Web leads on half the conversions; every conversion passes by phone, so without it there is none."""
    ways = {"a0 b1 c2": 40, "a00 b1 c2 x3": 40, "a000": 40}  # what comes after conversion has no part in it
    columns = {"channel": {"a0 b1 c2": "web phone phone", "a00 b1 c2 x3": "phone phone phone web", "a000": "web"}}
    credit = fitted(ways, columns, touchpoint="channel").credit.set_index("touchpoint")
    assert credit["first_share"].to_dict() == {"phone": 0.5, "web": 0.5}
    assert credit.loc["phone", "removal_effect"] == pytest.approx(1)
    assert credit.loc["web", "removal_effect"] == pytest.approx(0.5)
    assert credit["credit_share"].to_dict() == pytest.approx({"phone": 2 / 3, "web": 1 / 3})
    assert credit["n"].to_dict() == {"phone": 80, "web": 80}
    for name in ("first", "credit"):
        inside = credit[[f"{name}_low", f"{name}_share", f"{name}_high"]].to_numpy()
        assert (np.diff(inside, axis=1) > 0).all()
    assert fitted(ways, columns).credit.empty
    assert fitted({"a0": 40}, {"channel": {}}, touchpoint="channel").credit.empty  # nothing to share


# Feelings -----------------------------------------------------------------------------------------------


def answers_of(events: pd.DataFrame, day: float, score: dict[str, int]) -> pd.DataFrame:
    """One answer of every customer on a day, by how many events the customer has."""
    sizes = events.groupby("customer_id").size()
    return pd.DataFrame(
        {
            "customer_id": sizes.index,
            "answered_at": START + pd.Timedelta(days=day),
            "nps_answer": [score[str(n)] for n in sizes],
        }
    )


def test_an_answer_belongs_to_the_last_step_reached_before_it() -> None:
    ways = {"a0": 40, "a0 b1 c5": 40}
    events = log(ways)
    given = pd.concat([answers_of(events, 3, {"1": 2, "3": 10}), answers_of(events, -1, {"1": 9, "3": 9})])
    stranger = pd.DataFrame({"customer_id": ["X"], "answered_at": [START], "nps_answer": [0]})
    found = fit_funnel(events, asked(), span=SPAN, answers=pd.concat([given, stranger], ignore_index=True)).feelings
    assert found[["metric", "step", "n", "score"]].to_numpy().tolist() == [
        ["nps", "a", 40, -100.0], ["nps", "b", 40, 100.0],
    ]  # fmt: skip
    assert found[["n_stopped", "n_went_on"]].to_numpy().tolist() == [[40, 0], [0, 40]]
    assert found["difference"].isna().all()  # nobody on the other side


def test_those_who_stopped_are_compared_with_those_who_went_on() -> None:
    ways = {"a0": 60, "a0 b4": 50}
    events = log(ways)
    early, late = (answers_of(events, day, {"1": 0, "2": 10}) for day in (2, 30))
    by_customer = early["nps_answer"].to_numpy().copy()
    by_customer[::7] = 8  # not all alike
    early["nps_answer"] = by_customer
    found = fit_funnel(events, asked(), span=SPAN, answers=early).feelings.iloc[0]
    stopped = (early["customer_id"].map(events.groupby("customer_id").size()) == 1).to_numpy()
    coded = np.select([by_customer > 8, by_customer < 7], [100.0, -100.0], 0.0)
    expected = compare(Sample(coded[stopped]), Sample(coded[~stopped]), "nps")
    assert found[["n_stopped", "n_went_on"]].tolist() == [60, 50]
    assert found[["difference", "p_value"]].tolist() == pytest.approx([expected.value, expected.p_value])
    after = fit_funnel(events, asked(), span=SPAN, answers=late).feelings
    assert after[["step", "n", "n_stopped", "n_went_on"]].to_numpy().tolist() == [
        ["a", 60, 0, 0],
        ["b", 50, 0, 0],
    ]  # fmt: skip  an answer from after the window is no answer under way


def test_without_answers_there_are_no_feelings() -> None:
    assert fitted({"a0": 40}).feelings.empty
    assert fitted({"a0": 40}, answers=pd.DataFrame({"nps_answer": [1]})).feelings.empty

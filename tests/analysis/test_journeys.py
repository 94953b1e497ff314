"""The journey scan against a plain oracle: every rule on random logs with ties, repeats, gaps and unknown stages."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from cxinsights.analysis import journeys_scan
from cxinsights.analysis.journeys import JourneyRules, Journeys, batches_of, read_ahead, scan_journeys
from cxinsights.analysis.journeys_scan import NEVER
from cxinsights.errors import AnalysisError
from cxinsights.params import FunnelParams, Span

STEPS = ("a", "b", "c")
RULES = JourneyRules(STEPS, entry_from=2, entry_before=9, until=14, window=5)
Log = dict[str, list[tuple[int, str]]]

logs = st.dictionaries(
    st.sampled_from(["ann", "bo", "bob", "zoë"]),
    st.lists(st.tuples(st.integers(0, 16), st.sampled_from([*STEPS, "x", "stop", "test"])), min_size=1, max_size=12),
)
rules = st.builds(
    replace,
    st.just(RULES),
    order=st.sampled_from(["ordered", "strict", "any"]),
    window=st.sampled_from([0, 3, 5, None]),
    tries=st.sampled_from([0, 2, 30]),
    steps=st.sampled_from([STEPS, STEPS[:2], (*STEPS, "x")]),
    ends_attempt=st.sampled_from([(), ("stop",)]),
    removes_customer=st.sampled_from([(), ("test",)]),
)


def crowd(n: int, seed: int) -> Log:
    """Customers with many events of the steps close together."""
    rng = np.random.default_rng(seed)
    stages, likely = [*STEPS, "x", "stop", "test"], [0.3, 0.24, 0.24, 0.12, 0.08, 0.02]

    def events(m: int) -> list[tuple[int, str]]:
        when, what = rng.integers(0, 16, m).tolist(), rng.choice(stages, m, p=likely).tolist()
        return list(zip(when, what, strict=True))

    return {f"c{i:03}": events(m) for i, m in enumerate(rng.integers(1, 14, n).tolist())}


# The oracle ---------------------------------------------------------------------------------------------


def oracle(log: Log, rules: JourneyRules) -> dict[str, tuple]:
    """Every start of every customer tried by itself: start, steps reached and when, and when it was ended."""
    found = {}
    for customer, events in log.items():
        ranked = sorted((t, _rank(stage, rules), stage) for t, stage in events if t < rules.until)
        if any(stage in rules.removes_customer for _, _, stage in ranked):
            continue
        starts = [t for t, _, stage in ranked if stage == rules.steps[0]]
        entries = [t for t in starts if rules.entry_from <= t < rules.entry_before]
        if not entries:
            continue
        allowed = [t for t in starts if entries[0] <= t <= entries[0] + rules.tries]
        attempts = [_attempt(ranked, start, rules) for start in dict.fromkeys(allowed)]
        # the furthest; of those the one that got there first; of those the one that started last
        best = max(attempts, key=lambda one: (len(one[0]), -one[0][-1], one[0][0]))
        found[customer] = (entries[0], tuple(best[0]), best[1])
    return found


def _rank(stage: str, rules: JourneyRules) -> int:
    return (*rules.steps, stage).index(stage) + (stage in rules.ends_attempt) * 100


def _attempt(ranked: list[tuple], start: int, rules: JourneyRules) -> tuple[list[int], int | None]:
    """Times at which one attempt reached its steps, and when it was ended otherwise."""
    after = [(t, stage) for t, _, stage in ranked if t >= start and (rules.window is None or t - start <= rules.window)]
    stops = [t for t, stage in after if stage in rules.ends_attempt]
    stop = stops[0] if stops else None
    live = [(t, stage) for t, stage in after if stop is None or t <= stop]
    times = (_in_any_order if rules.order == "any" else _in_order)(live, start, rules)
    ended = stop if len(times) < len(rules.steps) else None
    return times, ended


def _in_order(live: list[tuple], start: int, rules: JourneyRules) -> list[int]:
    times: list[int] = []
    for t, stage in live:
        if stage not in rules.steps:
            continue
        step = rules.steps.index(stage)
        if step == len(times):
            times.append(t)
        elif rules.order == "strict" and step != len(times) - 1 and times:
            break
    return times


def _in_any_order(live: list[tuple], start: int, rules: JourneyRules) -> list[int]:
    firsts = [min((t for t, stage in live if stage == step), default=None) for step in rules.steps]
    times: list[int] = []
    for first in firsts:
        if first is None:
            break
        times.append(max([first, *times]))
    return times


# Against it ---------------------------------------------------------------------------------------------


def batch_of(log: Log, size: int = 1000, form: str = "text") -> list[pa.RecordBatch]:
    rows = [(c, t, stage) for c in sorted(log) for t, stage in sorted(log[c], key=lambda e: e[0])]
    ids, stages = [c for c, _, _ in rows], [s for _, _, s in rows]
    types = {"text": pa.string(), "view": pa.string_view(), "dictionary": pa.dictionary(pa.int32(), pa.string())}
    times = pa.array([t for _, t, _ in rows], pa.int64()).cast(pa.timestamp("us"))
    texts = (pa.array(ids, pa.string()).cast(types[form]), pa.array(stages, pa.string()).cast(types[form]))
    table = pa.table({"customer_id": texts[0], "stage": texts[1], "occurred_at": times})
    return table.to_batches(max_chunksize=size)


def read(found: Journeys) -> dict[str, tuple]:
    return {
        customer: (
            int(entry),
            tuple(int(t) for t in times[:reached]),
            None if ended == NEVER else int(ended),
        )
        for customer, entry, reached, times, ended in zip(
            found.customers.to_pylist(), found.entry_at, found.reached, found.step_at, found.ended_at, strict=True
        )
    }


@pytest.mark.parametrize("window", [0, 3, 5, None])
@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
@pytest.mark.parametrize("tries", [0, 2, 30], ids=["first", "best of early ones", "best"])
def test_every_attempt_order_and_window_is_what_trying_every_start_finds(tries, order, window) -> None:
    asked = replace(RULES, order=order, window=window, tries=tries, ends_attempt=("stop",), removes_customer=("test",))
    log = crowd(150, seed=tries + (window or 0))
    expected = oracle(log, asked)
    assert read(scan_journeys(batch_of(log), asked)) == expected
    assert len({len(times) for _, times, _ in expected.values()}) > 1  # some got further than others


@given(logs, rules)
@settings(max_examples=200, deadline=None)
def test_the_scan_finds_what_trying_every_start_finds(log: Log, rules: JourneyRules) -> None:
    assert read(scan_journeys(batch_of(log), rules)) == oracle(log, rules)


@given(logs, rules, st.integers(1, 5), st.sampled_from(["text", "dictionary", "view"]))
@settings(max_examples=60, deadline=None)
def test_batches_may_end_anywhere_and_hold_texts_or_dictionaries(log: Log, rules: JourneyRules, size, form) -> None:
    whole = scan_journeys(batch_of(log), rules)
    parts = scan_journeys(batch_of(log, size, form), rules)
    assert read(parts) == read(whole) == oracle(log, rules)
    for name in ("n_customers", "n_removed", "n_events", "date_only"):
        assert getattr(parts, name) == getattr(whole, name)
    assert parts.rows.tolist() == whole.rows.tolist()


def test_reading_ahead_changes_nothing_and_hides_no_error() -> None:
    log = {f"c{i}": [(2 + i % 5, "a"), (4 + i % 7, "b")] for i in range(9)}
    ahead = scan_journeys(read_ahead(batch_of(log, 4)), RULES)
    assert read(ahead) == read(scan_journeys(batch_of(log), RULES))

    def broken():
        yield from batch_of(log, 4)[:2]
        raise OSError("the file ends here")

    with pytest.raises(OSError, match="the file ends here"):
        scan_journeys(read_ahead(broken()), RULES)


# ClickHouse ---------------------------------------------------------------------------------------------


def test_best_attempts_in_order_are_counted_as_clickhouse_counts_them() -> None:
    """`windowFunnel` on whole seconds: the window's end belongs to it, ties count in step order."""
    chdb = pytest.importorskip("chdb")
    rng = np.random.default_rng(3)
    n = 20_000
    rows = sorted(zip(rng.integers(0, 2000, n), rng.integers(0, 600, n), rng.integers(0, 6, n), strict=True))
    stages = np.array(["a", "b", "c", "d", "x", "y"])
    log = pa.table(
        {
            "customer_id": pa.array([f"C{c:04}" for c, _, _ in rows]),
            "stage": pa.array([stages[s] for _, _, s in rows]),
            "occurred_at": pa.array([t for _, t, _ in rows]).cast(pa.timestamp("s")),
        }
    )
    steps = ("a", "b", "c", "d")
    asked = JourneyRules(steps, 0, 10**9, 10**9, window=200 * 10**6, tries=10**9)
    own = scan_journeys(log.to_batches(), asked)
    conditions = ", ".join(f"stage = '{step}'" for step in steps)
    answer = chdb.query(
        f"SELECT customer_id, windowFunnel(200)(toDateTime(occurred_at), {conditions}) AS level FROM Python(log) "
        "GROUP BY customer_id HAVING level > 0 ORDER BY customer_id",
        "ArrowTable",
    )
    assert own.customers.to_pylist() == answer["customer_id"].to_pylist()
    assert own.reached.tolist() == answer["level"].to_pylist()
    assert np.bincount(own.reached, minlength=5)[1:].min() > 30  # every level is there to be compared


# Its edges ----------------------------------------------------------------------------------------------


def one_way(*events: tuple[int, str], **changes) -> tuple | None:
    """Entry, times of steps reached, and ending of one customer."""
    return read(scan_journeys(batch_of({"ann": list(events)}), replace(RULES, **changes))).get("ann")


def test_the_windows_end_belongs_to_it() -> None:
    assert one_way((2, "a"), (7, "b")) == (2, (2, 7), None)
    assert one_way((2, "a"), (8, "b")) == (2, (2,), None)


def test_events_of_one_moment_count_in_step_order_wherever_they_stand_in_the_table() -> None:
    assert one_way((3, "c"), (3, "b"), (3, "a")) == (3, (3, 3, 3), None)
    assert one_way((3, "stop"), (3, "b"), (3, "a"), ends_attempt=("stop",)) == (3, (3, 3), 3)


def test_first_keeps_one_clock_and_best_starts_again() -> None:
    twice = [(2, "a"), (3, "b"), (6, "a"), (9, "b"), (11, "c")]
    assert one_way(*twice) == (2, (2, 3), None)
    assert one_way(*twice, tries=5) == (2, (6, 9, 11), None)
    assert one_way(*twice, tries=3) == (2, (2, 3), None)  # the second start comes too late to count


def test_strict_ends_at_a_step_out_of_order_and_any_takes_every_order() -> None:
    back = [(2, "a"), (3, "b"), (4, "b"), (5, "a"), (6, "c")]
    assert one_way(*back) == (2, (2, 3, 6), None)
    assert one_way(*back, order="strict") == (2, (2, 3), None)
    assert one_way((2, "a"), (3, "x"), (4, "b"), (4, "b"), (5, "c"), order="strict") == (2, (2, 4, 5), None)
    ahead = [(2, "a"), (3, "c"), (5, "b")]
    assert one_way(*ahead, order="any") == (2, (2, 5, 5), None)
    assert one_way(*ahead) == (2, (2, 5), None)


def test_what_ends_an_attempt_ends_it_and_what_removes_a_customer_removes_them() -> None:
    ended = [(2, "a"), (3, "b"), (4, "stop"), (5, "c")]
    assert one_way(*ended, ends_attempt=("stop",)) == (2, (2, 3), 4)
    assert one_way(*ended) == (2, (2, 3, 5), None)
    assert one_way(*ended, ends_attempt=("stop",), removes_customer=("stop",)) is None
    found = scan_journeys(batch_of({"ann": ended, "bo": [(4, "x")]}), replace(RULES, removes_customer=("stop",)))
    assert (found.n_customers, found.n_removed) == (1, 1)


def test_an_entrant_whose_window_reaches_the_end_of_the_log_is_open() -> None:
    log = {name: [(t, "a")] for name, t in (("ann", 2), ("bo", 8), ("cy", 3))}
    found = scan_journeys(batch_of(log), replace(RULES, until=13))
    assert dict(zip(found.customers.to_pylist(), found.mature.tolist(), strict=True)) == {
        "ann": True, "bo": False, "cy": True,
    }  # fmt: skip
    assert scan_journeys(batch_of(log), replace(RULES, until=13, tries=5)).mature.tolist() == [True, False, False]


def test_without_a_window_only_what_happened_is_known() -> None:
    log = {"ann": [(2, "a"), (12, "b"), (13, "c")], "bo": [(2, "a"), (3, "stop")], "cy": [(2, "a")]}
    found = scan_journeys(batch_of(log), replace(RULES, window=None, ends_attempt=("stop",)))
    assert found.mature.tolist() == [True, True, False]
    assert found.cause.tolist() == [1, 2, 0]
    assert (found.waited_days * 86_400e6).round().tolist() == [11, 1, 12]


def test_a_cut_log_is_read_up_to_its_cut() -> None:
    log = {"ann": [(2, "a"), (3, "b"), (4, "c"), (5, "test")]}
    cut = replace(RULES, until=4, removes_customer=("test",))
    assert read(scan_journeys(batch_of(log), cut)) == {"ann": (2, (2, 3), None)}


def frame(customers: Sequence, times: Sequence[str], stages: Sequence[str] | None = None) -> pd.DataFrame:
    stages = stages or ["a"] * len(customers)
    return pd.DataFrame(
        {"customer_id": customers, "stage": stages, "occurred_at": pd.to_datetime(times, format="ISO8601")}
    )


def rules_of_days(start: str, end: str, cutoff: str, **changes) -> JourneyRules:
    asked = {"study": "s", "period": "p", "region": "r", "unit": "u", "steps": ["a", "b"], "window_days": 2, **changes}
    return JourneyRules.of(FunnelParams(**asked), Span(start=start, end=end, cutoff=cutoff))


def test_a_span_of_days_includes_its_last_day_and_the_clock_stops_at_midnight_after_the_cutoff() -> None:
    rules = rules_of_days("2026-07-01", "2026-07-02", "2026-07-04")
    times = ["2026-06-30 23:59", "2026-07-01 00:00", "2026-07-02 23:59:59", "2026-07-03 00:00"]
    found = scan_journeys(batches_of(frame(["a", "b", "c", "d"], times)), rules)
    assert found.customers.to_pylist() == ["b", "c"]
    assert found.mature.tolist() == [True, True]
    assert scan_journeys(batches_of(frame(["c"], times[2:3])), rules_of_days("2026-07-01", "2026-07-02", "2026-07-03")
                         ).mature.tolist() == [False]  # fmt: skip


def test_midnights_are_dates_without_a_time() -> None:
    rules = rules_of_days("2026-07-01", "2026-07-31", "2026-08-31")
    days = frame(["a", "a"], ["2026-07-01", "2026-07-02"])
    assert scan_journeys(batches_of(days), rules).date_only
    assert not scan_journeys(batches_of(frame(["a", "a"], ["2026-07-01", "2026-07-02 00:00:01"])), rules).date_only
    dated = pa.table({**batch_dict(days), "occurred_at": pa.array(days["occurred_at"].dt.date)})
    assert scan_journeys(dated.to_batches(), rules).entry_at.tolist() == [1782864000000000]


def batch_dict(events: pd.DataFrame) -> dict[str, pa.Array]:
    return {name: pa.array(events[name]) for name in events}


def test_ids_may_be_numbers() -> None:
    rules = rules_of_days("2026-07-01", "2026-07-31", "2026-08-31")
    log = frame([7, 7, 9], ["2026-07-01", "2026-07-02", "2026-07-05"], ["a", "b", "a"])
    found = scan_journeys(batches_of(log), rules)
    assert (found.customers.to_pylist(), found.reached.tolist()) == ([7, 9], [2, 1])


def test_a_dictionary_may_hold_a_customer_twice() -> None:
    rules = rules_of_days("2026-07-01", "2026-07-31", "2026-08-31")
    log = pa.table(batch_dict(frame(["ann", "ann"], ["2026-07-01", "2026-07-02"], ["a", "b"])))
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["ann", "ann"]))
    found = scan_journeys(log.set_column(0, "customer_id", twice).to_batches(), rules)
    assert (found.customers.to_pylist(), found.reached.tolist()) == (["ann"], [2])


@pytest.mark.parametrize("size", [1, 2, 10], ids=["between batches", "mixed", "in one batch"])
@pytest.mark.parametrize("form", ["text", "dictionary"])
@pytest.mark.parametrize(
    ("customers", "times"),
    [(["ann", "bo", "bo", "ann"], [1, 1, 2, 9]), (["ann", "bo", "bo", "bo"], [1, 3, 4, 2])],
    ids=["a customer comes twice", "time goes back"],
)
def test_events_out_of_order_are_refused(customers: list[str], times: list[int], form: str, size: int) -> None:
    log = pa.table(
        {
            "customer_id": pa.array(customers) if form == "text" else pa.array(customers).dictionary_encode(),
            "stage": pa.array(["a"] * 4),
            "occurred_at": pa.array(times).cast(pa.timestamp("s")),
        }
    )
    with pytest.raises(AnalysisError) as error:
        scan_journeys(log.to_batches(max_chunksize=size), RULES)
    assert str(error.value) == (
        "events: row 4 belongs before the row above it. Sort the events by customer_id, then occurred_at: a journey is "
        "read in one pass, and events out of order would be counted wrongly."
    )


def test_blank_ids_and_times_and_missing_columns_are_refused() -> None:
    log = frame(["ann", None, None], ["2026-07-01"] * 3)
    with pytest.raises(AnalysisError) as error:
        scan_journeys(batches_of(log), RULES)
    assert str(error.value) == "events: 2 rows without customer_id. Mend the mapping and import again."
    log = frame(["ann", "bo"], ["2026-07-01", None])
    with pytest.raises(AnalysisError) as error:
        scan_journeys(batches_of(log), RULES)
    assert str(error.value) == "events: 1 rows without occurred_at. Mend the mapping and import again."
    with pytest.raises(AnalysisError) as error:
        scan_journeys(pa.table({"customer_id": ["ann"], "stage": ["a"]}).to_batches(), RULES)
    assert str(error.value) == ("events: column missing: occurred_at. A journey needs customer_id, stage, occurred_at.")


def test_a_blank_stage_is_another_event_and_an_empty_log_has_nobody() -> None:
    rules = rules_of_days("2026-07-01", "2026-07-31", "2026-08-31")
    log = frame(["ann", "ann"], ["2026-07-01", "2026-07-02"], ["a", None])
    assert scan_journeys(batches_of(log), rules).reached.tolist() == [1]
    nobody = scan_journeys(batches_of(log.iloc[:0]), rules)
    assert (len(nobody.reached), nobody.step_at.shape, nobody.n_customers, nobody.date_only) == (0, (0, 2), 0, False)


def test_where_nothing_can_be_kept_the_scan_is_compiled_all_the_same(monkeypatch) -> None:
    def no_folder(*, cache: bool = False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(journeys_scan, "njit", no_folder)
    assert journeys_scan._compiled(lambda number: number + 1)(1) == 2

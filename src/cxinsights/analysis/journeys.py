"""Journeys: what each customer's events say about how far they got, by one set of rules.

Entry is a customer's first step 1 in the date range. Step k is reached when steps 1 … k happened in that order with
other events allowed between (`ordered`), with no step out of order between (`strict`), or in any order (`any`), within
the window from the start of the attempt. `first` counts the one attempt that starts at entry. `best` lets later
step-1 events start again, up to a fixed time after entry, and counts the attempt that gets furthest (of those that get
equally far, the one that gets there first, from its latest start). Events at the same moment count in step order.

An entrant whose time is not over when the log ends is open: neither converted nor lost.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from cxinsights.analysis.journeys_columns import Part, unsorted
from cxinsights.analysis.journeys_scan import ANY, DAY, NEVER, ORDERED, STRICT, scan
from cxinsights.params import FunnelParams, Span

__all__ = ["JourneyRules", "Journeys", "batches_of", "read_ahead", "scan_journeys"]

_ORDERS = {"ordered": ORDERED, "strict": STRICT, "any": ANY}
_FOREVER = 1 << 61
_READ_AHEAD = 2  # with one, reader and scan wait for each other at every batch


@dataclass(frozen=True)
class JourneyRules:
    """What counts as a journey. All times are microseconds since 1970."""

    steps: tuple[str, ...]
    entry_from: int
    entry_before: int
    until: int
    """Where the log ends: nothing from here on is read."""
    window: int | None
    """Time allowed from the start of an attempt, its end included; None for no limit."""
    tries: int = 0
    """Time from entry within which a further attempt may start; 0 counts the first alone."""
    order: str = "ordered"
    ends_attempt: tuple[str, ...] = ()
    removes_customer: tuple[str, ...] = ()

    @classmethod
    def of(cls, params: FunnelParams, span: Span) -> "JourneyRules":
        """Rules of a report: entries from the first day to the end of the last, the log up to the cutoff's end."""
        return cls(
            steps=tuple(params.steps),
            entry_from=_microseconds(span.start),
            entry_before=_microseconds(span.end) + DAY,
            until=_microseconds(span.cutoff) + DAY,
            window=None if params.window == "none" else round(params.window_days * DAY),
            tries=round(params.attempts_within_days * DAY) if params.attempt == "best" else 0,
            order=params.order,
            ends_attempt=tuple(params.ends_attempt),
            removes_customer=tuple(params.removes_customer),
        )

    @property
    def codes(self) -> dict[str, int]:
        """Code of each stage that the scan tells apart; all others have `other`."""
        k = self.other
        ends = dict.fromkeys(self.ends_attempt, k + 1)
        removes = dict.fromkeys(self.removes_customer, k + 2)
        return {**{step: at for at, step in enumerate(self.steps)}, **ends, **removes}

    @property
    def other(self) -> int:
        """Code of events that are no step and end nothing."""
        return len(self.steps)


@dataclass(frozen=True)
class Journeys:
    """Every entrant's journey, in the log's order of customers. Times are microseconds; `NEVER` where none."""

    rules: JourneyRules
    customers: pa.Array
    """Id of each entrant, of length n."""
    rows: np.ndarray
    """Rows of the log, of shape (n, 3): each one's entry, first event, and end of the events read."""
    entry_at: np.ndarray
    reached: np.ndarray
    """Steps reached by the counted attempt, 1 … k."""
    ended_at: np.ndarray
    """When the counted attempt was ended otherwise."""
    step_at: np.ndarray
    """When the counted attempt reached each step, of shape (n, k); the first column is its start."""
    n_customers: int
    """Customers with any event in the date range, removed ones not counted."""
    n_removed: int
    """Customers with an event in the date range who were removed."""
    n_events: int
    date_only: bool
    """Whether every event is stamped midnight: dates without a time of day."""

    @cached_property
    def converted(self) -> np.ndarray:
        """Whether each entrant got to the last step."""
        return self.reached == len(self.rules.steps)

    @cached_property
    def mature(self) -> np.ndarray:
        """Whether each entrant's time was over when the log ended.

        Without a window, whether the journey was: converted, or ended otherwise.
        """
        if self.rules.window is None:
            return self.converted | (self.ended_at != NEVER)
        return self.entry_at + self.rules.tries + self.rules.window < self.rules.until

    @property
    def counted(self) -> np.ndarray:
        """Whom rates are of: mature entrants; without a window all, as far as they got by the end of the log."""
        return np.ones(len(self.reached), dtype=bool) if self.rules.window is None else self.mature

    @property
    def started_at(self) -> np.ndarray:
        """Start of the counted attempt."""
        return self.step_at[:, 0]

    @cached_property
    def last_at(self) -> np.ndarray:
        """When each entrant reached the furthest step."""
        return self.step_at[np.arange(len(self.reached)), self.reached - 1]

    @cached_property
    def closed_at(self) -> np.ndarray:
        """End of each counted attempt's time: of its window, or of the log where that comes first."""
        if self.rules.window is None:
            return np.full(len(self.reached), self.rules.until)
        return np.minimum(self.started_at + self.rules.window, self.rules.until)

    @cached_property
    def cause(self) -> np.ndarray:
        """What ended each one's waiting: 1 conversion, 2 an ending otherwise, 0 nothing yet, or never."""
        return np.select([self.converted, self.ended_at != NEVER], [1, 2], 0)

    @cached_property
    def waited_days(self) -> np.ndarray:
        """Days from the start of the counted attempt to what ended it, or to the end of its time."""
        stopped = np.select([self.converted, self.ended_at != NEVER], [self.last_at, self.ended_at], self.closed_at)
        return (stopped - self.started_at) / DAY


def scan_journeys(batches: Iterable[pa.RecordBatch], rules: JourneyRules) -> Journeys:
    """Follow every customer of a log through the steps, in one pass.

    Parameters
    ----------
    batches
        The events sorted by customer_id, then occurred_at; a customer may go on in the next batch. Columns:
        `customer_id` (text, a dictionary of texts, or whole numbers), `stage` (text or a dictionary),
        `occurred_at` (dates or timestamps, read to the microsecond).
    rules
        What counts as a journey.

    Raises
    ------
    AnalysisError
        The events are not in order, a column is missing, or ids or times are.

    Notes
    -----
    Memory holds one batch and the entrants found. `best`, `ordered` counts what ClickHouse's `windowFunnel` counts.
    """
    found: list[tuple] = []
    seen = removed = rows = 0
    midnights = True
    special = bool(rules.ends_attempt), bool(rules.removes_customer)
    for part, first_row in _whole_customers(batches, rules):
        m, k = len(part.starts), rules.other
        bounds = np.append(part.starts, len(part.times))
        where, moments = np.empty((m, 3), np.int64), np.empty((m, k), np.int64)
        reached, ended = np.empty(m, np.int8), np.empty(m, np.int64)
        window = _FOREVER if rules.window is None else rules.window
        n, here, out, wrong, whole_days = scan(
            part.times, part.stages, bounds, k, _ORDERS[rules.order], window, rules.tries, rules.entry_from,
            rules.entry_before, rules.until, *special, where, reached, ended, moments,
        )  # fmt: skip
        if wrong >= 0:
            raise unsorted(first_row + wrong)
        where = where[:n]
        ids = part.customers.take(pa.array(np.searchsorted(part.starts, where[:, 1])))
        found.append((ids, first_row + where, part.times[where[:, 0]], reached[:n], ended[:n], moments[:n]))
        seen, removed, rows = seen + here, removed + out, first_row + len(part.times)
        midnights = midnights and whole_days
    if not found:
        nobody = np.empty(0, np.int64)
        found = [(pa.array([], pa.large_string()), nobody.reshape(0, 3), nobody, nobody, nobody,
                  nobody.reshape(0, rules.other))]  # fmt: skip
    ids, *columns = zip(*found, strict=True)
    return Journeys(
        rules, pa.concat_arrays(ids), *map(np.concatenate, columns), n_customers=seen - removed, n_removed=removed,
        n_events=rows, date_only=midnights and rows > 0,
    )  # fmt: skip


def batches_of(events: pd.DataFrame) -> list[pa.RecordBatch]:
    """A frame of events as the scan reads it."""
    return pa.Table.from_pandas(events[["customer_id", "stage", "occurred_at"]], preserve_index=False).to_batches()


def read_ahead(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, the next two read by a thread of its own while one is scanned: for logs in large files."""
    nothing = object()
    source = iter(batches)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        ahead = deque(reader.submit(next, source, nothing) for _ in range(_READ_AHEAD))
        while (batch := ahead.popleft().result()) is not nothing:
            ahead.append(reader.submit(next, source, nothing))
            yield batch


def _whole_customers(batches: Iterable[pa.RecordBatch], rules: JourneyRules) -> Iterator[tuple[Part, int]]:
    """Parts that break between customers only, each with the rows before it."""
    kept, row, read = None, 0, 0
    for batch in batches:
        if not len(batch):
            continue
        part = Part.of(batch, rules.codes, rules.other, read)
        if kept is not None:
            last, first = kept.customers[0].as_py(), part.customers[0].as_py()
            if first < last:
                raise unsorted(read)
            if first == last:  # the last customer of the batch before goes on
                more, part = part.split(1)
                kept = kept.with_more(more)
        read += len(batch)
        if not len(part.starts):
            continue
        if kept is not None:
            yield kept, row
            row += len(kept.times)
        done, kept = part.split(len(part.starts) - 1)
        if len(done.starts):
            yield done, row
            row += len(done.times)
    if kept is not None:
        yield kept, row


def _microseconds(day: date) -> int:
    return int(np.datetime64(day, "us").astype(np.int64))

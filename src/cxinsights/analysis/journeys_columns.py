"""What the journey scan reads of an Arrow batch: times, stage codes, and where one customer's events end.

Millions of ids are never made into Python or pandas text: neighbours are compared where they lie in Arrow's buffers,
or by their place in the batch's dictionary.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxinsights.analysis.journeys_scan import changes_of_text
from cxinsights.errors import AnalysisError

__all__ = ["Part", "unsorted"]

_COLUMNS = ("customer_id", "stage", "occurred_at")


@dataclass(frozen=True)
class Part:
    """A run of events in table order."""

    times: np.ndarray
    """Microseconds, of shape (n,)."""
    stages: np.ndarray
    """Code of each event's stage, of shape (n,)."""
    starts: np.ndarray
    """First row of each customer, of shape (m,)."""
    customers: pa.Array
    """Id of each customer, of length m, ascending."""

    @classmethod
    def of(cls, batch: pa.RecordBatch, codes: Mapping[str, int], other: int, row: int) -> "Part":
        """Read a batch.

        Parameters
        ----------
        codes
            Code of each stage that has one.
        other
            Code of all others.
        row
            Rows before this batch, for what an error says.

        Raises
        ------
        AnalysisError
            A column is missing or has blanks, or customers are not in order.
        """
        for name in _COLUMNS:
            if name not in batch.schema.names:
                raise AnalysisError(f"events: column missing: {name}. A journey needs {', '.join(_COLUMNS)}.")
        columns = {name: batch.column(name) for name in _COLUMNS}
        for name in ("customer_id", "occurred_at"):
            if columns[name].null_count:
                raise AnalysisError(
                    f"events: {columns[name].null_count:,} rows without {name}. Mend the mapping and import again."
                )
        starts, customers = _customers(columns["customer_id"], row)
        return cls(_times(columns["occurred_at"]), _stages(columns["stage"], codes, other), starts, customers)

    def split(self, at: int) -> "tuple[Part, Part]":
        """The first customers, and the others."""
        row = int(self.starts[at]) if at < len(self.starts) else len(self.times)
        return (
            Part(self.times[:row], self.stages[:row], self.starts[:at], self.customers[:at]),
            Part(self.times[row:], self.stages[row:], self.starts[at:] - row, self.customers[at:]),
        )

    def with_more(self, more: "Part") -> "Part":
        """Further events of the only customer of this part."""
        times, stages = ([a, b] for a, b in ((self.times, more.times), (self.stages, more.stages)))
        return Part(np.concatenate(times), np.concatenate(stages), self.starts, self.customers)


def unsorted(row: int) -> AnalysisError:
    """What to do about events out of order."""
    return AnalysisError(
        f"events: row {row + 1:,} belongs before the row above it. Sort the events by customer_id, then occurred_at: "
        "a journey is read in one pass, and events out of order would be counted wrongly."
    )


def _customers(column: pa.Array, row: int) -> tuple[np.ndarray, pa.Array]:
    """First row of each customer, and the ids there; refuses ids that do not ascend."""
    if pa.types.is_dictionary(column.type):
        codes = column.indices.to_numpy(zero_copy_only=False)
        starts = np.concatenate([[0], 1 + np.flatnonzero(codes[1:] != codes[:-1])])
        ids = column.dictionary.take(column.indices.take(pa.array(starts)))
    elif pa.types.is_integer(column.type):
        codes = column.to_numpy(zero_copy_only=False)
        starts = np.concatenate([[0], 1 + np.flatnonzero(codes[1:] != codes[:-1])])
        ids = column.take(pa.array(starts))
    else:
        column = column.cast(pa.large_string())
        starts = changes_of_text(*_buffers(column))
        ids = column.take(pa.array(starts))
    if pa.types.is_string(ids.type) or pa.types.is_string_view(ids.type):
        ids = ids.cast(pa.large_string())
    falls = pc.less(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    if falls.any():
        raise unsorted(row + int(starts[1 + np.argmax(falls)]))
    repeats = np.flatnonzero(pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False))
    if len(repeats):  # a dictionary may hold the same text twice
        kept = np.setdiff1d(np.arange(len(starts)), repeats + 1)
        starts, ids = starts[kept], ids.take(pa.array(kept))
    return starts.astype(np.int64), ids


def _buffers(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and letters of a text column, as they lie in memory."""
    _, offsets, letters = column.buffers()
    rows = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return rows, np.frombuffer(letters, np.uint8) if letters is not None else np.empty(0, np.uint8)


def _stages(column: pa.Array, codes: Mapping[str, int], other: int) -> np.ndarray:
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    by_name = np.array([*(codes.get(name, other) for name in column.dictionary.to_pylist()), other], dtype=np.int8)
    blank = len(by_name) - 1
    codes = column.indices.fill_null(blank) if column.null_count else column.indices
    return by_name[codes.to_numpy(zero_copy_only=False)]


def _times(column: pa.Array) -> np.ndarray:
    if not pa.types.is_timestamp(column.type):  # dates
        column = column.cast(pa.timestamp("s"))
    # what lies below a microsecond is cut off
    return column.cast(pa.timestamp("us", column.type.tz), safe=False).view(pa.int64()).to_numpy()

"""Journey scan against embedded ClickHouse: how far a million customers get through five steps within seven days.

Both read the same Parquet file of 20 million events, sorted by customer and time, in whole seconds, and count the
attempt that gets furthest. Ours is the public function that reports call, its checks of order and columns included;
the peer is `windowFunnel` over the `file` table function with all threads, as chdb's guide has it.
"""

import resource
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import chdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.pairs import compare
from cxinsights.analysis.journeys import JourneyRules, read_ahead, scan_journeys

EVENTS, CUSTOMERS, DAYS = 20_000_000, 1_000_000, 30
STEPS = ("visit", "quote", "application", "approved", "active")
OTHERS = ("app_login", "call", "branch_visit")
SECONDS = 7 * 86_400
_START = np.datetime64("2026-01-01", "s")
_AT_ONCE = 50_000  # customers made at a time


def main() -> dict[str, Any]:
    """Make the log, check that both count the same, then time them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        make_log(path)
        own = count_here(path)
        peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        theirs = count_there(path)
        if own != theirs:
            raise AssertionError(f"different counts: ours {own}, ClickHouse {theirs}")
        return compare(
            "funnel",
            EVENTS,
            lambda: count_here(path),
            f"ClickHouse {chdb.engine_version} (chdb {version('chdb')}) windowFunnel",
            lambda: count_there(path),
            runs=3,
            customers=CUSTOMERS,
            steps=len(STEPS),
            counts=own,
            own_peak_mb=peak,
        )


def count_here(path: Path) -> list[int]:
    """Customers who reached each step, by our scan."""
    end = _microseconds(_START + np.timedelta64(DAYS + 8, "D"))
    rules = JourneyRules(
        STEPS, _microseconds(_START), end, end, window=SECONDS * 1_000_000, tries=DAYS * 86_400_000_000
    )
    file = pq.ParquetFile(path, read_dictionary=["customer_id", "stage"], memory_map=True)
    found = scan_journeys(read_ahead(file.iter_batches(batch_size=1 << 20)), rules)
    return [int((found.reached >= step).sum()) for step in range(1, len(STEPS) + 1)]


def count_there(path: Path) -> list[int]:
    """Customers who reached each step, by ClickHouse."""
    steps = ", ".join(f"stage = '{step}'" for step in STEPS)
    counts = ", ".join(f"countIf(level >= {step})" for step in range(1, len(STEPS) + 1))
    answer = chdb.query(
        f"SELECT {counts} FROM (SELECT windowFunnel({SECONDS})(toDateTime(occurred_at), {steps}) AS level "
        f"FROM file('{path}', Parquet) GROUP BY customer_id)",
        "CSV",
    )
    return [int(n) for n in answer.data().strip().split(",")]


def make_log(path: Path) -> None:
    """Write the events: sorted by customer and time, the same on every run."""
    rng = np.random.default_rng(1)
    names = pa.array([*STEPS, *OTHERS])
    likely = np.array([0.2, 0.16, 0.12, 0.08, 0.06, 0.16, 0.12, 0.1])
    writer = None
    for first in range(0, CUSTOMERS, _AT_ONCE):
        n = _AT_ONCE * EVENTS // CUSTOMERS
        who = np.sort(rng.integers(first, first + _AT_ONCE, n))
        who[:: EVENTS // CUSTOMERS] = np.arange(first, first + _AT_ONCE)  # every customer has an event
        when = rng.integers(0, DAYS * 86_400, n)
        order = np.lexsort((when, who))
        ids = pa.array(np.char.add("C", np.char.zfill(np.arange(first, first + _AT_ONCE).astype(str), 7)))
        table = pa.table(
            {
                "customer_id": pa.DictionaryArray.from_arrays(pa.array(who[order] - first), ids).cast(pa.string()),
                "stage": pa.DictionaryArray.from_arrays(pa.array(rng.choice(8, n, p=likely)), names).cast(pa.string()),
                "occurred_at": pa.array(_START + when[order].astype("timedelta64[s]")),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def _microseconds(moment: np.datetime64) -> int:
    return int(moment.astype("datetime64[us]").astype(np.int64))


if __name__ == "__main__":
    main()

"""Time two ways of doing the same work, in turn, so that a machine that slows down slows both."""

import gc
import json
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any


def compare(
    benchmark: str, n: int, ours: Callable[[], Any], peer_name: str, peer: Callable[[], Any], runs: int = 5, **more: Any
) -> dict[str, Any]:
    """Medians of both over paired runs after one that is not counted; prints one JSON line and returns it.

    Parameters
    ----------
    n
        Rows that both read.
    more
        Further facts for the line.
    """
    ours()
    peer()
    pairs = [(_seconds(ours), _seconds(peer)) for _ in range(runs)]
    result = {
        "benchmark": benchmark,
        "n": n,
        **more,
        "ours_s": short(statistics.median(pair[0] for pair in pairs)),
        "peer": peer_name,
        "peer_s": short(statistics.median(pair[1] for pair in pairs)),
        "ratio": short(statistics.median(theirs / own for own, theirs in pairs)),
        "runs": runs,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(result))
    return result


def _seconds(work: Callable[[], Any]) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def short(value: float) -> float:
    """Three digits, as many as a timing deserves."""
    return float(f"{value:.3g}")

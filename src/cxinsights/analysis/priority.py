"""Priority matrix: how important each driver is against how well it is rated."""

import numpy as np

__all__ = ["quarters"]


def quarters(importance: np.ndarray, performance: np.ndarray, line: float, level: float) -> np.ndarray:
    """Quarter of each driver: `work_on_first`, `keep_strong`, `watch` or `hold`.

    Parameters
    ----------
    line, level
        Where importance and performance are divided; a driver on a line counts as above it.

    Notes
    -----
    Importance–performance analysis, Martilla & James (1977).
    """
    important, strong = importance >= line, performance >= level
    return np.select(
        [important & ~strong, important & strong, ~important & ~strong],
        ["work_on_first", "keep_strong", "watch"],
        "hold",
    )

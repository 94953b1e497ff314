"""Scores in every period, with the limits of their usual variation and the points that lie outside.

What is usual is said by all periods before the one reported on, so that a fall does not widen the limits that it is
held against. They are limits of single values: of how far apart one period and the next usually lie, whatever the
reason. Those of a share by its answers alone would be passed all the time, since customers differ by more than chance.
"""

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE
from cxinsights.analysis.trends import individuals_chart, runs_of

__all__ = ["FEWEST_PERIODS", "with_limits"]

FEWEST_PERIODS = 8
"""Earlier periods without which there are no limits: of fewer, the next may lie anywhere."""
_GIVEN = ["usual", "control_low", "control_high"]


def with_limits(scores: pd.DataFrame, shown: pd.Series, period: str) -> pd.DataFrame:
    """Add what is usual, its limits and each period's signal.

    Parameters
    ----------
    scores
        One row per place, measure and period, from the earliest to the latest.
    shown
        Which of them readers see: no others say what is usual, or they would follow from it.
    period
        The one reported on; all before it are the baseline.

    Returns
    -------
    DataFrame
        With `n_periods` (earlier ones shown), `usual` (their mean), `control_low`, `control_high` (three standard
        deviations from it, by the mean moving range; missing under eight earlier periods, or where they are all alike)
        and `signal`: `low` or `high` beyond a limit, `run_low` or `run_high` from the seventh in a row on one side of
        the mean.
    """
    found = scores.assign(n_periods=0, signal="", **dict.fromkeys(_GIVEN, np.nan))
    for _, rows in found[shown & found["score"].notna()].groupby([*NODE, "survey", "metric"], sort=False):
        values, before = rows["score"].to_numpy(float), int((rows["period"] != period).sum())
        found.loc[rows.index, "n_periods"] = before
        chart = individuals_chart(values, before) if before >= FEWEST_PERIODS else None
        if chart is None or not chart.sd > 0:
            continue
        signal = np.select([values < chart.low, values > chart.high], ["low", "high"], "").astype(object)
        for places, name in zip(runs_of(values, chart.center), ("run_high", "run_low"), strict=True):
            signal[[at for at in places if not signal[at]]] = name
        found.loc[rows.index, ["usual", "control_low", "control_high"]] = np.column_stack(
            [np.full(len(rows), chart.center), chart.low, chart.high]
        )
        found.loc[rows.index, "signal"] = signal
    return found

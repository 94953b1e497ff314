"""Segments from one period to the next: the same letter for the same customers, and who moved where.

Letters are matched by the assignment that makes the segments' overlap (Jaccard index among customers of both
periods) largest in all (Hungarian method). What is left over gets the next free letters.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from cxinsights.analysis.intervals import wilson

__all__ = ["LETTERS", "matched", "migration_table"]

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def matched(members: pd.DataFrame, previous: pd.DataFrame) -> dict[str, str]:
    """Letter of each segment, as it was in the period before.

    Parameters
    ----------
    members, previous
        `customer_id` and `segment` of this period and the one before.

    Returns
    -------
    dict of str to str
        New letter by present one; those without a match take letters that the period before did not use.
    """
    now = sorted(members["segment"].unique())
    alike = overlaps(members, previous)
    letters = {}
    if alike.size:
        rows, columns = linear_sum_assignment(-alike.to_numpy())
        pairs = zip(rows, columns, strict=True)
        letters = {alike.index[i]: alike.columns[j] for i, j in pairs if alike.iloc[i, j] > 0}
    free = (letter for letter in LETTERS if letter not in set(previous["segment"]))
    return {name: letters.get(name) or next(free) for name in now}


def overlaps(members: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """Jaccard index of every segment now (rows) with every segment before (columns), among customers of both."""
    both = members.merge(previous, on="customer_id", suffixes=("", "_before"))
    counts = pd.crosstab(both["segment"], both["segment_before"])
    union = counts.sum(axis=1).to_numpy()[:, None] + counts.sum(axis=0).to_numpy()[None] - counts
    return counts / union


def migration_table(members: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """Where the customers of each earlier segment are now.

    Parameters
    ----------
    members
        `customer_id` and `segment` now, of the report's customers; letters matched.
    previous
        The same of the period before.

    Returns
    -------
    DataFrame
        One row per earlier segment and present one: `n` (customers of the earlier segment who have one now),
        `share` of them with interval. Rows of one earlier segment sum to 1.
    """
    both = members.merge(previous, on="customer_id", suffixes=("", "_before"))
    counts = pd.crosstab(both["segment_before"], both["segment"])
    rows = []
    for before, line in counts.iterrows():
        n = int(line.sum())
        rows += [(before, now, n, count / n, *wilson(count / n, n)) for now, count in line.items()]
    columns = ["segment_before", "segment", "n", "share", "share_low", "share_high"]
    return pd.DataFrame(rows, columns=columns).astype({"n": np.int64})

"""Did it work? A unit's change since an action began, against that of comparable units over the same time.

What moved all units alike (a season, a new fare, the news) is taken off by the units that did not act: the difference
of the two changes is what is left for the action, and for everything else that happened in that unit only.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE, p_of, t_of
from cxinsights.analysis.ranking import common_of

__all__ = ["FEWEST", "Effect", "fit_effect"]

FEWEST = 4
"""Comparable units below which how much units differ in their changes is not known."""


@dataclass(frozen=True)
class Effect:
    """A unit's change, that of the others, and the difference of the two with its interval."""

    n: int
    """The unit's answers after."""
    n_compare: int
    """And before."""
    n_units: int
    change: float
    change_compare: float
    """Mean change of the other units."""
    difference: float
    diff_low: float
    diff_high: float
    p_value: float
    """Of the difference, on its own."""


def fit_effect(
    scores: pd.DataFrame,
    place: tuple[str, str],
    acting: Collection[tuple[str, str]],
    before: str,
    after: str,
    confidence: float = CONFIDENCE,
) -> Effect | None:
    """Difference in differences of one unit against the units that did not act.

    Parameters
    ----------
    scores
        Scores of units that may be shown, one row each per period: region, unit, period, score, se, n.
    place
        Region and unit.
    acting
        Units that had an action of their own on the same score by then: they are not compared with.
    before, after
        Ids of the last period before the action began, and of the one reported on.

    Returns
    -------
    Effect or None
        None where the unit has no score in either period, or fewer than `FEWEST` others have.

    Notes
    -----
    Changes of the other units are taken to differ by more than their answers explain, with a variance between them of
    highest restricted likelihood (as in the league of units). The acting unit would have differed as much without any
    action: the interval holds that too, beside the errors of both means, and has the t form with one degree of freedom
    less than there are others (Donald and Lang 2007, Review of Economics and Statistics 89, 221–233). Answers of the
    two periods are taken to be independent. One unit cannot tell an action from anything else it alone went through.
    """
    wide = scores[scores["period"].isin([before, after])].pivot_table(
        index=["region", "unit"], columns="period", values=["score", "se", "n"]
    )
    if not {("score", before), ("score", after)} <= set(wide.columns):
        return None
    wide = wide.dropna(subset=[("score", before), ("score", after)])
    changes = wide["score"][after] - wide["score"][before]
    variances = wide["se"][after] ** 2 + wide["se"][before] ** 2
    others = [at for at in changes.index if at != place and at not in acting and variances[at] > 0]
    if place not in changes.index or len(others) < FEWEST:
        return None
    found = common_of(changes[others].to_numpy(), np.sqrt(variances[others].to_numpy()))
    difference = float(changes[place] - found.mean)
    error = np.sqrt(variances[place] + found.between + found.mean_se**2)
    df = len(others) - 1
    half = t_of(confidence, df) * float(error)
    n = wide["n"].loc[place]
    return Effect(
        int(n[after]), int(n[before]), len(others), float(changes[place]), found.mean, difference, difference - half,
        difference + half, p_of(difference / float(error), df),
    )  # fmt: skip

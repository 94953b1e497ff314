"""How many of those who were asked answered, where a study knows whom it asked. Never guessed where it does not."""

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE
from cxinsights.params import ALL

__all__ = ["RESPONSE", "with_response"]

RESPONSE = ["invited", "n_returned", "response_rate"]
_PLACE, _WAVE = ["region", "unit"], ["survey", "period"]


def with_response(scores: pd.DataFrame, units: pd.DataFrame, invitations: pd.DataFrame | None) -> pd.DataFrame:
    """Add how many were asked, how many questionnaires came back, and the share.

    Parameters
    ----------
    scores
        Scores of any places, from the baseline.
    units
        Scores of all units in the same periods: which of them answered.
    invitations
        `invited` by region, unit, period and survey; None where the study does not know.

    Returns
    -------
    DataFrame
        With `invited`, `n_returned` and `response_rate`, missing where the invitations of any unit that answered are
        not known, and of sites. The rate is missing too where more came back than were asked.
    """
    if invitations is None or not len(scores):
        return scores.assign(**dict.fromkeys(RESPONSE, np.nan))
    answered = units.loc[units["n"] + units["n_missing"] > 0, [*_PLACE, *_WAVE]].drop_duplicates()
    known = answered.merge(invitations[[*_PLACE, *_WAVE, "invited"]], on=[*_PLACE, *_WAVE], how="outer")
    found = scores.merge(_summed(known), on=[*NODE, *_WAVE], how="left")
    found["n_returned"] = (found["n"] + found["n_missing"]).where(found["invited"].notna())
    share = found["n_returned"] / found["invited"].where(found["invited"] > 0)
    return found.assign(response_rate=share.where(share <= 1))


def _summed(known: pd.DataFrame) -> pd.DataFrame:
    """Invited by company, region and unit; missing where they are of any unit within."""
    levels = {"company": [], "region": _PLACE[:1], "unit": _PLACE}
    frames = []
    for level, keys in levels.items():
        found = known.groupby([*keys, *_WAVE])["invited"].agg(lambda of: of.sum(skipna=False)).reset_index()
        places = {name: ALL for name in NODE[1:] if name not in keys}
        frames.append(found.assign(level=level, **places))
    return pd.concat(frames, ignore_index=True)

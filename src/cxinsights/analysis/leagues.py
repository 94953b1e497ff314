"""How the units of a region or the company stand to one another, and what they make of its change."""

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE
from cxinsights.analysis.intervals import z_of
from cxinsights.analysis.mix import split_change
from cxinsights.analysis.ranking import funnel_limits, league

__all__ = ["LEAGUE", "MIX", "league_of", "mix_of"]

FEWEST_UNITS, FEWEST_ANSWERS = 3, 30
_PLACE = [*NODE, "survey", "metric"]
LEAGUE = [
    *_PLACE, "n", "n_effective", "score", "ci_low", "ci_high", "shrunken", "shrunken_low", "shrunken_high",
    "reliability", "rank_low", "rank_high", "n_ranked", "center", "limit_low", "limit_high", "overdispersion", "beyond",
]  # fmt: skip
MIX = [*_PLACE, "period", "compare_period", "n", "n_compare", "share_now", "share_before", "rate_part",
       "rate_low", "rate_high", "mix_part", "both_part"]  # fmt: skip
"""Columns of a change that is split: shares of the whole's answers, and each part's points of the change."""


def league_of(units: pd.DataFrame, whole: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Units by shrunken score with rank intervals and funnel limits, within each measure.

    Parameters
    ----------
    units
        Scores of units in one period, from the baseline: one row per unit and measure.
    whole
        Scores of what they belong to, by measure.

    Returns
    -------
    DataFrame
        Units of 30 answers and more, none that is hidden, where there are three. `beyond` is `low` or `high` outside
        the limits (99.8%), which lie around the score of the whole where each unit's answers vary as all do.
    """
    center = whole.set_index("metric")["score"]
    found = [pd.DataFrame(columns=LEAGUE)]
    for metric, rows in units.groupby("metric", sort=False):
        ranked = rows[(rows["n"] >= FEWEST_ANSWERS) & ~_hidden(rows) & (rows["se"] > 0)]
        if len(ranked) < FEWEST_UNITS:
            continue
        score, se, n = (ranked[name].to_numpy(float) for name in ("score", "se", "n_effective"))
        told = league(score, se, confidence)
        spread = np.sqrt(np.average(np.square(se) * n, weights=n))  # standard deviation of one answer
        limits = funnel_limits(score, spread / np.sqrt(n), float(center[metric]))
        beyond = np.select([score < limits.low, score > limits.high], ["low", "high"], "")
        found.append(
            ranked.assign(
                shrunken=told.estimate, shrunken_low=told.ci_low, shrunken_high=told.ci_high,
                reliability=told.reliability, rank_low=told.rank_low, rank_high=told.rank_high, n_ranked=len(ranked),
                center=limits.center, limit_low=limits.low, limit_high=limits.high,
                overdispersion=limits.overdispersion, beyond=beyond,
            )[LEAGUE]
        )  # fmt: skip
    return pd.concat([one for one in found if len(one)] or found, ignore_index=True)


def mix_of(parts: pd.DataFrame, period: str, earlier: str, confidence: float = 0.95) -> pd.DataFrame:
    """What each part makes of the whole's change since an earlier period, by its score and by its share of answers.

    Parameters
    ----------
    parts
        Scores of the parts in both periods, from the baseline, one row per part, measure and period.

    Returns
    -------
    DataFrame
        One row per part and measure; for each measure the parts of `rate_part`, `mix_part` and `both_part` sum to the
        whole's change. Shares of answers are taken as they are; the interval is of the scores. Empty for a measure of
        which a part is hidden.
    """
    found = [pd.DataFrame(columns=MIX)]
    for _, rows in parts.groupby("metric", sort=False):
        now, then = (rows[rows["period"] == one].set_index(_PLACE) for one in (period, earlier))
        both = now.join(then, how="outer", suffixes=("", "_then"))
        both[["n", "n_then"]] = both[["n", "n_then"]].fillna(0).astype(int)
        both = both[(both["n"] > 0) | (both["n_then"] > 0)]
        if not both["n"].sum() or not both["n_then"].sum() or _hidden(rows).any():
            continue
        sizes = [both[name].fillna(0).to_numpy(float) for name in ("size", "size_then")]
        shares, earlier_shares = (size / size.sum() for size in sizes)
        split = split_change(both["score"].to_numpy(float), both["score_then"].to_numpy(float), shares, earlier_shares)
        half = z_of(confidence) * earlier_shares * np.hypot(both["se"].fillna(0), both["se_then"].fillna(0))
        both = both.assign(
            period=period, compare_period=earlier, n_compare=both["n_then"], share_now=shares,
            share_before=earlier_shares, rate_part=split.rate, rate_low=split.rate - half,
            rate_high=split.rate + half, mix_part=split.mix, both_part=split.both,
        )  # fmt: skip
        found.append(both.reset_index()[MIX])
    return pd.concat([one for one in found if len(one)] or found, ignore_index=True)


def _hidden(scores: pd.DataFrame) -> pd.Series:
    """Which scores the period's plan hides; none where there is no plan."""
    return scores.get("hidden", pd.Series(False, index=scores.index)).astype(bool)

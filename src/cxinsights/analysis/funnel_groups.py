"""The funnel by what was known at entry: groups, their curves, and each group against the others.

A customer belongs to the group of the entry event, whatever came later. Groups with fewer mature entrants than a
comparison needs are counted together as `other`, so that none is too small to be shown or follows from the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.intervals import CONFIDENCE, p_of, wilson, z_of
from cxinsights.analysis.journeys import Journeys
from cxinsights.analysis.journeys_scan import DAY
from cxinsights.analysis.scores import Sample
from cxinsights.analysis.survival import Survival, fit_survival, log_rank

__all__ = ["OTHER", "Groups", "fit_breakdown", "fit_curves", "fit_log_rank", "horizon_of"]

OTHER = "other"
_POINTS = 61


@dataclass(frozen=True)
class Groups:
    """One breakdown: the group of each entrant."""

    segment: str
    names: tuple[str, ...]
    """Largest first; those counted together last."""
    codes: np.ndarray
    """Place of each entrant's group among the names; −1 where the entry says nothing. Of shape (n,)."""

    @classmethod
    def at_entry(cls, events: pd.DataFrame, journeys: Journeys, column: str, min_base: int) -> "Groups":
        """Groups of a column by its value at entry; small ones together."""
        values = events[column].iloc[journeys.rows[:, 0]].reset_index(drop=True)
        given = values.notna().to_numpy()
        texts = values.astype("str").to_numpy(dtype=object)
        sizes = pd.Series(texts[given & journeys.counted]).value_counts()
        sizes = sizes.sort_index().sort_values(ascending=False, kind="stable")
        names, together = list(sizes.index), 0
        while names and (sizes[names[-1]] < min_base or 0 < together < min_base):
            together += int(sizes[names.pop()])
        if together:
            names = [name for name in names if name != OTHER] + [OTHER]  # a real group of that name joins them
        code = {name: at for at, name in enumerate(names)}
        codes = np.array([code.get(text, len(names) - 1 if together else -1) for text in texts], dtype=int)
        return cls(column, tuple(names), np.where(given, codes, -1))


def horizon_of(journeys: Journeys) -> float:
    """Days by which conversion is told: the window, or without one what half of the entrants were observed for."""
    if journeys.rules.window is not None:
        return journeys.rules.window / DAY
    days = np.median(journeys.rules.until - journeys.started_at) / DAY
    return float(max(np.floor(days), min(days, 1.0)))


def fit_curves(journeys: Journeys, groups: Sequence[Groups]) -> pd.DataFrame:
    """Share converted by each day since the start, for all and for each group.

    The curve is given at evenly spaced days, not where it steps: a step is one customer's own time.
    """
    if journeys.rules.window is not None:
        longest = journeys.rules.window / DAY
    else:
        longest = float(np.quantile(journeys.rules.until - journeys.started_at, 0.9)) / DAY
    days = np.linspace(0, longest, _POINTS)
    everyone = np.ones(len(journeys.reached), dtype=bool)
    frames = [_curve(journeys, everyone, days).assign(segment="", group="")]
    for one in groups:
        frames += [
            _curve(journeys, one.codes == at, days).assign(segment=one.segment, group=name)
            for at, name in enumerate(one.names)
        ]
    columns = ["segment", "group", "day", "n", "n_at_risk", "converted", "ci_low", "ci_high"]
    return pd.concat(frames, ignore_index=True)[columns]


def fit_log_rank(journeys: Journeys, groups: Sequence[Groups]) -> pd.DataFrame:
    """Whether the groups of each breakdown share one curve.

    None where an attempt can end otherwise: the test is of those still waiting, and says nothing of the shares shown.
    """
    if (journeys.cause == 2).any():
        return pd.DataFrame()
    rows = []
    for one in groups:
        named = one.codes >= 0
        test = log_rank(journeys.waited_days[named], journeys.cause[named] == 1, one.codes[named])
        rows.append((one.segment, "curve", int(named.sum()), len(one.names), test.chi2, test.df, test.p_value))
    frame = pd.DataFrame(rows, columns=["segment", "rate", "n", "n_groups", "chi2", "df", "p_value"])
    return adjust(frame, ["rate"]) if len(frame) else frame


def fit_breakdown(journeys: Journeys, groups: Sequence[Groups], horizon: float, min_base: int) -> pd.DataFrame:
    """Conversion and step rates of each group against the other groups of its breakdown.

    A step is broken down where every group has customers enough at it. Without a window conversion and its difference
    are read off the curves at the horizon and tested there, since rates so far depend on who entered when.
    """
    rows = []
    for one in groups:
        if journeys.rules.window is None:
            rows += _read_off_curves(journeys, one, horizon)
        else:
            rows += _counted(journeys, one, min_base)
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return adjust(frame, ["rate"]) if len(frame) else frame


_COLUMNS = [
    "segment", "group", "rate", "step", "n", "score", "ci_low", "ci_high", "n_compare", "difference", "diff_low",
    "diff_high", "p_value", "effect_size",
]  # fmt: skip


def _survival(journeys: Journeys, side: np.ndarray) -> Survival:
    return fit_survival(journeys.waited_days[side], journeys.cause[side])


def _curve(journeys: Journeys, side: np.ndarray, days: np.ndarray) -> pd.DataFrame:
    found = _survival(journeys, side).at(days)
    frame = found.rename(columns={"time": "day", "happened": "converted", "at_risk": "n_at_risk"})
    return frame.assign(n=int(side.sum())).drop(columns="se")


def _counted(journeys: Journeys, one: Groups, min_base: int) -> Iterator[tuple]:
    """Conversion and step rates of each group and of the others."""
    steps, reached = journeys.rules.steps, journeys.reached
    named = journeys.counted & (one.codes >= 0)
    for rate, step in [("of_entrants", len(steps)), *(("of_previous", at) for at in range(2, len(steps) + 1))]:
        base = named & (reached >= (1 if rate == "of_entrants" else step - 1))
        if np.bincount(one.codes[base], minlength=len(one.names)).min() < min_base:
            continue
        for at, name in enumerate(one.names):
            sides = (base & (one.codes == at), base & (one.codes != at))
            a, b = (Sample((reached[side] >= step).astype(float)) for side in sides)
            found = compare(a, b, "share", min_base=min_base)
            own = (a.n, a.mean, *wilson(a.mean, a.n), b.n)
            against = (found.value, found.ci_low, found.ci_high, found.p_value, found.effect_size)
            yield (one.segment, name, rate, steps[step - 1], *own, *against)


def _read_off_curves(journeys: Journeys, one: Groups, horizon: float) -> Iterator[tuple]:
    """Conversion of each group and of the others by the horizon."""
    named = one.codes >= 0
    for at, name in enumerate(one.names):
        sides = (named & (one.codes == at), named & (one.codes != at))
        a, b = (_survival(journeys, side).at([horizon]).iloc[0] for side in sides)
        difference = a.happened - b.happened
        # where nobody of a side has converted by then, its curve has no error to tell
        se = float(np.hypot(a.se, b.se)) if a.se > 0 and b.se > 0 else np.nan
        half, p_value = z_of(CONFIDENCE) * se, p_of(difference / se)
        effect = 2 * float(np.arcsin(np.sqrt(a.happened)) - np.arcsin(np.sqrt(b.happened)))
        n, n_compare = (int(side.sum()) for side in sides)
        own = (n, a.happened, a.ci_low, a.ci_high, n_compare)
        against = (difference, difference - half, difference + half, p_value, effect)
        yield (one.segment, name, "of_entrants", journeys.rules.steps[-1], *own, *against)

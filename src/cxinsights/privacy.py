"""The one guard between results and any reader.

Nothing is shown, recorded or downloaded but through `guard`. A figure that rests on too few answers becomes
`Suppressed`, a type of its own: not a missing number, not zero. Where one hidden figure could be had by taking
the shown ones from a total, a second is hidden; that plan is made once per period (`protect`), so that two
pages together give no more away than one. Frames with a row per person do not pass at all.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE, Baseline
from cxinsights.analysis.disclosure import further_hidden
from cxinsights.analysis.results import Published, published_tables
from cxinsights.analysis.scores import METRICS
from cxinsights.errors import PrivacyError
from cxinsights.params import ALL, PrivacyRules, ReportParams, Study

__all__ = [
    "GIVES_AWAY",
    "Guarded",
    "Suppressed",
    "guard",
    "hidden_ratings",
    "is_hidden",
    "is_shown",
    "plan_hidden",
    "protect",
]

GIVES_AWAY = "it would give a smaller group away"
"""Reason of a report that has answers enough and is hidden for the sake of others."""


@dataclass(frozen=True)
class Suppressed:
    """A figure that is not shown, and why. It takes part in no arithmetic."""

    threshold: int
    why: Literal["small", "complement"] = "small"

    def __str__(self) -> str:
        if self.why == "small":
            return f"not shown, under {self.threshold}"
        return "not shown, it would give another away"

    def __float__(self) -> NoReturn:
        raise PrivacyError(f"A suppressed figure ({self}) has no value to compute with.")

    __int__ = __float__


class Guarded:
    """A result as readers may see it: its publishable tables, small bases hidden.

    Made by `guard` only. Tables are attributes; asking for a private frame is an error.
    """

    def __init__(self, result: Any, study: Study, tables: dict[str, pd.DataFrame], status: str, reason: str) -> None:
        self._result = result
        self.study = study
        self.tables = tables
        self.status = status
        self.reason = reason
        self.params: ReportParams = result.params

    @property
    def kind(self) -> type:
        """Class of the result."""
        return type(self._result)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self.tables:
            return self.tables[name]
        value = getattr(self._result, name)
        if isinstance(value, pd.DataFrame):
            raise PrivacyError(f"{name} holds a row per person: it is not shown and not recorded.")
        return value


def guard(result: Any, study: Study, *, hidden: bool = False) -> Guarded:
    """Let a result through as readers may see it.

    Parameters
    ----------
    result
        A result dataclass of an analysis; every frame in it is declared a table or private.
    study
        Whose thresholds hold, and whose names pages use.
    hidden
        Whether the plan of the period hides the whole subject of the report (see `is_hidden`).

    Raises
    ------
    PrivacyError
        A frame is not declared, or a table lacks its base.
    """
    declared = published_tables(result)
    for field in fields(result):
        loose = isinstance(getattr(result, field.name), pd.DataFrame) and field.name not in declared
        if loose and not field.metadata.get("private"):
            raise PrivacyError(
                f"{type(result).__name__}.{field.name}: a frame must be declared as table(...) or private()."
            )
    tables = {
        name: _shown(getattr(result, name), how, study.privacy, hidden, f"{type(result).__name__}.{name}")
        for name, how in declared.items()
    }
    status, reason = result.status, result.reason
    leading, how = next(iter(declared.items()))
    if status == "ok" and _nothing_left(tables[leading].drop(columns=list(how.counts), errors="ignore")):
        status = "too_few"
        reason = GIVES_AWAY if hidden else f"fewer than {study.privacy.customer_min} answers"
    return Guarded(result, study, tables, status, reason)


def protect(baseline: Baseline, rules: PrivacyRules) -> Baseline:
    """Plan once for a period what is hidden beyond small bases: adds `hidden` to the baseline's tables.

    Every period is planned alike from its own bases, so that a later report's look back shows no more than the
    period's own report did. A change is hidden where either of its sides is, a difference from the rest where the
    part or the whole is: with one side known, each would tell the other.
    """
    scores, changes, rests, segments, rated, case_mix = (
        getattr(baseline, name).assign(hidden=False)
        for name in ("scores", "changes", "rests", "segments", "rated", "case_mix")
    )
    plans: dict[Hashable, set[tuple]] = {}
    gone: set[tuple] = set()
    for key, rows in baseline.bases.groupby(["survey", "metric", "period"], sort=False):
        bases = {(*node, *filter(None, group)): n for *node, group, n in _places(rows)}
        gone |= {(*place[:4], *key, *place[4:]) for place in _plan(bases, rules.customer_min, plans)}
    subject = [*NODE, "survey", "metric", "period"]

    def hidden(frame: pd.DataFrame, *names: str, period: str | pd.Series = baseline.period) -> pd.Series:
        family = frame["metric"].map(lambda name: METRICS[name].family)
        keys = frame.assign(metric=family, period=period)[[*subject, *names]].itertuples(index=False, name=None)
        return pd.Series([key in gone for key in keys], index=frame.index, dtype=bool)

    scores["hidden"] = hidden(scores, period=scores["period"])
    changes["hidden"] = hidden(changes) | hidden(changes, period=changes["compare_period"])
    rests["hidden"] = hidden(rests) | hidden(_wholes(rests, scores))
    segments["hidden"] = hidden(segments) | hidden(segments, "segment", "group")
    case_mix["hidden"] = hidden(case_mix)
    for frame, value in ((changes, "change"), (rests, "difference"), (segments, "difference")):
        frame["hidden"] |= frame[value].notna() & (frame["n_compare"] < rules.customer_min)
    # a difference from the other groups tells the score of all who named one, and so of those who did not
    told = ["difference", "diff_low", "diff_high", "p_value", "effect_size", "p_adjusted"]
    segments.loc[hidden(segments, "segment"), [name for name in told if name in segments]] = np.nan
    for _, rows in rated.groupby(["survey", "driver"], sort=False):
        bases = {tuple(node): n for *node, n in rows[[*NODE, "n"]].itertuples(index=False, name=None)}
        places = _plan(bases, rules.customer_min, plans)
        rated.loc[rows.index, "hidden"] = [node in places for node in rows[NODE].itertuples(index=False, name=None)]
    return Baseline(
        baseline.period, scores, changes, rests, segments, rated, baseline.bases, case_mix, rules.customer_min
    )


def plan_hidden(
    nodes: pd.DataFrame, names: pd.DataFrame, bases: pd.Series, threshold: int, groups: pd.Series | None = None
) -> pd.Series:
    """Which figures to hide since one too small would follow from them, beyond those that are small themselves.

    Parameters
    ----------
    nodes
        Company, region or unit of each figure: the columns of `NODE`.
    names
        What the figure is of; figures of the same names add up from units to regions and the company.
    bases
        Answers behind each figure.
    groups
        Group of each figure, where the groups of a place add up to a whole that other pages show.
    """
    hidden = pd.Series(False, index=bases.index)
    group = pd.Series([()] * len(bases)) if groups is None else groups.map(lambda name: ("group", name))
    frame = nodes.assign(group_=group.to_numpy(), n_=bases)
    for _, rows in frame.groupby([names[name] for name in names], sort=False, dropna=False):
        places = [(*node, *group) for *node, group in rows[[*NODE, "group_"]].itertuples(index=False, name=None)]
        sizes = dict(zip(places, rows["n_"].astype(int), strict=True))
        if groups is not None:
            wholes = rows.groupby(NODE, sort=False)["n_"].sum().astype(int)
            sizes = {**wholes.to_dict(), **sizes}
        gone = _plan(sizes, threshold, {})
        hidden[rows.index] = [place in gone for place in places]
    return hidden


def hidden_ratings(baseline: Baseline, node: tuple[str, str, str, str], survey: str) -> list[str]:
    """Ratings whose mean at a node the plan hides, since a smaller part's would follow from it."""
    rated = baseline.rated
    here = (rated[NODE] == list(node)).all(axis=1) & (rated["survey"] == survey) & rated["hidden"]
    return rated.loc[here, "driver"].tolist()


def is_hidden(baseline: Baseline, node: tuple[str, str, str, str], survey: str, period: str) -> bool:
    """Whether the plan hides a node's scores of one survey, though they have answers enough."""
    scores = baseline.scores
    here = (scores[NODE] == list(node)).all(axis=1)
    rows = scores[here & (scores["survey"] == survey) & (scores["period"] == period)]
    return bool(rows["hidden"].any())


def is_shown(figures: pd.Series) -> pd.Series:
    """Which figures of a guarded column are shown."""
    if figures.dtype != object:  # a column of plain numbers holds nothing else
        return pd.Series(True, index=figures.index)
    return ~figures.map(lambda value: isinstance(value, Suppressed)).astype(bool)


def _shown(frame: pd.DataFrame, how: Published, rules: PrivacyRules, hidden: bool, where: str) -> pd.DataFrame:
    if frame.empty:
        return frame.drop(columns="hidden", errors="ignore")
    missing = [base for base in how.bases if base not in frame]
    if missing:
        raise PrivacyError(f"{where}: no figure without its base; the column '{missing[0]}' is missing.")
    thresholds = {b: rules.employee_min if w == "employees" else rules.customer_min for b, w in how.bases.items()}
    under = {b: ~(frame[b] >= t) & (frame[b] != 0) for b, t in thresholds.items()}  # an unknown base is too small
    small = pd.concat(under, axis=1).any(axis=1)
    extra = frame.get("hidden", pd.Series(False, index=frame.index)).astype(bool) | hidden
    if how.adds_up and (small | extra).any():
        extra = pd.Series(True, index=frame.index)
    frame = _counts_shown(frame.drop(columns="hidden", errors="ignore"), how, rules)
    if not (small | extra).any():
        return frame
    frame = frame.copy()
    for name in [c for c in frame if c not in how.keep]:
        column = frame[name].astype(object)
        column[extra] = Suppressed(thresholds[how.base], "complement")
        for base, threshold in thresholds.items():
            column[under[base]] = Suppressed(threshold)
        frame[name] = column
    return frame


def _counts_shown(frame: pd.DataFrame, how: Published, rules: PrivacyRules) -> pd.DataFrame:
    """The frame without counts of a few: as they add up to a whole, one would follow from the others."""
    names, fewest = list(how.counts), rules.customer_min
    few = ((frame[names] > 0) & (frame[names] < fewest)).any(axis=1)
    if not few.any():
        return frame
    return frame.assign(**{name: frame[name].astype(object).mask(few, Suppressed(fewest)) for name in names})


def _nothing_left(frame: pd.DataFrame) -> bool:
    """Whether a table has rows with answers and shows none of them."""
    if frame.empty:
        return False
    answered = frame[frame["n"] > 0] if "n" in frame else frame
    shown = [is_shown(answered[name]) for name in answered]
    return len(answered) > 0 and not np.logical_and.reduce(shown).any()


def _places(rows: pd.DataFrame) -> Iterator[tuple]:
    for *node, segment, group, n in rows[[*NODE, "segment", "group", "n"]].itertuples(index=False, name=None):
        yield *node, (segment, group), n


def _plan(bases: dict[tuple, int], fewest: int, made: dict[Hashable, set[tuple]]) -> set[tuple]:
    """Places to hide among nodes, their groups (two names more), and all who named a group (one name more).

    What is hidden depends on bases alone, so that the same bases are planned once.
    """
    key = tuple(bases.items())
    if key not in made:
        bases = dict(bases)
        totals = list(_totals(bases))
        places, unseen = list(bases), [False] * len(bases)
        sizes, at = list(bases.values()), {place: i for i, place in enumerate(places)}
        linked = []
        for whole, parts in totals:
            left = bases[whole] - sum(bases[part] for part in parts)
            if left > 0:  # those who named no group, no site
                sizes.append(left)
                unseen.append(True)
            linked.append((at[whole], [at[part] for part in parts] + [len(sizes) - 1] * (left > 0)))
        marks = further_hidden(np.array(sizes), linked, np.array(unseen), fewest)
        made[key] = {place for place, mark in zip(places, marks, strict=False) if mark}
    return made[key]


def _totals(bases: dict[tuple, int]) -> Iterator[tuple[tuple, list[tuple]]]:
    """Every total among nodes and groups, with its parts; adds all who named a group to the bases."""
    has_regions = any(place[0] == "region" for place in bases)
    below: dict[tuple, list[tuple]] = {}
    groups: dict[tuple, list[tuple]] = {}
    for place in bases:
        node, group = place[:4], place[4:]
        if node[0] != "company":
            below.setdefault((*_above(node, has_regions), *group), []).append(place)
        if group:
            groups.setdefault((*node, group[0]), []).append(place)
    yield from ((whole, parts) for whole, parts in below.items() if whole in bases)
    for named, parts in groups.items():
        bases[named] = sum(bases[part] for part in parts)
        yield from ((named, parts), (named[:4], [named]))


def _above(node: tuple, has_regions: bool) -> tuple[str, str, str, str]:
    """The node that a region, unit or site belongs to."""
    level, region, unit, _ = node
    if level == "site":
        return ("unit", region, unit, ALL)
    return ("region", region, ALL, ALL) if level == "unit" and has_regions else ("company", ALL, ALL, ALL)


def _wholes(rests: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The rows with each node replaced by the one it belongs to."""
    has_regions = (scores["level"] == "region").any()
    nodes = [_above(node, has_regions) for node in rests[NODE].itertuples(index=False, name=None)]
    return rests.assign(**pd.DataFrame(nodes, columns=NODE, index=rests.index))

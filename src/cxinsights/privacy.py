"""The one guard between results and any reader.

Nothing is shown, recorded or downloaded but through `guard`. A figure that rests on too few answers becomes
`Suppressed`, a type of its own: not a missing number, not zero. Where one hidden figure could be had by taking
the shown ones from a total, a second is hidden; that plan is made once per period (`protect`), so that two
pages together give no more away than one. Frames with a row per person do not pass at all.
"""

from collections.abc import Hashable, Iterator, Set
from dataclasses import dataclass, fields
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd

from cxinsights.analysis.baseline import NODE, Baseline
from cxinsights.analysis.disclosure import further_hidden
from cxinsights.analysis.results import Published, published_tables
from cxinsights.errors import PrivacyError
from cxinsights.params import ALL, PrivacyRules, ReportParams, Study

__all__ = ["GIVES_AWAY", "Guarded", "Suppressed", "guard", "hidden_ratings", "is_hidden", "is_shown", "protect"]

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
    if status == "ok" and _nothing_left(tables[next(iter(declared))]):
        status = "too_few"
        reason = GIVES_AWAY if hidden else f"fewer than {study.privacy.customer_min} answers"
    return Guarded(result, study, tables, status, reason)


def protect(baseline: Baseline, rules: PrivacyRules) -> Baseline:
    """Plan once for a period what is hidden beyond small bases: adds `hidden` to the baseline's tables.

    Scores and groups are planned together, each survey, measure and period by itself. A change is hidden where
    either of its sides is, a difference from the rest where the part or the whole is: with one side known, each
    would tell the other.
    """
    scores, changes, rests, segments, rated = (
        getattr(baseline, name).assign(hidden=False) for name in ("scores", "changes", "rests", "segments", "rated")
    )
    planner = _Planner(rules.customer_min)
    subject = [*NODE, "survey", "metric"]
    today = planner.hidden(scores[scores["period"] == baseline.period], segments)
    for period, rows in scores.groupby("period", sort=False):
        before = changes["compare_period"] == period
        told = changes[before & changes["change"].notna() & ~_listed(changes, today, subject)]
        gone = today if period == baseline.period else planner.hidden(rows, changes=changes[before], told=told)
        scores.loc[rows.index, "hidden"] = _listed(rows, gone, subject)
        changes.loc[before, "hidden"] = _listed(changes[before], gone, subject)
    changes["hidden"] |= _listed(changes, today, subject)
    rests["hidden"] = _listed(rests, today, subject) | _listed(_wholes(rests, scores), today, subject)
    segments["hidden"] = _listed(segments, today, [*subject, "segment", "group"]) | _listed(segments, today, subject)
    for frame, value in ((changes, "change"), (rests, "difference"), (segments, "difference")):
        frame["hidden"] |= frame[value].notna() & (frame["n_compare"] < rules.customer_min)
    for _, rows in rated.groupby(["survey", "driver"], sort=False):
        rated.loc[rows.index, "hidden"] = _listed(rows, planner.plan(_bases(rows)), NODE)
    return Baseline(baseline.period, scores, changes, rests, segments, rated)


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
    return ~figures.map(lambda value: isinstance(value, Suppressed)).astype(bool)


def _shown(frame: pd.DataFrame, how: Published, rules: PrivacyRules, hidden: bool, where: str) -> pd.DataFrame:
    if frame.empty:
        return frame.drop(columns="hidden", errors="ignore")
    if how.base not in frame:
        raise PrivacyError(f"{where}: no figure without its base; the column '{how.base}' is missing.")
    threshold = rules.employee_min if how.whose == "employees" else rules.customer_min
    small = ~(frame[how.base] >= threshold) & (frame[how.base] != 0)  # an unknown base is too small
    extra = frame.get("hidden", pd.Series(False, index=frame.index)).astype(bool) | hidden
    frame = frame.drop(columns="hidden", errors="ignore")
    if not (small | extra).any():
        return frame
    frame = frame.copy()
    for name in [c for c in frame if c not in how.keep]:
        column = frame[name].astype(object)
        column[extra] = Suppressed(threshold, "complement")
        column[small] = Suppressed(threshold)
        frame[name] = column
    return frame


def _nothing_left(frame: pd.DataFrame) -> bool:
    """Whether a table has rows with answers and shows none of them."""
    if frame.empty:
        return False
    answered = frame[frame["n"] > 0] if "n" in frame else frame
    return len(answered) > 0 and bool(answered.map(lambda value: isinstance(value, Suppressed)).any(axis=1).all())


class _Planner:
    """Plans wave by wave; what is hidden depends on bases alone, so that the same bases are planned once."""

    def __init__(self, fewest: int) -> None:
        self.fewest = fewest
        self._made: dict[Hashable, set[tuple]] = {}

    def hidden(
        self,
        scores: pd.DataFrame,
        segments: pd.DataFrame | None = None,
        changes: pd.DataFrame | None = None,
        told: pd.DataFrame | None = None,
    ) -> set[tuple]:
        """Nodes and groups to hide in one period: node, survey, measure (breakdown, group).

        Of earlier periods no page shows sites; but a site's change tells what it was, so that `changes` gives
        those bases, and `told` the changes that are shown.
        """
        found = set()
        for (survey, metric), rows in scores.groupby(["survey", "metric"], sort=False):
            bases, unseen = _bases(rows), set()
            if segments is not None:
                bases |= _bases(_of(segments, survey, metric), "n", "segment", "group")
            if changes is not None:
                sites = _bases(_of(changes[changes["level"] == "site"], survey, metric), "n_compare")
                bases, unseen = bases | sites, set(sites) - set(_bases(_of(told, survey, metric), "n_compare"))
            found |= {(*place[:4], survey, metric, *place[4:]) for place in self.plan(bases, unseen)}
        return found

    def plan(self, bases: dict[tuple, int], unseen: Set[tuple] = frozenset()) -> set[tuple]:
        """Places to hide, of nodes and of their groups (a node with two names more)."""
        key = (tuple(bases.items()), frozenset(unseen))
        if key not in self._made:
            places = list(bases)
            at = {place: i for i, place in enumerate(places)}
            sizes, never, totals = list(bases.values()), [place in unseen for place in places], []
            for whole, parts in _totals(bases):
                left = bases[whole] - sum(bases[part] for part in parts)
                if left > 0:  # those who named no group, no site
                    sizes.append(left)
                    never.append(True)
                totals.append((at[whole], [at[part] for part in parts] + [len(sizes) - 1] * (left > 0)))
            marks = further_hidden(np.array(sizes), totals, np.array(never), self.fewest)
            self._made[key] = {place for place, mark in zip(places, marks, strict=False) if mark}
        return self._made[key]


def _totals(bases: dict[tuple, int]) -> Iterator[tuple[tuple, list[tuple]]]:
    """Every total among nodes and groups, with its parts."""
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
    yield from ((named[:4], parts) for named, parts in groups.items() if named[:4] in bases)


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


def _of(frame: pd.DataFrame, survey: str, metric: str) -> pd.DataFrame:
    return frame[(frame["survey"] == survey) & (frame["metric"] == metric)]


def _bases(frame: pd.DataFrame, base: str = "n", *names: str) -> dict[tuple, int]:
    """Answers of each node (and group)."""
    return {tuple(row[:-1]): int(row[-1]) for row in frame[[*NODE, *names, base]].itertuples(index=False, name=None)}


def _listed(frame: pd.DataFrame, places: set[tuple], names: list[str]) -> pd.Series:
    keys = frame[names].itertuples(index=False, name=None)
    return pd.Series([key in places for key in keys], index=frame.index, dtype=bool)

"""The one guard between results and any reader.

Nothing is shown, recorded or downloaded but through `guard`. A figure that rests on too few answers becomes
`Suppressed`, a type of its own: not a missing number, not zero. Where one hidden figure could be had by taking
the shown ones from a total, a second is hidden; that plan is made once per period (`protect`), so that two
pages together give no more away than one. Frames with a row per person do not pass at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NoReturn

import pandas as pd

from cxinsights.analysis.baseline import NODE, Baseline
from cxinsights.analysis.results import Published, published_tables
from cxinsights.errors import PrivacyError
from cxinsights.params import ALL, PrivacyRules, ReportParams, Study

__all__ = ["Guarded", "Suppressed", "complementary", "guard", "is_hidden", "is_shown", "protect"]


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
        reason = (
            f"fewer than {study.privacy.customer_min} answers" if not hidden else "it would give a smaller group away"
        )
    return Guarded(result, study, tables, status, reason)


def protect(baseline: Baseline, rules: PrivacyRules) -> Baseline:
    """Plan once for a period what is hidden beyond small bases: adds `hidden` to the baseline's tables.

    A change or a difference is hidden where either of its sides is.
    """
    scores = baseline.scores.assign(parent=_parents(baseline.scores))
    across = ["parent", "level", "survey", "metric", "period", "weighted"]
    scores["hidden"] = complementary(scores, rules.customer_min, [across])
    segments = baseline.segments.assign(parent=_parents(baseline.segments))
    breakdown = ["survey", "metric", "segment"]
    segments["hidden"] = complementary(
        segments, rules.customer_min, [[*NODE, *breakdown], ["parent", "level", *breakdown, "group"]]
    )
    subject = [*NODE, "survey", "metric"]
    gone = scores[scores["hidden"]]
    hidden_now = set(gone[gone["period"] == baseline.period][subject].itertuples(index=False, name=None))
    hidden_ever = set(gone[[*subject, "period"]].itertuples(index=False, name=None))

    def of(frame: pd.DataFrame) -> pd.Series:
        keys = frame[subject].itertuples(index=False, name=None)
        return pd.Series([key in hidden_now for key in keys], index=frame.index, dtype=bool)

    earlier = baseline.changes[[*subject, "compare_period"]].itertuples(index=False, name=None)
    before = pd.Series([key in hidden_ever for key in earlier], index=baseline.changes.index, dtype=bool)
    return replace(
        baseline,
        scores=scores.drop(columns="parent"),
        changes=baseline.changes.assign(hidden=of(baseline.changes) | before),
        rests=baseline.rests.assign(hidden=of(baseline.rests)),
        segments=segments.drop(columns="parent").assign(hidden=segments["hidden"] | of(segments)),
    )


def is_hidden(baseline: Baseline, node: tuple[str, str, str, str], survey: str, period: str) -> bool:
    """Whether the plan hides a node's scores of one survey, though they have answers enough."""
    scores = baseline.scores
    here = (scores[NODE] == list(node)).all(axis=1)
    rows = scores[here & (scores["survey"] == survey) & (scores["period"] == period)]
    return bool(rows["hidden"].any())


def is_shown(figures: pd.Series) -> pd.Series:
    """Which figures of a guarded column are shown."""
    return ~figures.map(lambda value: isinstance(value, Suppressed)).astype(bool)


def complementary(frame: pd.DataFrame, threshold: int, totals: Sequence[Sequence[str]]) -> pd.Series:
    """Which further rows to hide so that no hidden one can be had by subtraction.

    Parameters
    ----------
    frame
        Rows with their base `n`.
    threshold
        Fewest answers of a shown row.
    totals
        Groups of columns; the rows of a group add up to a total that is shown too.

    Returns
    -------
    Series
        True where a row is hidden for the sake of others; rows under the threshold are not marked.
    """
    small = (frame["n"] > 0) & (frame["n"] < threshold)
    extra = pd.Series(False, index=frame.index)
    if not small.any():
        return extra
    groups = [list(rows) for columns in totals for rows in frame.groupby(list(columns), sort=False).indices.values()]
    base, hidden = frame["n"].to_numpy(), small.to_numpy().copy()
    changed = True
    while changed:  # hiding a row for one total can leave a lone hidden row in another
        changed = False
        for rows in groups:
            gone = [at for at in rows if hidden[at]]
            while gone and (len(gone) == 1 or sum(base[at] for at in gone) < threshold):
                shown = [at for at in rows if not hidden[at] and base[at] > 0]
                if not shown:
                    break
                smallest = min(shown, key=lambda at: base[at])
                hidden[smallest] = True
                gone.append(smallest)
                changed = True
    return pd.Series(hidden, index=frame.index) & ~small


def _shown(frame: pd.DataFrame, how: Published, rules: PrivacyRules, hidden: bool, where: str) -> pd.DataFrame:
    if frame.empty:
        return frame.drop(columns="hidden", errors="ignore")
    if how.base not in frame:
        raise PrivacyError(f"{where}: no figure without its base; the column '{how.base}' is missing.")
    threshold = rules.employee_min if how.whose == "employees" else rules.customer_min
    small = (frame[how.base] > 0) & (frame[how.base] < threshold)
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


def _parents(frame: pd.DataFrame) -> pd.Series:
    """Name of what each node belongs to."""
    has_regions = (frame["level"] == "region").any()
    unit_parent = frame["region"] if has_regions else pd.Series(ALL, index=frame.index)
    parent = pd.Series("", index=frame.index, dtype="str")
    parent[frame["level"] == "region"] = ALL
    parent = parent.mask(frame["level"] == "unit", unit_parent)
    return parent.mask(frame["level"] == "site", frame["region"] + "/" + frame["unit"])

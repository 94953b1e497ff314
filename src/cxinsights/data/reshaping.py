"""Raw rows that are not one record each: some are left out, some hold a whole journey, some are lines of one order.

Nothing gets lost on the way: what is left out is counted by its reason, an empty stage is no event and is counted
as empty, and an order is made of all of its lines or of none. Marks add events to a journey and take none away.
"""

import re

import numpy as np
import pandas as pd

from cxinsights.data.sources import RawFile, normalised
from cxinsights.errors import DataError, did_you_mean
from cxinsights.params import Combine, LeaveOut, TableSpec

__all__ = ["combined", "left_out", "marked", "spread_to_order", "unfolded"]


def left_out(raws: list[RawFile], rules: list[LeaveOut], where: str) -> tuple[list[pd.Series], list[dict]]:
    """Which raw rows are left out on purpose, and how many each rule names.

    Parameters
    ----------
    raws
        All files of one table: a row may repeat one of an earlier file.
    where
        The table as messages show it.

    Returns
    -------
    gone
        Per file, by line: whether the row is left out.
    counts
        Per rule `reason`, `rows`, and `file` and `line` of the first. A rule counts every row it names, whether or
        not another rule names it too, so that the counts may add up to more than the rows left out.

    Raises
    ------
    DataError
        A file lacks a column that a rule looks at.
    """
    rows = pd.concat([_looked_at(raw, rules, f"{where}: {raw.name}") for raw in raws], keys=range(len(raws)))
    gone = pd.Series(False, index=rows.index)
    named = {}
    for rule in sorted(rules, key=lambda rule: bool(rule.repeats)):  # a row may not be gone for repeating one that is
        headers = [normalised(header) for header in rule.repeats]
        named[rule.reason] = rows.duplicated(headers) if headers else _matches(rows[normalised(rule.column)], rule)
        gone[~gone] = rows[~gone].duplicated(headers) if headers else named[rule.reason][~gone]
    counts = []
    for rule in rules:
        found = named[rule.reason]
        file, line = found.idxmax() if found.any() else (0, 0)
        first = {"file": raws[file].name, "line": int(line)} if found.any() else {"file": "", "line": 0}
        counts.append({"reason": rule.reason, "rows": int(found.sum()), **first})
    return [gone.loc[number] if len(raw.rows) else gone.iloc[:0] for number, raw in enumerate(raws)], counts


def unfolded(rows: pd.DataFrame, stages: pd.DataFrame) -> pd.DataFrame:
    """One row per event, of rows that each hold a whole journey.

    Parameters
    ----------
    rows
        What the events of a journey share, by file and line.
    stages
        A column of times per stage, for the same rows; missing where the journey did not get there.
    """
    reached = stages.notna().to_numpy()
    row, stage = np.nonzero(reached)  # row by row, so that a journey's events stay together
    events = rows.iloc[row].copy()
    events["stage"] = pd.array(stages.columns[stage], dtype="str")
    events["occurred_at"] = stages.to_numpy()[reached]
    return events


def marked(events: pd.DataFrame, spec: TableSpec, where: str) -> pd.DataFrame:
    """The events, and one more of each mark for every customer who has the event it marks.

    It has the time and all other columns of that event. Of several at one moment the mark takes the first in the order
    of the raw rows for `first`, the last for `last`.

    Raises
    ------
    DataError
        A mark is named like a stage that is there already, or no event has the stage it looks for.
    """
    known = sorted(events["stage"].unique())
    for name, mark in spec.marks.items():
        if name in known or name in spec.stages:
            raise DataError(f"{where}: marks: {name} is a stage of the raw data. Give the mark a name of its own.")
        if mark.last is not None and mark.last not in known:
            raise DataError(f"{where}: marks: {name}: {_unknown_stage(mark.last, len(known))}")
    in_time = events.sort_values("occurred_at", kind="stable")
    made = []
    for name, mark in spec.marks.items():
        of_stage = in_time if mark.last is None else in_time[in_time["stage"] == mark.last]
        place = "first" if mark.last is None else "last"
        made.append(of_stage.drop_duplicates("customer_id", keep=place).assign(stage=name))
    return pd.concat([events, *made])


def spread_to_order(reasons: pd.Series, rows: pd.DataFrame, unread: pd.DataFrame, spec: Combine) -> pd.Series:
    """Reasons why lines are faulty, the good lines of an order with a faulty one among them.

    An order made of some of its lines would have a wrong amount and not show it.

    Parameters
    ----------
    reasons
        By row: why it is faulty, or nothing.
    unread
        Lines that could not be read, as far as they could.
    """
    said = reasons.mask((reasons == "") & rows[spec.by].isna(), f"{spec.by}: empty")
    others = [name for name in rows if name not in (spec.by, *spec.sum, spec.earliest, "period")]
    kinds = rows[said == ""].drop_duplicates([spec.by, *others])
    torn = kinds[kinds.duplicated(spec.by, keep=False)].groupby(spec.by)
    differ = torn[others].nunique(dropna=False).gt(1).apply(lambda found: ", ".join(found.index[found]), axis=1)
    if len(differ):
        differ = f"{spec.by}: its lines differ in " + differ
        said = said.mask((said == "") & rows[spec.by].isin(differ.index), rows[spec.by].map(differ))
    bad = pd.concat([rows.loc[said != "", spec.by], *([unread[spec.by]] if spec.by in unread else [])]).dropna()
    return said.mask((said == "") & rows[spec.by].isin(bad), f"{spec.by}: another of its lines is faulty")


def combined(rows: pd.DataFrame, spec: Combine, where: str) -> pd.DataFrame:
    """One row per order: its first line (the earliest, where that is said) with the sums of all.

    Raises
    ------
    DataError
        A column to be added up does not hold numbers.
    """
    if texts := [name for name in spec.sum if not pd.api.types.is_numeric_dtype(rows[name])]:
        raise DataError(
            f"{where}: combine adds up {', '.join(texts)}, which holds no numbers. Name a column of numbers."
        )
    lines = rows.sort_values(spec.earliest, kind="stable") if spec.earliest else rows
    orders = lines.drop_duplicates(spec.by).copy()
    sums = lines.groupby(spec.by, sort=False)[spec.sum].sum(min_count=1)
    orders[spec.sum] = sums.to_numpy()
    return orders


def _unknown_stage(name: str, others: int) -> str:
    """What the stages of raw data are called is not said: they may be anything."""
    return f"no event has the stage '{name}'; the data have {others} others"


def _looked_at(raw: RawFile, rules: list[LeaveOut], where: str) -> pd.DataFrame:
    """Columns that any rule looks at."""
    headers = dict.fromkeys(header for rule in rules for header in (rule.repeats or [rule.column]))
    missing = [header for header in headers if normalised(header) not in raw.headers]
    if missing:
        told = " ".join(did_you_mean("header", header, raw.headers.values()) for header in missing)
        raise DataError(f"{where}: leave_out: {told}")
    return raw.rows[[normalised(header) for header in headers]]


def _matches(text: pd.Series, rule: LeaveOut) -> pd.Series:
    if rule.blank:
        return text == ""
    form = re.compile(rule.matches)
    return text.map(lambda value: form.search(value) is not None).astype(bool)

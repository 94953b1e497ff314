"""The linkage's data: one row per site, which sites take part, and which measures lead.

A site takes part where it has answers enough of both sides and nothing hides it. All figures over sites rest on
those sites alone, so that none of them tells of a site that is not shown.
"""

import numpy as np
import pandas as pd

from cxinsights.analysis.scores import METRICS
from cxinsights.errors import DataError, did_you_mean
from cxinsights.params import LinkageParams

__all__ = [
    "KEY", "SCALE", "base_of", "is_parallel", "lead_items", "lead_pairs", "pair_values", "person_scores", "prepared",
    "sites_of",
]  # fmt: skip

KEY = ["region", "unit", "site"]
SCALE = "all_items"
"""Name of the employees' lead measure: the mean of all items."""


def is_parallel(params: LinkageParams) -> bool:
    """Whether items and scores are the same things seen from both sides: lists of site columns of one length."""
    return len(params.items) == len(params.scores) > 1 and not set(params.scores) & set(METRICS)


def lead_pairs(params: LinkageParams) -> list[tuple[str, str]]:
    """Pairs of employees' measure and customers' score that lead; the first is drawn."""
    if is_parallel(params):
        return list(zip(params.items, params.scores, strict=True))
    item = SCALE if len(params.items) > 1 else params.items[0]
    return [(item, score) for score in params.scores]


def lead_items(params: LinkageParams, measure: str) -> list[str]:
    """Items that an employees' measure is the mean of."""
    return list(params.items) if measure == SCALE else [measure]


def prepared(
    sites: pd.DataFrame,
    params: LinkageParams,
    employees: pd.DataFrame | None,
    item_range: tuple[float, float] | None,
) -> pd.DataFrame:
    """One row per site in the order of their names, with the mean of all items, `hidden` and `takes_part`.

    Raises
    ------
    DataError
        A column is not in the table, or holds text.
    """
    _check(sites, [*KEY, "n_customers", "n_employees"], [*params.items, *params.scores], params.controls)
    if employees is not None:
        _check(employees, KEY, params.items, [])
    numbers = ["n_customers", "n_employees", *dict.fromkeys([*params.items, *params.scores])]
    frame = sites[KEY].assign(
        own=_flags(sites, "own", True), hidden=_flags(sites, "hidden", False),
        **{name: sites[name].astype(float) for name in numbers},
        **{name: sites[name] for name in params.controls if name not in numbers},
    )  # fmt: skip
    frame = frame.sort_values(KEY, ignore_index=True)
    frame[["n_customers", "n_employees"]] = frame[["n_customers", "n_employees"]].fillna(0).astype(int)
    frame[SCALE] = frame[params.items].mean(axis=1, skipna=False)
    frame["hidden"] |= _all_alike(frame, params, employees, item_range)
    enough = (frame["n_customers"] >= params.min_customers) & (frame["n_employees"] >= params.min_employees)
    return frame.assign(enough=enough, takes_part=enough & ~frame["hidden"])


def pair_values(frame: pd.DataFrame, pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Both sides of a pair by site."""
    return frame[pair[0]].to_numpy(dtype=float), frame[pair[1]].to_numpy(dtype=float)


def base_of(frame: pd.DataFrame, measures: list[str]) -> dict[str, int]:
    """Sites that have all of the measures, and the answers behind them."""
    known = frame[measures].notna().to_numpy().all(axis=1)
    return {
        "n": int(known.sum()),
        **{name: int(frame[name].to_numpy()[known].sum()) for name in ("n_customers", "n_employees")},
    }


def sites_of(answers: pd.DataFrame) -> np.ndarray:
    """Site of each answer as a number."""
    return answers.groupby(KEY, sort=True).ngroup().to_numpy()


def person_scores(employees: pd.DataFrame, params: LinkageParams, measure: str) -> np.ndarray:
    """Each employee's score on a measure; missing where one of its items is blank."""
    return employees[lead_items(params, measure)].mean(axis=1, skipna=False).to_numpy(dtype=float)


def _check(frame: pd.DataFrame, needed: list[str], numeric: list[str], either: list[str]) -> None:
    for name in (*needed, *numeric, *either):
        if name not in frame:
            raise DataError(f"linkage: {did_you_mean('column', name, frame.columns)}")
    for name in numeric:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            known = [column for column in frame if pd.api.types.is_numeric_dtype(frame[column])]
            raise DataError(f"linkage: {name} holds text, not numbers. Known: {', '.join(known)}.")


def _flags(sites: pd.DataFrame, name: str, default: bool) -> pd.Series:
    return sites[name].astype(bool) if name in sites else pd.Series(default, index=sites.index)


def _all_alike(
    frame: pd.DataFrame, params: LinkageParams, employees: pd.DataFrame | None, item_range: tuple[float, float] | None
) -> pd.Series:
    """Sites where all employees gave the same answer to an item: their mean would tell what each one said.

    Where only means are known, a mean at the end of the scale says so.
    """
    if employees is not None and len(employees):
        same = employees.groupby(KEY)[params.items].nunique().eq(1).any(axis=1).rename("same").reset_index()
        return frame[KEY].merge(same, on=KEY, how="left")["same"].eq(True)
    if item_range is None:
        return pd.Series(False, index=frame.index)
    return frame[params.items].isin(item_range).any(axis=1)

"""Hold rows to their table's schema and to one another: why each faulty row is faulty."""

import pandas as pd
from pandera.errors import SchemaErrors

from cxinsights.errors import DataError
from cxinsights.params import ALL, Study
from cxinsights.schemas.checks import schema
from cxinsights.schemas.tables import KEYS, NEEDED, SCORES

__all__ = ["faults_of_rows", "refuse_missing", "repeats"]


def refuse_missing(rows: pd.DataFrame, table: str, study: Study) -> None:
    """Raise DataError where the table lacks a column that it cannot do without."""
    missing = [name for name in NEEDED[table] if name not in rows]
    if table == "responses" and not any(name in rows for name in SCORES):
        missing.append(f"one of {', '.join(SCORES)}")
    if missing:
        raise DataError(
            f"{study.name}: {table}: the mapping lacks {', '.join(missing)}. "
            f"Add under tables.{table}.columns in params/{study.name}/study.yml."
        )


def faults_of_rows(rows: pd.DataFrame, table: str, study: Study) -> pd.Series:
    """What is wrong with each row by itself: all its faults, or nothing.

    Returns
    -------
    Series
        Text by row, in the order of the rows; empty where nothing is wrong. No value of a row is in it.
    """
    reasons = pd.Series("", index=rows.index, dtype="str")

    def reject(faulty: pd.Series, reason: str) -> None:
        faulty = faulty.to_numpy(dtype=bool)  # by place: a journey's events share their file and line
        told = reasons[faulty]
        reasons[faulty] = told.where(told == "", told + "; ") + reason

    try:
        schema(table, study, list(rows.columns)).validate(rows.reset_index(drop=True), lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.dropna(subset="index")  # holds raw values: counted here, never printed
        for (name, check), group in cases.groupby(["column", "check"]):
            faulty = pd.Series(False, index=range(len(rows)))
            faulty.iloc[group["index"].astype(int).unique()] = True
            reject(faulty, f"{name}: {'empty' if check == 'not_nullable' else check}")
    reject(_strangers(rows, table, study), "unit: not one of the region's units in params")
    if study.cutoff is not None and "occurred_at" in rows:
        late = rows["occurred_at"] >= pd.Timestamp(study.cutoff) + pd.Timedelta(days=1)
        reject(late.fillna(False), "occurred_at: after the study's cutoff")
    return reasons


def repeats(rows: pd.DataFrame, table: str) -> pd.Series:
    """What is wrong with each row beside others: it says again, or otherwise, what another row says.

    Of rows that are the same throughout the first is fine; of rows with one key and other content none is, since
    nobody can say which is right. A raw row that holds a journey repeats another only if all of its events do.
    """
    reasons = pd.Series("", index=rows.index, dtype="str")
    same = rows.duplicated(keep="first")
    if same.any():
        first = _places(rows).groupby([rows[c].to_numpy() for c in rows], dropna=False, sort=False).transform("first")
        same = same.groupby(level=["file", "line"], sort=False).transform("all")
        reasons[same] = "the same row as " + first[same]
    key = list(KEYS.get(table, ()))
    alone = rows[~same]
    clash = alone.duplicated(key, keep=False) if key else pd.Series(False, index=alone.index)
    if clash.any():
        others = alone[clash]
        at = _places(others)
        grouped = at.groupby([others[c] for c in key], sort=False)
        other = grouped.transform("first").mask(at == grouped.transform("first"), grouped.transform("last"))
        reasons[others.index] = f"{' + '.join(key)}: also at " + other + ", with other content"
    return reasons


def _strangers(rows: pd.DataFrame, table: str, study: Study) -> pd.Series:
    """Rows whose unit is not one of their region's (regions nobody knows are a fault of their own)."""
    known = {(name, unit) for name, region in study.regions.items() for unit in region.units}
    if table in ("targets", "benchmarks"):
        known |= {(name, ALL) for name in study.regions} | {(ALL, ALL)}
    pairs = pd.MultiIndex.from_frame(rows[["region", "unit"]])
    stranger = ~pairs.isin(list(known)) & rows["unit"].notna().to_numpy()
    return pd.Series(stranger, index=rows.index) & rows["region"].isin([*study.regions, ALL])


def _places(rows: pd.DataFrame) -> pd.Series:
    return pd.Series([f"line {line} of {file}" for file, line in rows.index], index=rows.index)

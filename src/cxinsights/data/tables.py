"""Read a study's tables: Ibis expressions over DuckDB, handed over as pandas frames in a fixed order.

One thread reads: with two, DuckDB hands rows over in an order of its own.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from cxinsights.data.manifest import read_manifest
from cxinsights.errors import DataError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, Project, Study
from cxinsights.schemas.tables import ORDER

__all__ = ["data_hash", "distinct", "read_table"]


def read_table(
    project: Project,
    study: Study,
    table: str,
    *,
    periods: Sequence[str] | None = None,
    region: str = ALL,
    unit: str = ALL,
    survey: str | None = None,
    columns: Sequence[str] | None = None,
    since: tuple[str, date] | None = None,
) -> pd.DataFrame:
    """Rows of one table.

    Parameters
    ----------
    periods
        Only these; all where not given.
    region, unit
        Only this region and unit; `_all` for any.
    survey
        Only this kind of survey.
    columns
        Only these; all where not given.
    since
        A column of times, and the first day that is read.

    Returns
    -------
    DataFrame
        In the table's order, so that the same rows always come the same way.

    Raises
    ------
    UnknownNameError
        The study does not import this table, or the table lacks a column.
    DataError
        A file of it cannot be read.
    """
    tables = read_manifest(project, study)["tables"]
    if table not in tables:
        raise UnknownNameError(f"{study.name}: {did_you_mean('table', table, tables)}")
    known = list(tables[table]["columns"])
    for name in columns or []:
        if name not in known:
            raise UnknownNameError(f"{study.name}: {table}: {did_you_mean('column', name, known)}")
    with _readable(study, table):
        return _chosen(project, study, table, known, periods, region, unit, survey, columns, since)


def _chosen(
    project: Project, study: Study, table: str, known: list[str], periods: Sequence[str] | None, region: str, unit: str,
    survey: str | None, columns: Sequence[str] | None, since: tuple[str, date] | None,
) -> pd.DataFrame:  # fmt: skip
    rows = _rows(project, study, table)
    if periods is not None:
        rows = rows.filter(rows["period"].isin(list(periods)))
    if region != ALL:
        rows = rows.filter(rows["region"] == region)
    if unit != ALL:
        rows = rows.filter(rows["unit"] == unit)
    if survey is not None:
        rows = rows.filter(rows["survey"] == survey)
    if since is not None:
        rows = rows.filter(rows[since[0]] >= ibis.timestamp(since[1].isoformat()))
    rows = rows.order_by([*ORDER[table], *(name for name in known if name not in ORDER[table])])
    return (rows[list(columns)] if columns else rows).to_pyarrow().to_pandas()


def distinct(project: Project, study: Study, table: str, name: str) -> list[str]:
    """Every value of a column of text, sorted."""
    with _readable(study, table):
        values = _rows(project, study, table)[[name]].distinct().to_pyarrow().to_pandas()[name]
    return sorted(values.dropna())


def data_hash(frame: pd.DataFrame) -> str:
    """Short name of a frame's content, the same for the same values on any machine (12 hex digits)."""
    digest = hashlib.sha256()
    for name in sorted(frame.columns):
        digest.update(name.encode())
        digest.update(pd.util.hash_pandas_object(frame[name], index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


@contextmanager
def _readable(study: Study, table: str) -> Iterator[None]:
    """Say what to do where a table's files cannot be read: they were made by an import, and are made again by one."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        raise DataError(
            f"{study.name}: {table}: a file of data/{study.name}/tables/ cannot be read ({type(error).__name__}). Make "
            f"them again: cxinsights import {study.name} --force"
        ) from error


def _rows(project: Project, study: Study, table: str) -> ibis.Table:
    folder = project.tables(study.name) / table
    return _engine().read_parquet(str(folder / "*" / "*.parquet"), union_by_name=True)


@lru_cache(maxsize=1)
def _engine() -> ibis.BaseBackend:
    return ibis.duckdb.connect(threads=1)

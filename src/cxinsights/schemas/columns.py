"""Every column by name: what pages call it, its unit and its range, read from `columns.yml`."""

from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path

from cxinsights.errors import DataError, did_you_mean
from cxinsights.params import ColumnSpec, Study
from cxinsights.params.model import read_yaml

__all__ = ["column", "label", "result_columns", "value_label"]


@cache
def _described() -> dict[str, dict[str, ColumnSpec]]:
    parts = read_yaml(Path(str(files("cxinsights").joinpath("columns.yml"))), "columns.yml")
    return {part: {name: ColumnSpec(**spec) for name, spec in parts[part].items()} for part in parts}


def result_columns() -> frozenset[str]:
    """Names a result's tables may use."""
    return frozenset(_described()["results"]) | frozenset(_described()["tables"])


def column(name: str, study: Study | None = None) -> ColumnSpec:
    """What a column holds, the study's own words first.

    Raises
    ------
    DataError
        Neither the study nor `columns.yml` describes the column.
    """
    own = study.columns if study else {}
    general = {**_described()["results"], **_described()["tables"]}
    for known in (own, general):
        if name in known:
            return known[name]
    for pattern, spec in general.items():
        if "*" in pattern and fnmatchcase(name, pattern):
            return spec.model_copy(update={"label": _spoken(name, pattern)})
    names = [*own, *(n for n in _described()["tables"] if "*" not in n)]
    raise DataError(
        f"{did_you_mean('column', name, names)} A study describes its own columns under columns: in study.yml."
    )


def label(name: str, study: Study | None = None) -> str:
    """What pages call a column."""
    return column(name, study).label


def value_label(name: str, value: object, study: Study | None = None) -> str:
    """What pages call a stored value of a column."""
    return column(name, study).values.get(str(value), str(value))


def _spoken(name: str, pattern: str) -> str:
    stem = name.removesuffix(pattern.replace("*", "")).replace("_", " ")
    return stem[:1].upper() + stem[1:]

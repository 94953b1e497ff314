"""Costly results, kept: the same function on the same data, parameters and code is computed once.

Results are kept as Parquet files and JSON under the study's private folder, which no server reaches: a
bootstrap has a row per draw, and another analysis may have a row per person. Nothing is ever unpickled.
"""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import pandas as pd

from cxinsights.data.atomic import replaced_folder
from cxinsights.data.tables import data_hash
from cxinsights.params import ReportParams, Strict
from cxinsights.report.fingerprints import code_hash, short_hash

__all__ = ["recall", "remember"]

Result = TypeVar("Result")

log = logging.getLogger(__name__)

_META = "result.json"
_NAME = "name"


def remember(
    folder: Path,
    function: Callable[..., Result],
    frame: pd.DataFrame,
    params: ReportParams,
    also: str = "",
    **more: Any,
) -> Result:
    """`function(frame, params, **more)`, from the cache where it was computed before.

    Parameters
    ----------
    folder
        Where results are kept.
    function
        Gives a frozen dataclass of frames and plain values, as its annotation says.
    also
        A further name that `recall` finds the result by.
    more
        Further frames, params models and plain values that the function reads.
    """
    hashes = {name: _named(value) for name, value in more.items()}
    asked = params.model_dump(mode="json")
    key = short_hash(function.__qualname__, asked, data_hash(frame), hashes, code_hash("analysis"))
    kept = folder / f"{function.__name__}-{key}"
    result = _kept(kept, function, params)
    if result is None:
        result = function(frame, params, **more)
        _save(result, kept)
    if also:
        with replaced_folder(folder / f"also-{also}") as fresh:
            (fresh / _NAME).write_text(kept.name, encoding="utf-8")
    return result


def recall(folder: Path, also: str, function: Callable[..., Result], params: ReportParams) -> Result | None:
    """The result remembered under a further name, without the frame it was made from; None where there is none."""
    name = folder / f"also-{also}" / _NAME
    return _kept(folder / name.read_text(encoding="utf-8"), function, params) if name.exists() else None


def _kept(kept: Path, function: Callable[..., Result], params: ReportParams) -> Result | None:
    if not (kept / _META).exists():
        return None
    try:
        return _load(kept, get_type_hints(function)["return"], params)
    except (OSError, ValueError, KeyError) as error:
        log.warning("cache: %s cannot be read (%s); computed again", kept.name, type(error).__name__)
        shutil.rmtree(kept, ignore_errors=True)
        return None


def _named(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return data_hash(value)
    return value.model_dump(mode="json") if isinstance(value, Strict) else value


def _save(result: Any, folder: Path) -> None:
    plain = {}
    with replaced_folder(folder) as fresh:
        for field in fields(result):
            value = getattr(result, field.name)
            if isinstance(value, pd.DataFrame):
                value.to_parquet(fresh / f"{field.name}.parquet", index=False)
            elif field.name != "params":
                plain[field.name] = value
        (fresh / _META).write_text(json.dumps(plain), encoding="utf-8")


def _load(folder: Path, result_class: type, params: ReportParams) -> Any:
    values: dict[str, Any] = {"params": params}
    plain = json.loads((folder / _META).read_text(encoding="utf-8"))
    for field in fields(result_class):
        if field.name in plain:
            is_tuple = getattr(field.type, "__origin__", None) is tuple or "tuple" in str(field.type)
            values[field.name] = tuple(plain[field.name]) if is_tuple else plain[field.name]
        elif field.name != "params":
            values[field.name] = pd.read_parquet(folder / f"{field.name}.parquet")
    return result_class(**values)

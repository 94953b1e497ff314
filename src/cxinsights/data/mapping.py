"""From raw text to typed columns, by a study's mapping.

An answer left blank and a question that does not apply are different things: both leave the rating empty,
but the second also sets `<rating>_applies` to False. A value that cannot be read is a fault of its row.
"""

from dataclasses import dataclass, field

import pandas as pd

from cxinsights.data.sources import RawFile, normalised
from cxinsights.errors import DataError, did_you_mean
from cxinsights.params import ColumnMap, ColumnSpec, SourceSpec, Study
from cxinsights.schemas.columns import column

__all__ = ["MappedFile", "map_columns"]

_OFFSET = r"(?<=:\d\d)(\.\d+)?\s*(?:Z|[+-]\d\d:?\d\d)$"


@dataclass(frozen=True)
class MappedFile:
    """A raw file in canonical columns."""

    rows: pd.DataFrame
    """Typed columns, indexed by line; values that could not be read are missing here and listed in `faults`."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason of each value that could not be read."""


def map_columns(
    raw: RawFile, columns: dict[str, ColumnMap], source: SourceSpec, study: Study, where: str
) -> MappedFile:
    """Type and rename a raw file's columns.

    Parameters
    ----------
    raw
        The file, every value as text.
    columns
        Canonical name: where it comes from.
    where
        The file as messages show it.

    Raises
    ------
    DataError
        The file lacks columns that the mapping names; all of them are listed at once.
    """
    found = {name: _find(raw, spec) for name, spec in columns.items()}
    missing = [name for name, spec in columns.items() if found[name] is None and spec.source and not spec.optional]
    missing = [name for name in missing if name not in source.set]
    if missing:
        faults = [_missing(raw, name, columns[name]) for name in missing]
        raise DataError(f"{where}: {len(faults)} missing column{'s' if len(faults) > 1 else ''}. {' '.join(faults)}")

    mapped = MappedFile(pd.DataFrame(index=raw.rows.index))
    plain = {n: s for n, s in columns.items() if s.template is None}
    templated = {n: s for n, s in columns.items() if s.template is not None}
    for name, value in source.set.items():
        _fill(
            mapped, name, pd.Series(value, index=raw.rows.index, dtype="str"), ColumnMap(constant=value), source, study
        )
    for specs in (plain, templated):  # a template may use the period, so it comes after
        for name, spec in specs.items():
            text = None if name in source.set else _text_of(raw, spec, found[name], mapped.rows)
            if text is not None:
                _fill(mapped, name, text, spec, source, study)
        if "period" not in mapped.rows and "answered_at" in mapped.rows:
            mapped.rows["period"] = study.periods.of_dates(mapped.rows["answered_at"])
    return mapped


def _find(raw: RawFile, spec: ColumnMap) -> str | None:
    return next((normalised(n) for n in spec.source or [] if normalised(n) in raw.headers), None)


def _missing(raw: RawFile, name: str, spec: ColumnMap) -> str:
    asked = " or ".join(f"'{header}'" for header in spec.source)
    return f"{name} needs {asked}: {did_you_mean('header', spec.source[0], raw.headers.values())}"


def _text_of(raw: RawFile, spec: ColumnMap, header: str | None, done: pd.DataFrame) -> pd.Series | None:
    if spec.constant is not None:
        return pd.Series(spec.constant, index=raw.rows.index, dtype="str")
    if header is None:
        return None
    text = raw.rows[header]
    if spec.template is not None:
        before, after = spec.template.split("{value}")
        before, after = (part.replace("{file}", raw.name) for part in (before, after))
        parts = [_with_period(part, done, raw.rows.index) for part in (before, after)]
        text = (parts[0] + text + parts[1]).where(text != "", "")
    return text


def _with_period(part: str, done: pd.DataFrame, index: pd.Index) -> pd.Series | str:
    if "{period}" not in part:
        return part
    before, after = part.split("{period}")
    return before + done["period"].reindex(index).fillna("") + after


def _fill(mapped: MappedFile, name: str, text: pd.Series, spec: ColumnMap, source: SourceSpec, study: Study) -> None:
    """Add one canonical column to `mapped`, with its faults."""
    described = column(name, study)
    codes = text.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)  # some exports write 99 as 99.0
    elsewhere = codes.isin(spec.does_not_apply) | text.isin(spec.does_not_apply)
    text = text.mask(elsewhere | codes.isin(["", *spec.blank]) | text.isin(spec.blank))
    if spec.extract:
        part = text.str.extract(spec.extract, expand=False)
        _note(mapped, text.notna() & part.isna(), f"{name}: not of the form {spec.extract}")
        text = part
    if spec.recode is not None:
        stored = text.map(spec.recode).astype("str")
        if spec.unlisted == "reject":
            _note(mapped, text.notna() & stored.isna(), f"{name}: code not listed under recode")
        text = stored
    mapped.rows[name] = _typed(mapped, name, text, described, spec, source)
    if spec.does_not_apply:
        mapped.rows[f"{name}_applies"] = ~elsewhere


def _typed(
    mapped: MappedFile, name: str, text: pd.Series, described: ColumnSpec, spec: ColumnMap, source: SourceSpec
) -> pd.Series:
    if described.type in ("integer", "number"):
        plain = text.str.replace(",", ".", regex=False) if source.decimal == "," else text
        values = pd.to_numeric(plain, errors="coerce").astype("float64")
        values = values.where(values.abs() != float("inf"))
        _note(mapped, text.notna() & values.isna(), f"{name}: not a number")
        return values
    if described.type in ("date", "time"):
        values = _dates(text, spec.formats)
        _note(mapped, text.notna() & values.isna(), f"{name}: not a date of the form {_forms(spec)}")
        return values
    if described.type == "boolean":
        values = text.str.casefold().map(
            {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        )
        _note(mapped, text.notna() & values.isna(), f"{name}: not true or false")
        return values.astype("boolean")
    return text.astype("str")


def _dates(text: pd.Series, formats: list[str]) -> pd.Series:
    """Times as the clock on the wall showed them: an offset says where that was, and does not move the day."""
    values = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
    text = text.str.replace(_OFFSET, r"\1", regex=True)
    for form in [form.replace("%z", "").strip() for form in formats] or ["ISO8601"]:
        todo = text.notna() & values.isna()
        parsed = pd.to_datetime(text[todo], format=form, errors="coerce")
        values[todo] = parsed.astype("datetime64[us]")
    return values


def _forms(spec: ColumnMap) -> str:
    return " or ".join(spec.formats) or "2026-09-30 or 2026-09-30T14:05:00"


def _note(mapped: MappedFile, rows: pd.Series, reason: str) -> None:
    mapped.faults.extend((int(line), reason) for line in rows.index[rows.fillna(False).to_numpy(dtype=bool)])

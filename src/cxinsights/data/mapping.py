"""From raw text to typed columns, by a study's mapping.

An answer left blank and a question that does not apply are different things: both leave the rating empty,
but the second also sets `<rating>_applies` to False. A value that cannot be read is a fault of its row.
"""

from dataclasses import dataclass, field

import pandas as pd

from cxinsights.data.sources import RawFile, normalised
from cxinsights.errors import DataError, did_you_mean
from cxinsights.params import ColumnMap, ColumnSpec, SourceSpec, Study, TableSpec
from cxinsights.schemas.columns import column

__all__ = ["MappedFile", "add_period", "map_columns"]

_DATES = ("answered_at", "occurred_at", "ordered_at")
"""Columns a period follows from where none is given."""
_OFFSET = r"(?<=:\d\d)(\.\d+)?\s*(?:Z|[+-]\d\d:?\d\d)$"


@dataclass(frozen=True)
class MappedFile:
    """A raw file in canonical columns."""

    rows: pd.DataFrame
    """Typed columns, indexed by line; values that could not be read are missing here and listed in `faults`."""
    stages: pd.DataFrame
    """Of a journey in one row: the time of each stage, missing where the journey did not get there."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Line and reason of each value that could not be read."""


def map_columns(raw: RawFile, spec: TableSpec, source: SourceSpec, study: Study, where: str) -> MappedFile:
    """Type and rename a raw file's columns.

    Parameters
    ----------
    raw
        The file, every value as text.
    spec
        The table's mapping: canonical name: where it comes from.
    where
        The file as messages show it.

    Raises
    ------
    DataError
        The file lacks columns that the mapping names (all of them are listed at once), or a template asks for
        a period that nothing gives.
    """
    _refuse_missing(raw, {**spec.columns, **spec.stages}, source, where)
    index = raw.rows.index
    mapped = MappedFile(pd.DataFrame(index=index), pd.DataFrame(index=index))
    for name, value in source.set.items():
        shared = ColumnMap(constant=value)
        _fill(mapped, name, _text_of(raw, shared), shared, source, study)
    wanted = {n: s for n, s in spec.columns.items() if n not in source.set and _is_there(raw, s)}
    plain = {n: s for n, s in wanted.items() if s.template is None}
    for name, how in plain.items():
        if how.product:
            _fill_product(mapped, name, raw, how, source)
        else:
            _fill(mapped, name, _text_of(raw, how), how, source, study)
    add_period(mapped.rows, study)  # before the templates, which may use it
    for name, how in wanted.items():
        if how.template is not None:
            _fill(mapped, name, _templated(raw, how, mapped.rows, f"{where}: {name}"), how, source, study)
    add_period(mapped.rows, study)  # a template may also make the date
    if spec.stages:
        _fill_stages(mapped, raw, spec, source, study)
    return mapped


def add_period(rows: pd.DataFrame, study: Study) -> None:
    """Give rows the period their date lies in, where they have a date and no period yet."""
    dated = next((name for name in _DATES if name in rows), None)
    if dated is not None and "period" not in rows:
        rows["period"] = study.periods.of_dates(rows[dated])


def _refuse_missing(raw: RawFile, columns: dict[str, ColumnMap], source: SourceSpec, where: str) -> None:
    asked = [
        (name, headers)
        for name, spec in columns.items()
        if name not in source.set and not spec.optional
        for headers in _alternatives(spec)
    ]
    missing = [(name, headers) for name, headers in asked if _present(raw, headers) is None]
    if len(missing) > 1 and len(missing) == len(asked):  # its first line may be somebody's answers: not to be quoted
        raise DataError(
            f"{where}: none of the {len(asked)} columns asked for is there. Does the file begin with a line of headers?"
        )
    faults = [_missing(raw, name, headers) for name, headers in missing]
    if faults:
        raise DataError(f"{where}: {len(faults)} missing column{'s' if len(faults) > 1 else ''}. {' '.join(faults)}")


def _alternatives(spec: ColumnMap) -> list[list[str]]:
    """Lists of raw headers, of each of which a file must have one."""
    return [spec.source] if spec.source else [[header] for header in spec.product]


def _is_there(raw: RawFile, spec: ColumnMap) -> bool:
    return all(_present(raw, headers) is not None for headers in _alternatives(spec))


def _present(raw: RawFile, headers: list[str]) -> str | None:
    return next((normalised(n) for n in headers if normalised(n) in raw.headers), None)


def _missing(raw: RawFile, name: str, headers: list[str]) -> str:
    asked = " or ".join(f"'{header}'" for header in headers)
    return f"{name} needs {asked}: {did_you_mean('header', headers[0], raw.headers.values())}"


def _text_of(raw: RawFile, spec: ColumnMap) -> pd.Series:
    if spec.constant is not None:
        return pd.Series(spec.constant, index=raw.rows.index, dtype="str")
    return raw.rows[_present(raw, spec.source)]


def _templated(raw: RawFile, spec: ColumnMap, done: pd.DataFrame, where: str) -> pd.Series:
    if "{period}" in spec.template and "period" not in done:
        raise DataError(
            f"{where}: the template uses {{period}}, but no column gives a period or a date to take it from."
        )
    text = _text_of(raw, spec)
    before, after = (part.replace("{file}", raw.name) for part in spec.template.split("{value}"))
    whole = _with_period(before, done) + text + _with_period(after, done)
    return whole.where(text != "", "")


def _with_period(part: str, done: pd.DataFrame) -> pd.Series | str:
    if "{period}" not in part:
        return part
    before, after = part.split("{period}")
    return before + done["period"].fillna("") + after


def _fill(mapped: MappedFile, name: str, text: pd.Series, spec: ColumnMap, source: SourceSpec, study: Study) -> None:
    """Add one canonical column to `mapped`, with its faults."""
    text, elsewhere = _answered(text, spec)
    if spec.extract:
        part = text.str.extract(spec.extract, expand=False)
        _note(mapped, text.notna() & part.isna(), f"{name}: not of the form {spec.extract}")
        text = part
    if spec.recode is not None:
        stored = text.map(spec.recode).astype("str")
        if spec.unlisted == "reject":
            _note(mapped, text.notna() & stored.isna(), f"{name}: code not listed under recode")
        text = stored
    if spec.blank_is is not None:
        text = text.mask(text.isna() & ~elsewhere, spec.blank_is)
    mapped.rows[name] = _typed(mapped, name, text, column(name, study), spec, source)
    if spec.does_not_apply:
        mapped.rows[f"{name}_applies"] = ~elsewhere


def _fill_product(mapped: MappedFile, name: str, raw: RawFile, spec: ColumnMap, source: SourceSpec) -> None:
    """Add a column of numbers multiplied; missing where one of them is."""
    values = pd.Series(1.0, index=raw.rows.index)
    for header in spec.product:
        text, _ = _answered(raw.rows[normalised(header)], spec)
        values = values * _numbers(mapped, f"{name}: {header}", text, source)
    mapped.rows[name] = values


def _fill_stages(mapped: MappedFile, raw: RawFile, spec: TableSpec, source: SourceSpec, study: Study) -> None:
    """Read the time of every stage of a journey that stands in one row."""
    time = column("occurred_at", study)
    for stage, how in spec.stages.items():
        if _is_there(raw, how):
            text, _ = _answered(_text_of(raw, how), how)
            mapped.stages[stage] = _typed(mapped, stage, text, time, how, source)
    faulty = [line for line, _ in mapped.faults]
    nowhere = mapped.stages.isna().all(axis=1) & ~mapped.stages.index.isin(faulty)
    _note(mapped, nowhere, f"no time at any stage ({', '.join(spec.stages)})")


def _answered(text: pd.Series, spec: ColumnMap) -> tuple[pd.Series, pd.Series]:
    """Text that is an answer (missing where blank), and whether the question does not apply."""
    codes = text
    if spec.blank or spec.does_not_apply:
        codes = text.str.replace(r"^(-?\d+)\.0+$", r"\1", regex=True)  # some exports write 99 as 99.0
    elsewhere = codes.isin(spec.does_not_apply) | text.isin(spec.does_not_apply)
    return text.mask(elsewhere | codes.isin(["", *spec.blank]) | text.isin(spec.blank)), elsewhere


def _typed(
    mapped: MappedFile, name: str, text: pd.Series, described: ColumnSpec, spec: ColumnMap, source: SourceSpec
) -> pd.Series:
    if described.type in ("integer", "number"):
        return _numbers(mapped, name, text, source)
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


def _numbers(mapped: MappedFile, shown: str, text: pd.Series, source: SourceSpec) -> pd.Series:
    plain = text.str.replace(",", ".", regex=False) if source.decimal == "," else text
    values = pd.to_numeric(plain, errors="coerce").astype("float64")
    values = values.where(values.abs() != float("inf"))
    _note(mapped, text.notna() & values.isna(), f"{shown}: not a number")
    return values


def _dates(text: pd.Series, formats: list[str]) -> pd.Series:
    """Times as the clock on the wall showed them: an offset says where that was, and does not move the day."""
    values = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
    text = _without_offset(text)
    for form in [form.replace("%z", "").strip() for form in formats] or ["ISO8601"]:
        todo = text.notna() & values.isna()
        parsed = pd.to_datetime(text[todo], format=form, errors="coerce")
        values[todo] = parsed.astype("datetime64[us]")
    return values


def _without_offset(text: pd.Series) -> pd.Series:
    signs = ["+", "-"]
    may = text.str.endswith("Z") | text.str.get(-6).isin(signs) | text.str.get(-5).isin(signs)
    return text.mask(may.fillna(False), text[may.fillna(False)].str.replace(_OFFSET, r"\1", regex=True))


def _forms(spec: ColumnMap) -> str:
    return " or ".join(spec.formats) or "2026-09-30 or 2026-09-30T14:05:00"


def _note(mapped: MappedFile, rows: pd.Series, reason: str) -> None:
    mapped.faults.extend((int(line), reason) for line in rows.index[rows.fillna(False).to_numpy(dtype=bool)])

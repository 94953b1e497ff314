"""Raw files as they are: every row as text, with its line, and the rows that are not rows set apart.

Nothing is interpreted here. CSV and TSV (plain or .gz) are read record by record, so that a broken record
costs itself and not its neighbours; Parquet and Excel are read whole, their line being the row's number.
"""

import csv
import gzip
import io
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxinsights.errors import SourceError, did_you_mean
from cxinsights.params import SourceSpec

__all__ = ["RawFile", "find_files", "normalised", "read_raw"]

_TEXT = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
csv.field_size_limit(1 << 24)  # the default of 128 kB is short for long comments


@dataclass(frozen=True)
class RawFile:
    """One raw file, read."""

    name: str
    """As messages show it."""
    rows: pd.DataFrame
    """Every whole row as text (empty where blank), under normalised headers, indexed by line."""
    broken: pd.DataFrame
    """Rows that could not be read: `line`, `reason`, `raw`."""
    headers: dict[str, str]
    """Normalised header: header as the file has it."""


def find_files(folders: dict[str, Path], pattern: str, shown: str) -> list[Path]:
    """Files that match a name or pattern, from the first folder that has any.

    Parameters
    ----------
    folders
        Folders to search, in order, by what messages call them.
    shown
        Whose files they are, as messages show it.

    Raises
    ------
    SourceError
        No folder has such a file; the message names the folders searched.
    """
    for folder in folders.values():
        found = sorted(folder.glob(pattern)) if folder.is_dir() else []
        if found:
            return found
    raise SourceError(
        f"{shown}: no file '{pattern}' in {' or '.join(folders)}. Put the raw files "
        "there, or set CXINSIGHTS_DATA_DIR to the folder that holds them."
    )


def normalised(header: str) -> str:
    """A header without what exports vary in: case, blanks around, a byte-order mark."""
    return " ".join(header.replace("\ufeff", "").replace("\xa0", " ").split()).casefold()


def read_raw(path: Path, spec: SourceSpec) -> RawFile:
    """Read one raw file by its ending.

    Raises
    ------
    SourceError
        The ending is not known, the file is damaged or empty, or two headers cannot be told apart.
    """
    ending = path.suffix.lower()
    if ending == ".gz":
        ending = Path(path.stem).suffix.lower()
    if ending in _TEXT:
        headers, rows, broken = _read_text(path, spec, spec.delimiter or _TEXT[ending])
    elif ending == ".parquet":
        headers, rows, broken = _read_parquet(path)
    elif ending in (".xlsx", ".xlsm"):
        headers, rows, broken = _read_excel(path, spec.sheet)
    else:
        raise SourceError(
            f"{path.name}: files ending in '{ending}' are not read. "
            "Known: .csv, .tsv, .txt (each also with .gz), .parquet, .xlsx."
        )
    headers = _told_apart(headers)
    names = [normalised(header) for header in headers]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise SourceError(f"{path.name}: header {', '.join(twice)} stands twice. Rename one in the file.")
    rows.columns = names
    return RawFile(path.name, rows, broken, dict(zip(names, headers, strict=True)))


def _told_apart(headers: list[str]) -> list[str]:
    """Headers that stand several times with their number, so that a mapping must say which one it means."""
    names = [normalised(header) for header in headers]
    return [
        f"{header.strip()} ({names[: at + 1].count(names[at])})" if names[at] and names.count(names[at]) > 1 else header
        for at, header in enumerate(headers)
    ]


def _read_text(path: Path, spec: SourceSpec, delimiter: str) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    lines: list[int] = []
    cells: list[str] = []  # of all rows in one list: a list per row would keep the collector busy
    broken: list[tuple[int, str, str]] = []
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text, undecodable = _decoded(content, spec.encoding)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        headers = next(reader, [])
        first = reader.line_num + 1
        for record in reader:
            last = reader.line_num
            marked = undecodable and not undecodable.isdisjoint(range(first, last + 1))
            if marked:
                broken.append((first, f"not {spec.encoding} text", delimiter.join(record)))
            elif len(record) == len(headers):
                lines.append(first)
                cells.extend(record)
            elif record:  # an empty line is no row
                reason = f"{len(record)} fields where the header has {len(headers)}"
                broken.append((first, _spanning(reason, first, last), delimiter.join(record)))
            first = last + 1
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise SourceError(f"{path.name}: cannot be read ({type(error).__name__}: {error}).") from None
    if not headers:
        raise SourceError(f"{path.name}: the file is empty. It needs a first line with the headers.")
    columns = {i: pd.array(cells[i :: len(headers)], dtype="str") for i in range(len(headers))}
    rows = pd.DataFrame(columns, index=pd.Index(lines, name="line"))
    return headers, _stripped(rows), _broken(broken)


def _decoded(content: bytes, encoding: str) -> tuple[str, set[int]]:
    """The text of a file, and the numbers of the lines that are not text (marked where they are not)."""
    try:
        return content.decode(encoding), set()
    except UnicodeDecodeError:
        lines = content.split(b"\n")
        text = [line.decode(encoding, errors="replace") for line in lines]
        marked = {number for number, line in enumerate(text, start=1) if "\ufffd" in line}
        return "\n".join(text), marked


def _read_parquet(path: Path) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path.name}: cannot be read as Parquet ({type(error).__name__}).") from None
    frame = table.to_pandas()
    rows = pd.DataFrame({i: _as_text(frame[name]) for i, name in enumerate(frame.columns)})
    rows.index = pd.RangeIndex(1, len(rows) + 1, name="line")
    return [str(name) for name in frame.columns], _stripped(rows), _broken([])


def _read_excel(path: Path, sheet: str | None) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they quote what a cell holds; what cannot be read is set apart with its line
        return _read_sheet(path, sheet)


def _read_sheet(path: Path, sheet: str | None) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    try:
        book = pd.ExcelFile(path, engine="openpyxl")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path.name}: cannot be read as Excel ({type(error).__name__}).") from None
    with book:
        if sheet is not None and sheet not in book.sheet_names:
            raise SourceError(f"{path.name}: {did_you_mean('sheet', sheet, book.sheet_names)}")
        name = sheet or book.sheet_names[0]
        frame = pd.read_excel(book, name, dtype=object, keep_default_na=False, na_values=[""])
    rows = pd.DataFrame({i: _as_text(frame.iloc[:, i]) for i in range(frame.shape[1])})
    rows.index = pd.RangeIndex(2, len(rows) + 2, name="line")  # row 1 holds the headers
    blank = (rows == "").all(axis=1)
    return [str(name) for name in frame.columns], _stripped(rows[~blank]), _broken([])


def _as_text(values: pd.Series) -> pd.Series:
    """Typed values as a CSV would have them: 5 and not 5.0, ISO times, nothing where missing."""
    if pd.api.types.is_datetime64_any_dtype(values):
        if values.dt.tz is not None:
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        text = np.datetime_as_string(values.to_numpy("datetime64[us]"), unit="us")
        return pd.Series(text, index=values.index, dtype="str").where(values.notna(), "")
    if pd.api.types.is_float_dtype(values):
        whole = (values % 1 == 0) & (values.abs() < 2**53)
        text = values.astype("str")
        text[whole] = values[whole].astype("int64").astype("str")
        return text.where(values.notna(), "")
    if values.dtype == object:
        return values.map(_one_as_text).astype("str")
    return values.astype("str").fillna("")


def _one_as_text(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _stripped(rows: pd.DataFrame) -> pd.DataFrame:
    for name in rows.columns:
        rows[name] = rows[name].str.strip()
    return rows


def _spanning(reason: str, first: int, last: int) -> str:
    return reason if first == last else f"{reason} (lines {first} to {last}: a quote may be left open)"


def _broken(rows: list[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["line", "reason", "raw"])

"""Raw files are read record by record; what is no record is set apart with its line, and costs no neighbour."""

import gzip
import warnings
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook

from cxinsights.data.sources import find_files, normalised, read_raw
from cxinsights.errors import SourceError
from cxinsights.params import SourceSpec

SPEC = SourceSpec(files="x")


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def broken(path: Path, spec: SourceSpec = SPEC) -> list[tuple]:
    return list(read_raw(path, spec).broken[["line", "reason"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,score\n1,5\n2,\n"),
        ("a.csv.gz", "id,score\n1,5\n2,\n"),
        ("a.tsv", "id\tscore\n1\t5\n2\t\n"),
        ("a.tsv.gz", "id\tscore\n1\t5\n2\t\n"),
    ],
)
def test_text_forms_read_alike(tmp_path: Path, name: str, content: str) -> None:
    raw = read_raw(write(tmp_path, name, content), SPEC)
    assert raw.rows.to_dict("list") == {"id": ["1", "2"], "score": ["5", ""]}
    assert list(raw.rows.index) == [2, 3]


def test_parquet_and_excel_read_as_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "score": [5.0, None], "day": pd.to_datetime(["2026-09-30", None])})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False, sheet_name="Answers")
    for name in ("a.parquet", "a.xlsx"):
        raw = read_raw(tmp_path / name, SPEC)
        assert raw.rows["score"].tolist() == ["5", ""]
        assert raw.rows["day"].str[:10].tolist() == ["2026-09-30", ""]


def test_an_excel_cell_that_is_not_what_its_form_says_is_read_without_a_word(tmp_path: Path) -> None:
    """A phone number in a cell formatted as a date: the library's warning would quote it."""
    book = Workbook()
    book.active.append(["id", "day"])
    book.active.append(["a", 4915177417741])
    book.active["B2"].number_format = "yyyy-mm-dd"
    book.save(tmp_path / "a.xlsx")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert read_raw(tmp_path / "a.xlsx", SPEC).rows["id"].tolist() == ["a"]
    assert [str(one.message) for one in heard if "4915177417741" in str(one.message)] == []


def test_headers_lose_what_exports_vary_in(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, "a.csv", "\ufeffID , Net\xa0Pro  \n1,9\n"), SPEC)
    assert raw.headers == {"id": "ID ", "net pro": " Net\xa0Pro  "}
    assert normalised("NETPRO  ") == "netpro"


def test_headers_that_stand_twice_are_numbered(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, "a.csv", "id,Score, SCORE ,,\n1,9,8,x,y\n"), SPEC)
    assert raw.rows[["score (1)", "score (2)"]].to_dict("list") == {"score (1)": ["9"], "score (2)": ["8"]}
    assert list(raw.headers.values())[:3] == ["id", "Score (1)", "SCORE (2)"]
    assert "score" not in raw.headers


def test_a_field_too_many_or_too_few_is_set_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,score\n1,5\n2,5,x\n3\n\n4,5\n")
    assert broken(path) == [(3, "3 fields where the header has 2"), (4, "1 fields where the header has 2")]
    assert read_raw(path, SPEC).rows["id"].tolist() == ["1", "4"]


def test_a_quoted_line_break_is_one_record_and_lines_stay_true(tmp_path: Path) -> None:
    raw = read_raw(write(tmp_path, "a.csv", 'id,said\n1,"two\nlines"\n2,one\n'), SPEC)
    assert list(raw.rows.index) == [2, 4]


def test_an_open_quote_names_the_lines_it_swallowed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'id,said\n1,"never closed\n2,b\n3,c\n')
    assert read_raw(path, SPEC).rows["id"].tolist() == ["1"]
    path = write(tmp_path, "b.csv", 'id,said\n1,b,"never closed\n2,b\n3,c\n')
    assert broken(path) == [(2, "3 fields where the header has 2 (lines 2 to 4: a quote may be left open)")]


def test_bytes_that_are_not_text_cost_their_own_row(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"id,said\n1,good\n2,caf\xe9\n3,good\n")
    assert broken(path) == [(3, "not utf-8-sig text")]
    assert read_raw(path, SourceSpec(files="x", encoding="latin-1")).rows["said"].tolist() == ["good", "café", "good"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "a.csv: the file is empty. It needs a first line with the headers."),
        (
            "a.csv",
            "id,ID,id (2)\n1,2,3\n",
            "a.csv: header id (2) stands twice. Rename one in the file.",
        ),
        (
            "a.doc",
            "x",
            "a.doc: files ending in '.doc' are not read. Known: .csv, .tsv, .txt (each also with .gz), "
            ".parquet, .xlsx.",
        ),
        ("a.parquet", "x", "a.parquet: cannot be read as Parquet (ArrowInvalid)."),
        ("a.xlsx", "x", "a.xlsx: cannot be read as Excel (BadZipFile)."),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(SourceError) as error:
        read_raw(write(tmp_path, name, content), SPEC)
    assert str(error.value) == said


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv.gz", "id\n1\n")
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(SourceError, match=r"^a\.csv\.gz: cannot be read \(EOFError: "):
        read_raw(path, SPEC)


def test_an_unknown_sheet_names_the_known_ones(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1]}).to_excel(tmp_path / "a.xlsx", sheet_name="Answers", index=False)
    with pytest.raises(SourceError) as error:
        read_raw(tmp_path / "a.xlsx", SourceSpec(files="x", sheet="Answer"))
    assert str(error.value) == "a.xlsx: unknown sheet 'Answer'. Did you mean 'Answers'? Known: Answers."


def test_a_missing_file_names_the_folders_searched(tmp_path: Path) -> None:
    folders = {"$CXINSIGHTS_DATA_DIR/shops/": tmp_path / "shared", "data/shops/raw/": tmp_path / "raw"}
    with pytest.raises(SourceError) as error:
        find_files(folders, "answers_*.csv", "shops: responses")
    assert str(error.value) == (
        "shops: responses: no file 'answers_*.csv' in $CXINSIGHTS_DATA_DIR/shops/ or data/shops/raw/. Put the raw "
        "files there, or set CXINSIGHTS_DATA_DIR to the folder that holds them."
    )
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "answers_2.csv").touch()
    (tmp_path / "raw" / "answers_1.csv").touch()
    assert [p.name for p in find_files(folders, "answers_*.csv", "")] == ["answers_1.csv", "answers_2.csv"]

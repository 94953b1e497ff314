"""What a report leaves behind: only where asked, only what is guarded, and the same bytes each time."""

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.results import private, published_tables, table
from cxinsights.analysis.scorecard import ScorecardResult, fit_scorecard
from cxinsights.data.importing import import_study
from cxinsights.display.blocks import Headline
from cxinsights.errors import PrivacyError
from cxinsights.params import ALL, ScorecardParams, Study
from cxinsights.privacy import guard
from cxinsights.report.record import RECORD_TO, Provenance, record
from cxinsights.report.source import Source, open_source
from tests.small import STUDY, small_study

UNITS = "units: {north: {label: North}, south: {label: South}, west: {label: West}}\n"
STUDY = STUDY[: STUDY.index("units:")] + UNITS
HEADLINE = Headline("kicker", "North’s NPS is\u00a012", "It was\u00a09.")
WEST = (10, 10, 0)
"""West has three answers: NPS 33.33, and one of three satisfied."""


def answers(backwards: bool = False) -> str:
    lines = []
    for unit, day, n in (("north", "2026-07-01", 60), ("north", "2025-07-01", 50), ("south", "2026-07-01", 40)):
        lines += [f"{unit}-{day[:4]}-{at:02},{unit},{day},{7 * at % 11},{at % 5 + 1},{at % 10 + 1}" for at in range(n)]
    lines += [f"west-{at},west,2026-07-01,{nps},{5 if at == 1 else 1},4" for at, nps in enumerate(WEST)]
    return "\n".join(["id,unit,date,nps,csat,wait", *(reversed(lines) if backwards else lines)]) + "\n"


def opened(folder: Path, unit: str, text: str | None = None) -> Source:
    project, study = small_study(folder, STUDY, text or answers())
    import_study(project, study)
    region = ALL if unit == ALL else "shops"
    return open_source(ScorecardParams(study="shops", period="2026Q3", region=region, unit=unit), project)


def recorded(source: Source, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv(RECORD_TO, str(folder))
    source.record(source.guard(fit_scorecard(source.baseline, source.params, **source.figures)), HEADLINE)
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shops(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shops")
    opened(folder, ALL)
    return folder


def test_nothing_is_written_where_nobody_asked(shops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RECORD_TO, raising=False)
    monkeypatch.chdir(tmp_path)
    source = opened(shops, "north")
    before = sorted(path for path in shops.rglob("*"))
    said = source.record(source.guard(fit_scorecard(source.baseline, source.params)), HEADLINE)
    assert list(tmp_path.iterdir()) == []
    assert sorted(path for path in shops.rglob("*")) == before
    assert said == Provenance(f"July to September 2026 · 60\u00a0answers · data {source.kept.data}")
    assert (said.as_html(), said.as_markdown()) == ("", said.text)


def test_what_has_not_passed_the_guard_is_not_recorded(shops: Path, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = opened(shops, "north")
    monkeypatch.setenv(RECORD_TO, str(tmp_path))
    with pytest.raises(PrivacyError) as info:
        record(fit_scorecard(source.baseline, source.params), HEADLINE, "abc")
    assert str(info.value) == ("record takes what guard() gives, not a ScorecardResult: nothing is recorded unguarded.")
    assert list(tmp_path.iterdir()) == []


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []
    for name, text in (("one", answers()), ("another", answers(backwards=True))):
        source = opened(tmp_path / name / "project", "north", text)
        for again in ("first", "second"):
            folders.append(tmp_path / name / again)
            recorded(source, folders[-1], monkeypatch)
    written = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert written[0] == written[1] == written[2] == written[3]
    assert {"result.json", "scores.csv", "changes.csv", "trend.csv"} <= set(written[0])


def test_result_json_holds_no_time_host_path_or_run(shops: Path, tmp_path: Path, monkeypatch) -> None:
    found = recorded(opened(shops, "north"), tmp_path, monkeypatch)
    assert set(found) == {
        "schema", "study", "period", "region", "unit", "analysis", "status", "headline", "lead", "scores", "tables",
        "notes", "downloads",
    }  # fmt: skip
    assert [found[name] for name in ("schema", "study", "period", "region", "unit", "analysis", "status")] == [
        1, "shops", "2026Q3", "shops", "north", "scorecard", "ok",
    ]  # fmt: skip
    assert (found["headline"], found["lead"]) == ("North’s NPS is 12", "It was 9.")
    assert sorted(found["downloads"]) == sorted(path.name for path in tmp_path.glob("*.csv"))
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    assert text == json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_own_scores_come_with_base_change_and_state(shops: Path, tmp_path: Path, monkeypatch) -> None:
    source = opened(shops, "north")
    found = {score["metric"]: score for score in recorded(source, tmp_path, monkeypatch)["scores"]}
    assert set(found) == {"nps", "csat", "csat_mean"}
    now = [7 * at % 11 for at in range(60)]
    then = [7 * at % 11 for at in range(50)]
    nps = [100 * (sum(a >= 9 for a in group) - sum(a <= 6 for a in group)) / len(group) for group in (now, then)]
    assert found["nps"]["value"] == pytest.approx(nps[0], rel=1e-11)
    assert found["nps"]["change"] == pytest.approx(nps[0] - nps[1], rel=1e-11)
    assert found["nps"]["ci_low"] < nps[0] < found["nps"]["ci_high"]
    same = ("n", "n_missing", "weighted", "question", "survey", "target", "state")
    assert [found["nps"][name] for name in same] == [60, 0, False, "asked", "relationship", None, "cannot_tell"]
    assert (found["csat_mean"]["value"], found["csat_mean"]["change"], found["csat_mean"]["state"]) == (3, None, None)


@pytest.mark.parametrize("unit", [ALL, "north", "south", "west"])
def test_figures_under_the_threshold_are_in_no_file(shops: Path, tmp_path: Path, monkeypatch, unit: str) -> None:
    found = recorded(opened(shops, unit), tmp_path, monkeypatch)
    for name, how in published_tables(ScorecardResult).items():
        if name not in found["tables"]:
            assert not (tmp_path / f"{name}.csv").exists()
            continue
        written = found["tables"][name]
        lines = list(csv.DictReader((tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()))
        assert len(lines) == len(written["rows"])
        for cells, line in zip(written["rows"], lines, strict=True):
            row = dict(zip(written["columns"], cells, strict=True))
            south = row["unit"] == "south" and (unit == "south" or row.get("period", "2026Q3") == "2026Q3")
            why = "small" if 0 < row["n"] < 10 else "complement" if south else None
            for column in set(row) - set(how.keep):
                is_hidden = isinstance(row[column], dict)
                assert is_hidden == (why is not None), (name, row)
                if why:
                    assert row[column] == {"suppressed": why, "threshold": 10}
                    said = "under 10" if why == "small" else "it would give another away"
                    assert line[column] == f"not shown, {said}"
        assert written["base"] == max(row[written["columns"].index("n")] for row in written["rows"])
    assert not [path.name for path in tmp_path.iterdir() if "33.33" in path.read_text(encoding="utf-8")]


def test_a_page_of_hidden_scores_says_so(shops: Path, tmp_path: Path, monkeypatch) -> None:
    west = recorded(opened(shops, "west"), tmp_path / "west", monkeypatch)
    assert (west["status"], west["notes"][0]) == ("too_few", "fewer than 10 answers")
    hidden = {"suppressed": "small", "threshold": 10}
    assert [(s["value"], s["ci_low"], s["n"]) for s in west["scores"]] == [(hidden, hidden, 3)] * 3
    rows = sum(row[table["columns"].index("n")] > 0 for table in west["tables"].values() for row in table["rows"])
    assert west["notes"][1] == (
        f"{rows} rows hold figures that are not shown: too few answers, or they would give others away"
    )
    south = recorded(opened(shops, "south"), tmp_path / "south", monkeypatch)
    assert (south["status"], south["notes"][0]) == ("too_few", "it would give a smaller group away")
    north = recorded(opened(shops, "north"), tmp_path / "north", monkeypatch)
    assert north["notes"] == []


@dataclass(frozen=True)
class Odd:
    params: ScorecardParams
    status: str = "ok"
    reason: str = ""
    cells: pd.DataFrame = table(keep=["name"])
    people: pd.DataFrame = private()


def odd(cells: pd.DataFrame, study: Study, folder: Path, monkeypatch) -> tuple[list, list]:
    """The rows of a table of odd cells as JSON and as CSV has them."""
    monkeypatch.setenv(RECORD_TO, str(folder))
    params = ScorecardParams(study="shops", period="2026Q3", region=ALL, unit=ALL)
    people = pd.DataFrame({"customer_id": ["Zx9-someone"]})
    record(guard(Odd(params, cells=cells, people=people), study), HEADLINE, "abc")
    assert {path.name for path in folder.iterdir()} == {"result.json", "cells.csv"}
    assert not [path for path in folder.iterdir() if "Zx9" in path.read_text(encoding="utf-8")]
    found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as stream:
        return found["tables"]["cells"]["rows"], list(csv.reader(stream))[1:]


def test_text_that_a_spreadsheet_would_run_is_made_plain(tmp_path: Path, monkeypatch) -> None:
    _, study = small_study(tmp_path / "project")
    (tmp_path / "out").mkdir()
    names = ["=1+1", "+1", "-1", "@x", "\tx", "a=1", "", "'x", 'a "b", c', '=HYPERLINK("x","y")']
    cells = pd.DataFrame({"name": names, "n": 50, "score": -1.5})
    as_json, as_csv = odd(cells, study, tmp_path / "out", monkeypatch)
    assert [row[0] for row in as_json] == names  # data, not a spreadsheet
    assert [row[0] for row in as_csv] == ["'" + name if name[:1] in set("=+-@\t") else name for name in names]
    assert {row[2] for row in as_csv} == {"-1.5"}  # a number is no formula


def test_a_line_break_in_a_name_starts_no_row(tmp_path: Path, monkeypatch) -> None:
    """What stands after the break would stand first in its row, where a spreadsheet would run it."""
    _, study = small_study(tmp_path / "project")
    (tmp_path / "out").mkdir()
    cells = pd.DataFrame({"name": ["a\n=1+1", "a\r\n=1+1", "a\r=1+1", "\r=1+1"], "n": 50, "score": 1.0})
    _, as_csv = odd(cells, study, tmp_path / "out", monkeypatch)
    assert [len(row) for row in as_csv] == [3, 3, 3, 3]


def test_what_is_no_number_is_null_and_numbers_have_twelve_digits(tmp_path: Path, monkeypatch) -> None:
    _, study = small_study(tmp_path / "project")
    (tmp_path / "out").mkdir()
    values = [math.nan, math.inf, -math.inf, None, pd.NA, 0.1 + 0.2, 1 / 3, np.float64(1e-20), np.int64(7), np.bool_(1)]
    cells = pd.DataFrame({"name": "x", "n": 50, "score": pd.Series(values, dtype=object)})
    as_json, as_csv = odd(cells, study, tmp_path / "out", monkeypatch)
    expected = [None, None, None, None, None, 0.3, 0.333333333333, 1e-20, 7, True]
    assert [(type(row[2]), row[2]) for row in as_json] == [(type(value), value) for value in expected]
    assert [row[2] for row in as_csv] == ["", "", "", "", "", "0.3", "0.333333333333", "1e-20", "7", "True"]

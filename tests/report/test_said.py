"""Sentences say what the records have: every figure is read back and looked for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from cxinsights.display.blocks import MEDIA_TYPE, Block
from cxinsights.display.scorecard import figure_trend, headline_scorecard, score_kpis
from cxinsights.params import ALL, ANALYSES, Project
from cxinsights.publish.changes import find_changes
from cxinsights.report.identity import ReportId
from cxinsights.report.record import RECORD_TO, record
from tests.display.results import moved, scorecard, study, together
from tests.figures import altered, unsourced

SENTENCES = (
    "h1, .lead, .facts div, .kpi, .kpis > .source, figure > h2, section.card > h2, .steps > li > p, .steps dd, "
    ".findings .finding"
)
UNITS = {"north": "North", "south": "South", "east": "East"}


def sentences(html: str) -> Iterator[str]:
    for found in BeautifulSoup(html, "lxml").select(SENTENCES):
        yield found.get_text() if found.name == "p" else " ".join(found.get_text(" ").split())


def of_page(folder: Path) -> list[str]:
    """Sentences of an executed notebook."""
    cells = json.loads((folder / f"{folder.name}.ipynb").read_text())["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [text for output in outputs if MEDIA_TYPE in output for text in sentences("".join(output[MEDIA_TYPE]))]


@pytest.fixture(scope="module")
def bank(demo) -> dict[str, tuple[list[str], list[dict[str, Any]]]]:
    """Sentences of all reports of a unit of the demo company, each with the records it was made from."""
    project, _ = demo
    folders = {one: ReportId("demo", "2026Q3", "americas", "bank", one).folder(project.outputs) for one in ANALYSES}
    if missing := [one for one, folder in folders.items() if not (folder / "result.json").is_file()]:
        pytest.skip(f"not made: {', '.join(missing)} of the demo company's bank in the Americas; make test makes them")
    records = {one: json.loads((folder / "result.json").read_text()) for one, folder in folders.items()}
    return {
        one: (of_page(folder), list(records.values()) if one == "brief" else [records[one]])
        for one, folder in folders.items()
    }


@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_figure_of_a_page_s_sentences_is_in_its_record(bank, demo, analysis: str) -> None:
    told, records = bank[analysis]
    assert len(told) >= 5
    assert {text: wrong for text in told if (wrong := unsourced(text, demo[1], *records))} == {}


def drawn(seed: int) -> pd.DataFrame:
    """Answers of three units whose shares of detractors and promoters are anywhere, then and now."""
    rng = np.random.default_rng(seed)
    shares = rng.uniform(0.05, 0.45, (3, 2, 2))
    return together(
        *(moved(unit, *at, n=int(rng.integers(15, 900))) for unit, at in zip(UNITS, shares.tolist(), strict=True))
    )


def kept(folder: Path, seed: int, unit: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], dict[str, Any]]:
    """Sentences of a scorecard, and its record."""
    of = study(UNITS)
    targets = pd.DataFrame(
        {"region": "shops", "unit": [*UNITS] * 2, "metric": ["nps", "csat"] * 3, "period": "2026Q3", "value": 0.0}
    )
    targets["value"] = np.random.default_rng(seed).uniform(0.4, 0.9, 6).round(2)
    targets.loc[targets["metric"] == "nps", "value"] = (targets["value"] * 50).round()
    result = scorecard(drawn(seed), of, unit=unit, targets=targets)
    place = ReportId("shops", "2026Q3", ALL if unit == ALL else "shops", unit, "scorecard").folder(folder)
    place.mkdir(parents=True)
    monkeypatch.setenv(RECORD_TO, str(place))
    record(result, headline_scorecard(result), "data")
    (place / "run.json").write_text('{"fingerprint": {}}')
    blocks: list[Block] = [headline_scorecard(result), score_kpis(result), figure_trend(result)]
    told = [text for block in blocks for text in sentences(block.as_html())]
    return told, json.loads((place / "result.json").read_text())


@pytest.mark.parametrize("seed", range(4))
def test_every_figure_of_a_scorecard_is_in_its_record_whatever_the_answers(tmp_path, monkeypatch, seed: int) -> None:
    for unit in (ALL, *UNITS):
        told, found = kept(tmp_path, seed, unit, monkeypatch)
        assert len(told) >= 3
        assert {text: wrong for text in told if (wrong := unsourced(text, study(UNITS), found))} == {}


@pytest.mark.parametrize("seed", range(2))
def test_every_figure_of_what_changed_is_in_a_scorecard_s_record(tmp_path, monkeypatch, seed: int) -> None:
    project = Project(tmp_path)
    records = [kept(project.outputs, seed, unit, monkeypatch)[1] for unit in UNITS]
    changes = find_changes(project, study(UNITS), since="2025Q3").found
    texts = [one.text for one in changes if one.kind in ("worse", "better")]
    assert [text for text in texts if unsourced(text, study(UNITS), *records)] == []
    others = [other for text in texts for other in altered(text)]
    assert np.mean([bool(unsourced(other, study(UNITS), *records)) for other in others]) >= 0.75
    assert len(texts) >= 1


def test_a_figure_that_is_wrong_is_noticed(bank, demo) -> None:
    """Not each: another figure of the place may be the same. Of those with an interval nearly all."""
    for analysis in ("scorecard", "brief", "drivers", "linkage", "segmentation"):
        told, records = bank[analysis]
        noticed = [bool(unsourced(other, demo[1], *records)) for text in told for other in altered(text)]
        assert len(noticed) >= 10
        assert np.mean(noticed) >= 0.8, analysis

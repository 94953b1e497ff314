"""A scorecard lists what the other reports of its unit found, where pages are made."""

import json
from pathlib import Path

import pytest

from cxinsights.display.blocks import Nothing
from cxinsights.display.findings import Finding, list_findings
from cxinsights.params import ScorecardParams
from cxinsights.report.findings import PAGES, read_findings
from cxinsights.report.records import read_contents

PARAMS = ScorecardParams(study="shops", period="2026Q3", region="emea", unit="a")


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    unit = tmp_path / "shops/2026Q3/emea/a"
    for analysis, headline in (("drivers", "Waiting stands out"), ("funnel", "Quotes lose most"), ("scorecard", "31")):
        folder = unit / analysis
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps({"headline": headline}), encoding="utf-8")
    return tmp_path


def test_the_other_reports_in_the_order_of_the_list(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PAGES, str(pages))
    assert read_findings(PARAMS) == [
        Finding("Journey funnel", "Quotes lose most", "../funnel/index.html"),
        Finding("Drivers", "Waiting stands out", "../drivers/index.html"),
    ]


def test_what_the_study_does_without_is_not_read_though_it_lies_there(pages: Path, monkeypatch) -> None:
    monkeypatch.setenv(PAGES, str(pages))
    assert [found.report for found in read_findings(PARAMS, ["drivers"])] == ["Journey funnel"]
    assert [*read_contents(pages, PARAMS)] == ["funnel", "drivers"]
    assert [*read_contents(pages, PARAMS, ["drivers"])] == ["funnel"]


def test_none_where_no_pages_are_made(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PAGES, raising=False)
    assert read_findings(PARAMS) == []


def test_the_list_links_each_and_escapes_it() -> None:
    block = list_findings([Finding("Drivers", "Waiting & <ease>", "../drivers/index.html")])
    assert '<a class="finding" href="../drivers/index.html">Waiting &amp; &lt;ease&gt;</a>' in block.as_html()
    assert block.as_markdown() == (
        "### What the other reports found\n\n- Drivers: [Waiting & <ease>](../drivers/index.html)"
    )
    assert isinstance(list_findings([]), Nothing)

"""The demo company's planted fall: first on the company's page, on its region's and in the digest, with its cause."""

import json
from pathlib import Path

import pytest

from cxinsights.analysis.scorecard import fit_scorecard
from cxinsights.data.demo.truth import read_truth
from cxinsights.display.numbers import text_without_fixed_spaces as plain
from cxinsights.display.scorecard import headline_scorecard, list_falls
from cxinsights.params import ALL, Project, resolve
from cxinsights.privacy import Guarded
from cxinsights.publish.changes import find_changes
from cxinsights.report.identity import ReportId
from cxinsights.report.record import RECORD_TO, record
from cxinsights.report.source import open_source

FALL = read_truth().fall
CAUSE = "Ratings that fell meanwhile: kept informed −1."
"""Beginning of the sentence: the rating that was lowered most."""


@pytest.fixture(scope="module")
def cards(demo) -> dict[tuple[str, str], Guarded]:
    """Scorecards of the company, its regions and its units, in the period of the fall."""
    project, study = demo
    places = [
        (ALL, ALL),
        *((r, ALL) for r in study.regions),
        *((r, u) for r, one in study.regions.items() for u in one.units),
    ]
    found = {}
    for place in places:
        source = open_source(resolve(study, "scorecard", FALL.period, *place), project)
        found[place] = source.guard(fit_scorecard(source.baseline, source.params, **source.figures))
    return found


@pytest.mark.parametrize("region", [ALL, FALL.region])
def test_it_is_the_first_and_only_place_to_look_at(cards, demo, region: str) -> None:
    result, name = cards[region, ALL], demo[1].unit(FALL.region, FALL.unit).label
    assert headline_scorecard(result).title.startswith(f"{name}{' in Americas' * (region == ALL)} fell on NPS")
    (entry,) = list_falls(result).entries
    assert entry.report.startswith(name)
    assert entry.link.endswith(f"/{FALL.unit}/brief/index.html")
    assert CAUSE in plain(entry.headline)
    assert "and resolved first time −0." in plain(entry.headline)
    assert set(FALL.ratings) == {"informed", "resolution"}  # no other is named
    assert entry.headline.count("(") == 2 + len(cards[ALL, ALL].ratings.query("against == 'year_ago'"))


def test_other_regions_have_no_place_to_look_at(cards, demo) -> None:
    others = [region for region in demo[1].regions if region != FALL.region]
    assert [list_falls(cards[region, ALL]).as_html() for region in others] == [""] * len(others)


@pytest.mark.parametrize("since", ["2025Q3", "2026Q2"])
def test_it_is_first_in_the_digest(cards, demo, tmp_path: Path, monkeypatch, since: str) -> None:
    _, study = demo
    for (region, unit), result in cards.items():
        folder = ReportId("demo", FALL.period, region, unit, "scorecard").folder(tmp_path / "outputs")
        folder.mkdir(parents=True)
        monkeypatch.setenv(RECORD_TO, str(folder))
        record(result, headline_scorecard(result), "data")
        (folder / "run.json").write_text(json.dumps({"fingerprint": {}}))
    first = find_changes(Project(tmp_path), study, since=since).found[0]
    assert (first.kind, first.region, first.unit, first.metric) == ("worse", FALL.region, FALL.unit, "nps")
    assert CAUSE in first.text

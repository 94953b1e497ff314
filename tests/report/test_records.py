"""What was recorded, read again, is what the guard gave: figures as they were, hidden ones hidden."""

import json
from pathlib import Path
from typing import get_type_hints

import pandas as pd
import pytest

from cxinsights.analysis.results import published_tables
from cxinsights.analysis.scorecard import ScorecardResult
from cxinsights.display.blocks import Headline
from cxinsights.display.scorecard import figure_trend, headline_scorecard, score_kpis, table_scores
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.report.inputs import FITTED, fitted
from cxinsights.report.record import RECORD_TO, record
from cxinsights.report.records import COUNTS, NOT_MADE, guarded_again, records_of
from tests.display.results import drivers, moved, ratings, scorecard, study, together


@pytest.fixture(scope="module")
def card() -> Guarded:
    frame = together(moved("north", (0.2, 0.5), (0.4, 0.3)), moved("south", (0.2, 0.5), (0.2, 0.5)))
    sites = ["few" if at % 50 == 0 else "acd"[at % 3] for at in range(len(frame))]  # eight answers of 400
    return scorecard(frame.assign(site=sites), study(), unit="north")


def recorded(result: Guarded, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.setenv(RECORD_TO, str(folder))
    record(result, Headline("", "North fell", "It did."), "")
    return json.loads((folder / "result.json").read_text())


def again(card: Guarded, content: dict) -> Guarded:
    return guarded_again(content, ScorecardResult, card.params, card.study)


def test_blocks_of_a_recorded_scorecard_are_those_of_the_scorecard(
    card: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = again(card, recorded(card, tmp_path, monkeypatch))
    for block in (headline_scorecard, score_kpis, figure_trend, table_scores):
        assert block(found).as_html() == block(card).as_html()


def test_what_is_hidden_stays_hidden(card: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = recorded(card, tmp_path, monkeypatch)
    found = again(card, content).parts
    hidden = found[found["site"] == "few"]["score"].tolist()
    assert hidden == [Suppressed(10)] * len(hidden) != []
    complement = found["score"].map(lambda score: score == Suppressed(10, "complement"))
    shown = {"a", "c", "d"} - set(found.loc[complement, "site"])
    assert len(shown) == 2
    assert set(records_of({"scorecard": content})["scorecard"].table("parts")["site"]) == shown


def test_figures_stay_where_only_counts_of_blanks_are_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = ratings([1.0, 0.5])
    frame.loc[:4, "r0_rating"] = None
    found = drivers(frame)
    assert found.importance["n_missing"].tolist() == [Suppressed(10), 0]
    kept = records_of({"drivers": recorded(found, tmp_path, monkeypatch)})["drivers"].table("importance")
    assert kept["driver"].tolist() == ["r0_rating", "r1_rating"]
    assert (kept["share"].dtype, kept["under_floor"].dtype) == (float, bool)


def test_every_count_that_hides_alone_is_known() -> None:
    kinds = [get_type_hints(fitted(analysis).fit)["return"] for analysis in FITTED]
    declared = {name for kind in (*kinds, ScorecardResult) for how in published_tables(kind).values()
                for name in how.counts}  # fmt: skip
    assert declared == {*COUNTS}


def test_numbers_of_a_record_are_numbers(card: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = records_of({"scorecard": recorded(card, tmp_path, monkeypatch)})["scorecard"]
    assert (found.status, found.headline, found.lead) == ("ok", "North fell", "It did.")
    assert found.table("parts")["score"].dtype == float
    assert found.table("scores")["target"].isna().all()
    assert found.table("nothing of ours").equals(pd.DataFrame())


def test_a_scorecard_that_was_not_made_has_no_data(card: Guarded) -> None:
    assert (again(card, NOT_MADE).status, len(again(card, NOT_MADE).scores)) == ("no_data", 0)

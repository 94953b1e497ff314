"""Breakdowns as tables: contacts of every kind of survey, groups of the page's own."""

import pandas as pd
import pytest

from cxinsights.analysis.baseline import fit_baseline
from cxinsights.analysis.comparisons import compare
from cxinsights.analysis.scores import sample_of
from cxinsights.display.blocks import Nothing
from cxinsights.display.scorecard import figure_segments, table_contacts, table_segments
from cxinsights.params import ScoreRules, Study
from cxinsights.privacy import is_shown
from tests.display.results import answered, scorecard, study, together

SAME, LOW = (0.3, 0.4), (0.7, 0.1)
SURVEYS = {"relationship": "relationship survey", "transactional": "survey after a contact"}


def shops(**more) -> Study:
    columns = {
        "touchpoint": {
            "label": "Touch-point",
            "type": "category",
            "values": {"visit": "Visit", "complaint": "Complaint"},
        }
    }
    return study(surveys=SURVEYS, columns=columns, **more)


def contacts(shares: dict[str, tuple[float, float]], n: int = 200, unit: str = "north") -> list[pd.DataFrame]:
    """Answers after a contact, beside a relationship survey that asks about none."""
    asked = [answered(share, n, unit=unit, survey="transactional", touchpoint=name) for name, share in shares.items()]
    return [*asked, answered(SAME, 300, unit=unit)]


def test_contacts_stand_on_the_page_whatever_survey_leads() -> None:
    result = scorecard(together(contacts({"complaint": LOW, "visit": SAME})), shops(), unit="north")
    assert result.params.survey == "relationship"
    table = table_contacts(result)
    assert [column.name for column in table.columns] == [
        "Touch-point", "Survey and measure", "Score (95% interval)", "From the others", "p adjusted", "Answers",
    ]  # fmt: skip
    assert [row[:2] for row in table.rows][:4] == [
        ["Touch-point: Visit", "Survey after a contact, NPS"],
        ["Touch-point: Visit", "Survey after a contact, CSAT"],
        ["Touch-point: Visit", "Survey after a contact, CES"],
        ["Touch-point: Complaint", "Survey after a contact, NPS"],
    ]
    assert table.rows[3][2].replace("\u00a0", " ") == "−60 (−68 to −50)"
    assert table.rows[3][3].replace("\u00a0", " ") == "−70 (−85 to −55)"
    assert table.title == "By touch-point: six clear differences"
    assert isinstance(figure_segments(result), Nothing)  # the page's own survey asks about no contact


def test_each_is_tested_against_the_others_of_its_own_survey() -> None:
    """The relationship survey's 300 answers have a touch-point too, and count for nothing here."""
    frame = together(contacts({"visit": SAME, "complaint": LOW, "call": SAME}))
    frame["touchpoint"] = frame["touchpoint"].fillna("visit")
    found = fit_baseline(frame, ScoreRules(), ["2026Q3"], {}).segments
    row = found.query(
        "level == 'unit' and survey == 'transactional' and metric == 'nps' and group == 'complaint'"
    ).iloc[0]
    own = frame[frame["survey"] == "transactional"]
    coded = own["nps_answer"].map({3.0: -100.0, 8.0: 0.0, 10.0: 100.0}).to_numpy()
    inside = (own["touchpoint"] == "complaint").to_numpy()
    test = compare(sample_of(coded[inside]), sample_of(coded[~inside]), "nps")
    assert (row["n"], row["n_compare"]) == (200, 400)
    assert (row["difference"], row["diff_low"], row["p_value"]) == pytest.approx(
        (test.value, test.ci_low, test.p_value)
    )


@pytest.mark.parametrize(
    ("shares", "title"),
    [
        ({"visit": SAME, "complaint": SAME, "call": SAME}, "By touch-point: no clear difference"),
        (
            {"visit": SAME, "complaint": (0.3, 0.4), "call": (0.5, 0.35)},
            "By touch-point: call below the others on NPS",
        ),
    ],
    ids=["none", "one"],
)
def test_the_title_says_what_is_clear(shares, title) -> None:
    frame = together(contacts(shares)).drop(columns=["csat_score", "ces_score"])
    assert table_contacts(scorecard(frame, shops(), unit="north")).title == title


def test_a_channel_is_broken_down_by_without_being_asked_for() -> None:
    frame = together([answered(SAME, 200, channel="web"), answered(LOW, 200, channel="phone")])
    result = scorecard(frame, shops(), unit="north")
    table = table_contacts(result)
    assert (table.columns[0].name, table.title) == ("Channel", "By channel: six clear differences")
    assert isinstance(table_segments(result), Nothing)  # it is no group of customers
    assert figure_segments(result).title == "Two groups of customers differ on NPS"
    alike = scorecard(together([answered(SAME, 200, channel=name) for name in ("web", "phone")]), shops(), unit="north")
    assert isinstance(figure_segments(alike), Nothing)  # nobody asked for it, and it has no news


def test_groups_of_customers_are_those_of_the_pages_survey() -> None:
    frame = together(
        [answered(SAME, 100, age_group=age, survey=survey) for age in ("old", "young") for survey in SURVEYS]
    )
    of = shops(scores={"segments": ["age_group"]})
    of = of.model_copy(update={"columns": {**of.columns, **study(columns={"age_group": {"label": "Age"}}).columns}})
    result = scorecard(frame, of, unit="north")
    assert set(result.segments["survey"]) == set(SURVEYS)
    assert len(table_segments(result).rows) == 6
    assert isinstance(table_contacts(result), Nothing)


def test_a_small_touchpoint_is_hidden_with_what_it_would_follow_from() -> None:
    """Visits are 6: with the unit's own score shown, they would follow from complaints."""
    frame = together(
        contacts({"complaint": SAME}), contacts({"visit": LOW}, 6)[:1], contacts({"visit": SAME}, 90, "south")
    )
    result = scorecard(frame, shops(), unit="north")
    own = result.segments[result.segments["metric"] == "nps"].set_index("group")
    assert {group: str(value) for group, value in own["score"].items()} == {
        "complaint": "not shown, it would give another away", "visit": "not shown, under 10",
    }  # fmt: skip
    table = table_contacts(result)
    assert not is_shown(own["difference"]).any()
    assert {row[3] for row in table.rows} == {"–"}
    assert table.title == "By touch-point: no clear difference"

"""The scorecard's sentences and tables, from baselines of made-up answers."""

import random

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from cxinsights.analysis.results import published_tables
from cxinsights.display import scorecard as report
from cxinsights.display.blocks import Nothing, ScoreTable
from cxinsights.params import ALL, Study
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import result_columns
from tests.display.results import PERIODS, answered, moved, regions, scorecard, study, together

SAME, LOW, HIGH = (0.3, 0.4), (0.5, 0.2), (0.2, 0.6)  # shares of detractors and promoters: NPS 10, −30, 40
PARTS = [
    report.headline_scorecard, report.tally_parts, report.score_kpis, report.table_parts, report.figure_trend,
    report.figure_segments, report.table_sites, report.table_scores, report.table_changes, report.table_rests,
    report.table_segments, report.table_contacts, report.table_case_mix, report.table_benchmarks,
    report.method_scorecard,
]  # fmt: skip


def title(result: Guarded) -> str:
    return report.headline_scorecard(result).title


def lead(result: Guarded) -> str:
    return report.headline_scorecard(result).lead.replace("\u00a0", " ")


def units(n: int, label: str = "Corner Shops") -> Study:
    return study({f"u{i}": f"Unit {i}" for i in range(n)}, label)


@pytest.fixture(scope="module")
def south() -> list[pd.DataFrame]:
    """A unit beside the one told of, so that unit and company differ."""
    return moved("south", SAME, SAME)


@pytest.mark.parametrize(
    ("before", "now", "n", "text"),
    [
        (SAME, LOW, 400, "North’s NPS fell 40 points to −30"),
        (SAME, HIGH, 400, "North’s NPS rose 30 points to 40"),
        (SAME, (0.3, 0.43), 20_000, "North’s NPS rose slightly, by 3 points to 13"),
        (SAME, SAME, 9_000, "North held steady: NPS 10, level with a year earlier"),
        (SAME, (0.31, 0.4), 400, "North’s NPS is 9; we cannot tell if it moved"),
        (SAME, LOW, 20, "North’s NPS is −30"),
        (SAME, LOW, 6, "North is not shown: too few answers"),
    ],
    ids=["fell", "rose", "slightly", "steady", "cannot tell", "not tested", "hidden"],
)
def test_the_headline_of_a_unit_says_its_state(south, before, now, n, text) -> None:
    assert title(scorecard(together(moved("north", before, now, n), south), study(), unit="north")) == text


def test_the_lead_has_number_interval_change_and_limit(south) -> None:
    fell = scorecard(together(moved("north", SAME, LOW), south), study(), unit="north")
    assert lead(fell) == "NPS is −30 (−37 to −22). The change on a year earlier is −40 (−51 to −29)."
    unsure = scorecard(together(moved("north", SAME, SAME), south), study(), unit="north")
    smallest = unsure.changes["detectable"].iloc[0]
    assert lead(unsure) == (
        f"NPS is 10 (2 to 18). The change on a year earlier is 0 (−12 to +12); a change of {smallest:.0f} "
        f"points would be noticed four times in five."
    )


def test_without_an_earlier_period_nothing_is_compared() -> None:
    result = scorecard(answered(SAME, 300), study(), unit="north")
    assert title(result) == "North’s NPS is 10"
    assert lead(result) == "NPS is 10 (1 to 19). There is no earlier period to compare with."
    assert isinstance(report.table_changes(result), Nothing)


def test_a_new_unit_is_not_said_to_lack_an_earlier_period(south) -> None:
    """The study has a year ago; the unit had no answers then."""
    result = scorecard(together([answered(SAME, 300)], south), study(), unit="north")
    assert lead(result) == "NPS is 10 (1 to 19). It has no answers in July to September 2025."


def test_a_change_that_could_not_be_tested_is_not_blamed_on_few_answers(south) -> None:
    """Everybody answers alike: 400 answers, no spread."""
    result = scorecard(together(moved("north", (1, 0), (1, 0)), south), study(), unit="north")
    assert "few answers" not in lead(result).lower()


def test_a_measure_not_asked_now_is_named() -> None:
    frame = together(moved("north", SAME, SAME))
    frame.loc[frame["period"] == "2026Q3", "ces_score"] = None
    assert lead(scorecard(frame, study(), unit="north")).endswith("CES was not asked.")


@pytest.mark.parametrize(("region", "unit"), [("shops", "north"), ("shops", "_all")])
def test_a_report_without_answers_still_reads_to_its_end(south, region, unit) -> None:
    """A closed unit, or a region in its first days: the notebook runs to its last cell."""
    frame, of = together(south), study()
    if unit == "_all":
        of, region = regions(3), "r2"
        frame = together(*(moved("u0", SAME, SAME, region=name) for name in ("r0", "r1")))
    result = scorecard(frame, of, unit=unit, region=region)
    assert result.status == "no_data"
    assert title(result).endswith("has no answers in this period")
    for part in PARTS:
        part(result).as_html()


@pytest.mark.parametrize("unit", ["north", "south", "_all"])
def test_hidden_figures_are_words_on_every_part_of_the_page(unit) -> None:
    """North has 6 answers; South is hidden for its sake, since the company's total is shown."""
    frame = together(moved("north", SAME, LOW, 6), moved("south", SAME, HIGH, 400))
    result = scorecard(frame, study(), unit=unit)
    text = "\n".join(part(result).as_markdown() for part in PARTS)
    assert "ot shown, under 10" in text or unit == "south"
    assert "nan" not in text
    if unit == "_all":
        cells = {row.name: {cell.as_text() for cell in row.cells} for row in report.table_parts(result).rows}
        assert cells["North"] == {"Not shown, under 10"}
        assert cells["South"] == {"Not shown, it would give another away"}
    else:
        assert "−50" not in text
        assert not any(cell.shown for cell in report.score_kpis(result).cards)
        assert {row[2] for row in report.table_scores(result).rows} <= {
            "not shown, under 10", "not shown, it would give another away",
        }  # fmt: skip


def test_a_figure_hidden_for_anothers_sake_is_not_said_to_have_few_answers() -> None:
    result = scorecard(together(moved("north", SAME, LOW, 6), moved("south", SAME, HIGH, 400)), study(), unit="south")
    assert title(result).startswith("South is not shown")
    assert "too few answers" not in title(result)
    assert "We need 10" not in lead(result)


def test_an_interval_that_holds_zero_is_no_fall() -> None:
    """5 of 30 satisfied after 17 of 45: the pooled test says p = 0.049, Newcombe's interval ends at +0.00001."""
    now, before = answered((25 / 30, 5 / 30), 30), answered((28 / 45, 17 / 45), 45, period="2025Q3")
    frame = together([now, before]).drop(columns=["nps_answer", "ces_score"])
    result = scorecard(frame, study(), unit="north")
    change = result.changes.iloc[0]
    assert change["ci_low"] < 0 < change["ci_high"]
    assert change["p_adjusted"] < 0.05
    assert "fell" not in title(result)


def test_headlines_hold_twelve_words_and_claim_only_what_intervals_leave_open() -> None:
    """Any sizes and moves of two to four units: a verb stands for an interval on one side of zero."""
    chance = random.Random(4)
    for _ in range(4):
        n = chance.randint(2, 4)
        shares = [(chance.uniform(0.1, 0.5), chance.uniform(0.1, 0.5)) for _ in range(2 * n)]
        sizes = [chance.choice([40, 150, 900]) for _ in range(n)]
        frame = together(*(moved(f"u{i}", shares[i], shares[n + i], sizes[i]) for i in range(n)))
        for unit in ["_all", *(f"u{i}" for i in range(n))]:
            result = scorecard(frame, units(n, "Latin America"), unit=unit)
            text = title(result)
            assert len(text.split()) <= 12, text
            if unit != "_all":
                own = result.changes[(result.changes["unit"] == unit) & (result.changes["metric"] == "nps")].iloc[0]
                assert ("fell" not in text) or own["ci_high"] < 0
                assert ("rose" not in text) or own["ci_low"] > 0
            elif "No clear change" in text:
                assert not set(result.changes.loc[result.changes["level"] == "unit", "state"]) & {"better", "worse"}


def test_a_name_of_six_words_leaves_a_headline_of_twelve(south) -> None:
    name = "Europe, the Middle East and Africa"
    frame = together(moved("north", SAME, LOW), south)
    of = study({"north": name, "south": "South"}, label=name)
    for unit in ("north", "_all"):
        text = title(scorecard(frame, of, unit=unit))
        assert len(text.split()) <= 12, text


def test_what_moved_among_units_comes_first() -> None:
    steady = [moved(f"u{i}", SAME, SAME) for i in range(2, 12)]
    one = scorecard(together(moved("u0", SAME, LOW), moved("u1", SAME, SAME), *steady), units(12))
    assert title(one).startswith("Unit 0 fell on all three measures; ")
    both = scorecard(together(moved("u0", SAME, LOW), moved("u1", SAME, HIGH), *steady), units(12))
    assert title(both).startswith("Unit 0 fell and Unit 1 rose; ")
    none = scorecard(together(moved("u0", SAME, SAME), moved("u1", SAME, SAME)), units(2))
    assert title(none) == "No clear change in any unit; overall NPS is 10"


def test_a_tally_counts_every_part_once() -> None:
    frames = [moved(f"u{i}", SAME, LOW if i < 4 else HIGH if i < 10 else SAME) for i in range(30)]
    tally = report.tally_parts(scorecard(together(*frames), units(30)))
    assert {row.state: len(row.names) for row in tally.rows} == {"worse": 4, "better": 6, "cannot_tell": 20}
    assert tally.rows[1].text == "Unit 4, Unit 5, Unit 6, Unit 7 and two more"


def test_the_table_of_parts_has_the_total_first_then_low_to_high() -> None:
    of = regions(3, 2, label="Big Company")
    frame = together([
        answered(
            LOW if (i, j, period) == (1, 1, "2026Q3") else SAME, 300, period=period, region=f"r{i}", unit=f"u{j}"
        )
        for i in range(3) for j in range(2) for period in PERIODS
    ])  # fmt: skip
    company = report.table_parts(scorecard(frame, of))
    assert isinstance(company, ScoreTable)
    assert [row.name for row in company.rows] == ["Big Company", "Region 1", "Region 0", "Region 2"]
    assert [row.total for row in company.rows] == [True, False, False, False]
    assert [row.link for row in company.rows][1] == "../../../r1/_all/scorecard/index.html"
    assert [row.cells[0].score for row in company.rows] == ["3", "−10", "10", "10"]
    part = report.table_parts(scorecard(frame, of, region="r1"))
    assert [row.name for row in part.rows] == ["Region 1", "Unit 1.1", "Unit 1.0"]
    assert part.rows[1].link == "../../u1/brief/index.html"
    assert part.rows[1].cells[0].as_text().replace("\u00a0", " ") == "−30 (−38 to −21); Worse −40 (−53 to −27)"


def test_parts_that_are_not_shown_come_last() -> None:
    frame = together(*(moved(f"u{i}", SAME, SAME, n) for i, n in enumerate((6, 50, 400, 300))))
    table = report.table_parts(scorecard(frame, units(4)))
    assert [(row.name, row.cells[0].shown) for row in table.rows] == [
        ("Corner Shops", True), ("Unit 2", True), ("Unit 3", True), ("Unit 0", False), ("Unit 1", False),
    ]  # fmt: skip


def test_a_target_is_met_or_missed_only_by_the_whole_interval(south) -> None:
    frame = together(moved("north", SAME, SAME), south)
    said = {
        5: "",
        30: "Under the target of 30",
        12: "We cannot tell if the target of 12 is met",
        -20: "Over the target of −20",
    }
    for value in (30, 12, -20):
        targets = pd.DataFrame(
            {"region": ["shops"], "unit": ["north"], "metric": ["nps"], "period": ["2026Q3"], "value": [float(value)]}
        )
        result = scorecard(frame, study(), unit="north", targets=targets)
        nps, csat, _ = report.score_kpis(result).cards
        assert (nps.against, nps.target, csat.against) == (said[value], value, "")
        assert said[value][0].lower() + said[value][1:] in lead(result)


def test_missed_targets_of_parts_are_said_and_stand_in_the_head(south) -> None:
    targets = pd.DataFrame({
        "region": ["shops", "shops", ALL], "unit": ["north", "south", ALL], "metric": "nps", "period": "2026Q3",
        "value": 40.0,
    })  # fmt: skip
    of, frame = study(), together(moved("north", SAME, LOW), moved("south", SAME, (0.1, 0.6)))
    result = scorecard(frame, of, targets=targets)
    assert "Surely under target: NPS in one of two units." in lead(result)
    assert report.table_parts(result).measures[0].unit == "points, −100 to +100; target 40"
    targets.loc[0, "value"] = -80.0
    met = scorecard(frame, of, targets=targets)
    assert "target" not in lead(met).replace("Under the target", "").replace("under the target", "")
    assert report.table_parts(met).measures[0].unit == "points, −100 to +100"  # they differ


def test_every_number_of_the_tables_is_the_results(south) -> None:
    result = scorecard(together(moved("north", SAME, LOW), south), study(), unit="north")
    rows = {row[0]: row for row in report.table_scores(result).rows}
    assert rows["NPS, relationship survey"][1:] == ["unweighted", "−30", "−37\u00a0to\u00a0−22", "400", "400", "0"]
    changes = {row[0]: row for row in report.table_changes(result).rows}
    assert changes["NPS, relationship survey"][1:5] == [
        "since July to September 2025", "−40", "−51\u00a0to\u00a0−29", "worse",
    ]  # fmt: skip
    assert changes["NPS, relationship survey"][5] == "< 0.001"


def test_every_column_of_every_table_is_described() -> None:
    of = study(
        columns={"age_group": {"label": "Age", "type": "category"}},
        scores={"segments": ["age_group"], "case_mix": ["age_group"]},
    )
    of = of.model_copy(update={"regions": regions(2, 2).regions})
    places = [("r0", "u0", "old"), ("r0", "u1", "young"), ("r1", "u0", "old")]
    ages = [moved(unit, SAME, LOW, age_group=age, region=region) for region, unit, age in places]
    levels = {"region": [ALL], "unit": ALL, "metric": "nps", "period": "2026Q3", "value": 30.0, "source": "Panel",
              "date": pd.Timestamp("2026-01-31"), "base": "shops"}  # fmt: skip
    frame = together(*ages)
    frame["help_rating"] = 7.0 + frame.index % 3 - (frame["period"] == "2026Q3")
    result = scorecard(frame, of, benchmarks=pd.DataFrame(levels))
    for name in published_tables(result.kind):
        assert len(getattr(result, name)), name
        assert set(getattr(result, name)) <= result_columns(), name


def test_names_are_escaped_in_the_whole_report() -> None:
    of = study({"north": "<b>North</b> & co", "south": "South"}, label="<i>Shops</i>")
    result = scorecard(together(moved("north", SAME, LOW), moved("south", SAME, SAME)), of)
    page = BeautifulSoup("".join(part(result).as_html() for part in PARTS), "html.parser")
    assert "<b>North</b> & co" in page.get_text()
    assert page.find("i") is None


def test_a_unit_is_steady_only_where_every_measure_is() -> None:
    """Of 900 answers CES is known closely enough to be steady, NPS is not."""
    result = scorecard(together(moved("u0", SAME, SAME, 900), moved("u1", SAME, SAME, 9_000)), units(2))
    states = result.changes[result.changes["level"] == "unit"].set_index(["unit", "metric"])["state"]
    assert (states["u0", "nps"], states["u0", "csat"]) == ("cannot_tell", "steady")
    assert {row.state: row.names for row in report.tally_parts(result).rows} == {
        "steady": ["Unit 1"], "cannot_tell": ["Unit 0"],
    }  # fmt: skip


def test_the_base_beside_a_name_is_that_of_all_measures_shown(south) -> None:
    frame = together(moved("north", SAME, SAME, 400), south)
    frame.loc[(frame["unit"] == "north") & (frame["period"] == "2026Q3"), "csat_score"] = [float("nan")] * 30 + [
        4.0
    ] * 370
    rows = {row.name: row.base.replace("\u00a0", " ") for row in report.table_parts(scorecard(frame, study())).rows}
    assert (rows["North"], rows["South"]) == ("370 to 400 answers", "400 answers")


def test_scores_side_by_side_say_of_how_many_answers_they_are(south) -> None:
    frame = together(moved("north", SAME, SAME), south)
    frame.loc[frame.index[frame["unit"] == "north"][-1], "csat_score"] = float("nan")
    assert report.score_kpis(scorecard(frame, study(), unit="north")).note == "399 to 400\u00a0answers"
    few = scorecard(together(moved("north", SAME, SAME, 6), south), study(), unit="north")
    assert report.score_kpis(few).note == ""


def test_tables_begin_with_the_report_s_own_survey_and_have_of_others_what_they_ask(south) -> None:
    later = together(moved("north", SAME, LOW, survey="after"), moved("south", SAME, SAME, survey="after"))
    frame = together([later.assign(ces_score=float("nan"), csat_score=float("nan"))], moved("north", SAME, LOW), south)
    of = study(surveys={"relationship": "relationship survey", "after": "after a contact"})
    frame.loc[(frame["survey"] == "relationship") & (frame["period"] == "2026Q3"), "ces_score"] = float("nan")
    result = scorecard(frame, of, unit="north")
    rows = [(row[0], row[2]) for row in report.table_scores(result).rows]
    assert rows[0][0] == "NPS, relationship survey"
    assert [measure for measure, score in rows if score == "not asked"] == [
        "CES, relationship survey", "CES, top box, relationship survey",
    ]  # fmt: skip
    assert [measure for measure, _ in rows if "after" in measure] == ["NPS, after a contact"] == [rows[-1][0]]
    assert "after" in report.table_changes(result).rows[-1][0]
    assert "relationship" in report.table_changes(result).rows[0][0]


def asked(invited: dict[str, int]) -> pd.DataFrame:
    rows = [("shops", unit, "2026Q3", "relationship", n) for unit, n in invited.items()]
    return pd.DataFrame(rows, columns=["region", "unit", "period", "survey", "invited"])


def test_the_response_rate_stands_where_it_is_known(south) -> None:
    frame = together(moved("north", SAME, SAME), south)
    known = scorecard(frame, study(), invitations=asked({"north": 1600, "south": 1000}))
    rows = {row.name: row.base.replace("\u00a0", " ") for row in report.table_parts(known).rows}
    assert rows == {
        "Corner Shops": "800 answers; 31% of those asked", "North": "400 answers; 25% of those asked",
        "South": "400 answers; 40% of those asked",
    }  # fmt: skip
    table = report.table_scores(known)
    assert (table.columns[-1].name, table.rows[0][-1]) == ("Came back, of those asked", "800 of 2,600 (31%)")
    unit = scorecard(frame, study(), unit="north", invitations=asked({"north": 1600}))
    assert report.score_kpis(unit).note == "400\u00a0answers; questionnaires that came back: 400 of 1,600 (25%)"
    over = scorecard(frame, study(), unit="north", invitations=asked({"north": 300}))
    assert report.score_kpis(over).note.endswith("; questionnaires that came back: 400 of 300, more than were asked")
    unknown = scorecard(frame, study(), invitations=asked({"north": 1600}))
    assert report.table_parts(unknown).rows[0].base == "800\u00a0answers"
    assert report.table_scores(scorecard(frame, study())).columns[-1].name == "Without answer"


def test_a_change_that_is_not_told_though_its_interval_leaves_out_zero_says_why() -> None:
    frames = [moved("u0", (0.3, 0.42), (0.36, 0.38), 900)] + [moved(f"u{i}", SAME, SAME, 300) for i in range(1, 12)]
    result = scorecard(together(*frames).drop(columns=["csat_score", "ces_score"]), units(12))
    cells = {row.name: row.cells[0] for row in report.table_parts(result).rows}
    assert (cells["Unit 0"].state, cells["Unit 0"].unclear) == ("cannot_tell", "may be chance among 13 comparisons")
    assert "(−18 to −2), may be chance among 13 comparisons" in cells["Unit 0"].as_text().replace("\u00a0", " ")
    assert cells["Unit 1"].unclear == ""
    assert report.table_parts(result).as_html().count("may be chance among 13 comparisons") == 1

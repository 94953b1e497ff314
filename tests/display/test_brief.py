"""What a brief says: its headline, steps, reasons and actions, in whole sentences, and what it leaves unsaid."""

import pandas as pd
import pytest

from cxinsights.analysis.brief import Record, fit_brief
from cxinsights.analysis.scorecard import ScorecardResult
from cxinsights.display.blocks import Nothing
from cxinsights.display.brief import (
    figure_ratings,
    headline_brief,
    list_reasons,
    list_steps,
    plot_ratings,
    table_actions,
)
from cxinsights.display.findings import Finding
from cxinsights.display.numbers import text_without_fixed_spaces as plain
from cxinsights.display.theme import NARROW, WIDE
from cxinsights.params import BriefParams
from cxinsights.privacy import Guarded, guard
from tests.analysis.test_brief import drivers, journey, ratings
from tests.display.results import badly_placed, moved, scorecard, study, together

LABELS = {name: {"label": text, "min": 1, "max": 10} for name, text in (("a", "Waiting time"), ("b", "Prices"))}
STAGES = {"stage": {"label": "Stage", "type": "category", "values": {"approved": "Approved"}}}
OF = study(columns={**LABELS, **STAGES}, drivers={"drivers": ["a", "b"]})
PARAMS = BriefParams(study="shops", period="2026Q3", region="shops", unit="north")
FELL, HELD = ((0.2, 0.5), (0.4, 0.3)), ((0.2, 0.5), (0.2, 0.5))
SLOPES = drivers(a=(12.0, 1.5, 2.0, 0.6), b=(8.0, 1.5, 0.5, 0.4))
LOW = ratings(
    a=("rest", 6.0, 6.8, 0.1, True), a_=("year_ago", 6.0, 6.6, 0.1, True), b=("rest", 7.0, 6.9, 0.1, False),
)  # fmt: skip


def card(then: tuple[float, float], now: tuple[float, float]) -> Guarded:
    return scorecard(together(moved("north", then, now), moved("south", *HELD)), OF, unit="north")


def brief(frame: pd.DataFrame = LOW, actions: pd.DataFrame | None = None, **records: Record) -> Guarded:
    scores = Record("ok", "", "", {"scores": pd.DataFrame({"metric": ["nps"]})})
    records = {"scorecard": scores, "drivers": SLOPES, **records}
    return guard(fit_brief(frame, PARAMS, records, actions, ("scorecard", "drivers", "funnel")), OF)


def told(result: Guarded, of: Guarded) -> tuple[str, str]:
    headline = headline_brief(result, of)
    return plain(headline.title), plain(headline.lead)


def test_a_fall_is_told_with_what_is_low_and_what_fell_with_it() -> None:
    title, lead = told(brief(), card(*FELL))
    assert title == "North’s NPS fell 40 points to −10; down too: waiting time"
    assert lead == (
        "NPS is −10 (−18 to −2). The change on a year earlier is −40 (−51 to −29). Ratings that fell meanwhile: "
        "waiting time −0.6 (−0.8 to −0.4). Timing alone is not proof of cause."
    )


def test_of_several_ratings_that_fell_the_furthest_is_named_first_whatever_goes_most_with_the_score() -> None:
    frame = pd.concat([LOW, ratings(b=("year_ago", 6.0, 7.5, 0.1, True))])
    slopes = drivers(a=(12.0, 1.5, 2.0, 0.6), b=(2.0, 0.2, 1.0, 0.2))
    title, lead = told(brief(frame, drivers=slopes), card(*FELL))
    assert title == "North’s NPS fell 40 points to −10; down most: prices"
    assert "Ratings that fell meanwhile: prices −1.5 (−1.7 to −1.3) and waiting time −0.6 (−0.8 to −0.4)." in lead


def test_where_nothing_moved_the_score_makes_room_for_what_stands_out() -> None:
    assert told(brief(), card(*HELD))[0] == "North’s NPS is 30; rated low: waiting time"
    funnel = journey(approved=(-0.3, 0.001))
    assert told(brief(funnel=funnel), card(*HELD))[0] == "North’s NPS is 30; fewer go on to approved than elsewhere"
    assert told(brief(ratings()), card(*HELD))[0].startswith("North’s NPS is 30; we cannot tell if it moved")


def test_a_unit_without_a_scorecard_has_no_brief_yet() -> None:
    nothing = guard(fit_brief(LOW, PARAMS, {}), OF)
    empty = guard(ScorecardResult(PARAMS, "no_data", "not made"), OF)
    assert told(nothing, empty) == (
        "North has no brief yet",
        "Its scorecard has not been made. A brief comes after the unit's other reports: make reports.",
    )
    assert isinstance(list_steps(nothing), Nothing)
    assert isinstance(list_reasons(nothing, []), Nothing)
    assert isinstance(figure_ratings(nothing), Nothing)
    assert isinstance(table_actions(nothing), Nothing)


def test_steps_say_how_it_stands_what_goes_with_more_and_how_to_check() -> None:
    steps = list_steps(brief(funnel=journey(approved=(-0.3, 0.001))))
    assert [plain(step.title) for step in steps.entries] == [
        "Find out why customers stop before approved", "Work on waiting time", "Work on prices",
    ]  # fmt: skip
    assert [plain(step.text) for step in steps.entries] == [
        "45% (40 to 50) of customers go on to it; in the rest of the company 75% do. Why is not in these data.",
        "Rated 6.0 (5.9 to 6.1) here; the rest of the company has 6.8. Reaching the best unit’s 8.0 goes with NPS 24 "
        "(18 to 30) points higher.",
        "Rated 6.0 (5.9 to 6.1) here; the rest of the company has 6.9. Reaching the best unit’s 6.5 goes with NPS 4 "
        "(3 to 5) points higher.",
    ]
    assert [dict(step.facts)["Evidence"] for step in steps.entries] == [
        "Clear pattern",
        "Clear pattern",
        "Some pattern",
    ]
    check = plain(dict(steps.entries[1].facts)["Check"])
    assert check == "the rating next time; a rise of 0.2 would stand out from chance"


def test_the_end_of_the_scale_is_no_unit() -> None:
    alone = list_steps(brief(drivers=drivers(a=(12.0, 1.5, 4.0, 0.6)))).entries[0]
    assert "Reaching the end of the scale, 10.0, goes with" in plain(alone.text)


def test_where_nothing_is_low_it_says_so() -> None:
    found = list_steps(brief(ratings(), drivers=Record("too_few", "", "", {})))
    assert (found.title, found.entries) == ("Nothing to single out", [])
    reasons = list_reasons(brief(ratings(), drivers=Record("too_few", "", "", {})), [])
    assert reasons.title == "Nothing stands out from the rest of the company"
    assert [entry.headline for entry in reasons.entries] == ["Too few answers: drivers. Not made: journey funnel."]


def test_reasons_have_their_number_and_lead_to_where_they_were_found() -> None:
    found = [Finding("Drivers", "Waiting time goes most with NPS", "../drivers/index.html"),
             Finding("Journey funnel", "Few go on", "../funnel/index.html")]  # fmt: skip
    reasons = list_reasons(brief(funnel=Record("ok", "", "", {})), found)
    assert [(entry.report, plain(entry.headline), entry.link) for entry in reasons.entries] == [
        (
            "Drivers",
            "Waiting time 6.0 (5.9 to 6.1): −0.6 (−0.8 to −0.4) on a year earlier and −0.8 (−1.0 to −0.6) "
            "against the rest of the company. 400 answers.",
            "../drivers/index.html",
        ),
        ("Journey funnel", "Few go on", "../funnel/index.html"),
    ]


def action(**own) -> dict:
    return {
        "action": "Open a second till", "driver": "a", "metric": "nps", "owner": "Ana", "begun": "2026-02-01",
        "due": "2026-08-31", "standing": "open", "late": True, "note": "In two shops", "untested": "", "n": 400,
        "n_compare": 380, "n_units": 11, "change": 9.0, "change_compare": 1.0, "difference": 8.0, "diff_low": 2.0,
        "diff_high": 14.0, "p_value": 0.01, "p_adjusted": 0.02, **own,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("own", "stands"),
    [
        (
            {},
            "Begun 1 February 2026, past its day. In two shops. Did better than others: NPS +9 here, +1 in 11 other "
            "units; difference +8 (+2 to +14).",
        ),
        (
            {"difference": -8.0, "diff_low": -14.0, "diff_high": -2.0, "late": False, "note": ""},
            "Begun 1 February 2026, open. Did worse than others: NPS +9 here, +1 in 11 other units; "
            "difference −8 (−14 to −2).",
        ),
        (
            {"p_adjusted": 0.06, "late": False},
            "Begun 1 February 2026, open. In two shops. Cannot tell: NPS +9 here, +1 in 11 "
            "other units; difference +8 (+2 to +14).",
        ),
        (
            {"begun": "", "note": "", "late": False, "untested": "it has not begun", "n": 0, "n_compare": 0},
            "Not begun, open.",
        ),
        (
            {"standing": "done", "note": "", "late": False, "untested": "it began in this period, which is too early"},
            "Begun 1 February 2026, done. We cannot tell if it worked: it began in this period, which is too early.",
        ),
        ({"n": 6, "note": "", "late": False}, "Begun 1 February 2026, open. Not shown, under 10."),
    ],
)
def test_an_action_says_how_it_stands_and_whether_it_has_shown(own: dict, stands: str) -> None:
    [row] = table_actions(brief(actions=pd.DataFrame([action(**own)]))).rows
    assert plain(row[0]) == "Open a second till (Waiting time)"
    assert plain(row[3]) == stands


def test_an_open_action_names_who_is_on_a_step() -> None:
    steps = list_steps(brief(actions=pd.DataFrame([action()]))).entries
    assert [plain(dict(step.facts)["Owner"]) for step in steps] == ["Ana, due 31 August 2026", "nobody yet"]
    assert table_actions(brief(actions=pd.DataFrame([action(), action(standing="done", late=False)]))).title == (
        "One open action, one done; one past its day"
    )


def test_few_answers_are_shown_nowhere() -> None:
    few = LOW.assign(n=6)
    result = brief(few)
    assert isinstance(figure_ratings(result), Nothing)
    assert isinstance(list_reasons(result, []), Nothing)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_figure_has_no_text_on_another_and_names_what_is_low(width: int) -> None:
    result = brief()
    assert badly_placed(plot_ratings(result, width=width)) == []
    assert plain(figure_ratings(result).title) == "Waiting time scores below the rest of the company"


def test_a_rating_that_is_low_and_yet_no_reason_says_why() -> None:
    both = ratings(a=("rest", 6.0, 6.8, 0.1, True), b=("rest", 6.0, 6.9, 0.1, True))
    unsure = drivers(a=(12.0, 1.5, 2.0, 0.6), b=(1.0, 1.5, 0.5, 0.4))
    figure = figure_ratings(brief(both, drivers=unsure))
    assert plain(figure.title) == "Waiting time and prices score below the rest of the company"
    assert figure.caption.endswith(
        " first. We cannot tell if prices goes with the score, so it is not among the reasons."
    )
    assert figure_ratings(brief(both)).caption.endswith("most important first.")

"""The funnel report's sentences and tables, from logs made up for the purpose."""

import re

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.results import published_tables
from cxinsights.display.blocks import Nothing
from cxinsights.display.funnel import (
    figure_curve,
    figure_flows,
    figure_funnel,
    headline_funnel,
    method_funnel,
    table_credit,
    table_curve,
    table_feelings,
    table_flows,
    table_groups,
    table_moves,
    table_others,
    table_steps,
    table_times,
    table_why,
)
from cxinsights.display.words import MOST_WORDS
from cxinsights.params import Span
from cxinsights.privacy import Guarded, guard
from cxinsights.schemas.columns import result_columns
from tests.analysis.journey_logs import START
from tests.display.funnels import NAMES, fitted, funnel, grouped, shops
from tests.display.results import LONG

FIGURES = (figure_funnel, figure_curve, figure_flows)
TABLES = (
    table_steps, table_others, table_times, table_curve, table_groups, table_flows, table_moves, table_why,
    table_feelings, table_credit,
)  # fmt: skip
WAYS = {"a0": 20, "a0 b1": 120, "a0 b1 c2": 60}
EARLY = Span(start="2026-07-01", end="2026-07-31", cutoff="2026-07-05")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def title(result: Guarded) -> str:
    return plain(headline_funnel(result).title)


def report(result: Guarded) -> str:
    """Everything the notebook shows, as HTML."""
    return "\n".join(part(result).as_html() for part in (headline_funnel, *FIGURES, *TABLES, method_funnel))


@pytest.fixture(scope="module")
def rich() -> Guarded:
    """A result with something in every table."""
    ways = {**WAYS, "a0 call1": 60, "a00 b1 call2 c3": 60, "a000 b1": 60}
    columns = {"channel": {way: "web" if way.startswith("a0 ") else "app" for way in ways}}
    company = {**ways, "a0 b2": 300, "a0 b1 c3": 500}
    customers = [f"C{i:06}" for i in range(700)]
    answers = pd.DataFrame(
        {
            "customer_id": customers,
            "answered_at": START + pd.Timedelta(days=0.5),
            "nps_answer": np.arange(700) % 11,
            "ces_score": 1 + np.arange(700) % 7,
        }
    )
    return funnel(ways, columns, breakdowns=["channel"], touchpoint="channel", company=company, answers=answers)


# Sentences ----------------------------------------------------------------------------------------------


def test_a_step_that_fewer_reach_than_elsewhere_is_named_with_both_rates() -> None:
    company = {"a0": 100, "a0 b1": 200, "a0 b1 c2": 900}
    result = funnel({"a0": 20, "a0 b1": 120, "a0 b1 c2": 60}, company=company)
    headline = headline_funnel(result)
    assert headline.kicker == "Journey funnel · North · July to September 2026"
    assert title(result) == "Fewer get from quote to application here: 33 in 100, 91 elsewhere"
    assert plain(headline.lead) == (
        "33% (27 to 41) of 180 at quote get there, elsewhere 91% (89 to 93). 30% (24 to 37) of 200 entrants reach "
        "application within 10 days. This says where customers stop, not why."
    )
    assert figure_funnel(result).title == "Application is reached by fewer here than elsewhere"
    better = funnel({"a0 b1 c2": 200}, company={"a0": 300, "a0 b1 c2": 300})
    assert title(better) == "All who enter reach application"


def test_without_others_the_step_that_loses_most_is_named() -> None:
    headline = headline_funnel(funnel(WAYS))
    assert plain(headline.title) == "Of those at quote, 67 in 100 do not reach application"
    assert [plain(f"{f.name}: {f.value} {f.note}") for f in headline.facts] == [
        "Conversion: 30% (24 to 37)", "Half of those who convert take: 2.0 days (2.0 to 2.0)",
        "Still open: 0 of 200 entrants",
    ]  # fmt: skip
    assert figure_funnel(funnel(WAYS)).title == "The largest share is lost before application"


def test_steps_that_cannot_be_told_apart_share_the_title() -> None:
    two = {"a0": 100, "a0 b1": 50, "a0 b1 c2": 8, "a0 b1 c2 d3": 50}
    result = funnel(two, steps=["a", "b", "c", "d"])
    assert title(result) == "Quote and application lose most; their order is not settled"
    assert plain(figure_funnel(result).title) == "We cannot tell whether quote or application loses the larger share"
    alike = funnel({"a0": 100, "a0 b1": 50, "a0 b1 c2": 50})
    assert title(alike) == "No step stands out as the one that loses most"


def test_a_small_loss_is_named_where_nobody_is_lost_elsewhere() -> None:
    sure = funnel({"a0 b1 c2": 700, "a0 b1": 32})
    assert title(sure) == "Of those at quote, 4 in 100 do not reach application"


def test_one_step_is_told_without_comparison() -> None:
    result = funnel({"a0": 60, "a0 b1": 40}, steps=["a", "b"])
    assert title(result) == "40 in 100 get from visit to quote"
    assert plain(figure_funnel(result).title) == "40 in 100 reach quote"
    assert "argest share" not in report(result)
    assert "oses most" not in report(result)


def test_nearly_all_are_never_written_as_all() -> None:
    result = funnel({"a0": 2, "a0 b1": 998}, steps=["a", "b"])
    assert title(result) == "99.8% get from visit to quote"
    assert "99.8% (99.3 to 99.9) of 1,000 entrants reach quote" in plain(headline_funnel(result).lead)
    below = funnel({"a0": 60, "a0 b1 c2": 940}, company={"a0": 100, "a0 b1 c2": 20_900})
    assert title(below) == "Fewer get from visit to quote here: 94 in 100, 99.8 elsewhere"


def test_open_entrants_are_said_to_be_too_recent() -> None:
    span = Span(start="2026-07-01", end="2026-07-31", cutoff="2026-07-20")
    result = funnel({**WAYS, "a15": 7}, span=span)
    assert "30% (24 to 37) of 200 entrants reach application within 10 days; 7 more are too recent to tell." in plain(
        headline_funnel(result).lead
    )
    assert plain(figure_funnel(result).caption) == "200 mature entrants, July to September 2026, North. 7 open entrants left out."  # fmt: skip  # noqa: E501
    all_open = headline_funnel(funnel(WAYS, span=EARLY))
    assert all_open.title == "North: too early to say who converts"
    assert all_open.lead == "200 entrants, all of them open: none has had 10 days to convert yet."


def test_without_a_limit_the_headline_comes_from_the_curve_and_nobody_is_lost() -> None:
    span = Span(start="2026-07-01", end="2026-09-30", cutoff="2026-07-20")
    result = funnel(WAYS, span=span, window="none")
    assert title(result) == "30 in 100 reach application by day 20"
    lead = plain(headline_funnel(result).lead)
    assert lead.startswith("By day 20, 30% (24 to 37) of 200 entrants have reached application, read off the curve: ")
    assert "there is no time limit, and 140 entrants are still open." in lead
    shown = report(result)
    assert "loses most" not in shown
    assert "not get" not in shown


def test_nobody_and_too_few_are_said() -> None:
    assert headline_funnel(funnel({"x0": 50})).title == "Nobody entered North’s journey in this period"
    few = headline_funnel(funnel({"a0": 7}))
    assert (few.title, few.lead) == ("North has too few entrants to show", "Fewer than 10 entrants.")
    hidden = headline_funnel(guard(fitted(WAYS), shops(), hidden=True))
    assert hidden.title == "The journey of North is not shown"


@pytest.mark.parametrize("names", [NAMES, dict.fromkeys("abc", LONG), dict.fromkeys("abc", "Angebot angefordert")])
def test_titles_stay_short_whatever_steps_are_called(names) -> None:
    company = {"a0": 100, "a0 b1": 200, "a0 b1 c2": 900}
    for result in (
        funnel(WAYS, of=shops(names)),
        funnel(WAYS, of=shops(names), company=company),
        funnel({"a0": 60, "a0 b1": 40, "a0 b1 c2": 40}, of=shops(names)),
        funnel({"a0": 60, "a0 b1": 40}, of=shops(names), steps=["a", "b"]),
    ):
        if names["a"] != LONG:  # a name of a dozen words leaves no room for others
            assert len(headline_funnel(result).title.split()) <= MOST_WORDS


def test_a_stage_without_a_label_is_written_as_words() -> None:
    assert title(funnel(WAYS, of=shops({}), steps=["a", "b", "c"])) == "Of those at b, 67 in 100 do not reach c"
    rows = table_steps(funnel(WAYS, of=shops({"a": "Visit"}))).rows
    assert [row[0] for row in rows] == ["Visit", "B", "C"]


# Tables -------------------------------------------------------------------------------------------------


def test_every_step_has_three_rates() -> None:
    assert [[plain(cell) for cell in row] for row in table_steps(funnel({**WAYS, "x0": 50})).rows] == [
        ["Visit", "200", "100%", "–", "80% (75 to 84)"],
        ["Quote", "180", "90% (85 to 93)", "90% (85 to 93)", "72% (66 to 77)"],
        ["Application", "60", "30% (24 to 37)", "33% (27 to 41)", "24% (19 to 30)"],
    ]


def test_a_rate_of_few_is_not_shown_but_conversion_is() -> None:
    result = funnel({"a0": 100, "a0 b1": 3, "a0 b1 c2": 5})
    rows = [[plain(cell) for cell in row] for row in table_steps(result).rows]
    assert rows[1][1:4] == ["8", "7% (4 to 14)", "7% (4 to 14)"]
    assert rows[2] == ["Application", "5", "5% (2 to 10)", "not shown, under 10", "not shown, under 10"]
    four = funnel({"a0": 100, "a0 b1": 3, "a0 b1 c2": 1, "a0 b1 c2 d3": 4}, steps=["a", "b", "c", "d"])
    assert [row[2] for row in table_steps(four).rows][2] == "not shown, under 10"
    assert plain(figure_funnel(four).title) == "4 in 100 reach approved"
    assert "1 step is not shown" in plain(figure_funnel(four).caption)


def test_verdicts_are_those_of_the_adjusted_test() -> None:
    company = {"a0": 100, "a0 b1": 200, "a0 b1 c2": 900}
    rows = table_others(funnel(WAYS, company=company)).rows
    assert [(plain(row[0]), row[-1]) for row in rows] == [
        ("Visit to quote", "cannot tell"), ("Quote to application", "lower"),
        ("Visit to application within 10 days", "lower"),
    ]  # fmt: skip
    few = table_others(funnel({"a0": 5, "a0 b1": 20}, company=company)).rows
    assert few[0][-1] == "not tested"
    higher = table_others(
        funnel({"a0 b1 c2": 200, "a0 b1": 10, "a0": 10}, company={**WAYS, "a0 b2": 100, "a0 b1 c3": 250})
    ).rows
    assert higher[1][-1] == "higher"


def test_times_are_written_in_the_unit_that_suits_them() -> None:
    ways = {f"a0 b{0.001 * at:.4f} c{3 + 0.1 * at:.1f}": 1 for at in range(1, 41)}
    rows = table_times(funnel(ways)).rows
    assert [plain(cell) for cell in rows[0]][:4] == [
        "Visit to quote", "40", "15 minutes (7 to 24)", "30 minutes (20 to 39)",
    ]  # fmt: skip
    assert plain(rows[1][3]) == "5.0 days (4.4 to 5.7)"
    assert plain(table_times(funnel({f"a0 b{0.1 * at:.1f}": 1 for at in range(1, 41)})).rows[0][3]) == (
        "2.0 days (1.4 to 2.7)"
    )


def test_every_table_of_a_rich_log_says_its_part(rich) -> None:
    shown = {table.__name__: table(rich) for table in TABLES}
    assert not any(isinstance(block, Nothing) for block in shown.values())
    assert {row[1] for row in shown["table_flows"].rows} >= {
        "went on to quote", "stopped; next came call", "stopped; nothing more came",
    }  # fmt: skip
    assert [row[0] for row in shown["table_why"].rows] == ["Call"]
    assert {row[0] for row in shown["table_credit"].rows} == {"Website", "App"}
    assert {row[0] for row in shown["table_feelings"].rows} == {"NPS", "Ease, mean"}
    assert {row[0] for row in shown["table_groups"].rows} == {"Channel: Website", "Channel: App"}


def test_every_column_is_described(rich) -> None:
    for name in published_tables(rich._result):
        assert set(getattr(rich, name)) <= result_columns(), name


def test_no_customer_and_no_cause_is_in_the_report(rich) -> None:
    shown = report(rich)
    assert not re.search(r"C0\d{5}", shown)
    words = re.findall(r"[a-z]+", shown.lower())
    for word in ("because", "significant", "drives", "impact", "causes", "thanks"):
        assert word not in words


def test_alternative_texts_are_short_and_every_caption_has_its_base(rich) -> None:
    for figure in FIGURES:
        block = figure(rich)
        assert len(block.alt.split()) <= 40
        assert re.match(r"[\d,]+ (mature )?entrants, July to September 2026, North\.", plain(block.caption))


@pytest.mark.parametrize(
    "result",
    [
        funnel({"x0": 50}), funnel({"a0": 7}), funnel(WAYS, span=EARLY), guard(fitted(WAYS), shops(), hidden=True),
    ],
    ids=["nobody", "too few", "all open", "hidden"],
)  # fmt: skip
def test_nothing_is_drawn_of_what_is_not_shown(result) -> None:
    assert result.status != "ok"
    assert all(isinstance(part(result), Nothing) for part in (*FIGURES, *TABLES))
    assert "A customer enters with" in report(result)


def test_the_method_says_what_was_asked() -> None:
    def told(**changes) -> str:
        return plain("\n".join(method_funnel(funnel({"a0 b1 c2": 60, "a0 call1": 60}, **changes)).paragraphs))

    assert "The last step counts within 10 days of the first, also after the period’s end." in told()
    assert "The data end on 31 December 2026." in told()
    assert "a repeat of the step just reached is in order" in told(order="strict")
    assert "in any order" in told(order="any")
    best = told(attempt="best", attempts_within_days=5.0)
    assert "within 10 days of the attempt’s start, begun within 5 days of entry," in best
    assert "There is no time limit." in told(window="none")
    assert "Ends an attempt: Call. 60 entrants ended so." in told(ends_attempt=["call"])
    assert "cumulative incidence (Aalen–Johansen)" in told(ends_attempt=["call"])
    assert "Curves of groups are not tested" in told(ends_attempt=["call"])
    assert "Log-rank between groups." in told()
    assert "Takes a customer out of everything: Call. 60 with one are left out." in told(removes_customer=["call"])
    assert "Events carry dates without a time of day" in told()
    assert "Events carry dates" not in plain(method_funnel(grouped(200, 2)).as_markdown())


def test_where_half_of_all_convert_their_time_is_told() -> None:
    most = funnel({"a0 b1 c2": 60, "a0 b1 c4": 20, "a0": 20})
    fact = headline_funnel(most).facts[1]
    assert (fact.name, fact.value) == ("Half of all entrants take", "2.0\u00a0days")
    assert figure_curve(most).title == "Half of all entrants convert within 2.0\u00a0days"

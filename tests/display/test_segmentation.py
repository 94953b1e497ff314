"""The segmentation report's sentences and tables, from made-up customers."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.results import published_tables
from cxinsights.analysis.segmentation import fit_segmentation
from cxinsights.display import segmentation
from cxinsights.display.blocks import Nothing
from cxinsights.display.segmentation import (
    figure_choice,
    figure_profiles,
    figure_sizes,
    figure_stability,
    headline_segmentation,
    method_segmentation,
    table_held_out,
    table_migration,
    table_mix,
    table_profiles,
    table_rules,
    table_sizes,
    table_tried,
)
from cxinsights.display.segmentation.names import Segmented
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import result_columns
from tests.display.results import LONG
from tests.display.segments import asked, customers, fitted, judged, many, of_unit, shown

PARTS = [getattr(segmentation, name) for name in segmentation.__all__ if not name.startswith("plot")]
FIGURES = (figure_sizes, figure_profiles, figure_stability, figure_choice)


def report(result: Guarded) -> str:
    """Everything the notebook shows, as HTML."""
    return "\n".join(part(result).as_html() for part in PARTS)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.fixture(scope="module")
def company() -> Guarded:
    return shown(fitted())


@pytest.fixture(scope="module")
def north() -> Guarded:
    frame = customers()[lambda f: f["unit"] == "north"]
    return shown(of_unit(frame, previous=fitted().members))


def test_the_headline_says_how_many_whether_and_what_they_are_worth(company) -> None:
    headline = headline_segmentation(company)
    assert headline.kicker == "Segmentation · Corner Shops · July to September 2026"
    assert headline.title == "Corner Shops’ customers form three natural segments; one holds 66% of value"
    assert plain(headline.lead).startswith("C (many visits a month, high digital share) is 2")
    assert headline.lead.endswith(
        "The segments stand apart more than structureless data would, and come back when customers are drawn anew."
    )
    assert [fact.value for fact in headline.facts][::2] == ["3", "600"]


def test_a_unit_is_told_how_its_mix_differs(north) -> None:
    headline = headline_segmentation(north)
    assert headline.kicker == "Segmentation · North · July to September 2026"
    assert headline.title.startswith("North’s customers form three natural segments; one holds 6")
    assert headline.lead.endswith("North’s mix of segments cannot be told from the rest of the company’s.")
    mix = north._result.mix.assign(difference=[-0.1, -0.05, 0.15], p_adjusted=[0.01, 0.03, 0.001])
    clear = headline_segmentation(shown(north._result, mix=mix))
    assert clear.lead.endswith("North has more of C and fewer of A and B than the rest of the company.")
    untested = headline_segmentation(shown(north._result, mix=mix.assign(p_adjusted=np.nan)))
    assert untested.lead.endswith(
        "Whether North’s mix of segments differs from the rest of the company was not tested."
    )


@pytest.mark.parametrize(
    ("verdict", "out", "rand", "said"),
    [
        ("reproducible", True, 0.8, "but some customers change segment when all are drawn anew."),
        ("constructed", False, 0.95, "a way to sort customers, not groups that were found."),
        ("constructed", True, 0.5, "but drawn anew they fall into other segments: these are a way to sort them, not "
         "groups that were found."),
    ],
)  # fmt: skip
def test_every_verdict_is_said_in_the_headline_and_explained(verdict, out, rand, said) -> None:
    result = judged(verdict, stands_out=out, rand=rand)
    headline = headline_segmentation(result)
    assert f"three {verdict} segments" in headline.title
    assert headline.lead.endswith(said)
    found = "found" in headline.lead and "not groups" not in headline.lead
    assert not found


def test_the_figures_titles_are_findings(company) -> None:
    assert figure_sizes(company).title.startswith("C, 20% of customers, holds 6")
    assert figure_profiles(company).title == "The segments differ in value, not clearly in NPS"
    assert figure_stability(company).title == "All three segments come back"
    assert figure_choice(company).title == "Three segments stand out and come back"
    assert figure_choice(judged("constructed", stands_out=False)).title == (
        "No number of segments stands out from structureless data"
    )
    assert figure_choice(judged("constructed", rand=0.4)).title == "Three stand out, but do not come back alike"


@pytest.mark.parametrize(
    ("standing", "title"),
    [
        (["stable", "stable", "pattern"], "C is a pattern only; the others come back"),
        (["stable", "pattern", "not_a_segment"], "C is not a segment: too little comes back"),
        (["not_a_segment"] * 3, "A, B and C are not segments: too little comes back"),
    ],
)
def test_segments_that_do_not_come_back_are_named(standing, title) -> None:
    whole = fitted()
    result = shown(whole, segments=whole.segments.assign(standing=standing))
    assert figure_stability(result).title == title


def test_without_worth_size_stands_alone() -> None:
    frame = customers().drop(columns="value")
    result = shown(fit_segmentation(frame, asked(held_out=[])))
    assert headline_segmentation(result).title == (
        "Customers form three natural segments; the largest holds 52% of customers"
    )
    assert figure_sizes(result).title == "A is the largest segment: 52% of customers"
    assert figure_profiles(result).title == "The segments differ most in digital share"
    assert isinstance(table_held_out(result), Nothing)
    assert "–" in table_sizes(result).rows[0]


def test_stated_ranges_have_their_names_and_nothing_to_choose() -> None:
    rng = np.random.default_rng(2)
    orders = rng.poisson(3, 500) + 1
    frame = pd.DataFrame({"customer_id": range(500), "recency_days": rng.integers(1, 400, 500), "n_orders": orders,
                          "order_amount": orders * rng.gamma(3, 20, 500)})  # fmt: skip
    inputs = ["recency_days", "n_orders", "order_amount"]
    result = shown(fit_segmentation(frame, asked(method="rfm", inputs=inputs, held_out=[])))
    assert headline_segmentation(result).title.startswith(
        "Customers are sorted into eight constructed segments; one holds"
    )
    assert "stated ranges of scores" in headline_segmentation(result).lead
    assert table_sizes(result).rows[0][0] == "A · Champions"
    assert isinstance(figure_choice(result), Nothing)
    assert isinstance(table_tried(result), Nothing)
    assert "type-7 quantiles" in method_segmentation(result).paragraphs[0]


def test_tables_hold_the_results_numbers(company) -> None:
    one = company.segments.iloc[2]
    row = [plain(cell) for cell in table_sizes(company).rows[2]]
    assert row[0] == "C · Many visits a month, high digital share"
    assert row[1] == f"{100 * one.share:.0f}% ({100 * one.share_low:.0f} to {100 * one.share_high:.0f})"
    assert row[-2:] == ["stable", f"{one.n:,}"]
    held = company.held_out.iloc[-1]
    row = [plain(cell) for cell in table_held_out(company).rows[-1]]
    assert row[:2] == ["Value", "C"]
    assert row[3] == f"+{held.difference:.0f} (+{held.diff_low:.0f} to +{held.diff_high:.0f})"
    assert row[4:6] == ["differs", "< 0.001"]
    assert len(table_profiles(company).rows) == 6
    assert [r[0] for r in table_tried(company).rows] == ["2", "3, shown", "4"]
    assert isinstance(table_mix(company), Nothing)
    assert isinstance(table_migration(company), Nothing)


def test_a_units_tables_have_mix_and_moves(north) -> None:
    assert [row[0][:1] for row in table_mix(north).rows] == ["A", "B", "C"]
    moves = table_migration(north).rows
    assert [row[0] for row in moves] == ["A", "B", "C"]
    assert [plain(row[at + 1])[:4] for at, row in enumerate(moves)] == ["100%"] * 3


def test_scores_say_which_answers_they_are_of(company) -> None:
    said = (
        "Scores are of each customer’s latest answer up to the period’s end, whenever it was given, and without "
        "weights, so that they can differ from the scorecard’s."
    )
    without = shown(fitted(held_out=("value",)))
    for told in (lambda r: figure_profiles(r).caption, lambda r: table_held_out(r).note,
                 lambda r: " ".join(method_segmentation(r).paragraphs)):  # fmt: skip
        assert said in told(company)
        assert "latest answer" not in told(without)


def test_that_value_made_the_segments_is_said_where_it_did() -> None:
    def told(**changes: list[str]) -> str:
        return Segmented(shown(fitted(), params=fitted().params.model_copy(update=changes))).base

    amount = ["order_amount", "visits"]
    assert told().endswith("Corner Shops.")
    assert told(inputs=["visits", "value"], held_out=[]).endswith("Corner Shops. Value also made the segments.")
    assert told(inputs=["value", "order_amount"], held_out=[]).endswith(" Value also made the segments.")
    assert told(inputs=amount, held_out=[]).endswith(" Value is the amount ordered, which also made the segments.")
    assert told(inputs=amount, held_out=["value"]).endswith("Corner Shops.")


def test_rules_are_said_in_words() -> None:
    words = Segmented(shown(fitted()))
    assert words.conditions("visits > 2.5; digital > 0.1; digital <= 0.62") == [
        "visits a month over 2.5",
        "digital share over 0.1 and at most 0.62",
    ]
    whole = ("<= 1.5", "> 1.5; products <= 2.5", "> 2.5; products <= 6.5", "> 6.5")
    assert [words.conditions(f"products {rule}") for rule in whole] == [
        ["products held at most 1"], ["products held 2"], ["products held 3 to 6"], ["products held at least 7"],
    ]  # fmt: skip
    assert words.conditions("plan = plus; visits <= 1200") == ["plan is plus", "visits a month at most 1,200"]
    assert words.conditions("plan != web; phone") == ["plan is not web; phone"]
    assert words.conditions("all") == ["everyone"]
    rows = table_rules(words.result).rows
    assert {row[1] for row in rows} == {"A", "B", "C"}
    assert all(row[0][0].isupper() for row in rows)


@pytest.mark.parametrize(
    ("traits", "name"),
    [
        ("high visits; low digital", "Many visits a month, low digital share"),
        ("low products", "Few products held"),
        ("mostly plan = Plus", "Mostly plan plus"),
        ("high recency_days; low n_orders; low order_amount", "Long since the last order, few orders, low spend"),
        ("average", "Like the average"),
        ("cannot_lose", "Cannot lose"),
    ],
)
def test_names_from_traits(traits, name) -> None:
    assert Segmented(shown(fitted())).traits(traits) == name


@pytest.mark.parametrize(
    ("status", "reason", "title", "lead"),
    [
        ("too_few", "99 customers with every input, 100 needed", "Corner Shops has too few customers for segments",
         "99 customers with every input, 100 needed. 120 customers in all."),
        ("refused", "visits correlates 0.98 with value, which is held out: it measures the same",
         "No segments for Corner Shops: the data do not allow it",
         "Visits a month correlates 0.98 with value, which is held out: it measures the same. 120 customers in all."),
        ("refused", "the company has no segments in this period", "No segments for Corner Shops: the company has none",
         "The company has no segments in this period. 120 customers in all."),
        ("no_data", "no customers in this period", "No segments for Corner Shops: no customers",
         "No customers in this period."),
    ],
)  # fmt: skip
def test_no_segments_are_said_with_their_reason(status, reason, title, lead) -> None:
    whole = fitted()
    empty = {name: pd.DataFrame() for name in published_tables(whole)}
    summary = pd.DataFrame([{"n": 0, "n_eligible": 120, "n_missing": 120, "n_needed": 100}])
    result = shown(whole, **{**empty, "summary": summary, "status": status, "reason": reason})
    headline = headline_segmentation(result)
    assert (headline.title, plain(headline.lead)) == (title, lead)
    assert all(isinstance(figure(result), Nothing) for figure in FIGURES)
    assert report(result)


def test_small_segments_are_not_shown_and_give_no_other_away() -> None:
    frame = customers()
    few = pd.concat([frame[frame["planted"] != 2], frame[frame["planted"] == 2].head(6)])
    result = shown(of_unit(few))
    rows = {row[0][0]: row for row in table_sizes(result).rows}
    assert rows["C"][1] == "not shown, under 10"
    assert rows["B"][1] == "not shown, it would give another away"
    assert rows["A"][1] != rows["B"][1]
    assert [entry[0] for entry in figure_profiles(result).lists[0][1]] == ["A"]
    assert "too few customers here" in figure_sizes(result).caption
    secret = result._result.segments.set_index("segment")["value_mean"]["C"]
    assert f"{secret:.0f}" not in [cell.split("\u00a0")[0] for row in table_sizes(result).rows for cell in row]


def test_where_all_is_hidden_the_page_says_too_few() -> None:
    result = shown(of_unit(customers().head(9)))
    assert result.status == "too_few"
    assert headline_segmentation(result).title == "North has too few customers for segments"
    assert report(result)


def test_headlines_are_short_and_alt_texts_too(company, north) -> None:
    for result in (company, north, many(12), many(3, LONG)):
        assert len(headline_segmentation(result).title.split()) <= 12
        for figure in FIGURES:
            assert len(figure(result).alt.split()) <= 40, figure(result).alt
            assert len(figure(result).title.split()) <= 14


def test_no_cause_is_claimed_and_no_customer_named(company, north) -> None:
    for result in (company, north, judged("constructed", stands_out=False)):
        text = report(result).lower()
        for word in (
            "because",
            "due to",
            "impact",
            "leads to",
            "drives ",
            "significant",
            " nan",
            "none,",
            "customer_id",
        ):
            assert word not in text, word
        assert "members" not in result.tables


def test_every_column_a_result_publishes_is_described(north) -> None:
    for table in north.tables.values():
        assert set(table.columns) <= result_columns()

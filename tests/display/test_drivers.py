"""The driver report's sentences and tables, from regressions of made-up answers."""

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.pooling import fit_pool
from cxinsights.analysis.results import published_tables
from cxinsights.display.blocks import Nothing
from cxinsights.display.drivers import (
    figure_importance,
    figure_priority,
    headline_drivers,
    method_drivers,
    table_coefficients,
    table_differences,
    table_drivers,
    what_if,
)
from cxinsights.display.drivers.names import leaders_of, tied_first
from cxinsights.display.numbers import share_text
from cxinsights.params import DriversParams
from cxinsights.privacy import Guarded, guard
from cxinsights.schemas.columns import result_columns
from tests.display.results import LONG, drivers, ratings, study

LABELS = {"r0_rating": "Waiting time", "r1_rating": "Staff", "r2_rating": "AirTrain", "r3_rating": "Opening hours"}
PARTS = (
    headline_drivers, figure_importance, figure_priority, table_drivers, table_coefficients, table_differences,
    method_drivers,
)  # fmt: skip


def report(result: Guarded) -> str:
    """Everything the notebook shows, as HTML."""
    return "\n".join(part(result).as_html() for part in PARTS)


def title(result: Guarded) -> str:
    return headline_drivers(result).title


@pytest.fixture(scope="module")
def four() -> Guarded:
    return drivers(ratings([1, 0.5, 0.2, 0], levels=[4, 6, 7, 8]), LABELS)


@pytest.fixture(scope="module")
def company() -> pd.DataFrame:
    return drivers(ratings([1, 0.5, 0.2, 0]), LABELS).importance


def test_one_driver_leads(four) -> None:
    headline = headline_drivers(four)
    assert headline.kicker == "Drivers · North · July to September 2026"
    assert headline.title == "Waiting time goes most with NPS; it scores low"
    assert figure_importance(four).title == "Waiting time stands out from the rest"
    assert headline.lead.endswith("This is a pattern in answers, not proof of cause.")


def test_two_lead_and_the_weak_one_is_named() -> None:
    result = drivers(ratings([0.8, 0.8, 0.1, 0], levels=[4, 8, 6, 7]), LABELS)
    assert title(result) in {
        f"{pair} go most with NPS; waiting time scores low"
        for pair in ("Waiting time and staff", "Staff and waiting time")
    }


def test_names_that_are_names_keep_their_capital() -> None:
    assert title(drivers(ratings([0, 0.2, 1, 0]), LABELS)) == "AirTrain goes most with NPS"


def test_many_leaders_are_no_lead() -> None:
    result = drivers(ratings([0.5] * 6))
    assert title(result) == "No driver stands out: five cannot be told from the first"
    assert figure_importance(result).title == "No driver stands out"


@pytest.mark.parametrize("n", [2, 3])
def test_drivers_that_all_tie_leave_nobody_to_stand_out(n) -> None:
    result = drivers(ratings([0.7] * n))
    assert set("".join(result.importance["letters"])) == {"a"}
    assert title(result).startswith("No driver stands out")
    assert "stand out" not in figure_importance(result).title


def with_letters(result: Guarded, letters: list[str]) -> Guarded:
    importance = result._result.importance.assign(letters=letters)
    return guard(replace(result._result, importance=importance), result.study)


def test_headline_and_matrix_agree_where_no_driver_leads(four) -> None:
    tied = with_letters(four, ["a"] * 4)
    headline = headline_drivers(tied)
    assert headline.title == "No driver stands out, but waiting time is both important and weak"
    assert figure_priority(tied).title == "One driver is both important and weak: waiting time"
    assert headline.lead.startswith("Among customers who rate waiting time one point higher")


def test_where_one_between_differs_from_the_first_no_group_leads(four) -> None:
    """The second differs from the first, the third does not: no "first three" that cannot be told apart."""
    between = with_letters(four, ["a", "b", "a", "c"])
    assert leaders_of(between) == []
    assert tied_first(between).tolist() == [True, False, True, False]
    strong = drivers(ratings([1, 0.5, 0.2, 0], levels=[8, 8, 8, 8]), LABELS)
    assert title(with_letters(strong, ["a", "b", "a", "c"])) == (
        "No driver stands out: one cannot be told from the first"
    )
    assert figure_importance(between).title == "No driver stands out"


def test_what_is_important_and_weak_is_said_among_many_leaders_too() -> None:
    result = with_letters(drivers(ratings([1, 0.3, 0.2, 0.1, 0.1], levels=[4, 6, 7, 8, 8])), [*"aaaab"])
    assert len(leaders_of(result)) == 4
    assert title(result) == "No driver stands out, but r0 is both important and weak"


def test_counts_of_a_few_without_a_rating_are_not_told() -> None:
    frame = ratings([1, 0.5, 0.2, 0], levels=[4, 6, 7, 8])
    frame.loc[:3, "r1_rating"] = np.nan  # four left it blank
    frame.loc[:40, "r2_rating"] = np.nan
    result = drivers(frame, LABELS)
    cells = {row[0]: row[-2:] for row in table_drivers(result).rows}
    assert cells == {
        "Waiting time": ["0", "0"], "Staff": ["–", "–"], "AirTrain": ["41", "0"], "Opening hours": ["0", "0"],
    }  # fmt: skip
    assert table_drivers(result).note.startswith(
        "Relative weight: Johnson’s measure, as a second opinion. Rated, blank and does not apply are counted among "
        "those who answered the outcome; where either of the last two is under 10, neither is shown. Scores"
    )
    assert str(result.importance.set_index("driver").loc["r1_rating", "n_does_not_apply"]) == "not shown, under 10"
    assert result.status == "ok"


def test_ratings_of_pure_chance_do_not_go_with_anything() -> None:
    result = drivers(ratings([0, 0, 0]))
    assert result.importance["under_floor"].all()
    assert title(result) == "No driver stands out: chance alone would do as well"
    assert figure_importance(result).title == "No driver rises above chance"


def test_a_lone_driver_has_no_rest_to_stand_out_from() -> None:
    figure = figure_importance(drivers(ratings([1])))
    assert "rest" not in figure.title
    assert "one drivers" not in figure.alt


@pytest.mark.parametrize(
    ("n", "with_company", "lead"),
    [
        (60, False, "60 complete answers, 200 needed. Only its scores are shown."),
        (
            60,
            True,
            "60 complete answers, 200 needed. Shown instead: the company’s importance with this unit’s own scores.",
        ),
    ],
)
def test_too_few_answers_are_said_with_what_is_shown_instead(company, n, with_company, lead) -> None:
    result = drivers(ratings([1, 0.5, 0.2, 0], n=n), LABELS, company=company if with_company else None)
    headline = headline_drivers(result)
    assert headline.title == "North has too few answers for drivers of its own"
    assert headline.lead == lead
    row = table_drivers(result).rows[0]
    one = company.iloc[0]
    share = f"{100 * one.share:.0f}% ({100 * one.share_low:.0f} to {100 * one.share_high:.0f})"
    assert row[0] == "Waiting time"
    assert row[1].replace("\u00a0", " ") == (share if with_company else "–")


def test_a_page_of_scores_alone_says_their_own_bases(company) -> None:
    frame = ratings([1, 0.5, 0.2, 0], n=60)
    frame.loc[:9, "r2_rating"] = np.nan
    caption = figure_priority(drivers(frame, LABELS, company=company)).caption.replace("\u00a0", " ")
    assert caption.startswith("50 to 60 answers, by rating, July to September 2026, North.")


def test_a_borrowed_pattern_says_so_first() -> None:
    """A third of a common pattern: 150 answers of a unit among ten alike."""
    frame = pd.concat([ratings([1, 0.3, 0.1, 0], n=150 if at == 0 else 400, seed=at).assign(unit=f"u{at}",
                       region="shops") for at in range(10)], ignore_index=True)  # fmt: skip
    names = [name for name in frame if name.endswith("_rating")]
    pooled = {"study": "shops", "period": "2026Q3", "region": "shops", "unit": "north", "outcome": "csat_score",
              "drivers": names, "small_units": "partial_pooling"}  # fmt: skip
    pool = fit_pool(frame, DriversParams(**pooled))
    own = frame[frame["unit"] == "u0"].reset_index(drop=True)
    result = drivers(own, LABELS, pool=pool, outcome="csat_score", small_units="partial_pooling")
    borrowed = f"{100 * result.summary['borrowed'].iloc[0]:.0f}%"
    assert title(result).startswith("Judged mostly by all units, waiting time goes most with ")
    for part in (figure_importance, figure_priority, what_if):
        assert part(result).subtitle.endswith(f"; {borrowed} borrowed from all units")
    assert "p" not in [column.name for column in table_coefficients(result).columns]
    assert all(len(row) == 5 for row in table_coefficients(result).rows)


def test_what_is_promised_instead_is_there(company) -> None:
    result = drivers(ratings([1, 0.5, 0.2, 0], n=6), LABELS, company=company)
    if isinstance(table_drivers(result), Nothing):
        assert "hown" not in headline_drivers(result).lead


@pytest.mark.parametrize(
    ("frame", "headline", "lead"),
    [
        (
            ratings([1, 0.5]).head(0),
            "No drivers for North: no answers",
            "NPS has no answers: this unit has none in the period.",
        ),
        (
            ratings([1, 0.5], noise=0.02).assign(r1_rating=lambda f: f["nps_answer"].rank() + 0.0),
            "No drivers for North: a driver repeats the outcome",
            "Staff correlates {r:.2f} with the outcome: it measures the same thing.",
        ),
    ],
    ids=["no answers", "repeats"],
)
def test_no_regression_is_said_with_its_reason_in_the_pages_words(frame, headline, lead) -> None:
    outcome = "csat_score" if "correlates" in lead else "nps"
    frame = frame.assign(csat_score=frame["r1_rating"]) if "correlates" in lead else frame
    found = headline_drivers(drivers(frame, LABELS, outcome=outcome))
    assert found.title == headline
    assert found.lead == lead.format(r=1)


def test_a_headline_has_at_most_twelve_words_whatever_leads() -> None:
    """Names of one to six words, two to six drivers, any strengths and levels."""
    chance = random.Random(1)
    for seed in range(12):
        n = chance.randint(2, 6)
        names = {f"r{i}_rating": " ".join(LONG.split()[i : i + chance.randint(1, 6)]) for i in range(n)}
        strengths = [chance.choice([0, 0.3, 0.8]) for _ in range(n)]
        frame = ratings(strengths, 300, seed, levels=[chance.uniform(4, 8) for _ in range(n)])
        text = title(drivers(frame, names))
        assert len(text.split()) <= 12, text
        assert " no more " not in text, text


def test_one_leader_with_a_very_long_name_is_still_a_sentence() -> None:
    text = title(drivers(ratings([1, 0.3]), {"r0_rating": LONG}))
    assert " no more " not in text


@pytest.mark.parametrize(("strength", "way"), [(1, "higher"), (-1, "lower")])
def test_the_lead_has_the_models_number_and_its_direction(strength, way) -> None:
    result = drivers(ratings([strength, 0.1]), LABELS)
    one = result.coefficients.iloc[0]
    low, high = sorted([abs(one.coef_low), abs(one.coef_high)])
    assert (
        headline_drivers(result)
        .lead.replace("\u00a0", " ")
        .startswith(
            f"Among customers who rate waiting time one point higher, NPS is {abs(one.coefficient):.0f} ({low:.0f} to "
            f"{high:.0f}) points {way}, other ratings equal."
        )
    )


def test_a_coefficient_that_may_be_zero_has_no_direction() -> None:
    result = drivers(ratings([0, 0, 0, 0, 0]))
    one = result.coefficients.iloc[0]
    assert one.coef_low < 0 < one.coef_high
    lead = headline_drivers(result).lead
    assert "does not clearly go with higher NPS" in lead
    assert "points" not in lead


def test_a_copied_driver_has_no_coefficient_and_says_so() -> None:
    result = drivers(ratings([1, 0.2]).assign(r2_rating=lambda f: f["r0_rating"]), LABELS)
    assert "alone cannot be told: other ratings repeat it." in headline_drivers(result).lead
    cells = {row[0]: row[1:] for row in table_coefficients(result).rows}
    assert cells["Waiting time"] == cells["AirTrain"] == ["none of its own", "–", "–", "unbounded", "–"]


def test_facts_are_the_summarys_numbers(four) -> None:
    one = four.summary.iloc[0]
    facts = {fact.name: (fact.value, fact.note.replace("\u00a0", " ")) for fact in headline_drivers(four).facts}
    assert facts["Answers"] == ("600", "of 600 in the model")
    assert facts["NPS today"][0] == f"{one.outcome_mean:.0f}".replace("-", "−")
    assert facts["Pattern explains"] == (
        f"{100 * one.r_squared:.0f}%", f"({100 * one.r_squared_low:.0f} to {100 * one.r_squared_high:.0f})",
    )  # fmt: skip


def test_the_table_holds_the_results_numbers_in_their_order(four) -> None:
    table = table_drivers(four)
    frame = four.importance
    assert [row[0] for row in table.rows] == [LABELS[name] for name in frame["driver"]]
    for row, one in zip(table.rows, frame.itertuples(), strict=True):
        digits = 0 if round(100 * one.share) else 1  # a small share is not written as none
        share = f"{100 * one.share:.{digits}f}% ({100 * one.share_low:.{digits}f} to {100 * one.share_high:.{digits}f})"
        assert row[1].replace("\u00a0", " ") == share
        assert row[2:4] == [f"{one.rank} ({one.rank_low} to {one.rank_high})", one.letters]
        assert row[-3:] == ["600", "0", "0"]
    shares = [float(row[1].split("%")[0]) for row in table.rows]
    assert abs(sum(shares) - 100) <= 2  # rounded only when shown


def test_every_pair_has_a_verdict(four) -> None:
    rows = table_differences(four).rows
    assert len(rows) == 6
    assert rows[0][0] == "Waiting time over staff"
    assert [row[2] for row in rows] == [
        "told apart" if told else "not told apart" for told in four.differences["told_apart"]
    ]


@pytest.mark.parametrize("why", ["small", "complement"])
def test_a_report_that_is_hidden_still_reads_to_its_end(why) -> None:
    of = study(privacy={"customer_min": 700}) if why == "small" else study()
    frame = ratings([1, 0.5, 0.2, 0])
    html = report(drivers(frame, LABELS, of=of, hidden=why == "complement"))
    assert "nan" not in html
    assert "Suppressed(" not in html
    for one in drivers(frame, LABELS).importance.itertuples():
        assert share_text(one.share, one.share_low, one.share_high) not in html


def test_the_companys_share_beside_a_hidden_score_is_words(company) -> None:
    frame = ratings([1, 0.5, 0.2, 0], n=80)
    frame.loc[40:, "r1_rating"] = np.nan
    result = drivers(frame, LABELS, company=company, of=study(privacy={"customer_min": 50}), missing="pairwise")
    cells = {row[0]: row[1:] for row in table_drivers(result).rows}
    assert cells["Staff"] == ["not shown, under 50", "not shown, under 50", "40"]
    assert "not shown" not in " ".join(cells["Waiting time"])


def test_every_column_of_every_table_is_described(four) -> None:
    for name in published_tables(four.kind):
        assert set(getattr(four, name)) <= result_columns(), name
        assert len(getattr(four, name)) or name in ("gaps", "contrasts")  # nothing to set it against


def test_no_word_of_cause_and_no_significance_in_the_report(four) -> None:
    text = "\n".join(part(four).as_markdown() for part in PARTS).lower()
    for word in ("because", "due to", "impact", "effect ", "leads to", "drives", "significant", "±"):
        assert word not in text, word

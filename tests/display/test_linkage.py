"""The linkage's sentences and tables, from made-up companies."""

import random
import re

import numpy as np
import pytest

from cxinsights.analysis.results import published_tables
from cxinsights.display.blocks import Nothing
from cxinsights.display.linkage import (
    figure_association,
    figure_items,
    figure_quadrants,
    headline_linkage,
    method_linkage,
    table_aggregation,
    table_associations,
    table_leave_one_out,
    table_linkage_sites,
    table_reliability,
)
from cxinsights.display.numbers import with_interval
from cxinsights.privacy import GIVES_AWAY, Guarded
from cxinsights.schemas.columns import result_columns
from tests.analysis.linked import ITEMS, SCORES, company, means_only, owned
from tests.display.linkages import FIGURES, PARTS, linkage, off_the_line, plain, report, shops, topics
from tests.display.results import LONG


@pytest.fixture(scope="module")
def whole() -> Guarded:
    return linkage(company(noise=3, customers=300))


def title(result: Guarded) -> str:
    return headline_linkage(result).title


def test_a_clear_pattern_is_said_with_its_size_and_base(whole) -> None:
    headline = headline_linkage(whole)
    one, slope = whole.associations.iloc[0], whole.model.iloc[0]
    assert headline.kicker == "Employees and customers · Corner Shops · July to September 2026"
    assert headline.title == "Sites with higher mood score higher on NPS"
    r = with_interval(one["correlation"], one["ci_low"], one["ci_high"], 2)
    size = with_interval(slope["coefficient"], slope["coef_low"], slope["coef_high"], 0)
    assert headline.lead == (
        f"Across 40\u00a0sites the correlation is {r}; each point more of mood goes with {size} more points of NPS. "
        "Intervals are 95%. One wave says nothing about direction."
    )


def test_facts_are_the_results_numbers(whole) -> None:
    facts = {fact.name: f"{fact.value} {plain(fact.note)}" for fact in headline_linkage(whole).facts}
    rows = whole.associations.set_index("correlation_kind").iloc[[0, 4]]
    texts = [plain(with_interval(r["correlation"], r["ci_low"], r["ci_high"], 2)) for _, r in rows.iterrows()]
    spread = whole.aggregation.set_index("measure").loc["nps"]
    assert facts == {
        "Correlation of sites": texts[0],
        "If means were exact": texts[1],
        "Sites truly differ by": f"{spread['sd_between']:.0f} ({spread['sd_low']:.0f} to {spread['sd_high']:.0f}) "
        "points, standard deviation",
    }


def test_unsteady_means_are_said_in_the_headline() -> None:
    result = linkage(company(customers=20, slope=60))
    reliability = result.aggregation.set_index("measure").loc["nps", "icc2"]
    assert reliability < 0.7
    assert title(result) == "Sites with higher mood score higher on NPS; NPS means are unsteady"
    assert f"Single sites are known poorly: reliability of NPS {reliability:.2f}." in headline_linkage(result).lead


def test_sites_that_do_not_fit_are_counted_in_the_headline_and_named_in_the_figure() -> None:
    result = linkage(off_the_line(company(noise=0, customers=300), "s011", "s020"))
    assert title(result) == "Sites with higher mood score higher on NPS; two do not fit"
    figure = figure_association(result)
    names = {figure.title.split(": ")[1], "s011 and s020", "s020 and s011"}
    assert names == {"s011 and s020", "s020 and s011"}
    assert figure.title.startswith("Two sites lie off the line: ")
    row = next(row for row in table_linkage_sites(result).rows if row[0] == "s011")
    assert plain(row[2]).startswith("−75 (")


def test_a_pattern_the_other_way_is_said_so() -> None:
    result = linkage(company(slope=-40, noise=3, customers=300))
    assert title(result) == "Sites with higher mood score lower on NPS"
    assert "fewer points of NPS. Intervals are 95%." in headline_linkage(result).lead


def test_no_clear_pattern_is_worded_as_not_told() -> None:
    result = linkage(company(slope=0, customers=300))
    one = result.associations.iloc[0]
    assert one["ci_low"] < 0 < one["ci_high"]
    assert title(result) == "Cannot tell whether mood and NPS of sites go together"
    assert "points" not in headline_linkage(result).lead


def test_under_thirty_sites_the_headline_makes_no_claim() -> None:
    result = linkage(company(20, noise=0, customers=300))
    assert result.associations.iloc[0]["ci_low"] > 0
    assert title(result) == "20 sites are too few to say what goes with NPS"
    assert "each point more" not in headline_linkage(result).lead
    assert table_associations(result).rows  # shown, without a claim


def test_too_few_sites_are_refused_and_still_listed() -> None:
    result = linkage(company(9))
    headline = headline_linkage(result)
    assert headline.title == "Corner Shops has too few sites to link both sides"
    assert headline.lead == "9 sites have answers enough of both sides, 10 needed."
    assert all(isinstance(figure(result), Nothing) for figure in FIGURES)
    assert isinstance(table_associations(result), Nothing)
    assert len(table_linkage_sites(result).rows) == 9
    assert len(table_aggregation(result).rows) == 3


@pytest.mark.parametrize(
    ("change", "headline", "lead"),
    [
        (lambda f: f.head(0), "Nothing to link in Corner Shops: no site has answers",
         "No site has answers in this period."),
        (lambda f: f.assign(nps=np.nan), "Nothing to link in Corner Shops: no site has answers of customers",
         "No site has answers of customers in this period."),
        (lambda f: f.assign(n_customers=3), "Corner Shops has too few answers to link both sides",
         "No site has answers enough of both sides."),
        (lambda f: f.assign(nps=3.0), "Nothing to link in Corner Shops: one side never varies",
         "NPS is the same at every site: nothing can go with it."),
        (lambda f: f.assign(**dict.fromkeys(ITEMS, 3.0)), "Nothing to link in Corner Shops: one side never varies",
         "Mood is the same at every site: nothing can go with it."),
    ],
)  # fmt: skip
def test_nothing_to_link_is_said_with_its_reason_in_the_pages_words(change, headline, lead) -> None:
    made = means_only()
    found = headline_linkage(linkage({"sites": change(made["sites"])}))
    assert (found.title, found.lead) == (headline, lead)


def test_a_units_report_says_how_its_own_sites_lie_among_all() -> None:
    asked = {"region": "r1", "unit": "u0"}
    made = off_the_line(company(noise=0, customers=300), "s001", "s002")  # s001 is of this unit, s002 of another
    result = linkage(owned(made, "r1", "u0"), **asked)
    assert title(result) == "One of Unit 1.0’s ten sites does not fit the company’s pattern"
    assert headline_linkage(result).kicker == "Employees and customers · Unit 1.0, Region 1 · July to September 2026"
    rows = table_linkage_sites(result).rows
    assert len(rows) == 10
    assert "s001" in [row[0] for row in rows]
    others = set(made["sites"]["site"]) - {row[0] for row in rows}
    html = report(result)
    assert not [name for name in others if re.search(rf"\b{name}\b", html)]  # no other unit's site has its name here
    assert {row[0] for row in table_leave_one_out(result).rows} & {"a site of another unit"}
    small = owned(company(noise=0, customers=300), "r1", "u0")
    small["sites"].loc[small["sites"].index[small["sites"]["own"]][0], "n_customers"] = 9
    caption = figure_association(linkage(small, **asked)).caption.replace("\u00a0", " ")
    assert " One of 40 sites, one of them Unit 1.0’s, takes no part: one has fewer than 10 answers" in caption
    quiet = linkage(owned(company(noise=0, customers=300), "r1", "u0"), **asked)
    assert title(quiet) == "Unit 1.0’s ten sites cannot be told from the company’s pattern"
    unclear = linkage(owned(company(slope=0, noise=0, customers=300, seed=4), "r1", "u0"), **asked)
    assert title(unclear) == "No clear pattern among sites to place Unit 1.0’s in"


def test_parallel_lists_read_as_topics_of_two_sides() -> None:
    made, of, asked = topics(3)
    result = linkage(made, of=of, **asked)
    headline = headline_linkage(result)
    assert headline.title == "Where teachers score higher, so do parents, on all three topics"
    assert [fact.name for fact in headline.facts] == ["Topic 0", "Topic 1", "Topic 2"]
    assert headline.lead == (
        "Correlations across 60\u00a0schools, with 95% intervals. Only means are known, so how reliable they are "
        "cannot be told. One wave says nothing about direction."
    )
    assert figure_items(result).title == "All three topics go together for teachers and parents"
    assert [row[0] for row in table_associations(result).rows][:3] == ["Topic 0"] * 3
    two = linkage(*(lambda m, o, a: [m])(*topics(2)), of=topics(2)[1], **topics(2)[2])
    assert title(two) == "Where teachers score higher, so do parents, on both topics"
    none = topics(2, shared=0)
    assert title(linkage(none[0], of=none[1], **none[2])) == (
        "Cannot tell whether teachers’ and parents’ scores go together"
    )


def test_what_takes_individual_answers_is_said_where_there_are_none(whole) -> None:
    result = linkage(means_only())
    assert "Only means are known, so how reliable they are cannot be told." in headline_linkage(result).lead
    told = "Not known, since it takes individual answers: how far employees of a site agree, how reliable means are, "
    assert told in " ".join(method_linkage(result).paragraphs)
    assert figure_quadrants(result).title == "Where single sites stand cannot be told from means alone"
    assert isinstance(table_reliability(result), Nothing)
    assert "Not known" not in " ".join(method_linkage(whole).paragraphs)


def test_a_site_that_carries_the_result_is_named_in_the_lead() -> None:
    made = means_only(company(40, slope=0, seed=5))
    rng = np.random.default_rng(1)
    sites = made["sites"]
    sites[ITEMS] = np.tile(rng.normal(3, 0.1, (40, 1)), 4)
    sites["nps"] = rng.normal(0, 5, 40)
    sites.loc[4, ITEMS] = 4.8
    sites.loc[4, "nps"] = 90.0
    result = linkage(made)
    name = sites.loc[4, "site"]
    assert f"It rests on {name}." in headline_linkage(result).lead
    assert table_leave_one_out(result).subtitle.startswith("One site carries the result. Whichever is left out, the ")
    assert table_leave_one_out(result).rows[0][0] == name


def test_a_single_statement_is_quoted_in_sentences_and_not_in_tables() -> None:
    result = linkage(company(noise=3, customers=300), items=ITEMS[:1])
    assert title(result) == "Sites with higher “Mood 1” score higher on NPS; means are unsteady"
    assert "each point more of “Mood 1” goes with" in headline_linkage(result).lead
    assert table_linkage_sites(result).columns[1].name == "Mood 1"


def test_bases_and_who_takes_no_part_stand_in_the_captions() -> None:
    made = company()
    made["sites"].loc[0, "n_customers"] = 9
    made["sites"].loc[1, "hidden"] = True
    made["sites"].loc[2, "nps"] = np.nan
    caption = plain(figure_association(linkage(made)).caption)
    assert caption == (
        "37 sites with 2,220 answers of customers and 370 answers of employees, July to September 2026, Corner Shops. "
        "Three of 40 sites take no part: one has fewer than 10 answers of customers or 5 of employees, one is hidden "
        "so as not to give anybody away and one lacks one of the two scores. Pattern, not proof of cause."
    )


def test_sites_that_count_but_may_not_be_shown_are_said_and_have_no_figure() -> None:
    made = company()
    small = made["sites"].loc[0, "site"]
    made["sites"].loc[0, "n_employees"] = 4
    result = linkage(made, min_employees=2)
    assert result.associations.iloc[0]["n"] == 40
    assert "One more is not drawn: too few answers to be shown." in figure_association(result).caption
    row = next(row for row in table_linkage_sites(result).rows if row[0] == small)
    assert row == [small, "not shown, under 5", "–", "–", "–", "–", "60", "4"]


def test_an_earlier_wave_of_employees_is_named() -> None:
    result = linkage(lag=1)
    assert "Employees’ answers are of April to June 2026." in figure_association(result).caption
    assert "asked one period earlier (April to June 2026)" in " ".join(method_linkage(result).paragraphs)


@pytest.mark.parametrize("why", ["small", "complement"])
def test_a_report_that_is_hidden_still_reads_to_its_end(why) -> None:
    made, of = company(), shops(privacy={"customer_min": 5000}) if why == "small" else shops()
    result = linkage(made, of=of, hidden=why == "complement")
    html = report(result)
    assert "Suppressed(" not in html
    assert "nan" not in html
    one = linkage(made).associations.iloc[0]
    assert with_interval(one["correlation"], one["ci_low"], one["ci_high"], 2) not in html
    expected = "not shown: too few answers" if why == "small" else "not shown"
    assert title(result) == f"Employees and customers of Corner Shops are {expected}"
    assert (result.reason == GIVES_AWAY) == (why == "complement")


@pytest.mark.parametrize(
    "made", [company(10), company(9), means_only(), company(12, slope=0, regions=1, units=1)],
    ids=["ten", "nine", "means", "one unit"],
)  # fmt: skip
def test_no_report_says_nan_or_leaves_a_placeholder(made) -> None:
    html = report(linkage(made))
    assert not re.search(r"\bnan\b|None|Suppressed|  ", re.sub(r"<svg.*?</svg>|None of", "", html, flags=re.DOTALL))


def test_a_headline_has_at_most_twelve_words_whatever_the_names_are() -> None:
    """Scores and items with names of one to six words, all kinds of companies."""
    chance = random.Random(1)
    for seed in range(5):
        words = " ".join(LONG.split()[seed : seed + chance.randint(1, 6)])
        of = shops({"csat_mean": {"label": words}, ITEMS[0]: {"label": words, "min": 1, "max": 5}})
        made = company(chance.choice([12, 40]), slope=chance.choice([-40, 0, 40]), seed=seed, customers=100)
        for asked in ({}, {"items": ITEMS[:1], "scores": ["csat_mean"]}):
            text = title(linkage(made, of=of, **asked))
            assert len(text.split()) <= 12, text


def test_alternative_texts_have_at_most_forty_words(whole) -> None:
    for result in (whole, linkage(off_the_line(company(noise=0, customers=300), "s011", "s020", "s030"))):
        for figure in FIGURES:
            assert len(figure(result).alt.split()) <= 40


def test_every_column_of_every_table_is_described(whole) -> None:
    for name in published_tables(whole.kind):
        assert set(getattr(whole, name)) <= result_columns(), name
        assert len(getattr(whole, name)), name


def test_no_word_of_cause_and_no_significance_in_the_report(whole) -> None:
    text = "\n".join(part(whole).as_markdown() for part in PARTS).lower()
    for word in ("because", "due to", "impact", "effect of", "leads to", "drives", "significant", "±", "respondent"):
        assert word not in text, word


def test_scores_that_are_shares_are_written_in_percent() -> None:
    made = company()
    for name in ("sites", "customers"):
        made[name] = made[name].rename(columns={"csat_mean": "csat"})
    made["customers"]["csat"] = (made["customers"]["nps"] > 0) * 1.0
    made["sites"]["csat"] = made["customers"].groupby(["region", "unit", "site"])["csat"].mean().to_numpy()
    result = linkage(made, scores=["csat", "nps"])
    one = result.sites.iloc[0]
    cell = plain(table_linkage_sites(result).rows[0][2])
    expected = [f"{100 * one[name]:.0f}" for name in ("customer_score", "customer_low", "customer_high")]
    assert cell == f"{expected[0]}% ({expected[1]} to {expected[2]})"
    slope = result.model.iloc[0]
    assert f"goes with {100 * slope['coefficient']:.0f}" in headline_linkage(result).lead
    assert SCORES == ["nps", "csat_mean"]

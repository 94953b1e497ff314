"""The linkage's tables, from made-up companies."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.display.linkage import (
    headline_linkage,
    method_linkage,
    table_aggregation,
    table_associations,
    table_item_associations,
    table_linkage_model,
    table_linkage_sites,
    table_reliability,
)
from cxinsights.display.numbers import with_interval
from cxinsights.privacy import Guarded
from tests.analysis.linked import ITEMS, company, means_only
from tests.display.linkages import linkage, plain, shops


@pytest.fixture(scope="module")
def whole() -> Guarded:
    return linkage(company(noise=3, customers=300))


def test_a_correlation_beyond_one_is_flagged() -> None:
    made = company()
    made["sites"]["nps"] = 30 * made["sites"][ITEMS].mean(axis=1)
    made["sites"].loc[0, "nps"] += 5
    result = linkage(made)
    corrected = next(row for row in table_associations(result).rows if row[1] == "Corrected for unreliability")
    assert corrected[2].endswith(", beyond 1")
    assert "A corrected correlation beyond 1 is left as it is" in table_associations(result).note
    assert headline_linkage(result).facts[1].note.endswith(", beyond 1")


def test_tables_hold_the_results_numbers_in_their_order(whole) -> None:
    frame = whole.items
    for row, one in zip(table_item_associations(whole).rows, frame.itertuples(), strict=True):
        assert row[0] == f"Mood {ITEMS.index(one.item) + 1}"
        assert plain(row[2]) == plain(with_interval(one.correlation, one.ci_low, one.ci_high, 2))
        assert row[4] == "40"
    model = table_linkage_model(whole).rows
    assert [row[1] for row in model][:6] == [
        "all, unit levels apart", "sites of one unit", "4 units’ means", "all, region levels apart",
        "sites of one region", "all, unit levels apart",
    ]  # fmt: skip
    sites = whole.sites
    for row, one in zip(table_linkage_sites(whole).rows, sites.itertuples(), strict=True):
        assert row[0] == one.site
        assert plain(row[2]) == f"{one.customer_score:.0f} ({one.customer_low:.0f} to {one.customer_high:.0f})".replace(
            "-", "−"
        )
        assert row[6:] == ["300", "10"]
    assert [row[0] for row in table_reliability(whole).rows] == ["Mood 1", "Mood 2", "Mood 3", "Mood 4"]


def test_an_effect_between_too_few_groups_is_not_given_a_size() -> None:
    made = means_only(company(60, regions=3, units=1))
    made["sites"]["nps"] += made["sites"]["region"].map({"r0": -60, "r1": 0, "r2": 60})
    result = linkage(made, of=shops(regions={f"r{i}": {"label": f"Region {i}", "units": {"u0": {"label": "Unit"}}}
                                             for i in range(3)}))  # fmt: skip
    rows = {row[1]: row[2:] for row in table_linkage_model(result).rows if row[0] == "Mood with NPS"}
    known = result.model.set_index(["metric", "term"])["df"]
    assert known[("nps", "between")] < 2 < known[("nps", "within")]
    assert rows["3 regions’ means"][0] == "too few groups to say"
    assert rows["sites of one region"][0].startswith("+")


def test_an_effect_between_groups_wider_than_the_scale_is_not_given_a_size() -> None:
    made = means_only(company(noise=3, customers=300))
    by_unit = made["sites"].groupby(["region", "unit"])[ITEMS]
    made["sites"][ITEMS] -= 0.97 * (by_unit.transform("mean") - made["sites"][ITEMS].mean())  # units hardly differ
    result = linkage(made)
    model = result.model.set_index(["metric", "grouping", "term"])
    wide = {
        (metric, term): model.loc[(metric, "unit", term), "coef_high"] - model.loc[(metric, "unit", term), "coef_low"]
        for metric in ("nps", "csat_mean")
        for term in ("within", "between")
    }
    assert wide["nps", "between"] > 200 > wide["nps", "within"]
    rows = {(row[0], row[1]): row[2] for row in table_linkage_model(result).rows}
    assert rows["Mood with NPS", "4 units’ means"] == "cannot tell: wider than the scale"
    assert rows["Mood with NPS", "sites of one unit"].startswith("+")


def test_of_very_many_sites_the_table_holds_the_farthest_and_names_the_file() -> None:
    few, many = linkage(company(96, noise=3)), linkage(company(104, noise=3))
    assert len(table_linkage_sites(few).rows) == len(few.sites)
    assert "sites.csv" not in table_linkage_sites(few).note
    shown = table_linkage_sites(many)
    n = len(many.sites)
    assert shown.title == "The sites farthest from the line"
    assert shown.note.endswith(f" 100 are listed. All {n} are in the file sites.csv.")
    distance = many.sites.set_index("site")["off_line"].abs()
    nearest = set(distance.nsmallest(n - 100).index)
    assert [row[0] for row in shown.rows] == [site for site in many.sites["site"] if site not in nearest]
    refused = company(104)
    refused["sites"]["nps"] = 3.0
    assert len(table_linkage_sites(linkage({"sites": refused["sites"]})).rows) == 100


def test_a_standing_is_stated_only_where_both_intervals_allow_it(whole) -> None:
    standings = {row[0]: row[5] for row in table_linkage_sites(whole).rows}
    for one in whole.sites.itertuples():
        assert standings[one.site].startswith("perhaps ") == (not one.certain)
    assert set(standings.values()) >= {"Both high", "perhaps both high", "perhaps only customers high"}


def test_controls_are_named_with_their_values() -> None:
    made = company()
    rng = np.random.default_rng(8)
    kinds = np.array(["mall", "street"])[rng.integers(0, 2, 40)]
    made["sites"] = made["sites"].assign(floor=rng.normal(0, 1, 40), place=kinds)
    of = shops({"floor": {"label": "Floor space"}, "place": {"label": "Kind of place", "type": "category",
                "values": {"mall": "Mall", "street": "High street"}}})  # fmt: skip
    result = linkage(made, of=of, controls=["floor", "place"])
    terms = {row[1] for row in table_linkage_model(result).rows}
    rare = pd.Series(kinds).value_counts().index[1]
    assert {"control: Floor space", f"control: Kind of place, {'Mall' if rare == 'mall' else 'High street'}"} <= terms
    assert "Held equal in partial correlations and the model: Floor space and Kind of place." in " ".join(
        method_linkage(result).paragraphs
    )


def test_whose_answers_are_counted_is_said_only_where_there_are_answers(whole) -> None:
    told = " Answers are those to each question; elsewhere a site counts with the question that fewest answered."
    assert told in table_aggregation(whole).note
    assert "fewest answered" not in table_aggregation(linkage(means_only())).note

"""The linkage as notebooks call it: what takes part, what is said of few sites, and that chance is not found."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxinsights.analysis.aggregation import r_wg_j
from cxinsights.analysis.correlations import partial, pearson, weighted
from cxinsights.analysis.intervals import wilson
from cxinsights.analysis.linkage import SCALE, fit_linkage
from cxinsights.errors import DataError
from tests.analysis.linked import ITEMS, KEY, SCORES, asked, company, fitted, means_only, owned

TABLES = (
    "associations", "items", "aggregation", "reliability", "model", "sites", "leave_one_out", "line", "summary",
)  # fmt: skip


@pytest.fixture(scope="module")
def whole():
    return fitted()


def lead(result, kind: str = "pearson") -> pd.Series:
    rows = result.associations
    return rows[(rows["correlation_kind"] == kind) & (rows["metric"] == "nps")].iloc[0]


def test_the_lead_pair_is_the_mean_of_all_items_with_the_first_score(whole) -> None:
    sites = company()["sites"]
    assert whole.status == "ok"
    found = pearson(sites[ITEMS].mean(axis=1).to_numpy(), sites["nps"].to_numpy())
    row = lead(whole)
    assert (row["item"], row["n"], row["n_customers"], row["n_employees"]) == (SCALE, 40, 2400, 400)
    assert (row["correlation"], row["ci_low"], row["p_value"]) == pytest.approx(
        (found.value, found.ci_low, found.p_value)
    )
    assert row["boot_low"] < row["correlation"] < row["boot_high"]
    assert set(whole.associations["metric"]) == set(SCORES)


def test_every_kind_of_correlation_that_the_data_allow_is_there(whole) -> None:
    kinds = ["pearson", "spearman", "weighted", "weighted_reliability", "disattenuated"]
    assert whole.associations["correlation_kind"].tolist() == kinds * 2
    assert fitted(means_only()).associations["correlation_kind"].tolist() == kinds[:3] * 2
    reliable = whole.aggregation.set_index("measure")["icc2"]
    expected = lead(whole)["correlation"] / np.sqrt(reliable[SCALE] * reliable["nps"])
    assert lead(whole, "disattenuated")["correlation"] == pytest.approx(expected)


def test_a_corrected_correlation_over_one_is_flagged_and_not_clipped() -> None:
    made = company()
    made["sites"]["nps"] = 30 * made["sites"][ITEMS].mean(axis=1)  # as closely as can be, with noise on both sides
    made["sites"].loc[0, "nps"] += 5
    result = fitted(made)
    row = lead(result, "disattenuated")
    assert row["correlation"] > 1
    assert row["over_one"]
    assert not lead(result)["over_one"]


def test_equal_numbers_of_answers_weigh_nothing(whole) -> None:
    for kind in ("weighted", "weighted_reliability"):
        assert lead(whole, kind)["correlation"] == pytest.approx(lead(whole)["correlation"])
    made = company()
    made["sites"]["n_customers"] = np.where(made["sites"]["nps"] > 10, 600, 20)
    assert lead(fitted(made), "weighted")["correlation"] != pytest.approx(lead(whole)["correlation"], abs=0.02)


def test_means_of_more_answers_weigh_by_their_reliability() -> None:
    made = company()
    made["sites"]["n_customers"] = np.where(made["sites"]["nps"] > 10, 600, 20)
    made["sites"]["n_employees"] = np.where(made["sites"]["nps"] > 20, 40, 8)
    result, sites = fitted(made), made["sites"]
    icc1 = result.aggregation.set_index("measure")["icc1_reml"]
    sure = [
        n * icc1[name] / (1 + (n - 1) * icc1[name])
        for n, name in ((sites["n_employees"], SCALE), (sites["n_customers"], "nps"))
    ]
    expected = weighted(sites[ITEMS].mean(axis=1).to_numpy(), sites["nps"].to_numpy(), (sure[0] * sure[1]).to_numpy())
    row = lead(result, "weighted_reliability")
    assert (row["correlation"], row["ci_low"]) == pytest.approx((expected.value, expected.ci_low))


def test_a_slope_is_corrected_by_how_reliable_means_are_among_the_sites_compared(whole) -> None:
    rows = whole.model[(whole.model["metric"] == "nps") & (whole.model["grouping"] == "unit")].set_index("term")
    reliability = whole.aggregation.set_index("measure").loc[SCALE, "icc2"]
    for name in ("", "_low", "_high"):
        plain = rows.loc["total", f"coef{name}" if name else "coefficient"]
        assert rows.loc["total", f"corrected{name}"] == pytest.approx(plain / reliability)
    sites = company()["sites"]
    x = sites[ITEMS].mean(axis=1)
    own = x - x.groupby([sites["region"], sites["unit"]]).transform("mean")
    within = 1 - (1 - reliability) * x.var() / (np.sum(own**2) / (40 - 4))
    assert rows.loc["within", "corrected"] == pytest.approx(rows.loc["within", "coefficient"] / within)
    assert np.isnan(rows.loc["between", "corrected"])


def test_every_item_with_every_score_is_one_family_of_tests(whole) -> None:
    frame, sites = whole.items, company()["sites"]
    assert frame[["item", "metric"]].to_numpy().tolist() == [[i, s] for i in ITEMS for s in SCORES]
    assert (frame["n_comparisons"] == 8).all()
    for row in frame.itertuples():
        assert row.correlation == pytest.approx(sites[row.item].corr(sites[row.metric]))
    order = np.argsort(frame["p_value"].to_numpy())
    by_hand = np.minimum.accumulate((frame["p_value"].to_numpy()[order] * 8 / np.arange(1, 9))[::-1])[::-1]
    assert frame["p_adjusted"].to_numpy()[order].tolist() == pytest.approx(by_hand.tolist())
    assert not frame["is_pair"].any()


def test_agreement_is_the_median_over_sites_and_the_share_that_agree(whole) -> None:
    made = company()
    at = made["employees"]["site"].to_numpy()
    uniform, skewed = (r_wg_j(made["employees"][ITEMS], at, (1, 5), null) for null in ("uniform", "skewed"))
    row = whole.aggregation.set_index("measure").loc[SCALE]
    assert (row["rwg"], row["rwg_skewed"]) == (uniform.median(), skewed.median())
    assert row["rwg_low"] <= row["rwg"] <= row["rwg_high"]
    made["employees"].loc[made["employees"]["site"] < "s010", ITEMS] = np.tile([[1.0], [5.0]], (50, 4))
    row = fitted(made).aggregation.set_index("measure").loc[SCALE]
    assert row["share_agreeing"] == 0.75
    assert (row["share_agreeing_low"], row["share_agreeing_high"]) == wilson(0.75, 40)


def test_controls_are_held_equal_in_partials_and_the_model() -> None:
    made = company()
    rng = np.random.default_rng(8)
    size, kind = rng.normal(0, 1, 40), np.array(["mall", "street"])[rng.integers(0, 2, 40)]
    made["sites"] = made["sites"].assign(size=size, kind=kind, flat=1.0)
    made["sites"]["nps"] += 30 * size
    result = fitted(made, controls=["size", "kind", "flat"])
    sites = made["sites"]
    dummy = (sites["kind"] != sites["kind"].value_counts().index[0]).astype(float)
    expected = partial(
        sites[ITEMS].mean(axis=1).to_numpy(), sites["nps"].to_numpy(), np.column_stack([sites["size"], dummy])
    )
    assert lead(result, "partial")["correlation"] == pytest.approx(expected.value)
    assert lead(result, "partial")["correlation"] > lead(result)["correlation"]
    assert "partial_spearman" in set(result.associations["correlation_kind"])
    terms = result.model[(result.model["metric"] == "nps") & (result.model["grouping"] == "unit")].set_index("term")
    rare = sites["kind"].value_counts().index[1]
    assert list(terms.index) == ["total", "size", f"kind={rare}", "within", "between"]
    assert terms.loc["size", "coef_low"] < 30 < terms.loc["size", "coef_high"]


def test_within_and_between_groups_stand_apart() -> None:
    """Inside every unit NPS rises with the mood, and units with a better mood have a lower NPS."""
    rng = np.random.default_rng(2)
    made = means_only(company(120, regions=6, units=4))
    unit = made["sites"].groupby(["region", "unit"]).ngroup().to_numpy()
    level = np.linspace(-1, 1, 24)[unit]
    mood = 3 + level + rng.normal(0, 0.3, 120)
    made["sites"] = made["sites"].assign(
        **dict.fromkeys(ITEMS, mood), nps=20 * (mood - 3 - level) - 30 * level + rng.normal(0, 3, 120)
    )
    model = fitted(made).model
    rows = model[(model["metric"] == "nps") & (model["grouping"] == "unit")].set_index("term")
    for term, slope in (("within", 20), ("between", -30)):
        assert rows.loc[term, "coef_low"] < slope < rows.loc[term, "coef_high"]
    assert (rows.loc["within", "n_groups"], rows.loc["within", "n"]) == (24, 120)
    assert rows.loc["between", "df"] < 30 < rows.loc["within", "df"]


@pytest.mark.parametrize(
    ("regions", "units", "groupings"),
    [(1, 1, {"none"}), (1, 4, {"unit"}), (4, 1, {"region"}), (2, 3, {"unit", "region"})],
)
def test_the_model_groups_sites_as_the_company_does(regions, units, groupings) -> None:
    model = fitted(means_only(company(regions=regions, units=units))).model
    assert set(model["grouping"]) == groupings
    apart = model[model["term"] == "between"]["n_groups"]
    assert (apart >= 3).all()
    assert ("between" in set(model["term"])) == (max(regions * units, regions) >= 3)


def test_under_ten_sites_are_refused_with_what_can_still_be_shown() -> None:
    result = fitted(company(9))
    assert (result.status, result.reason) == ("refused", "9 sites have answers enough of both sides, 10 needed")
    assert result.associations.empty
    assert result.items.empty
    assert result.model.empty
    assert len(result.sites) == 9
    assert len(result.aggregation) == 3
    assert fitted(company(10)).status == "ok"
    assert fitted(company(8), min_sites=5).status == "ok"


def test_small_and_hidden_sites_and_those_without_one_side_take_no_part() -> None:
    made = company()
    sites = made["sites"]
    sites.loc[0, "n_customers"] = 9
    sites.loc[1, "n_employees"] = 4
    sites.loc[2, "hidden"] = True
    sites.loc[3, "nps"] = np.nan
    result = fitted(made)
    row = result.summary.iloc[0]
    assert row[["n_sites", "n", "n_small", "n_hidden", "n_incomplete"]].tolist() == [40, 36, 2, 1, 1]
    kept = sites.iloc[4:]
    assert lead(result)["correlation"] == pytest.approx(kept[ITEMS].mean(axis=1).corr(kept["nps"]))
    assert lead(result)["n"] == 36
    out = ~result.sites["takes_part"]
    assert result.sites.loc[out, "site"].tolist() == sites.loc[:3, "site"].tolist()
    looser = fitted(made, min_customers=9, min_employees=4)
    assert lead(looser)["n"] == 38


def test_no_figure_over_all_sites_tells_of_a_site_that_is_not_shown() -> None:
    """Whatever the hidden site's answers are, every figure but its own row stays what it is."""
    one, other = company(), company()
    for made, score in ((one, 99.0), (other, -99.0)):
        here = {name: made[name]["site"] == "s005" for name in ("sites", "employees", "customers")}
        made["sites"].loc[here["sites"], "hidden"] = True
        made["sites"].loc[here["sites"], ["nps", *ITEMS]] = score
        made["customers"].loc[here["customers"], "nps"] = score
        made["employees"].loc[here["employees"], ITEMS[0]] = 5.0 if score > 0 else 1.0
    left, right = fitted(one), fitted(other)
    for name in set(TABLES) - {"sites"}:
        assert_frame_equal(getattr(left, name), getattr(right, name))
    shown = [frame.sites[~frame.sites["hidden"]].reset_index(drop=True) for frame in (left, right)]
    assert_frame_equal(*shown)
    assert len(shown[0]) == 39


def test_a_site_whose_employees_all_gave_one_answer_is_hidden() -> None:
    made = company()
    made["employees"].loc[made["employees"]["site"] == "s004", "mood_2_item"] = 4.0
    hidden = fitted(made).sites.set_index("site")["hidden"]
    assert hidden[hidden].index.tolist() == ["s004"]
    at_the_end = {**means_only(), "item_range": (1.0, 5.0)}
    at_the_end["sites"].loc[7, "mood_1_item"] = 5.0
    hidden = fitted(at_the_end).sites.set_index("site")["hidden"]
    assert hidden[hidden].index.tolist() == [at_the_end["sites"].loc[7, "site"]]


def test_a_score_missing_at_some_sites_costs_only_its_own_correlations() -> None:
    made = company()
    made["sites"].loc[:4, "csat_mean"] = np.nan
    made["sites"].loc[0, "mood_1_item"] = np.nan
    rows = fitted(made).items.set_index(["item", "metric"])["n"]
    assert rows[("mood_2_item", "nps")] == 40
    assert rows[("mood_1_item", "nps")] == 39
    assert rows[("mood_2_item", "csat_mean")] == 35
    assert lead(fitted(made))["n"] == 39


def test_without_individual_answers_what_cannot_be_computed_is_said() -> None:
    assert fitted().not_computed == ()
    assert fitted({**company(), "item_range": None}).not_computed == ("agreement",)
    result = fitted(means_only())
    assert result.not_computed == ("agreement", "reliability", "employee_intervals", "customer_intervals")
    assert result.reliability.empty
    assert result.aggregation[["icc1", "icc2", "sd_between", "rwg"]].isna().all(axis=None)
    assert result.aggregation["sd_observed"].notna().all()
    assert result.aggregation.set_index("measure")["n_employees"].to_dict() == {SCALE: 400, "nps": 0, "csat_mean": 0}
    assert result.sites[["employee_low", "customer_high"]].isna().all(axis=None)
    assert not result.sites["certain"].any()


def parallel(n: int = 60, seed: int = 4) -> pd.DataFrame:
    """Site columns that see the same two things from both sides; the second of scores goes with the first of items."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(6, 1, n), rng.normal(6, 1, n)
    return pd.DataFrame({
        "region": "town", "unit": [f"d{i % 5}" for i in range(n)], "site": [f"s{i:03}" for i in range(n)],
        "n_customers": 50, "n_employees": 20, "safe_staff": a, "talk_staff": b,
        "safe_parents": a + rng.normal(0, 1, n), "talk_parents": b + rng.normal(0, 1, n),
    })  # fmt: skip


def test_parallel_lists_lead_with_their_pairs() -> None:
    lists = {"items": ["safe_staff", "talk_staff"], "scores": ["safe_parents", "talk_parents"]}
    result = fit_linkage(parallel(), asked(**lists))
    assert result.parallel
    plain = result.associations[result.associations["correlation_kind"] == "pearson"]
    assert plain[["item", "metric"]].to_numpy().tolist() == [["safe_staff", "safe_parents"],
                                                             ["talk_staff", "talk_parents"]]  # fmt: skip
    assert result.items["is_pair"].tolist() == [True, False, False, True]
    drawn = result.sites.set_index("site")[["employee_score", "customer_score"]].sort_index()
    assert drawn.to_numpy().tolist() == parallel()[["safe_staff", "safe_parents"]].to_numpy().tolist()
    assert (plain["n_comparisons"] == 2).all()
    scores = {"nps": parallel()["safe_parents"], "csat": parallel()["talk_parents"]}
    assert not fit_linkage(parallel().assign(**scores), asked(items=lists["items"], scores=[*scores])).parallel


def test_a_units_report_places_its_own_sites_and_names_no_others() -> None:
    made = company()
    result, whole = fitted(owned(made, "r1", "u0"), region="r1", unit="u0"), fitted(made)
    assert_frame_equal(result.associations, whole.associations)  # among all sites of the company
    own = result.sites[result.sites["own"]]
    assert set(own["unit"]) == {"u0"}
    assert set(own["region"]) == {"r1"}
    for frame in (result.sites, result.leave_one_out):
        assert (frame.loc[~frame["own"], KEY] == "").all(axis=None)
    assert result.summary[["n_own", "n_own_part"]].to_numpy().tolist() == [[10, 10]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.head(0), "no site has answers in this period"),
        (lambda f: f.assign(mood_1_item=np.nan), "no site has answers of employees in this period"),
        (lambda f: f.assign(nps=np.nan), "no site has answers of customers in this period"),
        (lambda f: f.assign(n_customers=3), "no site has answers enough of both sides"),
    ],
)
def test_nothing_to_link_is_a_result(change, reason) -> None:
    made = company()
    result = fitted({**made, "sites": change(made["sites"])})
    assert (result.status, result.reason) == ("no_data", reason)
    assert result.associations.empty


def test_a_side_that_never_varies_is_refused_by_its_name() -> None:
    made = means_only()
    result = fitted({"sites": made["sites"].assign(nps=40.0)})
    assert (result.status, result.reason) == ("refused", "nps is the same at every site: nothing can go with it")
    flat = fitted({"sites": made["sites"].assign(**dict.fromkeys(ITEMS, 3.0))})
    assert flat.reason == "all_items is the same at every site: nothing can go with it"


def test_an_unknown_column_names_the_nearest_and_text_is_not_quoted() -> None:
    sites = company()["sites"]
    with pytest.raises(DataError) as error:
        fit_linkage(sites, asked(items=["mood_1_itm"]))
    assert str(error.value) == (
        "linkage: unknown column 'mood_1_itm'. Did you mean 'mood_1_item'? Known: region, unit, site, mood_1_item, "
        "mood_2_item, mood_3_item, mood_4_item, nps, csat_mean, n_customers, n_employees, own, hidden."
    )
    with pytest.raises(DataError) as error:
        fit_linkage(sites.assign(nps="the branch by the river"), asked())
    assert str(error.value) == (
        "linkage: nps holds text, not numbers. Known: mood_1_item, mood_2_item, mood_3_item, mood_4_item, csat_mean, "
        "n_customers, n_employees, own, hidden."
    )


def test_the_same_seed_gives_the_same_bytes_in_any_order_of_rows() -> None:
    made = company()
    shuffled = {**made, **{
        name: made[name].sample(frac=1, random_state=3) for name in ("sites", "employees", "customers")
    }}  # fmt: skip
    one, two, again, other = fitted(made), fitted(made), fitted(shuffled), fitted(made, seed=8)
    for name in TABLES:
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)
        assert_frame_equal(getattr(one, name), getattr(again, name))
    assert lead(one)["boot_low"] != lead(other)["boot_low"]


def test_what_is_given_is_not_changed() -> None:
    made, before = company(), company()
    fitted(made)
    for name in ("sites", "employees", "customers"):
        assert_frame_equal(made[name], before[name])

"""The segmentation as notebooks call it: the company's own, a unit's, refusals, and the planted truth."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.metrics import adjusted_rand_score

from cxinsights.analysis.results import published_tables
from cxinsights.analysis.segment_inputs import transformed
from cxinsights.analysis.segmentation import SegmentationResult, fit_segmentation
from cxinsights.analysis.typing_rules import assign_by_rules
from cxinsights.data.demo.company import make_customers, make_sites
from cxinsights.data.demo.truth import read_truth
from cxinsights.errors import DataError, LeakError, ParamsError
from cxinsights.params import SegmentationParams
from cxinsights.report.cache import remember
from cxinsights.schemas.columns import result_columns

INPUTS = ["visits_per_month", "digital_share"]


def params(**changes) -> SegmentationParams:
    asked = {
        "study": "shops", "period": "2026Q3", "region": "_all", "unit": "_all", "inputs": INPUTS,
        "held_out": ["nps_answer", "value"], "k_min": 2, "k_max": 3, "n_boot": 10, "min_customers": 100,
    }  # fmt: skip
    return SegmentationParams(**{**asked, **changes})


def customers(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Three clear segments, often, digital and neither, in two units; the largest spends most."""
    rng = np.random.default_rng(seed)
    of = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "region": "shops",
            "unit": np.where(np.arange(n) % 3, "north", "south"),
            "visits_per_month": np.exp(rng.normal([0, 0, 2], 0.25, (n, 3))[np.arange(n), of]),
            "digital_share": np.clip(rng.normal([0.8, 0.2, 0.8], 0.06, (n, 3))[np.arange(n), of], 0, 1),
            "nps_answer": np.where(rng.random(n) < 0.4, rng.integers(0, 11, n), np.nan),
            "value": rng.gamma(2, [100, 50, 20], (n, 3))[np.arange(n), of],
            "planted": of,
        }
    )


@pytest.fixture(scope="module")
def company() -> SegmentationResult:
    return fit_segmentation(customers(), params())


def of_company(result: SegmentationResult) -> dict[str, pd.DataFrame]:
    names = ("segments", "choice", "rules", "inputs", "summary")
    return {"company": result.members, **{f"company_{name}": getattr(result, name) for name in names}}


def test_clear_segments_are_found_named_and_called_natural(company) -> None:
    assert (company.status, company.of_company) == ("ok", True)
    assert company.summary["n_segments"].item() == 3
    assert adjusted_rand_score(customers()["planted"], company.members["segment"]) > 0.97
    rows = company.segments.set_index("segment")
    assert rows["n"].is_monotonic_decreasing
    assert rows["traits"].to_dict() == {
        "A": "high digital_share; low visits_per_month",
        "B": "low digital_share; low visits_per_month",
        "C": "high visits_per_month; high digital_share",
    }
    assert set(rows["verdict"]) == {"natural"}
    assert set(rows["standing"]) == {"stable"}
    assert company.choice.loc[company.choice["chosen"], "k"].tolist() == [3]


def test_skewed_counts_are_logged_and_said_so(company) -> None:
    assert company.inputs["transform"].to_dict() == {0: "log", 1: "as_is"}
    assert company.inputs["skewness"][0] > 1
    frame = customers().assign(visits_per_month=lambda f: f["visits_per_month"] - 5)  # below zero: no logarithm
    below = fit_segmentation(frame, params())
    assert below.inputs["transform"].tolist() == ["rank", "as_is"]
    assert below.inputs["skewness"].tolist() == pytest.approx(company.inputs["skewness"].tolist())
    ranks = transformed(pd.Series([5.0, np.nan, 1.0, 3.0]), "rank")
    assert ranks[[0, 2, 3]] == pytest.approx([0.967422, -0.967422, 0], abs=1e-6)  # normal quantiles of 5/6, 1/6, 3/6
    assert np.isnan(ranks[1])


def test_every_table_has_its_base_and_known_columns(company) -> None:
    unit = fit_segmentation(
        customers().query("unit == 'north'"), params(), previous=company.members, **of_company(company)
    )
    known = result_columns()
    for name, how in published_tables(unit).items():
        frame = getattr(unit, name)
        assert len(frame), name
        assert how.base in frame
        assert set(frame) - {"hidden"} <= known, name
        assert set(how.keep) <= set(frame)
        assert not {"customer_id"} & set(frame)


def test_the_same_customers_give_the_same_bytes_and_are_left_as_they_were(company) -> None:
    frame = customers()
    before = frame.copy()
    again = fit_segmentation(frame, params())
    assert_frame_equal(frame, before)
    for name in ("segments", "profiles", "held_out", "choice", "rules", "members"):
        assert_frame_equal(getattr(again, name), getattr(company, name), check_exact=True)


def test_a_result_survives_the_cache(company, tmp_path) -> None:
    for _ in range(2):
        kept = remember(tmp_path, fit_segmentation, customers(), params())
        assert kept.left_out == ()
        assert_frame_equal(kept.segments, company.segments)
        assert_frame_equal(kept.members, company.members)


def test_customers_without_every_input_are_counted_and_left_out() -> None:
    frame = customers()
    frame.loc[:49, "digital_share"] = np.nan
    result = fit_segmentation(frame, params())
    assert result.summary[["n", "n_eligible", "n_missing"]].iloc[0].tolist() == [550, 600, 50]
    assert result.inputs.set_index("variable")["n_missing"].to_dict() == {"visits_per_month": 0, "digital_share": 50}
    assert not set(frame["customer_id"][:50]) & set(result.members["customer_id"])


def test_latent_classes_keep_customers_with_any_answer() -> None:
    rng = np.random.default_rng(3)
    of = rng.integers(0, 2, 400)
    items = {f"item_{j}": np.where(rng.random(400) < [0.9, 0.1][j % 2] + of * [-0.8, 0.8][j % 2], "yes", "no")
             for j in range(6)}  # fmt: skip
    frame = pd.DataFrame(items).mask(rng.random((400, 6)) < 0.1).assign(customer_id=range(400))
    frame.loc[0, list(items)] = np.nan
    result = fit_segmentation(frame, params(method="latent_class", inputs=[*items], held_out=[], k_max=3, n_boot=10))
    assert result.summary[["n", "n_missing"]].iloc[0].tolist() == [399, 1]
    assert result.choice["criterion"].unique().tolist() == ["bic"]
    assert result.summary["n_segments"].item() == 2
    assert adjusted_rand_score(of[1:], result.members["segment"]) > 0.9
    assert (result.profiles["n"] < 399).all()  # shares are of those who answered


def test_mixed_columns_make_segments_too() -> None:
    frame = customers(400).assign(channel=lambda f: np.where(f["planted"] == 2, "site", "app"))
    result = fit_segmentation(frame, params(method="kprototypes", inputs=[*INPUTS, "channel"], k_max=3))
    assert adjusted_rand_score(frame["planted"], result.members["segment"]) > 0.95
    assert "mostly channel = site" in result.segments.set_index("segment")["traits"]["C"]


def orders(n: int = 400, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    count = rng.poisson(3, n) + 1
    return pd.DataFrame(
        {
            "customer_id": range(n), "recency_days": rng.integers(1, 400, n), "n_orders": count,
            "order_amount": count * rng.gamma(3, 20, n),
        }
    )  # fmt: skip


RFM = {"method": "rfm", "inputs": ["recency_days", "n_orders", "order_amount"], "held_out": []}


def test_stated_ranges_are_constructed_whatever_comes_back() -> None:
    result = fit_segmentation(orders(), params(**RFM))
    assert set(result.segments["verdict"]) == {"constructed"}
    assert result.segments["traits"].tolist()[0] == "champions"
    assert result.choice[["k", "criterion"]].iloc[0].tolist() == [8, "stated"]
    assert result.segments["n"].sum() == 400
    assert result.segments["value_share"].sum() == pytest.approx(1)


def test_no_more_segments_are_tried_than_customers_differ_in() -> None:
    columns = {"visits_per_month": lambda f: 1.0 * (f.index % 2), "digital_share": lambda f: 1.0 * (f.index % 3 > 0)}
    alike = customers().assign(**columns)
    assert fit_segmentation(alike, params(k_max=7)).choice["k"].tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("frame", "changes", "status", "reason"),
    [
        (customers(600).head(0), {}, "no_data", "no customers in this period"),
        (customers(600).head(99), {}, "too_few", "99 customers with every input, 100 needed"),
        (customers().assign(visits_per_month=1.0, digital_share=0.5), {}, "refused",
         "every input is the same for all customers"),
        (customers().assign(visits_per_month=lambda f: 1.0 * (f.index % 2), digital_share=0.5), {"k_min": 3}, "refused",
         "3 segments need customers who differ in as many ways, and there are 2"),
        (customers(), {"inputs": ["visits_per_month", "unit"]}, "refused",
         "kmeans needs numbers, and unit holds categories"),
        (customers(), {"method": "kprototypes"}, "refused",
         "kprototypes needs both numbers and categories among the inputs"),
        (customers(), {"method": "latent_class"}, "refused",
         "visits_per_month has 600 values, and a category may have 12"),
        (customers().assign(value=lambda f: 3 * f["visits_per_month"]), {}, "refused",
         "visits_per_month correlates 1.00 with value, which is held out: it measures the same"),
        (orders().assign(recency_days=lambda f: f["recency_days"] % 60), RFM, "refused",
         "last orders reach back 59 days, 90 needed"),
        (orders().assign(n_orders=lambda f: 1 + (f.index < 40)), RFM, "refused",
         "10% of customers ordered more than once, 20% needed to score how often"),
    ],
    ids=["none", "few", "constant", "two ways", "text", "no text", "many values", "leak", "short", "no repeats"],
)  # fmt: skip
def test_what_cannot_be_segmented_is_refused_with_its_reason(frame, changes, status, reason) -> None:
    result = fit_segmentation(frame, params(**changes))
    assert (result.status, result.reason) == (status, reason)
    assert result.segments.empty
    assert result.members.empty
    assert result.summary[["n", "n_eligible"]].iloc[0].tolist() == [0, len(frame)]


def test_a_constant_input_is_left_out_and_named() -> None:
    result = fit_segmentation(customers().assign(fee=1.0), params(inputs=[*INPUTS, "fee"]))
    assert (result.status, result.left_out) == ("ok", ("fee",))
    assert result.inputs["variable"].tolist() == INPUTS


def test_scores_explained_elsewhere_make_no_segments() -> None:
    with pytest.raises(LeakError) as info:
        fit_segmentation(customers(), params(inputs=["nps_answer", "visits_per_month"], held_out=[]))
    assert str(info.value) == (
        "segmentation: nps_answer cannot make segments, since segments are compared by it. Take it off the inputs; it "
        "may be held out."
    )


def test_wrong_tables_are_errors_that_name_no_customer() -> None:
    with pytest.raises(DataError) as info:
        fit_segmentation(customers().drop(columns="digital_share"), params())
    assert str(info.value) == (
        "segmentation: unknown column 'digital_share'. Known: customer_id, region, unit, visits_per_month, nps_answer, "
        "value, planted."
    )
    with pytest.raises(DataError) as info:
        fit_segmentation(pd.concat([customers(), customers().head(2)]), params())
    assert str(info.value) == "segmentation: 2 customers stand in the table more than once; it needs one row each."


def test_rfm_is_asked_of_its_three_figures() -> None:
    with pytest.raises(ParamsError) as info:
        SegmentationParams.from_cell({**params().model_dump(), "method": "rfm"})
    assert str(info.value).endswith(
        "rfm scores recency_days, n_orders and order_amount; inputs are visits_per_month, digital_share"
    )


def test_a_unit_is_shown_the_companys_segments_among_its_own_customers(company) -> None:
    frame = customers()
    here = frame[frame["unit"] == "north"]
    unit = fit_segmentation(here, params(region="shops", unit="north"), **of_company(company))
    assert (unit.status, unit.of_company) == ("ok", False)
    expected = company.members[company.members["customer_id"].isin(here["customer_id"])]
    assert unit.members["segment"].tolist() == expected["segment"].tolist()
    assert unit.segments["n"].tolist() == expected["segment"].value_counts().sort_index().tolist()
    assert unit.segments["traits"].tolist() == company.segments["traits"].tolist()
    assert unit.segments["jaccard"].tolist() == company.segments["jaccard"].tolist()
    assert unit.summary["n"].item() == 400
    assert unit.summary["agreement"].item() == company.summary["agreement"].item()
    row = unit.mix.set_index("segment").loc["A"]
    assert (row["n"], row["n_compare"]) == (400, 200)
    rest = company.members[~company.members["customer_id"].isin(here["customer_id"])]
    assert row["share_rest"] == pytest.approx((rest["segment"] == "A").mean())
    assert company.mix.empty
    held_out = unit.held_out.set_index(["variable", "segment"])
    own = here["value"][(unit.members["segment"] == "A").to_numpy()]
    assert held_out.loc[("value", "A"), "score"] == pytest.approx(own.mean())


def test_a_unit_without_a_segment_keeps_its_row(company) -> None:
    here = customers()[(company.members["segment"] != "C").to_numpy()]
    unit = fit_segmentation(here, params(unit="north"), **of_company(company))
    assert unit.segments.set_index("segment").loc["C", ["n", "share"]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("members", "status", "reason"),
    [
        (slice(0), "refused", "the company has no segments in this period"),
        (slice(300, None), "no_data", "none of the company’s segmented customers are here"),
    ],
)
def test_a_unit_the_company_says_nothing_of_is_told_so(company, members, status, reason) -> None:
    given = of_company(company)
    given["company"] = given["company"].iloc[members]
    unit = fit_segmentation(customers().head(200), params(unit="north"), **given)
    assert (unit.status, unit.reason) == (status, reason)
    assert unit.segments.empty


def test_letters_follow_the_period_before_and_moves_are_counted() -> None:
    blur = np.random.default_rng(7).normal(0, 0.1, 600)
    frame = customers().assign(digital_share=lambda f: f["digital_share"] + blur)
    then = fit_segmentation(frame, params())
    new = {"A": "C", "B": "A", "C": "B"}
    before = then.members.assign(segment=then.members["segment"].map(new))
    now = fit_segmentation(frame, params(), previous=before)
    assert now.members["segment"].tolist() == before["segment"].tolist()
    stays = now.migration[now.migration["segment_before"] == now.migration["segment"]]
    assert (stays["share"] == 1).all()
    columns = ["n", "traits", "jaccard"]
    expected = then.segments.assign(segment=then.segments["segment"].map(new)).set_index("segment")[columns]
    assert_frame_equal(now.segments.set_index("segment")[columns], expected.sort_index())
    assert expected["jaccard"].nunique() == 3


def test_a_segment_too_small_to_show_takes_another_with_it(company) -> None:
    of = company.members["segment"].to_numpy()
    few = pd.concat([customers()[of != "C"], customers()[of == "C"].head(6)])
    unit = fit_segmentation(few, params(unit="north"), **of_company(company))
    hidden = unit.profiles.groupby("segment")["hidden"].all()
    assert unit.segments.set_index("segment")["n"]["C"] == 6
    assert hidden.to_dict() == {"A": False, "B": True, "C": False}  # C by its base, B so that C does not follow


def test_the_rules_type_the_companys_own_customers(company) -> None:
    typed = assign_by_rules(customers(), company.rules)
    assert (typed.to_numpy() == company.members["segment"].to_numpy()).mean() > 0.95
    assert company.summary["agreement_low"].item() > 0.9


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_planted_segments_of_the_demo_company_are_recovered(seed) -> None:
    """1,500 of its customers, drawn by seed: four natural segments, adjusted Rand index with the planted ones 0.75.

    The planted segments overlap: whole, with 42,460 customers, the index is 0.749.
    """
    truth = read_truth()
    everyone = make_customers(truth, make_sites(truth))
    frame = everyone.sample(1500, random_state=seed).reset_index(drop=True)
    inputs = ["visits_per_month", "digital_share", "products_held"]
    result = fit_segmentation(frame, params(inputs=inputs, held_out=["value"], k_min=3, k_max=5))
    assert result.summary["n_segments"].item() == 4
    assert result.segments["verdict"].unique().tolist() == ["natural"]
    assert adjusted_rand_score(frame["segment"], result.members["segment"]) == pytest.approx(0.75, abs=0.04)

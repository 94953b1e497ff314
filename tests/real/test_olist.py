"""The marketplace's reviewed orders, against the published file."""

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest

from cxinsights.analysis.funnel import fit_funnel
from cxinsights.data.manifest import known_periods
from cxinsights.data.tables import read_table
from cxinsights.params import ALL, resolve
from cxinsights.report.source import open_source

TIMES = {
    "purchase": "order_purchase_timestamp",
    "approved": "order_aproved_at",
    "delivered": "order_delivered_customer_date",
    "reviewed": "review_answer_timestamp",
}


@pytest.fixture(scope="module")
def published(shared_data: Path, marketplace) -> list[dict[str, str]]:
    """The file's lines, as the standard library reads them."""
    with gzip.open(shared_data / "olist/orders_reviews.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def orders(published) -> dict[str, dict[str, str]]:
    """The first line of each order, by its id."""
    first = {}
    for row in published:
        same = tuple(row[name] for name in (*TIMES.values(), "customer_zip_code_prefix", "review_comment_message"))
        first.setdefault(same, row)
    return {row["id"]: row for row in first.values()}


@pytest.fixture(scope="module")
def events(marketplace) -> pd.DataFrame:
    return read_table(marketplace.project, marketplace.study, "events")


@pytest.fixture(scope="module")
def reviews(marketplace) -> pd.DataFrame:
    return read_table(marketplace.project, marketplace.study, "responses")


def is_late(row: dict[str, str]) -> bool:
    """Both times are written alike, so that text compares as time does; a blank is no delivery."""
    return row[TIMES["delivered"]] > row["order_estimated_delivery_date"]


def mean(rows: list[dict[str, str]]) -> float:
    return sum(int(row["review_score"]) for row in rows) / len(rows)


def test_an_order_of_several_products_is_one(marketplace, published, orders) -> None:
    assert (len(published), len(orders)) == (3584, 3217)
    for name in ("responses", "events"):
        table = marketplace.manifest["tables"][name]
        assert (table["rows"], table["kept"], table["left_out"], table["rejected"]) == (3584, 3217, 367, 0)


def test_each_time_is_an_event_and_undelivered_orders_have_none(marketplace, published, orders, events) -> None:
    assert sum(not row[TIMES["delivered"]] for row in published) == 117
    undelivered = [row for row in orders.values() if not row[TIMES["delivered"]]]
    stages = marketplace.manifest["tables"]["events"]["stages"]
    assert {name: counts["blank"] for name, counts in stages.items()} == {
        "purchase": 0, "approved": 0, "delivered": len(undelivered), "reviewed": 0,
    }  # fmt: skip
    assert len(undelivered) == 114
    told = {
        (order, stage): pd.Timestamp(row[header][:26].removesuffix("+00:00"))
        for order, row in orders.items()
        for stage, header in TIMES.items()
        if row[header]
    }
    kept = events.set_index(["customer_id", "stage"])["occurred_at"]
    assert kept.to_dict() == told


def test_units_are_the_regions_of_brazil(events, orders) -> None:
    assert set(events.groupby("state")["unit"].nunique()) == {1}
    assert set(events["state"]) == {row["customer_state"] for row in orders.values()}
    south = events.loc[events["unit"] == "south", "state"].unique()
    assert sorted(south) == ["PR", "RS", "SC"]


def test_reviews_have_the_published_scores(reviews, orders) -> None:
    assert reviews.set_index("response_id")["csat_score"].to_dict() == {
        order: int(row["review_score"]) for order, row in orders.items()
    }
    assert set(reviews["survey"]) == {"transactional"}


def test_late_orders_score_lower(published, orders, reviews) -> None:
    """By line as published 10.6% are late, 2.08 against 3.69. Orders that stand on several lines are counted once."""
    late = [row for row in published if is_late(row)]
    assert round(100 * len(late) / len(published), 1) == 10.6
    assert round(mean(late), 2) == 2.08
    assert round(mean([row for row in published if not is_late(row)]), 2) == 3.69

    came_late = reviews["delivered_at"] > reviews["promised_on"]
    by_order = [row for row in orders.values() if is_late(row)]
    assert came_late.sum() == len(by_order)
    assert reviews.loc[came_late, "csat_score"].mean() == pytest.approx(mean(by_order))
    assert reviews.loc[~came_late, "csat_score"].mean() == pytest.approx(
        mean([row for row in orders.values() if not is_late(row)])
    )
    assert round(100 * came_late.mean(), 1) == 11.2
    assert round(reviews.loc[came_late, "csat_score"].mean(), 2) == 2.08
    assert round(reviews.loc[~came_late, "csat_score"].mean(), 2) == 3.78


def test_what_the_study_says_of_its_orders(marketplace, events) -> None:
    """Counts named in the comments of its params."""
    at = {stage: of.set_index("customer_id")["occurred_at"] for stage, of in events.groupby("stage")}
    days = (at["reviewed"] - at["purchase"]) / pd.Timedelta(days=1)
    assert 47 < days.quantile(0.99) < 49
    came = at["delivered"]
    assert (at["reviewed"].reindex(came.index) < came).sum() == 282
    assert round(len(came) / 282) == 11
    params = resolve(marketplace.study, "funnel", "2018H1")
    assert params.steps == list(TIMES)
    assert str(events["occurred_at"].max())[:10] == "2018-05-09" == str(marketplace.study.cutoff)
    assert known_periods(marketplace.project, marketplace.study) == ["2017H1", "2017H2", "2018H1"]


@pytest.mark.parametrize("place", [(ALL, ALL), ("olist", "south")], ids=["company", "south"])
def test_the_funnel_loses_only_orders_that_were_not_delivered_in_time(marketplace, orders, place) -> None:
    source = open_source(resolve(marketplace.study, "funnel", "2017H2", *place), marketplace.project)
    steps = source.guard(source.fit(fit_funnel)).steps.set_index("step")["n_reached"]
    own = [row for row in orders.values() if place[1] == ALL or row["customer_state"] in ("PR", "RS", "SC")]
    told = pd.DataFrame({stage: pd.to_datetime([row[name][:19] for row in own]) for stage, name in TIMES.items()})
    told = told[told["purchase"].between("2017-07-01", "2017-12-31 23:59:59")]
    in_time = told["delivered"] <= told["purchase"] + pd.Timedelta(days=60)
    reviewed = told["reviewed"] <= told["purchase"] + pd.Timedelta(days=60)
    assert steps.to_dict() == {
        "purchase": len(told),
        "approved": len(told),
        "delivered": in_time.sum(),
        "reviewed": (in_time & reviewed).sum(),
    }


def test_the_scorecard_has_the_review_score_of_each_region(marketplace, reviews) -> None:
    params = resolve(marketplace.study, "scorecard", "2017H2")
    scores = open_source(params, marketplace.project).baseline.scores
    units = scores[(scores["level"] == "unit") & (scores["metric"] == "csat") & (scores["period"] == "2017H2")]
    satisfied = (
        reviews[reviews["period"] == "2017H2"].groupby("unit")["csat_score"].agg(lambda stars: (stars >= 4).mean())
    )
    assert units.set_index("unit")["score"].to_dict() == pytest.approx(satisfied.to_dict())

"""The gift shop's invoices, against the published lines."""

import pandas as pd
import pytest

from cxinsights.analysis.segmentation import fit_segmentation
from cxinsights.data.manifest import known_periods
from cxinsights.data.tables import read_table
from cxinsights.params import resolve
from cxinsights.report.source import Source, open_source


@pytest.fixture(scope="module")
def published(shared_data, gift_shop) -> pd.DataFrame:
    return pd.read_parquet(shared_data / "online_retail/online_retail.parquet")


@pytest.fixture(scope="module")
def lines(published) -> pd.DataFrame:
    """The lines that the study is about."""
    cancelled = published["InvoiceNo"].str.startswith("C")
    kept = published[published["CustomerID"].notna() & ~cancelled & (published["Country"] != "Unspecified")]
    return kept.drop_duplicates()


@pytest.fixture(scope="module")
def orders(gift_shop) -> pd.DataFrame:
    return read_table(gift_shop.project, gift_shop.study, "orders")


def test_lines_left_out_are_counted_by_reason(gift_shop, published, lines) -> None:
    table = gift_shop.manifest["tables"]["orders"]
    assert {rule["reason"]: rule["rows"] for rule in table["left_out_reasons"]} == {
        "no customer": 135_080,
        "cancellation": 9_288,
        "country not given": 446,
        "the same line twice": 5_268,
    }
    assert (table["rows"], table["kept"], table["rejected"]) == (541_909, len(lines), 0)
    assert table["left_out"] == len(published) - len(lines)


def test_an_order_is_worth_its_lines(orders, lines) -> None:
    worth = (lines["Quantity"] * lines["UnitPrice"]).groupby(lines["InvoiceNo"]).sum()
    assert orders["order_id"].is_unique
    pd.testing.assert_series_equal(orders.set_index("order_id")["amount"].sort_index(), worth, check_names=False)
    first = lines.groupby("InvoiceNo")["InvoiceDate"].min()
    assert (orders.set_index("order_id")["ordered_at"].sort_index().to_numpy() == first.to_numpy()).all()


def test_customers_and_countries_are_the_published_ones(gift_shop, orders, lines) -> None:
    assert set(orders["customer_id"]) == {str(int(customer)) for customer in lines["CustomerID"]}
    abroad = lines.loc[lines["Country"] != "United Kingdom", "InvoiceNo"].nunique()
    assert (orders["unit"] != "uk").sum() == abroad
    assert gift_shop.manifest["tables"]["orders"]["in_table"] == lines["InvoiceNo"].nunique() == len(orders)


def test_segments_are_made_of_recency_frequency_and_amount(gift_shop) -> None:
    params = resolve(gift_shop.study, "segmentation", "2011Q4")
    assert params.method == "rfm"
    assert params.inputs == ["recency_days", "n_orders", "order_amount"]
    assert known_periods(gift_shop.project, gift_shop.study)[-1] == "2011Q4"


@pytest.fixture(scope="module")
def company(gift_shop) -> Source:
    return open_source(resolve(gift_shop.study, "segmentation", "2011Q4"), gift_shop.project)


def test_customers_are_as_the_last_day_left_them(company, lines) -> None:
    rows = company.rows.set_index("customer_id").sort_index()
    by_customer = lines.assign(worth=lines["Quantity"] * lines["UnitPrice"]).groupby("CustomerID")
    last = by_customer["InvoiceDate"].max().dt.normalize()
    assert list(rows.index) == [str(int(customer)) for customer in last.index]
    assert rows["recency_days"].to_numpy() == pytest.approx((pd.Timestamp("2011-12-09") - last).dt.days.to_numpy())
    assert rows["n_orders"].to_numpy() == pytest.approx(by_customer["InvoiceNo"].nunique().to_numpy())
    assert rows["order_amount"].to_numpy() == pytest.approx(by_customer["worth"].sum().to_numpy())


def test_every_customer_has_a_segment_and_a_unit_those_of_the_company(gift_shop, company, orders) -> None:
    whole = company.guard(company.fit(fit_segmentation))
    assert (whole.status, whole.segments["n"].sum()) == ("ok", orders["customer_id"].nunique())
    params = resolve(gift_shop.study, "segmentation", "2011Q4", "online-retail", "europe")
    source = open_source(params, gift_shop.project)
    europe = source.guard(source.fit(fit_segmentation))
    place = orders.sort_values("ordered_at", kind="stable").groupby("customer_id")["unit"].last()
    assert europe.segments["n"].sum() == (place == "europe").sum()
    assert set(europe.segments["segment"]) <= set(whole.segments["segment"])

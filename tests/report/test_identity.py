"""A report's name leads to its folder, and the links of its page to the reports they name."""

import os.path
from dataclasses import replace
from pathlib import Path

import pytest

from cxinsights.params import ALL, DriversParams, ScorecardParams, Study
from cxinsights.report.identity import ReportId
from tests.small import STUDY, small_study

REGIONS = STUDY[: STUDY.index("units:")].replace("      unit: unit\n", "      unit: unit\n      region: region\n")
EMEA = "label: EMEA\nunits: {retail: {label: Retail}, bank: {label: Bank}}\n"


@pytest.fixture(scope="module")
def one_region(tmp_path_factory) -> Study:
    return small_study(tmp_path_factory.mktemp("one"))[1]


@pytest.fixture(scope="module")
def two_regions(tmp_path_factory) -> Study:
    apac = "label: Asia-Pacific\nunits: {retail: {label: Retail}}\n"
    return small_study(tmp_path_factory.mktemp("two"), REGIONS, emea=EMEA, apac=apac)[1]


def led_to(report: ReportId, study: Study, is_made=lambda _: True) -> list[tuple[str, str]]:
    """Names of the crumbs, and the file under the outputs that each link leads to."""
    folder = report.folder(Path("/outputs")).as_posix()
    crumbs = report.crumbs(study, is_made)
    return [(name, os.path.normpath(f"{folder}/{link}") if link else "") for name, link in crumbs]


def test_params_name_their_report() -> None:
    asked = {"study": "shops", "period": "2026Q3", "region": "emea", "unit": "retail"}
    scorecard = ReportId.of(ScorecardParams(**asked))
    assert scorecard == ReportId("shops", "2026Q3", "emea", "retail", "scorecard")
    assert ReportId.of(DriversParams(**asked, drivers=["wait_rating"])).path == "shops/2026Q3/emea/retail/drivers"
    assert scorecard.folder(Path("out")) == Path("out/shops/2026Q3/emea/retail/scorecard")


def test_a_folder_names_its_report_and_no_other_folder_does() -> None:
    report, out = ReportId("shops", "2026Q3", "emea", ALL, "drivers"), Path("out")
    assert ReportId.from_folder(report.folder(out), out) == report
    for other in ("shops/2026Q3/emea/_all", "shops/2026Q3/emea/_all/drivers/more", "shops/2026Q3/emea/_all/driver"):
        assert ReportId.from_folder(out / other, out) is None


def test_crumbs_of_a_unit_lead_over_its_region(two_regions: Study) -> None:
    place = "/outputs/shops/2026Q3/emea"
    unit = ReportId("shops", "2026Q3", "emea", "retail", "scorecard")
    assert led_to(unit, two_regions) == [
        ("Reports", "/outputs/index.html"),
        ("EMEA", f"{place}/_all/scorecard/index.html"),
        ("Retail", ""),
    ]
    drivers = ReportId("shops", "2026Q3", "emea", "retail", "drivers")
    assert led_to(drivers, two_regions) == [
        ("Reports", "/outputs/index.html"),
        ("EMEA", f"{place}/_all/scorecard/index.html"),
        ("Retail", f"{place}/retail/scorecard/index.html"),
        ("Drivers", ""),
    ]


def test_a_crumb_links_only_to_a_page_that_is_there(two_regions: Study) -> None:
    drivers = ReportId("shops", "2026Q3", "emea", "retail", "drivers")
    region = replace(drivers, unit=ALL, analysis="scorecard")
    assert led_to(drivers, two_regions, lambda other: other == region) == [
        ("Reports", "/outputs/index.html"),
        ("EMEA", "/outputs/shops/2026Q3/emea/_all/scorecard/index.html"),
        ("Retail", ""),
        ("Drivers", ""),
    ]
    assert [link for _, link in led_to(drivers, two_regions, lambda _: False)] == ["/outputs/index.html", "", "", ""]


def test_crumbs_of_a_region_and_of_the_company(two_regions: Study) -> None:
    region = ReportId("shops", "2026Q3", "emea", ALL, "scorecard")
    assert led_to(region, two_regions) == [("Reports", "/outputs/index.html"), ("EMEA", "")]
    company = ReportId("shops", "2026Q3", ALL, ALL, "drivers")
    assert led_to(company, two_regions) == [
        ("Reports", "/outputs/index.html"),
        ("Corner Shops", "/outputs/shops/2026Q3/_all/_all/scorecard/index.html"),
        ("Drivers", ""),
    ]


def test_crumbs_of_a_study_without_regions_lead_over_the_company(one_region: Study) -> None:
    unit = ReportId("shops", "2026Q3", "shops", "north", "scorecard")
    assert led_to(unit, one_region) == [
        ("Reports", "/outputs/index.html"),
        ("Corner Shops", "/outputs/shops/2026Q3/_all/_all/scorecard/index.html"),
        ("North", ""),
    ]

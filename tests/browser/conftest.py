"""Pages of a small company."""

import pytest
from playwright.sync_api import Browser

from cxinsights.params import Project
from tests.batch.shops import PERIOD, SHOPS, make_reports
from tests.browser.chain import make_chain

PAGES = {
    "list": "index.html",
    "quality": "shops/data-quality.html",
    "company": f"shops/{PERIOD}/_all/_all/scorecard/index.html",
    "brief": f"shops/{PERIOD}/shops/north/brief/index.html",
    "unit": f"shops/{PERIOD}/shops/north/scorecard/index.html",
    "drivers": f"shops/{PERIOD}/shops/north/drivers/index.html",
    "too few": f"shops/{PERIOD}/shops/south/drivers/index.html",
    "chain": f"chain/{PERIOD}/_all/_all/scorecard/index.html",
    "segmentation": f"chain/{PERIOD}/_all/_all/segmentation/index.html",
    "funnel": f"chain/{PERIOD}/chain/north/funnel/index.html",
    "linkage": f"chain/{PERIOD}/_all/_all/linkage/index.html",
    "a unit's sites": f"chain/{PERIOD}/chain/north/linkage/index.html",
}


@pytest.fixture(scope="session")
def pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the pages above made by its notebooks: the shops without the one that has no answers, a chain."""
    project = make_chain(tmp_path_factory.mktemp("pages"))
    folder = project.params / "shops"
    shops = SHOPS.replace("  west: {label: West}\n", "").replace("without: [brief]\n", "")
    (folder / "study.yml").write_text(shops, encoding="utf-8")
    (folder / "actions.csv").write_text("unit,action,owner,due\nnorth,Open a second till,Head of stores,2026-12-31\n")
    units = ["_all/_all", "shops/north", "shops/south"]
    shops = [f"{unit}/{analysis}" for unit in units for analysis in ("drivers", "scorecard")]
    shops += ["shops/north/brief", "shops/south/brief"]
    scorecards = [f"{unit}/scorecard" for unit in ("_all/_all", "chain/north", "chain/south")]  # each links the others
    chain = ["chain/north/funnel", "chain/north/linkage", "_all/_all/segmentation", "_all/_all/linkage", *scorecards]
    for study, paths in (("shops", shops), ("chain", chain)):
        _, summary, _ = make_reports(project, study, paths)
        assert [outcome.error for outcome in summary.failed] == []
    return project

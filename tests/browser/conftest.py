"""Pages of a small company, and a browser to look at them with."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from cxinsights.params import Project
from tests.batch.shops import PERIOD, SHOPS, command, make_shops

PAGES = {
    "list": "index.html",
    "quality": "shops/data-quality.html",
    "company": f"shops/{PERIOD}/_all/_all/scorecard/index.html",
    "unit": f"shops/{PERIOD}/shops/north/scorecard/index.html",
    "drivers": f"shops/{PERIOD}/shops/north/drivers/index.html",
    "too few": f"shops/{PERIOD}/shops/south/drivers/index.html",
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(names)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the pages above made by its notebooks: the shops without the one that has no answers."""
    project = make_shops(tmp_path_factory.mktemp("pages"))
    (project.params / "shops" / "study.yml").write_text(SHOPS.replace("  west: {label: West}\n", ""), encoding="utf-8")
    ran = command(project, "run", "--study", "shops")
    assert ran.returncode == 0, ran.stderr
    return project

"""What all tests share: options, the demo company, real data and a browser where they are."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # tests run side by side


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        action="append",
        default=[],
        metavar="DIR",
        help="folder of reference cases (NAME.json with its CSV); may be given more than once",
    )


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def demo():
    """The project itself with the demo company imported, and its study."""
    from cxinsights.data.demo import make_demo
    from cxinsights.data.importing import import_study
    from cxinsights.params import Project, load_study

    project = Project(ROOT)
    study = load_study(project, "demo")
    make_demo(project)
    import_study(project, study)
    return project, study


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A browser; one of a process, since it keeps an event loop running until the last test."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(names)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data; tests that need it are skipped where it is not."""
    folder = Path(os.environ.get("CXINSIGHTS_DATA_DIR", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real data here: set CXINSIGHTS_DATA_DIR to the folder that holds them")
    return folder

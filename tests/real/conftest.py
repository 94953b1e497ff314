"""The real studies, each in a project of its own, imported from the published files."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cxinsights.data.importing import import_study
from cxinsights.params import Project, Study, load_study


class Imported(NamedTuple):
    """A real study: where it is, what it says, and what the import says of itself."""

    project: Project
    study: Study
    manifest: dict


@pytest.fixture(scope="session")
def real_study(
    shared_data: Path, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Imported]:
    """Import one of the project's studies; skip where its files are not here."""

    def imported(name: str, folder: str) -> Imported:
        if not (shared_data / folder).is_dir():
            pytest.skip(f"no files of {name} here: CXINSIGHTS_DATA_DIR has no folder {folder}")
        home = tmp_path_factory.mktemp(name)
        shutil.copytree(root / "params" / name, home / "params" / name)
        (home / "notebooks").mkdir()
        for notebook in (root / "notebooks").glob("*.ipynb"):
            shutil.copy(notebook, home / "notebooks")
        project = Project(home)
        study = load_study(project, name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CXINSIGHTS_DATA_DIR", str(shared_data))
            manifest = import_study(project, study)
        return Imported(project, study, manifest)

    return imported


@pytest.fixture(scope="session")
def airport(real_study) -> Imported:
    return real_study("sfo-airport", "sfo_airport")


@pytest.fixture(scope="session")
def schools(real_study) -> Imported:
    return real_study("nyc-schools", "nyc_schools")


@pytest.fixture(scope="session")
def desk(real_study) -> Imported:
    return real_study("helpdesk", "helpdesk")


@pytest.fixture(scope="session")
def marketplace(real_study) -> Imported:
    return real_study("olist", "olist")


@pytest.fixture(scope="session")
def gift_shop(real_study) -> Imported:
    return real_study("online-retail", "online_retail")

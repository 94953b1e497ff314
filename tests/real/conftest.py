"""The airport study in a project of its own, imported from the real survey files."""

import shutil
from pathlib import Path

import pytest

from cxinsights.data.importing import import_study
from cxinsights.params import Project, load_study


@pytest.fixture(scope="session")
def airport(shared_data: Path, root: Path, tmp_path_factory: pytest.TempPathFactory):
    """Project, study and what the import says of itself."""
    if not (shared_data / "sfo_airport").is_dir():
        pytest.skip("no airport survey here: CXINSIGHTS_DATA_DIR has no folder sfo_airport")
    home = tmp_path_factory.mktemp("airport")
    shutil.copytree(root / "params" / "sfo-airport", home / "params" / "sfo-airport")
    (home / "notebooks").mkdir()
    for notebook in (root / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, home / "notebooks")
    project = Project(home)
    study = load_study(project, "sfo-airport")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXINSIGHTS_DATA_DIR", str(shared_data))
        manifest = import_study(project, study)
    return project, study, manifest

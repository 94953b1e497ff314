"""What a fresh machine installs: the lock covers what the project names, and leans on no one place."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def locked(root: Path) -> dict[str, str]:
    """Each pinned package with everything the lock says of it."""
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
    return {canonicalize_name(entry.split("==")[0]): entry for entry in entries}


def test_the_lock_pins_everything_the_project_names(project: dict, locked: dict[str, str]) -> None:
    named = [*project["dependencies"], *(part for extra in project["optional-dependencies"].values() for part in extra)]
    for text in named:
        requirement = Requirement(text)
        entry = locked.get(canonicalize_name(requirement.name))
        assert entry is not None, f"{requirement.name} is not in requirements.lock: run make lock"
        version = re.match(r"[^=]+==([^ ;\\\n]+)", entry).group(1)
        assert requirement.specifier.contains(version), f"{requirement.name}: {version} is locked: run make lock"


def test_every_locked_package_has_a_version_and_hashes_and_no_address(locked: dict[str, str]) -> None:
    assert len(locked) > 100
    for name, entry in locked.items():
        assert re.match(r"[^=\s]+==\S+", entry), name
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), name
        assert "://" not in entry, name


def test_conda_users_get_the_same_python_and_the_same_lock(root: Path, project: dict) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    python, pip, lock = environment["dependencies"]
    assert environment["name"] == project["name"]
    assert python == f"python{project['requires-python']}"
    assert pip == "pip"
    assert lock == {"pip": ["-r requirements.lock"]}


def test_the_seven_packages_the_suite_is_built_on_are_dependencies(project: dict) -> None:
    named = {Requirement(text).name for text in project["dependencies"]}
    assert {"jupyterlab", "papermill", "pandas", "seaborn", "statsmodels", "voila"} <= named
    assert "nbval" in {Requirement(text).name for text in project["optional-dependencies"]["test"]}

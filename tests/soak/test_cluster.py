"""The demo company's 48 reports of units on a cluster of two workers, one of which is killed half-way."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cxinsights.batch.plan import Plan, make_plan
from cxinsights.batch.run import run_plan
from cxinsights.params import ALL, Project, Study, load_study
from cxinsights.report.inputs import FITTED
from tests.batch.clusters import make_with_a_death, results, two_workers

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def copied(original: Project, folder: Path) -> Project:
    for part in ("params", "notebooks", "data/demo"):
        shutil.copytree(original.root / part, folder / part)
    return Project(folder)


def planned(project: Project) -> Plan:
    """Four analyses of each of twelve units."""
    plan = make_plan(project, load_study(project, "demo"), only=FITTED)
    plan = replace(plan, reports={r: params for r, params in plan.reports.items() if r.unit != ALL})
    assert len(plan.reports) == 48
    return plan


@pytest.mark.parametrize("is_shared", [True, False], ids=["one file system", "a store"])
def test_a_cluster_makes_the_demo_companys_reports(
    demo: tuple[Project, Study], tmp_path: Path, is_shared: bool
) -> None:
    here, there = (copied(demo[0], tmp_path / name) for name in ("here", "there"))
    assert not run_plan(here, planned(here), Console(file=io.StringIO()), workers=2).failed
    with two_workers() as running:
        make_with_a_death(running, there, planned(there), None if is_shared else tmp_path / "store", after=24)
    assert results(there) == results(here)

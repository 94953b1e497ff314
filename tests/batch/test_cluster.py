"""Reports made on a cluster: the same ones, none lost and none twice when one of its workers dies."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cxinsights.batch.cluster import cluster
from cxinsights.batch.plan import make_plan
from cxinsights.batch.run import run_plan
from cxinsights.data.importing import import_study
from cxinsights.errors import ClusterError
from cxinsights.params import Project, Study, load_study
from tests.batch.clusters import LOOPBACK, distributed, make_with_a_death, results, two_workers
from tests.batch.shops import make_shops

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def running() -> Iterator["distributed.LocalCluster"]:
    with two_workers() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def made_here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Results that an undisturbed run makes."""
    project = make_shops(tmp_path_factory.mktemp("here"))
    loaded = load_study(project, "shops")
    import_study(project, loaded)
    assert not run_plan(project, make_plan(project, loaded), Console(file=io.StringIO()), workers=2).failed
    return results(project)


@pytest.mark.parametrize("is_shared", [True, False], ids=["one file system", "a store"])
def test_a_cluster_makes_the_same_reports_and_loses_none_with_a_worker(
    running: "distributed.LocalCluster", made_here: dict[str, bytes], tmp_path: Path, is_shared: bool
) -> None:
    project = make_shops(tmp_path / "there")
    loaded = load_study(project, "shops")
    import_study(project, loaded)
    plan = make_plan(project, loaded)
    make_with_a_death(running, project, plan, None if is_shared else tmp_path / "store", after=2)
    assert results(project) == made_here


@pytest.fixture
def shops(tmp_path: Path) -> tuple[Project, Study]:
    project = make_shops(tmp_path)
    return project, load_study(project, "shops")


def test_a_scheduler_that_does_not_answer_is_a_message(
    monkeypatch: pytest.MonkeyPatch, shops: tuple[Project, Study]
) -> None:
    monkeypatch.setattr("cxinsights.batch.cluster._CONNECT_S", 0.5)
    with pytest.raises(ClusterError) as raised, cluster("tcp://127.0.0.1:9", *shops):
        pass
    assert str(raised.value) == (
        "no scheduler answers at tcp://127.0.0.1:9 (OSError). Start one with dask scheduler, and workers with dask "
        "worker --nthreads 1."
    )


def test_a_scheduler_without_workers_is_a_message(shops: tuple[Project, Study]) -> None:
    with distributed.LocalCluster(n_workers=0, **LOOPBACK) as empty:
        with pytest.raises(ClusterError) as raised, cluster(empty.scheduler_address, *shops):
            pass
        assert str(raised.value) == (
            f"the scheduler at {empty.scheduler_address} has no workers. Start some: dask worker "
            f"{empty.scheduler_address}"
        )

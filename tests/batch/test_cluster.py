"""Reports made on a cluster: the same ones, none lost and none twice when one of its workers dies."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cxinsights.batch import staleness
from cxinsights.batch.cluster import cluster
from cxinsights.batch.jobs import Job
from cxinsights.batch.plan import make_plan
from cxinsights.batch.run import run_plan
from cxinsights.batch.tasks import make_report
from cxinsights.data.importing import import_study
from cxinsights.errors import ClusterError
from cxinsights.params import Project, Study, load_study
from tests.batch.clusters import LOOPBACK, copies, distributed, make_with_a_death, results, two_workers
from tests.batch.shops import make_shops, wait_for, write_notebook
from tests.kernels.apart import has_ended

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


@pytest.mark.parametrize(
    "is_shared",
    [pytest.param(True, id="one file system", marks=pytest.mark.soak), pytest.param(False, id="a store")],
)
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


@pytest.mark.parametrize("is_shared", [True, False], ids=["one file system", "a store"])
def test_what_is_under_way_when_a_run_is_stopped_ends_and_leaves_nothing(
    running: "distributed.LocalCluster", shops: tuple[Project, Study], tmp_path: Path, is_shared: bool
) -> None:
    project, study = shops
    import_study(project, study)
    started, store = tmp_path / "started", None if is_shared else str(tmp_path / "store")
    cell = f"import os, pathlib, time\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\ntime.sleep(60)"
    write_notebook(project.notebooks / "drivers.ipynb", "unit = ''", cell)
    job = Job(project.root, next(iter(make_plan(project, study, only=["drivers"]).reports.values())), {})

    def stopped_half_way() -> None:
        with cluster(running.scheduler_address, project, study, store) as (executor, _):
            executor.submit(make_report, job)
            assert wait_for(lambda: started.exists() and started.read_text() != "", 60)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_half_way()
    assert has_ended(int(started.read_text()))
    assert wait_for(lambda: list(project.outputs.rglob("drivers/*")) == [], 5)
    assert is_shared or list(Path(store).iterdir()) == []
    assert copies(running) == []


def test_workers_with_other_code_are_refused(
    running: "distributed.LocalCluster", shops: tuple[Project, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staleness, "code_of", lambda everything: "of last month")  # here, and not there
    with pytest.raises(ClusterError) as raised, cluster(running.scheduler_address, *shops):
        pass
    workers = sorted(worker.worker_address for worker in running.workers.values())
    assert str(raised.value) == (
        f"{', '.join(workers)}: other code or packages than on this machine. Install the same version from the same "
        "requirements.lock there."
    )


def test_workers_that_do_not_see_the_project_are_refused(
    running: "distributed.LocalCluster", shops: tuple[Project, Study]
) -> None:
    with pytest.raises(ClusterError) as raised, cluster(running.scheduler_address, Project(Path("/nowhere")), shops[1]):
        pass
    workers = sorted(worker.worker_address for worker in running.workers.values())
    assert str(raised.value) == (
        f"{', '.join(workers)}: the project's folder is not there. Share it with them under the same path, or send "
        "what reports read through a store: --store."
    )


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


def test_a_scheduler_without_workers_is_a_message(
    monkeypatch: pytest.MonkeyPatch, shops: tuple[Project, Study]
) -> None:
    monkeypatch.setattr("cxinsights.batch.cluster._WORKERS_S", 0.5)
    with distributed.LocalCluster(n_workers=0, **LOOPBACK) as empty:
        with pytest.raises(ClusterError) as raised, cluster(empty.scheduler_address, *shops):
            pass
        assert str(raised.value) == (
            f"the scheduler at {empty.scheduler_address} has no workers. Start some: dask worker "
            f"{empty.scheduler_address} --nthreads 1"
        )

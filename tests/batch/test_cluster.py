"""Reports made on a cluster: the same ones, none lost and none twice when one of its workers dies."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cxinsights.batch.cluster import cluster
from cxinsights.batch.ledger import Ledger
from cxinsights.batch.plan import make_plan
from cxinsights.batch.run import Summary, local_workers, run_plan
from cxinsights.data.importing import import_study
from cxinsights.errors import ClusterError
from cxinsights.params import Project, Study, load_study
from tests.batch.shops import make_shops, wait_for

distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def two_workers() -> Iterator["distributed.LocalCluster"]:
    address = {"host": "127.0.0.1", "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **address) as running:
        yield running


def workers(running: "distributed.LocalCluster") -> list[int]:
    return [worker.pid for worker in running.workers.values() if worker.pid]


def run_on(running: "distributed.LocalCluster", project: Project, store: Path | None) -> Summary:
    """Make all of the shops' reports on the cluster."""
    loaded = load_study(project, "shops")
    import_study(project, loaded)
    local = local_workers(project, "shops", 1)
    try:
        with cluster(running.scheduler_address, project, loaded, store and str(store)) as (executor, at_a_time):
            assert at_a_time == 2
            plan, console = make_plan(project, loaded), Console(file=io.StringIO())
            return run_plan(project, plan, console, local=local, executor=executor, at_a_time=at_a_time)
    finally:
        local.shutdown(cancel_futures=True)


def results(project: Project) -> dict[str, bytes]:
    outputs = project.outputs
    return {path.relative_to(outputs).as_posix(): path.read_bytes() for path in outputs.rglob("result.json")}


@pytest.mark.parametrize("is_shared", [True, False], ids=["one file system", "a store"])
def test_a_cluster_makes_the_same_reports_and_loses_none_with_a_worker(
    two_workers: "distributed.LocalCluster", tmp_path: Path, is_shared: bool
) -> None:
    here, there = make_shops(tmp_path / "here"), make_shops(tmp_path / "there")
    loaded = load_study(here, "shops")
    import_study(here, loaded)
    alone = run_plan(here, make_plan(here, loaded), Console(file=io.StringIO()), workers=2)
    assert not alone.failed
    first = workers(two_workers)

    def kill_one() -> bool:
        return len(results(there)) >= 2 and (os.kill(first[0], signal.SIGKILL) or True)

    killer = threading.Thread(target=wait_for, args=(kill_one, 120), daemon=True)
    killer.start()
    store = None if is_shared else tmp_path / "store"
    summary = run_on(two_workers, there, store)
    killer.join()
    assert first[0] not in workers(two_workers)
    assert not summary.failed
    assert results(there) == results(here)
    assert len(results(there)) == len(alone.outcomes) == len(summary.outcomes)
    (run,) = Ledger(there).runs()
    assert (run.made, run.failed, run.planned) == (len(alone.outcomes), 0, len(alone.outcomes))
    assert list(there.outputs.rglob(".*")) == []
    assert store is None or list(store.iterdir()) == []


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
    with distributed.LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=":0") as empty:
        with pytest.raises(ClusterError) as raised, cluster(empty.scheduler_address, *shops):
            pass
        assert str(raised.value) == (
            f"the scheduler at {empty.scheduler_address} has no workers. Start some: dask worker "
            f"{empty.scheduler_address}"
        )

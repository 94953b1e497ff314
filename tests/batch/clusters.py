"""A Dask cluster on this machine, and a run on it in which one of its workers is killed."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from cxinsights.batch.cluster import cluster
from cxinsights.batch.ledger import Ledger
from cxinsights.batch.plan import Plan
from cxinsights.batch.run import local_workers, run_plan
from cxinsights.params import Project
from tests.batch.shops import wait_for

distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
LOOPBACK = {"host": "127.0.0.1", "dashboard_address": ":0"}


@contextmanager
def two_workers() -> Iterator["distributed.LocalCluster"]:
    """A scheduler and two workers."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **LOOPBACK) as running:
        yield running


def results(project: Project) -> dict[str, bytes]:
    outputs = project.outputs
    return {path.relative_to(outputs).as_posix(): path.read_bytes() for path in outputs.rglob("result.json")}


def copies(running: "distributed.LocalCluster") -> list[Path]:
    """What workers have of what was sent to them."""

    def here(dask_worker: "distributed.Worker") -> list[Path]:
        return list(Path(dask_worker.local_directory).glob("cxinsights-*"))

    with distributed.Client(running.scheduler_address, set_as_default=False) as client:
        return [path for found in client.run(here).values() for path in found]


def make_with_a_death(
    running: "distributed.LocalCluster", project: Project, plan: Plan, store: Path | None, after: int
) -> None:
    """Make a plan's reports on the cluster, one of whose workers is killed after some; none is lost or made twice."""
    first = [worker.pid for worker in running.workers.values()]

    def kill_one() -> bool:
        return len(results(project)) >= after and (os.kill(first[0], signal.SIGKILL) or True)

    killer = threading.Thread(target=wait_for, args=(kill_one, 300), daemon=True)
    killer.start()
    local = local_workers(project, plan.study.name, 1)
    try:
        with cluster(running.scheduler_address, project, plan.study, store and str(store)) as (executor, at_a_time):
            assert at_a_time == 2
            console = Console(file=io.StringIO())
            summary = run_plan(project, plan, console, local=local, executor=executor, at_a_time=at_a_time)
        assert copies(running) == []
    finally:
        local.shutdown(cancel_futures=True)
    killer.join()
    assert first[0] not in [worker.pid for worker in running.workers.values()]
    assert not summary.failed
    assert len(results(project)) == len(summary.outcomes) == len(plan.reports)
    (run,) = Ledger(project).runs()
    assert (run.made, run.failed, run.planned) == (len(plan.reports), 0, len(plan.reports))
    assert list(project.outputs.rglob(".*")) == []
    assert store is None or list(store.iterdir()) == []

"""Reports made on a Dask cluster: its workers make them as local ones do, each machine with warm kernels of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cxinsights.batch.shipping import Shipping, check_store, drop_copies
from cxinsights.errors import ClusterError
from cxinsights.params import Project, Study

__all__ = ["cluster"]

_CONNECT_S, _WORKERS_S = 10, 30


@contextmanager
def cluster(address: str, project: Project, study: Study, store: str | None = None) -> Iterator[tuple[Executor, int]]:
    """The workers of a cluster, and how many reports they make at a time: one for each of their threads.

    Parameters
    ----------
    address
        Of the scheduler: tcp://host:8786.
    store
        Where reports' inputs and outputs are sent through; not given where workers see the project's own folder.

    Raises
    ------
    ClusterError
        The extra is not installed, the scheduler does not answer, it has no workers, these have other code or see no
        project, or the store's address cannot be used.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("--scheduler needs the cluster extra: pip install cxinsights[cluster]") from None
    if store is not None:
        check_store(store)
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers at {address} ({type(error).__name__}). Start one with dask scheduler, and workers "
            "with dask worker --nthreads 1."
        ) from None
    try:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError:
            told = f"the scheduler at {address} has no workers. Start some: dask worker {address} --nthreads 1"
            raise ClusterError(told) from None
        threads = sum(client.nthreads().values())
        _check(client, project.root if store is None else None)
        executor = client.get_executor(pure=False)
        shipping = None if store is None else Shipping(executor, threads, project, study, store)
        is_stopped = True
        try:
            yield shipping or executor, threads
            is_stopped = False
        finally:
            with suppress(OSError):
                executor.shutdown(wait=False)  # cancels what waits
            if is_stopped:
                _everywhere(client, _end_kernels)  # a task that runs is not ended by its cancellation
            if shipping is not None:
                _everywhere(client, drop_copies, shipping.address)
                shipping.shutdown(cancel_futures=True)
    finally:
        client.close()


def _check(client: Any, root: Path | None) -> None:
    """Raise ClusterError unless all workers make reports as this machine does."""
    found = client.run(_state, root)
    code, _ = _state(root)
    other = sorted(worker for worker, (theirs, _) in found.items() if theirs != code)
    if other:
        raise ClusterError(
            f"{', '.join(other)}: other code or packages than on this machine. Install the same version from the same "
            "requirements.lock there."
        )
    blind = sorted(worker for worker, (_, sees) in found.items() if not sees)
    if blind:
        raise ClusterError(
            f"{', '.join(blind)}: the project's folder is not there. Share it with them under the same path, or send "
            "what reports read through a store: --store."
        )


def _state(root: Path | None) -> tuple[str, bool]:
    """Short name of the code and packages here, and whether the project is to be seen where it should be."""
    from cxinsights.batch.staleness import code_of

    return code_of(everything=True), root is None or (root / "params").is_dir()


def _end_kernels() -> None:
    from cxinsights.kernels.provisioner import kill_all

    kill_all()


def _everywhere(client: Any, function: Callable[..., None], *args: Any) -> None:
    """Call a function on every worker there still is."""
    with suppress(OSError):  # the scheduler may be gone
        client.run(function, *args, on_error="ignore")

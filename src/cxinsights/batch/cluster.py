"""Reports made on a Dask cluster: its workers make them as local ones do, each machine with warm kernels of its own."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress

from cxinsights.batch.shipping import Shipping, drop_copies
from cxinsights.errors import ClusterError
from cxinsights.params import Project, Study

__all__ = ["cluster"]

_CONNECT_S = 30


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
        The extra is not installed, the scheduler does not answer, it has no workers, or the store is unknown.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("--scheduler needs the cluster extra: pip install cxinsights[cluster]") from None
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers at {address} ({type(error).__name__}). Start one with dask scheduler, and workers "
            "with dask worker --nthreads 1."
        ) from None
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ClusterError(f"the scheduler at {address} has no workers. Start some: dask worker {address}")
        executor = client.get_executor(pure=False)
        if store is None:
            yield executor, threads
            return
        shipping = Shipping(executor, threads, project, study, store)
        try:
            yield shipping, threads
        finally:
            shipping.shutdown(cancel_futures=True)
            with suppress(OSError):  # the scheduler may be gone
                client.run(drop_copies, shipping.address, on_error="ignore")
    finally:
        client.close()

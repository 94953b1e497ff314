"""Reports made on a Dask cluster: its workers make them as local ones do, each machine with warm kernels of its own."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from cxinsights.errors import ClusterError

__all__ = ["cluster"]

_CONNECT_S = 30


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The workers of a cluster, and how many reports they make at a time: one for each of their threads.

    Parameters
    ----------
    address
        Of the scheduler: tcp://host:8786.

    Raises
    ------
    ClusterError
        The extra is not installed, the scheduler does not answer, or it has no workers.
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
        yield client.get_executor(pure=False), threads
    finally:
        client.close()

"""A Papermill engine that waits no longer than it must: for a kernel to start, between cells, and for its end."""

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from nbclient.exceptions import DeadKernelError
from nbclient.util import run_hook, run_sync
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.utils import merge_kwargs, remove_args

from cxinsights.kernels.limits import Limits
from cxinsights.kernels.watching import LimitError, Watch

__all__ = ["WarmEngine"]

_MOST_PRINTED = 1_000_000
"""Characters of printed text that a notebook keeps."""


class _Client(PapermillNotebookClient):
    """Papermill's client, which takes a kernel for ready when it has answered, and watches what it takes."""

    def __init__(self, nb_man: NotebookExecutionManager, limits: Limits | None, seen: dict[str, Any], **asked: Any):
        super().__init__(nb_man, **asked)
        self._limits = limits
        self._seen = seen
        self._printed = 0

    async def _async_cleanup_kernel(self) -> None:
        """End the kernel before Jupyter does, which would look every tenth of a second whether it has ended."""
        provisioner = self.km.provisioner
        if provisioner is not None and provisioner.has_process:
            await provisioner.kill()
            await provisioner.wait()
        await super()._async_cleanup_kernel()

    _cleanup_kernel = run_sync(_async_cleanup_kernel)

    def papermill_execute_cells(self) -> None:
        """Run the cells; where the kernel is ended for taking too much, say so."""
        if self._limits is None:
            super().papermill_execute_cells()
            return
        with Watch(self.km.provisioner.pid, self._limits) as watch:
            try:
                super().papermill_execute_cells()
            except DeadKernelError:
                if watch.breach:
                    raise LimitError(watch.breach) from None
                raise
            finally:
                self._seen["peak_mb"] = watch.peak_mb

    def output(self, outs: list, msg: dict, display_id: str | None, cell_index: int) -> NotebookNode | None:
        """Keep an output, but no more printed text than anybody reads."""
        if msg["msg_type"] == "stream":
            before, text = self._printed, msg["content"]["text"]
            self._printed += len(text)
            if before > _MOST_PRINTED:
                return None
            if self._printed > _MOST_PRINTED:
                cut = text[: _MOST_PRINTED - before]
                msg["content"]["text"] = f"{cut}\n… what was printed after this is not kept\n"
        return super().output(outs, msg, display_id, cell_index)

    async def async_start_new_kernel_client(self) -> AsyncKernelClient:
        """A client of the kernel just started."""
        assert self.km is not None
        self.kc = self.km.client()
        self.kc.start_channels()
        try:
            await _ready(self.kc, self.startup_timeout)
        except Exception:
            await self._async_cleanup_kernel()
            raise
        self.kc.allow_stdin = False
        await run_hook(self.on_notebook_start, notebook=self.nb)
        return self.kc

    start_new_kernel_client = run_sync(async_start_new_kernel_client)


async def _ready(client: AsyncKernelClient, timeout: float) -> None:
    """Return once the kernel has answered, and what it publishes reaches us."""
    until = time.monotonic() + timeout
    answered = heard = False
    asked = client.kernel_info()
    while not (answered and heard):
        if not answered:
            answered = await _got(client.get_shell_msg, "kernel_info_reply", asked)
        heard = heard or await _got(client.get_iopub_msg, "status", asked)
        if answered and not heard:  # asked before we were subscribed
            asked, answered = client.kernel_info(), False
        if time.monotonic() > until:
            raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")
        if not (answered or heard) and not await client._async_is_alive():
            raise RuntimeError("Kernel died before replying to kernel_info")
    while True:  # what else it said while starting belongs to no cell
        try:
            message = await client.get_iopub_msg(timeout=0.5)
        except Empty:
            return
        if _is_idle(message, asked):
            return


async def _got(get: Any, kind: str, asked: str) -> bool:
    try:
        while True:
            message = await get(timeout=0.5)
            if message["msg_type"] == kind and message["parent_header"].get("msg_id") == asked:
                return True
    except Empty:
        return False


def _is_idle(message: dict, asked: str) -> bool:
    return message["content"].get("execution_state") == "idle" and message["parent_header"].get("msg_id") == asked


class WarmEngine(NBClientEngine):
    """Papermill's own engine with that client; kernels are ended at once, since nothing of theirs is kept."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, log_output: bool = False, start_timeout: int = 60,
        execution_timeout: int | None = None, limits: Limits | None = None, env: dict[str, str] | None = None,
        folder: str | None = None, seen: dict[str, Any] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Run the notebook's cells in order, up to the first that fails.

        Parameters
        ----------
        limits
            What the kernel may take; as much as it likes where not given.
        env
            Environment of the kernel; this process's own where not given.
        folder
            Where the kernel works; this process's own where not given. Papermill's `cwd` would move the process, and
            with it every thread that makes another report.
        seen
            Filled with the notebook as far as it got, and the memory its kernel took at most (`peak_mb`).

        Raises
        ------
        LimitError
            The kernel took more than it may.
        """
        seen = {} if seen is None else seen
        seen["notebook"] = nb_man.nb
        given = remove_args(["stdout_file", "stderr_file", "input_path", "output_path"], **kwargs)
        asked = merge_kwargs(
            given,
            timeout=execution_timeout or kwargs.get("timeout"),
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            shutdown_kernel="immediate",
        )
        _Client(nb_man, limits, seen, **asked).execute(
            **{name: value for name, value in (("env", env), ("cwd", folder)) if value is not None}
        )

"""How Jupyter starts our kernels: forked from the warm process, or plainly where that cannot be."""

import asyncio
import logging
import os
import sys
import uuid
import weakref
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.paths import jupyter_runtime_dir

from cxinsights.errors import NoWarmKernelError
from cxinsights.kernels.asking import Forked, fork_warm, warm_up

__all__ = ["WarmProvisioner"]

log = logging.getLogger(__name__)

_LAUNCHER = ["-m", "ipykernel_launcher"]
_LONGEST_PATH = 100  # of a socket; the system allows little more
_POLL_S = 0.005


_running: weakref.WeakSet["WarmProvisioner"] = weakref.WeakSet()


class WarmProvisioner(LocalProvisioner):
    """Kernels of the `cxinsights` kernelspec, in JupyterLab, Papermill, nbval and the live pages alike."""

    process: Any
    _plain_since = ""  # why there is no warm process

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Start the warm process if need be, and let the kernel talk through sockets in a private folder.

        Kernels side by side race for TCP ports.
        """
        self._plain_since = ""
        try:
            folder = await asyncio.to_thread(warm_up)
        except NoWarmKernelError as reason:
            self._plain_since, folder = str(reason), Path(jupyter_runtime_dir())
        manager = self.parent
        if manager is not None and manager.transport == "tcp" and sys.platform != "win32":
            file = Path(manager.connection_file or folder / f"kernel-{uuid.uuid4()}.json").absolute()
            if len(str(file)) < _LONGEST_PATH:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                manager.connection_file, manager.transport = str(file), "ipc"
                manager.ip = f"{file.with_suffix('')}-ipc"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel, or start it as any other."""
        try:
            self.process = await self._forked(cmd, kwargs)
        except NoWarmKernelError as reason:
            log.warning("plain kernel start: %s", reason)
            _running.add(self)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid  # it leads a group of its own
        self.cwd = kwargs.get("cwd") or os.getcwd()
        _running.add(self)
        return self.connection_info

    async def wait(self) -> int | None:
        """Exit code, once the kernel has ended; looked for more often than the default, which costs a report time."""
        while await self.poll() is None:
            await asyncio.sleep(_POLL_S)
        return await super().wait()

    async def _forked(self, cmd: list[str], kwargs: dict[str, Any]) -> Forked:
        if self._plain_since:
            raise NoWarmKernelError(self._plain_since)
        if cmd[0] != sys.executable or not any(cmd[i : i + 2] == _LAUNCHER for i in range(1, len(cmd))):
            raise NoWarmKernelError("another interpreter or kernel is asked for")
        if kwargs.get("independent"):
            raise NoWarmKernelError("a kernel is asked for that outlives its server")
        argv = cmd[cmd.index(_LAUNCHER[1]) + 1 :]
        own = [_descriptor(kwargs.get(name), default) for name, default in (("stdout", 1), ("stderr", 2))]
        cwd = os.path.abspath(kwargs.get("cwd") or ".")  # the warm process is elsewhere
        with open(os.devnull) as nothing:
            return await asyncio.to_thread(fork_warm, argv, kwargs["env"], str(cwd), nothing.fileno(), *own)


def kill_all() -> None:
    """End every kernel that this process has running, whichever of its threads waits for it."""
    for provisioner in list(_running):
        if provisioner.has_process and provisioner.process.poll() is None:
            provisioner.process.kill()


def _descriptor(stream: Any, default: int) -> int:
    if stream is None:
        return default
    if not isinstance(stream, int):
        return stream.fileno()
    if stream < 0:  # PIPE, DEVNULL or STDOUT of subprocess
        raise NoWarmKernelError("its streams are not files")
    return stream

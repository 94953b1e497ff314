"""Many kernels at once, over and over: none fails to start, and nothing is left of them."""

import asyncio
import sys

import pytest
from jupyter_client.manager import AsyncKernelManager

from tests.kernels.apart import Apart, warm_apart
from tests.loops import run_apart

pytestmark = [pytest.mark.soak, pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")]

AT_ONCE, TIMES = 20, 50


async def sums(n: int) -> list[str]:
    """What each of n kernels, started at once, says to a sum."""
    managers = [AsyncKernelManager(kernel_name="cxinsights") for _ in range(n)]
    await asyncio.gather(*(manager.start_kernel() for manager in managers))
    try:
        return await asyncio.gather(*(_sum(manager) for manager in managers))
    finally:
        await asyncio.gather(*(manager.shutdown_kernel(now=True) for manager in managers))


async def _sum(manager: AsyncKernelManager) -> str:
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=120)
        reply = await client.execute_interactive("", user_expressions={"sum": "20 + 22"}, timeout=120)
        return reply["content"]["user_expressions"]["sum"]["data"]["text/plain"]
    finally:
        client.stop_channels()


def kernels_of(apart: Apart) -> list[int]:
    return [process.pid for process in apart.processes() if process.name() == "cx-kernel"]


def test_twenty_kernels_at_once_fifty_times_over() -> None:
    with warm_apart() as apart:
        for _ in range(TIMES):
            assert run_apart(sums(AT_ONCE)) == ["42"] * AT_ONCE
            assert kernels_of(apart) == []
        assert len(apart.warm()) == 1

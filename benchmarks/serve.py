"""A report's link against plain Voila on the same notebook: until its figure is seen, and until a slider answers.

The notebook is the drivers' of one unit of the demo company, as a run left it, opened in headless Chromium with an
empty cache. The peer is `voila notebook.ipynb` as its documentation starts it, its kernel plain, its server warm (one
visit before). Ours are the report's page (`ratio`, `alive_ratio`), and its notebook run for the visit (`live_ratio`);
ratios are ours over the peer's. Beside them: two hundred readers of pages at once, and twenty live visitors at once who
wait for their turn as pages do, with what a live kernel takes at most.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from shutil import which
from typing import Any

import nbformat
import psutil
from playwright.sync_api import Browser, Page, sync_playwright
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from benchmarks.pairs import short
from cxinsights.params import Project
from cxinsights.publish.door import free_port

REPORT = "demo/2026Q3/americas/bank/drivers"
READERS, VISITORS, VISITS_EACH = 200, 20, 5
_RUNS = 5
_TURN_S, _TRIES = 5, 12
"""How often pages ask for their turn, and how many times."""


def main() -> dict[str, Any]:
    """Run all on the demo company's reports."""
    project = Project.find()
    notebook = project.outputs / REPORT / "drivers.ipynb"
    study, _, region, unit, analysis = REPORT.split("/")
    chosen = ["--study", study, "--region", region, "--unit", unit, "--only", analysis]
    subprocess.run([sys.executable, "-P", "-m", "cxinsights", "run", *chosen], check=True, stdout=subprocess.DEVNULL)
    with _ours() as url:
        page, live = f"{url}/reports/{REPORT}/index.html", f"{url}/live/{REPORT}/"
        with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
            program = which("chromium") or which("chromium-browser") or which("google-chrome")
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            _seen(browser, live, _FIGURE)  # its warm process is there
            figures = [_seen(browser, page, _FIGURE) for _ in range(_RUNS)]
            lives = [_seen(browser, live, _FIGURE) for _ in range(_RUNS)]
            alive = [_seen(browser, page, _FIGURE, _moved) for _ in range(_RUNS)]
            with _plain(notebook, Path(folder)) as peer:
                _seen(browser, peer, _PEERS_FIGURE)
                theirs = [_seen(browser, peer, _PEERS_FIGURE) for _ in range(_RUNS)]
                their_alive = [_seen(browser, peer, _PEERS_FIGURE, _moved) for _ in range(_RUNS)]
            browser.close()
        readers, visitors = asyncio.run(_crowds(page, live))
    result = {
        "benchmark": "serve",
        "n": 1,
        "peer": f"voila {version('voila')}",
        "ours_s": short(min(figures)),
        "live_s": short(min(lives)),
        "alive_s": short(min(alive)),
        "peer_s": short(min(theirs)),
        "peer_alive_s": short(min(their_alive)),
        "ratio": short(min(figures) / min(theirs)),
        "live_ratio": short(min(lives) / min(theirs)),
        "alive_ratio": short(min(alive) / min(their_alive)),
        **readers,
        **visitors,
        "runs": _RUNS,
        "peak_mb": visitors["kernel_mb"],
    }
    print(json.dumps(result))
    return result


_FIGURE = "#importance svg"
_PEERS_FIGURE = ".jp-RenderedImage img, img[src^='data:image/png']"
_IS_SEEN = (
    "chosen => [...document.querySelectorAll(chosen)].some(one => one.checkVisibility() && one.complete !== false)"
)


def _seen(browser: Browser, address: str, figure: str, then: Callable[[Page], None] | None = None) -> float:
    """Seconds from opening the address until its figure is visible, and until what comes then is done."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="commit", timeout=120_000)
    page.wait_for_function(_IS_SEEN, arg=figure, timeout=120_000)  # at every frame; a locator looks twice a second
    if then is not None:
        then(page)
    took = time.perf_counter() - begun
    context.close()
    return took


def _moved(page: Page) -> None:
    """Move the first slider, and wait until the number says something else."""
    slider, number = page.locator(".whatif input").first, page.locator(".whatif .big b")
    page.wait_for_function("document.querySelector('.whatif .big b')?.textContent", timeout=120_000)
    before = number.inner_text()
    slider.press("End")
    page.wait_for_function("was => document.querySelector('.whatif .big b').textContent !== was", arg=before)


@contextmanager
def _ours() -> Iterator[str]:
    command = [sys.executable, "-P", "-m", "cxinsights", "serve", "--port", "0"]
    with _serving(command, dict(os.environ), r"http://127\.0\.0\.1:\d+") as url:
        yield url


@contextmanager
def _plain(notebook: Path, folder: Path) -> Iterator[str]:
    """Voila on a copy of the notebook with Jupyter's own kernel."""
    copy = nbformat.read(notebook, as_version=4)
    copy.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(copy, folder / notebook.name)
    command = [sys.executable, "-m", "voila", str(folder / notebook.name), "--no-browser", f"--port={free_port()}"]
    environment = {**os.environ, "CXINSIGHTS_HOME": str(Project.find().root)}
    with _serving(command, environment, r"http://localhost:\d+/") as url:
        yield url.replace("localhost", "127.0.0.1")


@contextmanager
def _serving(command: list[str], environment: dict[str, str], said: str) -> Iterator[str]:
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + 60
            while True:
                printed.seek(0)
                if found := re.search(said, printed.read()):
                    break
                if process.poll() is not None or time.monotonic() > until:
                    printed.seek(0)
                    sys.exit(printed.read()[-2000:])
                time.sleep(0.05)
            yield found[0]
        finally:
            process.terminate()
            process.wait(30)


async def _crowds(page: str, live: str) -> tuple[dict[str, float], dict[str, float]]:
    AsyncHTTPClient.configure(None, max_clients=READERS)
    client = AsyncHTTPClient()

    async def read() -> list[float]:
        times = []
        for _ in range(VISITS_EACH):
            begun = time.perf_counter()
            await client.fetch(page, request_timeout=60)
            times.append(time.perf_counter() - begun)
        return times

    begun = time.perf_counter()
    times = sorted(chain.from_iterable(await asyncio.gather(*(read() for _ in range(READERS)))))
    whole = time.perf_counter() - begun
    readers = {
        "readers": READERS,
        "readers_p50_s": short(times[len(times) // 2]),
        "readers_p99_s": short(times[int(0.99 * len(times))]),
        "pages_per_s": short(len(times) / whole),
    }

    async def visit() -> float:
        """Seconds until the answer; none for a visitor whose page tells them to come again later."""
        begun = time.perf_counter()
        for _ in range(_TRIES):
            try:
                await client.fetch(live, request_timeout=120)
                return time.perf_counter() - begun
            except HTTPClientError as error:
                if error.code != 503:
                    raise
                await asyncio.sleep(_TURN_S)
        return float("inf")

    with _kernels_memory() as peak:
        told = await asyncio.gather(*(visit() for _ in range(VISITORS)))
    waits = sorted(wait for wait in told if wait < float("inf"))
    visitors = {
        "visitors": VISITORS,
        "visitors_turned_away": VISITORS - len(waits),
        "visitors_first_s": short(waits[0]),
        "visitors_median_s": short(waits[len(waits) // 2]),
        "visitors_last_s": short(waits[-1]),
        "kernel_mb": short(max(peak.values(), default=0)),
        "kernels": len(peak),
    }
    return readers, visitors


@contextmanager
def _kernels_memory() -> Iterator[dict[int, float]]:
    """Memory of its own (not shared with the process it is forked from) that each kernel takes at most, by process."""
    peak: dict[int, float] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            for process in psutil.process_iter(["name"]):
                if process.info["name"] == "cx-kernel":
                    try:
                        own = process.memory_full_info().uss / 2**20
                    except psutil.Error:
                        continue
                    peak[process.pid] = max(peak.get(process.pid, 0), own)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()

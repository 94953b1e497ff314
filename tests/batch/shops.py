"""Corner shops large enough for every part of a page: one unit with many answers, one with few, one with none."""

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
from rich.console import Console

from cxinsights.batch.plan import Plan, make_plan
from cxinsights.batch.run import Summary, run_plan
from cxinsights.data.importing import import_study
from cxinsights.kernels.asking import LINGER
from cxinsights.params import Project, load_study
from cxinsights.publish.index import write_index
from cxinsights.report.quality import write_quality_page
from tests.small import make_project

SHOPS = """
label: Corner Shops
about: Made-up answers for a test.
without: [brief]
synthetic: true
periods: {every: quarter}
tables:
  responses:
    sources: [{files: answers.csv}]
    columns:
      response_id: id
      unit: unit
      answered_at: date
      site: site
      channel: channel
      nps_answer: nps
      csat_score: csat
      wait_rating: wait
      price_rating: price
      staff_rating: staff
columns:
  wait_rating: {label: Waiting time, min: 1, max: 10}
  price_rating: {label: Prices, min: 1, max: 10}
  staff_rating: {label: Staff, min: 1, max: 10}
  channel: {label: Channel, type: category, values: {shop: In the shop, phone: By phone}}
scores: {segments: [channel]}
units:
  north: {label: North & Co}
  south: {label: South}
  west: {label: West}
drivers: {outcome: nps, drivers: [wait_rating, price_rating, staff_rating], n_boot: 200, n_noise: 100}
"""
PERIOD = "2026Q3"
NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"


def shop_answers() -> str:
    """North: 320 answers a wave; South: 15; West: none."""
    rng = np.random.default_rng(1)
    parts = []
    for unit, n in (("north", 320), ("south", 15)):
        for day in ("2025-08-10", "2026-08-10"):
            ratings = rng.integers(1, 11, (n, 3))
            nps = np.clip(np.round(ratings @ [0.5, 0.3, 0.1] + rng.normal(1, 1, n)), 0, 10).astype(int)
            own = {"unit": unit, "date": day, "nps": nps, "csat": np.clip(np.round(nps / 2.2), 1, 5).astype(int)}
            where = {
                "site": [f"{unit}-{i % 3}" for i in range(n)],
                "channel": [("shop", "phone")[i % 2] for i in range(n)],
            }
            parts.append(
                pd.DataFrame({**own, **where, **dict(zip(("wait", "price", "staff"), ratings.T, strict=True))})
            )
    answers = pd.concat(parts, ignore_index=True)
    return answers.assign(id=[f"r{i}" for i in range(len(answers))]).to_csv(index=False)


def make_shops(folder: Path, study: str = SHOPS) -> Project:
    """The shops, with the project's own notebooks."""
    project = make_project(folder, study, shop_answers())
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(notebook, project.notebooks)
    return project


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of these cells, the first of them the parameters cell."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    made.cells[0].metadata["tags"] = ["parameters"]
    made.metadata.kernelspec = {"name": "cxinsights", "display_name": "cxinsights", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)


def make_reports(project: Project, study_name: str, paths: Collection[str]) -> tuple[Plan, Summary, list[str]]:
    """Make these reports (paths under their period), the data-quality page and the list; with the lines printed."""
    study = load_study(project, study_name)
    write_quality_page(project, study, import_study(project, study))
    plan = make_plan(project, study, period=PERIOD)
    wanted = {report: p for report, p in plan.reports.items() if report.path.split(f"/{PERIOD}/")[1] in paths}
    assert len(wanted) == len(paths)
    plan, printed = replace(plan, reports=wanted), io.StringIO()
    summary = run_plan(project, plan, Console(file=printed, width=200), workers=2)
    write_index(project)
    return plan, summary, printed.getvalue().splitlines()


def environment(project: Project, *, apart: bool = False) -> dict[str, str]:
    """Environment of a command that works on this project; apart, with a warm process that nobody else uses."""
    own = {name: value for name, value in os.environ.items() if name != "CXINSIGHTS_DATA_DIR"}
    warm = {"XDG_RUNTIME_DIR": str(project.root), LINGER: "0"} if apart else {}
    return {**own, **warm, "CXINSIGHTS_HOME": str(project.root)}


def command(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, run on the project as from a shell."""
    line = [sys.executable, "-m", "cxinsights", *words]
    return subprocess.run(
        line, env=environment(project), cwd=project.root, capture_output=True, text=True, timeout=300, check=False
    )


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def processes_of(project: Project) -> Iterable[int]:
    """Processes started for this project, however far down, by what stands in their environment (Linux)."""
    mark = f"CXINSIGHTS_HOME={project.root}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ended = b") Z " in (folder / "stat").read_bytes()
            if not ended and mark in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
        except OSError:
            continue


def kernels_of(project: Project) -> list[int]:
    """Kernels started for this project: forked from a warm process of its own, or plainly."""
    found = []
    for pid in processes_of(project):
        with suppress(OSError):
            process = Path(f"/proc/{pid}")
            name, line = (process / "comm").read_bytes(), (process / "cmdline").read_bytes()
            if name == b"cx-kernel\n" or b"ipykernel_launcher" in line:
                found.append(pid)
    return found

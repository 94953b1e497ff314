"""A batch of the demo company's reports against the plain `papermill` command in a loop: 12 units, 4 analyses.

Both run the same notebooks with the same parameters; company baseline, families of tests and costly fits are there for
both. The peer writes executed notebooks only; ours makes pages, tables and records of them as well. Overhead is what
is not spent in cells: wall time × cores used − the cells' own time, for each report. Ours is timed as a command from
its start, once with no warm process there and once with the one that the run before left.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from shutil import copytree
from typing import Any

import nbformat
import yaml

from benchmarks.narrowed import narrowed
from benchmarks.pairs import short
from cxinsights.batch.plan import Plan
from cxinsights.kernels.asking import LINGER
from cxinsights.params import Project

_OURS = """
import sys
from benchmarks.narrowed import narrowed
from cxinsights.batch.run import Settings, local_workers, run_plan
from cxinsights.cli import err, out
from cxinsights.params import Project
project = Project.find()
plan = narrowed(project)
local = local_workers(project, plan.study.name)
summary = run_plan(project, plan, out, errors=err, settings=Settings(force="--force" in sys.argv), local=local)
local.shutdown(cancel_futures=True)
sys.exit(len(summary.failed))
"""


def main() -> dict[str, Any]:
    """Run both on a copy of the demo company."""
    with tempfile.TemporaryDirectory() as folder:
        project = _copied(Path(folder))
        plan = narrowed(project)
        n, cores = len(plan.reports), os.cpu_count() or 1
        environment = {**os.environ, "CXINSIGHTS_HOME": str(project.root), "XDG_RUNTIME_DIR": folder, LINGER: "600"}
        environment.pop("OMP_NUM_THREADS", None)
        _ours(environment, "--force")  # computes what both find there
        cold = _ours({**environment, "XDG_RUNTIME_DIR": str(_made(Path(folder) / "cold")), LINGER: "0"}, "--force")
        cold_cells = _own_cells(project, plan)
        warm = _ours(environment, "--force")
        warm_cells = _own_cells(project, plan)
        unchanged, start_up = _ours(environment), _start_up(environment)
        theirs, their_cells = _theirs(project, plan, environment, Path(folder) / "peer")
    own = {"cold": (cold * cores - cold_cells) / n, "warm": (warm * cores - warm_cells) / n}
    overhead = (theirs - their_cells) / n
    result = {
        "benchmark": "batch",
        "n": n,
        "cores": cores,
        "ours_s": short(cold),
        "ours_warm_s": short(warm),
        "cells_s": short(cold_cells),
        "cells_warm_s": short(warm_cells),
        "peer": f"papermill {version('papermill')}, one command per report",
        "peer_s": short(theirs),
        "peer_cells_s": short(their_cells),
        "ratio": short(theirs / cold),
        "ratio_warm": short(theirs / warm),
        "overhead_s": short(own["cold"]),
        "overhead_warm_s": short(own["warm"]),
        "peer_overhead_s": short(overhead),
        "overhead_ratio": short(own["cold"] / overhead),
        "overhead_ratio_warm": short(own["warm"] / overhead),
        "unchanged_s": short(unchanged),
        "start_up_s": short(start_up),
        "runs": 1,
        "peak_mb": 0,
    }
    print(json.dumps(result))
    return result


def _copied(folder: Path) -> Project:
    here = Project.find()
    for part in ("params", "notebooks", "data/demo"):
        copytree(here.root / part, folder / part)
    return Project(folder)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _ours(environment: dict[str, str], *words: str) -> float:
    """Seconds of our command."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", _OURS, *words], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _start_up(environment: dict[str, str]) -> float:
    """Seconds of a command that loads the same and does nothing."""
    start = time.perf_counter()
    loads = "from cxinsights.batch.run import run_plan; from cxinsights.cli import out; import benchmarks.narrowed"
    subprocess.run([sys.executable, "-c", loads], env=environment, check=True)
    return time.perf_counter() - start


def _theirs(project: Project, plan: Plan, environment: dict[str, str], folder: Path) -> tuple[float, float]:
    """Seconds of the plain command in a loop, and of the cells in it."""
    folder.mkdir()
    made, seconds = [], 0.0
    for at, (report, params) in enumerate(plan.reports.items()):
        given, notebook = folder / f"{at}.yml", folder / f"{at}.ipynb"
        given.write_text(yaml.safe_dump(params.model_dump(mode="json")), encoding="utf-8")
        source = project.notebooks / f"{report.analysis}.ipynb"
        command = [str(Path(sys.executable).parent / "papermill"), str(source), str(notebook), "-f", str(given)]
        start = time.perf_counter()
        subprocess.run([*command, "-k", "python3", "--no-progress-bar"], env=environment, cwd=project.root, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        seconds += time.perf_counter() - start
        made.append(notebook)
    return seconds, _cells(made)


def _own_cells(project: Project, plan: Plan) -> float:
    return _cells(report.folder(project.outputs) / f"{report.analysis}.ipynb" for report in plan.reports)


def _cells(notebooks: Any) -> float:
    """Seconds that cells took, by Papermill's own record."""
    found = 0.0
    for path in notebooks:
        found += sum(cell.metadata.papermill.duration or 0 for cell in nbformat.read(path, as_version=4).cells)
    return found


if __name__ == "__main__":
    main()

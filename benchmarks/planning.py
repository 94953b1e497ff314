"""How long it takes to find that 5,000 reports are up to date: the command `cxinsights plan`, from its start.

The study is made up: 4,999 units with a few answers each, and their scorecards. Its reports are not made; what lies
beside them says what they would have been made from.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.pairs import short
from cxinsights.batch.plan import make_plan
from cxinsights.batch.run import find_out, local_workers
from cxinsights.batch.tasks import import_tables
from cxinsights.kernels.asking import LINGER
from cxinsights.params import Project, load_study

N = 5_000
_STUDY = """
label: Many
about: Made-up answers of many units.
periods: {every: quarter}
tables:
  responses:
    sources: [{files: answers.csv}]
    columns: {response_id: id, unit: unit, answered_at: date, nps_answer: nps}
units:
"""


def main() -> dict[str, Any]:
    """Make the study, let all of it be up to date, and plan."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"XDG_RUNTIME_DIR": folder, LINGER: "600"}
        project = _made(Path(folder))
        _pretend(project)
        command = [sys.executable, "-m", "cxinsights", "plan", "--study", "many", "--only", "scorecard"]
        environment = {**os.environ, "CXINSIGHTS_HOME": str(project.root)}
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            seconds.append(time.perf_counter() - start)
            if not said.endswith(f"0 reports to make for 2026Q3, {N} up to date\n"):
                raise AssertionError(said[-200:])
    result = {"benchmark": "planning", "n": N, "ours_s": short(sorted(seconds)[1]), "peer": "none", "peer_s": None,
              "ratio": None, "runs": 3, "peak_mb": 0}  # fmt: skip
    print(json.dumps(result))
    return result


def _made(folder: Path) -> Project:
    units = [f"u{number}" for number in range(N - 1)]
    rng = np.random.default_rng(1)
    answers = pd.DataFrame({"unit": np.repeat(units, 12), "date": "2026-07-01"})
    answers = answers.assign(id=range(len(answers)), nps=rng.integers(0, 11, len(answers)))
    for part in ("params/many", "data/many/raw", "notebooks"):
        (folder / part).mkdir(parents=True)
    listed = "".join(f"  {unit}: {{label: Unit {unit}}}\n" for unit in units)
    (folder / "params/many/study.yml").write_text(_STUDY + listed, encoding="utf-8")
    answers.to_csv(folder / "data/many/raw/answers.csv", index=False)
    here = Project.find().notebooks / "scorecard.ipynb"
    (folder / "notebooks/scorecard.ipynb").write_bytes(here.read_bytes())
    return Project(folder)


def _pretend(project: Project) -> None:
    """Write beside each report what it would have been made from."""
    local = local_workers(project, "many")
    study = load_study(project, "many")
    local.ask(import_tables, project.root, study)
    plan = make_plan(project, study, only=["scorecard"])
    work = find_out(project, plan, local)
    local.shutdown(cancel_futures=True)
    for report, fingerprint in work.fingerprints.items():
        folder = report.folder(project.outputs)
        folder.mkdir(parents=True)
        record = {"fingerprint": fingerprint, "headline": "Steady"}
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        for name in ("index.html", "result.json"):
            (folder / name).touch()


if __name__ == "__main__":
    main()

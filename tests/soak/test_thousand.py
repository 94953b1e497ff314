"""A thousand small reports in one run: what the run takes does not grow with what it has made."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.params import Project
from tests.batch.shops import environment, processes_of, write_notebook
from tests.small import STUDY, make_project

pytestmark = [pytest.mark.soak, pytest.mark.skipif(sys.platform != "linux", reason="reads processes from /proc")]

UNITS = 999  # and the company
RECORD = f"""
import json, os, pathlib
from IPython.display import display
named = dict(study=study, period=period, region=region, unit=unit, analysis="scorecard")
record = dict(named, status="ok", headline=f"{{unit}} is well")
pathlib.Path(os.environ["CXINSIGHTS_RECORD_TO"], "result.json").write_text(json.dumps(record))
display({{"text/plain": "well", {MEDIA_TYPE!r}: "<h1>Well</h1>"}}, raw=True)
"""


def many(folder: Path) -> Project:
    """A study of many units, and a notebook that records at once."""
    units = "".join(f"  u{i}: {{label: Unit {i}}}\n" for i in range(UNITS))
    rng = np.random.default_rng(1)
    answers = pd.DataFrame({"unit": [f"u{i}" for i in range(UNITS) for _ in range(3)], "date": "2026-07-01"})
    answers = answers.assign(id=range(len(answers)), nps=rng.integers(0, 11, len(answers)))
    project = make_project(folder, STUDY.split("units:")[0] + "units:\n" + units, answers.to_csv(index=False))
    write_notebook(project.notebooks / "scorecard.ipynb", 'study = period = region = unit = ""', RECORD)
    return project


def taken(project: Project) -> dict[str, dict[str, float]]:
    """What each process that stays has taken by now: memory in MB, descriptors, threads; and how many there are."""
    found: dict[str, dict[str, float]] = {}
    for pid in processes_of(project):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.name() != "cx-kernel":
                found[f"{process.name()} {pid}"] = {
                    "memory": process.memory_full_info().uss / 2**20,
                    "descriptors": process.num_fds(),
                    "threads": process.num_threads(),
                }
    return found


def test_a_thousand_reports_take_no_more_at_the_end_than_at_the_beginning(tmp_path: Path) -> None:
    project = many(tmp_path)
    command = [sys.executable, "-m", "cxinsights", "run", "--study", "shops", "--only", "scorecard"]
    printed = tmp_path / "run.log"
    samples: list[tuple[int, dict]] = []
    with printed.open("w") as stream:
        run = subprocess.Popen(command, env=environment(project, apart=True), stdout=stream, stderr=subprocess.STDOUT)
        while run.poll() is None:
            time.sleep(2)
            made = len(list(project.outputs.glob("*/*/*/*/scorecard/result.json")))
            samples.append((made, taken(project)))
    assert run.returncode == 0, printed.read_text()[-2000:]
    assert printed.read_text().splitlines()[-1].startswith(f"{UNITS + 1} of {UNITS + 1} reports made.")
    early = next(sample for made, sample in samples if made >= 200)
    late = [sample for made, sample in samples if made > 0.9 * UNITS and sample][-1]
    assert set(late) == set(early)  # none was replaced, none came to it
    for process, at_first in early.items():
        assert late[process]["memory"] <= at_first["memory"] + 30, (process, at_first, late[process])
        assert late[process]["descriptors"] <= at_first["descriptors"] + 5, process
        assert late[process]["threads"] <= at_first["threads"] + 2, process
    (tmp_path / "samples.json").write_text(json.dumps(samples))
    print(json.dumps({"early": early, "late": late}, indent=1))

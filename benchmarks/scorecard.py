"""How the time for a company's scorecard grows from 20 units to 200, over twelve periods.

The studies are made up: ten regions of two or twenty units each, and 15 to 120 answers a unit and quarter. What is
common to all is kept already, as `cxinsights run` leaves it: timed is what the notebook's cells do, from the source to
the page. The peer is the page of 20 units; ten times the units may take ten times as long, and take less.
"""

import ast
import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd

from benchmarks.pairs import compare
from cxinsights.data.importing import import_study
from cxinsights.display.blocks import MEDIA_TYPE, PAGE_ONLY, Block
from cxinsights.params import ALL, Project, load_study
from cxinsights.report.baselines import load_baseline
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import render_page
from cxinsights.report.snapshot import page_of

REGIONS, FEW, MANY = 10, 2, 20
ANSWERS = (15, 120)
PERIODS = [f"{year}Q{quarter}" for year in (2023, 2024, 2025, 2026) for quarter in (1, 2, 3, 4)][3:15]
_STUDY = """
label: {n} units
about: Made-up answers of many units.
synthetic: true
periods: {{every: quarter}}
tables:
  responses:
    sources: [{{files: answers.csv}}]
    columns: {{response_id: id, region: region, unit: unit, answered_at: date, nps_answer: nps, csat_score: csat, ces_score: ces}}
scores: {{csat: {{min: 1, max: 5, top_box_from: 4}}, ces: {{min: 1, max: 7, top_box_from: 5}}}}
"""  # noqa: E501


def main() -> dict[str, Any]:
    """Make both studies, then time the company's page of each."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_companies(Path(folder), FEW, MANY)
        few, many = (f"units{REGIONS * n}" for n in (FEW, MANY))
        return compare(
            "scorecard",
            REGIONS * MANY,
            lambda: page(project, many),
            f"{REGIONS * FEW} units",
            lambda: page(project, few),
            runs=3,
            periods=len(PERIODS),
            page_kb=round(len(page(project, many).encode()) / 1000),
            peer_page_kb=round(len(page(project, few).encode()) / 1000),
        )


def make_companies(folder: Path, *sizes: int) -> Project:
    """A project with a study for each number of units in a region, its baseline kept."""
    (folder / "notebooks").mkdir()
    project = Project(folder)
    for size in sizes:
        name = f"units{REGIONS * size}"
        params, raw = folder / "params" / name, project.data(name) / "raw"
        for made in (params, raw):
            made.mkdir(parents=True)
        (params / "study.yml").write_text(_STUDY.format(n=REGIONS * size), encoding="utf-8")
        for region in range(REGIONS):
            units = "".join(f"  u{unit}: {{label: Unit {region}.{unit}}}\n" for unit in range(size))
            (params / f"r{region}.yml").write_text(f"label: Region {region}\nunits:\n{units}", encoding="utf-8")
        _answers(size).to_csv(raw / "answers.csv", index=False)
        study = load_study(project, name)
        import_study(project, study)
        load_baseline(project, study, PERIODS[-1])
    return project


def page(project: Project, study_name: str, region: str = ALL, unit: str = ALL) -> str:
    """The page that the scorecard's notebook makes, its cells run here."""
    os.environ |= {"CXINSIGHTS_HOME": str(project.root), PAGE_ONLY: "1"}
    asked = {"study": study_name, "period": PERIODS[-1], "region": region, "unit": unit}
    notebook = nbformat.read(Path(__file__).parent.parent / "notebooks" / "scorecard.ipynb", as_version=4)
    cells: dict[str, Any] = {}
    blocks = []
    for source in (cell.source for cell in notebook.cells if cell.cell_type == "code"):
        *lines, last = ast.parse(source).body
        exec(compile(ast.Module(lines, []), "cell", "exec"), cells)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), "cell", "eval"), cells)
            blocks.append(shown._repr_mimebundle_()[MEDIA_TYPE] if isinstance(shown, Block) else "")
        else:
            exec(compile(ast.Module([last], []), "cell", "exec"), cells)
        if "params" not in cells:
            cells.update(asked)
    report = ReportId(study_name, PERIODS[-1], region, unit, "scorecard")
    frame = page_of(report, load_study(project, study_name), "\n".join(blocks), lambda one: True, date(2026, 10, 3))
    return render_page(frame)


def _answers(units: int) -> pd.DataFrame:
    """Answers of all units and quarters; units differ, and one in ten fell or rose in the last quarter."""
    rng = np.random.default_rng(1)
    places = pd.DataFrame(
        [(f"r{r}", f"u{u}") for r in range(REGIONS) for u in range(units)], columns=["region", "unit"]
    )
    level, sizes = rng.normal(8, 0.3, len(places)), rng.integers(*ANSWERS, len(places))
    jump = np.where(rng.random(len(places)) < 0.1, rng.choice([-2.0, 2.0], len(places)), 0)
    parts = []
    for at, period in enumerate(PERIODS):
        here = places.loc[places.index.repeat(sizes)].reset_index()
        moved = level + jump * (at == len(PERIODS) - 1)
        wish = moved[here["index"]] + rng.normal(0, 1.8, len(here))
        here["date"] = f"{period[:4]}-{3 * int(period[-1]) - 1:02}-10"
        here["nps"] = np.clip(np.rint(wish), 0, 10).astype(int)
        here["csat"] = np.clip(np.rint(wish / 2 + rng.normal(0, 0.4, len(here))), 1, 5).astype(int)
        here["ces"] = np.clip(np.rint(wish * 0.65 + rng.normal(0, 0.6, len(here))), 1, 7).astype(int)
        parts.append(here.drop(columns="index"))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(id=[f"r{at}" for at in range(len(frame))])


if __name__ == "__main__":
    main()

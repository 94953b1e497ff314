"""Scorecards in folders as the batch leaves them, of places and groups whose names a spreadsheet would compute."""

import csv
import io
import json
from functools import partial
from itertools import product
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

import cxinsights as cx
from cxinsights.data.importing import import_study
from cxinsights.params import Project, Study
from cxinsights.report.identity import ReportId
from cxinsights.report.record import RECORD_TO
from cxinsights.report.snapshot import has_page, render_snapshot
from cxinsights.report.source import open_source
from tests.small import STUDY, small_study

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1,1)", '=HYPERLINK("https://x.test","a")', "=cmd|' /C calc'!A0", "{=1+1}")
"""What spreadsheets compute, or would ask whether they may."""
PARTS = (
    "tally_parts", "score_kpis", "table_parts", "figure_trend", "figure_segments", "table_sites", "table_scores",
    "table_changes", "table_rests", "table_segments", "method_scorecard",
)  # fmt: skip
NORTH, SOUTH = (ReportId("shops", "2026Q3", "shops", unit, "scorecard") for unit in ("north", "south"))
"""One of many answers, and one of too few."""
_UNITS = """units:
  north: {label: "=1+1"}
  east: {label: "-1+1"}
  west: {label: "{=1+1}"}
  south: {label: "@SUM(1,1)"}
"""
_OWN = """cutoff: 2026-09-30
synthetic: true
columns: {age_group: {label: "+1+1", type: category, values: {old: "-1+1", young: "=young"}}}
scores: {segments: [age_group]}
"""


def shops_study() -> str:
    """A study whose labels are formulas."""
    text = STUDY[: STUDY.index("units:")] + _UNITS + _OWN
    return text.replace("      weight: {from: weight, optional: true}\n", "      site: site\n      age_group: age\n")


def shop_answers() -> str:
    """Two waves, in which each of North's sites has enough answers but one, and South has six in all."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["id", "unit", "date", "nps", "csat", "wait", "site", "age"])
    units = [name for name, n in (("north", 160), ("east", 100), ("west", 40), ("south", 6)) for _ in range(n)]
    for at, (unit, year) in enumerate(product(units, (2026, 2025))):
        site = "=few" if unit == "north" and at < 16 else FORMULAS[at // 2 % 5]
        nps = 7 * at % 11 if year == 2026 else 5 * at % 9
        lines.writerow([at, unit, f"{year}-07-01", nps, at % 5 + 1, 5, site, ("old", "young")[at % 3 // 2]])
    return text.getvalue()


def make_scorecards(folder: Path) -> tuple[Project, Study]:
    """A project with both scorecards among its drafts, pages, notebooks, records and all."""
    project, study = small_study(folder, shops_study(), shop_answers())
    import_study(project, study)
    for report in (NORTH, SOUTH):
        _make(project, study, report)
    return project, study


def _make(project: Project, study: Study, report: ReportId) -> None:
    made = report.folder(project.outputs)
    made.mkdir(parents=True)
    params = cx.ScorecardParams(study="shops", period="2026Q3", region="shops", unit=report.unit)
    source = open_source(params, project)
    result = source.guard(cx.fit_scorecard(source.baseline, params, **source.figures))
    headline = cx.headline_scorecard(result)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RECORD_TO, str(made))
        blocks = [headline, *(getattr(cx, name)(result) for name in PARTS), source.record(result, headline)]
    cells = [new_code_cell("", outputs=[new_output("display_data", one._repr_mimebundle_())]) for one in blocks]
    notebook = made / "scorecard.ipynb"
    nbformat.write(new_notebook(cells=cells), notebook)
    (made / "run.json").write_text(json.dumps({"made_at": "2026-10-03T12:00:00+00:00"}))
    page = render_snapshot(notebook, report, study, study.cutoff, partial(has_page, project.outputs))
    (made / "index.html").write_text(page, encoding="utf-8")


def record_of(root: Path, report: ReportId) -> dict:
    """The report's record."""
    return json.loads((report.folder(root) / "result.json").read_text(encoding="utf-8"))

"""What the other reports of the same place and period found: their headlines and links, from their records."""

import json
import os
from collections.abc import Collection
from pathlib import Path

from cxinsights.display.findings import Finding
from cxinsights.params import ANALYSES, ReportParams
from cxinsights.report.identity import ReportId

__all__ = ["PAGES", "read_findings"]

PAGES = "CXINSIGHTS_PAGES"
"""Environment variable with the folder of pages; set by the batch and the server, whose pages link each other."""


def read_findings(params: ReportParams, without: Collection[str] = ()) -> list[Finding]:
    """Findings of the other analyses but those left out, as reports are listed; none where no pages are made.

    In JupyterLab there is no page to link to, so that a notebook shows the same whatever was made before.
    """
    pages = os.environ.get(PAGES)
    if not pages:
        return []
    found = []
    for analysis, model in ANALYSES.items():
        report = ReportId(params.study, params.period, params.region, params.unit, analysis)
        record = report.folder(Path(pages)) / "result.json"
        if model.turn < params.turn and analysis not in without and record.exists():
            headline = json.loads(record.read_text(encoding="utf-8"))["headline"]
            found.append(Finding(model.title, headline, f"../{analysis}/index.html"))
    return found

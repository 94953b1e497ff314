"""The list of reports: by study, region and unit, with headline and date, from the reports' own records."""

import json
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from cxinsights.errors import CxError
from cxinsights.params import ALL, ANALYSES, Project, Study, load_study
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import Page, render_page

__all__ = ["Listed", "find_reports", "render_index", "write_index"]


@dataclass(frozen=True)
class Listed:
    """One report as the list shows it."""

    report: ReportId
    headline: str
    status: str
    made_at: datetime


def find_reports(project: Project) -> list[Listed]:
    """Reports with a record and a page, by place in the folders."""
    found = []
    for path in sorted(project.outputs.glob("*/*/*/*/*/result.json")):
        report = ReportId.from_folder(path.parent, project.outputs)
        run = path.with_name("run.json")
        if report is None or not run.exists() or path.parent.name.startswith("."):
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        made_at = datetime.fromisoformat(json.loads(run.read_text(encoding="utf-8"))["made_at"])
        found.append(Listed(report, result["headline"], result["status"], made_at))
    return found


def render_index(project: Project, *, live: bool = False) -> str:
    """HTML of the list; with links to the live pages where a server stands behind them."""
    studies: dict[str, list[Listed]] = {}
    for listed in find_reports(project):
        studies.setdefault(listed.report.study, []).append(listed)
    parts = [_head(studies)]
    for name, reports in studies.items():
        try:
            study = load_study(project, name)
        except CxError:
            continue  # reports of a study whose params are gone cannot be named
        parts.append(_study(project, study, reports, live))
    page = Page(
        title="Reports",
        crumbs=[("Reports", "")],
        content="\n".join(parts),
        foot=["Each report is about the period named. Made-up data say so on their pages."],
        home="index.html" if not live else "/",
        reading=True,
    )
    return render_page(page)


def _head(studies: dict[str, list[Listed]]) -> str:
    total = sum(map(len, studies.values()))
    title = f"{total} report{'' if total == 1 else 's'}" if total else "No reports yet"
    lead = "" if total else '<p class="lead">Make some with: make reports</p>'
    return f'<div class="head"><p class="kicker">Reports</p><h1>{title}</h1>{lead}</div>'


def _study(project: Project, study: Study, reports: list[Listed], live: bool) -> str:
    parts = []
    for period in reversed(study.periods.order(sorted({r.report.period for r in reports}))):
        in_period = [r for r in reports if r.report.period == period]
        parts.append(f"<h2>{escape(study.label)}, {escape(study.periods.period(period).label)}</h2>")
        for region in sorted({r.report.region for r in in_period}, key=lambda name: (name != ALL, name)):
            in_region = [r for r in in_period if r.report.region == region]
            in_region.sort(key=lambda r: (r.report.unit != ALL, r.report.unit, list(ANALYSES).index(r.report.analysis)))
            heading = _region_label(study, region)
            entries = "".join(_entry(study, listed, live) for listed in in_region)
            parts.append(
                f'<section class="group"><h3>{escape(heading)}</h3><ul class="reports">{entries}</ul></section>'
            )
    quality = project.outputs / study.name / "data-quality.html"
    if quality.exists():
        base = "/reports/" if live else ""
        parts.append(
            f'<p><a href="{base}{escape(study.name)}/data-quality.html">Data quality of {escape(study.label)}</a></p>'
        )
    return "\n".join(parts)


def _entry(study: Study, listed: Listed, live: bool) -> str:
    report = listed.report
    path = escape(report.path)
    made = listed.made_at.astimezone()
    of = f"{report.analysis.capitalize()} · {study.label_of(report.region, report.unit)} · made {made.day} {made:%B %Y}"
    base = "/reports/" if live else ""
    link = (
        f'<a class="live" href="/live/{path}/" aria-label="Live page: {escape(of)}">Live</a>'
        if live
        else "<span></span>"
    )
    return (
        f'<li><a class="finding" href="{base}{path}/index.html">{escape(listed.headline)}</a>{link}'
        f'<span class="of">{escape(of)}</span></li>'
    )


def _region_label(study: Study, region: str) -> str:
    return study.label if region == ALL else study.region(region).label


def write_index(project: Project) -> Path:
    """Write the list beside the reports, for readers without a server."""
    path = project.outputs / "index.html"
    fresh = path.with_name(".index.html.new")
    fresh.write_text(render_index(project), encoding="utf-8")
    fresh.replace(path)
    return path

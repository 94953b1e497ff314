"""The list of reports: by study, region and unit, with headline and date, from the reports' own records."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from pathlib import Path

from cxinsights.display.blocks import state_mark
from cxinsights.errors import CxError
from cxinsights.params import ALL, ANALYSES, Project, Study, load_study
from cxinsights.publish.access import Visitor
from cxinsights.publish.releases import is_current, released_root
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import Page, render_page

__all__ = ["Listed", "find_reports", "render_index", "write_index"]

log = logging.getLogger(__name__)

_NEWS = ("worse", "slightly_worse", "better", "slightly_better", "cannot_tell", "steady")
"""States in the order readers look for them."""


@dataclass(frozen=True)
class Listed:
    """One report as the list shows it."""

    report: ReportId
    headline: str
    state: str | None
    """Of the change of its leading score; None where it has none."""
    made_at: datetime
    is_live: bool = True
    """Whether its notebook may be run for a reader."""


def find_reports(root: Path) -> list[Listed]:
    """Reports with a record and a page, by place in the folders; what cannot be read is left out and logged.

    Parameters
    ----------
    root
        Folder of drafts or of released reports.
    """
    found = []
    for path in sorted(root.glob("*/*/*/*/*/result.json")):
        report = ReportId.from_folder(path.parent, root)
        run = path.with_name("run.json")
        if report is None or not run.exists() or path.parent.name.startswith("."):
            continue
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            leading = [s["state"] for s in result["scores"] if s.get("metric") == result["scores"][0].get("metric")]
            state = next((state for state in leading if state in _NEWS), None)  # the headline's own measure
            made_at = datetime.fromisoformat(json.loads(run.read_text(encoding="utf-8"))["made_at"])
            found.append(Listed(report, str(result["headline"]), state, made_at))
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("list: the record of %s cannot be read (%s)", report.path, type(error).__name__)
    return found


def render_index(
    project: Project, visitor: Visitor | None = None, *, live: bool = False, released: bool = False
) -> str:
    """HTML of the list.

    Parameters
    ----------
    visitor
        Who reads it, and sees their own; by default everything is listed.
    live
        Whether a server stands behind it: links then lead to it, and to live pages.
    released
        Whether only what is released is listed; a live page is linked where nothing has come in since.
    """
    listed = find_reports(released_root(project) if released else project.outputs)
    if visitor is not None:
        listed = [one for one in listed if visitor.may_see(one.report.study, one.report.region, one.report.unit)]
    if released:
        listed = [replace(one, is_live=is_current(project, one.report)) for one in listed]
    studies = _nameable(project, listed)
    parts = [_head(sum(len(reports) for _, reports in studies.values()), released)]
    parts += [_study(project, study, reports, live) for study, reports in studies.values()]
    page = Page(
        title="Reports",
        crumbs=[("Reports", "")],
        content="\n".join(parts),
        foot=["Each report is about the period named. Made-up data say so on their pages."],
        home="index.html" if not live else "/",
        reading=True,
    )
    return render_page(page)


def _nameable(project: Project, found: list[Listed]) -> dict[str, tuple[Study, list[Listed]]]:
    """Reports by study, without those whose study, place, period or analysis the params no longer have."""
    studies: dict[str, tuple[Study, list[Listed]]] = {}
    for listed in found:
        report = listed.report
        try:
            if report.study not in studies:
                studies[report.study] = (load_study(project, report.study), [])
            study, reports = studies[report.study]
            study.check_place(report.region, report.unit)
            study.periods.period(report.period)
        except CxError:
            log.info("list: %s is not in the params any more", report.path)
            continue
        if report.analysis in ANALYSES:
            reports.append(listed)
    return {name: (study, reports) for name, (study, reports) in studies.items() if reports}


def _head(total: int, released: bool) -> str:
    title = f"{total} report{'' if total == 1 else 's'}" if total else "No reports yet"
    how = "None is released to you yet." if released else "Make some with: make reports"
    lead = "" if total else f'<p class="lead">{how}</p>'
    return f'<div class="head"><p class="kicker">Reports</p><h1>{title}</h1>{lead}</div>'


def _study(project: Project, study: Study, reports: list[Listed], live: bool) -> str:
    parts = []
    for period in reversed(study.periods.order(sorted({r.report.period for r in reports}))):
        parts.append(f"<h2>{escape(study.label)}, {escape(study.periods.period(period).label)}</h2>")
        groups: dict[str, list[Listed]] = {}
        for listed in reports:
            if listed.report.period == period:
                groups.setdefault(ALL if study.one_region else listed.report.region, []).append(listed)
        for region in sorted(groups, key=lambda name: (name != ALL, name)):
            whole = "All units" if study.one_region else "All regions"
            name = whole if region == ALL else study.region(region).label
            subjects = "".join(_subjects(study, groups[region], live))
            parts.append(f'<section class="group"><h3>{escape(name)}</h3><ul class="reports">{subjects}</ul></section>')
    if (project.outputs / study.name / "data-quality.html").exists():
        link = f"{_base(live)}{escape(study.name)}/data-quality.html"
        parts.append(f'<p class="more"><a href="{link}">Data quality of {escape(study.label)}</a></p>')
    return "\n".join(parts)


def _subjects(study: Study, reports: list[Listed], live: bool) -> Iterator[str]:
    """One entry per unit: what moved first, the whole before all."""
    by_unit: dict[tuple[str, str], list[Listed]] = {}
    for listed in reports:
        by_unit.setdefault((listed.report.region, listed.report.unit), []).append(listed)

    def place(unit: tuple[str, str]) -> tuple[bool, int, str]:
        state = next((r.state for r in by_unit[unit] if r.state), None)
        return unit[1] != ALL, _NEWS.index(state) if state else len(_NEWS), unit[1]

    for region, unit in sorted(by_unit, key=place):
        own = sorted(by_unit[region, unit], key=lambda r: list(ANALYSES).index(r.report.analysis))
        name = "All together" if unit == ALL else study.unit(region, unit).label
        findings = "".join(_finding(listed, live) for listed in own)
        yield f"<li><h4>{escape(name)}</h4><ul>{findings}</ul></li>"


def _finding(listed: Listed, live: bool) -> str:
    path, made = escape(listed.report.path), listed.made_at.astimezone()
    told = f"{listed.report.title} · made {made.day} {made:%B %Y}"
    page = f' · <a href="/live/{path}/">Live page<span class="aside"> of: {escape(listed.headline)}</span></a>'
    mark = str(state_mark(listed.state)) if listed.state else ""
    return (
        f'<li><a class="finding" href="{_base(live)}{path}/index.html">{escape(listed.headline)}</a>{mark}'
        f'<span class="of">{told}{page if live and listed.is_live else ""}</span></li>'
    )


def _base(live: bool) -> str:
    return "/reports/" if live else ""


def write_index(project: Project) -> Path:
    """Write the list beside the reports, for readers without a server."""
    path = project.outputs / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".index.html.new-{os.getpid()}")
    fresh.write_text(render_index(project), encoding="utf-8")
    fresh.replace(path)
    return path

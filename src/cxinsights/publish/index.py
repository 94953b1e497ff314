"""The list of reports: by study, region and unit, with headline and date, from the reports' own records."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from html import escape
from pathlib import Path

from cxinsights.display.blocks import state_mark
from cxinsights.display.words import NEWS_FIRST, STATE_WORDS
from cxinsights.errors import CxError
from cxinsights.params import ALL, ANALYSES, Project, Study, load_study
from cxinsights.publish.access import Visitor
from cxinsights.publish.releases import QUALITY, is_current, released_root
from cxinsights.publish.standing import STATUS, notes_of, unmade
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import Page, render_page

__all__ = ["Listed", "find_reports", "render_index", "write_index"]

log = logging.getLogger(__name__)

_MANY = 20
"""Reports of a period beyond which what moved stands at the top and regions are folded."""
_MOST_NEWS = 10
"""Units that moved that are listed at the top; those of more stand in their regions."""
_MEANINGS = {
    "worse": "clear, by a test adjusted among all that are compared",
    "better": "clear, likewise",
    "cannot_tell": "the answers leave it open, or it may be chance among all",
    "steady": "no clear change, and none that would matter",
}


@dataclass(frozen=True)
class Listed:
    """One report as the list shows it."""

    report: ReportId
    headline: str
    state: str | None
    """Of the change of its leading score; None where it has none."""
    made_at: datetime
    status: str = "ok"
    """How the analysis ended."""
    note: str = ""
    """What to know before opening it."""
    is_live: bool = True
    """Whether its notebook may be run for a reader."""


def find_reports(root: Path, may_see: Callable[[ReportId], bool] = lambda report: True) -> list[Listed]:
    """Reports with a record and a page, by place in the folders; what cannot be read is left out and logged.

    Parameters
    ----------
    root
        Folder of drafts or of released reports.
    may_see
        Which to look at; the records of others are not opened.
    """
    found = []
    for path in sorted(root.glob("*/*/*/*/*/result.json")):
        report = ReportId.from_folder(path.parent, root)
        run = path.with_name("run.json")
        if report is None or path.parent.name.startswith(".") or not may_see(report):
            continue
        try:
            states = [file.stat() for file in (path, run)]
            found.append(_listed(path, *((state.st_ino, state.st_mtime_ns) for state in states), report))
        except FileNotFoundError:  # not made by us, or being replaced
            continue
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("list: the record of %s cannot be read (%s)", report.path, type(error).__name__)
    return found


@lru_cache(maxsize=100_000)
def _listed(path: Path, result_is: tuple[int, int], run_is: tuple[int, int], report: ReportId) -> Listed:
    """A report as its record has it; read again when the files are others."""
    result = json.loads(path.read_text(encoding="utf-8"))
    leading = [s["state"] for s in result["scores"] if s.get("metric") == result["scores"][0].get("metric")]
    state = next((state for state in leading if state in NEWS_FIRST), None)  # the headline's own measure
    made_at = datetime.fromisoformat(json.loads(path.with_name("run.json").read_text(encoding="utf-8"))["made_at"])
    return Listed(report, str(result["headline"]), state, made_at, str(result.get("status", "ok")))


def render_index(
    project: Project, visitor: Visitor | None = None, *, live: bool = False, released: bool = False, sought: str = ""
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
    sought
        Words that a report's place, period, analysis or headline must hold, all of them.
    """
    root = released_root(project) if released else project.outputs
    seen = (lambda report: True) if visitor is None else (lambda r: visitor.may_see(r.study, r.region, r.unit))
    listed = find_reports(root, seen)
    notes = notes_of(project, [one.report for one in listed], released)
    listed = [
        replace(one, note=notes.get(one.report, ""), is_live=not released or is_current(project, one.report))
        for one in listed
    ]
    studies = _nameable(project, listed)
    total = sum(len(reports) for _, reports in studies.values())
    if sought:
        found = {name: (study, _sought(study, reports, sought)) for name, (study, reports) in studies.items()}
        studies = {name: (study, reports) for name, (study, reports) in found.items() if reports}
    parts = [_head(sum(len(reports) for _, reports in studies.values()), total, released, sought)]
    if live and total > 1:
        parts.append(_search(sought))
    for study, reports in studies.values():
        parts.append(_study(study, reports, live, opened=bool(sought)))
        whole = live and not (released or sought)
        if whole and (missing := unmade(project, study.name, (one.report for one in listed))):
            parts.append(_unmade(missing))
        if (root / study.name / QUALITY).exists() and (visitor is None or visitor.may_see_all_of(study.name)):
            link = f"{_base(live)}{escape(study.name)}/{QUALITY}"
            parts.append(f'<p class="more"><a href="{link}">Data quality of {escape(study.label)}</a></p>')
    if live and not (released or total):
        missing = sum(unmade(project, study, ()) for study in project.studies())
        parts += [_unmade(missing)] if missing else []
    page = Page(
        title="Reports",
        crumbs=[("Reports", "")],
        content="\n".join(parts),
        foot=["Each report is about the period named. Made-up data say so on their pages."],
        home="index.html" if not live else "/",
        reading=True,
    )
    return render_page(page)


def _unmade(missing: int) -> str:
    have = "report has" if missing == 1 else "reports have"
    return f'<p class="note">{missing} {have} no page: the run that was to make one did not. Why: cxinsights runs</p>'


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


def _sought(study: Study, reports: list[Listed], sought: str) -> list[Listed]:
    """Reports in whose names, headline or mark all the words stand, whatever their case."""
    words = sought.casefold().split()

    def holds(listed: Listed) -> bool:
        report = listed.report
        names = (study.label, study.label_of(report.region, report.unit), study.periods.period(report.period).label)
        region = "" if report.region == ALL else study.region(report.region).label
        state = STATE_WORDS.get(listed.state or "", "")
        text = " ".join((*names, region, report.path, report.title, listed.headline, state)).casefold()
        return all(word in text for word in words)

    return [listed for listed in reports if holds(listed)]


def _head(shown: int, total: int, released: bool, sought: str) -> str:
    title = f"{shown} report{'' if shown == 1 else 's'}" if shown else "No reports yet"
    lead = ""
    if sought:
        title = f"{shown} of {total} reports" if shown else f"None of {total} reports"
        lead = f'<p class="lead">With “{escape(sought)}”. <a href="/">Show all</a></p>'
    elif not total:
        how = "None is released to you yet." if released else "Make some with: make reports"
        lead = f'<p class="lead">{how}</p>'
    return f'<div class="head"><p class="kicker">Reports</p><h1>{title}</h1>{lead}</div>'


def _search(sought: str) -> str:
    return (
        '<form class="search" role="search" method="get" action="/"><label for="q">Unit, analysis or words of a finding'
        f'</label><input type="search" id="q" name="q" value="{escape(sought)}" maxlength="100" autocomplete="off">'
        "<button>Search</button></form>"
    )


def _study(study: Study, reports: list[Listed], live: bool, opened: bool) -> str:
    """A study's reports, the latest period open and earlier ones folded."""
    parts = []
    periods = [*reversed(study.periods.order(sorted({r.report.period for r in reports})))]
    for period in periods:
        title = f"<h2>{escape(study.label)}, {escape(study.periods.period(period).label)}</h2>"
        body = _period(study, [listed for listed in reports if listed.report.period == period], live, opened)
        if period == periods[0] or opened:
            parts += [title, body]
        else:
            parts.append(f'<details class="earlier"><summary>{title}</summary>{body}</details>')
    return "\n".join(parts)


def _period(study: Study, reports: list[Listed], live: bool, opened: bool) -> str:
    """A period's reports by region; of many, what moved comes first, and regions are folded but for the whole."""
    groups: dict[str, list[Listed]] = {}
    for listed in reports:
        groups.setdefault(ALL if study.one_region else listed.report.region, []).append(listed)
    many = len(reports) > _MANY and not opened
    inside = [_moved(study, reports, live)] if many else []
    for region in sorted(groups, key=lambda name: (name != ALL, name)):
        whole = "All units" if study.one_region else "All regions"
        name = f"<h3>{escape(whole if region == ALL else study.region(region).label)}</h3>"
        subjects = f'<ul class="reports">{"".join(_subjects(study, groups[region], live, folded=many))}</ul>'
        if many and region != ALL:
            told = f"<span>{_counts(groups[region])}</span>"
            inside.append(f'<details class="group"><summary>{name}{told}</summary>{subjects}</details>')
        else:
            inside.append(f'<section class="group">{name}{subjects}</section>')
    inside.append(_key({listed.state for listed in reports}))
    return "\n".join(filter(None, inside))


def _moved(study: Study, reports: list[Listed], live: bool) -> str:
    """The units whose scores clearly moved, the worse first."""
    news = [one for one in reports if one.report.unit != ALL and one.state in NEWS_FIRST[:4]]
    if not news:
        return '<p class="note">No unit’s leading score has clearly moved.</p>'
    news.sort(key=lambda one: (NEWS_FIRST.index(one.state), one.report.path))
    rows = []
    for listed in news[:_MOST_NEWS]:
        report = listed.report
        place = "" if study.one_region else f"<small>{escape(study.region(report.region).label)}</small>"
        name = escape(study.unit(report.region, report.unit).label)
        rows.append(f"<li><h4>{name} {place}</h4><ul>{_finding(listed, live)}</ul></li>")
    more = len(news) - _MOST_NEWS
    told = f'<p class="of">{more} more moved; they stand first in their regions.</p>' if more > 0 else ""
    return f'<section class="group news"><h3>What moved</h3><ul class="reports">{"".join(rows)}</ul>{told}</section>'


def _counts(reports: list[Listed]) -> str:
    """How many units a region has here, and how their leading scores moved."""
    states: dict[str, str | None] = {}
    for listed in reports:
        if listed.report.unit != ALL:
            states[listed.report.unit] = states.get(listed.report.unit) or listed.state
    counts = {word: sum(state in found for state in states.values()) for word, found in _COUNTED.items()}
    told = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    units = f"{len(states)} unit{'' if len(states) == 1 else 's'}"
    return f"{units}: {told}" if told else units


_COUNTED = {
    "worse": NEWS_FIRST[:2], "better": NEWS_FIRST[2:4], "cannot tell": ("cannot_tell",), "steady": ("steady",),
}  # fmt: skip


def _key(states: set[str | None]) -> str:
    """What the marks mean, where there are any."""
    rows = []
    for state, meaning in _MEANINGS.items():
        shown = [one for one in (state, f"slightly_{state}") if one in states]
        if shown:
            less = "; slightly: clear, but too little to matter" if f"slightly_{state}" in shown else ""
            marks = "".join(state_mark(one) for one in shown)
            rows.append(f"<div><dt>{marks}</dt><dd>{meaning}{less}</dd></div>")
    return f'<dl class="legend" aria-label="What the marks mean">{"".join(rows)}</dl>' if rows else ""


def _subjects(study: Study, reports: list[Listed], live: bool, *, folded: bool = False) -> Iterator[str]:
    """One entry per unit: what moved first, the whole before all; folded, a unit shows its first finding alone."""
    by_unit: dict[tuple[str, str], list[Listed]] = {}
    for listed in reports:
        by_unit.setdefault((listed.report.region, listed.report.unit), []).append(listed)

    def place(unit: tuple[str, str]) -> tuple[bool, int, str]:
        state = next((r.state for r in by_unit[unit] if r.state), None)
        return unit[1] != ALL, NEWS_FIRST.index(state) if state else len(NEWS_FIRST), unit[1]

    for region, unit in sorted(by_unit, key=place):
        own = sorted(by_unit[region, unit], key=lambda r: list(ANALYSES).index(r.report.analysis))
        name = "All together" if unit == ALL else study.unit(region, unit).label
        kept = 1 if folded and len(own) > 2 else len(own)
        findings = "".join(_finding(listed, live) for listed in own[:kept])
        if kept < len(own):
            titles = escape(", ".join(listed.report.title for listed in own[kept:]))
            others = "".join(_finding(listed, live) for listed in own[kept:])
            findings += f"<li><details><summary>{titles}</summary><ul>{others}</ul></details></li>"
        yield f"<li><h4>{escape(name)}</h4><ul>{findings}</ul></li>"


def _finding(listed: Listed, live: bool) -> str:
    path, made = escape(listed.report.path), listed.made_at.astimezone()
    told = f"{listed.report.title} · made {made.day} {made:%B %Y}"
    page = f' · <a href="/live/{path}/">Live page<span class="aside"> of: {escape(listed.headline)}</span></a>'
    mark = str(state_mark(listed.state)) if listed.state else ""
    few = f'<span class="hidden">{STATUS[listed.status]}</span>' if listed.status in STATUS else ""
    note = f'<span class="of stands">{escape(listed.note)}</span>' if listed.note else ""
    return (
        f'<li><a class="finding" href="{_base(live)}{path}/index.html">{escape(listed.headline)}</a>{mark}{few}'
        f'<span class="of">{told}{page if live and listed.is_live else ""}</span>{note}</li>'
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

"""Which reports are out of date and why: what each is made from now, against what it was made from.

What a report is made from has parts, each a short name: its notebook, its parameters, the study's settings, the code
and the packages it runs on, and what it reads. Nothing is made again where all of them are the same.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from cxinsights.batch.jobs import Work
from cxinsights.batch.ledger import Entry
from cxinsights.batch.plan import Plan
from cxinsights.batch.reports import RUN_RECORD
from cxinsights.data.manifest import read_manifest
from cxinsights.params import ALL, ANALYSES, Project, ReportParams, Study
from cxinsights.report.fingerprints import installed, short_hash
from cxinsights.report.identity import ReportId
from cxinsights.report.reads import kept_reads, reads_of
from cxinsights.report.records import RESULT

__all__ = ["code_of", "findings_of", "is_as_made", "survey", "turn_of"]

_REASONS = {
    "notebook": "notebook changed",
    "parameters": "parameters changed",
    "study": "study's settings changed",
    "code": "code or packages changed",
    "own": "new data",
    "read": "baseline changed",
    "findings": "findings changed",
}
"""What to say of a part that differs, the first of them where several do."""
_MAKES_NONE = ("kernels", "batch", "publish", "cli")  # what changes there changes no report
_ASKED = "asked for"
_ONLY_TELLS = "own"  # why what is read has changed; it alone changes nothing


def survey(
    project: Project,
    plan: Plan,
    last: dict[str, Entry],
    *,
    force: bool = False,
    only: Mapping[str, str] | None = None,
) -> Work:
    """Find what of a plan there is to do.

    Parameters
    ----------
    last
        How reports last ended, by path.
    force
        Whether to make all of them, whatever has changed.
    only
        Paths of reports to consider, and why they were to be made; beside them those of a later turn, which read what
        they say, are considered. All where not given.
    """
    study, period = plan.study, plan.period
    wanted = {r: p for r, p in plan.reports.items() if only is None or r.path in only or turn_of(r)}
    reads = {analysis: reads_of(project, study, analysis, period) for analysis in {r.analysis for r in wanted}}
    notebooks = {analysis: _notebook(project.notebooks / f"{analysis}.ipynb") for analysis in reads}
    settings, code, parts = _settings(study), code_of(), _parts(project, study)
    now, reasons, maybe = {}, {}, []
    for report, params in wanted.items():
        now[report] = {
            "notebook": notebooks[report.analysis],
            "parameters": short_hash(params.model_dump(mode="json")),
            "study": settings,
            "code": code,
            "own": _own(parts, params),
            "read": reads[report.analysis][f"{report.region}/{report.unit}"],
        }
        if turn_of(report):
            now[report]["findings"] = findings_of(project, report)
        if only is not None and report.path not in only:
            reason = _REASONS["findings"] if _reads_other(project, report, now[report]) else ""
        else:
            asked = force or (only is not None and only[report.path] == _ASKED)
            reason = _ASKED if asked else _why(project, report, now[report], last)
        if reason:
            reasons[report] = reason
    for report in sorted(wanted, key=turn_of):
        is_due = only is None or report.path in only or _record(report.folder(project.outputs)) is not None
        reads_one = any(
            (one.region, one.unit) == (report.region, report.unit) and turn_of(one) < turn_of(report)
            for one in (*reasons, *maybe)
        )
        if reads_one and is_due and report not in reasons:
            maybe.append(report)
    if only is not None:
        wanted = {r: p for r, p in wanted.items() if r.path in only or r in reasons or r in maybe}
    return Work(Plan(study, period, wanted, plan.skipped), now, reasons, maybe)


def is_as_made(project: Project, study: Study, report: ReportId) -> bool:
    """Whether a report, run now, would be made from what it was made from: no data, settings or code came since."""
    before = (_record(report.folder(project.outputs)) or {}).get("fingerprint", {})
    if before.get("study") != _settings(study) or before.get("code") != code_of():
        return False
    now = kept_reads(project, study, report.analysis, report.period)
    return now is not None and now.get(f"{report.region}/{report.unit}") == before.get("read")


def turn_of(report: ReportId) -> int:
    """Which reports of its place a report is made after: 0, of none."""
    return ANALYSES[report.analysis].turn


def findings_of(project: Project, report: ReportId) -> str:
    """Short name of what a report reads of those of its place made before it: headlines, or for a brief all of it."""
    said: list[tuple[str, Any]] = []
    for analysis, model in sorted(ANALYSES.items()):
        folder = replace(report, analysis=analysis).folder(project.outputs)
        if model.turn < turn_of(report) and (record := _record(folder)):
            whole = report.analysis == "brief"
            said.append((analysis, _digest(folder / RESULT) if whole else record.get("headline")))
    return short_hash(said)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def code_of(*, everything: bool = False) -> str:
    """Short name of the code that reports are made with, or of all of ours, and of the packages it runs on."""
    digest = hashlib.sha256()
    for path in _files(files("cxinsights"), () if everything else _MAKES_NONE):
        digest.update(path.read_bytes())
    return short_hash(digest.hexdigest(), installed())


def _files(folder: Any, left_out: Collection[str]) -> Iterable[Path]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name == "__pycache__" or entry.name in left_out:
            continue
        if entry.is_dir():
            yield from _files(entry, left_out)
        else:
            yield entry


def _why(project: Project, report: ReportId, now: dict[str, str], last: dict[str, Entry]) -> str:
    """Why a report is to be made; empty where it is up to date."""
    folder = report.folder(project.outputs)
    record = _record(folder)
    ended = last.get(report.path)
    if ended is not None and ended.status == "failed":
        return "failed before"
    if record is None or not {"index.html", *record.get("files", ["result.json"])} <= set(os.listdir(folder)):
        return "new"
    before = record.get("fingerprint", {})
    differ = [part for part in _REASONS if now.get(part) != before.get(part)]
    if not [part for part in differ if part != _ONLY_TELLS]:
        return ""
    if "read" not in differ:
        differ = [part for part in differ if part != _ONLY_TELLS]
    return _REASONS[differ[0]]


def _reads_other(project: Project, report: ReportId, now: dict[str, str]) -> bool:
    """Whether a report was made of something else than those beside it say now."""
    record = _record(report.folder(project.outputs))
    return record is not None and record.get("fingerprint", {}).get("findings") != now["findings"]


def _record(folder: Path) -> dict | None:
    try:
        return json.loads((folder / RUN_RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _notebook(path: Path) -> str:
    """Short name of a notebook's cells, whatever they last showed; of nothing where it is none: its reports fail."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return short_hash(
            [(cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags")) for cell in cells]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def _settings(study: Study) -> str:
    """Short name of what a study says to all its reports; what it says to one is among its parameters."""
    labels = {name: [region.label, {u: unit.label for u, unit in region.units.items()}]
              for name, region in study.regions.items()}  # fmt: skip
    layers = {"regions", "units", "tables", "raw_folder", *ANALYSES}
    return short_hash(study.model_dump(mode="json", exclude=layers), labels)


def _parts(project: Project, study: Study) -> dict[str, list]:
    """Short names of the rows of each unit, table by table."""
    found: dict[str, list] = {}
    for name, table in read_manifest(project, study)["tables"].items():
        for place, digest in table["parts"].items():
            found.setdefault(place, []).append((name, digest))
    return found


def _own(parts: dict[str, list], params: ReportParams) -> str:
    if params.unit != ALL:
        return short_hash(parts.get(f"{params.region}/{params.unit}"))
    inside = "" if params.region == ALL else f"{params.region}/"
    return short_hash(sorted((place, own) for place, own in parts.items() if place.startswith(inside)))

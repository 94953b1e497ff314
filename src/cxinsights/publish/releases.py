"""Releases: what readers see, kept apart from what is being worked on.

A report is a draft until its period is released. A release copies the reports as they are; making them again changes
drafts alone. The next release of the same period says on each page what late data changed since the last: a
restatement, with the old value beside the new one.
"""

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

from cxinsights.batch.staleness import is_as_made
from cxinsights.data.atomic import SERVED, replaced_folder
from cxinsights.display.numbers import metric_with_interval
from cxinsights.errors import ReleaseError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, ANALYSES, Project, Study, load_study
from cxinsights.report.identity import ReportId
from cxinsights.report.snapshot import render_snapshot
from cxinsights.schemas.columns import value_label

__all__ = [
    "QUALITY",
    "Release",
    "Restated",
    "is_current",
    "may_run",
    "notices_of",
    "release",
    "release_period",
    "released_root",
]

_RECORD = "release.json"
_HIDDEN = "not shown"
QUALITY = "data-quality.html"
"""A study's page about its data, released with whatever is released of it."""


@dataclass(frozen=True)
class Restated:
    """What a release says otherwise than the one before."""

    released_at: str
    """When the release came that is restated."""
    what: str
    """`headline`, or the measure of a score."""
    old: str
    new: str


@dataclass(frozen=True)
class Release:
    """What one release did."""

    released: list[ReportId]
    restated: dict[ReportId, list[Restated]]
    unchanged: list[ReportId]


def released_root(project: Project) -> Path:
    """Where released reports lie, in the same folders as drafts."""
    return project.outputs / ".released"


def is_current(project: Project, report: ReportId) -> bool:
    """Whether the draft says what was released."""
    return _result_of(report.folder(project.outputs)) == _result_of(report.folder(released_root(project))) != b""


def may_run(project: Project, report: ReportId) -> bool:
    """Whether the notebook, run now, shows nothing but what was released.

    The draft has to say the same, and what it was made from has to be what is there now: answers that came in, or a
    change of settings, are nobody's to see before the reports are made with them and released.
    """
    return is_current(project, report) and is_as_made(project, load_study(project, report.study), report)


def release_period(
    project: Project,
    study: Study,
    period: str | None = None,
    region: str | None = None,
    unit: str | None = None,
    only: Collection[str] | None = None,
) -> Release:
    """Release what has been made of a period, or a part of it; the latest made if none is named.

    Raises
    ------
    ReleaseError
        There is nothing to release.
    UnknownNameError
        No such period, region, unit or analysis.
    """
    if region is not None or unit is not None:
        having = [name for name, one in study.regions.items() if unit in one.units]
        study.check_place(region or next(iter(having or study.regions)), unit or ALL)
    for analysis in only or ():
        if analysis not in ANALYSES:
            raise UnknownNameError(f"release: {did_you_mean('analysis', analysis, ANALYSES)}")
    folders = (project.outputs / study.name).glob("*/*/*/*/index.html")
    made = [report for path in folders if (report := ReportId.from_folder(path.parent, project.outputs))]
    if period is None and made:
        period = study.periods.order(sorted({report.period for report in made}))[-1]
    elif period is not None:
        study.periods.period(period)
    wanted = {"period": period, "region": region, "unit": unit}
    chosen = [
        report
        for report in sorted(made)
        if all(value is None or getattr(report, name) == value for name, value in wanted.items())
        and (only is None or report.analysis in only)
    ]
    return release(project, study.name, chosen)


def release(project: Project, study: str, reports: Iterable[ReportId]) -> Release:
    """Make these drafts what readers see.

    Raises
    ------
    ReleaseError
        There is nothing to release.
    """
    drafts = [report for report in reports if (report.folder(project.outputs) / "index.html").exists()]
    if not drafts:
        raise ReleaseError(f"{study}: no report of that period and place has been made. Run make reports first.")
    done, here = Release([], {}, []), set(drafts)

    def is_read(other: ReportId) -> bool:
        return other in here or (other.folder(released_root(project)) / "index.html").exists()

    for report in drafts:
        if is_current(project, report):
            _copy(project, report, _record_of(report.folder(released_root(project))), is_read)
            done.unchanged.append(report)
            continue
        restated = _restated(project, report)
        _copy(project, report, _record(project, report, restated), is_read)
        done.released.append(report)
        if restated:
            done.restated[report] = restated
    _copy_quality(project, study)
    return done


def _copy_quality(project: Project, study: str) -> None:
    draft, target = (root / study / QUALITY for root in (project.outputs, released_root(project)))
    if draft.exists():
        fresh = target.with_name(f".{QUALITY}.new-{os.getpid()}")
        shutil.copyfile(draft, fresh)
        fresh.replace(target)


def _record(project: Project, report: ReportId, restated: list[Restated]) -> dict[str, Any]:
    """Who released a report when, and all that has ever been restated of it."""
    said = [*_record_of(report.folder(released_root(project))).get("restated", []), *map(asdict, restated)]
    return {
        "released_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "released_by": getuser(),
        "restated": [] if _hides(json.loads(_result_of(report.folder(project.outputs)))) else said,
    }


def _copy(project: Project, report: ReportId, record: dict[str, Any], is_read: Callable[[ReportId], bool]) -> None:
    """Put the draft where readers see it, its page drawn for them; nothing where that is there already.

    A page may differ though its figures are the same: it leads to more pages, or was drawn by a later version.
    """
    draft, study = report.folder(project.outputs), load_study(project, report.study)
    made_at = datetime.fromisoformat(json.loads((draft / "run.json").read_text(encoding="utf-8"))["made_at"])
    page = render_snapshot(
        draft / f"{report.analysis}.ipynb", report, study, made_at.astimezone().date(), is_read, _notices(record)
    )
    target = report.folder(released_root(project))
    if record == _record_of(target) and (target / "index.html").read_text(encoding="utf-8") == page:
        return
    with replaced_folder(target, SERVED) as fresh:
        shutil.copytree(draft, fresh, dirs_exist_ok=True)
        (fresh / "index.html").write_text(page, encoding="utf-8")
        (fresh / _RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _restated(project: Project, report: ReportId) -> list[Restated]:
    """What the draft says otherwise than what was released: its headline, and its scores as pages write them."""
    released = report.folder(released_root(project))
    old, new = _result_of(released), _result_of(report.folder(project.outputs))
    if not old:
        return []
    was, now = json.loads(old), json.loads(new)
    at = _record_of(released)["released_at"]
    found = []
    if was["headline"] != now["headline"]:
        found.append(Restated(at, "headline", was["headline"], now["headline"]))
    before = {(one["survey"], one["metric"], one["weighted"]): one for one in was["scores"]}
    for score in now["scores"]:
        other = before.get((score["survey"], score["metric"], score["weighted"]))
        texts = ("none", "none") if other is None else (_written(other), _written(score))
        if len({*texts}) == 2 and _HIDDEN not in texts:  # what is hidden now is no longer said
            found.append(Restated(at, score["metric"], *texts))
    return found


def _hides(result: dict[str, Any]) -> bool:
    """Whether a result holds back a score, or everything: then what was said of it before is not said again either."""
    return result.get("status") == "too_few" or any(_written(score) == _HIDDEN for score in result["scores"])


def _written(score: dict[str, Any]) -> str:
    figures = [score[name] for name in ("value", "ci_low", "ci_high")]
    if any(isinstance(figure, dict) for figure in figures):
        return _HIDDEN
    return "none" if None in figures else metric_with_interval(score["metric"], *figures)


def notices_of(folder: Path) -> list[str]:
    """What the page of a released report says of what has been restated; nothing in a draft's folder."""
    record = _record_of(folder)
    return _notices(record) if record else []


def _notices(record: dict[str, Any]) -> list[str]:
    """Sentences for the page: what has been restated, and when it had been said."""
    found = []
    for one in record["restated"]:
        day = datetime.fromisoformat(one["released_at"])
        when = f"{day.day} {day:%B %Y}"
        what = "Headline" if one["what"] == "headline" else value_label("metric", one["what"])
        found.append(f"{what} restated: released on {when} as “{one['old']}”, now “{one['new']}”.")
    return found


def _result_of(folder: Path) -> bytes:
    path = folder / "result.json"
    return path.read_bytes() if path.exists() else b""


def _record_of(folder: Path) -> dict[str, Any]:
    path = folder / _RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

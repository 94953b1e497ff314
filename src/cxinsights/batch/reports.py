"""Make one report: run its notebook, make its page, put its folder in place whole.

Everything is made in a folder beside the last good report and takes its place in one step; a report that
fails leaves the last good one where it was.
"""

import json
import os
import re
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from cxinsights.batch.jobs import Job, Outcome
from cxinsights.batch.ledger import versions
from cxinsights.data.atomic import SERVED, replaced_folder
from cxinsights.errors import CxError, ReportError
from cxinsights.params import Project, Study, load_study
from cxinsights.report.findings import PAGES
from cxinsights.report.identity import ReportId
from cxinsights.report.record import RECORD_TO
from cxinsights.report.snapshot import has_page, render_snapshot

__all__ = ["RUN_RECORD", "make_report", "rewrite_page"]

RUN_RECORD = "run.json"
"""What lies beside `result.json` and varies: when it was made, how long that took, and what it was made from."""
_ENGINE = "cxinsights"
_NO_CELL_LIMIT = -1  # the report has one
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MOST_TOLD = 2000  # characters of a message: a terminal and the ledger have to bear it


def make_report(job: Job) -> Outcome:
    """Make one report, or say where and why it failed."""
    report = ReportId.of(job.params)
    start = time.perf_counter()
    seen: dict[str, Any] = {}
    status = told = ""
    is_fault = False
    try:
        status = _make(Project(job.root), report, job, seen)
    except Exception as error:  # whatever it is, it is this report's own
        told, is_fault = _told(report, error), isinstance(error, DeadKernelError)
    else:  # what an earlier failure left may quote what people answered
        (Project(job.root).private(report.study) / "failed" / _kept_name(report)).unlink(missing_ok=True)
    return Outcome(report, time.perf_counter() - start, status, told, round(seen.get("peak_mb", 0), 1), is_fault)


def rewrite_page(project: Project, report: ReportId, study: Study) -> None:
    """Make a report's page again from its notebook, now that it is known which pages it can link to."""
    folder = report.folder(project.outputs)
    made_at = datetime.fromisoformat(json.loads((folder / RUN_RECORD).read_text(encoding="utf-8"))["made_at"])
    notebook = folder / f"{report.analysis}.ipynb"
    page = render_snapshot(notebook, report, study, made_at.astimezone().date(), partial(has_page, project.outputs))
    fresh = folder / f".index.html.new-{os.getpid()}"
    fresh.write_text(page, encoding="utf-8")
    fresh.replace(folder / "index.html")


def _make(project: Project, report: ReportId, job: Job, seen: dict[str, Any]) -> str:
    source = project.notebooks / f"{report.analysis}.ipynb"
    started = datetime.now(UTC)
    with replaced_folder(report.folder(project.outputs), SERVED) as folder:
        notebook = folder / source.name
        own = {RECORD_TO: str(folder), "CXINSIGHTS_HOME": str(project.root), PAGES: str(project.outputs)}
        try:
            papermill.execute_notebook(
                str(source),
                str(notebook),
                parameters=job.params.model_dump(mode="json"),
                engine_name=_ENGINE,
                progress_bar=False,
                log_output=False,
                request_save_on_cell_execute=False,
                autosave_cell_every=0,
                execution_timeout=_NO_CELL_LIMIT,
                folder=str(project.root),
                limits=job.limits,
                env={**os.environ, **own},
                seen=seen,
            )
        except Exception:
            _keep_failed(notebook, seen.get("notebook"), report, project)
            raise
        result = folder / "result.json"
        if not result.exists():
            raise ReportError("the notebook ended without source.record(result, headline): nothing was recorded.")
        recorded = json.loads(result.read_text(encoding="utf-8"))
        if any(recorded[name] != getattr(job.params, name) for name in ReportId.__annotations__):
            raise ReportError("another report was recorded in its place: the notebook has changed its parameters.")
        study = load_study(project, report.study)
        page = render_snapshot(
            notebook, report, study, started.astimezone().date(),
            lambda other: other in job.planned or has_page(project.outputs, other),
        )  # fmt: skip
        (folder / "index.html").write_text(page, encoding="utf-8")
        _write_run(folder, job, started, seen.get("peak_mb", 0), recorded["headline"])
        return recorded["status"]


def _write_run(folder: Path, job: Job, started: datetime, peak_mb: float, headline: str) -> None:
    """What `result.json` must not hold: when, how long, from what, and with which versions."""
    run = {
        "made_at": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 2),
        "peak_mb": round(peak_mb),
        "headline": headline,
        "parameters": job.params.model_dump(mode="json"),
        "fingerprint": job.fingerprint,
        "files": sorted(path.name for path in folder.iterdir()),
        "versions": versions(),
    }
    (folder / RUN_RECORD).write_text(json.dumps(run, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _keep_failed(notebook: Path, reached: Any, report: ReportId, project: Project) -> None:
    """Keep the notebook of a failed run where an analyst can open it, but nobody is served it."""
    try:
        ran = nbformat.read(notebook, as_version=4)
    except Exception:  # not written, or not whole where the disk is full
        ran = reached
    if ran is not None:
        kept = project.private(report.study) / "failed" / _kept_name(report)
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        nbformat.write(ran, kept)


def _kept_name(report: ReportId) -> str:
    return f"{report.path.replace('/', '-')}.ipynb"


def _told(report: ReportId, error: Exception) -> str:
    """Where and why, in a few lines."""
    notebook = f"notebooks/{report.analysis}.ipynb"
    if isinstance(error, PapermillExecutionError):
        line = _failing_line(error)
        # other messages may quote what people answered
        ours = bool(error.traceback) and error.traceback[0].startswith(f"{CxError.__module__}.{error.ename}: ")
        told = _shortened(error.evalue) if ours else "the message and the place are in the notebook kept"
        kept = "" if ours else f": data/{report.study}/private/failed/{_kept_name(report)}"
        cell = error.exec_count - 1 if error.exec_count > 2 else error.exec_count  # one with the values was put in
        return f"{notebook}, code cell {cell}: {line}\n{error.ename}: {told}{kept}"
    if isinstance(error, DeadKernelError):
        return f"{notebook}: the kernel died (ended from outside, out of memory, or a crash in a library)"
    if isinstance(error, ReportError):
        return f"{notebook}: {_shortened(str(error))}"
    if isinstance(error, OSError) and error.strerror:
        return f"{notebook}: {error.strerror}"
    return f"{notebook}: {type(error).__name__}"


def _failing_line(error: PapermillExecutionError) -> str:
    """The line of the cell that raised; its first where the traceback does not say."""
    lines = error.source.lstrip().splitlines()  # as IPython counts them
    marked = re.search(r"^-+> *(\d+) ", _COLOUR.sub("", "\n".join(error.traceback or [])), re.MULTILINE)
    if marked and 0 < int(marked[1]) <= len(lines):
        return lines[int(marked[1]) - 1].strip()
    return lines[0] if lines else ""


def _shortened(message: str) -> str:
    """A message that a terminal and the ledger can bear."""
    return message if len(message) <= _MOST_TOLD else f"{message[:_MOST_TOLD]} … ({len(message):,} characters)"

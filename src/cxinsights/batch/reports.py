"""Make one report: run its notebook, make its page, put its folder in place whole.

Everything is made in a folder beside the last good report and takes its place in one step; a report that
fails leaves the last good one where it was.
"""

import json
import logging
import os
import platform
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from cxinsights.data.atomic import replaced_folder
from cxinsights.errors import CxError, ReportError
from cxinsights.errors import __all__ as OUR_ERRORS
from cxinsights.params import Project, ReportParams, Study, load_study
from cxinsights.report.findings import PAGES
from cxinsights.report.identity import ReportId
from cxinsights.report.inputs import FITTED
from cxinsights.report.record import RECORD_TO
from cxinsights.report.snapshot import has_page, render_snapshot
from cxinsights.report.source import open_source

__all__ = ["Outcome", "make_report", "one_thread_each", "prepare", "rewrite_page"]

log = logging.getLogger(__name__)

CELL_TIMEOUT_S = 600
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """How one report ended."""

    report: ReportId
    seconds: float
    status: str = ""
    """Of the result: ok, too_few, refused, no_data; empty where the report failed."""
    error: str = ""
    """Where and why it failed."""

    @property
    def failed(self) -> bool:
        """Whether there is no new report."""
        return bool(self.error)


def one_thread_each() -> None:
    """Let kernels compute with one thread each: reports run side by side, and sums keep their order."""
    for name in _THREADS:
        os.environ[name] = "1"


def make_report(root: Path, params: ReportParams, planned: Collection[ReportId] = ()) -> Outcome:
    """Make one report, or say where and why it failed.

    Parameters
    ----------
    root
        The project's folder.
    planned
        Scorecards that the same run makes, so that this one's page can link to them before they are there.
    """
    project = Project(root)
    report = ReportId.of(params)
    start = time.perf_counter()
    try:
        status = _make(project, report, params, planned)
    except Exception as error:  # whatever it is, it is this report's own
        return Outcome(report, time.perf_counter() - start, error=_told(report, error))
    return Outcome(report, time.perf_counter() - start, status=status)


def rewrite_page(project: Project, report: ReportId, study: Study) -> None:
    """Make a report's page again from its notebook, now that it is known which pages it can link to."""
    folder = report.folder(project.outputs)
    made_at = datetime.fromisoformat(json.loads((folder / "run.json").read_text(encoding="utf-8"))["made_at"])
    notebook = folder / f"{report.analysis}.ipynb"
    page = render_snapshot(notebook, report, study, made_at.astimezone().date(), partial(has_page, project))
    fresh = folder / f".index.html.new-{os.getpid()}"
    fresh.write_text(page, encoding="utf-8")
    fresh.replace(folder / "index.html")


def prepare(root: Path, params: ReportParams) -> None:
    """Compute and keep what reports of this analysis and period need of each other."""
    if params.analysis not in FITTED:
        return
    try:
        open_source(params, Project(root)).families  # noqa: B018  computed when first asked for
    except CxError as error:  # each report says its own
        log.info("%s: not prepared: %s", params.analysis, error)


def _make(project: Project, report: ReportId, params: ReportParams, planned: Collection[ReportId]) -> str:
    source = project.notebooks / f"{report.analysis}.ipynb"
    started = datetime.now(UTC)
    with (
        replaced_folder(report.folder(project.outputs)) as folder,
        tempfile.TemporaryDirectory(prefix="cx-") as sockets,
    ):
        notebook = folder / source.name
        os.environ[RECORD_TO] = str(folder)
        os.environ["CXINSIGHTS_HOME"] = str(project.root)
        os.environ[PAGES] = str(project.outputs)
        try:
            papermill.execute_notebook(
                str(source),
                str(notebook),
                parameters=params.model_dump(mode="json"),
                cwd=str(project.root),
                progress_bar=False,
                log_output=False,
                autosave_cell_every=0,
                execution_timeout=CELL_TIMEOUT_S,
                config=_sockets_in(sockets),
            )
        except Exception:
            _keep_failed(notebook, report, project)
            raise
        finally:
            os.environ.pop(RECORD_TO, None)
            os.environ.pop(PAGES, None)
        result = folder / "result.json"
        if not result.exists():
            raise ReportError("the notebook ended without source.record(result, headline): nothing was recorded.")
        recorded = json.loads(result.read_text(encoding="utf-8"))
        if any(recorded[name] != getattr(params, name) for name in ("study", "period", "region", "unit", "analysis")):
            raise ReportError("another report was recorded in its place: run reports in processes, not in threads.")
        study = load_study(project, report.study)
        page = render_snapshot(
            notebook, report, study, started.astimezone().date(),
            lambda other: other in planned or has_page(project, other),
        )  # fmt: skip
        (folder / "index.html").write_text(page, encoding="utf-8")
        _write_run(folder, params, started)
        return recorded["status"]


def _sockets_in(folder: str) -> Config:
    """Let a kernel talk through sockets in a folder of its own: TCP ports are raced for by kernels side by side."""
    return Config({"KernelManager": {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}})


def _write_run(folder: Path, params: ReportParams, started: datetime) -> None:
    """What `result.json` must not hold: when, how long, and with which versions."""
    packages = ("cxinsights", "numpy", "pandas", "scipy", "statsmodels", "papermill", "matplotlib")
    run = {
        "made_at": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 2),
        "parameters": params.model_dump(mode="json"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }
    (folder / "run.json").write_text(json.dumps(run, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _keep_failed(notebook: Path, report: ReportId, project: Project) -> None:
    """Keep the notebook of a failed run where an analyst can open it, but nobody is served it."""
    if notebook.exists():
        kept = project.private(report.study) / "failed" / _kept_name(report)
        kept.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.read(notebook, as_version=4), kept)


def _kept_name(report: ReportId) -> str:
    return f"{report.path.replace('/', '-')}.ipynb"


def _told(report: ReportId, error: Exception) -> str:
    """Where and why, in a few lines."""
    notebook = f"notebooks/{report.analysis}.ipynb"
    if isinstance(error, PapermillExecutionError):
        line = next((line for line in error.source.splitlines() if line.strip()), "")
        ours = error.ename in OUR_ERRORS  # other messages may quote what people answered
        told = error.evalue if ours else "the message and the place are in the notebook kept"
        kept = "" if ours else f": data/{report.study}/private/failed/{_kept_name(report)}"
        return f"{notebook}, cell {error.exec_count}: {line}\n{error.ename}: {told}{kept}"
    if isinstance(error, CellTimeoutError):
        return f"{notebook}: a cell ran longer than {CELL_TIMEOUT_S} s"
    if isinstance(error, DeadKernelError):
        return f"{notebook}: the kernel died (memory, or a crash in a library)"
    if isinstance(error, ReportError):
        return f"{notebook}: {error}"
    return f"{notebook}: {type(error).__name__}"

"""Run a plan: reports side by side on the cores at hand, one failure never stopping the others."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cxinsights.batch.plan import Plan
from cxinsights.batch.reports import Outcome, make_report, one_thread_each, prepare, rewrite_page
from cxinsights.data.atomic import drop_unfinished
from cxinsights.params import Project, ReportParams
from cxinsights.report.baselines import load_baseline
from cxinsights.report.identity import ReportId
from cxinsights.report.snapshot import has_page

__all__ = ["Summary", "run_plan"]

log = logging.getLogger(__name__)

_STOPPED = 128 + signal.SIGTERM
"""Exit code of what was told to stop, as shells have it."""
_UNWIND_S = 4
"""Seconds a worker has to drop what it has begun."""


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    outcomes: list[Outcome]

    @property
    def failed(self) -> list[Outcome]:
        """Reports that were not made."""
        return [outcome for outcome in self.outcomes if outcome.failed]


def run_plan(
    project: Project, plan: Plan, console: Console, *, workers: int | None = None, executor: Executor | None = None
) -> Summary:
    """Make every report of a plan.

    Parameters
    ----------
    console
        Where progress is shown: a bar on a terminal, a line per report elsewhere.
    workers
        Reports made at a time; as many as there are cores where not given.
    executor
        Where reports are made; processes on this machine where not given.
    """
    if not plan.reports:
        return Summary([])
    one_thread_each()
    load_baseline(project, plan.study, plan.period)  # computed once, before the reports that read it
    workers = min(workers or os.cpu_count() or 1, len(plan.reports))
    own = executor is None
    if own:
        messages = project.private(plan.study.name) / "kernels.log"
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(messages,))
    make = _make_or_stop if own else make_report
    waiting: dict[Future, ReportId] = {}
    try:
        with _stopped_in_order():
            wait([executor.submit(prepare, project.root, params) for params in _one_of_each(plan)])
            outcomes = list(_shown(_in_waves(plan, project, executor, make, waiting), len(plan.reports), console))
            _unlink_failed(project, plan, outcomes)
    except (KeyboardInterrupt, SystemExit):
        for future in waiting:
            future.cancel()
        if own:
            for worker in multiprocessing.active_children():
                worker.terminate()
        raise
    finally:
        if own:
            executor.shutdown(cancel_futures=True)  # waits until every worker is gone
            for report in plan.reports:
                drop_unfinished(report.folder(project.outputs))  # of workers that could not unwind
    return Summary(sorted(outcomes, key=lambda outcome: outcome.report))


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Let a SIGTERM, as `timeout` or a shutdown sends it, unwind like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only there can a handler be set; a program around us has its own
        return
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(*_: object) -> None:
    sys.exit(_STOPPED)


def _start_worker(messages: Path) -> None:
    """Send what kernels print to a file, not between the lines of progress; end when told to, or left alone."""
    messages.parent.mkdir(parents=True, exist_ok=True)
    with messages.open("a") as stream:
        os.dup2(stream.fileno(), 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, _stop_soon)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _stop_soon(*_: object) -> None:
    """Unwind what is being made; where library code swallows that, or hangs as it ends, end without it."""
    last_word = threading.Timer(_UNWIND_S, os._exit, [_STOPPED])
    last_word.daemon = True
    last_word.start()
    sys.exit(_STOPPED)


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)


def _make_or_stop(root: Path, params: ReportParams, planned: Collection[ReportId]) -> Outcome:
    """Make a report; a worker that is told to stop drops what it has begun, and begins nothing else."""
    try:
        return make_report(root, params, planned)
    except SystemExit:
        os._exit(_STOPPED)


def _one_of_each(plan: Plan) -> list[ReportParams]:
    """A report of each analysis: what reports of one analysis need of each other is computed once before them."""
    return list({report.analysis: params for report, params in plan.reports.items()}.values())


def _in_waves(
    plan: Plan, project: Project, executor: Executor, make: Callable[..., Outcome], waiting: dict[Future, ReportId]
) -> Iterator[Outcome]:
    """Make the scorecards after the others, whose findings they list."""
    first = {report: params for report, params in plan.reports.items() if report.analysis != "scorecard"}
    last = {report: params for report, params in plan.reports.items() if report.analysis == "scorecard"}
    for wave in (first, last):
        begun = {
            executor.submit(make, project.root, params, last.keys() & report.above(plan.study)): report
            for report, params in wave.items()
        }
        waiting |= begun
        yield from _finished(begun)


def _unlink_failed(project: Project, plan: Plan, outcomes: list[Outcome]) -> None:
    """Take links to scorecards that failed, and have no page of an earlier run, off the pages made before them."""
    failed = {o.report for o in outcomes if o.failed and not has_page(project, o.report)}
    for outcome in outcomes:
        if not outcome.failed and failed & set(outcome.report.above(plan.study)):
            rewrite_page(project, outcome.report, plan.study)


def _finished(waiting: dict[Future, ReportId]) -> Iterator[Outcome]:
    for future in as_completed(waiting):
        report = waiting[future]
        error = future.exception()
        if error is not None:  # not the report's own failure, which make_report tells: a worker's
            log.debug("report %s", report.path, exc_info=error)
            yield Outcome(report, 0.0, error=f"{type(error).__name__}: {error}")
        else:
            yield future.result()


def _shown(outcomes: Iterator[Outcome], total: int, console: Console) -> Iterator[Outcome]:
    """Pass outcomes on, showing each."""
    if not console.is_terminal:
        for at, outcome in enumerate(outcomes, start=1):
            word = "failed" if outcome.failed else outcome.status
            console.print(f"{at:>4}/{total}  {outcome.report.path}  {word}  {outcome.seconds:.1f} s", highlight=False)
            yield outcome
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Making reports", total=total)
        for outcome in outcomes:
            progress.advance(task)
            if outcome.failed:
                progress.console.print(f"failed  {outcome.report.path}", style="red")
            yield outcome

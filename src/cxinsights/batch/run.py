"""Run a plan: what is out of date is made side by side, one failure never stopping the others."""

import logging
import math
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from rich.console import Console

from cxinsights.batch.jobs import Job, Outcome, Work
from cxinsights.batch.ledger import Entry, Ledger
from cxinsights.batch.plan import Plan, make_plan
from cxinsights.batch.progress import Progress, duration
from cxinsights.batch.tasks import find_work, findings_now, make_report, prepare, rewrite_pages
from cxinsights.batch.workers import LocalWorkers
from cxinsights.data.atomic import drop_unfinished
from cxinsights.data.manifest import read_manifest
from cxinsights.errors import ClusterError, WorkerDied
from cxinsights.kernels.limits import Limits
from cxinsights.params import ALL, ANALYSES, Project
from cxinsights.report.identity import ReportId

__all__ = ["Settings", "Summary", "find_out", "local_workers", "run_plan"]

log = logging.getLogger(__name__)

_STOPPED = 128 + signal.SIGTERM
"""Exit code of what was told to stop, as shells have it."""
_ATTEMPTS = 3
_LONG_S = 4
_GONE = "the scheduler is gone, and with it the reports under way. Start it again; --repair makes what is left."


@dataclass(frozen=True)
class Settings:
    """How a plan is run."""

    limits: Limits = field(default_factory=Limits)
    force: bool = False
    """Make also what is up to date."""
    repair: bool = False
    """Make only what the last run of the study was to make and did not."""


@dataclass(frozen=True)
class Summary:
    """How a run ended."""

    outcomes: list[Outcome]
    up_to_date: int = 0
    """Reports that there was nothing to do for."""

    @property
    def failed(self) -> list[Outcome]:
        """Reports that were not made."""
        return [outcome for outcome in self.outcomes if outcome.failed]


def local_workers(project: Project, study: str, workers: int | None = None) -> LocalWorkers:
    """Workers on this machine; as many as there are cores where not given."""
    return LocalWorkers(workers or os.cpu_count() or 1, project.private(study) / "kernels.log")


def find_out(
    project: Project, plan: Plan, local: LocalWorkers, *, force: bool = False, only: Mapping[str, str] | None = None
) -> Work:
    """What of a plan there is to do, once what reports need of each other has been computed.

    Parameters
    ----------
    force
        Whether to make also what is up to date.
    only
        Reports to repair, and why they were to be made; all of the plan where not given.
    """
    ledger, study = Ledger(project), plan.study
    if plan.reports:
        local.ask(prepare, project.root, study, plan.period)
        analyses = dict.fromkeys(report.analysis for report in plan.reports)
        local.ask_each(prepare, [(project.root, study, plan.period, analysis) for analysis in analyses])
    last = ledger.last_of(report.path for report in plan.reports)
    return local.ask(find_work, project.root, plan, last, force, only)


def run_plan(
    project: Project, plan: Plan, console: Console, *, errors: Console | None = None, workers: int | None = None,
    settings: Settings = Settings(), local: LocalWorkers | None = None, executor: Executor | None = None,
    at_a_time: int | None = None,
) -> Summary:  # fmt: skip
    """Make every report of a plan that is out of date.

    Parameters
    ----------
    console
        Where progress is shown: a bar on a terminal, a line per report elsewhere.
    errors
        Where failures are told at once; with the progress where not given.
    workers
        Reports made at a time on this machine; as many as there are cores where not given.
    local
        Workers for what is done on this machine, which stay; started here, and ended, where not given.
    executor
        Where reports are made; the local workers where not given.
    at_a_time
        Reports that the executor makes at a time.
    """
    if local is None:
        local = local_workers(project, plan.study.name, workers)
        try:
            return run_plan(
                project, plan, console, errors=errors, settings=settings, local=local, executor=executor,
                at_a_time=at_a_time,
            )  # fmt: skip
        finally:
            local.shutdown(cancel_futures=True)
    with _stopped_in_order():
        ledger, study, room = Ledger(project), plan.study.name, at_a_time or local.workers
        last = ledger.last_run(study)
        if last is not None and last[1] is None:  # killed: nobody has tidied up after it
            drop_unfinished(project.outputs / study)
        only = ledger.left_over(study) if settings.repair else None
        asked = {r.path: (r.analysis, (only or {}).get(r.path, "")) for r in plan.reports}
        number = ledger.begin(
            study, plan.period, {path: why for path, why in asked.items() if only is None or path in only}, code="",
            data=read_manifest(project, plan.study)["fingerprint"][:16], workers=room, command=shlex.join(sys.argv),
        )  # fmt: skip
        work: Work | None = None
        try:
            with _told_if_long(console):
                work = find_out(project, plan, local, force=settings.force, only=only)
        finally:
            if work is None:
                ledger.end(number, "stopped")
                console.print("stopped before the first report. The rest: --repair (make: REPAIR=1)")
        code = next((parts["code"] for parts in work.fingerprints.values()), "")
        ledger.set_work(number, {r.path: (r.analysis, why) for r, why in work.reasons.items()}, code)
        if not work.reasons:
            return Summary([], work.up_to_date)
        console.print(_announced(work, work.seconds(ledger.typical_seconds(), room)))
        progress = Progress(console, errors or console, len(work.reasons))
        return _Run(project, work, number, progress, settings, local, executor or local, room).make()


class _Run:
    """One run under way."""

    def __init__(
        self, project: Project, work: Work, number: int, progress: Progress, settings: Settings, local: LocalWorkers,
        executor: Executor, at_a_time: int,
    ) -> None:  # fmt: skip
        self._project, self._work, self._number, self._settings = project, work, number, settings
        self._plan, self._study = work.plan, work.plan.study
        self._local, self._executor, self._at_a_time = local, executor, at_a_time
        self._ledger = Ledger(project)
        self._progress = progress
        self._paged = {r for r in self._first if self._has_page(r)}

    @property
    def _first(self) -> set[ReportId]:
        """Those that other pages lead to, each for its place."""
        return {report for report in self._plan.reports if report == report.first(self._study)}

    def make(self) -> Summary:
        """Make the reports turn by turn: scorecards after those whose findings they list, briefs after all."""
        outcomes: list[Outcome] = []
        how = "stopped"
        try:
            with self._progress:
                typical = self._ledger.typical_seconds()
                for turn in sorted({model.turn for model in ANALYSES.values()}):
                    due = self._due_in(turn)
                    order = sorted(due, key=lambda r: -typical.get(r.analysis, math.inf))  # long ones first: all end
                    outcomes += self._wave(order, due)  # together
            self._relink(outcomes)
            how = "failed" if any(o.failed for o in outcomes) else "done"
        finally:
            try:
                self._ledger.end(self._number, how)
            finally:  # even where its disk is full
                if how == "stopped":
                    self._progress.stopped()
                    self._local.shutdown(cancel_futures=True)
                for place in {report.folder(self._project.outputs).parent for report in self._work.reasons}:
                    drop_unfinished(place)  # of workers that could not unwind
        untouched = len(self._plan.reports) - len(outcomes)
        return Summary(sorted(outcomes, key=lambda outcome: outcome.report), untouched)

    def _due_in(self, turn: int) -> dict[ReportId, str]:
        """Reports of a turn to make and why, now that it is known what those before them say."""
        work = self._work
        to_make = {report: why for report, why in work.reasons.items() if _turn_of(report) == turn}
        if not turn:
            return to_make
        mine = [*(report for report in work.maybe if _turn_of(report) == turn), *to_make]
        found = self._local.ask(findings_now, self._project.root, mine) if mine else {}
        for report, now in found.items():
            if report not in to_make and now != work.fingerprints[report]["findings"]:
                to_make[report] = "findings changed"
                self._progress.grow(1)
            work.fingerprints[report]["findings"] = now
        return to_make

    def _wave(self, reports: list[ReportId], reasons: dict[ReportId, str]) -> Iterator[Outcome]:
        """Make reports, as many at a time as there is room for; faults that are none of theirs are tried again."""
        waiting = [(report, 1) for report in reversed(reports)]
        flying: dict[Future, tuple[ReportId, int]] = {}
        while waiting or flying:
            while waiting and len(flying) < self._at_a_time:
                report, attempt = waiting.pop()
                flying[self._executor.submit(make_report, self._job(report))] = report, attempt
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                report, attempt = flying.pop(future)
                outcome = replace(_outcome_of(future, report), attempts=attempt)
                if outcome.is_fault and attempt < _ATTEMPTS:
                    log.info("%s: attempt %d failed: %s", report.path, attempt, outcome.error)
                    waiting.append((report, attempt + 1))
                    continue
                self._ledger.add(_entry(self._number, outcome, reasons[report]))
                self._progress.add(outcome)
                yield outcome

    def _job(self, report: ReportId) -> Job:
        to_come = {*self._work.reasons, *self._work.maybe}
        planned = tuple(sorted(one for one in self._led_to(report) if one in to_come))
        params, fingerprint = self._plan.reports[report], self._work.fingerprints[report]
        return Job(self._project.root, params, fingerprint, planned, self._settings.limits)

    def _relink(self, outcomes: list[Outcome]) -> None:
        """Put right links of pages to first reports that failed without a page, or have one for the first time."""
        made = {outcome.report for outcome in outcomes if not outcome.failed}
        lost = {o.report for o in outcomes if o.failed and not self._has_page(o.report)}
        new = (made & self._first) - self._paged
        if not (lost or new):
            return
        pages = make_plan(self._project, self._study, period=self._plan.period).reports  # whatever this run is about
        wrong = [
            report
            for report in pages
            if self._has_page(report) and (lost if report in made else new) & self._led_to(report)
        ]
        if wrong:
            self._local.ask(rewrite_pages, self._project.root, self._study, wrong)

    def _led_to(self, report: ReportId) -> set[ReportId]:
        """Pages that a report's page leads to: those on the way to it, and of a scorecard those of its units."""
        inside = {
            one
            for one in self._first
            if report.analysis == "scorecard" and report.unit == ALL != one.unit and report.region in (ALL, one.region)
        }
        return {*report.above(self._study), *inside}

    def _has_page(self, report: ReportId) -> bool:
        return (report.folder(self._project.outputs) / "index.html").exists()


def _turn_of(report: ReportId) -> int:
    return ANALYSES[report.analysis].turn


def _outcome_of(future: Future, report: ReportId) -> Outcome:
    """How a report ended; where that is not known, its worker did not live to tell."""
    try:
        return future.result()
    except WorkerDied:
        return Outcome(report, 0.0, error="the worker that made it died, three times", is_fault=True)
    except CancelledError:
        raise ClusterError(_GONE) from None
    except Exception as error:  # not the report's own failure, which make_report tells
        log.debug("report %s", report.path, exc_info=error)
        return Outcome(report, 0.0, error=f"{type(error).__name__} outside of its notebook", is_fault=True)


def _entry(run: int, outcome: Outcome, reason: str) -> Entry:
    status = "failed" if outcome.failed else outcome.status
    return Entry(
        run, outcome.report.path, outcome.report.analysis, reason, status, outcome.error or None,
        round(outcome.seconds, 2), outcome.peak_mb, outcome.attempts,
    )  # fmt: skip


def _announced(work: Work, seconds: float | None) -> str:
    """What there is to do: how many reports, how many not, and how long that is likely to take."""
    n = len(work.reasons)
    told = f"{n} report{'s' * (n != 1)} to make"
    if work.up_to_date:
        told += f", {work.up_to_date} up to date"
    if work.maybe:
        told += f", {len(work.maybe)} if what others say changes"
    return told if seconds is None else f"{told}, about {duration(seconds)}"


@contextmanager
def _told_if_long(console: Console) -> Iterator[None]:
    """Say what is going on where it takes longer than anybody waits without a word."""
    timer = threading.Timer(_LONG_S, console.print, ["computing what reports need of each other"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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

"""Commands that make reports, and say what became of them."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxinsights.cli.parts import (
    OnlyOption,
    PeriodOption,
    RegionOption,
    ReportArgument,
    StudyOption,
    UnitOption,
    app,
    counted,
    counted_number,
    err,
    opened,
    out,
    report_name,
)
from cxinsights.errors import ParamsError, UnknownNameError
from cxinsights.params import Project, Study, load_actions, load_study

if TYPE_CHECKING:
    from cxinsights.batch.ledger import Ledger
    from cxinsights.batch.plan import Plan
    from cxinsights.batch.run import Summary
    from cxinsights.batch.workers import LocalWorkers

__all__: list[str] = []

RepairOption = Annotated[bool, typer.Option("--repair", help="Only what the last run was to make and did not.")]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Reports made at a time.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for a run on the same outputs to end.")]


@app.command("import")
def import_(
    study: Annotated[str, typer.Argument(help="Folder in params/.")],
    force: Annotated[bool, typer.Option("--force", help="Import even if nothing has changed.")] = False,
    wait: WaitOption = False,
) -> None:
    """Import a study's raw files into tables, and write its data-quality page."""
    from cxinsights.batch.locking import locked
    from cxinsights.batch.tasks import import_tables

    project, loaded = opened(study)
    with locked(project, _user(), wait=wait, tell=out.print):
        manifest = import_tables(project.root, loaded, force)
    for name, table in manifest["tables"].items():
        told = [f"{table['rows']:>9,} rows", f"{table['kept']:>9,} kept", f"{table['rejected']:>6,} set apart"]
        told += [f"{table['left_out']:>9,} left out"] if table["left_out"] else []
        out.print(f"{name:<12} {'  '.join(told)}")


@app.command()
def plan(
    study: StudyOption = "demo",
    period: PeriodOption = None,
    region: RegionOption = None,
    unit: UnitOption = None,
    only: OnlyOption = None,
    repair: RepairOption = False,
    workers: WorkersOption = None,
    wait: WaitOption = False,
) -> None:
    """Say which reports would be made and why, which are up to date, and which are left out."""
    from cxinsights.batch.locking import locked
    from cxinsights.batch.progress import duration
    from cxinsights.batch.run import find_out

    project, loaded = opened(study)
    with locked(project, _user(), wait=wait, tell=out.print), _workers(project, loaded, workers) as local:
        _imported(project, loaded, local)
        made = _planned(project, loaded, period, region, unit, only, repair)
        ledger = _ledger(project)
        work = find_out(project, made, local, only=ledger.left_over(study) if repair else None)
        seconds = work.seconds(ledger.typical_seconds(), local.workers)
    for report, reason in work.reasons.items():
        out.print(f"{report.path}  {reason}")
    for report in work.maybe:
        out.print(f"{report.path}  if what the reports beside it say changes")
    _say_skipped(made)
    told = f"{counted(work.reasons, 'report')} to make for {made.period}, {work.up_to_date} up to date"
    told += f", {len(work.maybe)} to be seen" if work.maybe else ""
    out.print(told if seconds is None or not work.reasons else f"{told}: about {duration(seconds)}")


@app.command()
def run(
    study: StudyOption = "demo",
    period: PeriodOption = None,
    region: RegionOption = None,
    unit: UnitOption = None,
    only: OnlyOption = None,
    repair: RepairOption = False,
    force: Annotated[bool, typer.Option("--force", help="Make also what is up to date.")] = False,
    workers: WorkersOption = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds a report may take.")] = 900,
    memory: Annotated[float, typer.Option("--memory", min=100, help="MB a report may take.")] = 4000,
    wait: WaitOption = False,
    scheduler: Annotated[str | None, typer.Option("--scheduler", help="Of a Dask cluster: tcp://host:8786.")] = None,
    store: Annotated[
        str | None, typer.Option("--store", help="For a cluster that sees no folder of ours: s3://…")
    ] = None,
) -> None:
    """Make reports that are out of date: import what has changed, compute the baseline, run the notebooks."""
    from cxinsights.batch.cluster import cluster
    from cxinsights.batch.locking import locked
    from cxinsights.batch.run import Settings, run_plan
    from cxinsights.kernels.limits import Limits

    if store and not scheduler:
        raise typer.BadParameter("it is for a cluster: give --scheduler as well", param_hint="--store")
    project, loaded = opened(study)
    settings = Settings(Limits(timeout, memory), force=force, repair=repair)
    with locked(project, _user(), wait=wait, tell=out.print), _workers(project, loaded, workers) as local:
        manifest = _imported(project, loaded, local)
        made = _planned(project, loaded, period, region, unit, only, repair)
        lost, rows = (sum(t[name] for t in manifest["tables"].values()) for name in ("rejected", "rows"))
        if lost:
            out.print(f"{lost:,} of {rows:,} raw rows set apart: see outputs/{study}/data-quality.html")
        _say_skipped(made)
        out.print(f"{loaded.label}, {loaded.periods.period(made.period).label}")
        here = nullcontext((local, local.workers))
        with cluster(scheduler, project, loaded, store) if scheduler else here as (executor, at_a_time):
            summary = run_plan(
                project, made, out, errors=err, settings=settings, local=local, executor=executor, at_a_time=at_a_time
            )
        index = local.ask(_write_index, project.root)
    out.print(f"{_made(summary)}. The list: {project.shown(index)} (or make serve)")
    if summary.failed:
        raise typer.Exit(1)


@app.command()
def runs(
    study: Annotated[str | None, typer.Option("--study", help="Of one study; of all if not given.")] = None,
    most: Annotated[int, typer.Option("--last", min=1, help="How many.")] = 20,
) -> None:
    """List the last runs: who ran what when, and how it ended."""
    found = _ledger(Project.find()).runs(most, study)
    if not found:
        out.print("No runs yet.")
    for one in found:
        took = "" if one.ended is None else f"{_seconds_between(one.started, one.ended):,.0f} s"
        how = one.how or ("under way" if _is_running(one.pid) else "died")
        told = f"{one.run:>5}  {_local(one.started)}  {one.study}/{one.period}  {one.user}@{one.host}  {how}"
        told += f"  {one.made} of {one.planned} made" + (f", {one.failed} failed" if one.failed else "")
        out.print(f"{told}  {took}".rstrip())


@app.command()
def show(report: ReportArgument) -> None:
    """Say what became of one report: when and why it was made, from what, how long it took and how it ended."""
    ledger = _ledger(Project.find())
    name = report_name(report)
    found = ledger.history(name)
    if not found:
        near = ledger.nearest(name)
        hint = f" Did you mean {near}?" if near else ""
        raise UnknownNameError(f"no run has made a report {name}.{hint} cxinsights plan lists those that there can be.")
    for entry in found:
        took = "" if entry.seconds is None else f"  {entry.seconds:.1f} s  {entry.peak_mb or 0:.0f} MB"
        again = f"  {entry.attempts} attempts" if (entry.attempts or 1) > 1 else ""
        ended = _local(entry.ended) if entry.ended else "-" * 16
        out.print(f"run {entry.run}  {ended}  {entry.reason}  {entry.status or 'not made'}{took}{again}")
        out.print(f"  from {ledger.made_from(entry.run)}")
        if entry.error:
            out.print("  " + entry.error.replace("\n", "\n  "))


@app.command()
def prune(
    days: Annotated[int, typer.Option("--days", min=0, help="Keep what is younger.")] = 90,
) -> None:
    """Forget old runs and results kept for no report any more: nothing that a later run would need is lost."""
    from cxinsights.batch.pruning import prune_caches

    project = Project.find()
    runs_gone = _ledger(project).prune(days)
    results, size = prune_caches(project, days)
    out.print(f"forgotten: {runs_gone} runs, {results} kept results ({size / 2**20:,.0f} MB) older than {days} days")


@app.command()
def check() -> None:
    """Check every params file of every study."""
    project = Project.find()
    for name in project.studies():
        loaded = load_study(project, name)
        units = [unit for region in loaded.regions.values() for unit in region.units]
        told = [counted(loaded.regions, "region"), counted(units, "unit")]
        if actions := load_actions(project, loaded):
            told.append(counted(actions, "action"))
        out.print(f"params/{name}: {', '.join(told)}: good")
    if (grants := project.params / "access.yml").exists():
        from cxinsights.publish.identity import check_grants

        out.print(f"params/access.yml: {counted(check_grants(grants, project), 'right')}: good")


def _imported(project: Project, study: Study, local: "LocalWorkers") -> dict:
    """Import what has changed, in a worker: what reads tables takes long to load."""
    from cxinsights.batch.tasks import import_tables

    return local.ask(import_tables, project.root, study)


def _planned(
    project: Project, study: Study, period: str | None, region: str | None, unit: str | None, only: str | None,
    repair: bool,
) -> "Plan":  # fmt: skip
    from cxinsights.batch.plan import make_plan

    last = _ledger(project).last_run(study.name) if repair else None
    if last and period not in (None, last[0]):
        raise ParamsError(
            f"--repair makes what the last run of {study.name} left, and that was of {last[0]}, not {period}. Leave "
            "out one of the two."
        )
    period = last[0] if last else period
    return make_plan(project, study, period=period, region=region, unit=unit, only=_names(only))


@contextmanager
def _workers(project: Project, study: Study, workers: int | None) -> Iterator["LocalWorkers"]:
    """Workers on this machine, gone at the end."""
    from cxinsights.batch.run import local_workers

    local = local_workers(project, study.name, workers)
    try:
        yield local
    finally:
        local.shutdown(cancel_futures=True)


def _write_index(root: Path) -> Path:
    from cxinsights.publish.index import write_index

    return write_index(Project(root))


def _ledger(project: Project) -> "Ledger":
    from cxinsights.batch.ledger import Ledger

    return Ledger(project)


def _say_skipped(made: "Plan") -> None:
    for skipped in made.skipped:
        out.print(f"skipped: {skipped.what}: {skipped.reason}")


def _made(summary: "Summary") -> str:
    """How many reports there are now: 3 of 4 reports made, 76 up to date."""
    if not summary.outcomes:
        return f"Nothing to make: {counted_number(summary.up_to_date, 'report')} up to date"
    good = len(summary.outcomes) - len(summary.failed)
    old = f", {summary.up_to_date} up to date" if summary.up_to_date else ""
    lost = f", {len(summary.failed)} failed (once mended: --repair)" if summary.failed else ""
    return f"{good} of {counted(summary.outcomes, 'report')} made{lost}{old}"


def _is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _local(time: str) -> str:
    return f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M}"


def _seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _user() -> str:
    from cxinsights.batch.ledger import user_name

    return user_name()


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]

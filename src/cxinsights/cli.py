"""The command line. The Makefile only calls it."""

import os
import sys
import traceback
from collections.abc import Sized
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cxinsights.errors import CxError
from cxinsights.params import Project, Study, load_study

__all__ = ["main"]

app = typer.Typer(
    help="Customer experience insights: notebooks run as reports for every business unit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# soft wrap: a log line stays a line, whatever width a cron job thinks its terminal has
out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

StudyOption = Annotated[str, typer.Option("--study", help="Folder in params/.")]
PeriodOption = Annotated[str | None, typer.Option("--period", help="Period id; the latest if not given.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="One region; _all is the company.")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="One unit; _all is a region's own report.")]
OnlyOption = Annotated[str | None, typer.Option("--only", help="Analyses, by comma: scorecard,drivers.")]


@app.command("import")
def import_(
    study: Annotated[str, typer.Argument(help="Folder in params/.")],
    force: Annotated[bool, typer.Option("--force", help="Import even if nothing has changed.")] = False,
) -> None:
    """Import a study's raw files into tables, and write its data-quality page."""
    project, loaded = _opened(study)
    manifest = _imported(project, loaded, force)
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
) -> None:
    """Say which reports would be made, and which are left out and why."""
    from cxinsights.batch.plan import make_plan

    project, loaded = _opened(study)
    _imported(project, loaded)
    made = make_plan(project, loaded, period=period, region=region, unit=unit, only=_names(only))
    for report in made.reports:
        out.print(report.path)
    for skipped in made.skipped:
        out.print(f"skipped: {skipped.what}: {skipped.reason}")
    out.print(f"{_counted(made.reports, 'report')} for {made.period}")


@app.command()
def run(
    study: StudyOption = "demo",
    period: PeriodOption = None,
    region: RegionOption = None,
    unit: UnitOption = None,
    only: OnlyOption = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Reports made at a time.")] = None,
) -> None:
    """Make reports: import what has changed, compute the baseline, run the notebooks side by side."""
    from cxinsights.batch.plan import make_plan
    from cxinsights.batch.run import run_plan
    from cxinsights.publish.index import write_index

    project, loaded = _opened(study)
    manifest = _imported(project, loaded)
    made = make_plan(project, loaded, period=period, region=region, unit=unit, only=_names(only))
    lost, rows = (sum(t[name] for t in manifest["tables"].values()) for name in ("rejected", "rows"))
    if lost:
        out.print(f"{lost:,} of {rows:,} raw rows set apart: see outputs/{study}/data-quality.html")
    for skipped in made.skipped:
        out.print(f"skipped: {skipped.what}: {skipped.reason}")
    out.print(f"{_counted(made.reports, 'report')} for {loaded.label}, {loaded.periods.period(made.period).label}")
    summary = run_plan(project, made, out, workers=workers)
    for outcome in summary.failed:
        err.print(f"\nfailed: {outcome.report.path}\n  " + outcome.error.replace("\n", "\n  "), style="red")
    index = write_index(project)
    good = len(summary.outcomes) - len(summary.failed)
    out.print(
        f"{good} of {_counted(summary.outcomes, 'report')} made. The list: {project.shown(index)} (or make serve)"
    )
    if summary.failed:
        raise typer.Exit(1)


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8866,
) -> None:
    """Serve the list, the reports and their live pages on this machine."""
    from cxinsights.publish.server import serve_reports

    serve_reports(Project.find(), port)


@app.command()
def check() -> None:
    """Check every params file of every study."""
    project = Project.find()
    for name in project.studies():
        loaded = load_study(project, name)
        units = [unit for region in loaded.regions.values() for unit in region.units]
        out.print(f"params/{name}: {_counted(loaded.regions, 'region')}, {_counted(units, 'unit')}: good")


def main() -> None:
    """Run the command line; an error raised on purpose is a message and exit code 2, any other exit code 3."""
    try:
        app(standalone_mode=True)
    except CxError as error:
        err.print(f"cxinsights: {error}", style="red")
        sys.exit(2)
    except OSError as error:
        place = f" ({'/'.join(Path(error.filename).parts[-3:])})" if error.filename else ""
        err.print(f"cxinsights: {error.strerror or type(error).__name__}{place}", style="red")
        sys.exit(3)
    except Exception as error:
        if os.environ.get("CXINSIGHTS_TRACEBACK"):
            raise
        at = traceback.extract_tb(error.__traceback__)[-1]
        err.print(
            f"cxinsights: unexpected {type(error).__name__} in {os.path.basename(at.filename)}, line {at.lineno}. "
            "CXINSIGHTS_TRACEBACK=1 shows all of it; it may quote what people answered.",
            style="red",
        )
        sys.exit(3)


def _opened(name: str) -> tuple[Project, Study]:
    project = Project.find()
    return project, load_study(project, name)


def _imported(project: Project, study: Study, force: bool = False) -> dict:
    """Import what has changed and write the data-quality page; the demo company's raw files are made first."""
    from cxinsights.data.importing import import_study
    from cxinsights.report.quality import write_quality_page

    if study.name == "demo":
        from cxinsights.data.demo import make_demo

        make_demo(project, study.name)
    manifest = import_study(project, study, force=force)
    write_quality_page(project, study, manifest)
    return manifest


def _counted(things: Sized, of: str) -> str:
    return f"{len(things)} {of}{'' if len(things) == 1 else 's'}"


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]

"""What all commands share: the application, where it speaks, options that several have, and words for numbers."""

from collections.abc import Sized
from typing import Annotated

import typer

from cxinsights.batch.console import PlainConsole
from cxinsights.params import Project, Study, load_study

__all__ = [
    "OnlyOption",
    "PeriodOption",
    "RegionOption",
    "ReportArgument",
    "StudyOption",
    "UnitOption",
    "app",
    "counted",
    "counted_number",
    "err",
    "opened",
    "out",
    "report_name",
]  # fmt: skip

app = typer.Typer(
    help="Customer experience insights: notebooks run as reports for every business unit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

out = PlainConsole()
err = PlainConsole(stderr=True)

StudyOption = Annotated[str, typer.Option("--study", help="Folder in params/.")]
PeriodOption = Annotated[str | None, typer.Option("--period", help="Period id; the latest if not given.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="One region; _all is the company.")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="One unit; _all is a region's own report.")]
OnlyOption = Annotated[str | None, typer.Option("--only", help="Analyses, by comma: scorecard,drivers.")]
ReportArgument = Annotated[str, typer.Argument(help="As the list has it: demo/2026Q3/emea/retail/drivers.")]


def opened(name: str) -> tuple[Project, Study]:
    """The project around here and one of its studies."""
    project = Project.find()
    return project, load_study(project, name)


def report_name(text: str) -> str:
    """A report as links and messages name it, also where somebody gives its page."""
    return text.strip("/").removeprefix("outputs/").removesuffix("/index.html")


def counted(things: Sized, of: str) -> str:
    """How many there are: 3 reports."""
    return counted_number(len(things), of)


def counted_number(n: int, of: str) -> str:
    """A number of things: 1 report."""
    return f"{n} {of}{'' if n == 1 else 's'}"

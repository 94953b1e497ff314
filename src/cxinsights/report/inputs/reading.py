"""What the readers of all analyses share: what they give, what they are given, and how they name a wrong column."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

import pandas as pd

from cxinsights.data.manifest import has_table, table_columns
from cxinsights.data.tables import read_table
from cxinsights.errors import ParamsError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, Project, ReportParams, Span, Study
from cxinsights.report.baselines import KeptBaseline

__all__ = ["Inputs", "Opened", "check_columns", "figures_of", "is_company", "span_of"]


class Inputs(NamedTuple):
    """What a fit function is called with, beside its params."""

    frame: pd.DataFrame
    more: dict[str, Any]


class Opened(Protocol):
    """An open report, as its reader sees it."""

    params: Any
    project: Project
    study: Study
    kept: KeptBaseline
    inputs: Inputs

    def company(self, period: str | None = None) -> "Opened":
        """The company's report of the same analysis."""

    def fit(self, function: Callable[..., Any]) -> Any:
        """The result of a function on this report's own inputs."""


def is_company(params: ReportParams) -> bool:
    """Whether a report is the company's own."""
    return params.region == ALL and params.unit == ALL


def figures_of(
    project: Project, study: Study, table: str, period: str, *, and_before: bool = False
) -> pd.DataFrame | None:
    """The study's targets or benchmarks of a period; None where it has no such table.

    With `and_before` those of earlier periods too, the earliest first, and of one period the earlier date.
    """
    if not has_table(project, study, table):
        return None
    figures = read_table(project, study, table, periods=None if and_before else [period])
    if and_before:
        order = study.periods.order([*{*figures["period"], period}])
        at = figures["period"].map(order.index).to_numpy()
        figures = figures.assign(at_=at)[at <= order.index(period)]
        figures = figures.sort_values(["at_", "date"], kind="stable").drop(columns="at_")
    whole = study.one_region & (figures["unit"] == ALL)  # its report is the company's
    return figures.assign(region=figures["region"].mask(whole, ALL))


def span_of(opened: Opened) -> Span:
    """Days of the report's period, and the last that the extract covers.

    Raises
    ------
    ParamsError
        The params do not say when the period begins and ends, or where the extract ends.
    """
    study, period = opened.study, opened.study.periods.period(opened.params.period)
    where = f"params/{study.name}/study.yml"
    if period.start is None or period.end is None:
        raise ParamsError(
            f"{where}: periods: {period.id} has no start and end, which {opened.params.analysis} reads events by. "
            "Give both as dates."
        )
    if study.cutoff is None:
        raise ParamsError(
            f"{where}: cutoff is missing: the last day that the extract covers, on which {opened.params.analysis} "
            "depends. Give it as a date; the last event seen is not it."
        )
    return Span(start=period.start, end=period.end, cutoff=study.cutoff)


def check_columns(opened: Opened, names: Iterable[str], tables: Iterable[str], also: Iterable[str] = ()) -> None:
    """Raise UnknownNameError unless each column is in one of these tables, or among the further names."""
    known = list(also)
    for table in tables:
        if has_table(opened.project, opened.study, table):
            known += table_columns(opened.project, opened.study, table)
    for name in names:
        if name not in known:
            where = f"params/{opened.study.name}: {opened.params.analysis}"
            raise UnknownNameError(f"{where}: {did_you_mean('column', name, dict.fromkeys(known))}")

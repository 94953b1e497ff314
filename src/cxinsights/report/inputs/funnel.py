"""What the journey funnel reads: events from the period's first day on, and what the same customers answered."""

import pandas as pd

from cxinsights.analysis.funnel import fit_funnel
from cxinsights.data.tables import distinct, has_table, read_table, table_columns
from cxinsights.errors import UnknownNameError, did_you_mean
from cxinsights.params import FunnelParams, Span
from cxinsights.report.inputs.reading import Inputs, Opened, check_columns, is_company, span_of
from cxinsights.schemas.tables import SCORES

__all__ = ["read_funnel"]

_PLACE = {"region", "unit"}


def read_funnel(opened: Opened) -> Inputs:
    """Events of the report's place; the company's steps, for a part of it.

    Raises
    ------
    UnknownNameError
        No event has one of the stages, or the events lack a column to break down by.
    ParamsError
        The params do not say when the period begins and ends, or where the extract ends.
    """
    params: FunnelParams = opened.params
    span = span_of(opened)
    columns = list(dict.fromkeys([*params.breakdowns, *([params.touchpoint] if params.touchpoint else [])]))
    check_columns(opened, columns, ["events"])
    _check_stages(opened)
    events = read_table(
        opened.project,
        opened.study,
        "events",
        region=params.region,
        unit=params.unit,
        columns=["customer_id", "stage", "occurred_at", *columns],
        since=("occurred_at", span.start),
    )
    return Inputs(events, {"span": span, "answers": _answers(opened, span), "company": _company_steps(opened)})


def _answers(opened: Opened, span: Span) -> pd.DataFrame | None:
    """What customers of the place answered since the period began; None where answers name no customer or day."""
    project, study, params = opened.project, opened.study, opened.params
    if not has_table(project, study, "responses"):
        return None
    have = table_columns(project, study, "responses")
    if not {"customer_id", "answered_at"} <= set(have):
        return None
    return read_table(
        project,
        study,
        "responses",
        region=params.region,
        unit=params.unit,
        survey=params.survey,
        columns=["customer_id", "answered_at", *(name for name in (*SCORES, "weight") if name in have)],
        since=("answered_at", span.start),
    )


def _company_steps(opened: Opened) -> pd.DataFrame | None:
    """The company's steps, where it is asked the same of the whole."""
    if is_company(opened.params):
        return None
    company = opened.company()
    same = company.params.model_dump(exclude=_PLACE) == opened.params.model_dump(exclude=_PLACE)
    return company.fit(fit_funnel).steps if same else None


def _check_stages(opened: Opened) -> None:
    params: FunnelParams = opened.params
    known = distinct(opened.project, opened.study, "events", "stage")
    for name in (*params.steps, *params.ends_attempt, *params.removes_customer):
        if name not in known:
            raise UnknownNameError(f"params/{opened.study.name}: funnel: {did_you_mean('stage', name, known)}")

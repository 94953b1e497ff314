"""What the journey funnel reads: events from the period's first day on, and what the same customers answered."""

import pandas as pd

from cxinsights.analysis.funnel import fit_funnel
from cxinsights.data.atomic import replaced_folder
from cxinsights.data.manifest import has_table, read_manifest, table_columns
from cxinsights.data.tables import distinct, read_table
from cxinsights.errors import UnknownNameError, did_you_mean
from cxinsights.params import ALL, FunnelParams, Span
from cxinsights.report.fingerprints import code_hash, short_hash
from cxinsights.report.inputs.reading import Inputs, Opened, check_columns, is_company, span_of
from cxinsights.schemas.columns import column
from cxinsights.schemas.tables import SCORES

__all__ = ["read_funnel"]

_EVENT = ["customer_id", "stage", "occurred_at"]
_PLACE = {"region", "unit"}


def read_funnel(opened: Opened) -> Inputs:
    """Events of the report's place; for a part of the company the steps of all other places.

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
        columns=[*_EVENT, *columns, *sorted(_PLACE - {*columns})],
        since=("occurred_at", span.start),
    )
    elsewhere = _elsewhere(opened, span, [*_EVENT, *columns])
    return Inputs(events, {"span": span, "answers": _answers(opened, span), "elsewhere": elsewhere})


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


def _elsewhere(opened: Opened, span: Span, columns: list[str]) -> pd.DataFrame | None:
    """Steps of all other places of the company, where it is asked the same; kept, since reading them all takes long."""
    params: FunnelParams = opened.params
    company: FunnelParams = opened.company().params
    if is_company(params) or params.model_dump(exclude=_PLACE) != company.model_dump(exclude=_PLACE):
        return None
    manifest = read_manifest(opened.project, opened.study)
    key = short_hash(manifest["fingerprint"], params.model_dump(mode="json"), span, code_hash())
    kept = opened.project.private(opened.study.name) / "cache" / f"elsewhere-{key}" / "steps.parquet"
    if not kept.exists():
        rest = opened.company().inputs.frame
        outside = (rest["region"] != params.region) | ((rest["unit"] != params.unit) & (params.unit != ALL))
        steps = fit_funnel(rest.loc[outside, columns].reset_index(drop=True), company, span=span).steps
        with replaced_folder(kept.parent) as fresh:
            steps.to_parquet(fresh / kept.name, index=False)
    return pd.read_parquet(kept)


def _check_stages(opened: Opened) -> None:
    """Raise UnknownNameError for a stage that no event has; what else the data hold is counted and not quoted."""
    params: FunnelParams = opened.params
    known = set(distinct(opened.project, opened.study, "events", "stage"))
    asked = [*params.steps, *params.ends_attempt, *params.removes_customer]
    described = sorted(known & {*column("stage", opened.study).values, *asked})
    for name in asked:
        if name not in known:
            others = len(known) - len(described)
            more = f" The data have {others} more; columns: stage: values: is to name them." if others else ""
            raise UnknownNameError(
                f"params/{opened.study.name}: funnel: {did_you_mean('stage', name, described)}{more}"
            )

"""What each report reads, by a short name: two runs in which it is the same make the same report.

It names the rows that reach the analysis, whatever they were made of: a unit's own answers, the company's figures
beside them, and what all places decide together. A change anywhere else leaves it as it is.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from cxinsights.analysis.scorecard import fit_scorecard
from cxinsights.data.atomic import replaced_folder
from cxinsights.data.tables import data_hash
from cxinsights.errors import ParamsError
from cxinsights.params import Project, ReportParams, Strict, Study, load_actions, resolve
from cxinsights.report.families import places_of
from cxinsights.report.fingerprints import short_hash, state_of
from cxinsights.report.inputs import FITTED
from cxinsights.report.source import Source

__all__ = ["Reads", "kept_reads", "reads_of"]

Reads = dict[str, str]
"""By region/unit: the short name of what the report of that place reads."""

_META = "reads.json"


def reads_of(project: Project, study: Study, analysis: str, period: str) -> Reads:
    """What the reports of one analysis and period read, computed once and kept until data, params or code change.

    On the way it computes and keeps what these reports need of each other: company figures, families of tests.
    """
    kept = kept_reads(project, study, analysis, period)
    if kept is not None:
        return kept
    fingerprint = _state(project, study, analysis, period)
    first = Source(resolve(study, analysis, period), project, study)
    first.kept, first.targets, first.benchmarks, first.invitations  # noqa: B018  read once for all places
    reads = {f"{region}/{unit}": _read_by(first.of(region, unit)) for region, unit in places_of(study)}
    with replaced_folder(_folder(project, study, analysis, period)) as fresh:
        (fresh / _META).write_text(json.dumps({"fingerprint": fingerprint, "reads": reads}), encoding="utf-8")
    return reads


def kept_reads(project: Project, study: Study, analysis: str, period: str) -> Reads | None:
    """What these reports read, where it is known of the data, params and code that are there now."""
    path = _folder(project, study, analysis, period) / _META
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return kept["reads"] if kept["fingerprint"] == _state(project, study, analysis, period) else None


def _state(project: Project, study: Study, analysis: str, period: str) -> str:
    return state_of(project, study, period, analysis, _register(project, study) if analysis == "brief" else [])


def _register(project: Project, study: Study) -> list[Any]:
    try:
        return [action.model_dump(mode="json") for action in load_actions(project, study)]
    except ParamsError as error:  # briefs fail, and say so themselves
        return [str(error)]


def _folder(project: Project, study: Study, analysis: str, period: str) -> Path:
    return project.private(study.name) / "reads" / period / analysis


def _read_by(source: Source) -> str:
    try:
        if source.params.analysis in FITTED:
            return short_hash(_named(source.inputs.frame), _all_named(source.inputs.more), source.decided)
        result = fit_scorecard(source.baseline, source.params, **source.figures)
        return short_hash([_written(getattr(result, field.name)) for field in fields(result)])
    except Exception as error:  # the report fails, and says so itself
        return short_hash(type(error).__name__, str(error))


def _written(value: Any) -> Any:
    """The value as text: of tables as small as a scorecard's, that takes a tenth of naming them by their columns."""
    return value.to_csv(index=False) if isinstance(value, pd.DataFrame) else _named(value)


def _all_named(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _named(value) for name, value in values.items()}


def _named(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return [data_hash(value), list(value.columns)]
    return value.model_dump(mode="json") if isinstance(value, Strict | ReportParams) else value

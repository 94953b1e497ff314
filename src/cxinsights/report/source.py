"""What a notebook opens: a report's study, data and baseline, validated, or stopped here with a clear word."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from cxinsights.analysis.baseline import Baseline
from cxinsights.analysis.scorecard import node_of
from cxinsights.data.tables import data_hash, has_table, read_table, table_columns
from cxinsights.display.blocks import Headline
from cxinsights.errors import ParamsError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, DriversParams, Project, ReportParams, Study, load_study, resolve
from cxinsights.privacy import Guarded, guard, hidden_ratings, is_hidden
from cxinsights.report.baselines import KeptBaseline, answers_of, driver_columns, load_baseline, with_weights
from cxinsights.report.cache import remember
from cxinsights.report.record import Provenance, record
from cxinsights.schemas.columns import column
from cxinsights.schemas.tables import SCORES

__all__ = ["Source", "open_source"]


Result = TypeVar("Result")


class Source:
    """A report's data, read when first asked for."""

    def __init__(self, params: ReportParams, project: Project, study: Study) -> None:
        self.params = params
        self.project = project
        self.study = study

    @cached_property
    def kept(self) -> KeptBaseline:
        """The period's baseline as it is kept."""
        return load_baseline(self.project, self.study, self.params.period)

    @property
    def baseline(self) -> Baseline:
        """Scores and comparisons of every site, unit and region in the period."""
        return self.kept.baseline

    @cached_property
    def responses(self) -> pd.DataFrame:
        """The report's own answers of its survey, with the columns its analysis reads."""
        params = self.params
        found = answers_of(
            self.project,
            self.study,
            driver_columns(params),
            [params.period],
            region=params.region,
            unit=params.unit,
            survey=params.survey,
        )
        return with_weights(found, self.kept.weights)

    @cached_property
    def targets(self) -> pd.DataFrame | None:
        """The study's targets; None where it has none."""
        if not has_table(self.project, self.study, "targets"):
            return None
        targets = read_table(self.project, self.study, "targets", periods=[self.params.period])
        whole = self.study.one_region & (targets["unit"] == ALL)  # its report is the company's
        return targets.assign(region=targets["region"].mask(whole, ALL))

    @property
    def company_importance(self) -> pd.DataFrame | None:
        """The company's driver importance of the same question, for a part of it; None where there is none."""
        importance, own = self.kept.company_importance, self.params
        if not len(importance) or (own.region == ALL and own.unit == ALL):
            return None
        company = resolve(self.study, "drivers", own.period)
        return importance if (company.outcome, company.survey) == (own.outcome, own.survey) else None

    def remember(self, fit: Callable[..., Result], frame: pd.DataFrame, **frames: pd.DataFrame | None) -> Result:
        """`fit(frame, params, **frames)`, from the cache where data, params and code are the same as before."""
        folder = self.project.private(self.study.name) / "cache"
        return remember(folder, fit, frame, self.params, **frames)

    def guard(self, result: Any) -> Guarded:
        """The result as readers may see it, by the study's thresholds and the period's plan."""
        node = node_of(self.params, self.baseline)
        hidden = is_hidden(self.baseline, node, self.params.survey, self.params.period)
        if isinstance(self.params, DriversParams) and len(result.priority):
            ratings = hidden_ratings(self.baseline, node, self.params.survey)
            result = replace(result, priority=result.priority.assign(hidden=result.priority["driver"].isin(ratings)))
        return guard(result, self.study, hidden=hidden)

    def record(self, result: Guarded, headline: Headline) -> Provenance:
        """Write the result where the batch asks for it, and say what it rests on."""
        read = data_hash(self.responses) if isinstance(self.params, DriversParams) else self.kept.data
        return record(result, headline, read)


def _check_columns(params: DriversParams, project: Project, study: Study) -> None:
    have = table_columns(project, study, "responses")
    ratings = [name for name in have if name.endswith("_rating") or name in SCORES]
    for name in ([] if params.outcome == "nps" else [params.outcome]) + params.drivers:
        if name not in have:
            raise UnknownNameError(f"params/{study.name}: drivers: {did_you_mean('column', name, ratings)}")


def _check_scales(params: DriversParams, study: Study) -> None:
    """Drivers are set against each other by their means, which only one scale allows."""
    scales = {name: (column(name, study).min, column(name, study).max) for name in params.drivers}
    if len(set(scales.values())) > 1 or None in next(iter(scales.values())):
        told = ", ".join(f"{name} {'?' if low is None else f'{low:g}'}–{'?' if high is None else f'{high:g}'}"
                         for name, (low, high) in scales.items())  # fmt: skip
        raise ParamsError(
            f"{study.name}: drivers: ratings need one scale to be compared, with min and max under columns: in "
            f"params/{study.name}/study.yml. Found {told}. Recode them to one scale, or take some off the drivers."
        )


def open_source(params: ReportParams, project: Project | None = None) -> Source:
    """Open what a report reads.

    Raises
    ------
    UnknownNameError
        No study, region, unit or period has the name asked for.
    DataError
        The study has not been imported.
    """
    project = project or Project.find()
    study = load_study(project, params.study)
    study.periods.period(params.period)
    study.check_place(params.region, params.unit)
    if isinstance(params, DriversParams):
        _check_columns(params, project, study)
        _check_scales(params, study)
    source = Source(params, project, study)
    source.kept  # noqa: B018  reads or computes the baseline now, so that what is missing is said here
    return source

"""What a notebook opens: a report's study, data and baseline, validated, or stopped here with a clear word."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, get_type_hints

import pandas as pd

from cxinsights.analysis.baseline import Baseline
from cxinsights.analysis.brief import Record
from cxinsights.analysis.results import Published, published_tables
from cxinsights.analysis.scorecard import ScorecardResult, node_of
from cxinsights.data.manifest import has_table
from cxinsights.data.tables import data_hash, read_table
from cxinsights.display.blocks import Headline
from cxinsights.display.findings import Finding
from cxinsights.errors import ReportError
from cxinsights.params import (
    ALL,
    BriefParams,
    DriversParams,
    Project,
    ReportParams,
    ScorecardParams,
    Study,
    load_study,
    resolve,
)
from cxinsights.privacy import Guarded, guard, hidden_ratings, is_hidden
from cxinsights.report.baselines import KeptBaseline, check_period, load_baseline
from cxinsights.report.cache import recall, remember
from cxinsights.report.families import Families, gather, load_families, save_families, with_families
from cxinsights.report.findings import read_findings
from cxinsights.report.fingerprints import state_of
from cxinsights.report.inputs import FITTED, Inputs, fitted
from cxinsights.report.inputs.reading import figures_of
from cxinsights.report.record import Provenance, record
from cxinsights.report.records import NOT_MADE, guarded_again, read_contents, records_of

__all__ = ["Source", "open_source"]

Result = TypeVar("Result")
_OF_PERIOD = ("kept", "targets", "benchmarks", "invitations")
"""What all places of a period share."""


class Source:
    """A report's data, read when first asked for."""

    def __init__(self, params: ReportParams, project: Project, study: Study) -> None:
        self.params = params
        self.project = project
        self.study = study
        self._companies: dict[str, Source] = {}
        self._fitted: dict[Callable[..., Any], Any] = {}

    @cached_property
    def kept(self) -> KeptBaseline:
        """The period's baseline as it is kept."""
        return load_baseline(self.project, self.study, self.params.period)

    @property
    def baseline(self) -> Baseline:
        """Scores and comparisons of every site, unit and region in the period."""
        return self.kept.baseline

    @cached_property
    def inputs(self) -> Inputs:
        """What the report's analysis reads: its frame, and what it needs beside it."""
        if self.params.analysis not in FITTED:
            raise ReportError(
                f"the {self.params.analysis} reads source.baseline and the figures beside it, and no rows."
            )
        return fitted(self.params.analysis).read(self)

    @property
    def rows(self) -> pd.DataFrame:
        """The rows that the analysis is about: answers, events, customers or sites."""
        return self.inputs.frame

    @cached_property
    def targets(self) -> pd.DataFrame | None:
        """The study's targets; None where it has none."""
        return figures_of(self.project, self.study, "targets", self.params.period)

    @cached_property
    def _recorded(self) -> dict[str, dict[str, Any]]:
        return read_contents(self.project.outputs, self.params, self.study.without)

    @property
    def records(self) -> dict[str, Record]:
        """What the other reports of the same place and period recorded, by analysis."""
        return records_of(self._recorded)

    @property
    def scorecard(self) -> Guarded:
        """The place's scorecard as it was recorded; one without data where it has not been made."""
        asked = resolve(self.study, "scorecard", self.params.period, self.params.region, self.params.unit)
        return guarded_again(self._recorded.get("scorecard", NOT_MADE), ScorecardResult, asked, self.study)

    @cached_property
    def benchmarks(self) -> pd.DataFrame | None:
        """The study's benchmarks of the period and before; None where it has none."""
        return figures_of(self.project, self.study, "benchmarks", self.params.period, and_before=True)

    @cached_property
    def invitations(self) -> pd.DataFrame | None:
        """How many were asked in the period; None where the study does not know."""
        if not has_table(self.project, self.study, "invitations"):
            return None
        return read_table(self.project, self.study, "invitations", periods=[self.params.period])

    @property
    def figures(self) -> dict[str, pd.DataFrame | None]:
        """What a scorecard sets beside the baseline, by its parameters."""
        return {
            "targets": self.targets,
            "benchmarks": self.benchmarks,
            "invitations": self.invitations,
            "ratings": self.kept.ratings,
        }

    @property
    def findings(self) -> list[Finding]:
        """What the other reports of the same place and period say, where pages are made of them."""
        return read_findings(self.params, self.study.without)

    def company(self, period: str | None = None) -> "Source":
        """The company's report of the same analysis, in this or another period; opened once, whoever asks for it."""
        period = period or self.params.period
        if period not in self._companies:
            self._companies[period] = self.of(ALL, ALL, period)
        return self._companies[period]

    def fit(self, function: Callable[..., Result]) -> Result:
        """`function` on what the report reads, from the cache where data, params and code are the same as before."""
        if function not in self._fitted:
            folder = self.project.private(self.study.name) / "cache"
            also = state_of(self.project, self.study, function.__qualname__, self.params.model_dump(mode="json"))
            found = recall(folder, also, function, self.params)  # nothing is read where nothing has changed
            if found is None:
                found = remember(folder, function, self.inputs.frame, self.params, also=also, **self.inputs.more)
            self._fitted[function] = found
        return self._fitted[function]

    def guard(self, result: Any) -> Guarded:
        """The result as readers may see it, by the study's thresholds and what all reports of the period decide."""
        params = self.params
        if isinstance(params, ScorecardParams | DriversParams | BriefParams):
            hidden, ratings = self._hidden()
            if isinstance(params, DriversParams):
                result = _without_ratings(result, set(ratings))
                hidden |= params.outcome in ratings
            return guard(result, self.study, hidden=hidden)
        return guard(self._judged(result), self.study)

    def record(self, result: Guarded, headline: Headline) -> Provenance:
        """Write the result where the batch asks for it, and say what it rests on."""
        of_baseline = isinstance(self.params, ScorecardParams | BriefParams)
        read = self.kept.data if of_baseline else data_hash(self.inputs.frame)
        return record(result, headline, read)

    @property
    def decided(self) -> dict[str, Any]:
        """What else decides the report's result: its own part of the families, and ratings that the plan hides."""
        place = (self.params.region, self.params.unit)
        own = {name: data_hash(frame[(frame[["region_", "unit_"]] == list(place)).all(axis=1)])
               for name, frame in self.families.items()}  # fmt: skip
        if not isinstance(self.params, DriversParams):
            return own
        return {**own, "hidden": self._hidden()}

    def _hidden(self) -> tuple[bool, list[str]]:
        """Whether the plan hides the place's scores, and which of its ratings."""
        node = node_of(self.params, self.baseline)
        hidden = is_hidden(self.baseline, node, self.params.survey, self.params.period)
        return hidden, hidden_ratings(self.baseline, node, self.params.survey)

    @cached_property
    def families(self) -> Families:
        """What all reports of this analysis and period decide together: computed once and kept."""
        if not _decided_together(get_type_hints(fitted(self.params.analysis).fit)["return"]):
            return {}
        study, analysis = self.study, self.params.analysis
        fingerprint = state_of(self.project, study, self.params.period, analysis)
        folder = self.project.private(study.name) / "families" / self.params.period / analysis
        kept = load_families(folder, fingerprint)
        if kept is None:
            fit = fitted(analysis).fit
            kept = gather(study, lambda region, unit: self.of(region, unit).fit(fit))
            save_families(kept, folder, fingerprint)
        return kept

    def of(self, region: str, unit: str, period: str | None = None) -> "Source":
        """The report of the same analysis about another place; what is the company's is opened once for all."""
        params = resolve(self.study, self.params.analysis, period or self.params.period, region, unit)
        other = Source(params, self.project, self.study)
        other._companies = self._companies
        if params.period == self.params.period:  # what is the period's is read once
            vars(other).update({name: vars(self)[name] for name in _OF_PERIOD if name in vars(self)})
        return other

    def _judged(self, result: Any) -> Any:
        """The result with its tests adjusted, and its rows marked, among all reports of the period.

        A question of an analyst's own is no report: its tests stay adjusted among themselves.
        """
        declared = _decided_together(result)
        place = (self.params.region, self.params.unit)
        if not declared or self.params != self.of(*place).params:
            return result
        judged = {n: with_families(getattr(result, n), h, self.families.get(n), place) for n, h in declared.items()}
        return replace(result, **judged)


def _decided_together(result: Any) -> dict[str, Published]:
    """Tables of a result (or its class) whose tests or hidden figures depend on other reports."""
    return {name: how for name, how in published_tables(result).items() if how.family or how.plan}


def _without_ratings(result: Any, names: set[str]) -> Any:
    """A driver result with what tells the mean of these ratings marked as hidden, wherever it stands."""
    gaps, moved = result.gaps, result.combination
    marked = {
        name: getattr(result, name).assign(hidden=getattr(result, name)["driver"].isin(names))
        for name in ("priority", "what_if")
        if len(getattr(result, name))
    }
    if len(gaps):
        expected = gaps["touchpoint"].map(result.params.expectations).isin(names) & (gaps["against"] == "expectation")
        marked["gaps"] = gaps.assign(hidden=gaps["touchpoint"].isin(names) | expected)
    if len(moved) and names & {*moved["driver"]}:  # how far each goes tells how far it can
        marked["combination"] = moved.iloc[:0]
    return replace(result, **marked)


def open_source(params: ReportParams, project: Project | None = None) -> Source:
    """Open what a report reads.

    Raises
    ------
    UnknownNameError
        No study, region, unit, period, column or stage has the name asked for.
    ParamsError
        What is asked does not go together.
    DataError
        The study has not been imported.
    """
    project = project or Project.find()
    study = load_study(project, params.study)
    study.periods.period(params.period)
    study.check_place(params.region, params.unit)
    check_period(project, study, params.period)
    source = Source(params, project, study)
    if params.analysis in FITTED:
        source.inputs  # noqa: B018  reads now, so that what is missing is said here
    else:
        source.kept  # noqa: B018
    return source

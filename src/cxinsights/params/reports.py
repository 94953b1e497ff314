"""What each report's notebook is asked: one model per analysis.

A notebook's parameters cell names exactly the fields of its model, as plain literals, so that what a
report was asked can be read off the report.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, field_validator

from cxinsights.errors import ParamsError
from cxinsights.params.model import Strict, faults_of

__all__ = ["ALL", "ANALYSES", "DriversParams", "ReportParams", "ScorecardParams"]

ALL = "_all"
"""Stands for all units of a region, and for all regions of a study."""


class ReportParams(Strict):
    """What every report is about."""

    analysis: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    """Tables without which the study does not have this analysis."""

    study: str
    period: str
    region: str
    unit: str

    @classmethod
    def from_cell(cls, names: Mapping[str, Any]) -> Self:
        """Make the params from a notebook's parameters cell: `from_cell(globals())`.

        Raises
        ------
        ParamsError
            A parameter is missing from the cell or has a value that is not allowed.
        """
        values = {name: names[name] for name in cls.model_fields if name in names}
        try:
            return cls(**values)
        except ValidationError as error:
            raise ParamsError("parameters cell: " + "; ".join(faults_of(error))) from None


class ScorecardParams(ReportParams):
    """What the scorecard shows. What the scores mean is study-wide: `scores:` in study.yml."""

    analysis: ClassVar[str] = "scorecard"
    needs: ClassVar[tuple[str, ...]] = ("responses",)

    survey: Annotated[str, Field(description="kind of survey; kinds are never pooled")] = "relationship"
    compare: Annotated[
        Literal["year_ago", "previous"], Field(description="the earlier period a change is measured from")
    ] = "year_ago"


class DriversParams(ReportParams):
    """What the driver regression is asked."""

    analysis: ClassVar[str] = "drivers"
    needs: ClassVar[tuple[str, ...]] = ("responses",)

    survey: Annotated[str, Field(description="kind of survey; kinds are never pooled")] = "relationship"
    outcome: Annotated[str, Field(description="nps (coded −100, 0, 100) or the column of a score")] = "nps"
    drivers: Annotated[list[str], Field(min_length=1, max_length=20, description="columns of ratings")]
    missing: Annotated[
        Literal["indicator", "listwise", "pairwise"],
        Field(description="rule for answers that do not apply or are blank"),
    ] = "indicator"
    n_boot: Annotated[int, Field(ge=200, le=20_000, description="bootstrap draws")] = 1000
    n_noise: Annotated[int, Field(ge=100, le=10_000, description="random columns behind the noise floor")] = 400
    seed: Annotated[int, Field(ge=0, description="of bootstrap and noise")] = 7
    min_base: Annotated[int, Field(ge=30, description="complete answers a regression needs")] = 200
    min_base_per_driver: Annotated[int, Field(ge=5, description="and this many for each driver")] = 15
    outcome_parts: Annotated[list[str], Field(description="columns that hold a part of the outcome")] = []

    @field_validator("drivers")
    @classmethod
    def _named_once(cls, value: list[str]) -> list[str]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value


ANALYSES: dict[str, type[ReportParams]] = {p.analysis: p for p in (ScorecardParams, DriversParams)}
"""Every analysis by name, in the order reports are listed."""

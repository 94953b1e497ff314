"""What each report's notebook is asked: one model per analysis.

A notebook's parameters cell names exactly the fields of its model, as plain literals, so that what a
report was asked can be read off the report.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from cxinsights.errors import ParamsError
from cxinsights.params.model import Strict, faults_of

__all__ = [
    "ALL",
    "ANALYSES",
    "BriefParams",
    "DriversParams",
    "FunnelParams",
    "LinkageParams",
    "ReportParams",
    "ScorecardParams",
    "SegmentationParams",
]

ALL = "_all"
"""Stands for all units of a region, and for all regions of a study."""


def _named_once(value: list[str]) -> list[str]:
    twice = sorted({name for name in value if value.count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return value


class ReportParams(Strict):
    """What every report is about."""

    analysis: ClassVar[str]
    title: ClassVar[str]
    """What pages call the analysis."""
    needs: ClassVar[tuple[tuple[str, ...], ...]]
    """Tables without which the study does not have this analysis; one of these sets."""
    counts: ClassVar[str] = "answer"
    """What the analysis has a number of, in the singular."""
    asks: ClassVar[dict[str, tuple[str, dict[str, str]]]] = {}
    """Fields that a reader may set on the page: what the control is called, and its values in words."""
    turn: ClassVar[int] = 0
    """Reports of a place are made after those of an earlier turn, whose records they read."""
    of_units: ClassVar[bool] = False
    """Whether only units have it, and no region or company."""

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

    @classmethod
    def asked(cls, made: Mapping[str, Any], choices: Mapping[str, str]) -> Self:
        """What a reader asks of a report made with these parameters.

        Raises
        ------
        ParamsError
            The choices do not go with what the report was made with.
        """
        return cls.from_cell({**made, **choices})


class BriefParams(ReportParams):
    """What a unit's brief shows: where it stands, why, and what to do, from its other reports."""

    analysis: ClassVar[str] = "brief"
    title: ClassVar[str] = "Brief"
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("responses",),)
    turn: ClassVar[int] = 2
    of_units: ClassVar[bool] = True

    survey: Annotated[str, Field(description="kind of survey; kinds are never pooled")] = "relationship"
    n_steps: Annotated[int, Field(ge=1, le=6, description="steps proposed at most")] = 3


class ScorecardParams(ReportParams):
    """What the scorecard shows. What the scores mean is study-wide: `scores:` in study.yml."""

    analysis: ClassVar[str] = "scorecard"
    title: ClassVar[str] = "Scorecard"
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("responses",),)
    turn: ClassVar[int] = 1
    asks: ClassVar[dict[str, tuple[str, dict[str, str]]]] = {
        "compare": ("Compare with", {"year_ago": "a year ago", "previous": "the period before"}),
    }

    survey: Annotated[str, Field(description="kind of survey; kinds are never pooled")] = "relationship"
    compare: Annotated[
        Literal["year_ago", "previous"], Field(description="the earlier period a change is measured from")
    ] = "year_ago"


class DriversParams(ReportParams):
    """What the driver regression is asked."""

    analysis: ClassVar[str] = "drivers"
    title: ClassVar[str] = "Drivers"
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("responses",),)
    asks: ClassVar[dict[str, tuple[str, dict[str, str]]]] = {
        "model": (
            "Take the outcome",
            {"linear": "as it is", "ordered": "by its levels in order", "top_box": "as in the top box or not"},
        ),
    }

    survey: Annotated[str, Field(description="kind of survey; kinds are never pooled")] = "relationship"
    outcome: Annotated[str, Field(description="nps (coded −100, 0, 100) or the column of a score")] = "nps"
    drivers: Annotated[list[str], Field(min_length=1, max_length=20, description="columns of ratings")]
    model: Annotated[
        Literal["linear", "ordered", "top_box"],
        Field(description="of the outcome as it is, of its levels in order, or of whether it is in the top box"),
    ] = "linear"
    top_box_from: Annotated[float, Field(description="top_box: lowest answer in the top box")] = 9.0
    missing: Annotated[
        Literal["indicator", "imputation", "listwise", "pairwise", "fiml"],
        Field(description="rule for answers that do not apply or are blank"),
    ] = "indicator"
    n_imputations: Annotated[int, Field(ge=5, le=200, description="imputation: completed copies")] = 20
    aim: Annotated[
        float,
        Field(ge=0, description="difference in the outcome that what-if looks for; 0: 5 points, or 1/20 of its scale"),
    ] = 0.0
    costs: Annotated[dict[str, float], Field(description="cost of one point more of a driver, in any unit")] = {}
    expectations: Annotated[dict[str, str], Field(description="rating of experience: rating of expectation")] = {}
    small_units: Annotated[
        Literal["company", "partial_pooling"],
        Field(description="shown of a unit with too few answers: the company's drivers, or its own partly pooled"),
    ] = "company"
    n_boot: Annotated[int, Field(ge=200, le=20_000, description="bootstrap draws")] = 1000
    n_noise: Annotated[int, Field(ge=100, le=10_000, description="random columns behind the noise floor")] = 400
    seed: Annotated[int, Field(ge=0, description="of bootstrap, imputation and noise")] = 7
    min_base: Annotated[int, Field(ge=30, description="complete answers a regression needs")] = 200
    min_base_per_driver: Annotated[int, Field(ge=5, description="and this many for each driver")] = 15
    outcome_parts: Annotated[list[str], Field(description="columns that hold a part of the outcome")] = []

    @classmethod
    def asked(cls, made: Mapping[str, Any], choices: Mapping[str, str]) -> Self:
        """As of every report; what is pooled is linear, so that another model goes without."""
        pools = choices.get("model", "linear") == "linear"
        return super().asked(made if pools else {**made, "small_units": "company"}, choices)

    _drivers_once = field_validator("drivers")(_named_once)

    @model_validator(mode="after")
    def _goes_together(self) -> "DriversParams":
        if self.missing in ("pairwise", "fiml") and self.model != "linear":
            raise ValueError(
                f"missing: {self.missing} is for model: linear, which needs correlations only; for model: {self.model} "
                "use indicator, imputation or listwise"
            )
        if self.small_units == "partial_pooling" and not (
            self.model == "linear" and self.missing in ("indicator", "listwise")
        ):
            raise ValueError(
                "small_units: partial_pooling is for model: linear with missing: indicator or listwise; for others use "
                "small_units: company"
            )
        for name in ("costs", "expectations"):
            unknown = sorted({*getattr(self, name)} - {*self.drivers})
            if unknown:
                raise ValueError(f"{name}: {', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} no driver here")
        if any(cost <= 0 for cost in self.costs.values()):
            raise ValueError("costs: a point of a driver costs more than 0")
        return self


class FunnelParams(ReportParams):
    """What the journey funnel is asked."""

    analysis: ClassVar[str] = "funnel"
    title: ClassVar[str] = "Journey funnel"
    counts: ClassVar[str] = "customer"
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("events",),)

    survey: Annotated[str, Field(description="kind of survey the feelings are taken from")] = "relationship"
    steps: Annotated[list[str], Field(min_length=2, max_length=12, description="stages, in order")]
    attempt: Annotated[
        Literal["first", "best"], Field(description="one clock from entry, or the attempt that gets furthest")
    ] = "first"
    order: Annotated[
        Literal["ordered", "strict", "any"],
        Field(description="other events allowed between; no step out of order between; or steps in any order"),
    ] = "ordered"
    window: Annotated[
        Literal["whole", "none"], Field(description="days allowed from the first step to the last, or no limit")
    ] = "whole"
    window_days: Annotated[float, Field(gt=0, le=3660, description="length of the window")] = 30.0
    attempts_within_days: Annotated[
        float, Field(gt=0, le=3660, description="best: attempts begun this long after first entry are compared")
    ] = 30.0
    ends_attempt: Annotated[list[str], Field(description="stages that end an attempt otherwise: cancelled")] = []
    removes_customer: Annotated[list[str], Field(description="stages that take a customer out: test orders")] = []
    breakdowns: Annotated[list[str], Field(description="columns of the entry event to break down by")] = []
    touchpoint: Annotated[str, Field(description="column of events whose values share the credit; none: empty")] = ""
    min_base: Annotated[int, Field(ge=30, description="mature entrants on each side of a comparison")] = 30

    _steps_once = field_validator("steps", "breakdowns", "ends_attempt", "removes_customer")(_named_once)

    @model_validator(mode="after")
    def _apart(self) -> "FunnelParams":
        both = sorted({*self.steps} & {*self.ends_attempt, *self.removes_customer})
        if both:
            raise ValueError(f"a step cannot also end an attempt or remove a customer: {', '.join(both)}")
        return self


class SegmentationParams(ReportParams):
    """What the segmentation is asked."""

    analysis: ClassVar[str] = "segmentation"
    title: ClassVar[str] = "Segmentation"
    counts: ClassVar[str] = "customer"
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("customers",), ("orders",))

    survey: Annotated[str, Field(description="kind of survey the held-out scores are taken from")] = "relationship"
    method: Annotated[
        Literal["kmeans", "latent_class", "kprototypes", "rfm"], Field(description="how segments are made")
    ] = "kmeans"
    inputs: Annotated[
        list[str],
        Field(min_length=1, max_length=20, description="columns of customers; or recency_days, n_orders, order_amount"),
    ]
    held_out: Annotated[list[str], Field(description="columns kept out of the making and tested after it")] = []
    k_min: Annotated[int, Field(ge=2, le=12, description="fewest segments tried")] = 2
    k_max: Annotated[int, Field(ge=2, le=12, description="most segments tried")] = 7
    n_boot: Annotated[int, Field(ge=10, le=1000, description="bootstrap samples behind the stability")] = 50
    seed: Annotated[int, Field(ge=0, description="of starts and bootstrap")] = 7
    min_customers: Annotated[int, Field(ge=100, description="customers a segmentation needs")] = 200

    _inputs_once = field_validator("inputs", "held_out")(_named_once)

    @model_validator(mode="after")
    def _held_out_apart(self) -> "SegmentationParams":
        both = sorted({*self.inputs} & {*self.held_out})
        if both:
            raise ValueError(f"an input cannot also be held out: {', '.join(both)}")
        if self.k_min > self.k_max:
            raise ValueError(f"k_min ({self.k_min}) is above k_max ({self.k_max})")
        scored = {"recency_days", "n_orders", "order_amount"}
        if self.method == "rfm" and {*self.inputs} != scored:
            raise ValueError(f"rfm scores recency_days, n_orders and order_amount; inputs are {', '.join(self.inputs)}")
        return self


class LinkageParams(ReportParams):
    """What the employee-customer linkage is asked."""

    analysis: ClassVar[str] = "linkage"
    title: ClassVar[str] = "Employees and customers"
    counts: ClassVar[str] = "site"
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("sites",), ("employees", "responses"))

    survey: Annotated[str, Field(description="kind of survey the customer scores are taken from")] = "relationship"
    items: Annotated[list[str], Field(min_length=1, max_length=40, description="employee items, or site columns")]
    scores: Annotated[
        list[str], Field(min_length=1, max_length=12, description="nps, csat, ces, or site columns; the first leads")
    ]
    lag: Annotated[int, Field(ge=0, le=8, description="periods by which employees' answers come earlier")] = 0
    controls: Annotated[list[str], Field(description="site columns held equal in partials and model")] = []
    n_boot: Annotated[int, Field(ge=200, le=20_000, description="bootstrap draws of sites")] = 2000
    seed: Annotated[int, Field(ge=0, description="of the bootstrap")] = 7
    min_sites: Annotated[int, Field(ge=5, description="fewer sites are refused")] = 10
    claim_sites: Annotated[int, Field(ge=10, description="sites a headline claim needs")] = 30
    min_customers: Annotated[int, Field(ge=1, description="customer answers a site needs to take part")] = 10
    min_employees: Annotated[int, Field(ge=1, description="employee answers a site needs to take part")] = 5

    _items_once = field_validator("items", "scores", "controls")(_named_once)


ANALYSES: dict[str, type[ReportParams]] = {
    p.analysis: p
    for p in (BriefParams, ScorecardParams, SegmentationParams, FunnelParams, LinkageParams, DriversParams)
}
"""Every analysis by name, in the order reports are listed."""

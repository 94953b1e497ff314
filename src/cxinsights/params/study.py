"""A study: one company's params files, read, layered and checked.

`params/<study>/study.yml` says what holds for all; `params/<study>/<region>.yml` names a region's units
and what differs there; a unit's own block comes last. A study without region files has one region,
named after the study.
"""

from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from cxinsights.errors import ParamsError, UnknownNameError, did_you_mean
from cxinsights.params.mapping import TableName, TableSpec, check_forms
from cxinsights.params.model import NAME, Strict, faults_of, read_yaml
from cxinsights.params.periods import PeriodScheme
from cxinsights.params.project import Project
from cxinsights.params.reports import ALL, ANALYSES, ReportParams

__all__ = [
    "ColumnSpec",
    "PrivacyRules",
    "RakeRules",
    "Region",
    "Scale",
    "ScoreRules",
    "Study",
    "Unit",
    "load_study",
    "resolve",
]

Name = Annotated[str, Field(pattern=NAME)]
Layer = dict[str, Any]
_SHOWN = {
    "drivers": {"min_base_per_driver": "customer_min"},
    "linkage": {"min_customers": "customer_min", "min_employees": "employee_min"},
}
"""Bases that a study may set, and the threshold of privacy that each must keep."""
_PLACES = (
    "response_id",
    "customer_id",
    "region",
    "unit",
    "site",
    "period",
    "answered_at",
    "survey",
    "weight",
    "comment",
)
_IDENTITY = ("study", "period", "region", "unit")


class ColumnSpec(Strict):
    """What a column holds."""

    label: str
    meaning: str = ""
    type: Literal["text", "category", "integer", "number", "date", "time", "boolean"] = "number"
    unit: Annotated[str, Field(description="points, 0–1, days, …")] = ""
    min: float | None = None
    max: float | None = None
    values: Annotated[dict[str, str], Field(description="stored value: its label, in display order")] = {}


class Scale(Strict):
    """Answer scale of a score, and which end is good."""

    min: float
    max: float
    top_box_from: Annotated[float, Field(description="answers from here up count as satisfied")]
    better: Literal["high", "low"] = "high"

    @model_validator(mode="after")
    def _inside(self) -> "Scale":
        if not self.min < self.top_box_from <= self.max:
            raise ValueError("top_box_from must lie above min and not above max")
        return self


class Margins(Strict):
    """Smallest changes that matter; a clear change inside them is only slightly better or worse."""

    nps: Annotated[float, Field(gt=0, description="points")] = 5
    csat: Annotated[float, Field(gt=0, lt=1, description="share, 0–1")] = 0.05
    ces: Annotated[float, Field(gt=0, description="points of the scale")] = 0.2


class ScoreRules(Strict):
    """What the scores mean in this study; the same on every page, so that families of tests are fixed."""

    csat: Scale = Scale(min=1, max=5, top_box_from=4)
    ces: Scale = Scale(min=1, max=7, top_box_from=5)
    margins: Margins = Margins()
    segments: Annotated[list[str], Field(description="columns a score is broken down by")] = []
    case_mix: Annotated[list[str], Field(description="columns of customers by whose mix scores are adjusted")] = []
    min_base: Annotated[int, Field(ge=30, description="answers on each side of a comparison")] = 30

    @field_validator("case_mix")
    @classmethod
    def _of_customers(cls, value: list[str]) -> list[str]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        wrong = [
            name for name in value if name in _PLACES or name.endswith(("_answer", "_score", "_rating", "_expected"))
        ]
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)} cannot be a covariate: name what customers bring with them (age, channel), not "
                "what they say of us nor where they are served"
            )
        return value

    def is_better_high(self, metric: str) -> bool:
        """Whether a higher score is the better one, of a measure that headlines speak of."""
        return getattr(getattr(self, metric, None), "better", "high") == "high"

    def of_column(self, column: str) -> Scale | None:
        """Scale of the answers in a score's column."""
        return {"csat_score": self.csat, "ces_score": self.ces}.get(column)


class PrivacyRules(Strict):
    """Fewest answers behind a shown value, by whose answers they are."""

    customer_min: Annotated[int, Field(ge=5)] = 10
    employee_min: Annotated[int, Field(ge=3)] = 5
    comment_min: Annotated[int, Field(ge=5)] = 10


class RakeRules(Strict):
    """Margins the answers are weighted to, for a study without a weight column."""

    margins: Annotated[dict[str, dict[str, float]], Field(min_length=1, description="column: value: share")]
    trim_ratio: Annotated[float, Field(gt=1, description="largest weight over the mean weight")] = 5.0

    @model_validator(mode="after")
    def _add_up(self) -> "RakeRules":
        for column, shares in self.margins.items():
            if abs(sum(shares.values()) - 1) > 1e-6 or min(shares.values()) <= 0:
                raise ValueError(f"margins of {column} must be above 0 and add up to 1")
        return self


_NOTHING = Field(default_factory=dict)  # `= {}` would be copied for every unit, which takes longer than all else


class Unit(Strict):
    """A business unit, and what differs there."""

    label: str
    brief: Layer = _NOTHING
    scorecard: Layer = _NOTHING
    segmentation: Layer = _NOTHING
    funnel: Layer = _NOTHING
    linkage: Layer = _NOTHING
    drivers: Layer = _NOTHING


class Region(Strict):
    """A region's units, and what differs there."""

    label: str
    units: Annotated[dict[Name, Unit], Field(min_length=1)]
    brief: Layer = _NOTHING
    scorecard: Layer = _NOTHING
    segmentation: Layer = _NOTHING
    funnel: Layer = _NOTHING
    linkage: Layer = _NOTHING
    drivers: Layer = _NOTHING


class StudyFile(Strict):
    """What `study.yml` may say."""

    label: str
    about: Annotated[str, Field(description="one sentence on the data, shown in every footer")]
    synthetic: Annotated[bool, Field(description="made-up data; every page says so")] = False
    periods: PeriodScheme
    cutoff: Annotated[date | None, Field(description="last day the extract covers")] = None
    raw_folder: Annotated[str | None, Field(description="folder under CXINSIGHTS_DATA_DIR")] = None
    tables: Annotated[dict[TableName, TableSpec], Field(min_length=1), AfterValidator(check_forms)]
    columns: Annotated[dict[str, ColumnSpec], Field(description="this study's own columns")] = {}
    surveys: Annotated[dict[str, str], Field(description="kind of survey: label")] = {
        "relationship": "relationship survey"
    }
    max_reject_share: Annotated[float, Field(ge=0, le=1, description="of a table's raw rows")] = 0.05
    scores: ScoreRules = ScoreRules()
    privacy: PrivacyRules = PrivacyRules()
    rake: RakeRules | None = None
    without: Annotated[list[str], Field(description="analyses that nobody wants reports of")] = []
    units: Annotated[dict[Name, Unit], Field(description="units of a study without regions")] = {}
    brief: Layer = _NOTHING
    scorecard: Layer = _NOTHING
    segmentation: Layer = _NOTHING
    funnel: Layer = _NOTHING
    linkage: Layer = _NOTHING
    drivers: Layer = _NOTHING

    @field_validator("without")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in ANALYSES:
                raise ValueError(did_you_mean("analysis", name, ANALYSES))
        return value

    @model_validator(mode="after")
    def _covariates_mapped(self) -> "StudyFile":
        if self.scores.case_mix and "responses" in self.tables:
            table = self.tables["responses"]
            known = [*table.columns, *(name for source in table.sources for name in source.set)]
            for name in self.scores.case_mix:
                if name not in known:
                    raise ValueError(f"scores.case_mix: {did_you_mean('column', name, known)}")
        return self

    @model_validator(mode="after")
    def _marks_listed(self) -> "StudyFile":
        marks = self.tables["events"].marks if "events" in self.tables else {}
        listed = self.columns["stage"].values if "stage" in self.columns else {}
        if listed and (lacking := [name for name in marks if name not in listed]):
            raise ValueError(f"tables.events.marks makes {', '.join(lacking)}, which columns.stage.values lacks")
        return self


class Study(StudyFile):
    """A study with its name and regions."""

    name: Name
    regions: Annotated[dict[Name, Region], Field(min_length=1)]

    @cached_property
    def one_region(self) -> bool:
        """Whether region and company are the same."""
        return len(self.regions) == 1

    def region(self, name: str) -> Region:
        """The region of this name, or UnknownNameError."""
        if name not in self.regions:
            raise UnknownNameError(f"{self.name}: {did_you_mean('region', name, self.regions)}")
        return self.regions[name]

    def unit(self, region: str, name: str) -> Unit:
        """The unit of this name in this region, or UnknownNameError."""
        units = self.region(region).units
        if name not in units:
            raise UnknownNameError(f"{self.name}: {region}: {did_you_mean('unit', name, units)}")
        return units[name]

    def asks_for(self, analysis: str) -> bool:
        """Whether the study says what this analysis needs to be told (the scorecard needs nothing)."""
        own = {name: f for name, f in ANALYSES[analysis].model_fields.items() if name not in _IDENTITY}
        return bool(getattr(self, analysis)) or not any(field.is_required() for field in own.values())

    def check_place(self, region: str, unit: str) -> None:
        """Raise UnknownNameError unless this is the company, a region, or a unit of a region."""
        if region == ALL and unit != ALL:
            raise UnknownNameError(f"{self.name}: unit '{unit}' needs its region. Known: {', '.join(self.regions)}.")
        if region != ALL:
            self.region(region)
        if unit != ALL:
            self.unit(region, unit)

    def label_of(self, region: str, unit: str) -> str:
        """What pages call the subject of a report: a unit (with its region), a region, or the company."""
        if region == ALL or (unit == ALL and self.one_region):
            return self.label
        if unit == ALL:
            return self.region(region).label
        name = self.unit(region, unit).label
        return name if self.one_region else f"{name}, {self.region(region).label}"

    def layers(self, analysis: str, region: str, unit: str) -> list[tuple[str, Layer]]:
        """What each file says of an analysis, from the most general to the unit's own."""
        found = [(f"params/{self.name}/study.yml: {analysis}", getattr(self, analysis))]
        if region == ALL:
            return found
        file = f"params/{self.name}/{'study' if self.units else region}.yml"
        if not self.units:
            found.append((f"{file}: {analysis}", getattr(self.region(region), analysis)))
        if unit != ALL:
            found.append((f"{file}: units.{unit}.{analysis}", getattr(self.unit(region, unit), analysis)))
        return found


def load_study(project: Project, name: str) -> Study:
    """Read a study's params files and check every name and value in them.

    Raises
    ------
    UnknownNameError
        The project has no such study.
    ParamsError
        A file cannot be read, or holds an unknown name or a value that is not allowed.
    """
    if name not in project.studies():
        raise UnknownNameError(f"params/: {did_you_mean('study', name, project.studies())}")
    folder = project.params / name
    data = read_yaml(folder / "study.yml", f"params/{name}/study.yml")
    _validated(StudyFile, data, f"params/{name}/study.yml")
    regions = {}
    for path in sorted(folder.glob("*.yml")):
        if path.name != "study.yml":
            shown = f"params/{name}/{path.name}"
            regions[path.stem] = _validated(Region, read_yaml(path, shown), shown)
    if bool(regions) == bool(data.get("units")):
        raise ParamsError(
            f"params/{name}/: name the units in one place: under units: in study.yml (a study without "
            f"regions), or in one file per region. Found {'both' if regions else 'neither'}."
        )
    if not regions:
        regions = {name: {"label": data["label"], "units": data["units"]}}
    study = _validated(Study, {**data, "name": name, "regions": regions}, f"params/{name}/study.yml")
    _check_sections(study)
    return study


def resolve(study: Study, analysis: str, period: str, region: str = ALL, unit: str = ALL) -> ReportParams:
    """Params of one report: study, region and unit layers merged, the most special winning.

    Raises
    ------
    UnknownNameError
        No such analysis, period, region or unit.
    ParamsError
        A layer holds an unknown parameter or a value that is not allowed; the message names the file.
    """
    if analysis not in ANALYSES:
        raise UnknownNameError(did_you_mean("analysis", analysis, ANALYSES))
    study.periods.period(period)
    study.check_place(region, unit)
    model = ANALYSES[analysis]
    layers = study.layers(analysis, region, unit)
    asked = dict(zip(_IDENTITY, (study.name, period, region, unit), strict=True))
    own = [name for name in model.model_fields if name not in asked]
    merged: Layer = {}
    for where, layer in layers:
        for key in layer:
            if key not in own:
                raise ParamsError(f"{where}: {did_you_mean('parameter', key, own)}")
        merged.update(layer)
    usual = next(iter(study.surveys))
    survey = merged.setdefault("survey", usual)
    if survey not in study.surveys:
        raise UnknownNameError(f"{layers[-1][0]}: {did_you_mean('survey', survey, study.surveys)}")
    scale = study.scores.of_column(str(merged.get("outcome"))) if analysis == "drivers" else None
    if scale is not None:
        merged.setdefault("top_box_from", scale.top_box_from)
    try:
        params = model(**asked, **merged)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0]) if error.errors()[0]["loc"] else ""
        where = next((w for w, layer in reversed(layers) if name in layer), layers[0][0])
        raise ParamsError(f"{where}: {'; '.join(faults_of(error))}") from None
    if scale is not None and params.top_box_from > scale.max:
        raise ParamsError(
            f"{layers[0][0]}: top_box_from ({params.top_box_from:g}) is above the highest {params.outcome}, "
            f"{scale.max:g}."
        )
    for name, fewest in _SHOWN.get(analysis, {}).items():
        asked, allowed = getattr(params, name), getattr(study.privacy, fewest)
        if asked < allowed:
            raise ParamsError(
                f"{layers[0][0]}: {name} ({asked}) is under what may be shown (privacy.{fewest}, {allowed}). Raise it "
                "to that."
            )
    return params


def _validated(model: type[Strict], data: Any, where: str) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = faults_of(error)
        count = f"{len(faults)} faults. " if len(faults) > 1 else ""
        raise ParamsError(f"{where}: {count}{'; '.join(faults)}") from None


def _check_sections(study: Study) -> None:
    """Resolve every report once, so that a mistake in a unit's block is found before a batch starts."""
    period = study.periods.example().id
    for analysis in ANALYSES:
        if not study.asks_for(analysis):
            continue
        resolve(study, analysis, period)
        for region_name, region in study.regions.items():
            resolve(study, analysis, period, region_name)
            for name, unit in region.units.items():
                if getattr(unit, analysis):  # else its report is asked for as its region's is
                    resolve(study, analysis, period, region_name, name)

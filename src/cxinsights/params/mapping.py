"""How raw files become tables: the `tables:` part of a study's params."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cxinsights.params.model import Strict

__all__ = ["TABLES", "ColumnMap", "Combine", "LeaveOut", "Mark", "SourceSpec", "TableName", "TableSpec", "check_forms"]

TableName = Literal[
    "responses", "employees", "sites", "events", "customers", "orders", "targets", "benchmarks", "invitations"
]
TABLES: tuple[str, ...] = TableName.__args__


def _listed(value: Any) -> Any:
    """A single code or name may be written without brackets."""
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


class ColumnMap(Strict):
    """Where one canonical column comes from, and what its codes mean."""

    source: Annotated[
        list[str] | None, Field(alias="from", description="raw headers; the first one present is taken")
    ] = None
    constant: Annotated[str | None, Field(description="the same value in every row")] = None
    product: Annotated[list[str], Field(description="raw headers whose numbers are multiplied")] = []
    template: Annotated[str | None, Field(description="text around the value, with {value}, {period} or {file}")] = None
    extract: Annotated[str | None, Field(description="regular expression; its one group is taken")] = None
    blank: Annotated[list[str], Field(description="codes that mean: no answer given")] = []
    blank_is: Annotated[str | None, Field(description="stored where nothing stands: 0 where a count is left out")] = (
        None
    )
    does_not_apply: Annotated[list[str], Field(description="codes that mean: not used, not applicable")] = []
    recode: Annotated[dict[str, str] | None, Field(description="raw code: stored value")] = None
    unlisted: Annotated[
        Literal["reject", "blank"], Field(description="what becomes of a row whose code recode lacks")
    ] = "reject"
    formats: Annotated[list[str], Field(description="date forms tried in order; ISO where none is given")] = []
    optional: Annotated[bool, Field(description="a file may lack the column")] = False

    @model_validator(mode="before")
    @classmethod
    def _plain_name(cls, data: Any) -> Any:
        return {"from": data} if isinstance(data, str | list) else data

    _lists = field_validator("source", "product", "blank", "does_not_apply", "formats", mode="before")(_listed)

    @field_validator("extract")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is not None and re.compile(value).groups != 1:
            raise ValueError("needs exactly one group in brackets, around the part to take")
        return value

    @field_validator("template")
    @classmethod
    def _known_fields(cls, value: str | None) -> str | None:
        named = re.findall(r"{(.*?)}", value) if value is not None else ["value"]
        if set(named) - {"value", "period", "file"} or named.count("value") != 1 or named.count("period") > 1:
            raise ValueError("must hold {value} once, and may hold {period} and {file}")
        return value

    @model_validator(mode="after")
    def _has_source(self) -> "ColumnMap":
        if self.product and (len(self.product) < 2 or self.model_fields_set - {"product", "blank", "optional"}):
            raise ValueError("product: takes two headers or more, and beside it only blank: and optional:")
        if self.source is None and self.constant is None and not self.product:
            raise ValueError("needs from: (a raw header), constant: (a value) or product: (headers)")
        both = set(self.blank) & set(self.does_not_apply)
        if both:
            raise ValueError(f"code {', '.join(sorted(both))} cannot mean both blank and does_not_apply")
        return self


class SourceSpec(Strict):
    """One raw file, or several of one form (`survey_*.csv.gz`)."""

    files: list[str]
    set: Annotated[dict[str, str], Field(description="canonical columns these files all share a value of")] = {}
    sheet: Annotated[str | None, Field(description="Excel sheet; the first where not given")] = None
    delimiter: Annotated[str | None, Field(description="one character; by the file's ending where not given")] = None
    encoding: str = "utf-8-sig"
    decimal: Annotated[Literal[".", ","], Field(description="mark between whole and part")] = "."

    _lists = field_validator("files", mode="before")(_listed)

    @field_validator("files")
    @classmethod
    def _within(cls, value: list[str]) -> list[str]:
        outside = [name for name in value if name.startswith(("/", "~")) or ".." in name.replace("\\", "/").split("/")]
        if outside:
            raise ValueError(f"{', '.join(outside)} lies outside the study's raw folder; name files within it")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"no encoding is called '{value}'; usual ones: utf-8-sig, cp1252, latin-1") from None
        return value


class LeaveOut(Strict):
    """Raw rows left out on purpose: nothing is wrong with them, but the study is not about them."""

    reason: Annotated[str, Field(min_length=1, description="as the data-quality page says it")]
    column: Annotated[str | None, Field(description="raw header that blank or matches looks at")] = None
    blank: Annotated[bool, Field(description="rows where nothing stands")] = False
    matches: Annotated[str | None, Field(description="rows where this regular expression is found")] = None
    repeats: Annotated[list[str], Field(description="raw headers; rows that say the same as an earlier row")] = []

    _lists = field_validator("repeats", mode="before")(_listed)

    @field_validator("matches")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"is no regular expression ({error})") from None
        return value

    @model_validator(mode="after")
    def _one_rule(self) -> "LeaveOut":
        looks = [self.blank, self.matches is not None, bool(self.repeats)]
        if sum(looks) != 1 or (self.column is None) != bool(self.repeats):
            raise ValueError("needs column: with blank: true or matches:, or repeats: (headers) alone")
        return self


class Combine(Strict):
    """Several raw rows make one: the lines of an order."""

    by: Annotated[str, Field(description="column whose value all the lines share")]
    sum: Annotated[list[str], Field(min_length=1, description="columns added up")]
    earliest: Annotated[str | None, Field(description="column of times: the first counts; all others must agree")] = (
        None
    )

    _lists = field_validator("sum", mode="before")(_listed)


class Mark(Strict):
    """One more event for each customer, at a place in the journey that no raw row names."""

    last: Annotated[
        str | None, Field(description="stage whose last event is marked; without it the first event of all")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _first_or_last(cls, data: Any) -> Any:
        if data == "first":
            return {}
        if not isinstance(data, dict) or data.get("last") is None:
            raise ValueError("is either first, or {last: a stage}")
        return data


class TableSpec(Strict):
    """A canonical table: its raw files, which of their rows, and where each column comes from."""

    sources: Annotated[list[SourceSpec], Field(min_length=1)]
    leave_out: Annotated[list[LeaveOut], Field(description="rows left out on purpose, counted by reason")] = []
    columns: Annotated[dict[str, ColumnMap], Field(min_length=1)]
    stages: Annotated[
        dict[str, ColumnMap], Field(description="events: a raw row holds a whole journey, a time for each stage")
    ] = {}
    marks: Annotated[
        dict[str, Mark], Field(description="events: stages made of a customer's first event, or the last of a stage")
    ] = {}
    combine: Annotated[Combine | None, Field(description="orders: raw rows are lines that make up an order")] = None

    @field_validator("leave_out")
    @classmethod
    def _reasons_once(cls, value: list[LeaveOut]) -> list[LeaveOut]:
        said = [rule.reason for rule in value]
        twice = sorted({reason for reason in said if said.count(reason) > 1})
        if twice:
            raise ValueError(f"two rules give the reason '{twice[0]}': each is counted by its own")
        return value

    @model_validator(mode="after")
    def _columns_known(self) -> "TableSpec":
        both = sorted({"stage", "occurred_at"} & set(self.columns)) if self.stages else []
        if both:
            raise ValueError(f"{' and '.join(both)} come{'' if len(both) > 1 else 's'} from stages: take off columns:")
        for name, spec in self.stages.items():
            if spec.source is None or spec.model_fields_set - {"source", "blank", "formats", "optional"}:
                raise ValueError(f"stage {name} takes from: and, beside it, only blank:, formats: and optional:")
        if self.combine:
            named = [self.combine.by, *self.combine.sum, *([self.combine.earliest] if self.combine.earliest else [])]
            if lacking := [name for name in named if name not in self.columns]:
                raise ValueError(f"combine names {', '.join(lacking)}, which columns: lacks")
            if len(set(named)) < len(named):
                raise ValueError("combine names a column for two things")
        return self


def check_forms(tables: dict[str, TableSpec]) -> dict[str, TableSpec]:
    """The tables as they are, or ValueError where one has a form that only another can have."""
    for name, spec in tables.items():
        if spec.stages and name != "events":
            raise ValueError(f"{name}: only events have stages:")
        if spec.marks and name != "events":
            raise ValueError(f"{name}: only events have marks:")
        if spec.combine and name != "orders":
            raise ValueError(f"{name}: only orders are made with combine:")
    return tables

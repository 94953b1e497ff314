"""How raw files become tables: the `tables:` part of a study's params."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cxinsights.params.model import Strict

__all__ = ["TABLES", "ColumnMap", "SourceSpec", "TableName", "TableSpec"]

TableName = Literal["responses", "employees", "sites", "events", "customers", "orders", "targets", "benchmarks"]
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
    template: Annotated[str | None, Field(description="text around the value, with {value}, {period} or {file}")] = None
    extract: Annotated[str | None, Field(description="regular expression; its one group is taken")] = None
    blank: Annotated[list[str], Field(description="codes that mean: no answer given")] = []
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

    _lists = field_validator("source", "blank", "does_not_apply", "formats", mode="before")(_listed)

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
        if self.source is None and self.constant is None:
            raise ValueError("needs from: (a raw header) or constant: (a value)")
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

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"no encoding is called '{value}'; usual ones: utf-8-sig, cp1252, latin-1") from None
        return value


class TableSpec(Strict):
    """A canonical table: its raw files and where each column comes from."""

    sources: Annotated[list[SourceSpec], Field(min_length=1)]
    columns: Annotated[dict[str, ColumnMap], Field(min_length=1)]

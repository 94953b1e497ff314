"""The base of every params model, and the reader of its files.

A name nobody declared is an error with the nearest declared name, not a silent extra: a misspelt
parameter that runs is worse than one that stops.
"""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from cxinsights.errors import ParamsError, did_you_mean

__all__ = ["NAME", "Strict", "faults_of", "read_yaml"]

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
"""Names of studies, regions, units and periods: they become folders and parts of links."""
_SHORT = 40
"""Letters of a value that a message repeats."""


class Strict(BaseModel):
    """A frozen model that knows all its names."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        populate_by_name=True,
        coerce_numbers_to_str=True,  # codes and years are written as numbers in YAML
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_names(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = _known(cls)
        unknown = [key for key in data if key not in known]
        if unknown:
            shown = [field.alias or name for name, field in cls.model_fields.items()]
            text = " ".join(did_you_mean("parameter", key, shown) for key in unknown)
            raise PydanticCustomError("unknown_name", "{text}", {"text": text})
        return data


@cache
def _known(model: type[Strict]) -> frozenset[str]:
    """Names of a model's fields, and what files call them."""
    return frozenset(name for own, field in model.model_fields.items() for name in (own, field.alias) if name)


def faults_of(error: ValidationError) -> list[str]:
    """One line per fault of a failed validation: where in the model, and what is wrong."""
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        message = _in_our_words(fault)
        lines.append(f"{where}: {message}" if where else message)
    return lines


def _in_our_words(fault: Any) -> str:
    """What is wrong with a value, with the value where it is a short one: it stands in a file of params."""
    message, given = fault["msg"].removeprefix("Value error, "), fault["input"]
    if fault["type"] == "string_too_short" and not given:
        return "must not be empty"
    if fault["type"] == "string_too_long":
        return f"has {len(given)} characters; {fault['ctx']['max_length']} are allowed"
    if message.startswith("Input should be ") and isinstance(given, str | int | float) and len(str(given)) <= _SHORT:
        return f"{given!r} is not {message.removeprefix('Input should be ')}"
    return message


class _OnceLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  the same, ten times as fast
    """Reads YAML, but takes a key given twice for the mistake it is (plain YAML keeps the last)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        own = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key, n in Counter(own).items():
            if n > 1:
                line = node.start_mark.line + 1
                raise ParamsError(f"'{key}' is given twice in the block that starts at line {line}. Keep one.")
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, shown_as: str) -> dict:
    """Read one params file.

    Raises
    ------
    ParamsError
        The file is missing, is not YAML, gives a key twice or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(f"{shown_as}: file not found.") from None
    try:
        data = yaml.load(text, Loader=_OnceLoader)  # a SafeLoader: no objects are made
    except ParamsError as error:
        raise ParamsError(f"{shown_as}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ParamsError(f"{shown_as}: {place}not valid YAML ({problem}).") from None
    if not isinstance(data, dict):
        raise ParamsError(f"{shown_as}: expected names with values (name: value), found something else.")
    return data

"""The register of actions: who does what for which unit, by when, and since when, in a plain file anybody can edit."""

import csv
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from cxinsights.errors import CxError, ParamsError, did_you_mean
from cxinsights.params.model import Strict, faults_of
from cxinsights.params.project import Project
from cxinsights.params.study import Study

__all__ = ["REGISTER", "Action", "load_actions"]

REGISTER = "actions.csv"
"""Name of the file, in the study's folder of params."""


class Action(Strict):
    """One line of the register."""

    region: Annotated[str, Field(description="region of the unit; in a study of one region it may be empty")] = ""
    unit: Annotated[str, Field(description="unit that acts")]
    action: Annotated[str, Field(min_length=1, max_length=160, description="what is done, in a sentence")]
    driver: Annotated[str, Field(description="column of the rating it is about; may be empty")] = ""
    measure: Annotated[Literal["nps", "csat", "ces"], Field(description="score that should show it")] = "nps"
    owner: Annotated[str, Field(min_length=1, max_length=80, description="who answers for it: a role, or a name")]
    begun: Annotated[date | None, Field(description="first day it was at work; empty before")] = None
    due: Annotated[date | None, Field(description="when it is looked at again")] = None
    status: Annotated[Literal["open", "done", "dropped"], Field(description="how it stands")] = "open"
    note: Annotated[str, Field(max_length=300, description="anything else")] = ""

    @field_validator("begun", "due", mode="before")
    @classmethod
    def _as_day(cls, value: object) -> object:
        try:
            return date.fromisoformat(value) if isinstance(value, str) and value else value or None
        except ValueError:
            raise ValueError("not a day. Write it like 2026-07-31") from None

    @field_validator("measure", "status", mode="before")
    @classmethod
    def _usual(cls, value: str, info) -> object:
        return value.strip().lower() or cls.model_fields[info.field_name].default

    @model_validator(mode="after")
    def _begins_first(self) -> "Action":
        if self.begun and self.due and self.due < self.begun:
            raise ValueError(f"due ({self.due}) is before begun ({self.begun})")
        return self


def load_actions(project: Project, study: Study) -> list[Action]:
    """The study's register; empty where it has none.

    Raises
    ------
    ParamsError
        Lines are not what the register takes, or name a unit or a rating that the study does not have: all of them.
    """
    path = project.params / study.name / REGISTER
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            head = [(name or "").strip() for name in rows.fieldnames or []]
            _check_head(head, path, project)
            rows.fieldnames = head
            read = [(rows.line_num, _read(row, study)) for row in rows if any(row.values())]
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise ParamsError(f"{project.shown(path)}: not UTF-8. Save it as CSV UTF-8.") from None
    wrong = [f"line {line}: {found}" for line, found in read if isinstance(found, str)]
    if wrong:
        count = f": {len(wrong)} lines are wrong. " if len(wrong) > 1 else ", "
        raise ParamsError(f"{project.shown(path)}{count}{'; '.join(wrong)}")
    return [found for _, found in read if isinstance(found, Action)]


def _check_head(head: list[str], path: Path, project: Project) -> None:
    known = list(Action.model_fields)
    needed = [name for name, field in Action.model_fields.items() if field.is_required()]
    wrong = [name for name in head if name not in known]
    missing = [name for name in needed if name not in head]
    if wrong or missing:
        told = [*(f"unknown column '{name}'" for name in wrong), *(f"no column '{name}'" for name in missing)]
        raise ParamsError(
            f"{project.shown(path)}, line 1: {'; '.join(told)}. Columns are {', '.join(known)}, separated by commas; "
            f"{', '.join(needed)} are needed."
        )


def _read(row: dict, study: Study) -> Action | str:
    """A line's action, or what is wrong with it."""
    if None in row:
        return "more cells than columns. Put a text that holds a comma in double quotes."
    try:
        action = Action(**{name: (value or "").strip() for name, value in row.items()})
        if not action.region and study.one_region:
            action = action.model_copy(update={"region": next(iter(study.regions))})
        study.check_place(action.region, action.unit)
    except ValidationError as error:
        return "; ".join(faults_of(error))
    except CxError as error:
        return str(error)
    if action.driver and action.driver not in (known := _ratings(study)):
        return f"driver: {did_you_mean('rating', action.driver, known)}"
    return action


def _ratings(study: Study) -> list[str]:
    """Columns of ratings that the study's answers have."""
    table = study.tables.get("responses")
    named = [] if table is None else [*table.columns, *(name for source in table.sources for name in source.set)]
    return [name for name in named if name.endswith("_rating")]

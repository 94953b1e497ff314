"""Documents that say what the code says: `python -m tests.test_documents` writes them anew."""

from datetime import date
from pathlib import Path
from types import UnionType
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from cxinsights.params import ANALYSES, Action, ReportParams

PARAMETERS = Path(__file__).parent.parent / "docs" / "parameters.md"
HEAD = """# Parameters

What each report may be asked, by section of `params/<study>/study.yml`; a section under a region (in its own file) or
under a unit changes what differs there:

```yaml
drivers:
  outcome: nps
  drivers: [waiting_rating, staff_rating]
  costs: {waiting_rating: 3, staff_rating: 1}

units:
  north: {label: North, drivers: {missing: listwise}}
```

A notebook's second cell holds the same names.
"""


REGISTER = """## Register of actions

Who does what goes into `params/<study>/actions.csv`, with commas between its columns, as any spreadsheet saves it
(CSV UTF-8); a line is an action of a unit. Empty cells take the default. `cxinsights check` tells every line that is
wrong.

    unit,action,owner,driver,begun,due
    north,Ring back within a day,Head of stores,waiting_rating,2026-07-01,2026-12-31

| column | allowed | default | |
|---|---|---|---|"""


def parameters_page() -> str:
    """Every parameter of every analysis, and every column of the register, from the models themselves."""
    parts = [HEAD]
    for name, model in ANALYSES.items():
        rows = [
            f"| `{field}` | {_allowed(info)} | {_default(info)} | {info.description or ''} |"
            for field, info in model.model_fields.items()
            if field not in ReportParams.model_fields
        ]
        head = f"## `{name}:` {model.title}\n\n| parameter | allowed | default | |\n|---|---|---|---|"
        parts.append("\n".join([head, *rows]))
    columns = [
        f"| `{field}` | {_allowed(info)} | {_default(info)} | {info.description} |"
        for field, info in Action.model_fields.items()
    ]
    parts.append("\n".join([REGISTER, *columns]))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _allowed(info: FieldInfo) -> str:
    kind = info.annotation
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    limits = {"ge": "from", "gt": "above", "le": "to", "lt": "under", "min_length": "from", "max_length": "to"}
    told = [f"{words} {getattr(one, key):g}" for one in info.metadata for key, words in limits.items()
            if getattr(one, key, None) is not None]  # fmt: skip
    name = str(kind) if get_origin(kind) or isinstance(kind, UnionType) else kind.__name__
    words = {"str": "text", "int": "whole number", "float": "number", "list[str]": "names,"}
    words[str(date | None)] = "a day, like 2026-07-31"
    if name == "str" and told:
        return f"text, {' '.join(told)} letters"
    return " ".join([words.get(name, "names and values"), *told]).rstrip(",")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "must be given"
    if info.default in ("", [], {}, None):
        return "none"
    return f"{info.default:g}" if isinstance(info.default, float) else str(info.default)


def test_the_page_of_parameters_is_that_of_the_models() -> None:
    assert PARAMETERS.read_text(encoding="utf-8") == parameters_page()


if __name__ == "__main__":
    PARAMETERS.write_text(parameters_page(), encoding="utf-8")

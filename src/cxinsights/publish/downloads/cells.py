"""What a value of a report's record is in a spreadsheet: a number with its form, words, or why it is not shown."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from cxinsights.display.scorecard.card import METRIC_NAMES
from cxinsights.display.words import as_subject
from cxinsights.errors import CxError, DataError
from cxinsights.params import ALL, ColumnSpec, Study
from cxinsights.privacy import Suppressed
from cxinsights.publish.downloads.contents import clean
from cxinsights.schemas.columns import column

__all__ = ["Column", "columns_of", "is_hidden", "spec_of"]

_SHARE, _MEAN, _POINTS = "0.0%", "0.00", "0"
_FORMS = {"integer": "#,##0", "share": _SHARE, "p": '[<0.001]"< 0.001";0.000', "date": "yyyy-mm-dd"}
"""Number formats of kinds of column; of the others, the measure or the values decide."""
_CHANGES = {"share": "+0.000;-0.000;0.000", "points": "+0.0;-0.0;0.0", "mean": "+0.00;-0.00;0.00"}
"""Of measures: a change of a share is written as a share, since 0.05 is five points and not five per cent."""
_ERRORS = {"share": "0.000", "points": "0.0", "mean": "0.00"}
_SCORES = {"share": _SHARE, "points": _POINTS, "mean": _MEAN}

_OF_A_MEASURE = (
    "score", "target", "benchmark", "score_compare", "shrunken", "center", "usual", "limit_low", "limit_high",
    "control_low", "control_high",
)  # fmt: skip
_DIFFERENCES = ("change", "difference", "gap", "rate_part", "mix_part", "both_part")
_SHARED_MEASURES = ("csat", "ces_top")
_ENDS = ("_low", "_high")
_HAVE_INTERVALS = ("score", "converted", "conversion", "change", "difference", "correlation")
"""What ci_low and ci_high may be the ends of: the first of these that a table has."""
_NAME_COLUMNS = ("driver", "driver_a", "driver_b", "touchpoint", "variable", "item", "measure", "segment", "metric")
"""Columns whose values may be names of columns."""
_STAGES = ("step", "from_step", "next_stage", "stage", "touchpoint")

Kind = Literal["text", "date", "integer", "share", "p", "score", "change", "error", "number"]


@dataclass(frozen=True)
class Column:
    """A column of a table, and how its values are written."""

    name: str
    """As the record and the CSV files have it."""
    label: str
    kind: Kind
    form: str
    """Number format; of a score or change, that of the row's own measure goes before it."""
    study: Study
    main: str
    """The estimate that it holds an end of the interval of; its own name where it is no end."""

    @property
    def meaning(self) -> str:
        """What it holds, in a sentence."""
        own = spec_of(self.name, self.study).meaning or spec_of(self.name).meaning
        if own or self.main == self.name:
            return own
        end = "Lower" if self.name.endswith("_low") else "Upper"
        return f"{end} end of the 95% interval of: {spec_of(self.main, self.study).label}."

    def value(self, value: Any, row: Mapping[str, Any]) -> float | int | str | date | None:
        """What the cell holds: a number, a day, words, or nothing."""
        if is_hidden(value):
            return str(Suppressed(value.get("threshold", 0), value["suppressed"]))
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float):
            return value if math.isfinite(value) else None
        if self.kind == "date" and (day := _day(value)):
            return day
        return None if value is None else clean(_words(self.name, str(value), row, self.study))

    def form_in(self, row: Mapping[str, Any]) -> str:
        """Number format of a cell."""
        forms = {"score": _SCORES, "change": _CHANGES, "error": _ERRORS}.get(self.kind, {})
        return forms.get(_measure(row), self.form)


def columns_of(table: Mapping[str, Any], study: Study) -> list[Column]:
    """The columns of a table of the record; two of the same label are told apart by their names."""
    names = [str(name) for name in table["columns"]]
    labels = [clean(spec_of(name, study).label) for name in names]
    found = []
    for at, (name, label) in enumerate(zip(names, labels, strict=True)):
        kind = _kind(name, names, study)
        form = _FORMS.get(kind) or _form(row[at] for row in table["rows"])
        told = label if labels.count(label) == 1 else f"{label} ({name})"
        found.append(Column(name, told, kind, form, study, _main(name, names)))
    return found


def spec_of(name: str, study: Study | None = None) -> ColumnSpec:
    """What a column holds; its own name is its label where nobody has described it."""
    try:
        return column(name, study)
    except DataError:
        return ColumnSpec(label=name)


def is_hidden(value: Any) -> bool:
    """Whether a value of the record is one that is not shown."""
    return isinstance(value, dict) and value.get("suppressed") in ("small", "complement")


def _kind(name: str, names: Sequence[str], study: Study) -> Kind:
    spec = spec_of(name, study)
    if spec.type not in ("number", "integer"):
        return "date" if spec.type == "date" else "text"
    if spec.type == "integer":
        return "integer"
    if name.startswith("p_") or name.endswith("_p"):
        return "p"
    if name == "se" and _has_measure(names):
        return "error"
    main = _main(name, names)
    if main in _OF_A_MEASURE and _has_measure(names):
        return "score"
    if main in _DIFFERENCES and _has_measure(names):
        return "change"
    own = spec_of(main, study)
    return "share" if (own.min, own.max) == (0, 1) else "number"


def _main(name: str, names: Sequence[str]) -> str:
    """The estimate that a column holds an end of the interval of; the column itself where it is no end."""
    if not name.endswith(_ENDS) or name in _OF_A_MEASURE:
        return name
    stem = name.rpartition("_")[0]
    if stem in names:
        return stem
    if stem == "ci":
        return next((main for main in _HAVE_INTERVALS if main in names), name)
    before = [other for other in names[: names.index(name)] if not other.endswith(_ENDS)]
    return next((other for other in reversed(before) if stem in other and not other.startswith("n_")), name)


def _has_measure(names: Sequence[str]) -> bool:
    return any(name in names for name in ("metric", "kind", "rate"))


def _measure(row: Mapping[str, Any]) -> str:
    """Whether a row is about a share, points of NPS or a mean; empty where it does not say."""
    metric = row.get("metric", row.get("kind"))
    if metric is None:
        return "share" if "rate" in row else ""
    if metric == "nps":
        return "points"
    return "share" if metric == "share" or metric in _SHARED_MEASURES else "mean"


def _form(values: Iterable[Any]) -> str:
    """As many decimals as the largest of the values deserves."""
    largest = max((abs(v) for v in values if isinstance(v, int | float) and math.isfinite(v)), default=0.0)
    return "#,##0" if largest >= 1000 else "0.0" if largest >= 100 else "0.00" if largest >= 1 else "0.000"


def _words(name: str, value: str, row: Mapping[str, Any], study: Study) -> str:
    """What pages call a stored value."""
    if value == ALL:
        return "all"
    if name in ("region", "unit"):
        return _place(name, value, row, study)
    if name == "survey":
        return study.surveys.get(value, value)
    if name == "group":
        own = spec_of(str(row.get("segment", "")), study).values
        return own.get(value, "All others" if value == "other" else value)
    if name == "category":
        return spec_of(str(row.get("variable", "")), study).values.get(value, value)
    if name in ("metric", "against") and value in METRIC_NAMES:
        return METRIC_NAMES[value]
    if name == "name":
        return _found(value, str(row.get("found", "")), study)
    if name in _STAGES and value in (stages := spec_of("stage", study).values):
        return stages[value]
    values = spec_of(name, study).values
    if value in values:
        return values[value]
    if name in _NAME_COLUMNS and (label := spec_of(value, study).label) != value:
        return label
    return as_subject(value.replace("_", " ")) if name in _STAGES else value


def _found(name: str, what: str, study: Study) -> str:
    """What pages call something that stands out: a rating, a step of the journey, a group of a breakdown, a segment."""
    if what == "rating":
        return spec_of(name, study).label
    if what == "step":
        return spec_of("stage", study).values.get(name, as_subject(name.replace("_", " ")))
    if what == "group":
        segment, _, group = name.partition("=")
        return f"{spec_of(segment, study).label}: {spec_of(segment, study).values.get(group, group)}"
    return name


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _place(name: str, value: str, row: Mapping[str, Any], study: Study) -> str:
    try:
        if name == "region":
            return study.region(value).label
        return study.unit(str(row.get("region", "")), value).label
    except CxError:
        return value

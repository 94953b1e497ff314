"""What changed since the last released period: what moved, what may not be shown any more, what is new or gone.

Everything is read from the scorecards' own records, tests and states included; nothing is computed here. A change of
what is asked, of settings or code that may explain a move is told beside it, and targets that are others now.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cxinsights.analysis.scores import HEADLINE_METRICS
from cxinsights.display.numbers import count, metric_change, metric_score, metric_with_interval
from cxinsights.display.numbers import text_without_fixed_spaces as plain_text
from cxinsights.display.rating_words import fallen_ratings
from cxinsights.display.words import joined
from cxinsights.errors import ReleaseError, UnknownNameError, did_you_mean
from cxinsights.params import ALL, Project, Study
from cxinsights.publish.releases import released_root
from cxinsights.report.families import places_of
from cxinsights.report.identity import ReportId
from cxinsights.schemas.columns import value_label

__all__ = ["KINDS", "Change", "Changes", "find_changes"]

KINDS = {
    "worse": "Worse", "better": "Better", "hidden": "Not shown any more", "shown": "Shown again", "gone": "Gone",
    "missing": "Not made", "new": "New", "definition": "What may explain it", "target": "Targets",
}  # fmt: skip
"""Kinds of change in the order they are told, and what they are called; within each, the largest first."""
_DEFINITIONS = {
    "study": "the study's settings", "notebook": "the notebooks",
    "code": "the code or packages",
}  # fmt: skip
"""Parts of what a scorecard was made from that are no data."""


_MOST_NAMED = 3
"""Places that a sentence names; of more it says how many."""


@dataclass(frozen=True)
class Change:
    """One thing that is otherwise than it was."""

    kind: str
    region: str
    unit: str
    text: str
    """The sentence."""
    metric: str = ""
    change: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    """Of the change."""
    score: float | None = None
    score_low: float | None = None
    score_high: float | None = None
    n: int | None = None
    """Answers behind the score."""
    state: str = ""
    path: str = ""
    """Of the scorecard that says so; empty where there is none."""


@dataclass(frozen=True)
class Changes:
    """All of a period since an earlier one."""

    study: str
    period: str
    since: str
    found: list[Change]
    n_looked_at: int
    """Scorecards of the period."""
    n_asked_for: int
    """Scorecards that the study has there, made or not."""
    only_region: str | None = None
    only_unit: str | None = None
    """What was looked at alone, where not all was."""

    @property
    def is_alarming(self) -> bool:
        """Whether anything got worse, cannot be shown any more, is gone, or has not been made."""
        return any(one.kind in ("worse", "hidden", "gone", "missing") for one in self.found)

    def as_json(self) -> str:
        """For other programs."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def find_changes(
    project: Project, study: Study, period: str | None = None, since: str | None = None,
    region: str | None = None, unit: str | None = None,
) -> Changes:  # fmt: skip
    """Compare a period's scorecards with those of an earlier period.

    Parameters
    ----------
    period
        The latest that has been made, if none is named.
    since
        The last period before it of which anything is released, if none is named.
    region, unit
        Only these; `_all` is the whole.

    Raises
    ------
    ReleaseError
        No scorecard of the period has been made there, no earlier period is released, or nobody answered in it.
    UnknownNameError
        No such period, region or unit.
    """
    for named in filter(None, (period, since)):
        study.periods.period(named)
    if region not in (None, ALL):
        study.region(region)
    here = [place for place in places_of(study) if region in (None, place[0])]
    asked = [place for place in here if unit in (None, place[1])]
    if not asked:
        where = f"{study.name}: {region}" if region else study.name
        raise UnknownNameError(f"{where}: {did_you_mean('unit', unit, sorted({one for _, one in here}))}")
    made = _periods(project.outputs, study)
    if period is None and made:
        period = made[-1]
    if period is None or period not in made:
        raise ReleaseError(f"{study.name}: no scorecard of {period or 'any period'} has been made. Run make reports.")
    root = released_root(project)
    before = [one for one in _periods(root, study) if _is_before(study, one, period)]
    if since is None and not before:
        raise ReleaseError(
            f"{study.name}: no period before {period} is released. Release one, or name one to compare with: --since."
        )
    earlier = since or before[-1]
    if not _is_before(study, earlier, period):
        raise ReleaseError(f"{study.name}: --since {earlier} is not before {period}. Name an earlier period.")
    places = {"region": region, "unit": unit}
    now = _records(project.outputs, study.name, period, places)
    if not now:
        only = "".join(f" --{option} {value}" for option, value in places.items() if value)
        raise ReleaseError(
            f"{study.name}: no scorecard of {period} has been made for{only}. Make them: cxinsights run --study "
            f"{study.name} --period {period}{only}"
        )
    then = _records(root, study.name, earlier, places) or _records(project.outputs, study.name, earlier, places)
    answered = study.periods.order(sorted({one for record in now.values() for one in record.answered}))
    if not then and earlier not in answered:
        known = joined([one for one in answered if _is_before(study, one, period)], most=len(answered))
        raise ReleaseError(f"{study.name}: --since {earlier}: no answers of it are known. Earlier ones are of {known}.")
    found = [change for place in sorted(now) for change in _of_place(study, now[place], then.get(place), earlier)]
    found += [_gone(study, place, earlier) for place in sorted(then.keys() - now.keys())]
    missing = [place for place in asked if place not in now and place not in then]
    if missing:
        label = study.periods.period(period).label
        found.append(_of_places("missing", study, missing, len(asked), f"no scorecard of {label} has been made"))
    found += [*_definitions(now, then), *_targets(study, now, then)]
    order = list(KINDS)
    matters = study.scores.margins.model_dump()
    found.sort(key=lambda one: (order.index(one.kind), -abs(one.change or 0) / matters.get(one.metric, 1)))
    return Changes(study.name, period, earlier, found, len(now), len(now.keys() | {*asked}), region, unit)


@dataclass(frozen=True)
class _Record:
    report: ReportId
    result: dict[str, Any]
    made_from: dict[str, str]

    @property
    def scores(self) -> dict[str, dict[str, Any]]:
        """The leading form of each measure that was asked."""
        found: dict[str, dict[str, Any]] = {}
        for one in self.result["scores"]:
            if one["metric"] in HEADLINE_METRICS and one["question"] == "asked":
                known = found.get(one["metric"])
                if known is None or one["weighted"] >= known["weighted"]:
                    found[one["metric"]] = one
        return found

    @property
    def answered(self) -> set[str]:
        """Periods in which anybody answered here."""
        found = self.result["tables"].get("trend", {"columns": [], "rows": []})
        rows = (dict(zip(found["columns"], values, strict=True)) for values in found["rows"])
        return {row["period"] for row in rows if row["n"]}

    def before(self, metric: str, earlier: str) -> dict[str, Any] | None:
        """The score of a measure in an earlier period, as this record has it; None where it was not asked then."""
        row = self._row("trend", metric=metric, period=earlier, question="asked")
        return None if row is None or not row["n"] else {**row, "value": row["score"]}

    def change(self, metric: str, earlier: str) -> dict[str, Any] | None:
        """The tested change of a measure since an earlier period; None where there is none, or it is not shown."""
        row = self._row("changes", metric=metric, compare_period=earlier)
        return row if row is not None and isinstance(row["change"], float | int) else None

    def fell_with(self, study: Study, metric: str, earlier: str) -> str:
        """The unit's ratings that clearly fell since a score's earlier period; empty where none did or is shown."""
        table, change = self.result["tables"].get("ratings"), self.change(metric, earlier)
        if table is None or change is None or self.report.unit == ALL:
            return ""
        moved = pd.DataFrame(table["rows"], columns=table["columns"])
        shown = moved["difference"].map(lambda value: isinstance(value, float | int)).astype(bool)
        return plain_text(fallen_ratings(moved[shown & (moved["against"] == change["comparison"])], study))

    def _row(self, table: str, **wanted: str) -> dict[str, Any] | None:
        """The row of the report's own node and survey that holds these."""
        found = self.result["tables"].get(table, {"columns": [], "rows": []})
        survey = next((one["survey"] for one in self.result["scores"]), None)
        wanted |= {"region": self.report.region, "unit": self.report.unit, "site": ALL, "survey": survey}
        rows = (dict(zip(found["columns"], values, strict=True)) for values in found["rows"])
        return next((row for row in rows if wanted.items() <= row.items()), None)


def _periods(root: Path, study: Study) -> list[str]:
    """Periods that have a scorecard there, from earliest to latest."""
    known = {path.parts[-5] for path in (root / study.name).glob("*/*/*/scorecard/result.json")}
    return study.periods.order(sorted(known)) if known else []


def _records(root: Path, study: str, period: str, places: dict[str, str | None]) -> dict[tuple[str, str], _Record]:
    found = {}
    for path in (root / study / period).glob("*/*/scorecard/result.json"):
        report = ReportId.from_folder(path.parent, root)
        if report is not None and all(value in (None, getattr(report, name)) for name, value in places.items()):
            result, run = (json.loads(file.read_text(encoding="utf-8")) for file in (path, path.with_name("run.json")))
            found[report.region, report.unit] = _Record(report, result, run.get("fingerprint", {}))
    return found


def _is_before(study: Study, one: str, other: str) -> bool:
    return study.periods.order([one, other])[0] == one != other


def _of_place(study: Study, now: _Record, then: _Record | None, earlier: str) -> list[Change]:
    """What a scorecard says of its own scores since the earlier period, and what was said otherwise of it then."""
    report, name = now.report, _name(study, now.report.region, now.report.unit)
    at = {"region": report.region, "unit": report.unit, "path": report.path}
    scores, said = now.scores, {} if then is None else then.scores
    was = {metric: now.before(metric, earlier) or said.get(metric) for metric in HEADLINE_METRICS}
    if not any(was.values()):
        return [Change("new", text=f"{name}: {now.result['headline']}", **at)]
    if now.result["status"] != "ok":
        return [Change("hidden", text=f"{name}: {now.result['headline']}", **at)]
    found = []
    for metric in HEADLINE_METRICS:
        label, told = value_label("metric", metric), {"metric": metric, **at}
        old, new = _written(was[metric]), _written(scores.get(metric))
        if metric not in scores:
            if old:
                found.append(Change("definition", text=f"{name}: {label} was not asked; it was {old}", **told))
        elif old and not new:
            found.append(Change("hidden", text=f"{name}: {label} is not shown any more; it was {old}", **told))
        elif new and was[metric] and not old:
            found.append(Change("shown", text=f"{name}: {label} is shown again: {new}", **told))
        if old and new:
            found += _moved(name, scores[metric], now.change(metric, earlier), told)
    first = next((one for one in found if one.kind == "worse"), None)
    fell = first and now.fell_with(study, first.metric, earlier)
    more = f". Ratings that fell meanwhile: {fell}" if fell else ""
    return [replace(one, text=one.text + more) if one is first else one for one in found]


def _moved(name: str, score: dict[str, Any], moved: dict[str, Any] | None, told: dict[str, str]) -> list[Change]:
    state = "" if moved is None else moved["state"] or ""
    if moved is None or not state.endswith(("worse", "better")):
        return []
    metric = score["metric"]
    value, limits = metric_change(metric, moved["change"], moved["ci_low"], moved["ci_high"], state)
    slightly = ", slightly" if state.startswith("slightly") else ""
    kind = "worse" if state.endswith("worse") else "better"
    text = f"{name}: {value_label('metric', metric)} {_written(score)}, {value} ({limits}){slightly}"
    return [
        Change(
            kind,
            text=plain_text(f"{text}, from {count(score['n'])}"),
            state=state,
            score=score["value"],
            score_low=score["ci_low"],
            score_high=score["ci_high"],
            n=score["n"],
            **{key: moved[key] for key in ("change", "ci_low", "ci_high")},
            **told,
        )
    ]


def _gone(study: Study, place: tuple[str, str], earlier: str) -> Change:
    label = study.periods.period(earlier).label
    return Change("gone", *place, text=f"{_name(study, *place)}: no scorecard; there was one of {label}")


def _definitions(now: dict[tuple[str, str], _Record], then: dict[tuple[str, str], _Record]) -> list[Change]:
    """What the reports of both periods are made from, but for data, that is not the same."""
    differ = {
        part
        for place in now.keys() & then.keys()
        for part in _DEFINITIONS
        if now[place].made_from.get(part) != then[place].made_from.get(part)
    }
    if not differ:
        return []
    parts = joined([words for part, words in _DEFINITIONS.items() if part in differ])
    return [Change("definition", ALL, ALL, f"{parts[:1].upper()}{parts[1:]} changed between the two")]


def _targets(study: Study, now: dict[tuple[str, str], _Record], then: dict[tuple[str, str], _Record]) -> list[Change]:
    """Targets that are others than they were, each told once for all places that share it."""
    places: dict[tuple[str, float | None, float | None], list[tuple[str, str]]] = {}
    for place in sorted(now.keys() & then.keys()):
        scores, said = now[place].scores, then[place].scores
        for metric in scores.keys() & said.keys():
            before, after = said[metric]["target"], scores[metric]["target"]
            if before != after:
                places.setdefault((metric, before, after), []).append(place)
    return [
        _of_places("target", study, which, len(now), _target_text(*of))
        for of, which in sorted(places.items(), key=lambda one: (HEADLINE_METRICS.index(one[0][0]), -len(one[1])))
    ]


def _target_text(metric: str, before: float | None, after: float | None) -> str:
    label = value_label("metric", metric)
    if before is None:
        return f"{label} now has a target, {metric_score(metric, after)}"
    if after is None:
        return f"{label} has no target any more; it was {metric_score(metric, before)}"
    return f"the target of {label} was {metric_score(metric, before)} and is {metric_score(metric, after)}"


def _of_places(kind: str, study: Study, places: list[tuple[str, str]], of: int, said: str) -> Change:
    """What holds of several places, in one sentence."""
    if len(places) == 1:
        return Change(kind, *places[0], text=f"{_name(study, *places[0])}: {said}")
    names = "; ".join(_name(study, *place) for place in places)
    who = names if len(places) <= _MOST_NAMED else f"{len(places)} of {of} places"
    return Change(kind, ALL, ALL, text=f"{who}: {said}")


def _name(study: Study, region: str, unit: str) -> str:
    if unit == ALL:
        return study.label_of(region, ALL)
    own = (
        study.regions[region].units[unit].label
        if region in study.regions and unit in study.regions[region].units
        else unit
    )
    return own if len(study.regions) == 1 else f"{own}, {study.label_of(region, ALL)}"


def _written(score: dict[str, Any] | None) -> str:
    """A score as pages write it; empty where it is not shown."""
    if score is None or not all(isinstance(score[name], float | int) for name in ("value", "ci_low", "ci_high")):
        return ""
    return plain_text(metric_with_interval(score["metric"], score["value"], score["ci_low"], score["ci_high"]))

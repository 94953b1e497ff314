"""Names and findings that the funnel report's parts share."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from cxinsights.display.numbers import SPACE, count, decimals_for, number, percent, with_interval
from cxinsights.display.subject import Subject
from cxinsights.display.words import as_subject, in_sentence
from cxinsights.params import FunnelParams
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.schemas.columns import value_label

__all__ = [
    "Standout", "base_of", "days_of", "duration", "group_name", "half_of", "half_time", "is_clear",
    "is_fitted", "rounded_alike", "shown", "stage_name", "standout_of", "step_in_sentence",
    "steps_with_conversion", "window_text",
]  # fmt: skip

_CLEAR = 0.05
_UNITS = (("day", 1.0), ("hour", 24.0), ("minute", 1440.0))


@dataclass(frozen=True)
class Standout:
    """Which step a report names: the one that fewer reach here than elsewhere, else the one that loses most."""

    kind: Literal["below_rest", "loses_most", "tied", "none"]
    steps: tuple[str, ...] = ()
    """The step named; with `tied`, all that cannot be told apart from the one with the lowest rate."""


def is_fitted(result: Guarded) -> bool:
    """Whether there is a funnel to show."""
    return result.status == "ok"


def shown(frame: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Rows in which a figure is shown, as numbers again; bases always are."""
    if frame.empty:
        return frame
    return frame[is_shown(frame[figure])].infer_objects()


def stage_name(result: Guarded, stage: str) -> str:
    """What pages call a stage; a raw name without a label is written as words."""
    name = value_label("stage", stage, result.study)
    return as_subject(stage.replace("_", " ")) if name == stage else name


def step_in_sentence(result: Guarded, stage: str) -> str:
    """A stage inside a sentence."""
    return in_sentence(stage_name(result, stage))


def group_name(result: Guarded, segment: str, group: str) -> str:
    """What pages call a group at entry."""
    name = value_label(segment, group, result.study)
    return "All others" if name == "other" else name


def steps_with_conversion(result: Guarded) -> pd.DataFrame:
    """The steps, the last one's share of entrants shown even where few reached the step before: that is conversion."""
    steps, one = result.steps.copy(), result.summary.iloc[0]
    last = steps.index[-1]
    if isinstance(steps.loc[last, "of_entrants"], Suppressed) and not result.from_curve:
        given = {"n_reached": one.n_converted, "of_entrants": one.conversion, "entrants_low": one.ci_low,
                 "entrants_high": one.ci_high}  # fmt: skip
        steps.loc[last, list(given)] = list(given.values())
    return steps


def standout_of(result: Guarded) -> Standout:
    """The step to name, only where a test says so."""
    rests = shown(result.rests, "score")
    if len(rests):
        below = rests[(rests["rate"] == "of_previous") & is_clear(rests) & (rests["difference"] < 0)]
        if len(below):
            return Standout("below_rest", (below.loc[below["difference"].idxmin(), "step"],))
    rates = shown(result.steps, "of_entrants").dropna(subset="of_previous")
    if result.from_curve or len(rates) < 2 or rates["of_previous"].min() == 1:
        return Standout("none")  # without a time limit nobody is lost; a single step has none to be compared with
    lowest = rates["of_previous"].idxmin()
    tied = rates[~rates["told_apart"].astype(bool)]
    if len(tied) == 1:
        return Standout("loses_most", (rates.loc[lowest, "step"],))
    return Standout("tied", tuple(tied["step"]))


def half_time(result: Guarded) -> str:
    """Time from first step to last within which half do it (`half_of` says of whom); blank where it is not shown."""
    of_all = shown(result.summary, "median_days")
    if half_of(result) == "all":
        return "".join(duration(one.median_days, one.median_low, one.median_high) for one in of_all.itertuples())
    times, steps = shown(result.times, "days"), result.params.steps
    if times.empty:
        return ""
    whole = times[(times["from_step"] == steps[0]) & (times["step"] == steps[-1]) & (times["quantile"] == 50)]
    return "".join(duration(one.days, one.days_low, one.days_high) for one in whole.itertuples())


def half_of(result: Guarded) -> Literal["all", "converters"]:
    """All entrants where half of them convert, open ones counted for as long as seen; else those who convert."""
    return "all" if shown(result.summary, "median_days")["median_days"].notna().any() else "converters"


def is_clear(tests: pd.DataFrame) -> pd.Series:
    """Which differences the adjusted test calls clear."""
    return tests["p_adjusted"].astype(float) < _CLEAR


def window_text(params: FunnelParams) -> str:
    """The window inside a sentence: within 30 days."""
    unit, size = next((u, s) for u, s in _UNITS if params.window_days * s >= 1 or u == "minute")
    size = params.window_days * size
    return f"within{SPACE}{size:g}{SPACE}{unit}{'' if size == 1 else 's'}"


def days_of(value: float) -> str:
    """A number of days on an axis or in a title: 8, 0.5."""
    return number(value, 0 if value >= 10 or value == int(value) else 1)


def duration(days: float, low: float, high: float) -> str:
    """A time with its interval in the unit that suits it: 8.3 days (5.5 to 10.0), 18 hours (15 to 22)."""
    unit, size = next((u, s) for u, s in _UNITS if days * s >= 1 or u == "minute")
    value = days * size
    if pd.isna(low) or pd.isna(high):
        return f"{number(value, 0 if value >= 10 else 1)}{SPACE}{unit}s"
    low, high = low * size, high * size
    decimals = min(decimals_for((high - low) / 2), 1)
    figure, _, limits = with_interval(value, low, high, decimals).partition(f"{SPACE}(")
    return f"{figure}{SPACE}{unit}s{SPACE}({limits}"


def base_of(result: Guarded) -> str:
    """Entrants, period and subject, as captions say it."""
    subject = Subject.of(result.params, result.study, "Journey funnel")
    one = result.summary.iloc[0]
    who = "entrant" if result.from_curve else "mature entrant"
    return f"{count(one.n, who)}, {subject.period}, {subject.full_name}."


def rounded_alike(one: float, other: float) -> bool:
    """Whether two shares read the same on a page."""
    return percent(one) == percent(other)

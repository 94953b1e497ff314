"""How scores ran: the small drawing under each name, and what the limits of usual variation say."""

import pandas as pd

from cxinsights.analysis.control import FEWEST_PERIODS
from cxinsights.display.numbers import metric_interval, metric_score
from cxinsights.display.scorecard.card import METRIC_NAMES, Card
from cxinsights.display.sparklines import Sparkline
from cxinsights.display.words import spelled

__all__ = ["course_of", "has_limits", "how_of_courses", "how_of_limits"]


def course_of(card: Card, part: pd.DataFrame, name: str) -> Sparkline | None:
    """The course of a part's leading score; None where there are not three periods to draw."""
    metric = card.metrics[0]
    if metric not in part.index:
        return None
    rows = card.course(part.loc[metric])
    if len(rows) < 3 or rows["period"].iloc[-1] != card.params.period:
        return None
    places = {period: at for at, period in enumerate(card.periods)}
    score, low, high = (rows[column].astype(float).tolist() for column in ("score", "ci_low", "ci_high"))
    limits = (
        None if not has_limits(rows) else (float(rows["control_low"].iloc[-1]), float(rows["control_high"].iloc[-1]))
    )
    first, last, fewest, most = (metric_score(metric, value) for value in (score[0], score[-1], min(score), max(score)))
    note = _signal(rows)
    text = f"{METRIC_NAMES[metric]} of {name} over {spelled(len(rows))} periods"
    text += f": {first} to {last}, between {fewest} and {most}."
    return Sparkline(
        key=metric,
        text=f"{text} {note}." if note else text,
        places=[places[period] for period in rows["period"]],
        values=score,
        lows=low,
        highs=high,
        limits=limits,
        signals=(rows["signal"] != "").tolist(),
        note=note,
    )


def has_limits(rows: pd.DataFrame) -> bool:
    """Whether a course has limits of its usual variation."""
    return bool(len(rows)) and bool(rows["control_low"].notna().all())


def _signal(rows: pd.DataFrame) -> str:
    """What the limits say of the latest point; empty where it lies within them."""
    return {
        "low": "Latest below its limits",
        "high": "Latest above its limits",
        "run_low": "Seven in a row below its usual",
        "run_high": "Seven in a row above its usual",
    }.get(rows["signal"].iloc[-1], "")


def how_of_limits(metric: str, rows: pd.DataFrame) -> str:
    """What the limits of a course are and what they say of the latest point, or why there are none."""
    last = rows.iloc[-1]
    before = int(last["n_periods"])
    if not has_limits(rows):
        need = f"Limits of its usual variation need {spelled(FEWEST_PERIODS)} earlier periods; there"
        return f"{need} {'is' if before == 1 else 'are'} {spelled(before)}." if before < FEWEST_PERIODS else ""
    name, usual = METRIC_NAMES[metric], metric_score(metric, last["usual"])
    said = {
        "low": "The latest lies below them",
        "high": "The latest lies above them",
        "run_low": f"The latest is the seventh or later in a row below the usual {usual}",
        "run_high": f"The latest is the seventh or later in a row above the usual {usual}",
    }.get(last["signal"], "The latest lies within them")
    others = int((rows["signal"].iloc[:-1] != "").sum())
    also = f"; a diamond marks {spelled(others)} earlier" if others else ""
    limits = metric_interval(metric, last["control_low"], last["control_high"])
    return (
        f"The dotted lines are limits within which {name} usually lies, {limits}, by how far apart the "
        f"{spelled(before)} periods before lie. {said}{also}."
    )


def how_of_courses(card: Card) -> str:
    """How the small drawings are read, and which of them have limits."""
    courses = [card.course(part.loc[card.metrics[0]]) for _, part in card.parts if card.metrics[0] in part.index]
    drawn = [rows for rows in courses if len(rows) >= 3]
    told = f"{METRIC_NAMES[card.metrics[0]]} in every period with its 95% band, each on a scale of its own"
    lacking = [rows for rows in drawn if rows["n_periods"].iloc[-1] < FEWEST_PERIODS]
    if len(lacking) < len(drawn):
        told += (
            "; dotted, the limits within which it usually lies, by how far apart its earlier periods lie; a diamond "
            "marks what lies outside, and the seventh in a row on one side of the usual"
        )
    if not lacking:
        return f"{told}."
    most = max(int(rows["n_periods"].iloc[-1]) for rows in lacking)
    where = "" if len(lacking) == len(drawn) else ", which some lack"
    need = f"Limits of usual variation need {spelled(FEWEST_PERIODS)} earlier periods{where}"
    return f"{told}. {need}." if where else f"{told}. {need}; there {'is' if most == 1 else 'are'} {spelled(most)}."

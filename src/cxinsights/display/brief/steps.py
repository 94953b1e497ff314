"""What to do next: steps with their reasons, how sure these are, and what would show that a step worked."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cxinsights.display.blocks import Block, Nothing
from cxinsights.display.brief.actions import day_text
from cxinsights.display.numbers import metric_with_interval, number, percent, share_text, told_decimals, with_interval
from cxinsights.display.scorecard.card import METRIC_NAMES
from cxinsights.display.words import in_sentence
from cxinsights.params import DriversParams, resolve
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import column, label, value_label

__all__ = ["Step", "Steps", "list_steps"]

EVIDENCE = {"clear_pattern": "Clear pattern", "some_pattern": "Some pattern", "to_be_tested": "To be tested"}

_ORDER = {
    True: (
        "In the order of what goes with it",
        "Ranked by how closely a rating goes with the score, times how far it is to "
        "go, among all customers of the unit. The gains overlap and do not add up; where their intervals overlap, the "
        "order is open.",
    ),
    False: (
        "The lowest first",
        "Too few answers here to say what goes with the score: ranked by how far a rating lies below the rest.",
    ),
}
_NO_PROOF = "Patterns in answers are no proof of cause: each step ends in a check."


@dataclass(frozen=True)
class Step:
    """One thing to do."""

    title: str
    text: str
    facts: Sequence[tuple[str, str]]
    """Evidence, who is on it, and what would show that it worked."""


@dataclass(frozen=True)
class Steps(Block):
    """Things to do, the first first."""

    _macro = "steps"
    title: str
    subtitle: str
    entries: Sequence[Step]
    note: str
    key: str = "steps"
    folded: bool = False

    def as_markdown(self) -> str:
        """A numbered list."""
        lines = [
            f"{at}. **{step.title}** {step.text} {'; '.join(f'{name}: {value}' for name, value in step.facts)}"
            for at, step in enumerate(self.entries, 1)
        ]
        return "\n".join([f"### {self.title}", "", *lines, "", self.note])


def list_steps(result: Guarded) -> Block:
    """Ratings to work on and steps of the journey to look into; nothing where the unit has no score."""
    if result.status != "ok":
        return Nothing()
    rows = result.steps[is_shown(result.steps["score"])] if len(result.steps) else result.steps
    if not len(rows):
        return Steps("Nothing to single out", "", [], "No rating is clearly under the rest's and goes with the score.")
    asked = resolve(result.study, "drivers", result.params.period, result.params.region, result.params.unit)
    entries = [_step(result, asked, row) for _, row in rows.iterrows()]
    order, note = _ORDER[result.ranked]
    return Steps("What to do next", order, entries, f"{note} {_NO_PROOF}")


def _step(result: Guarded, asked: DriversParams, row: pd.Series) -> Step:
    name, evidence = row["name"], EVIDENCE[row["evidence"]]
    if row["found"] == "step":
        stage = in_sentence(value_label("stage", name, result.study))
        here, there = share_text(row["score"], row["ci_low"], row["ci_high"]), percent(row["score_compare"])
        text = f"{here} of customers go on to it; in the rest of the company {there} do. Why is not in these data."
        facts = [("Evidence", evidence), ("Owner", "nobody yet"), ("Check", "the share that goes on, next time")]
        return Step(f"Find out why customers stop before {stage}", text, facts)
    rating = label(name, result.study)
    score = metric_with_interval("ces", row["score"], row["ci_low"], row["ci_high"])
    text = f"Rated {score} here"
    if pd.notna(row["score_compare"]):
        text += f"; the rest of the company has {number(row['score_compare'], 1)}"
    if pd.notna(row["change"]):
        text += f". Reaching {_level(result, row)} goes with {_outcome(asked, result, row)}"
    check = f"the rating next time; a rise of {number(row['detectable'], 1)} would stand out from chance"
    facts = [("Evidence", evidence), ("Owner", _owner(result, name)), ("Check", check)]
    return Step(f"Work on {in_sentence(rating)}", f"{text}.", facts)


def _level(result: Guarded, row: pd.Series) -> str:
    """How far there is to go, as the driver report has it."""
    level = number(row["reach"], 1)
    ends = row["reach"] == column(row["name"], result.study).max
    return f"the end of the scale, {level}," if ends else f"the best unit’s {level}"


def _outcome(asked: DriversParams, result: Guarded, row: pd.Series) -> str:
    """What goes with reaching it, in the outcome's own words."""
    limits = (row["change"], row["change_low"], row["change_high"])
    if asked.model == "top_box":
        return f"{with_interval(*(100 * value for value in limits), 0)} more in 100 in the top box"
    if asked.model == "ordered":
        return f"{with_interval(*limits, 2)} levels more of the outcome"
    if asked.outcome == "nps":
        return f"{METRIC_NAMES['nps']} {with_interval(*limits, told_decimals(limits, 0))} points higher"
    return f"{with_interval(*limits, 2)} points more of {in_sentence(label(asked.outcome, result.study))}"


def _owner(result: Guarded, driver: str) -> str:
    """Who has an open action on a rating."""
    rows = result.actions
    if len(rows):
        rows = rows[(rows["driver"] == driver) & (rows["standing"] == "open")]
    if not len(rows):
        return "nobody yet"
    first = rows.iloc[0]
    return f"{first['owner']}, due {day_text(first['due'])}" if first["due"] else str(first["owner"])

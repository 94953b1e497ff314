"""The unit's actions from the register, and whether its score has moved otherwise than elsewhere since each began."""

from datetime import date

import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.numbers import metric_change
from cxinsights.display.scorecard.card import METRIC_NAMES
from cxinsights.display.words import as_day, as_subject, spelled
from cxinsights.params import Study
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.schemas.columns import label

__all__ = ["day_text", "table_actions"]


def table_actions(result: Guarded) -> Block:
    """Actions of the unit, open ones first; nothing where the register has none."""
    rows = result.actions
    if result.status != "ok" or not len(rows):
        return Nothing()
    late, n_open = int(rows["late"].sum()), int((rows["standing"] == "open").sum())
    n_done = len(rows) - n_open
    title = f"{as_subject(spelled(n_open))} open action{'' if n_open == 1 else 's'}"
    title += f", {spelled(n_done)} done" if n_done else ""
    if late:
        title += f"; {spelled(late)} past {'its' if late == 1 else 'their'} day"
    return Table(
        "actions",
        title,
        [Column(name, numeric=False) for name in ("Action", "Owner", "Due", "How it stands")],
        [_row(result, row) for _, row in rows.iterrows()],
        subtitle="From the study's register of actions",
        note="Did it work: the unit's change since the last period before the action began, less the mean change of "
        "units that did not act. The interval holds that units change by more than chance without any action. "
        "Whatever else this unit alone went through is in it too. Called by a test adjusted among all the study's "
        "actions on the same score.",
        folded=False,
    )


def day_text(day: str) -> str:
    """A day of the register in words; a dash where none is given."""
    return as_day(date.fromisoformat(day)) if day else "–"


def _row(result: Guarded, row: pd.Series) -> list[str]:
    about = f" ({label(row['driver'], result.study)})" if row["driver"] else ""
    return [f"{row['action']}{about}", row["owner"], day_text(row["due"]), _stands(row, result.study)]


def _stands(row: pd.Series, study: Study) -> str:
    """Whether it is at work, and whether it has shown."""
    begun = f"Begun {day_text(row['begun'])}" if row["begun"] else "Not begun"
    told = [f"{begun}, {'done' if row['standing'] == 'done' else 'past its day' if row['late'] else 'open'}"]
    if row["note"]:
        told.append(row["note"].rstrip("."))
    if row["begun"]:
        told.append(_worked(row, study))
    return f"{'. '.join(told)}."


def _worked(row: pd.Series, study: Study) -> str:
    """The difference in differences, in words."""
    if row["untested"]:
        return f"We cannot tell if it worked: {row['untested']}"
    if isinstance(row["difference"], Suppressed):
        return as_subject(str(row["difference"]))
    metric = row["metric"]
    own = metric_change(metric, row["change"], 0, 0)[0]
    others = metric_change(metric, row["change_compare"], 0, 0)[0]
    is_better = (row["difference"] > 0) == study.scores.is_better_high(metric)
    state = ("better" if is_better else "worse") if row["p_adjusted"] < 1 - CONFIDENCE else None
    value, limits = metric_change(metric, row["difference"], row["diff_low"], row["diff_high"], state)
    verdict = {"better": "Did better than others", "worse": "Did worse than others"}.get(state, "Cannot tell")
    return (
        f"{verdict}: {METRIC_NAMES[metric]} {own} here, {others} in {int(row['n_units'])} other units; difference "
        f"{value} ({limits})"
    )

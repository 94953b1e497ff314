"""The funnel report's tables of what happened on the way: moves, other events, feelings, credit."""

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.funnel.names import group_name, is_fitted, stage_name, step_in_sentence, window_text
from cxinsights.display.funnel.tables import verdict
from cxinsights.display.numbers import (
    DASH,
    metric_with_interval,
    number,
    p_text,
    share_text,
    with_interval,
)
from cxinsights.display.words import in_sentence
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.schemas.columns import label

__all__ = ["table_credit", "table_feelings", "table_flows", "table_moves", "table_why"]

_SCORES = {"nps": "NPS", "csat_mean": "Satisfaction, mean", "ces": "Ease, mean"}


def table_flows(result: Guarded) -> Block:
    """What followed each step."""
    if not is_fitted(result) or not len(result.flows):
        return Nothing()
    stopped = "no further step yet" if result.from_curve else "stopped"
    rows = []
    for one in result.flows.itertuples():
        if not isinstance(one.n_moved, Suppressed) and not one.n_moved:
            continue
        what = {
            "goes_on": f"went on to {step_in_sentence(result, one.next_stage)}" if one.next_stage else "",
            "instead": f"{stopped}; next came {step_in_sentence(result, one.next_stage)}" if one.next_stage else "",
            "nothing": f"{stopped}; nothing more came",
        }[one.kind]
        rows.append([stage_name(result, one.step), what, *_move_cells(one)])
    return Table(
        "next",
        "What came after each step",
        [Column("Step", numeric=False), Column("Then", numeric=False), Column("Customers"), Column("Of those there")],
        rows,
        note="What came next is the first event after the last step reached."
        + ("" if result.from_curve else " Stopped means that the next step was not reached in time."),
    )


def table_moves(result: Guarded) -> Block:
    """Moves from one event straight to the next, ways back marked."""
    if not is_fitted(result) or not len(result.transitions):
        return Nothing()
    rows = [
        [
            stage_name(result, one.stage),
            stage_name(result, one.next_stage),
            *_move_cells(one),
            "" if isinstance(one.loops, Suppressed) or not one.loops else "back",
        ]
        for one in result.transitions.itertuples()
    ]
    return Table(
        "moves",
        "From one event to the next",
        [
            *(Column(name, numeric=False) for name in ("From", "Straight to")),
            *(Column(name) for name in ("Customers", "Of those with the first")),
            Column("Way back", numeric=False),
        ],
        rows,
        note="Each customer counts once per move, however often it was made. Back: to the same event, or to an earlier "
        "step. Moves made by under 1% are left out.",
    )


def table_why(result: Guarded) -> Block:
    """Conversion of those who had another event on the way and of those who had not."""
    if not is_fitted(result) or not len(result.why):
        return Nothing()
    rows = []
    for one in result.why.itertuples():
        cells = [str(one.score)] * 5 if isinstance(one.score, Suppressed) else [
            f"{share_text(one.score, one.ci_low, one.ci_high)} of {number(one.n)}",
            f"{share_text(one.score_compare, one.compare_low, one.compare_high)} of {number(one.n_compare)}",
            with_interval(100 * one.difference, 100 * one.diff_low, 100 * one.diff_high, with_sign=True),
            p_text(one.p_adjusted),
            verdict(one.difference, one.p_adjusted),
        ]  # fmt: skip
        rows.append([stage_name(result, one.stage), *cells])
    names = ["Conversion of those who had it", "Of those who had not", "Difference, points", "p adjusted", "Verdict"]
    return Table(
        "why",
        "What goes with conversion",
        [Column("Event", numeric=False), *(Column(name) for name in names)],
        rows,
        note=f"Events {window_text(result.params)} of the first step, for both sides, whether or not they had "
        "converted by then. What goes with conversion need not bring it about: those on their way meet more of "
        "everything.",
    )


def table_feelings(result: Guarded) -> Block:
    """Scores after each step, and how those who stopped there differ from those who went on."""
    if not is_fitted(result) or not len(result.feelings):
        return Nothing()
    rows = [
        [_SCORES[one.metric], stage_name(result, one.step), *_feeling_cells(one)]
        for one in result.feelings.itertuples()
    ]
    names = ["Answers", "Score", "Stopped there less went on", "p adjusted", "Verdict"]
    return Table(
        "feelings",
        "How customers feel after each step",
        [
            *(Column(name, numeric=False) for name in ("Score of", "Last step before")),
            *(Column(name) for name in names),
        ],
        rows,
        note="Answers given after entry, by the last step reached before them. The difference takes answers given in "
        f"the journey’s time only, and needs {result.params.min_base} on each side.",
    )


def table_credit(result: Guarded) -> Block:
    """Conversions shared among touch-points, two ways side by side."""
    if not is_fitted(result) or not len(result.credit):
        return Nothing()
    column = result.params.touchpoint
    rows = []
    for one in result.credit.itertuples():
        cells = [str(one.first_share)] * 4 if isinstance(one.first_share, Suppressed) else [
            number(one.n),
            share_text(one.first_share, one.first_low, one.first_high),
            share_text(one.credit_share, one.credit_low, one.credit_high),
            share_text(one.removal_effect, one.removal_low, one.removal_high),
        ]  # fmt: skip
        rows.append([group_name(result, column, one.touchpoint), *cells])
    names = ["Customers who met it", "Credit by first touch", "Credit by removal effect", "Removal effect"]
    return Table(
        "credit",
        f"Credit by {in_sentence(label(column, result.study))}",
        [Column(label(column, result.study), numeric=False), *(Column(name) for name in names)],
        rows,
        note="First touch credits where a path began. The removal effect is the share of conversions that a chain of "
        "order 1 loses without the touch-point; credit shares conversions in proportion. Neither says what it brings "
        "about.",
    )


def _move_cells(one) -> list[str]:
    if isinstance(one.n_moved, Suppressed):
        return [str(one.n_moved), DASH]
    return [number(one.n_moved), share_text(one.move_share, one.move_low, one.move_high)]


def _feeling_cells(one) -> list[str]:
    if isinstance(one.score, Suppressed):
        return [str(one.score), DASH, DASH, DASH, DASH]
    score = metric_with_interval(one.metric, one.score, one.ci_low, one.ci_high)
    if pd.isna(one.difference):
        return [number(one.n), score, DASH, DASH, "not tested"]
    decimals = 0 if one.metric == "nps" else 1
    difference = with_interval(one.difference, one.diff_low, one.diff_high, decimals, with_sign=True)
    return [number(one.n), score, difference, p_text(one.p_adjusted), verdict(one.difference, one.p_adjusted)]

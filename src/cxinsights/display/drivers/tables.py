"""The driver report's tables and its method note."""

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Prose, Table
from cxinsights.display.drivers.names import is_fitted, outcome_name
from cxinsights.display.numbers import (
    DASH,
    count,
    number,
    p_text,
    percent,
    share_text,
    with_interval,
)
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.params import DriversParams
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.schemas.columns import label

__all__ = ["method_drivers", "table_coefficients", "table_differences", "table_drivers"]


def table_drivers(result: Guarded) -> Block:
    """Every driver's numbers; without a regression of its own, the company's share and the own score."""
    if not is_fitted(result):
        return _table_of_scores(result)
    performance = result.priority.set_index("driver")
    rows = [
        [
            label(one.driver, result.study),
            share_text(one.share, one.share_low, one.share_high),
            f"{one.rank} ({one.rank_low} to {one.rank_high})",
            one.letters,
            percent(one.floor, 1),
            percent(one.johnson_share),
            _score_text(performance.loc[one.driver]),
            f"{one.n:,}",
            f"{one.n_missing:,}",
            f"{one.n_does_not_apply:,}",
        ]
        for one in result.importance.itertuples()
    ]
    names = ["Share (95% interval)", "Rank", "Not told apart", "Noise floor", "Relative weight", "Score today"]
    return Table(
        "numbers",
        "All numbers as a table",
        [Column("Driver", numeric=False), *(Column(name) for name in (*names, "Rated", "Blank", "Does not apply"))],
        rows,
        note="Relative weight: Johnson’s measure, as a second opinion. Rated, blank and does not apply are counted "
        "among those who answered the outcome.",
    )


def table_coefficients(result: Guarded) -> Block:
    """The model's coefficients, for analysts."""
    if not is_fitted(result):
        return Nothing()
    rows = [[label(one.driver, result.study), *_coefficient(one)] for one in result.coefficients.itertuples()]
    high = result.coefficients.loc[result.coefficients["vif"] >= 5, "driver"]
    warning = (
        f" {as_subject(joined([label(d, result.study) for d in high]))} overlap so much with the other drivers (VIF "
        "of 5 or more) that their coefficients are not stable."
        if len(high)
        else ""
    )
    names = ["Coefficient (95% interval)", "p", "Standardised", "VIF", "Sign and simple correlation"]
    return Table(
        "coefficients",
        "The model’s coefficients",
        [Column("Driver", numeric=False), *(Column(n) for n in names)],
        rows,
        subtitle=f"Difference in {outcome_name(result)} that goes with one point more, others equal",
        note=f"{_errors_note(result)}{warning}",
    )


def table_differences(result: Guarded) -> Block:
    """Pairs of drivers and whether they are told apart."""
    if not is_fitted(result) or not len(result.differences):
        return Nothing()
    rows = [
        [
            f"{label(one.driver_a, result.study)} over {in_sentence(label(one.driver_b, result.study))}",
            with_interval(100 * one.difference, 100 * one.diff_low, 100 * one.diff_high, 0, with_sign=True),
            "told apart" if one.told_apart else "not told apart",
        ]
        for one in result.differences.itertuples()
    ]
    return Table(
        "pairs",
        "Which drivers can be told apart",
        [Column("Pair", numeric=False), Column("Difference in share, points"), Column("Verdict")],
        rows,
        note="The verdict holds all pairs together at 95%, so a pair whose own interval leaves out zero can still be "
        "not told apart.",
    )


def method_drivers(result: Guarded) -> Prose:
    """Definition, bases, missing answers, intervals, and what the report does not show."""
    p: DriversParams = result.params
    rules = {
        "indicator": "A question that does not apply to a customer is not missing: the model holds an indicator "
        "of whether it applies beside the rating, and a driver’s share covers both. Rows with a blank answer to any "
        "driver are left out.",
        "listwise": "Only customers who rated every driver are in the model.",
        "pairwise": "Each correlation is of the customers who answered both questions.",
    }
    summary = result.summary.iloc[0] if len(result.summary) else None
    paragraphs = [
        f"Linear regression of {outcome_name(result)} on {spelled(len(p.drivers))} ratings. A driver’s share is its "
        "Shapley value (LMG): what it adds to the explained difference, averaged over all orders in which the drivers "
        "can enter. Shares say how closely things go together, not which way: the sign is in the coefficients.",
        rules[p.missing],
    ]
    if summary is not None:
        paragraphs.append(
            f"{count(summary.n_eligible)} to the outcome, {count(summary.n)} in the model, "
            f"{int(summary.n_missing):,} left out for blanks. A regression needs {int(summary.n_needed):,}."
        )
    if result.left_out:
        names = joined([label(name, result.study) for name in result.left_out])
        paragraphs.append(f"Not in the model, for lack of answers here: {names}.")
    paragraphs += [
        f"Intervals: {p.n_boot:,} bootstrap samples of customers (seed {p.seed}), percentiles. Groups: step-down max-t "
        "over all pairs of shares at 5%. Noise floor: the share that a random column stays under in 19 of 20 draws "
        f"({p.n_noise:,} draws). The floor says nothing of a driver that matters only together with others.",
        "Answers given by one person at one time tend to move together, so a share is an upper guide to what a change "
        "could do. This is a pattern in answers, not proof of cause.",
    ]
    return Prose("method", "Method and limits", paragraphs)


def _coefficient(one) -> list[str]:
    if pd.isna(one.coefficient):
        return ["none of its own", DASH, DASH, "unbounded", DASH]
    return [
        with_interval(one.coefficient, one.coef_low, one.coef_high, 2, with_sign=True),
        p_text(one.p_value),
        number(one.standardised, 2),
        number(one.vif, 1),
        "differs" if one.sign_differs else "agrees",
    ]


def _table_of_scores(result: Guarded) -> Block:
    if not len(result.priority):
        return Nothing()
    rows = [
        [
            label(one["driver"], result.study),
            _share_of_company(one),
            _score_text(one),
            f"{one['n']:,}",
        ]
        for _, one in result.priority.iterrows()
    ]
    names = ["Share in the company (95% interval)", "Score today (95% interval)", "Answers"]
    return Table(
        "numbers",
        "All numbers as a table",
        [Column("Driver", numeric=False), *(Column(name) for name in names)],
        rows,
        note="The share is the company’s, the score this unit’s own.",
    )


def _share_of_company(row: pd.Series) -> str:
    if "share" not in row:
        return DASH
    hidden = isinstance(row["share"], Suppressed)
    return str(row["share"]) if hidden else share_text(row["share"], row["share_low"], row["share_high"])


def _score_text(row: pd.Series) -> str:
    if isinstance(row["performance"], Suppressed):
        return str(row["performance"])
    return with_interval(row["performance"], row["perf_low"], row["perf_high"], 1)


def _errors_note(result: Guarded) -> str:
    one = result.summary.iloc[0]
    if one.n_clusters < one.n or result.params.missing == "pairwise":
        return "Intervals from bootstrap samples of customers."
    return "Errors are robust to unequal spread (HC3), t reference."

"""The driver report's tables and its method note."""

import pandas as pd

from cxinsights.analysis.driver_models import MOST_COMPARED
from cxinsights.analysis.importance_likelihood import MOST_DRIVERS
from cxinsights.analysis.penalty_reward import MIN_SIDE, cut_offs
from cxinsights.display.blocks import Block, Column, Nothing, Prose, Table
from cxinsights.display.drivers.names import (
    change_text,
    counted,
    drawn_as,
    ends_of,
    is_borrowed,
    is_fitted,
    is_linear,
    outcome_name,
)
from cxinsights.display.numbers import (
    DASH,
    number,
    p_text,
    percent,
    share_text,
    with_interval,
)
from cxinsights.display.words import as_subject, in_sentence, joined, spelled
from cxinsights.params import DriversParams
from cxinsights.privacy import Guarded, Suppressed, is_shown
from cxinsights.schemas.columns import label

__all__ = [
    "method_drivers", "table_coefficients", "table_differences", "table_dominance", "table_drivers", "table_penalties",
]  # fmt: skip


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
            _counted(one.n_missing),
            _counted(one.n_does_not_apply),
        ]
        for one in result.importance.itertuples()
    ]
    hidden = not is_shown(result.importance["n_missing"]).all()
    fewest = result.study.privacy.customer_min
    few = f"; where either of the last two is under {fewest}, neither is shown" if hidden else ""
    names = ["Share (95% interval)", "Rank", "Not told apart", "Noise floor", "Relative weight", "Score today"]
    return Table(
        "numbers",
        "All numbers as a table",
        [Column("Driver", numeric=False), *(Column(name) for name in (*names, "Rated", "Blank", "Does not apply"))],
        rows,
        note="Relative weight: Johnson’s measure, as a second opinion. Rated, blank and does not apply are counted "
        f"among those who answered the outcome{few}. Scores are of all who gave one, whether they answered it or not.",
    )


def table_coefficients(result: Guarded) -> Block:
    """The model's coefficients, for analysts."""
    if not is_fitted(result):
        return Nothing()
    rows = [[label(one.driver, result.study), *_coefficient(one)] for one in result.coefficients.itertuples()]
    names = ["Coefficient (95% interval)", "p", "Standardised", "VIF", "Sign and simple correlation"]
    if result.coefficients["p_value"].isna().all():  # intervals from draws are the test
        rows, names = [[*row[:2], *row[3:]] for row in rows], [names[0], *names[2:]]
    high = result.coefficients.loc[result.coefficients["vif"] >= 5, "driver"]
    warning = (
        f" {as_subject(joined([label(d, result.study) for d in high]))} overlap so much with the other drivers (VIF "
        "of 5 or more) that their coefficients are not stable."
        if len(high)
        else ""
    )
    return Table(
        "coefficients",
        "The model’s coefficients",
        [Column("Driver", numeric=False), *(Column(n) for n in names)],
        rows,
        subtitle=f"Difference in {outcome_name(result)} that goes with one point more, others equal"
        if is_linear(result)
        else "Log-odds of a higher answer that go with one point more, others equal",
        note=f"{_errors_note(result)}{warning}",
    )


def table_differences(result: Guarded) -> Block:
    """Pairs of drivers and whether they are told apart."""
    if not is_fitted(result) or not len(result.differences):
        return Nothing()
    known = len(result.importance) <= MOST_COMPARED and len(result.dominance) > 0
    rows = [
        [
            f"{label(one.driver_a, result.study)} over {in_sentence(label(one.driver_b, result.study))}",
            with_interval(100 * one.difference, 100 * one.diff_low, 100 * one.diff_high, 0, with_sign=True),
            "told apart" if one.told_apart else "not told apart",
            *([_dominance(one)] if known else []),
        ]
        for one in result.differences.itertuples()
    ]
    dominance = (
        "Dominance: complete where the first adds more than the second to every set of the others, "
        "conditional where it does on average at every number of others, general where it does on average over all; "
        f"in brackets the share of {drawn_as(result)} that show the same."
        if known
        else f"Dominance is worked out for up to {MOST_COMPARED} drivers."
    )
    return Table(
        "pairs",
        "Which drivers can be told apart",
        [
            Column("Pair", numeric=False),
            Column("Difference in share, points"),
            Column("Verdict"),
            *([Column("Dominance (found again)")] if known else []),
        ],
        rows,
        note="The verdict holds all pairs together at 95%, so a pair whose own interval leaves out zero can still be "
        f"not told apart. {dominance}",
        on_paper=False,
    )


def table_dominance(result: Guarded) -> Block:
    """What each driver adds alone, beside so many others, and beside all of them."""
    if not is_fitted(result) or not len(result.dominance):
        return Nothing()
    long = result.dominance.set_index(["driver", "n_others"])["gain"]
    wide = long.unstack().loc[result.importance["driver"]]  # noqa: PD010
    heads = {0: "Alone", len(wide) - 1: "Beside all others"} if len(wide) > 1 else {0: "Alone"}
    rows = [[label(str(name), result.study), *(percent(gain, 1) for gain in row)] for name, row in wide.iterrows()]
    return Table(
        "dominance",
        "What each driver adds, by how many others are there",
        [Column("Driver", numeric=False), *(Column(heads.get(size, f"Beside {size}")) for size in wide)],
        rows,
        subtitle="Gain in R², averaged over all sets of so many other drivers",
        note="The mean of a row is the driver’s part of R². A driver that adds much alone and little beside all others "
        "says what they say.",
        on_paper=False,
    )


def table_penalties(result: Guarded) -> Block:
    """Whether a low rating costs more than a high one brings."""
    if not is_fitted(result) or not len(result.penalties):
        return Nothing()
    words = {
        "costs_more": "low ratings weigh more",
        "brings_more": "high ratings weigh more",
        "cannot_tell": "cannot tell",
    }
    rows = [
        [
            label(one.driver, result.study),
            _side(result, one.penalty, one.penalty_low, one.penalty_high),
            _side(result, one.reward, one.reward_low, one.reward_high),
            words[one.larger],
        ]
        for one in result.penalties.itertuples()
    ]
    found = result.penalties.set_index("driver")["larger"]
    hurt = [in_sentence(label(name, result.study)) for name in found.index[found == "costs_more"]]
    please = [in_sentence(label(name, result.study)) for name in found.index[found == "brings_more"]]
    said = [f"low ratings of {joined(hurt, 3)} weigh more than high ones" if hurt else "",
            f"high ratings of {joined(please, 3)} weigh more than low ones" if please else ""]  # fmt: skip
    none = "No rating clearly weighs more when low than when high, or the other way round"
    title = as_subject("; ".join(part for part in said if part)) or none
    low, high = cut_offs(*ends_of(result.penalties["driver"].iloc[0], result.study))
    return Table(
        "penalties",
        title,
        [Column("Driver", numeric=False), *(Column(name) for name in ("Low rating", "High rating", "The larger"))],
        rows,
        subtitle=f"Difference in {outcome_name(result)} from the ratings between, others equal",
        note=f"Low: up to {low:g}; high: from {high:g}. Of customers who rated every driver "
        f"({int(result.penalties['n'].iloc[0]):,}). This is no Kano class: "
f"those need questions of their own. A side with fewer than {MIN_SIDE} answers is not measured.",
    )  # fmt: skip


def method_drivers(result: Guarded) -> Prose:
    """Definition, bases, missing answers, intervals, and what the report does not show."""
    p: DriversParams = result.params
    rules = {
        "indicator": "A question that does not apply to a customer is not missing: the model holds an indicator "
        "of whether it applies beside the rating, and a driver’s share covers both. Rows with a blank answer to any "
        "driver are left out.",
        "imputation": "A question that does not apply to a customer is not missing: the model holds an indicator of "
        f"whether it applies beside the rating. Blanks are drawn {p.n_imputations} times from what the customer’s "
        "other answers say of them, and results are put together by Rubin’s rules.",
        "listwise": "Only customers who rated every driver are in the model.",
        "pairwise": "Each correlation is of the customers who answered both questions.",
        "fiml": "Means and covariances are those under which all answers given are most likely (full-information "
        "maximum likelihood); answers that do not apply count as blank.",
    }
    summary = result.summary.iloc[0] if len(result.summary) else None
    paragraphs = [
        f"{_MODELS[p.model]} of {outcome_name(result)} on {spelled(len(p.drivers))} ratings. {_importance_rule(p)} "
        "Shares say how closely things go together, not which way: the sign is in the coefficients.",
        rules[p.missing],
    ]
    if summary is not None:
        used = "in the model" if is_fitted(result) else "of them complete"
        told = f"{counted(result, summary.n_eligible)} to the outcome, {counted(result, summary.n).lower()} {used}. "
        paragraphs.append(f"{told}A regression needs {int(summary.n_needed):,}.")
    if is_borrowed(result):
        paragraphs.append(
            "Partial pooling: covariances of ratings and outcome are taken to scatter around a common pattern as an "
            "inverse Wishart law has it; how many answers that pattern is worth in every unit is what makes the units’ "
            f"own most likely. Here it is {percent(summary.borrowed)} of the whole; that weight’s own error is not in "
            "the intervals, which are a little too short for that. Levels are the unit’s own. Low "
            "ratings are not set against high ones, nor coefficients here against other units’: too little of either "
            "is the unit’s own."
        )
    if result.left_out:
        names = joined([label(name, result.study) for name in result.left_out])
        paragraphs.append(f"Not in the model, for lack of answers here: {names}.")
    paragraphs += [
        f"Intervals of shares: {p.n_boot:,} {drawn_as(result)} (seed {p.seed}), normal in log-odds; of the explained "
        "share, normal in Fisher’s z. Groups: step-down max-t "
        "over all pairs of shares at 5%. Noise floor: the share that a random column stays under in 19 of 20 draws "
        f"({p.n_noise:,} draws). The floor says nothing of a driver that matters only together with others.",
        "Answers given by one person at one time tend to move together, so a share is an upper guide to what a change "
        "could do. This is a pattern in answers, not proof of cause.",
    ]
    return Prose("method", "Method and limits", paragraphs)


_MODELS = {
    "linear": "Linear regression",
    "ordered": "Proportional-odds regression (an ordered outcome, one coefficient for all its steps)",
    "top_box": "Logistic regression",
}


def _importance_rule(p: DriversParams) -> str:
    if p.model == "linear":
        return (
            "A driver’s share is its Shapley value (LMG): what it adds to the explained difference, averaged over all "
            "orders in which the drivers can enter."
        )
    if len(p.drivers) <= MOST_DRIVERS:
        return (
            "A driver’s share is its Shapley value in McFadden’s R²: what it adds to it, averaged over all orders in "
            "which the drivers can enter."
        )
    return "A driver’s share is its relative weight on the scale of the linear predictor (Tonidandel and LeBreton)."


def _counted(n: int | Suppressed) -> str:
    return DASH if isinstance(n, Suppressed) else f"{n:,}"


def _dominance(one) -> str:
    if pd.isna(one.dominance_draws):
        return DASH
    return f"{one.dominance} ({percent(one.dominance_draws)})"


def _side(result: Guarded, value: float, low: float, high: float) -> str:
    return DASH if pd.isna(value) else change_text(result, value, low, high)


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
    one, p = result.summary.iloc[0], result.params
    if is_borrowed(result):
        return f"Intervals from {drawn_as(result)}, partly pooled."
    if one.n_clusters < one.n or p.missing in ("pairwise", "fiml"):
        return "Intervals from bootstrap samples of customers."
    if p.model != "linear":
        weighted = "from bootstrap samples of customers" if one.n_effective < one.n else "from the model’s information"
        return f"Errors {weighted}, normal reference."
    if one.n_effective < one.n:
        return "Errors are design-based (linearised for the survey weights), t reference."
    return "Errors are robust to unequal spread (HC3), t reference."

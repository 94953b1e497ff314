"""Segmentation: groups of customers who behave alike, whether they are there, and what they are like.

Segments are made once for the whole company and applied to every unit, so that one name means one thing everywhere.
They are never made on the outcome that is explained elsewhere. How many there are is judged against data without
segments and by the bootstrap, and the verdict says whether they were found or drawn (see `stability`). What made
the segments gets effect sizes only; what was held out is tested (see `profiles`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn import config_context
from threadpoolctl import threadpool_limits

from cxinsights.analysis.profiles import (
    held_out_table,
    mix_table,
    profile_table,
    size_table,
    traits_of,
    value_column,
    with_hidden,
)
from cxinsights.analysis.results import Status, private, table
from cxinsights.analysis.rfm import RFM_SEGMENTS
from cxinsights.analysis.segment_inputs import Inputs, Refusal, prepare
from cxinsights.analysis.segment_waves import LETTERS, matched, migration_table
from cxinsights.analysis.stability import SAMPLE, Draws, choose, jaccard_of, try_all, verdict_of
from cxinsights.analysis.typing_rules import TypingRule, fit_typing_rule
from cxinsights.params import ScoreRules, SegmentationParams

__all__ = ["SegmentationResult", "fit_segmentation"]

_STARTS = 10
_OF_COMPANY = ("jaccard", "jaccard_low", "jaccard_high", "standing", "traits", "verdict")


@dataclass(frozen=True)
class SegmentationResult:
    """Which groups of customers there are, how sure that is, and what they are like."""

    params: SegmentationParams
    status: Status
    reason: str = ""
    """Why there are no segments; empty where there are."""
    segments: pd.DataFrame = table(
        keep=["segment", "n_total", "traits", "verdict"], also={"n_total": "customers", "n_value": "customers"}
    )
    """One row per segment: customers, share, worth, and how much of it comes back in a bootstrap sample."""
    profiles: pd.DataFrame = table(
        keep=["segment", "variable", "category"], plan=["variable", "category"], groups="segment"
    )
    """One row per segment and input: mean or share, and effect size against the others."""
    held_out: pd.DataFrame = table(
        keep=["segment", "variable", "category", "kind"],
        family=["variable", "category"],
        plan=["variable", "category"],
        groups="segment",
    )
    """One row per segment and held-out column: score, and its tested difference from the others."""
    mix: pd.DataFrame = table(keep=["segment", "comparison"], also={"n_compare": "customers"}, family=["comparison"])
    """One row per segment: its share of the report's customers against the company's others."""
    choice: pd.DataFrame = table(keep=["k", "criterion", "chosen"])
    """One row per number of segments tried: criterion, structureless reference, stability."""
    migration: pd.DataFrame = table(keep=["segment_before", "segment"])
    """One row per earlier and present segment: share of the earlier one's customers."""
    rules: pd.DataFrame = table(keep=["rule", "segment"])
    """One row per typing rule: customers it applies to, and how often it is right."""
    inputs: pd.DataFrame = table(keep=["variable", "transform", "n_missing"])
    """One row per input: base and how it was transformed."""
    summary: pd.DataFrame = table(keep=["n_eligible", "n_missing", "n_needed", "n_segments"])
    """One row: customers with and without inputs, and the typing rule's cross-validated agreement."""
    left_out: tuple[str, ...] = ()
    """Inputs that are the same for all customers."""
    of_company: bool = True
    """Whether these are all the company's customers; else its segments are applied to the report's."""
    members: pd.DataFrame = private()
    """One row per customer: `customer_id`, `segment`."""


def fit_segmentation(
    customers: pd.DataFrame,
    params: SegmentationParams,
    *,
    company: pd.DataFrame | None = None,
    company_segments: pd.DataFrame | None = None,
    company_choice: pd.DataFrame | None = None,
    company_rules: pd.DataFrame | None = None,
    company_inputs: pd.DataFrame | None = None,
    company_summary: pd.DataFrame | None = None,
    previous: pd.DataFrame | None = None,
    rules: ScoreRules | None = None,
    customer_min: int = 10,
) -> SegmentationResult:
    """Segments of customers, with everything needed to judge them.

    Parameters
    ----------
    customers
        One row per customer of the report's place: `customer_id`, the inputs (numbers, or text for latent classes
        and k-prototypes) and the columns held out (missing where a customer gave none). `value` or `order_amount`
        says what a customer is worth.
    params
        What is asked.
    company
        The company's `members`, for a report on a part of it: its segments are applied, none are made. None for
        the company's own report.
    company_segments, company_choice, company_rules, company_inputs, company_summary
        Those tables of the company's result; needed with `company`.
    previous
        `members` of the company's result one period earlier, matched likewise; None where there is none.
    rules
        What the scores mean in the study: without them its usual scales.
    customer_min
        Fewest customers behind a shown figure, so that no smaller segment follows from the others.

    Returns
    -------
    SegmentationResult
        `status` is `too_few`, `refused` or `no_data` where there are no segments, with the reason.

    Raises
    ------
    LeakError
        An input is a score that other analyses explain.
    DataError
        A column is not in the table, or a customer stands in it twice.

    Notes
    -----
    Missing inputs: latent classes keep every customer with any answer, since a missing one takes no part in the
    likelihood; all other methods segment customers with every input. Both are counted. Checked against R 4.2.2
    (`kmeans`), cluster 2.1.4, clustMixType 0.5.2, fpc 2.2.10, poLCA 1.6.0.2, rfm 0.3.0. Dolnicar & Leisch (2010),
    Hennig (2007).
    """
    rules = rules or ScoreRules()
    if company is not None:
        tables = {
            "segments": company_segments, "choice": company_choice, "rules": company_rules,
            "inputs": company_inputs, "summary": company_summary,
        }  # fmt: skip
        return _applied(customers, params, company, tables, previous, rules, customer_min)
    inputs = prepare(customers, params)
    if isinstance(inputs, Refusal):
        summary = pd.DataFrame([_bases(params, 0, len(customers))])
        return SegmentationResult(params, inputs.status, inputs.reason, summary=summary, left_out=inputs.left_out)
    # one thread, so that the same inputs give the same bytes; and hundreds of small fits need no checks of their own
    with threadpool_limits(1), config_context(assume_finite=True, skip_parameter_validation=True):
        return _made(inputs, params, len(customers), previous, rules, customer_min)


def _made(
    inputs: Inputs, params: SegmentationParams, n_eligible: int, previous: pd.DataFrame | None, rules: ScoreRules,
    customer_min: int,
) -> SegmentationResult:  # fmt: skip
    """The company's own segments."""
    n = len(inputs.customers)
    choice, draws, k = _choice(inputs, params)
    assign = inputs.clusterer.fit(np.arange(n), k, _STARTS, params.seed)
    numbers = assign(np.arange(n))
    letter_of = _letters(numbers, k, by_size=params.method != "rfm")
    comes_back = jaccard_of(draws, numbers[draws.sample], k).assign(segment=[letter_of[at] for at in range(k)])
    members = pd.DataFrame(
        {"customer_id": inputs.customers["customer_id"], "segment": pd.Series(numbers).map(letter_of).astype("str")}
    )
    comes_back = comes_back[comes_back["segment"].isin(members["segment"])]  # a class may be nobody's likeliest
    if previous is not None and len(previous) and params.method != "rfm":
        same = matched(members, previous)
        members["segment"] = members["segment"].map(same)
        comes_back = comes_back.assign(segment=comes_back["segment"].map(same))
    row = choice[choice["chosen"]].iloc[0]
    verdict = verdict_of(bool(row["stands_out"]), float(row["adjusted_rand"]))
    profiles = profile_table(inputs.customers, members["segment"], inputs.table)
    traits = traits_of(profiles)
    if params.method == "rfm":
        traits = {LETTERS[at]: own.name for at, own in enumerate(RFM_SEGMENTS)}
    comes_back = comes_back.assign(verdict=verdict, traits=comes_back["segment"].map(traits))
    rule = fit_typing_rule(
        inputs.customers, members["segment"].to_numpy(), inputs.table["variable"].tolist(), params.seed
    )
    result = SegmentationResult(
        params,
        "ok",
        choice=choice,
        rules=rule.table,
        inputs=inputs.table,
        summary=pd.DataFrame([{**_bases(params, n, n_eligible), **_agreement(rule), "n_segments": len(comes_back)}]),
        left_out=inputs.left_out,
        members=members,
    )
    return _described(result, inputs.customers, comes_back, profiles, previous, rules, customer_min)


def _applied(
    customers: pd.DataFrame, params: SegmentationParams, company: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame | None], previous: pd.DataFrame | None, rules: ScoreRules, customer_min: int,
) -> SegmentationResult:  # fmt: skip
    """The company's segments among the customers of a part of it."""
    kept = customers.merge(company, on="customer_id", how="inner").reset_index(drop=True)
    given = {name: frame for name, frame in tables.items() if frame is not None and len(frame)}
    bases = _bases(params, len(kept), len(customers))
    if not len(company) or len(given) < len(tables):
        reason = "the company has no segments in this period"
        return SegmentationResult(params, "refused", reason, summary=pd.DataFrame([bases]), of_company=False)
    if not len(kept):
        reason = "none of the company’s segmented customers are here"
        return SegmentationResult(params, "no_data", reason, summary=pd.DataFrame([bases]), of_company=False)
    result = SegmentationResult(
        params,
        "ok",
        choice=given["choice"],
        rules=given["rules"],
        inputs=given["inputs"],
        summary=given["summary"].assign(**bases),
        of_company=False,
        members=kept[["customer_id", "segment"]],
    )
    comes_back = given["segments"][["segment", *_OF_COMPANY]]
    profiles = profile_table(kept, kept["segment"], given["inputs"])
    result = _described(result, kept, comes_back, profiles, previous, rules, customer_min)
    rest = company[~company["customer_id"].isin(kept["customer_id"])]
    if not len(rest):
        return result
    return replace(result, mix=mix_table(kept["segment"], rest["segment"], result.segments["segment"].tolist()))


def _described(
    result: SegmentationResult, customers: pd.DataFrame, comes_back: pd.DataFrame, profiles: pd.DataFrame,
    previous: pd.DataFrame | None, rules: ScoreRules, customer_min: int,
) -> SegmentationResult:  # fmt: skip
    """The tables that say what the segments are like among the report's customers."""
    segments = result.members["segment"]
    worth = value_column(customers)
    sizes = size_table(segments, None if worth is None else customers[worth], sorted(comes_back["segment"]))
    sizes = sizes.merge(comes_back, on="segment", how="left")
    held_out = held_out_table(customers, segments, result.params.held_out, rules)
    by = ["variable", "category"]
    moved = pd.DataFrame()
    if previous is not None and len(previous):
        moved = migration_table(result.members, previous)
    return replace(
        result,
        segments=with_hidden(with_hidden(sizes, customer_min), customer_min, base="n_value"),
        profiles=with_hidden(profiles, customer_min, by),
        held_out=with_hidden(held_out, customer_min, by) if len(held_out) else held_out,
        migration=moved,
    )


def _choice(inputs: Inputs, params: SegmentationParams) -> tuple[pd.DataFrame, Draws, int]:
    """Every number of segments tried, the bootstrap samples of the chosen one, and its number."""
    n = len(inputs.customers)
    if params.method == "rfm":  # the ranges are stated, so their number is not a choice
        k = len(RFM_SEGMENTS)
        sample = np.random.default_rng(params.seed).permutation(n)[: min(n, SAMPLE)]
        draws = Draws.of(inputs.clusterer, sample, k, params.n_boot, params.seed)
        rand = dict(zip(("adjusted_rand", "rand_low", "rand_high"), draws.rand(), strict=True))
        row = {"k": k, "criterion": "stated", "criterion_value": np.nan, "reference": np.nan, "reference_high": np.nan}
        table, k_chosen = pd.DataFrame([{**row, "stands_out": False, **rand}]), k
    else:
        tried = range(params.k_min, min(params.k_max, inputs.ways) + 1)  # as many segments as ways to differ, at most
        table, by_k = try_all(inputs.clusterer, n, tried, params.n_boot, params.seed)
        k_chosen = choose(table)
        draws = by_k[k_chosen]
    table.insert(1, "n", n)
    return table.assign(chosen=table["k"] == k_chosen), draws, k_chosen


def _letters(numbers: np.ndarray, k: int, *, by_size: bool) -> dict[int, str]:
    """Letters of the segments: the largest first, or in the order of the stated ranges."""
    sizes = np.bincount(numbers, minlength=k)
    order = np.argsort(-sizes, kind="stable") if by_size else np.arange(k)
    return {int(number): LETTERS[at] for at, number in enumerate(order)}


def _bases(params: SegmentationParams, n: int, n_eligible: int) -> dict[str, int]:
    return {"n": n, "n_eligible": n_eligible, "n_missing": n_eligible - n, "n_needed": params.min_customers}


def _agreement(rule: TypingRule) -> dict[str, float]:
    return {
        "n_rule": rule.n,
        "agreement": rule.agreement,
        "agreement_low": rule.agreement_low,
        "agreement_high": rule.agreement_high,
    }

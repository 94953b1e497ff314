"""What segments are made of: the data gate, transforms, and columns ready for a method.

Scores that are explained elsewhere are never inputs, nor is a column that repeats one held out. Amounts and counts
are skewed to the right: a few large customers would make the segments. A column with a skewness above 1 is taken as
log(1 + x), or, where it has values below zero, as normal scores of its ranks.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata, skew

from cxinsights.analysis.clustering import Clusterer, Means, Prototypes, standardised
from cxinsights.analysis.latent import LatentClasses
from cxinsights.analysis.results import Status
from cxinsights.analysis.rfm import RFM_INPUTS, Scores
from cxinsights.analysis.scores import METRICS
from cxinsights.errors import DataError, LeakError, did_you_mean
from cxinsights.params import SegmentationParams

__all__ = ["Inputs", "Refusal", "is_number", "prepare", "transformed"]

Transform = Literal["as_is", "log", "rank", "category", "score"]

SKEWED = 1.0
LEAK = 0.95  # an input this closely correlated with a held-out column is that column in other words
MOST_CATEGORIES = 12
LEAST_DAYS = 90  # that orders must reach back, before "not ordered for long" can mean anything
LEAST_REPEATING = 0.2  # of customers with two orders or more, before frequency has scores to give


@dataclass(frozen=True)
class Refusal:
    """Why there are no segments."""

    status: Status
    reason: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """Customers with what a method needs of them."""

    customers: pd.DataFrame
    """Those that can be segmented, in the order of the table."""
    table: pd.DataFrame
    """One row per input: `variable`, `n`, `n_missing`, `transform`, `skewness` (before)."""
    clusterer: Clusterer
    ways: int
    """In how many ways customers differ in the inputs: no more segments than that can be told."""
    left_out: tuple[str, ...]
    """Inputs that are the same for all customers."""


def prepare(customers: pd.DataFrame, params: SegmentationParams) -> Inputs | Refusal:
    """Check what segments would be made of, and make it ready.

    Raises
    ------
    LeakError
        An input is a score that other analyses explain.
    DataError
        A column is not in the table, or a customer stands in it twice.
    """
    _check(customers, params)
    if not len(customers):
        return Refusal("no_data", "no customers in this period")
    left_out = tuple(name for name in params.inputs if customers[name].nunique() < 2)
    names = [name for name in params.inputs if name not in left_out]
    if not names:
        return Refusal("refused", "every input is the same for all customers", left_out)
    known = customers[names].notna()
    here = known.any(axis=1) if params.method == "latent_class" else known.all(axis=1)
    kept = customers[here].reset_index(drop=True)
    if len(kept) < params.min_customers:
        with_all = "any input" if params.method == "latent_class" else "every input"
        reason = f"{len(kept):,} customers with {with_all}, {params.min_customers:,} needed"
        return Refusal("too_few", reason, left_out)
    ways = len(kept[names].drop_duplicates())
    if params.method != "rfm" and ways < params.k_min:
        return Refusal(
            "refused",
            f"{params.k_min} segments need customers who differ in as many ways, and there are {ways}",
            left_out,
        )
    refusal = _unfit(kept, names, params) or _repeats(kept, names, params.held_out) or _history(kept, names, params)
    if refusal:
        return Refusal(*refusal, left_out)
    how = {name: _transform(kept[name], params.method) for name in names}
    table = pd.DataFrame(
        {
            "variable": names,
            "n": [int(known.loc[here, name].sum()) for name in names],
            "n_missing": [int((~known[name]).sum()) for name in names],
            "transform": [how[name] for name in names],
            "skewness": [_skewness(kept[name]) if is_number(kept[name]) else np.nan for name in names],
        }
    )
    return Inputs(kept, table, _clusterer(kept, how, params.method), ways, left_out)


def is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers; yes-or-no counts as a category."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def transformed(column: pd.Series, how: Transform) -> np.ndarray:
    """Numbers on the scale that segments are made on (missing stays missing); RFM scores go by rank."""
    values = column.to_numpy(dtype=float)
    if how == "log":
        return np.log1p(values)
    if how in ("rank", "score"):
        known = ~np.isnan(values)
        found = np.full(len(values), np.nan)
        found[known] = ndtri((rankdata(values[known]) - 0.5) / known.sum())
        return found
    return values


def _check(customers: pd.DataFrame, params: SegmentationParams) -> None:
    scores = {metric.column for metric in METRICS.values()}
    told = [name for name in params.inputs if name in scores]
    if told:
        raise LeakError(
            f"segmentation: {', '.join(told)} cannot make segments, since segments are compared by it. Take it off "
            "the inputs; it may be held out."
        )
    for name in ("customer_id", *params.inputs, *params.held_out):
        if name not in customers:
            raise DataError(f"segmentation: {did_you_mean('column', name, customers.columns)}")
    twice = int(customers["customer_id"].duplicated().sum())
    if twice:
        raise DataError(f"segmentation: {twice:,} customers stand in the table more than once; it needs one row each.")


def _unfit(kept: pd.DataFrame, names: list[str], params: SegmentationParams) -> tuple[Status, str] | None:
    """Whether the columns do not suit the method."""
    numbers = [name for name in names if is_number(kept[name])]
    text = [name for name in names if name not in numbers]
    if params.method in ("kmeans", "rfm") and text:
        return "refused", f"{params.method} needs numbers, and {text[0]} holds categories"
    if params.method == "rfm" and len(names) < len(RFM_INPUTS):
        missing = next(name for name in RFM_INPUTS if name not in names)
        return "refused", f"{missing} is the same for all customers, and rfm scores it"
    if params.method == "kprototypes" and not (numbers and text):
        return "refused", "kprototypes needs both numbers and categories among the inputs"
    many = [name for name in (names if params.method == "latent_class" else text)
            if kept[name].nunique() > MOST_CATEGORIES]  # fmt: skip
    if many:
        return "refused", f"{many[0]} has {kept[many[0]].nunique():,} values, and a category may have {MOST_CATEGORIES}"
    return None


def _repeats(kept: pd.DataFrame, names: list[str], held_out: list[str]) -> tuple[Status, str] | None:
    for name in (n for n in names if is_number(kept[n])):
        for other in (h for h in held_out if is_number(kept[h])):
            both = kept[[name, other]].dropna()
            if len(both) < 3 or (both.nunique() < 2).any():
                continue
            r = float(np.corrcoef(both.to_numpy(dtype=float).T)[0, 1])
            if abs(r) > LEAK:
                return "refused", f"{name} correlates {r:.2f} with {other}, which is held out: it measures the same"
    return None


def _history(kept: pd.DataFrame, names: list[str], params: SegmentationParams) -> tuple[Status, str] | None:
    """Whether orders reach back far enough, and are repeated often enough, to tell customers apart."""
    if "recency_days" in names and kept["recency_days"].max() < LEAST_DAYS:
        return "refused", f"last orders reach back {kept['recency_days'].max():.0f} days, {LEAST_DAYS} needed"
    if params.method == "rfm":
        repeating = float((kept["n_orders"] >= 2).mean())
        if repeating < LEAST_REPEATING:
            return "refused", (
                f"{100 * repeating:.0f}% of customers ordered more than once, {100 * LEAST_REPEATING:.0f}% needed "
                "to score how often"
            )
    return None


def _transform(column: pd.Series, method: str) -> Transform:
    if method == "rfm":
        return "score"
    if method == "latent_class" or not is_number(column):
        return "category"
    if _skewness(column) <= SKEWED:
        return "as_is"
    return "log" if column.min() >= 0 else "rank"


def _skewness(column: pd.Series) -> float:
    return float(skew(column.dropna().to_numpy(dtype=float)))


def _clusterer(kept: pd.DataFrame, how: dict[str, Transform], method: str) -> Clusterer:
    if method == "rfm":
        return Scores(kept[list(RFM_INPUTS)].to_numpy(dtype=float))
    codes = [pd.factorize(kept[name], sort=True)[0] for name, own in how.items() if own == "category"]
    if method == "latent_class":
        return LatentClasses(np.column_stack(codes))
    x = standardised(np.column_stack([transformed(kept[name], own) for name, own in how.items() if own != "category"]))
    return Prototypes(x, np.column_stack(codes)) if codes else Means(x)

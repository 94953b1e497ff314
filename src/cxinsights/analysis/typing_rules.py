"""Typing rule: a few plain conditions that say which segment a new customer belongs to.

A small decision tree is grown on the inputs in their own units, so that a branch can use it without a computer. It
has as few rules as agree, but for two customers in a hundred, as well as twice as many as there are segments would;
thresholds are rounded to three digits where that moves hardly anybody. Agreement is counted on customers that had no
part in the rule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from cxinsights.analysis.intervals import wilson
from cxinsights.analysis.segment_inputs import is_number

__all__ = ["TypingRule", "assign_by_rules", "fit_typing_rule", "parts_of"]

FOLDS = 10
WORTH_A_RULE = 0.02  # agreement that more rules must add
_SAMPLE = 5000
_LEAST_IN_RULE = 10
_MOVED = 0.002  # share of customers that rounding a threshold may move
_ALL, _AND = "all", "; "
_BETWEEN = re.compile(r"; (?=\w+ (?:!=|=|<=|>) )")  # a category may hold a semicolon of its own


@dataclass(frozen=True)
class TypingRule:
    """Rules, and how often they agree with the segments."""

    table: pd.DataFrame
    """One row per rule: `rule`, `segment`, `n` (customers it applies to), `agreement` with interval among them."""
    agreement: float
    """Cross-validated, over all rules."""
    agreement_low: float
    agreement_high: float
    n: int


@dataclass(frozen=True)
class _Leaf:
    rule: str
    segment: str


def fit_typing_rule(customers: pd.DataFrame, segments: np.ndarray, names: Sequence[str], seed: int) -> TypingRule:
    """Rules for segments already made.

    Parameters
    ----------
    customers
        One row per customer, with the inputs in their own units.
    segments
        Segment of each customer, of shape (n,).
    names
        Inputs.
    seed
        Of the folds, and of the 5,000 customers that are used where there are more.
    """
    rng = np.random.default_rng([seed, 3])
    at = rng.permutation(len(customers))[:_SAMPLE]
    frame, wanted = customers.iloc[at][list(names)].reset_index(drop=True), np.asarray(segments)[at]
    k = len(np.unique(wanted))
    folds = np.arange(len(frame)) % FOLDS
    shares = {size: float(_agrees(frame, wanted, folds, size).mean()) for size in range(max(k, 2), 2 * k + 1)}
    size = min(size for size, share in shares.items() if share >= max(shares.values()) - WORTH_A_RULE)
    leaves = _grow(frame, wanted, size)
    agreement = shares[size]
    return TypingRule(_table(frame, wanted, leaves), agreement, *wilson(agreement, len(frame)), len(frame))


def assign_by_rules(customers: pd.DataFrame, rules: pd.DataFrame) -> pd.Series:
    """Segment of each customer by the rules of a `TypingRule`; missing where none applies.

    Parameters
    ----------
    customers
        One row per customer, with the columns that the rules name.
    rules
        `rule` and `segment`, as in `TypingRule.table`.
    """
    found = pd.Series(pd.NA, index=customers.index, dtype="str")
    for rule, segment in rules[["rule", "segment"]].itertuples(index=False, name=None):
        found[_applies(customers, rule)] = segment
    return found


def parts_of(rule: str) -> list[tuple[str, str, str]]:
    """Column, sign (>, <=, =, !=) and value of each condition; none where a rule holds for everyone."""
    return [tuple(part.split(" ", 2)) for part in _BETWEEN.split(rule) if part != _ALL]


def _agrees(frame: pd.DataFrame, wanted: np.ndarray, folds: np.ndarray, size: int) -> np.ndarray:
    """Whether each customer's segment is the one that rules made of the other folds say."""
    right = np.zeros(len(frame), dtype=bool)
    for fold in range(FOLDS):
        out = folds == fold
        for leaf in _grow(frame[~out], wanted[~out], size):
            here = _applies(frame[out], leaf.rule)
            right[np.flatnonzero(out)[here]] = wanted[out][here] == leaf.segment
    return right


def _grow(frame: pd.DataFrame, wanted: np.ndarray, size: int) -> list[_Leaf]:
    columns = _columns(frame)
    tree = DecisionTreeClassifier(max_leaf_nodes=size, min_samples_leaf=_LEAST_IN_RULE, random_state=0)
    tree.fit(np.column_stack([values for _, values in columns]), wanted)
    grown = tree.tree_
    leaves: list[_Leaf] = []

    def visit(node: int, limits: dict[str, tuple[float, float]]) -> None:
        if grown.children_left[node] < 0:
            leaves.append(_Leaf(_rule(limits, frame), str(tree.classes_[grown.value[node][0].argmax()])))
            return
        name = columns[grown.feature[node]][0]
        edge = _rounded(grown.threshold[node], columns[grown.feature[node]][1])
        low, high = limits.get(name, (-np.inf, np.inf))
        visit(grown.children_left[node], {**limits, name: (low, min(high, edge))})
        visit(grown.children_right[node], {**limits, name: (max(low, edge), high)})

    visit(0, {})
    return leaves


def _rounded(threshold: float, values: np.ndarray) -> float:
    """A threshold in three digits, or as many more as it takes to move hardly anybody to the other side.

    Of whole numbers the last one that belongs below: 101.5 is written as 101.
    """
    if (values == np.floor(values)).all():
        return float(np.floor(threshold))
    below = values <= threshold
    candidates = (float(f"{threshold:.{digits}g}") for digits in range(3, 18))
    return next(edge for edge in candidates if ((values <= edge) != below).mean() <= _MOVED)


def _columns(frame: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """Numbers as they are, and a yes-or-no column for every category (for one of two)."""
    found = []
    for name in frame:
        if is_number(frame[name]):
            found.append((name, frame[name].to_numpy(dtype=float)))
        else:
            values = _categories(frame[name])
            values = values[:1] if len(values) == 2 and frame[name].notna().all() else values
            found += [(f"{name} = {value}", (frame[name] == value).to_numpy(dtype=float)) for value in values]
    return found


def _categories(column: pd.Series) -> list:
    return sorted(column.dropna().unique())


def _rule(limits: dict[str, tuple[float, float]], frame: pd.DataFrame) -> str:
    """What a leaf asks, in the order of the inputs."""
    said = []
    for key, (low, high) in sorted(limits.items(), key=lambda one: frame.columns.get_loc(one[0].split(" = ")[0])):
        name, is_category, value = key.partition(" = ")
        if is_category and low >= 0:
            said.append(key)
        elif is_category:
            others = [str(other) for other in _categories(frame[name]) if str(other) != value]
            alone = len(others) == 1 and frame[name].notna().all()
            said.append(f"{name} = {others[0]}" if alone else f"{name} != {value}")
        else:
            said += [f"{name} > {low:.15g}"] if np.isfinite(low) else []
            said += [f"{name} <= {high:.15g}"] if np.isfinite(high) else []
    return _AND.join(said) or _ALL


def _applies(frame: pd.DataFrame, rule: str) -> np.ndarray:
    here = np.ones(len(frame), dtype=bool)
    for name, sign, value in parts_of(rule):
        column = frame[name]
        if sign in ("=", "!="):
            here &= ((column.astype("str") == value) == (sign == "=")).to_numpy(dtype=bool)
        else:
            here &= ((column > float(value)) if sign == ">" else (column <= float(value))).to_numpy(dtype=bool)
    return here


def _table(frame: pd.DataFrame, wanted: np.ndarray, leaves: list[_Leaf]) -> pd.DataFrame:
    rows = []
    for leaf in leaves:
        here = _applies(frame, leaf.rule)
        n = int(here.sum())
        share = float((wanted[here] == leaf.segment).mean()) if n else np.nan
        rows.append((leaf.rule, leaf.segment, n, share, *(wilson(share, n) if n else (np.nan,) * 2)))
    columns = ["rule", "segment", "n", "agreement", "agreement_low", "agreement_high"]
    return pd.DataFrame(rows, columns=columns).sort_values(["segment", "n"], ascending=[True, False], ignore_index=True)

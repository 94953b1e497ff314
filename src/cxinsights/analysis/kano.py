"""Kano's classes of features, from pairs of questions: how would you feel with it, and how without it?

Answers to both: 1 like, 2 expect, 3 neutral, 4 can live with, 5 dislike. Each pair puts a customer's view of the
feature into a class: must-be (M: its absence annoys, its presence is taken for granted), one-dimensional (O),
attractive (A: its presence delights), indifferent (I), reverse (R), or questionable (Q: the pair contradicts itself).

Ratings of what was experienced cannot give these classes: for those see `penalty_reward.py`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE, wilson, z_of
from cxinsights.errors import AnalysisError, did_you_mean

__all__ = ["CLASSES", "classify", "kano"]

CLASSES = {
    "M": "must-be", "O": "one-dimensional", "A": "attractive", "I": "indifferent", "R": "reverse",
    "Q": "questionable",
}  # fmt: skip
"""In the order in which ties are settled."""

_TABLE = ["QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"]  # functional answer down, dysfunctional across


def kano(frame: pd.DataFrame, features: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Class of each feature, with how sure it is, and what it could add or spare.

    Parameters
    ----------
    frame
        One row per customer, answers 1 to 5.
    features
        Name of each feature: its functional and its dysfunctional question.

    Returns
    -------
    DataFrame
        One row per feature: `n`, `n_missing`, a count per class (`n_M` …), `kano_class` (the most frequent; of equal
        ones the first of M, O, A, I, R, Q), `is_clear` (it leads the second by more than chance, Fong 1996),
        `better` = (A + O) / (A + O + M + I) and `worse` = −(O + M) / (A + O + M + I) (Berger 1993) with Wilson
        intervals, `category_strength` (lead over the second, in shares) and `total_strength` (share of M, O and A).

    Raises
    ------
    AnalysisError
        A question is not in the table, or holds other answers than 1 to 5.
    """
    rows = []
    for feature, (functional, dysfunctional) in features.items():
        classes = classify(frame, functional, dysfunctional)
        counts = {name: int((classes == name).sum()) for name in CLASSES}
        n = sum(counts.values())
        own = {"feature": feature, "n": n, "n_missing": len(frame) - n}
        rows.append({**own, **{f"n_{name}": found for name, found in counts.items()}, **_figures(counts, n)})
    return pd.DataFrame(rows)


def classify(frame: pd.DataFrame, functional: str, dysfunctional: str) -> pd.Series:
    """Class of each customer's pair of answers; missing where either is."""
    for name in (functional, dysfunctional):
        if name not in frame:
            raise AnalysisError(f"kano: {did_you_mean('column', name, list(frame))}")
        known = frame[name].dropna()
        outside = int((~known.isin([1, 2, 3, 4, 5])).sum())
        if outside:
            raise AnalysisError(
                f"kano: {name}: {outside} of {len(known)} answers are none of 1 (like), 2 (expect), 3 (neutral), "
                "4 (can live with), 5 (dislike). Recode the question."
            )
    both = frame[[functional, dysfunctional]].dropna().astype(int)
    found = [_TABLE[a - 1][b - 1] for a, b in both.itertuples(index=False)]
    return pd.Series(found, index=both.index, dtype="str").reindex(frame.index)


def _figures(counts: dict[str, int], n: int) -> dict[str, object]:
    if n == 0:
        return {"kano_class": "", "is_clear": False}
    ranked = sorted(counts, key=lambda name: -counts[name])  # sorted keeps the order of ties
    first, second = counts[ranked[0]], counts[ranked[1]]
    spread = z_of(CONFIDENCE) * np.sqrt((first + second) * (2 * n - first - second) / (2 * n))
    felt = sum(counts[name] for name in "AOMI")
    better, worse = counts["A"] + counts["O"], counts["O"] + counts["M"]
    figures: dict[str, object] = {"kano_class": ranked[0], "is_clear": bool(first - second > spread)}
    if felt:
        better_limits, worse_limits = wilson(better / felt, felt), wilson(worse / felt, felt)
        figures |= {
            "better": better / felt, "better_low": better_limits[0], "better_high": better_limits[1],
            "worse": -worse / felt, "worse_low": -worse_limits[1], "worse_high": -worse_limits[0],
        }  # fmt: skip
    strong = (counts["M"] + counts["O"] + counts["A"]) / n
    return {**figures, "category_strength": (first - second) / n, "total_strength": strong}

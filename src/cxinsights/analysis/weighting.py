"""Weights: what unequal weights cost, and raking answers to known margins.

Survey weights say how many customers an answer stands for. They are not frequencies: counting them as such
makes standard errors too small by a sixth and more.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxinsights.errors import AnalysisError

__all__ = ["kish_deff", "kish_n", "rake"]


def kish_n(weights: np.ndarray) -> float:
    """Effective number of answers (Kish): (Σw)² / Σw²."""
    total = float(np.sum(weights))
    return total**2 / float(np.sum(np.square(weights))) if total > 0 else 0.0


def kish_deff(weights: np.ndarray) -> float:
    """Design effect of unequal weights (Kish): answers over effective answers."""
    return len(weights) / kish_n(weights)


def rake(
    frame: pd.DataFrame,
    margins: Mapping[str, Mapping[str, float]],
    *,
    trim_ratio: float | None = None,
    tolerance: float = 1e-10,
    max_rounds: int = 1000,
) -> pd.Series:
    """Weights that give the answers the stated margins (iterative proportional fitting).

    Parameters
    ----------
    frame
        One row per answer, with the columns of `margins`. Rows with a blank in a margin column keep the
        weight the other margins give them.
    margins
        Column: value: share among all customers. Shares of a column add up to 1.
    trim_ratio
        Largest weight over the mean weight. What is cut from weights above is spread over the others in
        proportion; the margins are then met less exactly.

    Returns
    -------
    Series
        Weights that add up to the number of rows.

    Raises
    ------
    AnalysisError
        A value with a share has no answers, answers have a value without a share, or no weights meet all
        margins.

    Notes
    -----
    Checked against R survey 4.1.1, `rake`.
    """
    groups = []
    for column, shares in margins.items():
        values = frame[column]
        strange = sorted(set(values.dropna().unique()) - set(shares))
        empty = [value for value in shares if not (values == value).any()]
        if strange or empty:
            told = [f"no share for {', '.join(map(str, strange))}"] if strange else []
            told += [f"no answers from {', '.join(map(str, empty))}"] if empty else []
            raise AnalysisError(f"rake: {column}: {'; '.join(told)}. Mend the margins or join groups.")
        known = values.notna().to_numpy()
        for value, share in shares.items():
            groups.append(((values == value).to_numpy(), share, known))
    weights = _fitted(np.ones(len(frame)), groups, tolerance, max_rounds)
    weights *= len(frame) / weights.sum()
    if trim_ratio is not None:
        weights = _trimmed(weights, trim_ratio)
    return pd.Series(weights, index=frame.index, name="weight")


def _trimmed(weights: np.ndarray, ratio: float) -> np.ndarray:
    """Weights of mean 1 cut at the ratio; spreading what was cut can lift others over it, so it is repeated."""
    weights = weights.copy()
    cut = np.zeros(len(weights), dtype=bool)
    while (weights > ratio * (1 + 1e-12)).any():
        cut |= weights >= ratio
        weights[cut] = ratio
        weights[~cut] *= (len(weights) - ratio * cut.sum()) / weights[~cut].sum()
    return weights


def _fitted(
    weights: np.ndarray, groups: list[tuple[np.ndarray, float, np.ndarray]], tolerance: float, max_rounds: int
) -> np.ndarray:
    for _ in range(max_rounds):
        off = 0.0
        for members, share, known in groups:
            wanted = share * weights[known].sum()
            have = weights[members].sum()
            off = max(off, abs(have / wanted - 1))
            weights[members] *= wanted / have
        if off < tolerance:
            return weights
    raise AnalysisError(
        f"rake: no weights meet all margins after {max_rounds} rounds. Join small groups or drop a margin."
    )

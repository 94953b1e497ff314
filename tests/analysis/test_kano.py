"""Kano's classes from pairs of questions."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.kano import CLASSES, classify, kano
from cxinsights.errors import AnalysisError


def test_every_pair_has_its_class() -> None:
    """Berger et al. (1993), the evaluation table, row by row."""
    table = [*"QAAAO", *"RIIIM", *"RIIIM", *"RIIIM", *"RRRRQ"]
    pairs = pd.DataFrame([(a, b) for a in range(1, 6) for b in range(1, 6)], columns=["with", "without"])
    assert classify(pairs, "with", "without").tolist() == table


def pairs(**counts: int) -> pd.DataFrame:
    answer = {"M": (3, 5), "O": (1, 5), "A": (1, 3), "I": (3, 3), "R": (5, 1), "Q": (1, 1)}
    rows = [answer[name] for name, n in counts.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=["with", "without"], dtype=float)


def test_counts_and_coefficients_by_hand() -> None:
    frame = pd.concat([pairs(M=50, O=20, A=10, I=20), pd.DataFrame({"with": [np.nan], "without": [3.0]})])
    [row] = kano(frame.reset_index(drop=True), {"lift": ("with", "without")}).itertuples()
    assert (row.n, row.n_missing, row.kano_class, row.is_clear) == (100, 1, "M", True)
    assert [getattr(row, f"n_{name}") for name in CLASSES] == [50, 20, 10, 20, 0, 0]
    assert (row.better, row.worse) == (0.3, -0.7)
    assert row.better_low < 0.3 < row.better_high
    assert row.worse_low < -0.7 < row.worse_high
    assert (row.category_strength, row.total_strength) == (0.3, 0.8)


def test_a_tie_goes_to_the_first_of_the_list_and_is_not_clear() -> None:
    [row] = kano(pairs(I=10, A=10, M=10), {"lift": ("with", "without")}).itertuples()
    assert (row.kano_class, row.is_clear) == ("M", False)


def test_answers_off_the_list_are_refused_without_being_quoted() -> None:
    with pytest.raises(AnalysisError) as error:
        kano(pairs(M=2).replace({5.0: 7.0}), {"lift": ("with", "without")})
    assert str(error.value) == (
        "kano: without: 2 of 2 answers are none of 1 (like), 2 (expect), 3 (neutral), 4 (can live with), 5 (dislike). "
        "Recode the question."
    )
    with pytest.raises(AnalysisError) as error:
        kano(pairs(M=2), {"lift": ("with", "witout")})
    assert str(error.value) == "kano: unknown column 'witout'. Did you mean 'without'? Known: with, without."


def test_nobody_asked_is_no_class() -> None:
    [row] = kano(pairs(M=1).iloc[:0], {"lift": ("with", "without")}).itertuples()
    assert (row.n, row.kano_class) == (0, "")

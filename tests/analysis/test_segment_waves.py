"""Letters from one period to the next, and who moved."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.segment_waves import matched, migration_table, overlaps


def wave(letters: str, prefix: str = "c") -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"{prefix}{i}" for i in range(len(letters))], "segment": list(letters)})


def test_the_same_segments_get_their_letters_back() -> None:
    before, now = wave("AAAABBBBCC"), wave("CCCAAAABBB")
    assert matched(now, before) == {"A": "B", "B": "C", "C": "A"}


def test_no_other_assignment_overlaps_more() -> None:
    rng = np.random.default_rng(1)
    before, now = (wave("".join(rng.choice(list("ABCD"), 60))) for _ in range(2))
    alike = overlaps(now, before)
    found = matched(now, before)
    best = max(sum(alike.loc[a, b] for a, b in zip("ABCD", order, strict=True)) for order in permutations("ABCD"))
    assert sum(alike.loc[a, b] for a, b in found.items()) == pytest.approx(best)


def test_a_new_segment_gets_a_letter_that_was_not_used() -> None:
    before, now = wave("AAAABBBB"), wave("BBBBAACC")
    assert matched(now, before) == {"B": "A", "A": "B", "C": "C"}
    assert matched(now, wave("AAAADDDD"))["C"] == "B"  # D was used, B is the next free
    assert matched(wave("AABB"), wave("XXYY", prefix="d")) == {"A": "A", "B": "B"}


def test_overlap_is_among_customers_of_both_periods() -> None:
    before = pd.concat([wave("AAB"), wave("AAAA", prefix="gone")])
    assert overlaps(wave("AAB"), before).loc["A", "A"] == 1


def test_migration_counts_row_by_row() -> None:
    moved = migration_table(wave("AABBB"), wave("AAABB")).set_index(["segment_before", "segment"])
    assert moved["n"].to_dict() == {("A", "A"): 3, ("A", "B"): 3, ("B", "A"): 2, ("B", "B"): 2}
    assert moved["share"].to_dict() == pytest.approx(
        {("A", "A"): 2 / 3, ("A", "B"): 1 / 3, ("B", "A"): 0, ("B", "B"): 1}
    )
    assert migration_table(wave("AA"), wave("BB", prefix="d")).empty

"""Where a place's drivers differ, as the page says it."""

import pandas as pd
import pytest

from cxinsights.display.blocks import Nothing
from cxinsights.display.drivers import table_contrasts
from tests.display.results import drivers, ratings

LABELS = {"r0_rating": "Waiting time", "r1_rating": "Staff"}


def contrasts(**differences: tuple[str, float, float]) -> pd.DataFrame:
    """Rows by driver: what it is set against, the difference, and its adjusted p-value."""
    rows = [
        {"against": against, "driver": f"{name}_rating", "n": 600, "n_compare": 900, "coefficient": 5.0 + difference,
         "other": 5.0, "difference": difference, "diff_low": difference - 1, "diff_high": difference + 1,
         "p_value": p / 2, "is_clear": p < 0.05}
        for name, (against, difference, p) in differences.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        (
            {"r0": ("rest", 4.0, 0.001), "r1": ("rest", 0.5, 0.6)},
            "Waiting time goes more closely with NPS than in the rest of Corner Shops",
        ),
        (
            {"r0": ("previous", -4.0, 0.001), "r1": ("previous", -5.0, 0.001)},
            "Waiting time and staff go less closely with NPS than in the period before",
        ),
        ({"r0": ("rest", 4.0, 0.06)}, "No driver clearly differs from elsewhere, or from before"),
    ],
)
def test_only_what_is_clear_after_adjusting_is_said(rows: dict, title: str) -> None:
    result = drivers(ratings([1, 0.5]), LABELS, contrasts=contrasts(**rows))
    table = table_contrasts(result)
    assert table.title == title
    assert table.note.startswith("900\u00a0answers from")


def test_a_row_per_driver_with_both_comparisons() -> None:
    both = pd.concat([contrasts(r0=("rest", 4.0, 0.001)), contrasts(r0=("previous", -1.0, 0.5))], ignore_index=True)
    table = table_contrasts(drivers(ratings([1, 0.5]), LABELS, contrasts=both))
    assert [column.name for column in table.columns] == [
        "Driver", "Against the rest of Corner Shops", "Verdict", "Against the period before", "Verdict",
    ]  # fmt: skip
    [row] = [[cell.replace("\u00a0", " ") for cell in row] for row in table.rows]
    assert row == ["Waiting time", "+4.0 (+3.0 to +5.0)", "clear", "−1.0 (−2.0 to 0.0)", "not clear"]


def test_nothing_to_compare_with_is_nothing() -> None:
    assert isinstance(table_contrasts(drivers(ratings([1, 0.5]), LABELS)), Nothing)
    assert isinstance(table_contrasts(drivers(ratings([1, 0.5], n=60), LABELS, contrasts=contrasts())), Nothing)

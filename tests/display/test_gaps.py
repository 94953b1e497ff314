"""Gaps on the page: what is fallen short of, by how much, and who says so."""

import numpy as np
import pandas as pd

from cxinsights.display.blocks import Nothing
from cxinsights.display.drivers import table_gaps
from tests.display.results import drivers, ratings

LABELS = {"r0_rating": "Waiting time", "r1_rating": "Staff"}


def answers(n: int = 600) -> pd.DataFrame:
    frame = ratings([1, 0.5], n=n, levels=[4, 6])
    return frame.assign(hoped=np.clip(frame["r0_rating"] + 2, 1, 10), wished=np.clip(frame["r1_rating"] + 0.5, 1, 10))


def level(metric: str, against: str, value: float) -> dict[str, object]:
    return {"metric": metric, "against": against, "value": value, "source": f"{against.title()} maker",
            "date": "2025-12-15", "base": "all"}  # fmt: skip


def test_what_customers_expect_comes_first() -> None:
    result = drivers(answers(), LABELS, expectations={"r0_rating": "hoped", "r1_rating": "wished"},
                     levels=pd.DataFrame([level("r1_rating", "target", 5.0)]))  # fmt: skip
    table = table_gaps(result)
    assert table.title == "Waiting time falls furthest short of what customers expect"
    assert [column.name for column in table.columns] == [
        "Touch-point", "Against", "Experienced", "Gap (95% interval)", "Verdict", "Answers",
    ]  # fmt: skip
    assert [row[0] for row in table.rows] == ["Waiting time", "Staff", "Staff"]
    waiting, _, aimed = table.rows
    gap = result.gaps.set_index(["touchpoint", "against"])["gap"]
    assert waiting[1].startswith("expectation ")
    assert waiting[3].startswith(f"−{abs(gap['r0_rating', 'expectation']):.1f}\u00a0(−")
    assert aimed[1] == "target 5.0"
    assert aimed[3].startswith(f"+{gap['r1_rating', 'target']:.1f}\u00a0(+")
    assert [row[4] for row in table.rows] == ["short", "short", "above"]
    assert table.note == (
        "The gap to what customers expect is the difference of the means of all who answered each; a difference of two "
        "ratings is less reliable than either. Target: Target maker (2025-12-15; all). Targets and "
        "benchmarks are taken as exact. Verdicts: at 5%, all touch-points of a kind together "
        "(Benjamini–Hochberg)."
    )


def test_one_that_falls_short_is_not_the_furthest() -> None:
    levels = pd.DataFrame([level("r0_rating", "benchmark", 5.0), level("r1_rating", "benchmark", 5.0)])
    table = table_gaps(drivers(answers(), LABELS, levels=levels))
    assert table.title == "Waiting time falls short of the benchmark"
    assert [row[-2] for row in table.rows] == ["short", "above"]


def test_a_gap_within_chance_has_no_verdict() -> None:
    mean = round(answers()["r1_rating"].mean(), 2)
    table = table_gaps(drivers(answers(), LABELS, levels=pd.DataFrame([level("r1_rating", "target", mean)])))
    assert table.rows[0][-2] == "cannot tell"


def test_nothing_short_is_said_of_all_that_it_is_held_against() -> None:
    levels = pd.DataFrame([level("r0_rating", "target", 3.0), level("r1_rating", "benchmark", 5.0)])
    table = table_gaps(drivers(answers(), LABELS, levels=levels))
    assert table.title == "No rating falls clearly short of its target and the benchmark"


def test_a_unit_too_small_for_drivers_has_its_gaps_and_one_too_small_to_show_has_none() -> None:
    asked = {"expectations": {"r0_rating": "hoped"}}
    assert len(table_gaps(drivers(answers(60), LABELS, **asked)).rows) == 1
    assert isinstance(table_gaps(drivers(answers(60), LABELS, hidden=True, **asked)), Nothing)
    assert isinstance(table_gaps(drivers(answers(), LABELS)), Nothing)

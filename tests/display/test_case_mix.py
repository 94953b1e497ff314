"""Adjusted scores on the page stand beside those as answered."""

import pandas as pd

from cxinsights.display.blocks import Nothing
from cxinsights.display.scorecard import table_case_mix
from cxinsights.privacy import Guarded
from tests.display.results import answered, scorecard, study, together

COLUMNS = {"age_group": {"label": "Age", "type": "category"}}


def card(old: tuple[float, float], sizes: dict[str, tuple[int, int]], **of) -> Guarded:
    """Old customers answer as given, young ones as usual; how many of each a unit has."""
    frame: list[pd.DataFrame] = []
    for unit, (n_old, n_young) in sizes.items():
        frame += [
            answered(old, n_old, unit=unit, age_group="old"),
            answered((0.3, 0.4), n_young, unit=unit, age_group="young"),
        ]
    return scorecard(together(frame), study(columns=COLUMNS, scores={"case_mix": ["age_group"]}, **of))


def test_what_the_mix_explains_is_taken_out() -> None:
    """North has three old in four, who are content; by age, both units are alike."""
    table = table_case_mix(card((0.1, 0.6), {"north": (300, 100), "south": (100, 300)}))
    assert table.title == "Adjusted for age: NPS moves by 10 points at most"
    assert [column.name for column in table.columns] == [
        "Unit and measure", "Score (95% interval)", "Expected of its customers", "Adjusted (95% interval)", "Answers",
    ]  # fmt: skip
    rows = [[cell.replace("\u00a0", " ") for cell in row] for row in table.rows]
    assert [row[0] for row in rows] == [
        f"{unit}, {name}" for name in ("NPS", "CSAT", "CES") for unit in ("North", "South")
    ]
    assert rows[0][1:3] == ["40 (33 to 47)", "40.0"]
    assert [row[3].split(" ")[0] for row in rows[:2]] == ["30", "30"]
    assert "the company’s (NPS 30, CSAT 80% and CES 5.6)" in table.note
    assert table.subtitle == "As answered, and if customers were mixed as the whole company’s are by age"


def test_where_nothing_moves_that_is_said() -> None:
    table = table_case_mix(card((0.1, 0.6), {"north": (200, 200), "south": (200, 200)}))
    assert table.title == "Adjusted for age: NPS hardly moves"


def test_without_covariates_there_is_no_table() -> None:
    frame = together([answered((0.3, 0.4), 100, unit=unit) for unit in ("north", "south")])
    assert isinstance(table_case_mix(scorecard(frame, study())), Nothing)

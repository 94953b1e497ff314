"""Where to look first: units that got worse, whatever region they belong to, with the ratings that fell with them."""

import pandas as pd
import pytest

from cxinsights.display.blocks import Nothing
from cxinsights.display.numbers import text_without_fixed_spaces as plain
from cxinsights.display.scorecard import headline_scorecard, list_falls, tally_parts
from cxinsights.params import Study
from cxinsights.privacy import Guarded
from tests.display.results import moved, regions, scorecard, together

SAME, LOW, LOWER, HIGH = (0.2, 0.4), (0.5, 0.2), (0.7, 0.1), (0.05, 0.7)
NOTE = "Change on a year earlier, with 95% interval. Timing alone is not proof of cause."


def company(falls: dict[str, tuple], n_regions: int = 2, n_units: int = 2) -> tuple[pd.DataFrame, Study]:
    """Regions r0, r1, … with units u0, u1, …; those named fell or rose to these shares, the others stayed."""
    of = regions(n_regions, n_units)
    places = [(region, unit) for region, one in of.regions.items() for unit in one.units]
    parts = [moved(u, SAME, falls.get(f"{r}/{u}", SAME), region=r) for r, u in places]
    frame = together(*parts)
    return frame.assign(help_rating=7.0 + (frame.index % 3), wait_rating=5.0 + (frame.index % 4)), of


def lower(frame: pd.DataFrame, unit: str, **by: float) -> pd.DataFrame:
    """Ratings of r0's unit in the latest period, lower by so much."""
    here = (frame["region"] == "r0") & (frame["unit"] == unit) & (frame["period"] == "2026Q3")
    return frame.assign(**{name: frame[name] - points * here for name, points in by.items()})


def told(result: Guarded) -> list[tuple[str, str]]:
    return [(entry.report, entry.headline) for entry in list_falls(result).entries]


def test_the_company_names_the_unit_that_fell_and_the_ratings_that_fell_with_it() -> None:
    frame, of = company({"r0/u1": LOW})
    result = scorecard(lower(frame, "u1", wait_rating=1.5, help_rating=0.6), of)
    assert headline_scorecard(result).title.startswith("Unit 0.1 in Region 0 fell")
    (place, text), entries = told(result)[0], list_falls(result).entries
    assert (len(entries), place) == (1, "Unit 0.1, Region 0")
    assert entries[0].link == "../../../r0/u1/brief/index.html"
    moves, _, ratings = text.partition(" Ratings that fell meanwhile: ")
    assert plain(moves).startswith("NPS −30, −50 (−")
    assert [part.split(" −")[0] for part in ratings.split(" and ")] == ["wait", "help"]
    assert "wait −1.5 (−1.7 to −1.3)" in plain(ratings)
    assert list_falls(result).note == NOTE


def test_a_region_names_it_without_the_region() -> None:
    frame, of = company({"r0/u1": LOW})
    region = scorecard(lower(frame, "u1", wait_rating=1.5), of, region="r0")
    assert told(region)[0][0] == "Unit 0.1"
    assert "Ratings that fell meanwhile: wait −1.5" in told(region)[0][1]
    assert list_falls(region).entries[0].link == "../../u1/brief/index.html"
    other = scorecard(lower(frame, "u1", wait_rating=1.5), of, region="r1")
    assert isinstance(list_falls(other), Nothing)
    assert not len(other.ratings)


def test_the_tally_counts_units_wherever_one_moved_and_regions_where_none_did() -> None:
    frame, of = company({"r0/u1": LOW, "r1/u0": HIGH}, n_units=3)
    rows = {row.state: row.names for row in tally_parts(scorecard(frame, of)).rows}
    assert (rows["worse"], rows["better"]) == (["Unit 0.1 in Region 0"], ["Unit 1.0 in Region 1"])
    assert sum(map(len, rows.values())) == 6
    frame, of = company({})
    (row,) = tally_parts(scorecard(frame, of)).rows
    assert row.names == ["Region 0", "Region 1"]


def test_the_gravest_stands_first_and_the_number_left_out_is_told() -> None:
    falls = {f"r0/u{i}": LOW for i in range(6)} | {"r1/u3": LOWER}
    frame, of = company(falls, n_units=6)
    block = list_falls(scorecard(frame, of))
    assert [entry.report for entry in block.entries][:2] == ["Unit 1.3, Region 1", "Unit 0.0, Region 0"]
    assert len(block.entries) == 5
    assert block.note == f"The first 5 of 7 that got worse. {NOTE}"


def test_what_rose_or_stayed_is_no_place_to_look_first() -> None:
    frame, of = company({"r0/u1": HIGH})
    assert isinstance(list_falls(scorecard(frame, of)), Nothing)
    assert isinstance(list_falls(scorecard(frame, of, region="r0", unit="u1")), Nothing)


def test_a_fall_without_ratings_is_told_alone() -> None:
    frame, of = company({"r0/u1": LOW})
    unrated = frame.drop(columns=["help_rating", "wait_rating"])
    for result in (scorecard(unrated, of), scorecard(frame, of)):  # none known; none fell
        assert told(result)[0][1].endswith(").")
        assert "Ratings" not in told(result)[0][1]


def test_ratings_of_another_survey_are_not_told() -> None:
    frame, of = company({"r0/u1": LOW})
    both = pd.concat([frame, lower(frame, "u1", wait_rating=1.5).assign(survey="transactional")], ignore_index=True)
    assert "Ratings" not in told(scorecard(both, of, rated_in="transactional"))[0][1]


@pytest.mark.parametrize("few", [3, 9])
def test_a_rating_that_the_plan_hides_is_not_told(few: int) -> None:
    """Where so few of a unit were asked that its mean is not shown, one other unit's is not either."""
    frame, of = company({"r0/u1": LOW})
    frame = lower(frame, "u1", wait_rating=1.5)
    now = frame["period"] == "2026Q3"
    small = now & (frame["region"] == "r0") & (frame["unit"] == "u0")
    kept = small & (small.groupby(small).cumcount() >= few)
    part = frame.assign(wait_rating=frame["wait_rating"].mask(kept))
    assert "wait −1.5" in told(scorecard(frame, of))[0][1]
    assert "wait" not in told(scorecard(part, of))[0][1]
    assert "wait_rating" not in set(scorecard(part, of).ratings.get("driver", []))


def test_where_less_is_better_the_largest_rise_is_the_gravest() -> None:
    low = {"ces": {"min": 1, "max": 7, "top_box_from": 5, "better": "low"}}
    frame, of = company({"r0/u0": HIGH, "r0/u1": (0.1, 0.6), "r1/u0": LOW})
    of = of.model_copy(update={"scores": of.scores.model_validate(low)})
    result = scorecard(frame.drop(columns=["nps_answer", "csat_score"]), of)
    entries = list_falls(result).entries
    assert [entry.report for entry in entries] == ["Unit 0.0, Region 0", "Unit 0.1, Region 0"]
    assert [plain(entry.headline).split(", ")[1][0] for entry in entries] == ["+", "+"]

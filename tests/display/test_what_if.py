"""What-if on the page: sentence, table, and what the sliders' script is given."""

import json

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from cxinsights.analysis.what_if import LinearModel, read
from cxinsights.display.blocks import Nothing
from cxinsights.display.drivers import table_dominance, table_penalties, what_if
from cxinsights.display.sliders import script, script_hash
from cxinsights.privacy import Guarded
from tests.display.results import drivers, ratings, study

LABELS = {"r0_rating": "Waiting time", "r1_rating": "Staff", "r2_rating": "AirTrain", "r3_rating": "Opening hours"}


@pytest.fixture(scope="module")
def four() -> Guarded:
    return drivers(ratings([1, 0.5, 0.2, 0], levels=[4, 6, 7, 8]), LABELS)


def soup(result: Guarded) -> BeautifulSoup:
    return BeautifulSoup(what_if(result).as_html(), "html.parser")


def test_the_title_is_the_smallest_rise_that_goes_with_the_aim(four) -> None:
    needed = four.what_if.set_index("driver").loc["r0_rating", "needed"]
    assert what_if(four).title == f"Waiting time rated {needed:.1f} points higher goes with 5 points more of NPS"


def test_costs_are_named_with_the_cheapest_way() -> None:
    costs = {"r0_rating": 50.0, "r1_rating": 1.0}
    result = drivers(ratings([1, 0.5, 0.2, 0], levels=[4, 6, 7, 8]), LABELS, costs=costs)
    one = result.combination.iloc[0]
    assert what_if(result).title == f"Least cost that goes with 5 points more of NPS: staff +{one.points:.1f}"


def test_out_of_reach_is_said() -> None:
    result = drivers(ratings([1, 0.5], levels=[4, 6]), LABELS, aim=500)
    one = result.combination.iloc[0]
    most = f"{one.change:.0f} ({one.change_low:.0f} to {one.change_high:.0f}) points more of NPS"
    title = what_if(result).title.replace("\u00a0", " ")
    assert title == f"Both drivers that clearly go with it, at the level to reach: {most}"
    chance = drivers(ratings([0, 0]), LABELS)
    assert what_if(chance).title == "No rise within reach goes with 5 points more of NPS"
    assert {row[-1] for row in what_if(result).rows} == {"more than there is room for"}


def test_where_only_some_have_a_cost_the_title_is_of_these() -> None:
    result = drivers(ratings([1, 0.5], levels=[4, 6]), LABELS, aim=500, costs={"r1_rating": 2.0})
    assert what_if(result).title.startswith(
        "The one driver with a cost that clearly goes with it, at the level to reach: "
    )


def test_a_little_room_is_shown_with_the_decimals_it_takes() -> None:
    frame = ratings([1, 0.5], levels=[4, 6])
    best = pd.DataFrame({"driver": ["r0_rating"], "best": [frame["r0_rating"].mean() + 0.04]})
    row = next(row for row in what_if(drivers(frame, LABELS, best=best)).rows if row[0] == "Waiting time")
    mean = frame["r0_rating"].mean()
    assert row[1] == f"{mean:.2f} to {mean + 0.04:.2f}"
    assert row[2].startswith("+1")


def test_it_says_which_drivers_have_sliders() -> None:
    result = drivers(ratings([1, 0.9, 0.8, 0.7, 0.6], levels=[4, 5, 4, 5, 4]))
    assert len(soup(result).select("input")) == 4
    assert what_if(result).how.endswith(
        "There are sliders for the four most important drivers that clearly go with it; the table has all."
    )


def test_every_driver_has_its_row(four) -> None:
    for row, one in zip(what_if(four).rows, four.what_if.itertuples(), strict=True):
        assert row[0] == LABELS[one.driver]
        assert row[1] == f"{one.performance:.1f} to 10.0"
        assert row[2].startswith(f"{one.change:+.0f}".replace("-", "−"))
    assert {row[0]: row[-1] for row in what_if(four).rows}["Opening hours"] == "not clear that any would"
    assert "The level to reach is the end of the scale" in what_if(four).caption


def test_the_script_is_given_what_python_would_say(four) -> None:
    [panel] = soup(four).select(".whatif")
    model = json.loads(panel["data-model"])
    sliders = panel.select("input")
    frame = four.what_if.set_index("driver")
    shown = [slider["id"].removeprefix("what-if-") for slider in sliders]
    assert shown[0] == "r0_rating"
    assert model["rooms"] == frame.loc[shown, "room"].tolist()  # the last step is the level that the table goes to
    assert [int(slider["max"]) for slider in sliders] == [round(room / 0.1) for room in model["rooms"]]
    assert {slider["step"] for slider in sliders} == {"1"}
    points = np.array([0.5 * at for at in range(len(shown))])
    found = read(LinearModel(np.array(model["effects"]), np.array(model["covariance"]), np.ones(len(shown))), points)
    effect = frame.loc[shown, "change"] / frame.loc[shown, "room"]
    own = four.coefficients.set_index("driver").loc[shown, "coefficient"]
    assert effect.tolist() == pytest.approx(own.tolist())
    assert found.change == pytest.approx(float(points @ own))
    assert found.high > found.change > found.low


def test_the_sliders_begin_where_the_title_says(four) -> None:
    needed = four.what_if.set_index("driver")["needed"].astype(float)
    starts = {slider["name"]: int(slider["value"]) for slider in soup(four).select(".whatif input")}
    named = needed.idxmin()
    assert what_if(four).title.startswith(f"{LABELS[named]} rated {needed[named]:.1f} points higher")
    assert starts == {name: round(needed[named] / 0.1) if name == named else 0 for name in starts}


def test_only_what_surely_goes_with_more_has_a_slider(four) -> None:
    surely = four.what_if[four.what_if["surely"]]["driver"].tolist()
    shown = [slider["id"].removeprefix("what-if-") for slider in soup(four).select("input")]
    assert shown == surely  # both most important first
    assert "r3_rating" not in shown


@pytest.mark.parametrize("model", ["ordered", "top_box"])
def test_other_models_have_the_table_and_no_sliders(model: str) -> None:
    result = drivers(ratings([1, 0.5], levels=[4, 6]), LABELS, model=model, top_box_from=9)
    assert not soup(result).select("input, script")
    assert len(what_if(result).rows) == 2
    aim = "5 points more in the share of promoters" if model == "top_box" else "5 points more of NPS"
    assert what_if(result).title.endswith(f"goes with {aim}")


def test_a_notebook_shows_it_too(four) -> None:
    shown = what_if(four)._repr_mimebundle_()
    assert script() in shown["text/html"]
    assert "<script" not in shown["text/markdown"]
    assert shown["text/plain"].startswith(f"### {what_if(four).title}")


def test_the_script_is_named_by_its_hash(four) -> None:
    """openssl dgst -sha256 -binary what_if.js | base64, less the file's last line end."""
    [held] = soup(four).select("script")
    assert held.string == script()
    assert script_hash(script()).startswith("'sha256-")
    assert "<" not in script().replace("<=", "").replace("< 0", "")


def test_without_a_regression_there_is_nothing() -> None:
    few = drivers(ratings([1, 0.5], n=60), LABELS)
    for part in (what_if, table_dominance, table_penalties):
        assert isinstance(part(few), Nothing)


def test_low_ratings_that_cost_more_are_named() -> None:
    frame = ratings([0, 0.3], n=3000, levels=[6, 6])
    low = frame["r0_rating"] <= 4
    frame["nps_answer"] = frame["nps_answer"].where(~low, (frame["nps_answer"] - 4).clip(lower=0))
    table = table_penalties(drivers(frame, LABELS))
    assert table.title == "Low ratings of waiting time weigh more than high ones"
    assert {row[0]: row[-1] for row in table.rows}["Waiting time"] == "low ratings weigh more"
    assert "Low: up to 4; high: from 9." in table.note


def test_what_each_driver_adds_is_its_part_on_average(four) -> None:
    table = table_dominance(four)
    assert [column.name for column in table.columns] == ["Driver", "Alone", "Beside 1", "Beside 2", "Beside all others"]
    first = [float(cell.rstrip("%")) for cell in table.rows[0][1:]]
    assert np.mean(first) == pytest.approx(100 * four.importance["r2_part"].iloc[0], abs=0.1)


def test_a_best_unit_sets_how_far_it_goes() -> None:
    frame = ratings([1, 0.5], levels=[4, 6])
    best = pd.DataFrame({"driver": ["r0_rating", "r1_rating"], "best": [frame["r0_rating"].mean() + 0.6, 0.0]})
    result = drivers(frame, LABELS, best=best)
    rows = {row[0]: row for row in what_if(result).rows}
    assert rows["Staff"][1:] == [f"{frame['r1_rating'].mean():.1f}, the best already", "–", "–"]
    assert len(soup(result).select("input")) == 1
    assert "The level to reach is the best unit’s mean rating" in what_if(result).caption


def test_where_nothing_may_be_shown_no_slider_says_it() -> None:
    of = study(privacy={"customer_min": 700})
    assert isinstance(what_if(drivers(ratings([1, 0.5]), LABELS, of=of)), Nothing)

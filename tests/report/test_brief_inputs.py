"""What a brief reads beside the other reports: its own survey's ratings, and actions tested as one family."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from cxinsights.data.manifest import MANIFEST
from cxinsights.params import BriefParams, Project
from cxinsights.report.inputs.brief import read_brief
from tests.display.results import study

UNITS = {f"u{at}": f"Unit {at}" for at in range(9)}
CHANGES = [9.0, 2.0, 1.0, -4.0, 3.0, 8.0, -6.0, 0.0, 5.0]
HEAD = "region,unit,action,owner,begun,due,status,measure\n"


def opened(folder: Path, *actions: str, ratings: pd.DataFrame | None = None, unit: str = "u0", **more):
    """A unit's brief over units that moved by `CHANGES` from the first quarter to the third."""
    register = folder / "params/shops/actions.csv"
    register.parent.mkdir(parents=True, exist_ok=True)
    register.write_text(HEAD + "".join(f"shops,{line}\n" for line in actions))
    of, project = study(UNITS, **more), Project(folder)
    project.tables(of.name).mkdir(parents=True, exist_ok=True)
    (project.tables(of.name) / MANIFEST).write_text('{"tables": {"responses": {}}}')
    rows = [
        ("unit", "shops", name, "_all", "relationship", metric, period, 30 + moved * (period == "2026Q3"))
        for name, moved in zip(UNITS, CHANGES, strict=True)
        for metric in ("nps", "csat")
        for period in ("2026Q1", "2026Q3")
    ]
    columns = ["level", "region", "unit", "site", "survey", "metric", "period", "score"]
    scores = pd.DataFrame(rows, columns=columns).assign(weighted=False, hidden=False, n=400, se=2.0)
    rated = pd.DataFrame(columns=["level", "region", "unit", "site", "survey", "driver", "hidden"])
    kept = SimpleNamespace(
        ratings=pd.DataFrame() if ratings is None else ratings, baseline=SimpleNamespace(scores=scores, rated=rated)
    )
    params = BriefParams(study="shops", period="2026Q3", region="shops", unit=unit)
    return SimpleNamespace(params=params, project=project, study=of, kept=kept)


def actions(*args, **more) -> pd.DataFrame:
    return read_brief(opened(*args, **more)).more["actions"]


def test_units_that_acted_are_not_compared_with_though_they_dropped_it_or_began_within_the_period(
    tmp_path: Path,
) -> None:
    own = "u0,A second till,Ana,2026-06-01,,open,nps"
    [alone] = actions(tmp_path, own).to_dict("records")
    assert (alone["n_units"], alone["change_compare"]) == (8, pytest.approx(np.mean(CHANGES[1:]), abs=0.2))
    others = ("u5,A second till,Ben,2026-05-01,,dropped,nps", "u8,A second till,Cem,2026-08-15,,open,nps",
              "u7,Another score,Dia,2026-05-01,,open,csat", "u6,Next quarter,Eva,2026-10-05,,open,nps")  # fmt: skip
    [found] = actions(tmp_path, own, *others).to_dict("records")
    assert (found["n_units"], found["change"]) == (6, 9.0)
    assert found["change_compare"] < alone["change_compare"]  # the two that rose by eight and five are out


@pytest.mark.parametrize(
    ("begun", "told"),
    [
        ("2026-10-01", "it began after this period"),
        ("2026-09-30", "it began in this period, which is too early"),
        ("2026-07-01", "it began in this period, which is too early"),
        ("2026-03-31", "no period before it to compare with"),
        ("", "it has not begun"),
    ],
)
def test_why_an_action_is_not_tested(tmp_path: Path, begun: str, told: str) -> None:
    [found] = actions(tmp_path, f"u0,A second till,Ana,{begun},,open,nps").to_dict("records")
    assert (found["untested"], found["n"]) == (told, 0)


def test_all_actions_on_a_score_are_one_family_of_tests(tmp_path: Path) -> None:
    lines = [f"{unit},Till,Ana,2026-06-01,,open,nps" for unit in ("u0", "u6")]
    lines += ["u0,Calls,Ana,2026-06-01,,open,csat"]
    found = {unit: actions(tmp_path, *lines, unit=unit).set_index("action") for unit in ("u0", "u6")}
    p = [found[unit].loc["Till", "p_value"] for unit in ("u0", "u6")]
    assert [found[unit].loc["Till", "p_adjusted"] for unit in ("u0", "u6")] == pytest.approx(
        multipletests(p, method="fdr_bh")[1]
    )
    assert found["u0"].loc["Calls", "p_adjusted"] == found["u0"].loc["Calls", "p_value"]
    assert found["u0"]["n_comparisons"].tolist() == [2, 1]


def test_open_actions_come_first_by_their_day_and_dropped_ones_not_at_all(tmp_path: Path) -> None:
    lines = ("u0,Done,A,,2026-01-01,done,nps", "u0,Some day,A,,,open,nps", "u0,Soon,A,,2026-12-01,open,nps",
             "u0,Dropped,A,,,dropped,nps", "u1,Another's,A,,,open,nps")  # fmt: skip
    assert actions(tmp_path, *lines)["action"].tolist() == ["Soon", "Some day", "Done"]
    assert not len(actions(tmp_path, *lines, unit="u8"))


def test_ratings_are_those_of_the_briefs_own_survey(tmp_path: Path) -> None:
    both = pd.DataFrame(
        {"region": "shops", "unit": "u0", "survey": ["relationship", "transactional"], "against": "rest",
         "driver": ["wait_rating", "help_rating"], "difference": -1.0}
    )  # fmt: skip
    assert read_brief(opened(tmp_path, ratings=both)).frame["driver"].tolist() == ["wait_rating"]


def test_measures_of_which_less_is_better_are_named(tmp_path: Path) -> None:
    low = {"ces": {"min": 1, "max": 5, "top_box_from": 4, "better": "low"}}
    assert read_brief(opened(tmp_path)).more["low_is_better"] == []
    assert read_brief(opened(tmp_path, scores=low)).more["low_is_better"] == ["ces"]

"""The period's plan: what is hidden beyond small bases, so that two pages give no more away than one."""

from collections import Counter
from functools import cache

import numpy as np
import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from cxinsights.analysis.baseline import Baseline, fit_baseline
from cxinsights.params import ALL, PrivacyRules, ScoreRules
from cxinsights.privacy import is_hidden, protect

NOW, THEN = "2026Q3", "2025Q3"
FEWEST = 10
Sizes = dict[tuple, int]


def planned(now: Sizes, then: Sizes | None = None, rules: PrivacyRules | None = None) -> Baseline:
    """The plan for so many answers per (region, unit) or (region, unit, age group)."""
    rows = []
    for period, sizes in ((THEN, then or {}), (NOW, now)):
        for (region, unit, *age), n in sizes.items():
            age_group = age[0] if age else "all"
            rows += [(region, unit, age_group, period, "relationship", (7 * at + len(rows)) % 11) for at in range(n)]
    columns = ["region", "unit", "age_group", "period", "survey", "nps_answer"]
    answers = pd.DataFrame(rows, columns=columns)
    periods = [THEN, NOW] if then else [NOW]
    compare = {"year_ago": THEN} if then else {}
    baseline = fit_baseline(answers, ScoreRules(segments=["age_group"]), periods, compare)
    return protect(baseline, rules or PrivacyRules())


def marked(frame: pd.DataFrame, level: str, **where: str) -> dict[str, bool]:
    rows = frame[(frame["level"] == level) & (frame[list(where)] == list(where.values())).all(axis=1)]
    return dict(zip(rows[level], rows["hidden"], strict=True))


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows whose figures some page shows."""
    return frame[(frame["n"] >= FEWEST) & ~frame["hidden"]]


def follows(sums: list[np.ndarray], wanted: np.ndarray) -> bool:
    """Whether a sum is a combination of known ones."""
    matrix = np.array(sums, dtype=float).reshape(len(sums), len(wanted))
    return bool(np.linalg.matrix_rank(np.vstack([matrix, wanted])) == np.linalg.matrix_rank(matrix))


def given_away(baseline: Baseline, cells: Sizes) -> list[tuple]:
    """Nodes and groups under the threshold that follow by addition and subtraction from all that is shown.

    `cells` are the answers per region, unit and age group (None: not said); everything shown is a sum of cells.
    """
    keys = list(cells)

    def of(row: pd.Series, group: str | None = None) -> np.ndarray:
        places = zip(("region", "unit"), (0, 1), strict=True)
        fixed = [(at, row[name]) for name, at in places if row[name] != ALL]
        return np.array([
            all(key[at] == value for at, value in fixed) and (group is None or key[2] == group) for key in keys
        ])  # fmt: skip

    def sums(frame: pd.DataFrame) -> list[tuple[pd.Series, np.ndarray]]:
        return [(row, of(row, row.get("group"))) for _, row in frame.iterrows()]

    scores = baseline.scores[baseline.scores["period"] == NOW]
    told = [vector for frame in (scores, baseline.segments) for _, vector in sums(shown(frame))]
    told += [np.array([key == empty for key in keys]) for empty in keys if cells[empty] == 0]
    small = [(row, vector) for frame in (scores, baseline.segments) for row, vector in sums(frame)]
    small = [(row, vector) for row, vector in small if 0 < row["n"] < FEWEST]
    return [(row["region"], row["unit"], row.get("group")) for row, vector in small if follows(told, vector)]


def test_the_smallest_sibling_is_hidden_beside_a_small_unit_and_no_more() -> None:
    plan = planned({("r", "a"): 5, ("r", "b"): 40, ("r", "c"): 60})
    assert marked(plan.scores, "unit") == {"a": False, "b": True, "c": False}  # a is hidden for being small
    assert not plan.scores.loc[plan.scores["level"] == "company", "hidden"].any()


def test_nothing_is_hidden_where_nothing_is_small() -> None:
    plan = planned({("r", "a"): 10, ("r", "b"): 40}, {("r", "a"): 30, ("r", "b"): 0})
    for frame in (plan.scores, plan.changes, plan.rests, plan.segments):
        assert not frame["hidden"].any()


def test_differences_and_groups_of_a_hidden_unit_are_hidden_too() -> None:
    now = {("r", "a", None): 5, ("r", "b", "old"): 40, ("r", "b", "young"): 40, ("r", "c", "old"): 90}
    plan = planned(now, {("r", "a"): 50, ("r", "b"): 60, ("r", "c"): 70})
    assert marked(plan.scores, "unit", period=NOW) == {"a": False, "b": True, "c": False}
    assert marked(plan.changes, "unit") == {"a": False, "b": True, "c": False}
    assert marked(plan.rests, "unit") == {"a": False, "b": True, "c": False}
    assert marked(plan.segments, "unit", group="young") == {"b": True}
    assert plan.segments.loc[plan.segments["unit"] == "b", "hidden"].all()


def test_a_change_is_hidden_where_its_earlier_score_was_hidden() -> None:
    plan = planned({("r", "a"): 80, ("r", "b"): 90, ("r", "c"): 100}, {("r", "a"): 50, ("r", "b"): 5, ("r", "c"): 90})
    assert marked(plan.scores, "unit", period=THEN) == {"a": True, "b": False, "c": False}
    assert not any(marked(plan.scores, "unit", period=NOW).values())
    hidden = marked(plan.changes, "unit")
    assert (hidden["a"], hidden["c"]) == (True, False)  # from b's five answers no change is computed


def test_a_change_from_a_score_under_the_threshold_is_hidden() -> None:
    """Today's score less the change is the earlier score, whose 40 answers are fewer than this study shows."""
    now, then = {("r", "a"): 100, ("r", "b"): 100}, {("r", "a"): 40, ("r", "b"): 100}
    changes = planned(now, then, PrivacyRules(customer_min=50)).changes.set_index("unit")
    assert changes.loc["a", "n_compare"] == 40
    assert pd.isna(changes.loc["a", "change"]) or changes.loc["a", "hidden"]


def test_an_empty_unit_and_another_survey_hide_nothing() -> None:
    one, other = planned({("r", "a"): 5, ("r", "b"): 40, ("r", "c"): 60}), planned({("r", "a"): 50, ("r", "b"): 40})
    two = pd.concat([one.scores, other.scores.assign(survey="mystery")], ignore_index=True).drop(columns="hidden")
    two = protect(
        Baseline(
            NOW,
            two,
            one.changes,
            one.rests,
            one.segments,
            one.rated,
            pd.concat([one.bases, other.bases.assign(survey="mystery")]),
        ),
        PrivacyRules(),
    )
    assert marked(two.scores, "unit", survey="mystery") == {"a": False, "b": False}
    assert is_hidden(two, ("unit", "r", "b", ALL), "relationship", NOW)
    assert not is_hidden(two, ("unit", "r", "b", ALL), "mystery", NOW)
    assert not is_hidden(two, ("unit", "r", "b", ALL), "relationship", THEN)
    assert not is_hidden(two, ("unit", "r", "c", ALL), "relationship", NOW)
    assert not is_hidden(two, ("unit", "r", "nowhere", ALL), "relationship", NOW)


def test_planning_changes_no_baseline() -> None:
    plan = planned({("r", "a"): 5, ("r", "b"): 40}, {("r", "a"): 50, ("r", "b"): 60})
    frames = [frame.copy(deep=True) for frame in (plan.scores, plan.changes, plan.rests, plan.segments)]
    again = protect(plan, PrivacyRules(customer_min=45))
    for before, after in zip(frames, (plan.scores, plan.changes, plan.rests, plan.segments), strict=True):
        assert_frame_equal(before, after)
    assert list(again.scores) == list(plan.scores)


def test_a_small_region_cannot_be_had_from_the_units_of_another() -> None:
    """The company less a region less the units of the region hidden beside it would leave the small one."""
    cells = {("r1", "a"): 5, ("r2", "b"): 50, ("r2", "c"): 60, ("r3", "d"): 100, ("r3", "e"): 100}
    plan = planned(cells)
    seen = shown(plan.scores).set_index(["region", "unit"])
    total = (seen["score"] * seen["n"]).to_dict()
    units = [("r2", "b"), ("r2", "c"), ("r3", "d"), ("r3", "e")]
    assert not {(ALL, ALL), *units} <= set(total), (
        f"r1 has NPS {(total[ALL, ALL] - sum(total[unit] for unit in units)) / 5:.0f}"
    )


def test_a_difference_from_the_rest_is_hidden_where_both_together_are() -> None:
    """A unit and the rest of its region make up the region, which is hidden for the sake of r1."""
    plan = planned({("r1", "a"): 5, ("r2", "b"): 50, ("r2", "c"): 60, ("r2", "d"): 70, ("r3", "e"): 200})
    assert marked(plan.scores, "region") == {"r1": False, "r2": True, "r3": False}
    rests = plan.rests[plan.rests["region"] == "r2"]
    assert rests["hidden"].tolist() == [True] * len(rests) == [True] * 4


def test_a_group_cannot_be_had_through_a_total_of_one_row() -> None:
    """Only unit a has the young: the company's row for them is a's, and a less its young leaves one answer."""
    cells = {("r", "a", "old"): 1, ("r", "a", "young"): 12, ("r", "b", "old"): 30, ("r", "c", "all"): 40}
    assert given_away(planned(cells), cells) == []


def test_those_who_named_no_group_are_not_what_is_left() -> None:
    """A unit less all its groups leaves those who did not say: too few to be shown."""
    cells = {("r", "a", "old"): 60, ("r", "a", "young"): 40, ("r", "a", None): 5, ("r", "b", "old"): 50}
    plan = planned(cells)
    unit, groups = (frame[frame["unit"] == "a"] for frame in (shown(plan.scores), shown(plan.segments)))
    left = int(unit["n"].sum() - groups["n"].sum())
    assert unit.empty or len(groups) < 2, f"the score of {left} follows"


BASES = st.one_of(st.just(0), st.integers(1, 9), st.integers(10, 60))
"""Nobody, too few, enough."""


@st.composite
def companies(draw, ages: tuple[str, ...]) -> Sizes:
    cells = {(r, u, age): draw(BASES) for r in ("r1", "r2") for u in ("a", "b") for age in ages}
    cells[("r1", "a", ages[0])] = max(cells[("r1", "a", ages[0])], 12)
    return cells


SETTINGS = settings(max_examples=25, deadline=None, database=None, derandomize=True, phases=[Phase.generate])


@cache
def some_baseline() -> Baseline:
    return planned({("r", "a"): 10})


def of_bases(cells: Sizes) -> Baseline:
    """The plan where only the bases are known: what is hidden depends on nothing else."""
    like = some_baseline()
    wave = {"survey": "relationship", "metric": "nps", "site": ALL}
    nodes = [("company", ALL, ALL), ("region", "r1", ALL), ("region", "r2", ALL)]
    nodes += [("unit", region, unit) for region, unit in dict.fromkeys(key[:2] for key in cells)]
    scores, segments, bases = [], [], []
    for level, region, unit in nodes:
        mine = {key: n for key, n in cells.items() if region in (key[0], ALL) and unit in (key[1], ALL)}
        node = {"level": level, "region": region, "unit": unit, **wave}
        scores.append({**node, "period": NOW, "weighted": False, "question": "asked", "n": sum(mine.values())})
        for age in dict.fromkeys(key[2] for key, n in mine.items() if n):
            n = sum(n for key, n in mine.items() if key[2] == age)
            segments.append({**node, "segment": "age_group", "group": age, "n": n})
        bases.append({**node, "period": NOW, "segment": "", "group": "", "n": sum(mine.values())})
        bases += [{**one, "period": NOW} for one in segments if one["level"] == level and one["region"] == region
                  and one["unit"] == unit]  # fmt: skip
    frames = [
        pd.DataFrame(rows).reindex(columns=[name for name in frame if name != "hidden"])
        for rows, frame in ((scores, like.scores), (segments, like.segments))
    ]
    return protect(
        Baseline(
            NOW, frames[0], like.changes.iloc[:0], like.rests.iloc[:0], frames[1], like.rated, pd.DataFrame(bases)
        ),
        PrivacyRules(),
    )


@SETTINGS
@given(companies(("all",)))
def test_no_small_unit_or_region_follows_from_what_all_pages_show(cells: Sizes) -> None:
    assert given_away(of_bases(cells), cells) == []


@SETTINGS
@given(companies(("young", "old", "oldest")))
def test_no_small_group_follows_from_what_all_pages_show(cells: Sizes) -> None:
    assert given_away(of_bases(cells), cells) == []


def test_the_check_itself_notices_a_plan_that_hides_too_little() -> None:
    cells = {("r", "a", "all"): 5, ("r", "b", "all"): 40, ("r", "c", "all"): 60}
    plan = planned(cells)
    assert given_away(plan, cells) == []
    plan.scores["hidden"] = plan.segments["hidden"] = False
    assert Counter(given_away(plan, cells)) == {("r", "a", None): 1, ("r", "a", "all"): 1}


def test_a_later_look_back_shows_what_the_periods_own_plan_showed() -> None:
    """Last year's own report hid b for the sake of one young customer of a; this year's trend must not show b."""
    then = {("r", "a", "young"): 1, ("r", "a", "old"): 12, ("r", "b", "young"): 15, ("r", "c", "young"): 90}
    now = {("r", "a", "old"): 40, ("r", "b", "old"): 40, ("r", "c", "old"): 90}
    assert given_away_then(then, now) == set()


def given_away_then(then: Sizes, now: Sizes) -> set[tuple]:
    """Units that a period's own report hid and a later report's look back shows."""
    own = planned(then)
    later = planned(now, then)
    gone = {unit for unit, hidden in marked(own.scores, "unit").items() if hidden}
    back = later.scores[(later.scores["period"] == THEN) & (later.scores["level"] == "unit")]
    return gone & set(back.loc[~back["hidden"], "unit"])


def test_a_difference_from_the_other_groups_does_not_tell_those_who_named_none() -> None:
    """Of 100, five named no group: score less difference is the other group, and both with the total leave the five."""
    cells = {("r", "a", "old"): 50, ("r", "a", "young"): 45, ("r", "a", None): 5, ("r", "b", "old"): 50}
    plan = planned(cells)
    rows = plan.segments[(plan.segments["unit"] == "a") & ~plan.segments["hidden"]]
    withheld = ["difference", "diff_low", "diff_high", "p_value", "effect_size", "p_adjusted"]
    assert rows[withheld].isna().all(axis=None)

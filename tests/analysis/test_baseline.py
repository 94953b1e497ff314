"""The baseline: every figure equals its definition on the rows it names, and families are what is said."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from cxinsights.analysis.baseline import NODE, Baseline, fit_baseline
from cxinsights.analysis.comparisons import compare
from cxinsights.analysis.scores import METRICS, estimate, sample_of
from cxinsights.params import ALL, ScoreRules

PERIODS = ["2025Q3", "2026Q2", "2026Q3"]
EARLIER = {"previous": "2026Q2", "year_ago": "2025Q3"}
RULES = ScoreRules(segments=["age_group"])


def make_answers(regions: int = 2, seed: int = 4) -> pd.DataFrame:
    """Two regions of two units of three sites; relationship and transactional; ease asked from 2026 on."""
    rng = np.random.default_rng(seed)
    n = 3600 * regions
    frame = pd.DataFrame(
        {
            "response_id": [f"r{i}" for i in range(n)],
            "region": rng.choice(["east", "west"][:regions], n),
            "unit": rng.choice(["bank", "shop"], n),
            "site": rng.choice(["1", "2", "3"], n),
            "period": rng.choice(PERIODS, n),
            "survey": rng.choice(["relationship", "transactional"], n, p=[0.8, 0.2]),
            "customer_id": rng.integers(0, 5000, n).astype(str),
            "age_group": rng.choice(["old", "young"], n),
            "weight": rng.uniform(0.5, 2, n),
            "nps_answer": rng.integers(0, 11, n).astype(float),
            "csat_score": rng.integers(1, 6, n).astype(float),
            "ces_score": rng.integers(1, 8, n).astype(float),
        }
    )
    frame["site"] = frame["region"] + "-" + frame["unit"] + "-" + frame["site"]
    frame.loc[frame["period"] == "2025Q3", "ces_score"] = np.nan
    fallen = (frame["unit"] == "shop") & (frame["period"] == "2026Q3")
    frame.loc[fallen, "nps_answer"] = np.maximum(frame.loc[fallen, "nps_answer"] - 2, 0)
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_answers()


@pytest.fixture(scope="module")
def baseline(frame) -> Baseline:
    return fit_baseline(frame, RULES, PERIODS, EARLIER)


def sample(rows: pd.DataFrame, metric: str, weighted: bool = True):
    customers = pd.factorize(rows["customer_id"])[0]
    weights = rows["weight"].to_numpy() if weighted else None
    return sample_of(METRICS[metric].coded(rows[METRICS[metric].column], RULES), weights, customers)


def at(frame: pd.DataFrame, node: tuple[str, str, str, str]) -> pd.DataFrame:
    for column, value in zip(NODE[1:], node[1:], strict=True):
        frame = frame if value == ALL else frame[frame[column] == value]
    return frame


def one(table: pd.DataFrame, **where) -> pd.Series:
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


NODES = [
    ("company", ALL, ALL, ALL),
    ("region", "east", ALL, ALL),
    ("unit", "west", "shop", ALL),
    ("site", "west", "shop", "west-shop-2"),
]


def named(node: tuple[str, str, str, str]) -> dict[str, str]:
    return dict(zip(NODE, node, strict=True))


@pytest.mark.parametrize("node", NODES, ids=lambda n: n[0])
@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_a_score_is_the_estimate_of_its_own_rows(frame, baseline, node, metric) -> None:
    rows = at(frame, node)
    rows = rows[(rows["survey"] == "relationship") & (rows["period"] == "2026Q3")]
    expected = estimate(sample(rows, metric), METRICS[metric].kind)
    found = one(baseline.scores, **named(node), survey="relationship", metric=metric, period="2026Q3", weighted=True)
    for name in ("n", "n_missing", "score", "se", "ci_low", "ci_high", "n_effective"):
        assert found[name] == pytest.approx(getattr(expected, name)), name


@pytest.mark.parametrize("node", NODES, ids=lambda n: n[0])
@pytest.mark.parametrize("kind", EARLIER)
def test_a_change_is_the_comparison_of_two_periods(frame, baseline, node, kind) -> None:
    rows = at(frame, node)
    rows = rows[rows["survey"] == "relationship"].assign(
        code=lambda f: pd.factorize(f["customer_id"])[0]  # the same customer has the same number in both periods
    )
    now, then = (rows[rows["period"] == p] for p in ("2026Q3", EARLIER[kind]))
    a, b = (
        sample_of(METRICS["nps"].coded(r["nps_answer"], RULES), r["weight"].to_numpy(), r["code"].to_numpy())
        for r in (now, then)
    )
    expected = compare(a, b, "nps")
    found = one(baseline.changes, **named(node), survey="relationship", metric="nps", comparison=kind)
    assert (found["change"], found["se"], found["p_value"]) == pytest.approx(
        (expected.value, expected.se, expected.p_value)
    )
    assert (found["n"], found["n_compare"]) == (len(now), len(then))


def test_nothing_is_compared_with_a_total_that_holds_it(frame, baseline) -> None:
    rows = frame[(frame["survey"] == "relationship") & (frame["period"] == "2026Q3") & (frame["region"] == "west")]
    found = one(baseline.rests, **named(NODES[2]), survey="relationship", metric="csat")
    shop, rest = rows[rows["unit"] == "shop"], rows[rows["unit"] != "shop"]
    assert (found["n"], found["n_compare"]) == (len(shop), len(rest))
    means = [np.average(r["csat_score"] >= 4, weights=r["weight"]) for r in (shop, rest)]
    assert found["difference"] == pytest.approx(means[0] - means[1])
    group = one(
        baseline.segments, **named(NODES[2]), survey="relationship", metric="csat", segment="age_group", group="old"
    )
    old, young = (shop[shop["age_group"] == g] for g in ("old", "young"))
    assert (group["n"], group["n_compare"]) == (len(old), len(young))
    means = [np.average(r["csat_score"] >= 4, weights=r["weight"]) for r in (old, young)]
    assert group["difference"] == pytest.approx(means[0] - means[1])


def adjusted(rows: pd.DataFrame) -> list[float]:
    return multipletests(rows["p_value"].dropna(), method="fdr_bh")[1].tolist()


def test_families_of_tests(baseline) -> None:
    nps = baseline.changes[baseline.changes.eval("survey == 'relationship' and metric == 'nps'")]
    for kind in EARLIER:
        rows = nps[nps["comparison"] == kind]
        for part in (rows[rows["level"] != "site"], rows[rows["level"] == "site"]):
            assert part["p_adjusted"].tolist() == pytest.approx(adjusted(part))
            assert (part["n_comparisons"] == len(part)).all()
    rests = baseline.rests[baseline.rests.eval("survey == 'relationship' and metric == 'nps'")]
    for _, part in rests.groupby("level"):
        assert part["p_adjusted"].tolist() == pytest.approx(adjusted(part))
    groups = baseline.segments[baseline.segments.eval("survey == 'relationship' and metric == 'nps'")]
    assert groups["p_adjusted"].tolist() == pytest.approx(adjusted(groups))


def test_kinds_of_survey_are_never_pooled(frame, baseline) -> None:
    company = baseline.scores[baseline.scores.eval("level == 'company' and metric == 'nps' and weighted")]
    for (survey, period), rows in frame.groupby(["survey", "period"]):
        assert one(company, survey=survey, period=period)["n"] == len(rows)


def test_a_question_that_was_not_asked_is_not_an_empty_answer(baseline) -> None:
    company = baseline.scores[baseline.scores.eval("level == 'company' and metric == 'ces' and weighted")]
    company = company[company["survey"] == "relationship"].set_index("period")
    assert company["question"].to_dict() == {"2025Q3": "not_asked", "2026Q2": "asked", "2026Q3": "asked"}
    ces = baseline.changes[baseline.changes["metric"] == "ces"]
    assert set(ces["comparison"]) == {"previous"}


def test_the_fall_is_found_and_states_follow_the_adjusted_test(baseline) -> None:
    units = baseline.changes[
        baseline.changes.eval("level == 'unit' and survey == 'relationship' and comparison == 'year_ago'")
    ]
    nps = units[units["metric"] == "nps"].set_index(["region", "unit"])["state"]
    assert nps[[("east", "shop"), ("west", "shop")]].tolist() == ["worse", "worse"]
    clear = units["p_adjusted"] < 0.05
    assert set(units.loc[clear, "state"]) <= {"better", "worse", "slightly_better", "slightly_worse"}
    assert set(units.loc[~clear, "state"].dropna()) <= {"steady", "cannot_tell"}


def test_one_region_is_the_company() -> None:
    found = fit_baseline(make_answers(regions=1), RULES, PERIODS, EARLIER)
    assert set(found.scores["level"]) == {"company", "unit", "site"}
    units = found.rests[found.rests["level"] == "unit"]
    assert len(units) == 2 * 3 * 2  # each unit against the rest of the company


def test_the_order_of_rows_changes_nothing(frame, baseline) -> None:
    shuffled = fit_baseline(frame.sample(frac=1, random_state=1), RULES, PERIODS, EARLIER)
    for name in ("scores", "changes", "rests", "segments"):
        a, b = getattr(baseline, name), getattr(shuffled, name)
        pd.testing.assert_frame_equal(a, b, rtol=1e-9)


def test_few_answers_are_not_tested(frame) -> None:
    small = pd.concat([frame[frame["unit"] == "bank"], frame[frame["unit"] == "shop"].groupby("period").head(20)])
    found = fit_baseline(small, RULES, PERIODS, EARLIER).changes
    shop = found[found.eval("level == 'unit' and unit == 'shop'")]
    assert shop["p_value"].isna().all()
    assert shop["change"].isna().all()
    assert shop["state"].isna().all()


def test_a_study_of_bare_answers_has_scores() -> None:
    """No sites, weights, customers, segments: one score, one survey."""
    bare = make_answers()[["region", "unit", "period", "survey", "nps_answer"]]
    found = fit_baseline(bare, ScoreRules(), PERIODS, EARLIER)
    assert set(found.scores["metric"]) == {"nps"}
    assert not found.scores["weighted"].any()
    assert set(found.scores["method"]) == {"adjusted_wald"}
    assert found.segments.empty

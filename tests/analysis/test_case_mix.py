"""Adjusted scores against other programs' models, by hand, by leaving out one customer at a time, and by identities."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cxinsights.analysis.baseline import NODE, fit_baseline
from cxinsights.analysis.case_mix import CaseMix, fit_case_mix
from cxinsights.analysis.scorecard import fit_scorecard
from cxinsights.analysis.scores import estimate, sample_of
from cxinsights.params import ALL, PrivacyRules, ScorecardParams, ScoreRules
from cxinsights.privacy import Suppressed, guard, protect
from tests.analysis.test_baseline import EARLIER, PERIODS, make_answers
from tests.display.results import answered, study, together

KINDS = pytest.mark.parametrize("kind", ["nps", "share", "mean"])


def drawn(kind: str, n: int = 600, seed: int = 2) -> tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray]:
    """Answers, covariates, weights and customers; the old are content, and differ by place in number."""
    rng = np.random.default_rng(seed)
    place = rng.integers(0, 4, n)
    age = np.where(rng.random(n) < 0.2 + 0.15 * place, "old", "young").astype(object)
    age[rng.random(n) < 0.1] = None
    channel = rng.choice(["app", "phone", "shop"], n)
    mood = rng.normal(0, 1, n) + 1.5 * (age == "old") - 2 * (channel == "phone") + 0.3 * (place == 2)
    values = {"nps": 100.0 * np.sign(np.round(mood)), "share": (mood > 0) * 1.0, "mean": np.clip(4 + mood, 1, 7)}[kind]
    covariates = pd.DataFrame({"age": age, "channel": channel}).assign(place=place)
    return values, covariates, rng.uniform(0.5, 2, n), rng.integers(0, n // 2, n)


def places(covariates: pd.DataFrame) -> dict[tuple, np.ndarray]:
    return {(at,): np.flatnonzero(covariates["place"] == at) for at in range(4)}


def adjusted(
    kind: str, *, names=("age", "channel"), weights: bool = True, customers: bool = True, **more
) -> pd.DataFrame:
    values, covariates, weight, who = drawn(kind)
    return fit_case_mix(
        values, covariates[list(names)], kind, places(covariates), weight if weights else None,
        who if customers else None, **more,
    )  # fmt: skip


@KINDS
@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "plain"])
def test_expected_is_what_statsmodels_fits(kind, weighted) -> None:
    values, covariates, weights, _ = drawn(kind)
    weights = weights if weighted else np.ones(len(values))
    design = pd.get_dummies(covariates[["age", "channel"]].fillna("none"), drop_first=True, dtype=float)
    design = sm.add_constant(design)
    if kind == "share":
        fitted = sm.GLM(values, design, sm.families.Binomial(), freq_weights=weights).fit(tol=1e-12).fittedvalues
    else:
        fitted = sm.WLS(values, design, weights=weights).fit().fittedvalues
    found = adjusted(kind, weights=weighted).set_index("place")
    overall = np.average(values, weights=weights)
    for name, rows in places(covariates).items():
        raw, expected = (np.average(one[rows], weights=weights[rows]) for one in (values, fitted.to_numpy()))
        assert found.loc[[name], "expected"].item() == pytest.approx(expected, abs=1e-7)
        assert found.loc[[name], "adjusted"].item() == pytest.approx(raw - expected + overall, abs=1e-7)


def test_one_covariate_by_hand() -> None:
    """Old give 80, young 20; a place of three old in four is expected to give 65, and gives 55."""
    values = np.repeat([80.0, 20.0, 70.0, 10.0], [90, 30, 90, 270])
    age = pd.DataFrame({"age": np.repeat(["old", "young", "old", "young"], [30, 10, 90, 270])})
    where = np.repeat([0, 1], [40, 360])
    values = np.where(age["age"] == "old", 80.0, 20.0) - 10 * (where == 0) + 10 * 40 / 360 * (where == 1)
    old, young = (values[age["age"] == one].mean() for one in ("old", "young"))
    found = fit_case_mix(values, age, "mean", {(0,): np.flatnonzero(where == 0)}).iloc[0]
    assert found["expected"] == pytest.approx(0.75 * old + 0.25 * young)
    assert found["adjusted"] == pytest.approx(values[where == 0].mean() - found["expected"] + values.mean())


@KINDS
def test_residuals_sum_to_nothing_and_adjusted_scores_have_the_mean_of_the_scores(kind) -> None:
    values, covariates, weights, who = drawn(kind)
    columns = pd.get_dummies(covariates["channel"], drop_first=True, dtype=float).to_numpy()
    model = CaseMix(values, np.column_stack([np.ones(len(values)), columns]), kind, weights, who)
    assert weights @ model.residuals == pytest.approx(0, abs=1e-6)
    found = adjusted(kind)
    sizes = [weights[rows].sum() for rows in places(covariates).values()]
    assert np.average(found["adjusted"], weights=sizes) == pytest.approx(np.average(values, weights=weights))


@KINDS
def test_without_covariates_it_is_the_score_with_its_error(kind) -> None:
    values, covariates, weights, who = drawn(kind)
    model = CaseMix(values, np.ones((len(values), 1)), kind, weights, who)
    rows = places(covariates)[(1,)]
    own = estimate(sample_of(values[rows], weights[rows], who[rows]), kind)
    found = model.place(rows)
    assert (found.adjusted, found.expected) == pytest.approx((own.score, model.overall))
    assert (found.se, found.ci_low, found.ci_high) == pytest.approx((own.se, own.ci_low, own.ci_high))
    assert fit_case_mix(values, pd.DataFrame(index=covariates.index), kind, places(covariates)).empty


@KINDS
@pytest.mark.parametrize("where", ["one place", "one kind of customer"])
def test_the_error_is_that_of_leaving_out_one_customer_at_a_time(kind, where) -> None:
    """Of one kind of customer alone, most of the error is the model's."""
    values, covariates, weights, who = drawn(kind)
    design = pd.get_dummies(covariates[["age", "channel"]].fillna("none"), drop_first=True, dtype=float)
    columns = np.column_stack([np.ones(len(values)), design.to_numpy()])
    alike = (covariates["age"] == "old") & (covariates["channel"] == "phone")
    here = (alike if where == "one kind of customer" else covariates["place"] == 2).to_numpy()

    def without(one: int) -> float:
        kept = who != one
        return (
            CaseMix(values[kept], columns[kept], kind, weights[kept], who[kept])
            .place(np.flatnonzero(here[kept]))
            .adjusted
        )

    left = np.array([without(one) for one in np.unique(who)])
    m = len(left)
    jackknife = np.sqrt((m - 1) / m * np.sum((left - left.mean()) ** 2))
    found = CaseMix(values, columns, kind, weights, who).place(np.flatnonzero(here))
    assert found.se == pytest.approx(jackknife, rel=0.03)


def test_limits_stay_on_the_scale() -> None:
    values = np.r_[np.ones(39), 0, np.tile([1.0, 0], 200)]
    groups = pd.DataFrame({"age": np.r_[np.tile(["old", "young"], 20), np.tile(["old", "young"], 200)]})
    found = fit_case_mix(values, groups, "share", {(0,): np.arange(40)}).iloc[0]
    assert found["adjusted"] == pytest.approx(0.975, abs=0.01)
    assert found["adj_high"] == 1


def test_a_category_that_all_are_content_in_is_expected_to_be() -> None:
    """The logit has no finite estimate there; its fitted share has."""
    values = np.r_[np.ones(60), np.tile([1.0, 0], 60)]
    groups = pd.DataFrame({"age": np.repeat(["old", "young"], [60, 120])})
    found = fit_case_mix(values, groups, "share", {(0,): np.arange(60), (1,): np.arange(60, 180)}).set_index("place")
    assert found["expected"].tolist() == pytest.approx([1.0, 0.5], abs=1e-6) or len(found) == 1


def test_no_mean_of_a_few_follows_from_what_is_expected() -> None:
    """Five very old customers: whatever they answered together with the others counted with them, no page tells it."""
    groups = pd.DataFrame({"age": np.repeat(["old", "young", "very old"], [100, 300, 5])})
    rows = {(0,): np.r_[0:40, 100:160], (1,): np.r_[40:100, 160:405]}
    tried = []
    for few in (np.array([0.0, 0, 100, 100, 100]), np.array([100.0, 100, 100, 0, 0])):
        values = np.r_[np.tile([100.0, 0], 200), few]
        tried.append(fit_case_mix(values, groups, "nps", rows)["expected"].to_numpy())
    assert tried[0] == pytest.approx(tried[1])  # 300 of 500 in either: the sum counts, not who of them
    together_ = np.r_[0:100, 400:405]
    values = np.r_[np.tile([100.0, 0], 200), np.zeros(5)]
    old = values[together_].mean()
    found = fit_case_mix(values, groups, "nps", rows).set_index("place")
    assert found.loc[[(0,)], "expected"].item() == pytest.approx(0.4 * old + 0.6 * values[100:400].mean())


def test_few_answers_are_not_adjusted() -> None:
    sizes = [len(rows) for rows in places(drawn("mean")[1]).values()]
    assert adjusted("mean", fewest=max(sizes))["n"].tolist() == [n for n in sizes if n == max(sizes)] != sizes
    assert adjusted("mean", fewest=400).empty


def test_the_baseline_adjusts_every_place_of_every_survey() -> None:
    frame = make_answers()
    frame.loc[frame.index % 9 == 0, "ces_score"] = np.nan
    rules = ScoreRules(case_mix=["age_group"])
    baseline = fit_baseline(frame, rules, PERIODS, EARLIER)
    found = baseline.case_mix
    assert set(found["level"]) == {"region", "unit", "site"}
    own = frame[(frame["survey"] == "relationship") & (frame["period"] == "2026Q3")]
    own = own[own["ces_score"].notna()]
    ages = own.groupby("age_group").apply(
        lambda g: np.average(g["ces_score"], weights=g["weight"]), include_groups=False
    )
    here = own[(own["region"] == "west") & (own["unit"] == "shop")]
    row = found.query("level == 'unit' and region == 'west' and unit == 'shop' and survey == 'relationship'")
    row = row[row["metric"] == "ces"].iloc[0]
    assert row["expected"] == pytest.approx(np.average(here["age_group"].map(ages), weights=here["weight"]))
    assert row["overall"] == pytest.approx(np.average(own["ces_score"], weights=own["weight"]))
    asked = ScorecardParams(study="shops", period="2026Q3", region="west", unit=ALL)
    card = fit_scorecard(baseline, asked).case_mix
    assert card.groupby("metric", sort=False)["unit"].agg(list).to_dict()["nps"] == [ALL, "bank", "shop"]
    raw = baseline.scores.query(
        "level == 'unit' and unit == 'bank' and region == 'west' and period == '2026Q3' and weighted"
    )
    raw = raw[(raw["survey"] == "relationship") & (raw["metric"] == "nps")].iloc[0]
    line = card[(card["unit"] == "bank") & (card["metric"] == "nps")].iloc[0]
    assert (line["score"], line["n"]) == (raw["score"], raw["n"])
    assert fit_baseline(frame, ScoreRules(), PERIODS, EARLIER).case_mix.empty


def test_a_hidden_unit_is_not_adjusted_for_readers() -> None:
    sizes = {"north": 6, "south": 200, "west": 300}
    frame = together([
        answered((0.3, 0.4 + 0.2 * (age == "old")), n if age == "old" else n * 2, unit=unit, age_group=age)
        for unit, n in sizes.items() for age in ("old", "young")
    ])  # fmt: skip
    frame = frame[~((frame["unit"] == "north") & (frame["age_group"] == "young"))]
    of = study({name: name.title() for name in sizes}, scores={"case_mix": ["age_group"]})
    baseline = protect(fit_baseline(frame, of.scores, ["2026Q3"], {}), PrivacyRules())
    asked = ScorecardParams(study="shops", period="2026Q3", region=ALL, unit=ALL)
    shown = guard(fit_scorecard(baseline, asked), of).case_mix
    nps = shown[shown["metric"] == "nps"].set_index("unit")
    assert list(nps.index) == ["south", "west"]  # six answers are not adjusted
    assert all(isinstance(nps.loc["south", name], Suppressed) for name in ("adjusted", "expected", "score"))
    assert not isinstance(nps.loc["west", "adjusted"], Suppressed)


def test_nodes_are_named_as_everywhere() -> None:
    baseline = fit_baseline(make_answers(), ScoreRules(case_mix=["age_group"]), PERIODS, EARLIER)
    assert list(baseline.case_mix.columns[:4]) == NODE

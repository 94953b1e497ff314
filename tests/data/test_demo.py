"""The demo company: its dirt is found to the row, and its planted truth is recovered within stated intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

from cxinsights.analysis.drivers import fit_drivers
from cxinsights.analysis.scores import METRICS, estimate, sample_of
from cxinsights.data.demo import make_demo
from cxinsights.data.demo.truth import read_truth
from cxinsights.data.manifest import read_manifest
from cxinsights.data.tables import read_table
from cxinsights.params import resolve

TRUTH = read_truth()


@pytest.fixture(scope="module")
def responses(demo) -> pd.DataFrame:
    return read_table(*demo, "responses", survey="relationship")


@pytest.fixture(scope="module")
def events(demo) -> pd.DataFrame:
    return read_table(*demo, "events")


def test_same_seed_same_files(demo, tmp_path) -> None:
    from cxinsights.params import Project

    project, _ = demo
    again = make_demo(Project(tmp_path))
    here = project.data("demo") / "raw"
    names = sorted(p.name for p in here.iterdir() if p.suffix != ".xlsx")  # Excel files hold the time they were made
    assert names == sorted(p.name for p in again.iterdir() if p.suffix != ".xlsx")
    for name in names:
        assert (here / name).read_bytes() == (again / name).read_bytes(), name


def test_it_is_as_large_as_said(demo) -> None:
    tables = read_manifest(*demo)["tables"]
    assert set(tables) == {
        "responses",
        "employees",
        "events",
        "customers",
        "orders",
        "targets",
        "benchmarks",
        "invitations",
    }
    assert tables["responses"]["kept"] > 50_000
    assert tables["events"]["kept"] > 200_000
    assert len(tables["responses"]["periods"]) == 8
    assert len(tables["responses"]["units"]) == 12


def test_every_planted_fault_is_found_and_counted(demo) -> None:
    tables = read_manifest(*demo)["tables"]
    dirt = TRUTH.dirt
    found = {name: {r["reason"]: r["rows"] for r in table["reasons"]} for name, table in tables.items()}
    assert found["responses"] == {
        "29 fields where the header has 28": dirt["responses"]["extra_field"],
        "csat_score: outside 1–5": dirt["responses"]["out_of_range"],
        "unit: code not listed under recode": dirt["responses"]["unknown_unit"],
        "answered_at: not a date of the form %Y-%m-%dT%H:%M:%S or %d/%m/%Y %H:%M": dirt["responses"]["bad_date"],
        "the same row as another": dirt["responses"]["same_row"],
        "response_id: used twice": 2 * dirt["responses"]["same_id"],
    }
    assert found["employees"] == {"engagement_1_item: outside 1–5": 10, "the same row as another": 3}
    assert found["events"] == {"occurred_at: after the study's cutoff": 15, "the same row as another": 120}
    assert found["orders"] == {"amount: not a number": 40}
    for table in tables.values():
        assert table["rows"] == table["kept"] + table["rejected"]
        assert table["rejected"] == sum(r["rows"] for r in table["reasons"])
        for file in table["files"]:
            assert file["rows"] == file["kept"] + file["rejected"]


def test_drivers_come_back_in_strength_and_order(demo, responses) -> None:
    """Coefficients on the 0–10 answer, as shares of their sum, lie within 0.025 of the planted shares.

    Rounding and the end of the scale shrink all coefficients alike, so their proportions are what can come back.
    """
    _, study = demo
    params = resolve(study, "drivers", TRUTH.last_period).model_copy(update={"outcome": "nps_answer", "n_boot": 200})
    earlier = responses[responses["period"] < TRUTH.last_period]  # before the fall
    result = fit_drivers(earlier, params)
    found = result.coefficients.set_index("driver")
    planted = pd.Series({f"{name}_rating": d.strength for name, d in TRUTH.drivers.items()})
    shares = found["coefficient"] / found["coefficient"].sum()
    assert (shares - planted / planted.sum()).abs().max() < 0.025
    real = planted[planted > 0].sort_values(ascending=False).index
    assert found.loc[real, "coefficient"].is_monotonic_decreasing
    assert result.importance["driver"].iloc[0] == "resolution_rating"


def test_null_drivers_are_told_from_real_ones(demo, responses) -> None:
    """The uncorrelated null lies under the noise floor; of the correlated one the coefficient says it."""
    _, study = demo
    result = fit_drivers(responses[responses["period"] == "2026Q2"], resolve(study, "drivers", "2026Q2"))
    importance = result.importance.set_index("driver")
    assert importance["under_floor"].to_dict() == {name: name == "hours_rating" for name in importance.index}
    comfort = result.coefficients.set_index("driver").loc["comfort_rating"]
    assert comfort["coef_low"] < 0 < comfort["coef_high"]


def test_only_the_planted_fall_is_a_fall(responses) -> None:
    fall = TRUTH.fall
    sizes = {}
    for (region, unit), rows in responses.groupby(["region", "unit"]):
        before, after = (rows[rows["period"] == p] for p in ("2026Q2", "2026Q3"))
        scores = [_nps(part) for part in (before, after)]
        sizes[region, unit] = (scores[1].score - scores[0].score) / np.hypot(scores[0].se, scores[1].se)
    fallen = sizes.pop((fall.region, fall.unit))
    assert fallen < -3
    assert all(abs(z) < 2.6 for z in sizes.values())  # eleven others: 1 in 10 such sets goes further by chance
    for name, shift in fall.ratings.items():
        ratings = responses[(responses["region"] == fall.region) & (responses["unit"] == fall.unit)]
        means = ratings.groupby("period")[f"{name}_rating"].mean()
        assert means["2026Q3"] - means["2026Q2"] == pytest.approx(shift, abs=0.25)


def test_one_site_is_too_small_to_show(demo, responses) -> None:
    _, study = demo
    now = responses[responses["period"] == TRUTH.last_period]
    counts = now.groupby(["region", "unit", "site"]).size()
    small = counts[counts < study.privacy.customer_min]
    site = TRUTH.small_site
    assert list(small.index) == [(site.region, site.unit, f"{site.region}-{site.unit}-{site.site:02}")]
    assert 0 < small.iloc[0] <= site.answers


def test_journey_rates_and_the_one_broken_step(events) -> None:
    """Of journeys begun long enough before the cutoff, each step's rate has the planted one in its 99.9 % interval."""
    journey = TRUTH.journey
    begun = events[events["stage"] == journey.steps[0]]
    early = begun[begun["occurred_at"] < pd.Timestamp(TRUTH.cutoff) - pd.Timedelta(days=90)]
    horizon = pd.Timestamp(TRUTH.cutoff) - pd.Timedelta(days=90)
    counts = events[events["occurred_at"] < horizon + pd.Timedelta(days=60)].groupby(["region", "unit", "stage"]).size()
    assert len(early) > 50_000
    for (region, unit), _ in events.groupby(["region", "unit"]):
        for before, step in zip(journey.steps, journey.steps[1:], strict=False):
            broken = (region, unit, step) == (journey.broken.region, journey.broken.unit, journey.broken.step)
            planted = journey.broken.rate if broken else journey.rates[step]
            n = counts[region, unit, before]
            rate = counts[region, unit, step] / n
            # journeys still on their way at the end of the count cost a little: a day or four of seven hundred
            assert abs(rate - planted) < 3.3 * np.sqrt(planted * (1 - planted) / n) + 0.01, (region, unit, step)


def test_engagement_goes_with_satisfaction_a_quarter_later(demo, responses) -> None:
    """Slope of a site's likelihood on its engagement one quarter before, within units, within its 99 % interval.

    The measured engagement is a mean over employees, whose noise shrinks the slope by its reliability; rounding and
    the end of the answers' scale shrink it as they shrink the drivers' coefficients.
    """
    employees = read_table(*demo, "employees")
    items = [c for c in employees if c.endswith("_item")]
    key = ["region", "unit", "site", "period"]
    person = employees.assign(engaged=employees[items].mean(axis=1))
    sites = person.groupby(key)["engaged"].agg(["mean", "var", "size"]).reset_index()
    likely = responses.groupby(key)["nps_answer"].mean().rename("likely").reset_index()
    order = {p: i for i, p in enumerate(TRUTH.periods)}
    sites["at"] = sites["period"].map(order) + TRUTH.engagement.lag
    likely["at"] = likely["period"].map(order)
    both = likely.merge(sites.drop(columns="period"), on=["region", "unit", "site", "at"])
    group = both.groupby(["region", "unit", "at"])
    x = both["mean"] - group["mean"].transform("mean")
    y = both["likely"] - group["likely"].transform("mean")
    reliability = 1 - (both["var"] / both["size"]).mean() / x.var()
    fit = OLS(y, add_constant(x)).fit(cov_type="HC3")
    low, high = np.array(fit.conf_int(0.01))[1]
    assert low < TRUTH.engagement.slope * reliability * _shrinkage(demo, responses) < high


def test_segments_stand_apart_in_behaviour(demo) -> None:
    """A rule that knows nothing but behaviour puts three customers in four back into their planted segment."""
    project, _ = demo
    customers = read_table(*demo, "customers")
    planted = pd.read_parquet(project.private("demo") / "planted_segments.parquet")
    both = customers.merge(planted, on="customer_id")
    shares = both["segment"].value_counts(normalize=True)
    for name, segment in TRUTH.segments.items():
        n = len(both)
        assert abs(shares[name] - segment.share) < 4 * np.sqrt(segment.share * (1 - segment.share) / n)
    behaviour = both[["visits_per_month", "digital_share", "products_held"]].to_numpy(float, copy=True)
    behaviour[:, 0] = np.log1p(behaviour[:, 0])
    behaviour = (behaviour - behaviour.mean(axis=0)) / behaviour.std(axis=0)
    names = sorted(TRUTH.segments)
    centres = np.array([behaviour[(both["segment"] == s).to_numpy()].mean(axis=0) for s in names])
    nearest = ((behaviour[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (np.array(names)[nearest] == both["segment"]).mean() > 0.75


def test_ages_are_sampled_unevenly_and_the_weights_undo_it(responses) -> None:
    weighted = responses.groupby("age_group")["weight"].sum() / responses["weight"].sum()
    for age, planted in TRUTH.ages.items():
        assert weighted[age] == pytest.approx(planted.customers, abs=0.01)


def test_comments_say_that_they_are_made_up(demo) -> None:
    comments = read_table(*demo, "responses", columns=["comment"])["comment"].dropna()
    assert comments.str.contains("made-up").all()


def _shrinkage(demo, responses: pd.DataFrame) -> float:
    """How far rounding and the end of the scale shrink coefficients on the 0–10 answer."""
    _, study = demo
    params = resolve(study, "drivers", TRUTH.last_period).model_copy(update={"outcome": "nps_answer", "n_boot": 200})
    found = fit_drivers(responses, params).coefficients["coefficient"].sum()
    return found / sum(driver.strength for driver in TRUTH.drivers.values())


def _nps(rows: pd.DataFrame):
    metric = METRICS["nps"]
    from cxinsights.params import ScoreRules

    return estimate(sample_of(metric.coded(rows["nps_answer"], ScoreRules()), rows["weight"].to_numpy()), "nps")


def test_the_test_of_the_journey_can_fail(events) -> None:
    """With the broken step taken for whole, the interval does not hold the rate."""
    broken = TRUTH.journey.broken
    here = events[(events["region"] == broken.region) & (events["unit"] == broken.unit)]
    before = TRUTH.journey.steps[TRUTH.journey.steps.index(broken.step) - 1]
    n, k = (here["stage"] == before).sum(), (here["stage"] == broken.step).sum()
    assert stats.binomtest(int(k), int(n), TRUTH.journey.rates[broken.step]).pvalue < 1e-6

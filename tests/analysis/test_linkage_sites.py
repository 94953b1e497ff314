"""Where each site stands: intervals, the line, who does not fit, who carries the result."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.outliers_influence import OLSInfluence

from cxinsights.analysis.correlations import pearson
from cxinsights.analysis.scores import estimate, sample_of
from tests.analysis.linked import ITEMS, company, fitted, means_only


def staff(sites) -> np.ndarray:
    return sites[ITEMS].mean(axis=1).to_numpy()


@pytest.fixture(scope="module")
def made():
    return company()


@pytest.fixture(scope="module")
def whole(made):
    return fitted(made)


def test_both_sides_have_the_interval_of_their_own_method(made, whole) -> None:
    row = whole.sites.set_index("site").loc["s007"]
    coded = made["customers"].query("site == 's007'")["nps"].to_numpy()
    people = made["employees"].query("site == 's007'")[ITEMS].mean(axis=1).to_numpy()
    customers, employees = estimate(sample_of(coded), "nps"), estimate(sample_of(people), "mean")
    assert row[["customer_score", "customer_low", "customer_high"]].tolist() == pytest.approx(
        [customers.score, customers.ci_low, customers.ci_high]
    )
    assert row[["employee_score", "employee_low", "employee_high"]].tolist() == pytest.approx(
        [employees.score, employees.ci_low, employees.ci_high]
    )


def test_line_and_band_are_least_squares(made, whole) -> None:
    x, y = staff(made["sites"]), made["sites"]["nps"].to_numpy()
    model = OLS(y, np.column_stack([np.ones(len(x)), x])).fit()
    line = whole.line
    at = np.column_stack([np.ones(len(line)), line["employee_score"]])
    known = model.get_prediction(at)
    assert line["fitted"].tolist() == pytest.approx(known.predicted_mean.tolist())
    assert line[["fitted_low", "fitted_high"]].to_numpy() == pytest.approx(known.conf_int())
    assert (line["employee_score"].min(), line["employee_score"].max()) == pytest.approx((x.min(), x.max()))
    sites = whole.sites
    assert (sites["customer_score"] - sites["off_line"]).tolist() == pytest.approx(sites["fitted"].tolist())


def test_a_site_far_from_the_line_does_not_fit_and_only_that_one() -> None:
    made = company(noise=0)
    here = made["customers"]["site"] == "s011"
    made["customers"].loc[here, "nps"] = -100.0 * (np.arange(here.sum()) % 4 > 0)
    made["sites"].loc[made["sites"]["site"] == "s011", "nps"] = -75.0
    sites = fitted(made).sites
    assert sites.loc[sites["misfit"], "site"].tolist() == ["s011"]
    row = sites.set_index("site").loc["s011"]
    assert row["p_adjusted"] < 0.001
    assert row["customer_high"] < row["fitted"]
    assert (sites["n_comparisons"] == 40).all()


def test_a_distance_is_judged_by_the_sampling_error_of_both_sides_and_of_the_line(made, whole) -> None:
    x, y = staff(made["sites"]), made["sites"]["nps"].to_numpy()
    model = OLS(y, np.column_stack([np.ones(40), x])).fit()
    row = whole.sites.set_index("site").loc["s007"]
    at = model.get_prediction([[1, row["employee_score"]]])
    people = made["employees"].query("site == 's007'")[ITEMS].mean(axis=1)
    errors = [
        (row["customer_high"] - row["customer_low"]) / 2 / stats.norm.ppf(0.975),
        model.params[1] * people.std() / np.sqrt(10),
        at.se_mean[0],
    ]
    z = (row["customer_score"] - at.predicted_mean[0]) / np.sqrt(np.square(errors).sum())
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_a_site_whose_interval_reaches_the_band_fits_however_far_its_score() -> None:
    """Few answers, all promoters: NPS 100, but an interval that reaches down to what the line says."""
    made = company(12, slope=0, noise=0, customers=400)
    customers = made["customers"]
    share = customers.groupby("site").cumcount() / 400
    slightly = customers["site"].str[-1].astype(int) / 500  # no two sites alike
    customers["nps"] = np.select([share < 0.80 + slightly, share > 0.95], [100.0, -100.0], 0.0)
    few = customers[customers["site"] == "s005"].head(24).assign(nps=100.0)
    made["customers"] = pd.concat([customers[customers["site"] != "s005"], few], ignore_index=True)
    sites = made["sites"].set_index("site")
    sites["nps"] = made["customers"].groupby("site")["nps"].mean()
    sites.loc["s005", "n_customers"] = 24
    result = fitted({**made, "sites": sites.reset_index()}, scores=["nps"])
    row = result.sites.set_index("site").loc["s005"]
    assert row["p_adjusted"] < 0.05
    assert row["customer_low"] < row["fitted"]
    assert not row["misfit"]


def test_sites_of_pure_chance_are_called_misfits_in_few_companies() -> None:
    """No site truly lies off the line: one of 15 companies at most is expected to name any, five once in 2,000."""
    named = sum(fitted(company(15, noise=0, seed=seed)).sites["misfit"].any() for seed in range(15))
    assert named <= 4


def test_without_intervals_the_distance_is_judged_among_the_other_sites(made) -> None:
    far = means_only(made)
    far["sites"] = far["sites"].assign(nps=far["sites"]["nps"].where(far["sites"]["site"] != "s011", -99.0))
    sites = fitted(far).sites
    assert sites.loc[sites["misfit"], "site"].tolist() == ["s011"]
    x, y = staff(far["sites"]), far["sites"]["nps"].to_numpy()
    known = OLSInfluence(OLS(y, np.column_stack([np.ones(40), x])).fit()).resid_studentized_external
    at = sites.index[sites["site"] == "s011"][0]
    order = far["sites"].sort_values(["region", "unit", "site"]).index
    assert sites.loc[at, "p_value"] == pytest.approx(2 * stats.t.sf(abs(known[order[at]]), 37))


def test_quarters_are_cut_at_the_mean_of_the_sites(whole) -> None:
    sites = whole.sites
    lines = sites["employee_score"].mean(), sites["customer_score"].mean()
    words = {(True, True): "both_high", (True, False): "employees_high", (False, True): "customers_high",
             (False, False): "both_low"}  # fmt: skip
    expected = [
        words[e >= lines[0], c >= lines[1]]
        for e, c in zip(sites["employee_score"], sites["customer_score"], strict=True)
    ]
    assert sites["quadrant"].tolist() == expected
    assert (sites["employee_line"].iloc[0], sites["customer_line"].iloc[0]) == pytest.approx(lines)
    crosses = (
        sites["employee_low"].le(lines[0]) & sites["employee_high"].ge(lines[0])
        | sites["customer_low"].le(lines[1]) & sites["customer_high"].ge(lines[1])
    )  # fmt: skip
    assert sites["certain"].tolist() == (~crosses).tolist()
    assert 0 < sites["certain"].sum() < 40


def test_leaving_out_one_site_is_the_correlation_of_the_others(made, whole) -> None:
    frame = whole.leave_one_out
    x, y = staff(made["sites"]), made["sites"]["nps"].to_numpy()
    for row in frame.head(3).itertuples():
        others = (made["sites"]["site"] != row.site).to_numpy()
        found = pearson(x[others], y[others])
        assert (row.correlation, row.ci_low, row.ci_high) == pytest.approx((found.value, found.ci_low, found.ci_high))
        assert row.shift == pytest.approx(found.value - pearson(x, y).value)
    assert np.abs(frame["shift"]).is_monotonic_decreasing
    assert not frame["carries"].any()
    assert whole.summary[["correlation_least", "correlation_most"]].to_numpy().tolist() == [
        [frame["correlation"].min(), frame["correlation"].max()]
    ]


def test_a_site_without_which_the_correlation_leaves_the_interval_carries_it_too() -> None:
    """A strong pattern that one odd site hides in part: without it the pattern stays clear and is far closer."""
    made = means_only(company(30, slope=60, noise=0, customers=400))
    sites = made["sites"]
    sites.loc[4, ITEMS] = 4.2
    sites.loc[4, "nps"] = -20.0
    result = fitted(made)
    frame, whole = result.leave_one_out, result.associations.iloc[0]
    assert whole["ci_low"] > 0
    assert frame.loc[frame["carries"], "site"].tolist() == [sites.loc[4, "site"]]
    assert frame["correlation"].iloc[0] > whole["ci_high"]


def test_a_site_that_carries_the_result_is_named() -> None:
    """Eleven sites without a pattern and one far up on both sides: without it nothing is left."""
    made = means_only(company(12, slope=0, seed=5))
    sites = made["sites"]
    rng = np.random.default_rng(1)
    sites[ITEMS] = np.tile(rng.normal(3, 0.1, (12, 1)), 4)
    sites["nps"] = rng.normal(0, 5, 12)
    sites.loc[4, ITEMS] = 4.8
    sites.loc[4, "nps"] = 90.0
    frame = fitted(made).leave_one_out
    assert frame.loc[frame["carries"], "site"].tolist() == [sites.loc[4, "site"]]
    assert frame["ci_low"].iloc[0] < 0 < frame["ci_high"].iloc[0]

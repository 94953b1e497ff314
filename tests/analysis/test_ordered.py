"""Proportional odds and the logit of a top box, held to statsmodels and to what must not matter."""

import numpy as np
import pytest
from statsmodels.discrete.discrete_model import Logit
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.tools.tools import add_constant

from cxinsights.analysis.ordered import OrderedData
from cxinsights.errors import AnalysisError


def sample(n: int = 400, k: int = 3, levels: int = 5, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = rng.normal(0, 1, (n, k)) + 0.4 * rng.normal(0, 1, (n, 1))
    wish = columns @ np.linspace(1, 0.1, k) + rng.logistic(0, 1, n)
    return columns * 1.7 + 6, np.searchsorted(np.quantile(wish, np.arange(1, levels) / levels), wish).astype(float)


def test_agrees_with_statsmodels() -> None:
    columns, outcome = sample()
    fit = OrderedData(columns, outcome).fit()
    theirs = OrderedModel(outcome, columns, distr="logit")
    found = theirs.fit(method="bfgs", gtol=1e-8, disp=False)
    thresholds = theirs.transform_threshold_params(found.params)[1:-1]
    assert fit.coefficients == pytest.approx(found.params[:3], abs=1e-5)
    assert fit.thresholds == pytest.approx(thresholds, abs=1e-5)
    assert fit.se[4:] == pytest.approx(found.bse[:3], rel=1e-4)
    assert fit.log_likelihood == pytest.approx(found.llf)
    assert fit.null_log_likelihood == pytest.approx(found.llnull)


def test_two_levels_are_a_logit() -> None:
    columns, outcome = sample(levels=2)
    fit = OrderedData(columns, outcome).fit()
    found = Logit(outcome, add_constant(columns)).fit(disp=False)
    assert [-fit.thresholds[0], *fit.coefficients] == pytest.approx(found.params.tolist(), abs=1e-6)
    assert fit.se == pytest.approx(found.bse, rel=1e-5)
    assert fit.p_values[1:] == pytest.approx(found.pvalues[1:], abs=1e-6)
    assert fit.mcfadden == pytest.approx(found.prsquared)


def test_a_weight_of_two_is_a_row_given_twice() -> None:
    columns, outcome = sample()
    weights = np.where(np.arange(len(outcome)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(outcome)), weights.astype(int))
    weighted, repeated = OrderedData(columns, outcome, weights).fit(), OrderedData(columns[twice], outcome[twice]).fit()
    assert weighted.coefficients == pytest.approx(repeated.coefficients)
    assert weighted.thresholds == pytest.approx(repeated.thresholds)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood)


def test_order_of_rows_and_the_levels_names_change_nothing_and_units_only_units() -> None:
    columns, outcome = sample()
    fit = OrderedData(columns, outcome).fit()
    mixed = np.random.default_rng(3).permutation(len(outcome))
    other = OrderedData(columns[mixed] * 10 - 4, outcome[mixed] * 100 - 100).fit()
    assert other.coefficients == pytest.approx(fit.coefficients / 10)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood)
    turned = OrderedData(columns, -outcome).fit()
    assert turned.coefficients == pytest.approx(-fit.coefficients)


def test_a_copy_has_no_coefficient_of_its_own_and_the_others_keep_theirs() -> None:
    columns, outcome = sample()
    fit = OrderedData(columns, outcome).fit()
    copied = OrderedData(np.column_stack([columns, columns[:, 0]]), outcome).fit()
    assert np.isnan(copied.coefficients[[0, 3]]).all()
    assert copied.coefficients[[1, 2]] == pytest.approx(fit.coefficients[[1, 2]])
    assert copied.log_likelihood == pytest.approx(fit.log_likelihood)


def test_levels_hardly_used_are_levels() -> None:
    columns, outcome = sample()
    outcome[0] = 9.0
    fit = OrderedData(columns, outcome).fit()
    assert len(fit.thresholds) == 5
    assert np.isfinite(fit.se).all()


def test_ratings_that_tell_the_levels_apart_are_refused() -> None:
    columns, _ = sample()
    with pytest.raises(AnalysisError) as error:
        OrderedData(columns, (columns[:, 0] > 6) * 1.0).fit()
    assert str(error.value) == (
        "the ratings tell the levels of the outcome apart without fail, so no coefficient is finite: take the rating "
        "that repeats the outcome off the drivers"
    )


def test_one_level_is_refused() -> None:
    with pytest.raises(AnalysisError) as error:
        OrderedData(np.ones((5, 1)), np.ones(5))
    assert str(error.value) == "all answers to the outcome are the same: nothing can be explained"

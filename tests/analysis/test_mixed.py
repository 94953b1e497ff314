"""The random-intercept model: against least squares, statsmodels, and by how often it errs."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM

from cxinsights.analysis.mixed import fit_mixed


def sample(
    groups: int = 12, size: int = 6, sd: float = 1.0, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    at = np.repeat(np.arange(groups), rng.integers(2, size + 3, groups))
    x = rng.normal(0, 1, len(at))
    y = 2 + 0.5 * x + rng.normal(0, sd, groups)[at] + rng.normal(0, 1, len(at))
    return np.column_stack([np.ones(len(at)), x]), y, at


def test_it_is_statsmodels_model_at_the_same_maximum() -> None:
    """statsmodels stops its search a little short, so its variances agree to three digits."""
    columns, y, at = sample()
    ours, theirs = fit_mixed(columns, y, at), MixedLM(y, columns, at).fit(reml=True)
    assert ours.coefficients.tolist() == pytest.approx(theirs.fe_params.tolist(), rel=1e-4)
    assert ours.se.tolist() == pytest.approx(theirs.bse_fe.tolist(), rel=5e-3)
    assert ours.var_within == pytest.approx(theirs.scale, rel=1e-3)
    assert ours.var_between == pytest.approx(theirs.cov_re.item(), rel=5e-3)
    assert (ours.n, ours.n_groups) == (len(y), 12)


def test_no_other_ratio_of_variances_is_likelier() -> None:
    columns, y, at = sample()
    fit = fit_mixed(columns, y, at)

    def deviance(ratio: float) -> float:
        """Brute force: the restricted deviance from the whole covariance matrix."""
        v = np.eye(len(y)) + ratio * (at[:, None] == at[None, :])
        inverse = np.linalg.inv(v)
        cross = columns.T @ inverse @ columns
        left = y - columns @ np.linalg.solve(cross, columns.T @ inverse @ y)
        free = len(y) - columns.shape[1]
        within = left @ inverse @ left / free
        logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(cross)[1]
        return free * (np.log(2 * np.pi * within) + 1) + logs

    best = fit.var_between / fit.var_within
    assert -2 * fit.log_likelihood == pytest.approx(deviance(best))
    assert all(deviance(best) <= deviance(best * factor) for factor in (0.5, 0.99, 0.999, 1.001, 1.01, 2))


@pytest.mark.parametrize("groups", [np.zeros(40, dtype=int), np.arange(40) % 4], ids=["one group", "no differences"])
def test_where_groups_do_not_differ_it_is_least_squares(groups) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(0, 1, 40)
    y = x + rng.normal(0, 1, 40)
    if groups.any():  # take the groups' own level away, so that they differ less than chance would have it
        y = y - (np.bincount(groups, y) / 10)[groups]
        x = x - (np.bincount(groups, x) / 10)[groups]
    columns = np.column_stack([np.ones(40), x])
    fit, plain = fit_mixed(columns, y, groups), OLS(y, columns).fit()
    assert fit.var_between == 0
    assert fit.df.tolist() == [38, 38]
    assert fit.coefficients.tolist() == pytest.approx(plain.params.tolist())
    assert fit.se.tolist() == pytest.approx(plain.bse.tolist())
    assert fit.p_values.tolist() == pytest.approx(plain.pvalues.tolist())
    assert [fit.ci_low[1], fit.ci_high[1]] == pytest.approx(plain.conf_int()[1].tolist())


def test_units_of_measure_do_not_change_what_it_says() -> None:
    columns, y, at = sample()
    one, other = fit_mixed(columns, y, at), fit_mixed(columns * [1, 10], 100 * y, at + 7)
    assert other.coefficients.tolist() == pytest.approx((one.coefficients * [100, 10]).tolist())
    assert other.df.tolist() == pytest.approx(one.df.tolist(), rel=1e-6)
    assert other.p_values.tolist() == pytest.approx(one.p_values.tolist(), rel=1e-6)


def test_a_column_that_differs_between_groups_only_has_as_many_degrees_as_groups_less_two() -> None:
    """With groups of one size the exact answer is known: the regression of their means."""
    rng = np.random.default_rng(9)
    at = np.repeat(np.arange(8), 10)
    x = rng.normal(0, 1, 8)
    y = rng.normal(0, 2, 8)[at] + rng.normal(0, 1, 80)
    fit = fit_mixed(np.column_stack([np.ones(80), x[at]]), y, at)
    means = stats.linregress(x, np.bincount(at, y) / 10)
    assert fit.coefficients[1] == pytest.approx(means.slope)
    assert fit.se[1] == pytest.approx(means.stderr)
    assert fit.df[1] == pytest.approx(6)
    assert fit.p_values[1] == pytest.approx(means.pvalue)


def test_chance_between_few_groups_is_found_no_more_often_than_the_level_says() -> None:
    """Five groups, 300 times: 5 % is 15, and 7 to 26 hold 99 % of such counts; a z test finds far more."""
    found = by_z = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        at = np.repeat(np.arange(5), 8)
        columns = np.column_stack([np.ones(40), rng.normal(0, 1, 5)[at]])
        fit = fit_mixed(columns, rng.normal(0, 1, 5)[at] + rng.normal(0, 1, 40), at)
        found += fit.p_values[1] < 0.05
        by_z += abs(fit.coefficients[1] / fit.se[1]) > 1.96
    assert 7 <= found <= 26
    assert by_z > 30


def test_rows_for_no_more_than_the_columns_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 rows for 2 columns$"):
        fit_mixed(np.eye(2), np.ones(2), np.zeros(2))

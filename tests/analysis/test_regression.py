"""Linear regression: identities; the figures themselves are held to R in tests/reference."""

import numpy as np
import pytest

from cxinsights.analysis.regression import fit_linear


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    x = rng.normal(5, 2, (400, 3)) + rng.normal(0, 1, (400, 1))
    return x, x @ [1.0, 0.5, 0.0] + rng.normal(0, 1 + 0.3 * np.abs(x[:, 0]))


def test_residuals_are_orthogonal_to_the_columns(sample) -> None:
    x, y = sample
    fit = fit_linear(x, y)
    left = y - fit.coefficients[0] - x @ fit.coefficients[1:]
    assert np.abs(np.column_stack([np.ones(len(x)), x]).T @ left).max() < 1e-8
    assert fit.r_squared == pytest.approx(1 - left.var() / y.var())


def test_hc3_is_the_sandwich_with_leverage_taken_out(sample) -> None:
    x, y = sample
    design = np.column_stack([np.ones(len(x)), x])
    bread = np.linalg.inv(design.T @ design)
    left = y - design @ (bread @ design.T @ y)
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    meat = (design * ((left / (1 - leverage)) ** 2)[:, None]).T @ design
    assert fit_linear(x, y).se == pytest.approx(np.sqrt(np.diag(bread @ meat @ bread)))


def test_standardised_coefficients_do_not_know_units(sample) -> None:
    x, y = sample
    assert fit_linear(x * [1, 10, 100], 7 * y).standardised == pytest.approx(fit_linear(x, y).standardised)


def test_inflation_is_one_over_what_the_others_leave(sample) -> None:
    x, y = sample
    for j in range(3):
        others = fit_linear(np.delete(x, j, axis=1), x[:, j])
        assert fit_linear(x, y).vif[j] == pytest.approx(1 / (1 - others.r_squared))


def test_weights_of_one_change_no_coefficient_and_the_survey_error_is_hc1(sample) -> None:
    x, y = sample
    plain, weighted = fit_linear(x, y), fit_linear(x, y, np.ones(len(y)))
    assert weighted.coefficients == pytest.approx(plain.coefficients)
    design = np.column_stack([np.ones(len(x)), x])
    bread = np.linalg.inv(design.T @ design)
    left = y - design @ plain.coefficients
    meat = (design * (left**2)[:, None]).T @ design
    se = fit_linear(x, y, np.ones(len(y)), errors="design").se
    n = len(y)
    assert se == pytest.approx(np.sqrt(np.diag(bread @ meat @ bread) * n / (n - 1)))

"""Linear regression of an outcome on ratings: coefficients with robust errors, betas, inflation.

HC3 errors with t reference, weighted where the answers are; for survey weights the design-based errors
(linearised) stand beside.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special
from statsmodels.regression.linear_model import OLS, WLS
from statsmodels.tools.tools import add_constant

from cxinsights.analysis.resampling import moments

__all__ = ["LinearFit", "design_se", "fit_linear"]


@dataclass(frozen=True)
class LinearFit:
    """A fitted linear model; arrays of length k, with the intercept first where it has k + 1."""

    coefficients: np.ndarray
    se: np.ndarray
    """HC3."""
    p_values: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    standardised: np.ndarray
    """Coefficients in standard deviations of column and outcome; without the intercept."""
    vif: np.ndarray
    """Variance inflation of each column; without the intercept."""
    r_squared: float
    n: int
    df: int


def fit_linear(
    columns: np.ndarray, outcome: np.ndarray, weights: np.ndarray | None = None, confidence: float = 0.95
) -> LinearFit:
    """Least squares with HC3 errors.

    Parameters
    ----------
    columns
        Predictors of shape (n, k), without a constant.
    outcome
        Of shape (n,).
    weights
        Of shape (n,); None where all count alike.

    Notes
    -----
    Checked against R: lm, sandwich 3.0-2 (`vcovHC(type = "HC3")`), lmtest 0.9-40, car 3.1-1 (`vif`).
    """
    design = add_constant(columns, has_constant="add")
    model = OLS(outcome, design) if weights is None else WLS(outcome, design, weights=weights)
    fit = model.fit(cov_type="HC3", use_t=True)
    limits = fit.conf_int(1 - confidence)
    whole = moments(np.column_stack([columns, outcome]), weights)
    spread = np.sqrt(np.diag(whole.covariances))
    return LinearFit(
        coefficients=fit.params,
        se=fit.bse,
        p_values=fit.pvalues,
        ci_low=limits[:, 0],
        ci_high=limits[:, 1],
        standardised=fit.params[1:] * spread[:-1] / spread[-1],
        vif=np.diag(np.linalg.pinv(whole.correlations[:-1, :-1], hermitian=True)),
        r_squared=float(fit.rsquared),
        n=len(outcome),
        df=int(fit.df_resid),
    )


def design_se(columns: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Design-based (linearised) standard errors and p-values for survey weights, intercept first.

    Notes
    -----
    Checked against R survey 4.1.1, `svyglm`: t with n − p degrees of freedom.
    """
    design = add_constant(columns, has_constant="add")
    n, p = design.shape
    bread = np.linalg.inv((design * weights[:, None]).T @ design)
    coefficients = bread @ (design * weights[:, None]).T @ outcome
    scores = design * (weights * (outcome - design @ coefficients))[:, None]
    se = np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread) * n / (n - 1))
    return se, 2 * special.stdtr(n - p, -np.abs(coefficients / se))

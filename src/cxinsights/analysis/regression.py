"""Linear regression of an outcome on ratings: coefficients with robust errors, betas, inflation.

HC3 errors with t reference, weighted where the answers are; for survey weights the design-based errors
(linearised) stand beside.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import special
from statsmodels.regression.linear_model import OLS, WLS
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from statsmodels.tools.tools import add_constant

from cxinsights.analysis.resampling import Moments, moments

__all__ = ["LinearFit", "design_se", "fit_linear", "inflation"]

_NOTHING_LEFT = 1e-10  # eigenvalue of correlations below which a combination of columns is always the same


@dataclass(frozen=True)
class LinearFit:
    """A fitted linear model; arrays of length k, with the intercept first where it has k + 1.

    Columns that repeat others (a copy, a sum) or never vary have no coefficient of their own: theirs are missing,
    with infinite inflation.
    """

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingularMatrixWarning)  # said by the missing coefficients
        fit = model.fit(cov_type="HC3", use_t=True)
    whole = moments(np.column_stack([columns, outcome]), weights)
    spread = np.sqrt(np.diag(whole.covariances))
    vif = inflation(whole)
    own = np.concatenate([[1.0], np.where(np.isinf(vif), np.nan, 1.0)])  # missing where there is none
    limits = own[:, None] * fit.conf_int(1 - confidence)
    return LinearFit(
        coefficients=own * fit.params,
        se=own * fit.bse,
        p_values=own * fit.pvalues,
        ci_low=limits[:, 0],
        ci_high=limits[:, 1],
        standardised=(own * fit.params)[1:] * spread[:-1] / spread[-1],
        vif=vif,
        r_squared=float(fit.rsquared),
        n=len(outcome),
        df=int(fit.df_resid),
    )


def inflation(found: Moments) -> np.ndarray:
    """Variance inflation of each predictor (all columns but the last).

    Infinite where a column has no coefficient of its own: where it never varies, repeats another, or is a sum of
    others.
    """
    among = found.correlations[:-1, :-1]
    values, vectors = np.linalg.eigh(among)
    repeated = (np.abs(vectors[:, values < _NOTHING_LEFT]) > 1e-4).any(axis=1)
    constant = np.diag(found.covariances)[:-1] == 0
    return np.where(repeated | constant, np.inf, np.diag(np.linalg.pinv(among, hermitian=True)))


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

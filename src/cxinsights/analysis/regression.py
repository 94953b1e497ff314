"""Linear regression of an outcome on ratings: coefficients with robust errors, betas, inflation.

Errors are HC3 with t reference where answers count alike, and design-based (linearised) where they carry survey
weights.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special
from statsmodels.regression.linear_model import OLS, WLS
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from statsmodels.tools.tools import add_constant

from cxinsights.analysis.resampling import Moments, moments

__all__ = ["LinearFit", "fit_linear", "inflation"]

_NOTHING_LEFT = 1e-10  # eigenvalue of correlations below which a combination of columns is always the same


@dataclass(frozen=True)
class LinearFit:
    """A fitted linear model; arrays of length k, with the intercept first where it has k + 1.

    Columns that repeat others (a copy, a sum) or never vary have no coefficient of their own: theirs are missing,
    with infinite inflation.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    """Of shape (k + 1, k + 1)."""
    se: np.ndarray
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
    columns: np.ndarray,
    outcome: np.ndarray,
    weights: np.ndarray | None = None,
    confidence: float = 0.95,
    errors: Literal["HC3", "design"] = "HC3",
    customers: np.ndarray | None = None,
) -> LinearFit:
    """Least squares with robust errors.

    Parameters
    ----------
    columns
        Predictors of shape (n, k), without a constant.
    outcome
        Of shape (n,).
    weights
        Of shape (n,); None where all count alike.
    errors
        HC3, or for survey weights the linearised error of the design.
    customers
        design: customer of each row as a number, where one may answer more than once; None where none does.

    Notes
    -----
    Checked against R: lm, sandwich 3.0-2 (`vcovHC(type = "HC3")`), lmtest 0.9-40, car 3.1-1 (`vif`), survey 4.1.1
    (`svyglm`, t with n − p degrees of freedom).
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
    covariance = fit.cov_params() if errors == "HC3" else _of_design(design, fit.resid, weights, customers)
    values, df = own * fit.params, int(fit.df_resid)
    se = np.sqrt(own * np.diag(covariance))
    half = special.stdtrit(df, 0.5 + confidence / 2) * se
    with np.errstate(invalid="ignore", divide="ignore"):
        p_values = 2 * special.stdtr(df, -np.abs(values / se))
    return LinearFit(
        coefficients=values,
        covariance=own[:, None] * own * covariance,
        se=se,
        p_values=p_values,
        ci_low=values - half,
        ci_high=values + half,
        standardised=values[1:] * spread[:-1] / spread[-1],
        vif=vif,
        r_squared=float(fit.rsquared),
        n=len(outcome),
        df=df,
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


def _of_design(
    design: np.ndarray, residuals: np.ndarray, weights: np.ndarray | None, customers: np.ndarray | None
) -> np.ndarray:
    """Linearised covariance of weighted least squares, over customers."""
    weights = np.ones(len(design)) if weights is None else weights
    bread = np.linalg.pinv((design * weights[:, None]).T @ design, hermitian=True)
    scores = design * (weights * residuals)[:, None]
    if customers is not None:
        at = np.unique(customers, return_inverse=True)[1]
        scores = np.column_stack([np.bincount(at, weights=column) for column in scores.T])
    n = len(scores)
    return bread @ (scores.T @ scores) @ bread * n / (n - 1)

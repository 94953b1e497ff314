"""Answers left blank: moments by full-information maximum likelihood, and multiple imputation.

Both take a blank to be missing at random: whether an answer is there may depend on the other answers, not on itself.
Both lean on the normal distribution for what a blank could have been; for means, covariances and coefficients of
ratings that is known to do.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  makes the import below possible
from sklearn.impute import IterativeImputer

from cxinsights.analysis.resampling import Moments
from cxinsights.errors import AnalysisError

__all__ = ["Patterns", "impute", "pool"]

_ROUNDS = 500
_CONVERGED = 1e-9  # largest change of a correlation in one round
_CONVERGED_DRAWS = 1e-5
MOST_PATTERNS = 256
"""Patterns of blanks beyond which a thousand draws would take many minutes."""
_HELD = 1 << 25  # numbers held at once for draws
_BURN_IN = 10  # rounds of chained equations before a set is kept


class Patterns:
    """Incomplete rows, sorted by which answers they hold; what maximum likelihood needs of each pattern is its sums.

    Parameters
    ----------
    columns
        Of shape (n, k), missing where blank; rows without any answer take no part.
    weights
        Of shape (n,); None where all count alike.
    """

    def __init__(self, columns: np.ndarray, weights: np.ndarray | None = None):
        known = ~np.isnan(columns)
        if not known.any(axis=0).all():
            raise AnalysisError("fiml: a column has no answers at all")
        self._centre, self._scale = np.nanmean(columns, axis=0), np.nanstd(columns, axis=0)
        self._scale[self._scale == 0] = 1
        self._weights = np.ones(len(columns)) if weights is None else weights
        values = np.where(known, (columns - self._centre) / self._scale, 0.0)
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        kinds, kind = np.unique(known, axis=0, return_inverse=True)
        for at, seen in enumerate(kinds):
            if seen.any():
                rows = np.flatnonzero(kind.ravel() == at)
                ones = np.column_stack([np.ones(len(rows)), values[np.ix_(rows, seen)]])
                products = ones[:, :, None] * ones[:, None, :]
                self._parts.append((seen, rows, products.reshape(len(rows), -1)))
        k = columns.shape[1]
        self._start = Moments(np.zeros((1, k)), np.eye(k)[None])

    def moments(self) -> Moments:
        """Means and covariances of the normal distribution under which the answers given are most likely.

        Raises
        ------
        AnalysisError
            The iteration does not end: too few answers for what is blank.

        Notes
        -----
        Checked against R lavaan 0.6-14, `missing = "fiml.x"`. EM, Little & Rubin (2002), section 11.2.
        """
        found = self._maximised(np.ones((1, len(self._weights))), self._start, _CONVERGED)
        self._start = found
        return self._own_units(Moments(found.means[0], found.covariances[0]))

    def drawn_moments(self, counts: np.ndarray) -> Moments:
        """The same for bootstrap draws: how often each row is drawn, of shape (draws, n).

        Raises
        ------
        AnalysisError
            There are too many patterns of blanks to be drawn so often.
        """
        if len(self._parts) > MOST_PATTERNS:
            raise AnalysisError(
                f"fiml: {len(self._parts)} patterns of blanks, and at most {MOST_PATTERNS} can be drawn in a time "
                "that anybody waits for: use missing: imputation"
            )
        step = max(_HELD // sum(products.shape[1] for _, _, products in self._parts), 1)
        found = [
            self._maximised(counts[at : at + step], self._start, _CONVERGED_DRAWS) for at in range(0, len(counts), step)
        ]
        means, covariances = (
            np.concatenate([getattr(one, name) for one in found]) for name in ("means", "covariances")
        )
        return self._own_units(Moments(means, covariances))

    def _maximised(self, counts: np.ndarray, start: Moments, converged: float) -> Moments:
        weighted = counts * self._weights
        sums = [
            (seen, (weighted[:, rows] @ products).reshape(len(counts), seen.sum() + 1, seen.sum() + 1))
            for seen, rows, products in self._parts
        ]
        total = sum(part[:, :1, 0] for _, part in sums)
        means = np.broadcast_to(start.means, (len(counts), start.means.shape[1]))
        covariances = np.broadcast_to(start.covariances, (len(counts), *start.covariances.shape[1:]))
        for _ in range(_ROUNDS):
            first, second = _expected(sums, means, covariances)
            means, before = first / total, covariances
            covariances = second / total[..., None] - means[:, :, None] * means[:, None, :]
            if np.abs(covariances - before).max() < converged:
                return Moments(means, covariances)
        raise AnalysisError(
            "fiml: what is blank cannot be made up for by the answers given (no end after "
            f"{_ROUNDS} rounds): use missing: indicator or listwise"
        )

    def _own_units(self, found: Moments) -> Moments:
        scale = self._scale
        return Moments(self._centre + found.means * scale, found.covariances * scale[:, None] * scale)


def impute(columns: np.ndarray, low: np.ndarray, high: np.ndarray, sets: int, seed: int) -> np.ndarray:
    """Completed copies of the columns, each blank drawn from what the other columns say of it.

    Parameters
    ----------
    columns
        Of shape (n, k), missing where blank; the outcome is one of them.
    low, high
        Ends of each column's scale.

    Returns
    -------
    ndarray
        Of shape (sets, n, k).

    Notes
    -----
    Chained equations of Bayesian linear regressions, drawn within the scale's ends: scikit-learn's `IterativeImputer`
    with `sample_posterior`. van Buuren (2018).
    """
    if not np.isnan(columns).any():
        return np.repeat(columns[None], sets, axis=0)
    kept = np.ptp(np.where(np.isnan(columns), np.nanmean(columns, axis=0), columns), axis=0) > 0
    found = np.repeat(np.where(np.isnan(columns), np.nanmean(columns, axis=0), columns)[None], sets, axis=0)
    for at in range(sets):
        imputer = IterativeImputer(
            sample_posterior=True, max_iter=_BURN_IN, min_value=low[kept], max_value=high[kept],
            random_state=seed + at,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # draws do not settle; they are not meant to
            found[at][:, kept] = imputer.fit_transform(columns[:, kept])
    return found


def pool(estimates: np.ndarray, covariances: np.ndarray, df: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates of completed copies put together by Rubin's rules.

    Parameters
    ----------
    estimates
        Of shape (m, q).
    covariances
        Of shape (m, q, q).
    df
        Degrees of freedom that complete data would leave; infinite for a normal reference.

    Returns
    -------
    estimate : ndarray
        Of shape (q,).
    covariance : ndarray
        Of shape (q, q).
    df : ndarray
        Of each estimate, by Barnard & Rubin (1999).
    """
    m, within = len(estimates), covariances.mean(axis=0)
    if m == 1:
        return estimates[0], within, np.full(estimates.shape[1], df)
    between = np.cov(estimates, rowvar=False).reshape(within.shape)
    total = within + (1 + 1 / m) * between
    share = np.divide(
        (1 + 1 / m) * np.diag(between), np.diag(total), out=np.zeros(len(total)), where=np.diag(total) > 0
    )
    with np.errstate(divide="ignore"):
        imputed = (m - 1) / share**2
        observed = np.inf if np.isinf(df) else (df + 1) / (df + 3) * df
        left = 1 / (1 / imputed + 1 / (observed * (1 - share)))
    return estimates.mean(axis=0), total, left


def _expected(
    sums: list[tuple[np.ndarray, np.ndarray]], means: np.ndarray, covariances: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums and products of all columns, with what is blank as expected from what is there; a first axis of draws."""
    draws, k = means.shape
    first, second = np.zeros((draws, k)), np.zeros((draws, k, k))
    for seen, part in sums:
        blank = ~seen
        complete = np.zeros((draws, k, seen.sum() + 1))  # takes (1, answers given) to all columns
        complete[:, np.flatnonzero(seen), 1 + np.arange(seen.sum())] = 1
        if blank.any():
            among, across = covariances[:, seen][:, :, seen], covariances[:, seen][:, :, blank]
            slopes = np.swapaxes(np.linalg.solve(among, across), 1, 2)
            complete[:, blank, 1:] = slopes
            complete[:, blank, 0] = means[:, blank] - (slopes @ means[:, seen, None])[..., 0]
            left = covariances[:, blank][:, :, blank] - slopes @ across
            at = np.flatnonzero(blank)
            second[:, at[:, None], at] += part[:, :1, :1] * left
        product = complete @ part
        first += product[..., 0]
        second += product @ np.swapaxes(complete, 1, 2)
    return first, second

"""Time until something happens, where some are still waiting: curves, their intervals, and tests between groups.

Kaplan–Meier: the share to whom it has not happened yet; those still waiting are censored when their observation ends.
Where something else can end the waiting (cancelled), those it happened to are not waiting any more, and the curve is
the cumulative incidence (Aalen–Johansen), not Kaplan–Meier. Log-rank tests whether groups share one curve.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import special
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import CumIncidenceRight

from cxinsights.analysis.intervals import CONFIDENCE, p_of, z_of
from cxinsights.errors import AnalysisError

__all__ = ["LogRank", "Survival", "cox", "fit_survival", "log_rank"]


@dataclass(frozen=True)
class Survival:
    """A curve: steps at the times at which something happened."""

    n: int
    times: np.ndarray
    """Distinct times of events, ascending, of shape (m,)."""
    at_risk: np.ndarray
    """Still observed just before each time."""
    events: np.ndarray
    """Events of the kind of interest at each time."""
    happened: np.ndarray
    """Share to whom it has happened by each time: 1 − survival, or the cumulative incidence."""
    se: np.ndarray
    """Standard error of that share (Greenwood; for cumulative incidence the delta method)."""
    competing: bool
    """Whether something else ended the waiting of some."""
    observed: np.ndarray
    """How long each was observed, ascending, of shape (n,)."""

    def at(
        self, moments: Sequence[float], confidence: float = CONFIDENCE, form: Literal["log-log", "log"] = "log-log"
    ) -> pd.DataFrame:
        """The curve at some times.

        Parameters
        ----------
        moments
            Times; each counts what happened up to and at it.
        form
            Scale on which the interval is symmetric: log(−log) of what has not happened yet, or its log.

        Returns
        -------
        DataFrame
            One row per time: `time`, `happened`, `se`, `ci_low`, `ci_high` (all of the share to whom it has
            happened), and `at_risk`, those still observed just before. Without an event so far, or with nobody
            left to whom it has not happened, the interval has no width in this method and its limits are missing.
        """
        moments = np.asarray(moments, dtype=float)
        at = np.searchsorted(self.times, moments, side="right")
        happened, se = (np.concatenate([[0.0], column])[at] for column in (self.happened, self.se))
        low, high = _limits(happened, se, confidence, form)
        at_risk = self.n - np.searchsorted(self.observed, moments, side="left")
        return pd.DataFrame(
            {"time": moments, "happened": happened, "se": se, "ci_low": low, "ci_high": high, "at_risk": at_risk}
        )

    def quantile(self, share: float = 0.5, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
        """Time by which it has happened to this share, and its interval (where the band crosses the share).

        Missing where the curve, or the band's limit, does not get there. A curve that lies level at exactly the
        share gives the middle of that stretch, as R's `survfit` does.
        """
        low, high = _limits(self.happened, self.se, confidence, "log-log")
        return tuple(_crossing(self.times, limit, share) for limit in (self.happened, high, low))

    def restricted_mean(self, until: float) -> tuple[float, float]:
        """Mean time until it happens, counted up to a limit, and its standard error (Kaplan–Meier only).

        The area under the survival curve; the error is Greenwood's, as in R's `print(survfit, rmean = …)`.
        """
        inside = self.times <= until
        edges = np.concatenate([[0.0], self.times[inside], [until]])
        waiting = np.concatenate([[1.0], 1 - self.happened[inside]])
        areas = waiting * np.diff(edges)
        ahead = areas.sum() - np.cumsum(areas)[:-1]
        d, n = self.events[inside], self.at_risk[inside]
        spread = np.divide(d, n * (n - d), out=np.zeros(len(d)), where=n > d)
        return float(areas.sum()), float(np.sqrt(np.sum(ahead**2 * spread)))


def fit_survival(durations: np.ndarray, causes: np.ndarray) -> Survival:
    """Kaplan–Meier, or cumulative incidence where something else ended the waiting of some.

    Parameters
    ----------
    durations
        How long each was observed, in any unit, of shape (n,).
    causes
        What ended it: 0 still waiting (censored), 1 it happened, 2 something else ended it.

    Raises
    ------
    AnalysisError
        Nobody was observed.

    Notes
    -----
    Checked against R survival 3.5-3 (`survfit`). Those censored at the time of an event are at risk of it.
    """
    durations, causes = np.asarray(durations, dtype=float), np.asarray(causes, dtype=int)
    if not len(durations):
        raise AnalysisError("survival: nobody was observed. Widen the period.")
    times, at = np.unique(durations, return_inverse=True)
    ended = np.bincount(at, minlength=len(times))
    at_risk = len(durations) - np.concatenate([[0], np.cumsum(ended)[:-1]])
    own, other = (np.bincount(at, weights=causes == cause, minlength=len(times)) for cause in (1, 2))
    competing = bool(other.any())
    if competing:
        happened, se = _incidence(durations, causes)
    else:
        happened, se = _kaplan_meier(own, at_risk)
    steps = own > 0
    return Survival(
        len(durations), times[steps], at_risk[steps], own[steps].astype(int), happened[steps], se[steps], competing,
        np.sort(durations),
    )  # fmt: skip


class LogRank(NamedTuple):
    """Test of groups against one curve."""

    chi2: float
    df: int
    p_value: float


def log_rank(durations: np.ndarray, happened: np.ndarray, groups: np.ndarray) -> LogRank:
    """Log-rank test between two or more groups.

    Parameters
    ----------
    durations
        How long each was observed, of shape (n,).
    happened
        Whether it happened; all others count as censored.
    groups
        Group of each.

    Returns
    -------
    LogRank
        Missing where there are fewer than two groups, or nothing happened.

    Notes
    -----
    Checked against R survival 3.5-3 (`survdiff`). The covariance is multivariate hypergeometric, ties included.
    """
    names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    times, at = np.unique(np.asarray(durations, dtype=float), return_inverse=True)
    k = len(names)
    happened = np.asarray(happened, dtype=bool)
    cells = codes * len(times) + at
    left = np.bincount(cells, minlength=k * len(times)).reshape(k, -1)
    events = np.bincount(cells[happened], minlength=k * len(times)).reshape(k, -1)
    at_risk = left[:, ::-1].cumsum(axis=1)[:, ::-1]
    total, d = at_risk.sum(axis=0), events.sum(axis=0)
    keep = (d > 0) & (total > 1)
    total, d, at_risk = total[keep], d[keep], at_risk[:, keep]
    if k < 2 or not len(total):
        return LogRank(np.nan, max(k - 1, 0), np.nan)
    shares = at_risk / total
    observed_less_expected = events[:, keep].sum(axis=1) - (shares * d).sum(axis=1)
    scale = d * (total - d) / (total - 1)
    covariance = np.diag((shares * scale).sum(axis=1)) - (shares * scale) @ shares.T
    z = observed_less_expected[:-1]
    chi2 = float(z @ np.linalg.pinv(covariance[:-1, :-1]) @ z)
    return LogRank(chi2, k - 1, float(special.chdtrc(k - 1, chi2)))


def cox(durations: np.ndarray, happened: np.ndarray, covariates: pd.DataFrame) -> pd.DataFrame:
    """Cox regression with Efron's rule for ties.

    Parameters
    ----------
    durations
        How long each was observed, of shape (n,).
    happened
        Whether it happened; all others count as censored.
    covariates
        One column each, complete, of shape (n, p); a column without spread has no coefficient.

    Returns
    -------
    DataFrame
        One row per covariate: `coefficient` (log hazard ratio), `hazard_ratio`, `se`, `coef_low`, `coef_high`,
        `z`, `p_value`.

    Notes
    -----
    Checked against R survival 3.5-3 (`coxph(ties = "efron")`).
    """
    varies = [name for name in covariates if covariates[name].min() < covariates[name].max()]
    values = covariates[varies].to_numpy(dtype=float)
    centre, spread = values.mean(axis=0), values.std(axis=0)
    # Newton's steps converge on standardised columns whatever the units
    fit = PHReg(durations, (values - centre) / spread, status=np.asarray(happened, dtype=int), ties="efron").fit()
    coefficient, se = np.asarray(fit.params) / spread, np.asarray(fit.bse) / spread
    half = z_of(CONFIDENCE) * se
    z = coefficient / se
    frame = pd.DataFrame(
        {
            "coefficient": coefficient,
            "hazard_ratio": np.exp(coefficient),
            "se": se,
            "coef_low": coefficient - half,
            "coef_high": coefficient + half,
            "z": z,
            "p_value": [p_of(one) for one in z],
        },
        index=pd.Index(varies, name="covariate"),
    )
    return frame.reindex(pd.Index(covariates.columns, name="covariate")).reset_index()


def _kaplan_meier(events: np.ndarray, at_risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 − survival, and Greenwood's standard error."""
    survival = np.cumprod(1 - events / at_risk)
    spread = np.divide(events, at_risk * (at_risk - events), out=np.zeros(len(events)), where=at_risk > events)
    return 1 - survival, survival * np.sqrt(np.cumsum(spread))


def _incidence(durations: np.ndarray, causes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative incidence of cause 1 at each distinct duration, and its standard error."""
    with np.errstate(divide="ignore", invalid="ignore"):  # where all who are left end at once
        fit = CumIncidenceRight(durations, causes)
    return fit.cinc[0], fit.cinc_se[0]


def _limits(happened: np.ndarray, se: np.ndarray, confidence: float, form: str) -> tuple[np.ndarray, np.ndarray]:
    """Limits of the share to whom it has happened."""
    waiting, half = 1 - happened, z_of(confidence) * se
    inside = (waiting > 0) & (happened > 0) & np.isfinite(se)
    w = np.where(inside, waiting, 0.5)
    if form == "log":
        low, high = 1 - np.minimum(w * np.exp(half / w), 1), 1 - w * np.exp(-half / w)
    else:
        factor = np.exp(half / (w * np.abs(np.log(w))))
        low, high = 1 - w ** (1 / factor), 1 - w**factor
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def _crossing(times: np.ndarray, curve: np.ndarray, share: float) -> float:
    reached = np.flatnonzero(curve >= share - 1e-12)
    if not len(reached):
        return np.nan
    first = reached[0]
    if abs(curve[first] - share) < 1e-12 and first + 1 < len(times):
        return float((times[first] + times[first + 1]) / 2)
    return float(times[first])

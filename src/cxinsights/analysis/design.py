"""The driver regression's data: from answers, blanks and "does not apply" to columns of a model.

Rules for what is missing:

- `indicator` (default): a question that does not apply becomes two columns, whether it applies and the
  rating (centred, 0 where it does not apply), so that every customer to whom something does not apply stays.
  Rows with a blank are left out.
- `imputation`: the same columns, and blanks are drawn several times from what the other answers say of them.
- `listwise`: only rows with a rating of every driver.
- `pairwise`: each correlation from the rows that have both answers; refused where no data could have all of
  those correlations at once.
- `fiml`: the means and covariances under which all answers given are most likely.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cxinsights.analysis.missing import Patterns, impute
from cxinsights.analysis.resampling import Moments, bootstrap_moments, drawn_weights, moments
from cxinsights.analysis.scores import METRICS, Sample, customers_of, sample_of
from cxinsights.analysis.weighting import kish_n
from cxinsights.errors import AnalysisError, DataError, LeakError, NotPositiveDefiniteError, did_you_mean
from cxinsights.params import DriversParams, ScoreRules

__all__ = ["Design", "correlation", "outcome_values", "prepare"]


def outcome_values(responses: pd.DataFrame, params: DriversParams) -> np.ndarray:
    """The outcome of each row as a number: NPS coded −100, 0, 100, a top box 0 or 1, any other score as answered.

    Raises
    ------
    LeakError
        A driver is the outcome's own column, or named under `outcome_parts`.
    DataError
        The outcome or a driver is not a column of the table.
    """
    source = "nps_answer" if params.outcome == "nps" else params.outcome
    parts = {source: f"{source} is the outcome itself", **{
        name: f"{name} is named as a part of the outcome (outcome_parts)" for name in params.outcome_parts
    }}  # fmt: skip
    for driver in params.drivers:
        if driver in parts:
            raise LeakError(
                f"drivers: {driver} cannot explain {params.outcome}: {parts[driver]}. Take it off the drivers."
            )
    for name in (source, *params.drivers):
        if name not in responses:
            raise DataError(f"drivers: {did_you_mean('column', name, _numeric(responses))}")
        if not pd.api.types.is_numeric_dtype(responses[name]):
            raise DataError(f"drivers: {name} holds text, not numbers. Known: {', '.join(_numeric(responses))}.")
    answers = responses[source].to_numpy(dtype=float)
    if params.model == "top_box":
        return np.where(np.isnan(answers), np.nan, (answers >= params.top_box_from) * 1.0)
    if params.outcome == "nps":
        return METRICS["nps"].coded(responses[source], ScoreRules())
    return answers


@dataclass(frozen=True)
class Design:
    """Columns of the model: the drivers' blocks, then the outcome."""

    drivers: list[str]
    blocks: list[int]
    rule: str
    columns: np.ndarray
    """Of shape (n, k + 1); with missing values under `imputation`, `pairwise` and `fiml`."""
    weights: np.ndarray | None
    customers: np.ndarray | None
    """Customer of each row as a number; None where nobody answers twice."""
    outcome_sample: Sample
    n_eligible: int
    n_needed: int
    counts: pd.DataFrame
    """One row per driver: rated, blank and not applicable among those who answered the outcome."""
    left_out: tuple[str, ...]
    rating_at: list[int]
    """Column of each driver's rating."""
    rated: np.ndarray
    """Whether each driver applies to the customer, of shape (n, p)."""
    scale: tuple[float, float]
    """Lowest and highest possible rating."""
    centres: np.ndarray
    """What is taken off each rating in its column, of shape (p,)."""

    @property
    def has_gaps(self) -> bool:
        """Whether moments come from incomplete rows, which robust errors do not know."""
        return self.rule in ("pairwise", "fiml")

    @property
    def n(self) -> int:
        """Rows in the model."""
        return int((~np.isnan(self.columns[:, -1])).sum())

    @cached_property
    def n_complete(self) -> int:
        """Rows without a gap."""
        return int((~np.isnan(self.columns).any(axis=1)).sum())

    @property
    def n_base(self) -> int:
        """Answers that the regression rests on: rows, or of incomplete ones the fewest ratings of any driver."""
        return self.n if self.rule in ("indicator", "listwise") else int(min(self.counts["n"].min(), self.n))

    @property
    def n_customers(self) -> int:
        """Customers in the model."""
        return self.n if self.customers is None else len(np.unique(self.customers))

    @cached_property
    def n_effective(self) -> float:
        """Answers of equal weight that would be as precise, one per customer."""
        by_weight = self.n if self.weights is None else kish_n(self.weights)
        return by_weight * self.n_customers / max(self.n, 1)

    @property
    def widening(self) -> float:
        """What the spread of bootstrap draws is multiplied by: 1 / (1 − h) at the average leverage h, as HC3 does."""
        return self.n_customers / max(self.n_customers - self.columns.shape[1], 1)

    @property
    def applies(self) -> np.ndarray:
        """Share of customers to whom each driver applies, of shape (p,)."""
        return np.average(self.rated, axis=0, weights=self.weights)

    def bases(self) -> dict[str, np.ndarray]:
        """Rated, blank and not applicable answers of each driver."""
        return {name: self.counts[name].to_numpy() for name in ("n", "n_missing", "n_does_not_apply")}

    def completed(self, sets: int, seed: int) -> np.ndarray:
        """The columns, as often as blanks are drawn; of shape (sets, n, k + 1), one set where none are."""
        if self.rule != "imputation":
            return self.columns[None]
        low, high = (np.full(self.columns.shape[1], end) for end in (-np.inf, np.inf))
        low[self.rating_at], high[self.rating_at] = (end - self.centres for end in self.scale)
        return impute(self.columns, low, high, sets, seed)

    def moments(self, completed: np.ndarray) -> Moments:
        """Means and covariances of the sample.

        Raises
        ------
        NotPositiveDefiniteError
            Pairwise correlations that no data could have.
        """
        if self.rule == "fiml":
            return self._patterns.moments()
        if self.rule != "pairwise":
            found = [moments(columns, self.weights) for columns in completed]
            return Moments(*(np.mean([getattr(one, name) for one in found], axis=0) for name in _MOMENTS))
        found = _pairwise_moments(self.columns, self.weights, np.ones((1, len(self.columns))))
        single = Moments(found.means[0], found.covariances[0])
        least = float(np.linalg.eigvalsh(single.correlations).min())
        if least <= 0:
            raise NotPositiveDefiniteError(
                f"pairwise correlations contradict each other (least eigenvalue {least:.3f}): "
                "use missing: indicator or listwise"
            )
        return single

    def bootstrap(self, completed: np.ndarray, draws: int, rng: np.random.Generator) -> Moments:
        """Moments of bootstrap draws of customers, spread over the completed sets."""
        if not self.has_gaps:
            each = -(-draws // len(completed))
            found = [bootstrap_moments(one, self.weights, self.customers, each, rng) for one in completed]
            return Moments(*(np.concatenate([getattr(one, name) for one in found]) for name in _MOMENTS))
        counts = drawn_weights(len(self.columns), None, self.customers, draws, rng)
        if self.rule == "fiml":
            return self._patterns.drawn_moments(counts)
        found = _pairwise_moments(self.columns, self.weights, counts)
        possible = np.linalg.eigvalsh(found.correlations).min(axis=-1) > 0
        if possible.mean() < 0.95:
            raise AnalysisError(
                f"pairwise: {1 - possible.mean():.0%} of the bootstrap draws have correlations that contradict "
                "each other. Use missing: indicator or listwise."
            )
        return Moments(found.means[possible], found.covariances[possible])

    @cached_property
    def _patterns(self) -> Patterns:
        return Patterns(self.columns, self.weights)


_MOMENTS = ("means", "covariances")


def prepare(
    responses: pd.DataFrame,
    outcome: np.ndarray,
    params: DriversParams,
    scale: tuple[float, float] | None = None,
    centres: Mapping[str, float] | None = None,
) -> Design:
    """Build the model's columns under the params' rule for missing answers.

    Parameters
    ----------
    scale
        Lowest and highest possible rating; by default the lowest and highest given.
    centres
        Drivers that get an indicator, and what is taken off their ratings: those of a design that this one is to lie
        beside. By default drivers that do not apply to somebody, and their means.
    """
    eligible = ~np.isnan(outcome)
    ratings = responses[params.drivers].to_numpy(dtype=float)
    applies = np.column_stack([_applies(responses, name) for name in params.drivers])
    rated = ~np.isnan(ratings)
    counts = pd.DataFrame(
        {
            "driver": params.drivers,
            "n": (rated & eligible[:, None]).sum(axis=0),
            "n_missing": (~rated & applies & eligible[:, None]).sum(axis=0),
            "n_does_not_apply": (~applies & eligible[:, None]).sum(axis=0),
        }
    )
    used = (counts["n"] >= params.min_base_per_driver).to_numpy()
    ratings, applies, rated = ratings[:, used], applies[:, used], rated[:, used]
    drivers = [name for name, use in zip(params.drivers, used, strict=True) if use]
    low, high = scale or ((np.nanmin(ratings), np.nanmax(ratings)) if rated.any() else (np.nan, np.nan))
    if params.missing == "listwise":
        keep = eligible & rated.all(axis=1)
    elif params.missing == "indicator":
        keep = eligible & (rated | ~applies).all(axis=1)
    elif params.missing == "imputation":
        keep = eligible
    else:
        keep = np.ones(len(outcome), dtype=bool)  # who did not answer the outcome still tells how drivers go together
    parts, blocks, rating_at, taken_off = [], [], [], np.zeros(len(drivers))
    for at, driver in enumerate(drivers):
        x, a = ratings[keep, at], applies[keep, at]
        if params.missing in ("indicator", "imputation") and (
            driver in centres if centres is not None else not a.all()
        ):
            own = np.nanmean(x[a]) if rated[keep, at].any() else 0.0
            taken_off[at] = own if centres is None else centres[driver]
            parts += [a.astype(float), np.where(a, x - taken_off[at], 0.0)]
            blocks.append(2)
        else:
            parts.append(x)
            blocks.append(1)
        rating_at.append(len(parts) - 1)
    weights = responses["weight"].to_numpy(dtype=float) if "weight" in responses else None
    customers = customers_of(responses)
    whole = sample_of(outcome, weights, customers)
    kept_customers = None if customers is None else customers[keep]
    if kept_customers is not None and len(np.unique(kept_customers)) == len(kept_customers):
        kept_customers = None
    return Design(
        drivers=drivers,
        blocks=blocks,
        rule=params.missing,
        columns=np.column_stack([*parts, outcome[keep]]),
        weights=None if weights is None else weights[keep],
        customers=kept_customers,
        outcome_sample=whole,
        n_eligible=int(eligible.sum()),
        n_needed=max(params.min_base, params.min_base_per_driver * max(len(drivers), 1)),
        counts=counts[used].reset_index(drop=True),
        left_out=tuple(name for name, use in zip(params.drivers, used, strict=True) if not use),
        rating_at=rating_at,
        rated=applies[keep],
        scale=(float(low), float(high)),
        centres=taken_off,
    )


def _applies(responses: pd.DataFrame, rating: str) -> np.ndarray:
    name = f"{rating}_applies"
    if name not in responses:
        return np.ones(len(responses), dtype=bool)
    if not (pd.api.types.is_bool_dtype(responses[name]) or pd.api.types.is_numeric_dtype(responses[name])):
        raise DataError(f"drivers: {name} says whether {rating} applies; it has to hold true and false, not text.")
    return responses[name].to_numpy(dtype=bool)


def _numeric(responses: pd.DataFrame) -> list[str]:
    return [name for name in responses if pd.api.types.is_numeric_dtype(responses[name])]


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of the rows that have both; 0 where it is not defined."""
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < 3 or a[both].std() == 0 or b[both].std() == 0:
        return 0.0
    return float(np.corrcoef(a[both], b[both])[0, 1])


def _pairwise_moments(columns: np.ndarray, weights: np.ndarray | None, counts: np.ndarray) -> Moments:
    """Moments from pairs of answers, for each row of counts; covariances give R's pairwise correlations."""
    known = ~np.isnan(columns)
    values = np.where(known, columns - np.nanmean(columns, axis=0), 0.0)
    weights = np.ones(len(columns)) if weights is None else weights
    weighted = counts * weights
    k = columns.shape[1]
    correlations = np.empty((len(counts), k, k))
    spread = np.empty((len(counts), k))
    for i in range(k):
        for j in range(i + 1):
            both = weighted * (known[:, i] & known[:, j])
            total = both.sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                mean_i, mean_j = both @ values[:, i] / total, both @ values[:, j] / total
                var_i = both @ values[:, i] ** 2 / total - mean_i**2
                var_j = both @ values[:, j] ** 2 / total - mean_j**2
                cov = both @ (values[:, i] * values[:, j]) / total - mean_i * mean_j
                correlations[:, i, j] = correlations[:, j, i] = cov / np.sqrt(var_i * var_j)
            if i == j:
                spread[:, i] = np.sqrt(var_i)
    if not np.isfinite(correlations).all():
        raise AnalysisError(
            "pairwise: some ratings are never answered together, or do not vary where they are: "
            "use missing: indicator or listwise"
        )
    covariances = correlations * spread[:, :, None] * spread[:, None, :]
    return Moments(np.nanmean(columns, axis=0) + np.zeros((len(counts), 1)), covariances)

"""Driver importance in models of likelihood: shares of McFadden's R² of an ordered answer or a top box.

Every set of drivers is fitted, along a path on which neighbours differ by one driver, so that each fit begins next to
its end. For bootstrap draws the log-likelihood of a set is taken from its own estimate by one Newton step:
Σ wᵢ ℓᵢ + ½ g′I⁻¹g, with w the draw's weights and g their score; its first term is exact in the draw, since a
maximum has no slope.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cxinsights.analysis.importance import shapley_of_sets, size_weights
from cxinsights.analysis.ordered import OrderedData, State, null_log_likelihood
from cxinsights.analysis.resampling import moments

__all__ = [
    "MOST_DRIVERS", "LikelihoodDraws", "draw_coefficients", "likelihood_importance", "mcfadden_shapley",
    "relative_weights",
]  # fmt: skip

MOST_DRIVERS = 10
"""Of more drivers than this, sets are too many to fit, and relative weights stand in."""


@dataclass(frozen=True)
class LikelihoodDraws:
    """Importance in units of McFadden's R²."""

    parts: np.ndarray
    """Of each driver, of shape (p,)."""
    drawn: np.ndarray
    """The same in every bootstrap draw, of shape (draws, p)."""
    random: dict[int, np.ndarray]
    """What random drivers of so many columns get, one figure per draw."""
    worth: np.ndarray | None = None
    """R² of every set, of shape (2ᵖ, 1); None where not every set was fitted."""
    drawn_worth: np.ndarray | None = None
    """The same in every draw, of shape (2ᵖ, draws)."""


def likelihood_importance(
    data: OrderedData, blocks: Sequence[int], weights: np.ndarray, n_noise: int, rng: np.random.Generator
) -> LikelihoodDraws:
    """Parts of McFadden's R²: Shapley values, or of more than `MOST_DRIVERS` drivers relative weights.

    Parameters are those of `mcfadden_shapley`.
    """
    if len(blocks) <= MOST_DRIVERS:
        return mcfadden_shapley(data, blocks, weights, n_noise, rng)
    return _by_relative_weights(data, blocks, weights, n_noise, rng)


def mcfadden_shapley(
    data: OrderedData, blocks: Sequence[int], weights: np.ndarray, n_noise: int, rng: np.random.Generator
) -> LikelihoodDraws:
    """Shapley values of McFadden's R², for the sample and for bootstrap draws, and what random drivers get.

    Parameters
    ----------
    blocks
        Columns of each of the p drivers, in order.
    weights
        Weight of each row in each draw, of shape (draws, n), in the rows' order as given to `data`.
    n_noise
        Random drivers tried for the noise floor.

    Notes
    -----
    Checked against R domir 1.2.0 with McFadden's R². Cost doubles with each driver.
    """
    p, draws = len(blocks), len(weights)
    sizes = sorted(set(blocks))
    noise = _Noise(data, n_noise, rng)
    by_size = size_weights(p + 1)
    random = {size: np.zeros(n_noise) for size in sizes}
    found, drawn = np.empty(1 << p), np.empty((1 << p, draws))
    drawn_weights = weights[:, data.order]
    drawn_null = null_log_likelihood(np.add.reduceat(drawn_weights, data.starts, axis=1))
    null = data.null_log_likelihood
    for chosen, at, state in _along_all_sets(data, blocks):
        found[chosen] = 1 - state.log_likelihood / null
        scores = _scores(data, state, at)
        drawn[chosen] = 1 - _after_one_step(drawn_weights, state, scores) / drawn_null
        gain = noise.gain(state) * by_size[chosen.bit_count()]
        for size in sizes:
            random[size] += sum(np.roll(gain, shift) for shift in range(size))
    return LikelihoodDraws(shapley_of_sets(found, p), shapley_of_sets(drawn, p).T, random, found[:, None], drawn)


def draw_coefficients(data: OrderedData, weights: np.ndarray) -> np.ndarray:
    """Thresholds and coefficients of bootstrap draws after one Newton step, of shape (draws, J − 1 + k)."""
    at = list(range(data.columns.shape[1]))
    state = data.solve(at)
    return (state.values + weights[:, data.order] @ _scores(data, state, at) @ state.inverse) @ data.own_units(at).T


def relative_weights(correlations: np.ndarray, standardised: np.ndarray, blocks: Sequence[int]) -> np.ndarray:
    """Shares of drivers in the spread of the linear predictor (Johnson's weights on the model's own scale); (…, p).

    Parameters
    ----------
    correlations
        Among the k columns, of shape (…, k, k).
    standardised
        Coefficients per standard deviation of each column, of shape (…, k).

    Notes
    -----
    Tonidandel & LeBreton (2010). Shares sum to 1.
    """
    values, vectors = np.linalg.eigh(correlations)
    root = np.sqrt(np.clip(values, 0, None))
    loadings = (vectors * root[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    of_columns = (loadings**2 @ (loadings @ standardised[..., None]) ** 2)[..., 0]
    parts = np.add.reduceat(of_columns, np.cumsum([0, *blocks[:-1]]), axis=-1)
    return parts / parts.sum(axis=-1, keepdims=True)


class _Noise:
    """Random columns, and what each would add to a model that it is entered into."""

    def __init__(self, data: OrderedData, draws: int, rng: np.random.Generator):
        self._data = data
        self._columns = rng.standard_normal((draws, len(data.weights)))
        self._squares = self._columns**2

    def gain(self, state: State) -> np.ndarray:
        """Gain in McFadden's R² of each random column, by its score test; of shape (draws,)."""
        weights, pieces = self._data.weights, state.pieces
        slope = self._columns @ (weights * pieces.residual)
        curved = self._squares @ (weights * (pieces.f_upper + pieces.f_lower))
        return slope**2 / curved / (-2 * self._data.null_log_likelihood)


def _by_relative_weights(
    data: OrderedData, blocks: Sequence[int], weights: np.ndarray, n_noise: int, rng: np.random.Generator
) -> LikelihoodDraws:
    """Parts of McFadden's R² in proportion to relative weights; a random driver gets what it adds to all the others."""
    j, at = data.n_thresholds, list(range(data.columns.shape[1]))
    state = data.solve(at)
    scores = _scores(data, state, at)
    drawn_weights = weights[:, data.order]
    drawn_null = null_log_likelihood(np.add.reduceat(drawn_weights, data.starts, axis=1))
    r2 = 1 - _after_one_step(drawn_weights, state, scores) / drawn_null
    coefficients = (state.values + drawn_weights @ scores @ state.inverse)[:, j:]

    def shares(weight: np.ndarray, values: np.ndarray) -> np.ndarray:
        found = moments(data.columns, weight)
        return relative_weights(found.correlations, values * np.sqrt(np.diag(found.covariances)), blocks)

    parts = shares(data.weights, state.values[j:]) * (1 - state.log_likelihood / data.null_log_likelihood)
    drawn = np.stack([shares(weight, values) for weight, values in zip(drawn_weights, coefficients, strict=True)])
    gain = _Noise(data, n_noise, rng).gain(state)
    random = {size: sum(np.roll(gain, shift) for shift in range(size)) for size in sorted(set(blocks))}
    return LikelihoodDraws(parts, drawn * r2[:, None], random)


def _along_all_sets(data: OrderedData, blocks: Sequence[int]) -> Iterator[tuple[int, list[int], State]]:
    """Every set of drivers as a number (bit j: driver j), its columns, and its fit; neighbours differ by one driver."""
    j = data.n_thresholds
    ends = np.cumsum(blocks)
    columns_of = [list(range(end - size, end)) for end, size in zip(ends, blocks, strict=True)]
    values = np.concatenate([data.null_thresholds, np.zeros(int(ends[-1]))])  # of all columns, 0 where not in
    for step in range(1 << len(blocks)):
        chosen = step ^ (step >> 1)
        at = [column for driver, own in enumerate(columns_of) if chosen >> driver & 1 for column in own]
        place = [*range(j), *(j + column for column in at)]
        state = data.solve(at, values[place])
        values[j:] = 0
        values[place] = state.values
        yield chosen, at, state


def _scores(data: OrderedData, state: State, at: list[int]) -> np.ndarray:
    """Slope of each row's log-likelihood in each value, of shape (n, values)."""
    j, n = data.n_thresholds, len(data.weights)
    scores = np.zeros((n, j + len(at)))
    ends = [*data.starts[1:], n]
    for level, (begin, end) in enumerate(zip(data.starts, ends, strict=True)):
        if level < j:
            scores[begin:end, level] = state.pieces.from_upper[begin:end]
        if level > 0:
            scores[begin:end, level - 1] = -state.pieces.from_lower[begin:end]
    scores[:, j:] = data.columns[:, at] * state.pieces.residual[:, None]
    return scores


def _after_one_step(weights: np.ndarray, state: State, scores: np.ndarray) -> np.ndarray:
    """Log-likelihood of draws at their own estimates; of shape (draws,)."""
    both = weights @ np.column_stack([state.pieces.log_p, scores])
    slope = both[:, 1:]
    return both[:, 0] + 0.5 * np.einsum("di,ij,dj->d", slope, state.inverse, slope)

"""Latent classes: segments of customers by what they answer, with missing answers inside the model.

Within a class the answers to different items are independent; a class is its share and, for each item, the shares
of its answers. The model is fitted by maximum likelihood (EM). A missing answer says nothing of the class and takes
no part in the likelihood, so that every customer with any answer stays. How many classes: the smallest BIC; one
class means that the items are unrelated, which is what no segments at all would look like.
"""

from dataclasses import dataclass

import numpy as np

from cxinsights.analysis.clustering import Assign

__all__ = ["ClassModel", "LatentClasses", "fit_classes"]

_SHORT, _LONGER = 10, 50  # rounds of every start, then of the best fifth; the best of those goes on to the end
_CONVERGED = 1e-9  # length of one step of all shares together
_ROUGHLY = {"rounds": 100, "converged": 1e-4}  # until hardly a customer changes class
_TINY = 1e-300  # a share of zero keeps a logarithm
_EDGE = 1e-6  # a share this small has ended at zero


@dataclass(frozen=True)
class ClassModel:
    """A fitted model of k classes."""

    shares: np.ndarray
    """Of the classes, of shape (k,), largest first."""
    answers: np.ndarray
    """Share of each item's answers within each class, of shape (k, all answers of all items)."""
    levels: tuple[int, ...]
    """Number of answers of each item."""
    log_likelihood: float
    n: float
    entropy_r2: float
    """How surely customers belong to their class: 1 all surely, 0 no better than a guess; missing for one class."""
    is_identified: bool
    """Whether no other shares near these are as likely: four yes-or-no items, for one, cannot tell three classes."""

    @property
    def n_parameters(self) -> int:
        """Free parameters."""
        k = len(self.shares)
        return k - 1 + k * sum(level - 1 for level in self.levels)

    @property
    def bic(self) -> float:
        """Bayesian information criterion; lower is better."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n))

    def posteriors(self, codes: np.ndarray) -> np.ndarray:
        """Chance of each class for rows of codes (−1 where missing), of shape (n, k)."""
        return _expected(_flags(codes, self.levels), self.shares, self.answers)[0]


@dataclass(frozen=True)
class LatentClasses:
    """Latent classes of items coded from 0, of shape (n, items); −1 where missing."""

    codes: np.ndarray

    def fit(self, rows: np.ndarray, k: int, n_starts: int, seed: int) -> Assign:
        """The best of `n_starts` random starts; a customer belongs to the likeliest class."""
        model = fit_classes(self.codes[rows], k, n_starts, seed, levels=levels_of(self.codes), **_ROUGHLY)
        return lambda at: model.posteriors(self.codes[at]).argmax(axis=1)

    def coordinates(self, rows: np.ndarray) -> np.ndarray:
        """One column per answer."""
        return _flags(self.codes[rows], levels_of(self.codes))


def levels_of(codes: np.ndarray) -> tuple[int, ...]:
    """Number of answers of each item."""
    return tuple(int(top) + 1 for top in codes.max(axis=0))


def fit_classes(
    codes: np.ndarray,
    k: int,
    n_starts: int,
    seed: int,
    *,
    levels: tuple[int, ...] | None = None,
    rounds: int = 20_000,
    converged: float = _CONVERGED,
) -> ClassModel:
    """Latent class model of k classes by EM, the best of random starts.

    Parameters
    ----------
    codes
        Answers from 0 in each item, of shape (n, items); −1 where missing.
    levels
        Number of answers of each item, where these rows may not hold them all.
    rounds, converged
        Most rounds of the best start, and the length of a step of all shares that counts as none.

    Notes
    -----
    Rows with the same answers count as one with their number, so that the cost depends on the different patterns,
    not on the customers. Checked against R poLCA 1.6.0.2 and, with missing answers, StepMix 3.0.0.
    """
    levels = levels or levels_of(codes)
    patterns, counts = np.unique(codes, axis=0, return_counts=True)
    flags = _flags(patterns, levels)
    rng = np.random.default_rng(seed)
    ends = [
        _em(flags, counts, levels, _start(flags, counts, levels, k, rng), _SHORT, converged) for _ in range(n_starts)
    ]
    for more, left in ((_LONGER, max(1, n_starts // 5)), (rounds, 1)):
        ends = sorted(ends, key=lambda found: -found.log_likelihood)[:left]
        ends = [_em(flags, counts, levels, end, more, converged) for end in ends]
    order = np.argsort(-ends[0].shares, kind="stable")
    shares, answers = ends[0].shares[order], ends[0].answers[order]
    chances, each = _expected(flags, shares, answers)
    n = float(counts.sum())
    doubt = -(counts[:, None] * chances * np.log(np.maximum(chances, _TINY))).sum()
    certainty = 1 - doubt / (n * np.log(k)) if k > 1 else np.nan
    settled = _is_identified(flags, counts, chances, shares, answers, levels)
    return ClassModel(shares, answers, levels, float(counts @ each), n, float(certainty), settled)


@dataclass(frozen=True)
class _State:
    shares: np.ndarray
    answers: np.ndarray
    log_likelihood: float = -np.inf


def _flags(codes: np.ndarray, levels: tuple[int, ...]) -> np.ndarray:
    """One column per answer of every item; a missing answer has none."""
    return np.hstack([(codes[:, at][:, None] == np.arange(level)) * 1.0 for at, level in enumerate(levels)])


def _start(flags: np.ndarray, counts: np.ndarray, levels: tuple[int, ...], k: int, rng: np.random.Generator) -> _State:
    return _State(np.full(k, 1 / k), _to_one(rng.uniform(0.05, 1, (k, flags.shape[1])), levels))


def _em(
    flags: np.ndarray, counts: np.ndarray, levels: tuple[int, ...], state: _State, rounds: int, converged: float
) -> _State:
    """EM, each pair of steps stretched along its own curve while that helps (SQUAREM, Varadhan & Roland 2008).

    Likelihoods of classes are flat near their top: EM alone stops far from it, or not at all.
    """

    def step(shares: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        chances, each = _expected(flags, shares, answers)
        return *_maximised(flags, counts, chances, levels), float(counts @ each)

    shares, answers = state.shares, state.answers
    for _ in range(rounds):
        shares_1, answers_1, _ = step(shares, answers)
        shares_2, answers_2, level = step(shares_1, answers_1)
        first = (shares_1 - shares, answers_1 - answers)
        second = tuple(b - a - f for a, b, f in zip((shares_1, answers_1), (shares_2, answers_2), first, strict=True))
        lengths = [np.sqrt(sum((part**2).sum() for part in parts)) for parts in (first, second)]
        if lengths[0] < converged:
            break
        reach = max(lengths[0] / max(lengths[1], _TINY), 1.0)
        tried = [
            np.maximum(now + 2 * reach * f + reach**2 * s, 0)
            for now, f, s in zip((shares, answers), first, second, strict=True)
        ]
        shares_3, answers_3, reached = step(tried[0] / tried[0].sum(), _to_one(tried[1], levels))
        shares, answers = (shares_3, answers_3) if reached >= level else (shares_2, answers_2)
    return _State(shares, answers, float(counts @ _expected(flags, shares, answers)[1]))


def _maximised(
    flags: np.ndarray, counts: np.ndarray, chances: np.ndarray, levels: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    weighted = chances * counts[:, None]
    return weighted.sum(axis=0) / counts.sum(), _to_one(weighted.T @ flags, levels)


def _to_one(sums: np.ndarray, levels: tuple[int, ...]) -> np.ndarray:
    """Shares of each item's answers; alike where a class has none."""
    first = np.concatenate([[0], np.cumsum(levels)[:-1]])
    whole = np.repeat(np.add.reduceat(sums, first, axis=1), levels, axis=1)
    return np.where(whole > 0, sums / np.maximum(whole, _TINY), 1 / np.repeat(levels, levels))


def _expected(flags: np.ndarray, shares: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chance of each class for every pattern, and the pattern's log-likelihood."""
    joint = flags @ np.log(np.maximum(answers, _TINY)).T + np.log(np.maximum(shares, _TINY))
    top = joint.max(axis=1, keepdims=True)
    parts = np.exp(joint - top)
    sums = parts.sum(axis=1, keepdims=True)
    return parts / sums, (top + np.log(sums))[:, 0]


def _is_identified(
    flags: np.ndarray, counts: np.ndarray, chances: np.ndarray, shares: np.ndarray, answers: np.ndarray,
    levels: tuple[int, ...],
) -> bool:  # fmt: skip
    """Whether the information has full rank: the gradient of every pattern's log-likelihood by every free share.

    Shares that ended at 0 or 1 are held there. Gradients are by logarithms of shares, less what their sum takes.
    """
    columns = [chances - shares]  # by the classes' shares
    first = 0
    for level in levels:
        part = slice(first, first + level)
        seen = flags[:, part].sum(axis=1, keepdims=True)
        for k, own in enumerate(answers[:, part]):
            free = own > _EDGE
            columns.append((chances[:, [k]] * (flags[:, part] - seen * own))[:, free])
        first += level
    n_free = (
        len(shares)
        - 1
        + sum(
            max(int((own[at : at + level] > _EDGE).sum()) - 1, 0)
            for own in answers
            for at, level in zip(np.cumsum((0, *levels[:-1])), levels, strict=True)
        )
    )
    gradients = np.hstack(columns) * np.sqrt(counts)[:, None]
    scale = np.linalg.norm(gradients, axis=0)
    return bool(np.linalg.matrix_rank(gradients / np.where(scale > 0, scale, 1), tol=1e-5) >= n_free)

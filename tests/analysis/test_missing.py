"""Blanks: maximum likelihood from incomplete rows, imputation, and Rubin's rules."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from cxinsights.analysis import missing
from cxinsights.analysis.missing import Patterns, impute, pool
from cxinsights.analysis.regression import fit_linear
from cxinsights.analysis.resampling import drawn_weights, moments
from cxinsights.errors import AnalysisError


def incomplete(n: int = 300, seed: int = 1, share: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Three columns, complete and with blanks that depend on the last column (missing at random)."""
    rng = np.random.default_rng(seed)
    whole = rng.normal(0, 1, (n, 3)) + 0.7 * rng.normal(0, 1, (n, 1)) + [5, 6, 7]
    columns = whole.copy()
    chance = share * 2 * (whole[:, 2] < np.median(whole[:, 2]))
    for at in (0, 1):
        columns[rng.random(n) < chance, at] = np.nan
    return whole, columns


def test_no_other_moments_make_the_answers_more_likely() -> None:
    """The likelihood itself, maximised by a general optimiser from the estimate, does not rise."""
    _, columns = incomplete(120)
    found = Patterns(columns).moments()

    def unlikely(values: np.ndarray) -> float:
        root = np.zeros((3, 3))
        root[np.tril_indices(3)] = values[3:]
        total = 0.0
        for row in columns:
            seen = ~np.isnan(row)
            spread = (root @ root.T)[np.ix_(seen, seen)]
            total -= multivariate_normal.logpdf(row[seen], values[:3][seen], spread)
        return total

    own = np.concatenate([found.means, np.linalg.cholesky(found.covariances)[np.tril_indices(3)]])
    best = minimize(unlikely, own, method="BFGS", options={"maxiter": 30})
    assert unlikely(own) - best.fun < 1e-6


def test_without_blanks_they_are_the_plain_moments_and_weights_count() -> None:
    whole, _ = incomplete()
    weights = np.linspace(0.5, 2, len(whole))
    found, plain = Patterns(whole, weights).moments(), moments(whole, weights)
    assert found.means == pytest.approx(plain.means)
    assert found.covariances == pytest.approx(plain.covariances)


def test_draws_are_what_each_draw_alone_gives() -> None:
    _, columns = incomplete()
    patterns = Patterns(columns)
    patterns.moments()
    counts = drawn_weights(len(columns), None, None, 5, np.random.default_rng(2))
    found = patterns.drawn_moments(counts)
    for draw in range(5):
        rows = np.repeat(np.arange(len(columns)), counts[draw].astype(int))
        alone = Patterns(columns[rows]).moments()
        assert found.covariances[draw] == pytest.approx(alone.covariances, abs=1e-4)


def test_blanks_that_depend_on_other_answers_bias_complete_rows_and_not_these() -> None:
    whole, columns = incomplete(20_000, share=0.4)
    truth = whole.mean(axis=0)
    complete = columns[~np.isnan(columns).any(axis=1)].mean(axis=0)
    imputed = impute(columns, np.full(3, -np.inf), np.full(3, np.inf), 5, 1).mean(axis=(0, 1))
    assert abs(complete[0] - truth[0]) > 0.1
    assert Patterns(columns).moments().means == pytest.approx(truth, abs=0.03)
    assert imputed == pytest.approx(truth, abs=0.03)


def test_imputed_answers_stay_on_the_scale_and_given_ones_stay() -> None:
    whole, columns = incomplete()
    sets = impute(columns, np.full(3, 4.0), np.full(3, 8.0), 3, 1)
    blank = np.isnan(columns)
    assert sets.shape == (3, 300, 3)
    assert (sets[:, ~blank] == whole[~blank]).all()
    assert ((sets[:, blank] >= 4) & (sets[:, blank] <= 8)).all()
    assert not np.array_equal(sets[0], sets[1])
    assert np.array_equal(sets, impute(columns, np.full(3, 4.0), np.full(3, 8.0), 3, 1))


def test_intervals_after_imputation_hold_the_truth_about_nineteen_times_in_twenty() -> None:
    held = 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        x = rng.normal(0, 1, (200, 2)) @ [[1, 0.5], [0, 0.9]]
        y = x @ [0.5, 0.3] + rng.normal(0, 1, 200)
        columns = np.column_stack([x, y])
        columns[rng.random(200) < 0.3 + 0.2 * np.sign(y), 0] = np.nan
        sets = impute(columns, np.full(3, -np.inf), np.full(3, np.inf), 5, seed)
        fits = [fit_linear(one[:, :2], one[:, 2]) for one in sets]
        value, covariance, df = pool(
            np.stack([f.coefficients[1:] for f in fits]), np.stack([f.covariance[1:, 1:] for f in fits]), 197
        )
        assert df[0] < 197
        held += abs(value[0] - 0.5) < 2.0 * np.sqrt(covariance[0, 0])
    assert held >= 20  # of 24 at 95 %: 23 expected, 19 or fewer once in two hundred


def test_rubins_rules_by_hand() -> None:
    """Barnard & Rubin (1999): three copies, within 0.04, between 0.01; total 0.04 + 4/3 · 0.01."""
    value, covariance, df = pool(np.array([[1.0], [1.1], [1.2]]), np.full((3, 1, 1), 0.04), 100)
    assert value == pytest.approx([1.1])
    assert covariance == pytest.approx(np.array([[0.04 + 4 / 3 * 0.01]]))
    share = (4 / 3 * 0.01) / (0.04 + 4 / 3 * 0.01)
    observed = 101 / 103 * 100 * (1 - share)
    assert df == pytest.approx([1 / (share**2 / 2 + 1 / observed)])
    one = pool(np.array([[1.0]]), np.full((1, 1, 1), 0.04), 100)
    assert (one[0], one[1], one[2]) == ([1.0], [[0.04]], [100])


def test_a_column_without_answers_is_refused() -> None:
    with pytest.raises(AnalysisError) as error:
        Patterns(np.array([[np.nan, 1.0], [np.nan, 2.0]]))
    assert str(error.value) == "fiml: a column has no answers at all"


def test_too_many_patterns_of_blanks_are_refused_for_draws() -> None:
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(900, 10))
    columns[rng.random((900, 10)) < 0.3] = np.nan
    found = Patterns(columns)
    with pytest.raises(AnalysisError) as error:
        found.drawn_moments(np.ones((2, 900)))
    n = len(np.unique(np.isnan(columns), axis=0))
    assert str(error.value) == (
        f"fiml: {n} patterns of blanks, and at most 256 can be drawn in a time that anybody waits for: use missing: "
        "imputation"
    )


def test_draws_in_parts_are_those_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    columns = rng.normal(size=(200, 3))
    columns[rng.random((200, 3)) < 0.2] = np.nan
    counts = rng.multinomial(200, np.full(200, 1 / 200), 7).astype(float)
    whole = Patterns(columns)
    whole.moments()
    at_once = whole.drawn_moments(counts)
    monkeypatch.setattr(missing, "_HELD", 300)
    in_parts = whole.drawn_moments(counts)
    assert in_parts.covariances == pytest.approx(at_once.covariances, abs=1e-4)

"""Latent classes: missing answers inside the model, identities, and which models the data determine."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from cxinsights.analysis.latent import LatentClasses, fit_classes


def answers(
    n: int = 600, k: int = 3, items: int = 5, missing: float = 0.0, seed: int = 1, spread: float = 0.5
) -> tuple:
    """Answers to items with three levels from k classes, −1 where missing, and each customer's class."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet([spread] * 3, size=(k, items))
    of = rng.integers(0, k, n)
    codes = np.array([[rng.choice(3, p=chances[c, j]) for j in range(items)] for c in of])
    return np.where(rng.random(codes.shape) < missing, -1, codes), of


def test_missing_answers_stay_inside_the_model_as_in_stepmix() -> None:
    from stepmix.stepmix import StepMix

    codes, _ = answers(300, k=2, missing=0.15)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = np.where(codes < 0, np.nan, codes)
        theirs = StepMix(2, measurement="categorical_nan", n_init=3, random_state=0, verbose=0, progress_bar=0)
        theirs.fit(data)
        level = theirs.score(data) * len(data)
    ours = fit_classes(codes, 2, 10, seed=0)
    assert ours.log_likelihood == pytest.approx(level, abs=1e-3)
    assert ours.shares == pytest.approx(sorted(theirs.weights_, reverse=True), abs=1e-3)


def test_a_missing_answer_says_nothing_of_the_class() -> None:
    codes, _ = answers()
    model = fit_classes(codes, 3, 10, seed=0)
    nothing = np.full((1, 5), -1)
    assert model.posteriors(nothing)[0] == pytest.approx(model.shares)
    assert model.posteriors(codes).sum(axis=1) == pytest.approx(1)


def test_customers_with_the_same_answers_count_with_their_number() -> None:
    codes, _ = answers(150, k=2)
    once, twice = fit_classes(codes, 2, 10, seed=0), fit_classes(np.repeat(codes, 2, axis=0), 2, 10, seed=0)
    assert twice.log_likelihood == pytest.approx(2 * once.log_likelihood)
    assert twice.shares == pytest.approx(once.shares, abs=1e-6)
    assert twice.bic == pytest.approx(2 * -2 * once.log_likelihood + once.n_parameters * np.log(300))


def test_one_class_is_the_product_of_the_items_shares() -> None:
    codes, _ = answers(200)
    model = fit_classes(codes, 1, 1, seed=0)
    told = sum(np.bincount(item)[np.bincount(item) > 0] @ np.log(np.bincount(item)[np.bincount(item) > 0] / 200)
               for item in codes.T)  # fmt: skip
    assert model.log_likelihood == pytest.approx(told)
    assert np.isnan(model.entropy_r2)


@pytest.mark.parametrize(("items", "k", "determined"), [(2, 2, False), (3, 2, True), (5, 2, True)])
def test_models_with_more_parameters_than_patterns_are_not_determined(items, k, determined) -> None:
    """Two yes-or-no items leave three free shares for five parameters of two classes; three leave seven for seven."""
    rng = np.random.default_rng(4)
    codes = (rng.random((2000, items)) < np.where(rng.random((2000, 1)) < 0.5, 0.8, 0.3)).astype(int)
    assert fit_classes(codes, k, 20, seed=0).is_identified is determined


def test_classes_are_found_again() -> None:
    codes, of = answers(1500, items=8, spread=0.25)
    everyone = np.arange(1500)
    found = LatentClasses(codes).fit(everyone, 3, 10, seed=0)(everyone)
    assert adjusted_rand_score(of, found) > 0.85


def test_an_item_that_nobody_sampled_answered_says_nothing() -> None:
    codes, of = answers(400, k=2, spread=0.25)
    codes[:200, 4] = -1
    first, everyone = np.arange(200), np.arange(400)
    found = LatentClasses(codes).fit(first, 2, 10, seed=0)(everyone)
    without = LatentClasses(codes[:, :4]).fit(first, 2, 10, seed=0)(everyone)
    assert adjusted_rand_score(found, without) == 1
    assert adjusted_rand_score(of, found) > 0.6

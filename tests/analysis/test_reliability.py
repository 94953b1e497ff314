"""Reliability of a scale: exact cases, statsmodels, and how often the intervals err."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.multivariate.factor import Factor

from cxinsights.analysis.reliability import feldt, fit_reliability, one_factor

LOADINGS = np.array([0.9, 0.7, 0.6, 0.5])


def scale(n: int = 400, seed: int = 1, loadings: np.ndarray = LOADINGS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (n, len(loadings))) * np.sqrt(1 - loadings**2)
    values = rng.normal(0, 1, (n, 1)) * loadings + noise
    return pd.DataFrame(values, columns=[f"q{i}_item" for i in range(len(loadings))])


def test_a_population_gives_its_loadings_back() -> None:
    spread = np.array([1, 2, 3, 0.5])
    covariances = (np.outer(LOADINGS, LOADINGS) + np.diag(1 - LOADINGS**2)) * np.outer(spread, spread)
    loadings, own = one_factor(covariances)
    assert loadings.tolist() == pytest.approx((LOADINGS * spread).tolist(), rel=1e-6)
    assert own.tolist() == pytest.approx(((1 - LOADINGS**2) * spread**2).tolist(), rel=1e-6)


def test_loadings_are_statsmodels_of_the_same_likelihood() -> None:
    answers = scale()
    theirs = np.abs(Factor(endog=answers.to_numpy(), n_factor=1, method="ml").fit().loadings[:, 0])
    ours, _ = one_factor(np.cov(answers.to_numpy().T))
    assert (ours / answers.std().to_numpy()).tolist() == pytest.approx(theirs.tolist(), abs=2e-4)


def test_many_models_step_together_as_each_alone() -> None:
    many = np.stack([np.cov(scale(seed=seed).to_numpy().T) for seed in range(5)])
    together = one_factor(many)[0]
    for own, covariances in zip(together, many, strict=True):
        assert own.tolist() == pytest.approx(one_factor(covariances)[0].tolist(), abs=1e-8)


def test_equal_items_have_spearman_browns_alpha_and_omega_is_the_same() -> None:
    """Standardised items that all correlate 0.4: alpha of five is 5 · 0.4 / (1 + 4 · 0.4)."""
    rng = np.random.default_rng(2)
    target = np.full((5, 5), 0.4) + 0.6 * np.eye(5)
    raw = rng.normal(0, 1, (300, 5))
    white = (raw - raw.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    exact = pd.DataFrame(white @ np.linalg.cholesky(target).T).add_prefix("q")
    found = fit_reliability(exact)
    assert found.alpha == pytest.approx(2 / 2.6)
    assert found.omega == pytest.approx(2 / 2.6)
    assert found.items["alpha_dropped"].tolist() == pytest.approx([1.6 / 2.2] * 5)
    assert found.items["item_total"].tolist() == pytest.approx([1.6 / np.sqrt(4 + 12 * 0.4)] * 5)


def test_alpha_interval_errs_as_often_as_it_says() -> None:
    """Items alike in the population (alpha 0.8), 400 samples of 40: 5 % is 20, and 10 to 31 hold 99 % of counts."""
    alike = np.full(4, np.sqrt(0.5))
    missed = 0
    for seed in range(400):
        answers = scale(40, seed, alike)
        alpha = 4 / 3 * (1 - answers.var().sum() / answers.sum(axis=1).var())
        low, high = feldt(alpha, 40, 4)
        missed += not low <= 0.8 <= high
    assert 10 <= missed <= 31


def test_limits_of_feldt_meet_at_the_estimate_as_people_grow() -> None:
    widths = [np.diff(feldt(0.8, n, 5))[0] for n in (20, 200, 20_000)]
    assert widths[0] > widths[1] > widths[2] > 0
    assert feldt(0.8, 200, 5, 0.99)[0] < feldt(0.8, 200, 5)[0] < 0.8 < feldt(0.8, 200, 5)[1]


def test_omegas_interval_is_wider_where_a_site_answers_as_one() -> None:
    answers = scale(100)
    copied = pd.concat([answers] * 4, ignore_index=True)
    sites = np.tile(np.arange(100), 4)
    alone, together = (fit_reliability(copied, at, 300, np.random.default_rng(3)) for at in (np.arange(400), sites))
    assert alone.omega == together.omega
    assert together.omega_high - together.omega_low > 1.6 * (alone.omega_high - alone.omega_low)
    assert together.omega_low < together.omega < together.omega_high


def test_people_with_a_blank_are_left_out() -> None:
    answers = scale(50)
    holed = pd.concat([answers, answers.head(3).assign(q1_item=np.nan)], ignore_index=True)
    assert fit_reliability(holed).n == 50
    assert fit_reliability(holed).alpha == fit_reliability(answers).alpha


def test_two_items_have_alpha_and_no_omega_and_an_item_all_answer_alike_has_neither() -> None:
    two = fit_reliability(scale().iloc[:, :2], draws=50)
    assert np.isfinite(two.alpha)
    assert np.isnan([two.omega, two.omega_low]).all()
    assert two.items["alpha_dropped"].isna().all()
    flat = fit_reliability(scale().assign(q1_item=3.0))
    assert np.isnan([flat.alpha, flat.omega]).all()
    assert list(flat.items["item"]) == ["q0_item", "q1_item", "q2_item", "q3_item"]

"""How many segments and whether they are there: noise is called constructed, planted segments are found."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from cxinsights.analysis.clustering import Means, Prototypes, k_means, standardised
from cxinsights.analysis.latent import LatentClasses
from cxinsights.analysis.stability import (
    Draws,
    choose,
    jaccard_of,
    standing_of,
    try_all,
    verdict_of,
)

CASES = Path(__file__).parent.parent / "reference" / "cases"


def noise(seed: int, n: int = 200) -> np.ndarray:
    """Structureless customers of five kinds: round, square, long, in steps, skewed."""
    rng = np.random.default_rng(seed)
    long = rng.multivariate_normal([0, 0, 0], [[1, 0.8, 0.6], [0.8, 1, 0.7], [0.6, 0.7, 1]], n)
    kinds = [
        rng.normal(0, 1, (n, 3)), rng.random((n, 2)), long, np.clip(np.round(3 + long), 1, 5),
        np.log1p(rng.exponential(1, (n, 3))),
    ]  # fmt: skip
    return standardised(kinds[seed % 5])


def verdict(clusterer, n: int, ks, seed: int = 0, n_draws: int = 10) -> str:
    table, _ = try_all(clusterer, n, ks, n_draws, seed)
    row = table.set_index("k").loc[choose(table)]
    return verdict_of(row["stands_out"], row["adjusted_rand"])


def test_pure_noise_is_called_constructed() -> None:
    """At least 19 of 20; in 200 sets of eight kinds (up to 1,000 customers, two to seven segments) none stood out."""
    found = [verdict(Means(noise(seed)), 200, ks=[2 + seed % 3], seed=seed, n_draws=6) for seed in range(20)]
    assert found.count("constructed") >= 19


def test_noise_can_be_stable_and_is_constructed_all_the_same() -> None:
    """A long cloud is cut across at the same place every time: the bootstrap alone would believe it."""
    rng = np.random.default_rng(1)
    x = standardised(rng.multivariate_normal([0, 0], [[1, 0.95], [0.95, 1]], 1500))
    table, _ = try_all(Means(x), 1500, [2], 20, 0)
    assert table["adjusted_rand"].item() > 0.9
    assert not table["stands_out"].item()


def test_noise_of_categories_is_constructed_too() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, (400, 5))
    assert verdict(LatentClasses(codes), 400, ks=[2, 3]) == "constructed"
    assert not try_all(LatentClasses(codes), 400, [2, 3], 2, 0)[0]["stands_out"].any()
    mixed = Prototypes(standardised(rng.normal(0, 1, (300, 2))), codes[:300, :1])
    assert verdict(mixed, 300, ks=[2, 3], n_draws=6) == "constructed"


def test_classes_that_the_data_do_not_determine_do_not_stand_out() -> None:
    """Two items that nearly always agree: two classes fit far better than one, and so do many other pairs."""
    rng = np.random.default_rng(5)
    one = rng.integers(0, 2, 400)
    codes = np.column_stack([one, np.where(rng.random(400) < 0.95, one, 1 - one)])
    row = try_all(LatentClasses(codes), 400, [2], 2, 0)[0].iloc[0]
    assert row["criterion_value"] < row["reference"] - 100
    assert not row["stands_out"]
    third = try_all(LatentClasses(np.column_stack([codes, one])), 400, [2], 2, 0)[0].iloc[0]
    assert third["stands_out"]


def test_clear_clouds_are_natural_and_counted_right() -> None:
    rng = np.random.default_rng(3)
    of = rng.integers(0, 4, 500)
    x = standardised(rng.normal(0, 1, (500, 4)) + 5 * np.eye(4)[of])
    table, draws = try_all(Means(x), 500, range(2, 7), 10, 0)
    assert choose(table) == 4
    row = table.set_index("k").loc[4]
    assert verdict_of(row["stands_out"], row["adjusted_rand"]) == "natural"
    found = Means(x).fit(np.arange(500), 4, 5, 0)(np.arange(500))
    assert adjusted_rand_score(of, found) > 0.95
    assert (jaccard_of(draws[4], found[draws[4].sample], 4)["standing"] == "stable").all()


def test_jaccard_agrees_with_r_within_the_spread_of_two_bootstraps() -> None:
    """R fpc 2.2.10, clusterboot(B = 100): compare within 0.08, as the case says."""
    case = json.loads((CASES / "c_syn1_numeric_segments.json").read_text(encoding="utf-8"))
    frame = pd.read_csv(CASES / case["input_csv"])
    x = standardised(frame[case["params"]["variables"]].to_numpy(float))
    labels = k_means(x, 3, n_starts=20)[1]
    found = jaccard_of(Draws.of(Means(x), np.arange(len(x)), 3, 100, 1), labels, 3)
    expected = case["expected"]["bootstrap_jaccard"]
    assert sorted(found["jaccard"]) == pytest.approx(expected["mean_sorted"], abs=0.08)
    assert sorted(np.bincount(labels)) == sorted(expected["sizes"])
    assert (found["jaccard_low"] <= found["jaccard"]).all()


def test_jaccard_is_counted_among_the_customers_drawn() -> None:
    """Six customers, one draw of five of them: A = {0, 1, 2} against {0, 1}, {2, 3}; B = {3, 4} against {2, 3}, {4}."""
    draws = Draws(np.arange(6), np.array([[0, 1, 2, 3, 4, 4]]), np.array([[0, 0, 1, 1, 2, 2]]))
    found = jaccard_of(draws, np.array([0, 0, 0, 1, 1, 1]), 2)
    assert found["jaccard"].tolist() == pytest.approx([2 / 3, 1 / 2])
    assert found["standing"].tolist() == ["pattern", "not_a_segment"]


@pytest.mark.parametrize(
    ("jaccard", "standing"), [(0.75, "stable"), (0.749, "pattern"), (0.6, "pattern"), (0.599, "not_a_segment")]
)
def test_standing_by_jaccard(jaccard, standing) -> None:
    assert standing_of(jaccard) == standing


@pytest.mark.parametrize(
    ("out", "rand", "verdict"),
    [
        (True, 0.9, "natural"), (True, 0.899, "reproducible"), (True, 0.75, "reproducible"),
        (True, 0.749, "constructed"), (False, 1.0, "constructed"), (True, np.nan, "constructed"),
    ],
)  # fmt: skip
def test_verdict_by_stability_and_standing_out(out, rand, verdict) -> None:
    assert verdict_of(out, rand) == verdict


def rows(*tried: tuple) -> pd.DataFrame:
    columns = ["k", "criterion", "criterion_value", "reference", "stands_out", "adjusted_rand"]
    return pd.DataFrame([(k, *rest) for k, *rest in tried], columns=columns)


def test_the_choice_is_the_one_furthest_out_of_those_with_the_best_verdict() -> None:
    s = "silhouette"
    assert choose(rows((2, s, 0.5, 0.4, True, 0.91), (3, s, 0.5, 0.3, True, 0.95), (4, s, 0.6, 0.3, True, 0.89))) == 3
    assert choose(rows((2, s, 0.5, 0.4, True, 0.7), (3, s, 0.5, 0.3, True, 0.75), (4, s, 0.6, 0.3, True, 0.74))) == 3
    assert choose(rows((2, s, 0.5, 0.45, True, 0.6), (3, s, 0.48, 0.3, True, 0.5), (4, s, 0.9, 0.3, False, 0.9))) == 3
    assert choose(rows((2, s, 0.5, 0.49, False, 0.6), (3, s, 0.5, 0.3, False, 0.8))) == 3
    assert choose(rows((2, "bic", 90.0, 100.0, True, 0.8), (3, "bic", 70.0, 100.0, True, 0.8))) == 3  # low is good


def test_pairs_of_draws_are_compared_each_once() -> None:
    labels = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1]])
    mean, low, high = Draws(np.arange(4), np.zeros((4, 4), dtype=int), labels).rand()
    assert mean == pytest.approx((1 + adjusted_rand_score(labels[2], labels[3])) / 2)
    assert low < mean < high

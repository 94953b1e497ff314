"""Aggregation: ICC, agreement and spread between sites, against published examples and planted truth."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.aggregation import null_variance, r_wg_j, site_reliability, site_spread

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
"""Shrout & Fleiss (1979), table 2: six targets by four judges."""


def planted(
    n_sites: int, size: int, between: float, within: float = 1.0, seed: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    at = np.repeat(np.arange(n_sites), size)
    return rng.normal(0, between, n_sites)[at] + rng.normal(0, within, len(at)), at


def test_the_published_example_of_shrout_and_fleiss() -> None:
    """ICC(1,1) 0.17 with limits −0.13 to 0.72, ICC(1,4) 0.44; mean squares 11.24 and 6.26 (their tables 3 and 4)."""
    found = site_spread(SHROUT_FLEISS.ravel().astype(float), np.repeat(np.arange(6), 4))
    assert (round(found.ms_between, 2), round(found.ms_within, 2)) == (11.24, 6.26)
    assert (round(found.icc1, 2), round(found.icc2, 2)) == (0.17, 0.44)
    assert (round(found.icc1_low, 2), round(found.icc1_high, 2)) == (-0.13, 0.72)
    assert (found.n, found.n_sites, found.mean_size, found.n0) == (24, 6, 4, 4)


def test_sites_of_one_size_make_all_three_icc_alike() -> None:
    found = site_spread(*planted(60, 10, 0.7))
    assert found.icc1 == pytest.approx(found.icc1_n0)
    assert found.icc1 == pytest.approx(found.icc1_reml, rel=1e-6)
    assert found.icc2 == pytest.approx(site_reliability(found.icc1, np.array([10.0]))[0])
    assert found.sd_between == pytest.approx(np.sqrt(found.var_between), rel=1e-6)


def test_the_true_spread_lies_in_its_interval_nineteen_times_in_twenty() -> None:
    """200 companies: 5 % misses would be 10; 3 to 18 hold 99 % of such counts."""
    missed = {"sd": 0, "icc1": 0, "icc2": 0}
    for seed in range(200):
        found = site_spread(*planted(30, 8, 0.5, seed=seed))
        icc1 = 0.25 / 1.25
        truth = {"sd": 0.5, "icc1": icc1, "icc2": 8 * icc1 / (1 + 7 * icc1)}
        for name, value in truth.items():
            missed[name] += not getattr(found, f"{name}_low") <= value <= getattr(found, f"{name}_high")
    assert all(3 <= count <= 18 for count in missed.values()), missed


def test_sites_that_do_not_differ_have_no_true_spread_and_may_have_a_negative_icc() -> None:
    values = np.tile([1.0, 2, 3, 4], 5)
    found = site_spread(values, np.repeat(np.arange(5), 4))
    assert (found.icc1_reml, found.sd_between) == (0, 0)
    assert found.icc1 == pytest.approx(-1 / 3)
    alike = site_spread(np.repeat([1.0, 2, 3], 4), np.repeat(np.arange(3), 4))
    assert (alike.icc1, alike.icc2) == (1, 1)


def test_blank_answers_are_left_out_and_too_little_to_compare_is_missing() -> None:
    values, at = planted(10, 5, 0.5)
    assert site_spread(np.append(values, np.nan), np.append(at, 3)) == site_spread(values, at)
    for few in ((values[:5], at[:5]), (values[::5], at[::5]), (np.ones(50), at), (values[:0], at[:0])):
        found = site_spread(*few)
        assert np.isnan([found.icc1, found.icc2, found.sd_between, found.p_value]).all()
        assert found.n == len(few[0])


def test_a_sites_reliability_is_spearman_browns() -> None:
    assert site_reliability(0.2, np.array([1, 4, 16])).tolist() == pytest.approx([0.2, 0.5, 0.8])
    assert site_reliability(-0.1, np.array([5])).tolist() == [0]


@pytest.mark.parametrize(
    ("ends", "uniform", "skewed"), [((1, 5), 2.0, 1.34), ((1, 7), 4.0, None), ((0, 10), 10.0, None)]
)
def test_variance_of_answers_at_random(ends, uniform, skewed) -> None:
    """Five options: James, Demaree & Wolf (1984); the skewed kind varies less than the uniform."""
    assert null_variance(ends) == uniform
    assert null_variance(ends, "skewed") == pytest.approx(skewed) if skewed else True
    assert null_variance(ends, "skewed") < uniform
    assert null_variance(ends, "skewed") / uniform == pytest.approx(0.67, abs=0.04)


def test_agreement_of_one_item_and_of_several_by_hand() -> None:
    answers = pd.DataFrame({"a": [4.0, 4, 5, 5, 1, 5], "b": [4.0, 4, 4, 4, 5, 1]})
    sites = np.array(["x"] * 4 + ["y"] * 2)
    one = r_wg_j(answers[["a"]], sites, (1, 5))
    assert one.to_dict() == pytest.approx({"x": 1 - (1 / 3) / 2, "y": 0})  # y disagrees more than chance: set to 0
    both = r_wg_j(answers, sites, (1, 5))
    ratio = (1 / 3 + 0) / 2 / 2
    assert both["x"] == pytest.approx(2 * (1 - ratio) / (2 * (1 - ratio) + ratio))
    skewed = r_wg_j(answers, sites, (1, 5), "skewed")
    ratio = (1 / 3 + 0) / 2 / 1.34
    assert skewed["x"] == pytest.approx(2 * (1 - ratio) / (2 * (1 - ratio) + ratio))


def test_full_agreement_is_one_and_a_lone_employee_has_none() -> None:
    answers = pd.DataFrame({"a": [3.0, 3, 3, 2], "b": [4.0, 4, 4, 1]})
    found = r_wg_j(answers, np.array([1, 1, 1, 2]), (1, 5))
    assert found[1] == 1
    assert np.isnan(found[2])

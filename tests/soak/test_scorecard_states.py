"""How often a scorecard says that NPS moved: where nothing was planted, and where a fall of eight points was.

Companies are drawn by the demo company's own generator, each from a seed of its own: its twelve units with their
answers, weights, sites and customers who answer in both quarters. In each company one unit falls by exactly eight
points. Its states come the way every page's do: baseline, comparison, Benjamini–Hochberg over the family, state.

**The right yardstick.** Benjamini–Hochberg at α = 5% over the family's m = 16 tests (twelve units, three regions, the
company) does not promise that a unit without a change is called in 5% of companies; it promises less and more.

- *False discoveries.* Of what is called moved, at most α · m₀ / m is wrong on average, m₀ being the tests without a
  change: 13 of 16, as the fallen unit moves its region and the company too. The mean over companies of (false calls /
  calls), where no call counts as 0, is to lie at or under 4.1%.
- *Any false call.* Where nothing was planted at all, every call is false, and the share of companies with any call is
  to lie at or under α = 5%.
- *One unit.* A test without a change is called where its p is at or under α · k / m, k being how many tests would be
  called if its own p were zero. As its p is uniform and tells nothing of k, it is called in a share α · E[k] / m of
  companies: 0.3% where nothing else moved, and up to 5% only where everything else did. k is counted in each company.
- *Before the adjustment* p is to lie under 5% in 5% of tests without a change: this holds the standard error itself.

**Power.** A page states the change that answers would show four times in five: (z₀.₉₇₅ + z₀.₈) · se. The same formula
gives the power for eight points, Φ(8 / se − z), with z the bound in force, of α · k / m. With k = 1, which a lone
change meets, that is far less than at the bound of one test on its own.

Bounds are of the binomial (for sums of unequal chances: normal) at one in a thousand for each figure.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cxinsights.analysis.baseline import fit_baseline
from cxinsights.analysis.comparisons import adjust, states
from cxinsights.data.demo.company import make_customers, make_engagement, make_sites
from cxinsights.data.demo.surveys import make_responses
from cxinsights.data.demo.truth import Truth, read_truth
from cxinsights.params import Project, load_study
from tests.conftest import ROOT

pytestmark = pytest.mark.soak

COMPANIES, ALPHA, SURELY = 200, 0.05, 0.999
POINTS = 8.0
FACTOR = 0.468
"""Of the demo's planted fall of ratings, that its unit falls by eight points of NPS; the test measures that it does."""
EARLIER, NOW = "2026Q2", "2026Q3"
STUDY = load_study(Project(ROOT), "demo")
TRUTH = read_truth().model_copy(update={"first_period": EARLIER, "other_surveys": {}})
FALLEN = (TRUTH.fall.region, TRUTH.fall.unit)
MOVED = {FALLEN, (FALLEN[0], "_all"), ("_all", "_all")}
CALLED = ("better", "worse", "slightly_better", "slightly_worse")
ANSWERED = ["region", "unit", "period", "survey", "customer_id", "weight", "nps_answer"]


@dataclass(frozen=True)
class Drawn:
    """Changes of NPS in all companies, a row for each company, unit, region and whole."""

    still: pd.DataFrame
    """Where nothing was planted."""
    fallen: pd.DataFrame
    """The same companies with the fall in one unit."""


def answers(truth: Truth) -> Iterator[pd.DataFrame]:
    """A company's answers without the fall and with it; they differ in nothing else."""
    sites = make_sites(truth)
    customers, engagement = make_customers(truth, sites), make_engagement(truth, sites)
    for factor in (0.0, FACTOR):
        ratings = {name: factor * points for name, points in truth.fall.ratings.items()}
        fall = truth.fall.model_copy(update={"ratings": ratings})
        yield make_responses(truth.model_copy(update={"fall": fall}), sites, customers, engagement)[ANSWERED]


def changes(responses: pd.DataFrame) -> pd.DataFrame:
    """The change of NPS of every unit, region and the whole, as pages have it."""
    return fit_baseline(responses, STUDY.scores, [EARLIER, NOW], {"previous": EARLIER}).changes


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    both: tuple[list, list] = ([], [])
    for seed in range(COMPANIES):
        for frames, responses in zip(both, answers(TRUTH.model_copy(update={"seed": seed})), strict=True):
            frames.append(changes(responses).assign(company=seed))
    still, fallen = (with_bounds(pd.concat(frames, ignore_index=True)) for frames in both)
    return Drawn(still, fallen.assign(moved=[place in MOVED for place in places(fallen)]))


def places(found: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(found["region"], found["unit"], strict=True))


def with_bounds(found: pd.DataFrame) -> pd.DataFrame:
    """Whether each is called, and the share of α that its p is held against: k of m."""
    held = pd.Series(np.nan, index=found.index)
    for _, rows in found.groupby("company"):
        p, m = rows["p_value"].to_numpy(), len(rows)
        for at, row in enumerate(rows.index):
            others = np.sort(np.delete(p, at))  # its own p is zero and comes first
            held[row] = (1 + max([0, *(np.flatnonzero(others <= ALPHA * np.arange(2, m + 1) / m) + 1)])) / m
    return found.assign(called=found["state"].isin(CALLED), held=held)


def above(n: int, share: float) -> int:
    """How many of n are more than chance explains."""
    return int(stats.binom.ppf(SURELY, n, share))


def false_shares(found: pd.DataFrame) -> pd.Series:
    """False calls of all calls in each company; 0 where nothing is called."""
    by_company = found.assign(false=found["called"] & ~found["moved"]).groupby("company")[["false", "called"]].sum()
    return by_company["false"] / by_company["called"].clip(lower=1)


def with_errors_times(found: pd.DataFrame, factor: float) -> pd.DataFrame:
    """What would have been found with every standard error so many times as large."""
    middle, half = found["change"], (found["ci_high"] - found["ci_low"]) / 2 * factor
    p = pd.Series(2 * stats.norm.sf(np.abs(stats.norm.isf(found["p_value"] / 2)) / factor), index=found.index)
    low, high = middle - half, middle + half
    again = adjust(found.drop(columns=["p_adjusted", "n_comparisons"]).assign(p_value=p), ["company"])
    margin = pd.Series(STUDY.scores.margins.nps, index=found.index)
    return with_bounds(again.assign(state=states(again["p_adjusted"], middle, low, high, margin)))


def check_any_false_call(still: pd.DataFrame) -> None:
    n = int(still.groupby("company")["called"].any().sum())
    print(f"\nnothing planted: any call in {n} of {COMPANIES} companies, at most {ALPHA:.1%} expected")
    assert n <= above(COMPANIES, ALPHA)


def check_units(found: pd.DataFrame) -> None:
    """No unit, nor all together, is called more often than its bounds say."""
    nothing = found[~found["moved"]]
    by_unit = nothing.groupby(["level", "region", "unit"]).agg(calls=("called", "sum"), held=("held", "mean"))
    print(f"\n{by_unit.assign(expected=ALPHA * COMPANIES * by_unit['held']).round(2)}")
    for place, unit in by_unit.iterrows():
        assert unit["calls"] <= above(COMPANIES, ALPHA * unit["held"]), place
    calls, expected = nothing["called"].sum(), ALPHA * nothing["held"].sum()
    print(f"without a change: {calls} calls of {len(nothing)} tests, {expected:.1f} expected")
    assert calls <= above(len(nothing), expected / len(nothing))


def check_false_discoveries(found: pd.DataFrame) -> None:
    share = ALPHA * (~found["moved"]).mean()
    mean = false_shares(found).mean()
    print(f"\nof what is called, wrong on average: {mean:.1%}, at most {share:.1%} expected")
    # between 0 and 1, so that it spreads no more than a coin of the same mean
    assert mean <= share + stats.norm.ppf(SURELY) * np.sqrt(share * (1 - share) / COMPANIES)


def check_plain_tests(still: pd.DataFrame) -> None:
    units = still[still["level"] == "unit"]
    n = int((units["p_value"] < ALPHA).sum())
    print(f"\nunadjusted p under 5%: {n / len(units):.2%} of {len(units)} tests without a change")
    assert stats.binom.ppf(1 - SURELY, len(units), ALPHA) <= n <= above(len(units), ALPHA)


def test_companies_where_nothing_moved_are_said_to_have_moved_no_more_often_than_one_in_twenty(drawn) -> None:
    check_any_false_call(drawn.still)


def test_no_unit_without_a_change_is_called_moved_more_often_than_the_level_says(drawn) -> None:
    check_units(drawn.fallen)


def test_of_what_is_called_moved_no_more_is_wrong_than_the_level_says(drawn) -> None:
    check_false_discoveries(drawn.fallen)


def test_unadjusted_tests_err_as_often_as_they_say(drawn) -> None:
    check_plain_tests(drawn.still)


def test_a_fall_of_eight_points_is_called_as_often_as_the_formula_says(drawn) -> None:
    here = [place == FALLEN for place in places(drawn.fallen)]
    unit, before = drawn.fallen[here], drawn.still[here]
    planted = before["change"].to_numpy() - unit["change"].to_numpy()
    off = planted.std(ddof=1) / np.sqrt(COMPANIES)
    assert abs(planted.mean() - POINTS) < 3 * off + 0.1
    z = stats.norm.isf(ALPHA * unit["held"] / 2)
    power = stats.norm.sf(z - POINTS / unit["se"])
    spread = np.sqrt((power * (1 - power)).sum())
    calls = unit["called"].sum()
    print(
        f"\nfell by {planted.mean():.2f} ± {off:.2f}; n {unit['n'].mean():.0f}, se {unit['se'].mean():.2f}; called in "
        f"{calls} of {COMPANIES}, {power.sum():.1f} expected at the bound in force "
        f"({stats.norm.sf(stats.norm.isf(ALPHA / 2) - POINTS / unit['se']).sum():.1f} for a test on its own); "
        f"shown four times in five at the bound in force: {((z + stats.norm.ppf(0.8)) * unit['se']).mean():.1f}, "
        f"stated: {unit['detectable'].mean():.1f}"
    )
    assert (unit.loc[unit["called"], "change"] < 0).all()
    assert abs(calls - power.sum()) <= stats.norm.ppf(SURELY) * spread


@pytest.mark.parametrize(
    "check", [check_any_false_call, check_units, check_false_discoveries, check_plain_tests], ids=lambda c: c.__name__
)
def test_each_yardstick_notices_errors_that_are_a_fifth_too_small(drawn, check) -> None:
    found = drawn.still if check in (check_any_false_call, check_plain_tests) else drawn.fallen
    with pytest.raises(AssertionError):
        check(with_errors_times(found, 0.8))

"""Typing rules: everyone meets exactly one, strangers are typed as well as promised, and the text is the rule."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.intervals import wilson
from cxinsights.analysis.typing_rules import assign_by_rules, fit_typing_rule


def customers(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Three segments by visits and channel, one customer in twenty at random."""
    rng = np.random.default_rng(seed)
    visits, channel = rng.poisson(6, n) * 1.0, rng.choice(["app", "web; phone"], n)
    segment = np.where(visits > 6, "A", np.where(channel == "app", "B", "C"))
    segment = np.where(rng.random(n) < 0.05, rng.choice(["A", "B", "C"], n), segment)
    return pd.DataFrame({"visits": visits, "channel": channel}), segment


def test_rules_are_found_and_hold_for_strangers() -> None:
    frame, segment = customers(1500, 1)
    rule = fit_typing_rule(frame, segment, ["visits", "channel"], seed=7)
    assert rule.table["rule"].tolist() == [
        "visits > 6", "visits <= 6; channel = app", "visits <= 6; channel = web; phone",
    ]  # fmt: skip
    strangers, of = customers(4000, 2)
    right = (assign_by_rules(strangers, rule.table) == of).mean()
    assert right == pytest.approx(rule.agreement, abs=0.012)
    assert (rule.agreement_low, rule.agreement_high) == wilson(rule.agreement, 1500)
    assert rule.agreement == pytest.approx(0.967, abs=0.015)  # 19 of 20, and a third of the rest by chance


def test_everyone_meets_exactly_one_rule() -> None:
    frame, segment = customers(800, 3)
    rule = fit_typing_rule(frame, segment, ["visits", "channel"], seed=7)
    met = sum(assign_by_rules(frame, rule.table.iloc[[at]]).notna().astype(int) for at in range(len(rule.table)))
    assert (met == 1).all()
    assert rule.table["n"].sum() == 800 == rule.n


def test_a_category_may_hold_the_sign_that_parts_conditions() -> None:
    frame = pd.DataFrame({"channel": ["web; phone", "app"]})
    rules = pd.DataFrame({"rule": ["channel = web; phone", "channel != web; phone"], "segment": ["A", "B"]})
    assert assign_by_rules(frame, rules).tolist() == ["A", "B"]


def test_agreement_is_counted_on_customers_that_had_no_part_in_the_rule() -> None:
    """Segments by lot: rules fit the customers they were made of, and nobody else."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"visits": rng.normal(0, 1, 600), "orders": rng.normal(0, 1, 600)})
    lots = np.where(rng.random(600) < 0.5, "A", "B")
    rule = fit_typing_rule(frame, lots, ["visits", "orders"], seed=7)
    assert rule.agreement_low < 0.5 < rule.agreement_high


def test_more_rules_must_earn_their_place() -> None:
    frame, segment = customers(4000, 5)

    def with_exception(over: int) -> list[str]:
        other = np.where((frame["visits"] > over).to_numpy(), "B", segment)
        return fit_typing_rule(frame, other, ["visits", "channel"], seed=7).table["rule"].tolist()

    assert len(with_exception(12)) == 3  # one customer in a hundred: a rule more agrees better, but hardly
    assert "visits > 10" in with_exception(10)  # four in a hundred


def test_rounding_a_threshold_moves_no_whole_number_to_the_other_side() -> None:
    for first in (1, 100, 1000, 1_234_000):
        stock = pd.DataFrame({"stock": np.repeat(np.arange(first, first + 5.0), 60)})
        wanted = np.select([stock["stock"] <= first + 1, stock["stock"] <= first + 2], ["A", "B"], "C")
        rule = fit_typing_rule(stock, wanted, ["stock"], seed=7)
        assert set(rule.table["rule"]) == {
            f"stock <= {first + 1}", f"stock > {first + 1}; stock <= {first + 2}", f"stock > {first + 2}",
        }  # fmt: skip
        assert (rule.table["agreement"] == 1).all()


def test_a_threshold_keeps_the_digits_that_part_customers() -> None:
    near = pd.DataFrame({"rate": np.repeat([0.10001, 0.10003, 0.10005], 60)})
    rule = fit_typing_rule(near, np.repeat(["A", "B", "C"], 60), ["rate"], seed=7)
    assert rule.agreement == 1


def test_thresholds_have_three_digits_and_a_missing_figure_meets_no_rule_about_it() -> None:
    frame, segment = customers(500, 6)
    frame["visits"] *= 12345.678
    rules = fit_typing_rule(frame, segment, ["visits", "channel"], seed=7).table
    edge = rules["rule"].iloc[0].split(" ")[2]
    assert float(edge) == float(f"{float(edge):.3g}")
    assert assign_by_rules(pd.DataFrame({"visits": [np.nan], "channel": ["app"]}), rules).isna().all()

"""What segments are like, against the comparison engine, hand counts and repeats of the survey."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from cxinsights.analysis.comparisons import compare
from cxinsights.analysis.profiles import (
    held_out_table,
    mix_table,
    profile_table,
    size_table,
    traits_of,
    value_column,
    with_hidden,
)
from cxinsights.analysis.scores import METRICS, sample_of
from cxinsights.params import Scale, ScoreRules


def customers(n: int = 300, seed: int = 1) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    segments = pd.Series(rng.choice(["A", "B", "C"], n, p=[0.5, 0.3, 0.2]))
    frame = pd.DataFrame(
        {
            "visits": rng.gamma(2, 2, n) * segments.map({"A": 1, "B": 2, "C": 1}),
            "channel": pd.Series(rng.choice(["app", "web"], n)).mask(segments == "C", "app"),
            "nps_answer": rng.integers(0, 11, n).astype(float),
            "csat_score": rng.integers(1, 6, n).astype(float),
            "value": rng.gamma(1, 100, n),
        }
    )
    frame.loc[:99, "nps_answer"] = np.nan
    return frame, segments


def inputs(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["variable", "transform"])


def test_sizes_and_shares_of_value_add_up() -> None:
    frame, segments = customers()
    found = size_table(segments, frame["value"], ["A", "B", "C", "D"])
    assert found["n"].tolist() == [*segments.value_counts().reindex(["A", "B", "C"]), 0]
    assert found["share"].sum() == pytest.approx(1)
    assert found["value_share"].sum() == pytest.approx(1)
    own = frame["value"][segments == "B"]
    assert found["value_share"][1] == pytest.approx(own.sum() / frame["value"].sum())
    assert found["value_mean"][1] == pytest.approx(own.mean())
    assert found["value_share"].isna().tolist() == [False, False, False, True]


def test_the_interval_of_a_share_of_value_is_what_repeats_of_the_survey_give() -> None:
    frame, segments = customers(2000)
    row = size_table(segments, frame["value"], ["B"]).iloc[0]
    rng = np.random.default_rng(2)
    value, own = frame["value"].to_numpy(), (segments == "B").to_numpy()
    repeats = []
    for _ in range(2000):
        drawn = rng.integers(0, 2000, 2000)
        repeats.append(value[drawn][own[drawn]].sum() / value[drawn].sum())
    assert [row["value_low"], row["value_high"]] == pytest.approx(np.quantile(repeats, [0.025, 0.975]), abs=0.004)


def test_value_is_counted_among_those_who_have_one_and_may_be_what_was_ordered() -> None:
    frame, segments = customers()
    frame.loc[segments == "A", "value"] = np.nan
    found = size_table(segments, frame["value"], ["A", "B", "C"])
    assert found["n_value"][0] == 0
    assert found["value_share"][1:].sum() == pytest.approx(1)
    assert value_column(frame) == "value"
    assert value_column(frame.rename(columns={"value": "order_amount"})) == "order_amount"
    assert value_column(frame[["visits"]]) is None


def test_inputs_have_effect_sizes_on_the_scale_they_were_used_and_no_tests() -> None:
    frame, segments = customers()
    found = profile_table(frame, segments, inputs(("visits", "log"))).set_index("segment")
    here = (segments == "B").to_numpy()
    own, rest = (np.log1p(frame["visits"].to_numpy())[side] for side in (here, ~here))
    pooled = np.sqrt(((len(own) - 1) * own.var(ddof=1) + (len(rest) - 1) * rest.var(ddof=1)) / (len(frame) - 2))
    apart = compare(sample_of(own), sample_of(rest), "mean")
    row = found.loc["B"]
    assert row["score"] == pytest.approx(frame["visits"][here].mean())  # in its own units
    assert row["effect_size"] == pytest.approx((own.mean() - rest.mean()) / pooled)
    assert [row["effect_low"], row["effect_high"]] == pytest.approx([apart.ci_low / pooled, apart.ci_high / pooled])
    assert "p_value" not in found


def test_categories_have_a_row_each_with_the_effect_size_of_shares() -> None:
    frame, segments = customers()
    found = profile_table(frame, segments, inputs(("channel", "category"))).set_index(["segment", "category"])
    share, rest = ((frame["channel"] == "app")[side].mean() for side in (segments == "A", segments != "A"))
    row = found.loc[("A", "app")]
    assert row["score"] == pytest.approx(share)
    assert row["effect_size"] == pytest.approx(2 * (np.arcsin(np.sqrt(share)) - np.arcsin(np.sqrt(rest))))
    n = (segments == "A").sum()
    assert row["effect_high"] - row["effect_low"] == pytest.approx(2 * 1.959964 * np.sqrt(1 / n + 1 / (300 - n)))
    assert found.loc[("C", "app"), "score"] == 1
    assert found.groupby("segment")["score"].sum().tolist() == pytest.approx([1, 1, 1])


def test_held_out_columns_are_tested_by_the_comparison_engine() -> None:
    frame, segments = customers()
    rules = ScoreRules(csat=Scale(min=1, max=5, top_box_from=4))
    names = ["nps_answer", "csat_score", "value", "channel"]
    found = held_out_table(frame, segments, names, rules).set_index(["variable", "category", "segment"])
    coded = METRICS["nps"].coded(frame["nps_answer"], rules)
    here = (segments == "B").to_numpy()
    apart = compare(sample_of(coded[here]), sample_of(coded[~here]), "nps")
    row = found.loc[("nps_answer", "", "B")]
    assert (row["difference"], row["diff_low"], row["diff_high"], row["p_value"]) == pytest.approx(
        (apart.value, apart.ci_low, apart.ci_high, apart.p_value)
    )
    assert row["n"] + row["n_missing"] == here.sum()
    assert row["n_compare"] == 200 - row["n"]
    assert found.loc[("csat_score", "", "A"), "score"] == pytest.approx(
        (frame["csat_score"][segments == "A"] >= 4).mean()
    )
    assert found["kind"].groupby("variable").first().to_dict() == {
        "nps_answer": "nps", "csat_score": "share", "value": "mean", "channel": "share",
    }  # fmt: skip
    assert ("channel", "web", "A") in found.index


def test_under_thirty_answers_on_a_side_are_not_tested() -> None:
    frame, segments = customers(60)
    frame["value"] = 1.0 * np.arange(60)
    found = held_out_table(frame, segments, ["value"], ScoreRules()).set_index("segment")
    few = (segments.value_counts() < 30) | (60 - segments.value_counts() < 30)
    assert few.any()
    assert found["p_value"].isna().to_dict() == few.to_dict()
    assert found["difference"].notna().all()  # not tested is not the same as no difference


def test_the_mix_is_compared_with_the_rest() -> None:
    own, rest = pd.Series(["A"] * 60 + ["B"] * 40), pd.Series(["A"] * 100 + ["B"] * 300)
    found = mix_table(own, rest, ["A", "B"]).set_index("segment")
    assert found.loc["A", ["n", "n_compare", "share", "share_rest", "difference"]].tolist() == pytest.approx(
        [100, 400, 0.6, 0.25, 0.35]
    )
    z = 0.35 / np.sqrt(0.32 * 0.68 * (1 / 100 + 1 / 400))  # pooled share 160 of 500
    assert found["p_value"].tolist() == pytest.approx([2 * norm.sf(z)] * 2)  # of two segments: one difference


def effects(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["segment", "variable", "category", "effect_size"])


def test_a_segment_is_named_for_what_sets_it_apart_most() -> None:
    found = traits_of(
        effects(
            ("A", "visits", "", 0.9), ("A", "orders", "", -1.4), ("A", "age", "", 0.6),
            ("B", "visits", "", -0.3), ("B", "orders", "", 0.1), ("B", "age", "", 0.25),
            ("C", "visits", "", 0.1), ("C", "orders", "", 0.0), ("C", "age", "", -0.15),
        )
    )  # fmt: skip
    assert found == {"A": "low orders; high visits", "B": "low visits", "C": "average"}


def test_two_segments_of_one_name_are_told_apart_by_a_further_column() -> None:
    found = traits_of(
        effects(
            ("A", "visits", "", 2.0), ("A", "orders", "", 1.0), ("A", "age", "", 0.6),
            ("B", "visits", "", 1.5), ("B", "orders", "", 0.9), ("B", "age", "", -0.4),
        )
    )  # fmt: skip
    assert found == {"A": "high visits; high orders; high age", "B": "high visits; high orders; low age"}


def test_a_category_names_a_segment_only_where_it_is_frequent() -> None:
    found = traits_of(effects(("A", "channel", "app", 0.8), ("A", "channel", "web", -0.8), ("A", "age", "", 0.1)))
    assert found == {"A": "mostly channel = app"}


def test_where_one_segment_is_too_small_the_next_smallest_goes_too() -> None:
    frame = pd.DataFrame({"segment": ["A", "B", "C", "A", "B", "C"], "variable": ["x"] * 3 + ["y"] * 3,
                          "n": [50, 30, 6, 50, 30, 20]})  # fmt: skip
    assert with_hidden(frame, 10, ["variable"])["hidden"].tolist() == [False, True, False, False, False, False]
    assert with_hidden(frame.iloc[3:], 10)["hidden"].tolist() == [False, False, False]


def test_tests_are_adjusted_within_a_column_and_within_the_mix() -> None:
    frame, segments = customers()
    held_out = held_out_table(frame, segments, ["value", "visits"], ScoreRules())
    mix = mix_table(segments[:150], segments[150:], ["A", "B", "C"])
    for _, rows in [*held_out.groupby("variable"), ("mix", mix)]:
        order = rows["p_value"].sort_values(ascending=False)
        scaled = (order * 3 / np.arange(3, 0, -1)).cummin()  # Benjamini and Hochberg (1995), by hand
        assert rows["p_adjusted"].loc[order.index].tolist() == pytest.approx(scaled.clip(upper=1).tolist())
        assert set(rows["n_comparisons"]) == {3}


def test_a_second_base_hides_beside_the_first() -> None:
    frame = pd.DataFrame({"segment": ["A", "B", "C"], "n": [50, 40, 30], "n_value": [50, 6, 12]})
    hidden = with_hidden(with_hidden(frame, 10), 10, base="n_value")
    assert hidden["hidden"].tolist() == [False, False, True]

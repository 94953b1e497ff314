"""Numbers as pages write them: true minus, thousands, decimals from the interval, no sign on zero."""

import math
import random

import numpy as np
import pytest

from cxinsights.display import numbers
from cxinsights.privacy import Suppressed

NB = "\u00a0"  # inside a figure lines do not break


@pytest.mark.parametrize(
    ("half_width", "decimals"), [(40, 0), (1, 0), (0.99, 1), (0.1, 1), (0.099, 2), (0, 2), (math.nan, 1), (math.inf, 1)]
)
def test_the_interval_decides_the_decimals(half_width: float, decimals: int) -> None:
    assert numbers.decimals_for(half_width) == decimals


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (31, 0, "31"), (-12, 0, "−12"), (0, 0, "0"), (-0.0, 1, "0.0"), (-0.4, 0, "0"), (-0.04, 1, "0.0"),
        (-0.06, 1, "−0.1"), (999, 0, "999"), (1000, 0, "1,000"), (999.6, 0, "1,000"),
        (-1234567.891, 2, "−1,234,567.89"),
    ],
)  # fmt: skip
def test_a_number_has_a_true_minus_and_thousands_and_zero_has_no_sign(value, decimals, text) -> None:
    assert numbers.number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(8, 0, "+8"), (-9, 0, "−9"), (0, 0, "0"), (0.4, 0, "0"), (-0.4, 0, "0"), (0.04, 2, "+0.04"), (1500, 0, "+1,500")],
)
def test_a_change_is_always_signed_but_for_zero(value, decimals, text) -> None:
    assert numbers.signed(value, decimals) == text


def test_any_number_reads_back_as_itself_rounded() -> None:
    chance = random.Random(3)
    for _ in range(2000):
        value, decimals = chance.uniform(-1, 1) * 10 ** chance.randint(-3, 6), chance.choice([0, 1, 2])
        for text in (numbers.number(value, decimals), numbers.signed(value, decimals)):
            assert "-" not in text
            assert text.lstrip("+−").replace(",", "").replace(".", "").isdigit()
            back = float(text.replace("−", "-").replace(",", ""))
            assert abs(back - value) <= 0.5 * 10**-decimals + 1e-9 * abs(value)
            assert text[0] not in "+−" or back != 0


@pytest.mark.parametrize(
    ("n", "of", "text"),
    [(2814, "answer", f"2,814{NB}answers"), (1, "answer", f"1{NB}answer"), (0, "answer", f"0{NB}answers"),
     (np.int64(2), "customer", f"2{NB}customers")],
)  # fmt: skip
def test_a_base_is_counted_in_words(n, of, text) -> None:
    assert numbers.count(n, of) == text


def test_an_interval_is_two_numbers_and_to() -> None:
    assert numbers.interval(29.4, 33.1) == f"29{NB}to{NB}33"
    assert numbers.interval(-3.25, 3.25, 1, with_sign=True) == f"−3.2{NB}to{NB}+3.2"
    assert numbers.with_interval(31.2, 29.4, 33.1) == f"31{NB}(29{NB}to{NB}33)"
    assert numbers.with_interval(0.31, -0.06, 0.68, 2, with_sign=True) == f"+0.31{NB}(−0.06{NB}to{NB}+0.68)"


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [(0.384, 0, "38%"), (1, 0, "100%"), (0, 0, "0%"), (0.0042, 1, "0.4%"), (-0.06, 0, "−6%")],
)
def test_a_share_is_written_in_percent(share, decimals, text) -> None:
    assert numbers.percent(share, decimals) == text


def test_shares_are_whole_percents() -> None:
    assert numbers.share_text(0.242, 0.204, 0.281) == f"24%{NB}(20{NB}to{NB}28)"
    assert numbers.share_text(0.0004, 0.0, 0.007) == f"under{NB}0.1%{NB}(0.0{NB}to{NB}0.7)"
    assert numbers.share_text(0.998, 0.996, 0.999) == f"99.8%{NB}(99.6{NB}to{NB}99.9)"
    assert numbers.share_text(1, 0.997, 1) == f"100%{NB}(99.7{NB}to{NB}100.0)"
    assert numbers.share_text(0, 0, 0.03) == f"0%{NB}(0{NB}to{NB}3)"
    assert [numbers.percent(share) for share in (0, 0.0004, 0.002, 0.454, 0.9996, 1)] == [
        "0%", f"under{NB}0.1%", "0.2%", "45%", f"over{NB}99.9%", "100%",
    ]  # fmt: skip
    assert [numbers.in_hundred(share) for share in (0, 0.454, 1)] == [f"{n}{NB}in{NB}100" for n in (0, 45, 100)]
    assert [numbers.in_hundred(share) for share in (0.002, 0.998, 0.9999)] == ["0.2%", "99.8%", f"over{NB}99.9%"]
    assert numbers.metric_with_interval("csat", 0.998, 0.99, 0.9995) == f"99.8%{NB}(99.0{NB}to{NB}100.0)"


@pytest.mark.parametrize(
    ("metric", "score", "text"),
    [("nps", 31.4, "31"), ("nps", -12.0, "−12"), ("csat", 0.784, "78%"), ("ces", 5.44, "5.4"), ("ces_top", 0.5, "50%"),
     ("csat_mean", 4.0, "4.0")],
)  # fmt: skip
def test_each_measure_has_its_own_form(metric, score, text) -> None:
    assert numbers.metric_score(metric, score) == text


def test_limits_of_a_measure_have_the_form_of_its_score() -> None:
    assert numbers.metric_with_interval("csat", 0.784, 0.771, 0.795) == f"78%{NB}(77{NB}to{NB}80)"
    assert numbers.metric_with_interval("nps", -12.2, -16.7, -7.9) == f"−12{NB}(−17{NB}to{NB}−8)"
    assert numbers.metric_interval("ces", 5.32, 5.48) == f"5.3{NB}to{NB}5.5"


@pytest.mark.parametrize("why", ["small", "complement"])
def test_a_hidden_score_is_words(why) -> None:
    hidden = Suppressed(10, why)
    words = {"small": "not shown, under 10", "complement": "not shown, it would give another away"}[why]
    assert numbers.metric_score("nps", hidden) == numbers.plain(hidden) == words


def test_a_share_changes_in_points() -> None:
    assert numbers.metric_change("csat", 0.06, 0.02, 0.1) == ("+6", f"+2{NB}to{NB}+10")
    assert numbers.metric_change("ces", -0.31, -0.52, -0.1) == ("−0.3", f"−0.5{NB}to{NB}−0.1")
    assert numbers.metric_change("nps", -0.3, -4.2, 3.6, "cannot_tell") == ("0", f"−4{NB}to{NB}+4")


@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_rounding_never_hides_what_a_clear_state_says(metric) -> None:
    """A clear change leaves out zero; so do the figure and both limits as they are written."""
    chance, scale = random.Random(5), {"nps": 1.0, "csat": 0.01, "ces": 0.1}[metric]
    for _ in range(200):
        sign = chance.choice([1, -1])
        change = sign * chance.uniform(0.6, 9) * scale
        half = abs(change) * chance.uniform(0.3, 0.85)
        state = chance.choice(["", "slightly_"]) + ("better" if sign > 0 else "worse")
        value, limits = numbers.metric_change(metric, change, change - half, change + half, state)
        for written in (value, *limits.split(f"{NB}to{NB}")):
            assert written[0] == "+−"[sign < 0], f"{state}: {change:.3f} ± {half:.3f} is written {value} ({limits})"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.04321, "0.043"), (1, "1.000"), (0.001, "0.001"), (0.00099, "< 0.001"), (0, "< 0.001"), (math.nan, "–")],
)
def test_a_p_value_is_never_zero(p, text) -> None:
    assert numbers.p_text(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (math.nan, "–"), (True, "yes"), (np.False_, "no"), (1234, "1,234"), (np.int64(-5), "−5"),
        (12345.6, "12,346"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123"), (-0.0001, "0.000"), (3.0, "3"),
        (math.inf, "unbounded"), ("told apart", "told apart"),
    ],
)  # fmt: skip
def test_any_cell_of_a_table_has_a_plain_form(value, text) -> None:
    assert numbers.plain(value) == text


def test_data_files_have_common_spaces() -> None:
    assert numbers.text_without_fixed_spaces(numbers.with_interval(31, 29, 33)) == "31 (29 to 33)"

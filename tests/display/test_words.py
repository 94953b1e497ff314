"""Words that sentences are made of."""

import pytest

from cxinsights.analysis.comparisons import STATES
from cxinsights.display.words import STATE_WORDS, as_subject, in_sentence, joined, possessive, spelled


@pytest.mark.parametrize(
    ("names", "most", "text"),
    [
        ([], None, ""),
        (["North"], None, "North"),
        (["North", "South"], None, "North and South"),
        (["North", "South", "East"], None, "North, South and East"),
        (["North", "South", "East"], 3, "North, South and East"),
        (["North", "South", "East", "West"], 3, "North, South and two more"),
        (["North", "South"], 1, "two more"),
    ],
)
def test_names_are_joined_as_a_sentence_has_them(names, most, text) -> None:
    assert joined(names, most) == text


def test_a_shortened_list_still_counts_everybody() -> None:
    names = [f"Unit {i}" for i in range(40)]
    for most in (2, 5, 11):
        text = joined(names, most)
        named, (*_, rest, _) = text.count("Unit"), text.split(" ")
        numbers = {spelled(n): n for n in range(41)}
        assert named + numbers[rest] == 40
        assert named == most - 1


@pytest.mark.parametrize(
    ("n", "text"), [(0, "no"), (1, "one"), (12, "twelve"), (13, "13"), (1200, "1,200"), (-1, "-1")]
)
def test_small_numbers_are_spelled(n, text) -> None:
    assert spelled(n) == text


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Staff knowledge", "staff knowledge"), ("AirTrain", "AirTrain"), ("NPS of staff", "NPS of staff"),
        ("Überblick", "überblick"), ("18 to 34", "18 to 34"), ("", ""), ("A", "a"),
    ],
)  # fmt: skip
def test_a_label_in_a_sentence_is_small_unless_it_is_a_name(label, text) -> None:
    assert in_sentence(label) == text


@pytest.mark.parametrize(
    ("text", "start"), [("staff knowledge", "Staff knowledge"), ("NPS", "NPS"), ("", ""), ("é", "É")]
)
def test_a_sentence_begins_large(text, start) -> None:
    assert as_subject(text) == start


@pytest.mark.parametrize(
    ("name", "text"), [("Harbour", "Harbour’s"), ("Headquarters", "Headquarters’"), ("BUS", "BUS’s")]
)
def test_possessives(name, text) -> None:
    assert possessive(name) == text


def test_every_state_has_its_word() -> None:
    assert set(STATE_WORDS) == set(STATES)
    assert len(set(STATE_WORDS.values())) == len(STATES)

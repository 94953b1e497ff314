"""How sentences are made: names joined, first letters, and the words that stand for states."""

from collections.abc import Sequence
from datetime import date

__all__ = [
    "NEWS_FIRST",
    "STATE_WORDS",
    "as_day",
    "as_subject",
    "fitting",
    "in_sentence",
    "joined",
    "possessive",
    "spelled",
]

STATE_WORDS = {
    "better": "Better",
    "worse": "Worse",
    "slightly_better": "Slightly better",
    "slightly_worse": "Slightly worse",
    "steady": "Steady",
    "cannot_tell": "Cannot tell",
}
NEWS_FIRST = ("worse", "slightly_worse", "better", "slightly_better", "cannot_tell", "steady")
"""States in the order readers look for them."""
MOST_WORDS = 12
"""Of a headline: what is read at a glance."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def as_day(day: date) -> str:
    """A day as sentences have it: 30 September 2026."""
    return f"{day.day}\u00a0{day:%B}\u00a0{day.year}"


def joined(names: Sequence[str], most: int | None = None) -> str:
    """Names as a sentence has them: A, B and C; beyond `most`, the rest as a number."""
    names = list(names)
    if most is not None and len(names) > most:
        names = [*names[: most - 1], f"{spelled(len(names) - most + 1)} more"]
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def spelled(n: int) -> str:
    """Small numbers in words."""
    return _NUMBERS[n] if 0 <= n < len(_NUMBERS) else f"{n:,}"


def in_sentence(label: str) -> str:
    """A label inside a sentence: first letter small, unless its first word is a name (AirTrain, NPS)."""
    first = label.split(" ")[0]
    return label if any(c.isupper() for c in first[1:]) else label[:1].lower() + label[1:]


def as_subject(text: str) -> str:
    """A sentence's beginning: first letter large."""
    return text[:1].upper() + text[1:]


def fitting(*titles: str) -> str:
    """The first that is short enough for a headline (twelve words), else the last."""
    return next((title for title in titles if len(title.split()) <= MOST_WORDS), titles[-1])


def possessive(name: str) -> str:
    """Harbour’s, Headquarters’."""
    return f"{name}’" if name.endswith("s") else f"{name}’s"

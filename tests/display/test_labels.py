"""Labels: wrapped between words, measured as they are drawn, placed where they cover nothing."""

import random

import numpy as np
import pytest
from matplotlib.axes import Axes

from cxinsights.display.labels import Box, Label, lines_of, place_labels, text_width, wrapped
from cxinsights.display.theme import new_axes, styled
from tests.display.results import LONG, badly_placed, text_boxes


@pytest.fixture(autouse=True)
def looks():
    with styled():
        yield


@pytest.fixture
def ground() -> Axes:
    drawn = new_axes(700, 400, left=50, right=10, top=10, bottom=30)
    drawn.set_xlim(0, 10)
    drawn.set_ylim(0, 10)
    return drawn


def test_lines_stay_within_the_width_and_no_word_is_lost() -> None:
    chance = random.Random(2)
    for _ in range(20):
        text = " ".join("x" * chance.randint(1, 7) for _ in range(chance.randint(1, 12)))
        width = chance.uniform(60, 300)
        lines = wrapped(text, width, 14).split("\n")
        assert " ".join(lines) == text
        assert all(text_width(line, 14) <= width for line in lines)


def test_a_line_takes_as_many_words_as_fit() -> None:
    width = text_width("one two", 14)
    assert wrapped("one two three", width, 14) == "one two\nthree"
    assert wrapped("one two three", width - 1, 14) == "one\ntwo\nthree"
    assert wrapped("one two three", 1000, 14) == "one two three"
    assert lines_of("one two\nthree") == 2
    assert lines_of("") == 1


def test_a_word_longer_than_the_line_is_broken_to_fit() -> None:
    for text in (
        "Kundenzufriedenheitsbefragungsergebnisse" * 2,
        "Wartezeit/Schalter/Automat/Hotline/Chat/Rückruf/E-Mail",
    ):
        lines = wrapped(text, 200, 14).split("\n")
        assert max(text_width(line, 14) for line in lines) <= 200, lines
        assert "".join(lines).replace("-", "") == text.replace("-", "")


@pytest.mark.parametrize(
    "text",
    [
        "接客の待ち時間が長すぎると感じたことがありますか",
        "زمن الانتظار في الفرع",
        "Wait 😀 time",
        "Ожидание",
        "Αναμονή",
    ],
)
def test_any_script_can_be_measured_and_wrapped(text) -> None:
    lines = wrapped(text, 120, 14).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(text_width(line, 14) for line in lines) <= 120
    assert text_width(text, 14) > 20


@pytest.mark.parametrize("text", ["US$ or A$", "$x^2$", "a_b", "<b> & co", "50% {off} \\n"])
def test_signs_are_letters_not_formulas(text) -> None:
    """Wider than without its last letter: a formula's marks would take no room."""
    letters = sum(text_width(f"i{letter}i", 14) - text_width("ii", 14) for letter in text)
    assert text_width(text, 14) == pytest.approx(letters, rel=0.12)


def test_width_is_of_the_widest_line_and_grows_with_size_and_weight() -> None:
    assert text_width("one\nthree three", 14) == text_width("three three", 14)
    assert text_width(LONG, 28) == pytest.approx(2 * text_width(LONG, 14), rel=0.01)
    assert text_width(LONG, 14, 600) > 1.02 * text_width(LONG, 14, 400)


def test_an_empty_text_has_hardly_any_width() -> None:
    assert 0 <= text_width("", 14) < 10


def test_shared_area_of_boxes() -> None:
    box = Box(0, 0, 10, 10)
    assert box.overlap(Box(5, 5, 15, 12)) == 25
    assert box.overlap(Box(10, 0, 20, 10)) == 0
    assert box.overlap(Box(2, 2, 4, 5)) == 6
    assert box.overlap(Box(-5, -5, 20, 20)) == 100


def test_labels_of_near_points_do_not_cover_each_other(ground) -> None:
    labels = [Label(f"Label number {i}", 5 + 0.2 * (i % 2), 5 + 0.2 * (i // 2)) for i in range(6)]
    place_labels(ground, labels, [])
    assert badly_placed(ground) == []
    assert {text for text, _ in text_boxes(ground)} >= {one.text for one in labels}


@pytest.mark.parametrize(("x", "y"), [(0, 0), (10, 10), (0, 10), (10, 0), (10, 5)])
def test_a_label_at_the_edge_stays_inside(ground, x, y) -> None:
    place_labels(ground, [Label("A rather long label", x, y)], [])
    frame = ground.get_window_extent()
    box = next(box for text, box in text_boxes(ground) if text == "A rather long label")
    assert frame.x0 <= box.x0
    assert box.x1 <= frame.x1
    assert frame.y0 - 3 <= box.y0
    assert box.y1 <= frame.y1 + 3


def test_a_label_keeps_clear_of_what_is_taken(ground) -> None:
    frame = ground.get_window_extent()
    middle = (frame.width / 2, frame.height / 2)
    taken = Box(middle[0], middle[1] - 60, middle[0] + 200, middle[1] + 60)  # all of its right side
    place_labels(ground, [Label("Name", 5, 5)], [taken])
    box = next(box for text, box in text_boxes(ground) if text == "Name")
    placed = Box(box.x0 - frame.x0, box.y0 - frame.y0, box.x1 - frame.x0, box.y1 - frame.y0)
    assert placed.overlap(taken) == 0


def test_a_label_far_from_its_point_is_joined_to_it_by_a_line(ground) -> None:
    frame = ground.get_window_extent()
    x, y = frame.width / 2, frame.height / 2
    place_labels(ground, [Label("Near", 2, 2)], [])
    assert len(ground.texts) == 1
    place_labels(ground, [Label("Far", 5, 5)], [Box(x - 25, y - 25, x + 25, y + 25)])
    joints = [text for text in ground.texts[1:] if text.arrow_patch is not None]
    assert [joint.xy for joint in joints] == [(5, 5)]


def test_a_label_that_could_be_taken_for_another_points_is_joined_to_its_own(ground) -> None:
    """Two near points, and room on one side of them alone: one of the labels must pass the other's point."""
    frame = ground.get_window_extent()
    x, y = frame.width / 2, frame.height / 2
    labels = [Label("First label", 5, 5), Label("Second label", 5.3, 5)]
    above_and_right = [Box(0, y + 4, frame.width, frame.height), Box(x + 24, 0, frame.width, frame.height)]
    place_labels(ground, labels, above_and_right)
    boxes = dict(text_boxes(ground))
    joined = {text.xy for text in ground.texts if text.arrow_patch is not None}
    assert joined
    for one, other in (labels, labels[::-1]):
        box = boxes[one.text]
        own, near = (np.hypot(*(np.clip(at, box.min, box.max) - at))
                     for at in (ground.transData.transform((p.x, p.y)) for p in (one, other)))  # fmt: skip
        assert own < near or (one.x, one.y) in joined


def test_only_labels_on_the_tint_take_its_outline(ground) -> None:
    frame = ground.get_window_extent()
    tint = Box(0, frame.height / 2, frame.width / 2, frame.height)
    place_labels(ground, [Label("On", 2, 8), Label("Off", 8, 2)], [], tinted=tint)
    assert {text.get_text(): (text.get_gid() or "").startswith("tint") for text in ground.texts} == {
        "On": True,
        "Off": False,
    }

"""Colours that can be read in both themes, a font that has what pages write, and axes that pile up nowhere."""

import base64
import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager

from cxinsights.display import numbers
from cxinsights.display.fonts import FAMILY, page_font, register_fonts
from cxinsights.display.theme import DARK, LIGHT, NARROW, WIDE, css_colours, new_axes, styled, use_theme

THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#FFFFFF", "#767676") == pytest.approx(4.54, abs=0.005)  # the grey WCAG's notes give


@THEMES
@pytest.mark.parametrize("ground", ["page", "surface"])
@pytest.mark.parametrize("role", ["ink", "quiet", "faint", "accent", "better", "worse", "steady", "unsure"])
def test_text_can_be_read_on_page_and_card(colours, ground, role) -> None:
    assert contrast(colours[role], colours[ground]) >= 4.5


@THEMES
@pytest.mark.parametrize(
    ("role", "ground"),
    [("better", "better-tint"), ("worse", "worse-tint"), ("accent", "accent-tint"), ("ink", "accent-tint"),
     ("ink", "sunken"), ("quiet", "sunken")],
)  # fmt: skip
def test_text_can_be_read_on_its_tint(colours, role, ground) -> None:
    assert contrast(colours[role], colours[ground]) >= 4.5


@THEMES
@pytest.mark.parametrize(
    ("role", "ground"),
    [
        ("edge", "page"),
        ("edge", "surface"),
        ("accent", "accent-soft"),
        ("accent", "accent-tint"),
        ("unsure", "surface"),
    ],
)
def test_marks_and_borders_stand_out_by_three_to_one(colours, role, ground) -> None:
    assert contrast(colours[role], colours[ground]) >= 3


def test_both_themes_have_the_same_roles_and_no_two_roles_share_a_light_colour() -> None:
    assert list(LIGHT) == list(DARK)
    assert len({value.lower() for value in LIGHT.values()}) == len(LIGHT)  # a drawing's colour names its role
    assert all(re.fullmatch("#[0-9A-F]{6}", value) for value in [*LIGHT.values(), *DARK.values()])


def test_colours_become_custom_properties() -> None:
    assert css_colours({"ink": "#18202B", "accent-soft": "#C9CCEA"}) == "--ink:#18202B;--accent-soft:#C9CCEA;"


def test_looks_hold_inside_and_nowhere_else() -> None:
    before = dict(mpl.rcParams)
    with styled():
        assert mpl.rcParams["font.family"] == [FAMILY]
        assert mpl.rcParams["text.color"] == LIGHT["ink"]
        assert mpl.rcParams["svg.fonttype"] == "none"
        assert mpl.rcParams["savefig.dpi"] == 72
    assert dict(mpl.rcParams) == before


def test_analysts_can_have_the_looks_for_a_session() -> None:
    with mpl.rc_context():
        use_theme()
        assert mpl.rcParams["axes.edgecolor"] == LIGHT["edge"]
        assert mpl.rcParams["font.family"] == [FAMILY]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_axes_lie_where_their_margins_say_and_pyplot_does_not_know_them(width) -> None:
    known = plt.get_fignums()
    with styled():
        drawn = new_axes(width, 300, left=50, right=20, top=10, bottom=30)
        assert drawn.figure.bbox.size.tolist() == [width, 300]
        assert drawn.get_window_extent().extents == pytest.approx([50, 30, width - 20, 290])
    assert plt.get_fignums() == known


@pytest.mark.parametrize("weight", [400, 600])
def test_figures_are_drawn_in_the_font_of_that_weight(weight) -> None:
    register_fonts()
    found = font_manager.findfont(font_manager.FontProperties(family=FAMILY, weight=weight), fallback_to_default=False)
    font = TTFont(found)
    assert font["OS/2"].usWeightClass == weight
    assert "fvar" not in font  # matplotlib draws a variable font in its default weight only


def test_the_page_font_has_every_sign_that_numbers_are_written_with() -> None:
    data = base64.b64decode(page_font())
    assert data[:4] == b"wOF2"
    assert len(data) < 60_000  # every page carries it
    font = TTFont(io.BytesIO(data))
    written = numbers.with_interval(-1234.5, -2000, 3.2, 1, with_sign=True) + numbers.percent(0.5) + numbers.DASH
    assert set(written + "’±·ßéø") <= set(map(chr, font.getBestCmap()))
    weights = next(axis for axis in font["fvar"].axes if axis.axisTag == "wght")
    assert (weights.minValue, weights.maxValue) == (400, 600)


def test_columns_of_figures_line_up_in_the_page_font() -> None:
    font = TTFont(io.BytesIO(base64.b64decode(page_font())))
    names = [font.getBestCmap()[ord(digit)] for digit in "0123456789"]
    assert len({font["hmtx"][name][0] for name in names}) == 1

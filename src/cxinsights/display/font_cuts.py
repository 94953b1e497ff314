"""Cuts of the variable font: made once on a machine, and kept by `fonts`."""

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from cxinsights.display.fonts import FAMILY, VARIABLE

__all__ = ["page_cut", "static_cut"]

_MARKS = [0x2212, 0x2013, 0x2014, *range(0x2018, 0x201F), 0x2026, 0x2022, 0x20AC, 0x00B2, 0x2009]
_LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180), *_MARKS]
_DRAWN = [*_LATIN, *range(0x180, 0x250), *range(0x370, 0x530)]  # figures also measure Greek and Cyrillic names


def static_cut(weight: int, style: str) -> TTFont:
    """One weight, for matplotlib."""
    font = instantiateVariableFont(_reduced(_DRAWN, features=[]), {"wght": weight})
    font["OS/2"].usWeightClass = weight
    names = {1: FAMILY, 2: style, 4: f"{FAMILY} {style}", 6: f"SourceSans3-{style}", 16: FAMILY, 17: style}
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    return font


def page_cut() -> TTFont:
    """Weights 400 to 600 with the characters of pages, as WOFF2."""
    font = instantiateVariableFont(_reduced(_LATIN, ["kern", "mark", "tnum", "lnum"]), {"wght": (400, 600)})
    font.flavor = "woff2"
    return font


def _reduced(characters: list[int], features: list[str]) -> TTFont:
    """The variable font with these characters only: instancing all its glyphs would take half a minute."""
    font = TTFont(VARIABLE)
    subsetter = Subsetter(Options(layout_features=features))
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    return font

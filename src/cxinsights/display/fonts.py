"""Source Sans 3: a static cut of it for matplotlib, and a small subset for pages.

Both are made once from the variable font that comes as a dependency, and kept in the user's cache.
"""

import base64
import os
import tempfile
from functools import cache
from pathlib import Path

import fontpkg_source_sans_3
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from matplotlib import font_manager
from platformdirs import user_cache_path

__all__ = ["FAMILY", "page_font", "register_fonts"]

FAMILY = "Source Sans 3"
_WEIGHTS = {400: "Regular", 600: "SemiBold"}
_VARIABLE = Path(fontpkg_source_sans_3.__file__).parent / "files" / "SourceSans3[wght].ttf"
_MARKS = [0x2212, 0x2013, 0x2014, *range(0x2018, 0x201F), 0x2026, 0x2022, 0x20AC, 0x00B2, 0x2009]
_LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180), *_MARKS]
_DRAWN = [*_LATIN, *range(0x180, 0x250), *range(0x370, 0x530)]  # figures also measure Greek and Cyrillic names


@cache
def register_fonts() -> None:
    """Make the regular and semibold cut known to matplotlib."""
    for weight, style in _WEIGHTS.items():
        path = _cached(f"source-sans-3-{weight}.ttf", lambda w=weight, s=style: _static(w, s))
        font_manager.fontManager.addfont(path)


@cache
def page_font() -> str:
    """The page's font as base64 of a WOFF2 file, weights 400 to 600."""
    return base64.b64encode(_cached("source-sans-3-page.woff2", _subset).read_bytes()).decode("ascii")


def _static(weight: int, style: str) -> TTFont:
    font = instantiateVariableFont(_reduced(_DRAWN, features=[]), {"wght": weight})
    font["OS/2"].usWeightClass = weight
    names = {1: FAMILY, 2: style, 4: f"{FAMILY} {style}", 6: f"SourceSans3-{style}", 16: FAMILY, 17: style}
    for record in font["name"].names:
        if record.nameID in names:
            record.string = names[record.nameID]
    return font


def _subset() -> TTFont:
    font = instantiateVariableFont(_reduced(_LATIN, ["kern", "mark", "tnum", "lnum"]), {"wght": (400, 600)})
    font.flavor = "woff2"
    return font


def _reduced(characters: list[int], features: list[str]) -> TTFont:
    """The variable font with these characters only: instancing all its glyphs would take half a minute."""
    font = TTFont(_VARIABLE)
    subsetter = Subsetter(Options(layout_features=features))
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    return font


def _cached(name: str, make) -> Path:
    """A made font in the user's cache, or in the temporary folder where there is none to write to."""
    version = os.path.getmtime(_VARIABLE)
    for folder in (user_cache_path("cxinsights"), Path(tempfile.gettempdir()) / f"cxinsights-{os.getuid()}"):
        path = folder / f"{version:.0f}-{name}"
        if path.exists():
            return path
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, fresh = tempfile.mkstemp(dir=folder)
        except OSError:
            continue
        os.close(handle)
        make().save(fresh)
        os.replace(fresh, path)  # whole or not at all: reports are made in parallel
        return path
    raise OSError("no folder to keep fonts in: neither the user's cache nor the temporary folder can be written")

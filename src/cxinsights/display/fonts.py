"""Source Sans 3: a static cut of it for matplotlib, and a small subset for pages.

Both are made once from the variable font that comes as a dependency, and kept in the user's cache.
"""

import base64
import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import fontpkg_source_sans_3
from matplotlib import font_manager
from platformdirs import user_cache_path

__all__ = ["FAMILY", "VARIABLE", "page_font", "register_fonts"]

FAMILY = "Source Sans 3"
VARIABLE = Path(fontpkg_source_sans_3.__file__).parent / "files" / "SourceSans3[wght].ttf"
"""The whole font, of all weights."""
_WEIGHTS = {400: "Regular", 600: "SemiBold"}


@cache
def register_fonts() -> None:
    """Make the regular and semibold cut known to matplotlib."""
    for weight, style in _WEIGHTS.items():
        path = _cached(f"source-sans-3-{weight}.ttf", lambda w=weight, s=style: _cut().static_cut(w, s))
        font_manager.fontManager.addfont(path)


@cache
def page_font() -> str:
    """The page's font as base64 of a WOFF2 file, weights 400 to 600."""
    return base64.b64encode(_cached("source-sans-3-page.woff2", lambda: _cut().page_cut()).read_bytes()).decode("ascii")


def _cut() -> ModuleType:
    """What makes the cuts, loaded only to make one: its library takes long to load, and cuts are kept."""
    return import_module("cxinsights.display.font_cuts")


def _cached(name: str, make: Callable[[], Any]) -> Path:
    """A made font in the user's cache, or in the temporary folder where there is none to write to."""
    version = os.path.getmtime(VARIABLE)
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

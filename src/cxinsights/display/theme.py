"""How everything looks: one place for colours, type and the axes that all figures share.

Figures are drawn in the light colours. When a figure goes into a page each of those colours is replaced by
the page's own (see `svg`), so that one drawing serves light, dark and paper; that is why no two roles may
share a colour here.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxinsights.display.fonts import FAMILY, register_fonts

__all__ = [
    "DARK", "DIVERGING", "LIGHT", "NARROW", "WIDE", "css_colours", "new_axes", "styled", "use_theme",
    "without_glyph_warnings",
]  # fmt: skip

LIGHT = {
    "page": "#F6F7F9", "surface": "#FFFFFF", "sunken": "#EDF0F4", "ink": "#18202B", "quiet": "#4F5B6B",
    "faint": "#616D7D", "edge": "#7B8898", "rule": "#D5DBE3", "grid": "#E3E8EE", "accent": "#3B3F9A",
    "accent-soft": "#C9CCEA", "accent-tint": "#ECEDF8", "better": "#00708A", "better-tint": "#E0F1F5",
    "worse": "#9C3A12", "worse-tint": "#FBEAE2", "steady": "#2B3440", "unsure": "#566273",
    "category-1": "#2B297F", "category-2": "#75997C", "category-3": "#6B5106", "category-4": "#AF7CD5",
    "diverging-1": "#9C3A13", "diverging-2": "#CA805F", "diverging-3": "#E7BDA9", "diverging-4": "#F2F3F5",
    "diverging-5": "#ABD0DC", "diverging-6": "#62A4B8", "diverging-7": "#00708B",
    "on-diverging-1": "#FFFFFE", "on-diverging-2": "#19202B", "on-diverging-3": "#18212B", "on-diverging-4": "#18202C",
    "on-diverging-5": "#19212B", "on-diverging-6": "#19202C", "on-diverging-7": "#FFFFFD",
}  # fmt: skip
DARK = {
    "page": "#11161C", "surface": "#1A2028", "sunken": "#232B35", "ink": "#E9EDF2", "quiet": "#B1BCC9",
    "faint": "#97A4B3", "edge": "#758394", "rule": "#36414E", "grid": "#2B343F", "accent": "#9AA2F4",
    "accent-soft": "#3E4580", "accent-tint": "#262B4A", "better": "#6FD0EC", "better-tint": "#123642",
    "worse": "#F0966E", "worse-tint": "#45271A", "steady": "#DDE3EA", "unsure": "#A9B5C3",
    "category-1": "#766CC5", "category-2": "#81F8CA", "category-3": "#968D02", "category-4": "#D3C4FD",
    "diverging-1": "#F0966E", "diverging-2": "#96573C", "diverging-3": "#57392F", "diverging-4": "#2A323C",
    "diverging-5": "#2E5766", "diverging-6": "#418BA0", "diverging-7": "#6FD0EC",
    "on-diverging-1": "#11161C", "on-diverging-2": "#FFFFFE", "on-diverging-3": "#E9EDF2", "on-diverging-4": "#E9EDF2",
    "on-diverging-5": "#E9EDF2", "on-diverging-6": "#11161C", "on-diverging-7": "#11161C",
}  # fmt: skip

DIVERGING = tuple((LIGHT[f"diverging-{step}"], LIGHT[f"on-diverging-{step}"]) for step in range(1, 8))
"""Seven steps from below through level to above: each ground with the colour of the text on it."""

WIDE, NARROW = 704, 328
"""Widths a figure is drawn in; one unit is one pixel of the page, and one point of matplotlib."""

_RC = {
    "font.family": FAMILY, "font.size": 14, "text.color": LIGHT["ink"],
    "axes.labelcolor": LIGHT["quiet"], "axes.labelsize": 13.5, "axes.edgecolor": LIGHT["edge"],
    "axes.linewidth": 1, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "axes.spines.bottom": False, "axes.grid": True, "axes.grid.axis": "x", "axes.axisbelow": True,
    "axes.facecolor": "none", "axes.unicode_minus": True, "figure.facecolor": "none",
    "savefig.facecolor": "none", "grid.color": LIGHT["grid"], "grid.linewidth": 1,
    "xtick.color": LIGHT["quiet"], "xtick.labelsize": 13.5, "xtick.major.size": 0, "xtick.major.pad": 6,
    "ytick.color": LIGHT["ink"], "ytick.labelsize": 14, "ytick.major.size": 0, "ytick.major.pad": 8,
    "ytick.alignment": "center", "lines.linewidth": 2, "lines.solid_capstyle": "round",
    "patch.linewidth": 0, "legend.frameon": False, "figure.dpi": 72, "savefig.dpi": 72,
    "svg.fonttype": "none", "svg.hashsalt": "cxinsights", "text.parse_math": False,
}  # fmt: skip


def use_theme() -> None:
    """Give all figures of a session our looks: for analysts who draw their own beside ours."""
    register_fonts()
    sns.set_theme(style="white", rc=_RC)


@contextmanager
def styled() -> Iterator[None]:
    """Our looks for what is drawn inside, and nothing else; also a decorator."""
    register_fonts()
    with mpl.rc_context({**sns.axes_style("white"), **_RC}), without_glyph_warnings():
        yield


@contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Say nothing of scripts our font lacks: the page's reader has fonts that have them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield


def new_axes(
    width: int, height: float, *, left: float = 0, right: float = 0, top: float = 0, bottom: float = 0
) -> Axes:
    """Axes in a figure of their own, with margins in pixels; pyplot does not know of it, so nothing piles up."""
    figure = Figure(figsize=(width / 72, height / 72))
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    return figure.add_axes(box)


def css_colours(colours: dict[str, str]) -> str:
    """Colours as custom properties of a style sheet."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())

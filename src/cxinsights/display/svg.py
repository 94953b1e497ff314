"""A drawn figure as SVG inside a page: it follows the page's colours and is one image to a screen reader."""

import html
import io
import re

from matplotlib.axes import Axes

from cxinsights.display.fonts import FAMILY
from cxinsights.display.theme import LIGHT, styled

__all__ = ["as_png", "as_svg"]

_COLOUR = re.compile(rf"(?:{'|'.join(LIGHT.values())})(?![0-9a-f])", re.IGNORECASE)
_ROLE = {value.lower(): name for name, value in LIGHT.items()}


def as_svg(drawn: Axes, key: str, title: str, description: str, css_class: str) -> str:
    """SVG of a figure.

    Parameters
    ----------
    key
        Prefix of every id inside, since a page holds many figures.
    title, description
        What a screen reader says: the figure's name, then what it shows.
    css_class
        Which of the two widths this is.
    """
    text = io.StringIO()
    with styled():
        drawn.figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{key}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", svg)
    svg = _COLOUR.sub(lambda found: f"var(--{_ROLE[found[0].lower()]},{found[0]})", svg)
    # inside a page a style element would style the whole page, and text takes the page's font
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(rf"font-family: '{FAMILY}'; | transform=\"rotate\(-0 [^)]*\)\"", "", svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    box = re.search(r'viewBox="([^"]+)"', svg)[1]
    inside = svg[svg.index(">") + 1 :]
    head = (
        f'<svg class="{css_class}" viewBox="{box}" role="img" aria-labelledby="{key}-t {key}-d" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    names = f'<title id="{key}-t">{html.escape(title)}</title><desc id="{key}-d">{html.escape(description)}</desc>'
    return head + names + inside


def as_png(drawn: Axes) -> bytes:
    """PNG of a figure on a white card, for notebooks and wherever SVG is not shown."""
    image = io.BytesIO()
    with styled():
        drawn.figure.savefig(image, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    return image.getvalue()

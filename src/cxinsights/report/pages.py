"""The frame of every page: style, bar and footer around the parts."""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader

from cxinsights.display.fonts import FAMILY, page_font
from cxinsights.display.theme import DARK, LIGHT, css_colours

__all__ = ["WHOLE", "Ask", "Page", "live_script", "render_page", "style"]

WHOLE = (b'<p class="whole" hidden>', b'<p class="whole">')
"""Links to files of the whole report as a page in a folder has them, where nobody makes any, and as it is served."""


@dataclass(frozen=True)
class Ask:
    """One control: a parameter of the report that a reader may set."""

    name: str
    label: str
    choices: dict[str, str]
    """Values and their words."""
    value: str
    """What the report was made with."""


@dataclass(frozen=True)
class Page:
    """What goes into the frame."""

    title: str
    crumbs: list[tuple[str, str]]
    """Names and links of the way here; the last is this page."""
    content: str = ""
    """HTML of the parts, made by our own blocks."""
    foot: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    """Tables that stand beside the page."""
    whole: bool = False
    """Whether files of the whole report can be made, where the page is served."""
    notices: list[str] = field(default_factory=list)
    """What readers are told before anything else."""
    earlier: list[tuple[str, str]] = field(default_factory=list)
    """Names and links of the same report of earlier periods."""
    asks: list[Ask] = field(default_factory=list)
    """What readers may ask otherwise."""
    live: str = ""
    """Address that answers what they ask."""
    home: str = "../../../../../index.html"
    reading: bool = False
    """Whether the page is for reading, and narrower."""

    @property
    def style(self) -> str:
        """The style sheet, whole: a page asks no other host for anything."""
        return style()

    @property
    def script(self) -> str:
        """What asks, and puts the answer in place."""
        return live_script()


def render_page(page: Page) -> str:
    """HTML of a whole page."""
    return _environment().get_template("page.html.j2").render(page=page)


@cache
def live_script() -> str:
    """The script of pages that readers may ask otherwise."""
    return files("cxinsights.report").joinpath("template/live.js").read_text(encoding="utf-8").strip()


@cache
def style() -> str:
    """Font, colours of both themes, and rules."""
    font = (
        f"@font-face{{font-family:'{FAMILY}';font-weight:400 600;font-display:swap;"
        f"src:url(data:font/woff2;base64,{page_font()}) format('woff2')}}"
    )
    light, dark = css_colours(LIGHT), css_colours(DARK)
    paper = css_colours({**LIGHT, "page": "#FFFFFF"})
    themes = (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
        f"@media print{{:root,:root:not([data-theme=light]),:root[data-theme=dark]{{color-scheme:light;{paper}}}}}\n"
    )
    rules = files("cxinsights.report").joinpath("template/style.css").read_text(encoding="utf-8")
    return font + "\n" + themes + rules


@cache
def _environment() -> Environment:
    # names and links are escaped where they stand; content is HTML already
    return Environment(loader=PackageLoader("cxinsights.report", "template"), autoescape=False)

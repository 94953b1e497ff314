"""The parts a page is made of. Each can show itself as HTML for our pages and plainly in any notebook.

Our pages take the HTML from a media type of their own; JupyterLab and other viewers take the plain form: a
heading, a table, a picture.
"""

import base64
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from jinja2 import Environment, PackageLoader
from matplotlib.axes import Axes

from cxinsights.display.sparklines import Sparkline
from cxinsights.display.svg import as_png, as_svg
from cxinsights.display.theme import NARROW, WIDE, styled
from cxinsights.display.words import STATE_WORDS

__all__ = [
    "MEDIA_TYPE",
    "PAGE_ONLY",
    "Block",
    "Column",
    "Fact",
    "Figure",
    "Headline",
    "Kpi",
    "Kpis",
    "Measure",
    "Nothing",
    "Prose",
    "ScoreCell",
    "ScoreRow",
    "ScoreTable",
    "Table",
    "Tally",
    "TallyRow",
    "markdown_table",
    "state_mark",
]

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
MEDIA_TYPE = "application/vnd.cxinsights.block+html"
"""Under this type a notebook's output holds the HTML of a block."""
PAGE_ONLY = "CXINSIGHTS_PAGE_ONLY"
"""Environment variable, set where only our page shows the output: a figure is then not drawn as a picture too."""


class Block(ABC):
    """A part of a page."""

    _macro: ClassVar[str]

    def as_html(self) -> str:
        """HTML for our pages."""
        return getattr(_macros(), self._macro)(self).strip()

    @abstractmethod
    def as_markdown(self) -> str:
        """What any notebook shows."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        text = self.as_markdown()
        shown = _TAG.sub("&lt;", text)  # a site's name may look like one
        return {"text/plain": text, "text/markdown": shown, MEDIA_TYPE: self.as_html()}


@dataclass(frozen=True)
class Nothing(Block):
    """A part that has nothing to show for this report, so that every notebook reads the same."""

    def as_html(self) -> str:
        """Nothing."""
        return ""

    def as_markdown(self) -> str:
        """Nothing."""
        return ""


@dataclass(frozen=True)
class Fact:
    """One fact under the headline."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Headline(Block):
    """What the report says, complete without scrolling."""

    _macro = "headline"
    kicker: str
    title: str
    lead: str = ""
    facts: Sequence[Fact] = ()

    def as_markdown(self) -> str:
        """Heading, lead and facts."""
        facts = "\n".join(f"- {f.name}: **{f.value}** {f.note}".rstrip() for f in self.facts)
        return "\n\n".join(part for part in (self.kicker, f"## {self.title}", self.lead, facts) if part)


@dataclass(frozen=True)
class TallyRow:
    """How many moved one way, and which."""

    state: str
    names: Sequence[str]
    text: str


@dataclass(frozen=True)
class Tally(Block):
    """How many units moved which way."""

    _macro = "tally"
    rows: Sequence[TallyRow]

    def as_markdown(self) -> str:
        """One line per state."""
        return "\n".join(f"- {len(r.names)} {STATE_WORDS[r.state]}: {r.text}" for r in self.rows)


@dataclass(frozen=True)
class ScoreCell:
    """One score with its interval, change and state, or what stands in its place."""

    key: str
    shown: bool
    instead: str = ""
    score: str = ""
    interval: str = ""
    at: float = 0
    low: float = 0
    high: float = 0
    span: tuple[float, float] = (0, 1)
    target: float | None = None
    benchmark: float | None = None
    state: str | None = None
    change: str = ""
    change_interval: str = ""
    unclear: str = ""
    """Why a change whose interval leaves out zero is not told."""
    not_compared: str = ""

    def as_text(self) -> str:
        """The cell in one line."""
        if not self.shown:
            return self.instead
        moved = f"{STATE_WORDS[self.state]} {self.change} ({self.change_interval})" if self.state else "–"
        moved += f", {self.unclear}" if self.unclear else ""
        return f"{self.score} ({self.interval}); {moved}"


@dataclass(frozen=True)
class Kpi(ScoreCell):
    """A score on its own, with what it stands against."""

    name: str = ""
    against: str = ""


@dataclass(frozen=True)
class Kpis(Block):
    """The scores of one unit, side by side."""

    _macro = "kpis"
    cards: Sequence[Kpi]
    note: str = ""

    def as_markdown(self) -> str:
        """One line per score."""
        lines = [f"- **{c.name}** {c.as_text()}. {c.against}".rstrip() for c in self.cards]
        return "\n".join([*lines, *([f"\n{self.note}"] if self.note else [])])


@dataclass(frozen=True)
class Measure:
    """Column of a score table."""

    key: str
    name: str
    unit: str


@dataclass(frozen=True)
class ScoreRow:
    """Row of a score table."""

    name: str
    base: str
    cells: Sequence[ScoreCell]
    link: str = ""
    total: bool = False
    course: Sparkline | None = None
    """How its leading score ran."""

    @property
    def told(self) -> str:
        """Its base, and what is said of its course."""
        return self.base if self.course is None or not self.course.note else f"{self.base}; {self.course.note}"


@dataclass(frozen=True)
class ScoreTable(Block):
    """Units (or regions, or sites) by measures: score, strip, change and state."""

    _macro = "score_table"
    key: str
    title: str
    subtitle: str
    of: str
    measures: Sequence[Measure]
    rows: Sequence[ScoreRow]
    how: str
    legend: Sequence[tuple[Sequence[str], str]]
    caption: str
    how_of_courses: str = ""
    """How the courses under the names are read."""
    has_target: bool = False
    has_benchmark: bool = False
    folded: bool = False

    def as_markdown(self) -> str:
        """The table as plain text cells."""
        head = [self.of, "Base", *(m.name for m in self.measures)]
        rows = [[r.name, r.told, *(c.as_text() for c in r.cells)] for r in self.rows]
        return f"### {self.title}\n\n{markdown_table(head, rows)}\n\n{self.caption}"


@dataclass(frozen=True)
class Figure(Block):
    """A finding, the chart that shows it, how to read it, and its base."""

    _macro = "figure"
    key: str
    title: str
    subtitle: str
    draw: Callable[[int], Axes]
    """Draws the chart in one of the two widths."""
    name: str
    """What the chart is, for a screen reader."""
    alt: str
    """What the chart shows, for a screen reader."""
    caption: str
    how: str = ""
    lists: Sequence[tuple[str, Sequence[tuple[str, str]]]] = ()
    """Entries by heading, such as the numbered dots of a chart."""
    lists_on_phone: bool = False
    """Whether the lists are shown only where the narrow drawing is."""
    half: bool = False
    """Whether it stands beside its neighbour on paper."""

    def as_html(self) -> str:
        """Both widths of the drawing in the chart block; the page's style shows one."""
        return self._as_html(self._drawn(WIDE))

    def as_markdown(self) -> str:
        """Finding, what it shows in words, and the base."""
        return f"### {self.title}\n\n{self.subtitle}\n\n{self.alt}\n\n{self.caption}"

    def _drawn(self, width: int) -> Axes:
        with styled():
            return self.draw(width)

    def _as_html(self, wide: Axes) -> str:
        drawings = [
            as_svg(drawn, f"{self.key}-{css}", self.name, self.alt, css)
            for drawn, css in ((wide, "wide"), (self._drawn(NARROW), "narrow"))
        ]
        return str(_macros().figure(self, drawings)).strip()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        wide = self._drawn(WIDE)
        shown = {"text/plain": self.as_markdown(), MEDIA_TYPE: self._as_html(wide)}
        if os.environ.get(PAGE_ONLY):
            return shown
        return {**shown, "image/png": base64.b64encode(as_png(wide)).decode("ascii")}


@dataclass(frozen=True)
class Column:
    """Column of a plain table."""

    name: str
    numeric: bool = True


@dataclass(frozen=True)
class Table(Block):
    """All numbers, for those who want them."""

    _macro = "table"
    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    subtitle: str = ""
    note: str = ""
    folded: bool = True
    on_paper: bool = True
    """Whether it is printed: what only analysts want is not."""

    def as_markdown(self) -> str:
        """The table."""
        body = markdown_table([c.name for c in self.columns], self.rows)
        return "\n\n".join(p for p in (f"### {self.title}", self.subtitle, body, self.note) if p)


@dataclass(frozen=True)
class Prose(Block):
    """Paragraphs under a heading."""

    _macro = "prose"
    key: str
    title: str
    paragraphs: Sequence[str]
    folded: bool = True

    def as_markdown(self) -> str:
        """Heading and paragraphs."""
        return "\n\n".join([f"### {self.title}", *self.paragraphs])


def state_mark(state: str) -> str:
    """HTML of a state's mark and word."""
    return str(_macros().mark(state))


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


@cache
def _macros() -> Any:
    env = Environment(loader=PackageLoader("cxinsights.display"), autoescape=True, trim_blocks=True)
    env.globals["words"] = STATE_WORDS
    return env.get_template("blocks.html.j2").module

"""A list of many units in sections, to be searched and put in another order on the page itself.

Without script the list stands in the order of news, each section folded behind what it holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import ClassVar

from cxinsights.display.blocks import Block, ScoreCell, markdown_table
from cxinsights.display.words import STATE_WORDS

__all__ = ["ListedUnit", "UnitList", "UnitSection", "list_script"]


@dataclass(frozen=True)
class ListedUnit:
    """One unit: its leading score, how that changed, and which other measures moved."""

    name: str
    base: str
    link: str
    cell: ScoreCell
    moved_by: float | None
    """Change of the leading measure, unrounded, to be sorted by; None where it was not tested."""
    also: Sequence[tuple[str, str]] = ()
    """Other measures that moved, and their states."""


@dataclass(frozen=True)
class UnitSection:
    """Units of one region, or those that moved."""

    name: str
    text: str
    rows: Sequence[ListedUnit]
    opened: bool = False
    news: bool = False
    """Whether it repeats rows of the other sections."""


@dataclass(frozen=True)
class UnitList(Block):
    """Sections of units, with a search box and orders."""

    _macro: ClassVar[str] = "unit_list"
    key: str
    title: str
    subtitle: str
    measure: str
    compared: str
    others: str
    """Heading of the other measures' column; empty where there is one measure alone."""
    sections: Sequence[UnitSection]
    how: str
    caption: str
    on_paper: str

    @property
    def script(self) -> str:
        """The script, the same on every page."""
        return list_script()

    def as_markdown(self) -> str:
        """What moved, or the only section, as a table."""
        rows = [
            [row.name, row.base, row.cell.as_text(), ", ".join(f"{m} {STATE_WORDS[s].lower()}" for m, s in row.also)]
            for row in self.sections[0].rows
        ]
        table = markdown_table(["Unit", "Base", self.measure, self.others or "Others"], rows)
        counts = "\n".join(f"- {section.name}: {section.text}" for section in self.sections)
        return "\n\n".join([f"### {self.title}", self.subtitle, table, counts, self.caption])


@cache
def list_script() -> str:
    """The script that searches and sorts."""
    return files("cxinsights.display").joinpath("templates/listing.js").read_text(encoding="utf-8").strip()

"""Sliders that a reader moves on the page itself: a linear model is small enough to be asked without a kernel.

The page holds the effects of a point of each driver and their covariance, and a script of our own works out the
expected difference and its interval as `analysis.what_if` does. Without script, on paper and in plain notebooks the
table beside the sliders says the same for stated shifts.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

from cxinsights.display.blocks import MEDIA_TYPE, Block, Column, markdown_table
from cxinsights.display.numbers import number, signed

__all__ = ["TENTH", "Slider", "WhatIf", "script", "script_hash"]

TENTH = 0.1
"""Points of a step."""


@dataclass(frozen=True)
class Slider:
    """One driver that can be raised."""

    key: str
    name: str
    today: float
    room: float
    """Points to the level to reach, where its last step ends; the others are tenths."""
    start: int
    """Steps it begins at."""
    effect: float
    """Difference in the outcome that goes with one point."""

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return max(round(self.room / TENTH), 1)


@dataclass(frozen=True)
class WhatIf(Block):
    """A finding, sliders for several drivers at once, and a table of stated shifts."""

    _macro: ClassVar[str] = "what_if"
    key: str
    title: str
    subtitle: str
    outcome: str
    mean: float
    digits: int
    span: tuple[float, float]
    sliders: Sequence[Slider]
    covariance: Sequence[Sequence[float]]
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    how: str
    caption: str

    @property
    def model(self) -> str:
        """What the script reads, as JSON."""
        return json.dumps(
            {
                "outcome": self.outcome,
                "mean": self.mean,
                "digits": self.digits,
                "span": list(self.span),
                "today": [one.today for one in self.sliders],
                "rooms": [one.room for one in self.sliders],
                "effects": [one.effect for one in self.sliders],
                "covariance": [list(row) for row in self.covariance],
            }
        )

    @property
    def ends(self) -> tuple[str, str]:
        """Ends of the result's axis."""
        return number(self.span[0], self.digits), signed(self.span[1], self.digits)

    @property
    def script(self) -> str:
        """The script, the same on every page."""
        return script()

    def as_markdown(self) -> str:
        """Finding, table and base."""
        table = markdown_table([column.name for column in self.columns], self.rows)
        return "\n\n".join([f"### {self.title}", self.subtitle, table, self.how, self.caption])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        plain = super()._repr_mimebundle_(include, exclude)
        return {**plain, "text/html": f"<style>{_NOTEBOOK}</style>{plain[MEDIA_TYPE]}"}


@cache
def script() -> str:
    """The script that moves the sliders' result."""
    return files("cxinsights.display").joinpath("templates/what_if.js").read_text(encoding="utf-8").strip()


@cache
def script_hash(text: str) -> str:
    """A script's name in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


_NOTEBOOK = (
    ".whatif{display:grid;gap:.5rem;max-width:40rem}.whatif .slider{display:grid;grid-template-columns:1fr auto}"
    ".whatif input{grid-column:1/-1}.whatif svg{max-width:20rem}.whatif .axis{stroke:#999}.whatif .line{stroke:#3a3a9a}"
    ".whatif .dot{fill:#3a3a9a}.whatif .aside{position:absolute;clip-path:inset(50%)}"
)
"""Enough of a look for a notebook, which has not the style of our pages."""

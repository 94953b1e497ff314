"""What a page shows, taken apart again for slides: figures, tables and paragraphs from the notebook's own blocks."""

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import html
from lxml.html import HtmlElement

from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.publish.downloads.contents import clean

__all__ = ["Grid", "Part", "Picture", "Text", "parts_of"]

_BREAKS = re.compile(r"[ \t\r\n]+")  # not the spaces that hold a figure and its interval together


@dataclass(frozen=True)
class Picture:
    """A figure of the page."""

    title: str
    subtitle: str
    png: bytes
    """Empty where the notebook holds no picture."""
    alt: str
    """What it is and shows, for who cannot see it."""
    how: str
    caption: str
    lists: Sequence[tuple[str, Sequence[str]]]
    """Entries by heading, that belong to the drawing."""

    @property
    def shape(self) -> float:
        """Its width over its height; 1 where there is no picture."""
        wide, high = struct.unpack(">II", self.png[16:24]) if len(self.png) > 24 else (1, 1)
        return wide / max(high, 1)


@dataclass(frozen=True)
class Grid:
    """A table of the page."""

    title: str
    subtitle: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_number: Sequence[bool]
    """Which columns hold figures."""
    note: str


@dataclass(frozen=True)
class Text:
    """Paragraphs of the page."""

    title: str
    paragraphs: Sequence[str]


Part = Picture | Grid | Text


def parts_of(notebook: dict[str, Any]) -> list[Part]:
    """What the page of an executed notebook shows, in its order: but for its headline, and what it does not print."""
    found = (_part(html.fromstring(f"<div>{clean(block)}</div>"), png) for block, png in _blocks(notebook))
    return [part for part in found if part is not None]


def _blocks(notebook: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """HTML of each block, with its picture as base64 where it has one."""
    for cell in notebook.get("cells", []):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            block, png = ("".join(data.get(kind, "")) for kind in (MEDIA_TYPE, "image/png"))
            if block:
                yield block, png


def _part(block: HtmlElement, png: str) -> Part | None:
    outer = next((e for e in block if e.tag in ("figure", "section", "details")), None)
    kinds = "" if outer is None else outer.get("class", "")
    if outer is None or "noprint" in kinds:
        return None
    if outer.tag == "figure":
        return _picture(outer, png)
    if "kpis" in kinds:
        return _scores(outer)
    if "scores" in kinds:
        return _score_table(outer)
    if outer.find_class("plain"):
        return _grid(outer)
    if any(len(steps) for steps in outer.find_class("steps")):
        return _steps(outer)
    paragraphs = [": ".join(_pieces(entry)) for found in outer.find_class("findings") for entry in found]
    paragraphs += [_said(p) for p in outer.findall("p")]
    return Text(_title(outer), paragraphs) if paragraphs else None


def _picture(figure: HtmlElement, png: str) -> Picture:
    try:
        image = base64.b64decode(png, validate=False)
    except binascii.Error:
        image = b""
    drawing = figure.find(".//svg")
    told = [] if drawing is None else [_said(drawing.find(name)) for name in ("title", "desc")]
    lists = [
        (_said(one.find("h3")), [_spaced(entry) for entry in one.iter("li")])
        for group in figure.find_class("lists")
        if "phone" not in group.get("class", "")
        for one in group
    ]
    return Picture(
        title=_title(figure),
        subtitle=_first(figure, "sub"),
        png=image if image.startswith(b"\x89PNG") else b"",
        alt=". ".join(text.rstrip(".") for text in told if text) + "." * any(told),
        how=_first(figure, "how"),
        caption=_said(figure.find("figcaption")),
        lists=lists,
    )


def _grid(outer: HtmlElement) -> Grid:
    table = outer.find_class("plain")[0]
    heads = table.findall("thead/tr/th")
    return Grid(
        title=_title(outer),
        subtitle=_first(outer, "sub"),
        columns=[_said(head) for head in heads],
        rows=[[_said(cell) for cell in row] for row in table.findall("tbody/tr")],
        is_number=["num" in head.get("class", "") for head in heads],
        note=" ".join(filter(None, (_first(outer, "how"), _first(outer, "source")))),
    )


def _score_table(outer: HtmlElement) -> Grid:
    """Units by measures: score and interval, and below them the change and its state in words."""
    table = outer.find(".//table")
    heads = [_spaced(head) for head in table.findall("thead/tr/th")]
    rows = [
        [", ".join(_pieces(row.find("th"))), *(_score_cell(cell) for cell in row.findall("td"))]
        for row in table.findall("tbody/tr")
    ]
    return Grid(
        title=_title(outer),
        subtitle=_first(outer, "sub"),
        columns=heads,
        rows=rows,
        is_number=[False] * len(heads),
        note=_first(outer, "source"),
    )


def _score_cell(cell: HtmlElement) -> str:
    lines = [_with_interval(score.find("b"), score.find("small")) for score in cell.find_class("score")]
    return "\n".join([*lines, *(_spaced(e) for kind in ("change", "hidden") for e in cell.find_class(kind))])


def _scores(outer: HtmlElement) -> Grid:
    """The scores of one place, a row each."""
    rows = []
    for card in outer.find_class("kpi"):
        big = next(iter(card.find_class("big")), None)
        score = _first(card, "hidden") if big is None else _with_interval(big, big.find("small"))
        rows.append([_title(card), score, _first(card, "change"), _first(card, "against")])
    heads = ["Measure", "Score and 95% interval", "Change and 95% interval", "Held against"]
    return Grid("Scores", "", heads, rows, [False] * 4, _first(outer, "source"))


def _steps(outer: HtmlElement) -> Grid:
    """Steps, a row each, with a column for every fact that one of them has."""
    steps = [
        (_said(step.find("h3")), _said(step.find("p")), {_said(dt): _said(dt.getnext()) for dt in step.iter("dt")})
        for step in outer.find_class("steps")[0]
    ]
    names = list(dict.fromkeys(name for *_, facts in steps for name in facts))
    rows = [[title, why, *(facts.get(name, "") for name in names)] for title, why, facts in steps]
    heads = ["Step", "Why", *names]
    return Grid(_title(outer), _first(outer, "sub"), heads, rows, [False] * len(heads), _first(outer, "source"))


def _with_interval(score: HtmlElement, interval: HtmlElement | None) -> str:
    own = _clean(score.text or "") if interval is not None and interval.getparent() is score else _said(score)
    limits = _said(interval)
    return f"{own} ({limits})" if limits else own


def _title(outer: HtmlElement) -> str:
    return _said(outer.find(".//h2"))


def _first(outer: HtmlElement, kind: str) -> str:
    """Text of the first part of a kind."""
    return next((_spaced(e) for e in outer.find_class(kind)), "")


def _said(element: HtmlElement | None) -> str:
    """Text of an element as it stands."""
    return "" if element is None else _clean(element.text_content())


def _spaced(element: HtmlElement) -> str:
    """Text of an element whose pieces stand apart on the page."""
    return " ".join(_pieces(element))


def _pieces(element: HtmlElement) -> list[str]:
    return [text for piece in element.itertext() if (text := _clean(piece))]


def _clean(text: str) -> str:
    return _BREAKS.sub(" ", text).strip(" ")

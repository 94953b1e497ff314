"""A report as slides: what it found, each figure of its page, its first tables, and its method.

All text and all tables can be edited. Pictures are those of the notebook, with what they show in words.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pptx.slide import Slide

from cxinsights.publish.downloads.contents import Contents, clean
from cxinsights.publish.downloads.deck import (
    BOTTOM,
    LEFT,
    ROOM,
    TOP,
    Deck,
    fitting_size,
    height_of,
    lines_of,
    natural_width,
)
from cxinsights.publish.downloads.parts import Grid, Picture, Text, parts_of
from cxinsights.publish.downloads.workbook import MADE

__all__ = ["MOST_PICTURES", "MOST_TABLES", "as_slides"]

MOST_PICTURES, MOST_TABLES = 12, 4
_METHODS = ("Method and limits", "How sure are we?")
"""Titles of the paragraphs in which a report says how its figures came about."""
_PICTURE_ROOM = 8.3
_FLAT = 2.3
"""Width of a picture over its height from which there is more room below it than beside it."""
_SIZES = (13, 12, 11, 10, 9)
_CELL_SIZES = (14, 13, 12, 11, 10, 9)
_NOTE = 11
_HEADLINE, _HEADLINE_SIZES, _LEAD = 1.75, (36, 32, 28, 20, 14), 10.4
"""How high a headline may be and how large its letters, and how wide what stands under it."""
_HIGHER_TOP = 1.5
"""Where a slide without a second line begins."""
_WIDENED = 1.4
"""How much wider than its text a table may be."""
_LONGEST_CELL = 160
_UNBROKEN = 22
"""Letters of a cell that are not broken into lines: a figure and its interval."""
_ROW_GAP = 0.09


def as_slides(contents: Contents) -> bytes:
    """The bytes of a report's slides, the same for the same report."""
    foot = f"{contents.subject} · Made-up data" if contents.study.synthetic else contents.subject
    deck = Deck(contents.headline, contents.subject, foot, MADE)
    _title_slide(deck, contents)
    parts = parts_of(contents.notebook)
    room = {Picture: MOST_PICTURES, Grid: MOST_TABLES}
    for part in parts:
        if room.get(type(part), 0):
            room[type(part)] -= 1
            _SLIDES[type(part)](deck, part)
    method = next((part for part in parts if isinstance(part, Text) and part.title in _METHODS), None)
    if method is not None:
        more = sum(isinstance(part, Grid) for part in parts) - MOST_TABLES
        _method_slide(deck, method, contents, more)
    return deck.written()


def _title_slide(deck: Deck, contents: Contents) -> None:
    """The finding, its limits, and what it is about."""
    size = fitting_size(contents.headline, ROOM, _HEADLINE, _HEADLINE_SIZES)
    top, high = 1.7, min(height_of([contents.headline], ROOM, size), _HEADLINE)
    slide = deck.slide(contents.headline, (LEFT, top, ROOM, high), (size,))
    deck.text(slide, (LEFT, 1.2, ROOM, 0.4), [contents.subject], 14, "accent")
    top += high + 0.2
    told = [contents.lead, *contents.notices] if contents.lead else contents.notices
    if told:
        size = fitting_size("\n".join(told), _LEAD, 5.8 - top, (18, 16, 14, 12, 10))
        deck.text(slide, (LEFT, top, _LEAD, 5.8 - top), told, size, gap=8)
    deck.text(slide, (LEFT, 6.0, ROOM, 0.8), contents.source, 12, "quiet")


def _picture_slide(deck: Deck, part: Picture) -> None:
    """The picture, and beside it or below a flat one what belongs to it: entries, how to read it, its base."""
    slide = deck.slide(part.title)
    top = _under_title(deck, slide, part.subtitle)
    entries = [line for name, listed in part.lists for line in (f"{name}:", *listed)]
    told = [text for text in (*entries, part.how, part.caption) if text]
    if part.shape > _FLAT and not entries:
        below = height_of(told, ROOM, _SIZES[0])
        box = (LEFT, top, ROOM, BOTTOM - top - below - 0.15)
        beside = (LEFT, top + min(box[3], ROOM / part.shape) + 0.15, ROOM, below)
    else:
        box = (LEFT, top, _PICTURE_ROOM, BOTTOM - top)
        beside = (LEFT + _PICTURE_ROOM + 0.35, top, ROOM - _PICTURE_ROOM - 0.35, BOTTOM - top)
    if part.png:
        deck.picture(slide, part.png, box, part.alt)
    else:
        deck.text(slide, box, [part.alt, "The picture is on the report's page."], 16)
    if told:
        size = next((size for size in _SIZES if height_of(told, beside[2], size) <= beside[3] + 0.01), _SIZES[-1])
        deck.text(slide, beside, told, size, "quiet")


def _table_slide(deck: Deck, part: Grid) -> None:
    """As many rows as there is room for, and how many more the workbook has."""
    slide = deck.slide(part.title)
    top = _under_title(deck, slide, part.subtitle)
    rows = [[_cut(cell) for cell in row] for row in (part.columns, *part.rows)]
    told = [part.note] if part.note else []
    room = BOTTOM - top - height_of([*told, "rows"], ROOM, _NOTE) - 0.1
    size, widths = _fitted(rows, room)
    heights = [_row_height(row, widths, size) for row in rows]
    fits = _how_many(heights, room)
    deck.table(slide, (LEFT, top, sum(widths), 0), rows[:fits], widths, heights[:fits], size, part.is_number)
    if left := len(rows) - fits:
        told.insert(0, f"{left:,} more {'row is' if left == 1 else 'rows are'} in the workbook.")
    if told:
        high = height_of(told, ROOM, _NOTE)
        deck.text(slide, (LEFT, BOTTOM - high, ROOM, high), told, _NOTE, "quiet")


def _method_slide(deck: Deck, method: Text, contents: Contents, more: int) -> None:
    slide = deck.slide(method.title)
    notes = [clean(str(note)).rstrip(".") for note in contents.result.get("notes", [])]
    told = [*method.paragraphs, *(f"{note}." for note in notes)]
    if more > 0:
        told.append(f"{more} more {'table is' if more == 1 else 'tables are'} on the page and in the workbook.")
    room = BOTTOM - _HIGHER_TOP
    size = next((size for size in _SIZES if height_of(told, ROOM, size, 6) <= room), _SIZES[-1])
    deck.text(slide, (LEFT, _HIGHER_TOP, ROOM, room), told, size, gap=6)


def _under_title(deck: Deck, slide: Slide, subtitle: str) -> float:
    """Write the second line, where there is one; gives where the slide goes on."""
    if not subtitle:
        return _HIGHER_TOP
    size = fitting_size(subtitle, ROOM, 0.42, (14, 12, 11, 10))
    deck.text(slide, (LEFT, TOP - 0.38, ROOM, 0.38), [subtitle], size, "quiet")
    return TOP


def _fitted(rows: Sequence[Sequence[str]], room: float) -> tuple[float, list[float]]:
    """The largest letters with which the whole table has room, its texts broken into lines, and how wide columns are.

    Where it never has, the largest with which columns stand side by side unbroken, so that most rows are told.
    """
    columns = list(zip(*rows, strict=True))
    for size in _CELL_SIZES:
        natural, least = ([of(column, size) for column in columns] for of in (_natural, _least))
        if sum(least) <= ROOM:
            spare, wanted = ROOM - sum(least), sum(natural) - sum(least)
            share = min(spare / wanted, 1) if wanted else 1
            widths = [low + share * (high - low) for low, high in zip(least, natural, strict=True)]
            if sum(_row_height(row, widths, size) for row in rows) <= room:
                break
    else:
        sizes = [size for size in _CELL_SIZES if sum(_natural(column, size) for column in columns) <= ROOM]
        size = next(iter(sizes), _CELL_SIZES[-1])
        widths = [_natural(column, size) for column in columns]
    scale = min(ROOM / sum(widths), _WIDENED)
    return size, [width * scale for width in widths]


def _natural(column: Sequence[str], size: float) -> float:
    """Inches in which no cell of a column is broken, but for long ones."""
    return max(natural_width(cell, size, is_head=at == 0) for at, cell in enumerate(column))


def _least(column: Sequence[str], size: float) -> float:
    """Inches in which no word is broken, and no figure and its interval."""
    pieces = [piece for cell in column for line in cell.split("\n") for piece in _pieces(line)]
    return max(natural_width(piece, size) for piece in (*pieces, ""))


def _pieces(line: str) -> list[str]:
    return [line] if len(line) <= _UNBROKEN else line.split(" ")


def _row_height(row: Sequence[str], widths: Sequence[float], size: float) -> float:
    lines = max(lines_of(cell, width - 0.12, size) for cell, width in zip(row, widths, strict=True))
    return lines * size * 1.22 / 72 + _ROW_GAP


def _how_many(heights: Sequence[float], room: float) -> int:
    """How many of the rows fit; the head and one more always."""
    used, fits = 0.0, 0
    for height in heights:
        used += height
        if used > room and fits > 1:
            break
        fits += 1
    return fits


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


_SLIDES: dict[type, Callable[[Deck, Any], None]] = {Picture: _picture_slide, Grid: _table_slide}

"""Slides with the looks of our pages, on the empty deck that comes with python-pptx: no template of anybody's.

Colours and font are the deck's theme, so that whoever goes on with a slide has them too. Where the font is not
installed, the theme says by its family and proportions which other is like it.
"""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide
from pptx.text.text import TextFrame
from pptx.util import Emu, Inches, Pt

from cxinsights.display.fonts import FAMILY
from cxinsights.display.theme import LIGHT

__all__ = [
    "BOTTOM",
    "HIGH",
    "LEFT",
    "ROOM",
    "TOP",
    "WIDE",
    "Box",
    "Deck",
    "fitting_size",
    "height_of",
    "lines_of",
    "natural_width",
]

WIDE, HIGH = 13.333, 7.5
"""Inches of a slide."""
LEFT, ROOM, TOP, BOTTOM = 0.6, 12.13, 1.75, 6.85
"""Where what stands under a slide's title and second line begins and ends, and how wide it may be."""
_TITLE_SIZE = 24
_TITLE = (LEFT, 0.42, ROOM, 0.9)
_FOOT = (LEFT, 7.02, ROOM, 0.3)
_LAYOUT = "Title Only"
_PANOSE = "020B0303030403020204"
_ROLES = {
    "dk1": "ink", "lt1": "surface", "dk2": "quiet", "lt2": "sunken", "accent1": "accent", "accent2": "better",
    "accent3": "worse", "accent4": "category-2", "accent5": "category-3", "accent6": "category-4", "hlink": "accent",
    "folHlink": "quiet",
}  # fmt: skip
_LETTER, _BOLD = 0.58, 1.2
"""Mean width of a letter, of its height, and how much wider bold ones are: of the widest font that ours may give way
to, since not everybody has it."""
_LINE = 1.22
_LONGEST_LINE = 42
_NO_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
_UNREAD = (RT.THUMBNAIL, RT.EXTENDED_PROPERTIES)

Box = tuple[float, float, float, float]
"""Left, top, width and height in inches."""


class Deck:
    """Slides on their way.

    Parameters
    ----------
    foot
        What stands at the foot of every slide, which may end up in another deck.
    """

    def __init__(self, title: str, subject: str, foot: str, made: datetime) -> None:
        self._deck = Presentation()
        self._foot = foot
        told = self._deck.core_properties
        told.title, told.subject, told.author, told.comments, told.last_modified_by = (
            title[:250],
            subject[:250],
            "",
            "",
            "",
        )
        told.created = told.modified = made
        self._deck.slide_width, self._deck.slide_height = Inches(WIDE), Inches(HIGH)
        self._deck.element.find(qn("p:sldSz")).attrib.pop("type", None)  # 4:3
        self._dress()

    def slide(self, title: str, box: Box = _TITLE, sizes: Sequence[float] = (_TITLE_SIZE, 20, 16, 12)) -> Slide:
        """A slide with its title and foot."""
        slide = self._deck.slides.add_slide(self._deck.slide_layouts[0])
        held = slide.shapes.title
        held.text_frame.text = title
        if box != _TITLE:
            held.left, held.top, held.width, held.height = map(Inches, box)
            held.text_frame.vertical_anchor = MSO_ANCHOR.TOP
        size = fitting_size(title, box[2], box[3], sizes)
        if size != _TITLE_SIZE:
            for paragraph in held.text_frame.paragraphs:
                paragraph.font.size = Pt(size)
        foot = self.text(slide, _FOOT, [f"{self._foot} · "], 10.5, "faint")
        foot.paragraphs[0]._p.append(_page_number())
        return slide

    def text(
        self, slide: Slide, box: Box, paragraphs: Sequence[str], size: float, colour: str = "ink", gap: float = 4
    ) -> TextFrame:
        """A box of paragraphs."""
        frame = slide.shapes.add_textbox(*map(Inches, box)).text_frame
        _bare(frame)
        for at, text in enumerate(paragraphs):
            paragraph = frame.paragraphs[0] if at == 0 else frame.add_paragraph()
            paragraph.space_after = Pt(gap)
            _write(paragraph, text, size, colour)
        return frame

    def picture(self, slide: Slide, png: bytes, box: Box, alt: str) -> None:
        """A picture as large as fits, with what it shows in words."""
        held = slide.shapes.add_picture(io.BytesIO(png), Inches(box[0]), Inches(box[1]))
        scale = min(Inches(box[2]) / held.width, Inches(box[3]) / held.height)
        held.width, held.height = Emu(int(held.width * scale)), Emu(int(held.height * scale))
        held._element.nvPicPr.cNvPr.set("descr", alt)

    def table(
        self, slide: Slide, box: Box, rows: Sequence[Sequence[str]], widths: Sequence[float], heights: Sequence[float],
        size: float, is_number: Sequence[bool],
    ) -> None:  # fmt: skip
        """A table that can be edited: the first row its head, a rule under each row, no stripes."""
        frame = slide.shapes.add_table(len(rows), len(widths), *map(Inches, (*box[:3], sum(heights))))
        table = frame.table
        frame.name = "Table"
        table._tbl.tblPr.find(qn("a:tableStyleId")).text = _NO_STYLE
        table.horz_banding = False
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Inches(width)
        for at, (row, height) in enumerate(zip(rows, heights, strict=True)):
            table.rows[at].height = Inches(height)
            for to, text in enumerate(row):
                cell = table.cell(at, to)
                cell.margin_left = cell.margin_right = Inches(0.06)
                cell.margin_top = cell.margin_bottom = Inches(0.03)
                cell.vertical_anchor = MSO_ANCHOR.TOP
                for n, line in enumerate(text.split("\n")):
                    paragraph = cell.text_frame.paragraphs[0] if n == 0 else cell.text_frame.add_paragraph()
                    _write(paragraph, line, size, "quiet" if at == 0 else "ink", bold=at == 0)
                    paragraph.alignment = PP_ALIGN.RIGHT if is_number[to] else PP_ALIGN.LEFT
                cell._tc.get_or_add_tcPr().append(_rule("edge" if at == 0 else "rule"))

    def written(self) -> bytes:
        """The whole deck; the same slides give the same bytes."""
        made, fixed = io.BytesIO(), io.BytesIO()
        self._deck.save(made)
        with zipfile.ZipFile(made) as parts, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as held:
            for name in parts.namelist():
                entry = zipfile.ZipInfo(name)  # of 1980
                entry.compress_type = zipfile.ZIP_DEFLATED
                held.writestr(entry, parts.read(name))
        return fixed.getvalue()

    def _dress(self) -> None:
        """Give master and layout our size, colours and font; take away what no slide here uses."""
        master = self._deck.slide_master
        for layout in [layout for layout in master.slide_layouts if layout.name != _LAYOUT]:
            master.slide_layouts.remove(layout)
        package = self._deck.part.package
        for link in [link for link in package.iter_rels() if link.reltype in _UNREAD]:
            package.drop_rel(link.rId)
        theme = master.part.part_related_by(RT.THEME)
        theme.blob = _our_theme(theme.blob)
        for shape in [*master.placeholders, *master.slide_layouts[0].placeholders]:
            if shape.placeholder_format.type == PP_PLACEHOLDER.TITLE:
                shape.left, shape.top, shape.width, shape.height = map(Inches, _TITLE)
            else:  # what a slide shows instead is text of its own
                shape._element.getparent().remove(shape._element)
        title = master.placeholders[0].text_frame
        _bare(title)
        title.vertical_anchor = MSO_ANCHOR.BOTTOM
        style = master.element.find(f".//{qn('p:titleStyle')}/{qn('a:lvl1pPr')}")
        style.set("algn", "l")
        style.find(qn("a:defRPr")).attrib.update({"sz": str(_TITLE_SIZE * 100), "b": "1"})


def lines_of(text: str, width: float, size: float) -> int:
    """Lines that a text takes in so many inches, letters of so many points."""
    letters = max(int(width * 72 / (size * _LETTER)), 1)
    return sum(_wrapped(line, letters) for line in text.split("\n"))


def height_of(paragraphs: Sequence[str], width: float, size: float, gap: float = 4) -> float:
    """Inches that paragraphs take."""
    return sum(lines_of(text, width, size) * size * _LINE + gap for text in paragraphs) / 72


def fitting_size(text: str, width: float, height: float, sizes: Sequence[float]) -> float:
    """The first of the sizes at which a text fits a box; else the last."""
    return next((size for size in sizes if height_of([text], width, size) <= height), sizes[-1])


def natural_width(text: str, size: float, *, is_head: bool = False) -> float:
    """Inches that a cell needs: for its longest line, or of a head its longest word; up to some forty letters."""
    longest = max(map(len, text.split() if is_head else text.split("\n")), default=0)
    letters = min(max(longest, 4), _LONGEST_LINE)
    return letters * size * _LETTER * (_BOLD if is_head else 1) / 72 + 0.15


def _wrapped(line: str, letters: int) -> int:
    lines, room = 1, letters
    for word in line.split(" "):
        if len(word) > room and room < letters:
            lines, room = lines + 1, letters
        lines += max(len(word) - 1, 0) // letters
        room -= len(word) % letters + 1
    return lines


def _write(paragraph: Any, text: str, size: float, colour: str, bold: bool = False) -> None:
    run = paragraph.add_run()
    run.text = text
    run.font.size, run.font.bold = Pt(size), bold
    if colour == "ink":
        run.font.color.theme_color = MSO_THEME_COLOR.TEXT_1
    else:
        run.font.color.rgb = RGBColor.from_string(_hex(colour))


def _bare(frame: TextFrame) -> None:
    """No room around the text, and no shrinking of it."""
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.vertical_anchor = MSO_ANCHOR.TOP


def _our_theme(blob: bytes) -> bytes:
    theme = etree.fromstring(blob)
    for name, role in _ROLES.items():
        held = theme.find(f".//{qn('a:clrScheme')}/{qn(f'a:{name}')}")
        for old in list(held):
            held.remove(old)
        etree.SubElement(held, qn("a:srgbClr"), val=_hex(role))
    for latin in theme.findall(f".//{qn('a:fontScheme')}/*/{qn('a:latin')}"):
        latin.attrib.update({"typeface": FAMILY, "panose": _PANOSE, "pitchFamily": "34", "charset": "0"})
    theme.set("name", "cxinsights")
    return etree.tostring(theme, xml_declaration=True, encoding="UTF-8", standalone=True)


def _rule(colour: str) -> Any:
    """A line under a cell."""
    fill = f'<a:solidFill><a:srgbClr val="{_hex(colour)}"/></a:solidFill>'
    return parse_xml(f'<a:lnB {nsdecls("a")} w="9525">{fill}</a:lnB>')


def _page_number() -> Any:
    """The number of the slide, wherever it ends up."""
    return parse_xml(
        f'<a:fld {nsdecls("a")} id="{{C1FF6DA9-008F-8B48-92A6-B652298478BF}}" type="slidenum"><a:rPr lang="en-GB" '
        f'sz="1050"><a:solidFill><a:srgbClr val="{_hex("faint")}"/></a:solidFill></a:rPr><a:t>‹#›</a:t></a:fld>'
    )


def _hex(role: str) -> str:
    return LIGHT[role].removeprefix("#")

"""Labels beside points, where they hide least: each takes the free place nearest to its point."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from cxinsights.display.fonts import FAMILY, register_fonts
from cxinsights.display.theme import LIGHT, without_glyph_warnings

__all__ = ["NAME_WIDTH", "Box", "Label", "lines_of", "place_labels", "text_width", "wrapped"]

_MISTAKEN = 150
"""What it costs a label to lie as near to another point as to its own."""
_CLEARLY = 6
"""Pixels by which a label must be nearer to its own point than to any other."""

NAME_WIDTH = 230
"""Pixels that names beside a chart may take before they are wrapped."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """Shared area."""
        return float(_overlaps([self], [other])[0])


@dataclass(frozen=True)
class Label:
    """A text and the point it belongs to, in data coordinates."""

    text: str
    x: float
    y: float
    size: float = 14
    weight: int = 400


def text_width(text: str, size: float, weight: int = 400) -> float:
    """Width of a text in pixels; of its widest line where it has several."""
    return max(_line_width(line, size, weight) for line in text.split("\n")) + size * 0.1


@cache
def _line_width(line: str, size: float, weight: int) -> float:
    register_fonts()
    own = "".join(sign for sign in line if unicodedata.east_asian_width(sign) not in "WF")
    family = FontProperties(family=FAMILY, weight=weight, size=size)
    with without_glyph_warnings():
        width = text_to_path.get_text_width_height_descent(own, family, ismath=False)[0] if own else 0.0
    return width + size * (len(line) - len(own))  # other fonts draw Chinese and Japanese signs in squares


def wrapped(text: str, width: float, size: float, weight: int = 400) -> str:
    """A text in as many lines as it needs to stay within a width in pixels; only longer words are broken."""
    lines = [""]
    for word in text.split(" "):
        for piece, joint in _pieces(word, width, size, weight):
            longer = f"{lines[-1]}{joint}{piece}" if lines[-1] else piece
            if lines[-1] and text_width(longer, size, weight) > width:
                lines.append(piece)
            else:
                lines[-1] = longer
    return "\n".join(lines)


def _pieces(word: str, width: float, size: float, weight: int) -> list[tuple[str, str]]:
    """A word, or its signs where it is longer than a line, each with what joins it to what stands before."""
    if text_width(word, size, weight) <= width:
        return [(word, " ")]
    return [(sign, "" if at else " ") for at, sign in enumerate(word)]


def lines_of(text: str) -> int:
    """Number of lines."""
    return text.count("\n") + 1


def place_labels(
    drawn: Axes, labels: Sequence[Label], taken: Sequence[Box], *, tinted: Box | None = None, gap: float = 9
) -> None:
    """Write each label beside its point, away from the boxes already taken and from each other.

    A label that finds no place near its point is joined to it by a thin line.

    Parameters
    ----------
    taken
        Boxes to keep clear, in pixels of the axes: dots, whiskers, lines, words.
    tinted
        Area of a coloured ground; the outline of labels on it takes that colour (by their id).
    gap
        Pixels between a point and its label.
    """
    frame = drawn.get_window_extent()
    inside = Box(2, 2, frame.width - 2, frame.height - 2)
    points = [drawn.transData.transform((one.x, one.y)) - (frame.x0, frame.y0) for one in labels]
    choices = [_places(*point, one, gap) for point, one in zip(points, labels, strict=True)]
    fixed = [
        cost + _cost(boxes, taken, inside) + _MISTAKEN * _nearer_to_others(boxes, i, points)
        for i, (cost, boxes) in enumerate(choices)
    ]
    at = [boxes[int(np.argmin(cost))] for cost, (_, boxes) in zip(fixed, choices, strict=True)]
    for _ in range(4):  # each label in turn takes the best place, given where the others are
        for i, (_, boxes) in enumerate(choices):
            others = [box for j, box in enumerate(at) if j != i]
            at[i] = boxes[int(np.argmin(fixed[i] + 3 * _overlaps(boxes, others)))]
    for i, (one, point, box) in enumerate(zip(labels, points, at, strict=True)):
        x, y = point
        middle = (box.bottom + box.top) / 2
        on_tint = tinted is not None and box.overlap(tinted) > 0.5 * (box.right - box.left) * (box.top - box.bottom)
        edge_x, edge_y = min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)
        far = (edge_x - x) ** 2 + (edge_y - y) ** 2 > (2.2 * gap) ** 2
        if far or _nearer_to_others([box], i, points)[0]:
            drawn.annotate(
                "", (one.x, one.y), (edge_x - x, edge_y - y), textcoords="offset points", zorder=2,
                arrowprops={"arrowstyle": "-", "color": LIGHT["quiet"], "lw": 0.9, "shrinkA": 0, "shrinkB": 6},
            )  # fmt: skip
        drawn.annotate(
            one.text, (one.x, one.y), (box.left - x, middle - y), textcoords="offset points", ha="left",
            va="center", fontsize=one.size, fontweight=one.weight, zorder=6, annotation_clip=False,
            gid=f"tint-{i}" if on_tint else None,
        )  # fmt: skip


def _places(x: float, y: float, label: Label, gap: float) -> tuple[np.ndarray, list[Box]]:
    """Places around a point, nearest first, and what each costs by its distance and direction."""
    width, height = text_width(label.text, label.size, label.weight), label.size * 1.1 * lines_of(label.text)
    costs, boxes = [], []
    for far in (1, 1.5, 2.1, 2.8, 3.6, 4.5, 5.5):
        for step in range(16):
            angle = math.pi * (0.25 + step / 8)  # upper right first: where readers look
            across, up = math.cos(angle), math.sin(angle)
            # the point of the box nearest to ours lies at this distance and angle
            corner_x, corner_y = x + far * gap * across, y + far * gap * up
            left = corner_x - width * (0 if across > 0.3 else 1 if across < -0.3 else 0.5)
            bottom = corner_y - height * (0.15 if up > 0.3 else 0.85 if up < -0.3 else 0.5)
            costs.append(40 * (far - 1) + 1.5 * min(step, 16 - step))
            boxes.append(Box(left, bottom, left + width, bottom + height))
    return np.array(costs), boxes


def _nearer_to_others(boxes: Sequence[Box], own: int, points: Sequence[np.ndarray]) -> np.ndarray:
    """Which boxes lie about as near to another point as to their own, so that a reader could take it for that one's."""
    x, y = np.array(points).T[:, None]
    left, bottom, right, top = np.array([(box.left, box.bottom, box.right, box.top) for box in boxes]).T[..., None]
    far = np.hypot(x - np.clip(x, left, right), y - np.clip(y, bottom, top))
    return (np.delete(far, own, axis=1) < far[:, [own]] + _CLEARLY).any(axis=1)


def _cost(boxes: Sequence[Box], taken: Sequence[Box], inside: Box) -> np.ndarray:
    """What each box costs by what it covers and by what of it lies outside."""
    areas = np.array([(box.right - box.left) * (box.top - box.bottom) for box in boxes])
    return 20 * (areas - _overlaps(boxes, [inside])) + 3 * _overlaps(boxes, taken)


def _overlaps(boxes: Sequence[Box], others: Sequence[Box]) -> np.ndarray:
    """Area that each box shares with all the others."""
    if not others:
        return np.zeros(len(boxes))
    a = np.array([(box.left, box.bottom, box.right, box.top) for box in boxes])[:, None]
    b = np.array([(box.left, box.bottom, box.right, box.top) for box in others])[None]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    return (np.clip(width, 0, None) * np.clip(height, 0, None)).sum(axis=1)

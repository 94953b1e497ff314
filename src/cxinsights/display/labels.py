"""Labels beside points, where they hide least: each takes the free place nearest to its point."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from cxinsights.display.fonts import FAMILY
from cxinsights.display.theme import LIGHT

__all__ = ["Box", "Label", "place_labels", "text_width"]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """Shared area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0) * max(height, 0)


@dataclass(frozen=True)
class Label:
    """A text and the point it belongs to, in data coordinates."""

    text: str
    x: float
    y: float
    size: float = 14
    weight: int = 400


def text_width(text: str, size: float, weight: int = 400) -> float:
    """Width of a text in pixels."""
    family = FontProperties(family=FAMILY, weight=weight)
    return TextPath((0, 0), text or " ", size=size, prop=family).get_extents().width + size * 0.1


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
    at = [options[0][1] for options in choices]
    for _ in range(4):  # each label in turn takes the best place, given where the others are
        for i, options in enumerate(choices):
            others = [*taken, *(box for j, box in enumerate(at) if j != i)]
            at[i] = min(options, key=lambda place: place[0] + _cost(place[1], others, inside))[1]
    for i, (one, point, box) in enumerate(zip(labels, points, at, strict=True)):
        x, y = point
        middle = (box.bottom + box.top) / 2
        on_tint = tinted is not None and box.overlap(tinted) > 0.5 * (box.right - box.left) * (box.top - box.bottom)
        edge_x, edge_y = min(max(x, box.left), box.right), min(max(y, box.bottom), box.top)
        if (edge_x - x) ** 2 + (edge_y - y) ** 2 > (2.2 * gap) ** 2:
            drawn.annotate(
                "", (one.x, one.y), (edge_x - x, edge_y - y), textcoords="offset points", zorder=2,
                arrowprops={"arrowstyle": "-", "color": LIGHT["faint"], "lw": 0.8, "shrinkA": 1, "shrinkB": 6},
            )  # fmt: skip
        drawn.annotate(
            one.text, (one.x, one.y), (box.left - x, middle - y), textcoords="offset points", ha="left",
            va="center", fontsize=one.size, fontweight=one.weight, zorder=6, annotation_clip=False,
            gid=f"tint-{i}" if on_tint else None,
        )  # fmt: skip


def _places(x: float, y: float, label: Label, gap: float) -> list[tuple[float, Box]]:
    """Places around a point, nearest first, each with what its distance and direction cost."""
    width, height = text_width(label.text, label.size, label.weight), label.size * 1.1
    found = []
    for far in (1, 1.5, 2.1, 2.8, 3.6, 4.5, 5.5):
        for step in range(16):
            angle = math.pi * (0.25 + step / 8)  # upper right first: where readers look
            across, up = math.cos(angle), math.sin(angle)
            # the point of the box nearest to ours lies at this distance and angle
            corner_x, corner_y = x + far * gap * across, y + far * gap * up
            left = corner_x - width * (0 if across > 0.3 else 1 if across < -0.3 else 0.5)
            bottom = corner_y - height * (0.15 if up > 0.3 else 0.85 if up < -0.3 else 0.5)
            found.append(
                (40 * (far - 1) + 1.5 * min(step, 16 - step), Box(left, bottom, left + width, bottom + height))
            )
    return found


def _cost(box: Box, taken: Sequence[Box], inside: Box) -> float:
    outside = (box.right - box.left) * (box.top - box.bottom) - box.overlap(inside)
    return 20 * outside + 3 * sum(box.overlap(other) for other in taken)

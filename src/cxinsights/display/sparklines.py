"""A score over all periods in the space of a word: line, band, limits, and the points outside them.

Written by hand, since a page has one for each of many rows: a few hundred bytes instead of a drawing's many thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

__all__ = ["Sparkline"]

_WIDTH, _HEIGHT, _EDGE = 150, 34, 4


@dataclass(frozen=True)
class Sparkline:
    """One score's course; places count periods, so that a gap stays a gap."""

    key: str
    """Measure it is of."""
    text: str
    """What it shows, for a screen reader."""
    places: Sequence[int]
    values: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    limits: tuple[float, float] | None = None
    """Control limits, where there are any."""
    signals: Sequence[bool] = ()
    """Which points lie outside them, or are of a run."""
    note: str = ""
    """What of it is said in words."""

    def as_svg(self) -> Markup:
        """The drawing; its colours are the page's."""
        points = list(zip(self.places, self.values, self.lows, self.highs, strict=True))
        parts = []
        for run in _runs(points):
            ahead = [(self._x(at), self._y(high)) for at, _, _, high in run]
            back = [(self._x(at), self._y(low)) for at, _, low, _ in reversed(run)]
            parts.append(f'<path class="band" d="{_path([*ahead, *back])}Z"/>')
        parts += [f'<path class="limit" d="M0 {_n(self._y(y))}H{_WIDTH}"/>' for y in self.limits or ()]
        line = "".join(_path([(self._x(at), self._y(value)) for at, value, _, _ in run]) for run in _runs(points))
        parts.append(f'<path class="line" d="{line}"/>')
        for (at, value, _, _), signal in zip(points, self.signals or [False] * len(points), strict=True):
            if signal:
                parts.append(
                    f'<path class="signal" d="M{_n(self._x(at))} {_n(self._y(value) - 4.5)}l4.5 4.5-4.5 4.5-4.5-4.5z"/>'
                )
        last = points[-1]
        parts.append(f'<circle class="dot" cx="{_n(self._x(last[0]))}" cy="{_n(self._y(last[1]))}" r="2.8"/>')
        head = f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(self.text)}">'
        return Markup("".join([head, *parts, "</svg>"]))

    def _x(self, place: int) -> float:
        first, last = min(self.places), max(self.places)
        return _EDGE + (place - first) / max(last - first, 1) * (_WIDTH - 2 * _EDGE)

    def _y(self, value: float) -> float:
        ends = [*self.lows, *self.highs, *(self.limits or ())]
        low, high = min(ends), max(ends)
        return _EDGE + (high - value) / ((high - low) or 1) * (_HEIGHT - 2 * _EDGE)


def _runs(points: list[tuple]) -> list[list[tuple]]:
    """Points without a gap between them."""
    found: list[list[tuple]] = []
    for point in points:
        if found and point[0] == found[-1][-1][0] + 1:
            found[-1].append(point)
        else:
            found.append([point])
    return found


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

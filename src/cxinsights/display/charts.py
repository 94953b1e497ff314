"""Marks and ticks that all charts share, so that an estimate looks the same everywhere."""

import math

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from cxinsights.display.numbers import number
from cxinsights.display.theme import LIGHT

__all__ = ["draw_dot", "draw_interval", "nice_limit", "padded", "percent_ticks", "plain_ticks", "ticks_to"]


def draw_interval(ax: Axes, low: float, high: float, y: float, colour: str = LIGHT["accent"]) -> None:
    """Line of an interval across."""
    ax.plot([low, high], [y, y], color=colour, lw=2.6, zorder=3)


def draw_dot(
    ax: Axes, x: float, y: float, *, hollow: bool = False, colour: str = LIGHT["accent"], size: float = 9
) -> None:
    """Dot of an estimate; hollow where it is not sure."""
    ax.plot(x, y, "o", ms=size, mfc=LIGHT["surface"] if hollow else colour, mec=colour, mew=2, zorder=4, clip_on=False)


def nice_limit(highest: float) -> float:
    """End of an axis from zero: the next round number that leaves the highest value inside."""
    step = ticks_step(highest)
    return step * math.ceil(highest / step - 1e-9)


def ticks_step(limit: float) -> float:
    """Distance of ticks: 1, 2 or 5 times a power of ten, for three to five of them."""
    rough = max(limit, 1e-9) / 4.2
    power = 10 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)


def ticks_to(limit: float) -> list[float]:
    """Ticks from zero to the end of an axis."""
    step = ticks_step(limit)
    return [step * at for at in range(int(limit / step + 1e-6) + 1)]


def percent_ticks(ax: Axes, limit: float, *, to_the_edge: bool = False) -> None:
    """Ticks of an axis of shares; the last one carries the sign.

    Where the axis reaches the drawing's edge, the outer labels are kept inside it.
    """
    ticks = ticks_to(limit)
    ax.set_xticks(ticks, [f"{t:g}" if t < ticks[-1] else f"{t:g}%" for t in ticks])
    if to_the_edge:
        ax.get_xticklabels()[0].set_ha("left")
        ax.get_xticklabels()[-1].set_ha("right")


def plain_ticks(axis: Axis, low: float, high: float, *, most: int = 6, suffix: str = "") -> None:
    """Three to five ticks inside the limits, in our number form; the last one carries the suffix."""
    ticks: list[float] = []
    for bins in range(most, most + 5):  # a short span can lie between the first round numbers tried
        ticks = [t for t in MaxNLocator(bins, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= t <= high]
        if len(ticks) >= 3:
            break
    decimals = 0 if all(abs(t - round(t)) < 1e-9 for t in ticks) else 1
    texts = [number(tick, decimals) for tick in ticks]
    texts[-1] += suffix
    axis.set_ticks(ticks, texts)


def padded(low: float, high: float, share: float) -> tuple[float, float]:
    """Limits with some room on both sides."""
    room = (high - low) * share or 0.5
    return low - room, high + room

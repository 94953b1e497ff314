"""What both scatters of sites share: axes, limits, dots, intervals, and sites as a list has them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.labels import text_width, wrapped
from cxinsights.display.linkage.linked import Linked
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject

__all__ = ["CROWD", "draw_dots", "draw_intervals", "entries", "finish", "set_limits", "site_axes"]

CROWD = 60
"""Sites beyond which dots are small, and only upright intervals are drawn beside them."""


def site_axes(ax: Axes | None, width: int) -> Axes:
    """Axes with two spines and no grid."""
    wide = width == WIDE
    if ax is None:
        ax = new_axes(width, 460 if wide else 390, left=48 if wide else 42, right=14, top=14, bottom=48)
    ax.grid(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(True)
    return ax


def set_limits(ax: Axes, linked: Linked, drawn: pd.DataFrame, extra: np.ndarray, *, both: bool) -> None:
    """Limits that hold all dots, the intervals of the sites drawn with them, and further places along y."""
    times, sites = linked.unit_of(linked.pair[1]), linked.sites
    across = [sites["employee_score"], *([drawn["employee_low"], drawn["employee_high"]] if both else [])]
    up = [times * sites["customer_score"], times * drawn["customer_low"], times * drawn["customer_high"]]
    x, y = np.concatenate(across).astype(float), np.concatenate([*up, extra.ravel()]).astype(float)
    ax.set_xlim(*charts.padded(np.nanmin(x), np.nanmax(x), 0.04))
    ax.set_ylim(*charts.padded(np.nanmin(y), np.nanmax(y), 0.04))


def draw_intervals(
    ax: Axes, rows: pd.DataFrame, times: float, colour: str, *, both: bool, lw: float, above: bool = False
) -> None:
    """Intervals of sites: upright those of customers, across those of employees."""
    z = 3 if above else 1.5
    known = rows.dropna(subset=["customer_low", "customer_high"])
    ax.vlines(known["employee_score"], times * known["customer_low"], times * known["customer_high"], color=colour,
              lw=lw, zorder=z)  # fmt: skip
    if both:
        known = rows.dropna(subset=["employee_low", "employee_high"])
        ax.hlines(times * known["customer_score"], known["employee_low"], known["employee_high"], color=colour, lw=lw,
                  zorder=z)  # fmt: skip


def draw_dots(
    ax: Axes, rows: pd.DataFrame, times: float, colour: str, size: float, *, mark: str = "o", hollow: bool = False,
    z: float = 4,
) -> None:  # fmt: skip
    """One mark a site."""
    ax.plot(rows["employee_score"], times * rows["customer_score"], mark, ls="", ms=size, mec=colour,
            mfc=LIGHT["surface"] if hollow else colour, mew=1.2 if hollow else 0, zorder=z)  # fmt: skip


def finish(ax: Axes, linked: Linked, width: int) -> Axes:
    """Ticks and the name of the employees' score below the axis."""
    sign = "%" if linked.unit_of(linked.pair[1]) > 1 else ""
    charts.plain_ticks(ax.xaxis, *ax.get_xlim(), most=6 if width == WIDE else 4)
    charts.plain_ticks(ax.yaxis, *ax.get_ylim(), suffix=sign)
    ax.tick_params(axis="y", labelcolor=LIGHT["quiet"], labelsize=13.5)
    name, ends = as_subject(linked.item(linked.pair[0])), linked.range_of(linked.pair[0])
    full = name if not ends else f"{name[:-1]}, {ends})" if name.endswith(")") else f"{name} ({ends})"
    room = width - 70
    ax.set_xlabel(full if text_width(full, 13.5) < room else wrapped(name, room, 13.5).split("\n")[0], loc="right")
    return ax


def entries(linked: Linked, rows: pd.DataFrame, *, numbered: bool) -> list[tuple[str, str]]:
    """Sites with the customers' score, as the list below a figure has them."""
    metric, found = linked.pair[1], []
    for at, one in enumerate(rows.itertuples(), start=1):
        score = linked.score_text(metric, one.customer_score, one.customer_low, one.customer_high)
        if not linked.has_intervals:  # then the base is all that tells how sure a score is
            score += f", {one.n_customers:,} {linked.customers}, {one.n_employees:,} {linked.employees}"
        found.append((str(at), f"{one.site}, {score}") if numbered else (one.site, score))
    return found

"""The linkage's first figure: customers' score of each site by its employees', and the line through them."""

from matplotlib.axes import Axes

from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.labels import Box, Label, place_labels, wrapped
from cxinsights.display.linkage.linked import Linked, correlation_text
from cxinsights.display.linkage.scatter import (
    CROWD,
    draw_dots,
    draw_intervals,
    entries,
    finish,
    set_limits,
    site_axes,
)
from cxinsights.display.theme import LIGHT, WIDE
from cxinsights.display.words import as_subject, fitting, joined, possessive, spelled
from cxinsights.privacy import Guarded

__all__ = ["figure_association", "plot_association"]

_MOST_NAMES = 8


def figure_association(result: Guarded) -> Block:
    """Customers' score of each site by its employees', with the line through them."""
    linked = Linked(result)
    if not linked.is_ok:
        return Nothing()
    named = linked.misfits.head(_MOST_NAMES)
    spans = ", with 95% intervals" if linked.has_intervals else "; only means are known, so that none has an interval"
    if linked.has_intervals and len(_with_intervals(linked)) < len(linked.sites):
        spans = f", with 95% intervals of {possessive(linked.subject.name)} own"
    off = "its interval misses the band and it lies" if linked.has_intervals else "it lies"
    own = f" Squares are the {linked.sites_word} of {linked.subject.name}." if linked.of_unit else ""
    upright = len(_with_intervals(linked)) > CROWD and linked.has_intervals
    return Figure(
        key="association",
        title=_title(linked),
        subtitle=f"{as_subject(linked.axes_words)}, one dot a {linked.site_word}{spans}",
        draw=lambda width: plot_association(result, width=width),
        name=f"Scores of {linked.customers} by scores of {linked.employees}",
        alt=_alt(linked),
        how=f"The band is the 95% interval of the line. A {linked.site_word} is named where {off} clearly off the line "
        f"among all {linked.sites_word}.{own}",
        caption=f"{linked.base}{linked.not_drawn}"
        f"{f' Intervals of {linked.employees} are in the table.' if upright else ''} Pattern, not proof of cause.",
        lists=[("Away from the line", entries(linked, named, numbered=True))] if len(named) else [],
        lists_on_phone=True,
    )


def plot_association(result: Guarded, ax: Axes | None = None, *, width: int = WIDE) -> Axes:
    """Dots of all sites with faint intervals, the line and its band; only sites off the line in accent and named."""
    linked = Linked(result)
    sites, line, times = linked.sites, result.line.infer_objects(), linked.unit_of(linked.pair[1])
    named = linked.misfits.head(_MOST_NAMES)
    plain = sites.drop(index=named.index)
    ax = site_axes(ax, width)
    spanned = _with_intervals(linked)
    crowded = len(spanned) > CROWD
    set_limits(ax, linked, spanned, times * line[["fitted_low", "fitted_high"]].to_numpy(), both=not crowded)
    x = line["employee_score"]
    ax.fill_between(x, times * line["fitted_low"], times * line["fitted_high"], color=LIGHT["sunken"], lw=0, zorder=1)
    ax.plot(x, times * line["fitted"], color=LIGHT["edge"], lw=1.4, zorder=2)
    faint = spanned.drop(index=named.index, errors="ignore")
    draw_intervals(ax, faint, times, LIGHT["rule"], both=not crowded, lw=0.6 if crowded else 1)
    draw_intervals(ax, named, times, LIGHT["accent"], both=True, lw=1.6, above=True)
    size = 5.0 if len(sites) > CROWD else 7.0
    if linked.of_unit:
        own = plain["own"].astype(bool)
        draw_dots(ax, plain[~own], times, LIGHT["edge"], 0.7 * size, z=3)
        draw_dots(ax, plain[own], times, LIGHT["ink"], 1.1 * size, mark="s")
    else:
        draw_dots(ax, plain, times, LIGHT["faint"], 1.1 * size)
    draw_dots(ax, named, times, LIGHT["accent"], 1.6 * size, mark="s" if linked.of_unit else "o", z=5)
    labels = [
        Label(wrapped(one.site, 190, 14) if width == WIDE else str(at), one.employee_score, times * one.customer_score,
              14, 600)
        for at, one in enumerate(named.itertuples(), start=1)
    ]  # fmt: skip
    if labels:
        place_labels(ax, labels, _taken(ax, linked))
    return finish(ax, linked, width)


def _with_intervals(linked: Linked):
    """Sites whose intervals are drawn: all, or in a crowd the unit's own."""
    sites = linked.sites
    return sites[sites["own"].astype(bool)] if linked.of_unit and len(sites) > CROWD else sites


def _taken(ax: Axes, linked: Linked) -> list[Box]:
    """Boxes that the dots take, in pixels of the axes."""
    frame, times = ax.get_window_extent(), linked.unit_of(linked.pair[1])
    places = linked.sites[["employee_score", "customer_score"]].to_numpy(dtype=float) * [1, times]
    pixels = ax.transData.transform(places) - (frame.x0, frame.y0)
    return [Box(x - 3, y - 3, x + 3, y + 3) for x, y in pixels]


def _title(linked: Linked) -> str:
    n, names = len(linked.misfits), linked.misfits["site"].tolist()
    sites = f"{possessive(linked.subject.name)} {linked.sites_word}" if linked.of_unit else linked.sites_word
    if not n:
        return f"None of {sites if linked.of_unit else 'the ' + sites} can be told from the line"
    lies = "lies" if n == 1 else "lie"
    who = f"{as_subject(spelled(n))} of {sites}" if linked.of_unit else (
        f"{as_subject(spelled(n))} {linked.site_word if n == 1 else linked.sites_word}"
    )  # fmt: skip
    return fitting(f"{who} {lies} off the line: {joined(names, 3)}", f"{who} {lies} off the line")


def _alt(linked: Linked) -> str:
    way = {1: "rises", -1: "falls", 0: "has no clear slope"}[linked.sign]
    off = linked.misfits["site"].tolist()
    end = f" Off the line: {joined(off, 2)}." if off else ""
    return (
        f"Scatter of {linked.n_sites(len(linked.sites))}, {linked.axes_words}. The line {way}; correlation "
        f"{correlation_text(linked.lead)}.{end}"
    )

"""The linkage's drawings: the result's numbers stand on the Axes, and no text lies on another."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from cxinsights.display.linkage import figure_quadrants, plot_association, plot_items, plot_quadrants
from cxinsights.display.theme import DARK, DIVERGING, LIGHT, NARROW, WIDE, styled
from cxinsights.privacy import Guarded, guard
from tests.analysis.linked import ITEMS, SCORES, company, fitted, means_only, owned
from tests.display.linkages import linkage, off_the_line, shops, topics
from tests.display.results import LONG, badly_placed, text_boxes
from tests.display.test_theme import contrast

WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
PLOTS = pytest.mark.parametrize("plot", [plot_association, plot_items, plot_quadrants])


@pytest.fixture(scope="module")
def whole() -> Guarded:
    return linkage(off_the_line(company(noise=0), "s011"))


@pytest.fixture(scope="module")
def of_unit() -> Guarded:
    return linkage(owned(company(80), "r1", "u0"), region="r1", unit="u0")


def drawn(plot, result: Guarded, width: int) -> Axes:
    with styled():
        return plot(result, width=width)


def marks(ax: Axes, mark: str = "o", colour: str | None = None) -> list[tuple[float, float]]:
    """Places of marks of one kind and colour."""
    lines = [line for line in ax.lines if line.get_marker() == mark]
    if colour:
        lines = [line for line in lines if to_hex(line.get_markeredgecolor()).upper() == LIGHT[colour]]
    return [place for line in lines for place in zip(line.get_xdata(), line.get_ydata(), strict=True)]


def in_order(sites: pd.DataFrame) -> np.ndarray:
    """Both scores of sites, as sorted places."""
    return np.array(sorted(zip(sites["employee_score"], sites["customer_score"], strict=True)))


def spans(ax: Axes, colour: str) -> list[tuple[float, ...]]:
    """Ends of intervals of one colour."""
    found = [
        c for c in ax.collections if len(c.get_edgecolor()) and to_hex(c.get_edgecolor()[0]).upper() == LIGHT[colour]
    ]
    return [tuple(path.vertices.ravel()) for c in found for path in c.get_paths()]


def cells(ax: Axes) -> dict[str, str]:
    """Ground of each heat-map cell by its text; none where it is only outlined."""
    found = {}
    for text in ax.texts:
        x, y = text.get_position()
        grounds = [p for p in ax.patches if p.get_x() < x < p.get_x() + p.get_width()
                   and p.get_y() < y < p.get_y() + p.get_height()]  # fmt: skip
        if grounds:
            face = grounds[0].get_facecolor()
            found[text.get_text()] = "none" if face[3] == 0 else to_hex(face).upper()
    return found


@WIDTHS
def test_every_site_has_its_dot_and_only_the_misfit_is_accent_and_named(whole, width) -> None:
    ax = drawn(plot_association, whole, width)
    sites = whole.sites
    places = [*marks(ax, colour="faint"), *marks(ax, colour="accent")]
    assert np.array(sorted(places)) == pytest.approx(in_order(sites))
    odd = sites[sites["site"] == "s011"].iloc[0]
    assert marks(ax, colour="accent") == [pytest.approx((odd["employee_score"], odd["customer_score"]))]
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["s011" if width == WIDE else "1"]


@WIDTHS
def test_the_line_and_band_are_the_results(whole, width) -> None:
    ax = drawn(plot_association, whole, width)
    line = next(one for one in ax.lines if one.get_marker() in ("None", "", None) and len(one.get_xdata()) > 2)
    assert line.get_ydata().tolist() == pytest.approx(whole.line["fitted"].tolist())
    band = next(c for c in ax.collections if to_hex(c.get_facecolor()[0]).upper() == LIGHT["sunken"])
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx(
        (whole.line["fitted_low"].min(), whole.line["fitted_high"].max())
    )


@WIDTHS
def test_intervals_are_drawn_faint_and_those_of_the_misfit_in_accent(whole, width) -> None:
    ax = drawn(plot_association, whole, width)
    odd = whole.sites[whole.sites["site"] == "s011"].iloc[0]
    x, y = odd["employee_score"], odd["customer_score"]
    assert spans(ax, "accent") == [
        pytest.approx((x, odd["customer_low"], x, odd["customer_high"])),
        pytest.approx((odd["employee_low"], y, odd["employee_high"], y)),
    ]
    assert len(spans(ax, "rule")) == 2 * 39


@WIDTHS
def test_a_units_own_sites_are_squares_and_others_have_no_interval_in_a_crowd(of_unit, width) -> None:
    ax = drawn(plot_association, of_unit, width)
    own = of_unit.sites[of_unit.sites["own"]]
    squares = marks(ax, "s")
    assert np.array(sorted(squares)) == pytest.approx(in_order(own))
    assert len(marks(ax, "o")) == 60
    assert len(spans(ax, "rule")) == 2 * 20


@WIDTHS
def test_sites_that_may_not_be_shown_are_not_drawn(width) -> None:
    made = company()
    made["sites"].loc[[0, 1], "n_employees"] = 4
    for result, n in ((linkage(made), 38), (linkage(made, min_employees=2), 38)):
        assert len(marks(drawn(plot_association, result, width))) == n
        assert len(marks(drawn(plot_quadrants, result, width))) == n


@WIDTHS
def test_cells_are_filled_only_where_the_adjusted_test_says_so(whole, width) -> None:
    made = company(slope=0, seed=3)
    made["sites"]["csat_mean"] = made["sites"]["mood_2_item"] * -1.0
    result = linkage(made)
    ax = drawn(plot_items, result, width)
    found = cells(ax)
    assert len(result.items) == 8
    grounds = [ground for ground, _ in DIVERGING]
    for one in result.items.itertuples():
        text = f"{one.correlation:.2f}".replace("-", "−")
        clear = one.p_adjusted < 0.05
        assert (found[text] != "none") == clear, text
        if clear:
            at = grounds.index(found[text])
            assert (at > 3) == (one.correlation > 0)
            assert abs(at - 3) == 1 + (abs(round(one.correlation, 2)) >= 0.2) + (abs(round(one.correlation, 2)) >= 0.4)
    assert found["−1.00"] == grounds[0]


def test_the_adjusted_test_fills_a_cell_and_what_is_written_in_it_its_depth() -> None:
    fresh = fitted()
    items = fresh.items.assign(correlation=0.01, p_value=0.9, p_adjusted=0.9)
    items.loc[:2, ["correlation", "p_value", "p_adjusted"]] = [[0.22, 0.01, 0.06], [0.397, 0.001, 0.01],
                                                               [-0.196, 0.001, 0.01]]  # fmt: skip
    found = cells(drawn(plot_items, guard(replace(fresh, items=items), shops()), WIDE))
    assert (found["0.22"], found["0.40"], found["−0.20"]) == ("none", DIVERGING[6][0], DIVERGING[1][0])


@WIDTHS
def test_the_same_topic_on_both_sides_has_a_heavy_outline(width) -> None:
    made, of, asked = topics(3)
    ax = drawn(plot_items, linkage(made, of=of, **asked), width)
    heavy = [p for p in ax.patches if to_hex(p.get_edgecolor()).upper() == LIGHT["ink"] and p.get_linewidth() == 2]
    assert len(heavy) == 3
    assert [text.get_text() for text in ax.texts].count("Topic 0") >= 2


def test_text_on_every_step_of_the_colours_can_be_read_in_both_themes() -> None:
    for colours in (LIGHT, DARK):
        for step in range(1, 8):
            assert contrast(colours[f"diverging-{step}"], colours[f"on-diverging-{step}"]) >= 4.5


@WIDTHS
def test_quarters_are_cut_at_the_means_and_only_certain_sites_are_filled(whole, width) -> None:
    ax = drawn(plot_quadrants, whole, width)
    sites = whole.sites
    dashed = [line for line in ax.lines if line.is_dashed()]
    assert dashed[0].get_xdata()[0] == pytest.approx(sites["employee_score"].mean())
    assert dashed[1].get_ydata()[0] == pytest.approx(sites["customer_score"].mean())
    assert len(marks(ax, colour="accent")) == sites["certain"].sum() > 0
    assert len(marks(ax, colour="unsure")) == (~sites["certain"]).sum()
    words = {text.get_text().replace("\n", " ") for text in ax.texts}
    counts = sites.loc[sites["certain"], "quadrant"].value_counts()
    there = sites["quadrant"].value_counts()
    for key, name in (("both_high", "Both high"), ("customers_high", "Only customers high")):
        assert f"{name}: surely {counts.get(key, 0)} of {there[key]}" in words
    listed = sum(len(entries) for _, entries in figure_quadrants(whole).lists)
    assert listed == sites["certain"].sum()


@cache
def crowd(n: int) -> Guarded:
    """Sites of which every twelfth lies off the line."""
    return linkage(off_the_line(company(n, noise=0), *[f"s{i:03}" for i in range(1, n, 12)]))


@cache
def named(name: str) -> Guarded:
    """Items and a score that are called so, known as means only."""
    columns = {item: {"label": f"{name} {at}", "min": 1, "max": 5} for at, item in enumerate(ITEMS)}
    of = shops({**columns, "cheer_score": {"label": name}, "n_customers": {"label": "Passengers in transit"}})
    sites = company()["sites"].rename(columns={"csat_mean": "cheer_score"})
    return linkage({"sites": sites}, of=of, items=[ITEMS[0]], scores=["cheer_score", "nps"])


@WIDTHS
def test_no_dot_lies_under_the_name_of_a_quarter(width) -> None:
    ax = drawn(plot_quadrants, crowd(90), width)
    names = [box for text, box in text_boxes(ax) if "high" in text or "low" in text]
    assert len(names) == 4
    dots = ax.transData.transform([place for mark in "os" for place in marks(ax, mark)])
    assert not [1 for x, y in dots for box in names if box.x0 < x < box.x1 and box.y0 < y < box.y1]
    assert max(y for _, y in dots) < min(box.y0 for box in names if box.y0 > ax.bbox.height / 2)


@PLOTS
@WIDTHS
@pytest.mark.parametrize("n", [10, 40, 90])
def test_no_text_lies_on_another_or_outside(plot, width, n) -> None:
    assert badly_placed(drawn(plot, crowd(n), width)) == []


@PLOTS
@WIDTHS
@pytest.mark.parametrize("name", [LONG, "Kundenzufriedenheitsbefragungsergebnisse"], ids=["long", "one word"])
def test_long_names_fit_too(plot, width, name) -> None:
    assert badly_placed(drawn(plot, named(name), width)) == []


def test_many_items_and_scores_find_room() -> None:
    rng = np.random.default_rng(1)
    made = means_only()
    items, scores = [f"i{at}_item" for at in range(24)], [f"s{at}_score" for at in range(12)]
    values = {name: rng.normal(0, 1, 40) for name in (*items, *scores)}
    result = linkage({"sites": made["sites"].assign(**values)}, items=items, scores=scores)
    ax = drawn(plot_items, result, NARROW)
    assert badly_placed(ax) == []
    assert len([p for p in ax.patches if p.get_linewidth() == 1 or p.get_facecolor()[3]]) == 288


@PLOTS
@WIDTHS
def test_drawings_take_the_axes_they_are_given(whole, plot, width) -> None:
    given = drawn(plot, whole, width)
    given.clear()
    with styled():
        assert plot(whole, given, width=width) is given
    assert given.lines or given.patches


@WIDTHS
def test_shares_are_drawn_in_percent(width) -> None:
    made = company()
    for name in ("sites", "customers"):
        made[name] = made[name].rename(columns={"csat_mean": "csat"})
    made["customers"]["csat"] = (made["customers"]["nps"] > 0) * 1.0
    made["sites"]["csat"] = made["customers"].groupby(["region", "unit", "site"])["csat"].mean().to_numpy()
    result = linkage(made, scores=["csat"])
    ax = drawn(plot_association, result, width)
    assert [tick.get_text().endswith("%") for tick in ax.get_yticklabels()][-1]
    assert max(y for _, y in marks(ax)) == pytest.approx(100 * result.sites["customer_score"].max())
    assert SCORES[0] == "nps"

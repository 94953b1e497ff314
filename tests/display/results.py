"""Guarded results for the display tests: made-up answers through the real analysis and the real guard."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from cxinsights.analysis.baseline import fit_baseline
from cxinsights.analysis.driver_ratings import fit_ratings
from cxinsights.analysis.drivers import fit_drivers
from cxinsights.analysis.scorecard import fit_scorecard, node_of
from cxinsights.display.theme import styled
from cxinsights.params import ALL, DriversParams, ScorecardParams, Study
from cxinsights.privacy import Guarded, guard, is_hidden, protect

LONG = "Time spent waiting at the counter until somebody was free to help me out"
"""A name of 72 characters, as questionnaires have them."""
PERIODS = ["2025Q3", "2026Q2", "2026Q3"]
_COLUMNS = {"response_id": "id", "age_group": "age"}
ANSWER = {"detractor": 3.0, "passive": 8.0, "promoter": 10.0}


def study(units: Mapping[str, str] | None = None, label: str = "Corner Shops", **more) -> Study:
    """A study of one region whose units have these labels."""
    units = units or {"north": "North", "south": "South"}
    return Study(**{
        "name": "shops", "label": label, "about": "Made-up answers for a test.", "periods": {"every": "quarter"},
        "tables": {"responses": {"sources": [{"files": "answers.csv"}], "columns": _COLUMNS}},
        "regions": {"shops": {"label": label, "units": {k: {"label": v} for k, v in units.items()}}}, **more,
    })  # fmt: skip


def regions(n: int, units: int = 1, label: str = "Corner Shops", **more) -> Study:
    """A study of several regions (r0, r1, …) with units (u0, u1, …)."""
    parts = {
        f"r{i}": {"label": f"Region {i}", "units": {f"u{j}": {"label": f"Unit {i}.{j}"} for j in range(units)}}
        for i in range(n)
    }
    return study(label=label, **{"regions": parts, **more})


# Drivers ------------------------------------------------------------------------------------------------


def ratings(
    strengths: Sequence[float], n: int = 600, seed: int = 1, noise: float = 1.0, levels: Sequence[float] | float = 6
) -> pd.DataFrame:
    """Independent ratings r0, r1, … on 1 to 10 with these strengths, and NPS answers that follow them."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(0, 1, (n, len(strengths)))
    wish = mood @ np.asarray(strengths, dtype=float) + rng.normal(0, noise, n)
    given = np.clip(np.round(np.asarray(levels) + 1.5 * mood), 1, 10)
    frame = pd.DataFrame(given, columns=[f"r{i}_rating" for i in range(mood.shape[1])])
    places = np.searchsorted(np.sort(wish), wish) / n
    return frame.assign(nps_answer=np.floor(places * 11).clip(0, 10), csat_score=1 + np.floor(places * 5).clip(0, 4))


def drivers(
    frame: pd.DataFrame,
    labels: Mapping[str, str] | None = None,
    *,
    of: Study | None = None,
    company: pd.DataFrame | None = None,
    best: pd.DataFrame | None = None,
    contrasts: pd.DataFrame | None = None,
    pool: pd.DataFrame | None = None,
    levels: pd.DataFrame | None = None,
    hidden: bool = False,
    **changes,
) -> Guarded:
    """The guarded driver result of a frame; labels by the driver's column."""
    columns = {name: {"label": text, "min": 1, "max": 10} for name, text in (labels or {}).items()}
    names = [name for name in frame if name.endswith("_rating")]
    asked = {
        "study": "shops", "period": "2026Q3", "region": "shops", "unit": "north", "outcome": "nps", "drivers": names,
        "n_boot": 200, "n_noise": 100,
    }  # fmt: skip
    result = fit_drivers(frame, DriversParams(**{**asked, **changes}), company, (1, 10), best, contrasts, pool, levels)
    of = of or study()
    return guard(
        result, of.model_copy(update={"columns": {**of.columns, **study(columns=columns).columns}}), hidden=hidden
    )


# Scorecards ---------------------------------------------------------------------------------------------


def answered(shares: Sequence[float], n: int, **where) -> pd.DataFrame:
    """Exactly n answers with these shares of detractors and promoters; satisfaction and ease follow."""
    detractors, promoters = (round(share * n) for share in shares)
    kinds = ["detractor"] * detractors + ["promoter"] * promoters + ["passive"] * (n - detractors - promoters)
    nps = np.array([ANSWER[kind] for kind in kinds])
    csat = np.select([nps < 7, nps > 8], [2.0, 5.0], 4.0)
    ces = np.select([nps < 7, nps > 8], [3.0, 7.0], 5.0)
    frame = pd.DataFrame({"nps_answer": nps, "csat_score": csat, "ces_score": ces})
    given = {"region": "shops", "unit": "north", "period": "2026Q3", "survey": "relationship", **where}
    return frame.assign(**given)


def together(*parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Answers of several lists in one frame."""
    return pd.concat([frame for part in parts for frame in part], ignore_index=True)


def moved(unit: str, before: Sequence[float], now: Sequence[float], n: int = 400, **where) -> list[pd.DataFrame]:
    """A unit's answers a year ago and now."""
    then = answered(before, n, unit=unit, **{**where, "period": "2025Q3"})
    return [then, answered(now, n, unit=unit, **where)]


def scorecard(
    frame: pd.DataFrame,
    of: Study,
    *,
    unit: str = ALL,
    region: str | None = None,
    compare: str = "year_ago",
    targets=None,
    benchmarks=None,
    invitations=None,
    rated_in: str = "relationship",
) -> Guarded:
    """The guarded scorecard, as `Source` would make it: baseline, plan of what is hidden, result, guard."""
    periods = sorted(frame["period"].unique())
    earlier = {"previous": "2026Q2", "year_ago": "2025Q3"}
    rated = [name for name in frame if name.endswith("_rating")]
    baseline = protect(fit_baseline(frame, of.scores, periods, earlier, rated), of.privacy)
    region = region or (next(iter(of.regions)) if unit != ALL else ALL)
    asked = ScorecardParams(study=of.name, period="2026Q3", region=region, unit=unit, compare=compare)
    hidden = is_hidden(baseline, node_of(asked, baseline), asked.survey, asked.period)
    known = {kind: one for kind, one in earlier.items() if one in periods}
    moved = _ratings(frame, of, known, drivers=rated, survey=rated_in) if rated else None
    return guard(fit_scorecard(baseline, asked, targets, benchmarks, invitations, moved), of, hidden=hidden)


def _ratings(frame: pd.DataFrame, of: Study, earlier: Mapping[str, str], **asked) -> pd.DataFrame:
    places = [(ALL, ALL), *((region, unit) for region, one in of.regions.items() for unit in (ALL, *one.units))]
    asked |= {"study": of.name, "period": "2026Q3"}
    return fit_ratings(frame, {p: DriversParams(**asked, region=p[0], unit=p[1]) for p in places}, earlier)


# Drawings -----------------------------------------------------------------------------------------------


def text_boxes(ax: Axes) -> list[tuple[str, Bbox]]:
    """Every text of a drawing with its box in pixels, as an SVG has it (Agg would round each letter's width)."""
    width, height = ax.figure.bbox.size
    with styled():
        renderer = RendererSVG(width, height, io.StringIO(), image_dpi=72)
        ax.figure.draw(renderer)
        texts = [t for t in ax.figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
        return [(t.get_text(), t.get_window_extent(renderer)) for t in texts]


def badly_placed(ax: Axes) -> list[tuple[str, ...]]:
    """Texts that leave the drawing, and pairs of texts that lie on each other; the room of descenders may be shared."""
    boxes, (width, height) = text_boxes(ax), ax.figure.bbox.size
    out = [(text,) for text, b in boxes if b.x0 < -2 or b.y0 < -2 or b.x1 > width + 2 or b.y1 > height + 2]
    return out + [
        (one, other)
        for i, (one, a) in enumerate(boxes)
        for other, b in boxes[i + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 2 and min(a.y1, b.y1) - max(a.y0, b.y0) > 6
    ]


def many(n: int, name: str) -> Guarded:
    """A result of n drivers, named alike: a regression of four, its rows repeated with smaller shares.

    A regression of twenty would take minutes, and its drawing is the same.
    """
    fitted = drivers(ratings([1, 0.6, 0.4, 0.2], levels=[4, 6, 7, 8]))._result
    chance = np.random.default_rng(0)
    factor = 0.97 ** np.arange(n) * 4 / n
    rows = np.arange(n) * 4 // n
    names = [f"r{i}_rating" for i in range(n)]
    scale = {c: lambda f, c=c: f[c] * factor for c in ("share", "share_low", "share_high")}
    importance = fitted.importance.iloc[rows].assign(**scale, driver=names)
    shift = chance.uniform(-1.5, 1.5, n)
    moved_by = {c: lambda f, c=c: f[c] + shift for c in ("performance", "perf_low", "perf_high")}
    priority = fitted.priority.iloc[rows].assign(**scale, **moved_by, driver=names)
    of = study(columns={d: {"label": f"{name} {i}", "min": 1, "max": 10} for i, d in enumerate(names)})
    return guard(
        replace(fitted, importance=importance.reset_index(drop=True), priority=priority.reset_index(drop=True)), of
    )

"""Guarded linkages for the display tests: made-up companies through the real analysis and the real guard."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.display.linkage import (
    figure_association,
    figure_items,
    figure_quadrants,
    headline_linkage,
    method_linkage,
    table_aggregation,
    table_associations,
    table_item_associations,
    table_leave_one_out,
    table_linkage_model,
    table_linkage_sites,
    table_reliability,
)
from cxinsights.params import Study
from cxinsights.privacy import Guarded, guard
from tests.analysis.linked import ITEMS, fitted
from tests.display.results import study

PARTS = (
    headline_linkage, figure_association, figure_items, figure_quadrants, table_associations, table_item_associations,
    table_aggregation, table_reliability, table_linkage_model, table_linkage_sites, table_leave_one_out,
    method_linkage,
)  # fmt: skip
FIGURES = (figure_association, figure_items, figure_quadrants)


def shops(columns: Mapping[str, dict] | None = None, **more: Any) -> Study:
    """A study whose regions and units are those of the made-up company."""
    parts = {
        f"r{i}": {"label": f"Region {i}", "units": {f"u{j}": {"label": f"Unit {i}.{j}"} for j in range(2)}}
        for i in range(2)
    }
    scale = {"label": "Mood", "min": 1, "max": 5}
    named = {name: {**scale, "label": f"Mood {at}"} for at, name in enumerate(ITEMS, start=1)}
    return study(**{"regions": parts, "columns": {**named, **(columns or {})}, **more})


def linkage(
    made: dict[str, Any] | None = None, *, of: Study | None = None, hidden: bool = False, **changes: Any
) -> Guarded:
    """The guarded linkage of a made-up company."""
    return guard(fitted(made, **changes), of or shops(), hidden=hidden)


def off_the_line(made: dict[str, Any], *sites: str) -> dict[str, Any]:
    """The same company with all customers of some sites unhappy."""
    for site in sites:
        here = made["customers"]["site"] == site
        made["customers"].loc[here, "nps"] = -100.0 * (np.arange(here.sum()) % 4 > 0)
        made["sites"].loc[made["sites"]["site"] == site, "nps"] = -75.0
    return made


def topics(n: int = 2, sites: int = 60, seed: int = 4, shared: float = 1.0) -> tuple[dict[str, Any], Study, dict]:
    """Schools seen by teachers and parents on n topics: data, study and what is asked."""
    rng = np.random.default_rng(seed)
    level = rng.normal(6, 1, (sites, n))
    frame = pd.DataFrame({
        "region": [f"r{i % 2}" for i in range(sites)], "unit": "u0", "site": [f"School {i}" for i in range(sites)],
        "n_customers": 50, "n_employees": 20, "own": True,
    })  # fmt: skip
    noise = rng.normal(0, 1, (sites, n))
    teachers = {f"t{i}_teachers_score": level[:, i] for i in range(n)}
    parents = {f"t{i}_parents_score": shared * level[:, i] + noise[:, i] for i in range(n)}
    columns = {
        f"t{i}_{who}_score": {"label": f"Topic {i} ({who})", "min": 0, "max": 10}
        for i in range(n)
        for who in ("teachers", "parents")
    }
    columns |= {"site": {"label": "School"}, "n_customers": {"label": "Parents"}, "n_employees": {"label": "Teachers"}}
    asked = {"items": [*teachers], "scores": [*parents]}
    return {"sites": frame.assign(**teachers, **parents)}, shops(columns), asked


def report(result: Guarded) -> str:
    """Everything the notebook shows, as HTML."""
    return "\n".join(part(result).as_html() for part in PARTS)


def plain(text: str) -> str:
    """A sentence with spaces that may break."""
    return text.replace("\u00a0", " ")

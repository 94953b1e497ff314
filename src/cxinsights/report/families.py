"""What one report cannot know alone: its tests adjusted among all reports of the period, and what else to hide.

The same analysis is fitted for every place, and the rows of its tables are put side by side: tests of one family
are adjusted together, and a figure is hidden where one too small would follow from it. The outcome is kept, so that
a difference is clear on every page or on none.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from cxinsights.analysis.baseline import NODE
from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.results import Published, published_tables
from cxinsights.data.atomic import replaced_folder
from cxinsights.errors import CxError
from cxinsights.params import ALL, Study
from cxinsights.privacy import plan_hidden

__all__ = ["Families", "gather", "load_families", "places_of", "save_families", "with_families"]

log = logging.getLogger(__name__)

Families = dict[str, pd.DataFrame]
"""By table: place and names of each row, with `p_adjusted` and `n_comparisons`, or `hidden`, or all of them."""

_META = "families.json"
_PLACE = ["level_", "region_", "unit_"]


def places_of(study: Study) -> list[tuple[str, str]]:
    """Region and unit of every report of an analysis: the company, regions, units."""
    regions = [] if study.one_region else [(name, ALL) for name in study.regions]
    units = [(name, unit) for name, region in study.regions.items() for unit in region.units]
    return [(ALL, ALL), *regions, *units]


def gather(study: Study, fit: Callable[[str, str], Any]) -> Families:
    """Adjust and plan over the results of all places.

    Parameters
    ----------
    fit
        Gives the result of a region and unit.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    declared: dict[str, Published] = {}
    for region, unit in places_of(study):
        try:
            result = fit(region, unit)
        except Exception as error:  # its own report fails with it and says so; others are not stopped by it
            why = error if isinstance(error, CxError) else type(error).__name__
            log.warning("%s/%s: left out of what is compared: %s", region, unit, why)
            continue
        for name, how in published_tables(result).items():
            frame = getattr(result, name)
            if (how.family is None and how.plan is None) or frame.empty:
                continue
            declared[name] = how
            level = "unit" if unit != ALL else "region" if region != ALL else "company"
            found.setdefault(name, []).append(frame.assign(**dict(zip(_PLACE, (level, region, unit), strict=True))))
    return {
        name: _judged(pd.concat(frames, ignore_index=True), declared[name], study) for name, frames in found.items()
    }


def _judged(frame: pd.DataFrame, how: Published, study: Study) -> pd.DataFrame:
    given = []
    if how.family is not None:
        frame = adjust(frame.drop(columns=["p_adjusted", "n_comparisons"], errors="ignore"), [*how.family, "level_"])
        given += ["p_adjusted", "n_comparisons"]
    if how.plan is not None:
        nodes = frame[_PLACE].set_axis(NODE[:3], axis=1).assign(site=ALL)
        threshold = study.privacy.employee_min if how.bases[how.base] == "employees" else study.privacy.customer_min
        groups = frame[how.groups] if how.groups else None
        marks = plan_hidden(nodes, frame[list(how.plan)], frame[how.base], threshold, groups)
        frame = frame.assign(hidden=marks)
        given += ["hidden"]
    return frame[[*_PLACE, *_names(frame, how), *given]]


def with_families(
    frame: pd.DataFrame, how: Published, family: pd.DataFrame | None, place: tuple[str, str]
) -> pd.DataFrame:
    """A table of one place's result with what all places together say of its rows."""
    if family is None or frame.empty:
        return frame
    own = family[(family["region_"] == place[0]) & (family["unit_"] == place[1])].drop(columns=_PLACE)
    names = _names(frame, how)
    found = frame[names].merge(own, on=names, how="left", validate="1:1")
    given = {name: found[name].to_numpy() for name in own if name not in names}
    if "hidden" in given:  # beside what the analysis hides itself
        given["hidden"] = found["hidden"].eq(True).to_numpy() | frame.get("hidden", False)
    return frame.assign(**given)


def _names(frame: pd.DataFrame, how: Published) -> list[str]:
    """Columns that name a row: what is kept when figures are hidden, less the bases."""
    return [name for name in how.keep if name not in how.bases and name in frame]


def save_families(families: Families, folder: Path, fingerprint: str) -> None:
    """Keep them under the fingerprint of all they were made from."""
    with replaced_folder(folder) as fresh:
        for name, frame in families.items():
            frame.to_parquet(fresh / f"{name}.parquet", index=False)
        kept = {"fingerprint": fingerprint, "tables": sorted(families)}
        (fresh / _META).write_text(json.dumps(kept) + "\n", encoding="utf-8")


def load_families(folder: Path, fingerprint: str) -> Families | None:
    """What is kept under this fingerprint; None where nothing is."""
    if not (folder / _META).exists():
        return None
    kept = json.loads((folder / _META).read_text(encoding="utf-8"))
    if kept["fingerprint"] != fingerprint:
        return None
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in kept["tables"]}

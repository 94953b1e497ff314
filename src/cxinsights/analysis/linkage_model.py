"""The linkage's mixed model: sites in regions and units, named controls, within and between apart.

A site's level may come from its region or unit. The model gives every group a level of its own (random intercept)
and is fitted three ways that answer different questions: `total`, among all sites; `within`, among sites of the same
group; `between`, among the groups' means. The last two stand apart since an association between groups need not
hold inside them.
"""

import numpy as np
import pandas as pd

from cxinsights.analysis.linkage_data import base_of, lead_pairs, pair_values
from cxinsights.analysis.mixed import MixedFit, fit_mixed
from cxinsights.params import LinkageParams

__all__ = ["control_columns", "model_effects"]

_FEWEST_GROUPS = 3  # two group means lie on a line, whatever they are


def control_columns(frame: pd.DataFrame, controls: list[str]) -> tuple[list[str], np.ndarray]:
    """Controls as columns of a model: numbers as they are, text as one column per value but the commonest.

    Columns that never vary are left out.
    """
    names, columns = [], []
    for control in controls:
        values = frame[control]
        if pd.api.types.is_numeric_dtype(values):
            parts = {control: values.to_numpy(dtype=float)}
        else:
            levels = values.dropna().astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable")
            parts = {
                f"{control}={level}": np.where(values.isna(), np.nan, values.astype(str) == level)
                for level in levels.index[1:]
            }
        for name, column in parts.items():
            known = column[np.isfinite(column)]
            if len(known) and np.ptp(known) > 0:
                names.append(name)
                columns.append(column)
    return names, np.column_stack(columns).astype(float) if columns else np.zeros((len(frame), 0))


def model_effects(part: pd.DataFrame, params: LinkageParams, reliabilities: dict[str, float]) -> pd.DataFrame:
    """One row per lead pair, grouping and term, with Satterthwaite's t and interval.

    Parameters
    ----------
    part
        Sites that take part.
    reliabilities
        ICC(2) of the measures: a slope on a mean that holds noise is too flat, and `corrected` divides by how
        reliable the employees' means are among the sites compared.
    """
    names, controls = control_columns(part, params.controls)
    rows: list[dict] = []
    for pair in lead_pairs(params):
        x, y = pair_values(part, pair)
        known = np.isfinite(np.column_stack([x, y, controls])).all(axis=1)
        base = {"item": pair[0], "metric": pair[1], **base_of(part[known], list(pair))}
        noise = (1 - reliabilities.get(pair[0], np.nan)) * np.var(x[known], ddof=1)
        for grouping, groups in _groupings(part[known]).items():
            fits = _fits(x[known], y[known], controls[known], names, groups)
            rows += [
                {**base, "grouping": grouping, **_row(*one, noise, groups, x[known])}
                for term_fits in fits
                for one in term_fits
            ]
    return pd.DataFrame(rows)


def _groupings(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Ways the sites are grouped, the finest first; without any, one group of all."""
    regions = rows.groupby("region").ngroup().to_numpy()
    units = rows.groupby(["region", "unit"]).ngroup().to_numpy()
    n_regions, n_units = len(np.unique(regions)), len(np.unique(units))
    found = {}
    if 1 < n_units < len(rows) and n_units > n_regions:
        found["unit"] = units
    if 1 < n_regions < len(rows):
        found["region"] = regions
    return found or {"none": np.zeros(len(rows), dtype=int)}


def _fits(
    x: np.ndarray, y: np.ndarray, controls: np.ndarray, names: list[str], groups: np.ndarray
) -> list[list[tuple[str, MixedFit, int]]]:
    """Terms with the fit and the column they are read from."""
    one = np.ones(len(x))
    sizes = np.bincount(groups)
    mean = (np.bincount(groups, weights=x) / sizes)[groups]
    found = []
    whole = _fit([one, x, *controls.T], y, groups)
    if whole:
        found.append([("total", whole, 1), *((name, whole, 2 + at) for at, name in enumerate(names))])
    if len(sizes) > 1:
        between = [mean] if len(sizes) >= _FEWEST_GROUPS else []
        apart = _fit([one, x - mean, *between, *controls.T], y, groups)
        if apart:
            found.append([("within", apart, 1), *([("between", apart, 2)] if between else [])])
    return found


def _fit(columns: list[np.ndarray], y: np.ndarray, groups: np.ndarray) -> MixedFit | None:
    """The model, or none where sites are too few or a column repeats others."""
    design = np.column_stack(columns)
    if len(design) < design.shape[1] + 3 or np.linalg.matrix_rank(design) < design.shape[1] or np.ptp(y) == 0:
        return None
    return fit_mixed(design, y, groups)


def _row(term: str, fit: MixedFit, at: int, noise: float, groups: np.ndarray, x: np.ndarray) -> dict:
    reliable = np.nan
    if term == "total":
        reliable = 1 - noise / np.var(x, ddof=1)
    elif term == "within":
        sizes = np.bincount(groups)
        own = x - (np.bincount(groups, weights=x) / sizes)[groups]
        reliable = 1 - noise * (len(x) - len(sizes)) / np.sum(own**2)
    scale = 1 / reliable if reliable > 0 else np.nan
    slope, low, high = fit.coefficients[at], fit.ci_low[at], fit.ci_high[at]
    return {
        "term": term, "n_groups": fit.n_groups, "coefficient": slope, "se": fit.se[at], "df": fit.df[at],
        "coef_low": low, "coef_high": high, "p_value": fit.p_values[at], "corrected": slope * scale,
        "corrected_low": low * scale, "corrected_high": high * scale,
        "sd_groups": np.sqrt(fit.var_between), "sd_rest": np.sqrt(fit.var_within),
    }  # fmt: skip

"""Do drivers go with the outcome here as they do elsewhere, and as they did before?

The same linear model is fitted to a place's own answers, to those of the rest of what it belongs to, and to its own of
the period before. A driver's coefficients are compared by their difference, which is the interaction of driver and
group in one model of both. Tests are adjusted (Benjamini–Hochberg) over all places and drivers of a period, one family
for each kind of comparison.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.design import Design, outcome_values, prepare
from cxinsights.analysis.intervals import CONFIDENCE, p_of, z_of
from cxinsights.analysis.regression import LinearFit, fit_linear
from cxinsights.errors import CxError
from cxinsights.params import ALL, DriversParams

__all__ = ["COLUMNS", "fit_contrasts"]

Place = tuple[str, str]
_CLEAR = 0.05
COLUMNS = [
    "region", "unit", "against", "driver", "n", "n_compare", "coefficient", "other", "difference", "diff_low",
    "diff_high", "p_value", "is_clear",
]  # fmt: skip


def fit_contrasts(responses: pd.DataFrame, places: Mapping[Place, DriversParams], previous: str | None) -> pd.DataFrame:
    """Compare every place's coefficients with those of the rest and of the period before.

    Parameters
    ----------
    responses
        Answers of all places in the params' period and in the previous one: region, unit, period, survey, and what
        the models read.
    places
        What each place's driver regression is asked, by region and unit; `_all` as in reports.
    previous
        Id of the period before; None where there is none.

    Returns
    -------
    DataFrame
        One row per place, kind of comparison (`rest`, `previous`) and driver; none where either side has too few
        answers for a regression, or a model of other drivers. `is_clear` is whether the adjusted test says so at 5 %;
        the adjusted p-value itself moves with every other place's answers, and is not given.

    Notes
    -----
    The two sides are taken to be independent. Customers who answered in both periods make the true error of a change
    smaller than the one stated.
    """
    rows = [row for place, params in places.items() for row in _of_place(responses, place, params, places, previous)]
    frame = adjust(pd.DataFrame(rows, columns=COLUMNS[:-1]), ["against"])
    return frame.assign(is_clear=frame["p_adjusted"] < _CLEAR)[COLUMNS]


def _of_place(
    responses: pd.DataFrame, place: Place, params: DriversParams, places: Mapping[Place, DriversParams],
    previous: str | None,
) -> Iterator[tuple]:  # fmt: skip
    if params.model != "linear":
        return
    region, unit = place
    asked = responses["survey"] == params.survey
    now, before = asked & (responses["period"] == params.period), asked & (responses["period"] == previous)
    here = _inside(responses, region, unit)
    sides = {"previous": before & here}
    if region != ALL:
        parent = (region, ALL) if unit != ALL and (region, ALL) in places else (ALL, ALL)
        sides["rest"] = now & _inside(responses, *parent) & ~here
    own = _fitted(responses[now & here], params)
    if own is None:
        return
    for against, rows in sides.items():
        other = _fitted(responses[rows], params)
        if other is None or other[0].drivers != own[0].drivers:
            continue
        for at, driver in enumerate(own[0].drivers):
            yield (*place, against, driver, own[0].n, other[0].n, *_difference(own, other, at))


def _inside(responses: pd.DataFrame, region: str, unit: str) -> np.ndarray:
    found = np.ones(len(responses), dtype=bool)
    if region != ALL:
        found &= (responses["region"] == region).to_numpy()
    if unit != ALL:
        found &= (responses["unit"] == unit).to_numpy()
    return found


def _fitted(answers: pd.DataFrame, params: DriversParams) -> tuple[Design, LinearFit] | None:
    """The linear model of complete answers; None where they are too few or allow none."""
    rule = params.missing if params.missing in ("indicator", "listwise") else "indicator"
    try:
        design = prepare(answers, outcome_values(answers, params), params.model_copy(update={"missing": rule}))
    except CxError:  # its own report says it
        return None
    if not design.drivers or design.n < design.n_needed or not (design.columns.std(axis=0) > 0).all():
        return None
    simple = design.weights is None and design.customers is None
    columns, outcome = design.columns[:, :-1], design.columns[:, -1]
    return design, fit_linear(
        columns, outcome, design.weights, errors="HC3" if simple else "design", customers=design.customers
    )


def _difference(own: tuple[Design, LinearFit], other: tuple[Design, LinearFit], at: int) -> tuple[float, ...]:
    (a, of_a), (b, of_b) = (
        (fit.coefficients[place], fit.se[place])  # the intercept stands first
        for fit, place in ((fit, design.rating_at[at] + 1) for design, fit in (own, other))
    )
    se = float(np.hypot(of_a, of_b))
    half = z_of(CONFIDENCE) * se
    p_value = p_of((a - b) / se) if se > 0 and np.isfinite(a - b) else np.nan
    return a, b, a - b, a - b - half, a - b + half, p_value

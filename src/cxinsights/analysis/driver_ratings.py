"""How does each part of the experience stand here against elsewhere, and against a year ago?

Each driver's mean rating in a place is compared with that of the rest of the company, and with its own of earlier
periods. Tests are adjusted (Benjamini–Hochberg) over all places and drivers of a period, one family for each kind.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.scores import Sample, customers_of, estimate, sample_of
from cxinsights.params import ALL, DriversParams

__all__ = ["fit_ratings"]

Place = tuple[str, str]
_CLEAR = 0.05
_COLUMNS = [
    "region", "unit", "survey", "against", "driver", "n", "n_compare", "score", "ci_low", "ci_high", "score_compare",
    "difference", "diff_low", "diff_high", "p_value", "effect_size", "is_clear",
]  # fmt: skip


def fit_ratings(
    responses: pd.DataFrame,
    places: Mapping[Place, DriversParams],
    earlier: Mapping[str, str],
    min_base: int = 30,
    fewest: int = 10,
) -> pd.DataFrame:
    """Compare every place's mean ratings with those of the rest, and of earlier periods.

    Parameters
    ----------
    responses
        Answers of all places in the params' period and the earlier ones: region, unit, period, survey, ratings, and
        optionally `weight` and `customer_id`.
    places
        What each place's driver regression is asked, by region and unit; `_all` as in reports.
    earlier
        Kind of comparison (`year_ago`, `previous`): id of the earlier period.
    min_base
        Fewest ratings on each side.
    fewest
        Ratings of any unit below which an earlier period is not compared with: its own report may have hidden more
        than that unit.

    Returns
    -------
    DataFrame
        One row per place, what it is set against (`rest`: the rest of the company; the earlier period's kind) and
        driver, with both means, their difference (Welch, or linearised where answers have weights or a customer
        answers more than once) and `is_clear`: whether the adjusted test says so at 5 %.
    """
    rows = [row for place, params in places.items() for row in _of_place(responses, place, params, earlier, min_base)]
    frame = adjust(pd.DataFrame(rows, columns=_COLUMNS[:-1]), ["against"])
    frame = frame.assign(is_clear=frame["p_adjusted"] < _CLEAR)[_COLUMNS]
    for kind, period in earlier.items():
        small = _rated_by_few(responses[responses["period"] == period], {*frame["driver"]}, fewest)
        frame = frame[~((frame["against"] == kind) & frame["driver"].isin(small))]
    return frame.reset_index(drop=True)


def _of_place(
    responses: pd.DataFrame, place: Place, params: DriversParams, earlier: Mapping[str, str], min_base: int
) -> Iterator[tuple]:
    region, unit = place
    asked = responses["survey"] == params.survey
    now = asked & (responses["period"] == params.period)
    here = pd.Series(True, index=responses.index)
    if region != ALL:
        here &= responses["region"] == region
    if unit != ALL:
        here &= responses["unit"] == unit
    others = {} if here.all() else {"rest": now & ~here}
    others |= {kind: asked & (responses["period"] == period) & here for kind, period in earlier.items()}
    customers = customers_of(responses)
    for driver in params.drivers:
        if driver not in responses:  # its own report says so
            continue
        own = _sample(responses, driver, now & here, customers)
        for against, rows in others.items():
            other = _sample(responses, driver, rows, customers)
            found = compare(own, other, "mean", min_base=min_base)
            if not found.tested:
                continue
            mean = estimate(own, "mean")
            yield (
                *place, params.survey, against, driver, own.n, other.n, mean.score, mean.ci_low, mean.ci_high,
                other.mean, found.value, found.ci_low, found.ci_high, found.p_value, found.effect_size,
            )  # fmt: skip


def _sample(responses: pd.DataFrame, driver: str, rows: pd.Series, customers: np.ndarray | None) -> Sample:
    at = rows.to_numpy()
    weights = responses["weight"].to_numpy(dtype=float)[at] if "weight" in responses else None
    values = responses[driver].to_numpy(dtype=float)[at]
    return sample_of(values, weights, None if customers is None else customers[at])


def _rated_by_few(responses: pd.DataFrame, drivers: set[str], fewest: int) -> set[str]:
    """Drivers that some unit's customers rated, but fewer than so many."""
    counts = responses.groupby(["region", "unit", "survey"])[sorted(drivers)].count()
    return {name for name in counts if ((counts[name] > 0) & (counts[name] < fewest)).any()}

"""Driver regression in a plain notebook: `cx.drivers.fit(frame, outcome=…, drivers=…)` shows itself.

The same analysis, guard and page parts as in a report, without a study's folders: any frame of ratings will do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from cxinsights.analysis.driver_models import FittedModel
from cxinsights.analysis.drivers import DriversResult, fit_with_model
from cxinsights.analysis.importance import shapley
from cxinsights.analysis.resampling import moments
from cxinsights.analysis.what_if import read
from cxinsights.display.blocks import Block
from cxinsights.display.drivers import figure_importance, figure_priority, headline_drivers, method_drivers, what_if
from cxinsights.errors import AnalysisError, DataError, ParamsError, did_you_mean
from cxinsights.params import ALL, DriversParams, Study
from cxinsights.params.model import faults_of
from cxinsights.privacy import guard

__all__ = ["DriverFit", "fit", "importance"]

_STUDY, _PERIOD = "frame", "all"
MOST = 20
"""Drivers that shares can be worked out for: the work doubles with each."""


class DriverFit:
    """A fitted driver regression. As a cell's last line it shows what an executive would read.

    Made by `fit`. Frames are tidy and carry base and interval; `result` holds all of them.
    """

    def __init__(
        self, result: DriversResult, fitted: FittedModel | None, study: Study, ends: tuple[float, float]
    ) -> None:
        self.result = result
        self._ends = ends
        self._fitted = fitted
        self._guarded = guard(result, study)

    @property
    def importance(self) -> pd.DataFrame:
        """One row per driver, most important first: share, interval, rank, letters, noise floor."""
        return self.result.importance

    @property
    def coefficients(self) -> pd.DataFrame:
        """One row per driver: coefficient with interval, standardised, VIF."""
        return self.result.coefficients

    @property
    def summary(self) -> pd.DataFrame:
        """One row: bases, R² and the outcome's mean, each with interval."""
        return self.result.summary

    def what_if(self, points: Mapping[str, float]) -> pd.DataFrame:
        """Difference in the outcome that goes with shifts of drivers' mean ratings, all at once.

        Parameters
        ----------
        points
            By driver: points on the rating's scale. Nobody's rating goes beyond the end of the scale.

        Returns
        -------
        DataFrame
            One row: `n`, `change`, `change_low`, `change_high`, in units of the outcome (NPS in points, a top box as a
            share). A pattern carried forward, not an effect.

        Raises
        ------
        AnalysisError
            There is no regression to ask, or a driver has no room for such a shift.
        """
        if self._fitted is None:
            raise AnalysisError(f"what_if: there is no regression to ask: {self.result.reason}")
        frame = self.result.what_if.set_index("driver")
        low = self._ends[0]
        for name, shift in points.items():
            if name not in frame.index:
                raise AnalysisError(f"what_if: {did_you_mean('driver', name, frame.index)}")
            if isinstance(shift, bool) or not isinstance(shift, int | float | np.number) or not np.isfinite(shift):
                raise AnalysisError(f"what_if: {name}: points are a number, as in {{'{name}': 0.5}}")
            if pd.isna(frame.loc[name, "change"]) and shift:
                raise AnalysisError(
                    f"what_if: {name} has no coefficient of its own: another rating repeats it, or it never varies"
                )
            room, fall = frame.loc[name, "room"], frame.loc[name, "performance"] - low
            if shift > room + 1e-9 or -shift > fall + 1e-9:
                way, most = ("lift", room) if shift > 0 else ("lower", fall)
                raise AnalysisError(
                    f"what_if: {name}: {shift:g} points would {way} its mean beyond the end of the scale, which is "
                    f"{most:.2f} points away"
                )
        found = read(self._fitted.what_if, np.array([points.get(name, 0.0) for name in self.result.draws]))
        row = {
            "n": self.summary["n"].item(),
            "change": found.change,
            "change_low": found.low,
            "change_high": found.high,
        }
        return pd.DataFrame([row])

    def _blocks(self) -> list[Block]:
        parts = (headline_drivers, figure_importance, figure_priority, what_if, method_drivers)
        return [part(self._guarded) for part in parts]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for block in self._blocks():
            display(block)

    def __repr__(self) -> str:
        return headline_drivers(self._guarded).as_markdown()


def fit(
    frame: pd.DataFrame,
    *,
    outcome: str,
    drivers: Sequence[str],
    weights: str | None = None,
    customers: str | None = None,
    labels: Mapping[str, str] | None = None,
    scale: tuple[float, float] | None = None,
    title: str = "These answers",
    **asked: Any,
) -> DriverFit:
    """Fit a driver regression to any frame of ratings.

    Parameters
    ----------
    frame
        One row per answer. A column `<rating>_applies` (true or false) says where a question does not apply.
    outcome
        Column of the outcome; `nps` takes the column `nps_answer` (0–10) as −100, 0, 100.
    drivers
        Columns of ratings, all on one scale.
    weights
        Column of survey weights.
    customers
        Column that names the customer, where one may answer more than once.
    labels
        What to call columns in figures and sentences.
    scale
        Lowest and highest possible rating; by default the lowest and highest given.
    title
        What the answers are of, for headlines.
    asked
        Further fields of `DriversParams`: `model`, `missing`, `costs`, `expectations`, `n_boot`, `seed`, …

    Raises
    ------
    DataError
        A column is not in the frame, or holds text.
    ParamsError
        What is asked does not go together.

    Examples
    --------
    >>> fit = cx.drivers.fit(answers, outcome="csat_score", drivers=["speed", "staff"])  # doctest: +SKIP
    >>> fit.what_if({"speed": 0.5})  # doctest: +SKIP
    """
    _check_asked(drivers, asked, scale)
    _check_columns(frame, [outcome if outcome != "nps" else "nps_answer", *drivers], weights, customers)
    params = _params_of(outcome, drivers, asked)
    for name in params.outcome_parts:
        if name not in frame:
            raise DataError(f"drivers: outcome_parts: {did_you_mean('column', name, list(frame))}")
    renamed = {old: new for old, new in ((weights, "weight"), (customers, "customer_id")) if old}
    taken = frame.drop(columns=[new for new in ("weight", "customer_id") if new in frame and new not in renamed])
    responses = taken.rename(columns=renamed)
    ratings = frame[list(drivers)]
    ends = scale or (float(ratings.min().min()), float(ratings.max().max()))
    outside = ((ratings < ends[0]) | (ratings > ends[1])).sum()
    for name in outside.index[outside > 0]:
        raise DataError(
            f"drivers: {name}: {outside[name]:,} of {len(frame):,} ratings lie outside the scale from {ends[0]:g} to "
            f"{ends[1]:g}. Correct them, or give the scale they are on."
        )
    result, fitted = fit_with_model(responses, params, scale=ends)
    return DriverFit(result, fitted, _study_of(params, ends, labels or {}, title), ends)


def importance(
    frame: pd.DataFrame, *, outcome: str, drivers: Sequence[str], weights: str | None = None
) -> pd.DataFrame:
    """Shapley importance alone, of rows with every answer: without intervals, which `fit` gives.

    Parameters
    ----------
    frame
        One row per answer.
    outcome, drivers, weights
        Columns of numbers.

    Returns
    -------
    DataFrame
        One row per driver, most important first: `driver`, `n`, `r2_part` (parts sum to R²) and `share`.

    Raises
    ------
    DataError
        A column is not in the frame, or holds text.
    """
    _check_asked(drivers, {}, None)
    if outcome in drivers:
        raise DataError(f"drivers: {outcome} is the outcome itself. Take it off the drivers.")
    _check_columns(frame, [outcome, *drivers], weights)
    names = [*drivers, outcome, *([weights] if weights else [])]
    columns = [frame[name] for name in names]
    values = np.array([column.to_numpy(dtype=float) for column in columns]).T
    if np.isnan(values.sum()):
        values = values[~np.isnan(values).any(axis=1)]
    if len(values) <= len(drivers) + 1:
        raise DataError(f"drivers: {len(values)} rows with every answer; {len(drivers) + 2} are needed.")
    p = len(drivers)
    if not np.ptp(values[:, p]):
        raise DataError(f"drivers: {outcome} is the same in all rows: nothing can be explained.")
    parts = shapley(moments(values[:, : p + 1], values[:, p + 1] if weights else None).correlations, [1] * p)
    order = np.argsort(-parts, kind="stable")
    sorted_parts = parts[order]
    return pd.DataFrame(
        {
            "driver": [drivers[at] for at in order],
            "n": len(values),
            "r2_part": sorted_parts,
            "share": sorted_parts / parts.sum(),
        }
    )


def _check_asked(drivers: Sequence[str], asked: Mapping[str, Any], scale: object) -> None:
    if isinstance(drivers, str) or not 1 <= len(drivers) <= MOST or len({*drivers}) < len(drivers):
        raise ParamsError(f"drivers: give a list of 1 to {MOST} columns, each once.")
    for name in asked:
        if name not in DriversParams.model_fields:
            raise ParamsError(f"drivers: {did_you_mean('parameter', name, DriversParams.model_fields)}")
    if asked.get("small_units", "company") != "company":
        raise ParamsError("drivers: small_units: a frame of its own has no other units to borrow from. Leave it out.")
    is_scale = (
        isinstance(scale, tuple | list) and len(scale) == 2 and all(isinstance(end, int | float) for end in scale)
    )
    if scale is not None and not (is_scale and scale[0] < scale[1]):
        raise ParamsError("drivers: scale: give the lowest and the highest possible rating, as in scale=(1, 10).")


def _check_columns(
    frame: pd.DataFrame, numbers: Sequence[str], weights: str | None = None, customers: str | None = None
) -> None:
    """Refuse what is no table of finite numbers, and weights that stand for nobody."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"drivers: the answers have to be a pandas DataFrame, not a {type(frame).__name__}.")
    for name in filter(None, (*numbers, weights, customers)):
        if name not in frame:
            raise DataError(f"drivers: {did_you_mean('column', name, list(map(str, frame)))}")
        if isinstance(frame[name], pd.DataFrame):
            raise DataError(f"drivers: {name} is the name of several columns. Rename all but one.")
    for name in filter(None, (*numbers, weights)):
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise DataError(f"drivers: {name} holds {_kind(frame[name])}, not numbers. Turn its answers into numbers.")
        infinite = int(np.isinf(frame[name].to_numpy(dtype=float, na_value=np.nan)).sum())
        if infinite:
            raise DataError(f"drivers: {name}: {infinite:,} of {len(frame):,} values are infinite. Make them blank.")
    without = int((~(frame[weights] > 0)).sum()) if weights else 0
    if without:
        raise DataError(
            f"drivers: {weights}: {without:,} of {len(frame):,} rows have no weight above 0. "
            "An answer stands for somebody, or is left out: drop those rows."
        )


def _kind(column: pd.Series) -> str:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "categories"
    return "dates" if pd.api.types.is_datetime64_any_dtype(column) else "text"


def _params_of(outcome: str, drivers: Sequence[str], asked: Mapping[str, Any]) -> DriversParams:
    where = {"study": _STUDY, "period": _PERIOD, "region": ALL, "unit": ALL}
    try:
        return DriversParams(**{**where, "outcome": outcome, "drivers": list(drivers), **asked})
    except ValidationError as error:
        raise ParamsError("drivers: " + "; ".join(faults_of(error))) from None


def _study_of(params: DriversParams, ends: tuple[float, float], labels: Mapping[str, str], title: str) -> Study:
    """A study of nothing but these answers: names of columns, and the thresholds that hold where none are set."""
    told = {name: labels.get(name, _spoken(name)) for name in (*params.drivers, params.outcome)}
    low, high = ends
    columns = {name: {"label": text, "min": low, "max": high} for name, text in told.items()}
    everywhere: dict[str, Any] = {
        "name": _STUDY,
        "label": title,
        "about": "A frame in a notebook.",
        "periods": {"named": [{"id": _PERIOD, "label": "all answers", "short": "all"}]},
        "tables": {"responses": {"sources": [{"files": "none.csv"}], "columns": {"response_id": "id"}}},
        "columns": columns,
        "regions": {_STUDY: {"label": title, "units": {_STUDY: {"label": title}}}},
    }
    return Study(**everywhere)


def _spoken(name: str) -> str:
    text = name.removesuffix("_rating").removesuffix("_score").replace("_", " ")
    return text[:1].upper() + text[1:]

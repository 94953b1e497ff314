"""What the segmentation reads: customers as they were at the end of the period, and the company's segments.

Orders become three columns of a customer: days since the last order, number of orders, and their amount, of all
orders up to the period's last day.
"""

from datetime import date

import pandas as pd

from cxinsights.analysis.segmentation import fit_segmentation
from cxinsights.data.manifest import has_table, known_periods, table_columns
from cxinsights.data.tables import read_table
from cxinsights.errors import ParamsError
from cxinsights.params import ALL, SegmentationParams
from cxinsights.report.inputs.reading import Inputs, Opened, check_columns, is_company
from cxinsights.schemas.tables import SCORES

__all__ = ["read_segmentation"]

_FROM_ORDERS = ("recency_days", "n_orders", "order_amount")
_MAKING = {"region", "unit", "survey", "held_out", "period"}
"""What may differ between a unit's report and the company's: everything but how segments are made."""


def read_segmentation(opened: Opened) -> Inputs:
    """Customers of the report's place; the company's segments for a part of it; the earlier period's.

    Raises
    ------
    UnknownNameError
        No table of customers has a column that is asked for.
    ParamsError
        A unit asks for segments made otherwise than the company's, or nothing says when the period ends.
    """
    params: SegmentationParams = opened.params
    also = _FROM_ORDERS if has_table(opened.project, opened.study, "orders") else ()
    check_columns(opened, params.inputs, ["customers"], also)
    check_columns(opened, params.held_out, ["customers"], (*also, *_scores(opened)))
    settings = {"rules": opened.study.scores, "customer_min": opened.study.privacy.customer_min}
    if is_company(params):
        return Inputs(_customers(opened, params), {"previous": _previous(opened), **settings})
    company = opened.company()
    _check_making(opened, company)
    same = company.params.held_out == params.held_out and company.params.survey == params.survey
    frame = company.inputs.frame if same else _customers(opened, params)
    if params.region != ALL:
        frame = frame[frame["region"] == params.region]
    if params.unit != ALL:
        frame = frame[frame["unit"] == params.unit]
    whole = company.fit(fit_segmentation)
    made = {f"company_{name}": getattr(whole, name) for name in ("segments", "choice", "rules", "inputs", "summary")}
    previous = company.inputs.more["previous"]
    return Inputs(frame.reset_index(drop=True), {"previous": previous, "company": whole.members, **made, **settings})


def _previous(opened: Opened) -> pd.DataFrame | None:
    """The company's customers with their segments of the period before; None where it is not known."""
    params, study = opened.params, opened.study
    before = study.periods.previous(params.period)
    if before is None or before not in known_periods(opened.project, study):
        return None
    return opened.company(before).fit(fit_segmentation).members  # whose letters follow its own earlier period's


def _customers(opened: Opened, params: SegmentationParams) -> pd.DataFrame:
    """Every customer of the company, with the columns that these params ask for."""
    as_of = _as_of(opened, params.period)
    wanted = [*params.inputs, *params.held_out]
    frame = _registered(opened, wanted, as_of)
    if frame is None or set(wanted) & set(_FROM_ORDERS):
        ordered = _ordering(opened, as_of)
        place = ["region", "unit"]
        if frame is None:
            frame = ordered
        else:
            frame = frame.merge(ordered.drop(columns=place), on="customer_id", how="left")
            frame[["n_orders", "order_amount"]] = frame[["n_orders", "order_amount"]].fillna(0)
    for name in (name for name in params.held_out if name in SCORES and name not in frame):
        frame = frame.merge(_latest_answers(opened, params, name, as_of), on="customer_id", how="left")
    return frame[["customer_id", "region", "unit", *wanted]].reset_index(drop=True)


def _registered(opened: Opened, wanted: list[str], as_of: date) -> pd.DataFrame | None:
    """Customers of the table who had joined by that day; None where the study has no such table."""
    if not has_table(opened.project, opened.study, "customers"):
        return None
    have = table_columns(opened.project, opened.study, "customers")
    columns = ["customer_id", "region", "unit", *(name for name in wanted if name in have)]
    joined = ["joined_at"] if "joined_at" in have and "joined_at" not in columns else []
    frame = read_table(opened.project, opened.study, "customers", columns=[*columns, *joined])
    if "joined_at" in frame:
        frame = frame[~(frame["joined_at"] > pd.Timestamp(as_of))]
    return frame[columns]


def _ordering(opened: Opened, as_of: date) -> pd.DataFrame:
    """One row per customer who ordered: the place of the last order, recency, number and amount of orders."""
    columns = ["customer_id", "region", "unit", "ordered_at", "amount"]
    orders = read_table(opened.project, opened.study, "orders", columns=columns)
    end = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    orders = orders[orders["ordered_at"] < end]
    by_customer = orders.groupby("customer_id", sort=True)  # orders come sorted by customer and time
    found = by_customer.agg(
        region=("region", "last"),
        unit=("unit", "last"),
        last=("ordered_at", "last"),
        n_orders=("amount", "size"),
        order_amount=("amount", "sum"),
    ).reset_index()
    found["recency_days"] = (pd.Timestamp(as_of) - found.pop("last").dt.normalize()).dt.days.astype(float)
    found["n_orders"] = found["n_orders"].astype(float)
    return found


def _latest_answers(opened: Opened, params: SegmentationParams, score: str, as_of: date) -> pd.DataFrame:
    """Each customer's latest answer of the report's survey up to that day."""
    answers = read_table(
        opened.project, opened.study, "responses",
        survey=params.survey, columns=["customer_id", "answered_at", score],
    ).dropna()  # fmt: skip
    answers = answers[answers["answered_at"] < pd.Timestamp(as_of) + pd.Timedelta(days=1)]
    answers = answers.sort_values("answered_at", kind="stable").drop_duplicates("customer_id", keep="last")
    return answers[["customer_id", score]]


def _scores(opened: Opened) -> list[str]:
    """Scores that can be joined to customers."""
    if not has_table(opened.project, opened.study, "responses"):
        return []
    have = set(table_columns(opened.project, opened.study, "responses"))
    return [name for name in SCORES if name in have] if {"customer_id", "answered_at"} <= have else []


def _as_of(opened: Opened, period_id: str) -> date:
    study, period = opened.study, opened.study.periods.period(period_id)
    days = [day for day in (period.end, study.cutoff) if day is not None]
    if not days:
        raise ParamsError(
            f"params/{study.name}/study.yml: nothing says when {period.id} ends: give the period's end, or the "
            "study's cutoff. Segments are made of customers as they were on that day."
        )
    return min(days)


def _check_making(opened: Opened, company: Opened) -> None:
    own, whole = (one.params.model_dump(exclude=_MAKING) for one in (opened, company))
    differs = sorted(name for name in own if own[name] != whole[name])
    if differs:
        raise ParamsError(
            f"params/{opened.study.name}: segmentation: {', '.join(differs)} differs for {opened.params.region}/"
            f"{opened.params.unit}. Segments are made once for the whole company: give it in study.yml only."
        )

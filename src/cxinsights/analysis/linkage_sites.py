"""Where each site stands: both scores with intervals, its distance from the line, and the sites that carry the result.

A site does not fit where its customers' interval misses the band of the line and its distance from it is clear among
all sites together (Benjamini–Hochberg). Where only site means are known there are no intervals, and the distance is
judged against the other sites' distances (externally studentised residual).
"""

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust
from cxinsights.analysis.correlations import fisher_limits, pearson, without_each
from cxinsights.analysis.intervals import CONFIDENCE, p_of, t_interval, t_of, z_of
from cxinsights.analysis.linkage_data import KEY, base_of, lead_pairs, pair_values, person_scores
from cxinsights.analysis.scores import METRICS, customers_of, estimate, sample_of
from cxinsights.params import LinkageParams

__all__ = ["fitted_line", "leave_one_out", "standings"]

_STEPS = 41
_ENDS = {
    "employees": ["employee_low", "employee_high", "employee_se"],
    "customers": ["customer_low", "customer_high", "customer_se"],
}


def standings(
    frame: pd.DataFrame,
    params: LinkageParams,
    employees: pd.DataFrame | None,
    customers: pd.DataFrame | None,
    *,
    with_line: bool,
) -> pd.DataFrame:
    """One row per site: scores and intervals, where it stands, and, with a line, how far from it.

    Parameters
    ----------
    frame
        As `prepared` gives it.
    with_line
        Whether the sites are enough for a line to be drawn through them.
    """
    item, metric = lead_pairs(params)[0]
    found = frame[[*KEY, "own", "takes_part", "hidden", "n_customers", "n_employees"]].assign(
        employee_score=frame[item], customer_score=frame[metric]
    )
    found["takes_part"] &= found[["employee_score", "customer_score"]].notna().all(axis=1)
    found = found.merge(_employee_ends(employees, params, item), on=KEY, how="left")
    found = found.merge(_customer_ends(customers, metric), on=KEY, how="left")
    found = _with_quarters(found)
    found = _with_distances(found) if with_line else found
    return found.drop(columns=["employee_se", "customer_se"])


def fitted_line(part: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Least-squares line through the sites with the band of its mean."""
    rows = part.dropna(subset=list(pair))
    x, y = pair_values(rows, pair)
    at = np.linspace(x.min(), x.max(), _STEPS)
    value, half, *_ = _line(x, y, at)
    return pd.DataFrame(
        {**base_of(rows, list(pair)), "employee_score": at, "fitted": value, "fitted_low": value - half,
         "fitted_high": value + half}
    )  # fmt: skip


def leave_one_out(part: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """The lead correlation without each site, the largest shift first.

    A site carries the result where without it the interval changes its mind about zero, or the correlation lies
    outside the interval of all.
    """
    rows = part.dropna(subset=list(pair))
    x, y = pair_values(rows, pair)
    whole, without = pearson(x, y), without_each(x, y)
    low, high = np.array([fisher_limits(r, len(x) - 4) for r in without]).T
    shift = without - whole.value
    turned = ((low > 0) | (high < 0)) != (whole.ci_low > 0 or whole.ci_high < 0)
    carries = turned | (without < whole.ci_low) | (without > whole.ci_high)
    found = rows[[*KEY, "own", "n_customers", "n_employees"]].assign(
        correlation=without, ci_low=low, ci_high=high, shift=shift, carries=carries
    )
    return found.iloc[np.argsort(-np.abs(shift), kind="stable")].reset_index(drop=True)


def _employee_ends(employees: pd.DataFrame | None, params: LinkageParams, item: str) -> pd.DataFrame:
    """Interval of each site's mean among its employees: t."""
    rows = []
    if employees is not None and len(employees):
        scores = employees[KEY].assign(score=person_scores(employees, params, item)).dropna(subset="score")
        for key, values in scores.groupby(KEY)["score"]:
            n = len(values)
            se = float(values.std() / np.sqrt(n)) if n > 1 else np.nan
            rows.append((*key, *(t_interval(values.mean(), se, n - 1) if n > 1 else (np.nan, np.nan)), se))
    return pd.DataFrame(rows, columns=[*KEY, *_ENDS["employees"]])


def _customer_ends(customers: pd.DataFrame | None, metric: str) -> pd.DataFrame:
    """Interval of each site's score, by the score's own method."""
    rows = []
    if customers is not None and metric in customers:
        kind = METRICS[metric].kind if metric in METRICS else "mean"
        for key, answers in customers.groupby(KEY):
            weights = answers["weight"].to_numpy(dtype=float) if "weight" in answers else None
            found = estimate(sample_of(answers[metric].to_numpy(dtype=float), weights, customers_of(answers)), kind)
            if found.n > 1:
                rows.append((*key, found.ci_low, found.ci_high, (found.ci_high - found.ci_low) / 2 / z_of(CONFIDENCE)))
    return pd.DataFrame(rows, columns=[*KEY, *_ENDS["customers"]])


def _with_quarters(found: pd.DataFrame) -> pd.DataFrame:
    """Above or below the mean of the sites that take part, on both sides; certain where no interval holds a mean."""
    part = found["takes_part"]
    staff_line, customer_line = (found.loc[part, name].mean() for name in ("employee_score", "customer_score"))
    staff, customers = found["employee_score"] >= staff_line, found["customer_score"] >= customer_line
    quadrant = np.select(
        [staff & customers, staff & ~customers, ~staff & customers],
        ["both_high", "employees_high", "customers_high"],
        "both_low",
    )
    told = ((found["employee_low"] > staff_line) | (found["employee_high"] < staff_line)) & (
        (found["customer_low"] > customer_line) | (found["customer_high"] < customer_line)
    )
    return found.assign(
        quadrant=pd.Series(quadrant, index=found.index, dtype="str").where(part),
        certain=told & part,
        employee_line=staff_line,
        customer_line=customer_line,
    )


def _with_distances(found: pd.DataFrame) -> pd.DataFrame:
    """Distance of each site from the line, and whether it is clear among all sites."""
    part = found[found["takes_part"]]
    x, y = part["employee_score"].to_numpy(), part["customer_score"].to_numpy()
    value, half, slope, se = _line(x, y, x)
    off = y - value
    if part["customer_se"].notna().any():
        own = np.sqrt(part["customer_se"].to_numpy() ** 2 + (slope * part["employee_se"].fillna(0).to_numpy()) ** 2)
        p_values = [p_of(z) for z in off / np.sqrt(own**2 + se**2)]
        low, high = part["customer_low"].to_numpy(), part["customer_high"].to_numpy()
        misses = (low > value + half) | (high < value - half)
    else:
        p_values = [p_of(t, len(x) - 3) for t in _studentised(x, off)]
        misses = np.ones(len(x), dtype=bool)
    tested = adjust(pd.DataFrame({"p_value": p_values, "family": "sites"}, index=part.index), ["family"])
    columns = tested.drop(columns="family").assign(fitted=value, off_line=off)
    columns["misfit"] = misses & (columns["p_adjusted"] < 1 - CONFIDENCE)
    joined = found.join(columns)
    joined["misfit"] = joined["misfit"].eq(True)
    return joined


def _line(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """Least-squares line at some places, half its band there, its slope, and the line's standard error there."""
    n, centre = len(x), x.mean()
    spread = np.sum((x - centre) ** 2)
    slope = float(np.sum((x - centre) * y) / spread)
    left = y - y.mean() - slope * (x - centre)
    se = np.sqrt(np.sum(left**2) / (n - 2) * (1 / n + (at - centre) ** 2 / spread))
    return y.mean() + slope * (at - centre), t_of(CONFIDENCE, n - 2) * se, slope, se


def _studentised(x: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Each distance over its standard error from the other sites."""
    n = len(x)
    lever = 1 / n + (x - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    rest = (np.sum(off**2) - off**2 / (1 - lever)) / (n - 3)
    return off / np.sqrt(rest * (1 - lever))

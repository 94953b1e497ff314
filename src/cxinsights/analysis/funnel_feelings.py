"""Feeling at each step: survey answers joined to the last step reached before them.

An answer belongs to the last step that its customer's counted attempt had reached when it was given; answers from
before the start belong to none. Those who stopped at a step are compared with those who went on by answers given within
the attempt's time, so that both answered under way.
"""

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.journeys import Journeys
from cxinsights.analysis.journeys_scan import NEVER
from cxinsights.analysis.scores import METRICS, estimate, sample_of
from cxinsights.params import ScoreRules

__all__ = ["fit_feelings"]

_METRICS = ("nps", "csat_mean", "ces")
_COLUMNS = [
    "metric", "step", "n", "score", "ci_low", "ci_high", "n_stopped", "n_went_on", "difference", "diff_low",
    "diff_high", "p_value", "effect_size",
]  # fmt: skip


def fit_feelings(answers: pd.DataFrame | None, journeys: Journeys, min_base: int) -> pd.DataFrame:
    """Scores after each step, and the difference of those who stopped there from those who went on.

    Parameters
    ----------
    answers
        `customer_id`, `answered_at`, and any of the survey's answers; optionally `weight`.
    min_base
        Fewest answers on each side of a difference; with fewer none is given.

    Returns
    -------
    DataFrame
        One row per score and step with answers: NPS, mean satisfaction, mean ease.
    """
    if answers is None or not len(answers) or "customer_id" not in answers:
        return pd.DataFrame()
    place = {customer: at for at, customer in enumerate(journeys.customers.to_pylist())}
    at = answers["customer_id"].map(place).to_numpy(dtype=float, na_value=np.nan)
    known = ~np.isnan(at) & answers["answered_at"].notna().to_numpy()
    rows, at = answers[known], at[known].astype(int)
    given = rows["answered_at"].to_numpy().astype("datetime64[us]").view(np.int64)
    moments = journeys.step_at[at]
    step = ((moments != NEVER) & (moments <= given[:, None])).sum(axis=1)
    under_way = given <= journeys.closed_at[at]
    went_on = under_way & (journeys.reached[at] > step)
    stopped = under_way & (journeys.reached[at] == step) & journeys.mature[at]
    weights = rows["weight"].to_numpy(dtype=float) if "weight" in rows else None
    found = []
    for name in _METRICS:
        metric = METRICS[name]
        if metric.column not in rows:
            continue
        answer = rows[metric.column]
        values = metric.coded(answer, ScoreRules()) if name == "nps" else answer.to_numpy(dtype=float)
        for reached in range(1, len(journeys.rules.steps) + 1):
            here, *sides = (
                sample_of(values[which], None if weights is None else weights[which], at[which])
                for which in (step == reached, (step == reached) & stopped, (step == reached) & went_on)
            )
            if not here.n:
                continue
            score = estimate(here, metric.kind)
            against = compare(*sides, metric.kind, min_base=min_base)
            told = (against.value, against.ci_low, against.ci_high, against.p_value, against.effect_size)
            if min(side.n for side in sides) < min_base:
                told = (np.nan,) * 5
            found.append((name, journeys.rules.steps[reached - 1], here.n, score.score, score.ci_low, score.ci_high,
                          sides[0].n, sides[1].n, *told))  # fmt: skip
    frame = pd.DataFrame(found, columns=_COLUMNS)
    return adjust(frame, ["metric"]) if len(frame) else frame

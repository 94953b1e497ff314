"""What segments are like: size, worth, behaviour and feeling, and how a unit's mix differs from the rest.

The columns that made the segments get effect sizes and no tests: the same data cannot both make a split and test it.
Columns held out of the making are tested, each segment against all others (see `comparisons`). Effect sizes are
differences in standard deviations (Cohen's d), on the scale the segments were made on; of shares, Cohen's h.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from cxinsights.analysis.comparisons import adjust, compare
from cxinsights.analysis.disclosure import further_hidden
from cxinsights.analysis.intervals import CONFIDENCE, t_interval, wilson, z_of
from cxinsights.analysis.scores import METRICS, Sample, estimate, sample_of
from cxinsights.analysis.segment_inputs import is_number, transformed
from cxinsights.params import ScoreRules

__all__ = ["held_out_table", "mix_table", "profile_table", "size_table", "traits_of", "value_column", "with_hidden"]

VALUE_COLUMNS = ("value", "order_amount")
LARGE, SMALL = 0.5, 0.2  # effect sizes from which a segment is named for a column (Cohen 1988: medium, small)
Kind = Literal["nps", "share", "mean"]


def value_column(customers: pd.DataFrame) -> str | None:
    """The column that says what a customer is worth: yearly value, else what was ordered."""
    return next((name for name in VALUE_COLUMNS if name in customers and is_number(customers[name])), None)


def size_table(segments: pd.Series, value: pd.Series | None, names: Sequence[str]) -> pd.DataFrame:
    """Customers and worth of each segment.

    Parameters
    ----------
    segments
        Segment of each customer.
    value
        Worth of each customer, missing where not known; None where the study has none.
    names
        Segments in the order of the rows; those without customers stay.

    Returns
    -------
    DataFrame
        `segment`, `n`, `n_total`, `share` (Wilson), `value_share` and `value_mean` with intervals: the share is a
        ratio of sums, its error linearised.
    """
    total = len(segments)
    rows = []
    for name in names:
        here = (segments == name).to_numpy()
        n = int(here.sum())
        share = n / total if total else np.nan
        limits = wilson(share, total) if total else (np.nan, np.nan)
        rows.append((name, n, total, share, *limits, *_worth(here, value)))
    columns = [
        "segment", "n", "n_total", "share", "share_low", "share_high", "n_value", "value_share", "value_low",
        "value_high", "value_mean", "value_mean_low", "value_mean_high",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def profile_table(customers: pd.DataFrame, segments: pd.Series, inputs: pd.DataFrame) -> pd.DataFrame:
    """How each segment differs from the others in what made it.

    Parameters
    ----------
    customers
        One row per customer, with the inputs in their own units.
    segments
        Segment of each, of the same length.
    inputs
        `variable` and `transform` of each input.

    Returns
    -------
    DataFrame
        One row per segment and input (and category): mean or share with interval, effect size with interval.
    """
    rows = []
    for variable, how in inputs[["variable", "transform"]].itertuples(index=False, name=None):
        for category, kind, values in _coded(customers, variable, None):
            scaled = transformed(customers[variable], how) if how in ("log", "rank", "score") else values
            for name in _in_order(segments):
                here = (segments == name).to_numpy()
                found = estimate(sample_of(values[here]), kind)
                effect = _effect(sample_of(scaled[here]), sample_of(scaled[~here]), kind)
                rows.append((name, variable, category, found.n, found.score, found.ci_low, found.ci_high, *effect))
    return pd.DataFrame(rows, columns=["segment", "variable", "category", "n", "score", "ci_low", "ci_high", *_EFFECT])


def held_out_table(
    customers: pd.DataFrame, segments: pd.Series, held_out: Sequence[str], rules: ScoreRules
) -> pd.DataFrame:
    """Scores of each segment in the columns held out, tested against all other customers.

    Returns
    -------
    DataFrame
        One row per segment and column (and category): score with interval, difference with interval, effect size
        with interval, `p_value` (missing where not tested), adjusted within the column.
    """
    rows = []
    for variable in held_out:
        for category, kind, values in _coded(customers, variable, rules):
            for name in _in_order(segments):
                here = (segments == name).to_numpy()
                own, rest = sample_of(values[here]), sample_of(values[~here])
                found, apart = estimate(own, kind), compare(own, rest, kind, min_base=rules.min_base)
                figures = (found.n, found.n_missing, found.score, found.ci_low, found.ci_high, rest.n)
                against = (apart.value, apart.ci_low, apart.ci_high, apart.p_value)
                rows.append((name, variable, category, kind, *figures, *against, *_effect(own, rest, kind)))
    columns = [
        "segment", "variable", "category", "kind", "n", "n_missing", "score", "ci_low", "ci_high", "n_compare",
        "difference", "diff_low", "diff_high", "p_value", *_EFFECT,
    ]  # fmt: skip
    return adjust(pd.DataFrame(rows, columns=columns), ["variable", "category"])


def mix_table(own: pd.Series, rest: pd.Series, names: Sequence[str]) -> pd.DataFrame:
    """Share of each segment among the report's customers against all others of the company.

    Parameters
    ----------
    own, rest
        Segments of the customers of each side.
    """
    rows = []
    for name in names:
        a, b = (Sample((side == name).to_numpy(dtype=float)) for side in (own, rest))
        found, apart = estimate(a, "share"), compare(a, b, "share")
        shares = (found.score, found.ci_low, found.ci_high, b.mean, apart.value, apart.ci_low, apart.ci_high)
        rows.append((name, "rest", a.n, b.n, *shares, apart.effect_size, apart.p_value))
    columns = [
        "segment", "comparison", "n", "n_compare", "share", "share_low", "share_high", "share_rest", "difference",
        "diff_low", "diff_high", "effect_size", "p_value",
    ]  # fmt: skip
    return adjust(pd.DataFrame(rows, columns=columns), ["comparison"])


def traits_of(profiles: pd.DataFrame) -> dict[str, str]:
    """What sets each segment apart, in as few words as keep all apart: `high visits_per_month; low digital_share`.

    The two largest effect sizes of 0.5 or more, else the largest of 0.2 or more; further ones while two segments
    would have the same. Of categories only those that are frequent count (`mostly channel = app`).
    """
    ranked = {name: list(_ranked(rows)) for name, rows in profiles.groupby("segment", sort=True)}
    taken = {
        name: min(max(sum(size >= LARGE for size, _ in told), 1), 2) if told else 0 for name, told in ranked.items()
    }
    while True:
        said = {name: "; ".join(text for _, text in told[: taken[name]]) for name, told in ranked.items()}
        alike = [name for name in said if list(said.values()).count(said[name]) > 1 and taken[name] < len(ranked[name])]
        if not alike:
            return {name: text or "average" for name, text in said.items()}
        for name in alike:
            taken[name] += 1


def with_hidden(frame: pd.DataFrame, threshold: int, by: Sequence[str] = (), base: str = "n") -> pd.DataFrame:
    """Mark the rows that would give a smaller segment away: the segments of a report add up to all its customers."""
    hidden = frame.get("hidden", pd.Series(False, index=frame.index)).astype(bool)
    groups = [rows for _, rows in frame.groupby(list(by), sort=False)] if by else [frame]
    for rows in groups:
        bases = np.concatenate([[rows[base].sum()], rows[base].to_numpy()])
        marks = further_hidden(bases, [(0, range(1, len(bases)))], np.zeros(len(bases), dtype=bool), threshold)
        hidden.loc[rows.index] |= marks[1:]
    return frame.assign(hidden=hidden)


_EFFECT = ["effect_size", "effect_low", "effect_high"]


def _in_order(segments: pd.Series) -> list[str]:
    return sorted(segments.unique())


def _coded(customers: pd.DataFrame, variable: str, rules: ScoreRules | None) -> Iterator[tuple[str, Kind, np.ndarray]]:
    """A column as numbers whose mean is its score, for each of its categories where it has any.

    With the study's rules, scores are read as on every other page: NPS, and the share of top answers.
    """
    column = customers[variable]
    metric = next(
        (m for m in METRICS.values() if rules and m.column == variable and m.name in ("nps", "csat", "ces")), None
    )
    if metric:
        yield "", metric.kind, metric.coded(column, rules)
    elif is_number(column):
        yield "", "mean", column.to_numpy(dtype=float)
    else:
        known = column.notna().to_numpy()
        for category in sorted(column.dropna().unique()):
            yield (
                str(category),
                "share",
                np.where(known, (column == category).to_numpy(dtype=float, na_value=0), np.nan),
            )


def _effect(own: Sample, rest: Sample, kind: Kind) -> tuple[float, float, float]:
    """Effect size with interval: the difference's interval in the same units; of shares, the arcsine's."""
    apart = compare(own, rest, kind, min_base=2)
    if not np.isfinite(apart.effect_size):
        return np.nan, np.nan, np.nan
    if kind == "share":
        half = z_of(CONFIDENCE) * float(np.sqrt(1 / own.n + 1 / rest.n))
        return apart.effect_size, apart.effect_size - half, apart.effect_size + half
    spread = _pooled(own, rest)
    return apart.effect_size, apart.ci_low / spread, apart.ci_high / spread


def _pooled(own: Sample, rest: Sample) -> float:
    sums = sum((s.n - 1) * s.values.var(ddof=1) for s in (own, rest))
    return float(np.sqrt(sums / (own.n + rest.n - 2)))


def _worth(here: np.ndarray, value: pd.Series | None) -> tuple[float, ...]:
    if value is None:
        return 0, *[np.nan] * 6
    worth = value.to_numpy(dtype=float)
    known = ~np.isnan(worth)
    n, total = int((here & known).sum()), worth[known].sum()
    if not n or not total > 0:
        return n, *[np.nan] * 6
    mean = estimate(sample_of(worth[here]), "mean")
    share = worth[here & known].sum() / total
    influence = worth[known] * (here[known] - share) / total  # of each customer on the ratio of two sums
    m = len(influence)
    se = float(np.sqrt(m / (m - 1) * (influence**2).sum())) if m > 1 else np.nan
    low, high = t_interval(share, se, m - 1)
    return n, share, max(low, 0.0), min(high, 1.0), mean.score, mean.ci_low, mean.ci_high


def _ranked(rows: pd.DataFrame) -> Iterator[tuple[float, str]]:
    """What a segment may be named for, largest effect first."""
    for one in rows.iloc[np.argsort(-rows["effect_size"].abs().fillna(0).to_numpy(), kind="stable")].itertuples():
        size = abs(one.effect_size)
        if size >= SMALL and not (one.category and one.effect_size < 0):
            level = "high" if one.effect_size > 0 else "low"
            yield size, f"mostly {one.variable} = {one.category}" if one.category else f"{level} {one.variable}"

"""The segmentation's tables."""

import pandas as pd

from cxinsights.analysis.intervals import CONFIDENCE
from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.numbers import (
    DASH,
    count,
    decimals_for,
    number,
    p_text,
    percent,
    plain,
    share_text,
    signed,
    with_interval,
)
from cxinsights.display.segmentation.names import Segmented, decimals_of, figure_text
from cxinsights.display.words import as_subject, joined
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.schemas.columns import value_label

__all__ = [
    "table_held_out", "table_migration", "table_mix", "table_profiles", "table_rules", "table_sizes", "table_tried",
]  # fmt: skip


def table_sizes(result: Guarded) -> Block:
    """Every segment: customers, worth, and whether it comes back."""
    segmented = Segmented(result)
    if not segmented.is_ok:
        return Nothing()
    rows, digits = [], decimals_of(result.segments, "value_mean_low", "value_mean_high")
    for one in result.segments.itertuples():
        told = [plain(one.share), *[DASH] * 4]
        if not isinstance(one.share, Suppressed):
            jaccard = with_interval(one.jaccard, one.jaccard_low, one.jaccard_high, 2)
            told = [
                share_text(one.share, one.share_low, one.share_high),
                _share(one.value_share, one.value_low, one.value_high),
                figure_text("mean", one.value_mean, one.value_mean_low, one.value_mean_high, digits),
                jaccard,
                value_label("standing", one.standing),
            ]
        rows.append([f"{one.segment} · {segmented.name(one.segment)}", *told, f"{one.n:,}"])
    names = ["Share (95% interval)", "Share of value", "Value per customer", "Jaccard index", "Standing", "Customers"]
    return _table(
        "numbers", "All segments as a table", ["Segment"], names, rows,
        note="Jaccard index: share of a segment that comes back in a bootstrap sample; stable from 0.75, a pattern "
        f"only from 0.6.{' Value is in the study’s currency.' * segmented.has_value}",
    )  # fmt: skip


def table_profiles(result: Guarded) -> Block:
    """What made the segments: mean or share of each, and the effect size against all other customers."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(result.profiles):
        return Nothing()
    rows, digits = [], _decimals_by_column(result.profiles)
    for one in result.profiles.itertuples():
        kind = "share" if one.category else "mean"
        told = [plain(one.score), DASH]
        if not isinstance(one.score, Suppressed):
            told = [figure_text(kind, one.score, one.ci_low, one.ci_high, digits[one.variable]), _effect(one)]
        rows.append([segmented.variable(one.variable, one.category), one.segment, *told, f"{one.n:,}"])
    return _table(
        "profile-numbers", "What made the segments, as a table", ["Column", "Segment"],
        ["Mean or share (95% interval)", "Effect size (95% interval)", "Customers"], rows,
        note="Effect size: difference from all other customers in standard deviations, on the scale the segments were "
        "made on (Cohen’s d; of shares, h). These columns made the segments, so that no test is given.",
    )  # fmt: skip


def table_held_out(result: Guarded) -> Block:
    """What was held out: scores of each segment, tested against all other customers."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(result.held_out):
        return Nothing()
    rows, digits = [], _decimals_by_column(result.held_out)
    for one in result.held_out.itertuples():
        told = [plain(one.score), DASH, DASH, DASH, DASH]
        if not isinstance(one.score, Suppressed):
            score = figure_text(one.kind, one.score, one.ci_low, one.ci_high, digits[one.variable])
            told = [score, *_difference(one), _effect(one)]
        rows.append([segmented.variable(one.variable, one.category), one.segment, *told, f"{one.n:,}"])
    names = ["Score (95% interval)", "From the others", "Verdict", "p adjusted", "Effect size", "Answers"]
    return _table(
        "held-out", "What the segments feel and are worth", ["Column", "Segment"], names, rows,
        subtitle="These columns had no part in making the segments",
        note="Each segment is compared with all other customers; p is adjusted (Benjamini–Hochberg) among all segments "
        f"and reports for the same column. Not tested: under 30 answers on a side.{segmented.latest_scores}",
    )  # fmt: skip


def table_mix(result: Guarded) -> Block:
    """Share of each segment here against the rest of the company."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(result.mix):
        return Nothing()
    rows = []
    for one in result.mix.itertuples():
        told = [plain(one.share), DASH, DASH, DASH, DASH]
        if not isinstance(one.share, Suppressed):
            told = [
                share_text(one.share, one.share_low, one.share_high), percent(one.share_rest),
                *_difference(one, "share"),
            ]  # fmt: skip
        rows.append([f"{one.segment} · {segmented.name(one.segment)}", *told])
    here, rest = (int(result.mix[name].iloc[0]) for name in ("n", "n_compare"))
    return _table(
        "mix", f"Segments of {segmented.subject.name} against the rest of the company", ["Segment"],
        ["Share here (95% interval)", "Share of the rest", "Difference, points", "Verdict", "p adjusted"], rows,
        note=f"{here:,} customers here, {rest:,} elsewhere; p is adjusted (Benjamini–Hochberg) among all segments and "
        "reports.",
    )  # fmt: skip


def table_tried(result: Guarded) -> Block:
    """Every number of segments tried, and how it was judged."""
    segmented = Segmented(result)
    if not segmented.is_ok or len(result.choice) < 2:  # of stated ranges there is nothing to choose
        return Nothing()
    rows = []
    for one in result.choice.itertuples():
        digits = 0 if one.criterion == "bic" else 2
        known = one.criterion_value == one.criterion_value
        rows.append(
            [
                f"{one.k}{', shown' if one.chosen else ''}",
                number(one.criterion_value, digits) if known else DASH,
                number(one.reference, digits) if known else DASH,
                number(one.reference_high, digits) if known else DASH,
                "yes" if one.stands_out else "no",
                with_interval(one.adjusted_rand, one.rand_low, one.rand_high, 2),
            ]
        )
    criterion = result.choice["criterion"].iloc[0]
    name, none = {
        "bic": ("BIC (low is good)", "One class"),
        "silhouette": ("Silhouette", "In structureless data"),
    }[criterion]
    return _table(
        "tried", "How many segments", ["Segments"],
        [name, none, "At most", "Stands out", "Adjusted Rand index (95% of pairs)"], rows,
        note=f"{count(segmented.chosen['n'], 'customer')} of the company. Stands out: clearly beyond structureless "
        "data with the same columns and correlations.",
    )  # fmt: skip


def table_migration(result: Guarded) -> Block:
    """Where the customers of each segment of the period before are now."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(result.migration):
        return Nothing()
    now = list(dict.fromkeys(result.migration["segment"]))
    rows = []
    for before, line in result.migration.groupby("segment_before", sort=True):
        cells = {one.segment: _share(one.share, one.share_low, one.share_high) for one in line.itertuples()}
        rows.append([f"{before}", *(cells.get(name, DASH) for name in now), f"{line['n'].iloc[0]:,}"])
    return _table(
        "migration", "Who moved since the period before", ["Segment before"],
        [*(f"Now {name}" for name in now), "Customers"], rows,
        subtitle="Share of each earlier segment’s customers, by the segment they are in now (95% interval)",
        note="The ranges are stated, and the same in both periods."
        if segmented.params.method == "rfm"
        else "Segments carry the letter of the earlier one that they overlap most, as the best assignment of all "
        "together.",
    )  # fmt: skip


def table_rules(result: Guarded) -> Block:
    """Rules that say which segment a new customer belongs to."""
    segmented = Segmented(result)
    if not segmented.is_ok or not len(result.rules):
        return Nothing()
    rows = []
    for one in result.rules.itertuples():
        text = as_subject(joined(segmented.conditions(one.rule)))
        rows.append([text, one.segment, _share(one.agreement, one.agreement_low, one.agreement_high), f"{one.n:,}"])
    summary = result.summary.iloc[0]
    agreement = share_text(summary.agreement, summary.agreement_low, summary.agreement_high)
    return _table(
        "rules", "Which segment a new customer belongs to", ["If"], ["Segment", "Right (95% interval)", "Customers"],
        rows,
        subtitle=f"Rules agree with the segments for {agreement} of customers left out in turn while they were made",
        note=f"Made of {int(summary.n_rule):,} customers of the company; every customer meets one rule. Right: among "
        "the customers of the rule.",
    )  # fmt: skip


def _table(
    key: str, title: str, texts: list[str], numbers: list[str], rows: list[list[str]], *, note: str, subtitle: str = ""
) -> Table:
    columns = [*(Column(name, numeric=False) for name in texts), *(Column(name) for name in numbers)]
    return Table(key, title, columns, rows, subtitle=subtitle, note=note)


def _decimals_by_column(frame: pd.DataFrame) -> dict[str, int]:
    return {name: decimals_of(rows) for name, rows in frame.groupby("variable", sort=False)}


def _share(share: float | Suppressed, low: float, high: float) -> str:
    if isinstance(share, Suppressed):
        return str(share)
    return DASH if pd.isna(share) else share_text(share, low, high)


def _effect(one) -> str:
    if pd.isna(one.effect_size):
        return DASH
    return with_interval(one.effect_size, one.effect_low, one.effect_high, 2, with_sign=True)


def _difference(one, kind: str = "") -> list[str]:
    """Difference with interval, verdict and adjusted p."""
    if isinstance(one.difference, Suppressed) or pd.isna(one.difference):
        return [plain(one.difference), "not tested", DASH]
    scale = 100 if (kind or one.kind) == "share" else 1
    value, low, high = (scale * figure for figure in (one.difference, one.diff_low, one.diff_high))
    digits = decimals_for((high - low) / 2) if (kind or one.kind) == "mean" else 0
    p = one.p_adjusted
    verdict = "not tested" if pd.isna(p) else "differs" if p < 1 - CONFIDENCE else "cannot tell"
    shown = f"{signed(value, digits)}\u00a0({signed(low, digits)}\u00a0to\u00a0{signed(high, digits)})"
    return [shown, verdict, p_text(p)]

"""What stands out in the unit's other reports, each with its number and a link to where it was found."""

import pandas as pd

from cxinsights.display.blocks import Block, Nothing
from cxinsights.display.findings import Finding, Findings
from cxinsights.display.numbers import count, metric_change, metric_with_interval, percent, share_text
from cxinsights.display.rating_words import difference_text
from cxinsights.display.scorecard.card import METRIC_NAMES
from cxinsights.display.words import in_sentence, joined
from cxinsights.params import ANALYSES
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import label, value_label

__all__ = ["list_reasons"]

_SILENT = {"not made": "Not made", "too_few": "Too few answers", "refused": "Could not be fitted", "no_data": "No data"}
_REPORTS = {"rating": "drivers", "step": "funnel", "group": "scorecard", "segment": "segmentation"}


def list_reasons(result: Guarded, findings: list[Finding]) -> Block:
    """What stands out, and what the other reports say in a sentence.

    Parameters
    ----------
    findings
        Headlines and links of the unit's other reports; where no pages are made there are none.
    """
    if result.status != "ok":
        return Nothing()
    links = {finding.report: finding.link for finding in findings}
    rows = result.reasons[is_shown(result.reasons["difference"])] if len(result.reasons) else result.reasons
    entries = [
        Finding(ANALYSES[_REPORTS[found]].title, text, links.get(ANALYSES[_REPORTS[found]].title, ""))
        for found, text in _told(result, rows)
    ]
    said = {entry.report for entry in entries}
    entries += [one for one in findings if one.report not in said]
    silent: dict[str, list[str]] = {}
    for name, why in result.missing.items():
        silent.setdefault(_SILENT[why], []).append(in_sentence(ANALYSES[name].title))
    if silent:
        told = " ".join(f"{why}: {joined(names)}." for why, names in silent.items())
        entries.append(Finding("Not said", told, ""))
    if not entries:
        return Nothing()
    title = "What stands out here" if said else "Nothing stands out from the rest of the company"
    return Findings(title, entries, key="reasons", by_report=True)


def _told(result: Guarded, rows: pd.DataFrame) -> list[tuple[str, str]]:
    """One sentence per thing found: a rating against all it is compared with, in one."""
    told = []
    for (found, name), same in rows.groupby(["found", "name"], sort=False):
        told.append((found, _TELLERS[found](result, name, same)))
    return told


def _rating(result: Guarded, name: str, rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    score = metric_with_interval("ces", first["score"], first["ci_low"], first["ci_high"])
    moved = joined([f"{difference_text(row)} {_AGAINST[row['against']]}" for _, row in rows.iterrows()])
    return f"{label(name, result.study)} {score}: {moved}. {count(first['n'])}."


_AGAINST = {
    "rest": "against the rest of the company",
    "year_ago": "on a year earlier",
    "previous": "on the period before",
}


def _step(result: Guarded, name: str, rows: pd.DataFrame) -> str:
    row = rows.iloc[0]
    here, there = share_text(row["score"], row["ci_low"], row["ci_high"]), percent(row["score_compare"])
    stage = in_sentence(value_label("stage", name, result.study))
    return f"{here} go on to {stage}; in the rest of the company {there} do. {count(row['n'], 'customer')}."


def _group(result: Guarded, name: str, rows: pd.DataFrame) -> str:
    row = rows.iloc[0]
    segment, _, group = name.partition("=")
    metric = row["against"]
    score = metric_with_interval(metric, row["score"], row["ci_low"], row["ci_high"])
    change, limits = metric_change(metric, row["difference"], row["diff_low"], row["diff_high"], "worse")
    who = f"{label(segment, result.study)} {in_sentence(value_label(segment, group, result.study))}"
    return f"{who}: {METRIC_NAMES[metric]} {score}, against the other groups {change} ({limits}). {count(row['n'])}."


def _segment(result: Guarded, name: str, rows: pd.DataFrame) -> str:
    row = rows.iloc[0]
    share, other = share_text(row["score"], row["ci_low"], row["ci_high"]), percent(row["score_compare"])
    where = "the rest of the company" if row["against"] == "rest" else "the period before"
    return f"Segment {name} is {share} of customers; in {where} {other}. {count(row['n'], 'customer')}."


_TELLERS = {"rating": _rating, "step": _step, "group": _group, "segment": _segment}

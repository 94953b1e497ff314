"""cxinsights: what customers feel, and what goes with it, for every business unit.

What an analyst imports as `cx`. A name is loaded from its home when first used, so that the command line, which
needs few of them, starts at once.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("cxinsights")

_HOMES = {
    "DriversParams": "params",
    "DriversResult": "analysis.drivers",
    "FunnelParams": "params",
    "FunnelResult": "analysis.funnel",
    "Guarded": "privacy",
    "JourneyRules": "analysis.journeys",
    "Project": "params",
    "ScorecardParams": "params",
    "ScorecardResult": "analysis.scorecard",
    "SegmentationParams": "params",
    "SegmentationResult": "analysis.segmentation",
    "Source": "report.source",
    "Study": "params",
    "Suppressed": "privacy",
    "assign_by_rules": "analysis.typing_rules",
    "figure_importance": "display.drivers",
    "figure_priority": "display.drivers",
    "figure_segments": "display.scorecard",
    "figure_trend": "display.scorecard",
    "fit_drivers": "analysis.drivers",
    "fit_funnel": "analysis.funnel",
    "fit_scorecard": "analysis.scorecard",
    "fit_segmentation": "analysis.segmentation",
    "guard": "privacy",
    "headline_drivers": "display.drivers",
    "headline_scorecard": "display.scorecard",
    "list_findings": "display.findings",
    "load_study": "params",
    "method_drivers": "display.drivers",
    "method_scorecard": "display.scorecard",
    "open_source": "report.source",
    "plot_importance": "display.drivers",
    "plot_priority": "display.drivers",
    "plot_segments": "display.scorecard",
    "plot_trend": "display.scorecard",
    "rake": "analysis.weighting",
    "read_table": "data.tables",
    "resolve": "params",
    "rfm_scores": "analysis.rfm",
    "scan_journeys": "analysis.journeys",
    "score_kpis": "display.scorecard",
    "table_changes": "display.scorecard",
    "table_coefficients": "display.drivers",
    "table_differences": "display.drivers",
    "table_drivers": "display.drivers",
    "table_parts": "display.scorecard",
    "table_rests": "display.scorecard",
    "table_scores": "display.scorecard",
    "table_segments": "display.scorecard",
    "table_sites": "display.scorecard",
    "tally_parts": "display.scorecard",
    "use_theme": "display.theme",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"cxinsights has no {name!r}")
    return getattr(import_module(f"cxinsights.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])

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
    "LinkageParams": "params",
    "LinkageResult": "analysis.linkage",
    "Project": "params",
    "ScorecardParams": "params",
    "ScorecardResult": "analysis.scorecard",
    "SegmentationParams": "params",
    "SegmentationResult": "analysis.segmentation",
    "Source": "report.source",
    "Study": "params",
    "Suppressed": "privacy",
    "assign_by_rules": "analysis.typing_rules",
    "figure_association": "display.linkage",
    "figure_choice": "display.segmentation",
    "figure_curve": "display.funnel",
    "figure_flows": "display.funnel",
    "figure_funnel": "display.funnel",
    "figure_importance": "display.drivers",
    "figure_items": "display.linkage",
    "figure_priority": "display.drivers",
    "figure_profiles": "display.segmentation",
    "figure_quadrants": "display.linkage",
    "figure_segments": "display.scorecard",
    "figure_sizes": "display.segmentation",
    "figure_stability": "display.segmentation",
    "figure_trend": "display.scorecard",
    "fit_drivers": "analysis.drivers",
    "fit_funnel": "analysis.funnel",
    "fit_linkage": "analysis.linkage",
    "fit_mixture": "analysis.mixtures",
    "fit_scorecard": "analysis.scorecard",
    "fit_segmentation": "analysis.segmentation",
    "gower": "analysis.clustering",
    "guard": "privacy",
    "headline_drivers": "display.drivers",
    "headline_funnel": "display.funnel",
    "headline_linkage": "display.linkage",
    "headline_scorecard": "display.scorecard",
    "headline_segmentation": "display.segmentation",
    "list_findings": "display.findings",
    "load_study": "params",
    "method_drivers": "display.drivers",
    "method_funnel": "display.funnel",
    "method_linkage": "display.linkage",
    "method_scorecard": "display.scorecard",
    "method_segmentation": "display.segmentation",
    "open_source": "report.source",
    "pam": "analysis.clustering",
    "plot_association": "display.linkage",
    "plot_choice": "display.segmentation",
    "plot_curve": "display.funnel",
    "plot_flows": "display.funnel",
    "plot_funnel": "display.funnel",
    "plot_importance": "display.drivers",
    "plot_items": "display.linkage",
    "plot_priority": "display.drivers",
    "plot_profiles": "display.segmentation",
    "plot_quadrants": "display.linkage",
    "plot_segments": "display.scorecard",
    "plot_sizes": "display.segmentation",
    "plot_stability": "display.segmentation",
    "plot_trend": "display.scorecard",
    "rake": "analysis.weighting",
    "read_table": "data.tables",
    "resolve": "params",
    "rfm_scores": "analysis.rfm",
    "scan_journeys": "analysis.journeys",
    "score_kpis": "display.scorecard",
    "table_aggregation": "display.linkage",
    "table_associations": "display.linkage",
    "table_changes": "display.scorecard",
    "table_coefficients": "display.drivers",
    "table_credit": "display.funnel",
    "table_curve": "display.funnel",
    "table_differences": "display.drivers",
    "table_drivers": "display.drivers",
    "table_feelings": "display.funnel",
    "table_flows": "display.funnel",
    "table_groups": "display.funnel",
    "table_held_out": "display.segmentation",
    "table_item_associations": "display.linkage",
    "table_leave_one_out": "display.linkage",
    "table_linkage_model": "display.linkage",
    "table_linkage_sites": "display.linkage",
    "table_migration": "display.segmentation",
    "table_mix": "display.segmentation",
    "table_moves": "display.funnel",
    "table_others": "display.funnel",
    "table_parts": "display.scorecard",
    "table_profiles": "display.segmentation",
    "table_reliability": "display.linkage",
    "table_rests": "display.scorecard",
    "table_rules": "display.segmentation",
    "table_scores": "display.scorecard",
    "table_segments": "display.scorecard",
    "table_sites": "display.scorecard",
    "table_sizes": "display.segmentation",
    "table_steps": "display.funnel",
    "table_times": "display.funnel",
    "table_tried": "display.segmentation",
    "table_why": "display.funnel",
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

"""The scorecard: its sentences, score table, figures and tables."""

from cxinsights.display.scorecard.benchmarks import table_benchmarks
from cxinsights.display.scorecard.case_mix import table_case_mix
from cxinsights.display.scorecard.falls import list_falls
from cxinsights.display.scorecard.figures import figure_segments, figure_trend, plot_segments, plot_trend
from cxinsights.display.scorecard.groups import table_contacts, table_segments
from cxinsights.display.scorecard.leagues import (
    figure_league,
    figure_limits,
    plot_league,
    plot_limits,
    table_league,
    table_split,
)
from cxinsights.display.scorecard.sentences import headline_scorecard, score_kpis, tally_parts
from cxinsights.display.scorecard.tables import (
    method_scorecard,
    table_changes,
    table_parts,
    table_rests,
    table_scores,
    table_sites,
)
from cxinsights.display.scorecard.units import list_units

__all__ = [
    "figure_league",
    "figure_limits",
    "figure_segments",
    "figure_trend",
    "headline_scorecard",
    "list_falls",
    "list_units",
    "method_scorecard",
    "plot_league",
    "plot_limits",
    "plot_segments",
    "plot_trend",
    "score_kpis",
    "table_benchmarks",
    "table_case_mix",
    "table_changes",
    "table_contacts",
    "table_league",
    "table_parts",
    "table_rests",
    "table_scores",
    "table_segments",
    "table_sites",
    "table_split",
    "tally_parts",
]

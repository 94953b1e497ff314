"""The journey-funnel report: its sentences, three figures and tables."""

from cxinsights.display.funnel.curves import figure_curve, plot_curve
from cxinsights.display.funnel.figures import figure_funnel, plot_funnel
from cxinsights.display.funnel.flows import figure_flows, plot_flows
from cxinsights.display.funnel.method import method_funnel
from cxinsights.display.funnel.paths import table_credit, table_feelings, table_flows, table_moves, table_why
from cxinsights.display.funnel.sentences import headline_funnel
from cxinsights.display.funnel.tables import table_curve, table_groups, table_others, table_steps, table_times

__all__ = [
    "figure_curve",
    "figure_flows",
    "figure_funnel",
    "headline_funnel",
    "method_funnel",
    "plot_curve",
    "plot_flows",
    "plot_funnel",
    "table_credit",
    "table_curve",
    "table_feelings",
    "table_flows",
    "table_groups",
    "table_moves",
    "table_others",
    "table_steps",
    "table_times",
    "table_why",
]

"""The employee–customer linkage: its sentences, three figures and tables."""

from cxinsights.display.linkage.association import figure_association, plot_association
from cxinsights.display.linkage.matrix import figure_items, plot_items
from cxinsights.display.linkage.method import method_linkage
from cxinsights.display.linkage.quadrants import figure_quadrants, plot_quadrants
from cxinsights.display.linkage.sentences import headline_linkage
from cxinsights.display.linkage.tables import (
    table_aggregation,
    table_associations,
    table_item_associations,
    table_leave_one_out,
    table_linkage_model,
    table_linkage_sites,
    table_reliability,
)

__all__ = [
    "figure_association",
    "figure_items",
    "figure_quadrants",
    "headline_linkage",
    "method_linkage",
    "plot_association",
    "plot_items",
    "plot_quadrants",
    "table_aggregation",
    "table_associations",
    "table_item_associations",
    "table_leave_one_out",
    "table_linkage_model",
    "table_linkage_sites",
    "table_reliability",
]

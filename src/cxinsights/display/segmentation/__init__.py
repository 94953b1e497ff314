"""The segmentation report: its sentences, four figures and tables."""

from cxinsights.display.segmentation.method import method_segmentation
from cxinsights.display.segmentation.profile import figure_profiles, plot_profiles
from cxinsights.display.segmentation.reliability import figure_choice, figure_stability, plot_choice, plot_stability
from cxinsights.display.segmentation.sentences import headline_segmentation
from cxinsights.display.segmentation.sizes import figure_sizes, plot_sizes
from cxinsights.display.segmentation.tables import (
    table_held_out,
    table_migration,
    table_mix,
    table_profiles,
    table_rules,
    table_sizes,
    table_tried,
)

__all__ = [
    "figure_choice",
    "figure_profiles",
    "figure_sizes",
    "figure_stability",
    "headline_segmentation",
    "method_segmentation",
    "plot_choice",
    "plot_profiles",
    "plot_sizes",
    "plot_stability",
    "table_held_out",
    "table_migration",
    "table_mix",
    "table_profiles",
    "table_rules",
    "table_sizes",
    "table_tried",
]

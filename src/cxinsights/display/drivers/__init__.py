"""The driver report: its sentences, figures, sliders and tables."""

from cxinsights.display.drivers.contrasts import table_contrasts
from cxinsights.display.drivers.figures import figure_importance, figure_priority, plot_importance, plot_priority
from cxinsights.display.drivers.gaps import table_gaps
from cxinsights.display.drivers.sentences import headline_drivers
from cxinsights.display.drivers.tables import (
    method_drivers,
    table_coefficients,
    table_differences,
    table_dominance,
    table_drivers,
    table_penalties,
)
from cxinsights.display.drivers.what_if import what_if

__all__ = [
    "figure_importance",
    "figure_priority",
    "headline_drivers",
    "method_drivers",
    "plot_importance",
    "plot_priority",
    "table_coefficients",
    "table_contrasts",
    "table_differences",
    "table_dominance",
    "table_drivers",
    "table_gaps",
    "table_penalties",
    "what_if",
]

"""The brief of a unit: its headline, what goes with it, what to do next, and the actions under way."""

from cxinsights.display.brief.actions import table_actions
from cxinsights.display.brief.method import method_brief
from cxinsights.display.brief.ratings import figure_ratings, plot_ratings
from cxinsights.display.brief.reasons import list_reasons
from cxinsights.display.brief.sentences import headline_brief
from cxinsights.display.brief.steps import list_steps

__all__ = [
    "figure_ratings",
    "headline_brief",
    "list_reasons",
    "list_steps",
    "method_brief",
    "plot_ratings",
    "table_actions",
]

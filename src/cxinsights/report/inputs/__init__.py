"""What each analysis reads of a study, and the function that it is for: a module per analysis, and the list."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cxinsights.analysis.drivers import fit_drivers
from cxinsights.analysis.funnel import fit_funnel
from cxinsights.analysis.linkage import fit_linkage
from cxinsights.analysis.segmentation import fit_segmentation
from cxinsights.report.inputs.drivers import read_drivers
from cxinsights.report.inputs.funnel import read_funnel
from cxinsights.report.inputs.linkage import read_linkage
from cxinsights.report.inputs.reading import Inputs, Opened
from cxinsights.report.inputs.segmentation import read_segmentation

__all__ = ["FITTED", "Fitted", "Inputs"]


class Fitted(NamedTuple):
    """An analysis that is fitted to rows."""

    fit: Callable[..., Any]
    read: Callable[[Opened], Inputs]


FITTED = {
    "segmentation": Fitted(fit_segmentation, read_segmentation),
    "funnel": Fitted(fit_funnel, read_funnel),
    "linkage": Fitted(fit_linkage, read_linkage),
    "drivers": Fitted(fit_drivers, read_drivers),
}
"""By analysis; the scorecard reads the baseline and no rows."""

"""What each analysis reads of a study, and the function that it is for: a module per analysis, and the list.

An analysis is loaded when its report asks for it: a kernel starts sooner without the libraries of the others.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from cxinsights.report.inputs.reading import Inputs, Opened

__all__ = ["FITTED", "Fitted", "Inputs", "fitted"]

FITTED = ("segmentation", "funnel", "linkage", "drivers", "brief")
"""Analyses with inputs of their own; the scorecard reads the baseline and no rows."""


class Fitted(NamedTuple):
    """An analysis with inputs of its own."""

    fit: Callable[..., Any]
    read: Callable[[Opened], Inputs]


def fitted(analysis: str) -> Fitted:
    """Function and reader of one of `FITTED`, from the modules of its name."""
    fit = import_module(f"cxinsights.analysis.{analysis}")
    read = import_module(f"cxinsights.report.inputs.{analysis}")
    return Fitted(getattr(fit, f"fit_{analysis}"), getattr(read, f"read_{analysis}"))

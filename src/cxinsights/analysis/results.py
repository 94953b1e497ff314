"""What a result is made of: tidy tables that say their base, and frames that never leave the kernel.

A result is a frozen dataclass. Each of its frames is declared once, as a `table` (publishable through the
guard, with the column that holds its base) or as `private` (a row per person: never recorded, never shown).
"""

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

import pandas as pd

__all__ = ["Published", "Status", "private", "published_tables", "table"]

Status = Literal["ok", "too_few", "refused", "no_data"]
"""How an analysis ended; anything but ok has its reason beside it, and is a result all the same."""


@dataclass(frozen=True)
class Published:
    """How one table may leave: which column is its base, whose answers they are, what stays when hidden."""

    base: str
    whose: Literal["customers", "employees"]
    keep: tuple[str, ...]


def table(
    base: str = "n",
    *,
    keep: Sequence[str],
    whose: Literal["customers", "employees"] = "customers",
) -> Any:
    """Declare a publishable frame of a result.

    Parameters
    ----------
    base
        Column with the number of answers behind each row.
    keep
        Columns that name a row; all others are hidden where the base is too small.
    whose
        Whose answers they are: customers and employees have thresholds of their own.
    """
    return field(
        default_factory=pd.DataFrame,
        metadata={"publish": Published(base, whose, (*keep, base))},
    )


def private() -> Any:
    """Declare a frame that stays in the kernel or under `private/`."""
    return field(default_factory=pd.DataFrame, repr=False, metadata={"private": True})


def published_tables(result: Any) -> dict[str, Published]:
    """Publishable frames of a result class or result, by name."""
    return {
        f.name: f.metadata["publish"]
        for f in fields(result)
        if f.default_factory is not MISSING and "publish" in f.metadata
    }

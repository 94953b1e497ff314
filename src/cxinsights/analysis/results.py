"""What a result is made of: tidy tables that say their base, and frames that never leave the kernel.

A result is a frozen dataclass. Each of its frames is declared once, as a `table` (publishable through the
guard, with the column that holds its base) or as `private` (a row per person: never recorded, never shown).
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

import pandas as pd

__all__ = ["Published", "Status", "Whose", "private", "published_tables", "table"]

Whose = Literal["customers", "employees"]
Status = Literal["ok", "too_few", "refused", "no_data"]
"""How an analysis ended; anything but ok has its reason beside it, and is a result all the same."""


@dataclass(frozen=True)
class Published:
    """How one table may leave: which column is its base, whose answers they are, what stays when hidden."""

    bases: dict[str, Whose]
    """Columns with the answers behind each row, the first leading, and whose answers they are."""
    keep: tuple[str, ...]
    family: tuple[str, ...] | None
    """Columns that name a family of tests; None where the table holds none, or has them adjusted already."""
    plan: tuple[str, ...] | None
    """Columns that name a figure which totals link to the same figure of other reports; None where none do."""
    groups: str | None = None
    """Column of groups that add up to each place's whole, in a table with a plan."""
    counts: tuple[str, ...] = ()
    """Columns that count customers who gave no figure; with the base they add up to a whole that is shown."""
    adds_up: bool = False
    """Whether its rows add up to a figure that is shown, so that a single hidden one would follow from the others."""

    @property
    def base(self) -> str:
        """The leading base."""
        return next(iter(self.bases))


def table(
    base: str = "n",
    *,
    keep: Sequence[str],
    whose: Whose = "customers",
    also: Mapping[str, Whose] | None = None,
    family: Sequence[str] | None = None,
    plan: Sequence[str] | None = None,
    groups: str | None = None,
    counts: Sequence[str] = (),
    adds_up: bool = False,
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
    also
        Further columns that are bases of each row, and whose answers those are.
    family
        For a table with `p_value`: columns that name a family of tests. All reports of a period are adjusted
        together, and `p_adjusted` and `n_comparisons` are added (or replaced) before anything is shown.
    plan
        Columns that name a figure whose company, region and unit values add up (its base does): where one is too
        small to be shown, the period's plan hides what it would follow from.
    counts
        Columns that count customers who gave no figure (left it blank, are not concerned) and with the base add up to
        a whole that is shown: where one of them is too small, none is.
    adds_up
        Whether the rows' figures add up to one that is shown: where one row is hidden, none is shown.
    """
    bases = {base: whose, **(also or {})}
    families, plans = (tuple(names) if names else None for names in (family, plan))
    how = Published(bases, (*keep, *bases), families, plans, groups, tuple(counts), adds_up)
    return field(default_factory=pd.DataFrame, metadata={"publish": how})


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

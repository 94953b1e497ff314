"""Where a place's drivers differ: from the rest of what it belongs to, and from the period before."""

import pandas as pd

from cxinsights.display.blocks import Block, Column, Nothing, Table
from cxinsights.display.drivers.names import is_fitted, outcome_name
from cxinsights.display.numbers import DASH, count, decimals_for, with_interval
from cxinsights.display.words import as_subject, in_sentence, joined
from cxinsights.params import ALL
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import label

__all__ = ["table_contrasts"]


def table_contrasts(result: Guarded) -> Block:
    """Each driver's coefficient here against elsewhere and against the period before."""
    if not is_fitted(result) or not len(result.contrasts):
        return Nothing()
    frame = result.contrasts
    against = {"rest": _rest_of(result), "previous": "the period before"}
    kinds = [kind for kind in against if (frame["against"] == kind).any()]
    own = frame.set_index(["driver", "against"])
    half = float((frame["diff_high"] - frame["diff_low"]).median()) / 2
    digits = max(decimals_for(half), 1)
    rows = []
    for driver in (name for name in result.importance["driver"] if name in set(frame["driver"])):
        row = [label(driver, result.study)]
        for kind in kinds:
            one = own.loc[(driver, kind)] if (driver, kind) in own.index else None
            row += [DASH, DASH] if one is None else _compared(one, digits)
        rows.append(row)
    sizes = [f"{count(frame.loc[frame['against'] == kind, 'n_compare'].max())} from {against[kind]}" for kind in kinds]
    heads = [name for kind in kinds for name in (f"Against {against[kind]}", "Verdict")]
    return Table(
        "contrasts",
        _title(result, frame, against),
        [Column("Driver", numeric=False), *map(Column, heads)],
        rows,
        subtitle=f"How much more {outcome_name(result)} goes with one point here than there, others equal",
        note=f"{as_subject(joined(sizes))}. The verdict is of a test adjusted over all reports of the period, at 5%, "
        "so that a difference whose own interval leaves out zero can still be not clear.",
    )


def _compared(one: pd.Series, digits: int) -> list[str]:
    return [
        with_interval(one["difference"], one["diff_low"], one["diff_high"], digits, with_sign=True),
        "clear" if one["is_clear"] else "not clear",
    ]


def _title(result: Guarded, frame: pd.DataFrame, against: dict[str, str]) -> str:
    clear = frame[frame["is_clear"].astype(bool)]
    said = []
    for kind, words in against.items():
        own = clear[clear["against"] == kind]
        more = [in_sentence(label(name, result.study)) for name in own.loc[own["difference"] > 0, "driver"]]
        less = [in_sentence(label(name, result.study)) for name in own.loc[own["difference"] < 0, "driver"]]
        said += [f"{joined(names, 3)} {'goes' if len(names) == 1 else 'go'} {how} closely with {outcome_name(result)} "
                 f"than in {words}" for names, how in ((more, "more"), (less, "less")) if names]  # fmt: skip
    return as_subject("; ".join(said)) if said else "No driver clearly differs from elsewhere, or from before"


def _rest_of(result: Guarded) -> str:
    """What the rest is the rest of."""
    params = result.params
    if params.unit == ALL or result.study.one_region:
        return f"the rest of {result.study.label}"
    return f"the rest of {result.study.region(params.region).label}"

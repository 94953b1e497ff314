"""Counts of an import, as its manifest holds them: what was read, and where each raw row went.

Raw rows = rows kept + rows rejected + rows left out, per file and in all. The rows of the table are as many as the
rows kept, unless a raw row holds several events, an order is made of several raw rows, or marks add events.
"""

import pandas as pd

from cxinsights.errors import DataError, RejectedRowsError
from cxinsights.params import Study, TableSpec

__all__ = ["counts", "refuse_if_too_many"]


def counts(
    rows: pd.DataFrame, rejected: pd.DataFrame, files: list[dict], left_out: list[dict], spec: TableSpec
) -> dict:
    """The manifest's entry of one table.

    Parameters
    ----------
    rows
        The table.
    rejected
        Raw rows set apart: `file`, `line`, `reason`.
    files
        Per file its raw `rows`, and those `left_out`.
    left_out
        Per rule `reason`, `rows`, and `file` and `line` of the first.

    Returns
    -------
    dict
        `rows`, `kept`, `rejected`, `left_out` (raw rows); `in_table`; `files`, `reasons`, `left_out_reasons`;
        `stages` (of journeys in one row: `answered` and `blank`); `marks` (events made, by stage); `columns`, `units`,
        `periods`.
    """
    by_file = rejected["file"].value_counts()
    listed = [_with_kept(file, int(by_file.get(file["file"], 0))) for file in files]
    whole = {name: sum(file[name] for file in listed) for name in ("rows", "kept", "rejected", "left_out")}
    stages = rows["stage"].value_counts() if spec.stages or spec.marks else {}
    return {
        **whole,
        "in_table": len(rows),
        "files": listed,
        "reasons": [
            {"reason": kind, "rows": len(group), "file": group["file"].iloc[0], "line": int(group["line"].iloc[0])}
            for kind, group in rejected.groupby(rejected["reason"].map(_kind), sort=True)
        ],
        "left_out_reasons": left_out,
        "stages": {
            name: {"answered": int(stages.get(name, 0)), "blank": whole["kept"] - int(stages.get(name, 0))}
            for name in spec.stages
        },
        "marks": {name: int(stages.get(name, 0)) for name in spec.marks},
        "columns": {name: _answers(rows, name) for name in sorted(rows)},
        "units": {
            f"{region}/{unit}": int(count) for (region, unit), count in rows.groupby(["region", "unit"]).size().items()
        },
        "periods": (
            {str(p): int(c) for p, c in rows["period"].value_counts().sort_index().items()} if "period" in rows else {}
        ),
    }


def refuse_if_too_many(rejected: pd.DataFrame, files: list[dict], table: str, study: Study) -> None:
    """Raise where there are no rows, or more faulty ones than `max_reject_share` allows of those not left out.

    Raises
    ------
    DataError
        The files hold no rows, or all of them are left out.
    RejectedRowsError
        Too many rows are faulty.
    """
    read = sum(file["rows"] for file in files)
    total = read - sum(file["left_out"] for file in files)
    if read == 0:
        raise DataError(f"{study.name}: {table}: the raw files hold no rows.")
    if total == 0:
        raise DataError(
            f"{study.name}: {table}: leave_out leaves out every one of {read:,} raw rows. Narrow its rules in "
            f"params/{study.name}/study.yml."
        )
    if len(rejected) / total <= study.max_reject_share:
        return
    told = [
        f"{file}: {reason}: {len(group):,} row{'s' if len(group) > 1 else ''} (first: line {group['line'].min()})."
        for (file, reason), group in sorted(
            rejected.assign(reason=rejected["reason"].map(_kind)).groupby(["file", "reason"]),
            key=lambda pair: -len(pair[1]),
        )
    ]
    more = f" And {len(told) - 8} more kinds of fault." if len(told) > 8 else ""
    raise RejectedRowsError(
        f"{study.name}: {table}: {len(rejected):,} of {total:,} rows are faulty "
        f"({len(rejected) / total:.0%}; max_reject_share allows {study.max_reject_share:.0%}). "
        f"{' '.join(told[:8])}{more} Nothing was written. Mend the files or the mapping in "
        f"params/{study.name}/study.yml."
    )


def _with_kept(file: dict, rejected: int) -> dict:
    return {**file, "rejected": rejected, "kept": file["rows"] - file["left_out"] - rejected}


def _kind(reason: str) -> str:
    """A reason without the one place it names, so that like reasons count together."""
    for mark in ("the same row as ", ": also at "):
        if mark in reason:
            return reason.split(mark)[0] + {"the same row as ": "the same row as another"}.get(mark, ": used twice")
    return reason


def _answers(rows: pd.DataFrame, name: str) -> dict[str, int]:
    """How many rows of a column have a value, were left blank, or were marked as not applying."""
    answered = int(rows[name].notna().sum())
    applies = f"{name}_applies"
    elsewhere = int((~rows[applies]).sum()) if applies in rows else 0
    return {"answered": answered, "blank": len(rows) - answered - elsewhere, "does_not_apply": elsewhere}

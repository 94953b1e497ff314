"""Import a study: raw files → validated tables, with every row accounted for.

Each raw row ends in a table, or among the rejects with its file, line and reason, or is left out on purpose and
counted by reason; the manifest holds the counts, and they add up. Nothing replaces the last good tables until all
tables of the study are whole.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from cxinsights.data.atomic import replaced_folder
from cxinsights.data.checking import faults_of_rows, refuse_missing, repeats
from cxinsights.data.counting import counts, refuse_if_too_many
from cxinsights.data.manifest import MANIFEST, read_manifest
from cxinsights.data.mapping import MappedFile, add_period, map_columns
from cxinsights.data.reshaping import combined, left_out, marked, spread_to_order, unfolded
from cxinsights.data.sources import RawFile, find_files, read_raw
from cxinsights.data.tables import data_hash
from cxinsights.errors import SourceError
from cxinsights.params import Project, SourceSpec, Study, TableSpec
from cxinsights.schemas.tables import ORDER

__all__ = ["import_study"]

_PLACE = ["file", "line"]
"""Where a raw row stands."""


@dataclass
class _Gathered:
    """One table on its way in: typed rows, and what was set apart or left out."""

    rows: pd.DataFrame
    unread: pd.DataFrame
    """Rows with a value that cannot be read, as far as they can."""
    rejects: list[pd.DataFrame] = field(default_factory=list)
    files: list[dict] = field(default_factory=list)
    left_out: list[dict] = field(default_factory=list)


def import_study(project: Project, study: Study, force: bool = False) -> dict:
    """Import every table of a study, or do nothing where nothing has changed.

    Returns
    -------
    dict
        The manifest: per table the raw rows read, kept, rejected and left out, by file and reason, the rows of the
        table, the answers per column (answered, blank, does not apply), and short names of each unit's rows. Counts,
        lines and names only.

    Raises
    ------
    SourceError
        A raw file is missing or cannot be read.
    DataError
        A file lacks a mapped column, a table lacks a column it needs, or a mark does not fit the stages that are there.
    RejectedRowsError
        More rows of a table are faulty than `max_reject_share` allows.
    """
    located = _locate(project, study)
    fingerprint = _fingerprint(study, located)
    target = project.tables(study.name)
    if not force and (target / MANIFEST).exists():
        manifest = read_manifest(project, study)
        if manifest["fingerprint"] == fingerprint:
            return manifest
    manifest = {"version": 1, "fingerprint": fingerprint, "tables": {}}
    rejects = []
    with replaced_folder(target) as folder:
        for table, spec in study.tables.items():
            gathered = _gather(table, spec, located[table], study)
            refuse_missing(gathered.rows, table, study)
            _set_apart(gathered, spec, table, study)
            rejected = _all_rejects(gathered)
            refuse_if_too_many(rejected, gathered.files, table, study)
            rows = gathered.rows
            if spec.marks:
                rows = marked(rows, spec, f"{study.name}: {table}")
            if spec.combine:
                rows = combined(rows, spec.combine, f"{study.name}: {table}")
            parts = _write(rows, folder / table, table)
            counted = counts(rows, rejected, gathered.files, gathered.left_out, spec)
            manifest["tables"][table] = {**counted, "parts": parts}
            rejects.append(rejected.assign(table=table))
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        _write_rejects(pd.concat(rejects, ignore_index=True), project.private(study.name))
    return manifest


def _locate(project: Project, study: Study) -> dict[str, list[tuple[SourceSpec, Path]]]:
    folders = project.raw_folders(study.name, study.raw_folder)
    located: dict[str, list[tuple[SourceSpec, Path]]] = {}
    for table, spec in study.tables.items():
        shown = f"{study.name}: {table}"
        located[table] = [
            (source, path)
            for source in spec.sources
            for pattern in source.files
            for path in find_files(folders, pattern, shown)
        ]
    return located


def _fingerprint(study: Study, located: dict[str, list[tuple[SourceSpec, Path]]]) -> str:
    """Hash of all that decides the tables: raw bytes, mapping, and the code that applies it."""
    digest = hashlib.sha256()
    settings = study.model_dump(
        mode="json",
        include={"tables", "columns", "surveys", "scores", "periods", "cutoff", "regions", "max_reject_share"},
    )
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for package in ("cxinsights.params", "cxinsights.data", "cxinsights.schemas"):
        for source in sorted(files(package).iterdir(), key=lambda f: f.name):
            if source.name.endswith(".py"):
                digest.update(source.read_bytes())
    digest.update(files("cxinsights").joinpath("columns.yml").read_bytes())
    for pairs in located.values():
        for _, path in pairs:
            digest.update(path.name.encode())
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _gather(table: str, spec: TableSpec, located: list[tuple[SourceSpec, Path]], study: Study) -> _Gathered:
    """Read and type all files of one table; set apart the rows that cannot be read or typed."""
    names = [path.name for _, path in located]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(
            f"{study.name}: {table}: more than one file is called {', '.join(twice)}. Rows are named by file and line: "
            "give the files names of their own."
        )
    raws = [read_raw(path, source) for source, path in located]
    gathered = _Gathered(pd.DataFrame(), pd.DataFrame())
    gone = [pd.Series(False, index=raw.rows.index) for raw in raws]
    if spec.leave_out:
        gone, gathered.left_out = left_out(raws, spec.leave_out, f"{study.name}: {table}")
    frames, unread = [], []
    for (source, path), raw, out in zip(located, raws, gone, strict=True):
        read = replace(raw, rows=raw.rows[~out]) if out.any() else raw
        mapped = map_columns(read, spec, source, study, f"{study.name}: {table}: {path.name}")
        rejects, faulty = _unreadable(read, mapped)
        gathered.rejects.append(rejects)
        rows = mapped.rows.set_axis(pd.MultiIndex.from_product([[path.name], mapped.rows.index], names=_PLACE))
        unread.append(rows[faulty])
        frames.append(unfolded(rows[~faulty], mapped.stages[~faulty]) if spec.stages else rows[~faulty])
        total = len(raw.rows) + len(raw.broken)
        gathered.files.append({"file": path.name, "rows": total, "left_out": int(out.sum())})
    gathered.rows = _derived(pd.concat(frames), table, study)
    gathered.unread = pd.concat(unread)
    return gathered


def _unreadable(raw: RawFile, mapped: MappedFile) -> tuple[pd.DataFrame, np.ndarray]:
    """Rejects of a file as it was read, and which of its whole rows are among them."""
    faults = pd.DataFrame(mapped.faults, columns=["line", "reason"])
    unread = faults.groupby("line")["reason"].agg("; ".join).reset_index()
    unread["raw"] = raw.rows.loc[unread["line"]].agg("\t".join, axis=1).to_numpy() if len(unread) else ""
    return (
        pd.concat([raw.broken, unread], ignore_index=True).assign(file=raw.name),
        raw.rows.index.isin(unread["line"]),
    )


def _derived(rows: pd.DataFrame, table: str, study: Study) -> pd.DataFrame:
    """Add the columns a study may leave out: the only region, the usual survey, the period of a date."""
    if "region" not in rows and study.one_region:
        rows["region"] = next(iter(study.regions))
    if table in ("responses", "invitations") and "survey" not in rows:
        rows["survey"] = next(iter(study.surveys))
    add_period(rows, study)
    for name in [c for c in rows if c.endswith("_applies")]:
        rows[name] = rows[name].astype("boolean").fillna(True).astype(bool)  # a file without the column
    return rows


def _set_apart(gathered: _Gathered, spec: TableSpec, table: str, study: Study) -> None:
    """Hold the rows to the table's schema and to one another; move the faulty ones to the rejects, whole."""
    rows = gathered.rows
    reasons = faults_of_rows(rows, table, study)
    if spec.combine:  # lines of one order may well be alike
        reasons = spread_to_order(reasons, rows, gathered.unread, spec.combine)
    else:
        good = (reasons == "").to_numpy()
        reasons[good] = repeats(rows[good], table)
    at_fault = reasons[reasons != ""]
    told = at_fault.groupby(level=_PLACE).agg(lambda said: "; ".join(dict.fromkeys(said)))
    faulty = rows.index.isin(told.index)
    if faulty.any():
        bad = rows[faulty].astype("str").fillna("").agg("\t".join, axis=1)
        raw = bad.groupby(level=_PLACE).agg("\n".join)
        gathered.rejects.append(told.to_frame("reason").assign(raw=raw).reset_index())
    gathered.rows = rows[~faulty]


def _all_rejects(gathered: _Gathered) -> pd.DataFrame:
    rejected = pd.concat(gathered.rejects, ignore_index=True) if gathered.rejects else pd.DataFrame()
    return rejected.sort_values(["file", "line"], ignore_index=True)[["file", "line", "reason", "raw"]]


def _write(rows: pd.DataFrame, folder: Path, table: str) -> dict[str, str]:
    """Write a file per unit; short names of their contents."""
    parts = {}
    rows = rows.reset_index(drop=True).sort_values(list(ORDER[table]), kind="stable", ignore_index=True)
    for (region, unit), part in rows.groupby(["region", "unit"], sort=True):
        path = folder / str(region) / f"{unit}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.to_parquet(path, index=False)
        parts[f"{region}/{unit}"] = data_hash(part)
    return parts


def _write_rejects(rejected: pd.DataFrame, private: Path) -> None:
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = private / f".rejects-{os.getpid()}.parquet"
    rejected[["table", "file", "line", "reason", "raw"]].to_parquet(fresh, index=False)
    os.replace(fresh, private / "rejects.parquet")

"""Import a study: raw files → validated tables, with every row accounted for.

Each raw row ends in a table or among the rejects, with its file, line and reason; the manifest holds the
counts, and they add up. Nothing replaces the last good tables until all tables of the study are whole.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import pandas as pd
from pandera.errors import SchemaErrors

from cxinsights.data.atomic import replaced_folder
from cxinsights.data.manifest import MANIFEST, read_manifest
from cxinsights.data.mapping import map_columns
from cxinsights.data.sources import find_files, read_raw
from cxinsights.errors import DataError, RejectedRowsError, SourceError
from cxinsights.params import ALL, Project, SourceSpec, Study, TableSpec
from cxinsights.schemas.checks import schema
from cxinsights.schemas.tables import KEYS, NEEDED, ORDER, SCORES

__all__ = ["import_study"]


@dataclass
class _Gathered:
    """One table on its way in: typed rows, and what was set apart."""

    rows: pd.DataFrame
    rejects: list[pd.DataFrame] = field(default_factory=list)
    files: list[dict] = field(default_factory=list)


def import_study(project: Project, study: Study, force: bool = False) -> dict:
    """Import every table of a study, or do nothing where nothing has changed.

    Returns
    -------
    dict
        The manifest: per table the rows read, kept and rejected, by file and reason, and the answers per
        column (answered, blank, does not apply). Counts, lines and names only.

    Raises
    ------
    SourceError
        A raw file is missing or cannot be read.
    DataError
        A file lacks a mapped column, or a table lacks a column it needs.
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
            _check(gathered, table, study)
            rejected = _all_rejects(gathered)
            _refuse_if_too_many(rejected, gathered, table, study)
            _write(gathered.rows, folder / table, table)
            manifest["tables"][table] = _counts(gathered, rejected)
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
    gathered = _Gathered(pd.DataFrame())
    names = [path.name for _, path in located]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(
            f"{study.name}: {table}: more than one file is called {', '.join(twice)}. Rows are named by file and line: "
            "give the files names of their own."
        )
    frames = []
    for source, path in located:
        raw = read_raw(path, source)
        mapped = map_columns(raw, spec.columns, source, study, f"{study.name}: {table}: {path.name}")
        faults = pd.DataFrame(mapped.faults, columns=["line", "reason"])
        unread = faults.groupby("line")["reason"].agg("; ".join).reset_index()
        unread["raw"] = raw.rows.loc[unread["line"]].agg("\t".join, axis=1).to_numpy() if len(unread) else ""
        rejects = pd.concat([raw.broken, unread], ignore_index=True).assign(file=path.name)
        gathered.rejects.append(rejects)
        kept = mapped.rows.drop(index=unread["line"])
        kept.index = pd.MultiIndex.from_product([[path.name], kept.index], names=["file", "line"])
        frames.append(kept)
        gathered.files.append({"file": path.name, "rows": len(raw.rows) + len(raw.broken)})
    gathered.rows = _derived(pd.concat(frames), table, study)
    return gathered


def _derived(rows: pd.DataFrame, table: str, study: Study) -> pd.DataFrame:
    """Add the columns a study may leave out: the only region, the usual survey."""
    if "region" not in rows and study.one_region:
        rows["region"] = next(iter(study.regions))
    if table == "responses" and "survey" not in rows:
        rows["survey"] = next(iter(study.surveys))
    for name in [c for c in rows if c.endswith("_applies")]:
        rows[name] = rows[name].astype("boolean").fillna(True).astype(bool)  # a file without the column
    return rows


def _check(gathered: _Gathered, table: str, study: Study) -> None:
    """Hold the rows to the table's schema and to one another; move the faulty ones to the rejects."""
    rows = gathered.rows
    missing = [name for name in NEEDED[table] if name not in rows]
    if table == "responses" and not any(name in rows for name in SCORES):
        missing.append(f"one of {', '.join(SCORES)}")
    if missing:
        raise DataError(
            f"{study.name}: {table}: the mapping lacks {', '.join(missing)}. "
            f"Add under tables.{table}.columns in params/{study.name}/study.yml."
        )
    reasons = pd.Series("", index=rows.index, dtype="str")

    def reject(faulty: pd.Series, reason: str | pd.Series) -> None:
        said = reason[faulty] if isinstance(reason, pd.Series) else reason
        reasons.loc[faulty] = reasons[faulty].where(reasons[faulty] == "", reasons[faulty] + "; ") + said

    numbered = rows.reset_index(drop=True)
    try:
        schema(table, study, list(rows.columns)).validate(numbered, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.dropna(subset="index")  # holds raw values: counted here, never printed
        for (name, check), group in cases.groupby(["column", "check"]):
            text = "empty" if check == "not_nullable" else check
            faulty = pd.Series(False, index=rows.index)
            faulty.iloc[group["index"].astype(int).unique()] = True
            reject(faulty, f"{name}: {text}")
    reject(_strangers(rows, table, study), "unit: not one of the region's units in params")
    if study.cutoff is not None and "occurred_at" in rows:
        late = rows["occurred_at"] >= pd.Timestamp(study.cutoff) + pd.Timedelta(days=1)
        reject(late.fillna(False), "occurred_at: after the study's cutoff")
    repeated = _repeated(rows[reasons == ""], table).reindex(rows.index, fill_value="")
    reject(repeated != "", repeated)

    faulty = reasons != ""
    if faulty.any():
        bad = rows[faulty]
        gathered.rejects.append(
            pd.DataFrame(
                {
                    "file": bad.index.get_level_values("file"),
                    "line": bad.index.get_level_values("line"),
                    "reason": reasons[faulty].to_numpy(),
                    "raw": bad.astype("str").fillna("").agg("\t".join, axis=1).to_numpy(),
                }
            )
        )
    gathered.rows = rows[~faulty]


def _strangers(rows: pd.DataFrame, table: str, study: Study) -> pd.Series:
    """Rows whose unit is not one of their region's (regions nobody knows are a fault of their own)."""
    known = {(name, unit) for name, region in study.regions.items() for unit in region.units}
    if table in ("targets", "benchmarks"):
        known |= {(name, ALL) for name in study.regions} | {(ALL, ALL)}
    pairs = pd.MultiIndex.from_frame(rows[["region", "unit"]])
    stranger = ~pairs.isin(list(known)) & rows["unit"].notna().to_numpy()
    return pd.Series(stranger, index=rows.index) & rows["region"].isin([*study.regions, ALL])


def _repeated(rows: pd.DataFrame, table: str) -> pd.Series:
    """Reason for each row that says again, or otherwise, what another row says."""
    reasons = pd.Series("", index=rows.index, dtype="str")
    place = pd.Series([f"line {line} of {file}" for file, line in rows.index], index=rows.index)
    same = rows.duplicated(keep="first")
    if same.any():
        first = place.groupby([rows[c] for c in rows], dropna=False, sort=False).transform("first")
        reasons[same] = "the same row as " + first[same]
    key = list(KEYS.get(table, ()))
    if key:
        alone = rows[~same]
        clash = alone.duplicated(key, keep=False)
        if clash.any():
            others = alone[clash]
            at = place[others.index]
            grouped = at.groupby([others[c] for c in key], sort=False)
            other = at.where(at != grouped.transform("first"), grouped.transform("last"))
            other = other.where(at == grouped.transform("first"), grouped.transform("first"))
            reasons[others.index] = f"{' + '.join(key)}: also at " + other + ", with other content"
    return reasons


def _all_rejects(gathered: _Gathered) -> pd.DataFrame:
    rejected = pd.concat(gathered.rejects, ignore_index=True) if gathered.rejects else pd.DataFrame()
    return rejected.sort_values(["file", "line"], ignore_index=True)[["file", "line", "reason", "raw"]]


def _refuse_if_too_many(rejected: pd.DataFrame, gathered: _Gathered, table: str, study: Study) -> None:
    total = sum(f["rows"] for f in gathered.files)
    if total == 0:
        raise DataError(f"{study.name}: {table}: the raw files hold no rows.")
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


def _kind(reason: str) -> str:
    """A reason without the one place it names, so that like reasons count together."""
    for mark in ("the same row as ", ": also at "):
        if mark in reason:
            return reason.split(mark)[0] + {"the same row as ": "the same row as another"}.get(mark, ": used twice")
    return reason


def _write(rows: pd.DataFrame, folder: Path, table: str) -> None:
    rows = rows.reset_index(drop=True).sort_values(list(ORDER[table]), kind="stable", ignore_index=True)
    for (region, unit), part in rows.groupby(["region", "unit"], sort=True):
        path = folder / str(region) / f"{unit}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.to_parquet(path, index=False)


def _write_rejects(rejected: pd.DataFrame, private: Path) -> None:
    private.mkdir(parents=True, exist_ok=True)
    fresh = private / f".rejects-{os.getpid()}.parquet"
    rejected[["table", "file", "line", "reason", "raw"]].to_parquet(fresh, index=False)
    os.replace(fresh, private / "rejects.parquet")


def _counts(gathered: _Gathered, rejected: pd.DataFrame) -> dict:
    by_file = rejected["file"].value_counts()
    listed = [
        {**f, "rejected": int(by_file.get(f["file"], 0)), "kept": f["rows"] - int(by_file.get(f["file"], 0))}
        for f in gathered.files
    ]
    kinds = rejected.assign(kind=rejected["reason"].map(_kind))
    reasons = [
        {"reason": kind, "rows": len(group), "file": group["file"].iloc[0], "line": int(group["line"].iloc[0])}
        for kind, group in kinds.groupby("kind", sort=True)
    ]
    total, lost = sum(f["rows"] for f in listed), len(rejected)
    return {
        "rows": total,
        "kept": total - lost,
        "rejected": lost,
        "files": listed,
        "reasons": reasons,
        "columns": {name: _answers(gathered.rows, name) for name in sorted(gathered.rows)},
        "units": {
            f"{region}/{unit}": int(count)
            for (region, unit), count in gathered.rows.groupby(["region", "unit"]).size().items()
        },
        "periods": (
            {str(p): int(c) for p, c in gathered.rows["period"].value_counts().sort_index().items()}
            if "period" in gathered.rows
            else {}
        ),
    }


def _answers(rows: pd.DataFrame, name: str) -> dict[str, int]:
    """How many rows of a column have a value, were left blank, or were marked as not applying."""
    answered = int(rows[name].notna().sum())
    applies = f"{name}_applies"
    elsewhere = int((~rows[applies]).sum()) if applies in rows else 0
    return {"answered": answered, "blank": len(rows) - answered - elsewhere, "does_not_apply": elsewhere}

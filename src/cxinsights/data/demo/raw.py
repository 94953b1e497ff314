"""The demo company's raw files, as an export would look: codes, odd headers, several formats, and dirt."""

import csv
import gzip
import hashlib
import io
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from cxinsights.data.atomic import replaced_folder
from cxinsights.data.demo.company import make_customers, make_engagement, make_sites
from cxinsights.data.demo.journeys import make_events, make_orders
from cxinsights.data.demo.surveys import make_employees, make_invitations, make_responses
from cxinsights.data.demo.truth import Truth, read_truth
from cxinsights.params import ALL, Project

__all__ = ["make_demo"]

_REGION_CODES = {"emea": "1", "americas": "2", "apac": "3"}
_UNIT_CODES = {"retail": "RT", "bank": "BK", "airport": "AP", "clinic": "CL"}
_SURVEY_CODES = {"relationship": "R", "transactional": "T", "mystery": "M"}
_AGE_CODES = {"18-34": "1", "35-54": "2", "55+": "3"}
_STAMP = "made-from.txt"


def make_demo(project: Project, study: str = "demo") -> Path:
    """Make the demo company's raw files, or keep them where they were made from the same truth and code.

    Returns
    -------
    Path
        The folder of raw files.
    """
    raw = project.data(study) / "raw"
    stamp = _fingerprint()
    if (raw / _STAMP).exists() and (raw / _STAMP).read_text(encoding="utf-8").strip() == stamp:
        return raw
    truth = read_truth()
    sites = make_sites(truth)
    engagement = make_engagement(truth, sites)
    customers = make_customers(truth, sites)
    with replaced_folder(raw) as folder:
        rng = np.random.default_rng([truth.seed, 7])
        responses = make_responses(truth, sites, customers, engagement)
        _write_responses(responses, truth, rng, folder)
        _write_employees(make_employees(truth, sites, engagement), truth, rng, folder)
        _write_events(make_events(truth, customers), truth, rng, folder)
        _write_orders(make_orders(truth, customers), truth, rng, folder)
        _write_customers(customers, sites, folder)
        _write_targets(truth, folder)
        _write_csv(make_invitations(truth, responses), folder / "invitations.csv")
        (folder / _STAMP).write_text(stamp + "\n", encoding="utf-8")
    private = project.private(study)
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    customers[["customer_id", "segment"]].to_parquet(private / "planted_segments.parquet", index=False)
    return raw


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for source in sorted(files(__package__).iterdir(), key=lambda f: f.name):
        if source.name.endswith((".py", ".yml")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _write_responses(responses: pd.DataFrame, truth: Truth, rng: np.random.Generator, folder: Path) -> None:
    """One CSV a quarter; the first two quarters have the older headers and dates."""
    raw = pd.DataFrame({"ResponseID": responses["response_id"]})
    dates = responses["answered_at"]
    older = responses["period"].isin(truth.periods[:2])
    raw["Date"] = dates.dt.strftime("%Y-%m-%dT%H:%M:%S").where(~older, dates.dt.strftime("%d/%m/%Y %H:%M"))
    raw["Region"] = responses["region"].map(_REGION_CODES)
    raw["BU"] = responses["unit"].map(_UNIT_CODES)
    raw["Branch"] = responses["site"]
    raw["Type"] = responses["survey"].map(_SURVEY_CODES)
    raw["Channel"] = responses["channel"]
    raw["Touchpoint"] = responses["touchpoint"]
    raw["Customer"] = responses["customer_id"]
    raw["Age"] = responses["age_group"].map(_AGE_CODES).fillna("9")
    raw["Recommend"] = _coded(responses["nps_answer"], "99")
    raw["Satisfaction"] = _coded(responses["csat_score"], "9")
    raw["Ease"] = _coded(responses["ces_score"], "9")
    relationship = responses["survey"] == "relationship"
    for name in truth.drivers:
        codes = _coded(responses[f"{name}_rating"], "99").mask(~responses[f"{name}_rating_applies"], "98")
        raw[f"R_{name}"] = codes.where(relationship, "")  # the other surveys do not ask it
    for name in truth.expectations:
        raw[f"E_{name}"] = _coded(responses[f"{name}_expected"], "")
    raw["Weight"] = responses["weight"].map("{:.4f}".format)
    raw["Comment"] = responses["comment"]
    raw = raw.fillna("")

    dirt = truth.dirt["responses"]
    chosen = rng.choice(len(raw), size=sum(dirt.values()), replace=False)
    rows = dict(zip(dirt, np.split(chosen, np.cumsum(list(dirt.values()))[:-1]), strict=True))
    raw.loc[rows["out_of_range"], "Satisfaction"] = "55"
    raw.loc[rows["unknown_unit"], "BU"] = "ZZ"
    raw.loc[rows["bad_date"], "Date"] = "31/02/26"
    again = raw.loc[rows["same_row"]]
    other = raw.loc[rows["same_id"]].assign(Comment="Sent twice with a correction. (made-up comment)")
    period = responses["period"]
    for at, name in enumerate(truth.periods):
        part = pd.concat([frame[period.loc[frame.index] == name] for frame in (raw, again, other)])
        if at < 2:
            part = part.rename(columns={"Recommend": "NPS ", "Branch": "branch", "Weight": "WEIGHT"})
        _write_csv(part, folder / f"responses_{name}.csv.gz", rows["extra_field"], bom=at % 2 == 1)


def _write_employees(employees: pd.DataFrame, truth: Truth, rng: np.random.Generator, folder: Path) -> None:
    raw = employees.astype(object)
    for name in [c for c in raw if c.endswith("_item")]:
        raw[name] = _coded(employees[name], "")
    dirt = truth.dirt["employees"]
    chosen = rng.choice(len(raw), size=sum(dirt.values()), replace=False)
    raw.loc[chosen[: dirt["out_of_range"]], "engagement_1_item"] = "7"
    raw = pd.concat([raw, raw.loc[chosen[dirt["out_of_range"] :]]])
    _write_csv(raw, folder / "employees.tsv", delimiter="\t")


def _write_events(events: pd.DataFrame, truth: Truth, rng: np.random.Generator, folder: Path) -> None:
    dirt = truth.dirt["events"]
    chosen = rng.choice(len(events), size=sum(dirt.values()), replace=False)
    late = events.loc[chosen[: dirt["after_cutoff"]]]
    moved = pd.Timestamp(truth.cutoff) + pd.to_timedelta(np.arange(2, 2 + len(late)), unit="D")
    again = events.loc[chosen[dirt["after_cutoff"] :]]
    raw = pd.concat([events, late.assign(occurred_at=moved), again], ignore_index=True)
    raw["occurred_at"] = raw["occurred_at"].astype("datetime64[us]")
    raw.to_parquet(folder / "events.parquet", index=False)


def _write_orders(orders: pd.DataFrame, truth: Truth, rng: np.random.Generator, folder: Path) -> None:
    raw = orders.assign(
        ordered_at=orders["ordered_at"].dt.strftime("%Y-%m-%dT%H:%M:%S"),
        amount=orders["amount"].map("{:.2f}".format),
    )
    bad = rng.choice(len(raw), size=truth.dirt["orders"]["bad_number"], replace=False)
    raw.loc[bad, "amount"] = "pending"
    _write_csv(raw, folder / "orders.tsv.gz", delimiter="\t")


def _write_customers(customers: pd.DataFrame, sites: pd.DataFrame, folder: Path) -> None:
    raw = customers.drop(columns=["segment", "mood", "site_at"])
    raw.insert(3, "site", sites["site"].to_numpy()[customers["site_at"]])
    raw["joined_at"] = raw["joined_at"].dt.strftime("%Y-%m-%d")
    _write_csv(raw, folder / "customers.csv")


def _write_targets(truth: Truth, folder: Path) -> None:
    """An Excel book with a sheet for the targets of every unit and one for the benchmark."""
    made = pd.Timestamp("2025-12-15")
    common = {"date": made, "base": "all customers"}
    places = [(r, u) for r, units in truth.regions.items() for u in [ALL, *units]] + [(ALL, ALL)]
    targets = [
        {"region": r, "unit": u, "metric": m, "period": p, "value": v, "source": "Yearly plan 2026 (made up)", **common}
        for r, u in places
        for m, v in truth.targets.items()
        for p in truth.periods[-3:]
    ]
    benchmarks = [
        {"region": ALL, "unit": ALL, "metric": m, "period": p, "value": v, "source": "Made-up benchmark", **common}
        for m, v in truth.benchmarks.items()
        for p in truth.periods[-3:]
    ]
    with pd.ExcelWriter(folder / "targets.xlsx", engine="openpyxl") as book:
        pd.DataFrame(targets).to_excel(book, sheet_name="Targets", index=False)
        pd.DataFrame(benchmarks).to_excel(book, sheet_name="Benchmarks", index=False)


def _coded(values: pd.Series, blank: str) -> pd.Series:
    codes = {value: f"{value:.0f}" for value in values.dropna().unique()}
    return values.map(codes).astype(object).where(values.notna(), blank)


def _write_csv(
    frame: pd.DataFrame, path: Path, extra_field: Collection[int] = (), delimiter: str = ",", bom: bool = False
) -> None:
    """Write rows as text; rows in `extra_field` get a field too many, as a stray delimiter makes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(frame.columns)
    rows = list(zip(*(frame[name].tolist() for name in frame), strict=True))
    for at in np.flatnonzero(frame.index.isin(list(extra_field))):
        rows[at] = (*rows[at], "")
    writer.writerows(rows)
    content = text.getvalue().encode("utf-8-sig" if bom else "utf-8")
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=3, mtime=0)
    path.write_bytes(content)

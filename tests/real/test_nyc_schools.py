"""The school survey, against the published file: teachers' and parents' scores of the same schools."""

import csv
import gzip
from math import atanh
from pathlib import Path
from statistics import correlation

import pandas as pd
import pytest

from cxinsights.analysis.linkage import fit_linkage
from cxinsights.data.manifest import known_periods
from cxinsights.data.tables import read_table
from cxinsights.params import ALL, resolve
from cxinsights.privacy import Guarded, Suppressed
from cxinsights.report.source import open_source

TOPICS = {
    "safety": ("saf", 0.54),
    "academic": ("aca", 0.48),
    "engagement": ("eng", 0.42),
    "communication": ("com", 0.39),
}


@pytest.fixture(scope="module")
def published(shared_data: Path, schools) -> list[dict[str, str]]:
    """Rows of the file as the standard library reads them, the cut-off one among them."""
    with gzip.open(shared_data / "nyc_schools/survey_2011.tsv.gz", "rt", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def sites(schools) -> pd.DataFrame:
    return read_table(schools.project, schools.study, "sites").set_index("site")


@pytest.fixture(scope="module")
def company(schools) -> Guarded:
    """The company report's result, as readers may see it."""
    source = open_source(resolve(schools.study, "linkage", "2011"), schools.project)
    return source.guard(source.fit(fit_linkage))


def test_the_cut_off_last_row_is_set_apart_with_its_line(schools, published) -> None:
    assert len(published) == 455
    rejects = pd.read_parquet(schools.project.private("nyc-schools") / "rejects.parquet")
    told = rejects[["file", "line", "reason"]].to_numpy().tolist()
    assert told == [["survey_2011.tsv.gz", 456, "668 fields where the header has 1942"]]
    assert rejects["raw"].str.startswith(published[-1]["dbn"]).all()
    table = schools.manifest["tables"]["sites"]
    assert (table["rows"], table["kept"], table["rejected"]) == (455, 454, 1)


def test_each_school_has_its_district_and_borough_and_both_bases(schools, sites, published) -> None:
    assert known_periods(schools.project, schools.study) == ["2011"]
    borough = {"M": "manhattan", "X": "bronx"}
    for row in published[:-1]:
        kept = sites.loc[row["schoolname"]]
        assert (kept["region"], kept["unit"]) == (borough[row["dbn"][2]], row["dbn"][:2])
        assert kept["n_customers"] == int(row["N_p"] or 0)
        assert kept["n_employees"] == int(row["N_t"] or 0)
    assert (sites["n_customers"] == 0).sum() == 2
    named = {(name, unit) for name, region in schools.study.regions.items() for unit in region.units}
    assert named == set(sites[["region", "unit"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("topic", TOPICS)
def test_teachers_and_parents_agree_as_far_as_the_published_scores_say(sites, published, topic: str) -> None:
    short, stated = TOPICS[topic]
    told = [(row[f"{short}_t_11"], row[f"{short}_p_11"]) for row in published[:-1]]
    complete = [(float(t), float(p)) for t, p in told if t and p]
    kept = sites[[f"{topic}_teachers_score", f"{topic}_parents_score"]].dropna()
    assert len(kept) == len(complete) == 452
    r = kept.corr().iloc[0, 1]
    assert r == pytest.approx(correlation(*zip(*complete, strict=True)))
    assert round(r, 2) == stated


@pytest.mark.parametrize("topic", TOPICS)
def test_the_company_report_says_how_far_teachers_and_parents_agree(company, topic: str) -> None:
    rows = company.associations
    row = rows[(rows["item"] == f"{topic}_teachers_score") & (rows["correlation_kind"] == "pearson")].squeeze()
    assert row["metric"] == f"{topic}_parents_score"
    assert row["n"] == 452
    assert round(row["correlation"], 2) == TOPICS[topic][1]
    assert row["ci_low"] < row["correlation"] < row["ci_high"]
    half_width = 1.96 / (452 - 3) ** 0.5  # on Fisher's scale, whatever the correlation
    assert atanh(row["ci_high"]) - atanh(row["correlation"]) == pytest.approx(half_width, rel=1e-3)


def test_every_school_that_takes_part_is_shown_so_that_no_mean_tells_of_a_hidden_one(company, sites) -> None:
    few = sites[sites["n_employees"] < 5]
    assert list(few["n_employees"]) == [3, 3]
    shown = company.sites.set_index("site")
    assert shown.loc[few.index, "takes_part"].all()
    figures = shown.loc[shown["takes_part"].astype(bool), "employee_score"]
    assert not any(isinstance(value, Suppressed) for value in figures)


def test_a_district_is_placed_among_all_schools(schools) -> None:
    source = open_source(resolve(schools.study, "linkage", "2011", "manhattan", "02"), schools.project)
    summary = source.guard(source.fit(fit_linkage)).summary.squeeze()
    assert (summary["n_sites"], summary["n_own"]) == (454, 109)


def test_the_linkage_asks_for_the_same_topics_on_both_sides(schools) -> None:
    for place in ((ALL, ALL), ("bronx", ALL), ("manhattan", "02")):
        params = resolve(schools.study, "linkage", "2011", *place)
        assert params.items == [f"{topic}_teachers_score" for topic in TOPICS]
        assert params.scores == [f"{topic}_parents_score" for topic in TOPICS]

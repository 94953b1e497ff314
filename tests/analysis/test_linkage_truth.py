"""The linkage finds what was planted, and no more than chance where nothing was: made-up, demo and real companies."""

import numpy as np
import pandas as pd

from cxinsights.analysis.correlations import pearson
from cxinsights.analysis.linkage import SCALE, LinkageResult, fit_linkage
from cxinsights.analysis.regression import fit_linear
from cxinsights.data.demo.truth import read_truth
from cxinsights.data.tables import read_table
from tests.analysis.linked import ITEMS, KEY, SCORES, asked, company, fitted, means_only


def lead(result: LinkageResult) -> pd.Series:
    return result.associations.iloc[0]


def test_a_slope_on_unreliable_means_is_corrected_towards_what_was_planted() -> None:
    """Mean of eight companies: the plain slope is too flat, the corrected one is the planted 40 within two errors."""
    plain, corrected = [], []
    for seed in range(8):
        result = fitted(company(60, 40, seed, staff=6, customers=150, noise=4, regions=1, units=1), n_boot=200)
        row = result.model.iloc[0]
        plain.append(row["coefficient"])
        corrected.append(row["corrected"])
    error = np.std(corrected, ddof=1) / np.sqrt(8)
    assert abs(np.mean(corrected) - 40) < 2 * error + 0.8  # five answers to an item round the scale a little
    assert np.mean(plain) < 34


def test_the_schools_of_new_york(shared_data) -> None:
    """Teachers against parents over complete pairs: 0.54, 0.48, 0.42, 0.39, as the data's README has them."""
    raw = pd.read_csv(
        shared_data / "nyc_schools" / "survey_2011.tsv.gz", sep="\t", encoding="utf-8-sig", na_values=["NA"]
    )
    names = ["saf", "com", "eng", "aca"]
    lists = {"items": [f"{n}_t_11" for n in names], "scores": [f"{n}_p_11" for n in names]}
    used = raw[["dbn", "N_p", "N_t", "schooltype", *lists["items"], *lists["scores"]]]
    sites = used.rename(columns={"dbn": "site", "N_p": "n_customers", "N_t": "n_employees"}).assign(
        region="nyc", unit=raw["dbn"].str[:2]
    )
    result = fit_linkage(sites, asked(**lists, controls=["schooltype"], min_employees=1))
    rows = result.associations[result.associations["correlation_kind"] == "pearson"].set_index("item")
    assert rows["correlation"].round(2).to_dict() == {
        "saf_t_11": 0.54, "com_t_11": 0.39, "eng_t_11": 0.42, "aca_t_11": 0.48,
    }  # fmt: skip
    assert (rows["n"] == 453).all()
    assert (rows["ci_low"] > 0.3).all()
    assert result.items["is_pair"].sum() == 4


def test_the_planted_slope_of_the_demo_company_comes_back(demo) -> None:
    """0.8 points of likelihood for a point of engagement a quarter earlier, less what the end of the scale takes.

    Answers end at 10, which shrinks every strength alike: by how much, the drivers' planted strengths tell.
    """
    truth = read_truth()
    items = [f"engagement_{i + 1}_item" for i in range(truth.engagement.items)]
    employees = read_table(*demo, "employees", periods=["2026Q2"], columns=[*KEY, *items])
    ratings = [f"{name}_rating" for name in ("resolution", "ease", "staff", "informed", "waiting")]
    answers = read_table(*demo, "responses", periods=["2026Q3"], survey="relationship",
                         columns=[*KEY, "nps_answer", *ratings])  # fmt: skip
    known = answers.dropna(subset=["nps_answer", *ratings])
    by_unit = known.groupby(["region", "unit"])
    centred = known[["nps_answer", *ratings]] - by_unit[["nps_answer", *ratings]].transform("mean")
    strengths = fit_linear(centred[ratings].to_numpy(), centred["nps_answer"].to_numpy()).coefficients[1:]
    planted = [truth.drivers[name.removesuffix("_rating")].strength for name in ratings]
    expected = truth.engagement.slope * strengths.sum() / sum(planted)
    assert 0.65 < expected < 0.8
    customers = answers[KEY].assign(likelihood=answers["nps_answer"])
    sites = (
        employees.groupby(KEY)[items].mean().assign(n_employees=employees.groupby(KEY).size())
        .join(customers.groupby(KEY)["likelihood"].agg(["mean", "count"]), how="outer").reset_index()
        .rename(columns={"mean": "likelihood", "count": "n_customers"})
    )  # fmt: skip
    result = fit_linkage(
        sites, asked(items=items, scores=["likelihood"]), employees=employees, customers=customers, item_range=(1, 5)
    )
    rows = result.model[result.model["grouping"] == "unit"].set_index("term")
    for term in ("total", "within"):
        assert rows.loc[term, "corrected_low"] < expected < rows.loc[term, "corrected_high"]
    assert rows.loc["within", "coefficient"] < rows.loc["within", "corrected"]
    spread = result.aggregation.set_index("measure").loc[SCALE]
    assert spread["sd_low"] < truth.engagement.between_sites < spread["sd_high"]
    assert result.summary["n_small"].item() == 1  # the planted small site


def test_a_permuted_company_shows_nothing_more_often_than_its_level_says() -> None:
    """Scores dealt out to sites anew, 400 times: 5 % is 20; 10 to 31 hold 99 % of such counts."""
    made = means_only(company(30, noise=0))
    staff, scores = made["sites"][ITEMS].mean(axis=1).to_numpy(), made["sites"]["nps"].to_numpy()
    rng = np.random.default_rng(11)
    found = sum(pearson(staff, rng.permutation(scores)).p_value < 0.05 for _ in range(400))
    assert 10 <= found <= 31


def test_in_a_permuted_company_items_model_and_headline_are_quiet_too() -> None:
    """40 companies with scores dealt out anew: any adjusted item, a slope, a headline: at most 2 expected of each.

    7 or more of 40 at 5 % come three times in a thousand.
    """
    made = company(30, noise=0)
    rng = np.random.default_rng(12)
    counts = dict.fromkeys(["items", "within", "headline"], 0)
    for _ in range(40):
        dealt = {"sites": made["sites"].assign(**{s: rng.permutation(made["sites"][s]) for s in SCORES})}
        result = fitted(dealt, n_boot=200)
        row = lead(result)
        counts["items"] += (result.items["p_adjusted"] < 0.05).any()
        counts["within"] += (result.model[result.model["term"] == "within"]["p_value"].iloc[0] < 0.05).any()
        counts["headline"] += row["ci_low"] > 0 or row["ci_high"] < 0
    assert max(counts.values()) <= 6, counts

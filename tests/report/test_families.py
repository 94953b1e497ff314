"""Tests are adjusted among all reports of a period, and what a small figure follows from is hidden on all of them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from cxinsights.analysis.results import Status, published_tables, table
from cxinsights.errors import AnalysisError
from cxinsights.params import ALL, Study
from cxinsights.report.families import gather, load_families, places_of, save_families, with_families
from tests.small import STUDY, small_study

REGIONS = {"emea": "label: E\nunits: {a: {label: A}, b: {label: B}}\n", "apac": "label: P\nunits: {c: {label: C}}\n"}


@dataclass(frozen=True)
class Result:
    """A result whose rows are compared with other reports'."""

    status: Status
    steps: pd.DataFrame = table(keep=["step"], family=["step"], plan=["step"])
    other: pd.DataFrame = table(keep=["step"])
    groups: pd.DataFrame = table(keep=["step", "group"], plan=["step"], groups="group")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    text = STUDY[: STUDY.index("units:")].replace("      unit: unit\n", "      unit: unit\n      region: region\n")
    return small_study(tmp_path, text, **REGIONS)[1]


BASES = {(ALL, ALL): 90, ("emea", ALL): 50, ("emea", "a"): 43, ("emea", "b"): 7, ("apac", ALL): 40, ("apac", "c"): 40}
P = {(ALL, ALL): 0.03, ("emea", ALL): 0.01, ("emea", "a"): 0.02, ("emea", "b"): 0.04, ("apac", "c"): 0.01}


def fit(region: str, unit: str) -> Result:
    place = (region, unit)
    if place == ("apac", ALL):
        raise AnalysisError("apac cannot be fitted")
    rows = [{"step": "buy", "n": BASES[place], "p_value": P[place], "p_adjusted": 0.5, "n_comparisons": 1}]
    return Result("ok", pd.DataFrame(rows), pd.DataFrame(rows))


def test_every_place_of_the_study_has_a_report(study: Study) -> None:
    assert places_of(study) == [
        (ALL, ALL), ("apac", ALL), ("emea", ALL), ("apac", "c"), ("emea", "a"), ("emea", "b"),
    ]  # fmt: skip


def test_tests_of_one_level_are_adjusted_together(study: Study) -> None:
    families = gather(study, fit)
    assert list(families) == ["steps"]
    units = families["steps"][families["steps"]["level_"] == "unit"]
    adjusted = dict(zip(units["unit_"], units["p_adjusted"], strict=True))
    expected = multipletests([P["emea", "a"], P["emea", "b"], P["apac", "c"]], method="fdr_bh")[1]
    assert [adjusted[name] for name in "abc"] == pytest.approx(expected)
    assert set(units["n_comparisons"]) == {3}


def test_what_a_small_figure_follows_from_is_hidden(study: Study) -> None:
    steps = gather(study, fit)["steps"].set_index(["region_", "unit_"])["hidden"]
    # b has 7: it follows from emea less a, so a goes; b itself is hidden for its own size
    assert steps["emea", "a"]
    assert not steps["emea", ALL]
    assert not steps[ALL, ALL]


def test_a_report_gets_its_own_rows(study: Study) -> None:
    families, how = gather(study, fit), published_tables(Result)["steps"]
    own = with_families(fit("emea", "a").steps, how, families["steps"], ("emea", "a"))
    assert own.to_dict("records") == [
        {"step": "buy", "n": 43, "p_value": 0.02, "p_adjusted": pytest.approx(0.03), "n_comparisons": 3, "hidden": True}
    ]


def test_what_the_analysis_hides_itself_stays_hidden(study: Study) -> None:
    families, how = gather(study, fit), published_tables(Result)["steps"]
    own = with_families(fit("apac", "c").steps.assign(hidden=True), how, families["steps"], ("apac", "c"))
    assert own["hidden"].tolist() == [True]


def test_a_place_that_cannot_be_fitted_is_named_and_left_out(study: Study, caplog: pytest.LogCaptureFixture) -> None:
    families = gather(study, fit)
    assert ("apac", ALL) not in set(zip(families["steps"]["region_"], families["steps"]["unit_"], strict=True))
    assert caplog.messages == ["apac/_all: left out of what is compared: apac cannot be fitted"]


def test_they_are_kept_under_their_fingerprint(study: Study, tmp_path: Path) -> None:
    families = gather(study, fit)
    save_families(families, tmp_path / "kept", "one")
    assert load_families(tmp_path / "kept", "another") is None
    assert load_families(tmp_path / "none", "one") is None
    pd.testing.assert_frame_equal(load_families(tmp_path / "kept", "one")["steps"], families["steps"])


def test_what_is_hidden_within_a_place_counts_between_places(study: Study) -> None:
    """a's seven old ones follow from a less its young ones, so those are hidden too; and then from emea less b's."""
    sizes = {(ALL, ALL): (190, 120), ("emea", ALL): (110, 60), ("emea", "a"): (30, 7), ("emea", "b"): (80, 53)}
    sizes |= {("apac", ALL): (80, 60), ("apac", "c"): (80, 60)}

    def grouped(region: str, unit: str) -> Result:
        rows = [{"step": "buy", "group": g, "n": n} for g, n in zip(("young", "old"), sizes[region, unit], strict=True)]
        return Result("ok", groups=pd.DataFrame(rows))

    found = gather(study, grouped)["groups"]
    hidden = {(r, u, g) for r, u, g, mark in found[["region_", "unit_", "group", "hidden"]].to_numpy() if mark}
    assert ("emea", "a", "young") in hidden
    shown = {key for key in ((r, u, g) for (r, u) in sizes for g in ("young", "old")) if key not in hidden}
    # neither emea nor b tells a's groups: of each group one of the two is hidden, or the whole with its parts
    for group in ("young", "old"):
        assert not {("emea", ALL, group), ("emea", "b", group)} <= shown

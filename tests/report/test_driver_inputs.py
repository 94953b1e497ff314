"""What a driver report reads of the others: what they have in common, targets and benchmarks, and what is hidden."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.drivers import fit_drivers
from cxinsights.data.importing import import_study
from cxinsights.errors import DataError
from cxinsights.params import ALL, Project, Study, load_study, resolve
from cxinsights.privacy import GIVES_AWAY, Guarded, is_shown
from cxinsights.report.baselines import load_baseline
from cxinsights.report.source import Source, open_source
from tests.small import small_study

STUDY = """
label: Corner Shops
about: Made-up answers for a test.
without: [brief]
periods: {every: quarter}
tables:
  responses:
    sources: [{files: answers.csv}]
    columns: {response_id: id, region: region, unit: unit, answered_at: date, csat_score: csat, wait_rating: wait,
              staff_rating: staff, wait_expected: hoped}
  targets:
    sources: [{files: targets.csv}]
    columns: &figures {region: region, unit: unit, metric: metric, period: period, value: value, source: source,
                       date: date, base: base}
  benchmarks:
    sources: [{files: benchmarks.csv}]
    columns: *figures
drivers: {drivers: [wait_rating, staff_rating], outcome: csat_score, n_boot: 200, n_noise: 100, min_base: 100,
          expectations: {wait_rating: wait_expected}, small_units: partial_pooling}
"""
EMEA = "label: EMEA\nunits: {a: {label: A}, b: {label: B}}\n"
APAC = "label: Asia-Pacific\nunits: {c: {label: C}, d: {label: D}}\n"
SIZES = {("emea", "a"): 150, ("emea", "b"): 130, ("apac", "c"): 140, ("apac", "d"): 60}
HEAD = "region,unit,metric,period,value,source,date,base\n"
TARGETS = HEAD + (
    "emea,a,wait_rating,2026Q3,7.5,Plan,2026-01-01,all\n_all,_all,wait_rating,2026Q3,7,Plan,2026-01-01,all\n"
    "emea,a,csat,2026Q3,0.9,Plan,2026-01-01,all\nemea,a,wait_rating,2026Q2,1,Plan,2025-01-01,all\n"
)
BENCHMARKS = HEAD + (
    "_all,_all,wait_rating,2026Q3,6.5,Old panel,2024-01-01,1000 adults\n"
    "_all,_all,wait_rating,2026Q3,6,Panel,2026-01-01,2000 adults\n"
    "apac,_all,wait_rating,2026Q3,8,Asian panel,2025-01-01,500\n"
)


def answers(without: dict[str, int] | None = None) -> str:
    """Made-up answers; of some units only so many rate the wait and say what they expected of it."""
    rng = np.random.default_rng(1)
    lines = ["id,region,unit,date,csat,wait,staff,hoped"]
    for (region, unit), n in SIZES.items():
        wait, staff = np.clip(np.round(rng.normal(6, 1.6, (2, n))), 1, 10).astype(int)
        csat = np.clip(np.round(0.3 * wait + 0.2 * staff + rng.normal(0, 0.8, n)), 1, 5).astype(int)
        hoped = np.clip(wait + 2, 1, 10)
        for at in range(n):
            expected = hoped[at] if at < (without or {}).get(unit, n) else ""
            lines.append(f"{unit}{at},{region},{unit},2026-07-01,{csat[at]},{wait[at]},{staff[at]},{expected}")
    return "\n".join(lines) + "\n"


def shops(folder: Path, raw: str) -> tuple[Project, Study]:
    project, study = small_study(folder, STUDY, raw, emea=EMEA, apac=APAC)
    for name, text in {"targets": TARGETS, "benchmarks": BENCHMARKS}.items():
        (project.data("shops") / "raw" / f"{name}.csv").write_text(text)
    import_study(project, study)
    return project, study


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Study]:
    return shops(tmp_path_factory.mktemp("company"), answers())


def opened(company: tuple[Project, Study], region: str, unit: str, **changes: object) -> Source:
    project, study = company
    params = resolve(study, "drivers", "2026Q3", region, unit)
    return open_source(params.model_copy(update=changes), project)


def shown(source: Source) -> Guarded:
    return source.guard(source.fit(fit_drivers))


def test_a_small_unit_borrows_what_all_units_have_in_common(company: tuple[Project, Study]) -> None:
    result = shown(opened(company, "apac", "d"))
    assert result.status == "ok"
    assert 0 < result.summary["borrowed"].item() < 1
    assert result.summary["n"].item() == 60
    assert shown(opened(company, "emea", "a")).summary["borrowed"].item() == 0


@pytest.mark.parametrize(
    "changes", [{"small_units": "company"}, {"outcome": "wait_rating", "drivers": ["staff_rating"]}]
)
def test_a_small_unit_that_is_asked_something_else_does_not(
    company: tuple[Project, Study], changes: dict[str, object]
) -> None:
    source = opened(company, "apac", "d", **{"expectations": {}, **changes})
    assert source.inputs.more["pool"] is None
    assert shown(source).status == "too_few"


def test_targets_are_the_places_own_and_benchmarks_the_nearest_and_latest(company: tuple[Project, Study]) -> None:
    def levels(region: str, unit: str) -> list[list[object]]:
        return opened(company, region, unit).inputs.more["levels"].to_numpy().tolist()

    panel = ["wait_rating", "benchmark", 6.0, "Panel", "2026-01-01", "2000 adults"]
    assert levels("emea", "a") == [["wait_rating", "target", 7.5, "Plan", "2026-01-01", "all"], panel]
    assert levels("emea", "b") == [panel]
    assert levels("apac", "c") == [["wait_rating", "benchmark", 8.0, "Asian panel", "2025-01-01", "500"]]
    assert levels(ALL, ALL) == [["wait_rating", "target", 7.0, "Plan", "2026-01-01", "all"], panel]


def test_gaps_are_to_expectation_target_and_benchmark(company: tuple[Project, Study]) -> None:
    source = opened(company, "emea", "a")
    gaps = shown(source).gaps.set_index("against")
    mean = source.inputs.frame["wait_rating"].mean()
    assert gaps.loc["target", "gap"] == pytest.approx(mean - 7.5)
    assert gaps.loc["benchmark", "gap"] == pytest.approx(mean - 6)
    assert gaps.loc["expectation", "gap"] == pytest.approx(-2, abs=0.2)


def test_a_gap_of_few_is_not_to_be_had_from_the_others(tmp_path: Path) -> None:
    """Five of unit D say what they expected: D's gap is hidden, and so is one that it would follow from."""
    company = shops(tmp_path, answers({"d": 5}))
    gaps = {place: shown(opened(company, *place)).gaps.set_index("against")["gap"] for place in [*SIZES, ("apac", ALL)]}
    assert not is_shown(gaps["apac", "d"])["expectation"]
    assert not (is_shown(gaps["apac", "c"])["expectation"] and is_shown(gaps["apac", ALL])["expectation"])
    assert is_shown(gaps["emea", "a"])["expectation"]
    assert is_shown(gaps["apac", "d"])["benchmark"]


def test_a_rating_that_the_plan_hides_has_no_mean_in_any_table(tmp_path: Path) -> None:
    """Five of unit D rate the wait."""
    raw = pd.DataFrame([line.split(",") for line in answers().splitlines()[1:]])
    last = raw.index[raw[2] == "d"][5:]
    raw.loc[last, [5, 7]] = ""
    company = shops(tmp_path, "\n".join([answers().splitlines()[0], *raw.agg(",".join, axis=1)]) + "\n")
    hidden = [place for place in [*SIZES, ("apac", ALL)] if _hides_the_wait(shown(opened(company, *place)))]
    assert ("apac", "c") in hidden or ("apac", ALL) in hidden
    assert ("emea", "a") not in hidden


def _hides_the_wait(result: Guarded) -> bool:
    """Whether the mean is hidden, in all tables alike."""
    tables = {"priority": "performance", "what_if": "performance", "gaps": "gap"}
    found = set()
    for name, column in tables.items():
        frame = getattr(result, name)
        rows = frame[frame["touchpoint" if name == "gaps" else "driver"] == "wait_rating"]
        found |= {bool(seen) for seen in is_shown(rows[column])}
    assert len(found) <= 1
    if found == {False}:
        assert "wait_rating" not in set(result.combination.get("driver", ()))
    return found == {False}


def test_a_metric_is_a_score_or_a_rating(tmp_path: Path) -> None:
    project, study = small_study(tmp_path, STUDY, answers(), emea=EMEA, apac=APAC)
    (project.data("shops") / "raw" / "targets.csv").write_text(
        HEAD + "_all,_all,wiat_rating,2026Q3,7,Plan,2026-01-01,all\n"
    )
    (project.data("shops") / "raw" / "benchmarks.csv").write_text(BENCHMARKS)
    with pytest.raises(DataError) as error:
        import_study(project, study)
    assert "metric: not one of nps, csat, ces, wait_rating, staff_rating" in str(error.value)


def test_a_question_of_the_analysts_own_has_no_contrasts_of_another(company: tuple[Project, Study]) -> None:
    assert len(opened(company, "emea", "a").inputs.more["contrasts"])
    own = opened(company, "emea", "a", outcome="staff_rating", drivers=["wait_rating"])
    assert not len(own.inputs.more["contrasts"])
    assert opened(company, "apac", "d", small_units="company", model="ordered").inputs.more["company"] is None


def test_a_units_own_question_makes_a_new_baseline(tmp_path: Path) -> None:
    project, study = shops(tmp_path, answers())
    before = load_baseline(project, study, "2026Q3").fingerprint
    own = "{label: A, drivers: {outcome: staff_rating, drivers: [wait_rating], expectations: {}}}"
    (project.params / "shops" / "emea.yml").write_text(f"label: EMEA\nunits: {{a: {own}, b: {{label: B}}}}\n")
    kept = load_baseline(project, load_study(project, "shops"), "2026Q3")
    assert kept.fingerprint != before
    assert set(kept.contrasts.loc[kept.contrasts["unit"] == "a", "driver"]) <= {"wait_rating"}
    assert "staff_rating" in set(kept.baseline.rated["driver"])


def test_an_outcome_that_the_plan_hides_hides_its_report(tmp_path: Path) -> None:
    """Five of unit D rate staff, which unit C's report is about."""
    raw = pd.DataFrame([line.split(",") for line in answers().splitlines()[1:]])
    raw.loc[raw.index[raw[2] == "d"][5:], 6] = ""
    project, _ = shops(tmp_path, "\n".join([answers().splitlines()[0], *raw.agg(",".join, axis=1)]) + "\n")
    asked = {"outcome": "staff_rating", "drivers": ["wait_rating"], "expectations": {}}
    text = (project.params / "shops" / "study.yml").read_text().split("drivers:")[0]
    told = "drivers: {drivers: [wait_rating], outcome: staff_rating, n_boot: 200, n_noise: 100, min_base: 100}\n"
    (project.params / "shops" / "study.yml").write_text(text + told)
    company = (project, load_study(project, "shops"))
    found = [shown(opened(company, *place, **asked)) for place in (("apac", "c"), ("apac", ALL))]
    assert any(result.status == "too_few" and result.reason == GIVES_AWAY for result in found)

"""A period's baseline is computed once and kept, until anything it rests on changes."""

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxinsights.analysis.drivers import fit_drivers
from cxinsights.data.importing import import_study
from cxinsights.data.tables import read_table
from cxinsights.errors import CxError, DataError, UnknownNameError
from cxinsights.params import ALL, Project, Study, load_study, resolve
from cxinsights.report.baselines import KeptBaseline, answers_of, load_baseline, with_weights
from cxinsights.report.source import open_source
from tests.small import STUDY, small_study

TABLES = ("scores", "changes", "rests", "segments")
SIZES = {("north", "2026-07"): 40, ("south", "2026-07"): 30, ("west", "2026-07"): 5, ("north", "2025-08"): 35}
UNITS = "units: {north: {label: North}, south: {label: South}, west: {label: West}}\n"
STUDY = STUDY[: STUDY.index("units:")] + UNITS + "scores: {segments: [age_group]}\n"
STUDY = STUDY.replace("      weight: {from: weight, optional: true}\n", "      age_group: age\n")
STUDY = STUDY.replace("max_reject", "columns: {age_group: {label: Age, type: category}}\nmax_reject")
DRIVERS = "drivers: {drivers: [wait_rating], outcome: csat_score, n_boot: 200, min_base: 60}\n"


def answers(sizes: dict[tuple[str, str], int] = SIZES) -> str:
    lines = ["id,unit,date,nps,csat,wait,age"]
    for (unit, month), n in sizes.items():
        for at in range(n):
            lines.append(
                f"{unit}-{month}-{at:03},{unit},{month}-{at % 28 + 1:02},{7 * at % 11},{at % 5 + 1},"
                f"{3 * at % 10 + 1},{'old' if at % 3 else 'young'}"
            )
    return "\n".join(lines) + "\n"


def imported(folder: Path, study: str = STUDY, text: str | None = None) -> tuple[Project, Study]:
    project, loaded = small_study(folder, study, text or answers())
    import_study(project, loaded)
    return project, loaded


def kept_folder(project: Project, period: str = "2026Q3") -> int:
    """The folder on disk: another one after each computation."""
    return (project.private("shops") / "baseline" / period).stat().st_ino


def same(one: KeptBaseline, other: KeptBaseline) -> None:
    assert (one.fingerprint, one.data, one.baseline.period) == (other.fingerprint, other.data, other.baseline.period)
    for name in TABLES:
        assert_frame_equal(getattr(one.baseline, name), getattr(other.baseline, name), check_exact=True)
    for name in ("company_importance", "weights"):
        first, second = getattr(one, name), getattr(other, name)
        assert_frame_equal(first, second, check_exact=True, check_column_type=len(first.columns) > 0)


def test_every_report_of_a_period_reads_one_computation(tmp_path: Path) -> None:
    project, study = imported(tmp_path, STUDY + DRIVERS)
    first = load_baseline(project, study, "2026Q3")
    folder = kept_folder(project)
    asked = [resolve(study, analysis, "2026Q3", *place) for analysis in ("scorecard", "drivers")
             for place in ((ALL, ALL), ("shops", "north"), ("shops", "west"))]  # fmt: skip
    for params in asked:
        same(open_source(params, project).kept, first)
    assert kept_folder(project) == folder
    assert set(first.baseline.scores["period"]) == {"2025Q3", "2026Q3"}
    assert "hidden" in first.baseline.scores


@pytest.mark.parametrize(
    "change",
    [
        ("max_reject_share", "privacy: {customer_min: 31}\nmax_reject_share"),
        ("segments: [age_group]", "segments: []"),
        ("segments: [age_group]", "segments: [age_group], min_base: 31"),
        ("nps_answer: {from: nps, blank: 99}", "nps_answer: {from: nps, blank: 10}"),
    ],
)
def test_other_rules_are_computed_anew(tmp_path: Path, change: tuple[str, str]) -> None:
    project, study = imported(tmp_path)
    first, folder = load_baseline(project, study, "2026Q3"), kept_folder(project)
    project, study = imported(tmp_path, STUDY.replace(*change))
    again = load_baseline(project, study, "2026Q3")
    assert again.fingerprint != first.fingerprint
    assert kept_folder(project) != folder


def test_stricter_thresholds_hide_more_at_once(tmp_path: Path) -> None:
    project, study = imported(tmp_path)
    assert set(hidden(load_baseline(project, study, "2026Q3"))) == {"south"}
    project, study = imported(tmp_path, STUDY.replace("max_reject", "privacy: {customer_min: 31}\nmax_reject"))
    assert set(hidden(load_baseline(project, study, "2026Q3"))) == set()  # 5 and 30 are 35, both small
    project, study = imported(tmp_path, STUDY.replace("max_reject", "privacy: {customer_min: 36}\nmax_reject"))
    assert set(hidden(load_baseline(project, study, "2026Q3"))) == {"north"}


def hidden(kept: KeptBaseline) -> pd.Series:
    scores = kept.baseline.scores
    return scores.loc[scores["hidden"] & (scores["period"] == "2026Q3"), "unit"]


def test_other_answers_are_computed_anew(tmp_path: Path) -> None:
    project, study = imported(tmp_path)
    first = load_baseline(project, study, "2026Q3")
    project, study = imported(tmp_path, text=answers({**SIZES, ("west", "2026-07"): 12}))
    again = load_baseline(project, study, "2026Q3")
    assert (again.fingerprint != first.fingerprint, again.data != first.data) == (True, True)
    assert hidden(again).empty


def test_periods_are_kept_side_by_side_and_know_nothing_later(tmp_path: Path) -> None:
    project, study = imported(tmp_path)
    first, folder = load_baseline(project, study, "2026Q3"), kept_folder(project)
    earlier = load_baseline(project, study, "2025Q3")
    assert earlier.fingerprint != first.fingerprint
    assert set(earlier.baseline.scores["period"]) == {"2025Q3"}
    assert len(earlier.baseline.changes) == 0
    same(load_baseline(project, study, "2025Q3"), earlier)
    assert kept_folder(project) == folder


def test_the_company_s_importance_is_that_of_all_answers(tmp_path: Path) -> None:
    project, study = imported(tmp_path, STUDY + DRIVERS)
    kept = load_baseline(project, study, "2026Q3")
    rows = read_table(project, study, "responses", periods=["2026Q3"])
    direct = fit_drivers(rows, resolve(study, "drivers", "2026Q3")).importance
    assert_frame_equal(kept.company_importance, direct, check_exact=True)
    assert load_baseline(*imported(tmp_path / "other"), "2026Q3").company_importance.empty


def test_raked_weights_meet_the_margins_in_each_period(tmp_path: Path) -> None:
    project, study = imported(tmp_path, STUDY + "rake: {margins: {age_group: {old: 0.5, young: 0.5}}}\n")
    kept = load_baseline(project, study, "2026Q3")
    rows = with_weights(answers_of(project, study, ["response_id", "period", "age_group"]), kept.weights)
    assert len(rows) == sum(SIZES.values())
    shares = rows.groupby(["period", "age_group"])["weight"].sum() / rows.groupby("period")["weight"].sum()
    assert shares.to_numpy() == pytest.approx(0.5)
    assert set(kept.baseline.scores["weighted"]) == {True, False}
    same(load_baseline(project, study, "2026Q3"), kept)


def test_raked_weights_take_the_place_of_no_others_in_silence(tmp_path: Path) -> None:
    """A study with a weight column and margins: refused when it is read, or weighted; never left unweighted."""
    study = STUDY + "rake: {margins: {age_group: {old: 0.5, young: 0.5}}}\n"
    study = study.replace("      age_group: age\n", "      age_group: age\n      weight: weight\n")
    text = "\n".join(f"{line},{'weight' if not at else 1 + at % 3}" for at, line in enumerate(answers().splitlines()))
    try:
        project, loaded = imported(tmp_path, study, text + "\n")
        kept = load_baseline(project, loaded, "2026Q3")
    except CxError:
        return
    assert set(kept.baseline.scores["weighted"]) == {True, False}


def test_answers_come_with_the_columns_there_are(tmp_path: Path) -> None:
    project, study = imported(tmp_path)
    rows = answers_of(project, study, ["unit", "site", "nps_answer", "unit"], ["2026Q3"], unit="west")
    assert list(rows) == ["unit", "nps_answer"]
    assert len(rows) == 5
    assert with_weights(rows, pd.DataFrame()) is rows


def test_a_period_without_answers(tmp_path: Path) -> None:
    project, study = imported(tmp_path)
    with pytest.raises(UnknownNameError) as info:
        load_baseline(project, study, "2026Q4")
    assert str(info.value) == "shops: unknown period '2026Q4'. Did you mean '2026Q3'? Known: 2025Q3, 2026Q3."


def test_before_the_first_import(tmp_path: Path) -> None:
    project, _ = small_study(tmp_path)
    with pytest.raises(DataError) as info:
        load_baseline(project, load_study(project, "shops"), "2026Q3")
    assert str(info.value) == "shops: no tables yet. Run: cxinsights import shops (make reports does it for you)."


def test_drivers_that_cannot_be_computed_stop_no_scorecard(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project, study = imported(
        tmp_path, STUDY + DRIVERS.replace("csat_score,", "csat_score, outcome_parts: [wait_rating],")
    )
    kept = load_baseline(project, study, "2026Q3")
    assert len(kept.baseline.scores)
    assert kept.company_importance.empty
    assert caplog.messages == [
        "no company drivers: drivers: wait_rating cannot explain csat_score: wait_rating is named as a part of the "
        "outcome (outcome_parts). Take it off the drivers."
    ]


def test_yearly_waves_are_compared_once(tmp_path: Path) -> None:
    project, study = imported(tmp_path, STUDY.replace("every: quarter", "every: year"))
    assert set(load_baseline(project, study, "2026").baseline.changes["comparison"]) == {"year_ago"}


def test_a_driver_that_nobody_was_asked_fails_its_own_reports_alone(tmp_path: Path) -> None:
    project, study = imported(tmp_path, STUDY + DRIVERS.replace("[wait_rating]", "[wait_rating, wiat_rating]"))
    kept = load_baseline(project, study, "2026Q3")
    assert set(kept.ratings["driver"]) == {"wait_rating"}
    assert kept.company_importance.empty


def test_another_usual_survey_is_computed_anew(tmp_path: Path) -> None:
    surveys = "surveys: {relationship: Yearly, transactional: After a visit}\n"
    project, study = imported(tmp_path, STUDY + DRIVERS + surveys)
    assert len(load_baseline(project, study, "2026Q3").ratings)
    turned = study.model_copy(update={"surveys": dict(reversed(study.surveys.items()))})
    assert load_baseline(project, turned, "2026Q3").ratings.empty  # nobody answered the other

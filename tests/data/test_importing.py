"""Every raw row ends in a table or among the rejects; every bad input is an error that says what to do."""

import json
from pathlib import Path

import pandas as pd
import pytest

from cxinsights.data.importing import import_study
from cxinsights.data.manifest import read_manifest
from cxinsights.data.tables import read_table
from cxinsights.errors import DataError, RejectedRowsError, SourceError
from cxinsights.params import Project, Study
from tests.small import ANSWERS, STUDY, small_study


def imported(folder: Path, study: str = STUDY, answers: str = ANSWERS) -> tuple[Project, Study, dict]:
    project, loaded = small_study(folder, study, answers)
    return project, loaded, import_study(project, loaded)


def rejects(project: Project) -> list[tuple]:
    frame = pd.read_parquet(project.private("shops") / "rejects.parquet")
    return list(frame[["file", "line", "reason"]].itertuples(index=False, name=None))


def test_codes_for_blank_and_does_not_apply_are_kept_apart(tmp_path: Path) -> None:
    project, study, manifest = imported(tmp_path)
    rows = read_table(project, study, "responses")
    assert rows["wait_rating"].fillna(-1).tolist() == [8, -1, -1, 3]
    assert rows["wait_rating_applies"].tolist() == [True, False, True, True]
    assert manifest["tables"]["responses"]["columns"]["wait_rating"] == {"answered": 2, "blank": 1, "does_not_apply": 1}
    assert rows["csat_score"].fillna(-1).tolist() == [5, 4, 1, -1]
    assert rows["period"].unique().tolist() == ["2026Q3"]
    assert rows["region"].unique().tolist() == ["shops"]
    assert rows["survey"].unique().tolist() == ["relationship"]


def test_wrong_scale_is_set_apart_and_counted(tmp_path: Path) -> None:
    answers = ANSWERS.replace("4,south,2026-08-02,9,9,3", "4,south,2026-08-02,11,6,3")
    project, _, manifest = imported(tmp_path, answers=answers)
    assert rejects(project) == [("answers.csv", 5, "csat_score: outside 1–5; nps_answer: outside 0–10")]
    counts = manifest["tables"]["responses"]
    assert (counts["rows"], counts["kept"], counts["rejected"]) == (4, 3, 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("5,east,2026-08-02,9,5,3", "unit: not one of the region's units in params"),
        ("5,,2026-08-02,9,5,3", "unit: empty"),
        ("5,south,2026-13-02,9,5,3", "answered_at: not a date of the form 2026-09-30 or 2026-09-30T14:05:00"),
        ("5,south,2026-08-02,nine,5,3", "nps_answer: not a number"),
        ("5,south,2026-08-02,8.5,5,3", "nps_answer: not a whole number"),
        ("5,south,2026-08-02,9,5,11", "wait_rating: outside 1–10"),
        ("5,south,2026-08-02,9,5,3,3", "7 fields where the header has 6"),
        (",south,2026-08-02,9,5,3", "response_id: empty"),
        ("3,south,2026-08-01,0,1,99", "the same row as line 4 of answers.csv"),
    ],
)
def test_every_kind_of_faulty_row_keeps_its_line_and_reason(tmp_path: Path, row: str, reason: str) -> None:
    project, study, manifest = imported(tmp_path, answers=ANSWERS.replace("9,9,3", "9,5,3") + row + "\n")
    assert rejects(project) == [("answers.csv", 6, reason)]
    assert manifest["tables"]["responses"]["kept"] == 4 == len(read_table(project, study, "responses"))


def test_two_rows_with_one_id_both_go(tmp_path: Path) -> None:
    project, _, _ = imported(tmp_path, answers=ANSWERS + "1,south,2026-08-02,2,2,2\n5,south,2026-08-02,2,2,2\n")
    told = [reject for reject in rejects(project) if "response_id" in reject[2]]
    assert told == [
        ("answers.csv", 2, "response_id: also at line 6 of answers.csv, with other content"),
        ("answers.csv", 6, "response_id: also at line 2 of answers.csv, with other content"),
    ]


def test_rejects_keep_the_row_and_the_manifest_does_not(tmp_path: Path) -> None:
    secret = "Zx9-someone"
    answers = ANSWERS + f"{secret},east,2026-08-02,9,5,3\n{secret}2,south,never,9,5,3\n"
    project, _, manifest = imported(tmp_path, answers=answers)
    kept = pd.read_parquet(project.private("shops") / "rejects.parquet")
    assert kept["raw"].str.contains(secret).sum() == 2
    assert secret not in json.dumps(manifest)


def test_missing_columns_are_told_all_at_once(tmp_path: Path) -> None:
    answers = ANSWERS.replace("id,unit,date,nps", "id,unit,datum,netpromo")
    with pytest.raises(DataError) as error:
        imported(tmp_path, answers=answers)
    assert str(error.value) == (
        "shops: responses: answers.csv: 2 missing columns. answered_at needs 'date': unknown header 'date'. Did you "
        "mean 'datum'? Known: id, unit, datum, netpromo, csat, wait. nps_answer needs 'nps': unknown header 'nps'. "
        "Known: id, unit, datum, netpromo, csat, wait."
    )


def test_a_file_without_its_line_of_headers_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, answers=ANSWERS.split("\n", 1)[1])
    assert str(error.value) == (
        "shops: responses: answers.csv: none of the 4 columns asked for is there. Does the file begin with a line of "
        "headers?"
    )


def test_what_was_imported_is_for_no_other_user_to_read(tmp_path: Path) -> None:
    imported(tmp_path)
    project = Project(tmp_path)
    for folder in (project.tables("shops"), project.private("shops")):
        assert folder.stat().st_mode & 0o077 == 0, folder


def test_more_faulty_rows_than_allowed_stop_the_import(tmp_path: Path) -> None:
    project, study = small_study(tmp_path, STUDY.replace("0.5", "0.2"))
    import_study(*small_study(tmp_path))
    good = read_manifest(project, study)
    answers = ANSWERS.replace(",10,5,8", ",10,7,8").replace(",7,4,98", ",12,4,98").replace(",0,1,99", ",0,7,99")
    (project.data("shops") / "raw" / "answers.csv").write_text(answers, encoding="utf-8")
    with pytest.raises(RejectedRowsError) as error:
        import_study(project, study)
    assert str(error.value) == (
        "shops: responses: 3 of 4 rows are faulty (75%; max_reject_share allows 20%). answers.csv: csat_score: outside "
        "1–5: 2 rows (first: line 2). answers.csv: nps_answer: outside 0–10: 1 row (first: line 3). Nothing was "
        "written. Mend the files or the mapping in params/shops/study.yml."
    )
    assert read_manifest(project, study) == good


def test_a_table_without_scores(tmp_path: Path) -> None:
    study = STUDY.replace("      nps_answer: {from: nps, blank: 99}\n", "")
    study = study.replace("      csat_score: {from: csat, blank: 9, optional: true}\n", "")
    with pytest.raises(DataError) as error:
        imported(tmp_path, study)
    assert str(error.value) == (
        "shops: responses: the mapping lacks one of nps_answer, csat_score, ces_score. Add under "
        "tables.responses.columns in params/shops/study.yml."
    )


def test_a_column_nobody_described(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^unknown column 'tower'\. Known: .* A study describes its own columns under"):
        imported(
            tmp_path, STUDY.replace("      weight: {from", "      tower: {from"), ANSWERS.replace("csat", "weight")
        )


def test_files_without_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        imported(tmp_path, answers=ANSWERS.splitlines()[0] + "\n")
    assert str(error.value) == "shops: responses: the raw files hold no rows."


def test_nothing_is_imported_again_until_something_changes(tmp_path: Path) -> None:
    project, study, first = imported(tmp_path)
    stamp = (project.tables("shops") / "manifest.json").stat().st_mtime_ns
    assert import_study(project, study) == first
    assert (project.tables("shops") / "manifest.json").stat().st_mtime_ns == stamp
    raw = project.data("shops") / "raw" / "answers.csv"
    raw.write_text(ANSWERS + "5,south,2026-08-02,9,5,3\n", encoding="utf-8")
    assert import_study(project, study)["fingerprint"] != first["fingerprint"]


def test_before_the_first_import(tmp_path: Path) -> None:
    project, study = small_study(tmp_path)
    with pytest.raises(DataError) as error:
        read_manifest(project, study)
    assert str(error.value) == "shops: no tables yet. Run: cxinsights import shops (make reports does it for you)."


def test_template_extract_recode_and_decimal_comma(tmp_path: Path) -> None:
    study = STUDY.replace("sources: [{files: answers.csv}]", 'sources: [{files: answers.csv, decimal: ","}]')
    study = study.replace("response_id: id", 'response_id: {from: id, template: "{period}-{value}"}')
    study = study.replace("unit: unit", 'unit: {from: unit, extract: "^([ns])", recode: {n: north, s: south}}')
    answers = (
        'id,unit,date,nps,csat,wait\n1,n-12,2026-07-01,10,"4,5",8\n2,x-1,2026-07-01,10,4,8\n3,s,2026-07-01,1,4,8\n'
    )
    project, loaded, _ = imported(tmp_path, study, answers)
    rows = read_table(project, loaded, "responses")
    assert rows["response_id"].tolist() == ["2026Q3-1", "2026Q3-3"]
    assert rows["unit"].tolist() == ["north", "south"]
    assert rows["csat_score"].tolist() == [4.5, 4]
    assert rejects(project) == [("answers.csv", 3, "unit: not of the form ^([ns])")]


def test_unlisted_codes_are_faults_or_blanks_as_asked(tmp_path: Path) -> None:
    study = STUDY.replace("weight: {from: weight, optional: true}", "channel: {from: wait, recode: {8: phone}}")
    study = study.replace("      wait_rating: {from: wait, blank: 99, does_not_apply: 98, optional: true}\n", "")
    project, loaded, _ = imported(tmp_path, study.replace("0.5", "0.9"))
    assert {reason for *_, reason in rejects(project)} >= {"channel: code not listed under recode"}
    study = study.replace("recode: {8: phone}", "recode: {8: phone}, unlisted: blank")
    project, loaded, _ = imported(tmp_path, study)
    assert read_table(project, loaded, "responses")["channel"].fillna("-").tolist() == ["phone", "-", "-", "-"]


WEIGHED = (
    "id,unit,date,nps,weight,kind\n1,north,2026-07-01,10,1,R\n2,south,2026-08-01,0,2,R\n3,south,2026-08-02,5,1,R\n"
)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("4,south,2026-08-02,9,0,R", "weight: not above 0: an answer stands for somebody, or is left out"),
        ("4,south,2026-08-02,9,,R", "weight: empty"),
        ("4,south,2026-08-02,9,1,", "survey: empty"),
    ],
)
def test_an_answer_without_weight_or_kind_is_set_apart(tmp_path: Path, row: str, reason: str) -> None:
    study = STUDY.replace(
        "{from: weight, optional: true}", "weight\n      survey: {from: kind, recode: {R: relationship}}"
    )
    project, _, _ = imported(tmp_path, study, WEIGHED + row + "\n")
    assert rejects(project) == [("answers.csv", 5, reason)]


def test_a_period_that_is_none_is_set_apart(tmp_path: Path) -> None:
    study = STUDY.replace("answered_at: date", "period: date")
    answers = "id,unit,date,nps\n1,north,2026Q3,10\n2,south,2026Q3,0\n3,south,Q3 2026,0\n"
    project, _, _ = imported(tmp_path, study, answers)
    assert rejects(project) == [("answers.csv", 4, "period: not a period of the study")]


def test_a_time_belongs_to_the_day_its_clock_showed(tmp_path: Path) -> None:
    """Half past midnight of the first of July in Berlin is still June in London."""
    answers = ANSWERS.replace("2026-07-01", "2026-07-01T00:30:00+02:00").replace("2026-08-02", "2026-01-02T10:00:00Z")
    project, study, _ = imported(tmp_path, answers=answers)
    read = read_table(project, study, "responses").set_index("response_id")
    assert read["period"].to_dict() == {"1": "2026Q3", "2": "2026Q3", "3": "2026Q3", "4": "2026Q1"}
    assert str(read.loc["1", "answered_at"]) == "2026-07-01 00:30:00"


def test_a_code_written_with_a_decimal_is_the_code(tmp_path: Path) -> None:
    project, study, _ = imported(tmp_path, answers=ANSWERS.replace("10,5,8", "99.0,5,98.0"))
    first = read_table(project, study, "responses").set_index("response_id").loc["1"]
    assert pd.isna(first["nps_answer"])
    assert not first["wait_rating_applies"]


def test_two_files_of_one_name_cannot_be_told_apart(tmp_path: Path) -> None:
    project, study = small_study(tmp_path, STUDY.replace("files: answers.csv", 'files: "*/answers.csv"'))
    for year in ("2025", "2026"):
        (project.data("shops") / "raw" / year).mkdir()
        (project.data("shops") / "raw" / year / "answers.csv").write_text(ANSWERS)
    with pytest.raises(SourceError) as info:
        import_study(project, study)
    assert str(info.value) == (
        "shops: responses: more than one file is called answers.csv. Rows are named by file and line: give the files "
        "names of their own."
    )

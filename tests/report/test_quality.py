"""The data-quality page: counts and names beside the reports, and no customer's own values."""

import re
from pathlib import Path

from cxinsights.data.importing import import_study
from cxinsights.params import Project, Study
from cxinsights.report.quality import write_quality_page
from tests.report.test_pages import Parts, asked_elsewhere
from tests.small import ANSWERS, STUDY, small_study

SECRET = "Zx9-someone"


def written(folder: Path, study: str = STUDY, answers: str = ANSWERS) -> tuple[Project, Study, Path, str]:
    project, loaded = small_study(folder, study, answers)
    path = write_quality_page(project, loaded, import_study(project, loaded))
    return project, loaded, path, path.read_text(encoding="utf-8")


def test_it_lies_beside_the_study_s_reports(tmp_path: Path) -> None:
    project, _, path, page = written(tmp_path)
    assert path == project.outputs / "shops" / "data-quality.html"
    assert [path for path in project.outputs.rglob("*") if path.is_file()] == [path]
    links = [link for name, link in Parts(page).links if name == "href" and link.endswith("index.html")]
    assert links == ["../index.html", "../index.html"]  # the brand and the list of reports, one folder up
    assert (path.parent / links[0]).resolve().parent == project.outputs


def test_rows_in_and_out_add_up_on_the_page(tmp_path: Path) -> None:
    answers = ANSWERS + "5,east,2026-08-02,9,5,3\n6,south,2026-08-02,11,5,3\n"
    *_, page = written(tmp_path, answers=answers)
    text = re.sub(r"\s+", " ", Parts(page).text)
    assert "2 of 6 raw rows are set apart" in text
    rows = [re.findall(r">([^<>]+)</t[hd]>", row) for row in re.findall(r"<tr\b.*?</tr>", page, re.DOTALL)]
    assert ["Responses", "all files", "6", "4", "2"] in rows
    assert ["Responses", "nps_answer: outside 0–10", "1", "answers.csv, line 7"] in rows


def test_rows_set_apart_are_counted_and_not_shown(tmp_path: Path) -> None:
    answers = ANSWERS + f"{SECRET},east,2026-08-02,9,5,3\n{SECRET}2,south,{SECRET},9,5,3\n"
    *_, page = written(tmp_path, answers=answers)
    assert "2 of 6 raw rows are set apart" in page
    assert SECRET not in page


def test_names_are_text_and_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>"
    *_, page = written(tmp_path, STUDY.replace("label: Corner Shops", f"label: Corner Shops {nasty}", 1))
    assert "<script" not in page
    assert f"Data quality, Corner Shops {nasty}" in Parts(page).text
    assert asked_elsewhere(page) == []


def test_it_is_written_anew_each_time(tmp_path: Path) -> None:
    *_, first = written(tmp_path)
    *_, again = written(tmp_path)
    assert again == first
    *_, more = written(tmp_path, answers=ANSWERS + "5,south,2026-08-02,9,5,3\n")
    assert more != first

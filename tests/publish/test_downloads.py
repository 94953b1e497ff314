"""Files of reports: made of what the batch recorded, kept while that is the same, and found by the names of links."""

import io
import json
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from cxinsights.errors import ReportError, UnknownNameError
from cxinsights.params import Project, Study
from cxinsights.publish.downloads import contents, making
from cxinsights.publish.downloads.making import file_name, find_report, is_there, make_download
from tests.publish.made import NORTH, SOUTH, make_scorecards

Made = tuple[Project, Study]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_scorecards(tmp_path_factory.mktemp("downloads"))


@pytest.fixture(autouse=True)
def _anew() -> None:
    making._made.cache_clear()


@pytest.mark.parametrize("report", [NORTH, SOUTH], ids=["of many answers", "of too few"])
def test_the_same_report_gives_the_same_bytes(shops: Made, tmp_path: Path, report) -> None:
    project, _ = shops
    data = make_download(project, project.outputs, report, "xlsx")
    shutil.copytree(project.outputs, tmp_path / "copied")
    assert make_download(project, tmp_path / "copied", report, "xlsx") == data
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert '<dcterms:created xsi:type="dcterms:W3CDTF">1980-01-01' in parts.read("docProps/core.xml").decode()


@pytest.mark.parametrize("kind", ["xlsx", "pptx"])
def test_it_is_made_of_record_and_notebook_alone(shops: Made, tmp_path: Path, kind: str) -> None:
    project, _ = shops
    apart = Project(tmp_path)
    shutil.copytree(project.params, apart.params)
    folder = NORTH.folder(apart.outputs)
    folder.mkdir(parents=True)
    for name in ["result.json", "scorecard.ipynb"][: 1 + (kind == "pptx")]:
        shutil.copy(NORTH.folder(project.outputs) / name, folder)
    assert make_download(apart, apart.outputs, NORTH, kind) == make_download(project, project.outputs, NORTH, kind)


def test_several_can_be_made_side_by_side(shops: Made) -> None:
    project, _ = shops
    wanted = [(report, kind) for report in (NORTH, SOUTH) for kind in ("xlsx", "pptx")]
    one_by_one = [make_download(project, project.outputs, *one) for one in wanted]
    making._made.cache_clear()
    with ThreadPoolExecutor(4) as makers:
        assert list(makers.map(lambda one: make_download(project, project.outputs, *one), wanted)) == one_by_one


def test_a_report_that_cannot_be_read_is_an_error_that_says_what_to_do(
    shops: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = shops
    shutil.copytree(project.outputs, tmp_path, dirs_exist_ok=True)
    folder, said = NORTH.folder(tmp_path), []

    def ask(kind: str = "pptx") -> None:
        with pytest.raises(ReportError) as error:
            make_download(project, tmp_path, NORTH, kind)
        said.append(str(error.value))

    (folder / "scorecard.ipynb").unlink()
    ask()
    (folder / "scorecard.ipynb").write_text("{")
    ask()
    (folder / "result.json").write_text("[]")
    ask("xlsx")
    monkeypatch.setattr(contents, "MOST_BYTES", 1)
    ask("xlsx")
    monkeypatch.undo()
    states = iter(range(100))
    monkeypatch.setattr(contents, "state_of", lambda *_: next(states))
    (folder / "result.json").write_text("{}")
    ask("xlsx")
    name = "shops/2026Q3/shops/north/scorecard"
    assert said == [
        f"{name}: scorecard.ipynb is not there. Make the report again.",
        f"{name}: scorecard.ipynb cannot be read. Make the report again.",
        f"{name}: result.json cannot be read. Make the report again.",
        f"{name}: too large for one file. Take its tables, which are there as CSV.",
        f"{name}: it is being made anew. Try again in a minute.",
    ]
    with pytest.raises(UnknownNameError) as error:
        make_download(project, tmp_path, replace(NORTH, unit="nort"), "xlsx")
    assert str(error.value) == (
        "shops: shops: unknown unit 'nort'. Did you mean 'north'? Known: north, east, west, south."
    )


def test_what_is_kept_is_made_anew_with_the_report_and_with_the_settings(shops: Made, tmp_path: Path) -> None:
    project, _ = shops
    apart = Project(tmp_path)
    for folder in ("params", "outputs"):
        shutil.copytree(project.root / folder, apart.root / folder)
    first = make_download(apart, apart.outputs, NORTH, "xlsx")
    assert make_download(apart, apart.outputs, NORTH, "xlsx") is first
    path = NORTH.folder(apart.outputs) / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "headline": "Another"}))
    second = make_download(apart, apart.outputs, NORTH, "xlsx")
    assert openpyxl.load_workbook(io.BytesIO(second))["report"]["A1"].value == "Another"
    settings = apart.params / "shops" / "study.yml"
    settings.write_text(settings.read_text().replace('label: "=1+1"', 'label: "North"'))
    third = openpyxl.load_workbook(io.BytesIO(make_download(apart, apart.outputs, NORTH, "xlsx")))
    assert [cell.value for cell in third["report"][4][:2]] == ["Place", "North"]


def test_reports_are_found_by_the_names_that_links_have(shops: Made, tmp_path: Path) -> None:
    project, _ = shops
    root = project.outputs
    assert find_report(root, NORTH.path, "made") == NORTH
    assert file_name(NORTH, "pptx") == "shops-2026Q3-shops-north-scorecard.pptx"
    said = []
    for name in ("shops/2026Q3/shops/nort/scorecard", "x", "../outputs/" + NORTH.path):
        with pytest.raises(UnknownNameError) as error:
            find_report(root, name, "released")
        said.append(str(error.value))
    end = " cxinsights plan lists those that there can be."
    assert said == [
        "download: no report shops/2026Q3/shops/nort/scorecard has been released. Did you mean "
        f"shops/2026Q3/shops/north/scorecard?{end}",
        f"download: no report x has been released.{end}",
        f"download: no report ../outputs/{NORTH.path} has been released. Did you mean {NORTH.path}?{end}",
    ]


def test_a_link_that_leads_out_of_the_reports_is_none(shops: Made, tmp_path: Path) -> None:
    project, _ = shops
    assert is_there(project.outputs, NORTH)
    assert not is_there(project.outputs, replace(NORTH, unit="nowhere"))
    linked = NORTH.folder(tmp_path)
    linked.parent.mkdir(parents=True)
    linked.symlink_to(NORTH.folder(project.outputs))
    assert not is_there(tmp_path, NORTH)

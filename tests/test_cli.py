"""The command line: what it prints, what it makes, and how errors end."""

import errno
import io
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from cxinsights.cli import main
from cxinsights.params import Project
from cxinsights.publish.downloads.making import make_download
from cxinsights.publish.releases import release, released_root
from tests.batch.shops import PERIOD, command, make_shops
from tests.publish.made import NORTH, SOUTH, make_scorecards
from tests.small import ANSWERS, STUDY, make_project

NO_TABLES = [
    "skipped: segmentation: no customers or orders table",
    "skipped: funnel: no events table",
    "skipped: linkage: no sites or employees and responses table",
]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with four answers, which commands find."""
    project = make_project(tmp_path)
    monkeypatch.setenv("CXINSIGHTS_HOME", str(project.root))
    monkeypatch.delenv("CXINSIGHTS_DATA_DIR", raising=False)
    return project


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch):
    """The command line called in this process."""

    def call(*words: str) -> Ended:
        monkeypatch.setattr("sys.argv", ["cxinsights", *words])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
        return Ended(ended.value.code, out.getvalue(), err.getvalue())

    return call


def test_help_lists_every_command(say) -> None:
    ended = say("--help")
    assert ended.code == 0
    for line in (
        ("import", "Import a study's raw files into tables"),
        ("plan", "Say which reports would be made"),
        ("run", "Make reports"),
        ("serve", "Serve the list"),
        ("changes", "Say what changed since the last released period"),
        ("download", "Write one report as a workbook"),
        ("check", "Check every params file of every study."),
    ):
        found = [text for text in ended.out.splitlines() if text.strip("│ ").startswith(f"{line[0]} ")]
        assert len(found) == 1, line
        assert line[1] in found[0]


def test_without_a_command_help_is_shown(say) -> None:
    assert "Make reports" in say().out


def test_import_counts_rows_and_writes_the_quality_page(shops: Project, say) -> None:
    ended = say("import", "shops")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "responses            4 rows          4 kept       0 set apart\n"
    page = (shops.outputs / "shops" / "data-quality.html").read_text(encoding="utf-8")
    assert "<h1>Every raw row is in</h1>" in page


def test_plan_says_what_would_be_made_and_what_is_left_out(shops: Project, say) -> None:
    ended = say("plan", "--study", "shops")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"shops/{PERIOD}/_all/_all/scorecard  new",
        f"shops/{PERIOD}/shops/north/scorecard  new",
        f"shops/{PERIOD}/shops/south/scorecard  new",
        "skipped: shops/_all: the only region: the company's report is about it",
        *NO_TABLES,
        "skipped: drivers: no drivers: section in params/shops/study.yml",
        f"3 reports to make for {PERIOD}, 0 up to date",
    ]
    assert not (shops.outputs / "shops" / PERIOD).exists()


def test_plan_is_narrowed_as_asked(shops: Project, say) -> None:
    ended = say("plan", "--study", "shops", "--region", "shops", "--unit", "south", "--only", "scorecard,")
    assert ended.out.splitlines() == [
        f"shops/{PERIOD}/shops/south/scorecard  new",
        f"1 report to make for {PERIOD}, 0 up to date",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import", "shop"), "params/: unknown study 'shop'. Did you mean 'shops'? Known: shops."),
        (("plan", "--study", "shop"), "params/: unknown study 'shop'. Did you mean 'shops'? Known: shops."),
        (("run", "--study", "shop"), "params/: unknown study 'shop'. Did you mean 'shops'? Known: shops."),
        (
            ("plan", "--study", "shops", "--region", "shop"),
            "shops: unknown region 'shop'. Did you mean 'shops'? Known: shops.",
        ),
        (
            ("run", "--study", "shops", "--unit", "nort"),
            "shops: unknown unit 'nort'. Did you mean 'north'? Known: _all, north, south.",
        ),
        (
            ("run", "--study", "shops", "--only", "scorecrad"),
            "unknown analysis 'scorecrad'. Did you mean 'scorecard'? Known: brief, scorecard, segmentation, funnel, "
            "linkage, drivers.",
        ),
        (
            ("run", "--study", "shops", "--period", "2026"),
            "'2026' is not a quarter. Write it like 2026Q4.",
        ),
        (
            ("run", "--study", "shops", "--period", "2026Q2"),
            "shops: unknown period '2026Q2'. Did you mean '2026Q3'? Known: 2026Q3.",
        ),
    ],
)
def test_a_name_nobody_has_is_a_message_and_exit_code_2(shops: Project, say, words: tuple, message: str) -> None:
    ended = say(*words)
    assert (ended.code, ended.err) == (2, f"cxinsights: {message}\n")
    assert not list(shops.outputs.rglob("result.json"))


def test_a_shell_sees_the_message_on_stderr_without_a_traceback(shops: Project) -> None:
    ended = command(shops, "import", "shop")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "cxinsights: params/: unknown study 'shop'. Did you mean 'shops'? Known: shops.\n"


def test_an_unknown_option_is_refused(shops: Project, say) -> None:
    ended = say("plan", "--studdy", "shops")
    assert ended.code == 2
    assert "No such option: --studdy" in ended.err


def test_faulty_rows_beyond_the_limit_are_a_message(shops: Project, say) -> None:
    (shops.data("shops") / "raw" / "answers.csv").write_text(ANSWERS.replace("10,5,8", "11,5,8").replace("0,1", "77,1"))
    (shops.params / "shops" / "study.yml").write_text(STUDY.replace("0.5", "0.2"))
    ended = say("import", "shops")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "cxinsights: shops: responses: 2 of 4 rows are faulty (50%; max_reject_share allows 20%). answers.csv: "
        "nps_answer: outside 0–10: 2 rows (first: line 2). Nothing was written. Mend the files or the mapping in "
        "params/shops/study.yml.\n"
    )


def test_outside_a_project_the_message_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say) -> None:
    monkeypatch.delenv("CXINSIGHTS_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    ended = say("check")
    assert (ended.code, ended.err) == (
        2,
        "cxinsights: No cxinsights project here: no folder from this one upwards has both params/ and notebooks/. "
        "Go to the project's folder, or set CXINSIGHTS_HOME to it.\n",
    )


def test_check_lists_the_studies(shops: Project, say) -> None:
    region = "label: {0}\nunits:\n  bank: {{label: Bank}}\n  retail: {{label: Retail}}\n"
    regions = {name: region.format(name.upper()) for name in ("emea", "apac")}
    study = STUDY.replace("      unit: unit", "      unit: unit\n      region: region").split("units:")[0]
    make_project(shops.root, study, name="chain", **regions)
    ended = say("check")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == ["params/chain: 2 regions, 4 units: good", "params/shops: 1 region, 2 units: good"]


def test_check_names_the_file_with_the_mistake(shops: Project, say) -> None:
    faulty = STUDY.replace("{label: North}", "{label: North, scorecard: {compar: previous}}")
    (shops.params / "shops" / "study.yml").write_text(faulty)
    assert say("check") == Ended(
        2,
        "",
        "cxinsights: params/shops/study.yml: units.north.scorecard: unknown parameter 'compar'. Did you mean "
        "'compare'? Known: survey, compare.\n",
    )


def test_a_run_without_anything_to_make_says_so(shops: Project, say) -> None:
    """No table carries an analysis yet: the reason is told, and nothing has failed."""
    visits = "tables:\n  events:\n    sources: [{files: answers.csv}]\n    columns: {customer_id: id, unit: unit, "
    head, tail = STUDY.split("tables:")[0], "max_reject_share" + STUDY.split("max_reject_share")[1]
    (shops.params / "shops" / "study.yml").write_text(head + visits + "stage: csat, occurred_at: date}\n" + tail)
    ended = say("run", "--study", "shops", "--unit", "north")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[:5] == [
        "skipped: scorecard: no responses table",
        NO_TABLES[0],
        "skipped: funnel: no funnel: section in params/shops/study.yml",
        NO_TABLES[2],
        "skipped: drivers: no responses table",
    ]
    assert (
        ended.out.splitlines()[-1]
        == "Nothing to make: 0 reports up to date. The list: outputs/index.html (or make serve)"
    )


def test_a_run_with_a_failure_makes_the_others_and_ends_in_exit_code_1(tmp_path: Path) -> None:
    project = make_shops(tmp_path)
    (project.notebooks / "scorecard.ipynb").write_text("{}")
    ended = command(project, "run", "--study", "shops", "--unit", "south")
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert lines[:3] == NO_TABLES
    assert lines[3:5] == ["Corner Shops, July to September 2026", "2 reports to make"]
    assert (
        lines[-1]
        == "1 of 2 reports made, 1 failed (once mended: --repair). The list: outputs/index.html (or make serve)"
    )
    assert f"failed: shops/{PERIOD}/shops/south/scorecard\n  notebooks/scorecard.ipynb" in ended.stderr
    assert "Traceback" not in ended.stderr
    page = (project.outputs / "index.html").read_text(encoding="utf-8")
    assert "South has too few answers for drivers of its own" in page
    assert (project.outputs / f"shops/{PERIOD}/shops/south/drivers/result.json").exists()


def test_nothing_printed_steers_a_terminal(shops: Project, say) -> None:
    """A raw header may hold anything."""
    raw = shops.data("shops") / "raw" / "answers.csv"
    raw.write_text(raw.read_text().replace("id,", "\x1b]0;x\x07\x1b[2Jid,", 1))
    said = say("import", "shops")
    assert "\x1b" not in said.err
    assert "\\x1b]0;x\\x07\\x1b[2Jid" in said.err


def test_a_disk_that_refuses_is_one_line(shops: Project, say) -> None:
    shops.outputs.write_text("not a folder")
    ended = say("import", "shops")
    assert (ended.code, ended.err) == (
        3,
        f"cxinsights: {os.strerror(errno.ENOTDIR)} ({'/'.join(shops.outputs.parts[-2:])}/shops)\n",
    )


def test_a_fault_of_ours_quotes_nobody(shops: Project, say, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("could not read 'the lady was rude'")

    monkeypatch.setattr("cxinsights.data.importing.import_study", fail)
    ended = say("import", "shops")
    assert ended.code == 3
    assert ended.err.startswith("cxinsights: unexpected ValueError in test_cli.py, line ")
    assert ended.err.endswith(" CXINSIGHTS_TRACEBACK=1 shows all of it; it may quote what people answered.\n")
    assert "rude" not in ended.err


@pytest.fixture(scope="module")
def scorecards(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with two reports made, one of them released."""
    project, _ = make_scorecards(tmp_path_factory.mktemp("scorecards"))
    release(project, "shops", [NORTH])
    return project


@pytest.mark.parametrize(("kind", "name"), [("xlsx", "Excel workbook"), ("pptx", "PowerPoint slides")])
@pytest.mark.parametrize("given", ["{}", "outputs/{}/index.html", "/{}/"])
def test_a_report_is_written_as_a_file(
    scorecards: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say, kind: str, name: str, given: str
) -> None:
    monkeypatch.setenv("CXINSIGHTS_HOME", str(scorecards.root))
    to = tmp_path / "out" / f"north.{kind}"
    to.parent.mkdir()
    to.write_text("what was there")
    ended = say("download", given.format(NORTH.path), "--as", kind, "--to", str(to))
    made = make_download(scorecards, scorecards.outputs, NORTH, kind)
    assert ended == Ended(0, f"{to}: {name}, {len(made) / 1024:,.0f} kB\n", "")
    assert to.read_bytes() == made
    assert [path.name for path in to.parent.iterdir()] == [to.name]


def test_without_more_a_report_is_a_workbook_named_after_it(
    scorecards: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say
) -> None:
    monkeypatch.setenv("CXINSIGHTS_HOME", str(scorecards.root))
    monkeypatch.chdir(tmp_path)
    record = NORTH.folder(scorecards.outputs) / "result.json"
    as_it_is = record.read_bytes()
    record.write_bytes(as_it_is.replace(b'"headline": "', b'"headline": "A draft: '))
    name = "shops-2026Q3-shops-north-scorecard.xlsx"
    try:
        assert say("download", NORTH.path, "--released").code == 0
        assert Path(name).read_bytes() == make_download(scorecards, released_root(scorecards), NORTH, "xlsx")
        assert say("download", NORTH.path).code == 0
        assert Path(name).read_bytes() == make_download(scorecards, scorecards.outputs, NORTH, "xlsx")
        Path("folder").mkdir()
        assert say("download", NORTH.path, "--to", "folder").code == 0
        assert [path.name for path in Path("folder").iterdir()] == [name]
    finally:
        record.write_bytes(as_it_is)


def test_what_cannot_be_written_as_a_file_says_why(
    scorecards: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say
) -> None:
    monkeypatch.setenv("CXINSIGHTS_HOME", str(scorecards.root))
    nowhere = str(tmp_path / "nowhere" / "north.xlsx")
    ended = [
        say("download", NORTH.path, "--as", "xls"),
        say("download", "shops/2026Q3/shops/nort/scorecard"),
        say("download", SOUTH.path, "--released"),
        say("download", NORTH.path, "--to", nowhere),
        say("download", NORTH.path, "--as", "csv"),
        say("download", NORTH.path, "--as", "xlsx", "--to", str(tmp_path / "north.pptx")),
        say("download", NORTH.path, "--to", str(tmp_path / "north.doc")),
        say("download", NORTH.path.replace("scorecard", "drivers")),
    ]
    assert [(one.code, one.out) for one in ended] == [(2, "")] * 8
    kinds, more = "Known: xlsx, pptx.", "cxinsights plan lists those that there can be."
    near = f" Did you mean {NORTH.path}? {more}\n"
    assert [one.err.removeprefix("cxinsights: ") for one in ended] == [
        f"download: unknown kind 'xls'. Did you mean 'xlsx'? {kinds}\n",
        f"download: no report shops/2026Q3/shops/nort/scorecard has been made.{near}",
        f"download: no report {SOUTH.path} has been released.{near}",
        f"--to: there is no folder {tmp_path}/nowhere. Make it first, or name another.\n",
        f"download: unknown kind 'csv'. {kinds} Every table is a CSV file beside the report's page, in outputs/.\n",
        "download: --as xlsx for a file named .pptx. Leave out --as, or name it .xlsx.\n",
        f"download: unknown kind 'doc'. {kinds}\n",
        f"download: no report shops/2026Q3/shops/north/drivers has been made. Made of that place: scorecard. {more}\n",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_the_file_says_what_it_is(
    scorecards: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say
) -> None:
    monkeypatch.setenv("CXINSIGHTS_HOME", str(scorecards.root))
    to = tmp_path / "north.PPTX"
    assert say("download", NORTH.path, "--to", str(to)).code == 0
    assert to.read_bytes() == make_download(scorecards, scorecards.outputs, NORTH, "pptx")


@pytest.mark.parametrize("option", ["--json", "--mail"])
def test_what_changed_is_not_asked_where_it_cannot_be_written(shops: Project, tmp_path: Path, say, option: str) -> None:
    ended = say("changes", "--study", "shops", option, str(tmp_path / "nowhere" / "file"))
    said = f"cxinsights: {option}: there is no folder {tmp_path}/nowhere. Make it first, or name another.\n"
    assert ended == Ended(2, "", said)


@pytest.mark.parametrize("command", ["changes", "link"])
def test_addresses_of_links_have_their_beginning(shops: Project, say, command: str) -> None:
    ended = say(command, "--study", "shops", "--base", "cx.example.com")
    said = "cxinsights: --base: not an address. Write it with its beginning, like https://cx.example.com\n"
    assert ended == Ended(2, "", said)

"""What changed since the last released period: every kind is told, and nothing that is not."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from cxinsights.cli import main
from cxinsights.display.scorecard import headline_scorecard
from cxinsights.errors import ReleaseError, UnknownNameError
from cxinsights.params import ALL, Project, Study, load_study
from cxinsights.publish.changes import Changes, find_changes
from cxinsights.publish.digest import as_mail, title_of
from cxinsights.publish.releases import released_root
from cxinsights.report.identity import ReportId
from cxinsights.report.record import RECORD_TO, record
from tests.display.results import answered, moved, regions, scorecard, study, together
from tests.small import make_project

SAME, LOW = (0.2, 0.4), (0.5, 0.2)
NO_COMPANY = ("missing", "Corner Shops: no scorecard of July to September 2026 has been made")
UNITS = {"north": "North", "south": "South", "east": "East"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def of() -> Study:
    return study(UNITS, label="Corner Shops")


def keep(
    root: Path, of: Study, frame: pd.DataFrame, monkeypatch, period="2026Q3", made_from="a", company=False, **more
):
    """Scorecards of all units of a frame, as the batch leaves them; the company's too where that is asked."""
    for unit in [*sorted(frame["unit"].unique()), *([ALL] if company else [])]:
        guarded = scorecard(frame, of, unit=unit, **more)
        folder = ReportId("shops", period, ALL if unit == ALL else "shops", unit, "scorecard").folder(root)
        folder.mkdir(parents=True)
        monkeypatch.setenv(RECORD_TO, str(folder))
        record(guarded, headline_scorecard(guarded), "data")
        (folder / "run.json").write_text(json.dumps({"fingerprint": {"study": made_from, "code": "c"}}))


def told(found: Changes) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in found.found]


def test_what_moved_is_told_with_its_interval_the_worst_first(project: Project, of: Study, monkeypatch) -> None:
    frame = together(moved("north", SAME, LOW), moved("south", SAME, (0.1, 0.6)), moved("east", SAME, SAME))
    keep(project.outputs, of, frame, monkeypatch)
    found = find_changes(project, of, since="2025Q3", region="shops")
    kinds = [(one.kind, one.unit, one.metric) for one in found.found]
    assert kinds[0] == ("worse", "north", "nps")
    assert {unit for kind, unit, _ in kinds if kind == "worse"} == {"north"}
    assert {unit for kind, unit, _ in kinds if kind == "better"} == {"south"}
    assert "east" not in {unit for _, unit, _ in kinds}
    row = (
        scorecard(frame, of, unit="north")
        .changes.query("metric == 'nps' and unit == 'north' and level == 'unit'")
        .iloc[0]
    )
    first = found.found[0]
    assert (first.change, first.ci_low, first.ci_high) == pytest.approx((row["change"], row["ci_low"], row["ci_high"]))
    low, high = first.score_low, first.score_high
    assert (first.score, low < -30 < high, high - low < 20, first.n) == (-30, True, True, 400)
    assert first.text == (
        f"North: NPS −30 (−{-low:.0f} to −{-high:.0f}), −50 (−{-row['ci_low']:.0f} to −{-row['ci_high']:.0f}), "
        "from 400 answers"
    )
    assert found.is_alarming
    assert (
        title_of(found, of)
        == "Corner Shops, July to September 2026: three worse, three better since July to September 2025"
    )


def test_ratings_that_fell_with_it_since_the_same_period_are_named(project: Project, of: Study, monkeypatch) -> None:
    between = [answered(SAME, 400, unit=unit, period="2026Q2") for unit in UNITS]
    rose = moved("east", SAME, (0.1, 0.6))
    frame = together(moved("north", SAME, LOW), moved("south", SAME, LOW), rose, between)
    now, north = frame["period"] == "2026Q3", frame["unit"] == "north"
    for name, by in {"wait": -1.5, "help": -0.6, "tone": 0.7}.items():
        frame[f"{name}_rating"] = 6.0 + frame.index % 3 + by * (now & north)
    frame.loc[now & (frame["unit"] == "east"), "wait_rating"] -= 1
    frame["price_rating"] = 6.0 + frame.index % 3 + 0.9 * (north & (frame["period"] == "2026Q2"))  # and back again
    keep(project.outputs, of, frame, monkeypatch)
    found = find_changes(project, of, since="2025Q3").found
    texts = {one.unit: one.text for one in found if one.metric == "nps"}
    fell = r"answers\. Ratings that fell meanwhile: wait −1\.5 \(−1\.\d to −1\.\d\) and help −0\.6 \(−0\.\d to −0\.\d\)"
    assert re.search(rf"{fell}$", texts["north"])
    assert texts["south"].endswith(" from 400 answers")
    assert sum("Ratings" in one.text for one in found) == 1  # told once, of what fell


def test_too_few_answers_and_new_and_gone_units_are_told(project: Project, of: Study, monkeypatch) -> None:
    then = [answered(SAME, 400, unit=unit, period="2025Q3") for unit in ("north", "south")]
    frame = together(then, [answered(SAME, 6, unit="north"), answered(SAME, 400, unit="east")])
    keep(project.outputs, of, frame[frame["unit"] != "south"], monkeypatch)
    earlier = ReportId("shops", "2025Q3", "shops", "south", "scorecard").folder(released_root(project))
    shutil.copytree(ReportId("shops", "2026Q3", "shops", "east", "scorecard").folder(project.outputs), earlier)
    found = find_changes(project, of)
    assert found.since == "2025Q3"
    assert told(found) == [
        ("hidden", "North: North is not shown: too few answers"),
        ("gone", "South: no scorecard; there was one of July to September 2025"),
        NO_COMPANY,
        ("new", "East: East is not shown: it would give others away"),
    ]
    assert found.is_alarming


def test_what_is_asked_otherwise_is_told_as_what_may_explain_it(project: Project, of: Study, monkeypatch) -> None:
    frame = together(moved("north", SAME, SAME))
    keep(released_root(project), of, frame, monkeypatch, "2025Q3")
    frame.loc[frame["period"] == "2026Q3", "ces_score"] = float("nan")
    keep(project.outputs, of, frame, monkeypatch, made_from="b")
    found = find_changes(project, of, unit="north")
    assert told(found) == [
        ("definition", "North: CES was not asked; it was 5.4 (5.3 to 5.5)"),
        ("definition", "The study's settings changed between the two"),
    ]
    assert not found.is_alarming


def test_targets_that_are_others_are_told_once_for_all_places(project: Project, of: Study, monkeypatch) -> None:
    def aims(**values) -> pd.DataFrame:
        rows = [
            (ALL if unit == ALL else "shops", unit, m, "2026Q3", value)
            for m, own in values.items()
            for unit, value in own.items()
        ]
        return pd.DataFrame(rows, columns=["region", "unit", "metric", "period", "value"])

    frame = together(*(moved(unit, SAME, SAME) for unit in UNITS))
    old = aims(nps=dict.fromkeys(UNITS, 30.0), csat={"north": 0.7})
    new = aims(nps={"north": 35.0, "south": 35.0, "east": 30.0}, ces={**dict.fromkeys(UNITS, 5.5), ALL: 5.5})
    for root, period, targets in ((released_root(project), "2025Q3", old), (project.outputs, "2026Q3", new)):
        keep(root, of, frame, monkeypatch, period, company=True, targets=targets)
    found = find_changes(project, of)
    assert told(found) == [
        ("target", "North; South: the target of NPS was 30 and is 35"),
        ("target", "North: CSAT has no target any more; it was 70%"),
        ("target", "4 of 4 places: CES now has a target, 5.5"),
    ]
    assert not found.is_alarming


def test_nothing_is_told_where_nothing_changed(project: Project, of: Study, monkeypatch) -> None:
    frame = together(*(moved(unit, SAME, SAME) for unit in UNITS))
    keep(project.outputs, of, frame, monkeypatch, company=True)
    keep(released_root(project), of, frame, monkeypatch, "2025Q3", company=True)
    found = find_changes(project, of)
    assert (told(found), found.n_looked_at, found.n_asked_for, found.is_alarming) == ([], 4, 4, False)
    assert title_of(found, of).endswith("2026: nothing that clearly moved since July to September 2025")
    assert "No change is clear in 4 scorecards." in as_mail(found, of)


def test_nothing_is_said_to_be_well_of_which_no_scorecard_was_made(project: Project, of: Study, monkeypatch) -> None:
    keep(project.outputs, of, together(moved("north", SAME, SAME)), monkeypatch)
    found = find_changes(project, of, since="2025Q3")
    assert told(found) == [
        ("missing", "Corner Shops; South; East: no scorecard of July to September 2026 has been made")
    ]
    assert title_of(found, of) == (
        "Corner Shops, July to September 2026: nothing that clearly moved since July to September 2025, in the 1 of 4 "
        "scorecards that are made"
    )
    assert found.is_alarming
    assert not find_changes(project, of, since="2025Q3", unit="north").is_alarming
    with pytest.raises(ReleaseError) as error:
        find_changes(project, of, since="2025Q3", region="shops", unit="south")
    assert str(error.value) == (
        "shops: no scorecard of 2026Q3 has been made for --region shops --unit south. Make them: cxinsights run "
        "--study shops --period 2026Q3 --region shops --unit south"
    )


def test_many_missing_scorecards_are_counted(project: Project, monkeypatch) -> None:
    of = study({**UNITS, "west": "West"}, label="Corner Shops")
    keep(project.outputs, of, together(moved("north", SAME, SAME)), monkeypatch)
    found = find_changes(project, of, since="2025Q3")
    assert told(found) == [("missing", "4 of 5 places: no scorecard of July to September 2026 has been made")]


def test_periods_without_answers_are_none_to_compare_with(project: Project, of: Study, monkeypatch) -> None:
    between = [answered(SAME, 400, unit="north", period="2026Q2")]
    keep(project.outputs, of, together(moved("north", SAME, LOW), between), monkeypatch)
    with pytest.raises(ReleaseError) as error:
        find_changes(project, of, since="2019Q1")
    assert str(error.value) == (
        "shops: --since 2019Q1: no answers of it are known. Earlier ones are of 2025Q3 and 2026Q2."
    )


def test_one_unit_is_looked_at_where_one_is_named(project: Project, of: Study, monkeypatch) -> None:
    keep(project.outputs, of, together(moved("north", SAME, LOW), moved("south", SAME, LOW)), monkeypatch)
    found = find_changes(project, of, since="2025Q3", unit="south")
    assert ({one.unit for one in found.found}, found.n_looked_at) == ({"south"}, 1)


def test_the_mail_holds_every_sentence_its_links_and_no_script(project: Project, monkeypatch) -> None:
    of = study({"north": "<b>North</b> & co", "south": "South"}, label="Corner <i>Shops</i>", synthetic=True)
    keep(project.outputs, of, together(moved("north", SAME, LOW), moved("south", SAME, SAME)), monkeypatch)
    found = find_changes(project, of, since="2025Q3", region="shops")
    mail = as_mail(found, of, "https://cx.example.com/")
    assert 'href="https://cx.example.com/shops/2026Q3/shops/north/scorecard"' in mail
    assert mail.count("&lt;b&gt;North&lt;/b&gt; &amp; co: ") == len(found.found) == 3
    assert re.findall("<(?:b|i|script|img)[ >]", mail) == []
    assert "Made-up data." in mail
    assert "href" not in as_mail(found, of)
    assert json.loads(found.as_json())["found"][0]["text"] == found.found[0].text


@pytest.mark.parametrize(("now", "code"), [(LOW, 1), (SAME, 0)])
def test_monitors_are_told_by_the_exit_code(tmp_path: Path, monkeypatch, capsys, now: tuple, code: int) -> None:
    project = make_project(tmp_path)
    of = load_study(project, "shops")
    keep(project.outputs, of, together(moved("north", SAME, now), moved("south", SAME, SAME)), monkeypatch)
    options = ["--study", "shops", "--since", "2025Q3", "--region", "shops"]
    monkeypatch.setenv("CXINSIGHTS_HOME", str(tmp_path))
    files = ["--json", str(tmp_path / "changes.json"), "--mail", str(tmp_path / "mail.html")]
    monkeypatch.setattr("sys.argv", ["cxinsights", "changes", *options, *files])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    printed = capsys.readouterr().out.splitlines()
    found = find_changes(project, of, since="2025Q3", region="shops")
    assert printed[0] == title_of(found, of)
    assert [line for line in printed[1:] if line] == [f"Worse: {one.text}" for one in found.found]
    assert (tmp_path / "changes.json").read_text() == found.as_json()
    assert (tmp_path / "mail.html").read_text() == as_mail(found, of)


def test_it_says_what_there_is_nothing_to_compare_with(project: Project, of: Study, monkeypatch) -> None:
    with pytest.raises(ReleaseError) as error:
        find_changes(project, of)
    assert str(error.value) == "shops: no scorecard of any period has been made. Run make reports."
    keep(project.outputs, of, together(moved("north", SAME, SAME)), monkeypatch)
    with pytest.raises(ReleaseError) as error:
        find_changes(project, of)
    assert str(error.value) == (
        "shops: no period before 2026Q3 is released. Release one, or name one to compare with: --since."
    )
    with pytest.raises(ReleaseError) as error:
        find_changes(project, of, "2026Q2")
    assert str(error.value) == "shops: no scorecard of 2026Q2 has been made. Run make reports."


@pytest.mark.parametrize("since", ["2026Q3", "2026Q4"])
def test_nothing_changes_since_a_period_that_is_not_earlier(project: Project, of: Study, monkeypatch, since) -> None:
    keep(project.outputs, of, together(moved("north", SAME, LOW)), monkeypatch)
    with pytest.raises(ReleaseError) as error:
        find_changes(project, of, since=since)
    assert str(error.value) == f"shops: --since {since} is not before 2026Q3. Name an earlier period."


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"unit": "nort"}, "shops: unknown unit 'nort'. Did you mean 'north'? Known: _all, east, north, south."),
        ({"region": "shop"}, "shops: unknown region 'shop'. Did you mean 'shops'? Known: shops."),
        ({"region": "shops", "unit": "x"}, "shops: shops: unknown unit 'x'. Known: east, north, south."),
        ({"region": ALL, "unit": "north"}, "shops: _all: unknown unit 'north'. Known: _all."),
    ],
)
def test_places_that_there_are_not_are_named_with_those_there_are(project: Project, of: Study, place, said) -> None:
    with pytest.raises(UnknownNameError) as error:
        find_changes(project, of, **place)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("region", "unit", "who"),
    [
        (None, None, "Corner Shops"), (ALL, None, "Corner Shops"), (None, ALL, "Corner Shops"),
        ("r1", None, "Region 1"),
        ("r1", ALL, "Region 1"), ("r1", "u0", "Unit 1.0, Region 1"), (None, "u0", "Unit 0.0"),
    ],
)  # fmt: skip
def test_the_title_names_what_was_looked_at(region: str | None, unit: str | None, who: str) -> None:
    found = Changes("shops", "2026Q3", "2025Q3", [], 1, 1, region, unit)
    assert title_of(found, regions(2)) == (
        f"{who}, July to September 2026: nothing that clearly moved since July to September 2025"
    )

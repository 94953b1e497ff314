"""The register of actions: what a line may say, and where it is wrong."""

from datetime import date
from pathlib import Path

import pytest

from cxinsights.errors import CxError
from cxinsights.params import Action, Project, load_actions, load_study
from tests.small import STUDY, small_study

HEAD = "region,unit,action,driver,measure,owner,begun,due,status,note\n"


def loaded(folder: Path, text: str | bytes) -> list[Action]:
    project, study = small_study(folder, STUDY)
    (project.params / "shops" / "actions.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_actions(project, study)


def test_a_line_is_an_action_and_blanks_are_usual(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        HEAD + 'shops,north,"Ring back, always",wait_rating,CSAT,Head of stores,2026-07-01,2026-12-31,done,In two\n'
        ",south,Longer hours,,,Ana,,,,\n\n",
    )
    assert found == [
        Action(
            region="shops", unit="north", action="Ring back, always", driver="wait_rating", measure="csat",
            owner="Head of stores", begun=date(2026, 7, 1), due=date(2026, 12, 31), status="done", note="In two",
        ),
        Action(region="shops", unit="south", action="Longer hours", owner="Ana"),
    ]  # fmt: skip
    assert (found[1].measure, found[1].status, found[1].begun, found[1].due) == ("nps", "open", None, None)


def test_what_spreadsheets_add_is_no_matter(tmp_path: Path) -> None:
    found = loaded(tmp_path, b"\xef\xbb\xbfunit ,action,owner\r\nnorth,Ring back,Ana\r\n,,\r\n")
    assert [(one.region, one.unit) for one in found] == [("shops", "north")]


def test_a_study_without_a_register_has_no_actions(tmp_path: Path) -> None:
    project, study = small_study(tmp_path, STUDY)
    assert load_actions(project, study) == []


def test_the_demo_companys_register_is_read(root: Path) -> None:
    project = Project(root)
    found = load_actions(project, load_study(project, "demo"))
    assert {one.status for one in found} == {"open", "done"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "unit,action,boss\nnorth,Ring back,Ana\n",
            "params/shops/actions.csv, line 1: unknown column 'boss'; no column 'owner'. Columns are region, unit, "
            "action, driver, measure, owner, begun, due, status, note, separated by commas; unit, action, owner are "
            "needed.",
        ),
        (
            HEAD + "shops,nroth,Ring back,,,Ana,,,,\n",
            "params/shops/actions.csv, line 2: shops: shops: unknown unit 'nroth'. Did you mean 'north'? Known: north, "
            "south.",
        ),
        (
            HEAD + "shops,north,Ring back,,,Ana,soon,,,\n",
            "params/shops/actions.csv, line 2: begun: not a day. Write it like 2026-07-31",
        ),
        (
            HEAD + "shops,north,Ring back,,,Ana,2026-07-01,2026-06-30,,\n",
            "params/shops/actions.csv, line 2: due (2026-06-30) is before begun (2026-07-01)",
        ),
        (
            HEAD + "shops,north,Ring back,,,Ana,,,pending,\n",
            "params/shops/actions.csv, line 2: status: 'pending' is not 'open', 'done' or 'dropped'",
        ),
        (
            HEAD + "shops,north,Ring back,weight_rating,,Ana,,,,\n",
            "params/shops/actions.csv, line 2: driver: unknown rating 'weight_rating'. Did you mean 'wait_rating'? "
            "Known: wait_rating.",
        ),
        (
            HEAD + "shops,north,Ring back, always,,,Ana,,,,\n",
            "params/shops/actions.csv, line 2: more cells than columns. Put a text that holds a comma in double "
            "quotes.",
        ),
        (
            HEAD + "shops,north,,,,Ana,,,,\n",
            "params/shops/actions.csv, line 2: action: must not be empty",
        ),
        (
            HEAD + f"shops,north,{'Ring back ' * 20},,,Ana,,,,\n",
            "params/shops/actions.csv, line 2: action: has 199 characters; 160 are allowed",
        ),
        (
            HEAD + "shops,north,Ring back,,,Ana,,,,\nshops,north,Call,,,,,,,\nshops,north,Call,rush,,Ana,,,,\n",
            "params/shops/actions.csv: 2 lines are wrong. line 3: owner: must not be empty; line 4: driver: unknown "
            "rating 'rush'. Known: wait_rating.",
        ),
        (
            HEAD.encode() + "shops,north,Zurück,,,Ana,,,,\n".encode("latin-1"),
            "params/shops/actions.csv: not UTF-8. Save it as CSV UTF-8.",
        ),
    ],
)
def test_a_wrong_line_says_where_and_what_is_allowed(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(CxError) as info:
        loaded(tmp_path, text)
    assert str(info.value) == message

"""Rights, links and cookies: what a right covers, and that nothing but our own key opens anything."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import jwt
import pytest

from cxinsights.errors import AccessError, ParamsError, UnknownNameError
from cxinsights.publish.access import EVERYTHING, Keys, Right, Visitor
from cxinsights.publish.identity import check_grants, read_grants, read_secret
from tests.small import make_project

RETAIL, EMEA, DEMO = (Right.parse(text) for text in ("demo/emea/retail", "demo/emea", "demo"))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "data" / "links.key")


@pytest.mark.parametrize(
    ("right", "seen"),
    [
        (RETAIL, {("emea", "retail")}),
        (EMEA, {("emea", "retail"), ("emea", "bank"), ("emea", "_all")}),
        (DEMO, {("emea", "retail"), ("emea", "bank"), ("emea", "_all"), ("apac", "retail"), ("_all", "_all")}),
        (Right.parse("demo/_all"), {("_all", "_all")}),
    ],
)
def test_a_right_covers_what_lies_inside_and_nothing_above(right: Right, seen: set[tuple[str, str]]) -> None:
    places = [("emea", "retail"), ("emea", "bank"), ("emea", "_all"), ("apac", "retail"), ("_all", "_all")]
    assert {place for place in places if right.covers("demo", *place)} == seen
    assert not any(right.covers("other", *place) for place in places)
    assert all(EVERYTHING.covers(study, *place) for study in ("demo", "other") for place in places)


def test_all_of_a_study_is_seen_by_a_right_to_all_of_it() -> None:
    def visitor(*rights: Right) -> Visitor:
        return Visitor("x", frozenset(rights))

    assert visitor(DEMO).may_see_all_of("demo")
    assert visitor(EVERYTHING).may_see_all_of("demo")
    assert not visitor(EMEA, RETAIL).may_see_all_of("demo")
    assert not visitor(DEMO).may_see_all_of("other")
    assert not visitor().may_see("demo", "emea", "retail")


@pytest.mark.parametrize("text", ["", "demo/", "/demo", "demo/emea/retail/drivers", "demo//retail"])
def test_what_is_no_right_is_refused(text: str) -> None:
    with pytest.raises(AccessError) as error:
        Right.parse(text)
    assert str(error.value) == (
        f"access: {text!r} is no right. Write a study, study/region, study/region/unit, or * for everything."
    )


def test_a_link_carries_its_rights_and_only_as_a_link(keys: Keys) -> None:
    token = keys.link([EMEA, RETAIL], "the board", 30)
    visitor = keys.visitor(token, "link")
    assert visitor is not None
    assert (visitor.name, visitor.rights) == ("the board", {EMEA, RETAIL})
    assert visitor.until == pytest.approx(time.time() + 30 * 86_400, abs=5)
    assert keys.visitor(token, "visit") is None
    cookie = keys.cookie(visitor)
    visit = keys.visitor(cookie, "visit")
    assert visit is not None
    assert replace(visit, visit="") == visitor
    other = keys.visitor(keys.cookie(visitor), "visit")
    assert other is not None
    assert len({visit.visit, other.visit, ""}) == 3  # each taking of a link is a visit of its own
    assert Visitor.from_text(visit.as_text()).visit == visit.visit
    assert keys.visitor(cookie, "link") is None
    assert Visitor.from_text(visitor.as_text()).rights == visitor.rights


def forged(keys: Keys, tmp_path: Path) -> dict[str, str]:
    """Tokens that somebody without the key can make, and one that has expired."""
    token = keys.link([RETAIL], "x", 1)
    head, body, signature = token.split(".")
    told = {"aud": "link", "sub": "x", "rights": ["*"], "exp": int(time.time()) + 999}
    own = Keys(tmp_path / "other.key")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    more = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    key = (tmp_path / "data" / "links.key").read_bytes()
    return {
        "nothing": "", "no token": "abc", "unsigned": f"{none}.{body}.", "unsigned with more": f"{none}.{more}.",
        "more rights": f"{head}.{more}.{signature}", "another key": own.link([RETAIL], "x", 1),
        "cut": token[:-4], "another way of signing": jwt.encode(told, key * 2, "HS512"),
        "expired": jwt.encode({**told, "exp": int(time.time()) - 1}, key, "HS256"),
        "for ever": jwt.encode({k: v for k, v in told.items() if k != "exp"}, key, "HS256"),
        "without rights": jwt.encode({k: v for k, v in told.items() if k != "rights"}, key, "HS256"),
        "with a bad right": jwt.encode({**told, "rights": ["a/b/c/d"]}, key, "HS256"),
        "rights that are no list": jwt.encode({**told, "rights": 5}, key, "HS256"),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_link_is_for_somebody(keys: Keys, name: str) -> None:
    with pytest.raises(AccessError) as error:
        keys.link([DEMO], name, 1)
    assert str(error.value) == "link: for whom? A name has 1 to 100 characters: the audit log holds it."


def test_grants_that_open_nothing_there_is_are_found(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    path = project.params / "access.yml"
    path.write_text("users: {anna: [shops/shops/north, '*']}\ngroups: {board: [shops]}\n")
    assert check_grants(path, project) == ["shops/shops/north", "*", "shops"]
    said = []
    for right in ("shop", "shops/shopz", "shops/shops/nroth"):
        path.write_text(f"groups: {{board: [{right}]}}\n")
        with pytest.raises(UnknownNameError) as error:
            check_grants(path, project)
        said.append(str(error.value))
    assert [text.partition(". Did")[0] for text in said] == [
        "params/access.yml: groups.board: shop: params/: unknown study 'shop'",
        "params/access.yml: groups.board: shops/shopz: shops: unknown region 'shopz'",
        "params/access.yml: groups.board: shops/shops/nroth: shops: shops: unknown unit 'nroth'",
    ]


def test_nobody_else_makes_a_link(keys: Keys, tmp_path: Path) -> None:
    found = {name: keys.visitor(token, "link") for name, token in forged(keys, tmp_path).items()}
    assert {name for name, visitor in found.items() if visitor is not None} == set()


def test_the_key_is_its_owners_alone_and_stays(keys: Keys, tmp_path: Path) -> None:
    token = keys.link([DEMO], "x", 1)
    path = tmp_path / "data" / "links.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keys(path).visitor(token, "link") is not None
    path.unlink()  # whoever takes the key away ends every link
    assert Keys(path).visitor(token, "link") is None
    path.write_bytes(b"short")
    with pytest.raises(AccessError) as error:
        Keys(path).link([DEMO], "x", 1)
    assert str(error.value) == "links.key is no key: take it away, and the next link makes a new one."


def test_all_who_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    for at in range(20):
        path = tmp_path / str(at) / "links.key"
        with ThreadPoolExecutor(8) as makers:
            links = [*makers.map(lambda _, path=path: Keys(path).link([EMEA], "x", 1), range(8))]
        assert all(Keys(path).visitor(link, "link") for link in links)
        assert [one.name for one in path.parent.iterdir()] == ["links.key"]


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_link_holds_for_a_day_to_a_year(keys: Keys, days: float) -> None:
    with pytest.raises(AccessError) as error:
        keys.link([DEMO], "x", days)
    assert str(error.value) == f"link: {days} days. A link holds for up to 366."
    with pytest.raises(AccessError) as error:
        keys.link([], "x", 1)
    assert str(error.value) == "link: for what? Name at least one study, region or unit."


def test_grants_are_of_the_name_and_all_groups(tmp_path: Path) -> None:
    path = tmp_path / "access.yml"
    path.write_text("users: {anna@example.com: [demo/emea]}\ngroups: {board: ['*'], apac: [demo/apac]}\n")
    grants = read_grants(path)
    assert grants.visitor("anna@example.com", []).rights == {EMEA}
    assert grants.visitor("anna@example.com", ["apac"]).rights == {EMEA, Right.parse("demo/apac")}
    assert grants.visitor("ben@example.com", ["board", "nobody"]).rights == {EVERYTHING}
    assert grants.visitor("ben@example.com", []).rights == frozenset()
    path.write_text("users: {anna@example.com: [demo//x]}\n")
    with pytest.raises(ParamsError) as error:
        read_grants(path)
    assert str(error.value) == (
        "params/access.yml: users.anna@example.com: access: 'demo//x' is no right. Write a study, study/region, "
        "study/region/unit, or * for everything."
    )


def test_a_secret_is_long_and_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "proxy.secret"
    texts = []
    for content, mode in ((None, 0), ("x" * 40, 0o644), ("short", 0o600)):
        if content is not None:
            path.write_text(content)
            path.chmod(mode)
        with pytest.raises(AccessError) as error:
            read_secret(path)
        texts.append(str(error.value))
    assert texts == [
        "proxy.secret: no such file. Put a secret of 32 characters or more into it.",
        "proxy.secret: others can read it. Keep it to yourself: chmod 600.",
        "proxy.secret: 5 characters are too short a secret. Take 32 or more.",
    ]
    path.write_text("y" * 32 + "\n")
    assert read_secret(path) == b"y" * 32

"""Our numbers agree with the field's reference implementations (R and its packages).

`pytest tests/reference --cases DIR` runs every case found under DIR; without the option, the cases that come with
the project. A case is NAME.json with the CSV it names; its kind is what follows the data's name.
"""

import copy
import json
from pathlib import Path

import pytest

from tests.reference.adapters import ADAPTERS, read_frame
from tests.reference.comparing import better_of, bound, disagreements, must_agree

OWN = Path(__file__).parent / "cases"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case_file" in metafunc.fixturenames:
        folders = [Path(f) for f in metafunc.config.getoption("--cases")] or [OWN]
        found = sorted(path for folder in folders for path in folder.rglob("*.json"))
        metafunc.parametrize("case_file", found or [folders[0]], ids=[p.stem for p in found] or ["none"])


def kind_of(path: Path, case: dict) -> str:
    """What follows the data's name: a_syn1_nps with a_syn1.csv is of kind nps."""
    data = Path(case["input_csv"]).stem
    return case["case"].removeprefix(f"{data}_") if case["case"].startswith(data) else path.stem.rsplit("_", 1)[-1]


def load(path: Path) -> tuple[str, dict]:
    if path.is_dir():
        pytest.fail(f"no cases (NAME.json) under {path}")
    case = json.loads(path.read_text(encoding="utf-8"))
    kind = kind_of(path, case)
    if kind not in ADAPTERS:
        pytest.fail(f"{path.name}: unknown kind '{kind}'. Known: {', '.join(ADAPTERS)}.")
    return kind, case


def test_agrees_with_reference(case_file: Path) -> None:
    kind, case = load(case_file)
    got = ADAPTERS[kind](case, read_frame(case, case_file.parent))
    assert disagreements(kind, case, got) == []


@pytest.mark.parametrize("name", sorted(path.stem for path in OWN.glob("*.json")))
def test_every_expected_number_is_held(name: str) -> None:
    """Changing any one number that must agree by 1 % is noticed (Monte-Carlo figures have wider bounds)."""
    path = OWN / f"{name}.json"
    kind, case = load(path)
    got = ADAPTERS[kind](case, read_frame(case, path.parent))
    held = 0
    for where in must_agree(kind, case["expected"]):
        if where[0].startswith("bootstrap_"):
            continue
        changed = copy.deepcopy(case)
        node = changed["expected"]
        for key in where[:-1]:
            node = node[int(key)] if isinstance(node, list) else node[key]
        last = int(where[-1]) if isinstance(node, list) else where[-1]
        value = node[last]
        if value is None or (isinstance(value, str) and not value.replace(".", "").isdigit()):
            continue
        if 0 < abs(float(value)) * 0.01 <= bound(case, where)[0]:
            continue  # a p-value of 1e-16: 1 % of it is less than the case asks for
        way = better_of(where)  # ours may be better than the reference, never worse
        node[last] = float(value) + way * 0.01 * abs(float(value)) if way else float(value) * 1.01 or 0.01
        assert disagreements(kind, changed, got), f"{'.'.join(where)} changed by 1 % and nobody noticed"
        held += 1
    assert held >= 4


def test_a_missing_figure_fails() -> None:
    kind, case = load(OWN / "a_syn1_nps.json")
    got = ADAPTERS[kind](case, read_frame(case, OWN))
    del got["overall"]["se_denominator_n"]
    assert disagreements(kind, case, got) == ["overall.se_denominator_n: must agree, but we have no such figure"]


def test_an_unknown_kind_fails(tmp_path: Path) -> None:
    path = tmp_path / "z_data_magic.json"
    path.write_text(json.dumps({"case": "z_data_magic", "input_csv": "z_data.csv"}), encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match="unknown kind 'magic'"):
        load(path)


def test_an_empty_folder_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="no cases"):
        load(tmp_path)

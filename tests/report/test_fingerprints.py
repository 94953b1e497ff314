"""Short names of content are the same for the same content only."""

import hashlib
from datetime import date
from pathlib import Path

import cxinsights
from cxinsights.report.fingerprints import code_hash, installed, short_hash


def test_the_same_values_have_the_same_short_name() -> None:
    assert short_hash({"a": 1, "b": [2, None]}, "x") == short_hash({"b": [2, None], "a": 1}, "x")
    assert short_hash("x") == hashlib.sha256(b'["x"]').hexdigest()[:16]
    assert short_hash(date(2026, 9, 30)) == short_hash(date(2026, 9, 30))


def test_other_values_have_another() -> None:
    names = [short_hash(), short_hash(1), short_hash(1.5), short_hash("1"), short_hash(1, 2), short_hash([1, 2])]
    assert len({*names, short_hash({"a": 1}), short_hash({"a": 2}), short_hash({"b": 1})}) == 9


def test_the_code_of_a_part_is_all_its_python_files() -> None:
    package = Path(cxinsights.__file__).parent
    for part in ("analysis", "."):
        sources = sorted((package / part).glob("*.py"), key=lambda path: path.name)
        told = " ".join(installed()).encode() + b"".join(path.read_bytes() for path in sources)
        expected = hashlib.sha256(told).hexdigest()[:16]
        assert len(sources) > 3
        assert code_hash(part) == expected
    assert len({code_hash("analysis"), code_hash("."), code_hash("analysis", "."), code_hash()}) == 4

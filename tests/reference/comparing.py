"""Hold what an adapter gives to what a case expects, key by key."""

import math
import re
from collections.abc import Iterator
from typing import Any

from tests.reference.adapters import MUST, ONLY
from tests.reference.undetermined import Between

Path = tuple[str, ...]


def disagreements(kind: str, case: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """Every key that must agree and does not, and every other key of ours that differs."""
    expected = case["expected"]
    wanted = set(must_agree(kind, expected))
    if not wanted:
        return [f"nothing that must agree for kind {kind} is in this case"]
    found = []
    for path, value in leaves(expected):
        ours = _at(got, path)
        if ours is _MISSING:
            if path in wanted:
                found.append(f"{'.'.join(path)}: must agree, but we have no such figure")
            continue
        if not agree(ours, value, bound(case, path), better_of(path)):
            found.append(f"{'.'.join(path)}: expected {value}, ours {ours}")
    return found


def must_agree(kind: str, expected: dict[str, Any]) -> Iterator[Path]:
    """Leaves of `expected` that must agree."""
    for path, _ in leaves(expected):
        if any(_covers(pattern.split("."), path) for pattern in MUST[kind]) and not _left_out(path):
            yield path


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every number, text or null of a case with its path; lists are numbered."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif isinstance(tree, list):
        for at, value in enumerate(tree):
            yield from leaves(value, (*path, str(at)))
    elif path[-1] not in ("note", "bootstrap_note", "displayr_note"):
        yield path, tree


def bound(case: dict[str, Any], path: Path) -> tuple[float, float]:
    """Absolute and relative tolerance of a key; a note with a bound of its own goes first."""
    expected, tolerance = case["expected"], case["tolerance"]
    notes = [expected.get("bootstrap_note", "")] if path[0].startswith("bootstrap_") else []
    for depth in range(1, len(path)):
        node = _at(expected, path[:depth])
        notes.append(node.get("note", "") if isinstance(node, dict) else "")
    for note in notes:
        stated = re.search(r"within ([\d.]+) absolute", str(note))
        if stated:
            return float(stated[1]), 0.0
    return tolerance["abs"], tolerance["rel"]


def better_of(path: Path) -> int:
    """1 or −1 where a search may end higher or lower than the reference's did, which is better; else 0."""
    if path[0] == "gaussian_mixture":
        return {"loglik": 1, "bic_mclust": 1, "bic_lower_is_better": -1}.get(path[-1], 0)
    return -1 if path == ("kprototypes", "tot_withinss") else 0


def agree(ours: Any, expected: Any, tolerance: tuple[float, float], better: int = 0) -> bool:
    """Whether two figures are the same within tolerance, or ours is better; null is undefined on both sides."""
    if expected is None:
        return ours is None or (isinstance(ours, float) and not math.isfinite(ours))
    if isinstance(expected, str):
        try:
            expected = float(expected)
        except ValueError:
            return ours == expected
    if isinstance(ours, Between):
        return ours.holds(expected, tolerance[0] + tolerance[1] * abs(expected))
    if isinstance(ours, str) or ours is None or math.isnan(ours):
        return False
    if better and better * (ours - expected) > 0:
        return True
    return abs(ours - expected) <= tolerance[0] + tolerance[1] * abs(expected)


_MISSING = object()


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        if isinstance(tree, dict) and key in tree:
            tree = tree[key]
        elif isinstance(tree, list) and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return _MISSING
    return tree


def _covers(pattern: list[str], path: Path) -> bool:
    """Whether a path lies at or under a pattern; ? is a name at the top that is no part of its own."""
    if len(path) < len(pattern):
        return False
    parts = ("overall", "by_group", "two_sample", "edge_cases")
    return all(
        wanted in ("*", key) or (wanted == "?" and key not in parts) for wanted, key in zip(pattern, path, strict=False)
    )


def _left_out(path: Path) -> bool:
    """Whether a leaf belongs to a block of which only some names are ours to give."""
    if "design_based" in path:
        return path[-1] not in ("estimate", "se", "p")
    return any(name in ONLY and path[-1] not in ONLY[name] for name in path[:-1])

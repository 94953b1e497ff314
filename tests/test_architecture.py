"""Imports only point upstream: a stage knows the stages before it and none after."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent / "src" / "cxinsights"
ORDER = [
    "errors", "params", "schemas", "data", "analysis", "privacy", "display", "report", "kernels", "batch", "publish",
    "cli", "drivers", "__init__", "__main__",
]  # fmt: skip
FILES = sorted(SRC.rglob("*.py"))


def stage_of(module: str) -> str:
    """Stage of a module named like cxinsights.data.tables; the package itself is the facade."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported(tree: ast.AST) -> list[str]:
    """Modules of ours that a file imports, anywhere in it."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == "cxinsights"]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module and node.module.split(".")[0] == "cxinsights":
                found.append(node.module)
    return found


def faults(path: Path, source: str) -> list[str]:
    own = path.relative_to(SRC).parts[0].removesuffix(".py")
    return [
        f"{own} imports {module}, which lies downstream"
        for module in imported(ast.parse(source))
        if ORDER.index(stage_of(module)) > ORDER.index(own)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_imports_only_look_upstream(path: Path) -> None:
    assert faults(path, path.read_text(encoding="utf-8")) == []


def test_the_rule_notices_a_wrong_import() -> None:
    source = "from cxinsights.display.numbers import number"
    assert faults(SRC / "analysis" / "scores.py", source) == [
        "analysis imports cxinsights.display.numbers, which lies downstream"
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_no_file_is_long_and_none_is_called_utils(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert path.stem not in ("utils", "helpers", "common", "misc")


def test_analysis_touches_no_files_and_draws_nothing() -> None:
    for path in (SRC / "analysis").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        for word in ("open(", "pathlib", "matplotlib", "read_parquet", "to_parquet"):
            assert word not in source, f"{path.name}: {word}"


def test_every_name_of_the_facade_has_a_home() -> None:
    import cxinsights as cx

    for name in cx.__all__:
        assert getattr(cx, name) is not None
    with pytest.raises(AttributeError, match="cxinsights has no 'fit_driver'"):
        cx.fit_driver  # noqa: B018

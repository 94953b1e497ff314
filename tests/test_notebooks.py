"""Notebooks are thin: they import, call and show; what they can be asked is what their params model says."""

import ast
import re
from pathlib import Path
from typing import get_type_hints

import nbformat
import pytest

import cxinsights as cx
from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.params import ANALYSES

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
PER_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_of(path: Path) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def parameters_of(path: Path) -> ast.Module:
    tagged = [cell for cell in code_of(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    return ast.parse(tagged[0].source)


def test_there_is_one_notebook_for_each_analysis() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(ANALYSES)


@PER_NOTEBOOK
def test_parameters_are_plain_literals_that_name_every_field_of_the_model(path: Path) -> None:
    model = ANALYSES[path.stem]
    hints = {name: getattr(hint, "__name__", "") for name, hint in get_type_hints(model).items()}
    given = {}
    for line in parameters_of(path).body:
        assert isinstance(line, ast.AnnAssign)
        name = line.target.id
        given[name] = ast.literal_eval(line.value)
        assert type(given[name]).__name__ == line.annotation.id
        if line.annotation.id in ("int", "float"):
            assert hints[name] == line.annotation.id
    assert list(given) == list(model.model_fields)
    model(**given)


@PER_NOTEBOOK
def test_cells_are_short_and_define_nothing(path: Path) -> None:
    for cell in code_of(path):
        tree = ast.parse(cell.source)
        statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
        if "parameters" not in cell.metadata.get("tags", []):
            assert len([line for line in cell.source.splitlines() if line.strip()]) <= 4
        allowed = (ast.Import, ast.Assign, ast.AnnAssign, ast.Expr)
        assert all(isinstance(node, allowed) for node in statements), cell.source


@PER_NOTEBOOK
def test_notebooks_call_only_the_facade(path: Path) -> None:
    for cell in code_of(path):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["cxinsights"]
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cx":
                assert node.attr in cx.__all__


@PER_NOTEBOOK
def test_no_number_is_typed_into_prose(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for cell in cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\d", cell.source), cell.source


@PER_NOTEBOOK
def test_the_headline_stands_before_any_other_output(path: Path) -> None:
    shown = [cell for cell in code_of(path) if cell.outputs]
    first = "".join(shown[0].outputs[0]["data"][MEDIA_TYPE])
    assert "<h1" in first


@PER_NOTEBOOK
def test_committed_executed_in_order_without_traces_of_a_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert "papermill" not in notebook.metadata
    text = path.read_text(encoding="utf-8")
    for trace in ("Traceback", "file://", '"execution": {'):
        assert trace not in text
    assert not re.search(r"/(home|root|tmp|Users)/", text)
    for cell in notebook.cells:
        assert not any(
            output.output_type == "error" or output.get("name") == "stderr" for output in cell.get("outputs", [])
        )

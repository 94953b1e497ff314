"""The blocks that a notebook of ours shows, its cells run here: no kernel is started."""

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cxinsights.display.blocks import Block
from cxinsights.params import Project

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def shown(project: Project, analysis: str, **asked: str) -> list[Block]:
    """What each code cell ends in, of the report that is asked for."""
    notebook = nbformat.read(NOTEBOOKS / f"{analysis}.ipynb", as_version=4)
    known: dict[str, Any] = {}
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXINSIGHTS_HOME", str(project.root))
        for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
            *lines, last = ast.parse(cell.source).body
            exec(compile(ast.Module(lines, []), analysis, "exec"), known)
            if isinstance(last, ast.Expr):
                found.append(eval(compile(ast.Expression(last.value), analysis, "eval"), known))
            else:
                exec(compile(ast.Module([last], []), analysis, "exec"), known)
            if "parameters" in cell.metadata.get("tags", []):
                known.update(asked)
    return [block for block in found if isinstance(block, Block)]

"""Notebooks and params models say the same: every field is a literal in the parameters cell, and nothing else."""

from pathlib import Path

import papermill
import pytest

from cxinsights.errors import ParamsError
from cxinsights.params import ANALYSES, DriversParams, Project, ScorecardParams, load_study, resolve


def cell_values(notebook: Path) -> dict[str, object]:
    import ast

    inspected = papermill.inspect_notebook(str(notebook))
    return {name: ast.literal_eval(found["default"]) for name, found in inspected.items()}


@pytest.mark.parametrize("analysis", list(ANALYSES))
def test_parameters_cell_is_the_model(root: Path, analysis: str) -> None:
    values = cell_values(root / "notebooks" / f"{analysis}.ipynb")
    assert list(values) == list(ANALYSES[analysis].model_fields)
    study = load_study(Project(root), str(values["study"]))
    resolved = resolve(study, analysis, values["period"], values["region"], values["unit"])
    assert resolved == ANALYSES[analysis](**values)


def test_from_cell_takes_its_own_names_only() -> None:
    names = {"study": "s", "period": "p", "region": "r", "unit": "u", "other": 1, "__name__": "x"}
    assert ScorecardParams.from_cell(names) == ScorecardParams(study="s", period="p", region="r", unit="u")


def test_from_cell_says_what_is_wrong() -> None:
    with pytest.raises(ParamsError) as error:
        DriversParams.from_cell({"study": "s", "period": "p", "region": "r", "unit": "u", "drivers": [], "seed": -1})
    assert str(error.value) == (
        "parameters cell: drivers: List should have at least 1 item after validation, not 0; seed: Input should be "
        "greater than or equal to 0"
    )

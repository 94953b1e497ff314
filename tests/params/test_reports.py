"""Notebooks and params models say the same: every field is a literal in the parameters cell, and nothing else."""

from pathlib import Path
from typing import get_args

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
        "parameters cell: drivers: List should have at least 1 item after validation, not 0; seed: -1 is not "
        "greater than or equal to 0"
    )


def test_what_readers_ask_is_checked_by_the_model_and_offered_by_name() -> None:
    for model in ANALYSES.values():
        for name, (label, choices) in model.asks.items():
            assert label
            assert {*choices} <= {*get_args(model.model_fields[name].annotation)}
    made = {"study": "s", "period": "p", "region": "_all", "unit": "_all", "drivers": ["a_rating"],
            "small_units": "partial_pooling"}  # fmt: skip
    assert DriversParams.asked(made, {"model": "top_box"}).small_units == "company"
    assert DriversParams.asked(made, {"model": "linear"}).small_units == "partial_pooling"
    with pytest.raises(ParamsError) as error:
        DriversParams.asked({**made, "missing": "fiml", "small_units": "company"}, {"model": "ordered"})
    assert str(error.value).startswith("parameters cell: missing: fiml is for model: linear")

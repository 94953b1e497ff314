"""A result is computed once for the same data, params and code, and comes back as it was."""

import dataclasses
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxinsights.analysis.drivers import DriversResult, fit_drivers
from cxinsights.params import DriversParams
from cxinsights.report import cache
from cxinsights.report.cache import remember


def params(**changes) -> DriversParams:
    asked = {
        "study": "shops", "period": "2026Q3", "region": "shops", "unit": "north", "outcome": "csat_score",
        "drivers": ["a_rating", "b_rating", "c_rating"], "n_boot": 200, "n_noise": 100,
    }  # fmt: skip
    return DriversParams(**{**asked, **changes})


def answers(n: int = 300) -> pd.DataFrame:
    """Three ratings; the last has too few answers to be in the model."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(0, 1, (n, 3)), columns=["a_rating", "b_rating", "c_rating"])
    frame.loc[5:, "c_rating"] = np.nan
    return frame.assign(csat_score=frame["a_rating"] + rng.normal(0, 1, n))


@pytest.fixture
def counted():
    """The regression itself, with the calls counted."""
    calls = []

    def fit(responses: pd.DataFrame, params: DriversParams, company: pd.DataFrame | None = None) -> DriversResult:
        calls.append(params)
        return fit_drivers(responses, params, company)

    fit.calls = calls
    return fit


def same(one: DriversResult, other: DriversResult) -> None:
    for field in dataclasses.fields(DriversResult):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, pd.DataFrame):
            assert_frame_equal(first, second, check_exact=True, check_column_type=len(first.columns) > 0)
        else:
            assert (type(first), first) == (type(second), second)


def test_what_is_remembered_is_what_was_computed(tmp_path: Path, counted) -> None:
    first, again = (remember(tmp_path, counted, answers(), params(), company=None) for _ in range(2))
    assert len(counted.calls) == 1
    assert again.left_out == ("c_rating",)
    assert len(again.draws) == 200
    same(first, again)
    same(first, fit_drivers(answers(), params()))


def test_a_result_that_is_a_reason_is_remembered_too(tmp_path: Path, counted) -> None:
    first, again = (remember(tmp_path, counted, answers(50), params()) for _ in range(2))
    assert len(counted.calls) == 1
    assert (again.status, again.reason) == ("too_few", "50 complete answers, 200 needed")
    same(first, again)


@pytest.mark.parametrize(
    ("frame", "asked", "company"),
    [
        (answers().assign(a_rating=lambda f: f["a_rating"].mask(f.index == 7, 9.0)), params(), None),
        (answers(299), params(), None),
        (answers().assign(weight=1.0), params(), None),
        (answers(), params(seed=8), None),
        (answers(), params(unit="south"), None),
        (answers(), params(), pd.DataFrame({"driver": ["a_rating"], "share": [1.0]})),
    ],
)
def test_other_data_or_params_are_computed_anew(tmp_path: Path, counted, frame, asked, company) -> None:
    remember(tmp_path, counted, answers(), params(), company=None)
    remember(tmp_path, counted, frame, asked, company=company)
    assert len(counted.calls) == 2
    remember(tmp_path, counted, answers(), params(), company=None)
    assert len(counted.calls) == 2


def test_changed_code_is_computed_anew(tmp_path: Path, counted, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(tmp_path, counted, answers(50), params())
    monkeypatch.setattr(cache, "code_hash", lambda *parts: "after an edit")
    remember(tmp_path, counted, answers(50), params())
    assert len(counted.calls) == 2


@pytest.mark.parametrize("harm", ["result.json", "priority.parquet"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_damaged_result_is_computed_again(tmp_path: Path, counted, caplog, harm: str, gone: bool) -> None:
    first = remember(tmp_path, counted, answers(50), params())
    (folder,) = tmp_path.iterdir()
    (folder / harm).unlink() if gone else (folder / harm).write_text("{", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        again = remember(tmp_path, counted, answers(50), params())
    assert len(counted.calls) == 2
    same(first, again)
    told = [record.getMessage() for record in caplog.records if record.name == "cxinsights.report.cache"]
    if (harm, gone) == ("result.json", True):
        assert told == []  # it was never finished
    else:
        (message,) = told
        assert message.startswith(f"cache: {folder.name} cannot be read (")
        assert message.endswith("); computed again")
    same(first, remember(tmp_path, counted, answers(50), params()))
    assert len(counted.calls) == 2


def test_only_tables_and_json_are_kept(tmp_path: Path, counted) -> None:
    remember(tmp_path, counted, answers(50), params())
    (folder,) = tmp_path.iterdir()
    assert {path.suffix for path in folder.iterdir()} == {".parquet", ".json"}
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["status"] == "too_few"


def test_a_computation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fit(responses: pd.DataFrame, params: DriversParams) -> DriversResult:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        remember(tmp_path / "cache", fit, answers(50), params())
    assert not (tmp_path / "cache").exists()

from pathlib import Path

import pandas as pd
import pytest

from cxinsights.data.importing import import_study
from cxinsights.data.manifest import has_table, known_periods
from cxinsights.data.tables import data_hash, read_table
from cxinsights.errors import UnknownNameError
from tests.small import small_study


def test_rows_come_narrowed_and_in_a_fixed_order(tmp_path: Path) -> None:
    project, study = small_study(tmp_path)
    import_study(project, study)
    assert read_table(project, study, "responses", unit="north")["response_id"].tolist() == ["1", "2"]
    assert read_table(project, study, "responses", periods=["2026Q2"]).empty
    assert list(read_table(project, study, "responses", columns=["unit", "nps_answer"]).columns) == [
        "unit",
        "nps_answer",
    ]
    assert known_periods(project, study)[-1] == "2026Q3"
    assert not has_table(project, study, "orders")


def test_unknown_table_and_column(tmp_path: Path) -> None:
    project, study = small_study(tmp_path)
    import_study(project, study)
    with pytest.raises(UnknownNameError) as error:
        read_table(project, study, "response")
    assert str(error.value) == "shops: unknown table 'response'. Did you mean 'responses'? Known: responses."
    with pytest.raises(
        UnknownNameError, match=r"^shops: responses: unknown column 'npsanswer'\. Did you mean 'nps_answer'"
    ):
        read_table(project, study, "responses", columns=["npsanswer"])


def test_many_files_come_in_the_order_of_their_keys(demo) -> None:
    project, study = demo
    events = read_table(project, study, "events", region="emea", unit="bank")
    assert events[["customer_id", "occurred_at"]].equals(
        events[["customer_id", "occurred_at"]].sort_values(["customer_id", "occurred_at"], ignore_index=True)
    )


def test_the_hash_names_content_not_order_of_columns() -> None:
    frame = pd.DataFrame({"a": [1.0, None], "b": ["x", "y"]})
    assert data_hash(frame) == data_hash(frame[["b", "a"]])
    assert data_hash(frame) != data_hash(frame.assign(a=[1.0, 2.0]))
    assert data_hash(frame) != data_hash(frame.iloc[::-1])

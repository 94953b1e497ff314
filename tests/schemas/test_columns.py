import pytest

from cxinsights.errors import DataError
from cxinsights.schemas.columns import column, label, result_columns, value_label


def test_a_family_is_described_once(demo) -> None:
    _, study = demo
    assert label("queue_rating") == "Queue"
    assert label("resolution_rating", study) == "Resolved first time"
    assert column("queue_rating").max == 10
    assert value_label("age_group", "55+", study) == "55 and over"
    assert value_label("age_group", "other", study) == "other"


def test_an_unknown_column_says_where_columns_are_described() -> None:
    with pytest.raises(DataError) as error:
        column("nps_anser")
    said = str(error.value)
    assert said.startswith("unknown column 'nps_anser'. Did you mean 'nps_answer'? Known: ")
    assert said.endswith(" A study describes its own columns under columns: in study.yml.")


def test_results_and_tables_have_names_apart() -> None:
    assert {"nps_answer", "share", "ci_low"} <= result_columns()


def test_every_column_of_a_result_has_a_meaning_or_is_an_end_of_an_interval() -> None:
    names = [name for name in result_columns() if "*" not in name]
    assert [name for name in names if not column(name).meaning and not name.endswith(("_low", "_high"))] == []

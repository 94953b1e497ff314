import pytest

from cxinsights import errors


def test_did_you_mean_names_the_nearest_and_all_known() -> None:
    said = errors.did_you_mean("unit", "retial", ["bank", "retail"])
    assert said == "unknown unit 'retial'. Did you mean 'retail'? Known: bank, retail."


def test_did_you_mean_guesses_nothing_from_nothing() -> None:
    assert errors.did_you_mean("table", "xyz", ["orders"]) == "unknown table 'xyz'. Known: orders."
    assert errors.did_you_mean("table", "xyz", []) == "unknown table 'xyz'. Known: none."


def test_a_notebook_shows_the_message_and_whose_error_it_is() -> None:
    assert errors.DataError("no such column")._render_traceback_() == ["cxinsights.errors.DataError: no such column"]


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n != "did_you_mean"])
def test_every_error_is_in_the_tree_and_drawn_in_it(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.CxError)
    assert name in errors.__doc__

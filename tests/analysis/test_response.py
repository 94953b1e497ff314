"""Response rates: sums of what is known, and nothing where it is not."""

import numpy as np
import pandas as pd
import pytest

from cxinsights.analysis.baseline import NODE, fit_baseline
from cxinsights.analysis.response import with_response
from cxinsights.params import ALL, ScoreRules
from tests.display.results import answered, together

UNITS = {("east", "bank"): 100, ("east", "shop"): 50, ("west", "bank"): 80}


def scores(sizes: dict = UNITS) -> pd.DataFrame:
    frame = together([answered((0.3, 0.4), n, region=r, unit=u, site=f"{r}-{u}") for (r, u), n in sizes.items()])
    frame.loc[frame.index[:7], "nps_answer"] = np.nan  # questionnaires all the same
    return fit_baseline(frame, ScoreRules(), ["2026Q3"], {}).scores


def invitations(
    asked: dict[tuple[str, str], int], survey: str = "relationship", period: str = "2026Q3"
) -> pd.DataFrame:
    return pd.DataFrame(
        [{"region": r, "unit": u, "survey": survey, "period": period, "invited": n} for (r, u), n in asked.items()]
    )


def rates(asked: pd.DataFrame | None, of: pd.DataFrame | None = None, metric: str = "nps") -> dict[tuple, tuple]:
    of = scores() if of is None else of
    found = with_response(of, of[of["level"] == "unit"], asked)
    found = found[found["metric"] == metric].set_index(NODE[:3])
    return {key: tuple(row) for key, row in found[["n_returned", "invited", "response_rate"]].iterrows()}


ASKED = {("east", "bank"): 400, ("east", "shop"): 100, ("west", "bank"): 100}


@pytest.mark.parametrize("metric", ["nps", "ces"])
def test_what_came_back_is_of_all_that_were_asked(metric) -> None:
    """Of the seven who gave no NPS each sent a questionnaire."""
    found = rates(invitations(ASKED), metric=metric)
    assert found["unit", "east", "bank"] == (100, 400, 0.25)
    assert found["unit", "west", "bank"] == (80, 100, 0.8)
    assert found["region", "east", ALL] == (150, 500, 0.3)
    assert found["company", ALL, ALL] == (230, 600, pytest.approx(230 / 600))
    assert all(np.isnan(value) for value in found["site", "east", "bank"])


def test_nothing_is_guessed_where_one_units_invitations_are_not_known() -> None:
    found = rates(invitations({place: n for place, n in ASKED.items() if place != ("east", "shop")}))
    assert found["unit", "east", "bank"] == (100, 400, 0.25)
    assert found["region", "west", ALL] == (80, 100, 0.8)
    for place in (("unit", "east", "shop"), ("region", "east", ALL), ("company", ALL, ALL)):
        assert all(np.isnan(value) for value in found[place]), place


def test_those_asked_who_all_kept_silent_count() -> None:
    found = rates(invitations({**ASKED, ("west", "shop"): 100}))
    assert found["region", "west", ALL] == (80, 200, 0.4)


@pytest.mark.parametrize(
    "asked", [None, invitations(ASKED, survey="transactional"), invitations(ASKED, period="2026Q2")]
)
def test_without_invitations_of_the_survey_and_period_nothing_is_known(asked) -> None:
    assert all(np.isnan(value) for row in rates(asked).values() for value in row)


def test_more_answers_than_invitations_are_no_rate() -> None:
    found = rates(invitations({**ASKED, ("west", "bank"): 60}))
    assert found["unit", "west", "bank"][:2] == (80, 60)
    assert np.isnan(found["unit", "west", "bank"][2])

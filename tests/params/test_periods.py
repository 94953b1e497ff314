from datetime import date

import pandas as pd
import pytest

from cxinsights.errors import UnknownNameError
from cxinsights.params import Period, PeriodScheme

QUARTERS = PeriodScheme(every="quarter")
WAVES = PeriodScheme(
    named=[
        Period(id="spring", label="Spring 2026", short="spring", start=date(2026, 3, 1), end=date(2026, 3, 31)),
        Period(id="autumn", label="Autumn 2026", short="autumn", start=date(2026, 9, 1), end=date(2026, 9, 30)),
    ]
)


def test_a_quarter_knows_its_names_and_days() -> None:
    found = QUARTERS.period("2026Q3")
    assert (found.label, found.short) == ("July to September 2026", "Q3 26")
    assert (found.start, found.end) == (date(2026, 7, 1), date(2026, 9, 30))


@pytest.mark.parametrize(
    ("every", "period", "previous", "year_ago"),
    [
        ("month", "2026-01", "2025-12", "2025-01"),
        ("quarter", "2026Q1", "2025Q4", "2025Q1"),
        ("half", "2026H1", "2025H2", "2025H1"),
        ("year", "2026", "2025", "2025"),
    ],
)
def test_earlier_periods(every: str, period: str, previous: str, year_ago: str) -> None:
    scheme = PeriodScheme(every=every)
    assert (scheme.previous(period), scheme.year_ago(period)) == (previous, year_ago)
    assert scheme.order([period, previous]) == [previous, period]


def test_every_date_falls_into_the_period_that_holds_it() -> None:
    dates = pd.Series(pd.date_range("2023-12-25", "2027-01-05", freq="D"))
    for every in ("month", "quarter", "half", "year"):
        scheme = PeriodScheme(every=every)
        for day, name in zip(dates, scheme.of_dates(dates), strict=True):
            period = scheme.period(name)
            assert period.start <= day.date() <= period.end


def test_named_waves_hold_their_days_and_no_others() -> None:
    dates = pd.to_datetime(pd.Series(["2026-03-01", "2026-03-31 23:59", "2026-04-01", None]), format="ISO8601")
    assert WAVES.of_dates(dates).fillna("-").tolist() == ["spring", "spring", "-", "-"]
    assert WAVES.previous("spring") is None
    assert WAVES.previous("autumn") == "spring"
    assert WAVES.year_ago("autumn") is None


def test_a_wrong_period_says_how_one_is_written() -> None:
    with pytest.raises(UnknownNameError) as error:
        QUARTERS.period("2026Q5")
    assert str(error.value) == "'2026Q5' is not a quarter. Write it like 2026Q4."
    with pytest.raises(UnknownNameError) as error:
        WAVES.period("autum")
    assert str(error.value) == "unknown period 'autum'. Did you mean 'autumn'? Known: spring, autumn."

"""The help desk's ticket log, against the published file."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import pandas as pd
import pytest

from cxinsights.analysis.funnel import fit_funnel
from cxinsights.data.manifest import known_periods
from cxinsights.data.tables import read_table
from cxinsights.params import resolve
from cxinsights.privacy import Guarded
from cxinsights.report.source import open_source

WHOLE = "2010-2013"
OPENED, RESOLVED = "opened", "resolved"
MARKS = (OPENED, RESOLVED)
WINDOW = timedelta(days=60)
CLOCK_STOPS = datetime(2014, 1, 4)


@pytest.fixture(scope="module")
def published(shared_data: Path, desk) -> list[tuple[str, ...]]:
    with gzip.open(shared_data / "helpdesk/tickets.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


@pytest.fixture(scope="module")
def events(desk) -> pd.DataFrame:
    return read_table(desk.project, desk.study, "events")


@pytest.fixture(scope="module")
def begun(published) -> dict[str, datetime]:
    """By ticket: its first event in the published rows."""
    return {ticket: min(times) for ticket, times in times_of(published).items()}


@pytest.fixture(scope="module")
def days_to_resolve(published, begun) -> dict[str, float]:
    """By ticket: days from its first event to the last time it was resolved, from the published rows."""
    done = times_of(row for row in published if row[1] == "Resolve ticket")
    resolved = {ticket: max(times) for ticket, times in done.items()}
    return {ticket: (at - begun[ticket]) / timedelta(days=1) for ticket, at in resolved.items()}


@pytest.fixture(scope="module")
def funnel(desk) -> Guarded:
    source = open_source(resolve(desk.study, "funnel", WHOLE), desk.project)
    return source.guard(source.fit(fit_funnel))


def times_of(rows: Iterable[tuple[str, ...]]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(datetime.strptime(row[3], "%Y/%m/%d %H:%M:%S.%f"))
    return found


def test_rows_that_stand_twice_are_counted(desk, published) -> None:
    twice = sum(count - 1 for count in Counter(published).values())
    assert twice == 127
    table = desk.manifest["tables"]["events"]
    assert (table["rows"], table["kept"], table["rejected"]) == (len(published), len(published) - twice, twice)
    assert [(reason["reason"], reason["rows"]) for reason in table["reasons"]] == [("the same row as another", 127)]
    assert table["marks"] == {OPENED: 4580, RESOLVED: 4569}
    assert table["in_table"] == table["kept"] + 4580 + 4569


def test_every_ticket_is_there_with_its_events(desk, events, published) -> None:
    assert events["customer_id"].nunique() == len({row[0] for row in published}) == 4580
    raw = Counter(row[1] for row in set(published))
    assert Counter(events["stage"]) == raw + Counter({OPENED: 4580, RESOLVED: 4569})
    assert set(events["stage"]) == set(desk.study.columns["stage"].values)
    assert set(events["service_level"]) == {row[12].removeprefix("Value ") for row in published}


def test_time_to_resolve_is_that_of_the_published_log(events, days_to_resolve) -> None:
    """From opened to resolved, ticket by ticket; one that was opened again counts up to its last Resolve ticket."""
    opened, done = (events[events["stage"] == mark].set_index("customer_id")["occurred_at"] for mark in MARKS)
    found = ((done - opened) / pd.Timedelta(days=1)).dropna()
    assert found.to_dict() == pytest.approx(days_to_resolve)
    assert (len(found), round(found.median(), 2)) == (4569, 6.66)


def test_closing_is_a_timer_and_so_no_step(desk, events) -> None:
    last = events[events["stage"] == "Resolve ticket"].groupby("customer_id")["occurred_at"].max()
    closed = events[events["stage"] == "Closed"].groupby("customer_id")["occurred_at"].max()
    assert ((closed - last).dropna() / pd.Timedelta(days=1)).median() == pytest.approx(30, abs=0.01)
    assert "Closed" not in resolve(desk.study, "funnel", WHOLE).steps


def test_what_the_study_says_of_its_tickets(desk, events) -> None:
    """Counts named in the comments of its params."""
    raw = events[~events["stage"].isin(MARKS)].sort_values("occurred_at", kind="stable")
    stages = raw.groupby("customer_id")["stage"].agg(list)
    assert (stages.str[-1] != "Closed").sum() == 23
    first = Counter(stages.str[0])
    assert (first.most_common(1)[0][0], first["Insert ticket"]) == ("Assign seriousness", 118)
    passed_by = [told for told in stages if "Resolve ticket" in told and "Take in charge ticket" not in told]
    assert len(passed_by) == 291
    assert sum("Resolve ticket" not in told for told in stages) == 11
    at = events.groupby("customer_id")["occurred_at"]
    assert (at.max() - at.min()).max() / pd.Timedelta(days=1) == pytest.approx(59.995, abs=0.001)
    assert known_periods(desk.project, desk.study) == [WHOLE]
    assert events["period"].notna().all()


def test_the_report_says_how_long_tickets_took(funnel, begun, days_to_resolve) -> None:
    """Half of all tickets took 6.70 days by the curve; of those with 60 days to be resolved, half took 6.14."""
    everyone = sorted(days_to_resolve.values())
    seen = [ticket for ticket, at in begun.items() if at + WINDOW <= CLOCK_STOPS]
    resolved = [days_to_resolve[ticket] for ticket in seen if ticket in days_to_resolve]
    assert funnel.steps.set_index("step")["n_reached"].to_dict() == {OPENED: len(seen), RESOLVED: len(resolved)}
    summary = funnel.summary.squeeze()
    assert (summary["n_entrants"], summary["n_open"], summary["n_converted"]) == (4580, 51, 4519)
    # the curve stands at one half from the 2,290th of 4,580 to the next: the middle between them, as R has it
    assert summary["median_days"] == pytest.approx((everyone[2289] + everyone[2290]) / 2)
    assert round(summary["median_days"], 1) == 6.7
    assert summary["median_low"] < 6.66 < summary["median_high"]
    times = funnel.times.set_index(["from_step", "step", "quantile"]).loc[(OPENED, RESOLVED, 50)]
    assert (times["n"], times["days"]) == (4519, pytest.approx(median(resolved)))
    assert round(times["days"], 2) == 6.14
    assert times["days_low"] < 6.66 < times["days_high"]


def test_the_year_a_ticket_was_raised_is_a_breakdown(funnel) -> None:
    """Tickets of 2010 were resolved in days, those of 2013 in weeks."""
    years = funnel.log_rank.set_index("segment").loc["year_raised"]
    assert years["p_adjusted"] < 0.001
    assert set(funnel.breakdown.loc[funnel.breakdown["segment"] == "year_raised", "group"]) == {
        "2010", "2011", "2012", "2013",
    }  # fmt: skip

"""The help desk's ticket log, against the published file."""

import csv
import gzip
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import pandas as pd
import pytest

from cxinsights.analysis.funnel import fit_funnel
from cxinsights.data.tables import known_periods, read_table
from cxinsights.params import resolve
from cxinsights.privacy import Guarded
from cxinsights.report.source import open_source

WHOLE = "2010-2013"
STEPS = ("Assign seriousness", "Take in charge ticket", "Resolve ticket")
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
def journeys(published) -> dict[str, list[tuple[datetime, str]]]:
    """Each ticket's events in order of time, from the published rows."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for row in set(published):
        found.setdefault(row[0], []).append((datetime.strptime(row[3], "%Y/%m/%d %H:%M:%S.%f"), row[1]))
    return {ticket: sorted(events) for ticket, events in found.items()}


@pytest.fixture(scope="module")
def funnel(desk) -> Guarded:
    source = open_source(resolve(desk.study, "funnel", WHOLE), desk.project)
    return source.guard(source.fit(fit_funnel))


def days_between(events: pd.DataFrame, stage: str, which: str = "max") -> pd.Series:
    """Days from a ticket's first event to its first or last one of a stage."""
    begun = events.groupby("customer_id")["occurred_at"].min()
    there = events[events["stage"] == stage].groupby("customer_id")["occurred_at"].agg(which)
    return ((there - begun) / pd.Timedelta(days=1)).dropna()


def test_rows_that_stand_twice_are_counted(desk, published) -> None:
    twice = sum(count - 1 for count in Counter(published).values())
    assert twice == 127
    table = desk.manifest["tables"]["events"]
    assert (table["rows"], table["kept"], table["rejected"]) == (len(published), len(published) - twice, twice)
    assert [(reason["reason"], reason["rows"]) for reason in table["reasons"]] == [("the same row as another", 127)]


def test_every_ticket_is_there_with_its_events(events, published) -> None:
    assert events["customer_id"].nunique() == len({row[0] for row in published}) == 4580
    assert Counter(events["stage"]) == Counter(row[1] for row in set(published))
    assert set(events["service_level"]) == {row[12].removeprefix("Value ") for row in published}


def test_time_to_resolve_is_that_of_the_published_log(events, published) -> None:
    """From a ticket's first event to the last time it was resolved."""
    begun: dict[str, datetime] = {}
    resolved: dict[str, datetime] = {}
    for row in published:
        ticket, stage, at = row[0], row[1], datetime.strptime(row[3], "%Y/%m/%d %H:%M:%S.%f")
        begun[ticket] = min(at, begun.get(ticket, at))
        if stage == "Resolve ticket":
            resolved[ticket] = max(at, resolved.get(ticket, at))
    stated = median((at - begun[ticket]) / timedelta(days=1) for ticket, at in resolved.items())
    found = days_between(events, "Resolve ticket").median()
    assert found == pytest.approx(stated)
    assert round(found, 1) == 6.7


def test_closing_is_a_timer_and_so_no_step(desk, events) -> None:
    last = events[events["stage"] == "Resolve ticket"].groupby("customer_id")["occurred_at"].max()
    closed = events[events["stage"] == "Closed"].groupby("customer_id")["occurred_at"].max()
    assert ((closed - last).dropna() / pd.Timedelta(days=1)).median() == pytest.approx(30, abs=0.01)
    assert "Closed" not in resolve(desk.study, "funnel", WHOLE).steps


def test_the_window_is_as_long_as_any_ticket_took(desk, events) -> None:
    at = events.groupby("customer_id")["occurred_at"]
    longest = (at.max() - at.min()).max() / pd.Timedelta(days=1)
    assert longest == pytest.approx(59.995, abs=0.001)
    assert resolve(desk.study, "funnel", WHOLE).window_days == 60


def test_what_the_study_says_of_its_tickets(desk, events) -> None:
    """Counts named in the comments of its params."""
    stages = events.sort_values("occurred_at", kind="stable").groupby("customer_id")["stage"].agg(list)
    assert (stages.str[-1] != "Closed").sum() == 23
    passed_by = [told for told in stages if "Assign seriousness" in told and "Take in charge ticket" not in told]
    assert len(passed_by) == sum("Resolve ticket" in told for told in passed_by) == 288
    assert known_periods(desk.project, desk.study) == [WHOLE]
    assert events["period"].notna().all()


def test_the_funnel_counts_what_a_plain_walk_through_the_log_counts(funnel, journeys) -> None:
    reached: Counter[str] = Counter()
    took: list[float] = []
    n_open = 0
    for events in journeys.values():
        times: list[datetime] = []
        for at, stage in events:
            if len(times) < len(STEPS) and stage == STEPS[len(times)] and (not times or at <= times[0] + WINDOW):
                times.append(at)
        if times and times[0] + WINDOW > CLOCK_STOPS:
            n_open += 1
        else:
            reached.update(STEPS[: len(times)])
            took += [(times[-1] - times[0]) / timedelta(days=1)] if len(times) == len(STEPS) else []
    assert funnel.steps.set_index("step")["n_reached"].to_dict() == dict(reached)
    summary = funnel.summary.squeeze()
    assert (summary["n_open"], summary["n_converted"]) == (n_open, len(took))
    times = funnel.times
    whole = times[(times["from_step"] == STEPS[0]) & (times["step"] == STEPS[-1]) & (times["quantile"] == 50)].squeeze()
    assert whole["days"] == pytest.approx(median(took), abs=0.01)
    assert whole["days_low"] < 6.66 < whole["days_high"]


def test_the_year_a_ticket_was_raised_is_a_breakdown(funnel) -> None:
    """Tickets of 2010 were resolved in days, those of 2013 in weeks."""
    years = funnel.log_rank.set_index("segment").loc["year_raised"]
    assert years["p_adjusted"] < 0.001
    assert set(funnel.breakdown.loc[funnel.breakdown["segment"] == "year_raised", "group"]) == {
        "2010", "2011", "2012", "2013",
    }  # fmt: skip

"""Benchmarks on the page: how far the score lies from them, and who says so."""

import pandas as pd
import pytest

from cxinsights.display import scorecard as report
from cxinsights.display.blocks import Nothing
from cxinsights.params import ALL
from tests.display.results import moved, scorecard, study, together

SAME, LOW = (0.3, 0.4), (0.5, 0.2)  # NPS 10, −30


def benchmark(value: float, unit: str = ALL, **more) -> dict:
    return {"region": ALL if unit == ALL else "shops", "unit": unit, "metric": "nps", "period": "2026Q3",
            "value": value, "source": "Panel", "date": pd.Timestamp("2026-01-31"), "base": "shops", **more}  # fmt: skip


def card(*benchmarks: dict, unit: str = ALL):
    frame = together(moved("north", SAME, SAME), moved("south", SAME, LOW))
    return scorecard(frame, study(), unit=unit, benchmarks=pd.DataFrame(benchmarks))


def test_the_gap_stands_with_interval_source_date_and_base() -> None:
    table = report.table_benchmarks(card(benchmark(30.0)))
    assert table.title == "Against benchmarks: NPS below"
    assert [column.name for column in table.columns] == [
        "Unit and measure", "Score (95% interval)", "Benchmark", "Gap (95% interval)", "Answers",
    ]  # fmt: skip
    assert [[cell.replace("\u00a0", " ") for cell in row] for row in table.rows] == [
        ["Corner Shops, NPS", "−10 (−16 to −4)", "30", "−40 (−46 to −34)", "800"],
        ["North, NPS", "10 (2 to 18)", "30", "−20 (−28 to −12)", "400"],
        ["South, NPS", "−30 (−37 to −22)", "30", "−60 (−67 to −52)", "400"],
    ]
    assert table.note == (
        "Benchmark: Panel (31\u00a0January\u00a02026; shops). The interval is that of the score: benchmarks are taken "
        "as exact."
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [(30.0, "Below the benchmark of 30"), (12.0, ""), (-20.0, "Above the benchmark of −20")],
    ids=["below", "cannot tell", "above"],
)
def test_a_side_is_said_only_where_the_whole_interval_lies_on_it(value, said) -> None:
    result = card(benchmark(value), unit="north")
    nps, csat, _ = report.score_kpis(result).cards
    assert (nps.against, nps.benchmark, csat.benchmark) == (said, value, None)
    lead = report.headline_scorecard(result).lead.replace("\u00a0", " ")
    told = f", {said[:1].lower()}{said[1:]}" if said else ""
    assert lead.startswith(f"NPS is 10 (2 to 18){told}. The change")
    assert report.table_benchmarks(result).columns[0].name == "Measure"


def test_an_older_benchmark_is_named_by_its_period() -> None:
    rows = report.table_benchmarks(card(benchmark(30.0, period="2025Q3"), unit="north"))
    assert rows.rows[0][2] == "30 (July to September 2025)"
    assert "Where there is none of the period, the latest before it, which is named beside it." in rows.note


def test_what_the_interval_allows_for_is_said() -> None:
    both = report.table_benchmarks(card(benchmark(30.0), benchmark(0.7, metric="csat", n_base=900), unit="north"))
    assert both.note == (
        "Benchmarks: Panel (31\u00a0January\u00a02026; shops) and Panel (31\u00a0January\u00a02026; shops; "
        "900\u00a0answers). The interval of a gap allows for the benchmark’s own error in CSAT; others are taken as "
        "exact."
    )
    alone = report.table_benchmarks(card(benchmark(0.7, metric="csat", n_base=900), unit="north"))
    assert alone.note.endswith("The interval of a gap allows for the error of score and benchmark.")


def test_the_mark_stands_in_the_strip_and_its_figure_in_the_head() -> None:
    table = report.table_parts(card(benchmark(30.0)))
    assert table.measures[0].unit == "points, −100 to +100; benchmark 30"
    assert "the dotted one the benchmark" in table.how
    assert table.as_html().count('class="benchmark"') == 4  # three rows and the sample
    differing = report.table_parts(card(benchmark(30.0), benchmark(20.0, "south")))
    assert "benchmark" not in differing.measures[0].unit


def test_a_hidden_score_has_no_gap() -> None:
    frame = together(moved("north", SAME, LOW, 6), moved("south", SAME, SAME, 400))
    result = scorecard(frame, study(), unit="north", benchmarks=pd.DataFrame([benchmark(30.0)]))
    assert str(result.benchmarks["gap"].iloc[0]) == "not shown, under 10"
    assert isinstance(report.table_benchmarks(result), Nothing)
    whole = scorecard(frame, study(), benchmarks=pd.DataFrame([benchmark(30.0)]))
    assert [row[0] for row in report.table_benchmarks(whole).rows] == ["Corner Shops, NPS"]


def test_without_benchmarks_there_is_no_table() -> None:
    assert isinstance(report.table_benchmarks(scorecard(together(moved("north", SAME, SAME)), study())), Nothing)

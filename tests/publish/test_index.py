"""The list of reports: grouped, in the order of news, from records that may be broken or out of date."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from cxinsights.batch.ledger import Entry, Ledger
from cxinsights.params import Project
from cxinsights.publish.access import EVERYTHING, Visitor
from cxinsights.publish.index import find_reports, render_index, write_index
from tests.small import STUDY, make_project

REGIONAL = STUDY.replace("      unit: unit", "      unit: unit\n      region: region").split("units:")[0]
EMEA = "label: EMEA & more\nunits:\n  bank: {label: Bank}\n  retail: {label: Retail <b>}\n"
APAC = "label: Asia\nunits:\n  retail: {label: Retail}\n"


def place_report(project: Project, path: str, headline: str, state: str | None = None, day: str = "2026-10-03") -> Path:
    """A report's folder with its records and a page; path: study/period/region/unit/analysis."""
    folder = project.outputs / path
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({"headline": headline, "scores": [{"state": state}]}))
    (folder / "run.json").write_text(json.dumps({"made_at": f"{day}T12:00:00+00:00"}))
    (folder / "index.html").write_text("<h1>a report</h1>")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, REGIONAL, emea=EMEA, apac=APAC)


@pytest.fixture
def good(project: Project) -> Project:
    """Five reports of two regions and the company."""
    place_report(project, "shops/2026Q3/emea/bank/scorecard", "Bank held steady", "steady")
    place_report(project, "shops/2026Q3/emea/bank/drivers", "Waiting time stands out")
    place_report(project, "shops/2026Q3/emea/retail/scorecard", "Retail’s NPS fell", "worse", "2026-11-21")
    place_report(project, "shops/2026Q3/emea/_all/scorecard", "EMEA may have changed", "cannot_tell")
    place_report(project, "shops/2026Q3/_all/_all/scorecard", "The shops rose", "better")
    return project


def headlines(page: str) -> list[str]:
    return re.findall(r'<a class="finding" [^>]*>(.*?)</a>', page)


def test_the_company_first_then_regions_each_with_what_moved_first(good: Project) -> None:
    page = render_index(good)
    assert re.findall(r"<h1>(.*?)</h1>|<h2>(.*?)</h2>", page) == [
        ("5 reports", ""),
        ("", "Corner Shops, July to September 2026"),
    ]
    assert re.findall("<h3>(.*?)</h3>", page) == ["All regions", "EMEA &amp; more"]
    assert re.findall("<h4>(.*?)</h4>", page) == ["All together", "All together", "Retail &lt;b&gt;", "Bank"]
    assert headlines(page) == [
        "The shops rose", "EMEA may have changed", "Retail’s NPS fell", "Bank held steady", "Waiting time stands out",
    ]  # fmt: skip


def test_each_entry_has_state_analysis_and_date(good: Project) -> None:
    page = render_index(good)
    assert re.findall(r'<span class="of">(.*?)</span>', page) == [
        "Scorecard · made 3 October 2026", "Scorecard · made 3 October 2026", "Scorecard · made 21 November 2026",
        "Scorecard · made 3 October 2026", "Drivers · made 3 October 2026",
    ]  # fmt: skip
    marks = re.findall(r'<span class="mark (\w+)">.*?</svg>(.*?)</span>', page.partition('<dl class="legend"')[0])
    assert marks == [("better", "Better"), ("cannot_tell", "Cannot tell"), ("worse", "Worse"), ("steady", "Steady")]


def test_the_mark_is_that_of_the_headlines_own_measure(project: Project) -> None:
    """NPS was not compared and CSAT rose: a headline on NPS is marked with neither."""
    folder = place_report(project, "shops/2026Q3/emea/bank/scorecard", "Bank’s NPS is 43")
    scores = [{"metric": "nps", "state": None}, {"metric": "csat", "state": "better"}]
    (folder / "result.json").write_text(json.dumps({"headline": "Bank’s NPS is 43", "scores": scores}))
    assert [listed.state for listed in find_reports(project.outputs)] == [None]


def test_a_later_period_stands_above_an_earlier_one(good: Project) -> None:
    place_report(good, "shops/2025Q4/emea/bank/scorecard", "Bank as it was")
    place_report(good, "shops/2026Q4/emea/bank/scorecard", "Bank as it is")
    titles = re.findall("<h2>(.*?)</h2>", render_index(good))
    months = ("October to December 2026", "July to September 2026", "October to December 2025")
    assert titles == [f"Corner Shops, {text}" for text in months]


def test_a_study_of_one_region_is_one_group(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    place_report(project, "shops/2026Q3/shops/north/scorecard", "North rose", "better")
    place_report(project, "shops/2026Q3/_all/_all/scorecard", "The shops held steady", "steady")
    page = render_index(project)
    assert re.findall("<h3>(.*?)</h3>", page) == ["All units"]
    assert headlines(page) == ["The shops held steady", "North rose"]


def test_links_lead_to_pages_beside_the_list_and_to_live_pages_only_where_a_server_stands(good: Project) -> None:
    (good.outputs / "shops" / "data-quality.html").write_text("<h1>quality</h1>")
    page = write_index(good).read_text(encoding="utf-8")
    main = page[page.index("<main") :]
    links = re.findall(r'href="([^"]*)"', main)
    assert len(links) == 6
    for link in links:
        assert (good.outputs / link).is_file(), link
    served = render_index(good, live=True)
    links = re.findall(r'href="([^"]*)"', served[served.index("<main") :])
    assert len(links) == 11
    assert '<form class="search" role="search" method="get" action="/">' in served
    assert "/live/shops/2026Q3/emea/retail/scorecard/" in links
    assert "/reports/shops/data-quality.html" in links
    assert all(link.startswith(("/reports/shops/", "/live/shops/")) for link in links)


def test_what_a_record_or_a_params_file_says_is_text(project: Project) -> None:
    place_report(project, "shops/2026Q3/emea/retail/scorecard", '<script>alert("1")</script> & "more"')
    page = render_index(project, live=True)
    assert "<script" not in page
    assert "<b>" not in page
    assert headlines(page) == ["&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &quot;more&quot;"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("result.json", '{"headline": "cut off he'),
        ("result.json", ""),
        ("result.json", "[]"),
        ("result.json", "{}"),
        ("result.json", '{"headline": "x", "scores": [{}]}'),
        ("result.json", '{"headline": "x", "scores": [{"state": "splendid"}]}'),
        ("run.json", "{"),
        ("run.json", "{}"),
        ("run.json", '{"made_at": "yesterday"}'),
    ],
)
def test_a_broken_record_does_not_break_the_list(good: Project, name: str, text: str) -> None:
    broken = good.outputs / "shops" / "2026Q3" / "emea" / "retail" / "scorecard" / name
    broken.write_text(text, encoding="utf-8")
    assert headlines(render_index(good))[:2] == ["The shops rose", "EMEA may have changed"]
    assert {"Bank held steady", "Waiting time stands out"} <= set(headlines(render_index(good)))


def test_a_unit_that_left_the_params_does_not_break_the_list(good: Project) -> None:
    (good.params / "shops" / "emea.yml").write_text(EMEA.replace("retail:", "stores:"))
    found = headlines(render_index(good))
    assert {"The shops rose", "EMEA may have changed", "Bank held steady", "Waiting time stands out"} <= set(found)


def test_a_region_that_left_the_params_does_not_break_the_list(good: Project) -> None:
    place_report(good, "shops/2026Q3/apac/retail/scorecard", "Asia rose")
    (good.params / "shops" / "emea.yml").rename(good.params / "shops" / "europe.yml")
    assert {"The shops rose", "Asia rose"} <= set(headlines(render_index(good)))


def test_a_period_that_left_the_scheme_does_not_break_the_list(good: Project) -> None:
    place_report(good, "shops/2025/_all/_all/scorecard", "A whole year")
    assert {"The shops rose", "Bank held steady"} <= set(headlines(render_index(good)))


def test_the_number_in_the_title_is_the_number_of_reports_shown(good: Project) -> None:
    place_report(good, "gone/2026Q3/_all/_all/scorecard", "A study whose params are gone")
    page = render_index(good)
    assert "A study whose params are gone" not in page
    assert re.findall("<h1>(.*?)</h1>", page) == [f"{len(headlines(page))} reports"]


def test_only_finished_reports_are_found(good: Project) -> None:
    unit = good.outputs / "shops" / "2026Q3" / "emea" / "bank"
    place_report(good, "shops/2026Q3/emea/bank/.scorecard.new-x1y2", "half made")
    place_report(good, "shops/2026Q3/emea/bank/horoscope", "no analysis of ours")
    (unit / "drivers" / "run.json").unlink()
    assert sorted(listed.report.path for listed in find_reports(good.outputs)) == [
        f"shops/2026Q3/{place}/scorecard" for place in ("_all/_all", "emea/_all", "emea/bank", "emea/retail")
    ]


def test_without_reports_the_list_says_how_to_make_some(project: Project) -> None:
    page = render_index(project)
    assert re.findall("<h1>(.*?)</h1>", page) == ["No reports yet"]
    assert "Make some with: make reports" in page


def test_one_report_is_told_in_the_singular(project: Project) -> None:
    place_report(project, "shops/2026Q3/emea/bank/scorecard", "Bank held steady")
    assert re.findall("<h1>(.*?)</h1>", render_index(project)) == ["1 report"]


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("retail", ["Retail’s NPS fell"]),
        ("RETAIL fell", ["Retail’s NPS fell"]),
        ("emea drivers", ["Waiting time stands out"]),
        ("held bank", ["Bank held steady"]),
        ("september", ["The shops rose", "EMEA may have changed", "Retail’s NPS fell", "Bank held steady",
                       "Waiting time stands out"]),
        ("nothing of ours", []),
        ("worse", ["Retail’s NPS fell"]),
    ],
)  # fmt: skip
def test_words_narrow_the_list(good: Project, sought: str, found: list[str]) -> None:
    page = render_index(good, live=True, sought=sought)
    assert headlines(page) == found
    assert re.findall("<h1>(.*?)</h1>", page) == [f"{len(found)} of 5 reports" if found else "None of 5 reports"]
    assert f'value="{sought}"' in page


def test_what_is_sought_is_text(good: Project) -> None:
    page = render_index(good, live=True, sought='"><script>alert(1)</script>')
    assert "<script" not in page
    assert 'value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in page


def test_earlier_periods_are_one_click_away(good: Project) -> None:
    place_report(good, "shops/2025Q4/emea/bank/scorecard", "Bank as it was")
    page = render_index(good)
    [earlier] = re.findall(r'<details class="earlier">(.*?)</details>', page, re.DOTALL)
    assert headlines(earlier) == ["Bank as it was"]
    assert "<h2>Corner Shops, October to December 2025</h2>" in earlier
    assert "<details" not in render_index(good, sought="as it was")  # what was sought is seen


@pytest.fixture
def large(tmp_path: Path) -> Project:
    """Two regions of six units with two reports each; in one region some moved."""
    units = "".join(f"  u{i}: {{label: Unit {i}}}\n" for i in range(6))
    project = make_project(
        tmp_path, REGIONAL, emea=f"label: EMEA\nunits:\n{units}", apac=f"label: Asia\nunits:\n{units}"
    )
    states = {("emea", 1): "better", ("emea", 2): "slightly_worse", ("emea", 4): "worse", ("emea", 5): "steady"}
    for region in ("emea", "apac"):
        for i in range(6):
            state = states.get((region, i), "cannot_tell")
            for analysis in ("scorecard", "funnel", "drivers"):
                told = state if analysis == "scorecard" else None
                place_report(project, f"shops/2026Q3/{region}/u{i}/{analysis}", f"{region} {i} {analysis}", told)
    place_report(project, "shops/2026Q3/_all/_all/scorecard", "The shops held steady", "steady")
    return project


def test_a_long_list_begins_with_what_moved_and_folds_its_regions(large: Project) -> None:
    page = render_index(large)
    news = page[page.index("<h3>What moved</h3>") : page.index("<h3>All regions</h3>")]
    assert headlines(news) == ["emea 4 scorecard", "emea 2 scorecard", "emea 1 scorecard"]
    assert re.findall("<h4>(.*?)</h4>", news) == [f"Unit {i} <small>EMEA</small>" for i in (4, 2, 1)]
    folded = re.findall(r'<details class="group"><summary><h3>(.*?)</h3><span>(.*?)</span>', page)
    assert folded == [
        ("Asia", "6 units: 6 cannot tell"),
        ("EMEA", "6 units: 2 worse, 1 better, 2 cannot tell, 1 steady"),
    ]
    assert headlines(page).count("The shops held steady") == 1
    assert {f"{region} {i} {analysis}" for region in ("emea", "apac") for i in range(6)
            for analysis in ("scorecard", "funnel", "drivers")} <= set(headlines(page))  # fmt: skip


def test_in_a_long_list_a_unit_shows_its_first_finding_and_folds_the_others(large: Project) -> None:
    page = render_index(large)
    emea = page[page.index("<h3>EMEA</h3>") :]
    first = emea[emea.index("<h4>Unit 4</h4>") : emea.index("<h4>Unit 2</h4>")]
    assert headlines(first.partition("<details>")[0]) == ["emea 4 scorecard"]
    assert re.findall("<summary>(.*?)</summary>", first) == ["Journey funnel, Drivers"]


def test_what_is_sought_in_a_long_list_is_not_folded(large: Project) -> None:
    page = render_index(large, live=True, sought="emea drivers")
    assert "<details" not in page
    assert "What moved" not in page
    assert len(headlines(page)) == 6


def test_of_many_that_moved_ten_stand_at_the_top(large: Project) -> None:
    for path in (large.outputs / "shops" / "2026Q3" / "apac").glob("*/scorecard/result.json"):
        path.write_text(json.dumps({"headline": "Fell", "scores": [{"state": "worse"}] * 2}))
    page = render_index(large)
    news = page[page.index("<h3>What moved</h3>") : page.index("<h3>All regions</h3>")]
    assert len(headlines(news)) == 9
    for path in (large.outputs / "shops" / "2026Q3" / "emea").glob("*/scorecard/result.json"):
        path.write_text(json.dumps({"headline": "Fell", "scores": [{"state": "worse"}] * 2}))
    page = render_index(large)
    news = page[page.index("<h3>What moved</h3>") : page.index("<h3>All regions</h3>")]
    assert len(headlines(news)) == 10
    assert '<p class="of">2 more moved; they stand first in their regions.</p>' in news


def test_where_nothing_moved_a_long_list_says_so(large: Project) -> None:
    for path in large.outputs.glob("shops/2026Q3/emea/*/scorecard/result.json"):
        path.write_text(json.dumps({"headline": "Steady", "scores": [{"state": "steady"}]}))
    assert "No unit’s leading score has clearly moved." in render_index(large)


def test_the_marks_that_are_shown_have_a_key(large: Project) -> None:
    page = render_index(large)
    key = page[page.index('<dl class="legend"') :]
    assert re.findall(r'<span class="mark (\w+)">', key) == [
        "worse", "slightly_worse", "better", "cannot_tell", "steady",
    ]  # fmt: skip
    assert re.findall("<dd>(.*?)</dd>", key) == [
        "clear, by a test adjusted among all that are compared; slightly: clear, but too little to matter",
        "clear, likewise",
        "the answers leave it open, or it may be chance among all",
        "no clear change, and none that would matter",
    ]


def test_too_few_answers_are_said_in_the_list(good: Project) -> None:
    folder = place_report(good, "shops/2026Q3/apac/retail/drivers", "Retail has too few answers")
    record = {"headline": "Retail has too few answers", "scores": [], "status": "too_few"}
    (folder / "result.json").write_text(json.dumps({**record, "scores": [{"state": None}]}))
    assert re.findall('<span class="hidden">(.*?)</span>', render_index(good)) == ["Too few answers"]


def test_what_failed_or_was_not_come_to_is_said_with_the_good_one_offered(good: Project) -> None:
    ledger = Ledger(good)
    due = ("emea/bank/scorecard", "emea/retail/scorecard", "emea/bank/drivers", "apac/retail/scorecard")
    reasons = {f"shops/2026Q3/{path}": (path.rpartition("/")[2], "data") for path in due}
    run = ledger.begin("shops", "2026Q3", reasons, code="c", data="d", workers=1, command="run")
    ledger.add(Entry(run, "shops/2026Q3/emea/bank/scorecard", "scorecard", "data", "failed", "x"))
    ledger.add(Entry(run, "shops/2026Q3/emea/bank/drivers", "drivers", "data", "ok"))
    ledger.end(run, "stopped")
    page = render_index(good, Visitor("x", frozenset({EVERYTHING})), live=True)
    notes = {re.findall(r'class="finding"[^>]*>(.*?)</a>', row)[0]: re.findall('stands">(.*?)</span>', row)
             for row in re.findall("<li><a.*?</li>", page)}  # fmt: skip
    today = datetime.now().astimezone()
    assert {headline: note[0] for headline, note in notes.items() if note} == {
        "Bank held steady": f"Could not be made anew on {today.day} {today:%B %Y}: this is the one from before",
        "Retail’s NPS fell": "Out of date: the last run did not come to it",
    }
    told = "1 report has no page: the run that was to make one did not. Why: cxinsights runs"
    assert re.findall('<p class="note">(.*?)</p>', page) == [told]


def test_the_list_is_put_in_place_whole(good: Project) -> None:
    path = write_index(good)
    assert path == good.outputs / "index.html"
    assert path.read_text(encoding="utf-8") == render_index(good)
    assert sorted(p.name for p in good.outputs.iterdir()) == ["index.html", "shops"]

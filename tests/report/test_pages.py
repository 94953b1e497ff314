"""The frame of a page: names are text, never markup, and nothing comes from another host."""

import re
from html.parser import HTMLParser

from cxinsights.report.pages import WHOLE, Page, render_page, style

NASTY = "<script>alert('x')</script>&\"Co\""
ESCAPED = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&#34;Co&#34;"
FETCHING = {"src", "href", "xlink:href", "srcset", "action", "formaction", "poster", "data", "background", "cite"}


class Parts(HTMLParser):
    """Tags, links and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.styles: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [(name, value or "") for name, value in attrs if name in FETCHING]
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["style"]:
            self.styles.append(data)
        self.text += data


def asked_elsewhere(page: str) -> list[str]:
    """Addresses on other hosts that opening the page would ask for, or its links lead to."""
    parts = Parts(page)
    addresses = [link for _, link in parts.links]
    for rules in [*parts.styles, page]:
        addresses += re.findall(r"url\(\s*['\"]?([^'\")]*)", rules)
        addresses += re.findall(r"@import\s+['\"]?([^;'\"]*)", rules)
    return [address for address in addresses if re.match(r"\s*(https?:|//|ftp:|ws)", address, re.IGNORECASE)]


def page(**changes) -> Page:
    asked = {"title": "Scorecard", "crumbs": [("Reports", "../index.html"), ("North", "")], "content": "<p>Here</p>"}
    return Page(**{**asked, **changes})


def test_names_are_text_in_title_crumbs_and_foot() -> None:
    html = render_page(page(title=NASTY, crumbs=[(NASTY, f'a"{NASTY}'), (NASTY, "")], foot=[NASTY], home=NASTY))
    assert "script" not in Parts(html).tags
    assert html.count(ESCAPED) == 6
    assert NASTY not in html
    assert Parts(html).links.count(("href", f'a"{NASTY}')) == 1


def test_a_page_asks_no_other_host() -> None:
    assert asked_elsewhere(render_page(page())) == []
    assert Parts(render_page(page())).tags.count("link") == 1  # the empty icon, so that no browser asks for one
    assert ("href", "data:,") in Parts(render_page(page())).links


def test_the_check_notices_an_address_elsewhere() -> None:
    for content in (
        '<img src="https://x.test/a.png">', "<a href='//x.test'>", "<p style='background:url(http://x.test/a)'>",
        "<style>@import 'https://x.test/a.css'</style>", "<style>a{background:url( \"https://x.test\" )}</style>",
    ):  # fmt: skip
        assert len(asked_elsewhere(render_page(page(content=content)))) >= 1, content


def test_parts_go_in_as_they_are_between_bar_and_foot() -> None:
    html = render_page(page(content="<section>1 &lt; 2</section>", foot=["First.", "Second."]))
    assert "<section>1 &lt; 2</section>" in html
    order = [html.index(text) for text in ("North</li>", "<section>", "First.", "Second.")]
    assert order == sorted(order)


def test_the_last_crumb_is_this_page_and_no_link() -> None:
    html = render_page(page(crumbs=[("Reports", "r.html"), ("EMEA", "e.html"), ("North", "")]))
    assert '<li><a href="r.html">Reports</a></li>' in html
    assert '<li class="up"><a href="e.html">EMEA</a></li>' in html
    assert '<li aria-current="page">North</li>' in html
    html = render_page(page(crumbs=[("Reports", "r.html"), ("EMEA", ""), ("North", "")]))
    assert '<li class="up"><a href="r.html">Reports</a></li><li>EMEA</li><li aria-current="page">North</li>' in html


def test_tables_are_folded_and_files_of_the_whole_report_hidden_until_they_are_served() -> None:
    html = render_page(page(downloads=["a.csv", "b.csv"], whole=True))
    whole = (
        'The whole report: <a href="report.xlsx" download>Excel workbook</a>, '
        '<a href="report.pptx" download>PowerPoint slides</a></p>'
    )
    tables = '<a href="a.csv" download>a.csv</a>, <a href="b.csv" download>b.csv</a></p></details>'
    assert html.count(f'<p class="whole" hidden>{whole}') == 1
    assert f"<details><summary>2 tables as CSV</summary><p>{tables}" in html
    hidden, shown = (text.decode() for text in WHOLE)
    assert html.replace(hidden, shown).count(f'<p class="whole">{whole}') == 1
    assert "<summary>One table as CSV</summary>" in render_page(page(downloads=["a.csv"]))
    assert 'class="whole"' not in render_page(page(downloads=["a.csv"]))
    assert "<details>" not in render_page(page(whole=True))
    assert 'class="files"' not in render_page(page())


def test_every_colour_the_rules_use_is_set_in_every_theme() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)\)", style())) - {"n"}  # a count, set where it is used
    themes = re.findall(r"color-scheme:(?:light|dark);([^}]*)", style())
    assert len(themes) == 4  # light, dark by wish of the system, dark by choice, paper
    assert "accent" in used
    for theme in themes:
        assert used - set(re.findall(r"--([a-z-]+):", theme)) == set()

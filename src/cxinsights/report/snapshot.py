"""From an executed notebook to a page: its blocks in order, inside the frame. Nothing is computed here."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.display.words import as_subject
from cxinsights.errors import ReportError
from cxinsights.params import ANALYSES, Study
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import Ask, Page, render_page

_TO_BRIEF = re.compile(r'(href="(?:\.\./\.\./\.\./([\w-]+)|\.\./\.\.)/([\w-]+)/)brief/index\.html"')

__all__ = ["asks_of", "blocks_of", "has_page", "page_of", "parameters_of", "render_snapshot"]


def has_page(root: Path, report: ReportId) -> bool:
    """Whether a report has a static page now, among drafts or released ones."""
    return (report.folder(root) / "index.html").exists()


def render_snapshot(
    notebook: Path,
    report: ReportId,
    study: Study,
    made_on: date,
    is_made: Callable[[ReportId], bool],
    notices: Sequence[str] = (),
) -> str:
    """HTML of the report's static page.

    Parameters
    ----------
    is_made
        Whether another report has a page that this one can link to.
    notices
        What readers are told before anything else: what has been restated.

    Raises
    ------
    ReportError
        The notebook shows nothing of ours: it was not executed, or its cells do not end in blocks.
    """
    executed = nbformat.read(notebook, as_version=4)
    blocks = blocks_of(executed)
    if not blocks:
        raise ReportError(f"{report.path}: the notebook has no outputs to make a page of. Was it executed?")
    page = page_of(report, study, _led("\n".join(blocks), report, is_made), is_made, made_on)
    downloads = sorted(path.name for path in notebook.parent.glob("*.csv"))
    asks = asks_of(report.analysis, parameters_of(executed))
    return render_page(
        replace(page, downloads=downloads, whole=True, notices=list(notices), asks=asks, live=f"/live/{report.path}/")
    )


def _led(content: str, report: ReportId, is_made: Callable[[ReportId], bool]) -> str:
    """The content with its links to units' briefs leading to their scorecards where there is no brief."""

    def leading(found: re.Match[str]) -> str:
        region = found[2] or report.region
        brief = replace(report, region=region, unit=found[3], analysis="brief")
        return found[0] if is_made(brief) else f'{found[1]}scorecard/index.html"'

    return _TO_BRIEF.sub(leading, content)


def page_of(
    report: ReportId, study: Study, content: str, is_made: Callable[[ReportId], bool], made_on: date | None = None
) -> Page:
    """The frame of a report's page."""
    crumbs = report.crumbs(study, is_made)
    label = study.label_of(report.region, report.unit)
    period = study.periods.period(report.period)
    names = [(study.periods.period(one.period).label, f"../../../../{one.path.partition('/')[2]}/index.html")
             for one in report.earlier(study, is_made)]  # fmt: skip
    return Page(
        earlier=names,
        title=f"{report.title}, {label}, {period.short}",
        crumbs=crumbs,
        content=content,
        foot=foot_of(study, made_on),
    )


def foot_of(study: Study, made_on: date | None) -> list[str]:
    """Source, dates and version."""
    dates = []
    if made_on is not None:
        dates.append(f"made on {made_on.day} {made_on:%B %Y}")
    if study.cutoff is not None:
        dates.append(f"data to {study.cutoff.day} {study.cutoff:%B %Y}")
    told = ", ".join([*dates, f"cxinsights {version('cxinsights')}"])
    told = as_subject(told) if dates else told
    about = f"Made-up data. {study.about}" if study.synthetic else study.about
    return [about, f"{told}."]


def parameters_of(executed: NotebookNode) -> dict[str, Any]:
    """What an executed notebook was asked; empty where no run of ours made it."""
    return dict(executed.metadata.get("papermill", {}).get("parameters", {}))


def asks_of(analysis: str, parameters: Mapping[str, Any]) -> list[Ask]:
    """What readers may ask otherwise of a report made with these parameters."""
    offered = ANALYSES[analysis].asks if analysis in ANALYSES else {}
    return [
        Ask(name, label, choices, str(parameters[name]))
        for name, (label, choices) in offered.items()
        if name in parameters
    ]


def blocks_of(executed: NotebookNode) -> list[str]:
    """HTML of the blocks an executed notebook shows, in order."""
    found = []
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            block = output.get("data", {}).get(MEDIA_TYPE)
            if block:
                found.append("".join(block) if isinstance(block, list) else block)
    return found

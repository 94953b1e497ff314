"""From an executed notebook to a page: its blocks in order, inside the frame. Nothing is computed here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat

from cxinsights.display.blocks import MEDIA_TYPE
from cxinsights.display.words import as_subject
from cxinsights.errors import ReportError
from cxinsights.params import Project, Study
from cxinsights.report.identity import ReportId
from cxinsights.report.pages import Page, render_page

__all__ = ["blocks_of", "has_page", "page_of", "render_snapshot"]


def has_page(project: Project, report: ReportId) -> bool:
    """Whether a report has a static page now."""
    return (report.folder(project.outputs) / "index.html").exists()


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
    blocks = blocks_of(notebook)
    if not blocks:
        raise ReportError(f"{report.path}: the notebook has no outputs to make a page of. Was it executed?")
    page = page_of(report, study, "\n".join(blocks), is_made, made_on)
    downloads = sorted(path.name for path in notebook.parent.glob("*.csv"))
    return render_page(replace(page, downloads=downloads, notices=list(notices)))


def page_of(
    report: ReportId, study: Study, content: str, is_made: Callable[[ReportId], bool], made_on: date | None = None
) -> Page:
    """The frame of a report's page."""
    crumbs = report.crumbs(study, is_made)
    label = study.label_of(report.region, report.unit)
    period = study.periods.period(report.period)
    return Page(
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


def blocks_of(notebook: Path) -> list[str]:
    """HTML of the blocks an executed notebook shows, in order."""
    found = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            block = output.get("data", {}).get(MEDIA_TYPE)
            if block:
                found.append("".join(block) if isinstance(block, list) else block)
    return found

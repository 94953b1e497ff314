"""Write a study's data-quality page."""

from pathlib import Path

from cxinsights.display.quality import quality_blocks
from cxinsights.params import Project, Study
from cxinsights.report.pages import Page, render_page
from cxinsights.report.snapshot import foot_of

__all__ = ["write_quality_page"]


def write_quality_page(project: Project, study: Study, manifest: dict) -> Path:
    """Write the page from the import's manifest, beside the study's reports."""
    page = Page(
        title=f"Data quality, {study.label}",
        crumbs=[("Reports", "../index.html"), ("Data quality", "")],
        content="\n".join(block.as_html() for block in quality_blocks(manifest, study)),
        foot=foot_of(study, None),
        home="../index.html",
    )
    path = project.outputs / study.name / "data-quality.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_page(page), encoding="utf-8")
    return path

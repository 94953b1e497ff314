"""What workers are asked to do. They load the libraries for it; whoever asks does not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxinsights.batch.jobs import Job, Outcome, Work
from cxinsights.batch.ledger import Entry
from cxinsights.batch.plan import Plan
from cxinsights.params import Project, Study
from cxinsights.report.identity import ReportId

__all__ = ["find_work", "findings_now", "import_tables", "make_report", "prepare", "rewrite_pages"]


def import_tables(root: Path, study: Study, force: bool = False) -> dict[str, Any]:
    """Import what has changed and write the data-quality page; the demo company's raw files are made first.

    Returns
    -------
    dict
        The manifest.
    """
    from cxinsights.data.atomic import drop_unfinished
    from cxinsights.data.importing import import_study
    from cxinsights.report.quality import write_quality_page

    project = Project(root)
    drop_unfinished(project.data(study.name))  # of an import that was stopped: a copy of the tables
    if study.name == "demo":
        from cxinsights.data.demo import make_demo

        make_demo(project, study.name)
    manifest = import_study(project, study, force=force)
    write_quality_page(project, study, manifest)
    return manifest


def prepare(root: Path, study: Study, period: str, analysis: str | None = None) -> None:
    """Compute and keep what reports need of each other: of one analysis, or the baseline that all of them need."""
    project = Project(root)
    if analysis is None:
        from cxinsights.report.baselines import load_baseline

        load_baseline(project, study, period)
    else:
        from cxinsights.report.reads import reads_of

        reads_of(project, study, analysis, period)


def find_work(root: Path, plan: Plan, last: dict[str, Entry], force: bool, only: Mapping[str, str] | None) -> Work:
    """What of a plan there is to do."""
    from cxinsights.batch.staleness import survey

    return survey(Project(root), plan, last, force=force, only=only)


def findings_now(root: Path, reports: list[ReportId]) -> dict[ReportId, str]:
    """Short name of what each of these reports reads of those made before it."""
    from cxinsights.batch.staleness import findings_of

    return {report: findings_of(Project(root), report) for report in reports}


def make_report(job: Job) -> Outcome:
    """Make one report, or say where and why it failed."""
    from cxinsights.batch.reports import make_report

    return make_report(job)


def rewrite_pages(root: Path, study: Study, reports: list[ReportId]) -> None:
    """Make pages again from their notebooks, now that it is known which pages they can link to."""
    from cxinsights.batch.reports import rewrite_page

    for report in reports:
        rewrite_page(Project(root), report, study)

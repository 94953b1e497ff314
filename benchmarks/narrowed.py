"""The demo company's reports that the batch is measured by; loaded by what is timed, and as light as that."""

from cxinsights.batch.plan import Plan, make_plan
from cxinsights.params import ALL, ANALYSES, Project, load_study

__all__ = ["narrowed"]


def narrowed(project: Project) -> Plan:
    """The plan of every unit's own reports, of the four analyses that are fitted to rows."""
    analyses = [name for name in ANALYSES if name != "scorecard"]
    plan = make_plan(project, load_study(project, "demo"), only=analyses)
    return Plan(plan.study, plan.period, {r: p for r, p in plan.reports.items() if r.unit != ALL}, [])

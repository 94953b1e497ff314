"""The plan: which reports a command asks for, and which are left out and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxinsights.data.manifest import has_table, known_periods
from cxinsights.errors import UnknownNameError, did_you_mean
from cxinsights.params import ALL, ANALYSES, Project, ReportParams, Study, resolve
from cxinsights.report.identity import ReportId

__all__ = ["Plan", "Skipped", "make_plan"]


@dataclass(frozen=True)
class Skipped:
    """Reports that are left out, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """Reports to make, the largest first, and what is left out."""

    study: Study
    period: str
    reports: dict[ReportId, ReportParams]
    skipped: list[Skipped]


def make_plan(
    project: Project,
    study: Study,
    *,
    period: str | None = None,
    region: str | None = None,
    unit: str | None = None,
    only: Sequence[str] = (),
) -> Plan:
    """Study × period × region × unit × analysis, narrowed as asked.

    Parameters
    ----------
    period
        The latest with answers where not given.
    region
        One region with its units, or `_all` for the company; everything where not given.
    unit
        One unit (in every region that has it), or `_all` for the regions' and the company's own reports.
    only
        Analyses; all where empty.

    Raises
    ------
    UnknownNameError
        Nothing has the name asked for.
    """
    known = known_periods(project, study)
    period = period or (known[-1] if known else study.periods.example().id)
    study.periods.period(period)
    if known and period not in known:
        raise UnknownNameError(f"{study.name}: {did_you_mean('period', period, known)}")
    for name in only:
        if name not in ANALYSES:
            raise UnknownNameError(did_you_mean("analysis", name, ANALYSES))
    places = _places(study, region, unit)
    skipped = []
    if study.one_region and unit in (None, ALL) and region != ALL:
        whole = f"{next(iter(study.regions))}/_all"
        skipped.append(Skipped(whole, "the only region: the company's report is about it"))
    chosen = []
    for analysis, model in ANALYSES.items():
        if only and analysis not in only:
            continue
        if analysis in study.without:
            if only:  # else nobody misses it
                skipped.append(Skipped(analysis, f"left out by without: in params/{study.name}/study.yml"))
            continue
        if not any(all(has_table(project, study, table) for table in tables) for tables in model.needs):
            wanted = " or ".join(" and ".join(tables) for tables in model.needs)
            skipped.append(Skipped(analysis, f"no {wanted} table"))
        elif not study.asks_for(analysis):
            skipped.append(Skipped(analysis, f"no {analysis}: section in params/{study.name}/study.yml"))
        else:
            chosen.append(analysis)
    reports = {}
    for place in places:
        for analysis in chosen:
            if ANALYSES[analysis].of_units and place[1] == ALL:
                continue
            params = resolve(study, analysis, period, *place)
            reports[ReportId.of(params)] = params
    return Plan(study, period, reports, skipped)


def _places(study: Study, region: str | None, unit: str | None) -> list[tuple[str, str]]:
    """Regions and units asked for: the company first, then regions, then units."""
    regions = list(study.regions) if region in (None, ALL) else [region]
    for name in regions:
        study.region(name)
    places = [(ALL, ALL)] if region in (None, ALL) else []
    if study.one_region and region not in (None, ALL) and unit in (None, ALL):
        places = [(ALL, ALL)]
    if not study.one_region and region != ALL:
        places += [(name, ALL) for name in regions]
    if region != ALL:
        places += [(name, u) for name in regions for u in study.region(name).units]
    if unit is None:
        return places
    if region == ALL:
        study.check_place(region, unit)
    found = [place for place in places if place[1] == unit]
    if not found:
        known = sorted({u for name in regions for u in study.region(name).units})
        where = f"{study.name}: {region}" if region else study.name
        raise UnknownNameError(f"{where}: {did_you_mean('unit', unit, [ALL, *known])}")
    return found

"""What a study, its tables and each report are asked to be: typed, frozen, and read from `params/`."""

from cxinsights.params.mapping import ColumnMap, SourceSpec, TableSpec
from cxinsights.params.model import Strict
from cxinsights.params.periods import Period, PeriodScheme
from cxinsights.params.project import Project
from cxinsights.params.reports import ALL, ANALYSES, DriversParams, ReportParams, ScorecardParams
from cxinsights.params.study import (
    ColumnSpec,
    PrivacyRules,
    RakeRules,
    Region,
    Scale,
    ScoreRules,
    Study,
    Unit,
    load_study,
    resolve,
)

__all__ = [
    "ALL",
    "ANALYSES",
    "ColumnMap",
    "ColumnSpec",
    "DriversParams",
    "Period",
    "PeriodScheme",
    "PrivacyRules",
    "Project",
    "RakeRules",
    "Region",
    "ReportParams",
    "Scale",
    "ScoreRules",
    "ScorecardParams",
    "SourceSpec",
    "Strict",
    "Study",
    "TableSpec",
    "Unit",
    "load_study",
    "resolve",
]

"""What a study, its tables and each report are asked to be: typed, frozen, and read from `params/`."""

from cxinsights.params.actions import REGISTER, Action, load_actions
from cxinsights.params.mapping import ColumnMap, Combine, LeaveOut, Mark, SourceSpec, TableSpec
from cxinsights.params.model import Strict
from cxinsights.params.periods import Period, PeriodScheme, Span
from cxinsights.params.project import Project
from cxinsights.params.reports import (
    ALL,
    ANALYSES,
    BriefParams,
    DriversParams,
    FunnelParams,
    LinkageParams,
    ReportParams,
    ScorecardParams,
    SegmentationParams,
)
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
    "REGISTER",
    "Action",
    "BriefParams",
    "ColumnMap",
    "ColumnSpec",
    "Combine",
    "DriversParams",
    "FunnelParams",
    "LeaveOut",
    "LinkageParams",
    "Mark",
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
    "SegmentationParams",
    "SourceSpec",
    "Span",
    "Strict",
    "Study",
    "TableSpec",
    "Unit",
    "load_actions",
    "load_study",
    "resolve",
]

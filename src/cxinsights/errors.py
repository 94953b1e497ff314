"""Every error raised on purpose, as a tree: one class per thing a caller handles differently.

    CxError
    ├── ParamsError        a params file or a parameter is wrong
    │   └── UnknownNameError   no study, region, unit, period or parameter has this name
    ├── DataError          raw files or tables are not what the params say
    │   ├── SourceError        a raw file is missing or cannot be read
    │   └── RejectedRowsError  more rows are faulty than the study allows
    ├── AnalysisError      a method cannot give an answer for what it was asked
    │   ├── LeakError          a driver is part of the outcome it should explain
    │   └── NotPositiveDefiniteError   pairwise correlations contradict each other
    ├── PrivacyError       something would reach a reader without passing the guard
    ├── ReportError        a report cannot be recorded or rendered
    ├── BusyError          another run holds the outputs
    ├── ClusterError       a cluster cannot be reached
    ├── ServeError         the server cannot start as asked
    ├── WorkerDied         a process that was asked for something ended before it had answered
    └── NoWarmKernelError  kernels cannot be forked here, and start plainly

A message says what is wrong, where, what is allowed and what to do. It holds counts, lines and column
names, never a customer's own values.
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "AnalysisError",
    "BusyError",
    "ClusterError",
    "CxError",
    "DataError",
    "LeakError",
    "NoWarmKernelError",
    "NotPositiveDefiniteError",
    "ParamsError",
    "PrivacyError",
    "RejectedRowsError",
    "ReportError",
    "ServeError",
    "SourceError",
    "UnknownNameError",
    "WorkerDied",
    "did_you_mean",
]


class CxError(Exception):
    """Every error raised on purpose. Its message says what to do, so it is shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows; the module's name tells our errors from others of the same name."""
        return [f"{type(self).__module__}.{type(self).__qualname__}: {self}"]


class ParamsError(CxError):
    """A params file or a parameter is wrong."""


class UnknownNameError(ParamsError):
    """No study, region, unit, period or parameter has this name."""


class DataError(CxError):
    """Raw files or tables are not what the params say they are."""


class SourceError(DataError):
    """A raw file is missing or cannot be read in its declared form."""


class RejectedRowsError(DataError):
    """More rows are faulty than the study allows, so no table was written."""


class AnalysisError(CxError):
    """A method cannot answer what it was asked."""


class LeakError(AnalysisError):
    """A driver is part of the outcome it should explain."""


class NotPositiveDefiniteError(AnalysisError):
    """Pairwise correlations contradict each other: no data set could have them all."""


class PrivacyError(CxError):
    """Something would reach a reader without passing the guard."""


class ReportError(CxError):
    """A report cannot be recorded or rendered."""


class BusyError(CxError):
    """Another run holds the outputs."""


class ClusterError(CxError):
    """A cluster cannot be reached, or has no workers."""


class ServeError(CxError):
    """The server cannot start as asked."""


class AccessError(CxError):
    """A right, a link or a grant is not as it must be."""


class ReleaseError(CxError):
    """There is nothing to release as asked."""


class WorkerDied(CxError):
    """A worker process ended before it had answered."""


class NoWarmKernelError(CxError):
    """Kernels cannot be forked here; the message says why, and they start plainly."""


def did_you_mean(kind: str, name: object, known: Iterable[object]) -> str:
    """Say that `name` is unknown, which known name is nearest, and which names are allowed.

    Examples
    --------
    >>> did_you_mean("unit", "retial", ["bank", "retail"])
    "unknown unit 'retial'. Did you mean 'retail'? Known: bank, retail."
    """
    names = [str(k) for k in known]
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"unknown {kind} '{name}'.{hint} Known: {', '.join(names) if names else 'none'}."

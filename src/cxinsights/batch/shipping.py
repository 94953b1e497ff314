"""Reports made by machines that do not see the project: what they read goes through a store, and so do the reports.

A store is any place that fsspec knows: s3://bucket/cx, sftp://host/cx, a folder. Each run has a part of it for itself,
which is gone when the run ends. What is sent holds the study's tables: a store is to be guarded like `data/`.
"""

import atexit
import io
import json
import logging
import secrets
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from cxinsights.batch.jobs import Job, Outcome
from cxinsights.data.atomic import SERVED, replaced_folder
from cxinsights.errors import ClusterError
from cxinsights.params import ANALYSES, Project, Study
from cxinsights.report.identity import ReportId

__all__ = ["Shipping", "check_store", "drop_copies", "make_shipped"]

_INPUTS = "inputs.zip"
_NOWHERE = Path("/nowhere")  # a worker does not see the project

log = logging.getLogger(__name__)

_copying = threading.Lock()
_copies: dict[str, Path] = {}
"""By address: copies that this process, a worker, has of what was sent."""


@dataclass(frozen=True)
class Beside:
    """What a page shows of other reports."""

    pages: tuple[ReportId, ...]
    """Those that it can link to."""
    records: dict[ReportId, str]
    """What they recorded, as far as it reads them."""


def check_store(address: str) -> None:
    """Raise ClusterError unless an address can be one of a store."""
    if "://" not in address and not Path(address).is_absolute():
        raise ClusterError(f"--store {address}: workers have other folders. Give a whole path, or an address: s3://…")
    try:
        _files_at(address)
    except (ImportError, ValueError, OSError) as error:
        raise ClusterError(f"--store {address} is no address that fsspec knows here: {error}") from error


class Shipping(Executor):
    """Makes reports with another executor, whose workers see a store and not the project.

    Parameters
    ----------
    executor
        Of the cluster.
    at_a_time
        Reports that it makes at a time.
    store
        Address of a folder that this machine and all workers can write to, as fsspec has it.
    """

    def __init__(self, executor: Executor, at_a_time: int, project: Project, study: Study, store: str) -> None:
        self.address = f"{store.rstrip('/')}/{study.name}-{secrets.token_hex(8)}"
        self._executor, self._project, self._study = executor, project, study
        self._threads = ThreadPoolExecutor(at_a_time)
        self._far: set[Future] = set()
        self._is_sent = False

    def submit(self, function: Callable[[Job], Outcome], job: Job, /) -> Future:  # type: ignore[override]
        """Have a report made far away, and its folder put in place here.

        Raises
        ------
        ClusterError
            The store cannot be written to.
        """
        if not self._is_sent:  # not before all that reports need of each other has been computed
            self._send()
        return self._threads.submit(self._made, function, job, self._beside(ReportId.of(job.params)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Remove what was sent, once the reports under way have come back or are given up."""
        for future in list(self._far) if cancel_futures else []:
            future.cancel()
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        if not self._is_sent:
            return
        try:
            _files_at(self.address).rm(self.address, recursive=True)
        except FileNotFoundError:
            return
        except Exception as error:  # the reports are made, whatever the store has to say
            log.warning("%s could not be removed (%s): delete it there", self.address, type(error).__name__)

    def _send(self) -> None:
        root, place = self._project.root, self.address.rpartition("/")[0]
        self._is_sent = True  # a part of it is there as soon as this begins
        try:
            with _written(f"{self.address}/{_INPUTS}") as stream:
                _pack(stream, root, [root / part for part in _parts(self._study.name)])
        except Exception as error:  # stores differ in what they raise
            raise ClusterError(
                f"--store {place} cannot be written to ({type(error).__name__}). Give a place that this machine and "
                "all workers can write to, and the credentials to all of them."
            ) from error

    def _beside(self, report: ReportId) -> Beside:
        outputs, records = self._project.outputs, {}
        others = [replace(report, analysis=name) for name in ANALYSES if name != report.analysis]
        for other in others:
            with suppress(FileNotFoundError):
                record = (other.folder(outputs) / "result.json").read_text(encoding="utf-8")
                whole = report.analysis == "brief"
                records[other] = record if whole else json.dumps({"headline": json.loads(record)["headline"]})
        linked = {*others, *report.above(self._study)}
        return Beside(tuple(o for o in linked if (o.folder(outputs) / "index.html").exists()), records)

    def _made(self, function: Callable[[Job], Outcome], job: Job, beside: Beside) -> Outcome:
        asked = (function, replace(job, root=_NOWHERE), self.address, beside)
        future = self._executor.submit(make_shipped, *asked)
        self._far.add(future)
        try:
            outcome, returned = future.result()
        finally:
            self._far.discard(future)
        if returned:
            self._fetch(ReportId.of(job.params), outcome.failed, f"{self.address}/{returned}")
        return outcome

    def _fetch(self, report: ReportId, failed: bool, address: str) -> None:
        """Put in place what has come back: the report's folder, or the notebook of one that failed."""
        files = _files_at(address)
        with zipfile.ZipFile(io.BytesIO(files.cat_file(address))) as held:
            if failed:
                held.extractall(_failed(self._project, report))
            else:
                with replaced_folder(report.folder(self._project.outputs), SERVED) as folder:
                    held.extractall(folder)
        files.rm_file(address)


def make_shipped(function: Callable[[Job], Outcome], job: Job, address: str, beside: Beside) -> tuple[Outcome, str]:
    """Make a report from what was sent to an address, and send its folder there; runs on the worker.

    Returns
    -------
    tuple
        How it ended, and the name of what was sent back; an empty one where that is nothing.
    """
    report, copy = ReportId.of(job.params), _copy_of(address)
    with tempfile.TemporaryDirectory(prefix="making-", dir=copy.parent) as folder:
        project = Project(Path(folder))
        for part in _parts(report.study):
            if (copy / part).exists():
                (project.root / part).parent.mkdir(parents=True, exist_ok=True)
                (project.root / part).symlink_to(copy / part)
        for other in {*beside.pages, *beside.records}:
            other.folder(project.outputs).mkdir(parents=True)
        for other in beside.pages:
            (other.folder(project.outputs) / "index.html").touch()
        for other, record in beside.records.items():
            (other.folder(project.outputs) / "result.json").write_text(record, encoding="utf-8")
        outcome = function(replace(job, root=project.root))
        made = _failed(project, report) if outcome.failed else report.folder(project.outputs)
        if address not in _copies or not made.exists():  # given up meanwhile, or died without a word
            return outcome, ""
        name = f"{secrets.token_hex(16)}.zip"  # one for each attempt: of a worker given up too early as well
        with _written(f"{address}/{name}") as stream:
            _pack(stream, made, [made])
        return outcome, name


def drop_copies(address: str) -> None:
    """Remove this worker's copy of what was sent to an address."""
    with _copying:
        copy = _copies.pop(address, None)
    if copy is not None:
        shutil.rmtree(copy.parent, ignore_errors=True)


def _copy_of(address: str) -> Path:
    """What was sent to an address, unpacked on this worker once."""
    with _copying:
        if address not in _copies:
            folder = Path(tempfile.mkdtemp(prefix="cxinsights-", dir=_scratch()))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            try:
                with _files_at(address).open(f"{address}/{_INPUTS}", "rb") as stream, zipfile.ZipFile(stream) as held:
                    held.extractall(folder / "sent")
            except BaseException:  # a disk that is full: a part of the tables is there
                shutil.rmtree(folder, ignore_errors=True)
                raise
            _copies[address] = folder / "sent"
        return _copies[address]


def _scratch() -> str | None:
    """Folder that Dask clears after a worker that was killed; the system's temporary one where that is unknown."""
    try:
        from distributed import get_worker

        return get_worker().local_directory
    except (ImportError, ValueError):
        return None


def _parts(study: str) -> list[str]:
    """What reports of a study are made from, from the project's folder; raw files and rows set apart are not."""
    kept = [f"data/{study}/private/{name}" for name in ("baseline", "cache", "families", "reads")]
    return ["notebooks", f"params/{study}", f"data/{study}/tables", *kept]


def _failed(project: Project, report: ReportId) -> Path:
    return project.private(report.study) / "failed"


def _pack(stream: BinaryIO, root: Path, parts: list[Path]) -> None:
    """Write files to a ZIP archive, as they are: tables are compressed already."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for part in parts:
            for path in [part, *sorted(part.rglob("*"))]:
                name = path.relative_to(root)
                if path.is_file() and not any(folder.startswith(".") for folder in name.parts):
                    archive.write(path, name)


def _files_at(address: str) -> Any:
    """The file system that an address is on, as fsspec has it."""
    from fsspec.core import url_to_fs

    return url_to_fs(address)[0]


def _written(address: str) -> Any:
    files = _files_at(address)
    files.makedirs(address.rpartition("/")[0], exist_ok=True)
    return files.open(address, "wb")

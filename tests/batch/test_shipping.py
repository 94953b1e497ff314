"""Reports made by workers that see a store and not the project: the same ones, and nothing stays where they were."""

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from zipfile import BadZipFile

import pytest
from jupyter_core.utils import ensure_event_loop
from rich.console import Console

from cxinsights.batch.jobs import Job
from cxinsights.batch.plan import make_plan
from cxinsights.batch.run import Summary, run_plan
from cxinsights.batch.shipping import Beside, Shipping, check_store, drop_copies, make_shipped
from cxinsights.data.importing import import_study
from cxinsights.errors import ClusterError
from cxinsights.params import Project, load_study
from tests.batch.shops import command, make_shops, wait_for, write_notebook


class Far(ThreadPoolExecutor):
    """Stands for a cluster: notes what it is asked for, and what is in the store and among the copies then."""

    def __init__(self, store: Path) -> None:
        super().__init__(2)
        self.store = store
        self.jobs: list[Job] = []
        self.sent: set[str] = set()

    def submit(self, function: Callable, /, *args: object) -> Future:
        self.jobs.append(args[1])
        self.sent |= {path.name for path in self.store.rglob("*") if path.is_file()}
        return super().submit(in_thread, function, *args)


def in_thread(function: Callable, *args: object) -> object:
    """What the function returns, and no loop of Papermill's left in the thread."""
    try:
        return function(*args)
    finally:
        ensure_event_loop().close()


def make_far(project: Project, store: Path) -> tuple[Far, Summary, str]:
    """All of the shops' reports, made far away; what was asked for, and what was printed."""
    loaded = load_study(project, "shops")
    import_study(project, loaded)
    printed = io.StringIO()
    with Far(store) as far:
        shipped = Shipping(far, 2, project, loaded, f"file://{store}")
        try:
            plan = make_plan(project, loaded)
            summary = run_plan(project, plan, Console(file=printed, width=200), executor=shipped, at_a_time=2)
        finally:
            shipped.shutdown(cancel_futures=True)
            drop_copies(shipped.address)
    return far, summary, printed.getvalue()


def first_job(project: Project) -> Job:
    return Job(project.root, next(iter(make_plan(project, load_study(project, "shops")).reports.values())), {})


def made_of(project: Project) -> dict[str, bytes]:
    """Everything of reports that is the same whenever they are made."""
    return {
        path.relative_to(project.outputs).as_posix(): path.read_bytes()
        for path in project.outputs.rglob("*")
        if path.is_file() and path.suffix != ".ipynb" and path.name != "run.json"
    }


@pytest.fixture(scope="module", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where workers keep their copies."""
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxinsights.batch.shipping._scratch", lambda: str(folder))
        yield folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project, Far, Summary]:
    """The shops' reports made here and made far away."""
    folder = tmp_path_factory.mktemp("pair")
    here, there = make_shops(folder / "here"), make_shops(folder / "there")
    loaded = load_study(here, "shops")
    import_study(here, loaded)
    assert not run_plan(here, make_plan(here, loaded), Console(file=io.StringIO()), workers=2).failed
    far, summary, _ = make_far(there, folder / "store")
    return here, there, far, summary


def test_what_is_made_far_away_is_what_is_made_here(pair: tuple[Project, Project, Far, Summary]) -> None:
    """Pages with their links and findings as well."""
    here, there, _, summary = pair
    assert not summary.failed
    assert made_of(there) == made_of(here)
    assert (there.outputs / summary.outcomes[0].report.path / "run.json").exists()


def test_workers_are_told_nothing_of_the_project(pair: tuple[Project, Project, Far, Summary]) -> None:
    _, _, far, summary = pair
    assert {str(job.root) for job in far.jobs} == {"/nowhere"}
    assert len(far.jobs) == len(summary.outcomes)
    assert "inputs.zip" in far.sent


def test_nothing_stays_in_the_store_or_with_workers(pair: tuple[Project, Project, Far, Summary], scratch: Path) -> None:
    _, there, far, _ = pair
    assert list(far.store.iterdir()) == []
    assert list(scratch.glob("cxinsights-*/sent")) == []
    assert list(there.outputs.rglob(".*")) == []


def test_a_notebook_that_fails_far_away_is_told_and_kept_here(tmp_path: Path) -> None:
    project = make_shops(tmp_path / "shops")
    cells = ("study = period = region = unit = ''", "raise RuntimeError('far away')")
    write_notebook(project.notebooks / "drivers.ipynb", *cells)
    _, summary, printed = make_far(project, tmp_path / "store")
    assert {outcome.report.analysis for outcome in summary.failed} == {"drivers"}
    assert "notebooks/drivers.ipynb, code cell 2: raise RuntimeError('far away')" in printed
    kept = {path.name: path.read_text() for path in (project.private("shops") / "failed").iterdir()}
    assert sorted(kept) == [f"{outcome.report.path.replace('/', '-')}.ipynb" for outcome in summary.failed]
    assert all("'far away'" in text for text in kept.values())
    assert list((tmp_path / "store").iterdir()) == []


def test_a_transfer_that_breaks_off_leaves_nothing(tmp_path: Path, scratch: Path) -> None:
    project = make_shops(tmp_path / "shops")
    loaded, store = load_study(project, "shops"), tmp_path / "store"
    import_study(project, loaded)
    (project.private("shops") / "cache" / "x").mkdir(parents=True)
    (project.private("shops") / "cache" / "x" / "unreadable").symlink_to("/proc/self/mem")
    shipped = Shipping(ThreadPoolExecutor(1), 1, project, loaded, str(store))
    with pytest.raises(ClusterError, match="cannot be written to"):
        shipped.submit(len, first_job(project))
    assert len(list(store.rglob("inputs.zip"))) == 1
    shipped.shutdown()
    assert list(store.iterdir()) == []
    (store / "cut").mkdir()
    (store / "cut" / "inputs.zip").write_bytes(b"PK")
    with pytest.raises(BadZipFile):
        make_shipped(len, first_job(project), str(store / "cut"), Beside((), {}))
    assert list(scratch.glob("cxinsights-*")) == []


def test_reports_that_are_given_up_leave_nothing(tmp_path: Path) -> None:
    project = make_shops(tmp_path / "shops")

    class Endless(ThreadPoolExecutor):
        def submit(self, function: Callable, /, *args: object) -> Future:
            return Future()

    loaded, store = load_study(project, "shops"), tmp_path / "store"
    import_study(project, loaded)
    shipped = Shipping(Endless(1), 1, project, loaded, str(store))
    given_up = shipped.submit(len, first_job(project))
    assert wait_for(lambda: bool(shipped._far), 10)
    assert len(list(store.rglob("inputs.zip"))) == 1
    shipped.shutdown(cancel_futures=True)
    assert given_up.done()
    assert list(store.iterdir()) == []


@pytest.mark.parametrize(
    ("store", "told"),
    [
        (
            "gopher://hole/cx",
            "--store gopher://hole/cx is no address that fsspec knows here: Protocol not known: gopher",
        ),
        ("cx/store", "--store cx/store: workers have other folders. Give a whole path, or an address: s3://…"),
    ],
)
def test_an_address_that_is_none_of_a_store_is_a_message(store: str, told: str) -> None:
    with pytest.raises(ClusterError) as raised:
        check_store(store)
    assert str(raised.value) == told


def test_a_store_that_cannot_be_written_to_is_a_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project = make_shops(tmp_path / "shops")
    loaded = load_study(project, "shops")
    import_study(project, loaded)
    shipped = Shipping(ThreadPoolExecutor(1), 1, project, loaded, "file:///proc/cx")
    with pytest.raises(ClusterError) as raised:
        shipped.submit(len, first_job(project))
    assert str(raised.value) == (
        "--store file:///proc/cx cannot be written to (FileNotFoundError). Give a place that this machine and all "
        "workers can write to, and the credentials to all of them."
    )
    shipped.shutdown()
    assert caplog.messages == []


def test_a_store_without_a_cluster_is_a_message(tmp_path: Path) -> None:
    ran = command(make_shops(tmp_path), "run", "--study", "shops", "--store", "s3://bucket/cx")
    assert ran.returncode == 2
    assert "Invalid value for --store: it is for a cluster: give --scheduler as well" in ran.stderr

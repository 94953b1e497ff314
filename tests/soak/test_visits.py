"""Five hundred live visits, a third of them left early: no kernel, turn or open file is left behind."""

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from cxinsights.publish.live import LIVE_AT_ONCE
from tests.batch.shops import make_shops, processes_of, wait_for, write_notebook
from tests.publish.serving import Serving, serving

VISITS, AT_ONCE = 500, 6
PATH = "shops/2026Q3/shops/north/drivers"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    project = make_shops(tmp_path_factory.mktemp("visits"))
    write_notebook(project.outputs / PATH / "drivers.ipynb", "'a figure'", "import time\ntime.sleep(0.2)", "'the end'")
    with serving(project) as running:
        yield running


def visit(server: Serving, at: int) -> int | None:
    """Status of a visit; of one that leaves before the page is whole, none."""
    while True:
        if at % 3:
            status = server.ask(f"/live/{PATH}/").status
        else:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("GET", f"/live/{PATH}/")
            status = connection.getresponse().status
            connection.close()
        if status != 503:
            return status if at % 3 else None
        time.sleep(0.3)  # as a page does: it waits for its turn


@pytest.mark.soak
def test_five_hundred_visits_leave_nothing(server: Serving) -> None:
    assert server.ask(f"/live/{PATH}/").status == 200
    assert wait_for(lambda: server.kernels() == [], 10)
    before, held = len([*processes_of(server.project)]), descriptors(server)
    with ThreadPoolExecutor(AT_ONCE) as visitors:
        statuses = [*visitors.map(lambda at: visit(server, at), range(VISITS))]
    assert set(statuses) == {200, None}
    assert wait_for(lambda: server.kernels() == [], 20)
    assert len([*processes_of(server.project)]) <= before
    assert wait_for(lambda: descriptors(server) <= held + 2, 20)
    with ThreadPoolExecutor(LIVE_AT_ONCE) as visitors:  # every turn is free again
        found = [*visitors.map(lambda _: server.ask(f"/live/{PATH}/").status, range(LIVE_AT_ONCE))]
    assert found == [200] * LIVE_AT_ONCE


def descriptors(server: Serving) -> int:
    return psutil.Process(server.process.pid).num_fds()

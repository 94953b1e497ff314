"""A connection that came to a server that stops is answered by it, or by the one that takes over."""

import socket
import sys
from collections.abc import Iterator

import pytest

from cxinsights.publish.handover import pass_on

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system shares no port out")
N = 64


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two that listen on one port, the older first."""
    both: list[socket.socket] = []
    for _ in range(2):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("127.0.0.1", both[0].getsockname()[1] if both else 0))
        one.listen(2 * N)
        one.setblocking(False)
        both.append(one)
    yield both[0], both[1]
    for one in both:
        one.close()


def taken(listening: socket.socket) -> int:
    """How many connections wait in its queue."""
    found = 0
    while True:
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return found
        found += 1


def test_the_system_shares_connections_among_both(pair: tuple[socket.socket, socket.socket]) -> None:
    callers = [socket.create_connection(pair[0].getsockname()) for _ in range(N)]
    assert min(taken(pair[0]), taken(pair[1])) > 0
    for caller in callers:
        caller.close()


def test_all_go_to_the_one_that_takes_over(pair: tuple[socket.socket, socket.socket]) -> None:
    pass_on([pair[0]])
    callers = [socket.create_connection(pair[0].getsockname()) for _ in range(N)]
    assert (taken(pair[0]), taken(pair[1])) == (0, N)
    for caller in callers:
        caller.close()


def test_when_the_older_is_gone_the_next_can_be_handed_over_again(pair: tuple[socket.socket, socket.socket]) -> None:
    older, newer = pair
    pass_on([older])
    address = older.getsockname()
    older.close()
    with socket.socket() as third, socket.create_connection(address):
        assert taken(newer) == 1
        third.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        third.bind(address)
        third.listen(N)
        third.setblocking(False)
        pass_on([newer])
        with socket.create_connection(address):
            assert (taken(newer), taken(third)) == (0, 1)


def test_alone_it_takes_what_comes() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(N)
        one.setblocking(False)
        pass_on([one])
        with socket.create_connection(one.getsockname()):
            assert taken(one) == 1

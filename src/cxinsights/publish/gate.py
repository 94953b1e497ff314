"""One gate before every route: who asks, whether they may see it, and a line in the log about it.

The gate stands between the sockets and the server's routing, so that no route, file or websocket can be reached around
it. A path that names nothing we have is answered like one that the visitor may not see: nobody learns what there is.
"""

import re
import socket
from asyncio import Future
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from cxinsights.publish.access import Visitor
from cxinsights.publish.headers import HEADERS, REFUSALS, refusal

__all__ = ["ENTRANCE", "HEALTH", "VISITOR", "Gate", "Identify", "Log", "place_of"]

VISITOR = "Cx-Visitor"
"""Header under which handlers find who asks: set by the gate; what a request brings under it is taken off."""
HEALTH = "/health"
ENTRANCE = "/enter/"
"""Where links are taken; what follows lets its bearer in, and is never written down."""
Identify = Callable[[HTTPHeaders, bool], Visitor | None]
"""Who asks, from a request's headers and whether it came over a Unix socket; None for nobody we know."""
Log = Callable[[Visitor | None, str, str, int], None]
"""Takes visitor, method, path and status of a request."""

_PATH = re.compile(r"(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*/?")
_REPORT = re.compile(r"/(?:(?:reports|live)/)?([^/]+)/[^/]+/([^/]+)/([^/]+)/[^/]+(?:/[^/]*)?")
_OF_STUDY = re.compile(r"/reports/([^/]+)/[^/]+")
_HOLDS_REPORTS = re.compile(r"/(?:reports|live)/(?!(?:index\.html)?$)")
_LONGEST = 2000
_TOKEN = re.compile(rf"(?i)(?<={ENTRANCE}).*|eyJ.*")
"""What may be a link, wherever it stands in a path: mail and chat add what they like to its end."""
_MOST_LOGGED = 300
_LEFT = 499
"""Logged for a reader who left before anything was answered, as servers have it."""
_INTERNET = (socket.AF_INET, socket.AF_INET6)


class Place(NamedTuple):
    """What a path is about: a report's place, or a whole study."""

    study: str
    region: str | None = None
    unit: str | None = None


def place_of(path: str) -> Place | None:
    """The place that a path is about; None for one that is about no report."""
    if found := _REPORT.fullmatch(path):
        return Place(*found.groups())
    if found := _OF_STUDY.fullmatch(path):
        return Place(found[1])
    return None


class Gate(HTTPServerConnectionDelegate):
    """Lets through to `server` what its visitor may see, and answers everything else itself.

    Parameters
    ----------
    server
        The application behind.
    identify
        Who asks.
    hosts
        Names that requests may call this server by: a page elsewhere could point a name of its own at us.
    entrance
        Paths that somebody without rights may ask for: where a link is taken.
    log
        Told of every request, let through or not, when its answer begins.
    """

    def __init__(
        self,
        server: HTTPServerConnectionDelegate,
        identify: Identify,
        hosts: frozenset[str],
        entrance: re.Pattern[str] | None,
        log: Log,
    ) -> None:
        self.server = server
        self._identify = identify
        self._hosts = hosts
        self._entrance = entrance
        self._log = log
        self.answering = 0
        """Requests whose answers are not wholly sent."""

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Take a request before anything else does."""
        return _Request(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        """Tell the server behind."""
        self.server.on_close(server_conn)

    def tell(self, visitor: Visitor | None, line: RequestStartLine, status: int) -> None:
        """Have a request logged, without what would let the log's readers in."""
        path = _TOKEN.sub("", line.path.partition("?")[0])[:_MOST_LOGGED]
        self._log(visitor, line.method, path, status)

    def decide(self, line: RequestStartLine, headers: HTTPHeaders, is_local: bool) -> tuple[int, Visitor | None]:
        """Status of a refusal, or 200; and who asks."""
        path = line.path.partition("?")[0]
        host = headers.get("Host", "").rpartition(":")[0] or headers.get("Host", "")
        if host.lower() not in self._hosts or len(line.path) > _LONGEST or not _PATH.fullmatch(path):
            return 404, None
        if path == HEALTH:
            return 200, None
        visitor = self._identify(headers, is_local)
        if self._entrance is not None and self._entrance.fullmatch(path):
            return 200, visitor
        if visitor is None:
            return 401, None
        place = place_of(path)
        if place is None:  # none of a report's: a route without one, or a path that leads nowhere we know
            return (404 if _HOLDS_REPORTS.match(path) else 200), visitor
        whole = place.region is None or place.unit is None
        seen = visitor.may_see_all_of(place.study) if whole else visitor.may_see(*place)
        return (200 if seen else 404), visitor


class _Request(HTTPMessageDelegate):
    """One request on its way through the gate."""

    def __init__(self, gate: Gate, server_conn: object, connection: HTTPConnection) -> None:
        self._gate = gate
        self._server_conn = server_conn
        self._connection = connection
        self._inner: HTTPMessageDelegate | None = None
        self._answering: _Answering | None = None
        self._told: Callable[[int], None] | None = None

    def headers_received(self, start_line: RequestStartLine, headers: HTTPHeaders) -> Awaitable[None] | None:
        is_local = self._connection.context.address_family not in _INTERNET
        status, visitor = self._gate.decide(start_line, headers, is_local)
        for name in [name for name in headers if name.lower() == VISITOR.lower()]:
            del headers[name]
        if visitor is not None:
            headers[VISITOR] = visitor.as_text()
        self._told = partial(self._gate.tell, visitor, start_line)
        if status == 200:
            self._answering = _Answering(self._gate, self._connection, self._tell)
            self._inner = self._gate.server.start_request(self._server_conn, self._answering)
            return self._inner.headers_received(start_line, headers)
        self._tell(status)
        reason, body = REFUSALS[status], refusal(status)
        answer = HTTPHeaders({
            **HEADERS, "Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body)),
            "Connection": "close",
        })  # fmt: skip
        line = ResponseStartLine("HTTP/1.1", status, reason)
        written = self._connection.write_headers(line, answer, None if start_line.method == "HEAD" else body)
        self._connection.finish()
        return written

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return None if self._inner is None else self._inner.data_received(chunk)

    def finish(self) -> None:
        if self._inner is not None:
            self._inner.finish()

    def on_connection_close(self) -> None:
        if self._inner is not None and self._answering is not None:
            self._tell(_LEFT)
            self._answering.end()
            self._inner.on_connection_close()

    def _tell(self, status: int) -> None:
        """Have the request logged, once."""
        if self._told is not None:
            self._told(status)
            self._told = None


class _Answering:
    """A connection that says what is answered, and keeps count of answers on their way."""

    def __init__(self, gate: Gate, connection: HTTPConnection, tell: Callable[[int], None]) -> None:
        self._gate = gate
        self._connection = connection
        self._tell = tell
        self._sent: Future[None] | None = None
        self._is_open = False

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> Future[None]:
        if self._sent is None:
            self._is_open = True
            self._gate.answering += 1
        self._tell(start_line.code)
        self._sent = _heard(self._connection.write_headers(start_line, headers, chunk))
        return self._sent

    def write(self, chunk: bytes) -> Future[None]:
        self._sent = _heard(self._connection.write(chunk))
        return self._sent

    def finish(self) -> None:
        self._connection.finish()
        if self._sent is not None:
            self._sent.add_done_callback(lambda _: self.end())

    def end(self) -> None:
        """Count it no more: all of it is sent, or its reader left."""
        if self._is_open:
            self._is_open = False
            self._gate.answering -= 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _heard(sent: Future[None]) -> Future[None]:
    """What is sent, with its error heard: a reader who left is none, and nobody may wait for it."""
    sent.add_done_callback(lambda done: done.cancelled() or done.exception())
    return sent

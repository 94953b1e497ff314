"""Where the server listens, and who may come in there: open on this machine, else with links or single sign-on."""

import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tornado.netutil import bind_sockets, bind_unix_socket

from cxinsights.errors import ServeError
from cxinsights.params import Project
from cxinsights.publish.access import Keys
from cxinsights.publish.gate import ENTRANCE, Identify
from cxinsights.publish.identity import SignOn, TakenLink, everybody, read_grants, read_secret
from cxinsights.publish.releases import released_root

__all__ = ["ADDRESS", "KINDS", "Door", "free_port", "keys_of"]

ADDRESS = "127.0.0.1"
_HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
KINDS = ("open", "links", "sign-on")
"""Ways to let readers in: everybody on this machine, by expiring links, or by the single sign-on in front."""


@dataclass(frozen=True)
class Door:
    """An address and a rule of who may come in."""

    identify: Identify = everybody
    hosts: frozenset[str] = _HERE
    """Names that requests may call the server by."""
    address: str = ADDRESS
    unix_socket: Path | None = None
    keys: Keys | None = None
    released: bool = False
    """Whether only what is released is seen."""

    @classmethod
    def of(
        cls,
        project: Project,
        kind: str,
        address: str = ADDRESS,
        unix_socket: Path | None = None,
        hosts: Iterable[str] = (),
        secret: Path | None = None,
    ) -> "Door":
        """The door that options ask for.

        Raises
        ------
        ServeError
            It would be open to others, nothing would vouch for a sign-on, or nobody says what the server is called.
        AccessError, ParamsError
            The secret or the grants are not as they must be.
        """
        try:
            here = ip_address(address).is_loopback and unix_socket is None
        except ValueError:
            told = f"--address {address}: that is no address. Give one of this machine's in numbers, or 0.0.0.0."
            raise ServeError(told) from None
        if kind == "open" and not here:
            raise ServeError(
                f"open on {unix_socket or address}: everybody there could read everything. Serve others with "
                "--access links or --access sign-on."
            )
        if not here and not hosts and unix_socket is None:
            raise ServeError(f"{address}: by what name do readers reach it? Give --host reports.example.com.")
        named = frozenset(name.lower() for name in hosts) or _HERE
        if kind == "links":
            keys = keys_of(project)
            return cls(TakenLink(keys), named, address, unix_socket, keys, released=True)
        if kind == "sign-on":
            if unix_socket is None and secret is None:
                raise ServeError(
                    "sign-on: anybody could send the headers that say who signed on. Listen on a Unix socket that only "
                    "the proxy reaches (--socket), or share a secret with it (--secret-file)."
                )
            grants = project.params / "access.yml"
            read_grants(grants)
            known = SignOn(grants, b"" if secret is None else read_secret(secret))
            return cls(known, named, address, unix_socket, released=True)
        return cls(hosts=named | {address}, address=address)

    @property
    def entrance(self) -> re.Pattern[str] | None:
        """Paths that somebody without rights may ask for."""
        return re.compile(rf"{ENTRANCE}[A-Za-z0-9_.-]+") if self.keys else None

    def root(self, project: Project) -> Path:
        """Folder of the reports that are seen."""
        return released_root(project) if self.released else project.outputs

    def told(self, port: int) -> str:
        """Where to find the server."""
        return str(self.unix_socket) if self.unix_socket else f"http://{self.address}:{port}/"

    def check_free(self, port: int) -> None:
        """Raise ServeError where something listens already."""
        if self.unix_socket is not None:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.unix_socket))
                raise ServeError(
                    f"{self.unix_socket} is taken. Stop what listens there, or take over from it: --take-over."
                )
            return
        anywhere = {"0.0.0.0": ADDRESS, "::": "::1"}
        with suppress(OSError), socket.create_connection((anywhere.get(self.address, self.address), port), 5):
            raise ServeError(
                f"port {port} is taken. Stop what listens there, or choose another: --port 0 takes a free one."
            )

    def listen(self, port: int) -> list[socket.socket]:
        """Sockets that listen from now on.

        Raises
        ------
        ServeError
            Nothing can listen there.
        """
        try:
            if self.unix_socket is None:
                return bind_sockets(port, self.address, reuse_port=hasattr(socket, "SO_REUSEPORT"))  # of one user alone
            if not self.unix_socket.parent.is_dir():
                raise ServeError(f"{self.unix_socket} cannot be listened on: its folder is not there.")
            if self.unix_socket.exists() and not self.unix_socket.is_socket():
                raise ServeError(f"{self.unix_socket} cannot be listened on: a file is there that is no socket.")
            return [bind_unix_socket(str(self.unix_socket), mode=0o660)]
        except OSError as error:
            raise ServeError(f"{self.told(port)} cannot be listened on: {error.strerror}.") from None


def keys_of(project: Project) -> Keys:
    """The key of this project's links."""
    return Keys(project.root / "data" / "links.key")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]

"""How a request says who asks: not at all on this machine, by a link's cookie, or by the single sign-on in front."""

import hmac
import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from tornado.httputil import HTTPHeaders, parse_cookie

from cxinsights.errors import AccessError, ParamsError, UnknownNameError
from cxinsights.params import ALL, Project, load_study
from cxinsights.params.model import faults_of, read_yaml
from cxinsights.publish.access import EVERYTHING, Grants, Keys, Right, Visitor

__all__ = [
    "COOKIE", "GROUPS", "SECRET", "USER", "SignOn", "TakenLink", "check_grants", "everybody", "read_grants",
    "read_secret",
]  # fmt: skip

log = logging.getLogger(__name__)

COOKIE = "cxinsights-visit"
USER, GROUPS, SECRET = "X-Forwarded-User", "X-Forwarded-Groups", "X-Cxinsights-Secret"
"""Headers that a reverse proxy sets: who signed on, their groups with commas between, and that it is the proxy."""
_SHORTEST_SECRET = 32
_THIS_MACHINE = Visitor("this machine", frozenset({EVERYTHING}))


def everybody(headers: HTTPHeaders, is_local: bool) -> Visitor:
    """Whoever reaches this machine's own address."""
    return _THIS_MACHINE


@dataclass(frozen=True)
class TakenLink:
    """The visitor whose link was taken in this browser."""

    keys: Keys

    def __call__(self, headers: HTTPHeaders, is_local: bool) -> Visitor | None:
        """Whom the cookie names."""
        token = parse_cookie(_only(headers, "Cookie")).get(COOKIE, "")
        return self.keys.visitor(token, "visit") if token else None


@dataclass(frozen=True)
class SignOn:
    """Whom the reverse proxy in front names; believed over a Unix socket, or with the secret that only it knows."""

    grants: Path
    """`params/access.yml`; read again for each request, so that a right that is taken away is gone at once."""
    secret: bytes = b""

    def __call__(self, headers: HTTPHeaders, is_local: bool) -> Visitor | None:
        """Whom the headers name, with the rights that the grants give them."""
        told = _only(headers, SECRET).encode()
        if not is_local and not (self.secret and hmac.compare_digest(told, self.secret)):
            return None
        user = _only(headers, USER)
        groups = [name.strip() for name in _only(headers, GROUPS).split(",") if name.strip()]
        try:
            return read_grants(self.grants).visitor(user, groups) if user else None
        except ParamsError as error:  # half written, or wrong: nobody comes in until it is whole
            log.error("nobody comes in: %s", error)
            return None


def read_grants(path: Path) -> Grants:
    """Who may see what, from `params/access.yml`.

    Raises
    ------
    ParamsError
        The file cannot be read, or holds a name or right that is not allowed.
    """
    where = "params/access.yml"
    try:
        return Grants.model_validate(read_yaml(path, where))
    except ValidationError as error:
        raise ParamsError(f"{where}: {'; '.join(faults_of(error))}") from None


def check_grants(path: Path, project: Project) -> list[str]:
    """Every right that `params/access.yml` gives, as it is written there.

    Raises
    ------
    ParamsError
        As `read_grants`.
    UnknownNameError
        A right names no study, region or unit that there is.
    """
    grants = read_grants(path)
    given = [(f"{kind}.{name}", text) for kind, rights in (("users", grants.users), ("groups", grants.groups))
             for name, texts in rights.items() for text in texts]  # fmt: skip
    for where, text in given:
        right = Right.parse(text)
        if right.study:
            try:
                study = load_study(project, right.study)
                if right.region:
                    study.check_place(right.region, right.unit or ALL)
            except UnknownNameError as error:
                raise UnknownNameError(f"params/access.yml: {where}: {text}: {error}") from None
    return [text for _, text in given]


def read_secret(path: Path) -> bytes:
    """The secret that a proxy shares with us.

    Raises
    ------
    AccessError
        The file is not there, can be read by others, or holds too little.
    """
    if not path.is_file():
        raise AccessError(f"{path.name}: no such file. Put a secret of {_SHORTEST_SECRET} characters or more into it.")
    if path.stat().st_mode & 0o077:
        raise AccessError(f"{path.name}: others can read it. Keep it to yourself: chmod 600.")
    secret = path.read_bytes().strip()
    if len(secret) < _SHORTEST_SECRET:
        raise AccessError(
            f"{path.name}: {len(secret)} characters are too short a secret. Take {_SHORTEST_SECRET} or more."
        )
    return secret


def _only(headers: HTTPHeaders, name: str) -> str:
    """A header that is there once; one that is there twice says nothing, since nobody knows who set which."""
    found = headers.get_list(name)
    return found[0] if len(found) == 1 else ""

"""Who may see what: rights by study, region and unit, and the signed links and cookies that carry them.

A right names a study, a region of it or a unit (`demo`, `demo/emea`, `demo/emea/retail`). It covers everything inside
and nothing above: a right to one unit opens neither its region's reports nor another unit's.
"""

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Annotated, Any, Literal

import jwt
from pydantic import Field, model_validator

from cxinsights.errors import AccessError
from cxinsights.params import ALL
from cxinsights.params.model import Strict

__all__ = ["EVERYTHING", "Grants", "Keys", "Right", "Visitor"]

_ALGORITHM = "HS256"
_KEY_BYTES = 32
_DAY = 86_400
LONGEST_DAYS = 366
"""A link for longer would outlive whoever was given it."""
LONGEST_NAME = 100


@dataclass(frozen=True, order=True)
class Right:
    """Leave to see a study, a region or a unit; empty names stand for all."""

    study: str = ""
    region: str = ""
    unit: str = ""

    @classmethod
    def parse(cls, text: str) -> "Right":
        """A right from its words: `demo`, `demo/emea`, `demo/emea/retail`, or `*` for everything.

        Raises
        ------
        AccessError
            It names nothing, or more than a unit.
        """
        if text == "*":
            return cls()
        parts = text.split("/")
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise AccessError(
                f"access: {text!r} is no right. Write a study, study/region, study/region/unit, or * for everything."
            )
        return cls(*parts)

    def __str__(self) -> str:
        return "/".join(filter(None, (self.study, self.region, self.unit))) or "*"

    def covers(self, study: str, region: str = ALL, unit: str = ALL) -> bool:
        """Whether a report of this place may be seen; `_all` as in reports."""
        wanted = zip((self.study, self.region, self.unit), (study, region, unit), strict=True)
        return all(own in ("", asked) for own, asked in wanted)

    def touches(self, study: str) -> bool:
        """Whether anything of a study may be seen."""
        return self.study in ("", study)


EVERYTHING = Right()
"""A right to all studies."""


@dataclass(frozen=True)
class Visitor:
    """Somebody with rights, and the name the log knows them by."""

    name: str
    rights: frozenset[Right]
    until: float = float("inf")
    """When the rights end, in seconds since 1970."""
    visit: str = ""
    """Which taking of a link this is; many may have the same one. Empty where the name says who it is."""

    def may_see(self, study: str, region: str = ALL, unit: str = ALL) -> bool:
        """Whether a report of this place may be seen."""
        return any(right.covers(study, region, unit) for right in self.rights)

    def may_see_all_of(self, study: str) -> bool:
        """Whether every report of a study may be seen."""
        return any(right.touches(study) and not right.region for right in self.rights)

    def as_text(self) -> str:
        """Name and rights, as the gate hands them on."""
        return json.dumps([self.name, sorted(map(str, self.rights)), self.visit])

    @classmethod
    def from_text(cls, text: str) -> "Visitor":
        """The visitor that `as_text` wrote down."""
        name, rights, visit = json.loads(text)
        return cls(name, frozenset(map(Right.parse, rights)), visit=visit)

    def knows(self, study: str) -> bool:
        """Whether anything of a study may be seen."""
        return any(right.touches(study) for right in self.rights)


class Grants(Strict):
    """`params/access.yml`: rights by the names and groups that single sign-on gives."""

    users: Annotated[dict[str, list[str]], Field(description="rights by the user's name, often an address")] = {}
    groups: Annotated[dict[str, list[str]], Field(description="rights by group")] = {}

    @model_validator(mode="after")
    def _are_rights(self) -> "Grants":
        for kind in ("users", "groups"):
            for name, texts in getattr(self, kind).items():
                for text in texts:
                    try:
                        Right.parse(text)
                    except AccessError as error:
                        raise ValueError(f"{kind}.{name}: {error}") from None
        return self

    def visitor(self, user: str, groups: Iterable[str]) -> Visitor:
        """A visitor with the rights of the name and of all groups; often none."""
        texts = [*self.users.get(user, []), *(text for group in groups for text in self.groups.get(group, []))]
        return Visitor(user, frozenset(map(Right.parse, texts)))


class Keys:
    """The key that links and cookies are signed with: 32 random bytes in a file that only its owner can read.

    Taking the file away ends every link and every visit.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def _key(self) -> bytes:
        try:
            found = self._path.read_bytes()
        except FileNotFoundError:
            found = self._made()
        if len(found) < _KEY_BYTES:
            raise AccessError(f"{self._path.name} is no key: take it away, and the next link makes a new one.")
        return found

    def _made(self) -> bytes:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{token_hex(8)}")
        with open(fresh, "xb", opener=_private) as file:
            file.write(token_bytes(_KEY_BYTES))
        with suppress(FileExistsError):  # somebody else's was first; none is ever seen half written
            os.link(fresh, self._path)
        fresh.unlink()
        return self._path.read_bytes()

    def link(self, rights: Iterable[Right], name: str, days: float) -> str:
        """A token that lets its bearer in for so many days.

        Raises
        ------
        AccessError
            No right, or an unreasonable time.
        """
        rights = sorted(rights)
        if not rights:
            raise AccessError("link: for what? Name at least one study, region or unit.")
        if not 0 < days <= LONGEST_DAYS:
            raise AccessError(f"link: {days:g} days. A link holds for up to {LONGEST_DAYS}.")
        if not 0 < len(name.strip()) <= LONGEST_NAME:
            raise AccessError(f"link: for whom? A name has 1 to {LONGEST_NAME} characters: the audit log holds it.")
        return self._signed("link", rights, name, time.time() + days * _DAY)

    def cookie(self, visitor: Visitor) -> str:
        """A token that keeps a visitor for as long as the link holds; each is a visit of its own."""
        return self._signed("visit", sorted(visitor.rights), visitor.name, visitor.until, token_hex(8))

    def visitor(self, token: str, purpose: Literal["link", "visit"]) -> Visitor | None:
        """Whose token this is; None for one that is forged, expired, or meant for something else."""
        try:
            told: dict[str, Any] = jwt.decode(
                token, self._key, [_ALGORITHM], audience=purpose, options={"require": ["exp", "aud", "sub"]}
            )
            rights = frozenset(Right.parse(text) for text in told["rights"])
        except (jwt.InvalidTokenError, AccessError, KeyError, TypeError):
            return None
        return Visitor(told["sub"], rights, told["exp"], told.get("jti", ""))

    def _signed(self, purpose: str, rights: list[Right], name: str, until: float, visit: str = "") -> str:
        told = {"aud": purpose, "sub": name, "rights": [str(right) for right in rights], "exp": int(until)}
        if visit:
            told["jti"] = visit
        return jwt.encode(told, self._key, _ALGORITHM)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)

"""Where the command line prints: text as it is, with nothing in it that would steer a terminal."""

import re
from typing import Any

from rich.console import Console

__all__ = ["PlainConsole"]

_STEERING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class PlainConsole(Console):
    """Prints text as it is; a control character (a raw file's header may hold anything) is spelled out."""

    def __init__(self, **where: Any) -> None:
        # soft wrap: a log line stays a line, whatever width a cron job thinks its terminal has
        super().__init__(highlight=False, markup=False, soft_wrap=True, **where)

    def print(self, *told: object, **how: Any) -> None:
        """Print; only a line's end is left of what is no character to see."""
        super().print(*(_STEERING.sub(_spelled, one) if isinstance(one, str) else one for one in told), **how)


def _spelled(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"

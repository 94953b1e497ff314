"""What every answer of the server says beside its content, and how it says that something went wrong."""

from functools import cache
from typing import Any

import tornado.web

from cxinsights.display.listing import list_script
from cxinsights.display.sliders import script, script_hash
from cxinsights.report.pages import live_script

__all__ = ["HEADERS", "REFUSALS", "Plain", "refusal"]

_SCRIPTS = " ".join(script_hash(text) for text in (script(), live_script(), list_script()))
HEADERS = {
    # pages ask this server alone, and hold scripts of ours, by their hashes
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; "
    f"script-src {_SCRIPTS}; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


REFUSALS = {401: "Unauthorized", 404: "Not Found"}
"""Refusals that are told on a page: what is not there and what may not be seen read alike."""
_TOLD = {
    401: ("These reports need a link", "Open the link that was sent to you, or sign on. If it has ended, ask whoever "
          "sent it for a new one."),
    404: ("Nothing here for you", "There is no such page, or it is not among those that you may see."),
}  # fmt: skip


@cache
def refusal(status: int) -> bytes:
    """Page of a refusal: small, since anybody may ask for it."""
    title, lead = _TOLD[status]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        "<style>:root{color-scheme:light dark}body{max-width:36rem;margin:4rem auto;padding:0 1rem;"
        "font:1.0625rem/1.5 system-ui,sans-serif}h1{font-size:1.625rem;line-height:1.2}a{color:inherit}</style></head>"
        f'<body><main><h1>{title}</h1><p>{lead}</p><p><a href="/">Reports</a></p></main></body></html>\n'
    ).encode()


class Plain(tornado.web.RequestHandler):
    """Headers that every answer has, and errors that say no more than their name."""

    def set_default_headers(self) -> None:
        """Set them."""
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the error's name, or its page."""
        if status_code in REFUSALS:
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(refusal(status_code))
            return
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code}: {self._reason}")

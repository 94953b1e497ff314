"""What every answer of the server says beside its content, and how it says that something went wrong."""

from typing import Any

import tornado.web

from cxinsights.display.sliders import script_hash

__all__ = ["HEADERS", "Plain"]

HEADERS = {
    # pages ask nobody for anything, and hold one script of ours, by its hash
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; "
    f"script-src {script_hash()}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Plain(tornado.web.RequestHandler):
    """Headers that every answer has, and errors that say no more than their name."""

    def set_default_headers(self) -> None:
        """Set them."""
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the error's name."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code}: {self._reason}")

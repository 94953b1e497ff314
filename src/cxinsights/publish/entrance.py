"""Where a link is taken: a page that says what it opens, and a button that exchanges it for a cookie.

Mail scanners open links before people do. Opening therefore changes nothing; the button does.
"""

import time
from html import escape
from urllib.parse import urlsplit

import tornado.web

from cxinsights.errors import AccessError
from cxinsights.params import ALL, Project, load_study
from cxinsights.publish.access import EVERYTHING, Keys, Right, Visitor
from cxinsights.publish.gate import ENTRANCE
from cxinsights.publish.headers import Plain
from cxinsights.publish.identity import COOKIE
from cxinsights.report.pages import Page, render_page

__all__ = ["Entrance", "link_path", "right_of"]


def right_of(project: Project, study: str | None, region: str | None, unit: str | None) -> Right:
    """The right that options ask for.

    Raises
    ------
    AccessError
        A unit without its region, or no study where there are several.
    UnknownNameError
        No such study, region or unit.
    """
    known = project.studies()
    if study is None and len(known) != 1:
        raise AccessError(f"link: which study? Give --study. Known: {', '.join(known)}.")
    loaded = load_study(project, study or known[0])
    if unit and not region:
        region = loaded.name if loaded.one_region else None
        if region is None:
            raise AccessError(f"link: {unit} of which region? Give --region. Known: {', '.join(loaded.regions)}.")
    if region:
        loaded.check_place(region, unit or ALL)
    return Right(loaded.name, region or "", unit or "")


def link_path(keys: Keys, right: Right, name: str, days: float) -> str:
    """Path of a link that opens this to its bearer."""
    return ENTRANCE + keys.link([right], name, days)


class Entrance(Plain):
    """The page behind a link."""

    def initialize(self, keys: Keys) -> None:
        """Take the key that links are signed with."""
        self.keys = keys

    def set_default_headers(self) -> None:
        """As everywhere, but never kept."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def get(self, token: str) -> None:
        """Say what the link opens, and until when."""
        visitor = self._visitor(token)
        day = time.localtime(visitor.until)
        opens = ", ".join("all reports" if right == EVERYTHING else str(right) for right in sorted(visitor.rights))
        told = f"For {visitor.name}: {opens}. Until {day.tm_mday} {time.strftime('%B %Y', day)}."
        content = (
            '<div class="head"><p class="kicker">Reports</p><h1>Open the reports</h1>'
            f'<p class="lead">{escape(told)}</p></div>'
            '<form method="post"><button type="submit" class="enter">Open the reports</button></form>'
        )
        self.finish(render_page(Page("Open the reports", [("Reports", "")], content, home="/", reading=True)))

    head = get

    def post(self, token: str) -> None:
        """Give the browser a cookie for as long as the link holds."""
        visitor = self._visitor(token)
        site, origin = (self.request.headers.get(name, "") for name in ("Sec-Fetch-Site", "Origin"))
        named = origin not in ("", "null")  # as of a form on a page that tells nobody where it stands: ours
        if site not in ("", "same-origin") or (named and urlsplit(origin).netloc != self.request.host):
            raise tornado.web.HTTPError(403)  # a page elsewhere would let somebody in under another's name
        self.set_cookie(
            COOKIE, self.keys.cookie(visitor), path="/", expires=visitor.until, httponly=True, samesite="Lax",
            secure=self.request.headers.get("X-Forwarded-Proto", self.request.protocol) == "https",
        )  # fmt: skip
        self.redirect("/", status=303)

    def _visitor(self, token: str) -> Visitor:
        visitor = self.keys.visitor(token, "link")
        if visitor is None:
            raise tornado.web.HTTPError(410, reason="This link has ended. Ask whoever sent it for a new one")
        return visitor

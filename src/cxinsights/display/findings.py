"""What the other reports of the same unit found, as a list of links."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxinsights.display.blocks import Block, Nothing

__all__ = ["Finding", "Findings", "list_findings"]


@dataclass(frozen=True)
class Finding:
    """One report's headline, and where it stands from the page that lists it; no link where there is no page."""

    report: str
    headline: str
    link: str


@dataclass(frozen=True)
class Findings(Block):
    """Headlines of other reports, each a link to its page."""

    _macro = "findings"
    title: str
    entries: Sequence[Finding]
    key: str = "findings"
    folded: bool = False
    by_report: bool = False
    """Whether the report's name is the link, and its finding plain text."""
    note: str = ""

    def as_markdown(self) -> str:
        """One line per report."""
        lines = [f"- {e.report}: {f'[{e.headline}]({e.link})' if e.link else e.headline}" for e in self.entries]
        return "\n".join([f"### {self.title}", "", *lines, *(["", self.note] if self.note else [])])


def list_findings(findings: Sequence[Finding]) -> Block:
    """Headlines of the other reports; nothing where there are none."""
    return Findings("What the other reports found", findings) if findings else Nothing()

"""What changed, as a small HTML mail: plain tables and styles in place, as mail programs show them."""

from html import escape

from cxinsights.display.words import spelled
from cxinsights.params import ALL, Study
from cxinsights.publish.changes import KINDS, Change, Changes

__all__ = ["as_mail", "title_of"]

_COLOURS = {"worse": "#9C3A13", "hidden": "#9C3A13", "gone": "#9C3A13", "better": "#00708B"}
_QUIET = "#4A5868"


def title_of(changes: Changes, study: Study) -> str:
    """How many got worse and better, since when; and that scorecards are missing, where some are."""
    counts = {kind: sum(one.kind == kind for one in changes.found) for kind in ("worse", "better")}
    said = ", ".join(f"{spelled(n)} {kind}" for kind, n in counts.items() if n)
    now, then = (study.periods.period(one).label for one in (changes.period, changes.since))
    known, asked = changes.n_looked_at, changes.n_asked_for
    among = f", in the {known} of {asked} scorecards that are made" if known < asked else ""
    return f"{_place(changes, study)}, {now}: {said or 'nothing that clearly moved'} since {then}{among}"


def _place(changes: Changes, study: Study) -> str:
    """Where was looked: nobody is to take a region's news for those of the company."""
    region, unit = changes.only_region, changes.only_unit
    if region in (None, ALL) and unit in (None, ALL):
        return study.label
    if region is not None:
        return study.label_of(region, unit or ALL)
    return next(one.units[unit].label for one in study.regions.values() if unit in one.units)


def as_mail(changes: Changes, study: Study, base: str = "") -> str:
    """HTML of the mail.

    Parameters
    ----------
    base
        Address of the server, for links to the scorecards; none where not given.
    """
    parts = []
    for kind, words in KINDS.items():
        rows = "".join(_row(one, base) for one in changes.found if one.kind == kind)
        if rows:
            colour = _COLOURS.get(kind, _QUIET)
            parts.append(
                f'<h2 style="font-size:16px;margin:20px 0 4px;color:{colour}">{words}</h2>'
                f'<table role="presentation" cellspacing="0" cellpadding="0" width="100%">{rows}</table>'
            )
    if not parts:
        parts.append(f'<p style="margin:20px 0">No change is clear in {changes.n_looked_at} scorecards.</p>')
    title = escape(title_of(changes, study))
    about = "Made-up data. " if study.synthetic else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        '<body style="margin:0;padding:16px;font:16px/1.45 sans-serif;color:#18202B;background:#FFFFFF">'
        f'<div style="max-width:600px;margin:0 auto"><h1 style="font-size:20px;line-height:1.25;margin:0">{title}</h1>'
        f'{"".join(parts)}<p style="margin:24px 0 0;font-size:13px;color:{_QUIET}">{about}Changes with 95% intervals; '
        "clear by a test adjusted among all units. Timing alone shows no cause.</p></div></body></html>\n"
    )


def _row(one: Change, base: str) -> str:
    text = escape(one.text)
    if base and one.path:
        text = f'<a href="{escape(base.rstrip("/"))}/{escape(one.path)}" style="color:#3A3A9A">{text}</a>'
    return f'<tr><td style="padding:6px 0;border-top:1px solid #DDE3EA">{text}</td></tr>'

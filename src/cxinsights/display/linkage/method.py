"""The linkage's method note."""

from cxinsights.display.blocks import Prose
from cxinsights.display.linkage.linked import Linked
from cxinsights.display.words import as_subject, joined, spelled
from cxinsights.params import LinkageParams
from cxinsights.privacy import Guarded
from cxinsights.schemas.columns import column

__all__ = ["method_linkage"]


def method_linkage(result: Guarded) -> Prose:
    """Unit of analysis, bases, kinds of correlation, model, and what one wave cannot say."""
    linked = Linked(result)
    p: LinkageParams = result.params
    site, sites = linked.site_word, linked.sites_word
    lead = (
        f"Scores of {linked.employees} and {linked.customers} that see the same topic are paired."
        if result.parallel
        else f"The score of {linked.employees} is the mean of {spelled(len(p.items))} items."
        if len(p.items) > 1
        else ""
    )
    paragraphs = [
        f"The unit of analysis is the {site}: {linked.employees} and {linked.customers} are different people, and only "
        f"means of a {site} belong together. {lead} A {site} takes part with {p.min_customers} answers of "
        f"{linked.customers} and {p.min_employees} of {linked.employees}, where nothing hides it, so that no figure "
        f"over all {sites} tells of one that is not shown.",
        f"Correlations are Pearson’s over {sites} with both scores, beside Spearman’s, weighted ones and one corrected "
        f"for unreliable means, which can exceed 1 and is then flagged. Under {p.min_sites} {sites} nothing is shown; "
        f"from {p.claim_sites} the headline makes a claim.",
        f"Mixed model: every unit or region has a level of its own, and effects within and between them stand apart. "
        f"All {len(p.items) * len(p.scores)} pairs of item and score are tested as one family (Benjamini–Hochberg).",
    ]
    if p.controls:
        paragraphs.append(f"Held equal in partial correlations and the model: {_controls(linked)}.")
    if p.lag:
        paragraphs.append(
            f"{as_subject(linked.employees)} were asked {spelled(p.lag)} {'period' if p.lag == 1 else 'periods'} "
            f"earlier ({linked.asked_earlier}) than {linked.customers}."
        )
    untold = linked.untold.strip()
    if untold:
        paragraphs.append(untold)
    if len(result.summary) and linked.left_out:
        paragraphs.append(linked.left_out.strip())
    paragraphs.append(
        f"One wave says nothing about direction: {linked.employees} may shape what {linked.customers} feel, "
        f"{linked.customers} may shape what {linked.employees} feel, or both follow from the {site}. This is a "
        "pattern, not proof of cause."
    )
    return Prose("method", "Method and limits", paragraphs)


def _controls(linked: Linked) -> str:
    return joined([column(name, linked.study).label for name in linked.params.controls])

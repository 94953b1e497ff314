"""How sure the brief is, and what it does not say."""

from cxinsights.display.blocks import Block, Prose
from cxinsights.privacy import Guarded

__all__ = ["method_brief"]


def method_brief(result: Guarded) -> Block:
    """Where figures come from, when something is named, how steps are ranked, and what is not shown."""
    fewest = result.study.privacy.customer_min
    return Prose(
        "method",
        "How sure are we?",
        [
            "Scores, drivers, journey, segments and linkage are those of the unit's own reports, which say how each "
            "was come by; nothing is computed anew from answers. Intervals are 95% intervals.",
            "A rating is named where it lies clearly under the rest of the company, or its own a year earlier, by a "
            "test adjusted among all units, ratings and regions of the period (Benjamini–Hochberg, 5%), and where it "
            "goes with the score at all. A step of the journey, a group of customers or a segment is named by the "
            "adjusted tests of their own reports.",
            "Steps are ranked by what goes with reaching the best unit's rating, as the driver report has it: how "
            "closely the rating goes with the score, times how far it is to go. A pattern is clear where the rating "
            "also lies clearly under the rest of the company. Where the unit has too few answers for drivers of its "
            "own, what is low is named to be tested. A step of the journey that clearly fewer take than elsewhere "
            "comes first.",
            "Customers who rate a part of the experience higher may do so since they are content with the whole. What "
            "happens when it is improved, only an action and its check can tell.",
            f"Figures of fewer than {fewest} customers are not shown, nor those they would follow from.",
        ],
    )

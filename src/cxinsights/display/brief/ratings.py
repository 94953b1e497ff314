"""The ratings that go most with the score: here, and in the rest of the company."""

import pandas as pd
from matplotlib.axes import Axes

from cxinsights.display import charts
from cxinsights.display.blocks import Block, Figure, Nothing
from cxinsights.display.brief.sentences import low_ratings
from cxinsights.display.numbers import counts, metric_with_interval, number
from cxinsights.display.rating_words import difference_text
from cxinsights.display.theme import LIGHT, WIDE, new_axes
from cxinsights.display.words import as_subject, fitting, in_sentence, joined, spelled
from cxinsights.privacy import Guarded, is_shown
from cxinsights.schemas.columns import column, label

__all__ = ["figure_ratings", "plot_ratings"]

_WHICH = {
    True: "The ratings that go most with the score, the most important first.",
    False: "The ratings furthest below the rest; too few answers to say which go with the score.",
}


def figure_ratings(result: Guarded) -> Block:
    """Ratings here with interval, and a tick where the rest of the company stands."""
    frame = _shown(result)
    if result.status != "ok" or not len(frame):
        return Nothing()
    low = [in_sentence(label(name, result.study)) for name in frame.loc[_is_low(frame), "driver"]]
    counted = f"{as_subject(spelled(len(low)))} ratings score below the rest of the company"
    if low:
        be = "scores" if len(low) == 1 else "score"
        title = fitting(as_subject(f"{joined(low)} {be} below the rest of the company"), counted)
    else:
        title = "No rating is clearly below the rest of the company"
    first = frame.iloc[0]
    score = metric_with_interval("ces", first.score, first.ci_low, first.ci_high)
    alt = (
        f"Dot and interval chart of {spelled(len(frame))} ratings. {label(first.driver, result.study)} is {score} "
        f"here, {number(first.score_compare, 1)} in the rest of the company, difference {difference_text(first)}."
    )
    return Figure(
        key="ratings",
        title=title,
        subtitle=f"Mean rating of {result.study.unit(result.params.region, result.params.unit).label}, with 95% "
        "intervals; the upright tick is the rest of the company",
        draw=lambda width: plot_ratings(result, width=width),
        name="Ratings against the rest of the company",
        alt=alt,
        how="The dot is the rating here, the line its 95% interval. A brown dot is clearly below the rest.",
        caption=f"{counts(frame['n'])}. {_WHICH[result.ranked]}{_no_reasons(result, frame)}",
    )


def _no_reasons(result: Guarded, frame: pd.DataFrame) -> str:
    """Which ratings are low here and yet no reason for the score, and why."""
    told = {*low_ratings(result, "rest").get("name", [])}
    names = [in_sentence(label(name, result.study)) for name in frame.loc[_is_low(frame), "driver"] if name not in told]
    if not names:
        return ""
    go, they_are = ("goes", "it is") if len(names) == 1 else ("go", "they are")
    return f" We cannot tell if {joined(names)} {go} with the score, so {they_are} not among the reasons."


def plot_ratings(result: Guarded, width: int = WIDE) -> Axes:
    """Draw them, a row each with its name above and its figures at the right."""
    frame = _shown(result)
    row, left = 52, 4
    axes = new_axes(width, row * len(frame) + 34, left=left, right=8, top=2, bottom=30)
    ends = [*frame["ci_low"], *frame["ci_high"], *frame["score_compare"]]
    low, high = charts.padded(min(ends), max(ends), 0.12)
    axes.set_xlim(low, high)
    axes.set_ylim(len(frame) - 0.45, -0.55)
    for at, one in enumerate(frame.itertuples()):
        colour = LIGHT["worse"] if _low(one) else LIGHT["accent"]
        axes.plot(
            [one.score, one.score_compare], [at + 0.12] * 2, color=LIGHT["edge"], lw=1.2, ls=(0, (1.5, 2)), zorder=2
        )
        axes.plot([one.score_compare] * 2, [at - 0.08, at + 0.32], color=LIGHT["ink"], lw=2.2, zorder=3)
        charts.draw_interval(axes, one.ci_low, one.ci_high, at + 0.12, colour)
        charts.draw_dot(axes, one.score, at + 0.12, colour=colour)
        name = label(one.driver, result.study)
        axes.text(0, at - 0.28, name, transform=axes.get_yaxis_transform(), va="center", weight=600)
        text = metric_with_interval("ces", one.score, one.ci_low, one.ci_high)
        axes.text(
            1, at - 0.28, text, transform=axes.get_yaxis_transform(), va="center", ha="right", color=LIGHT["quiet"]
        )
    top = column(frame["driver"].iloc[0], result.study).max
    charts.plain_ticks(axes.xaxis, low, high, most=4, suffix="" if top is None else f" of {top:g}")
    axes.set_yticks([])
    axes.get_xticklabels()[-1].set_ha("right")
    return axes


def _shown(result: Guarded) -> pd.DataFrame:
    frame = result.ratings
    if not len(frame):
        return frame
    return frame[(frame["against"] == "rest") & is_shown(frame["difference"])].reset_index(drop=True)


def _is_low(frame: pd.DataFrame) -> list[bool]:
    return [_low(one) for one in frame.itertuples()]


def _low(one) -> bool:
    """Whether a rating is clearly below the rest."""
    return bool(one.is_clear) and one.difference < 0

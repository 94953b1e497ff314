"""How numbers are written: decimals from the interval, true minus, thousands, and the same form everywhere.

Spaces inside one figure with its interval do not break, so that a line never ends between the two.
"""

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from cxinsights.privacy import Suppressed

__all__ = [
    "DASH",
    "count",
    "decimals_for",
    "in_hundred",
    "interval",
    "metric_change",
    "metric_interval",
    "metric_score",
    "metric_with_interval",
    "number",
    "p_text",
    "percent",
    "plain",
    "share_decimals",
    "share_text",
    "signed",
    "told_decimals",
    "with_interval",
]

SPACE = "\u00a0"
MINUS = "\u2212"
DASH = "\u2013"
_SHARES = ("csat", "ces_top")
_MEANS = ("csat_mean", "ces")


def decimals_for(half_width: float) -> int:
    """Decimals that an interval of this half width deserves: 0 from 1 up, 1 from 0.1, else 2."""
    if not np.isfinite(half_width):
        return 1
    return 0 if half_width >= 1 else 1 if half_width >= 0.1 else 2


def number(value: float, decimals: int = 0) -> str:
    """A number with true minus and thousands; zero has no sign."""
    text = f"{abs(value):,.{decimals}f}"
    return MINUS + text if value < 0 and float(text.replace(",", "")) else text


def signed(value: float, decimals: int = 0) -> str:
    """A change: always with its sign, except zero."""
    text = number(value, decimals)
    return "+" + text if value > 0 and float(text.replace(",", "")) else text


def count(n: float, of: str = "answer") -> str:
    """A base in words: 2,814 answers, 1 answer."""
    return f"{int(n):,}{SPACE}{of}{'' if int(n) == 1 else 's'}"


def counts(bases: Iterable[float], of: str = "answer") -> str:
    """Bases that stand side by side, in words: 881 to 888 answers."""
    told = [int(n) for n in bases]
    fewest, most = min(told), max(told)
    return count(most, of) if fewest == most else f"{fewest:,} to {count(most, of)}"


def interval(low: float, high: float, decimals: int = 0, with_sign: bool = False) -> str:
    """Limits in words: 29 to 33."""
    write = signed if with_sign else number
    return f"{write(low, decimals)}{SPACE}to{SPACE}{write(high, decimals)}"


def with_interval(value: float, low: float, high: float, decimals: int = 0, with_sign: bool = False) -> str:
    """A figure and its interval: 31 (29 to 33)."""
    write = signed if with_sign else number
    return f"{write(value, decimals)}{SPACE}({interval(low, high, decimals, with_sign)})"


def share_decimals(share: float) -> Literal[0, 1]:
    """One decimal where a whole percentage would say none or all of a share that is neither, as of 99.8%."""
    return int(share not in (0, 1) and number(100 * share) in ("0", "100"))


def percent(share: float, decimals: int | None = None) -> str:
    """A share as a percentage: 78%, 99.8%."""
    if decimals is None:
        return f"{_hundredths(share)}%"
    return f"{number(100 * share, decimals)}%"


def share_text(share: float, low: float, high: float) -> str:
    """A share and its interval: 24% (20 to 28)."""
    decimals = share_decimals(share)
    if share in (0, 1):  # an interval that is more than its end should read so: 100% (99.6 to 100.0)
        decimals = share_decimals(high if share == 0 else low)
    return f"{percent(share)}{SPACE}({interval(100 * low, 100 * high, decimals)})"


def in_hundred(share: float) -> str:
    """A share in words: 45 in 100; as a percentage where a whole number would say none or all."""
    if share_decimals(share):
        return percent(share)
    return f"{number(100 * share)}{SPACE}in{SPACE}100"


def metric_score(metric: str, score: float | Suppressed, decimals: int | None = None) -> str:
    """A score as its measure is written: NPS 31, CSAT 78%, CES 5.4."""
    if isinstance(score, Suppressed):
        return str(score)
    if metric in _SHARES:
        return percent(score, decimals)
    return number(score, _decimals(metric) if decimals is None else decimals)


def metric_interval(metric: str, low: float, high: float) -> str:
    """Limits of a score: 29 to 33."""
    scale = 100 if metric in _SHARES else 1
    return interval(scale * low, scale * high, _decimals(metric))


def metric_with_interval(metric: str, score: float, low: float, high: float) -> str:
    """A score and its interval as its measure is written: 78% (77 to 79)."""
    if metric in _SHARES:
        return share_text(score, low, high)
    return f"{metric_score(metric, score)}{SPACE}({metric_interval(metric, low, high)})"


def metric_change(metric: str, change: float, low: float, high: float, state: str | None = None) -> tuple[str, str]:
    """A change and its interval; with more decimals where rounding would hide what the state says.

    Shares change in points.
    """
    scale = 100 if metric in _SHARES else 1
    decimals = _decimals(metric)
    if state in ("better", "worse", "slightly_better", "slightly_worse"):
        decimals = told_decimals([scale * value for value in (change, low, high)], decimals)
    return signed(scale * change, decimals), interval(scale * low, scale * high, decimals, with_sign=True)


def told_decimals(values: Iterable[float], decimals: int) -> int:
    """As many decimals, or more where rounding would make nothing of a figure that is clear."""
    while decimals < 3 and not all(_shows(value, decimals) for value in values):
        decimals += 1
    return decimals


def p_text(p: float) -> str:
    """A p-value: never zero."""
    return DASH if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def plain(value: Any) -> str:
    """Any cell of an analyst's table."""
    if isinstance(value, Suppressed):
        return str(value)
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return DASH
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return number(value)
    if isinstance(value, float | np.floating):
        if np.isinf(value):
            return "unbounded"
        size = abs(value)
        return number(value, 0 if size >= 1000 or value == int(value) else 1 if size >= 10 else 2 if size >= 1 else 3)
    return str(value)


def text_without_fixed_spaces(text: str) -> str:
    """A sentence as data files have it."""
    return text.replace(SPACE, " ")


def _hundredths(share: float) -> str:
    """A share of 100 that is never written as none or all where it is neither."""
    text = number(100 * share, share_decimals(share))
    return {"0.0": f"under{SPACE}0.1", "100.0": f"over{SPACE}99.9"}.get(text, text)


def _decimals(metric: str) -> Literal[0, 1]:
    return 1 if metric in _MEANS else 0


def _shows(value: float, decimals: int) -> bool:
    return round(abs(value), decimals) > 0

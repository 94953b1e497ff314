"""How pages and the digest write that a mean rating differs, or fell."""

import pandas as pd

from cxinsights.display.numbers import told_decimals, with_interval
from cxinsights.display.words import in_sentence, joined
from cxinsights.params import Study
from cxinsights.schemas.columns import label

__all__ = ["difference_text", "fallen_ratings"]

MOST = 3


def difference_text(row: pd.Series) -> str:
    """A difference of ratings with its interval: −0.8 (−1.0 to −0.6)."""
    values = (row["difference"], row["diff_low"], row["diff_high"])
    is_clear = row["diff_low"] > 0 or row["diff_high"] < 0
    return with_interval(*values, told_decimals(values, 1) if is_clear else 1, with_sign=True)


def fallen_ratings(moved: pd.DataFrame, study: Study) -> str:
    """Ratings that fell, of shown ones that clearly moved, the furthest first: kept informed −1.5 (−1.7 to −1.4)."""
    fell = moved[moved["difference"].astype(float) < 0].sort_values("difference", kind="stable")
    told = (f"{in_sentence(label(row['driver'], study))} {difference_text(row)}" for _, row in fell.iterrows())
    return joined(list(told), MOST)

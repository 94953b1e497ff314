"""Guarded segmentations for the display tests: made-up customers through the real analysis and the real guard."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cxinsights.analysis.segmentation import SegmentationResult, fit_segmentation
from cxinsights.params import SegmentationParams
from cxinsights.privacy import Guarded, guard
from tests.display.results import study

LABELS = {"visits": "Visits a month", "digital": "Digital share", "products": "Products held", "plan": "Plan"}


def asked(**changes: Any) -> SegmentationParams:
    given = {
        "study": "shops", "period": "2026Q3", "region": "_all", "unit": "_all", "inputs": ["visits", "digital"],
        "held_out": ["nps_answer", "value"], "k_max": 4, "n_boot": 10, "min_customers": 100,
    }  # fmt: skip
    return SegmentationParams(**{**given, **changes})


def customers(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Three clear segments of 50, 30 and 20 in a hundred; the third visits most and is worth most."""
    rng = np.random.default_rng(seed)
    of = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return pd.DataFrame(
        {
            "customer_id": range(n),
            "unit": np.where(rng.random(n) < 0.6, "north", "south"),
            "visits": np.array([1.0, 1.0, 7.5])[of] * rng.lognormal(0, 0.25, n),
            "digital": np.array([0.8, 0.2, 0.8])[of] + rng.normal(0, 0.05, n),
            "plan": np.array(["plus", "basic", "plus"])[of],
            "nps_answer": np.where(rng.random(n) < 0.5, rng.integers(0, 11, n), np.nan),
            "value": rng.gamma(20, np.array([5.0, 5.0, 40.0])[of] / 20),
            "planted": of,
        }
    )


@cache
def fitted(**changes: Any) -> SegmentationResult:
    """The company's segmentation, asked otherwise where changes say so (as plain values and tuples)."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
    return fit_segmentation(customers(), asked(**given))


def of_unit(frame: pd.DataFrame, previous: pd.DataFrame | None = None) -> SegmentationResult:
    """The company's segments among these customers."""
    whole = fitted()
    made = {f"company_{name}": getattr(whole, name) for name in ("segments", "choice", "rules", "inputs", "summary")}
    unit = asked(region="shops", unit="north")
    return fit_segmentation(frame, unit, company=whole.members, previous=previous, **made)


def shown(result: SegmentationResult, labels: Mapping[str, str] = LABELS, **changes: Any) -> Guarded:
    """A result as readers may see it, with some of its fields replaced."""
    types, units = {"products": "integer"}, {"visits": "visits"}
    columns = {
        name: {"label": text, "type": types.get(name, "number"), "unit": units.get(name, "")}
        for name, text in labels.items()
    }
    return guard(replace(result, **changes), study(columns=columns))


def judged(verdict: str, *, stands_out: bool = True, rand: float = 0.8) -> Guarded:
    """The company's segments with another verdict."""
    whole = fitted()
    choice = whole.choice.assign(stands_out=stands_out, adjusted_rand=rand)
    return shown(whole, segments=whole.segments.assign(verdict=verdict), choice=choice)


def many(n: int, label: str = "Visits a month") -> Guarded:
    """A result of n segments: the rows of three repeated under further letters, each with a name as long as asked."""
    whole = fitted()
    letters = [chr(ord("A") + at) for at in range(n)]

    def spread(frame: pd.DataFrame) -> pd.DataFrame:
        parts = [frame[frame["segment"] == "ABC"[at % 3]].assign(segment=letter) for at, letter in enumerate(letters)]
        return pd.concat(parts, ignore_index=True)

    segments = spread(whole.segments)
    segments = segments.assign(**{c: segments[c] * 3 / n for c in ("value_share", "value_low", "value_high")})
    profiles, held_out = spread(whole.profiles), spread(whole.held_out)
    return shown(whole, {**LABELS, "visits": label, "digital": label}, segments=segments, profiles=profiles,
                 held_out=held_out)  # fmt: skip

"""A figure that the data do not determine: several values belong to equally likely models."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Between"]


@dataclass(frozen=True)
class Between:
    """The range of a figure over the models found that are equally likely."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Between":
        return cls(min(values), max(values))

    def holds(self, value: float, tolerance: float) -> bool:
        return self.low - tolerance <= value <= self.high + tolerance

"""What one report may take."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What one report may take."""

    seconds: float = 900
    memory_mb: float = 4000
    """Of its kernel and what that starts, pages they share counted in each."""

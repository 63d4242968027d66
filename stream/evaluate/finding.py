"""A verdict about a column of a window, and where that column lies."""

from dataclasses import dataclass

from detectors import Verdict

__all__ = ["Finding", "Place"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict about a column of a window; column None: the series as a whole."""

    column: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column of a window lies: in standard deviations of the reference, and in units for cumulative sums."""

    location: float
    z: float

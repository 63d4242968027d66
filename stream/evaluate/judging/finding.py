"""A verdict about a column of a window, and where that column lies."""

from dataclasses import dataclass, replace

from detectors import Verdict

__all__ = ["EXCLUDED", "Finding", "Place", "excused", "is_hard"]

EXCLUDED = "excluded"
"""How the note of a verdict begins that was not asked, as its window overlaps an excluded time."""


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


def is_hard(verdict: Verdict) -> bool:
    """Whether a verdict holds whatever is usual at that time: all missing, of another type or unit, frozen, silent."""
    return verdict.note.startswith("hard rule")


def excused(verdict: Verdict, name: str) -> Verdict:
    """Take the judgement out of a verdict in an excluded time: its score stays, and what a hard rule says."""
    if is_hard(verdict):
        return verdict
    return replace(verdict, p_value=None, alarm=False, note=f"{EXCLUDED}: {name}")

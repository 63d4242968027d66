"""How many events a window had, by all that is known: those counted, and what these stand for."""

from collections.abc import Sequence
from typing import NamedTuple

from detectors.summaries.summary import Summary

__all__ = ["Arrivals", "arrivals_of"]


class Arrivals(NamedTuple):
    """The events of a window.

    `seen`: how many there were, estimated where some were left out. `worth`: how many events, all counted, would make
    that number known as well. `weight`: how many an event stood for. All that is known of the weight of a window of
    which no event was kept is that of the windows before, so that is taken on.
    """

    seen: int
    worth: int
    weight: float

    @classmethod
    def of(cls, summary: Summary | None, before: float) -> "Arrivals":
        """Tell of a window, None where it is empty; `before`: the weight in the window before."""
        if summary is None or not summary.n:
            return cls(0, 0, before)
        return cls(summary.seen, summary.thinned.worth(summary.n), summary.seen / summary.n)


def arrivals_of(summaries: Sequence[Summary]) -> list[Arrivals]:
    """Tell of windows in order of time."""
    told: list[Arrivals] = []
    for summary in summaries:
        told.append(Arrivals.of(summary, told[-1].weight if told else 1.0))
    return told

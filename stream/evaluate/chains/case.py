"""A closed window on its way through the judges of its chain."""

from dataclasses import dataclass

from detectors.summaries.summary import Summary
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.scores import Scores
from stream.evaluate.judging.volume import Arrivals
from stream.evaluate.panes.windows import Closed
from stream.reference.plan import Plan
from stream.reference.reference import WindowSize

__all__ = ["Case", "Judges"]


@dataclass(frozen=True, slots=True)
class Judges:
    """What a window is judged by, and how many events it had."""

    scores: Scores
    alarms: Alarms
    arrivals: Arrivals


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A window that is being judged.

    Attributes:
        which: the place of its size.
        window: its size.
        closed: the window itself.
        plan: the one in force.
        told: what its columns are judged by: the window, or with it those held over from before.
        judges: None where it is not judged, as the reference has seen part of it.
        summary: of `told`; None while that has too few events.
        own: of the window itself; None where that has too few.
        share: of false alarms that each monitor may raise by it.
        excluded: the name of the excluded time that it overlaps, else empty.
    """

    which: int
    window: WindowSize
    closed: Closed
    plan: Plan
    told: Closed
    judges: Judges | None = None
    summary: Summary | None = None
    own: Summary | None = None
    share: float = 0.0
    excluded: str = ""

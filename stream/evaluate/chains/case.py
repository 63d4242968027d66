"""A closed window on its way through the judges of its chain, and behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.summaries.summary import Summary
from stream.evaluate.judging.account import Account
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.findings import Findings
from stream.evaluate.judging.scores import Scores
from stream.evaluate.judging.standing import Standing
from stream.evaluate.judging.volume import Arrivals
from stream.evaluate.panes.windows import Closed
from stream.evaluate.stories.incidents import Change
from stream.reference.plan import Plan
from stream.reference.reference import WindowSize

__all__ = ["Case", "Judged", "Judges"]


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


@dataclass(frozen=True, slots=True)
class Judged:
    """A window after judging: all findings, and the turns of incidents that they brought (column, change).

    `closed` is what was judged of columns: the window itself or, where it has too few events, with those held over from
    the windows before; `own` is the window itself, which the series as a whole is judged by. `plan` is the one whose
    share of the budget it was judged by. Where there are changes, `standings` tell how the monitors stood then, and
    `accounts` by column what the alarm layer's verdicts were made of by which a change is told.
    """

    window: WindowSize
    closed: Closed
    own: Closed
    findings: Findings
    changes: tuple[tuple[str | None, Change], ...]
    plan: Plan
    standings: tuple[Standing, ...] = ()
    accounts: Mapping[str | None, Account] = field(default_factory=dict)

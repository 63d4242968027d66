"""What the configuration says of judging."""

from dataclasses import dataclass, field

from stream.config.calendar import Calendar
from stream.evaluate.judging.baseline import Compare
from stream.evaluate.judging.calm import Calm
from stream.evaluate.judging.extra import ExtraRule

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How windows are judged.

    `floors`, `fixed`, `off` and `on` (asked for by name) are by detector name, `extra` are the sequential detectors
    asked for; `calm` says when an incident is told; `windows_min` windows are the shortest history to judge by;
    `calendar` has the times in which only hard rules speak; `compare` and `history_ms`: see `Baseline`;
    what is usual is learned anew at the first window of every `refit_ms`, counted from Mondays 0:00 UTC.
    """

    events_min: int
    windows_min: int
    floors: dict[str, float]
    fixed: dict[str, float]
    off: frozenset[str]
    calm: Calm = field(default_factory=Calm)
    on: frozenset[str] = frozenset()
    extra: tuple[ExtraRule, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)
    compare: Compare = "fixed"
    history_ms: int = 28 * 86_400_000
    refit_ms: int = 7 * 86_400_000

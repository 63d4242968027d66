"""What the drift of a feature leads to: it meets the drift of predictions and the worse errors of its series.

Each kind of a series is evaluated at its own pace, and nothing here holds any of them up. A meeting is told at the
event time of its later half, as soon as both kinds have passed that time. So what is told is a function of the two
stories alone, whichever came first and in whatever portions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sinks.event import DriftEvent, parse, structured
from stream.evaluate.meaning import is_worse
from stream.evaluate.recommend import ABOUT_LABELS
from stream.words import Kind, Series

__all__ = ["Consequences", "Meeting"]

SPELLS_MAX = 1000
"""Spells kept of a kind of a model, where the other kinds never come; the oldest leave first."""
FOREVER = 2**62
EFFECTS = (Kind.PREDICTIONS, Kind.ERRORS)


@dataclass(slots=True)
class _Spell:
    """A time in which a monitor's incident was open, and the event that began it; `met` are the kinds it has met."""

    series: Series
    event: DriftEvent
    end_ms: int = FOREVER
    met: set[Kind] = field(default_factory=set)

    @property
    def monitor(self) -> tuple[Series, str]:
        return self.series, self.event.column or ""


class Meeting(NamedTuple):
    """A feature that drifts and what drifts beside it, of which kind; each by the event that began it."""

    cause: DriftEvent
    effect: DriftEvent
    kind: Kind


class Consequences:
    """The spells of one model that may still meet. `note` what chains tell, then let time `advance`.

    Memory: an event (some 3 KB) for each incident that is open, or that a slower kind has not reached.
    """

    def __init__(self) -> None:
        self.spells: dict[Kind, list[_Spell]] = {k: [] for k in (Kind.FEATURES, *EFFECTS)}
        self.changed = False

    def note(self, series: Series, kind: Kind, events: Iterable[DriftEvent]) -> None:
        """Take in what a chain has told: which spells begin, which end."""
        spells = self.spells.get(kind)
        for event in events:
            if spells is None or event.column is None:
                continue
            monitor = (series, event.column)
            if event.phase == "resolved":
                self._end(kind, monitor, event.time_ms)
            elif _counts(kind, event) and not any(
                s.monitor == monitor and s.end_ms == FOREVER for s in spells
            ):
                spells.append(_Spell(series, event))
                del spells[:-SPELLS_MAX]
                self.changed = True

    def end(self, series: Series, kind: Kind, at_ms: int) -> None:
        """End all spells of a chain, as another takes its place."""
        for spell in self.spells.get(kind, ()):
            if spell.series == series:
                self._end(kind, spell.monitor, at_ms)

    def _end(self, kind: Kind, monitor: tuple[Series, str], at_ms: int) -> None:
        for spell in self.spells[kind]:
            if spell.monitor == monitor and spell.end_ms == FOREVER:
                spell.end_ms = at_ms
                self.changed = True

    def advance(self, passed: Mapping[Kind, int]) -> list[Meeting]:
        """Tell who has met, given the times up to which all windows of each kind are judged."""
        found = []
        for kind in EFFECTS:
            known = min(passed[Kind.FEATURES], passed[kind])
            for cause in self.spells[Kind.FEATURES]:
                effect = None if kind in cause.met else self._first(cause, kind, known)
                if effect is not None:
                    cause.met.add(kind)
                    self.changed = True
                    found.append(Meeting(cause.event, effect.event, kind))
        self._forget(passed)
        return sorted(found, key=lambda m: (_time(m), m.kind, m.cause.id))

    def _first(self, cause: _Spell, kind: Kind, known: int) -> _Spell | None:
        met = [
            (max(cause.event.time_ms, s.event.time_ms), s.event.id, s)
            for s in self.spells[kind]
            if s.series == cause.series
            and max(cause.event.time_ms, s.event.time_ms) < min(cause.end_ms, s.end_ms)
        ]
        first = min(met, key=lambda of: of[:2], default=None)
        return None if first is None or first[0] > known else first[2]

    def _forget(self, passed: Mapping[Kind, int]) -> None:
        """Let go what cannot meet any more: it is over, and who might have met it has passed its end."""
        slowest = min(passed[kind] for kind in EFFECTS)
        for kind, spells in self.spells.items():
            reached = slowest if kind is Kind.FEATURES else passed[Kind.FEATURES]
            kept = [spell for spell in spells if spell.end_ms > reached]
            self.changed |= len(kept) < len(spells)
            self.spells[kind] = kept

    def payload(self) -> list[object]:
        """Give the state as plain values."""
        return [
            [kind.value, [
                [s.series.version, s.series.segment, structured(s.event), s.end_ms, sorted(k.value for k in s.met)]
                for s in spells
            ]]
            for kind, spells in self.spells.items()
        ]  # fmt: skip

    def restore(self, model: str, payload: Any) -> None:
        """Take the state that `payload` gave."""
        for kind, spells in payload:
            self.spells[Kind(kind)] = [
                _Spell(
                    Series(model, version, tuple((k, v) for k, v in segment)),
                    parse(event), end_ms, {Kind(k) for k in met},
                )
                for version, segment, event, end_ms, met in spells
            ]  # fmt: skip


def _counts(kind: Kind, event: DriftEvent) -> bool:
    """Whether a spell begins: of errors only when they are worse, which fewer or broken labels are not."""
    if kind is not Kind.ERRORS:
        return True
    return is_worse(event.column, event.severity) and event.detector not in ABOUT_LABELS


def _time(meeting: Meeting) -> int:
    return max(meeting.cause.time_ms, meeting.effect.time_ms)

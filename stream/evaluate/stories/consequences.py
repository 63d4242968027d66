"""What the drift of a feature leads to: predictions that move with it, and a model that errs more from then on.

Each kind of a series is evaluated at its own pace, and nothing here holds an alarm of any of them up. A meeting is
told at an event time of its own, as soon as both kinds have passed it. So what is told is a function of the stories
alone, whichever came first and in whatever portions.

    feature   ──┤ window ├ started ─────────────────────────── reminder ───▶    `severity` of the episode
    prediction ────────┤ window ├ started: at most 3 windows later                error
    error      ──────────────┤ window ├ started: at most `confirm_within` later    critical, told after 3 windows

What had begun before the feature did is no consequence of it; the feature itself may be found later than its effects.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sinks.event import DriftEvent, parse, structured
from stream.evaluate.judging.calm import Calm
from stream.evaluate.stories.meaning import ABOUT_LABELS, is_worse
from stream.evaluate.stories.spell import FOREVER, Meeting, Spell, series_of
from stream.words import Kind, Series

__all__ = ["Consequences", "Reminder"]

SPELLS_MAX = 1000
"""Spells kept of a kind of a model, where the other kinds never come; the oldest leave first."""
EFFECTS = (Kind.PREDICTIONS, Kind.ERRORS)


class Reminder(NamedTuple):
    """That a feature still drifts, or does again, and the worst that its episode had led to by then."""

    event: DriftEvent
    worst: Meeting | None


class Consequences:
    """The spells of one model that may still meet. `note` what chains tell, then let time `advance`.

    Memory: an event (some 8 KB) for each incident that is open, or that a slower kind has not reached.
    """

    def __init__(self, calm: Calm) -> None:
        self.calm = calm
        self.spells: dict[Kind, list[Spell]] = {k: [] for k in (Kind.FEATURES, *EFFECTS)}
        self.held: list[tuple[Series, DriftEvent]] = []
        self.changed = False

    def note(self, series: Series, kind: Kind, events: Iterable[DriftEvent]) -> list[DriftEvent]:
        """Take in what a chain has told: which spells begin, which end; give what can be told at once.

        That is all but the reminders of features: these wait until it is known what their episodes led to.
        """
        at_once = []
        for event in events:
            if kind is Kind.FEATURES and event.phase == "ongoing" and event.column is not None:
                self.held.append((series, event))
            else:
                at_once.append(event)
            if event.column is not None and kind in self.spells:
                self._note(series, kind, event)
        return at_once

    def _note(self, series: Series, kind: Kind, event: DriftEvent) -> None:
        spells = self.spells[kind]
        known = [s for s in spells if s.episode == (series, event.data["episode_id"])]
        self.changed = True
        if event.phase == "resolved":
            for spell in known:
                spell.end_ms, spell.over_ms = min(spell.end_ms, event.time_ms), event.time_ms
        elif kind is Kind.FEATURES and known:
            known[-1].over_ms = FOREVER
            known[-1].raised.append((event.time_ms, event.severity))
        elif _begins(kind, event) and all(spell.end_ms < FOREVER for spell in known):
            spells.append(Spell(series, event))
            del spells[:-SPELLS_MAX]

    def end(self, series: Series, kind: Kind, at_ms: int) -> None:
        """End all spells of a chain, as another takes its place."""
        for spell in self.spells.get(kind, ()):
            if spell.series == series and spell.over_ms == FOREVER:
                spell.end_ms, spell.over_ms = min(spell.end_ms, at_ms), at_ms
                self.changed = True

    def advance(self, passed: Mapping[Kind, int]) -> list[Meeting | Reminder]:
        """Tell what is known now, given the times up to which all windows of each kind are judged.

        A kind that never was has passed all times. The order is that of event time.
        """
        told: list[Meeting | Reminder] = []
        for kind in EFFECTS:
            known = min(passed[Kind.FEATURES], passed[kind])
            for cause in self.spells[Kind.FEATURES]:
                meeting = None if kind in cause.met else self._first(cause, kind, known)
                if meeting is not None:
                    cause.met[kind] = meeting
                    self.changed = True
                    if not cause.said_before(meeting):
                        told.append(meeting)
        told += self._released(passed)
        self._forget(passed)
        return sorted(told, key=_order)

    def _first(self, cause: Spell, kind: Kind, known: int) -> Meeting | None:
        met = [
            Meeting(cause.event, effect.event, kind, at)
            for effect in self.spells[kind]
            if effect.series == cause.series
            and effect.began_after(cause)
            and effect.event.time_ms <= self._until(cause, kind)
            and (at := _told_at(cause, effect, kind)) < min(cause.end_ms, effect.end_ms)
        ]
        first = min(met, key=lambda m: (m.at_ms, m.effect.time_ms, m.effect.id), default=None)
        return None if first is None or first.at_ms > known else first

    def _until(self, cause: Spell, kind: Kind) -> int:
        """Tell the last time at which what began is a consequence."""
        later = cause.event.time_ms + self.calm.confirm_within_ms
        return cause.soon_ms if kind is Kind.PREDICTIONS else max(cause.soon_ms, later)

    def _released(self, passed: Mapping[Kind, int]) -> list[Reminder]:
        """Give the reminders whose past is known, with what had happened by their time."""
        told, waiting = [], []
        for series, event in self.held:
            of = (series, event.data["episode_id"])
            cause = next((s for s in self.spells[Kind.FEATURES] if s.episode == of), None)
            if cause is None:
                told.append(Reminder(event, None))
            elif any(passed[k] < min(event.time_ms, self._until(cause, k)) for k in EFFECTS):
                waiting.append((series, event))
            else:
                before = [
                    m for k in EFFECTS if (m := cause.met.get(k)) and m.at_ms <= event.time_ms
                ]
                told.append(Reminder(event, before[-1] if before else None))
        self.changed |= bool(told)
        self.held = waiting
        return told

    def _forget(self, passed: Mapping[Kind, int]) -> None:
        """Let go what cannot meet or come back any more, where all who might have met it have passed its end."""
        slowest = min(passed[kind] for kind in EFFECTS)
        waiting = {(series, event.data["episode_id"]) for series, event in self.held}
        for kind, spells in self.spells.items():
            of_cause = kind is Kind.FEATURES
            reached = min(slowest, passed[Kind.FEATURES]) if of_cause else passed[Kind.FEATURES]
            kept = self.calm.cooldown_ms if of_cause else 0
            left = [s for s in spells if s.over_ms + kept > reached or s.episode in waiting]
            self.changed |= len(left) < len(spells)
            self.spells[kind] = left

    # -- state -------------------------------------------------------------------------------------------------------

    def payload(self) -> list[object]:
        """Give the state as plain values."""
        spells = [[kind.value, [s.payload() for s in of]] for kind, of in self.spells.items()]
        return [spells, [[s.version, s.segment, structured(event)] for s, event in self.held]]

    def restore(self, model: str, payload: Any) -> None:
        """Take the state that `payload` gave."""
        spells, held = payload
        self.spells = {Kind(kind): [Spell.restore(model, s) for s in of] for kind, of in spells}
        self.held = [(series_of(model, v, segment), parse(event)) for v, segment, event in held]


def _begins(kind: Kind, event: DriftEvent) -> bool:
    """Whether a spell begins: of features with the episode, of errors once the model is worse, not its labels."""
    if kind is Kind.FEATURES:
        return event.phase == "started"
    if kind is Kind.PREDICTIONS:
        return True
    return is_worse(event.column, event.severity) and event.detector not in ABOUT_LABELS


def _told_at(cause: Spell, effect: Spell, kind: Kind) -> int:
    """Tell when a meeting is told: when both have begun; of errors, after the time in which predictions may follow."""
    both = max(cause.event.time_ms, effect.event.time_ms)
    return both if kind is Kind.PREDICTIONS else max(both, cause.soon_ms)


def _order(told: Meeting | Reminder) -> tuple[int, int, str]:
    if isinstance(told, Meeting):
        return told.at_ms, EFFECTS.index(told.kind), told.cause.id
    return told.event.time_ms, len(EFFECTS), told.event.id

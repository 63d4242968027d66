"""The life of one monitor's trouble: started, ongoing, escalated, resolved. One story, however many detectors speak."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import inf
from typing import Any, Literal, NamedTuple

from detectors import Verdict
from stream.evaluate.judging.calm import Calm
from stream.evaluate.judging.finding import EXCLUDED, is_hard

__all__ = [
    "GAVE_WAY", "Change", "Held", "Incident", "Phase", "Severity", "advance", "give_way", "strongest",
]  # fmt: skip

Phase = Literal["started", "ongoing", "escalated", "resolved"]
Severity = Literal["info", "warning", "error", "critical"]
RANK: dict[str, int] = {"info": 0, "warning": 1, "error": 2, "critical": 3}

CAUSES = frozenset({"missing", "invalid", "unseen", "frozen"})
"""Detectors that name a cause: where these alarm, a shifted distribution is their consequence."""
CAUSE_EFFECT_MIN = 0.2
"""About one value in a hundred where there were none; less does not explain a shift."""
CANNOT_TELL = ("too few events", "unwatched")
"""How the note of a verdict begins that says nothing, so neither alarm nor quiet. One that learns says quiet: what it
had alarmed by, a hard rule, it knows already, and as long as the incident lasts it would learn nothing."""

GAVE_WAY = "no longer watched: silent for a week, its place went to a newcomer"
"""The note of the verdict by which an incident ends that nobody will follow any more."""
LASTS = 0.25
"""The part of what a detector alarmed by that must still be there for the incident to last: less than half, as a level
that wanders comes near to what is usual now and then."""


class Held(NamedTuple):
    """What an incident knows of a detector that takes part: its quiet windows in a row, and what it last alarmed by.

    `away` is the step that it was (`Verdict.away`); 0 where a detector follows no level.
    """

    quiet: int = 0
    away: float = 0.0

    def after(self, verdict: Verdict) -> "Held":
        """Take in another window.

        A detector that follows a level is quiet when it does not alarm and most of the way back is done: a shift that
        lasts is news only once, but it is not over.
        """
        if verdict.alarm:  # a hard rule knows of no level, and that of others goes on
            return Held(0, verdict.away or self.away)
        same_side = verdict.away * self.away > 0
        if same_side and abs(verdict.away) >= LASTS * abs(self.away):
            return Held(0, self.away)
        return Held(self.quiet + 1, self.away)


@dataclass(slots=True)
class Incident:
    """A trouble begun by `detector`, last told at the end of the window `told_ms`.

    `active` maps (window size, detector) to how it stands; when nothing is left in it, the incident is
    resolved, and kept as long as an alarm would continue it. `severity` is the worst so far.
    """

    episode_id: str
    started_ms: int
    severity: Severity
    kind: str
    detector: str
    active: dict[tuple[int, str], Held] = field(default_factory=dict)
    told_ms: int = 0
    returns: int = 0
    reminders: int = 0

    def payload(self) -> list[object]:
        """Give the state as plain values."""
        active = [[size, name, *held] for (size, name), held in sorted(self.active.items())]
        return [
            self.episode_id, self.started_ms, self.severity, self.kind, self.detector, active,
            self.told_ms, self.returns, self.reminders,
        ]  # fmt: skip

    @classmethod
    def restore(cls, payload: Any) -> "Incident":
        """Read what `payload` gave."""
        episode_id, started_ms, severity, kind, detector, held, *counts = payload
        active = {(size, name): Held(*rest) for size, name, *rest in held}
        return cls(episode_id, started_ms, severity, kind, detector, active, *counts)


@dataclass(frozen=True, slots=True)
class Change:
    """A turn in an incident's life that is worth telling, with the verdict that brought it.

    `incident` is a copy: it stays as it was then, although the incident goes on. `returned`: it had been resolved.
    """

    phase: Phase
    incident: Incident
    verdict: Verdict
    returned: bool = False


def strongest(verdicts: Sequence[Verdict]) -> Verdict:
    """Choose the verdict that tells the story.

    A hard rule comes first; then what names its cause, if it is large enough to be one; then the smallest p, the
    largest effect, the name.
    """
    return min(
        verdicts, key=lambda v: (not is_hard(v), not _is_cause(v), _p(v), -v.effect, v.detector)
    )


def _is_cause(verdict: Verdict) -> bool:
    return verdict.alarm and verdict.detector in CAUSES and verdict.effect >= CAUSE_EFFECT_MIN


def _p(verdict: Verdict) -> float:
    return 0.5 if verdict.p_value is None else verdict.p_value


def advance(
    incident: Incident | None, monitor: str, size_ms: int, end_ms: int, verdicts: Sequence[Verdict],
    severity: Severity, kind: str, calm: Calm,
) -> tuple[Incident | None, Change | None]:  # fmt: skip
    """Take in the verdicts of one closed window of a monitor and tell how its incident stands afterwards.

    An incident starts with the first alarm, escalates when a window's severity exceeds all before, is ongoing when it
    alarms and it is time for a reminder (of what is more than information), and is resolved when every detector that
    took part was quiet for enough of its windows in a row: see `Held`. An alarm within `cooldown_ms` of that continues
    it: the same episode is told as ongoing (or escalated), never as started, so that who is called by a start is called
    once. Where windows are of several sizes, a longer one that has an episode in it is no news of it: as long as the
    incident lasts such a window takes no part, and when it is over it does not bring it back, unless it finds worse.
    """
    alarms = [v for v in verdicts if v.alarm]
    if incident is not None and not incident.active:
        return _after_the_end(incident, monitor, size_ms, end_ms, alarms, severity, kind, calm)
    if incident is None:
        return _begin(monitor, size_ms, end_ms, alarms, severity, kind)
    incident.active = _still_active(incident, size_ms, end_ms, verdicts, calm)
    if not incident.active:
        incident, change = _tell("resolved", incident, end_ms, _own(incident, verdicts))
        return (None if calm.forgets(1) else incident), change
    if alarms and RANK[severity] > RANK[incident.severity]:
        incident.severity, incident.kind = severity, kind
        return _tell("escalated", incident, end_ms, strongest(alarms))
    if (
        alarms
        and severity != "info"
        and calm.reminds(end_ms - incident.told_ms, incident.reminders)
    ):
        incident.reminders += 1
        return _tell("ongoing", incident, end_ms, strongest(alarms))
    return incident, None


def _begin(
    monitor: str, size_ms: int, end_ms: int, alarms: Sequence[Verdict], severity: Severity, kind: str
) -> tuple[Incident | None, Change | None]:  # fmt: skip
    if not alarms:
        return None, None
    name = blake2b(f"{monitor}|{size_ms}|{end_ms}".encode(), digest_size=6).hexdigest()
    first = strongest(alarms)
    active = {(size_ms, v.detector): Held(0, v.away) for v in alarms}
    incident = Incident(name, end_ms, severity, kind, first.detector, active)
    return _tell("started", incident, end_ms, first)


def _after_the_end(
    incident: Incident, monitor: str, size_ms: int, end_ms: int, alarms: Sequence[Verdict],
    severity: Severity, kind: str, calm: Calm,
) -> tuple[Incident | None, Change | None]:  # fmt: skip
    """Let a resolved incident come back, or make room for another when it was over for long enough."""
    since_ms = end_ms - incident.told_ms
    worse = RANK[severity] > RANK[incident.severity]
    news = alarms and (worse or not calm.looks_back(size_ms, end_ms, incident.told_ms))
    if not news and not calm.forgets(since_ms):
        return incident, None
    if since_ms > calm.cooldown_ms:
        return _begin(monitor, size_ms, end_ms, alarms, severity, kind)
    incident.kind, incident.severity = kind, severity if worse else incident.severity
    incident.returns += 1
    incident.active = {(size_ms, v.detector): Held(0, v.away) for v in alarms}
    incident, change = _tell(
        "escalated" if worse else "ongoing", incident, end_ms, strongest(alarms)
    )
    return incident, replace(change, returned=True)


def give_way(incident: Incident, end_ms: int) -> Change:
    """Resolve an incident whose series gives way to another: nobody can tell whether its trouble is over."""
    verdict = Verdict(incident.detector, 0.0, inf, None, 0.0, False, 0, 0, None, GAVE_WAY)
    return _tell("resolved", incident, end_ms, verdict)[1]


def _tell(
    phase: Phase, incident: Incident, end_ms: int, verdict: Verdict
) -> tuple[Incident, Change]:
    incident.told_ms = end_ms
    return incident, Change(phase, replace(incident), verdict)


def _still_active(
    incident: Incident, size_ms: int, end_ms: int, verdicts: Sequence[Verdict], calm: Calm
) -> dict[tuple[int, str], Held]:
    """Count who has been quiet for how long, and leave out who was long enough; excluded times do not count.

    A detector that has spoken and is not asked any more was quiet. Who alarms takes part from then on, but for a window
    that began before the incident and is longer than all that take part: half a day of trouble makes a day of it.
    """
    told = {v.detector: v for v in verdicts if not v.note.startswith(CANNOT_TELL)}
    mute = {v.detector for v in verdicts} - told.keys()
    paused = any(v.note.startswith(EXCLUDED) for v in verdicts)
    active = dict(incident.active)
    for key, held in incident.active.items():
        size, name = key
        if size == size_ms and not paused and name not in mute:
            active[key] = (
                held.after(told[name]) if name in told else Held(held.quiet + 1, held.away)
            )
    longer = size_ms > max(size for size, _ in incident.active)
    follows = not (longer and calm.looks_back(size_ms, end_ms, incident.started_ms))
    for v in verdicts:
        if v.alarm and follows:
            active[size_ms, v.detector] = incident.active.get((size_ms, v.detector), Held()).after(
                v
            )
    needed = calm.quiet_needed(incident.returns)
    return {key: held for key, held in active.items() if held.quiet < needed}


def _own(incident: Incident, verdicts: Sequence[Verdict]) -> Verdict:
    """Choose the verdict of the detector that began the incident, if it has spoken of this window."""
    own = (v for v in verdicts if v.detector == incident.detector)
    return next(own, None) or strongest(verdicts)

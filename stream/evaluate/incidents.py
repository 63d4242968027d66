"""The life of one monitor's trouble: started, escalated, resolved. One story, however many detectors speak."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Literal

from detectors import Verdict

__all__ = ["Change", "Incident", "Severity", "advance", "strongest"]

Severity = Literal["info", "warning", "error", "critical"]
RANK: dict[str, int] = {"info": 0, "warning": 1, "error": 2, "critical": 3}

CAUSES = frozenset({"missing", "invalid", "unseen", "frozen"})
"""Detectors that name a cause: where these alarm, a shifted distribution is their consequence."""
CAUSE_EFFECT_MIN = 0.2
"""About one value in a hundred where there were none; less does not explain a shift."""
CANNOT_TELL = ("learning", "too few events")
"""How the note of a verdict begins that says nothing, so neither alarm nor quiet."""


@dataclass(slots=True)
class Incident:
    """A trouble that is not over, begun by `detector`.

    `active` maps (window size, detector) to its quiet windows in a row.
    """

    episode_id: str
    started_ms: int
    severity: Severity
    kind: str
    detector: str
    active: dict[tuple[int, str], int] = field(default_factory=dict)

    def payload(self) -> list[object]:
        """Give the state as plain values."""
        active = [[size, name, quiet] for (size, name), quiet in sorted(self.active.items())]
        return [self.episode_id, self.started_ms, self.severity, self.kind, self.detector, active]

    @classmethod
    def restore(cls, payload: Any) -> "Incident":
        """Read what `payload` gave."""
        active = {(size, name): quiet for size, name, quiet in payload[5]}
        episode_id, started_ms, severity, kind, detector = payload[:5]
        return cls(episode_id, started_ms, severity, kind, detector, active)


@dataclass(frozen=True, slots=True)
class Change:
    """A turn in an incident's life that is worth telling, with the verdict that brought it.

    `incident` is a copy: it stays as it was then, although the incident goes on.
    """

    phase: Literal["started", "escalated", "resolved"]
    incident: Incident
    verdict: Verdict


def strongest(verdicts: Sequence[Verdict]) -> Verdict:
    """Choose the verdict that tells the story.

    A hard rule comes first; then what names its cause, if it is large enough to be one; then the smallest p, the
    largest effect, the name.
    """
    return min(
        verdicts, key=lambda v: (not _is_hard(v), not _is_cause(v), _p(v), -v.effect, v.detector)
    )


def _is_hard(verdict: Verdict) -> bool:
    return verdict.note.startswith("hard rule")


def _is_cause(verdict: Verdict) -> bool:
    return verdict.alarm and verdict.detector in CAUSES and verdict.effect >= CAUSE_EFFECT_MIN


def _p(verdict: Verdict) -> float:
    return 0.5 if verdict.p_value is None else verdict.p_value


def advance(
    incident: Incident | None, monitor: str, size_ms: int, end_ms: int, verdicts: Sequence[Verdict],
    severity: Severity, kind: str, clear_after: int,
) -> tuple[Incident | None, Change | None]:  # fmt: skip
    """Take in the verdicts of one closed window of a monitor and tell how its incident stands afterwards.

    An incident starts with the first alarm, escalates when a window's severity exceeds all before, and is resolved
    when every detector that took part was quiet for `clear_after` of its windows in a row.
    """
    alarms = [v for v in verdicts if v.alarm]
    if incident is None:
        if not alarms:
            return None, None
        name = blake2b(f"{monitor}|{size_ms}|{end_ms}".encode(), digest_size=6).hexdigest()
        first = strongest(alarms)
        active = {(size_ms, v.detector): 0 for v in alarms}
        incident = Incident(name, end_ms, severity, kind, first.detector, active)
        return incident, Change("started", replace(incident), first)
    loud = {v.detector for v in alarms}
    mute = {v.detector for v in verdicts if v.note.startswith(CANNOT_TELL)}
    quiet = {
        key: count if key[0] != size_ms or key[1] in mute else 0 if key[1] in loud else count + 1
        for key, count in incident.active.items()
    }
    quiet |= {(size_ms, v.detector): 0 for v in alarms}
    incident.active = {key: count for key, count in quiet.items() if count < clear_after}
    if not incident.active:
        last = next((v for v in verdicts if v.detector == incident.detector), None) or strongest(
            verdicts
        )
        return None, Change("resolved", replace(incident), last)
    if alarms and RANK[severity] > RANK[incident.severity]:
        incident.severity, incident.kind = severity, kind
        return incident, Change("escalated", replace(incident), strongest(alarms))
    return incident, None

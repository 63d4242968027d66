"""A spell: the time in which one monitor's incident was open, and what it has met of other kinds."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sinks.event import DriftEvent, milliseconds, parse, structured
from stream.evaluate.stories.incidents import RANK, Severity
from stream.words import Kind, Series

__all__ = ["FOREVER", "SOON", "Meeting", "Spell", "series_of"]

SOON = 3
"""Windows of a feature within which predictions follow it; after these, errors may confirm that it harms."""
FOREVER = 2**62


class Meeting(NamedTuple):
    """A feature that drifts and what followed it, each by the event that began it; told at `at_ms`."""

    cause: DriftEvent
    effect: DriftEvent
    kind: Kind
    at_ms: int

    @property
    def severity(self) -> Severity:
        """How much the drift of a feature matters when this kind follows it; else it is a warning."""
        return "error" if self.kind is Kind.PREDICTIONS else "critical"


@dataclass(slots=True)
class Spell:
    """A time in which a monitor's incident was open, by the event that began it.

    `end_ms` is when it was resolved first, `over_ms` when it was last, as it may come back; `raised` are the severities
    that its own chain told since, with their times; `met` are the meetings so far.
    """

    series: Series
    event: DriftEvent
    end_ms: int = FOREVER
    over_ms: int = FOREVER
    raised: list[tuple[int, Severity]] = field(default_factory=list)
    met: dict[Kind, Meeting] = field(default_factory=dict)

    @property
    def episode(self) -> tuple[Series, object]:
        """Name the story that it belongs to."""
        return self.series, self.event.data["episode_id"]

    @property
    def window(self) -> tuple[int, int]:
        """Tell the window that began it, from and to, in ms."""
        told: Any = self.event.data["window"]
        return milliseconds(told["start"]), self.event.time_ms

    @property
    def soon_ms(self) -> int:
        """Tell until when predictions follow it."""
        start, end = self.window
        return end + SOON * (end - start)

    def began_after(self, cause: "Spell") -> bool:
        """Whether its onset lies no earlier than that of its cause may, give or take a window.

        Either may be found long after it began, and a feature later than what followed it.
        """
        start, end = self.window
        own: Any = self.event.data["onset"]
        of_cause: Any = cause.event.data["onset"]
        earliest = milliseconds(of_cause["interval"][0])
        return milliseconds(own["estimate"]) + end - start > earliest

    def said_before(self, meeting: Meeting) -> bool:
        """Whether the feature's own alerts had told as much by then: what a hard rule finds is an error at once."""
        own = [(self.event.time_ms, self.event.severity), *self.raised]
        worst = RANK[meeting.severity]
        return any(at <= meeting.at_ms and RANK[told] >= worst for at, told in own)

    def payload(self) -> list[object]:
        """Give the state as plain values; of the model's name it knows nothing."""
        met = [[k.value, structured(m.effect), m.at_ms] for k, m in sorted(self.met.items())]
        return [
            self.series.version, self.series.segment, structured(self.event), self.end_ms, self.over_ms,
            self.raised, met,
        ]  # fmt: skip

    @classmethod
    def restore(cls, model: str, payload: Any) -> "Spell":
        """Read what `payload` gave."""
        version, segment, event, end_ms, over_ms, raised, met = payload
        cause = parse(event)
        return cls(
            series_of(model, version, segment), cause, end_ms, over_ms, [(at, told) for at, told in raised],
            {Kind(k): Meeting(cause, parse(effect), Kind(k), at) for k, effect, at in met},
        )  # fmt: skip


def series_of(model: str, version: str, segment: Any) -> Series:
    """Name a series by what was read of a state."""
    return Series(model, version, tuple((k, v) for k, v in segment))

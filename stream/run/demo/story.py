"""What a run's drift events say as a whole: an `Incident` for each trouble of each episode, a row for each column."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple

from sinks.event import DriftEvent, order

__all__ = ["RANK", "Incident", "Row", "day", "episodes", "incidents_of", "number", "rows_of"]

RANK = {"info": 0, "warning": 1, "error": 2, "critical": 3}
SPANS_TOLD = 3


class Incident(NamedTuple):
    """The life of one monitor's trouble, as its alerts tell it.

    An episode in which a column was first warm and then missing is two of them, each with its own time and worst.

    Attributes:
        name: the column; `features`, `predictions` or `labels` for a series as a whole.
        kind: such as `data_drift`.
        severity: the worst it reached.
        start_ms: the estimated onset.
        end_ms: the end of the window that resolved it, or the onset of what came in its place; None while it is open.
        peak: the alert's `data` in which it was strongest.
    """

    name: str
    kind: str
    severity: str
    start_ms: int
    end_ms: int | None
    peak: Mapping[str, Any]

    def days_of(self, last_ms: int) -> set[int]:
        """Give the days on which it was open, as numbers; one still open lasts to `last_ms`."""
        end = last_ms if self.end_ms is None else self.end_ms
        return set(
            range(self.start_ms // 86_400_000, max(end - 1, self.start_ms) // 86_400_000 + 1)
        )

    @property
    def told_ms(self) -> int:
        """The beginning of the window in which it was strongest, of those that were told."""
        return round(datetime.fromisoformat(str(self.peak["window"]["start"])).timestamp() * 1000)

    @property
    def means(self) -> tuple[float, float] | None:
        """The column's mean in the reference and at the peak; None without numbers."""
        mean = self.peak["explain"].get("mean") or {}
        usual, then = mean.get("ref"), mean.get("cur")
        return None if usual is None or then is None else (usual, then)


class Row(NamedTuple):
    """A line of the summary: what drifted, how badly, when, how much."""

    name: str
    kind: str
    severity: str
    when: str
    how_much: str


def incidents_of(alerts: Iterable[DriftEvent]) -> list[Incident]:
    """Read drift events back into incidents, ordered by their starts; roll-ups repeat them and are left out."""
    told = (event for event in alerts if "members" not in event.data)
    ordered = sorted(told, key=lambda event: (_episode(event), *order(event)))
    found = [i for _, events in groupby(ordered, key=_episode) for i in _incidents(list(events))]
    return sorted(found, key=lambda incident: (incident.start_ms, incident.name, incident.kind))


def episodes(alerts: Iterable[DriftEvent]) -> int:
    """Count the episodes, without those that gather others."""
    return len({_episode(event) for event in alerts if "members" not in event.data})


def rows_of(incidents: Iterable[Incident]) -> list[Row]:
    """Put incidents together by column and kind, the worst and longest first."""
    grouped: dict[tuple[str, str], list[Incident]] = {}
    for incident in incidents:
        grouped.setdefault((incident.name, incident.kind), []).append(incident)
    last = max((i.end_ms or i.start_ms for of in grouped.values() for i in of), default=0)
    worst = sorted(grouped.values(), key=lambda of: (-_rank(of), -_days(of, last), of[0].name))
    return [_row(of, last) for of in worst]


def day(ms: int) -> str:
    """Write a day briefly.

    >>> day(1362700800000)
    'Mar 8'
    """
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{moment:%b} {moment.day}"


def number(x: float) -> str:
    """Write a number with three digits that count.

    >>> number(1130.4), number(0.002137)
    ('1,130', '0.00214')
    """
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}"


def _episode(event: DriftEvent) -> tuple[str, str]:
    return str(event.data["episode_id"]), _name(event)


def _name(event: DriftEvent) -> str:
    if event.column is not None:
        return event.column
    topics: Any = event.data.get("replay")
    return str(topics[0]["topic"]) if topics else "events"


def _incidents(events: Sequence[DriftEvent]) -> list[Incident]:
    """Part an episode where it was resolved and where its kind changes."""
    parts: list[list[DriftEvent]] = []
    for event in events:
        before = parts[-1][-1] if parts else None
        goes_on = event.phase == "resolved" or (before is not None and before.kind == event.kind)
        if before is None or before.phase == "resolved" or not goes_on:
            parts.append([])
        parts[-1].append(event)
    ends = [_onset_ms(later[0]) for later in parts[1:]]
    return [_incident(part, end) for part, end in zip(parts, [*ends, None], strict=True)]


def _incident(events: Sequence[DriftEvent], next_ms: int | None) -> Incident:
    first, last = events[0], events[-1]
    told = [event for event in events if event.phase != "resolved"] or [first]
    return Incident(
        name=_name(first),
        kind=told[-1].kind,
        severity=max((event.severity for event in told), key=RANK.__getitem__),
        start_ms=_onset_ms(first),
        end_ms=last.time_ms if last.phase == "resolved" else next_ms,
        peak=max(told, key=_strength).data,
    )


def _onset_ms(event: DriftEvent) -> int:
    onset: Any = event.data["onset"]
    return int(datetime.fromisoformat(onset["estimate"]).timestamp() * 1000)


def _strength(event: DriftEvent) -> float:
    score: Any = event.data["score"]
    value, threshold = score["value"], score["threshold"]
    if value is None:
        return 0.0
    return float(value) / threshold if threshold else float(value)


def _rank(incidents: Sequence[Incident]) -> int:
    return max(RANK[incident.severity] for incident in incidents)


def _days(incidents: Sequence[Incident], last_ms: int) -> int:
    return len(set[int]().union(*(incident.days_of(last_ms) for incident in incidents)))


def _row(incidents: Sequence[Incident], last_ms: int) -> Row:
    first = incidents[0]
    severity = max((i.severity for i in incidents), key=RANK.__getitem__)
    return Row(first.name, first.kind, severity, _when(incidents, last_ms), _how_much(incidents))


def _when(incidents: Sequence[Incident], last_ms: int) -> str:
    """Name the longest spells in order of time, and count the others; what overlaps is one spell."""
    spells: list[list[int]] = []
    for incident in sorted(incidents, key=lambda i: i.start_ms):
        end = last_ms + 1 if incident.end_ms is None else incident.end_ms
        if spells and incident.start_ms <= spells[-1][1]:
            spells[-1][1] = max(spells[-1][1], end)
        else:
            spells.append([incident.start_ms, end])
    longest = sorted(spells, key=lambda spell: spell[0] - spell[1])[:SPANS_TOLD]
    told = [
        f"{day(start)} - {'still open' if end > last_ms else day(end - 1)}"
        for start, end in spells
        if [start, end] in longest
    ]
    more = len(spells) - len(told)
    return ", ".join(told) + (f", {more} more" if more else "")


def _how_much(incidents: Sequence[Incident]) -> str:
    """Tell how far it went at its worst, against the reference."""
    if incidents[0].kind in ("volume", "freshness"):
        return str(incidents[0].peak["summary"])
    if incidents[0].kind == "data_quality":
        worst = max(
            incidents,
            key=lambda i: (i.peak.get("kind") == "data_quality", i.peak["score"]["value"] or 0.0),
        )
        return str(worst.peak["summary"])
    moved = [(i, i.means) for i in incidents]
    known = [(i, means) for i, means in moved if means is not None]
    if known:
        peak, (usual, then) = max(known, key=lambda of: abs(of[1][1] - of[1][0]))
        return f"mean {number(then)} on {day(peak.told_ms)}, was {number(usual)}"
    bins = incidents[0].peak["explain"].get("bins")
    return f"{bins[0]['bin']} {bins[0]['cur']:.0%}, was {bins[0]['ref']:.0%}" if bins else ""

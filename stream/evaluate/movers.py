"""What of a model moved lately, in few words: of this the event is made that gathers several models.

A model's owner sees no other model. So each model keeps, in the commit in which it evaluates, what its windows' ends
at which anything moved have come to; the gatherer reads it of all of them (`gatherer.py`).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from stream.evaluate.model_state import by_kind
from stream.evaluate.telling.roll_up import KEPT, RollUp
from stream.ingest.fold import NEVER
from stream.state.versions import making_sense
from stream.words import Kind

__all__ = ["ENDS_MAX", "Mover", "Movers", "read_moved"]

ENDS_MAX = 168
"""Ends at which a model moved that are kept of each kind. They must last until the slowest model has come as far."""
COLUMNS_MAX = 32
"""Columns that are named of what moved, in all and of a segment."""
SEGMENTS_MAX = 8
"""Segments that are named of what moved, those that carry most of it."""
TOLD = ("kind", "severity", "segment", "recommendation", "detector", "score")
PLACED = ("watermark", "late_dropped")
"""What an alert says of its window that is known when it is told, and not of what moved."""


class Mover(NamedTuple):
    """What moved in a version of a model at one window's end.

    Attributes:
        version: of the model.
        end_ms: the window's end.
        is_new: whether any of it starts or gets worse; else it only came back.
        members: ids of the event that gathers it in its model, or of the alerts themselves where there is none.
        data: what the event that gathers it says, in few words.
    """

    version: str
    end_ms: int
    is_new: bool
    members: list[str]
    data: dict[str, Any]


class Movers:
    """The ends of windows at which a model moved, by kind, the last `ENDS_MAX` of each; and when older ones had to go.

    `lost` is for each kind the newest end that is kept no more, NEVER while all are.
    """

    def __init__(self) -> None:
        self.of: dict[Kind, list[Mover]] = {kind: [] for kind in Kind}
        self.lost = dict.fromkeys(Kind, NEVER)

    def note(self, kind: Kind, rolled: RollUp) -> None:
        """Keep what moved at an end; whatever the order in which versions come, it is the same."""
        movers = self.of[kind]
        movers.append(_reduced(rolled))
        movers.sort(key=lambda mover: (mover.end_ms, mover.version))
        ends = sorted({mover.end_ms for mover in movers})
        if len(ends) > ENDS_MAX:
            self.lost[kind] = ends[-ENDS_MAX - 1]
            self.of[kind] = [mover for mover in movers if mover.end_ms > self.lost[kind]]

    def moved(self) -> bytes:
        """Give for each kind the newest end at which the model moved; see `read_moved`."""
        newest = (movers[-1].end_ms if movers else NEVER for movers in self.of.values())
        return b",".join(b"%d" % end for end in newest)

    def payload(self) -> list[object]:
        """Give all as plain values."""
        return [
            [kind.value, self.lost[kind], [list(m) for m in of]] for kind, of in self.of.items()
        ]

    @making_sense("movers")
    def restore(self, payload: Any) -> None:
        """Take what `payload` gave."""
        for kind, lost, movers in payload:
            self.lost[Kind(kind)] = int(lost)
            self.of[Kind(kind)] = [Mover(*mover) for mover in movers]


@making_sense("movers")
def read_moved(blob: bytes | None) -> dict[Kind, int]:
    """Read what `Movers.moved` gave; NEVER for all kinds where nothing was written."""
    return by_kind(blob)


def _reduced(rolled: RollUp) -> Mover:
    event: Any = rolled.event
    members = [event.id] if rolled.is_told else [member.id for member in rolled.members]
    data = {name: event.data[name] for name in (*KEPT, *TOLD) if name not in ("model", "version")}
    data["window"] = {k: v for k, v in data["window"].items() if k not in PLACED}
    explain = event.data["explain"]
    data["explain"] = {
        "columns": explain["columns"][:COLUMNS_MAX],
        "segments": [_short(segment) for segment in explain["segments"][:SEGMENTS_MAX]],
        "causes": explain["causes"],
        "cause_hint": explain["cause_hint"],
        "effect": max(segment["effect"] for segment in explain["segments"]),
    }
    return Mover(event.version, event.time_ms, rolled.is_new, members, data)


def _short(segment: dict[str, Any]) -> dict[str, Any]:
    columns: Sequence[str] = segment["columns"]
    return segment | {"columns": list(columns[:COLUMNS_MAX])}

"""Which partitions are silent: read to their end, with nothing behind it for a while in which somebody listened."""

from typing import NamedTuple

from stream.ingest.raw import Source

__all__ = ["Silence", "is_ahead"]

LISTENING_S = 5.0
"""A partition is silent only if the consumer has found nothing on it again and again, no further apart than this."""


class _End(NamedTuple):
    """The end of a partition: where it is, since when it has been there, when that was told last."""

    offset: int
    since: float
    told: float


class Silence:
    """Knows when each partition was heard last, and told to be at its end. Times are in seconds of one clock.

    `timeout_s` is how long nothing must come. Where an end was not told for a while, nobody listened (a process that
    was suspended, a consumer that waited for the store), and the silence begins anew.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._gap_s = min(LISTENING_S, timeout_s / 4)
        self._heard: dict[Source, float] = {}
        self._ends: dict[Source, _End] = {}

    def hear(self, source: Source, now: float) -> None:
        """Know that something came, or that the partition was taken over."""
        self._heard[source] = now

    def caught_up(self, source: Source, offset: int, now: float) -> None:
        """Know that a partition was read to its end, which is at an offset."""
        end = self._ends.get(source)
        goes_on = end is not None and end.offset == offset and now - end.told <= self._gap_s
        self._ends[source] = _End(offset, end.since if end and goes_on else now, now)

    def forget(self, source: Source) -> None:
        """Know of no end any more."""
        self._ends.pop(source, None)

    def lasts(self, source: Source, next_offset: int, now: float) -> bool:
        """Whether a partition is silent, of which all before an offset is folded."""
        end = self._ends.get(source)
        if end is None or end.offset != next_offset:
            return False
        silence = now - max(end.since, self._heard[source])
        return now - end.told <= self._gap_s and silence >= self._timeout_s


def is_ahead(others: int, own: int, pane_ms: int) -> bool:
    """Whether following the others would move a silent partition by a pane or more, so that ticks stay few."""
    return others // pane_ms > own // pane_ms

"""Kafka in a simulation: a log of partitions, the group that shares them out, topics of alerts and dead letters."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from stream.ingest.raw import DeadLetter, RawBatch, Source
from tests.simulator.history import SOURCES, Record
from tests.simulator.loop import Process

__all__ = ["SESSION_S", "Broker", "Group", "Member"]

SESSION_S = 1.5


def _key(value: bytes) -> bytes | None:
    """Give the key of a record: its model, whatever is wrong with it."""
    found = re.search(rb'"model":"(\w+)"', value)
    return found[1] if found else None


class Broker:
    """The log, of which is there what was written by now, and the other two topics, repeats included."""

    def __init__(self, records: Sequence[Record], clock: Callable[[], float]) -> None:
        self._log: dict[Source, list[Record]] = {source: [] for source in SOURCES}
        for record in records:
            self._log[record.source].append(record)
        self._clock = clock
        self.alerts: list[tuple[str, dict[str, object]]] = []
        self.letters: list[tuple[str, int, int, bytes | None]] = []

    def end(self, source: Source) -> int:
        """Tell the offset that the next event will have."""
        return bisect_right(self._log[source], self._clock(), key=lambda record: record.at_s)

    def read(self, source: Source, offset: int, most: int) -> RawBatch | None:
        """Read events from an offset on; None at the end."""
        found = self._log[source][offset : min(self.end(source), offset + most)]
        if not found:
            return None
        stamps = np.array([record.stamp_ms for record in found], dtype=np.int64)
        offsets = np.arange(offset, offset + len(found), dtype=np.int64)
        values = [record.value for record in found]
        return RawBatch(source, values, offsets, stamps, [_key(value) for value in values])

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters."""
        self.letters += [(f.source.topic, f.source.partition, f.offset, f.value) for f in letters]


@dataclass(eq=False)
class Member:
    """A consumer of the group: `told` is what it believes to own; at `expelled_at` it hears that it owns nothing."""

    process: Process
    told: set[Source] = field(default_factory=set)
    expelled_at: float | None = None


class Group:
    """Shares the partitions out among its members; who is frozen or dead for a session loses its own."""

    def __init__(self, random: Random) -> None:
        self.members: list[Member] = []
        self.owner: dict[Source, Member | None] = dict.fromkeys(SOURCES)
        self._target: dict[Source, Member] = {}
        self._missing: dict[Member, float] = {}
        self._random = random

    def join(self, member: Member) -> None:
        """Let a member in, and share out anew."""
        self.members.append(member)
        self.rebalance()

    def leave(self, member: Member) -> None:
        """Take a member out; its partitions are free at once."""
        if member in self.members:
            self.members.remove(member)
            for source, owner in self.owner.items():
                if owner is member:
                    self.owner[source] = None
            self.rebalance()

    def expel(self, member: Member, heard_at: float) -> None:
        """Take a member out that hears of it only later, and until then goes on as if nothing were."""
        if member in self.members:
            member.expelled_at = heard_at
            self.leave(member)

    def rebalance(self) -> None:
        """Choose anew who shall own what."""
        self._target = (
            {s: self._random.choice(self.members) for s in SOURCES} if self.members else {}
        )

    def watch(self, now: float) -> None:
        """Expel those that have shown no life for a session."""
        for member in list(self.members):
            process = member.process
            if process.alive and process.frozen_until <= now:
                self._missing.pop(member, None)
            elif now - self._missing.setdefault(member, now) >= SESSION_S:
                self.expel(member, now)

    def revoked(self, member: Member) -> list[Source]:
        """Tell what a member must give up."""
        return [s for s in SOURCES if s in member.told and self._target.get(s) is not member]

    def assigned(self, member: Member) -> list[Source]:
        """Tell what a member may take over; it is its own from now on."""
        free = [s for s in SOURCES if self.owner[s] is None and self._target.get(s) is member]
        self.owner |= dict.fromkeys(free, member)
        member.told |= set(free)
        return free

    def released(self, member: Member, sources: Sequence[Source]) -> None:
        """Know that a member has given partitions up."""
        for source in sources:
            member.told.discard(source)
            if self.owner[source] is member:
                self.owner[source] = None

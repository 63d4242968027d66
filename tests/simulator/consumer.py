"""What the consumer's thread does in a real worker: reads in batches, seeks, holds, and obeys the group."""

import asyncio
from collections.abc import Callable, Sequence

from stream.bus.owner import Start
from stream.ingest.raw import RawBatch, Source
from stream.run.work.rim import Item
from stream.run.work.runtime import Runtime
from tests.simulator.chaos import LONGEST_FREEZE_S, Chaos
from tests.simulator.history import SOURCES
from tests.simulator.kafka import Broker, Group, Member
from tests.simulator.loop import Process

__all__ = ["Consumer"]

POLL_S = 0.35
IN_FLIGHT_MAX = 6
"""Batches, whatever the calls that gave them."""


class Consumer:
    """The bus of one worker. Every batch is put into the queue of its topic, with the term it was read under."""

    def __init__(
        self, broker: Broker, group: Group, chaos: Chaos, process: Process, runtime: Runtime
    ) -> None:
        self.queues: dict[str, asyncio.Queue[Item]] = {s.topic: asyncio.Queue() for s in SOURCES}
        self.quiet = False
        self.ends: dict[Source, int] = {}
        self._broker = broker
        self._group = group
        self._chaos = chaos
        self._process = process
        self._runtime = runtime
        self._member = Member(process)
        self._at: dict[Source, Start] = {}
        self._held: set[Source] = set()
        self._commands: list[Callable[[], None]] = []
        self._ended: set[Source] = set()
        self._in_flight = 0
        self._blind_until = 0.0

    # -- what the runtime asks for -----------------------------------------------------------------------------------

    def hold(self, source: Source, term: int) -> None:
        """Read no further on a partition for now."""

        def command() -> None:
            if self._is_current(source, term):
                self._held.add(source)

        self._commands.append(command)

    def seek(self, source: Source, start: Start) -> None:
        """Read a partition from elsewhere, and go on if it was held."""

        def command() -> None:
            if self._is_current(source, start.term):
                self._at[source] = start
                self._held.discard(source)

        self._commands.append(command)

    def _is_current(self, source: Source, term: int) -> bool:
        return source in self._at and term >= self._at[source].term

    def tell_offsets(self, offsets: dict[Source, int]) -> None:
        """Tell nobody."""

    # -- the thread --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Join the group and read until it is quiet."""
        self._group.join(self._member)
        while not self.quiet:
            await asyncio.sleep(POLL_S + self._chaos.delay())
            while self._commands:
                self._commands.pop(0)()
            await self._obey_group()
            if self._in_flight < IN_FLIGHT_MAX and self._at:
                found = await asyncio.get_running_loop().run_in_executor(None, self._read)
                for source, batch in found:
                    if batch is not None:
                        self._hand_over(source, batch)
                    if source in self._ended:
                        self._runtime.caught_up(source, self._at[source].offset)

    async def leave(self) -> None:
        """Give everything back and leave the group."""
        await self._let_go(sorted(self._at), lost=self._member.expelled_at is not None)
        self._group.leave(self._member)

    async def _obey_group(self) -> None:
        expelled = self._member.expelled_at
        if expelled is not None:
            if self._chaos.loop.now < expelled:
                return
            await self._let_go(sorted(self._at), lost=True)
            self._member = Member(self._process)
            self._group.join(self._member)
        gone = self._group.revoked(self._member)
        if gone:
            await self._let_go(gone, lost=False)
            self._group.released(self._member, gone)
        new = self._group.assigned(self._member)
        if new:
            self._at |= await self._runtime.take_over(new)
            self._held -= set(new)

    async def _let_go(self, sources: Sequence[Source], *, lost: bool) -> None:
        await self._runtime.let_go(sources, lost=lost)
        for source in sources:
            self._at.pop(source, None)
            self._held.discard(source)

    def _read(self) -> list[tuple[Source, RawBatch | None]]:
        """Read on everywhere, in batches of any size; one that comes twice begins with what was read before.

        `_ended` are then the partitions that were read to their end; while no broker answers, none.
        """
        self._ended = set()
        fault = self._chaos.before(self._process, "poll")
        draw, now = self._chaos.random, self._chaos.loop.now
        if fault == "broker away":
            self._blind_until = now + 1.5 * LONGEST_FREEZE_S * draw.random()
        if now < self._blind_until:
            return []
        found = []
        for source, start in self._at.items():
            if source not in self._held:
                back = draw.randrange(1, 20) if fault == "delivered twice" else 0
                most = draw.choice((2, 10, 50))
                first = max(0, start.offset - back)
                found.append((source, self._broker.read(source, first, most)))
                if first + most >= self._broker.end(source):
                    self._ended.add(source)
        return found

    def _hand_over(self, source: Source, batch: RawBatch) -> None:
        offset, term = self._at[source]
        first, last = int(batch.offsets[0]), int(batch.offsets[-1])
        self._at[source] = Start(max(offset, last + 1), term)
        self._in_flight += 1
        self._chaos.tell(
            lambda: f"{self._process} reads {source.topic}/{source.partition} {first}..{last}"
        )
        self.queues[source.topic].put_nowait(Item(batch, term, self._done))

    def _done(self) -> None:
        self._in_flight -= 1

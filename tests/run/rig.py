"""A runtime without Kafka: a store that can be made to fail, a bus that only notes, a clock set by hand."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from sinks import MemorySink
from stream.bus.owner import Start
from stream.config import Config
from stream.errors import StoreUnavailable
from stream.ingest.partition import Marks, read_marks
from stream.ingest.raw import RawBatch, Source
from stream.reference.fleet import Fleet
from stream.run.work.outlet import Outlet
from stream.run.work.rim import Item
from stream.run.work.runtime import Runtime
from stream.state.memory import MemoryStore
from stream.state.store import Answer, Commit, Taken, partition_key
from stream.words import Kind
from tests.events import T0, configuration, feature

MINUTE = 60_000
SOURCES = [Source(Kind.FEATURES, "features", p) for p in range(2)]
COUNTS = {"features": 2}


class FaultyStore(MemoryStore):
    """A store that does not answer while `down`, and answers the next commits as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.answers: list[Answer] = []
        self.calls: Counter[str] = Counter()

    def _maybe(self, what: str) -> None:
        self.calls[what] += 1
        if self.down:
            raise StoreUnavailable("told to be down", "store")

    def take_over(self, key: str) -> Taken:
        self._maybe("take_over")
        return super().take_over(key)

    def commit(self, commit: Commit) -> Answer:
        self._maybe("commit")
        return self.answers.pop(0) if self.answers else super().commit(commit)

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        self._maybe("read")
        return super().read(key, fields)

    def remove(
        self, key: str, epoch: int, fields: Sequence[bytes], base: bytes | None = None
    ) -> Answer:
        self._maybe("remove")
        return super().remove(key, epoch, fields, base)

    def ping(self) -> None:
        self._maybe("ping")


class NotingBus:
    """Notes what the runtime asks of it."""

    def __init__(self) -> None:
        self.held: list[Source] = []
        self.sought: list[tuple[Source, Start]] = []
        self.told: dict[Source, int] = {}
        self.ends: dict[Source, int] = {}

    def hold(self, source: Source, term: int) -> None:
        self.held.append(source)

    def seek(self, source: Source, start: Start) -> None:
        self.sought.append((source, start))

    def tell_offsets(self, offsets: Mapping[Source, int]) -> None:
        self.told.update(offsets)


class Rig:
    """One worker's runtime; several may share a store. `sink` is where its alerts go."""

    def __init__(self, store: FaultyStore | None = None, config: Config | None = None) -> None:
        self.now = 1_000.0
        self.cpu = 0.0
        self.store = store or FaultyStore()
        self.config = config or small()
        self.sink, self.other = MemorySink("first"), MemorySink("second")
        self.outlet = Outlet([self.sink, self.other], self.clock)
        fleet = Fleet(self.store, self.config.app)
        self.runtime = Runtime(
            self.config, self.store, fleet, self.outlet, self.clock, work_s=lambda: self.cpu
        )
        self.runtime.know_partitions(COUNTS)
        self.bus = NotingBus()
        self.runtime.bus = self.bus
        self.ends: dict[Source, int] = {}
        self.done = 0

    def clock(self) -> float:
        """Tell the time set by hand, in seconds."""
        return self.now

    async def fold(
        self, source: Source, first: int, values: Sequence[bytes], term: int | None = None
    ) -> None:
        """Fold messages that stand at consecutive offsets, read under the current term unless told otherwise."""
        self.ends.pop(source, None)
        offsets = np.arange(first, first + len(values), dtype=np.int64)
        batch = RawBatch(source, list(values), offsets, None)
        term = self.runtime.term[source] if term is None else term
        await self.runtime.fold(Item(batch, term, self._count))

    def _count(self) -> None:
        self.done += 1

    async def pass_s(self, seconds: float) -> None:
        """Let time pass, and what is done once in a while be done."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            for source, offset in self.ends.items():
                self.runtime.caught_up(source, offset)
        await self.runtime.look_after()

    def caught_up(self, source: Source, offset: int) -> None:
        """Find the end of a partition, and find it again every second until something is folded."""
        self.ends[source] = offset
        self.runtime.caught_up(source, offset)

    async def evaluate(self) -> None:
        """Evaluate, and let the sinks take what they will."""
        await self.runtime.evaluate()
        self.deliver()

    def deliver(self) -> None:
        """Do what the sinks' threads do."""
        for courier in self.outlet.couriers:
            self.outlet.taken(courier.sink.name, courier.deliver(self.now))

    def next_offset(self, source: Source) -> int:
        """Tell the committed offset."""
        (base,) = self.store.read(
            partition_key(self.config.app, source.topic, source.partition), [b"base"]
        )
        return int(base or 0)

    def marks(self) -> dict[Source, Marks | None]:
        """Tell the committed marks."""
        return read_marks(self.store, self.config.app, SOURCES)


def small(**changes: object) -> Config:
    """Make a configuration with panes of a minute, windows of an hour, and a reference learned soon."""
    made = configuration(learn_events=240)
    topics = msgspec.structs.replace(made.topics, predictions=None, labels=None)
    short = made.windows[:1]
    return msgspec.structs.replace(made, topics=topics, windows=short, **changes)


def stream(
    hours: float, shift_after: float = 1e9, first: int = 0, step: int = 10_000
) -> list[bytes]:
    """Make one event every 10 s of event time from `first` on; `x` moves far after `shift_after` hours."""
    n = int(hours * 3_600_000 / step)
    values = np.random.default_rng(3).normal(size=first + n).round(4).tolist()
    return [
        feature(T0 + i * step, x=values[i] + (8.0 if i * step >= shift_after * 3_600_000 else 0.0))
        for i in range(first, first + n)
    ]

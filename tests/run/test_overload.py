"""Three times what a worker can carry: the lag stays bounded, the rate goes down, and comes back afterwards."""

import asyncio
from collections import Counter

import numpy as np
import pytest

from stream.config import Adaptive, Sampling
from stream.ingest.ladder import rate_of
from stream.ingest.raw import RawBatch, Source
from stream.run.work.rim import Item
from tests.events import T0, feature
from tests.run.rig import SOURCES, Rig, small

CAPACITY = 40
"""Events that the worker of this story carries unsampled in a second."""
UNREAD = 0.25
"""Part of an event's cost that is spent on it in any case."""
CHUNK = 10


class Story:
    """A worker whose CPU seconds are made up: so much for a message, so much more for one that is counted."""

    def __init__(self) -> None:
        self.rig = Rig(config=small(sample=Sampling(adaptive=Adaptive())))
        self.written = dict.fromkeys(SOURCES, 0)
        self.lags: list[int] = []
        self.rungs: list[int] = []

    def lag(self) -> dict[Source, int]:
        partitions = self.rig.runtime.ingest.partitions
        return {s: n - partitions[s].fold_state.next_offset for s, n in self.written.items()}

    async def live(self, seconds: int, load: float) -> None:
        """Let so many events be written in each second, as a multiple of what the worker can carry."""
        rig = self.rig
        for _ in range(seconds):
            for source in SOURCES:
                self.written[source] += int(load * CAPACITY / len(SOURCES))
            until = rig.cpu + 1.0
            while rig.cpu < until and any(self.lag().values()):
                source = max(SOURCES, key=lambda s: self.lag()[s])
                await self._read(source, min(CHUNK, self.lag()[source]))
            rig.now += 1.0
            rig.bus.ends = dict(self.written)
            await rig.runtime.look_after()
            assert rig.runtime.pressure is not None
            self.lags.append(sum(self.lag().values()))
            self.rungs.append(rig.runtime.pressure.rung)

    async def _read(self, source: Source, n: int) -> None:
        fold = self.rig.runtime.ingest.partitions[source].fold_state
        first, left_out = fold.next_offset, fold.counters.sampled_out
        await self.rig.fold(
            source, first, [feature(T0 + i, x=1.0) for i in range(first, first + n)]
        )
        kept = n - (fold.counters.sampled_out - left_out)
        self.rig.cpu += (UNREAD * n + (1 - UNREAD) * kept) / CAPACITY


def test_under_three_times_its_load_a_worker_thins_keeps_up_and_recovers() -> None:
    story = Story()

    async def told() -> None:
        await story.rig.runtime.take_over(SOURCES)
        await story.live(40, 0.4)
        await story.live(240, 3.0)
        await story.live(300, 0.4)

    asyncio.run(told())
    calm, flood, after = story.rungs[:40], story.rungs[40:280], story.rungs[280:]
    assert set(calm) == {0}
    assert max(story.lags) < 3.0 * CAPACITY * 60, "a minute of the flood at most"
    assert max(story.lags[220:280]) < 3.0 * CAPACITY * 10, "made up for while the flood goes on"
    assert min(flood[60:]) > 0
    assert after[-1] == 0
    assert story.lags[-1] < CAPACITY
    story.rig.runtime.close()


def test_what_was_thinned_is_written_down_with_its_offsets() -> None:
    """The counts follow from the schedule in the state alone."""
    story = Story()

    async def told() -> None:
        await story.rig.runtime.take_over(SOURCES)
        await story.live(90, 3.0)

    asyncio.run(told())
    for source in SOURCES:
        fold = story.rig.runtime.ingest.partitions[source].fold_state
        steps = fold.thinning.schedule.steps
        assert len(steps) >= 2
        rates = Counter(fold.thinning.rate(offset) for offset in range(fold.next_offset))
        expected = sum(rate * n for rate, n in rates.items())
        assert abs(fold.counters.folded - expected) < 5 * expected**0.5
    story.rig.runtime.close()


def test_a_worker_that_takes_over_goes_on_where_the_partition_stood() -> None:
    """Instead of falling behind first; and a partition that stood higher goes down with the worker."""
    story = Story()

    async def told() -> list[float]:
        runtime = story.rig.runtime
        await runtime.take_over(SOURCES)
        runtime.ingest.partitions[SOURCES[0]].retune(3)
        await story.live(1, 0.1)
        await runtime.let_go(SOURCES, lost=False)
        await runtime.take_over(SOURCES)
        partitions = [runtime.ingest.partitions[source].fold_state for source in SOURCES]
        return [fold.thinning.rate(fold.next_offset) for fold in partitions]

    assert asyncio.run(told()) == [rate_of(3)] * 2
    story.rig.runtime.close()


def test_what_was_left_out_as_it_was_read_counts_as_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a worker at a fixed rate would be thought ten times as slow, and as far behind."""
    rig = Rig(config=small(sample=Sampling(default=0.1, adaptive=Adaptive())))
    pressure, source, counted = rig.runtime.pressure, SOURCES[0], []
    assert pressure is not None
    monkeypatch.setattr(pressure, "count", lambda messages, _: counted.append(messages))
    every = np.arange(10)
    batch = RawBatch(source, [feature(T0, x=1.0)], every[3:4], None, passed=np.delete(every, 3))

    async def told() -> None:
        await rig.runtime.take_over(SOURCES)
        await rig.runtime.fold(Item(batch, rig.runtime.term[source], lambda: None))

    asyncio.run(told())
    fold = rig.runtime.ingest.partitions[source].fold_state
    assert (counted, fold.next_offset, fold.counters.seen) == ([10], 10, 10)
    rig.runtime.close()

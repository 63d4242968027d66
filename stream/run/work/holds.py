"""Who has a partition: one task at a time, and a rebalance in the end whoever has it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stream.ingest.raw import Source

__all__ = ["Holds"]

LOG = logging.getLogger("driftbus.worker")


class Holds:
    """A lock for each partition. `drop` is called with one that goes in the middle of what its holder does."""

    def __init__(self, drop: Callable[[Source], None]) -> None:
        self._drop = drop
        self._locks: dict[Source, asyncio.Lock] = {}
        self._holding: dict[Source, asyncio.Timeout] = {}
        self._goes_at: dict[Source, float] = {}

    def alone(self, source: Source) -> asyncio.Lock:
        """Give the lock of a partition, for who holds it as long as need be."""
        return self._locks.setdefault(source, asyncio.Lock())

    def is_free(self, source: Source) -> bool:
        """Whether nobody has a partition or has been promised it: who holds it next does not wait."""
        lock = self.alone(source)
        return not lock.locked() and not getattr(lock, "_waiters", None)

    @asynccontextmanager
    async def until_it_goes(self, source: Source) -> AsyncIterator[None]:
        """Hold a partition as long as need be, but for a rebalance, which ends the body and drops the partition."""
        async with self.alone(source):
            try:
                async with asyncio.timeout_at(self._goes_at.get(source)) as holding:
                    self._holding[source] = holding
                    yield
            except TimeoutError:
                if not holding.expired():
                    raise
                LOG.warning("%s/%d goes in the middle of a call; what is not committed its next owner folds again",
                            source.topic, source.partition)  # fmt: skip
                self._drop(source)
            finally:
                self._holding.pop(source, None)

    @asynccontextmanager
    async def taken_from_others(self, source: Source, patience_s: float) -> AsyncIterator[None]:
        """Hold a partition after a while at the latest: who has it then does not keep it (`until_it_goes`)."""
        when = asyncio.get_running_loop().time() + max(0.0, patience_s)
        self._goes_at[source] = when
        if source in self._holding:
            self._holding[source].reschedule(when)
        try:
            async with self.alone(source):
                yield
        finally:
            self._goes_at.pop(source, None)  # two may take it at once

"""`python -m benchmarks.throughput.launch SIZE SLOW FILE worker ...`: `driftbus worker`, that tells FILE how far it is.

Asking its pages would cost it time with many monitors. SIZE is how many messages it asks the client for at once, SLOW
by how many microseconds it counts an event slower than it could.
"""

import mmap
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import stream.bus.pace
import stream.ingest.ingest
import stream.run.work.worker
from stream.bus.owner import Start
from stream.cli import main
from stream.ingest.decode import Decoder
from stream.ingest.partition import Partition
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.reference.book import Book
from stream.run.work.rim import Item
from stream.run.work.runtime import Runtime

__all__ = ["COUNT"]

COUNT = struct.Struct("=qq")
"""What the file holds: events folded on the partitions owned, and how many partitions these are."""


class _Slow(Partition):
    """A partition whose events take longer to count."""

    slow_us = 0.0

    def fold(self, batch: RawBatch, decoder: Decoder, book: Book) -> list[DeadLetter]:
        counters = self.fold_state.counters
        before = counters.folded
        dead = super().fold(batch, decoder, book)
        time.sleep((counters.folded - before) * self.slow_us / 1e6)
        return dead


class _Telling(Runtime):
    """A worker's runtime that tells how far it is whenever it has folded a batch, or its partitions are others."""

    page: ClassVar[mmap.mmap]

    async def fold(self, item: Item) -> None:
        await super().fold(item)
        self._tell()

    async def take_over(self, sources: Sequence[Source]) -> dict[Source, Start]:
        starts = await super().take_over(sources)
        self._tell()
        return starts

    async def let_go(self, sources: Sequence[Source], *, lost: bool) -> None:
        await super().let_go(sources, lost=lost)
        self._tell()

    def _tell(self) -> None:
        owned = self.ingest.partitions.values()
        seen = sum(partition.fold_state.counters.seen for partition in owned)
        COUNT.pack_into(self.page, 0, seen, len(owned))


def _launch(size: int, slow_us: float, file: Path, command: list[str]) -> None:
    stream.bus.pace.CONSUME = size
    if slow_us:
        _Slow.slow_us = slow_us
        vars(stream.ingest.ingest)["Partition"] = _Slow
    with file.open("r+b") as opened:
        _Telling.page = mmap.mmap(opened.fileno(), COUNT.size)
    vars(stream.run.work.worker)["Runtime"] = _Telling
    sys.argv = ["driftbus", *command]
    main()


if __name__ == "__main__":
    _launch(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])

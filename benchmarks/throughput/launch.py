"""`python -m benchmarks.throughput.launch SIZE SLOW FILE worker ...`: `driftbus worker`, that tells FILE how far it is.

Asking its pages would cost it time with many monitors. SIZE is how many messages it asks the client for at once, SLOW
by how many microseconds it counts an event slower than it could.
"""

import mmap
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread

import stream.bus.consumer
import stream.ingest.ingest
import stream.run.work.worker
from stream.cli import main
from stream.config import Config
from stream.ingest.decode import Decoder
from stream.ingest.partition import Partition
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.schedule import Schedule
from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.run.work.worker import Worker

__all__ = ["COUNT"]

COUNT = struct.Struct("=qq")
"""What the file holds: events folded on the partitions owned, and how many partitions these are."""
TELL_EVERY_S = 0.02


class _Slow(Partition):
    """A partition whose events take longer to count."""

    slow_us = 0.0

    def fold(self, batch: RawBatch, decoder: Decoder, book: Book) -> list[DeadLetter]:
        counters = self.fold_state.counters
        before = counters.folded
        dead = super().fold(batch, decoder, book)
        time.sleep((counters.folded - before) * self.slow_us / 1e6)
        return dead


def _launch(size: int, slow_us: float, file: Path, command: list[str]) -> None:
    stream.bus.consumer.CONSUME = size
    if slow_us:
        _Slow.slow_us = slow_us
        vars(stream.ingest.ingest)["Partition"] = _Slow
    with file.open("r+b") as opened:
        page = mmap.mmap(opened.fileno(), COUNT.size)

    class Telling(Worker):
        """A worker with a thread beside it."""

        def __init__(
            self,
            config: Config,
            references: Sequence[Reference],
            recorded: Mapping[Source, Schedule] | None = None,
        ) -> None:
            super().__init__(config, references, recorded)
            Thread(target=self._tell, daemon=True).start()

        def _tell(self) -> None:
            while True:
                owned = list(self.runtime.ingest.partitions.values())
                seen = sum(partition.fold_state.counters.seen for partition in owned)
                COUNT.pack_into(page, 0, seen, len(owned))
                time.sleep(TELL_EVERY_S)

    vars(stream.run.work.worker)["Worker"] = Telling
    sys.argv = ["driftbus", *command]
    main()


if __name__ == "__main__":
    _launch(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])

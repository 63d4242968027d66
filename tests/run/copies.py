"""A log of copies in memory, and a store that somebody empties."""

from collections.abc import Callable, Iterable, Iterator

from stream.errors import BusUnavailable
from stream.state.snapshot import Record


class MemoryLog:
    """Keeps every record, as a compacted topic does before it is compacted; `before` is called before each write."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.before: Callable[[Record], None] = lambda _: None
        self.fails_after = -1
        self.reads = 0

    def write(self, records: Iterable[Record]) -> None:
        for record in records:
            self.before(record)
            if self.fails_after == 0:
                raise BusUnavailable("told to be down", "backup")
            self.fails_after -= 1
            self.records.append(record)

    def read(self) -> Iterator[Record]:
        self.reads += 1
        return iter(list(self.records))

    def compacted(self) -> list[Record]:
        """Give what is left when only the newest record of each key stays."""
        return list(dict(self.records).items())

    def manifests(self) -> int:
        """Count the manifests that were written."""
        return sum(key.endswith(b"/manifest") for key, _ in self.records)

"""A store in memory that counts what goes through it, as a Redis would be asked."""

from collections.abc import Sequence

from stream.state.memory import MemoryStore
from stream.state.store import Answer, Commit, Taken

__all__ = ["CountingStore"]


class CountingStore(MemoryStore):
    """Counts calls, and the bytes of names and values that are written and read. They only grow."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.written = 0
        self.fields = 0
        self.answered = 0
        self._keys: set[str] = set()

    def commit(self, commit: Commit) -> Answer:
        """Write, and count what is written."""
        self.calls += 1
        self.fields += len(commit.fields)
        self.written += sum(len(name) + len(value) for name, value in commit.fields.items())
        self._keys.add(commit.key)
        return super().commit(commit)

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        """Read, and count what is read."""
        self.calls += 1
        told = super().read(key, fields)
        self.answered += sum(len(value) for value in told if value is not None)
        return told

    def take_over(self, key: str) -> Taken:
        """Take over a key, and remember it."""
        self.calls += 1
        self._keys.add(key)
        return super().take_over(key)

    def remove(
        self, key: str, epoch: int, fields: Sequence[bytes], base: bytes | None = None
    ) -> Answer:
        """Remove, and count the call."""
        self.calls += 1
        return super().remove(key, epoch, fields, base)

    def kept(self) -> int:
        """Tell the bytes of all partitions and models."""
        return sum(self.size(key) for key in self._keys)

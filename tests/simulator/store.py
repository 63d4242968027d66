"""The state store of a simulation: one that keeps a journal to go back in time by, and each worker's wire to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from stream.errors import StoreUnavailable
from stream.state.memory import MemoryStore
from stream.state.store import Answer, Commit, Taken
from tests.simulator.chaos import Chaos
from tests.simulator.loop import Process

__all__ = ["SimStore", "Wire"]

T = TypeVar("T")


class SimStore(MemoryStore):
    """The product's store in memory, which can also lose its last writes, or everything."""

    def __init__(self) -> None:
        super().__init__()
        self._journal: list[tuple[str, dict[bytes, bytes]]] = []

    def note(self, key: str) -> None:
        """Remember a key as it is before a write."""
        self._journal.append((key, dict(self._hashes[key])))

    def rewind(self, writes: int) -> None:
        """Undo the last writes, as a replica does that takes over and has not seen them."""
        for _ in range(min(writes, len(self._journal))):
            key, before = self._journal.pop()
            self._hashes[key] = before

    def lose(self) -> None:
        """Forget everything."""
        self._hashes.clear()
        self._journal.clear()

    def names(self) -> list[str]:
        """Name all hashes."""
        return sorted(key for key, kept in self._hashes.items() if kept)


class Wire:
    """A worker's connection to the store: every request may meet a fault, before it or after it."""

    def __init__(self, store: SimStore, chaos: Chaos, process: Process) -> None:
        self._store = store
        self._chaos = chaos
        self._process = process

    def take_over(self, key: str) -> Taken:
        return self._ask("take over", key, lambda: self._store.take_over(key), writes=True)

    def commit(self, commit: Commit) -> Answer:
        return self._ask(
            "commit", commit.key, lambda: self._store.commit(commit), writes=True,
            detail=lambda: f"{_base(commit.base)} -> {_base(commit.new_base)}, {len(commit.fields)} fields",
        )  # fmt: skip

    def commit_all(self, commits: Sequence[Commit]) -> list[Answer]:
        return [self.commit(commit) for commit in commits]

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        return self._ask("read", key, lambda: self._store.read(key, fields))

    def peek(self, key: str) -> dict[bytes, bytes]:
        return self._ask("peek", key, lambda: self._store.peek(key))

    def read_many(self, wants: Sequence[tuple[str, Sequence[bytes]]]) -> list[list[bytes | None]]:
        return self._ask("read many", "", lambda: self._store.read_many(wants))

    def remove(
        self, key: str, epoch: int, fields: Sequence[bytes], base: bytes | None = None
    ) -> Answer:
        return self._ask(
            "remove", key, lambda: self._store.remove(key, epoch, fields, base), writes=True,
            detail=lambda: f"{len(fields)} fields",
        )  # fmt: skip

    def put_if_absent(self, key: str, field: bytes, value: bytes) -> bytes:
        return self._ask(
            "put", key, lambda: self._store.put_if_absent(key, field, value), writes=True,
            detail=field.decode,
        )  # fmt: skip

    def put_together(
        self, key: str, fields: Mapping[bytes, bytes], *, behind: Mapping[bytes, bytes]
    ) -> bool:
        return self._ask(
            "put", key, lambda: self._store.put_together(key, fields, behind=behind), writes=True,
            detail=lambda: b" ".join(fields).decode(),
        )  # fmt: skip

    def size(self, key: str) -> int:
        return self._ask("size", key, lambda: self._store.size(key))

    def ping(self) -> None:
        return self._ask("ping", "", self._store.ping)

    def close(self) -> None:
        """Close nothing: the store is everybody's."""

    def _ask(
        self,
        what: str,
        key: str,
        act: Callable[[], T],
        *,
        writes: bool = False,
        detail: Callable[[], str] | None = None,
    ) -> T:
        fault = self._chaos.before(self._process, what)
        if fault == "request lost":
            raise StoreUnavailable("the request was lost", "store")
        if writes:
            self._store.note(key)
        answer = act()
        self._tell(what, key, detail() if detail and self._chaos.trace else "", answer)
        self._chaos.after(self._process, fault)
        if fault == "reply lost":
            raise StoreUnavailable("the reply was lost", "store")
        return answer

    def _tell(self, what: str, key: str, detail: str, answer: object) -> None:
        told = answer.value if isinstance(answer, Answer) else ""
        words = (f"{self._process}: {what}", _short(key), detail, told)
        self._chaos.tell(lambda: " ".join(filter(None, words)))


def _short(key: str) -> str:
    return key.strip("{}").split(":", 1)[-1][:22]


def _base(base: bytes) -> str:
    return ",".join(n if len(n) < 15 else n[-6:] for n in base.decode().split(",")) or "nothing"

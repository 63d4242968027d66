"""The references that all workers share, in the store's fleet hash."""

from hashlib import blake2b
from threading import Lock

from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.state.store import Store, fleet_key
from stream.state.versions import dump, load, making_sense
from stream.words import Kind, Series

__all__ = ["Fleet"]


class Fleet:
    """Reads and enters references; `book` is what is known here. For any thread: no call waits for another's.

    Each reference has its own field, found by counting: reference number i of the fleet is field `r:i`. Entering is
    put-if-absent, so two workers that learn the same reference enter it once, and nobody's is lost. When the store has
    gone back in time, whoever knows more than it does enters that again.
    """

    def __init__(self, store: Store, app: str) -> None:
        self.book = Book()
        self._store = store
        self._key = fleet_key(app)
        self._lock = Lock()
        self._entries: list[bytes] = []
        """The digests of the store's entries, in order, as far as they were read."""
        self._there: set[bytes] = set()
        """The same; fewer, where a reference was entered twice while the store went back."""
        self._known: dict[bytes, Reference] = {}
        """By the digest of its entry every reference that ever was in the store."""

    def refresh(self) -> None:
        """Read the references that were entered since the last look. Cost: one read when there is nothing new."""
        self._read()
        self._enter_again()

    def _read(self) -> None:
        while self._read_next():
            pass

    def _read_next(self) -> bool:
        """Read the next entry, or see that the store has lost the last one; False when there is nothing new."""
        entries, known = self._entries, len(self._entries)
        last, blob = self._store.read(self._key, [b"r:%d" % (known - 1), b"r:%d" % known])
        reference = None if blob is None else Reference.unpack(_payload(blob))
        with self._lock:
            if entries is not self._entries or known != len(entries):
                return True  # another thread has read meanwhile
            if known and (last is None or _digest(last) != entries[-1]):
                self._entries, self._there = [], set()
                return True
            if blob is None or reference is None:
                return False
            entries.append(_digest(blob))
            self._there.add(entries[-1])
            self._known[entries[-1]] = reference
            self.book.add(reference)
            return True

    def _enter_again(self) -> None:
        """Enter what the store has lost behind what it still has."""
        if len(self._known) > len(self._there):
            for digest, reference in list(self._known.items()):
                if digest not in self._there:
                    self._enter(reference)

    def publish(self, reference: Reference) -> Reference:
        """Enter a reference and give the one in force for its series from its pane on.

        It is the reference itself, unless somebody entered one before.
        """
        self.refresh()
        return self._enter(reference)

    def _enter(self, reference: Reference) -> Reference:
        tag = _tag(reference.series, reference.kind, reference.from_pane)
        packed = reference.packed
        held = self._store.put_if_absent(self._key, b"s:" + tag, packed)
        entered = reference if held == packed else Reference.unpack(held)
        blob = dump("entry", [held if entered is reference else entered.packed])
        digest = _digest(blob)
        while digest not in (entries := tuple(self._entries)):
            self._store.put_if_absent(self._key, b"r:%d" % len(entries), blob)
            self._read()
        return entered


def _digest(blob: bytes) -> bytes:
    return blake2b(blob, digest_size=16).digest()


def _payload(blob: bytes) -> bytes:
    with making_sense("entry"):
        return b"%b" % load(blob, "entry")[0]


def _tag(series: Series, kind: Kind, from_pane: int) -> bytes:
    return (
        blake2b(repr((tuple(series), kind.value, from_pane)).encode(), digest_size=16)
        .hexdigest()
        .encode()
    )

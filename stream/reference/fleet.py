"""The references that all workers share, in the store's fleet hash."""

from hashlib import blake2b

from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.state.store import Store, fleet_key
from stream.state.versions import dump, load, making_sense
from stream.words import Kind, Series

__all__ = ["Fleet"]


class Fleet:
    """Reads and enters references; `book` is what is known here.

    Each reference has its own field, found by counting: reference number i of the fleet is field `r:i`. Entering is
    put-if-absent, so two workers that learn the same reference enter it once, and nobody's is lost. When the store has
    gone back in time, whoever knows more than it does enters that again.
    """

    def __init__(self, store: Store, app: str) -> None:
        self.book = Book()
        self._store = store
        self._key = fleet_key(app)
        self._entries: list[tuple[bytes, Reference]] = []
        """In order: a digest of each entry, and what it is."""

    def refresh(self) -> None:
        """Read the references that were entered since the last look. Cost: one read when there is nothing new."""
        while True:
            known = len(self._entries)
            last, blob = self._store.read(self._key, [b"r:%d" % (known - 1), b"r:%d" % known])
            if known and (last is None or _digest(last) != self._entries[-1][0]):
                self._enter_again()
            elif blob is None:
                return
            else:
                reference = Reference.unpack(_payload(blob))
                self._entries.append((_digest(blob), reference))
                self.book.add(reference)

    def _enter_again(self) -> None:
        """Know what the store still has, and enter behind it what it has lost."""
        before, self._entries = self._entries, []
        self.refresh()
        there = {digest for digest, _ in self._entries}
        for digest, reference in before:
            if digest not in there:
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
        while all(digest != known for known, _ in self._entries):
            self._store.put_if_absent(self._key, b"r:%d" % len(self._entries), blob)
            self.refresh()
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

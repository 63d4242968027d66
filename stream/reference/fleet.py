"""The references that all workers share, in the store's fleet hash."""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import takewhile

from stream.errors import StoreUnavailable
from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.state.store import Store, fleet_key
from stream.state.versions import dump, load, making_sense
from stream.words import Kind, Series

__all__ = ["Fleet"]


AHEAD = 64
"""Entries that are asked for at once where there may be many new ones."""


class Fleet:
    """Reads and enters references; `book` is what is known here.

    Each reference is stored once, in the field of its series, kind and first pane: whoever is first there stays. Those
    that are in force are found by counting: entry number i of the fleet, field `r:i`, names the field of a reference.
    Entering is put-if-absent, so two workers that learn the same reference enter it once, and nobody's is lost. When
    the store has gone back in time, whoever knows more than it does enters that again.
    """

    def __init__(self, store: Store, app: str) -> None:
        self.book = Book()
        self._store = store
        self._key = fleet_key(app)
        self._entries: list[tuple[bytes, Reference]] = []
        """In order: a digest of each entry, and what it is."""

    def refresh(self) -> None:
        """Read the references that were entered since the last look. Cost: one short read when there is nothing new.

        Raises:
            StoreUnavailable: the store went back in time while it was read.
        """
        ahead = 1
        while True:
            known = len(self._entries)
            numbers = range(known - 1, known + ahead)
            last, *new = self._store.read(self._key, [b"r:%d" % number for number in numbers])
            if known and (last is None or _digest(last) != self._entries[-1][0]):
                self._enter_again()
                continue
            entered = list(takewhile(bool, new))
            if not entered:
                return
            self._know([blob for blob in entered if blob])
            ahead = AHEAD

    def _know(self, blobs: Sequence[bytes]) -> None:
        """Take in the references of entries."""
        entries = [_entry(blob) for blob in blobs]
        fields = [field for field, _ in entries if field]
        held = dict(zip(fields, self._store.read(self._key, fields), strict=True))
        for blob, (field, inline) in zip(blobs, entries, strict=True):
            packed = held[field] if field else inline
            if packed is None:
                raise StoreUnavailable(
                    "the store has gone back in time; what it lost is entered again", self._key
                )
            reference = Reference.unpack(packed)
            self._entries.append((_digest(blob), reference))
            self.book.add(reference)

    def _enter_again(self) -> None:
        """Know what the store still has, and enter behind it what it has lost."""
        before, self._entries = self._entries, []
        self.refresh()
        there = {reference.digest for _, reference in self._entries}
        for _, reference in before:
            if reference.digest not in there:
                self._enter(reference)

    def publish(self, reference: Reference) -> Reference:
        """Enter a reference and give the one in force for its series from its pane on.

        It is the same in all but what is not stored, unless somebody entered another one before.
        """
        self.refresh()
        return self._enter(reference)

    def _enter(self, reference: Reference) -> Reference:
        field = _field(reference.series, reference.kind, reference.from_pane)
        packed = reference.packed
        held = self._store.put_if_absent(self._key, field, packed)
        entered = reference if held == packed else Reference.unpack(held)
        blob = dump("entry", [field, entered.digest])
        while all(entered.digest != known.digest for _, known in self._entries):
            self._store.put_if_absent(self._key, b"r:%d" % len(self._entries), blob)
            self.refresh()
        return self.book.by_digest(entered.digest)


def _digest(blob: bytes) -> bytes:
    return blake2b(blob, digest_size=16).digest()


def _entry(blob: bytes) -> tuple[bytes, bytes | None]:
    """Give the field that an entry names; of one that an older release wrote, the reference itself."""
    with making_sense("entry"):
        field, told = load(blob, "entry")
        return b"%b" % field, b"%b" % told


def _field(series: Series, kind: Kind, from_pane: int) -> bytes:
    """Name the field of what judges a series from a pane on."""
    named = repr((tuple(series), kind.value, from_pane)).encode()
    return b"s:" + blake2b(named, digest_size=16).hexdigest().encode()

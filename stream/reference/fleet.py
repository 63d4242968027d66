"""The references that all workers share, in the store's fleet hash."""

from collections import deque
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from itertools import takewhile
from threading import Lock

from stream.errors import CodecError
from stream.reference.book import Book
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.state.store import Store, fleet_key
from stream.state.versions import dump, load, making_sense
from stream.words import Kind, Series

__all__ = ["Fleet"]


AHEAD = 64
"""Entries that are asked for at once where there may be many new ones."""
HELD_MAX = 16_384
"""Bytes of a reference's windows that are held though they could be read again: so few are worth no read."""
PATIENCE = 100
"""Looks at the fleet, one at least with every step of a model, for which all windows are held: some seconds or more."""
NEWEST_MAX = 1_024
"""The newest references, of which all windows are held: more than are entered in the second that a store may lose."""


class Fleet:
    """Reads and enters references; `book` is what is known here. For any thread: no call waits for another's.

    Each reference is stored once, in the field of its series, kind and first pane: whoever is first there stays. Those
    that are in force are found by counting: entry number i of the fleet, field `r:i`, names the field of a reference.
    Entering is put-if-absent, so two workers that learn the same reference enter it once, and nobody's is lost. When
    the store has gone back in time, whoever knows more than it does enters that again.

    The windows of a reference are most of it and seldom wanted. Many are left in the store (`History.again`), but not
    before `PATIENCE` more looks: what was just written may yet be lost, and is then entered again. Only the newest wait
    so long, as a worker that starts reads a whole fleet at one look. What the store loses
    later on nobody can enter again who let go of it.
    """

    def __init__(self, store: Store, app: str) -> None:
        self.book = Book()
        self._store = store
        self._key = fleet_key(app)
        self._lock = Lock()
        self._entries: list[bytes] = []
        """The digests of the store's entries, in order, as far as they were read."""
        self._there: set[bytes] = set()
        """The digests of their references; fewer, where one was entered twice while the store went back."""
        self._looks = 0
        self._to_leave: deque[tuple[int, Reference]] = deque()
        """References with many windows, each with the look at which they are let go."""
        self._known: dict[bytes, Reference] = {}
        """By its digest every reference that ever was in the store."""

    def refresh(self) -> None:
        """Read the references that were entered since the last look. Cost: one short read when there is nothing new."""
        with self._lock:
            self._looks += 1
        self._read()
        self._enter_again()
        self._let_go()

    def _read(self) -> None:
        ahead = 1
        while self._read_next(ahead):
            self._let_go()
            ahead = AHEAD

    def _read_next(self, ahead: int) -> bool:
        """Read the next entries, or see that the store has lost the last one; False when there is nothing new."""
        entries, known = self._entries, len(self._entries)
        numbers = range(known - 1, known + ahead)
        last, *new = self._store.read(self._key, [b"r:%d" % number for number in numbers])
        gone = known and (last is None or _digest(last) != entries[known - 1])
        is_old = entries is not self._entries or known != len(entries)
        entered = [] if gone or is_old else [blob for blob in takewhile(bool, new) if blob]
        found = self._references(entered)
        with self._lock:
            if entries is not self._entries or known != len(entries):
                return True  # another thread has read meanwhile
            if gone:
                self._entries, self._there = [], set()
                self._to_leave.clear()
                return True
            for digest, reference in found:
                entries.append(digest)
                if reference is None:
                    continue
                known_as = self._known.setdefault(reference.digest, reference)
                self._to_leave.append((self._looks + PATIENCE, known_as))
                self.book.add(reference)
                self._there.add(reference.digest)  # who sees it there looks it up in the book
            return bool(found)

    def _references(self, blobs: Sequence[bytes]) -> list[tuple[bytes, Reference | None]]:
        """Read the references of entries, each beside the digest of its entry.

        None where the store went back in time after the reference was put there and before its entry was: such an
        entry counts for nothing, and whoever made it enters the reference again.
        """
        entries = [_entry(blob) for blob in blobs]
        fields = [field for field, _ in entries if field]
        packs = self._store.read(self._key, fields) if fields else []
        held = dict(zip(fields, packs, strict=True))
        found = []
        for blob, (field, inline) in zip(blobs, entries, strict=True):
            packed = held[field] if field else inline
            reference = None if packed is None else Reference.unpack(packed)
            if reference is not None and field:
                for which, history in enumerate(reference.histories):
                    history.again = partial(self._again, field, reference.digest, which)
            found.append((_digest(blob), reference))
        return found

    def _let_go(self) -> None:
        """Let go of windows that have been in the store for some time, or are not among the newest."""
        due, waiting = [], self._to_leave
        with self._lock:
            while waiting and (waiting[0][0] <= self._looks or len(waiting) > NEWEST_MAX):
                due.append(waiting.popleft()[1])
        for reference in due:
            if sum(history.size for history in reference.histories) > HELD_MAX:
                for history in reference.histories:
                    history.let_go()

    def _again(self, field: bytes, digest: bytes, which: int) -> History:
        """Read the windows of a reference again; CodecError when the store has lost it."""
        (packed,) = self._store.read(self._key, [field])
        reference = None if packed is None else Reference.unpack(packed)
        if reference is None or reference.digest != digest:
            raise CodecError(
                "the store has lost a reference that judges",
                field.decode(),
                "restore a copy of the state",
            )
        return reference.histories[which]

    def _enter_again(self) -> None:
        """Enter what the store has lost behind what it still has."""
        if len(self._known) > len(self._there):
            for digest, reference in list(self._known.items()):
                if digest not in self._there and all(h.is_held for h in reference.histories):
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
        while True:
            held = self._store.put_if_absent(self._key, field, packed)
            digest = reference.digest if held == packed else Reference.unpack(held).digest
            if digest in self._there:
                return self.book.by_digest(digest)
            entry = dump("entry", [field, digest])
            self._store.put_if_absent(self._key, b"r:%d" % len(self._entries), entry)
            self._read()


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

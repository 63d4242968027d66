"""The references that all workers share, in the store's fleet hash."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from itertools import takewhile
from threading import Lock
from typing import NamedTuple

from stream.errors import CodecError
from stream.reference.book import Book
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.state.store import Store, fleet_key
from stream.state.versions import dump, load, making_sense

__all__ = ["Fleet", "unlinked"]


AHEAD = 64
"""Entries that are asked for at once where there may be many new ones, and references that are entered at once."""
HELD_MAX = 16_384
"""Bytes of a reference's windows that are held though they could be read again: so few are worth no read."""
PATIENCE = 100
"""Looks at the fleet, one at least with every step of a model, for which all windows are held: some seconds or more."""
NEWEST_MAX = 1_024
"""The newest references, of which all windows are held: more than are entered in the second that a store may lose."""
PORTION_BYTES = 1 << 22
"""Bytes of windows from which on a portion is full: the store answers nobody else while it is put there."""
DIGEST_BYTES = 16


class _Line(NamedTuple):
    """The store's entries as far as they were read: how many, what stands for all of them, and the last of them."""

    length: int = 0
    digest: bytes = bytes(DIGEST_BYTES)
    last: bytes = b""

    def add(self, entry: bytes) -> "_Line":
        return _Line(self.length + 1, _digest(self.digest + entry), entry)

    @property
    def end(self) -> dict[bytes, bytes]:
        """The field of the last entry."""
        return {b"r:%d" % (self.length - 1): self.last} if self.length else {}


class Fleet:
    """Reads and enters references; `book` is what is known here. For any thread: no call waits for another's.

    Each reference is stored once, in the field of its series, kind and first pane: whoever is first there stays. Those
    that are in force are found by counting: entry number i of the fleet, field `r:i`, names the field of a reference,
    and what stands for all entries before it: so where the last entry is still the same, all are. (Not so behind one
    that an older release entered, which names its reference only.)
    References are entered together with their entries, behind the last entry that is known here, or not at all: so two
    workers that learn the same one enter it once, nobody's is lost, and no two that are promoted for a series are given
    one number. When the store has gone back in time, whoever knows more than it does enters that again.

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
        self._line = _Line()
        """Replaced when entries were read, after all that they name is known."""
        self._there: set[bytes] = set()
        """The digests of what the entries name; fewer, where one was entered twice while the store went back."""
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
        line = self._line
        numbers = range(line.length - 1, line.length + ahead)
        last, *new = self._store.read(self._key, [b"r:%d" % number for number in numbers])
        gone = line.length and last != line.last
        is_old = line is not self._line
        entered = [] if gone or is_old else [blob for blob in takewhile(bool, new) if blob]
        found = self._references(line.length, entered)
        if found is None:
            return True
        with self._lock:
            if line is not self._line:
                return True  # another thread has read meanwhile
            if gone:
                self._line, self._there = _Line(), set()
                self._to_leave.clear()
                return True
            for blob, reference in zip(entered, found, strict=True):
                line = line.add(blob)
                if reference is None:
                    continue
                known_as = self._known.setdefault(reference.digest, reference)
                self._to_leave.append((self._looks + PATIENCE, known_as))
                self.book.add(reference)
                self._there.add(reference.digest)  # who sees it there looks it up in the book
            self._line = line
            return bool(found)

    def _references(self, first: int, blobs: Sequence[bytes]) -> list[Reference | None] | None:
        """Read the references of entries, of which the first has this number; None where these have gone meanwhile.

        One is None where the store went back in time after an older release put it there and before it put the
        entry: such an entry counts for nothing, and whoever made it enters the reference again.
        """
        entries = [_entry(blob) for blob in blobs]
        fields = [field for field, _ in entries if field]
        packs = self._store.read(self._key, fields) if fields else []
        if None in packs:  # it may be there by now: both are asked for at one moment
            numbers = [b"r:%d" % number for number in range(first, first + len(blobs))]
            told = self._store.read(self._key, [*numbers, *fields])
            there, packs = told[: len(blobs)], told[len(blobs) :]
            if there != list(blobs):
                return None
        held = dict(zip(fields, packs, strict=True))
        found = []
        for field, inline in entries:
            packed = held[field] if field else inline
            reference = None if packed is None else Reference.unpack(packed)
            if reference is not None and field:
                for which, history in enumerate(reference.histories):
                    history.again = partial(self._again, field, reference.digest, which)
            found.append(reference)
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
            lost = [r for digest, r in list(self._known.items()) if digest not in self._there]
            for portion in _portions(r for r in lost if all(h.is_held for h in r.histories)):
                self._enter(portion)

    def publish(self, reference: Reference) -> Reference:
        """Enter a reference and give the one in force for its series from its pane on.

        It is the same in all but what is not stored, unless somebody entered another one before.
        """
        return self.publish_all([reference])[0]

    def publish_all(
        self, references: Sequence[Reference], *, renumber: bool = False
    ) -> list[Reference]:
        """Enter references, and give of each what `publish` would. Cost: some round trips for each `AHEAD` new ones.

        `renumber`: one whose number another one of its series has by then is given the next. It is another one then, by
        whose digest its alerts have other ids; so not what is learned, of which a replay has to find the same.
        """
        self.refresh()
        held = {r.digest: self.book.by_digest(r.digest) for r in references if self._has(r)}
        new = [r for r in references if r.digest not in held]
        for portion in _portions(new):
            entered = self._enter(portion, renumber=renumber)
            held |= zip([r.digest for r in portion], entered, strict=True)
        return [held[r.digest] for r in references]

    def _enter(self, portion: Sequence[Reference], *, renumber: bool = False) -> list[Reference]:
        """Enter references of different series or kinds, each unless its place is taken; give what is in those.

        Where the store took nothing, one is tried alone: an older release may have put an entry further on, where the
        line ended before the store went back, and what comes before that one has room for fewer.
        """
        fields = [_field(r) for r in portion]
        at_once = len(portion)
        while True:
            line = self._line
            packs = self._store.read(self._key, fields)
            held = [
                Reference.unpack(packed) if packed else self._numbered(r) if renumber else r
                for r, packed in zip(portion, packs, strict=True)
            ]
            lacking = [
                (r, field, packed or r.packed)
                for r, field, packed in zip(held, fields, packs, strict=True)
                if not self._has(r)
            ]
            if lacking:
                done = self._enter_behind(line, lacking[:at_once])
                at_once = len(portion) if done else 1
                self._read()
            if all(map(self._has, held)):
                return [self.book.by_digest(r.digest) for r in held]

    def _enter_behind(self, line: _Line, lacking: Sequence[tuple[Reference, bytes, bytes]]) -> bool:
        """Put references and their entries behind a line; nothing, if the store has another line by now."""
        puts, end = dict[bytes, bytes](), line.end
        for reference, field, packed in lacking:
            entry = dump("entry", [field, reference.digest + line.digest])
            puts |= {field: packed, b"r:%d" % line.length: entry}
            line = line.add(entry)
        return self._store.put_together(self._key, puts, behind=end)

    def _numbered(self, reference: Reference) -> Reference:
        """Give it the next number of its series, if another one has its own."""
        line = self.book.line(reference.series, reference.kind)
        numbers = [r.number for r in line if r.digest != reference.digest]
        if reference.number not in numbers:
            return reference
        return replace(reference, number=max(numbers) + 1)

    def _has(self, reference: Reference) -> bool:
        return reference.digest in self._there


def unlinked(entry: bytes) -> bytes:
    """Give an entry without what stands for those before it: the same in whatever order references were entered."""
    field, told = _entry(entry)
    return dump("entry", [field, told[:DIGEST_BYTES]]) if field else entry


def _digest(blob: bytes) -> bytes:
    return blake2b(blob, digest_size=DIGEST_BYTES).digest()


def _entry(blob: bytes) -> tuple[bytes, bytes]:
    """Give the field that an entry names, and the digests; of one that an older release wrote, the reference itself."""
    with making_sense("entry"):
        field, told = load(blob, "entry")
        return b"%b" % field, b"%b" % told


def _field(reference: Reference) -> bytes:
    """Name the field of what judges a series from a pane on."""
    place = tuple(reference.series), reference.kind.value, reference.from_pane
    return b"s:" + _digest(repr(place).encode()).hex().encode()


def _portions(references: Iterable[Reference]) -> Iterator[list[Reference]]:
    """Cut into what is entered at once: of each series and kind one, as its number hangs on those before it."""
    portion = dict[object, Reference]()
    size = 0
    for reference in references:
        of = (reference.series, reference.kind)
        if of in portion or len(portion) == AHEAD or size > PORTION_BYTES:
            yield list(portion.values())
            portion, size = {}, 0
        portion[of] = reference
        size += sum(history.size for history in reference.histories)
    if portion:
        yield list(portion.values())

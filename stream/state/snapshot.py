"""Copies of the whole state as records of a compacted topic: pieces of each hash, and at last a manifest.

    key             value
    <slot>/<hash of whose it is>/<number>     generation, a piece of `pack_kept`
    <slot>/manifest                           generation, when, and for each hash its pieces and their digest

Compaction keeps the newest record of a key. Two slots take turns, so the copy before the newest is whole until the one
after the newest is begun: a writer that dies half way leaves something to restore from. Every piece is framed and
checksummed by the codec, every hash has a digest, and a manifest whose pieces are not all there counts for nothing.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple

from stream.errors import CodecError
from stream.state.kept import Kept, What, pack_kept, unpack_kept
from stream.state.versions import dump, load, making_sense

__all__ = ["PIECE_BYTES", "Record", "Snapshot", "newest_number", "newest_snapshot", "records_of"]

PIECE_BYTES = 500_000
"""Bytes of a hash in one record: half of what a broker takes by default."""
SLOTS = 2
MANIFEST = b"manifest"

Record = tuple[bytes, bytes]
"""Key and value."""
Entry = tuple[What, int, bytes]
"""Of a hash in the manifest: whose it is, how many pieces, and the digest of the whole."""


class Snapshot(NamedTuple):
    """A whole copy. `made_ms`: the wall clock's time, for people. `broken`: why newer ones do not count."""

    generation: int
    made_ms: int
    hashes: list[Kept]
    broken: list[str]


def records_of(generation: int, made_ms: int, hashes: Iterable[Kept]) -> Iterator[Record]:
    """Give the records of a copy, the manifest last. Memory: one hash at a time."""
    slot = b"%d" % (generation % SLOTS)
    entries: list[list[object]] = []
    for kept in hashes:
        blob = pack_kept(kept)
        tag = _tag(kept.what)
        count = 0
        for count, start in enumerate(range(0, len(blob), PIECE_BYTES), 1):
            piece = blob[start : start + PIECE_BYTES]
            yield b"%b/%b/%d" % (slot, tag, count - 1), dump("piece", [generation, piece])
        entries.append([list(kept.what), count, _digest(blob)])
    yield b"%b/%b" % (slot, MANIFEST), dump("manifest", [generation, made_ms, entries])


def newest_snapshot(records: Iterable[Record]) -> Snapshot | None:
    """Find the newest whole copy among records in the order of their log; None when there is none.

    Memory: the newest record of every key, so up to two copies.
    """
    found = dict(records)
    broken: list[str] = []
    manifests: list[tuple[int, int, list[Entry], bytes]] = []
    for slot in (b"%d" % n for n in range(SLOTS)):
        blob = found.get(b"%b/%b" % (slot, MANIFEST))
        if blob is not None:
            try:
                manifests.append((*_manifest(blob), slot))
            except CodecError as error:
                broken.append(f"the manifest in slot {slot.decode()}: {error}")
    for generation, made_ms, entries, slot in sorted(manifests, reverse=True):
        try:
            hashes = [_collect(found, slot, generation, *entry) for entry in entries]
            return Snapshot(generation, made_ms, hashes, broken)
        except CodecError as error:
            broken.append(f"copy {generation}: {error}")
    if broken:
        raise CodecError("; ".join(broken), "backup", "no copy is whole")
    return None


def newest_number(records: Iterable[Record]) -> int:
    """Find the highest number of a copy among records, be it whole or not; 0 when there is none.

    Memory: the manifests.
    """
    manifests = {key: blob for key, blob in records if key.endswith(b"/" + MANIFEST)}
    numbers = [0]
    for blob in manifests.values():
        with suppress(CodecError):  # what cannot be read is never the newest for anybody
            numbers.append(_manifest(blob)[0])
    return max(numbers)


@making_sense("manifest")
def _manifest(blob: bytes) -> tuple[int, int, list[Entry]]:
    generation, made_ms, entries = load(blob, "manifest")
    read = [((str(w[0]), str(w[1]), int(w[2])), int(n), b"%b" % d) for w, n, d in entries]
    return int(generation), int(made_ms), read


@making_sense("piece")
def _collect(
    found: dict[bytes, bytes], slot: bytes, generation: int, what: What, count: int, digest: bytes
) -> Kept:
    parts = []
    for number in range(count):
        blob = found.get(b"%b/%b/%d" % (slot, _tag(what), number))
        if blob is None:
            raise CodecError(f"piece {number} of {what[0]} {what[1]} is missing", "backup")
        of, piece = load(blob, "piece")
        if of != generation:
            raise CodecError(f"piece {number} of {what[0]} {what[1]} is of copy {of}", "backup")
        parts.append(piece)
    whole = b"".join(parts)
    if _digest(whole) != digest:
        raise CodecError(f"the pieces of {what[0]} {what[1]} do not make what was cut", "backup")
    return unpack_kept(whole)


def _tag(what: What) -> bytes:
    """Stand for a name in a key; names come from events and are never pasted."""
    return blake2b(repr(tuple(what)).encode(), digest_size=16).hexdigest().encode()


def _digest(blob: bytes) -> bytes:
    return blake2b(blob, digest_size=16).digest()

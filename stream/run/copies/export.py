"""The canonical export of the state: the same state gives the same bytes, and the file can be restored from.

What depends on when something was written, and not on what is known, is left out: epochs and commit ids, panes that
are evaluated and only wait for their deletion, entries whose deletion was lost, the order in which references came in,
and whether a pane was begun before its worker had heard of the reference: then its values are still raw, and are binned
here as the evaluator would (but for a sample, which is only settled when all partitions are merged).

File: a line of text, one of JSON that tells what the events of each topic are, then each hash as a length of four bytes
(little-endian) and a frame of the codec. Nothing in it names the app, so that a state can be moved.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from stream.errors import CodecError, FileError
from stream.evaluate.model_state import needed_from, pending_fields
from stream.ingest.pane import Binned, Pane
from stream.ingest.partition import models_of, pane_fields
from stream.reference.binning import bin_raw
from stream.reference.book import Book
from stream.reference.fleet import unlinked
from stream.reference.reference import Reference
from stream.state.codec import CONTENT_MAX
from stream.state.fields import index_field, pane_field, rows_field
from stream.state.kept import FLEET, Kept, pack_kept, unpack_kept
from stream.state.versions import dump, load
from stream.summaries.raw_values import Raw
from stream.words import Kind

__all__ = ["Export", "Written", "canonical", "read_export", "write_export"]

HEAD = b"driftbus state 1\n"
LENGTH_BYTES = 4
LINE_BYTES_MAX = 1 << 16
FRAME_BYTES_MAX = CONTENT_MAX + 1_000


class Written(NamedTuple):
    """What was written: how many bytes, and their digest."""

    size: int
    sha256: str


class Export(NamedTuple):
    """A state: its hashes in their order, and what the events of each topic are."""

    kinds: dict[str, Kind]
    hashes: list[Kept]


def canonical(hashes: Iterable[Kept], kinds: Mapping[str, Kind]) -> Export:
    """Bring hashes to the form in which equal states are equal.

    Args:
        hashes: of one cut (`census.take_cut`), in any order.
        kinds: what the events of a topic are.
    """
    ordered = sorted(hashes, key=lambda kept: kept.what)
    book = Book(
        Reference.unpack(v) for k in ordered for f, v in k.fields.items() if _is_reference(k, f)
    )
    needed = {k.what[1]: needed_from(k.base) for k in ordered if k.what[0] == "model"}
    made = []
    for kept in ordered:
        of, name, _ = kept.what
        if of == "partition":
            first = {model: bases[kinds[name]] for model, bases in needed.items()}
            fields = _partition(kept.fields, first, kinds[name], book)
        elif of == "model":
            gone = pending_fields(name, kept.fields)
            fields = {f: v for f, v in kept.fields.items() if f not in gone}
        elif of == "models":
            fields = dict(kept.fields)
        else:
            fields = _fleet(kept.fields)
        made.append(kept._replace(fields=dict(sorted(fields.items()))))
    return Export(dict(sorted(kinds.items())), made)


def _is_reference(kept: Kept, field: bytes) -> bool:
    """Whether a field holds a reference of the fleet."""
    return kept.what == FLEET and field.startswith(b"s:")


def _partition(
    fields: Mapping[bytes, bytes], first: Mapping[str, int], kind: Kind, book: Book
) -> dict[bytes, bytes]:
    """Keep the panes that are not evaluated; `first` is the first such of a model, all are of one that has none."""
    kept = {
        field: value
        for field, value in fields.items()
        if field[:2] not in (b"p:", b"u:", b"r:", b"i:")
    }
    for model in models_of(fields):
        index = np.asarray(load(fields[index_field(model)], "index"), dtype=np.int64)
        if model in first:
            index = index[index >= first[model]]
        there = [n for n in index.tolist() if pane_field(model, n) in fields]
        kept[index_field(model)] = dump("index", np.array(there, dtype=np.int64))
        for number in there:
            rows = rows_field(model, number)
            places = [fields.get(field) for field in pane_fields(model, number)]
            kept[pane_field(model, number)] = _binned(model, number, places, kind, book)
            if rows in fields:
                kept[rows] = fields[rows]
    return kept


def _binned(
    model: str, number: int, places: Sequence[bytes | None], kind: Kind, book: Book
) -> bytes:
    """Put a pane into one place, and bin what is raw in it and has a reference by now."""
    pane = Pane.join(model, places, None)
    for series, entry in pane.entries.items():
        reference = book.find(series, kind, number)
        if isinstance(entry, Raw) and not entry.dropped and reference is not None:
            pane.entries[series] = Binned(reference.digest, bin_raw(reference, entry))
    return pane.pack()


def _fleet(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Number the references anew, in an order of their own."""
    entered = sorted(unlinked(value) for field, value in fields.items() if field.startswith(b"r:"))
    kept = {field: value for field, value in fields.items() if not field.startswith(b"r:")}
    return kept | {b"r:%d" % number: value for number, value in enumerate(entered)}


def write_export(path: Path, export: Export) -> Written:
    """Write a file, under another name first, so that a half-written one never counts.

    Raises:
        FileError: it cannot be written.
    """
    partial, digest, size = path.with_name(path.name + ".partial"), sha256(), 0
    try:
        with partial.open("wb") as out:
            for part in _parts(export):
                out.write(part)
                digest.update(part)
                size += len(part)
        partial.replace(path)
    except OSError as error:
        told = f"cannot be written ({error.strerror})"
        raise FileError(told, str(path), "check the folder and its space") from None
    finally:
        partial.unlink(missing_ok=True)
    return Written(size, digest.hexdigest())


def _parts(export: Export) -> Iterator[bytes]:
    yield HEAD
    yield orjson.dumps({topic: kind.value for topic, kind in export.kinds.items()}) + b"\n"
    for kept in export.hashes:
        blob = pack_kept(kept)
        yield len(blob).to_bytes(LENGTH_BYTES, "little")
        yield blob


def read_export(path: Path) -> Export:
    """Read a file.

    Raises:
        FileError: it is missing, cut short, damaged, or no export.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(HEAD)) != HEAD:
                raise CodecError("it does not begin like one")
            kinds = _kinds(file.readline(LINE_BYTES_MAX))
            hashes = []
            while head := file.read(LENGTH_BYTES):
                length = int.from_bytes(head, "little")
                blob = file.read(length) if length <= FRAME_BYTES_MAX else b""
                if len(head) < LENGTH_BYTES or len(blob) < length:
                    raise CodecError("cut short")
                hashes.append(unpack_kept(blob))
            return Export(kinds, hashes)
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})", str(path), "check the path") from None
    except CodecError as error:
        todo = "make one with `driftbus state export`"
        raise FileError(f"is no export of the state ({error.what})", str(path), todo) from None


def _kinds(line: bytes) -> dict[str, Kind]:
    try:
        return {str(topic): Kind(kind) for topic, kind in orjson.loads(line).items()}
    except (ValueError, AttributeError) as error:
        raise CodecError("it does not tell what its topics are") from error

"""The canonical export of the state: the same state gives the same bytes, and the file can be restored from.

What depends on when something was written, and not on what is known, is left out: epochs and commit ids, panes that
are evaluated and only wait for their deletion, entries whose deletion was lost, the order in which references came in.

File: a line of text, then each hash as a length of four bytes (little-endian) and a frame of the codec.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stream.errors import CodecError, FileError
from stream.evaluate.model import needed_from, pending_fields
from stream.ingest.partition import models_of
from stream.state.fields import index_field, pane_field, rows_field
from stream.state.kept import Kept, pack_kept, unpack_kept
from stream.state.versions import dump, load
from stream.words import Kind

__all__ = ["Export", "canonical", "read_export", "write_export"]

HEAD = b"driftbus state 1\n"
LENGTH_BYTES = 4


class Export(NamedTuple):
    """What was written: how many bytes, and their digest."""

    size: int
    sha256: str


def canonical(hashes: Iterable[Kept], kinds: Mapping[str, Kind]) -> list[Kept]:
    """Bring hashes to the form in which equal states are equal.

    Args:
        hashes: of one cut (`census.take_cut`), in any order.
        kinds: what the events of a topic are.
    """
    ordered = sorted(hashes, key=lambda kept: kept.what)
    needed = {k.what[1]: needed_from(k.base) for k in ordered if k.what[0] == "model"}
    made = []
    for kept in ordered:
        of, name, _ = kept.what
        if of == "partition":
            first = {model: bases[kinds[name]] for model, bases in needed.items()}
            fields = _partition(kept.fields, first)
        elif of == "model":
            gone = pending_fields(name, kept.fields)
            fields = {f: v for f, v in kept.fields.items() if f not in gone}
        else:
            fields = _fleet(kept.fields)
        made.append(kept._replace(fields=dict(sorted(fields.items()))))
    return made


def _partition(fields: Mapping[bytes, bytes], first: Mapping[str, int]) -> dict[bytes, bytes]:
    """Keep the panes that are not evaluated; `first` is the first such of a model, all are of one that has none."""
    kept = {
        field: value for field, value in fields.items() if field[:2] not in (b"p:", b"r:", b"i:")
    }
    for model in models_of(fields):
        index = np.asarray(load(fields[index_field(model)], "index"), dtype=np.int64)
        if model in first:
            index = index[index >= first[model]]
        there = [n for n in index.tolist() if pane_field(model, n) in fields]
        kept[index_field(model)] = dump("index", np.array(there, dtype=np.int64))
        for number in there:
            for field in (pane_field(model, number), rows_field(model, number)):
                if field in fields:
                    kept[field] = fields[field]
    return kept


def _fleet(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Number the references anew, in an order of their own."""
    entered = sorted(value for field, value in fields.items() if field.startswith(b"r:"))
    kept = {field: value for field, value in fields.items() if not field.startswith(b"r:")}
    return kept | {b"r:%d" % number: value for number, value in enumerate(entered)}


def write_export(path: Path, hashes: Iterable[Kept]) -> Export:
    """Write a file of hashes, under another name first, so that a half-written one never counts.

    Raises:
        FileError: it cannot be written.
    """
    partial, digest, size = path.with_name(path.name + ".partial"), sha256(), 0
    try:
        with partial.open("wb") as out:
            for part in _parts(hashes):
                out.write(part)
                digest.update(part)
                size += len(part)
        partial.replace(path)
    except OSError as error:
        told = f"cannot be written ({error.strerror})"
        raise FileError(told, str(path), "check the folder and its space") from None
    finally:
        partial.unlink(missing_ok=True)
    return Export(size, digest.hexdigest())


def _parts(hashes: Iterable[Kept]) -> Iterator[bytes]:
    yield HEAD
    for kept in hashes:
        blob = pack_kept(kept)
        yield len(blob).to_bytes(LENGTH_BYTES, "little")
        yield blob


def read_export(path: Path) -> list[Kept]:
    """Read the hashes of a file.

    Raises:
        FileError: it is missing, cut short, damaged, or no export.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(HEAD)) != HEAD:
                raise CodecError("it does not begin like one")
            hashes = []
            while head := file.read(LENGTH_BYTES):
                length = int.from_bytes(head, "little")
                blob = file.read(length)
                if len(head) < LENGTH_BYTES or len(blob) < length:
                    raise CodecError("cut short")
                hashes.append(unpack_kept(blob))
            return hashes
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})", str(path), "check the path") from None
    except CodecError as error:
        todo = "make one with `driftbus state export`"
        raise FileError(f"is no export of the state ({error.what})", str(path), todo) from None

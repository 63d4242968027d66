"""What must be equal in two stores; who owns a hash may differ, and in which of two equal forms a thing is kept."""

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import orjson

from detectors.summaries.summary import Summary
from stream.evaluate.model_state import pending_fields
from stream.ingest.pane import Binned, Pane
from stream.ingest.partition import pane_fields
from stream.reference.binning import bin_raw
from stream.reference.book import Book
from stream.reference.fleet import Fleet
from stream.state.fields import CONSEQUENCES, STATE, model_tag
from stream.state.memory import MemoryStore
from stream.state.store import COMMIT, EPOCH
from stream.state.versions import load
from stream.summaries.unseen import dump_unseen
from stream.words import Kind

__all__ = ["Canonical"]

MAY_COME_BACK = (b"o:", b"w:", b"l:")
"""Of a model: what was deleted, and is there again when the store goes back a little; the next owner deletes it."""
LATER = (b"u:",)
"""Of a partition: what stands of a pane behind its whole."""
MODELS_BY_TAG = {model_tag(name): name for name in ("given", "pupil")}


class Canonical:
    """One store, for comparing. `first` is the first pane that matters: those before it may be deleted, or not yet."""

    def __init__(self, state: Mapping[str, Mapping[bytes, bytes]], first: int) -> None:
        self.state = state
        self.first = first
        store = MemoryStore()
        for field, value in state.get("{sim:fleet}", {}).items():
            store.put_if_absent("{sim:fleet}", field, value)
        fleet = Fleet(store, "sim")
        fleet.refresh()
        self.book: Book = fleet.book
        self.references = {reference.packed for reference in self.book.all()}

    def differences(self, other: "Canonical") -> Iterator[tuple[str, str]]:
        """Tell the keys and fields in which this one differs from the other."""
        for key in sorted(self.state.keys() | other.state.keys()):
            if key.endswith(":fleet}"):
                continue
            ours, theirs = self.fields(key), other.fields(key)
            for field in sorted(ours.keys() | theirs.keys()):
                a, b = ours.get(field), theirs.get(field)
                if a != b and (
                    a is None
                    or b is None
                    or self.plain(key, field, a) != other.plain(key, field, b)
                ):
                    what = (
                        "is not there"
                        if a is None
                        else "should not be there"
                        if b is None
                        else "differs"
                    )
                    yield key, f"{field.decode()} {what}"

    def fields(self, key: str) -> dict[bytes, bytes]:
        """Give the fields of a hash that matter."""
        found = self.state.get(key, {})
        gone: set[bytes] = set()
        if ":model:" in key and STATE in found:
            gone = pending_fields(load(found[STATE], "model")[0], found)
        kept = {
            field: value
            for field, value in found.items()
            if field not in (EPOCH, COMMIT, *gone)
            and field[:2] not in (*MAY_COME_BACK, *LATER)
            and not (field[:2] in (b"p:", b"r:") and _number(field) < self.first)
        }
        return {field: _in_one_place(field, value, found) for field, value in kept.items()}

    def plain(self, key: str, field: bytes, value: bytes) -> object:
        """Read a field into what it says, whatever its form."""
        if field == STATE and ":src:" in key:
            watermark, _ticks, *known, thinning = load(value, "partition")
            return watermark, *known, repr(thinning)
        if field[:2] == b"i:":
            kept = np.asarray(load(value, "index")).tolist()
            return [number for number in kept if number >= self.first]
        if field[:2] == b"p:":
            return self._pane(Kind(key.split(":")[2]), field, value)
        if field == CONSEQUENCES:
            return _without_told(load(value, "consequences"))
        return value

    def _pane(self, kind: Kind, field: bytes, value: bytes) -> object:
        """Bin what is raw in a pane for which there is a reference: whoever folded it did not know of it yet."""
        pane = Pane.unpack(MODELS_BY_TAG[field.split(b":")[1]], value, None)
        entries = []
        for series, entry in sorted(pane.entries.items()):
            reference = self.book.find(series, kind, _number(field))
            if isinstance(entry, Binned):
                entries.append((series, _binned(entry.digest, entry.summary)))
            elif reference is not None:
                entries.append((series, _binned(reference.digest, bin_raw(reference, entry))))
            else:
                entries.append((series, repr(entry.payload())))
        return pane.first, pane.last, entries


def _binned(digest: bytes, summary: Summary) -> str:
    return repr((digest, summary.counts.tolist(), summary.extremes.tolist(), dump_unseen(summary)))


def _in_one_place(field: bytes, value: bytes, found: Mapping[bytes, bytes]) -> bytes:
    """Put together what stands of a pane at several places; anything else is left as it is."""
    model = MODELS_BY_TAG.get(field.split(b":")[1]) if field[:2] == b"p:" else None
    if model is None:
        return value
    return _joined(model, tuple(found.get(at) for at in pane_fields(model, _number(field))))


@cache
def _joined(model: str, places: tuple[bytes | None, ...]) -> bytes:
    """Do so once: of most panes all schedules of a history have the same bytes."""
    return Pane.join(model, places, None).pack()


def _number(field: bytes) -> int:
    return int(field.rsplit(b":", 1)[1])


def _without_told(value: object) -> object:
    """Leave out how far time and lateness were when an alert was told."""
    if isinstance(value, bytes) and value.startswith(b'{"'):
        return _without_told(orjson.loads(value))
    if isinstance(value, dict):
        return {
            k: _without_told(v) for k, v in value.items() if k not in ("watermark", "late_dropped")
        }
    if isinstance(value, list | tuple):
        return [_without_told(v) for v in value]
    return value

"""Remembers what windows were judged to be, and what bytes say, from one schedule to the next.

Judging a window is a pure function of it, of the reference and of the windows that have joined its history since; it is
most of the work, tested elsewhere, and the same in every schedule that goes right. What a fault has changed is a
question not asked before, and is judged. So it is with panes and references that are read from the store: whoever
gathers panes merges them into something new, and nobody changes a reference.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from types import SimpleNamespace
from unittest.mock import patch

from detectors.alarms.signals import Readings, Scheme
from detectors.arrays import Flags, Floats
from detectors.comparisons.counting import CellsOf
from detectors.summaries.column import Column
from detectors.summaries.summary import Summary
from stream.evaluate.chains import chain
from stream.evaluate.judging import alarms
from stream.evaluate.judging.findings import Said
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.scores import Scores
from stream.evaluate.judging.signals import Signals, learn_signals
from stream.evaluate.judging.volume import Arrivals
from stream.evaluate.panes import gather
from stream.ingest import partition
from stream.ingest.pane import Pane, unpack_rows
from stream.reference import book, fleet
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.state import fields
from stream.state.versions import load
from stream.summaries.schema import Schema
from stream.words import Kind

__all__ = ["remembered"]

_Key = tuple[object, ...]


class _Scores(Scores):
    """Scores that judge each window once."""

    def __init__(
        self, reference: Reference, which: int, grown: Sequence[Summary], rules: Rules
    ) -> None:
        super().__init__(reference, which, grown, rules)
        self._told: dict[_Key, list[Said]] = {}
        self._volumes: dict[Arrivals, list[Said]] = {}

    def columns(self, summary: Summary, share: float) -> list[Said]:
        key = (*_bytes(summary), share)
        if key not in self._told:
            self._told[key] = super().columns(summary, share)
        return list(self._told[key])

    def volume(self, arrivals: Arrivals) -> list[Said]:
        if arrivals not in self._volumes:
            self._volumes[arrivals] = super().volume(arrivals)
        return list(self._volumes[arrivals])


class _Signals(Signals):
    """Signals that read each window once, and weigh each row of windows once."""

    def __init__(
        self, reference: Reference, batches: list[tuple[CellsOf, Scheme, list[int]]]
    ) -> None:
        super().__init__(reference, batches)
        self._read: dict[_Key, Readings] = {}
        self._weighed: dict[_Key, Floats] = {}

    def read(self, window: Summary | None) -> Readings:
        key = () if window is None else _bytes(window)
        if key not in self._read:
            self._read[key] = super().read(window)
        return self._read[key]

    def worth(self, readings: Readings) -> Floats:
        key = readings.x.tobytes(), readings.valid.tobytes(), readings.events.tobytes()
        if key not in self._weighed:
            self._weighed[key] = super().worth(readings)
        return self._weighed[key].copy()


_made: dict[_Key, _Scores] = {}
_schemas: dict[_Key, Schema] = {}
_signals: dict[_Key, tuple[_Signals, Readings]] = {}


def _scores(reference: Reference, which: int, grown: Sequence[Summary], rules: Rules) -> Scores:
    key = (reference.digest, which, *(part for summary in grown for part in _bytes(summary)))
    if key not in _made:
        _made[key] = _Scores(reference, which, grown, rules)
    return _made[key]


def _schema(kind: Kind, model: str, columns: Sequence[Column]) -> Schema:
    key = (kind, model, repr(columns))
    if key not in _schemas:
        _schemas[key] = Schema(kind, model, columns)
    return _schemas[key]


def _signals_of(reference: Reference, history: History, usual: Flags) -> tuple[_Signals, Readings]:
    key = (reference.digest, history.starts.tobytes(), usual.tobytes())
    if key not in _signals:
        learned, own = learn_signals(reference, history, usual)
        _signals[key] = _Signals(reference, learned.batches), own
    return _signals[key]


@cache
def _joined(model: str, places: tuple[bytes | None, ...], rows: bytes | None) -> Pane:
    return Pane.join(model, places, rows)


def _pane(model: str, places: Sequence[bytes | None], rows: bytes | None) -> Pane:
    return _joined(model, tuple(places), rows)


def _bytes(summary: Summary) -> tuple[bytes, bytes, bytes]:
    return (
        summary.counts.tobytes(), summary.extremes.tobytes(), b"%d %d" % tuple(summary.thinned),
    )  # fmt: skip


@contextmanager
def remembered() -> Iterator[None]:
    """Let the product ask the memory instead of judging and reading anew."""
    with ExitStack() as stack:
        for room, name, instead in _REMEMBERED:
            stack.enter_context(patch.object(room, name, instead))
        yield


_REMEMBERED = (
    (chain, "Scores", _scores),
    (alarms, "learn_signals", _signals_of),
    (book, "Schema", _schema),
    (fleet, "Reference", SimpleNamespace(unpack=cache(Reference.unpack))),
    (gather, "Pane", SimpleNamespace(join=_pane)),
    (gather, "unpack_rows", cache(unpack_rows)),
    (gather, "load", cache(load)),
    (partition, "load", cache(load)),
    (fields, "model_tag", cache(fields.model_tag)),
)
"""Where, what, and by what it is stood in for."""

"""Joins predictions with their labels by id, whatever partitions they came by, and gives the model's errors.

The state is the accepted rows, pane by pane, each pane written once; everything else is derived from them, so a reload
gives exactly what was held before.
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import isnan
from typing import NamedTuple

import numpy as np

from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Party, Rows, Said
from stream.words import Series

__all__ = ["Join", "JoinCounters", "JoinRules"]

PREDICTION, LABEL = 0, 1
NO_PANE = 2**62
Value = tuple[float, int]
"""A number, and the hash of a text (0: none)."""


@dataclass(frozen=True, slots=True)
class JoinRules:
    """How long a row waits, and how many rows of a model may."""

    wait_ms: int
    waiting_max: int
    pane_ms: int


@dataclass(slots=True)
class JoinCounters:
    """What the join has counted since its first pane."""

    joined: int = 0
    repeats: int = 0
    expired: int = 0
    evicted: int = 0


class _Held(NamedTuple):
    """An accepted row; `joined` if its other half was there before it."""

    pane: int
    value: Value
    party: Party
    joined: bool


class _Row(NamedTuple):
    side: int
    id: int
    ts: int
    value: Value
    party: Party
    carried: Value | None
    joined: bool = False


class Join:
    """The join of one model. `step` takes panes in order and gives raw errors by series.

    The first prediction and the first label of an id win, by pane, then by time; repeats are counted. A row leaves
    when its pane is more than `wait_ms` old, or when the model holds more than `waiting_max` rows, whole panes at a
    time, oldest first; predictions that leave without a label are counted.
    Memory: about 300 B a held row.
    """

    def __init__(self, model: str, rules: JoinRules) -> None:
        self.model = model
        self.rules = rules
        self.counters = JoinCounters()
        self._halves: dict[int, list[_Held | None]] = {}
        self._panes: OrderedDict[int, list[tuple[int, int]]] = OrderedDict()
        self._rows = 0

    def step(
        self, number: int, predictions: Rows | None, labels: Rows | None
    ) -> tuple[dict[Series, Raw], bytes | None, list[int]]:
        """Take in a pane.

        Returns:
            The errors that belong to this pane, by series; the accepted rows as bytes (None: none); and the panes whose
            rows are held no longer.
        """
        errors: dict[Series, Raw] = {}
        accepted: list[_Row] = []
        dropped = self._expire(number)
        for row in _in_order(predictions, labels):
            if row.carried is not None:  # a label that brings its prediction needs no join
                self._tell(errors, row.party, _error(row.carried, row.value))
                continue
            halves = self._halves.setdefault(row.id, [None, None])
            if halves[row.side] is not None:
                self.counters.repeats += 1
                continue
            accepted.append(row._replace(joined=halves[1 - row.side] is not None))
            self._hold(number, accepted[-1])
            prediction, label = halves
            if prediction is not None and label is not None:
                self._tell(errors, prediction.party, _error(prediction.value, label.value))
        dropped += self._expire(number)
        return errors, _pack(accepted) if accepted and number not in dropped else None, dropped

    def restore(self, number: int, blob: bytes) -> None:
        """Hold the accepted rows of a pane again; panes in ascending order."""
        for row in _unpack(blob):
            self._hold(number, row)

    def __len__(self) -> int:
        return self._rows

    def first_pane(self) -> int:
        """Tell the oldest pane of which rows are held; one after all others when none are."""
        return next(iter(self._panes), NO_PANE)

    def _hold(self, number: int, row: _Row) -> None:
        self._halves.setdefault(row.id, [None, None])[row.side] = _Held(
            number, row.value, row.party, row.joined
        )
        self._panes.setdefault(number, []).append((row.id, row.side))
        self._rows += 1

    def _tell(self, errors: dict[Series, Raw], party: Party, error: float) -> None:
        self.counters.joined += 1
        version, segment = party
        for part in {(), segment}:
            raw = errors.setdefault(Series(self.model, version, part), Raw())
            raw.add({"error": error}, rows_max=2**62)

    def _expire(self, number: int) -> list[int]:
        oldest = number - self.rules.wait_ms // self.rules.pane_ms
        dropped = []
        while self._panes and (
            next(iter(self._panes)) < oldest or self._rows > self.rules.waiting_max
        ):
            pane, held = self._panes.popitem(last=False)
            dropped.append(pane)
            self._rows -= len(held)
            for identity, side in held:
                halves = self._halves[identity]
                row, halves[side] = halves[side], None
                if halves[1 - side] is None:
                    del self._halves[identity]
                    if side == PREDICTION and row is not None and not row.joined:
                        if pane < oldest:
                            self.counters.expired += 1
                        else:
                            self.counters.evicted += 1
        return dropped


def _in_order(predictions: Rows | None, labels: Rows | None) -> list[_Row]:
    """Give the rows of a pane, predictions first, each kind by time."""
    told = []
    for side, rows in ((PREDICTION, predictions), (LABEL, labels)):
        if rows is None:
            continue
        carried = [
            None if isnan(number) and not text else (number, text)
            for number, text in _values(rows.carried)
        ]
        told += [
            _Row(side, identity, ts, value, rows.parties[who], brought)
            for identity, ts, value, who, brought in zip(
                rows.id.tolist(),
                rows.ts.tolist(),
                _values(rows.value),
                rows.who.tolist(),
                carried,
                strict=True,
            )
        ]
    return told


def _values(said: Said) -> list[Value]:
    return list(zip(said.number.tolist(), said.text.tolist(), strict=True))


def _error(prediction: Value, label: Value) -> float:
    """Tell |prediction - label| of two numbers, else 1 if they differ."""
    if not isnan(prediction[0]) and not isnan(label[0]):
        return abs(prediction[0] - label[0])
    return float(prediction[1] != label[1])


def _pack(rows: list[_Row]) -> bytes:
    parties = sorted({row.party for row in rows})
    number = {party: i for i, party in enumerate(parties)}
    return dump("join", [
        parties,
        np.array([row.side for row in rows], dtype=np.int64),
        np.array([row.id for row in rows], dtype=np.uint64),
        np.array([row.value[0] for row in rows], dtype=np.float64),
        np.array([row.value[1] for row in rows], dtype=np.uint64),
        np.array([number[row.party] for row in rows], dtype=np.int64),
        np.array([row.joined for row in rows], dtype=np.bool_),
    ])  # fmt: skip


@making_sense("join")
def _unpack(blob: bytes) -> list[_Row]:
    held = load(blob, "join")
    parties = [(version, tuple((k, v) for k, v in segment)) for version, segment in held[0]]
    sides, ids, numbers, texts, who, joined = (np.asarray(column).tolist() for column in held[1:])
    return [
        _Row(side, identity, 0, (number, text), parties[party], None, met)
        for side, identity, number, text, party, met in zip(
            sides, ids, numbers, texts, who, joined, strict=True
        )
    ]

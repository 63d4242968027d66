"""Joins predictions with their labels by id, whatever partitions they came by, and gives the model's errors.

The state is the accepted rows, pane by pane, each pane written once; everything else is derived from them, so a reload
gives exactly what was held before.
"""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from stream.evaluate.panes.errors import Errors, errors_of
from stream.evaluate.panes.half import Half, Held
from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows, Said
from stream.words import Series

__all__ = ["Join", "JoinCounters", "JoinRules"]

PREDICTION, LABEL = 0, 1
NO_PANE = 2**62


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


class Join:
    """The join of one model. `step` takes panes in order and gives raw errors by series.

    The first prediction and the first label of an id win, by pane, then by time; repeats are counted. A row leaves
    when its pane is more than `wait_ms` old, or when the model holds more than `waiting_max` rows, whole panes at a
    time, oldest first; predictions that leave without a label are counted.
    Cost: about 2 us a row where every label meets its prediction.
    """

    def __init__(self, model: str, rules: JoinRules) -> None:
        self.model = model
        self.rules = rules
        self.counters = JoinCounters()
        self._predictions, self._labels = Half(), Half()
        self._panes: OrderedDict[int, int] = OrderedDict()

    def step(
        self, number: int, predictions: Rows | None, labels: Rows | None
    ) -> tuple[dict[Series, Raw], bytes | None, list[int]]:
        """Take in a pane.

        Returns:
            The errors that belong to this pane, by series; the accepted rows as bytes (None: none); and the panes whose
            rows are held no longer.
        """
        errors = Errors(self.model)
        dropped = self._expire(number)
        if labels is not None:
            labels = self._tell_carried(labels, errors)
        came = self._accept(predictions, self._predictions, self._labels)
        self._hold(number, self._predictions, came)
        met = self._labels.find(came.id)
        self._tell(errors, came.take(met >= 0), self._labels.at(met[met >= 0]))
        answers = self._accept(labels, self._labels, self._predictions)
        self._hold(number, self._labels, answers)
        met = self._predictions.find(answers.id)
        self._tell(errors, self._predictions.at(met[met >= 0]), answers.take(met >= 0))
        dropped += self._expire(number)
        kept = number in self._panes
        return errors.by_series(), _pack(came, answers) if kept else None, dropped

    def restore(self, number: int, blob: bytes) -> None:
        """Hold the accepted rows of a pane again; panes in ascending order."""
        for half, rows in zip((self._predictions, self._labels), _unpack(blob), strict=True):
            self._hold(number, half, rows)

    def __len__(self) -> int:
        return sum(self._panes.values())

    def first_pane(self) -> int:
        """Tell the oldest pane of which rows are held; one after all others when none are."""
        return next(iter(self._panes), NO_PANE)

    def _accept(self, rows: Rows | None, own: Half, other: Half) -> Held:
        """Choose the rows whose ids are new, and of equal ids the first; the others are repeats."""
        if rows is None:
            return Held.none()
        _, first = np.unique(rows.id, return_index=True)
        first.sort()
        chosen = first[own.find(rows.id[first]) < 0]
        self.counters.repeats += len(rows) - len(chosen)
        new = rows.take(chosen)
        joined = other.find(new.id) >= 0
        return Held(new.id, new.value.number, new.value.text, new.who, joined, tuple(new.parties))

    def _hold(self, number: int, half: Half, rows: Held) -> None:
        if len(rows.id):
            half.add(number, rows)
            self._panes[number] = self._panes.get(number, 0) + len(rows.id)

    def _tell_carried(self, labels: Rows, errors: Errors) -> Rows:
        """Tell the errors of labels that bring their prediction, which need no join; give the others."""
        carried = ~np.isnan(labels.carried.number) | (labels.carried.text != 0)
        if carried.any():
            of = labels.take(carried)
            self.counters.joined += len(of)
            errors.add(of.parties, of.who, errors_of(of.carried, of.value))
            labels = labels.take(~carried)
        return labels

    def _tell(self, errors: Errors, predictions: Held, labels: Held) -> None:
        self.counters.joined += len(predictions.id)
        told = errors_of(
            Said(predictions.number, predictions.text), Said(labels.number, labels.text)
        )
        errors.add(predictions.parties, predictions.who, told)

    def _expire(self, number: int) -> list[int]:
        oldest = number - self.rules.wait_ms // self.rules.pane_ms
        dropped = []
        while self._panes and (
            next(iter(self._panes)) < oldest or len(self) > self.rules.waiting_max
        ):
            pane, _ = self._panes.popitem(last=False)
            dropped.append(pane)
            gone = self._predictions.drop(pane)
            alone = int(np.sum(~gone.joined & (self._labels.find(gone.id) < 0)))
            self._labels.drop(pane)
            if pane < oldest:
                self.counters.expired += alone
            else:
                self.counters.evicted += alone
        return dropped


def _pack(predictions: Held, labels: Held) -> bytes | None:
    rows, sides = Held.concat([predictions, labels]), [PREDICTION, LABEL]
    if not len(rows.id):
        return None
    side = np.repeat(sides, [len(predictions.id), len(labels.id)]).astype(np.int64)
    return dump(
        "join", [rows.parties, side, rows.id, rows.number, rows.text, rows.who, rows.joined]
    )


@making_sense("join")
def _unpack(blob: bytes) -> tuple[Held, Held]:
    parties, side, ids, numbers, texts, who, joined = load(blob, "join")
    known = tuple((version, tuple((k, v) for k, v in segment)) for version, segment in parties)
    places = np.array(who, dtype=np.int64)
    if len(places) and not 0 <= places.min() <= places.max() < len(known):
        raise ValueError("a row of no party")
    rows = Held(
        np.array(ids, dtype=np.uint64), np.array(numbers, dtype=np.float64), np.array(texts, dtype=np.uint64),
        places, np.array(joined, dtype=np.bool_), known,
    )  # fmt: skip
    if {len(column) for column in rows[:-1]} != {len(side)}:
        raise ValueError("columns of several lengths")
    first = np.asarray(side) == PREDICTION
    return rows.take(first), rows.take(~first)

"""Rows of predictions and labels, kept by hash for the join."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.hashing import hash_texts
from stream.state.small_ints import pack_ints, unpack_ints
from stream.words import Segment

__all__ = ["Party", "Rows", "Said", "hash_texts", "renumbered", "said"]

NUMBER_MAX = 1.7e308
"""Numbers from here on have no value: their differences need not be numbers."""
Party = tuple[str, Segment]
"""A version and a segment: whose prediction it was."""


class Said(NamedTuple):
    """Values as the join compares them: a number, or the hash of a text (0: none). Neither: no value."""

    number: NDArray[np.float64]
    text: NDArray[np.uint64]


class Rows:
    """Rows of one kind of one model and pane, in any order.

    `id` uint64, `ts` int64, `who` int64 (index into `parties`), `value` and `carried` Said: what was predicted or
    labelled, and for labels the prediction that came along.
    """

    __slots__ = ("carried", "id", "parties", "ts", "value", "who")

    def __init__(
        self, parties: Sequence[Party], who: NDArray[np.int64], identity: NDArray[np.uint64], ts: NDArray[np.int64],
        value: Said, carried: Said,
    ) -> None:  # fmt: skip
        self.parties = list(parties)
        self.who = who
        self.id = identity
        self.ts = ts
        self.value = value
        self.carried = carried

    def __len__(self) -> int:
        return len(self.id)

    def take(self, chosen: NDArray[Any]) -> "Rows":
        """Keep the chosen rows (a mask, or positions)."""
        value = Said(self.value.number[chosen], self.value.text[chosen])
        carried = Said(self.carried.number[chosen], self.carried.text[chosen])
        return Rows(
            self.parties, self.who[chosen], self.id[chosen], self.ts[chosen], value, carried
        )

    @classmethod
    def concat(cls, parts: Sequence["Rows"]) -> "Rows":
        """Put rows of several partitions together; the parties that have rows are numbered anew, in sorted order."""
        parties, who = renumbered([(part.parties, part.who) for part in parts])
        return cls(
            parties, who,
            np.concatenate([p.id for p in parts]), np.concatenate([p.ts for p in parts]),
            Said(np.concatenate([p.value.number for p in parts]), np.concatenate([p.value.text for p in parts])),
            Said(np.concatenate([p.carried.number for p in parts]), np.concatenate([p.carried.text for p in parts])),
        )  # fmt: skip

    def in_order(self) -> "Rows":
        """Sort by time, then by all the rest, so that the order does not depend on partitions."""
        order = np.lexsort((self.id, self.ts))
        same = (np.diff(self.ts[order]) == 0) & (np.diff(self.id[order]) == 0)
        if not same.any():
            return self.take(order)
        return self.take(np.lexsort((*self._rest(), self.id, self.ts)))

    def smallest(self, n: int) -> "Rows":
        """Keep the n rows of the smallest ids: the same of predictions and labels, in whatever order they came."""
        bar = np.partition(self.id, n - 1)[n - 1] if 0 < n <= len(self) else None
        if bar is None:
            return self.take(np.arange(min(n, len(self))))
        below, at = np.flatnonzero(self.id < bar), np.flatnonzero(self.id == bar)
        ties = self.take(at)
        first = np.lexsort((*ties._rest(), ties.ts))[: n - len(below)]
        return self.take(np.sort(np.concatenate([below, at[first]])))

    def _rest(self) -> tuple[NDArray[Any], ...]:
        carried, number = self.carried.number.view(np.int64), self.value.number.view(np.int64)
        return carried, self.carried.text, number, self.value.text, self.who

    def payload(self) -> list[object]:
        """Give the rows as plain values and arrays, for the codec; what no row has is left out."""
        value, carried = self.value, self.carried
        return [
            self.parties, pack_ints(self.who), self.id, pack_ints(np.diff(self.ts, prepend=0)),
            *_held(value), *_held(carried),
        ]  # fmt: skip

    @classmethod
    def from_payload(cls, payload: Any) -> "Rows":
        """Read what `payload` gave."""
        parties = [(version, tuple((k, v) for k, v in segment)) for version, segment in payload[0]]
        _, who, identity, ts, *said = payload
        n = len(identity)
        whose = unpack_ints(who, n)
        if n and not 0 <= whose.min() <= whose.max() < len(parties):
            raise ValueError("a row of no party")
        times = np.cumsum(unpack_ints(ts, n))
        return cls(parties, whose, identity, times, _said(n, *said[:2]), _said(n, *said[2:]))


def renumbered(
    parts: Sequence[tuple[Sequence[Party], NDArray[np.int64]]],
) -> tuple[list[Party], NDArray[np.int64]]:
    """Number anew the parties of parts that are put behind each other: those that have rows, sorted, and each row's."""
    parties = sorted({own[i] for own, who in parts for i in np.unique(who).tolist()})
    number = {party: i for i, party in enumerate(parties)}
    told = [
        np.array([number.get(party, -1) for party in own], dtype=np.int64)[who]
        for own, who in parts
    ]
    return parties, np.concatenate(told)


def _held(said: Said) -> list[object]:
    """Give numbers and texts, or nothing in place of those of which there is none."""
    numbers, texts = not np.isnan(said.number).all(), said.text.any()
    return [said.number if numbers else [], said.text if texts else []]


def _said(n: int, number: Any, text: Any) -> Said:
    numbers = np.array(number, dtype=np.float64) if len(number) else np.full(n, np.nan)
    texts = np.array(text, dtype=np.uint64) if len(text) else np.zeros(n, dtype=np.uint64)
    if not len(numbers) == len(texts) == n:
        raise ValueError("columns of several lengths")
    return Said(numbers, texts)


def said(values: Sequence[object]) -> Said:
    """Give values as the join compares them; what is neither a finite number nor a text has no value.

    Cost: about 60 ns a value where all are floats or missing.
    """
    n = len(values)
    types = set(map(type, values))
    if types <= {float, type(None)}:
        number = np.array(values, dtype=np.float64)
        number[~(np.abs(number) < NUMBER_MAX)] = np.nan
        return Said(number, np.zeros(n, dtype=np.uint64))
    number, text = np.full(n, np.nan), np.zeros(n, dtype=np.uint64)
    words: list[int] = []
    for i, value in enumerate(values):
        if isinstance(value, str):
            words.append(i)
        elif (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) < NUMBER_MAX
        ):
            number[i] = value
    if words:
        text[words] = np.maximum(hash_texts([str(values[i]) for i in words]), np.uint64(1))
    return Said(number, text)

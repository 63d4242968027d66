"""Rows of predictions and labels, kept by hash for the join."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.hashing import hash_texts
from stream.words import Segment

__all__ = ["Party", "Rows", "Said", "hash_texts", "said"]

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
        parties = sorted({part.parties[i] for part in parts for i in np.unique(part.who).tolist()})
        number = {party: i for i, party in enumerate(parties)}
        who = [
            np.array([number.get(p, -1) for p in part.parties], dtype=np.int64)[part.who]
            for part in parts
        ]
        return cls(
            parties, np.concatenate(who),
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
        return self.take(np.lexsort((*self._rest(), self.ts, self.id))[:n])

    def _rest(self) -> tuple[NDArray[Any], ...]:
        carried, number = self.carried.number.view(np.int64), self.value.number.view(np.int64)
        return carried, self.carried.text, number, self.value.text, self.who

    def payload(self) -> list[object]:
        """Give the rows as plain values and arrays, for the codec."""
        return [
            self.parties, self.who, self.id, self.ts,
            self.value.number, self.value.text, self.carried.number, self.carried.text,
        ]  # fmt: skip

    @classmethod
    def from_payload(cls, payload: Any) -> "Rows":
        """Read what `payload` gave."""
        parties = [(version, tuple((k, v) for k, v in segment)) for version, segment in payload[0]]
        _, who, identity, ts, number, text, carried_number, carried_text = payload
        return cls(
            parties, who, identity, ts, Said(number, text), Said(carried_number, carried_text)
        )


def said(values: Sequence[object]) -> Said:
    """Give values as the join compares them; what is neither a finite number nor a text has no value."""
    number = np.full(len(values), np.nan)
    text = np.zeros(len(values), dtype=np.uint64)
    words: list[int] = []
    for i, value in enumerate(values):
        if isinstance(value, str):
            words.append(i)
        elif (
            isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1.7e308
        ):
            number[i] = value
    if words:
        text[words] = np.maximum(hash_texts([str(values[i]) for i in words]), np.uint64(1))
    return Said(number, text)

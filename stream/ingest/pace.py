"""How many events a record key has a minute, so that a rare one is not thinned below its floor.

Why not simply keep the first so many of each minute: these would tell of its first seconds only, and the others at the
rate would be added to them unweighted. Instead all events of a key in a minute are kept at one rate, which follows from
how many it had in the minute *before*: no event's own fate plays a part in it, so the sample is one without bias.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

__all__ = ["MINUTE_MS", "Pace"]

MINUTE_MS = 60_000


class Pace:
    """The counts of keys in this minute and the one before, by the log's own stamps: the greatest so far is the time.

    What is not known before decoding is an event's own time, and offsets do not tell how long a block of them lasts.
    Keys are told apart by 32 bits; two that share these share a count. First come, first served: at most `keys_max`,
    each for as long as it has events, at least two minutes.

    Memory and state: 20 bytes a key. Cost: about 0.3 us a message.
    """

    def __init__(self, floor: float, keys_max: int) -> None:
        self._floor = floor
        self._keys_max = keys_max
        self._time_ms = -1
        self._keys = np.zeros(0, dtype=np.uint32)
        self._before = np.zeros(0, dtype=np.int64)
        self._now = np.zeros(0, dtype=np.int64)

    def take(self, keys: Sequence[bytes | None], stamps: NDArray[np.int64]) -> NDArray[np.float64]:
        """Count messages, in the order of the log, and give the rate below which each must not be thinned.

        A power of 1/2; 1 for a key that had nothing in the minute before, 0 for messages without a key, and for keys
        for which there is no room.
        """
        named = np.fromiter((key is not None for key in keys), np.bool_, len(keys))
        hashed = np.fromiter((crc32(key or b"") for key in keys), np.uint32, len(keys))
        times = np.maximum.accumulate(np.concatenate([[self._time_ms], stamps]))[1:]
        minutes = times // MINUTE_MS
        cuts = [0, *(np.flatnonzero(np.diff(minutes)) + 1).tolist(), len(minutes)]
        rates = np.zeros(len(keys))
        for first, end in pairwise(cuts):
            self._pass_to(int(minutes[first]))
            self._time_ms = int(times[end - 1])
            part = slice(first, end)
            rates[part][named[part]] = self._count(hashed[part][named[part]])
        return rates

    def _pass_to(self, minute: int) -> None:
        """Begin another minute, where one has begun; who had nothing in the last one leaves."""
        passed = minute - self._time_ms // MINUTE_MS
        if passed <= 0:
            return
        staying = self._now > 0 if passed == 1 else np.zeros(len(self._keys), np.bool_)
        self._keys, self._before = self._keys[staying], self._now[staying]
        self._now = np.zeros(len(self._keys), dtype=np.int64)

    def _count(self, hashed: NDArray[np.uint32]) -> NDArray[np.float64]:
        """Count keys of one minute and give their rates."""
        found, first, which, n = np.unique(
            hashed, return_index=True, return_inverse=True, return_counts=True
        )
        new = np.flatnonzero(~np.isin(found, self._keys))
        new = new[np.argsort(first[new])][: max(0, self._keys_max - len(self._keys))]
        self._enter(found[new])
        at = np.minimum(np.searchsorted(self._keys, found), len(self._keys) - 1)
        known = self._keys[at] == found if len(self._keys) else np.zeros(len(found), np.bool_)
        self._now[at[known]] += n[known]
        rates = np.zeros(len(found))
        rates[known] = _rates(self._floor, self._before[at[known]])
        return rates[which]

    def _enter(self, keys: NDArray[np.uint32]) -> None:
        merged = np.concatenate([self._keys, keys])
        order = np.argsort(merged)
        nothing = np.zeros(len(keys), dtype=np.int64)
        self._keys = merged[order]
        self._before = np.concatenate([self._before, nothing])[order]
        self._now = np.concatenate([self._now, nothing])[order]

    def payload(self) -> list[object]:
        """Give the state as plain values and arrays."""
        return [self._time_ms, self._keys.astype(np.int64), self._before, self._now]

    def restore(self, payload: Any) -> None:
        """Take what `payload` gave."""
        self._time_ms, keys, before, now = payload
        self._keys = np.array(keys, dtype=np.uint32)
        self._before = np.array(before, dtype=np.int64)
        self._now = np.array(now, dtype=np.int64)


def _rates(floor: float, events: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the lowest powers of 1/2 at which so many events leave at least the floor."""
    wanted = np.minimum(1.0, floor / np.maximum(events, 1))
    power = np.ceil(np.log2(wanted))
    return np.where(events > 0, np.exp2(power), 1.0)

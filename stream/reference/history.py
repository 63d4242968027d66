"""The windows that a reference was learned from, in time order, packed: they are read when it begins to judge."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from stream.state.small_ints import pack_ints, unpack_ints
from stream.state.small_tables import pack_table, shape_of_table, unpack_table

__all__ = ["History"]

CONSTANT, OTHER = (0.0, 0.0), (0.0, 1.0)
"""What stands for the extremes of a window of which all values are the same, and of any other."""


class History:
    """Window i starts at starts[i]; empty ones are in it, since silence is information.

    Holds counts of the `summaries`, what was left out beside them, `thinned`, and of their extremes whether the two
    are equal, which is all that is asked of windows gone by; not the values that are unseen in them. Some 15 to 25
    bytes a column and window, the same in memory and in the store. Cost of reading them: 10 us a window of 100 columns.

    One that was just made has its `extremes`, too, as the digest of a reference tells of them; one that was read from
    anywhere has what stands for them.
    """

    __slots__ = ("_constant", "_counts", "_extremes", "_numbers", "_starts", "_told")

    def __init__(self, starts: NDArray[np.int64], summaries: Sequence[Summary]) -> None:
        counts = [summary.counts for summary in summaries]
        extremes = [summary.extremes for summary in summaries]
        self._extremes: NDArray[np.float64] | None = np.stack(extremes) if extremes else None
        self._hold(
            starts,
            np.stack(counts) if counts else np.zeros((0, 0), np.int64),
            np.zeros((0, 0, 2)) if self._extremes is None else self._extremes,
            tuple(summary.thinned for summary in summaries),
        )

    def _hold(
        self, starts: NDArray[np.int64], counts: NDArray[np.int64], extremes: NDArray[np.float64],
        thinned: tuple[Thinned, ...],
    ) -> None:  # fmt: skip
        constant = extremes[..., 0] == extremes[..., 1]
        self._starts = pack_ints(_differences(_differences(starts)))
        self._counts = pack_table(counts)
        self._constant = pack_ints(constant.ravel().astype(np.int64))
        self._numbers = constant.shape[1]
        self._told = thinned if any(map(any, thinned)) else ()

    def __len__(self) -> int:
        return shape_of_table(self._counts)[0]

    @property
    def starts(self) -> NDArray[np.int64]:
        """[T] when the windows begin, in ms; this and what follows is made anew at each call."""
        return np.cumsum(np.cumsum(unpack_ints(self._starts, len(self))))

    @property
    def thinned(self) -> tuple[Thinned, ...]:
        """What was left out beside the events of each window."""
        return self._told or (Thinned(),) * len(self)

    @property
    def counts(self) -> NDArray[np.int64]:
        """[T, slots] `Summary.counts` of each window."""
        return unpack_table(self._counts)

    @property
    def extremes(self) -> NDArray[np.float64]:
        """[T, numbers, 2] `Summary.extremes` of each window, or what stands for them."""
        if self._extremes is not None:
            return self._extremes
        constant = unpack_ints(self._constant, len(self) * self._numbers).astype(np.bool_)
        stand = np.where(constant[:, None], np.array(CONSTANT), np.array(OTHER))
        return stand.reshape(len(self), self._numbers, 2)

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The windows."""
        parts = zip(self.counts, self.extremes, self.thinned, strict=True)
        return tuple(Summary(counts, extremes, thinned=left) for counts, extremes, left in parts)

    # -- state -------------------------------------------------------------------------------------------------------

    def payload(self) -> list[object]:
        """Give the windows as they are held, but for the extremes."""
        return [self._starts, self._counts, self._constant, *self._left_out()]

    def former_payload(self) -> list[object]:
        """Give the windows as arrays: references of version 1 had them so, and digests still tell of that."""
        arrays: list[object] = [x if len(x) else [] for x in (self.counts, self.extremes)]
        return [self.starts, *arrays, *self._left_out()]

    def _left_out(self) -> list[object]:
        return [[list(one) for one in self._told]] if self._told else []

    @classmethod
    def restore(cls, payload: Any, slots: int, numbers: int) -> "History":
        """Take what `payload` or `former_payload` gave of windows of so many slots and numbers.

        Raises:
            ValueError: they are none. What only shows when windows are read is left until then.
        """
        history = cls.__new__(cls)
        history._extremes = None
        starts, counts, extremes, *told = payload
        thinned = tuple(Thinned(*one) for one in told[0]) if told else ()
        if isinstance(counts, bytes):
            history._starts, history._counts, history._constant = starts, counts, b"%b" % extremes
            history._numbers, history._told = numbers, thinned
        else:
            T = len(starts)
            history._hold(
                np.array(starts, dtype=np.int64),
                np.array(counts, dtype=np.int64).reshape(T, slots),
                np.array(extremes, dtype=np.float64).reshape(T, numbers, 2),
                thinned,
            )
        T, width = shape_of_table(history._counts)
        if len(history.starts) != len(history.thinned) or (T and width != slots):
            raise ValueError(f"{T} windows of {width} slots, where a window has {slots}")
        return history


def _differences(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take off each number the one before it; what `cumsum` undoes."""
    return np.diff(values, prepend=np.int64(0))

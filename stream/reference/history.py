"""The windows that a reference was learned from, in time order, packed: they are read when it begins to judge."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned

__all__ = ["History"]


class History:
    """Window i starts at starts[i]; empty ones are in it, since silence is information.

    Holds counts and extremes of the `summaries`, and what was left out beside them, `thinned`, without the values that
    are unseen in them, some 10 to 40 bytes a column and window. Cost of reading them: 10 us a window of 100 columns.
    """

    __slots__ = ("_counts", "_extremes", "starts", "thinned")

    def __init__(self, starts: NDArray[np.int64], summaries: Sequence[Summary]) -> None:
        self.starts = starts
        told = tuple(summary.thinned for summary in summaries)
        self.thinned = told if any(map(any, told)) else (Thinned(),) * len(told)
        self._counts = _pack([summary.counts for summary in summaries])
        self._extremes = _pack([summary.extremes for summary in summaries])

    def __len__(self) -> int:
        return self._counts[1][0]

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The windows, made anew at each call."""
        parts = zip(self.counts, self.extremes, self.thinned, strict=True)
        return tuple(Summary(counts, extremes, thinned=left) for counts, extremes, left in parts)

    @property
    def counts(self) -> NDArray[np.int64]:
        """[T, slots] `Summary.counts` of each window."""
        return _unpack(self._counts, np.int64)

    @property
    def extremes(self) -> NDArray[np.float64]:
        """[T, numbers, 2] `Summary.extremes` of each window."""
        return _unpack(self._extremes, np.float64)


def _pack(arrays: Sequence[NDArray[Any]]) -> tuple[bytes, tuple[int, ...]]:
    """Compress arrays of 8-byte numbers; all first bytes come first, then all second ones, most of which are 0."""
    if not arrays:
        return b"", (0,)
    stacked = np.stack(arrays)
    by_byte = stacked.reshape(-1, 1).view(np.uint8).T
    return zlib.compress(by_byte.tobytes(), 1), stacked.shape


def _unpack(packed: tuple[bytes, tuple[int, ...]], dtype: type) -> NDArray[Any]:
    blob, shape = packed
    if not blob:
        return np.zeros(shape, dtype)
    by_byte = np.frombuffer(zlib.decompress(blob), np.uint8).reshape(8, -1)
    return np.ascontiguousarray(by_byte.T).view(dtype).reshape(shape)

"""The windows that a reference was learned from, in time order, packed: they are read when it begins to judge."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from stream.state.small_ints import pack_ints, unpack_ints
from stream.state.small_tables import pack_table, shape_of_table, unpack_table

__all__ = ["History"]

CONSTANT, OTHER = (0.0, 0.0), (0.0, 1.0)
"""What stands for the extremes of a window of which all values are the same, and of any other."""


class _Packed(NamedTuple):
    """Windows as they are stored, and the extremes where these are known."""

    starts: bytes
    counts: bytes
    constant: bytes
    told: tuple[Thinned, ...]
    extremes: NDArray[np.float64] | None


class History:
    """Window i starts at starts[i]; empty ones are in it, since silence is information.

    Holds counts of the `summaries`, what was left out beside them, `thinned`, and of their extremes whether the two
    are equal, which is all that is asked of windows gone by; not the values that are unseen in them. Some 15 to 25
    bytes a column and window, the same in memory and in the store. Cost of reading them: 10 us a window of 100 columns.

    One that was just made has its `extremes`, too, as the digest of a reference tells of them; one that was read from
    anywhere has what stands for them.

    Its windows are wanted seldom: when a chain begins, and once a week. So one that is told how to be read `again` may
    `let_go` of them; then every question reads them anew, at the cost of that, and may fail as that fails. Who has
    several asks what is `held`.
    """

    __slots__ = ("_held", "_length", "_numbers", "again")
    _held: _Packed | None
    again: Callable[[], "History"] | None

    def __init__(self, starts: NDArray[np.int64], summaries: Sequence[Summary]) -> None:
        counts = [summary.counts for summary in summaries]
        extremes = np.stack([s.extremes for s in summaries]) if summaries else None
        self._hold(
            starts,
            np.stack(counts) if counts else np.zeros((0, 0), np.int64),
            np.zeros((0, 0, 2)) if extremes is None else extremes,
            tuple(summary.thinned for summary in summaries),
        )
        self._held = self._packed._replace(extremes=extremes)

    def _hold(
        self, starts: NDArray[np.int64], counts: NDArray[np.int64], extremes: NDArray[np.float64],
        thinned: tuple[Thinned, ...],
    ) -> None:  # fmt: skip
        constant = extremes[..., 0] == extremes[..., 1]
        self._keep(
            pack_ints(_differences(_differences(starts))),
            pack_table(counts),
            pack_ints(constant.ravel().astype(np.int64)),
            constant.shape[1],
            thinned if any(map(any, thinned)) else (),
        )

    def _keep(
        self, starts: bytes, counts: bytes, constant: bytes, numbers: int, told: tuple[Thinned, ...]
    ) -> None:
        self._held = _Packed(starts, counts, constant, told, None)
        self._numbers = numbers
        self._length = shape_of_table(counts)[0]
        self.again = None

    def __len__(self) -> int:
        return self._length

    # -- being elsewhere ---------------------------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        """Whether the windows are in memory."""
        return self._held is not None

    @property
    def size(self) -> int:
        """How many bytes the windows take here."""
        held = self._held
        return 0 if held is None else len(held.starts) + len(held.counts) + len(held.constant)

    def let_go(self) -> None:
        """Hold the windows no more, if they can be read again."""
        if self.again is not None:
            self._held = None

    def held(self) -> "History":
        """Give one that holds the windows: itself, or what was read again."""
        if self._held is not None or self.again is None:
            return self
        return self.again()

    @property
    def _packed(self) -> _Packed:
        held = self.held()._held
        assert held is not None  # noqa: S101 - only who can be read again lets go
        return held

    # -- the windows -------------------------------------------------------------------------------------------------

    @property
    def starts(self) -> NDArray[np.int64]:
        """[T] when the windows begin, in ms; this and what follows is made anew at each call."""
        return np.cumsum(np.cumsum(unpack_ints(self._packed.starts, len(self))))

    @property
    def thinned(self) -> tuple[Thinned, ...]:
        """What was left out beside the events of each window."""
        return self._packed.told or (Thinned(),) * len(self)

    @property
    def counts(self) -> NDArray[np.int64]:
        """[T, slots] `Summary.counts` of each window."""
        return unpack_table(self._packed.counts)

    @property
    def extremes(self) -> NDArray[np.float64]:
        """[T, numbers, 2] `Summary.extremes` of each window, or what stands for them."""
        packed = self._packed
        if packed.extremes is not None:
            return packed.extremes
        constant = unpack_ints(packed.constant, len(self) * self._numbers).astype(np.bool_)
        stand = np.where(constant[:, None], np.array(CONSTANT), np.array(OTHER))
        return stand.reshape(len(self), self._numbers, 2)

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """The windows."""
        of = self.held()
        parts = zip(of.counts, of.extremes, of.thinned, strict=True)
        return tuple(Summary(counts, extremes, thinned=left) for counts, extremes, left in parts)

    # -- state -------------------------------------------------------------------------------------------------------

    def payload(self) -> list[object]:
        """Give the windows as they are held, but for the extremes."""
        packed = self._packed
        return [packed.starts, packed.counts, packed.constant, *_left_out(packed.told)]

    def former_payload(self) -> list[object]:
        """Give the windows as arrays: references of version 1 had them so, and digests still tell of that."""
        of = self.held()
        arrays: list[object] = [x if len(x) else [] for x in (of.counts, of.extremes)]
        return [of.starts, *arrays, *_left_out(of._packed.told)]

    @classmethod
    def restore(cls, payload: Any, slots: int, numbers: int) -> "History":
        """Take what `payload` or `former_payload` gave of windows of so many slots and numbers.

        Raises:
            ValueError: they are none. What only shows when windows are read is left until then.
        """
        history = cls.__new__(cls)
        starts, counts, extremes, *told = payload
        thinned = tuple(Thinned(*one) for one in told[0]) if told else ()
        if isinstance(counts, bytes):
            history._keep(starts, counts, b"%b" % extremes, numbers, thinned)
        else:
            T = len(starts)
            history._hold(
                np.array(starts, dtype=np.int64),
                np.array(counts, dtype=np.int64).reshape(T, slots),
                np.array(extremes, dtype=np.float64).reshape(T, numbers, 2),
                thinned,
            )
        T, width = shape_of_table(history._packed.counts)
        if len(history.starts) != len(history.thinned) or (T and width != slots):
            raise ValueError(f"{T} windows of {width} slots, where a window has {slots}")
        return history


def _left_out(told: tuple[Thinned, ...]) -> list[object]:
    return [[list(one) for one in told]] if told else []


def _differences(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take off each number the one before it; what `cumsum` undoes."""
    return np.diff(values, prepend=np.int64(0))

"""Stored panes of one model added up: what many series have in them, in a few passes.

Read one by one, each series of each partition's pane becomes an object, and is merged with the others by itself. Here
only names are looked at one by one; counts go from the stored bytes to those of the sum.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.summaries.summary import Summary
from stream.ingest.stack import ends_of
from stream.state.small_ints import unpack_ints
from stream.state.versions import load, making_sense
from stream.summaries.raw_values import Raw
from stream.summaries.unseen import load_thinned, load_unseen
from stream.words import Series

__all__ = ["PANES_MAX", "Pile"]

PANES_MAX = 32
"""Panes that are added up at most."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class _Stack(NamedTuple):
    """What is stored at a place: its summary places[i] belongs to rows[i], and begins at ends[places[i]] of all counts.

    `pane` is the number of the pane in the pile, `noted` what is known of some rows beside counts and extremes.
    """

    pane: int
    rows: Ints
    places: Ints
    counts: bytes
    extremes: Floats
    ends: Ints
    tops: Ints
    noted: list[tuple[int, Any]]


class Pile:
    """The summaries of series over some panes and all partitions: `add` what each partition has, then `sum`.

    `rows` has the series that were met, and their rows; `digests` by row those of their references. `raw` has what is
    not added up, as it is not binned: by pane and series what each partition has.

    Memory: the stored bytes, and while they are summed the counts of one partition's pane beside the sum.
    Cost: about 2 us for each series of each partition's pane, of ten columns.
    """

    def __init__(self, model: str) -> None:
        self.rows: dict[Series, int] = {}
        self.digests: list[bytes] = []
        self.raw: dict[int, dict[Series, list[Raw]]] = {}
        self._model = model
        self._learning: set[Series] = set()
        self._stacks: list[_Stack] = []

    @making_sense("pane")
    def add(self, pane: int, places: Sequence[bytes | None]) -> tuple[int, int] | None:
        """Take in a partition's share of a pane (0, 1, 2 ...), as it is stored; give its first and last offset.

        None, and the pile is of no use any more: a series has two references, or is binned here and raw there.

        Raises:
            CodecError: the bytes are none of a pane.
        """
        told = [load(blob, "pane") for blob in places if blob]
        met: set[Series] = set()
        for _, _, raw, *stack in reversed(told):  # a later place counts instead of those before it
            kept = {self._series(version, segment): payload for version, segment, payload in raw}
            for series in kept.keys() - met:
                held = self.raw.setdefault(pane, {}).setdefault(series, [])
                held.append(Raw.from_payload(kept[series]))
            self._learning |= kept.keys()
            if not self._take(pane, met, *stack):
                return None
            met |= kept.keys()
        first, last, *_ = told[-1]
        return None if not self._learning.isdisjoint(self.rows) else (first, last)

    def _series(self, version: str, segment: Any) -> Series:
        return Series(self._model, version, tuple([(k, v) for k, v in segment]))

    def _take(
        self, pane: int, met: set[Series], heads: Any, counts: bytes, extremes: Any, sizes: Any, numbers: Any,
        unseen: Any,
    ) -> bool:  # fmt: skip
        """Find the rows of the summaries at one place, but for those of series that were `met` in a later one."""
        series = [self._series(version, segment) for version, segment, _ in heads]
        rows = [self.rows.setdefault(one, len(self.rows)) for one in series]
        for row, (_, _, digest) in zip(rows, heads, strict=True):
            if row == len(self.digests):
                self.digests.append(digest)
            elif self.digests[row] != digest:
                return False
        places = [i for i, one in enumerate(series) if one not in met] if met else range(len(rows))
        met.update(series)
        edges = np.array(extremes, dtype=np.float64).reshape(-1, 2)
        ends, tops = np.array(ends_of(sizes)), np.array(ends_of(numbers))
        if tops[-1] != len(edges) or not len(ends) == len(tops) == len(rows) + 1:
            raise ValueError("summaries that do not fill their arrays")
        at = np.array(places, dtype=np.int64)
        among = set(places) if unseen else set[int]()
        noted = [(rows[i], states) for i, *states in unseen if i in among]
        taken = np.array(rows, dtype=np.int64)[at]
        self._stacks.append(_Stack(pane, taken, at, counts, edges, ends, tops, noted))
        return True

    @making_sense("pane")
    def sum(self) -> tuple[list[Summary], list[int]]:
        """Give by row the sum of each series, of which some share arrays, and bit by bit in which panes it is.

        Raises:
            CodecError: the bytes are none of a pane.
        """
        sizes, numbers, panes = np.zeros((3, len(self.rows)), dtype=np.int64)
        for of in self._stacks:
            panes[of.rows] |= 1 << of.pane
            sizes[of.rows] = np.diff(of.ends)[of.places]
            numbers[of.rows] = np.diff(of.tops)[of.places]
        ends, tops = np.array(ends_of(sizes)), np.array(ends_of(numbers))
        counts = np.zeros(ends[-1], dtype=np.int64)
        extremes = np.full((tops[-1], 2), (np.inf, -np.inf))
        for of in self._stacks:
            if (np.diff(of.ends)[of.places] != sizes[of.rows]).any() or (
                np.diff(of.tops)[of.places] != numbers[of.rows]
            ).any():
                raise ValueError("summaries of two layouts do not go together")
            own = unpack_ints(of.counts, int(of.ends[-1]))
            _add(
                of.rows, of.places, own, of.ends, of.extremes, of.tops, ends, tops, counts, extremes
            )
        bounds = zip(
            ends[:-1].tolist(),
            ends[1:].tolist(),
            tops[:-1].tolist(),
            tops[1:].tolist(),
            strict=True,
        )
        summaries = [Summary(counts[a:b], extremes[c:d]) for a, b, c, d in bounds]
        for of in self._stacks:
            for row, states in of.noted:
                _note(summaries[row], states)
        return summaries, panes.tolist()


def _note(summary: Summary, states: Any) -> None:
    """Add to a sum what is known of one of its summaries beside counts and extremes."""
    none = np.full_like(summary.extremes, (np.inf, -np.inf))
    beside = Summary(np.zeros_like(summary.counts), none, load_unseen(states), load_thinned(states))
    summary.merge(beside)


@compiled
def _add(
    rows: Ints, places: Ints, own: Ints, own_ends: Ints, edges: Floats, own_tops: Ints, ends: Ints, tops: Ints,
    counts: Ints, extremes: Floats,
) -> None:  # fmt: skip
    """Add summary places[i] of a stack to row rows[i] of the sums."""
    for k in range(len(rows)):
        first, to = own_ends[places[k]], ends[rows[k]]
        for i in range(own_ends[places[k] + 1] - first):
            counts[to + i] += own[first + i]
        top, beyond = own_tops[places[k]], tops[rows[k]]
        for j in range(own_tops[places[k] + 1] - top):
            extremes[beyond + j, 0] = min(extremes[beyond + j, 0], edges[top + j, 0])
            extremes[beyond + j, 1] = max(extremes[beyond + j, 1], edges[top + j, 1])

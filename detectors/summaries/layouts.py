"""Many layouts side by side, so that one pass counts rows of which each has a layout of its own."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.layout import Layout

__all__ = ["AtomColumn", "Layouts", "NumberColumns"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class NumberColumns(NamedTuple):
    """The columns binned by edges: those of layout l are column_at[l] to column_at[l + 1].

    Of each its `name` (a place in `Layouts.names`), its edges, edges[edge_at[c]:edge_at[c + 1]], its
    first slot, and its grid. `size` is that of each layout.
    """

    column_at: Ints
    name: Ints
    edges: Floats
    edge_at: Ints
    slot_at: Ints
    mid: Floats
    per_step: Floats
    size: Ints


class AtomColumn(NamedTuple):
    """The columns of one name that are binned by value: of each layout its position, first slot (-1: none), bins.

    lookups[lookup_of[l]] gives the place of a known value, of None and of INVALID (see `Layout.atoms`) in layout l.
    Layouts that know the same values share one, as most do. The first one knows nothing.
    """

    position: Ints
    slot_at: Ints
    bins: Ints
    lookup_of: Ints
    lookups: Sequence[dict[object, int]]


class Layouts:
    """The layouts of the series of one model, numbered in the order in which they were entered.

    They are only ever added to. Cost: a pass over all of them when one was entered since the last look; the arrays
    take about as much memory as the layouts' own.

    >>> from detectors.summaries.column import Column
    >>> one = Layout([Column("x", "number", (0.0, 1.0)), Column("y", "string", values=("a",))])
    >>> two = Layout([Column("x", "number", (5.0, 6.0, 7.0))])
    >>> layouts = Layouts()
    >>> layouts.place(one), layouts.place(two), layouts.place(one)
    (0, 1, 0)
    >>> layouts.numbers().edge_at.tolist(), layouts.atoms()["y"].slot_at.tolist()
    ([0, 2, 5], [7, -1])
    """

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._layouts: list[Layout] = []
        self._places: dict[int, int] = {}
        self._lookups: dict[tuple[tuple[object, int], ...], dict[object, int]] = {}
        self._lookups_of: list[list[dict[object, int]]] = []
        self._arrays: tuple[NumberColumns, Mapping[str, AtomColumn]] | None = None

    def place(self, layout: Layout) -> int:
        """Tell the number of a layout, which is entered if it is new."""
        place = self._places.get(id(layout))  # of one that is held, so nobody else gets its id
        if place is None:
            place = self._places[id(layout)] = len(self._layouts)
            self._layouts.append(layout)
            self._lookups_of.append([self._shared(lookup) for _, _, lookup in layout.atoms])
            for _, column in layout.numbers:
                self.names.setdefault(column.name, len(self.names))
            self._arrays = None
        return place

    def _shared(self, lookup: dict[object, int]) -> dict[object, int]:
        """Give the first lookup that finds the same."""
        return self._lookups.setdefault(tuple(lookup.items()), lookup)

    def numbers(self) -> NumberColumns:
        """Give the columns that are binned by edges."""
        return self._laid_out()[0]

    def atoms(self) -> Mapping[str, AtomColumn]:
        """Give the columns that are binned by value, by name."""
        return self._laid_out()[1]

    def _laid_out(self) -> tuple[NumberColumns, Mapping[str, AtomColumn]]:
        if self._arrays is None:
            self._arrays = self._number_columns(), self._atom_columns()
        return self._arrays

    def _number_columns(self) -> NumberColumns:
        held = self._layouts
        return NumberColumns(
            np.cumsum([0, *(len(layout.numbers) for layout in held)], dtype=np.int64),
            np.array([self.names[c.name] for layout in held for _, c in layout.numbers], dtype=np.int64),
            np.concatenate([layout.edges for layout in held]),
            np.cumsum([0, *(len(c.edges) for layout in held for _, c in layout.numbers)], dtype=np.int64),
            np.concatenate([layout.number_slots for layout in held]),
            np.concatenate([layout.mid for layout in held]),
            np.concatenate([layout.per_step for layout in held]),
            np.array([layout.size for layout in held], dtype=np.int64),
        )  # fmt: skip

    def _atom_columns(self) -> Mapping[str, AtomColumn]:
        held = self._layouts
        found: dict[str, list[tuple[int, int, int, int, dict[object, int]]]] = {}
        for at, layout in enumerate(held):
            for (i, column, _), lookup in zip(layout.atoms, self._lookups_of[at], strict=True):
                told = (at, i, layout.slot_at[i], column.bins, lookup)
                found.setdefault(column.name, []).append(told)
        return {name: _column(told, len(held)) for name, told in sorted(found.items())}


def _column(told: list[tuple[int, int, int, int, dict[object, int]]], n: int) -> AtomColumn:
    position, slot_at, bins = (np.full(n, -1, dtype=np.int64) for _ in range(3))
    lookup_of = np.zeros(n, dtype=np.int64)
    lookups: dict[int, dict[object, int]] = {0: {}}
    numbers: dict[int, int] = {}
    for at, *of, lookup in told:
        position[at], slot_at[at], bins[at] = of
        lookup_of[at] = number = numbers.setdefault(id(lookup), len(numbers) + 1)
        lookups[number] = lookup
    return AtomColumn(position, slot_at, bins, lookup_of, list(lookups.values()))

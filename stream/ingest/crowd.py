"""Counts events of many models at once, where their columns have the same names and types, as most topics' have.

By itself each model of a batch costs some 100 us, however few of its events are in it. What makes that dear is the
same from batch to batch: whose summary an event counts in. It is noted here once the fold has found it, by the type of
the event and its party, and from then on one pass counts the events of all models that have the same columns.

Nothing here is state, and nothing is decided: who is not noted is counted by the fold, with the same outcome.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.thinned import Thinned
from stream.ingest.decode import Decoded
from stream.ingest.pane import Pane
from stream.ingest.seats import NOBODY, UNKNOWN
from stream.ingest.shelf import Shelf
from stream.summaries.rows import Party
from stream.summaries.scattered import Room, count_scattered
from stream.summaries.schema import Schema

__all__ = ["Crowd"]

SEATS_MAX = 2**16
"""Pairs of a type and a party that seats are noted for in a pane; where there are more, the fold counts."""

Ints = NDArray[np.int64]


class _Noted(NamedTuple):
    """Where events count in a pane: seats int64 [types, parties, 2], of the whole and of the segment.

    They are on the shelf of their columns. `panes` has for each type what its model has in the pane, so that it can be
    told of the events, beside the model and the pane.
    """

    seats: Ints
    shelves: dict[int, Shelf]
    panes: dict[int, tuple[Pane, tuple[str, int]]]


class Crowd:
    """The seats of all series of a partition that need no looking for."""

    def __init__(self) -> None:
        self._schema_of: dict[type[Any], Schema] = {}
        self._parties: Sequence[Party] = ()
        self._number: dict[type[Any], int] = {}
        self._shape: Ints = np.zeros(0, dtype=np.int64)
        self._noted: dict[int, _Noted] = {}

    def forget(self, pane: int | None = None) -> None:
        """Forget a pane that has closed, or everything."""
        if pane is None:
            self._noted.clear()
        else:
            self._noted.pop(pane, None)

    def know(self, schema_of: dict[type[Any], Schema], parties: Sequence[Party]) -> None:
        """Know the types of the events to come and who their parties are; seats are noted under both."""
        if schema_of is self._schema_of and parties is self._parties:
            return
        self._schema_of, self._parties = schema_of, parties
        self._number = {of: i for i, of in enumerate(schema_of)}
        shapes: dict[Hashable, int] = {}
        numbers = [shapes.setdefault(schema.shape, len(shapes)) for schema in schema_of.values()]
        self._shape = np.array(numbers, dtype=np.int64)
        self._noted.clear()

    def note(
        self, of: type[Any], pane: int, held: Pane, who: Ints, whole: Ints, segment: Ints
    ) -> None:
        """Note the seats of parties of a type in a pane, but for those whose seat was not found yet, or that have none.

        `who` are the parties' places in the list that is known.
        """
        number, size = self._number.get(of), (len(self._number), len(self._parties))
        if number is None or size[0] * size[1] > SEATS_MAX:
            return
        noted = self._noted.get(pane)
        if noted is None or noted.seats.shape[1] < size[1]:
            noted = self._noted[pane] = _with_room(noted, size)
        if noted.shelves.setdefault(int(self._shape[number]), held.shelf) is not held.shelf:
            return  # it was begun under other columns
        good = (whole >= 0) & ((segment >= 0) | (segment == NOBODY))
        noted.seats[number, who[good]] = np.stack([whole[good], segment[good]], axis=1)
        noted.panes[number] = held, (self._schema_of[of].model, pane)

    def count(
        self, decoded: Decoded, chosen: Ints, panes: Ints, rate: float = 1.0
    ) -> tuple[Ints, list[tuple[str, int]]]:
        """Count those of the chosen events, each in its pane, whose seats are noted. All were sampled at one rate.

        Gives the events that are left, and the model and pane of those that were counted.

        Cost: some 15 ns a number, 20 ns a category, 1 us a model; of a sample 1 us a series besides.
        """
        kinds = decoded.kinds
        if kinds.which is None or not self._noted:
            return chosen, []
        numbers = np.array([self._number.get(of, -1) for of in kinds.types], dtype=np.int64)
        of, who = numbers[kinds.which[chosen]], decoded.who[chosen]
        left = np.ones(len(chosen), dtype=bool)
        touched: list[tuple[str, int]] = []
        first, last = (panes.min(), panes.max()) if len(panes) else (0, -1)
        for pane, noted in self._noted.items():
            if not first <= pane <= last:
                continue
            width = noted.seats.shape[1]
            here = np.flatnonzero((panes == pane) & (of >= 0) & (who < width))
            seats = noted.seats.reshape(-1, 2).take(of[here] * width + who[here], axis=0)
            found = seats[:, 0] >= 0
            if not found.all():
                here, seats = here[found], seats[found]
            if not len(here):
                continue
            left[here] = False
            types, at = of[here], chosen[here]
            touched += self._touch(noted, types, decoded.offsets[at])
            shape = self._shape[types]
            for one in np.flatnonzero(np.bincount(shape)).tolist():
                own = shape == one
                self._count(noted.shelves[one], decoded, at[own], seats[own], rate)
        return chosen[left], touched

    def strangers(self, decoded: Decoded, left: Ints) -> Iterator[tuple[Schema, Ints]]:
        """Give the events that were left, if they are of several models, by what is known of their model.

        Where there are too many seats to note, nobody is given.
        """
        types, which = decoded.kinds
        if which is None or len(self._number) * len(self._parties) > SEATS_MAX:
            return
        order = np.argsort(which[left], kind="stable")
        ends = np.flatnonzero(np.diff(which[left[order]])) + 1
        for at in np.split(left[order], ends):
            schema = self._schema_of.get(types[which[at[0]]])
            if schema is not None:
                yield schema, at

    def _count(self, shelf: Shelf, decoded: Decoded, at: Ints, seats: Ints, rate: float) -> None:
        types, which = decoded.kinds
        assert decoded.columns is not None and which is not None  # noqa: S101, PT018 - typed, and of several models
        table = decoded.columns.table(self._schema_of[types[which[at[0]]]], at)
        segment = np.flatnonzero(seats[:, 1] >= 0)
        rows = np.concatenate([np.arange(len(at)), segment])
        places = np.concatenate([seats[:, 0], seats[segment, 1]])
        shelf.changed[places] = True
        room = Room(
            shelf.layouts, shelf.layout_of, shelf.count_at, shelf.extreme_at, shelf.counts, shelf.extremes, shelf.held
        )  # fmt: skip
        count_scattered(table, room, rows, places)
        if rate < 1.0:
            one, n = Thinned.of(np.array([rate])), np.bincount(places)
            for seat in np.flatnonzero(n).tolist():
                shelf.held[seat].stand_for(one.times(int(n[seat])))

    def _touch(self, noted: _Noted, of: Ints, offsets: Ints) -> list[tuple[str, int]]:
        """Tell each model's pane of the last of its events; it had earlier ones, or nothing would be noted of it."""
        last = np.full(len(self._number), -1, dtype=np.int64)
        last[of] = offsets  # of those of one model the last one stays
        touched = []
        for number in np.flatnonzero(last >= 0).tolist():
            pane, key = noted.panes[number]
            pane.last = max(pane.last, int(last[number]))
            touched.append(key)
        return touched


def _with_room(noted: _Noted | None, size: tuple[int, int]) -> _Noted:
    """Make room for parties that came."""
    types, parties = size
    seats = np.full((types, 2 * parties, 2), UNKNOWN, dtype=np.int64)
    if noted is None:
        return _Noted(seats, {}, {})
    seats[:, : noted.seats.shape[1]] = noted.seats
    return noted._replace(seats=seats)

"""Finds the seats of events in the panes of a partition, and gives new ones out, to all newcomers of a batch in one."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from stream.ingest.admission import SEGMENT, WHOLE, Arrivals
from stream.ingest.group import Group
from stream.ingest.pane import Pane
from stream.ingest.seats import NOBODY, PARTIES_MAX, RAW, UNKNOWN, Seats
from stream.ingest.shelf import Shelf
from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Party
from stream.summaries.schema import Schema
from stream.words import Kind, Series

__all__ = ["Seating"]

LAST = 2**62
"""A pane that no reference is after."""


class Seating:
    """The seats of all parties in the open panes of a partition, and the shelves that these are on.

    Nothing here is state: what is forgotten is found again in the panes, with the same outcome. Cost: nothing to speak
    of for a party that was met in its pane before, else some 5 us, a new seat included.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._seats: dict[str, Seats] = {}
        self._shelves: dict[int, dict[Hashable, Shelf]] = {}

    def __len__(self) -> int:
        """Tell how many parties are remembered."""
        return sum(map(len, self._seats.values()))

    @property
    def full(self) -> bool:
        """Whether more parties are remembered than should be."""
        return len(self) > PARTIES_MAX

    def forget(self) -> None:
        """Forget all parties; whoever calls sees to it that the panes do, too."""
        self._seats.clear()

    def close(self, model: str, pane: int) -> None:
        """Forget a pane that has closed."""
        self._seats_of(model).forget(pane)
        self._shelves.pop(pane, None)

    def arrivals(self, group: Group, panes: NDArray[np.int64]) -> Arrivals:
        """Number the parties of the events of a group, given the pane of each."""
        seats = self._seats_of(group.model)
        return Arrivals(group, panes, seats.number(group.parties, group.who), seats)

    def shelf(self, model: str, schema: Schema | None, pane: int, book: Book) -> Shelf:
        """Give the shelf of a model in a pane, which is that of all models with the same columns."""
        of: Hashable = model if schema is None else schema.shape
        shelves = self._shelves.setdefault(pane, {})
        if of not in shelves:
            before = self._shelves.get(pane - 1, {}).get(of)
            shelves[of] = Shelf(book.layouts(self._kind, of), like=before)
        return shelves[of]

    def find(
        self, pane: Pane, number: int, part: int, arrivals: Arrivals, chosen: NDArray[np.int64],
        refused: NDArray[np.bool_] | None, book: Book,
    ) -> NDArray[np.int64]:  # fmt: skip
        """Tell the seats of some events of a pane, in their whole or in their segment; new ones are given out.

        `refused` tells which of them there is no room for.
        """
        if not pane.entries:
            arrivals.seats.begun.add(number)
        known = arrivals.seats.of(number)[part]
        seats: NDArray[np.int64] = known[arrivals.numbers[chosen]]
        if refused is not None:
            seats[refused] = NOBODY
        if (seats == UNKNOWN).any():
            unknown = np.flatnonzero(seats == UNKNOWN)
            new = chosen[unknown]
            _, first = np.unique(arrivals.numbers[new], return_index=True)
            known[arrivals.numbers[new[first]]] = self._give_seats(
                pane, number, part, arrivals, new[first], book
            )
            seats[unknown] = known[arrivals.numbers[new]]
        return seats

    def admitted(
        self, model: str, parties: Sequence[Party], who: NDArray[np.int64], pane: int, day: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Number some of the parties, and tell who was admitted on a day before and has not been met in a pane."""
        seats = self._seats_of(model)
        numbers = seats.number(parties, who)
        return numbers, (seats.days[numbers] >= day) & (seats.of(pane)[WHOLE, numbers] == UNKNOWN)

    def seat(
        self, pane: Pane, number: int, model: str, parties: Sequence[Party], numbers: NDArray[np.int64],
        book: Book,
    ) -> NDArray[np.int64]:  # fmt: skip
        """Give the seats of who is `admitted`, int64 [2, n] of wholes and segments; new ones are given out."""
        seats = [
            self._take_seats(pane, number, part, model, parties, book) for part in (WHOLE, SEGMENT)
        ]
        self._seats_of(model).of(number)[:, numbers] = seats
        return np.array(seats, dtype=np.int64)

    def _give_seats(
        self, pane: Pane, number: int, part: int, arrivals: Arrivals, new: NDArray[np.int64], book: Book
    ) -> NDArray[np.int64]:  # fmt: skip
        """Give seats to parties that a pane has not met, each with one of its events; to regulars without asking."""
        group, seats = arrivals.group, arrivals.seats
        numbers, taken = arrivals.numbers[new], np.full(len(new), UNKNOWN, dtype=np.int64)
        if part == SEGMENT and number in seats.begun:
            regular = seats.regulars.among(numbers, number, pane.shelf.layouts, book.revision)
            if regular.any():
                first = pane.open_known(*seats.regulars.seats_of(numbers[regular]))
                taken[regular] = np.arange(first, first + regular.sum())
        left = np.flatnonzero(taken == UNKNOWN)
        if len(left):
            parties = [group.parties[who] for who in group.who[new[left]].tolist()]
            taken[left] = self._take_seats(pane, number, part, group.model, parties, book)
            if part == SEGMENT and number in seats.begun:
                self._note_regulars(pane, seats, numbers[left], taken[left], book)
        return taken

    def _note_regulars(
        self, pane: Pane, seats: Seats, numbers: NDArray[np.int64], taken: NDArray[np.int64], book: Book
    ) -> None:  # fmt: skip
        """Note who has a seat under the last reference of its series."""
        held = pane.shelf.held
        told = [
            (i, reference)
            for i, seat in zip(numbers.tolist(), taken.tolist(), strict=True) if seat >= 0
            for reference in (book.by_digest(held[seat].digest),)
            if book.find(reference.series, self._kind, LAST) is reference
        ]  # fmt: skip
        if told:
            seats.regulars.note([i for i, _ in told], [of for _, of in told])

    def _take_seats(
        self, pane: Pane, number: int, part: int, model: str, parties: Sequence[Party], book: Book
    ) -> list[int]:
        """Find the seats of the wholes of parties, of which many have the same one, or of their segments.

        Where a series has no reference yet, its values are kept raw.
        """
        told = [(version, segment if part == SEGMENT else ()) for version, segment in parties]
        found = dict.fromkeys(told, NOBODY)
        new: list[tuple[Series, Reference]] = []
        for party in found:
            if part == SEGMENT and not party[1]:
                continue
            series = Series(model, *party)
            entry = pane.entries.get(series)
            if entry is None:
                reference = book.find(series, self._kind, number)
                if reference is not None:
                    new.append((series, reference))
                    continue
                entry = pane.entries[series] = Raw()
            if isinstance(entry, Raw):
                pane.learning.append(entry)
                found[party] = RAW - len(pane.learning) + 1
            else:
                found[party] = pane.seat(entry, book.by_digest(entry.digest).layout)
        if new:
            first = pane.open(new)
            found |= {series[1:]: first + i for i, (series, _) in enumerate(new)}
        return [found[party] for party in told]

    def _seats_of(self, model: str) -> Seats:
        return self._seats.setdefault(model, Seats())

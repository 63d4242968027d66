"""Finds the seats of events in the panes of a partition, and gives new ones out, to all newcomers of a batch in one."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.ingest.admission import SEGMENT, WHOLE, Arrivals
from stream.ingest.group import Group
from stream.ingest.pane import Pane, open_all
from stream.ingest.seats import NOBODY, PARTIES_MAX, RAW, UNKNOWN, Seats
from stream.ingest.shelf import Shelf
from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Party
from stream.summaries.schema import Schema
from stream.words import Kind, Series

__all__ = ["Coming", "Seating"]

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
        self, coming: Sequence["Coming"], numbers: Sequence[NDArray[np.int64]], number: int, book: Book
    ) -> list[NDArray[np.int64]]:  # fmt: skip
        """Give the seats of who is `admitted` to panes, [2, n] of wholes and segments of each; new ones are given out.

        `numbers` are those of the parties that come, pane by pane.
        """
        seats = [self._take_seats(coming, number, part, book) for part in (WHOLE, SEGMENT)]
        taken = [np.array(both, dtype=np.int64) for both in zip(*seats, strict=True)]
        for (_, model, _), own, both in zip(coming, numbers, taken, strict=True):
            self._seats_of(model).of(number)[:, own] = both
        return taken

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
            coming = [Coming(pane, group.model, parties)]
            (taken[left],) = self._take_seats(coming, number, part, book)
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
        self, coming: Sequence["Coming"], number: int, part: int, book: Book
    ) -> list[list[int]]:
        """Find the seats of the wholes of parties, of which many have the same one, or of their segments.

        Those that panes of one shelf do not have yet are made at once.
        """
        found: list[dict[Party, int]] = []
        opening: dict[int, list[tuple[int, list[tuple[Series, Reference]]]]] = {}
        for i, of in enumerate(coming):
            seats, new = self._look_for(of, number, part, book)
            found.append(seats)
            if new:
                opening.setdefault(id(of.pane.shelf), []).append((i, new))
        for of_shelf in opening.values():
            firsts = open_all([(coming[i].pane, new) for i, new in of_shelf])
            for first, (i, new) in zip(firsts, of_shelf, strict=True):
                found[i] |= {series[1:]: first + k for k, (series, _) in enumerate(new)}
        return [
            [seats[_told(party, part)] for party in of.parties]
            for seats, of in zip(found, coming, strict=True)
        ]

    def _look_for(
        self, coming: "Coming", number: int, part: int, book: Book
    ) -> tuple[dict[Party, int], list[tuple[Series, Reference]]]:
        """Tell the seats that a pane has for parties, and whom it is to make one for, with the reference of each.

        Where a series has no reference yet, its values are kept raw.
        """
        pane, model, parties = coming
        found = dict.fromkeys((_told(party, part) for party in parties), NOBODY)
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
        return found, new

    def _seats_of(self, model: str) -> Seats:
        seats = self._seats.get(model)
        if seats is None:
            seats = self._seats[model] = Seats()
        return seats


class Coming(NamedTuple):
    """Parties of a model, each with one of its events, who come to a pane."""

    pane: Pane
    model: str
    parties: Sequence[Party]


def _told(party: Party, part: int) -> Party:
    """Tell whose seat is meant: that of the whole of a party, or of its segment."""
    return party if part == SEGMENT else (party[0], ())

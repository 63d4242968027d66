"""What a chain holds of one kind of one series, and how it is stored: a head, and parts of their own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.grown import Grown
from stream.evaluate.chains.parts import Part
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.extra import Extra, extras
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.scores import Scores
from stream.evaluate.judging.standing import Standings
from stream.evaluate.panes.evidence import dump_evidence, load_evidence
from stream.evaluate.panes.windows import Closed, Ring, load_summary
from stream.evaluate.stories.incidents import Incident
from stream.reference.plan import Plan
from stream.reference.reference import Reference
from stream.state.codec import encoded
from stream.state.fields import chain_field
from stream.summaries.unseen import dump_unseen
from stream.words import Kind, Series

__all__ = ["FindParts", "Held", "PlanAt"]

PlanAt = Callable[[int], Plan]
"""Gives the fleet plan in force at an event time, in ms."""
FindParts = Callable[[Series, Kind, Sequence[Part]], Iterable[Any]]
"""Reads parts of a chain that are stored, as `changed` gave them."""


class Held:
    """The state of one kind of one series, which a `Chain` moves.

    `incidents` are those that are not over, `cooling` those that are and that an alarm would continue. `ahead` are
    windows that were judged before they were asked for.

    `find` reads parts of it that are stored, so that they need not be held; None: all are held.

    `standings` tell for each size of windows, by its place, how the monitors stand; they are told anew with every
    judge, and `restood` says that they were.
    """

    def __init__(
        self, series: Series, kind: Kind, reference: Reference, rules: Rules, plan_at: PlanAt,
        find: FindParts | None = None,
    ) -> None:  # fmt: skip
        self.series = series
        self.kind = kind
        self.field = chain_field(series, kind)
        self.reference = reference
        self.rules = rules
        self.places = {column.name: i for i, column in enumerate(reference.columns)}
        self.rings = [Ring(window) for window in reference.windows]
        self.carried: list[Closed | None] = [None for _ in reference.windows]
        self.grown = [Grown() for _ in reference.windows]
        self.extras: dict[str, list[Extra]] = {}
        self.incidents: dict[str | None, Incident] = {}
        self.cooling: dict[str | None, Incident] = {}
        self.ahead: list[Judged] = []
        self.standings = Standings()
        self.restood = False
        self._plan_at = plan_at
        self._find = find
        self._blocks = None if find is None else self._find_blocks
        self._share = 0.0
        self._scores: list[Scores | None] = [None for _ in reference.windows]
        self._alarms: list[Alarms | None] = [None for _ in reference.windows]
        self._grew: list[int] = []
        self._still: list[Raw] | None = None

    def _find_blocks(self, which: int, places: Sequence[int]) -> Iterable[Any]:
        """Read blocks of the history of a size of windows."""
        assert self._find is not None  # noqa: S101 - else nobody is given this
        parts = [Part("track", which, place) for place in places]
        return self._find(self.series, self.kind, parts)

    def payload(self) -> list[object]:
        """Give the whole state as plain values and arrays; the reference is named by its digest."""
        return self._told(
            [ring.payload() for ring in self.rings],
            [grown.payload() for grown in self.grown],
            [None if alarms is None else alarms.payload() for alarms in self._alarms],
        )

    def filling(self) -> list[NDArray[np.int64]]:
        """Give the counts of the windows that are being filled."""
        return [counts for ring in self.rings for counts in ring.filling()]

    def packed_head(self, packed: Iterator[bytes]) -> list[object]:
        """Give the head, what of it changes with judged windows only being encoded once.

        `packed` has the counts of `filling`, packed.
        """
        if self._still is None:
            self._still = list(map(encoded, self.head()[2:]))
        rings = [ring.head(packed) for ring in self.rings]
        return [self.reference.digest, rings, *self._still]

    def head(self) -> list[object]:
        """Give the state but for its parts; see `parts`."""
        return self._told(
            [ring.head() for ring in self.rings],
            [len(grown) or [] for grown in self.grown],
            [None if alarms is None else [*alarms.head(), None] for alarms in self._alarms],
        )

    def _told(
        self, rings: list[object], grown: Sequence[object], alarms: list[object]
    ) -> list[object]:
        return [
            self.reference.digest,
            rings,
            [None if c is None or c.summary is None else
             [c.start_ms, c.end_ms, c.summary.counts, c.summary.extremes, dump_evidence(c.evidence), c.whole,
              *dump_unseen(c.summary)]
             for c in self.carried],
            grown,
            [[name, [extra.payload() for extra in running]] for name, running in sorted(self.extras.items())],
            alarms,
            *([[column, held[column].payload()]
               for column in sorted(held, key=lambda name: (name is not None, name or ""))]
              for held in (self.incidents, self.cooling)),
        ]  # fmt: skip

    def changed(self) -> dict[Part, object]:
        """Give the parts that are to be stored, as plain values and arrays."""
        made: dict[Part, object] = {}
        for which, (ring, alarms) in enumerate(zip(self.rings, self._alarms, strict=True)):
            made |= {Part("hop", which, hop): ring.hop(hop) for hop in ring.full}
            if which in self._grew:
                made[Part("grown", which)] = self.grown[which].payload()
            if alarms is not None:
                track = alarms.track
                if alarms.refitted:
                    made[Part("fit", which)] = alarms.fit()
                made |= {Part("track", which, at): track.block(at) for at in track.changed}
        return made

    def gone(self) -> set[Part]:
        """Name the parts that count for nothing any more."""
        return {
            Part("hop", which, hop) for which, ring in enumerate(self.rings) for hop in ring.gone
        }

    def settle(self) -> None:
        """Know that everything is stored."""
        self._grew.clear()
        for ring in self.rings:
            ring.full.clear()
            ring.gone.clear()
        for alarms in self._alarms:
            if alarms is not None:
                alarms.refitted = False
                alarms.track.settle()

    def unsettle(self) -> None:
        """Know that no part is stored."""
        self._grew = [which for which, grown in enumerate(self.grown) if grown]
        for ring in self.rings:
            ring.full = ring.apart()
        for alarms in self._alarms:
            if alarms is not None:
                alarms.refitted = True
                alarms.track.changed |= set(alarms.track.blocks())

    @classmethod
    def restore(
        cls,
        series: Series,
        kind: Kind,
        reference: Reference,
        rules: Rules,
        plan_at: PlanAt,
        payload: Any,
        find: FindParts | None = None,
    ) -> Self:
        """Make a chain of what `payload` gave, or `whole` of what `head` and `changed` did."""
        chain = cls(series, kind, reference, rules, plan_at, find)
        _, rings, carried, grown, extra, alarms, incidents, cooling = payload
        for ring, of_ring in zip(chain.rings, rings, strict=True):
            ring.restore(of_ring)
        chain.carried = [
            None
            if c is None
            else Closed(c[0], c[1], load_summary(c[2], c[3], c[6:]), load_evidence(c[4]), c[5])
            for c in carried
        ]
        chain.grown = [
            Grown([load_summary(counts, extremes, more) for counts, extremes, *more in of_size])
            for of_size in grown
        ]
        chain.extras = {name: extras(rules.extra, rules.floors, saved) for name, saved in extra}
        chain._alarms = [
            None if saved is None else Alarms(reference, which, rules, saved, chain._blocks)
            for which, saved in enumerate(alarms)
        ]
        chain.incidents = {column: Incident.restore(p) for column, p in incidents}
        chain.cooling = {column: Incident.restore(p) for column, p in cooling}
        return chain

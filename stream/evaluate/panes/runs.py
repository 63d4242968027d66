"""Panes of a model of many series, taken in together while no window ends between them.

What a pane costs such a model is mostly paid for each series, however few events it has: reading and merging it, and
writing the head of its chain. So a large model waits until a window ends or some panes have closed, and then takes them
in as one. What comes of it is the same in any portions; until a window ends nothing is told.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from detectors.summaries.summary import Summary
from stream.evaluate.panes.evidence import Evidence, merge_evidence
from stream.evaluate.panes.gather import Merged, Stored
from stream.ingest.pile import PANES_MAX, Pile
from stream.ingest.roster import DAY_MS
from stream.words import Series

__all__ = ["LARGE", "Run", "Summed", "may_wait", "runs"]

LARGE = 1_000
"""Chains of a model from which on it takes panes in together."""
WAIT_PANES = 6
"""Panes between two steps: beyond, what each pane costs by itself is what is left."""


class Summed(NamedTuple):
    """What a series has in a run: its sum over the panes `first` to `last`, binned by the reference of a digest."""

    series: Series
    digest: bytes
    first: int
    last: int
    summary: Summary
    evidence: Evidence


class Run(NamedTuple):
    """Panes of one model, in order, of one day, between which no window ends that comes at one of some intervals."""

    panes: Sequence[Stored]
    every_ms: Set[int]

    def merged(self) -> Iterator[Merged]:
        """Give them one by one."""
        return (pane.merged() for pane in self.panes)

    def summed(self) -> tuple[list[Summed], list[Merged]] | None:
        """Add them up, and give one by one what of them is not binned; None where that cannot be, see `Pile`."""
        pile = Pile(self.panes[0].model)
        evidence: list[Evidence] = []
        for i, pane in enumerate(self.panes):
            evidence.append({})
            for source, places in pane.of:
                offsets = pile.add(i, places)
                if offsets is None:
                    return None
                evidence[i][source.topic, source.partition] = offsets
        summaries, panes = pile.sum()
        # Most series are in the same panes, so few answers are asked for.
        seen = {of: self._seen(of, evidence) for of in set(panes)}
        of_each = zip(pile.rows, pile.digests, panes, summaries, strict=True)
        binned = [
            Summed(series, digest, first, last, summary, told)
            for series, digest, of, summary in of_each
            for first, last, told in (seen[of],)
        ]
        raw = [
            Merged(
                pane.number,
                {s: list(parts) for s, parts in pile.raw.get(i, {}).items()},
                evidence[i],
            )
            for i, pane in enumerate(self.panes)
        ]
        return binned, raw

    def _seen(self, of: int, evidence: Sequence[Evidence]) -> tuple[int, int, Evidence]:
        """Tell the first and the last of some panes, given bit by bit, and what was counted from where in them."""
        inside = [i for i in range(len(self.panes)) if of >> i & 1]
        told: Evidence = {}
        for i in inside:
            merge_evidence(told, evidence[i])
        return self.panes[inside[0]].number, self.panes[inside[-1]].number, told


def runs(panes: Iterable[Stored], pane_ms: int, every_ms: Set[int]) -> Iterator[Run]:
    """Part panes, in order, where windows end that come at some intervals, and where a day does."""
    marks = {*every_ms, DAY_MS}
    run: list[Stored] = []
    for pane in panes:
        if run and (len(run) == PANES_MAX or _ends(run[0].number, pane.number, pane_ms, marks)):
            yield Run(run, every_ms)
            run = []
        run.append(pane)
    if run:
        yield Run(run, every_ms)


def may_wait(base: int, until: int, pane_ms: int, every_ms: Iterable[int]) -> bool:
    """Tell whether a large model that has come up to `base` leaves the panes up to `until` for later.

    It moves when one pane is left until six are full, so that where windows end after a multiple of six, as they mostly
    do, little is left to take in before they are judged.
    """
    if _ends(base, until, pane_ms, every_ms):
        return False
    return (base + 1) // WAIT_PANES == (until + 1) // WAIT_PANES


def _ends(first: int, last: int, pane_ms: int, every_ms: Iterable[int]) -> bool:
    """Whether any interval ends after the beginning of a pane, up to that of a later one."""
    return any(first * pane_ms // every < last * pane_ms // every for every in every_ms)

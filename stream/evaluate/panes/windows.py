"""Windows made of panes: tumbling or sliding, in event time, closed in order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.summary import Summary
from stream.evaluate.panes.evidence import (
    Evidence,
    dump_evidence,
    load_evidence,
    merge_evidence,
    widened,
)
from stream.reference.reference import WindowSize
from stream.state.small_ints import pack_ints, unpack_ints
from stream.summaries.unseen import dump_unseen, load_thinned, load_unseen

__all__ = ["Closed", "Ring"]

SLACK = 20
"""A window counts as whole when at most this part of it (a twentieth) was missed."""
EMPTY_TOLD = 2
"""Empty windows told in a row; after these nothing new can be said until data come back."""


@dataclass(slots=True)
class Closed:
    """A window that will not change any more.

    `summary` is None when it is empty; `whole` is False when the stream began or the replay ended well inside it, so
    that part of the day or week is not in it.
    """

    start_ms: int
    end_ms: int
    summary: Summary | None
    evidence: Evidence
    whole: bool


class Ring:
    """The windows of one size of one chain. Keeps one summary for each `every_ms` that a window still needs: a hop.

    `full` are the hops that are to be stored, as a later one has begun; `gone` those that no window needs any more.
    (Lists, as an empty set takes four times the room.)
    """

    def __init__(self, window: WindowSize) -> None:
        self.window = window
        self.hops: dict[int, tuple[Summary, Evidence]] = {}
        self.first_hop: int | None = None
        self.first_ms = 0
        self.last_ms = 0
        self.next_hop = 0
        self.empty_in_a_row = 0
        self.full: list[int] = []
        self.gone: list[int] = []

    def add(
        self, pane_start_ms: int, summary: Summary, evidence: Evidence, last_ms: int | None = None
    ) -> None:
        """Take in a pane that starts no earlier than the last window closed.

        Or the sum of several, within one hop, of which the last one starts at `last_ms`.
        """
        hop = pane_start_ms // self.window.every_ms
        if self.first_hop is None:
            self.first_hop = self.next_hop = hop
            self.first_ms = pane_start_ms
        self.last_ms = pane_start_ms if last_ms is None else last_ms
        known = self.hops.get(hop)
        if known is None:
            self.full += [max(self.hops)] if self.hops else []
            self.hops[hop] = (summary.copy(), evidence)
        else:
            known[0].merge(summary)
            self.hops[hop] = (known[0], widened(known[1], evidence))

    def ends_by(self, until_ms: int) -> bool:
        """Whether any window ends at or before a time. Most panes end none, so it is asked before `close`."""
        return self.first_hop is not None and (self.next_hop + 1) * self.window.every_ms <= until_ms

    def close(self, until_ms: int, *, whole: bool = True) -> Iterator[Closed]:
        """Close the windows that end at or before a time, oldest first; not `whole` if the stream ends within them."""
        if self.first_hop is None:
            return
        every, span = self.window.every_ms, self.window.size_ms // self.window.every_ms
        while (self.next_hop + 1) * every <= until_ms:
            if not self.hops and self.empty_in_a_row >= EMPTY_TOLD:
                self.next_hop = until_ms // every
                return
            last = self.next_hop
            closed = self._union(last - span + 1, last, whole=whole)
            self.empty_in_a_row = 0 if closed.summary is not None else self.empty_in_a_row + 1
            self.next_hop = last + 1
            newest = max(self.hops, default=0)
            for hop in [h for h in self.hops if h <= last - span + 1]:
                del self.hops[hop]
                if hop != newest:
                    self.full = [full for full in self.full if full != hop]
                    self.gone.append(hop)
            yield closed

    def open_until(self) -> int | None:
        """Tell when the last window that holds data ends; None when none does."""
        return (max(self.hops) + 1) * self.window.every_ms if self.hops else None

    def _union(self, first: int, last: int, *, whole: bool) -> Closed:
        every = self.window.every_ms
        summary: Summary | None = None
        evidence: Evidence = {}
        for hop in sorted(h for h in self.hops if first <= h <= last):
            part, of_part = self.hops[hop]
            if summary is None:
                summary = part.copy()
            else:
                summary.merge(part)
            merge_evidence(evidence, of_part)
        start, end = first * every, (last + 1) * every
        slack = self.window.size_ms // SLACK
        begun = self.first_ms <= start + slack
        return Closed(
            start, end, summary, evidence, begun and (whole or self.last_ms >= end - slack)
        )

    def apart(self) -> list[int]:
        """Name the hops that are stored apart: those that will not change any more."""
        return sorted(self.hops)[:-1]

    def filling(self) -> list[NDArray[np.int64]]:
        """Give the counts of the hop that is being filled, if there is one: those that `head` has to tell."""
        return [self.hops[max(self.hops)][0].counts] if self.hops else []

    def hop(self, hop: int, packed: bytes | None = None) -> list[object]:
        """Give a hop as plain values and arrays; `packed` are its counts, where they are packed already."""
        summary, evidence = self.hops[hop]
        counts = pack_ints(summary.counts) if packed is None else packed
        told = [hop, len(summary.counts), counts, summary.extremes, dump_evidence(evidence)]
        return [*told, *dump_unseen(summary)]

    def head(self, packed: Iterator[bytes] | None = None) -> list[object]:
        """Give what changes with every pane, and the names of what is stored apart.

        `packed` has the counts of `filling`, where they are packed already.
        """
        if not self.hops:
            return self._told([])
        *apart, newest = sorted(self.hops)
        return self._told([*apart, self.hop(newest, None if packed is None else next(packed))])

    def payload(self) -> list[object]:
        """Give the state as plain values and arrays."""
        return self._told([self.hop(hop) for hop in sorted(self.hops)])

    def _told(self, hops: list[Any]) -> list[object]:
        places = [self.first_hop, self.next_hop, self.empty_in_a_row, self.first_ms, self.last_ms]
        return [*places, hops]

    def restore(self, payload: Any) -> None:
        """Take the state that `payload` gave."""
        self.first_hop, self.next_hop, self.empty_in_a_row, self.first_ms, self.last_ms, hops = (
            payload
        )
        self.hops = {
            hop: (load_summary(unpack_ints(counts, n), extremes, unseen), load_evidence(e))
            for hop, n, counts, extremes, e, *unseen in hops
        }


def load_summary(counts: Any, extremes: Any, unseen: Any = ()) -> Summary:
    """Make a summary of decoded arrays, which may be read-only, and of what `dump_unseen` gave."""
    return Summary(
        np.array(counts, dtype=np.int64),
        np.array(extremes, dtype=np.float64).reshape(-1, 2),
        load_unseen(unseen),
        load_thinned(unseen),
    )
